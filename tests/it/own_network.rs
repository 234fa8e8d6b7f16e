//! A network of a test's own, where addresses and routes may be added without any rights.

use std::process::Command;

/// What tells a test that it runs inside.
const INSIDE: &str = "AJAR_TEST_IN_ITS_OWN_NETWORK";

/// Whether the test of that name runs in a network of its own already. Else it is run there once more, by this program, and that is
/// all there is to do; where the system grants no such network nothing is looked at.
pub(crate) fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if !own_network("ip link set lo up").status().is_ok_and(|status| status.success()) {
        eprintln!("no network of its own is to be had here: {test} has looked at nothing");
        return false;
    }
    let program = std::env::current_exe().expect("this program");
    let mut inside = own_network("ip link set lo up && exec \"$0\" \"$@\"");
    inside.arg(program).args(["--exact", test, "--nocapture"]).env(INSIDE, "1");
    assert!(inside.status().expect("it runs").success(), "inside it failed");
    false
}

fn own_network(command: &str) -> Command {
    let mut own = Command::new("unshare");
    own.args(["--user", "--map-root-user", "--net", "sh", "-c", command]);
    own
}

/// Runs `ip` there.
pub(crate) fn ip(args: &str) {
    let done = Command::new("ip").args(args.split(' ')).status();
    assert!(done.is_ok_and(|status| status.success()), "ip {args}");
}
