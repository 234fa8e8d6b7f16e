//! VMs that were opened lately and are no favourites.

use ajar_core::profile::Profile;
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::OutcomeView;

use super::{Running, connect, name};
use crate::world::{World, vm};

fn recents(running: &Running) -> Vec<String> {
    running.snapshot().recents.iter().map(|recent| recent.opens.name.to_string()).collect()
}

async fn opened(running: &Running, wish: Connect) {
    let Reply::Attempt { number } = running.ask(Request::Connect(wish)).await else { panic!("it is taken") };
    let view = running.ended(number).await;
    assert!(matches!(view.outcome, Some(OutcomeView::Connected(_))), "{view:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_opened_and_is_no_favourite_is_told_of_and_opened_again_by_its_name_also_by_the_next_host() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.connected("web").await;
    assert_eq!(recents(&running), [""; 0], "a favourite stands among the favourites");
    let guest = Connect { profile: Some(Profile::new(vm("lab"))), ..connect("lab") };
    opened(&running, guest).await;
    assert_eq!(recents(&running), ["lab"]);
    running.end().await;

    let running = Running::start(&world);
    let snapshot = running.snapshot();
    let recent = &snapshot.recents[0];
    assert_eq!((recent.opens.profile.vm.clone(), recent.port), (vm("lab"), 22));
    assert!(recent.detail.starts_with("rg · opened "), "{}", recent.detail);
    opened(&running, connect("lab")).await;
    assert_eq!(recents(&running), ["lab"]);

    running.done(Request::Add { name: name("mine"), profile: Profile::new(vm("lab")) }).await;
    assert_eq!(recents(&running), [""; 0]);
    running.done(Request::Remove { name: name("mine") }).await;
    running.done(Request::Add { name: name("lab"), profile: Profile::new(vm("other")) }).await;
    assert_eq!(recents(&running), ["lab-2"], "its name leads elsewhere now");
}
