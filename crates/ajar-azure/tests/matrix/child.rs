//! What only takes place in a process with variables of its own: this program, started once more for the cells of one test,
//! which it tells line by line.

use ajar_azure::Cloud;
use ajar_core::settings::CloudSettings;
use tokio::process::Command;

use crate::azure::{Azure, Control, browser};
use crate::cell::Judged;

/// Where the child finds the simulator, by variables of this name with more behind it.
const VARIABLE: &str = "AJAR_TEST_CHILD";

/// What begins a line that tells of a cell.
const TELLS: &str = "cell: ";

/// This program once more, for the test of that name alone, as a child of a test with that simulator.
pub(crate) fn of(azure: &Azure, test: &str) -> Command {
    let announce = azure.simulator.announce();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).kill_on_drop(true);
    child.env(VARIABLE, &announce.resource_manager).env(format!("{VARIABLE}_CONTROL"), &announce.control);
    child.env(format!("{VARIABLE}_CA"), &announce.ca_bundle);
    child
}

/// The cells that a child told of, `expected` many.
pub(crate) async fn cells(mut child: Command, expected: usize) -> Vec<Judged> {
    let said = String::from_utf8(child.output().await.unwrap().stdout).unwrap();
    // The harness begins the first line.
    let cells = said.lines().filter_map(|line| line.split_once(TELLS));
    let cells: Vec<Judged> = cells.map(|(_, cell)| serde_json::from_str(cell).unwrap()).collect();
    assert_eq!(cells.len(), expected, "{said}");
    cells
}

/// The simulator of the parent, in a child; `None` in a process that is none.
pub(crate) fn simulator() -> Option<(Cloud, Control)> {
    let url = std::env::var(VARIABLE).ok()?;
    let variable = |name: &str| std::env::var(format!("{VARIABLE}_{name}")).unwrap();
    let settings = CloudSettings {
        authority: url.clone(),
        resource_manager: url,
        audience: None,
        client_id: None,
        ca_bundle: None,
        public_ip_endpoints: None,
        bastion_suffix: None,
    };
    let ca = std::fs::read(variable("CA")).unwrap();
    let cloud = Cloud::from_settings("sim", &settings, Some(ca)).unwrap();
    let sim = Control::new(browser(&cloud), &variable("CONTROL"));
    Some((cloud, sim))
}

/// Tells the parent of a cell.
pub(crate) fn tell(cell: &Judged) {
    println!("{TELLS}{}", serde_json::to_string(cell).unwrap());
}
