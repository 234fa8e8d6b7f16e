//! The tray as a value: icon, tooltip and menu, derived from the snapshot. The shell draws it and knows nothing else.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::access_window::ENDING;
use crate::after_use::{Keep, Unused};
use crate::folders::Folder;
use crate::message::after_use::runs;
use crate::message::menu as words;
use crate::message::{left, left_changes_at, one_line};
use crate::profile::ProfileName;
use crate::snapshot::{
    AccountState, AfterUseView, AttemptView, DeallocationEnd, DeallocationView, FailureView, FavouriteView,
    OutcomeView, RecentView, Snapshot, WindowView,
};

#[cfg(test)]
mod tests;

/// What the tray shows. Two that are equal need no redrawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Menu {
    /// The icon.
    pub icon: Icon,
    /// The text under the pointer.
    pub tooltip: String,
    /// The menu, from top to bottom.
    pub items: Vec<Item>,
}

/// The states of the mark, most pressing first where several hold: see [`menu`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Icon {
    /// Nothing is open.
    Idle,
    /// An attempt is under way.
    Working,
    /// A window is open.
    Open,
    /// A window is near its end.
    Ending,
    /// The last thing that happened is a failure.
    Failed,
    /// Nobody is signed in.
    SignedOut,
}

/// One line of the menu.
///
/// Labels are plain text. Where a toolkit reads `&` or `_` as the mark of a mnemonic, escaping them is its drawer's
/// work: only there is it known which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The name of the section that follows; cannot be chosen.
    Heading(String),
    /// A line.
    Separator,
    /// Something to choose.
    Act {
        /// What it does.
        action: Action,
        /// What it says.
        label: String,
    },
    /// Something to read.
    Note(String),
    /// A menu of its own: what lies in a folder.
    Folder {
        /// The folder's name.
        label: String,
        /// What lies in it.
        items: Vec<Item>,
    },
}

/// What a menu item does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Action {
    /// Open a favourite.
    Connect {
        /// Which.
        name: ProfileName,
    },
    /// Open all favourites of a folder, and of those within.
    ConnectAll {
        /// Its whole name, such as `Team/Prod`.
        folder: String,
    },
    /// Sign in to the account of a favourite, which is opened then.
    SignIn {
        /// Which.
        name: ProfileName,
    },
    /// Ask for more time for a favourite that is open.
    Extend {
        /// Which.
        name: ProfileName,
    },
    /// Ask for access from this machine's present address, where a favourite is open from another.
    FromHere {
        /// Which.
        name: ProfileName,
    },
    /// Deallocate the VM of a favourite that nobody uses any more.
    Deallocate {
        /// Which.
        unused: Unused,
    },
    /// Leave it running.
    KeepRunning {
        /// Which.
        unused: Unused,
        /// For how long.
        keep: Keep,
    },
    /// Give up the attempt for a favourite.
    Cancel {
        /// Which.
        name: ProfileName,
    },
    /// Show the window.
    OpenWindow,
    /// End the tray application.
    Quit,
}

impl Action {
    /// The action as text, for toolkits that know menu items by such ids.
    pub fn to_id(&self) -> String {
        // An enum of names has no part that JSON could refuse.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The action behind an id of [`Action::to_id`].
    pub fn from_id(id: &str) -> Option<Self> {
        serde_json::from_str(id).ok()
    }
}

/// The tray for a snapshot at `now`, which is Azure's time.
///
/// Of several states the icon shows the one that wants the user soonest: something under way, else a window near its
/// end, else a failure (which stays until it is dismissed or tried again), else that something is open.
pub fn menu(snapshot: &Snapshot, now: DateTime<Utc>) -> Menu {
    let mut sections = vec![
        open_section(snapshot, now),
        connecting_section(snapshot, now),
        deallocating_section(snapshot, now),
        after_use_section(snapshot),
        favourites_section(snapshot, now),
        recents_section(snapshot),
        last_section(snapshot),
    ];
    sections.retain(|section| !section.is_empty());
    let icon = icon(snapshot, now);
    Menu { icon, tooltip: tooltip(snapshot, icon, now), items: sections.join(&Item::Separator) }
}

/// The next moment after `now` at which [`menu`] says something else by the passing of time alone; `None` if never.
pub fn menu_changes_at(snapshot: &Snapshot, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let windows = open(snapshot, now).flat_map(|window| {
        let amber = Some(window.end_time_utc - ENDING).filter(|at| *at > now);
        [left_changes_at(window.end_time_utc, now), amber]
    });
    let begun = under_way(snapshot).map(|attempt| attempt.started_at);
    let begun = begun.chain(being_deallocated(snapshot).map(|one| one.started_at));
    let attempts = begun.map(|started_at| {
        let next = (tens_of_seconds(started_at, now) + 1) * 10;
        Some(started_at + TimeDelta::seconds(next))
    });
    let started = snapshot.favourites.iter().filter_map(|favourite| favourite.started_at);
    let hours = started.map(|started_at| {
        let whole = (now - started_at).num_hours().max(0) + 1;
        Some(started_at + TimeDelta::hours(whole))
    });
    windows.chain(attempts).chain(hours).flatten().min()
}

fn act(action: Action, label: impl Into<String>) -> Item {
    Item::Act { action, label: label.into() }
}

fn connect(name: &ProfileName, label: String) -> Item {
    act(Action::Connect { name: name.clone() }, label)
}

/// The windows in force, but for those whose favourite is still being opened: granted is not yet open.
fn open(snapshot: &Snapshot, now: DateTime<Utc>) -> impl Iterator<Item = &WindowView> {
    let in_force = snapshot.windows.iter().filter(move |window| window.end_time_utc > now);
    in_force.filter(|window| !under_way(snapshot).any(|attempt| opens(attempt, window)))
}

fn under_way(snapshot: &Snapshot) -> impl Iterator<Item = &AttemptView> {
    snapshot.attempts.iter().filter(|attempt| attempt.outcome.is_none())
}

/// Whether an attempt opens what a window is for, and is for its favourite: one without a favourite has the name of its VM, which may be another's too.
fn opens(attempt: &AttemptView, window: &WindowView) -> bool {
    !attempt.extends
        && attempt.name == window.name
        && (&attempt.cloud, &attempt.vm, attempt.port) == (&window.cloud, &window.vm, window.port)
}

/// Whole tens of seconds that something has taken: a menu that changes each second cannot be aimed at.
fn tens_of_seconds(started_at: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (now - started_at).num_seconds().max(0) / 10
}

fn open_section(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<Item> {
    let lines = |window: &WindowView| {
        let name = &window.name;
        let label = words::with(name.as_str(), &left(window.end_time_utc - now));
        let label = window.endpoint.as_ref().map_or_else(|| label.clone(), |at| words::with(&label, &at.to_string()));
        if !is_a_favourites(snapshot, window) {
            // Its favourite is gone, and with it how to open the port.
            return vec![Item::Note(label)];
        }
        let label = if failure_of(snapshot, name).is_some() { words::with(&label, words::LAST_TRY) } else { label };
        let may_ask = may_extend(snapshot, window);
        let wants_time = window.end_time_utc - now <= ENDING && may_ask;
        let extend = wants_time.then(|| act(Action::Extend { name: name.clone() }, words::extend(name.as_str())));
        let renews = window.renewal.as_ref().is_some_and(|renewal| renewal.renews);
        let label = if renews { words::with(&label, words::RENEWS) } else { label };
        let address = window.left_behind.as_ref().map(|left| left.address);
        let label = if address.is_some() { words::with(&label, &words::left_behind(&window.source)) } else { label };
        let from_here = address
            .flatten()
            .filter(|_| may_ask)
            .map(|address| act(Action::FromHere { name: name.clone() }, words::from_here(name.as_str(), address)));
        [connect(name, label)].into_iter().chain(from_here).chain(extend).collect()
    };
    headed(words::OPEN_NOW, open(snapshot, now).flat_map(lines).collect())
}

fn connecting_section(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<Item> {
    let lines = under_way(snapshot).flat_map(|attempt| {
        let name = attempt.name.as_str();
        let label = words::connecting(name, &attempt.headline, tens_of_seconds(attempt.started_at, now) * 10);
        let cancel = Action::Cancel { name: attempt.name.clone() };
        [act(Action::OpenWindow, label), act(cancel, words::cancel(name))]
    });
    headed(words::CONNECTING, lines.collect())
}

fn being_deallocated(snapshot: &Snapshot) -> impl Iterator<Item = &DeallocationView> {
    snapshot.deallocations.iter().filter(|one| one.outcome.is_none())
}

/// What comes to rest. It cannot be called back, so that there is nothing to do but to look.
fn deallocating_section(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<Item> {
    let line = |one: &DeallocationView| {
        let seconds = tens_of_seconds(one.started_at, now) * 10;
        act(Action::OpenWindow, words::connecting(one.name.as_str(), &one.headline, seconds))
    };
    headed(words::DEALLOCATING, being_deallocated(snapshot).map(line).collect())
}

/// What nobody uses any more, and what can be done about it.
fn after_use_section(snapshot: &Snapshot) -> Vec<Item> {
    let lines = |one: &AfterUseView| {
        let (unused, called) = (one.unused(), one.name.as_str());
        let deallocate = act(Action::Deallocate { unused: unused.clone() }, words::deallocate(called));
        let keep = |keep, label: String| act(Action::KeepRunning { unused: unused.clone(), keep }, label);
        let head = act(Action::OpenWindow, words::not_used(called, one.deallocates_at.is_some()));
        [head, deallocate, keep(Keep::Later, words::later(called)), keep(Keep::Running, words::keep_running(called))]
    };
    headed(words::NOT_USED, snapshot.after_use.iter().flat_map(lines).collect())
}

/// Whether a window is the favourite's, and not only of its name, as [`opens`].
fn leads_to(favourite: &FavouriteView, window: &WindowView) -> bool {
    favourite.name == window.name
        && (&favourite.cloud, &favourite.vm, favourite.port) == (&window.cloud, &window.vm, window.port)
}

/// Whether a window's VM is being deallocated, or was and has not been opened since: nobody can use the window.
pub(crate) fn rests(snapshot: &Snapshot, window: &WindowView) -> bool {
    let is_its = |one: &&DeallocationView| (&one.cloud, &one.vm) == (&window.cloud, &window.vm);
    let rests = |one: &DeallocationView| matches!(one.outcome, None | Some(DeallocationEnd::Deallocated { .. }));
    snapshot.deallocations.iter().filter(is_its).any(rests)
}

/// Whether more time can be asked for by the window's name, and is not being asked for already.
pub(crate) fn may_extend(snapshot: &Snapshot, window: &WindowView) -> bool {
    let is_extended = under_way(snapshot).any(|attempt| attempt.extends && attempt.name == window.name);
    !is_extended && !rests(snapshot, window) && is_a_favourites(snapshot, window)
}

/// Whether a favourite is opened where a window is for: its VM, at its port.
fn is_a_favourites(snapshot: &Snapshot, window: &WindowView) -> bool {
    snapshot.favourites.iter().any(|favourite| leads_to(favourite, window))
}

/// The favourites that the sections above do not show already.
fn favourites_section(snapshot: &Snapshot, now: DateTime<Utc>) -> Vec<Item> {
    if snapshot.favourites.is_empty() {
        return vec![Item::Note(words::NO_FAVOURITES.into())];
    }
    let shown_above = |favourite: &FavouriteView| {
        open(snapshot, now).any(|window| leads_to(favourite, window))
            || under_way(snapshot).any(|attempt| attempt.name == favourite.name)
            || being_deallocated(snapshot).any(|one| one.name == favourite.name)
    };
    let rest = snapshot.favourites.iter().filter(|favourite| !shown_above(favourite));
    let line = |favourite: &FavouriteView| {
        let failure = failure_of(snapshot, &favourite.name);
        if waits_for_sign_in(snapshot, favourite) {
            let sign_in = Action::SignIn { name: favourite.name.clone() };
            return act(sign_in, words::with(favourite.name.as_str(), words::SIGN_IN_AGAIN));
        }
        let label = words::favourite(favourite.name.as_str(), &favourite.detail, failure);
        let running = favourite.started_at.map(|started_at| runs(now - started_at));
        connect(&favourite.name, running.map_or_else(|| label.clone(), |running| words::with(&label, &running)))
    };
    let filed = Folder::of(rest.map(|favourite| (favourite.profile.folder.as_deref(), line(favourite))));
    headed(words::FAVOURITES, within(filed))
}

/// What was opened lately and is no favourite, in a menu of its own.
fn recents_section(snapshot: &Snapshot) -> Vec<Item> {
    let is_shown = |name: &ProfileName| {
        let attempts = under_way(snapshot).map(|attempt| &attempt.name);
        attempts.chain(snapshot.windows.iter().map(|window| &window.name)).any(|shown| shown == name)
    };
    let rest = snapshot.recents.iter().filter(|recent| !is_shown(&recent.opens.name));
    let items: Vec<_> = rest
        .map(|RecentView { opens, detail, .. }| connect(&opens.name, words::with(opens.name.as_str(), detail)))
        .collect();
    if items.is_empty() { items } else { vec![Item::Folder { label: words::RECENTS.into(), items }] }
}

/// What lies in a folder, and below that the folders within.
fn within(folder: Folder<Item>) -> Vec<Item> {
    let folders = folder.folders.into_iter().map(|folder| {
        let (label, path) = (one_line(folder.name()), folder.path.clone());
        let all = (folder.count() > 1).then(|| act(Action::ConnectAll { folder: path }, words::CONNECT_ALL));
        Item::Folder { label, items: all.into_iter().chain(within(folder)).collect() }
    });
    folder.entries.into_iter().chain(folders).collect()
}

fn last_section(snapshot: &Snapshot) -> Vec<Item> {
    let problems = [&snapshot.settings_problem, &snapshot.refresh_problem].into_iter().flatten();
    let problems = problems.map(|failure| act(Action::OpenWindow, failure.title.as_str()));
    let always = [act(Action::OpenWindow, words::OPEN_WINDOW), act(Action::Quit, words::QUIT)];
    problems.chain(always).collect()
}

fn headed(heading: &str, lines: Vec<Item>) -> Vec<Item> {
    if lines.is_empty() { lines } else { [vec![Item::Heading(heading.into())], lines].concat() }
}

/// The attempts that failed and are neither dismissed nor tried again.
fn failures(snapshot: &Snapshot) -> impl Iterator<Item = (&ProfileName, &FailureView)> {
    snapshot.attempts.iter().filter_map(|attempt| match &attempt.outcome {
        Some(OutcomeView::Failed(failure)) => Some((&attempt.name, failure)),
        Some(OutcomeView::Connected(_) | OutcomeView::Extended(_) | OutcomeView::Cancelled(_)) | None => None,
    })
}

fn failure_of<'a>(snapshot: &'a Snapshot, name: &ProfileName) -> Option<&'a FailureView> {
    failures(snapshot).find(|(failed, _)| *failed == name).map(|(_, failure)| failure)
}

/// Whether a favourite cannot be opened before somebody has signed in to an account that Ajar signs people in to.
fn waits_for_sign_in(snapshot: &Snapshot, favourite: &FavouriteView) -> bool {
    let is_ours = snapshot.account_of(favourite).is_some_and(|account| account.method.is_interactive());
    let was_refused = || failure_of(snapshot, &favourite.name).is_some_and(|failure| failure.wants_sign_in);
    is_ours && (favourite.waits_for_sign_in || was_refused())
}

/// Whether an attempt failed, or Azure could not be read, for want of a sign-in, or there is no account that could act.
fn wants_sign_in(snapshot: &Snapshot) -> bool {
    let nobody_can_act = !snapshot.accounts.is_empty()
        && snapshot.accounts.iter().all(|account| account.state == AccountState::NeedsSignIn);
    let failed = failures(snapshot).map(|(_, failure)| failure);
    nobody_can_act || failed.chain(&snapshot.refresh_problem).any(|failure| failure.wants_sign_in)
}

fn icon(snapshot: &Snapshot, now: DateTime<Utc>) -> Icon {
    if under_way(snapshot).next().is_some() || being_deallocated(snapshot).next().is_some() {
        Icon::Working
    } else if open(snapshot, now).any(|window| window.end_time_utc - now <= ENDING) {
        Icon::Ending
    } else if wants_sign_in(snapshot) {
        Icon::SignedOut
    } else if failures(snapshot).next().is_some() {
        Icon::Failed
    } else if open(snapshot, now).next().is_some() {
        Icon::Open
    } else {
        Icon::Idle
    }
}

/// What the icon means, in words.
fn tooltip(snapshot: &Snapshot, icon: Icon, now: DateTime<Utc>) -> String {
    let state = match icon {
        Icon::Working => {
            let opened = under_way(snapshot).map(|one| (&one.name, &one.headline));
            let all = opened.chain(being_deallocated(snapshot).map(|one| (&one.name, &one.headline)));
            let mut told = all.map(|(name, headline)| words::working(name.as_str(), headline));
            told.next()
        }
        Icon::Open | Icon::Ending => {
            let first = open(snapshot, now).min_by_key(|window| window.end_time_utc);
            first.map(|one| words::with(one.name.as_str(), &left(one.end_time_utc - now)))
        }
        Icon::Failed => failures(snapshot).next().map(|(name, _)| words::couldnt_open(name.as_str())),
        Icon::SignedOut => Some(words::SIGNED_OUT.into()),
        // That nothing is open is only known if Azure could be read.
        Icon::Idle => Some(snapshot.refresh_problem.as_ref().map_or(words::IDLE, |failure| &failure.title).into()),
    };
    words::with(words::AJAR, &state.unwrap_or_default())
}
