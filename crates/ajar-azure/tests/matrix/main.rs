//! Every fault that the simulator knows, struck at every call that the client makes, alone and within a whole attempt: each
//! ends in success or in the right failure, in time, and nothing is applied twice. The services that tell the public
//! address are the runtime's, and so is their matrix (`simulated/public_ip.rs`).

#![expect(clippy::unwrap_used, reason = "what a test can't set up or read shall end it there")]

mod attempt;
#[path = "../it/azure.rs"]
#[expect(dead_code, reason = "shared with the other tests against the simulator")]
mod azure;
#[cfg(unix)]
mod azure_cli;
mod calls;
mod cell;
mod child;
mod entra;
mod faults;
mod identity;
mod run;
mod table;

use std::io::Write;
use std::time::Instant;

use calls::Called;
use table::Table;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_at_every_call_ends_in_success_or_in_the_right_failure() {
    let began = Instant::now();
    let variants = faults::variants();
    let mut columns = calls::all();
    let (mut cells, of_the_machine) = tokio::join!(run::all(&variants, &columns), identity::all(&variants));
    cells.extend(of_the_machine);
    columns.push(Called::Identity);

    let wrong: Vec<_> = cells.iter().flat_map(|cell| &cell.complaints).map(String::as_str).collect();
    let table = Table::new(&variants, &columns, &cells);
    // Past what the test harness keeps to itself when all is well.
    writeln!(std::io::stderr(), "{} in {:.1?}", table.sum(), began.elapsed()).unwrap();
    assert!(wrong.is_empty(), "{} of {} cells are wrong:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
    insta::assert_snapshot!("every_fault_at_every_call", table.text());
}

/// What the test above starts this program for once more.
#[tokio::test]
async fn the_cells_of_the_machine_itself() {
    identity::child(faults::variants()).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_at_an_account_of_the_azure_cli_ends_in_success_or_in_the_right_failure() {
    let began = Instant::now();
    let variants = faults::variants();
    let cells = azure_cli::all(&variants).await;
    let wrong: Vec<_> = cells.iter().flat_map(|cell| &cell.complaints).map(String::as_str).collect();
    let table = Table::new(&variants, &azure_cli::COLUMNS, &cells);
    writeln!(std::io::stderr(), "{} in {:.1?}", table.sum(), began.elapsed()).unwrap();
    assert!(wrong.is_empty(), "{} of {} cells are wrong:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
    insta::assert_snapshot!("every_fault_at_an_account_of_the_azure_cli", table.text());
}

/// What the test above starts this program for once more.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_cells_of_the_azure_cli() {
    azure_cli::child(faults::variants()).await;
}

#[test]
fn every_call_has_a_route_in_the_simulator() {
    let served = azure_sim::route_names();
    for called in calls::all().into_iter().chain([Called::Identity]) {
        assert!(served.contains(&called.route()), "{} is no route of the simulator's", called.route());
    }
}
