//! What the journal tells of attempts.

use std::io::Write as _;
use std::time::Duration;

use ajar_core::journal::{Format, Opening, OpeningResult};
use ajar_core::protocol::{Connect, Deallocate, Reply, Request};
use ajar_core::snapshot::{HistoryView, Step, StepStatus, StepView};
use ajar_core::vm::PowerState;
use ajar_runtime::files::JournalFile;

use super::{Running, connect, find, name};
use crate::world::{Call, World};

/// The journal's lines.
fn journal(world: &World) -> Vec<Opening> {
    let journal = JournalFile::new(world.folder().journal()).read().unwrap();
    assert_eq!(journal.unreadable, 0);
    journal.openings
}

#[tokio::test(start_paused = true)]
async fn what_was_opened_or_given_up_is_in_the_journal_once_and_a_way_through_an_open_door_is_not() {
    let world = World::with(&["web"]);
    world.scene().power = PowerState::Deallocated;
    world.takes(Call::Start, 30);
    // What is given up has not left yet: else it would hang on the disk whether access was asked for by then.
    world.takes(Call::Token, 5);
    let running = Running::start(&world);
    let given_up = running.connect("web").await;
    let is_starting = |view: &StepView| view.step == Step::Start && view.status == StepStatus::Running;
    running.until(|snapshot| find(snapshot, given_up).is_some_and(|view| view.steps.iter().any(is_starting))).await;
    running.done(Request::Cancel { name: name("web") }).await;
    world.takes(Call::Token, 0);
    running.connected("web").await;
    running.connected("web").await;
    let passing = Request::Connect(Connect { launch: false, passing: true, ..connect("web") });
    let Reply::Attempt { number } = running.ask(passing).await else { panic!("it is taken") };
    running.ended(number).await;

    let told = journal(&world);
    let results: Vec<_> = told.iter().map(|opening| opening.result).collect();
    let (cancelled, connected) = (OpeningResult::Cancelled, OpeningResult::Connected);
    assert_eq!(results, [cancelled, connected, connected], "{told:#?}");
    assert!(!told[0].requested && told[1].requested && !told[2].requested, "{told:#?}");
    assert_eq!(told[0].code.as_deref(), Some("cancelled"));
    assert!(told[1].started && told[1].elapsed_ms >= 1_000 && told[1].end_time_utc.is_some(), "{told:#?}");
    assert!(told.iter().all(|opening| opening.account.is_some() && opening.name == name("web")), "{told:#?}");
}

/// What is told to who looks back.
async fn history(running: &Running, query: &str, limit: u32) -> HistoryView {
    let reply = running.ask(Request::History { query: query.into(), limit }).await;
    let Reply::History { history } = reply else { panic!("{reply:?}") };
    history
}

#[tokio::test(start_paused = true)]
async fn who_looks_back_is_told_the_newest_first_in_words_and_of_what_fits_alone() {
    let world = World::with(&["web", "db"]);
    world.scene().power = PowerState::Deallocated;
    let running = Running::start(&world);
    let empty = history(&running, "", 9).await;
    assert_eq!((empty.total, empty.nothing.as_deref()), (0, Some("Nothing has been opened yet.")));
    running.connected("web").await;
    // When the end of an attempt is told, it can be looked up.
    assert_eq!(history(&running, "", 9).await.total, 1);
    let number = running.ask(Request::Connect(Connect { reason: Some("ticket 7".into()), ..connect("db") })).await;
    let Reply::Attempt { number } = number else { panic!("{number:?}") };
    running.ended(number).await;
    std::fs::OpenOptions::new().append(true).open(world.folder().journal()).unwrap().write_all(b"torn").unwrap();

    let all = history(&running, "", 1).await;
    assert_eq!((all.total, all.openings.len(), all.nothing.as_deref()), (2, 1, None));
    assert!(all.unreadable.is_some_and(|told| told.starts_with("One line of ")));
    let newest = &all.openings[0];
    assert_eq!((newest.name.as_str(), newest.result.as_str(), newest.kind), ("db", "opened", OpeningResult::Connected));
    assert_eq!((newest.reason.as_deref(), newest.port), (Some("ticket 7"), Some(22)));
    assert!(newest.source.is_some() && newest.account.is_some(), "{newest:#?}");
    let found = history(&running, "TICKET opened", 9).await;
    assert_eq!(found.openings, all.openings);
    let started = &history(&running, "web", 9).await.openings[0];
    assert_eq!(started.result, "opened, VM started");
    assert!(started.until.is_some() && started.length.is_some() && started.elapsed_ms > 0, "{started:#?}");
    let nothing = history(&running, "nosuch", 9).await;
    assert_eq!((nothing.total, nothing.nothing.as_deref()), (0, Some("Nothing that was opened fits “nosuch”.")));
}

#[tokio::test(start_paused = true)]
async fn who_exports_is_given_what_fits_as_the_journal_has_it() {
    let world = World::with(&["web", "db"]);
    let running = Running::start(&world);
    running.connected("web").await;
    running.connected("db").await;
    let ask = |query: &str, format| running.ask(Request::ExportHistory { query: query.into(), format });
    let Reply::Exported { text, count: 2 } = ask("", Format::Json).await else { panic!("it is exported") };
    assert_eq!(serde_json::from_str::<Vec<Opening>>(&text).unwrap(), journal(&world));
    let Reply::Exported { text, count: 1 } = ask("db", Format::Csv).await else { panic!("it is exported") };
    let lines: Vec<_> = text.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, Opening::MEMBERS.join(",").as_str()));
    assert!(lines[1].contains(",db,"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_cannot_be_read_is_told_of_with_where_it_lies() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    std::fs::create_dir(world.folder().journal()).unwrap();
    let refusal = running.refused(Request::History { query: String::new(), limit: 9 }).await;
    assert!(refusal.message.contains("journal.jsonl"), "{refusal:#?}");
}

#[tokio::test(start_paused = true)]
async fn what_took_until_after_something_newer_stands_where_it_was_asked_for() {
    let world = World::with(&["web", "db"]);
    world.takes(Call::Deallocate, 120);
    let running = Running::start(&world);
    let reply = running.ask(Request::Deallocate(Deallocate::new(name("web")))).await;
    assert!(matches!(reply, Reply::Deallocation { .. }), "{reply:?}");
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Deallocate)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    running.connected("db").await;
    running.until(|snapshot| snapshot.deallocations.iter().any(|one| one.outcome.is_some())).await;
    let names = |told: &[Opening]| told.iter().map(|opening| opening.name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&journal(&world)), ["db", "web"], "by their ends");
    let told = history(&running, "", 9).await;
    let shown: Vec<_> = told.openings.iter().map(|opening| opening.name.to_string()).collect();
    assert_eq!(shown, ["db", "web"], "the newest first");
}
