//! What is open from another address than this machine has now.

use super::*;
use crate::snapshot::LeftBehindView;

#[test]
fn a_window_that_lets_in_another_address_says_so_and_can_be_opened_from_here() {
    let left = |address: Option<&str>| LeftBehindView {
        address: address.map(|address| address.parse().unwrap()),
        text: String::new(),
    };
    let opened = |left_behind| {
        let window = WindowView { left_behind: Some(left_behind), ..window("web-01", 60) };
        Snapshot { favourites: vec![favourite("web-01", "rg-web")], windows: vec![window], ..snapshot() }
    };
    let open = [
        "# Open now",
        "web-01 · 1:00 left · from 203.0.113.7 -> connect web-01",
        "    Open web-01 from 198.51.100.9 -> from here web-01",
    ];
    let moved = opened(left(Some("198.51.100.9")));
    assert_eq!(drawn(&menu(&moved, noon())), [&open[..], &ENDS].concat());
    let unknown = opened(left(None));
    assert_eq!(drawn(&menu(&unknown, noon())), [&open[..2], &ENDS].concat(), "nothing can be asked for");
    let asked = AttemptView { extends: true, follows: true, ..attempt("web-01", "Requesting access", None) };
    let lines = drawn(&menu(&Snapshot { attempts: vec![asked], ..moved }, noon()));
    assert!(!lines.concat().contains("from here"), "it is being asked for: {lines:?}");
}
