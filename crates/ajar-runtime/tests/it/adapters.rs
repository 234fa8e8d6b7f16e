//! From settings to the real world, and the demo's settings.

use std::path::Path;

use ajar_core::failure::Failure;
use ajar_runtime::connection::parts;
use ajar_runtime::demo;
use ajar_runtime::files::{Folder, SettingsFile};
use serde_json::{Value, json};

use crate::world::vm;

fn folder(settings: &str) -> (tempfile::TempDir, Folder) {
    let home = tempfile::tempdir().unwrap();
    let folder = Folder::at(home.path());
    std::fs::write(folder.settings(), settings).unwrap();
    (home, folder)
}

fn failure(settings: &str, cloud: Option<&str>) -> Failure {
    let (_home, folder) = folder(settings);
    match parts(folder, cloud, false, |_| None) {
        Ok(_) => panic!("that should not work: {settings}"),
        Err(trouble) => trouble.failure,
    }
}

#[test]
fn one_folder_holds_everything() {
    let folder = Folder::at(Path::new("/some/where"));
    for path in [folder.settings(), folder.state(), folder.engine_lock(), folder.engine_address()] {
        assert_eq!(path.parent(), Some(Path::new("/some/where")));
    }
    assert_eq!(folder.logs(), Path::new("/some/where"));
    assert_eq!(folder.demo().settings(), Path::new("/some/where/demo/config.toml"));
}

#[test]
fn an_unknown_cloud_is_answered_with_the_known_ones() {
    let own = "[clouds.mine]\nauthority = \"https://a\"\nresource_manager = \"https://b\"\n";
    let Failure::UnknownCloud { name, known } = failure(own, Some("moon")) else { panic!() };
    assert_eq!((name.as_str(), known.join(" ").as_str()), ("moon", "public usgov china mine"));
}

#[test]
fn a_cloud_without_https_or_with_a_missing_certificate_is_refused() {
    for (line, part) in [
        ("authority = \"http://a\"\nresource_manager = \"https://b\"", "authority"),
        ("authority = \"https://a\"\nresource_manager = \"http://b\"", "resource_manager"),
        ("authority = \"https://a\"\nresource_manager = \"https://b\"\nca_bundle = \"nowhere.pem\"", "nowhere.pem"),
        (
            "authority = \"https://a\"\nresource_manager = \"https://b\"\npublic_ip_endpoints = [\"http://c\"]",
            "public_ip",
        ),
    ] {
        let Failure::Settings { detail, .. } = failure(&format!("cloud = \"mine\"\n[clouds.mine]\n{line}\n"), None)
        else {
            panic!("{line}")
        };
        assert!(detail.starts_with("[clouds.mine]") && detail.contains(part), "{detail}");
    }
}

#[tokio::test]
async fn a_certificate_is_looked_for_beside_the_settings() {
    let settings = "cloud = \"mine\"\n[clouds.mine]\nauthority = \"https://a\"\nresource_manager = \"https://b\"\n\
                    ca_bundle = \"empty.pem\"\n";
    let (home, folder) = folder(settings);
    std::fs::write(home.path().join("empty.pem"), "nothing of the kind").unwrap();
    let Err(trouble) = parts(folder, None, false, |_| None) else { panic!() };
    let Failure::Settings { detail, .. } = trouble.failure else { panic!() };
    assert!(!detail.contains("os error"), "it was found, and is none: {detail}");
}

#[tokio::test]
async fn settings_that_are_broken_do_not_keep_the_engine_from_saying_so() {
    let (_home, own) = folder("[broken");
    assert_eq!(parts(own, None, false, |_| None).unwrap().cloud, None, "which one they mean is not known yet");
    assert!(matches!(failure("[broken", Some("public")), Failure::Settings { .. }));
}

/// What a simulator announces.
fn announcement() -> Value {
    json!({
        "resourceManager": "https://127.0.0.1:1", "authority": "https://127.0.0.1:1", "caBundle": "C:\\sim\\ca \"x\".pem",
        "tenantId": "tenant", "clientId": "client", "clientSecret": "s3cret", "identityHeader": "h3ader",
        "identityEndpoint": "https://127.0.0.1:1/_identity", "control": "https://127.0.0.1:1/_sim",
        "publicIpEndpoints": ["https://127.0.0.1:1/_ip/1"],
        "ssh": { "user": "demo", "identityFile": "/tmp/id" },
        "accounts": [{ "name": "auditor", "clientSecret": "0ther" }, { "name": "ada" }],
        "vms": [
            { "id": vm("web-01").to_string(), "name": "web-01", "os": "Linux", "hostKey": "ssh-ed25519 AAAA" },
            { "id": vm("win").to_string(), "name": "win", "os": "Windows", "hostKey": null },
        ],
    })
}

#[test]
fn the_demo_has_a_favourite_for_every_vm_and_keeps_the_users_clients() {
    let (_home, folder) =
        folder("cloud = \"old\"\n[clients]\nssh = \"/opt/ssh\" # mine\n[profiles.gone]\nvm = \"/\"\n");
    std::fs::write(folder.state(), "{\"endpoints\":{}}").unwrap();
    let account = demo::prepare(&folder, &announcement().to_string()).unwrap();
    let settings = SettingsFile::new(folder.settings()).read().unwrap();
    let favourites: Vec<_> = settings
        .favourites
        .iter()
        .map(|favourite| (favourite.name.as_str(), favourite.profile.port(), favourite.profile.user.as_deref()))
        .collect();
    assert_eq!(favourites, [("web-01", 22, Some("demo")), ("win", 3389, None)]);
    assert_eq!(settings.cloud.as_deref(), Some(demo::CLOUD));
    assert_eq!(settings.clouds[0].1.ca_bundle.as_deref(), Some("C:\\sim\\ca \"x\".pem"));
    assert_eq!(settings.clients.ssh.as_deref(), Some("/opt/ssh"));
    assert!(!folder.state().exists(), "what was remembered of another simulator is forgotten");
    let known = std::fs::read_to_string(folder.state_file("known_hosts")).unwrap();
    assert_eq!(known, format!("{} ssh-ed25519 AAAA\n", vm("web-01").host_alias()));
    assert_eq!(account.variable("AZURE_CLIENT_SECRET").as_deref(), Some("s3cret"));
    assert_eq!(account.variable("PATH"), None);
}

#[test]
fn the_demos_secrets_are_in_no_file() {
    let (home, folder) = folder("");
    demo::prepare(&folder, &announcement().to_string()).unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(home.path()).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!["s3cret", "h3ader", "0ther"].iter().any(|secret| text.contains(secret)), "{text}");
        files += 1;
    }
    assert_eq!(files, 3);
    let kept: Value = serde_json::from_slice(&std::fs::read(folder.state_file(demo::ANNOUNCEMENT)).unwrap()).unwrap();
    assert_eq!(kept["control"], "https://127.0.0.1:1/_sim");
    assert_eq!(kept["accounts"][0], json!({ "name": "auditor" }));
}

#[tokio::test]
async fn no_value_shows_a_secret_when_it_is_printed() {
    let variable = |name: &str| match name {
        "AZURE_TENANT_ID" => Some("7c1f0a52-6f0e-4c2b-9d57-31aa5e6b1c01".to_owned()),
        "AZURE_CLIENT_ID" => Some("2b1d94c8-53aa-4b7e-8a16-0f0dc0deaa01".to_owned()),
        "AZURE_CLIENT_SECRET" => Some("s3cret".to_owned()),
        _ => None,
    };
    let sign_in = ajar_azure::SignIn::from_environment(variable).expect("the environment names an account");
    let cloud = ajar_azure::Cloud::public();
    let http = ajar_azure::http_client(&cloud).unwrap();
    let client = sign_in
        .credential(&cloud, http.clone())
        .and_then(|credential| ajar_azure::ArmClient::new(&cloud, credential.in_tenant(None), http));
    let printed = format!("{sign_in:?} {client:?}");
    assert!(printed.contains("ArmClient") && !printed.contains("s3cret"), "{printed}");
}
