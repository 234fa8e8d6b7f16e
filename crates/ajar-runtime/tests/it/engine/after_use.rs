//! What is done with a VM that Ajar has started, once nobody is connected any more.

use std::sync::Arc;
use std::time::Duration;

use ajar_core::after_use::{Keep, Unused};
use ajar_core::failure::{Failure, SignInReason};
use ajar_core::notice::{Told, notices};
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::{AfterUseView, DeallocationEnd, Snapshot};
use ajar_core::vm::PowerState;
use ajar_core::zone::Zone;
use chrono::{Offset as _, TimeDelta, Utc};

use super::{Running, name};
use crate::world::{Call, SOURCE, World, vm};

/// A favourite that says so, of a VM that rests.
fn world(after_use: &str) -> Arc<World> {
    let world = World::with(&["web"]);
    world.write("config.toml", &format!("[profiles.web]\nvm = \"{}\"\nafter_use = \"{after_use}\"\n", vm("web")));
    world.scene().power = PowerState::Deallocated;
    world
}

/// Opens the VM, connects for a while, and leaves.
async fn used(world: &World, running: &Running) {
    running.connected("web").await;
    world.is_connected(true);
    tokio::time::sleep(Duration::from_mins(3)).await;
    world.is_connected(false);
}

fn asked(snapshot: &Snapshot) -> Option<&AfterUseView> {
    snapshot.after_use.first()
}

async fn hours(hours: u64) {
    tokio::time::sleep(Duration::from_hours(hours)).await;
}

/// What is answered to what is asked just now.
fn unused(snapshot: &Snapshot) -> Unused {
    asked(snapshot).unwrap().unused()
}

#[tokio::test(start_paused = true)]
async fn who_has_left_a_vm_that_ajar_started_is_asked_once_and_nothing_is_done() {
    let world = world("ask");
    let running = Running::start(&world);
    let before = running.snapshot();
    used(&world, &running).await;
    let left = world.azure_now();
    let snapshot = running.until(|snapshot| asked(snapshot).is_some()).await;
    let after = world.azure_now() - left;
    assert!((TimeDelta::minutes(5)..TimeDelta::minutes(6)).contains(&after), "{after}");
    let told = notices(
        Some(&before),
        &snapshot,
        &mut Told::default(),
        world.azure_now(),
        Zone::always(Utc.fix(), world.azure_now()),
    );
    assert!(told.iter().any(|notice| notice.title == "web is still running"), "{told:?}");
    assert_eq!(snapshot.favourites[0].started_at, Some(asked(&snapshot).unwrap().started_at));
    let revision = snapshot.revision;
    tokio::time::sleep(Duration::from_mins(30)).await;
    assert_eq!((running.snapshot().revision, world.count(Call::Deallocate)), (revision, 0));
    world.is_connected(true);
    running.until(|snapshot| asked(snapshot).is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_uses_any_more_is_deallocated_two_minutes_after_that_was_told() {
    let world = world("deallocate");
    let running = Running::start(&world);
    used(&world, &running).await;
    let snapshot = running.until(|snapshot| asked(snapshot).is_some()).await;
    let told = world.azure_now();
    let at = asked(&snapshot).unwrap().deallocates_at.unwrap();
    assert_eq!((at - told).num_minutes(), 2);
    let is_over = |snapshot: &Snapshot| snapshot.deallocations.iter().any(|one| one.outcome.is_some());
    let over = running.until(is_over).await;
    assert!((world.azure_now() - at).abs() < TimeDelta::minutes(1));
    assert!(matches!(over.deallocations[0].outcome, Some(DeallocationEnd::Deallocated { already: false, .. })));
    assert!(over.after_use.is_empty() && over.favourites[0].started_at.is_none());
    let looks = world.count(Call::Look);
    hours(3).await;
    assert_eq!((world.count(Call::Deallocate), world.count(Call::Look)), (1, looks), "it is forgotten");
}

#[tokio::test(start_paused = true)]
async fn what_ajar_did_not_start_is_never_asked_about() {
    let world = world("deallocate");
    world.scene().power = PowerState::Running;
    let running = Running::start(&world);
    used(&world, &running).await;
    hours(3).await;
    assert!(running.snapshot().after_use.is_empty());
    assert_eq!((world.count(Call::Deallocate), world.count(Call::Look)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn without_the_key_it_runs_on_and_says_since_when() {
    let world = world("leave");
    let running = Running::start(&world);
    used(&world, &running).await;
    hours(3).await;
    let snapshot = running.snapshot();
    assert!(snapshot.after_use.is_empty() && snapshot.favourites[0].started_at.is_some());
    assert_eq!((world.count(Call::Deallocate), world.count(Call::Look)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn it_is_called_back_for_an_hour_or_for_good() {
    for (said, again) in [(Keep::Later, true), (Keep::Running, false)] {
        let world = world("deallocate");
        let running = Running::start(&world);
        used(&world, &running).await;
        let told = running.until(|snapshot| asked(snapshot).is_some()).await;
        running.done(Request::KeepRunning { unused: unused(&told), keep: said }).await;
        assert!(running.snapshot().after_use.is_empty());
        tokio::time::sleep(Duration::from_mins(59)).await;
        assert_eq!((running.snapshot().after_use.len(), world.count(Call::Deallocate)), (0, 0));
        tokio::time::sleep(Duration::from_mins(10)).await;
        assert_eq!(world.count(Call::Deallocate), usize::from(again), "{said:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_only_while_it_is_asked_and_for_the_start_that_it_is_about() {
    let world = world("ask");
    let running = Running::start(&world);
    used(&world, &running).await;
    let told = running.until(|snapshot| asked(snapshot).is_some()).await;
    let (old, other) = (unused(&told), Unused { started_at: world.azure_now(), ..unused(&told) });
    let answers = |unused: &Unused| {
        let keep = |keep| Request::KeepRunning { unused: unused.clone(), keep };
        [Request::DeallocateUnused { unused: unused.clone() }, keep(Keep::Later), keep(Keep::Running)]
    };
    for answer in answers(&other) {
        assert_eq!(running.refused(answer).await.code, "notAskedAnyMore");
    }
    world.is_connected(true);
    running.until(|snapshot| asked(snapshot).is_none()).await;
    for answer in answers(&old) {
        assert_eq!(running.refused(answer).await.code, "notAskedAnyMore");
    }
    world.is_connected(false);
    let again = running.until(|snapshot| asked(snapshot).is_some()).await;
    assert_eq!(world.count(Call::Deallocate), 0, "nothing was done, and it is asked again");
    let reply = running.ask(Request::DeallocateUnused { unused: unused(&again) }).await;
    assert!(matches!(reply, Reply::Deallocation { .. }), "{reply:?}");
    running.until(|snapshot| snapshot.deallocations.iter().any(|one| one.outcome.is_some())).await;
    assert_eq!(world.count(Call::Deallocate), 1);
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_open_stays() {
    let world = world("deallocate");
    let running = Running::start(&world);
    used(&world, &running).await;
    let elsewhere = world.request(&vm("web"), SOURCE, world.azure_now() + TimeDelta::hours(2), "bob@contoso.com");
    world.scene().requests.push(elsewhere);
    tokio::time::sleep(Duration::from_mins(100)).await;
    assert_eq!((running.snapshot().after_use.len(), world.count(Call::Deallocate)), (0, 0));
    hours(1).await;
    assert_eq!(world.count(Call::Deallocate), 1, "the other one's access is over");
}

#[tokio::test(start_paused = true)]
async fn who_cannot_ask_azure_deallocates_nothing() {
    let world = world("deallocate");
    let running = Running::start(&world);
    used(&world, &running).await;
    world.scene().trouble.insert(
        Call::Policies,
        Failure::RequestRefused { azure_code: "Forbidden".into(), azure_message: "no".into() }.into(),
    );
    hours(2).await;
    assert_eq!((running.snapshot().after_use.len(), world.count(Call::Deallocate)), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_account_that_has_to_sign_in_is_not_asked_every_few_minutes() {
    let world = world("ask");
    let running = Running::start(&world);
    used(&world, &running).await;
    let failure = Failure::sign_in_required("work", SignInReason::Expired);
    world.scene().trouble.insert(Call::Policies, failure.into());
    let before = world.count(Call::Policies);
    hours(2).await;
    let asked_for = world.count(Call::Policies) - before;
    assert!((1..=4).contains(&asked_for), "{asked_for} times in two hours");
    // Somebody has signed in.
    world.scene().trouble.clear();
    hours(1).await;
    assert!(asked(&running.snapshot()).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_is_gone_is_forgotten() {
    let world = world("deallocate");
    let running = Running::start(&world);
    used(&world, &running).await;
    world.scene().trouble.insert(Call::Vm, Failure::VmNotFound { vm: vm("web").to_string() }.into());
    hours(1).await;
    assert!(running.snapshot().after_use.is_empty() && running.snapshot().favourites[0].started_at.is_none());
    let asked = world.count(Call::Vm);
    hours(3).await;
    assert_eq!(world.count(Call::Vm), asked, "nothing asks for it any more");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_else_has_brought_to_rest_is_forgotten_quietly() {
    let world = world("ask");
    let running = Running::start(&world);
    used(&world, &running).await;
    world.scene().power = PowerState::Deallocated;
    hours(1).await;
    let snapshot = running.snapshot();
    assert!(snapshot.after_use.is_empty() && snapshot.favourites[0].started_at.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_next_host_knows_what_was_started_and_asks_after_an_idleness_of_its_own() {
    let world = world("ask");
    let first = Running::start(&world);
    used(&world, &first).await;
    let started = first.snapshot().favourites[0].started_at;
    first.end().await;
    let second = Running::start(&world);
    assert_eq!(second.snapshot().favourites[0].started_at, started);
    let taken_over = world.azure_now();
    second.until(|snapshot| asked(snapshot).is_some()).await;
    let after = world.azure_now() - taken_over;
    assert!((TimeDelta::minutes(5)..TimeDelta::minutes(6)).contains(&after), "{after}");
    second.end().await;
    let third = Running::start(&world);
    assert!(asked(&third.snapshot()).is_some(), "it is asked still, and not once more");
}

#[tokio::test(start_paused = true)]
async fn a_deallocation_that_fails_is_told_once_and_not_tried_again() {
    let world = world("deallocate");
    let running = Running::start(&world);
    used(&world, &running).await;
    let refused = Failure::RequestRefused { azure_code: "Forbidden".into(), azure_message: "no".into() };
    world.scene().trouble.insert(Call::Deallocate, refused.into());
    hours(5).await;
    assert_eq!(world.count(Call::Deallocate), 1);
    assert!(matches!(running.snapshot().deallocations[0].outcome, Some(DeallocationEnd::Failed(_))));
}

#[tokio::test(start_paused = true)]
async fn where_it_is_not_known_any_more_where_a_vm_was_reached_somebody_is_asked_in_place_of_deallocating_it() {
    let world = world("leave");
    world.scene().is_static = false;
    let first = Running::start(&world);
    first.connected("web").await;
    first.end().await;
    assert!(!world.read("state.json").contains(&crate::world::ADDRESS.to_string()), "nothing hangs on it");
    let second = Running::start(&world);
    let text = world.read("config.toml");
    world.write("config.toml", &text.replace("leave", "deallocate"));
    second.done(Request::ReadSettings).await;
    world.is_connected(true);
    hours(3).await;
    assert_eq!((asked(&second.snapshot()).unwrap().deallocates_at, world.count(Call::Deallocate)), (None, 0));
}

#[tokio::test(start_paused = true)]
async fn a_new_name_takes_its_rule_along_and_another_favourite_of_the_vm_makes_no_harder_one() {
    for by_hand in [false, true] {
        let world = world("leave");
        let zz = format!("[profiles.a1]\nvm = \"{}\"\nafter_use = \"deallocate\"\n", vm("web"));
        let text = world.read("config.toml");
        world.write("config.toml", &format!("{zz}{text}"));
        let running = Running::start(&world);
        used(&world, &running).await;
        if by_hand {
            let text = world.read("config.toml").replace("profiles.web", "profiles.web2");
            world.write("config.toml", &text);
            running.done(Request::ReadSettings).await;
        } else {
            let profile =
                running.snapshot().favourites.iter().find(|one| one.name == name("web")).unwrap().profile.clone();
            running.done(Request::Edit { name: name("web"), rename: Some(name("web2")), before: None, profile }).await;
        }
        hours(3).await;
        let snapshot = running.snapshot();
        assert_eq!((snapshot.after_use.len(), world.count(Call::Deallocate)), (0, 0), "by hand: {by_hand}");
        assert!(snapshot.favourites.iter().all(|one| one.started_at.is_some()));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_out_of_sight_for_a_while_is_asked_about_in_place_of_being_deallocated() {
    let world = world("deallocate");
    let first = Running::start(&world);
    used(&world, &first).await;
    first.end().await;
    // Meanwhile a colleague may have brought it to rest, and started it.
    let second = Running::start(&world);
    second.connected("web").await;
    world.is_connected(true);
    tokio::time::sleep(Duration::from_mins(3)).await;
    world.is_connected(false);
    let snapshot = second.until(|snapshot| asked(snapshot).is_some()).await;
    let question = asked(&snapshot).unwrap();
    assert!(question.deallocates_at.is_none() && question.text.contains("started it anew"), "{question:?}");
    hours(3).await;
    assert_eq!(world.count(Call::Deallocate), 0);
}

#[tokio::test(start_paused = true)]
async fn a_question_ends_when_azure_says_that_the_vm_rests_and_with_it_what_was_known() {
    let world = world("ask");
    let running = Running::start(&world);
    used(&world, &running).await;
    running.until(|snapshot| asked(snapshot).is_some()).await;
    world.scene().power = PowerState::Deallocated;
    tokio::time::sleep(Duration::from_mins(31)).await;
    world.scene().power = PowerState::Running;
    let snapshot = running.snapshot();
    assert!(snapshot.after_use.is_empty() && snapshot.favourites[0].started_at.is_none());
    hours(3).await;
    assert!(running.snapshot().after_use.is_empty(), "it is somebody else's");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_while_somebody_is_connected_counts_from_then_on() {
    let world = world("leave");
    world.scene().is_static = false;
    let running = Running::start(&world);
    running.connected("web").await;
    world.is_connected(true);
    let text = world.read("config.toml");
    world.write("config.toml", &text.replace("leave", "deallocate"));
    running.done(Request::ReadSettings).await;
    hours(1).await;
    assert_eq!((running.snapshot().after_use.len(), world.count(Call::Deallocate)), (0, 0));
    world.is_connected(false);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.count(Call::Deallocate), 1);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_was_given_up_leaves_a_vm_that_somebody_is_asked_about() {
    let world = world("ask");
    world.takes(Call::Start, 30);
    let running = Running::start(&world);
    running.connect("web").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Start)).await;
    running.done(Request::Cancel { name: name("web") }).await;
    let began = world.azure_now();
    running.until(|snapshot| asked(snapshot).is_some()).await;
    assert!(world.azure_now() - began >= TimeDelta::minutes(30));
}

/// A deallocation that begins by itself, and looks at the VM for so long that something can come in between.
async fn on_its_way(world: &World, running: &Running) -> Unused {
    used(world, running).await;
    let told = running.until(|snapshot| asked(snapshot).is_some()).await;
    world.takes(Call::Vm, 8);
    running.until(|snapshot| !snapshot.deallocations.is_empty()).await;
    assert_eq!(world.count(Call::Deallocate), 0);
    unused(&told)
}

#[tokio::test(start_paused = true)]
async fn who_connects_before_azure_is_asked_to_deallocate_is_not_cut_off() {
    let world = world("deallocate");
    let running = Running::start(&world);
    on_its_way(&world, &running).await;
    world.is_connected(true);
    tokio::time::sleep(Duration::from_mins(20)).await;
    let snapshot = running.snapshot();
    assert_eq!((snapshot.deallocations.len(), snapshot.after_use.len(), world.count(Call::Deallocate)), (0, 0, 0));
    world.is_connected(false);
    tokio::time::sleep(Duration::from_mins(10)).await;
    assert_eq!(world.count(Call::Deallocate), 1);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_finds_somebody_takes_back_a_deallocation_that_has_not_left() {
    let world = world("deallocate");
    let running = Running::start(&world);
    on_its_way(&world, &running).await;
    // Azure takes longer than until the next look.
    world.takes(Call::Token, 600);
    tokio::time::sleep(Duration::from_secs(10)).await;
    world.is_connected(true);
    running.until(|snapshot| snapshot.deallocations.is_empty()).await;
    hours(1).await;
    assert_eq!(world.count(Call::Deallocate), 0);
}

#[tokio::test(start_paused = true)]
async fn who_opens_the_vm_or_keeps_it_takes_back_what_was_begun_by_itself() {
    for opens in [true, false] {
        let world = world("deallocate");
        let running = Running::start(&world);
        let unused = on_its_way(&world, &running).await;
        if opens {
            running.connected("web").await;
        } else {
            running.done(Request::KeepRunning { unused, keep: Keep::Running }).await;
        }
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert_eq!((running.snapshot().deallocations.len(), world.count(Call::Deallocate)), (0, 0), "{opens}");
    }
}
