//! Choosing among all favourites and VMs at a terminal, by the search that the window has, too.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::io::ErrorKind;

use ajar_core::inventory::{FoundVm, Inventory};
use ajar_core::message;
use ajar_core::profile::ProfileName;
use ajar_core::snapshot::{FavouriteView, Snapshot};
use ajar_core::vm::CloudVm;
use chrono::{DateTime, Utc};
use inquire::{InquireError, Select};

use super::End;
#[cfg(unix)]
use super::asking::AsBefore;
use super::meaning::Meant;
use crate::output;
use crate::signals::Signal;

/// How many rows are shown at a time.
const ROWS: usize = 12;

/// A row.
struct Choice {
    line: String,
    /// Its favourite, if it is one.
    favourite: Option<ProfileName>,
    meant: Meant,
    /// Its VM, if that is in the inventory.
    vm: Option<CloudVm>,
    /// What was noted about it.
    note: String,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// With its end the terminal is as it was, also where nobody has chosen: a signal waits for no key.
struct Picking {
    #[cfg(unix)]
    _modes: AsBefore,
}

impl Picking {
    fn begin() -> Result<Self, End> {
        Ok(Self {
            #[cfg(unix)]
            _modes: AsBefore::new()?,
        })
    }
}

impl Drop for Picking {
    fn drop(&mut self) {
        // A terminal that has gone away needs nothing any more.
        drop(console::Term::stderr().show_cursor());
    }
}

/// Has somebody choose among favourites and what was found, which must be something; what they have typed so far is there.
///
/// # Errors
/// As an interrupt, where they leave it.
pub(super) async fn choose(snapshot: &Snapshot, found: Vec<FoundVm>, typed: &str) -> Result<Meant, End> {
    let mut choices = favourites_alone(snapshot, &found);
    // As whom a VM is seen matters where there are several.
    let width = PICKED.len() - usize::from(snapshot.accounts.len() <= 1);
    let now = Utc::now();
    let rows: Vec<Vec<String>> = found.iter().map(|found| picked_columns(found, now)[..width].to_vec()).collect();
    let lines = output::table(&PICKED[..width], &rows).into_iter().skip(1);
    choices.extend(lines.zip(&found).map(|(line, found)| {
        let favourite = found.is_favourite.then(|| found.opens.name.clone());
        let line = favourite.as_ref().map_or_else(|| line.clone(), |name| format!("{line}  ★ {name}"));
        let note = favourite.as_ref().and(found.opens.profile.note.clone()).unwrap_or_default();
        Choice { line, favourite, meant: Meant::found(found), vm: Some(found.viewpoint.place(&found.vm)), note }
    }));
    let search = Search::among(found);
    let (typed, _picking) = (typed.to_owned(), Picking::begin()?);
    let chosen = tokio::task::spawn_blocking(move || {
        let score = |typed: &str, choice: &Choice, line: &str, _: usize| {
            let is_named = choice.favourite.as_ref().is_some_and(|name| has_all_words(typed, name.as_str()));
            let is_favourite = choice.favourite.is_some() && has_all_words(typed, &format!("{line} {}", choice.note));
            let found = || choice.vm.as_ref().and_then(|vm| search.score(typed, vm));
            if is_named { Some(i64::MAX) } else { found().or(is_favourite.then_some(i64::MIN)) }
        };
        Select::new(message::inventory::which_one(), choices)
            .with_help_message(message::inventory::how_to_choose())
            .with_page_size(ROWS)
            .with_scorer(&score)
            .with_starting_filter_input(&typed)
            .prompt_skippable()
    });
    picked(chosen.await.map_err(std::io::Error::other)?).map(|choice| choice.meant)
}

/// Has somebody choose one of a few; which one.
///
/// # Errors
/// As an interrupt, where they leave it.
pub(super) async fn one_of(question: String, choices: Vec<String>) -> Result<usize, End> {
    let _picking = Picking::begin()?;
    let chosen = tokio::task::spawn_blocking(move || {
        Select::new(&question, choices)
            .with_help_message(message::inventory::how_to_choose())
            .with_page_size(ROWS)
            .raw_prompt_skippable()
    });
    picked(chosen.await.map_err(std::io::Error::other)?).map(|choice| choice.index)
}

fn picked<T>(chosen: Result<Option<T>, InquireError>) -> Result<T, End> {
    let left = || Err(End::Code(Signal::Interrupt.exit_code()));
    match chosen {
        Ok(Some(choice)) => Ok(choice),
        Ok(None) | Err(InquireError::OperationInterrupted) => left(),
        // Ctrl+C is a signal as well.
        Err(InquireError::IO(error)) if error.kind() == ErrorKind::Interrupted => left(),
        Err(error) => Err(std::io::Error::other(error).into()),
    }
}

/// What is told of each.
const PICKED: [&str; 6] = {
    let [name, group, subscription, os, power, _, _, seen_as] = message::inventory::COLUMNS;
    [name, group, subscription, os, power, seen_as]
};

fn picked_columns(found: &FoundVm, now: DateTime<Utc>) -> [String; 6] {
    let [name, group, subscription, os, power, _, _, seen_as] = message::inventory::columns(found, now);
    [name, group, subscription, os, power, seen_as]
}

/// The favourites whose VMs nobody sees now.
fn favourites_alone(snapshot: &Snapshot, found: &[FoundVm]) -> Vec<Choice> {
    let leads_to = |favourite: &FavouriteView, found: &FoundVm| {
        (&favourite.cloud, &favourite.vm) == (&found.viewpoint.cloud, &found.vm.id)
    };
    let is_alone = |favourite: &&FavouriteView| !found.iter().any(|found| leads_to(favourite, found));
    let alone = snapshot.favourites.iter().filter(is_alone);
    let choice = |favourite: &FavouriteView| Choice {
        line: format!("{}  {}  ★", favourite.name, favourite.detail),
        favourite: Some(favourite.name.clone()),
        meant: Meant::favourite(favourite.name.clone()),
        vm: None,
        note: favourite.profile.note.clone().unwrap_or_default(),
    };
    alone.map(choice).collect()
}

fn has_all_words(typed: &str, line: &str) -> bool {
    let line = line.to_lowercase();
    typed.to_lowercase().split_whitespace().all(|word| line.contains(word))
}

/// The search, as far as it has come: a row is asked about after the other, and all of them with the same text.
struct Search(RefCell<(Inventory, Option<String>, HashMap<CloudVm, i64>)>);

impl Search {
    fn among(found: Vec<FoundVm>) -> Self {
        let mut inventory = Inventory::default();
        for FoundVm { viewpoint, vm, .. } in found {
            inventory.page(&viewpoint, vec![vm]);
        }
        Self(RefCell::new((inventory, None, HashMap::new())))
    }

    /// The better it fits, the more; nothing where it does not.
    fn score(&self, typed: &str, vm: &CloudVm) -> Option<i64> {
        let (inventory, last, scores) = &mut *self.0.borrow_mut();
        if last.as_deref() != Some(typed) {
            let found = inventory.find(typed, 0, usize::MAX, &HashMap::new());
            *scores = (0_i64..).zip(found.vms).map(|(place, hit)| (hit.place(), -place)).collect();
            *last = Some(typed.to_owned());
        }
        scores.get(vm).copied()
    }
}
