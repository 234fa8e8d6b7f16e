//! `azure-sim`: serves a local Azure until ended.
fn main() {}
