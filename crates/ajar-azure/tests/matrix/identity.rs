//! The machine's own identity, which is found by variables of the process: the cells run in a process of their own.

use ajar_azure::{Cloud, SignIn, http_client_within};
use ajar_core::settings::CloudSettings;
use futures::{FutureExt, StreamExt, stream};
use serde_json::json;

use crate::azure::{Azure, Control, browser};
use crate::calls::Called;
use crate::cell::Judged;
use crate::faults::Variant;
use crate::run::{Job, limits, strike};

/// Where the child finds the simulator, by variables of this name with more behind it.
const VARIABLE: &str = "AJAR_TEST_IDENTITY";

/// So many cells at a time: who looks for an identity does not look for long.
const AT_ONCE: usize = 8;

/// What begins a line that tells of a cell.
const TELLS: &str = "cell: ";

fn client_id(number: usize) -> String {
    format!("00000000-0000-4000-c000-{number:012}")
}

/// Starts this program once more, with the variables that a host of managed identities sets, and gives what it found.
pub(crate) async fn all(variants: &[Variant]) -> Vec<Judged> {
    let subscription =
        "[[subscriptions]]\nid = \"5b9c2a30-4d5e-4f0a-9c3b-a1d0c7e4f001\"\nname = \"Contoso\"\n".to_owned();
    let account = |number| {
        let id = client_id(number);
        format!("[[accounts]]\nname = \"machine{number}\"\nkind = \"managedIdentity\"\nclient_id = \"{id}\"\n")
    };
    let fleet: String = [subscription].into_iter().chain((0..variants.len()).map(account)).collect();
    let azure = Azure::start_with(limits(), Some(fleet.parse().unwrap())).await;
    let announce = azure.simulator.announce();
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "the_cells_of_the_machine_itself", "--nocapture"]).kill_on_drop(true);
    child.env(VARIABLE, &announce.resource_manager).env(format!("{VARIABLE}_CONTROL"), &announce.control);
    child.env(format!("{VARIABLE}_CA"), &announce.ca_bundle);
    child.env("IDENTITY_ENDPOINT", &announce.identity_endpoint).env("IDENTITY_HEADER", &announce.identity_header);
    let said = String::from_utf8(child.output().await.unwrap().stdout).unwrap();
    // The harness begins the first line.
    let cells = said.lines().filter_map(|line| line.split_once(TELLS));
    let cells: Vec<Judged> = cells.map(|(_, cell)| serde_json::from_str(cell).unwrap()).collect();
    assert_eq!(cells.len(), variants.len(), "{said}");
    cells
}

/// What the child does.
pub(crate) async fn child(variants: Vec<Variant>) {
    let Ok(url) = std::env::var(VARIABLE) else { return };
    let variable = |name: &str| std::env::var(format!("{VARIABLE}_{name}")).unwrap();
    let settings = CloudSettings {
        authority: url.clone(),
        resource_manager: url,
        audience: None,
        client_id: None,
        ca_bundle: None,
        public_ip_endpoints: None,
    };
    let ca = std::fs::read(variable("CA")).unwrap();
    let cloud = Cloud::from_settings("sim", &settings, Some(ca)).unwrap();
    let sim = Control::new(browser(&cloud), &variable("CONTROL"));
    let cells = stream::iter(variants.into_iter().enumerate()).map(async |(number, variant)| {
        let id = client_id(number);
        let identity = SignIn::ManagedIdentity { client_id: Some(id.clone()) };
        let http = http_client_within(&cloud, limits()).unwrap();
        let (credential, cloud) = (identity.credential(&cloud, http).unwrap(), cloud.clone());
        let work = async move { credential.try_out(&cloud, None).await.into() }.boxed();
        let job = Job { variant, called: Called::Identity, number };
        let mut cell = strike(&sim, job, json!({ "query": id }), work).await;
        cell.journal = sim.journal("/token", 0).await;
        cell.journal.retain(|entry| entry["query"].as_str().is_some_and(|query| query.contains(&id)));
        cell.judged()
    });
    let mut cells = cells.buffer_unordered(AT_ONCE);
    while let Some(cell) = cells.next().await {
        println!("{TELLS}{}", serde_json::to_string(&cell).unwrap());
    }
}
