//! Signing out, and what becomes of the favourites of who has gone.

use ajar_core::profile::Profile;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::Snapshot;

use super::Running;
use super::signing_in::{begin, done, wish, world, world_of_default};
use crate::world::{Call, vm};

#[tokio::test(start_paused = true)]
async fn signing_out_removes_all_there_is_and_says_what() {
    let world = world("");
    let favourite = world.read("config.toml");
    world.write("config.toml", &(favourite + "account = \"ada\"\n"));
    let running = Running::start(&world);
    begin(&running, wish(Some("ada"))).await;
    done(&running).await;
    running.done(Request::Refresh).await;
    let snapshot = running.until(|snapshot| !snapshot.refreshing).await;
    assert_eq!(snapshot.refresh_problem, None);
    let Reply::SignedOut { removed, remains, acts, left } =
        running.ask(Request::SignOut { name: "ADA".parse().unwrap() }).await
    else {
        panic!("not signed out")
    };
    assert_eq!((removed.len(), acts, left), (2, None, None), "{removed:?}");
    assert!(removed[0].contains("keychain") && removed[1].contains("[accounts.ada]"), "{removed:?}");
    assert_eq!(remains, ["web"]);
    let told =
        |snapshot: &Snapshot| snapshot.refresh_problem.as_ref().is_some_and(|told| told.code == "unknownAccount");
    running.until(told).await;
    assert!(!world.read("config.toml").contains("[accounts"));
    assert!(world.scene().signed_in.is_empty());
    assert_eq!(running.refused(Request::SignOut { name: "ada".parse().unwrap() }).await.code, "nothingToSignOut");
    assert_eq!(running.refused(Request::SignOut { name: "az".parse().unwrap() }).await.code, "signedInElsewhere");
}

async fn sign_out(running: &Running, name: &str) -> (Vec<String>, Vec<String>, Option<String>) {
    let reply = running.ask(Request::SignOut { name: name.parse().unwrap() }).await;
    let Reply::SignedOut { removed, remains, acts, .. } = reply else { panic!("{reply:?}") };
    (removed, remains, acts)
}

#[tokio::test(start_paused = true)]
async fn signing_out_of_the_account_that_acts_by_default_takes_that_out_of_the_settings_and_says_who_acts_now() {
    let world = world_of_default("ada", "");
    let running = Running::start(&world);
    for name in ["ada", "fritz"] {
        begin(&running, wish(Some(name))).await;
        done(&running).await;
    }
    assert_eq!(running.snapshot().host.account, "ada");
    let (removed, remains, acts) = sign_out(&running, "ADA").await;
    assert!(removed.last().is_some_and(|last| last.starts_with("account = \"ada\" from ")), "{removed:?}");
    assert_eq!(remains, Vec::<String>::new(), "no favourite names it");
    assert_eq!(acts.as_deref(), Some("Favourites that name no account act as “fritz” from now on."));
    assert_eq!(running.snapshot().host.account, "fritz");
    let profile = Profile::new(vm("more"));
    running.done(Request::Add { name: "more".parse().unwrap(), profile }).await;
    // The last one of all.
    let (removed, _, acts) = sign_out(&running, "fritz").await;
    assert!(removed.iter().all(|removed| !removed.starts_with("account")), "{removed:?}");
    assert!(acts.is_some_and(|acts| acts.contains("the Azure CLI")));
}

#[tokio::test(start_paused = true)]
async fn a_favourite_that_names_its_cloud_alone_passes_to_another_account_there_not_without_a_word() {
    let world = world("[accounts.fritz]\nsign_in = \"browser\"\ncloud = \"fake\"\n");
    world.write(
        "config.toml",
        &format!("account = \"ada\"\n{}", world.read("config.toml").replacen("vm = ", "cloud = \"fake\"\nvm = ", 1)),
    );
    let running = Running::start(&world);
    begin(&running, wish(Some("ada"))).await;
    done(&running).await;
    let (_, _, acts) = sign_out(&running, "ada").await;
    assert!(acts.as_deref().is_some_and(|acts| acts.contains("web acts as “fritz” from now on.")), "{acts:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_forgotten_of_an_account_that_cannot_be_taken_out_of_the_settings() {
    let world = world("");
    let running = Running::start(&world);
    begin(&running, wish(Some("ada"))).await;
    done(&running).await;
    let broken = format!("{}\n[profiles.x", world.read("config.toml"));
    world.write("config.toml", &broken);
    assert_eq!(running.refused(Request::SignOut { name: "ada".parse().unwrap() }).await.code, "settings");
    assert_eq!((world.count(Call::SignOut), world.read("config.toml")), (0, broken));
}
