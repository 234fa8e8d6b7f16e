//! What was signed in under a cloud's name goes to the authority that it came from, and to no other.

use std::collections::BTreeSet;
use std::fs;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use crate::user::{FABRIKAM, User, ended, tokens};

const ROBOT: &str = "0d5e1b7c-52aa-4f1e-8c3d-7e9f00112233";

/// Has the application sign in, and a favourite act as it.
async fn sign_robot_in(user: &User) {
    let words = ["sign-in", "--service-principal", "--tenant", FABRIKAM, "--client-id", ROBOT, "--name", "robot"];
    let mut child = user.ajar(&words).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"canary~secret~of~robot\n").await.unwrap();
    assert_eq!(ended(child).await.0, 0);
    let added = user.run(&["add", "shed", "--vm", &user.vm("lab").id, "--account", "robot"]).await;
    assert_eq!(added.0, 0, "{added:?}");
}

#[tokio::test]
async fn a_cloud_that_comes_to_mean_another_host_takes_no_sign_in_and_no_secret_there() {
    let user = User::new().await;
    user.sign_in("bob", &[]).await;
    sign_robot_in(&user).await;
    let written = user.settings();
    let [ours, theirs] = [0, 1].map(|cloud| user.clouds[cloud].announce());
    let bundle = |of: &azure_sim::Announce| of.ca_bundle.display().to_string();
    let (start, end) = (written.find("[clouds.sim]").unwrap(), written.find("[clouds.other]").unwrap());
    let moved = written[start..end]
        .replace(&ours.authority, &theirs.authority)
        .replace(&ours.resource_manager, &theirs.resource_manager)
        .replace(&bundle(ours), &bundle(theirs));
    let moved = format!("{}{moved}{}", &written[..start], &written[end..]);
    user.forget_journals().await;
    fs::write(user.folder().join("config.toml"), &moved).unwrap();
    for (favourite, said) in [("lab", "bob has signed in elsewhere"), ("shed", "keeps no secret for the account robot")]
    {
        let (code, _, stderr) = user.run(&["rights", favourite]).await;
        assert!(code == 3 && stderr.contains(said), "{code} {stderr}");
    }
    assert_eq!(tokens(&user.journal(1).await), Vec::<&str>::new());
    assert_eq!(tokens(&user.journal(0).await), Vec::<&str>::new());

    fs::write(user.folder().join("config.toml"), &written).unwrap();
    for favourite in ["lab", "shed"] {
        let (code, _, stderr) = user.run(&["rights", favourite]).await;
        assert_eq!(code, 0, "back where they came from they are taken: {stderr}");
    }
    fs::write(user.folder().join("config.toml"), &moved).unwrap();
    for account in ["bob", "robot"] {
        let (code, stdout, stderr) = user.run(&["sign-out", account]).await;
        assert!(code == 0 && stdout.contains("its sign-in, from the keychain"), "{stdout}{stderr}");
    }
    assert_eq!(user.secrets().await, BTreeSet::new(), "and of whichever host it was, signing out removes it");
}

#[tokio::test]
async fn nobody_signs_in_by_settings_that_say_where_a_built_in_cloud_is() {
    let user = User::new().await;
    let written = user.settings();
    let hijacked = written.replace("[clouds.other]", "[clouds.public]");
    fs::write(user.folder().join("config.toml"), &hijacked).unwrap();
    let line = hijacked.lines().position(|line| line == "[clouds.public]").unwrap() + 1;
    let (code, _, stderr) = user.run(&["sign-in", "--cloud", "public"]).await;
    let told = format!("line {line}, column 9: [clouds.public]");
    assert!(code == 1 && stderr.split_whitespace().collect::<Vec<_>>().join(" ").contains(&told), "{code} {stderr}");
    assert_eq!(user.journal(1).await, Vec::<String>::new());
}
