//! What is meant by what somebody types for a VM: a favourite, or a VM among all that the accounts can see.

use std::time::Duration;

use ajar_core::failure::{ExitCode, Failure};
use ajar_core::inventory::{Found, FoundVm};
use ajar_core::message;
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::resource_id::VmResourceId;
use ajar_core::settings::Favourite;
use ajar_core::snapshot::{FavouriteView, Snapshot};
use ajar_runtime::adapters::words;

use super::{End, asking, inventory, picker, team};
use crate::output;
use crate::session::Session;

/// As many as people are asked to choose from in words.
const FEW: u32 = 5;
const SIMILAR: usize = FEW as usize;

/// How long what runs on a VM is looked for that is given by its id.
const SEEN_WITHIN: Duration = Duration::from_secs(5);

/// What is to be opened.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    pub(super) name: ProfileName,
    /// How, where it is no favourite.
    pub(super) profile: Option<Profile>,
}

impl Meant {
    pub(super) fn favourite(name: ProfileName) -> Self {
        Self { name, profile: None }
    }

    pub(super) fn found(found: &FoundVm) -> Self {
        let Favourite { name, profile } = found.opens.clone();
        Self { name, profile: (!found.is_favourite).then_some(profile) }
    }
}

/// What is meant: the favourite of that name, else the one VM of that name, else the one favourite or VM whose name begins
/// so. Where that is not clear somebody is shown what there is, if `may_ask`.
///
/// # Errors
/// That nothing of the kind is known, or more than one, with what is nearest.
pub(super) async fn meant(session: &Session, query: Option<&str>, may_ask: bool) -> Result<Meant, End> {
    let Some(query) = query.filter(|query| !query.trim().is_empty()) else {
        if !may_ask {
            let detail = message::inventory::nothing_named().to_owned();
            return Err(words(&Failure::CommandLine { detail }.into(), "Ajar").into());
        }
        inventory::read(session, false).await?;
        return choose(session, "").await;
    };
    if let Some(favourite) = favourite_called(&session.snapshot(), query) {
        return Ok(Meant::favourite(favourite));
    }
    if let Ok(id) = query.parse()
        && let Some(meant) = by_id(session, &id).await?
    {
        return Ok(meant);
    }
    // A team may have got it just now.
    team::read(session).await;
    let snapshot = session.snapshot();
    if let Some(favourite) = favourite_called(&snapshot, query) {
        return Ok(Meant::favourite(favourite));
    }
    if let Some(Favourite { name, profile }) = opened_lately(&snapshot, query) {
        return Ok(Meant { name, profile: Some(profile) });
    }
    // A whole name is clear enough without reading anything anew.
    let known = inventory::named(session, query, FEW).await?;
    if let [found] = called(session, &known.vms, query)[..] {
        return Ok(taken(found));
    }
    inventory::read(session, false).await?;
    let known = inventory::named(session, query, FEW).await?;
    if let [found] = called(session, &known.vms, query)[..] {
        return Ok(taken(found));
    }
    // What is called so goes before what begins so, whoever calls it that.
    let snapshot = session.snapshot();
    let meant = match called_so_by_teams(&snapshot, query)[..] {
        [] => the_one_beginning(session, &known, &beginning(&snapshot, query), query),
        [view] if is_clear(&snapshot, &known, view, query) => Some(of_team(view, query)),
        [..] => None,
    };
    if let Some(meant) = meant {
        return Ok(meant);
    }
    if may_ask { choose(session, query).await } else { Err(nearest(session, &snapshot, query).await?) }
}

/// What is called exactly so: the favourite, what was opened lately, or the one VM of that name. Never by a beginning of the
/// name: what is done then cannot be undone.
///
/// # Errors
/// That nothing is called so, or more than one VM is, with what is nearest.
pub(super) async fn whole(session: &Session, name: &str) -> Result<Meant, End> {
    let snapshot = session.snapshot();
    if let Some(favourite) = favourite_called(&snapshot, name) {
        return Ok(Meant::favourite(favourite));
    }
    if let Some(Favourite { name, profile }) = opened_lately(&snapshot, name) {
        return Ok(Meant { name, profile: Some(profile) });
    }
    inventory::read(session, false).await?;
    let known = inventory::named(session, name, FEW).await?;
    let is_elsewhere = |found: &FoundVm| session.cloud.as_ref().is_some_and(|cloud| *cloud != found.viewpoint.cloud);
    match called(session, &known.vms, name)[..] {
        [found] if !is_elsewhere(found) => Ok(taken(found)),
        _ => Err(nearest(session, &snapshot, name).await?),
    }
}

/// The favourite that leads to the VM of this id, the first where several do; else the VM, if an account sees it.
async fn by_id(session: &Session, id: &VmResourceId) -> Result<Option<Meant>, End> {
    let snapshot = session.snapshot();
    let leads_there =
        |view: &&FavouriteView| view.vm == *id && session.cloud.as_ref().is_none_or(|cloud| *cloud == view.cloud);
    if let Some(view) = snapshot.favourites.iter().find(leads_there) {
        output::line_to_people(&message::cli::leads_there(view.name.as_str()));
        return Ok(Some(Meant::favourite(view.name.clone())));
    }
    Ok(seen(session, id).await?.as_ref().map(taken))
}

/// What is known of the VM of this id. Azure is asked where it is not among those that are known.
async fn seen(session: &Session, id: &VmResourceId) -> Result<Option<FoundVm>, End> {
    let known = async || {
        let named = inventory::named(session, id.name(), u32::MAX).await?;
        let is_there = |found: &FoundVm| session.cloud.as_ref().is_none_or(|cloud| *cloud == found.viewpoint.cloud);
        Ok::<_, End>(named.vms.into_iter().find(|found| found.vm.id == *id && is_there(found)))
    };
    if let Some(found) = known().await? {
        return Ok(Some(found));
    }
    inventory::read(session, false).await?;
    known().await
}

/// Where nothing is called so, the one favourite or VM whose name begins so.
fn the_one_beginning(session: &Session, known: &Found, favourites: &[ProfileName], query: &str) -> Option<Meant> {
    match (&called(session, &known.vms, query)[..], favourites, &known.vms[..]) {
        ([], [favourite], vms) if vms.iter().all(|found| found.is_favourite && found.opens.name == *favourite) => {
            Some(Meant::favourite(favourite.clone()))
        }
        ([], [], [found]) if known.total == 1 => Some(taken(found)),
        (_, _, _) => None,
    }
}

/// The favourites that teams call so.
fn called_so_by_teams<'s>(snapshot: &'s Snapshot, query: &str) -> Vec<&'s FavouriteView> {
    let called: Option<ProfileName> = query.parse().ok();
    let is_so = |view: &&FavouriteView| {
        view.of_team.as_ref().is_some_and(|whose| called.as_ref().is_some_and(|called| whose.called == *called))
    };
    snapshot.favourites.iter().filter(is_so).collect()
}

/// Whether nothing but this team's favourite is called so. While another team's file has not been read, or some VMs, nobody knows.
fn is_clear(snapshot: &Snapshot, known: &Found, view: &FavouriteView, query: &str) -> bool {
    let gaps = snapshot.inventory.as_ref().map(|inventory| &inventory.gaps);
    let all_vms_are_known = gaps.is_some_and(|gaps| gaps.iter().all(|gap| gap.lack.is_some()));
    let mut called_so = known.vms.iter().filter(|found| found.vm.id.name().eq_ignore_ascii_case(query));
    all_vms_are_known
        && snapshot.settings.teams.iter().all(|team| team.read_at.is_some())
        && called_so.all(|found| found.is_favourite && found.opens.name == view.name)
}

/// A team's favourite, which is said: it has another name here.
fn of_team(view: &FavouriteView, query: &str) -> Meant {
    if let Some(whose) = &view.of_team {
        output::line_to_people(&message::team::meant(query, &view.name, &whose.team, &view.vm_name));
    }
    Meant::favourite(view.name.clone())
}

/// Shows what there is, and what is missing of it.
async fn choose(session: &Session, typed: &str) -> Result<Meant, End> {
    let found = inventory::find(session, "", u32::MAX).await?.vms;
    let snapshot = session.snapshot();
    if found.is_empty() && snapshot.favourites.is_empty() {
        return Err(nothing_known(&snapshot, typed));
    }
    tell_gaps(session);
    picker::choose(&snapshot, found, typed).await
}

/// That there is nothing to choose from: what kept it from being read, else that there are no favourites.
fn nothing_known(snapshot: &Snapshot, typed: &str) -> End {
    let mut gaps = snapshot.inventory.clone().unwrap_or_default().gaps;
    if !gaps.is_empty() {
        let curable = gaps.iter().position(|gap| asking::sign_in_to_see(&gap.failure, snapshot).is_some());
        let told_last = gaps.remove(curable.unwrap_or(0));
        inventory::tell_gaps(&gaps);
        output::line_to_people(&told_last.text);
        told_last.failure.into()
    } else if typed.is_empty() {
        output::line_to_people(message::cli::no_favourites());
        End::Code(ExitCode::Usage as u8)
    } else {
        words(&Failure::UnknownFavourite { name: typed.to_owned(), similar: Vec::new() }.into(), typed).into()
    }
}

/// Whether no VM is known for what kept all of them from being read: whoever is told that there is none of a name would look
/// for it in vain.
fn sees_nothing(session: &Session) -> bool {
    let snapshot = session.snapshot();
    snapshot.inventory.as_ref().is_some_and(|inventory| inventory.count == 0 && !inventory.gaps.is_empty())
}

fn tell_gaps(session: &Session) {
    inventory::tell_gaps(&session.snapshot().inventory.clone().unwrap_or_default().gaps);
}

/// Whether a VM is given by its name, not by its id.
pub(super) fn is_a_name(text: &str) -> bool {
    !text.contains('/')
}

/// The id of a VM that is given by it, or by a name that one VM alone has, and what is known of that one.
pub(super) async fn vm(session: &Session, text: &str) -> Result<(VmResourceId, Option<FoundVm>), End> {
    let problem = match text.parse() {
        Ok(id) => {
            // Who gives an id may add what cannot be seen now, and need not wait for that.
            let seen = tokio::time::timeout(SEEN_WITHIN, seen(session, &id)).await;
            return Ok((id, seen.ok().and_then(Result::ok).flatten()));
        }
        // Whoever gives an id wants to hear what is wrong with it.
        Err(error) if !is_a_name(text) => Failure::CommandLine { detail: format!("--vm: {error}") },
        Err(_) => {
            inventory::read(session, false).await?;
            let known = inventory::named(session, text, FEW).await?;
            let called = called(session, &known.vms, text);
            if let [found] = called[..] {
                return Ok((found.vm.id.clone(), Some(found.clone())));
            }
            if sees_nothing(session) {
                return Err(nothing_known(&session.snapshot(), text));
            }
            tell_gaps(session);
            let ids = called.iter().map(|found| found.vm.id.to_string()).collect();
            Failure::UnknownVm { name: text.to_owned(), ids }
        }
    };
    Err(words(&problem.into(), text).into())
}

fn favourite_called(snapshot: &Snapshot, query: &str) -> Option<ProfileName> {
    let name: ProfileName = query.parse().ok()?;
    snapshot.favourites.iter().map(|favourite| &favourite.name).find(|known| **known == name).cloned()
}

fn opened_lately(snapshot: &Snapshot, query: &str) -> Option<Favourite> {
    let name: ProfileName = query.parse().ok()?;
    snapshot.recents.iter().map(|recent| &recent.opens).find(|known| known.name == name).cloned()
}

fn beginning(snapshot: &Snapshot, query: &str) -> Vec<ProfileName> {
    let begins = |name: &&ProfileName| name.as_str().to_ascii_lowercase().starts_with(&query.to_ascii_lowercase());
    snapshot.favourites.iter().map(|favourite| &favourite.name).filter(begins).cloned().collect()
}

/// The VMs of that name: those in the cloud that the command line names, where there are any.
fn called<'f>(session: &Session, vms: &'f [FoundVm], name: &str) -> Vec<&'f FoundVm> {
    let called = || vms.iter().filter(|found| found.vm.id.name().eq_ignore_ascii_case(name));
    let is_there = |found: &&FoundVm| session.cloud.as_ref().is_some_and(|cloud| *cloud == found.viewpoint.cloud);
    let there: Vec<_> = called().filter(is_there).collect();
    if there.is_empty() { called().collect() } else { there }
}

/// The one that is meant, which is said: it was not called by a name of the user's own.
fn taken(found: &FoundVm) -> Meant {
    output::line_to_people(&message::inventory::taken(found));
    Meant::found(found)
}

/// That it is not clear, with what is nearest: those of that name, or favourites that begin so and what the search finds.
async fn nearest(session: &Session, snapshot: &Snapshot, query: &str) -> Result<End, End> {
    if sees_nothing(session) && beginning(snapshot, query).is_empty() {
        return Ok(nothing_known(&session.snapshot(), query));
    }
    tell_gaps(session);
    let is_called_so = |view: &FavouriteView| {
        view.of_team.as_ref().is_some_and(|whose| whose.called.as_str().eq_ignore_ascii_case(query))
    };
    let known = inventory::named(session, query, FEW).await?;
    let same = message::inventory::places(&called(session, &known.vms, query));
    let similar = if same.is_empty() {
        let mut favourites = beginning(snapshot, query);
        let by_teams = snapshot.favourites.iter().filter(|view| is_called_so(view));
        favourites.extend(by_teams.map(|view| view.name.clone()));
        let found = inventory::find(session, query, FEW).await?;
        let is_told = |found: &&FoundVm| found.is_favourite && favourites.contains(&found.opens.name);
        let others: Vec<_> = found.vms.iter().filter(|found| !is_told(found)).collect();
        let others = message::inventory::places(&others);
        favourites.iter().map(ToString::to_string).chain(others).take(SIMILAR).collect()
    } else {
        same
    };
    let failure = Failure::UnknownFavourite { name: query.to_owned(), similar };
    Ok(words(&failure.into(), query).into())
}
