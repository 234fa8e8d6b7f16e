//! Settings that are about no favourite and no account.

use ajar_core::inheritance::Inheritable;
use ajar_core::profile::{Profile, SourceChoice};
use ajar_core::protocol::{InheritedView, Reply, Request};
use ajar_core::settings::Setting;
use ajar_core::snapshot::OutcomeView;

use super::{Running, name};
use crate::world::{Call, World, vm};

fn network(name: &str, address: Option<&str>) -> Request {
    let address = address.map(|address| address.to_owned().try_into().unwrap());
    Request::Set { setting: Setting::Network { name: name.parse().unwrap(), address } }
}

fn from(source: &str) -> SourceChoice {
    source.parse().unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_set_is_in_the_file_and_in_the_snapshot_whoever_sets_it() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    running.done(Request::Set { setting: Setting::Ssh(Some("my-ssh".into())) }).await;
    let settings = running.snapshot().settings.clone();
    assert_eq!((settings.clients.ssh.as_deref(), settings.read_only), (Some("my-ssh"), None));
    assert_eq!(settings.path, world.folder().settings().display().to_string());
    let written = world.read("config.toml");
    assert!(written.contains("[clients]\nssh = \"my-ssh\"\n"), "{written}");

    let own = "[clouds.own]\nauthority = \"https://a\"\nresource_manager = \"https://r\"\n[folders.\" Team / Prod\"]\nport = 2222\n";
    world.write("config.toml", &format!("{}{own}", written.replace("my-ssh", "theirs")));
    running.done(Request::ReadSettings).await;
    let settings = running.snapshot().settings.clone();
    assert_eq!((settings.clients.ssh.as_deref(), settings.folders[0].path.as_str()), (Some("theirs"), "Team/Prod"));
    assert_eq!(
        (settings.folders[0].said.port, settings.clouds[0].resource_manager.as_str()),
        (Some(2222), "https://r")
    );

    let unknown = Request::Set { setting: Setting::Cloud(Some("moon".into())) };
    assert_eq!(running.refused(unknown).await.code, "unknownCloud");
    running.done(Request::Set { setting: Setting::Cloud(Some("own".into())) }).await;
    assert_eq!(running.snapshot().settings.cloud.as_deref(), Some("own"));
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_emptied_is_believed_only_once_it_stays_empty() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let written = world.read("config.toml");
    for emptied in [true, false] {
        if emptied {
            world.write("config.toml", "");
        } else {
            std::fs::remove_file(world.folder().settings()).unwrap();
        }
        running.done(Request::ReadSettings).await;
        assert_eq!(running.snapshot().favourites.len(), 1, "somebody may be saving it");
        world.write("config.toml", &written);
        running.done(Request::ReadSettings).await;
        assert_eq!(running.snapshot().favourites.len(), 1);
    }
    world.write("config.toml", "");
    running.done(Request::ReadSettings).await;
    running.until(|snapshot| snapshot.favourites.is_empty()).await;
}

#[tokio::test(start_paused = true)]
async fn access_is_asked_from_the_network_that_a_favourite_names() {
    let world = World::with(&["web"]);
    let running = Running::start(&world);
    let profile = |source: &str| Profile { source: Some(from(source)), ..Profile::new(vm("web")) };
    let edit = |source: &str| Request::Edit { name: name("web"), rename: None, before: None, profile: profile(source) };
    let refused = running.refused(edit("office")).await;
    assert_eq!(refused.code, "unknownNetwork", "{refused:?}");
    running.done(network("office", Some("203.0.113.24"))).await;
    running.done(edit("Office")).await;
    let view = running.connected("web").await;
    let Some(OutcomeView::Connected(reached)) = view.outcome else { panic!("{view:?}") };
    assert_eq!((reached.window.unwrap().source.as_str(), world.count(Call::Detect)), ("203.0.113.24", 0));

    let in_use = running.refused(network("office", None)).await;
    assert!(in_use.code == "networkInUse" && in_use.message.contains("[profiles.web]"), "{in_use:?}");
    let said = Inheritable { source: Some(from("home")), ..Inheritable::default() };
    let refused = running.refused(Request::EditDefaults { folder: None, before: None, said }).await;
    assert!(refused.code == "unknownNetwork" && refused.message.contains("office"), "{refused:?}");
    running.done(edit("automatic")).await;
    running.done(network("OFFICE", None)).await;
    assert_eq!(running.snapshot().settings.networks, []);
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_later_ajar_are_in_force_and_not_changed() {
    let world = World::with(&["web"]);
    let later = format!("schema_version = 9\n{}", world.read("config.toml"));
    world.write("config.toml", &later);
    let running = Running::start(&world);
    running.connected("web").await;
    let odd = "[profiles.odd]\nvm = \"/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/odd\"\naddress = \"teleport\"\n";
    let later = later + odd;
    world.write("config.toml", &later);
    running.done(Request::ReadSettings).await;
    let snapshot = running.snapshot();
    assert_eq!(snapshot.favourites.len(), 1, "only what is not understood is left out");
    assert!(snapshot.settings.read_only.as_ref().is_some_and(|why| why.message.contains("[profiles.odd]")));
    assert_eq!(snapshot.settings.read_only.as_ref().map(|why| why.code.as_str()), Some("settingsNewer"));
    assert_eq!(snapshot.settings_problem, None);
    for request in [
        Request::Set { setting: Setting::Ssh(None) },
        Request::Remove { name: name("web") },
        Request::EditDefaults { folder: None, before: None, said: Inheritable::default() },
    ] {
        assert_eq!(running.refused(request).await.code, "settingsNewer");
    }
    assert_eq!(world.read("config.toml"), later);
    world.write("config.toml", &later.replace(odd, "").replace("= 9", "= 2"));
    running.done(Request::Set { setting: Setting::Ssh(Some("x".into())) }).await;
    assert_eq!(running.snapshot().settings.read_only, None);
}

#[tokio::test(start_paused = true)]
async fn what_holds_above_the_defaults_is_built_in() {
    let world = World::with(&["web"]);
    let said = format!("[defaults]\nuser = \"all\"\n{}", world.read("config.toml"));
    world.write("config.toml", &said);
    let running = Running::start(&world);
    let user = async |of_all| {
        let request =
            Request::Inherited { folder: None, said: Inheritable::default(), of_all, vm: None, is_new: false };
        let Reply::Inherited { fields, .. } = running.ask(request).await else { panic!("it is told") };
        fields.into_iter().find(|InheritedView { field, .. }| field.key() == "user").map(|view| view.text)
    };
    assert_eq!((user(false).await.as_deref(), user(true).await), (Some("all, from the defaults"), None));
}
