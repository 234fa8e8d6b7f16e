//! What the journal tells of attempts.

use ajar_core::journal::{Opening, OpeningResult};
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{Step, StepStatus, StepView};
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
    let running = Running::start(&world);
    let given_up = running.connect("web").await;
    let is_starting = |view: &StepView| view.step == Step::Start && view.status == StepStatus::Running;
    running.until(|snapshot| find(snapshot, given_up).is_some_and(|view| view.steps.iter().any(is_starting))).await;
    running.done(Request::Cancel { name: name("web") }).await;
    running.connected("web").await;
    running.connected("web").await;
    let passing = Request::Connect(Connect { launch: false, passing: true, ..connect("web") });
    let Reply::Attempt { number } = running.ask(passing).await else { panic!("it is taken") };
    running.ended(number).await;

    let told = journal(&world);
    let results: Vec<_> = told.iter().map(|opening| opening.result).collect();
    let (cancelled, connected) = (OpeningResult::Cancelled, OpeningResult::Connected);
    assert_eq!(results, [cancelled, connected, connected], "{told:#?}");
    assert!(told[1].requested && !told[2].requested, "{told:#?}");
    assert_eq!(told[0].code.as_deref(), Some("cancelled"));
    assert!(told[1].started && told[1].elapsed_ms >= 1_000 && told[1].end_time_utc.is_some(), "{told:#?}");
    assert!(told.iter().all(|opening| opening.account.is_some() && opening.name == name("web")), "{told:#?}");
}
