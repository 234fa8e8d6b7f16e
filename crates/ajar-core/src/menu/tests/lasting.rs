//! What is renewed by itself, and what runs on after use.

use super::*;
use crate::snapshot::{AfterUseView, RenewalView};

#[test]
fn a_window_that_is_renewed_says_so_and_one_that_is_not_any_more_does_not() {
    let with = |renews| {
        let renewal = RenewalView { renews, at: None, since: noon(), times: 3, text: String::new() };
        let open = WindowView { renewal: Some(renewal), ..window("web-01", 60) };
        let favourites = vec![favourite("web-01", "rg-web")];
        drawn(&menu(&Snapshot { favourites, windows: vec![open], ..snapshot() }, noon()))
    };
    assert_eq!(with(true)[1], "web-01 · 1:00 left · renewed while connected -> connect web-01");
    assert_eq!(with(false)[1], "web-01 · 1:00 left -> connect web-01");
}

#[test]
fn what_runs_on_after_use_is_asked_about_and_what_ajar_started_says_for_how_many_hours_it_runs() {
    let started_at = noon() - TimeDelta::minutes(185);
    let unused = |deallocates_at| AfterUseView {
        name: name("web-01"),
        cloud: "public".into(),
        vm: vm(),
        started_at,
        deallocates_at,
        text: String::new(),
    };
    let running = FavouriteView { started_at: Some(started_at), ..favourite("web-01", "rg-web") };
    let with = |after_use| Snapshot { favourites: vec![running.clone()], after_use, ..snapshot() };
    let asked = with(vec![unused(None)]);
    let told = [
        "# Not used any more",
        "web-01 · started by Ajar, still running -> window",
        "    Deallocate web-01 -> deallocate web-01",
        "    web-01: ask again in an hour -> keep web-01 Later",
        "    Leave web-01 running -> keep web-01 Running",
        "--",
        "# Favourites",
        "web-01 · running 3 hours -> connect web-01",
    ];
    assert_eq!(drawn(&menu(&asked, noon()))[..told.len()], told);
    assert_eq!(menu_changes_at(&asked, noon()), Some(noon() + TimeDelta::minutes(55)));
    let soon = with(vec![unused(Some(noon() + TimeDelta::minutes(2)))]);
    assert_eq!(drawn(&menu(&soon, noon()))[1], "web-01 · deallocated soon -> window");
}
