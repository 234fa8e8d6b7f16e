//! One engine, many faces: over the real local socket, in one process.

mod peers;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ajar_core::failure::Failure;
use ajar_core::profile::Profile;
use ajar_core::protocol::{Connect, Reply, Request};
use ajar_core::snapshot::{AttemptView, FailureView, OutcomeView, Snapshot};
use ajar_runtime::hosting::{Face, Following, Opening};
use futures::future::join_all;

use crate::engine::{connect, name};
use crate::world::{Call, World, vm};

/// What must come true does so long before this, on a machine under load too.
const LIMIT: Duration = Duration::from_mins(1);

/// Faces of one world. Their engines are counted.
struct Faces {
    world: Arc<World>,
    engines: Arc<AtomicUsize>,
}

impl Faces {
    fn of(names: &[&str]) -> Self {
        Self { world: World::with(names), engines: Arc::default() }
    }

    fn opening(&self) -> Opening {
        let (world, engines) = (Arc::clone(&self.world), Arc::clone(&self.engines));
        let parts = move || {
            engines.fetch_add(1, Ordering::Relaxed);
            Box::pin(std::future::ready(Ok(world.parts()))) as _
        };
        Opening { folder: self.world.folder(), parts: Box::new(parts) }
    }

    async fn open(&self) -> Face {
        soon(Face::open(self.opening())).await.unwrap()
    }

    fn engines(&self) -> usize {
        self.engines.load(Ordering::Relaxed)
    }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(LIMIT, work).await.expect("it never came true")
}

/// Follows an attempt to its end.
pub(crate) async fn to_the_end(following: &mut Following) -> Result<AttemptView, FailureView> {
    soon(async {
        loop {
            let view = following.next().await?;
            if view.outcome.is_some() {
                return Ok(view);
            }
        }
    })
    .await
}

fn is_connected(view: &AttemptView) -> bool {
    matches!(view.outcome, Some(OutcomeView::Connected(_)))
}

#[tokio::test]
async fn the_first_face_hosts_and_the_second_sees_the_same() {
    let faces = Faces::of(&["web"]);
    let (host, attached) = (faces.open().await, faces.open().await);
    assert_eq!(faces.engines(), 1);
    assert_eq!(host.snapshot(), attached.snapshot());

    let add = Request::Add { name: name("db"), profile: Profile::new(vm("db")) };
    assert_eq!(soon(attached.ask(add)).await, Reply::Done);
    assert_eq!(attached.snapshot().favourites.len(), 2, "what was asked for is there with the answer");
    soon(host.wait_for(|snapshot| snapshot.favourites.len() == 2)).await.unwrap();
    assert_eq!(soon(host.ask(Request::Remove { name: name("db") })).await, Reply::Done);
    assert_eq!(host.snapshot().favourites.len(), 1);
    soon(attached.wait_for(|snapshot| snapshot.favourites.len() == 1)).await.unwrap();

    let view = to_the_end(&mut attached.connect(connect("web")).await).await.unwrap();
    assert!(is_connected(&view), "{view:#?}");
    let Reply::Refused { failure } = soon(attached.ask(Request::Cancel { name: name("nobody") })).await else {
        panic!("who should that be?")
    };
    assert_eq!(failure.code, "unknownFavourite");
}

#[tokio::test]
async fn when_the_host_goes_an_attached_face_goes_on_without_a_second_request() {
    let faces = Faces::of(&["web"]);
    faces.world.takes(Call::Initiate, 1);
    let host = faces.open().await;
    let attached = faces.open().await;
    let mut following = attached.connect(connect("web")).await;
    faces.world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Initiate)).await;
    drop(host);
    let view = to_the_end(&mut following).await.unwrap();
    assert!(is_connected(&view), "{view:#?}");
    assert_eq!(faces.engines(), 2);
    assert_eq!(faces.world.count(Call::Initiate), 1);
    assert_eq!(faces.world.count(Call::Launch), 1);
    assert_eq!(to_the_end(&mut following).await.unwrap(), view, "the end stays the end");
}

#[tokio::test]
async fn of_twenty_faces_that_open_at_once_one_hosts_and_when_it_goes_another_does() {
    let faces = Faces::of(&["web"]);
    let mut open: Vec<_> = join_all((0..20).map(|_| faces.open())).await;
    assert_eq!(faces.engines(), 1);
    let before = open[0].snapshot();
    assert!(open.iter().all(|face| face.snapshot() == before));
    while open.len() > 16 {
        // Whoever hosts goes sooner or later.
        drop(open.remove(0));
        for face in &open {
            assert_eq!(soon(face.ask(Request::Dismiss { name: name("web") })).await, Reply::Done);
        }
    }
    let asked = open.iter().map(|face| face.ask(Request::ShowWindow));
    assert!(soon(join_all(asked)).await.iter().all(|reply| *reply == Reply::Done));
    for face in &open {
        soon(face.wait_for(|snapshot| snapshot.window_wanted == 16)).await.unwrap();
    }
}

#[tokio::test]
async fn a_face_that_is_dropped_lets_go_of_the_lock_once_its_engine_has_ended() {
    let faces = Faces::of(&["web"]);
    let only = faces.open().await;
    let lock = std::fs::File::open(faces.world.folder().engine_lock()).unwrap();
    assert!(lock.try_lock().is_err(), "it hosts");
    to_the_end(&mut only.connect(connect("web")).await).await.unwrap();
    drop(only);
    soon(tokio::task::spawn_blocking(move || lock.lock())).await.unwrap().unwrap();
    let state: serde_json::Value = serde_json::from_str(&faces.world.read("state.json")).unwrap();
    assert_eq!(state["unsettled"], serde_json::json!({}), "all was on the disk by then");
}

#[tokio::test]
async fn an_attempt_that_another_face_dismisses_does_not_leave_its_follower_waiting() {
    let faces = Faces::of(&["web"]);
    faces.world.scene().trouble.insert(Call::Detect, Failure::SourceUnknown.into());
    let (host, attached) = (faces.open().await, faces.open().await);
    for face in [&host, &attached] {
        let mut following = face.connect(connect("web")).await;
        soon(face.wait_for(|snapshot| snapshot.attempts.iter().any(|attempt| attempt.outcome.is_some())))
            .await
            .unwrap();
        assert_eq!(soon(host.ask(Request::Dismiss { name: name("web") })).await, Reply::Done);
        soon(face.wait_for(|snapshot| snapshot.attempts.is_empty())).await.unwrap();
        let view = to_the_end(&mut following).await.unwrap();
        assert!(matches!(view.outcome, Some(OutcomeView::Failed(_))), "its end was seen before");
    }
}

#[tokio::test]
async fn who_follows_an_attempt_hears_that_its_favourite_was_removed() {
    let faces = Faces::of(&["web", "db"]);
    faces.world.takes(Call::Start, 3_600);
    faces.world.scene().power = ajar_core::vm::PowerState::Deallocated;
    let (host, attached) = (faces.open().await, faces.open().await);
    for (favourite, follower, remover) in [("web", &host, &attached), ("db", &attached, &host)] {
        let mut following = follower.connect(connect(favourite)).await;
        soon(remover.wait_for(|snapshot| snapshot.windows.iter().any(|window| window.name == name(favourite))))
            .await
            .unwrap();
        assert_eq!(soon(remover.ask(Request::Remove { name: name(favourite) })).await, Reply::Done);
        let view = to_the_end(&mut following).await.unwrap();
        let Some(OutcomeView::Cancelled(failure)) = view.outcome else { panic!("{view:#?}") };
        assert_eq!(failure.code, "favouriteRemoved");
        assert!(failure.message.contains("Azure keeps the port open until"), "{}", failure.message);
    }
}

#[tokio::test]
async fn a_refusal_reaches_the_follower() {
    let faces = Faces::of(&["web"]);
    let (host, attached) = (faces.open().await, faces.open().await);
    for face in [host, attached] {
        let failure = to_the_end(&mut face.connect(connect("nobody")).await).await.unwrap_err();
        assert_eq!(failure.code, "unknownFavourite");
    }
}

#[tokio::test]
async fn who_cannot_make_an_engine_says_why_and_is_in_nobodys_way() {
    let faces = Faces::of(&["web", "db"]);
    let parts =
        || Box::pin(std::future::ready(Err(Failure::UnknownCloud { name: "x".into(), known: vec![] }.into()))) as _;
    let opening = || Opening { folder: faces.world.folder(), parts: Box::new(parts) };
    let trouble = soon(Face::open(opening())).await.unwrap_err();
    assert!(matches!(trouble.failure, Failure::UnknownCloud { .. }));

    let host = faces.open().await;
    let attached = soon(Face::open(opening())).await.unwrap();
    assert_eq!(soon(attached.ask(Request::ShowWindow)).await, Reply::Done, "it needs no engine of its own");
    // An attempt that has ended by then keeps its end; one that has not cannot go on, and says why.
    let mut ended = attached.connect(connect("web")).await;
    let view = to_the_end(&mut ended).await.unwrap();
    assert!(is_connected(&view), "{view:#?}");
    faces.world.takes(Call::Policies, 3_600);
    let mut under_way = attached.connect(connect("db")).await;
    soon(attached.wait_for(|snapshot| snapshot.attempts.iter().any(|attempt| attempt.outcome.is_none())))
        .await
        .unwrap();
    drop(host);
    assert_eq!(to_the_end(&mut under_way).await.unwrap_err().code, "unknownCloud", "no host is to be had");
    assert_eq!(to_the_end(&mut ended).await.unwrap(), view);
    assert_eq!(faces.world.count(Call::Launch), 1, "for web, and not for db");
    assert_eq!(faces.world.count(Call::Initiate), 1, "for web, and not for db");
    assert_eq!(faces.engines(), 1);
    let Reply::Refused { failure } = soon(attached.ask(Request::ShowWindow)).await else { panic!("nobody is left") };
    assert_eq!(failure.code, "unknownCloud");
}

#[tokio::test]
async fn a_face_that_wants_no_client_is_connected_though_anothers_client_is_not_to_be_had() {
    let faces = Faces::of(&["web"]);
    faces.world.takes(Call::Policies, 1);
    faces.world.scene().trouble.insert(Call::Launch, Failure::ClientNotFound { program: "xterm".into() }.into());
    let (quiet, loud) = (faces.open().await, faces.open().await);
    let mut without = quiet.connect(Connect { launch: false, ..connect("web") }).await;
    let mut with = loud.connect(connect("web")).await;
    let view = to_the_end(&mut without).await.unwrap();
    assert!(is_connected(&view), "{view:#?}");
    let view = to_the_end(&mut with).await.unwrap();
    assert!(
        matches!(&view.outcome, Some(OutcomeView::Failed(failure)) if failure.code == "clientNotFound"),
        "{view:#?}"
    );
}

#[tokio::test]
async fn what_somebody_writes_into_the_settings_is_seen_without_anybody_asking() {
    let faces = Faces::of(&["web"]);
    let (host, attached) = (faces.open().await, faces.open().await);
    faces.world.write("config.toml", &format!("[profiles.other]\nvm = \"{}\"\n", vm("other")));
    for face in [&host, &attached] {
        let named = |snapshot: &Snapshot| snapshot.favourites.iter().any(|favourite| favourite.name == name("other"));
        soon(face.wait_for(named)).await.unwrap();
    }
    faces.world.write("config.toml", "[profiles.other\n");
    soon(attached.wait_for(|snapshot| snapshot.settings_problem.is_some())).await.unwrap();
    assert_eq!(attached.snapshot().favourites.len(), 1, "the last good ones stay in force");
}
