//! Every fault that the simulator knows, struck at every call that the client makes: each ends in success or in the
//! right failure, in time, and nothing is applied twice.

#![expect(clippy::unwrap_used, reason = "what a test can't set up or read shall end it there")]

#[path = "../it/azure.rs"]
#[expect(dead_code, reason = "shared with the other tests against the simulator")]
mod azure;
mod calls;
mod cell;
mod faults;
mod run;
mod table;

use std::io::Write;
use std::time::Instant;

use table::Table;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_fault_at_every_call_ends_in_success_or_in_the_right_failure() {
    let began = Instant::now();
    let variants = faults::variants();
    let columns = calls::all();
    let cells = run::all(&variants, &columns).await;

    let wrong: Vec<_> = cells.iter().flat_map(cell::Cell::complaints).collect();
    let table = Table::new(&variants, &columns, &cells);
    // Past what the test harness keeps to itself when all is well.
    writeln!(std::io::stderr(), "{} in {:.1?}", table.sum(), began.elapsed()).unwrap();
    assert!(wrong.is_empty(), "{} of {} cells are wrong:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
    insta::assert_snapshot!("every_fault_at_every_call", table.text());
}

#[test]
fn every_call_has_a_route_in_the_simulator() {
    let served = azure_sim::route_names();
    for called in calls::all() {
        assert!(served.contains(&called.route()), "{} is no route of the simulator's", called.route());
    }
}
