//! A VPN, or another way to the private address.

use ajar_core::port::PortAnswer;
use ajar_core::snapshot::{OpenedBy, OutcomeView, Step, StepStatus};

use super::Running;
use crate::world::{ADDRESS, Call, PRIVATE, World};

#[tokio::test(start_paused = true)]
async fn who_has_a_way_to_the_private_address_goes_there_and_azure_is_asked_for_no_access() {
    let world = World::with(&["web"]);
    (world.scene().own_way_to, world.scene().private) = (Some(PRIVATE), PortAnswer::Open);
    let running = Running::start(&world);
    let view = running.connected("web").await;
    assert_eq!((world.count(Call::Initiate), view.opened_by()), (0, Some(OpenedBy::Itself)));
    assert_eq!(world.scene().launched[0].host, PRIVATE.to_string());
    let port = view.steps.iter().find(|step| step.step == Step::Port).unwrap();
    assert_eq!(port.detail.as_deref(), Some("10.0.0.4:22, the private address"));
    assert!(!world.read("state.json").contains("10.0.0.4"), "elsewhere it may be another machine's");
}

#[tokio::test(start_paused = true)]
async fn an_address_that_no_way_of_its_own_leads_to_is_not_even_looked_at() {
    let world = World::with(&["web"]);
    // Whoever answers there is another machine.
    (world.scene().own_way_to, world.scene().private) = (Some(ADDRESS), PortAnswer::Open);
    let running = Running::start(&world);
    let view = running.connected("web").await;
    let Some(OutcomeView::Connected(reached)) = &view.outcome else { panic!("{view:#?}") };
    assert_eq!((reached.endpoint.host.clone(), world.count(Call::Initiate)), (ADDRESS.to_string(), 1));
}

#[tokio::test(start_paused = true)]
async fn a_private_address_that_is_silent_holds_up_the_request_for_less_than_a_second() {
    let world = World::with(&["web"]);
    world.scene().own_way_to = Some(PRIVATE);
    let running = Running::start(&world);
    let view = running.connected("web").await;
    let access = view.steps.iter().find(|step| step.step == Step::Access).unwrap();
    assert_eq!(access.status, StepStatus::Done);
    assert!(access.started_ms < Some(1_000), "{access:?}");
}
