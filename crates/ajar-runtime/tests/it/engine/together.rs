//! Several favourites at once.

use ajar_core::attempt::InitiateFailure;
use ajar_core::failure::Failure;
use ajar_core::protocol::{Connect, Reply, Request, Together};
use ajar_core::snapshot::{AttemptNumber, OutcomeView};

use super::{Running, connect};
use crate::world::{Call, World, vm};

async fn begun(running: &Running, wish: Connect) -> AttemptNumber {
    let reply = running.engine.ask(Request::Connect(wish)).await;
    let Reply::Attempt { number } = reply else { panic!("{reply:?}") };
    number
}

/// Opens them together, and waits for all to end; how many of them are open.
async fn opened(running: &Running, names: &[&str], wish: impl Fn(&str) -> Connect) -> usize {
    let together = Some(Together { id: 1, many: u32::try_from(names.len()).unwrap() });
    let mut numbers = Vec::new();
    for name in names {
        numbers.push(begun(running, Connect { together, ..wish(name) }).await);
    }
    let mut open = 0;
    for number in numbers {
        let outcome = running.ended(number).await.outcome;
        open += usize::from(matches!(outcome, Some(OutcomeView::Connected(_) | OutcomeView::Extended(_))));
    }
    open
}

#[tokio::test(start_paused = true)]
async fn what_is_opened_together_is_asked_for_in_one_request_of_one_policy() {
    let world = World::with(&["web", "db", "app"]);
    let running = Running::start(&world);
    assert_eq!(opened(&running, &["web", "db", "app"], connect).await, 3);
    assert_eq!(world.scene().asked_together, [[vm("web"), vm("db"), vm("app")]]);
    assert_eq!(running.snapshot().windows.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn who_gives_another_reason_asks_alone() {
    let world = World::with(&["web", "db", "app"]);
    let running = Running::start(&world);
    let because = |name: &str| Connect { reason: (name == "app").then(|| "audit".into()), ..connect(name) };
    assert_eq!(opened(&running, &["web", "db", "app"], because).await, 3);
    assert_eq!(world.scene().asked_together, [[vm("web"), vm("db")]]);
    assert_eq!(world.count(Call::Initiate), 3);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_those_that_do_not_come() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let missing = Some(Together { id: 1, many: 2 });
    let began = tokio::time::Instant::now();
    let number = begun(&running, Connect { together: missing, ..connect("web") }).await;
    running.ended(number).await;
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    assert_eq!((world.count(Call::Initiate), world.scene().asked_together.len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn one_of_them_that_is_refused_leaves_the_others_open() {
    let world = World::with(&["web", "db"]);
    let refused = Failure::RequestRefused { azure_code: "X".into(), azure_message: "No.".into() };
    world.scene().initiate.push_back((InitiateFailure::Refused(refused.into()), false));
    let running = Running::start(&world);
    assert_eq!(opened(&running, &["web", "db"], connect).await, 1);
}
