//! Whom an attempt is for, and what becomes of it as they go.

use ajar_core::failure::Failure;
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{AttemptNumber, OutcomeView, Step};
use ajar_runtime::engine::EngineHandle;

use super::{Running, connect, find, name};
use crate::world::{Call, World};

fn leave() -> Request {
    Request::Leave { name: name("web") }
}

fn quietly() -> Connect {
    Connect { launch: false, ..connect("web") }
}

/// A click in the tray or the window.
fn click() -> Connect {
    Connect { stays: true, ..connect("web") }
}

async fn asked(face: &EngineHandle, wish: Connect) -> AttemptNumber {
    let reply = face.ask(Request::Connect(wish)).await;
    let Reply::Attempt { number } = reply else { panic!("{reply:?}") };
    number
}

impl Running {
    fn is_cancelled(&self, number: AttemptNumber) -> bool {
        matches!(find(&self.snapshot(), number).unwrap().outcome, Some(OutcomeView::Cancelled(_)))
    }
}

/// An engine whose attempts take a while.
fn slow() -> (std::sync::Arc<World>, Running) {
    let world = World::with(&["web"]);
    world.takes(Call::Policies, 10);
    let running = Running::start(&world);
    (world, running)
}

#[tokio::test(start_paused = true)]
async fn who_leaves_leaves_it_to_the_others_and_the_last_one_cancels_it() {
    let (_world, running) = slow();
    let (first, second) = (running.engine.of_another_face(), running.engine.of_another_face());
    let number = asked(&first, connect("web")).await;
    assert_eq!(asked(&second, connect("web")).await, number);
    assert_eq!(first.ask(leave()).await, Reply::Left);
    assert!(!running.is_cancelled(number));
    assert_eq!(first.ask(leave()).await, Reply::Done, "it has left already");
    assert!(!running.is_cancelled(number));
    assert_eq!(second.ask(leave()).await, Reply::Done);
    assert!(running.is_cancelled(number), "nobody is left");
}

#[tokio::test(start_paused = true)]
async fn a_face_that_is_gone_follows_nothing_any_more() {
    let (world, running) = slow();
    let (first, second) = (running.engine.of_another_face(), running.engine.of_another_face());
    let number = asked(&first, connect("web")).await;
    asked(&second, connect("web")).await;
    drop(second);
    running.done(Request::ShowWindow).await;
    assert_eq!(first.ask(leave()).await, Reply::Done);
    assert!(running.is_cancelled(number));

    let number = asked(&first, connect("web")).await;
    drop(first);
    running.until(|snapshot| find(snapshot, number).is_some_and(|view| view.outcome.is_some())).await;
    assert!(running.is_cancelled(number), "what nobody waits for is not opened");
    assert_eq!(world.count(Call::Initiate), 0);
}

#[tokio::test(start_paused = true)]
async fn who_has_gone_before_its_wish_is_taken_in_has_asked_for_nothing() {
    let (world, running) = slow();
    // Which of the two an engine looks at first that has both before it is left to chance.
    for _ in 0..20 {
        let face = running.engine.of_another_face();
        let answer = face.asked(Request::Connect(connect("web"))).await;
        drop(face);
        let Reply::Attempt { number } = answer.await else { panic!("it is taken in") };
        running.ended(number).await;
        assert!(running.is_cancelled(number));
    }
    assert_eq!(world.count(Call::Initiate), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_clicked_goes_on_without_the_face_it_was_clicked_in() {
    let (world, running) = slow();
    let (window, command) = (running.engine.of_another_face(), running.engine.of_another_face());
    let number = asked(&window, click()).await;
    asked(&command, quietly()).await;
    drop(window);
    assert_eq!(command.ask(leave()).await, Reply::Left);
    let view = running.ended(number).await;
    assert!(matches!(view.outcome, Some(OutcomeView::Connected(_))), "{view:#?}");
    assert_eq!(world.count(Call::Launch), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_is_for_all_whoever_follows() {
    let (_world, running) = slow();
    let other = running.engine.of_another_face();
    let number = asked(&other, click()).await;
    asked(&other, connect("web")).await;
    running.done(Request::Cancel { name: name("web") }).await;
    assert!(running.is_cancelled(number));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_only_the_one_wanted_who_left_is_not_started() {
    let (world, running) = slow();
    let (first, second) = (running.engine.of_another_face(), running.engine.of_another_face());
    let number = asked(&first, quietly()).await;
    asked(&second, connect("web")).await;
    assert_eq!(second.ask(leave()).await, Reply::Left);
    running.ended(number).await;
    assert_eq!(world.count(Call::Launch), 0);
}

#[tokio::test(start_paused = true)]
async fn the_port_that_answers_is_told_of_whatever_becomes_of_the_client_that_somebody_else_wants() {
    let (world, running) = slow();
    world.scene().trouble.insert(Call::Launch, Failure::ClientNotFound { program: "xterm".into() }.into());
    let (first, second) = (running.engine.of_another_face(), running.engine.of_another_face());
    let number = asked(&first, quietly()).await;
    asked(&second, connect("web")).await;
    let view = running.ended(number).await;
    assert!(
        matches!(&view.outcome, Some(OutcomeView::Failed(failure)) if failure.code == "clientNotFound"),
        "{view:#?}"
    );
    let seen = view.clone().without_client();
    let Some(OutcomeView::Connected(reached)) = &seen.outcome else { panic!("{seen:#?}") };
    assert!(reached.window.is_some(), "{reached:?}");
    assert!(!seen.steps.iter().any(|step| step.step == Step::Client), "{:?}", seen.steps);
}
