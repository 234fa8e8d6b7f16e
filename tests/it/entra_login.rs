//! Logging in by Entra: a real `sshd` that trusts an authority's certificates, and a script in the place of the Azure CLI that
//! asks for one.

use std::path::Path;

use crate::az::Az;
use crate::sshd::{Sshd, keygen};
use crate::world::{Ended, World};

/// A favourite `entra` of the machine behind the door, whose key is an RSA one; the name that it says is nobody's there.
fn add_favourite(sshd: &Sshd, world: &World, key: &Path) {
    world.write_settings(&format!(
        "[profiles.entra]\nvm = \"{}\"\nuser = \"azureuser\"\nentra_login = true\nidentity_file = \"{}\"\n\
         known_hosts_file = \"{}\"\n",
        world.vm("real-01").id,
        key.display(),
        sshd.known_hosts().display()
    ));
}

async fn connect(world: &World, az: &Az) -> Ended {
    let mut command = az.found_by(world.ajar(&["connect", "entra", "--", "echo ok from sshd; exit 7"]));
    Ended::of(command.spawn().expect("ajar starts")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn by_entra_one_logs_in_with_a_certificate_as_whom_it_is_for() {
    let sshd = Sshd::start().await;
    let world = sshd.behind_a_door().await;
    let (key, given) = (sshd.at("id_rsa"), sshd.at("given"));
    keygen(&key, "rsa");
    add_favourite(&sshd, &world, &key);
    // As `az ssh cert` is called, and what it does: certificates stand beside the key, and are moved to where they are wanted.
    let az = Az::that(&format!(
        "printf '%s\\n' \"$@\" > '{given}'\n[ \"$1 $2 $4 $6\" = 'ssh cert --public-key-file --file' ] || exit 2\n\
         cp \"$5\" '{copy}.pub' && ssh-keygen -q -s '{ca}' -I id -n {user} -V -1m:+1h '{copy}.pub' && mv '{copy}-cert.pub' \"$7\"",
        given = given.display(),
        copy = sshd.at("copy").display(),
        ca = sshd.at("ca").display(),
        user = sshd.user(),
    ));
    let ended = connect(&world, &az).await;
    assert_eq!((ended.code, ended.stdout.as_str()), (7, "ok from sshd\n"), "{}", ended.stderr);
    let given = std::fs::read_to_string(given).expect("az was asked");
    assert!(given.contains(&format!("{}.pub\n", key.display())) && !given.contains(&format!("{}\n", key.display())));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate_nobody_logs_in_otherwise_and_what_helps_is_told() {
    let sshd = Sshd::start().await;
    let world = sshd.behind_a_door().await;
    let key = sshd.at("id_rsa");
    add_favourite(&sshd, &world, &key);
    let lacks = "echo 'ERROR: The command requires the extension ssh. Unable to prompt.' >&2; exit 2";
    let ended = connect(&world, &Az::that(lacks)).await;
    let command = format!("ssh-keygen -t rsa -b 3072 -f \"{}\"", key.display());
    assert!(ended.code == 1 && ended.stderr.contains(&command), "{ended:?}");
    keygen(&key, "rsa");
    for (says, helps) in [
        (lacks, "az extension add --name ssh"),
        ("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1", "Sign in with “az login”"),
        ("echo ERROR: no network >&2; exit 1", "It says: No network."),
        ("echo 'no certificate' > \"$7\"", "no certificate for anybody"),
    ] {
        let ended = connect(&world, &Az::that(says)).await;
        assert!(ended.code == 1 && ended.stderr.contains(helps) && ended.stdout.is_empty(), "{helps}: {ended:?}");
    }
}
