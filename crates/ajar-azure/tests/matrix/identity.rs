//! The machine's own identity, which is found by variables of the process: the cells run in a process of their own.

use ajar_azure::{SignIn, http_client_within};
use futures::{FutureExt, StreamExt, stream};
use serde_json::json;

use crate::azure::Azure;
use crate::calls::Called;
use crate::cell::Judged;
use crate::child;
use crate::faults::Variant;
use crate::run::{Job, limits, strike};

/// So many cells at a time: who looks for an identity does not look for long.
const AT_ONCE: usize = 8;

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
    let mut child = child::of(&azure, "the_cells_of_the_machine_itself");
    child.env("IDENTITY_ENDPOINT", &announce.identity_endpoint).env("IDENTITY_HEADER", &announce.identity_header);
    child::cells(child, variants.len()).await
}

/// What the child does.
pub(crate) async fn child(variants: Vec<Variant>) {
    let Some((cloud, sim)) = child::simulator() else { return };
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
        child::tell(&cell);
    }
}
