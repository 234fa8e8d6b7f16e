mod lasting;
mod left_behind;

use chrono::FixedOffset;

use super::*;
use crate::account::SignInMethod;
use crate::failure::{Failure, PrincipalFlaw, Proof};
use crate::message::failure::{About, in_words};
use crate::port::Endpoint;
use crate::port::Protocol::Ssh;
use crate::snapshot::{AccountView, AttemptNumber, DeallocationEnd, FavouriteState, HostView, Kept, ReachedView};
use crate::zone::Zone;

fn noon() -> DateTime<Utc> {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

fn name(name: &str) -> ProfileName {
    name.parse().unwrap()
}

fn vm() -> crate::resource_id::VmResourceId {
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm".parse().unwrap()
}

fn snapshot() -> Snapshot {
    let host = HostView { pid: 1, version: "0.1.0".into(), cloud: "public".into(), account: "az".into(), demo: false };
    // Fields that the tray does not show keep their defaults, whichever there are.
    serde_json::from_value(serde_json::json!({
        "revision": 1, "clockSkewMs": 0, "host": host, "favourites": [], "windows": [], "attempts": [],
        "settingsProblem": null, "windowWanted": 0, "refreshing": false,
    }))
    .unwrap()
}

fn favourite(called: &str, detail: &str) -> FavouriteView {
    FavouriteView {
        name: name(called),
        cloud: "public".into(),
        vm: vm(),
        vm_name: called.into(),
        resource_group: "rg".into(),
        protocol: Ssh,
        port: 22,
        account: "work".parse().ok(),
        user: None,
        state: FavouriteState::Closed,
        started_at: None,
        waits_for_sign_in: false,
        profile: crate::profile::Profile::new(vm()),
        of_team: None,
        written: None,
        detail: detail.into(),
    }
}

fn window(called: &str, minutes: i64) -> WindowView {
    WindowView {
        name: name(called),
        cloud: "public".into(),
        vm: vm(),
        port: 22,
        protocol: Ssh,
        endpoint: None,
        source: "203.0.113.7".into(),
        start_time_utc: noon() - TimeDelta::hours(1),
        end_time_utc: noon() + TimeDelta::minutes(minutes),
        opened_by: None,
        ending: minutes <= 15,
        left_behind: None,
        renewal: None,
        beside: None,
    }
}

fn attempt(called: &str, headline: &str, outcome: Option<OutcomeView>) -> AttemptView {
    AttemptView {
        number: AttemptNumber(1),
        name: name(called),
        cloud: "public".into(),
        vm: vm(),
        port: 22,
        protocol: Ssh,
        extends: false,
        follows: false,
        renews: false,
        started_at: noon(),
        ended_at: outcome.as_ref().map(|_| noon()),
        headline: headline.into(),
        steps: vec![],
        notes: vec![],
        reached: None,
        outcome,
    }
}

fn failed(called: &str, code: &str, title: &str) -> AttemptView {
    let failure = FailureView {
        code: code.into(),
        title: title.into(),
        message: String::new(),
        action: String::new(),
        action_in_window: None,
        wants_sign_in: matches!(code, "signInRequired" | "notSignedIn"),
        help_url: None,
        choices: vec![],
        details: String::new(),
        exit_code: 1,
    };
    attempt(called, "", Some(OutcomeView::Failed(failure)))
}

/// The menu as it is drawn, an item a line; what can be chosen says what it does. What lies in a folder is further in.
fn drawn(menu: &Menu) -> Vec<String> {
    menu.items.iter().flat_map(drawn_item).collect()
}

fn drawn_item(item: &Item) -> Vec<String> {
    vec![match item {
        Item::Heading(text) => format!("# {text}"),
        Item::Separator => "--".into(),
        Item::Note(text) => format!("({text})"),
        Item::Act { action: Action::Connect { name }, label } => format!("{label} -> connect {name}"),
        Item::Act { action: Action::ConnectAll { folder }, label } => format!("{label} -> connect all of {folder}"),
        Item::Act { action: Action::SignIn { name }, label } => format!("{label} -> sign in for {name}"),
        Item::Act { action: Action::Extend { name }, label } => format!("{label} -> extend {name}"),
        Item::Act { action: Action::FromHere { name }, label } => format!("{label} -> from here {name}"),
        Item::Act { action: Action::Deallocate { unused }, label } => format!("{label} -> deallocate {}", unused.name),
        Item::Act { action: Action::KeepRunning { unused, keep }, label } => {
            format!("{label} -> keep {} {keep:?}", unused.name)
        }
        Item::Act { action: Action::Cancel { name }, label } => format!("{label} -> cancel {name}"),
        Item::Act { action: Action::OpenWindow, label } => format!("{label} -> window"),
        Item::Act { action: Action::Quit, label } => format!("{label} -> quit"),
        Item::Folder { label, items } => {
            let within = items.iter().flat_map(drawn_item).map(|line| format!("  {line}"));
            return [format!("{label} >")].into_iter().chain(within).collect();
        }
    }]
}

#[test]
fn folders_are_menus_of_their_own_below_what_lies_in_none() {
    let filed = |called: &str, folder: &str| {
        let profile = crate::profile::Profile { folder: Some(folder.into()), ..crate::profile::Profile::new(vm()) };
        FavouriteView { profile, ..favourite(called, "") }
    };
    let favourites = vec![
        filed("api", "Team/Prod"),
        favourite("web", ""),
        filed("lab", "Team"),
        filed("old", "Attic"),
        filed("db", "Team/Prod"),
    ];
    let open = vec![WindowView { name: name("old"), ..window("old", 60) }];
    let lines = drawn(&menu(&Snapshot { favourites, windows: open, ..snapshot() }, noon()));
    let section = &lines[3..lines.len() - 3];
    let prod =
        ["  Prod >", "    Connect all -> connect all of Team/Prod", "    api -> connect api", "    db -> connect db"];
    let team = [
        "# Favourites",
        "web -> connect web",
        "Team >",
        "  Connect all -> connect all of Team",
        "  lab -> connect lab",
    ];
    let expected = [&team[..], &prod[..]].concat();
    assert_eq!(section, expected, "{lines:?}");
}

const ENDS: [&str; 3] = ["--", "Open Ajar… -> window", "Quit Ajar -> quit"];

#[test]
fn a_window_stays_while_another_vm_is_opened_under_its_name() {
    let other =
        || "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/other".parse().unwrap();
    let opened =
        |attempt: AttemptView| Snapshot { windows: vec![window("db", 5)], attempts: vec![attempt], ..snapshot() };
    let lines = |snapshot: &Snapshot| drawn(&menu(snapshot, noon())).join("\n");
    let same = attempt("db", "Starting", None);
    assert!(!lines(&opened(same.clone())).contains("5 min left"), "it is granted, and not yet open");
    for another in [AttemptView { vm: other(), ..same.clone() }, AttemptView { port: 3389, ..same }] {
        let shown = lines(&opened(another));
        assert!(shown.contains("5 min left"), "{shown}");
    }
}

#[test]
fn what_is_open_comes_first_then_what_happens_then_the_other_favourites() {
    let snapshot = Snapshot {
        favourites: vec![
            favourite("build-win-02", "rg-build · running"),
            favourite("db-replica-3", "rg-data · deallocated"),
            favourite("finance-app", "rg-finance · running"),
            favourite("gpu-lab", "rg-ml"),
            favourite("web-01", "rg-web · deallocated"),
        ],
        windows: vec![window("jump-eu", 20), window("build-win-02", 131)],
        attempts: vec![attempt("web-01", "Starting the VM", None)],
        ..snapshot()
    };
    let menu = menu(&snapshot, noon() + TimeDelta::seconds(34));
    let before = [
        "# Open now",
        "(jump-eu · 19 min left)",
        "build-win-02 · 2:10 left -> connect build-win-02",
        "--",
        "# Connecting",
        "web-01 · starting the VM · 30 s -> window",
        "    Cancel web-01 -> cancel web-01",
        "--",
        "# Favourites",
        "db-replica-3 · deallocated -> connect db-replica-3",
        "finance-app -> connect finance-app",
        "gpu-lab -> connect gpu-lab",
    ];
    assert_eq!(drawn(&menu), [&before[..], &ENDS].concat());
    assert_eq!((menu.icon, menu.tooltip.as_str()), (Icon::Working, "Ajar · web-01: starting the VM"));
}

#[test]
fn a_window_without_a_favourite_takes_no_click_and_no_favourites_place() {
    let elsewhere = vm().to_string().replace("/vm", "/another").parse().unwrap();
    let namesake = FavouriteView { vm: elsewhere, ..favourite("web-01", "rg") };
    let snapshot = Snapshot { favourites: vec![namesake], windows: vec![window("web-01", 60)], ..snapshot() };
    let before = ["# Open now", "(web-01 · 1:00 left)", "--", "# Favourites", "web-01 -> connect web-01"];
    assert_eq!(drawn(&menu(&snapshot, noon())), [&before[..], &ENDS].concat());
}

#[test]
fn without_favourites_the_menu_says_how_to_add_one() {
    let menu = menu(&snapshot(), noon());
    let note = "(No favourites yet: add one in the window, or with “ajar add”)";
    assert_eq!(drawn(&menu), [&[note][..], &ENDS].concat());
    assert_eq!((menu.icon, menu.tooltip.as_str()), (Icon::Idle, "Ajar · nothing open"));
    assert_eq!(menu_changes_at(&snapshot(), noon()), None);
}

#[test]
fn the_icon_turns_amber_a_quarter_of_an_hour_before_the_end_and_goes_out_after_it() {
    let snapshot = Snapshot { windows: vec![window("jump-eu", 60), window("b", 90)], ..snapshot() };
    let at = |minutes| menu(&snapshot, noon() + TimeDelta::minutes(minutes));
    assert_eq!((at(44).icon, at(44).tooltip.as_str()), (Icon::Open, "Ajar · jump-eu · 16 min left"));
    assert_eq!((at(45).icon, at(45).tooltip.as_str()), (Icon::Ending, "Ajar · jump-eu · 15 min left"));
    assert_eq!((at(60).icon, at(60).tooltip.as_str()), (Icon::Open, "Ajar · b · 30 min left"));
    assert_eq!(at(90).icon, Icon::Idle);
    assert!(!drawn(&at(90)).contains(&"# Open now".to_owned()));
}

#[test]
fn a_failure_says_so_in_its_line_and_a_click_tries_again() {
    let attempts = vec![
        failed("web-01", "accessDenied", "Your account may see web-01 but not request access to it."),
        failed("db", "timedOut", "Opening db took too long."),
        failed("jump-eu", "portSilent", "jump-eu does not answer."),
    ];
    let favourites = ["web-01", "db", "jump-eu"].map(|called| favourite(called, "rg · stopped")).to_vec();
    let snapshot = Snapshot { attempts, favourites, windows: vec![window("jump-eu", 47)], ..snapshot() };
    let menu = menu(&snapshot, noon());
    let before = [
        "# Open now",
        "jump-eu · 47 min left · last try failed -> connect jump-eu",
        "--",
        "# Favourites",
        "web-01 · couldn’t open: Your account may see web-01 but not request access to it -> connect web-01",
        "db · couldn’t open: Opening db took too long -> connect db",
    ];
    assert_eq!(drawn(&menu), [&before[..], &ENDS].concat());
    assert_eq!((menu.icon, menu.tooltip.as_str()), (Icon::Failed, "Ajar · couldn’t open web-01"));
}

#[test]
fn a_very_long_failure_is_cut_to_one_line() {
    let attempts = vec![failed("web-01", "internal", &"long ".repeat(50))];
    let snapshot = Snapshot { attempts, favourites: vec![favourite("web-01", "")], ..snapshot() };
    let line = drawn(&menu(&snapshot, noon()))[1].clone();
    assert!(line.starts_with("web-01 · couldn’t open: long long") && line.contains("… ->"), "{line}");
}

#[test]
fn being_signed_out_has_its_own_icon() {
    let attempts = vec![failed("web-01", "notSignedIn", "You are not signed in to Azure.")];
    let menu = menu(&Snapshot { attempts, ..snapshot() }, noon());
    assert_eq!((menu.icon, menu.tooltip.as_str()), (Icon::SignedOut, "Ajar · not signed in to Azure"));
}

#[test]
fn what_kept_azure_from_being_read_is_told_and_leads_to_the_window() {
    let problem = |failure: Failure| {
        let zone = Zone::always(FixedOffset::east_opt(0).unwrap(), noon());
        let said = in_words(&failure.into(), &About { name: "web-01", zone, at: noon() });
        let line = Item::Act { action: Action::OpenWindow, label: said.title.clone() };
        let menu = menu(&Snapshot { refresh_problem: Some(said), ..snapshot() }, noon());
        assert!(menu.items.contains(&line), "{:?}", menu.items);
        (menu.icon, menu.tooltip)
    };
    let (account, detail) = (|| "ada".to_owned(), String::new);
    for failure in [
        Failure::not_signed_in(detail()),
        Failure::PrincipalRefused {
            account: account(),
            client_id: detail(),
            proof: Proof::Secret,
            flaw: PrincipalFlaw::Proof,
            detail: detail(),
        },
        Failure::CertificateUnfit { account: account(), path: detail(), detail: detail() },
        Failure::ClaimsRequired { claims: detail(), scope: detail(), tenant: None },
        Failure::UnknownAccount { name: account(), known: vec!["az".into()], for_new: false },
    ] {
        assert_eq!(problem(failure), (Icon::SignedOut, "Ajar · not signed in to Azure".into()));
    }
    let unreachable = problem(Failure::Unreachable { host: "management.azure.com".into(), detail: detail() });
    assert_eq!(unreachable.0, Icon::Idle);
}

#[test]
fn connected_and_cancelled_attempts_leave_no_trace_in_the_menu() {
    let endpoint = Endpoint { host: "203.0.113.50".into(), port: 22 };
    let connected = OutcomeView::Connected(ReachedView { endpoint, bastion: None, window: None, elapsed_ms: 1 });
    let favourites = vec![favourite("web-01", "rg")];
    let quiet = Snapshot { favourites, ..snapshot() };
    let after = Snapshot { attempts: vec![attempt("web-01", "", Some(connected))], ..quiet.clone() };
    assert_eq!(menu(&after, noon()), menu(&quiet, noon()));
}

#[test]
fn a_problem_with_the_settings_is_shown_and_leads_to_the_window() {
    let Some(OutcomeView::Failed(problem)) = failed("x", "settings", "The configuration cannot be used.").outcome
    else {
        unreachable!()
    };
    let lines = drawn(&menu(&Snapshot { settings_problem: Some(problem), ..snapshot() }, noon()));
    assert_eq!(lines[2], "The configuration cannot be used. -> window");
}

#[test]
fn actions_survive_their_way_through_a_menu_items_id() {
    let name = || name("web-01");
    for action in [
        Action::Connect { name: name() },
        Action::Extend { name: name() },
        Action::FromHere { name: name() },
        Action::Cancel { name: name() },
        Action::OpenWindow,
        Action::Quit,
    ] {
        assert_eq!(Action::from_id(&action.to_id()), Some(action));
    }
    assert_eq!(Action::Connect { name: name() }.to_id(), r#"{"connect":{"name":"web-01"}}"#);
    for id in ["", "connect", r#"{"connect":{"name":"-x"}}"#] {
        assert_eq!(Action::from_id(id), None, "{id}");
    }
}

#[test]
fn the_menu_changes_when_it_says_it_does_and_not_before() {
    let snapshot = Snapshot {
        windows: vec![window("jump-eu", 20), window("b", 61)],
        attempts: vec![attempt("web-01", "Starting the VM", None)],
        ..snapshot()
    };
    let mut now = noon() + TimeDelta::milliseconds(1_234);
    for _ in 0..500 {
        let next = menu_changes_at(&snapshot, now).unwrap();
        assert!(next > now);
        assert_eq!(menu(&snapshot, now), menu(&snapshot, next - TimeDelta::milliseconds(1)));
        assert_ne!(menu(&snapshot, now), menu(&snapshot, next));
        now = next;
    }
    let ended = Snapshot { attempts: vec![], ..snapshot };
    assert_eq!(menu_changes_at(&ended, noon() + TimeDelta::hours(2)), None);
}

#[test]
fn a_granted_window_is_not_called_open_while_its_vm_is_still_being_opened() {
    let mut snapshot = snapshot();
    snapshot.windows = vec![window("web-01", 60)];
    snapshot.attempts = vec![attempt("web-01", "Starting the VM", None)];
    let lines = menu(&snapshot, noon()).items;
    assert!(!lines.contains(&Item::Heading("Open now".into())), "{lines:?}");
    assert!(lines.contains(&Item::Heading("Connecting".into())), "{lines:?}");
}

#[test]
fn near_its_end_a_window_can_be_extended_and_is_open_while_that_goes_on() {
    let favourites = vec![favourite("web-01", "rg-web · running")];
    let mut snapshot = Snapshot { favourites, windows: vec![window("web-01", 10)], ..snapshot() };
    let open = ["# Open now", "web-01 · 10 min left -> connect web-01", "    Extend web-01 -> extend web-01"];
    assert_eq!(drawn(&menu(&snapshot, noon())), [&open[..], &ENDS].concat());
    snapshot.attempts = vec![AttemptView { extends: true, ..attempt("web-01", "Requesting access", None) }];
    let extended = [
        &open[..2],
        &["--", "# Connecting", "web-01 · requesting access -> window", "    Cancel web-01 -> cancel web-01"],
        &ENDS,
    ];
    assert_eq!(drawn(&menu(&snapshot, noon())), extended.concat());
    // Another port than the favourite's would be asked for at the wrong door.
    snapshot.attempts.clear();
    snapshot.windows[0].port = 8080;
    assert!(!drawn(&menu(&snapshot, noon())).concat().contains("Extend"));
}

fn account(called: &str, method: SignInMethod, state: AccountState) -> AccountView {
    AccountView {
        name: called.parse().unwrap(),
        method,
        cloud: None,
        username: None,
        tenant: None,
        state,
        detail: String::new(),
        kept: Kept::Elsewhere,
        favourites: 1,
        is_default: called == "work",
    }
}

#[test]
fn a_favourite_whose_account_has_to_sign_in_leads_there() {
    let acting_as = |called: &str, account: &str| {
        let profile = crate::profile::Profile::new(vm());
        let profile = crate::profile::Profile { account: Some(account.parse().unwrap()), ..profile };
        FavouriteView { account: profile.account.clone(), profile, ..favourite(called, "rg · deallocated") }
    };
    let snapshot = Snapshot {
        favourites: vec![
            favourite("web-01", "rg"),
            FavouriteView { waits_for_sign_in: true, ..acting_as("gov-01", "GOV") },
            acting_as("cli-01", "az"),
        ],
        accounts: vec![
            account("work", SignInMethod::Browser, AccountState::SignedIn),
            account("gov", SignInMethod::DeviceCode, AccountState::NeedsSignIn),
            account("az", SignInMethod::Az, AccountState::Elsewhere),
        ],
        attempts: vec![failed("cli-01", "notSignedIn", "You are not signed in to Azure.")],
        ..snapshot()
    };
    let before = [
        "# Favourites",
        "web-01 -> connect web-01",
        "gov-01 · sign in again -> sign in for gov-01",
        // After “az login” this is what opens it.
        "cli-01 · couldn’t open: You are not signed in to Azure -> connect cli-01",
    ];
    assert_eq!(drawn(&menu(&snapshot, noon())), [&before[..], &ENDS].concat());
    let refused = Snapshot { attempts: vec![failed("web-01", "signInRequired", "It has run out.")], ..snapshot };
    let menu = menu(&refused, noon());
    assert!(drawn(&menu).contains(&"web-01 · sign in again -> sign in for web-01".to_owned()), "{menu:?}");
}

#[test]
fn the_mark_is_struck_when_no_account_can_act() {
    let with = |states: &[AccountState]| {
        let accounts = states.iter().map(|state| account("work", SignInMethod::Browser, *state)).collect();
        menu(&Snapshot { accounts, ..snapshot() }, noon()).icon
    };
    assert_eq!(with(&[]), Icon::Idle);
    assert_eq!(with(&[AccountState::NeedsSignIn]), Icon::SignedOut);
    assert_eq!(with(&[AccountState::NeedsSignIn, AccountState::Elsewhere]), Icon::Idle);
}

#[test]
fn what_was_opened_lately_is_a_menu_of_its_own_but_for_what_is_open() {
    let recent = |called: &str| crate::snapshot::RecentView {
        opens: crate::settings::Favourite { name: name(called), profile: crate::profile::Profile::new(vm()) },
        at: noon(),
        protocol: Ssh,
        port: 22,
        detail: "rg · opened 11:05".into(),
    };
    let recents = vec![recent("lab"), recent("jump-eu")];
    let snapshot = Snapshot { recents, windows: vec![window("jump-eu", 60)], ..snapshot() };
    let menu = menu(&snapshot, noon());
    let folders = menu.items.iter().filter_map(|item| match item {
        Item::Folder { label, items } => Some((label.as_str(), items.clone())),
        Item::Heading(_) | Item::Separator | Item::Act { .. } | Item::Note(_) => None,
    });
    let lab = Item::Act { action: Action::Connect { name: name("lab") }, label: "lab · rg · opened 11:05".into() };
    assert_eq!(folders.collect::<Vec<_>>(), [("Opened lately", vec![lab])]);
}

#[test]
fn a_vm_that_is_being_deallocated_is_shown_with_its_time_and_not_offered() {
    let one = |ended: bool| {
        let outcome = ended.then(|| DeallocationEnd::Deallocated {
            already: false,
            text: "is deallocated.".into(),
            window_until: None,
            elapsed_ms: 1,
        });
        DeallocationView {
            number: 1,
            name: name("lab"),
            cloud: "public".into(),
            vm: vm(),
            started_at: noon() - TimeDelta::seconds(12),
            ended_at: None,
            headline: "deallocating".into(),
            outcome,
        }
    };
    let favourites = vec![favourite("lab", "rg"), favourite("web", "rg")];
    let resting = Snapshot { favourites: favourites.clone(), deallocations: vec![one(false)], ..snapshot() };
    let shown = menu(&resting, noon());
    assert_eq!((shown.icon, shown.tooltip.as_str()), (Icon::Working, "Ajar · lab: deallocating"));
    assert_eq!(shown.items[0], Item::Heading("Deallocating".into()));
    assert_eq!(shown.items[1], act(Action::OpenWindow, "lab · deallocating · 10 s"));
    assert!(!shown.items.contains(&connect(&name("lab"), "lab".into())), "{:#?}", shown.items);
    assert_eq!(menu_changes_at(&resting, noon()), Some(noon() + TimeDelta::seconds(8)));
    let rested = Snapshot { favourites, deallocations: vec![one(true)], ..snapshot() };
    assert_eq!((menu(&rested, noon()).icon, menu_changes_at(&rested, noon())), (Icon::Idle, None));
}
