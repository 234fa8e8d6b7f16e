//! `ajar list`: the favourites, and the VMs of the inventory that match.

use ajar_core::folders::Folder;
use ajar_core::inventory::{Found, FoundVm};
use ajar_core::message;
use ajar_core::snapshot::{FavouriteView, GapView, InventoryView, RecentView, Snapshot};
use ajar_runtime::adapters::SystemClock;
use ajar_runtime::ports::Clock as _;
use chrono::Utc;
use serde_json::json;

use super::{End, inventory, team};
use crate::args::List;
use crate::output;
use crate::session::Session;

/// As many VMs as people look through; more are told by their number.
const SHOWN: u32 = 20;

pub(crate) async fn run(session: &Session, args: &List) -> Result<(), End> {
    team::read(session).await;
    let Some(query) = &args.query else { return favourites(session, args.json) };
    inventory::read(session, args.refresh).await?;
    let found = inventory::find(session, query, if args.json { u32::MAX } else { SHOWN }).await?;
    let snapshot = session.snapshot();
    let favourites = matching(&snapshot, query);
    let known = snapshot.inventory.clone().unwrap_or_default();
    let is_empty = favourites.is_empty() && found.vms.is_empty();
    if args.json {
        print_json(&favourites, &[], &found, &known.gaps)?;
    } else {
        inventory::tell_gaps(&known.gaps);
        print(&snapshot, &favourites, &found, &known)?;
    }
    // What could not be read may be what is looked for.
    match known.gaps.first().filter(|_| is_empty && known.read_at.is_none()) {
        Some(gap) => Err(End::Code(gap.failure.exit_code)),
        None if is_empty && !args.json => {
            output::line_to_people(&message::inventory::no_match(query));
            Ok(())
        }
        None => Ok(()),
    }
}

fn print(
    snapshot: &Snapshot,
    favourites: &[&FavouriteView],
    found: &Found,
    inventory: &InventoryView,
) -> Result<(), End> {
    if !favourites.is_empty() {
        print_favourites(favourites)?;
    }
    if !found.vms.is_empty() {
        if !favourites.is_empty() {
            output::line("")?;
        }
        print_vms(snapshot, found, inventory)?;
    }
    Ok(())
}

/// Only the favourites: nobody has to be asked for them.
fn favourites(session: &Session, in_json: bool) -> Result<(), End> {
    let snapshot = session.snapshot();
    let all = matching(&snapshot, "");
    if in_json {
        return print_json(&all, &snapshot.recents, &Found::default(), &[]);
    }
    if all.is_empty() {
        output::line_to_people(message::cli::no_favourites());
    } else {
        print_favourites(&all)?;
    }
    print_recents(&snapshot.recents, !all.is_empty())
}

/// What was opened lately, below the favourites.
fn print_recents(recents: &[RecentView], below: bool) -> Result<(), End> {
    if recents.is_empty() {
        return Ok(());
    }
    if below {
        output::line("")?;
    }
    let zone = SystemClock.zone(Utc::now());
    let rows: Vec<_> = recents.iter().map(|recent| message::cli::recent(recent, zone).to_vec()).collect();
    Ok(output::lines(&output::table(&message::cli::RECENT_COLUMNS, &rows))?)
}

fn matching<'s>(snapshot: &'s Snapshot, query: &str) -> Vec<&'s FavouriteView> {
    let query = query.to_lowercase();
    let wanted = |favourite: &&FavouriteView| {
        let FavouriteView { profile, .. } = favourite;
        let noted = [&profile.note, &profile.folder].map(|text| text.as_deref().unwrap_or_default());
        let texts = [favourite.name.as_str(), &favourite.vm_name, &favourite.resource_group];
        let texts: Vec<_> = texts.into_iter().chain(noted).map(str::to_lowercase).collect();
        let id = profile.vm.to_string().to_lowercase();
        // By a part of an id nobody looks for a VM.
        let is_id = |word: &str| word.starts_with("/subscriptions/") || word == profile.vm.resource().subscription_id();
        let fits = |word: &str| texts.iter().any(|text| text.contains(word)) || (is_id(word) && id.contains(word));
        query.split_whitespace().all(fits)
    };
    snapshot.favourites.iter().filter(wanted).collect()
}

/// One table, with those that lie in folders under the folders' names.
fn print_favourites(favourites: &[&FavouriteView]) -> Result<(), End> {
    let filed = Folder::of(favourites.iter().map(|favourite| (favourite.profile.folder.as_deref(), favourite)));
    let folders = filed.all();
    let in_several_clouds = favourites.iter().any(|favourite| favourite.cloud != favourites[0].cloud);
    let width = message::cli::FAVOURITE_COLUMNS.len() - usize::from(!in_several_clouds);
    let all = folders.iter().flat_map(|folder| &folder.entries);
    let rows: Vec<_> = all.map(|favourite| row(favourite)[..width].to_vec()).collect();
    let table = output::table(&message::cli::FAVOURITE_COLUMNS[..width], &rows);
    let (heading, mut lines) = table.split_at(1);
    output::lines(heading)?;
    for folder in folders {
        if !folder.path.is_empty() {
            output::line("")?;
            output::line(&message::one_line(&folder.path))?;
        }
        let of_folder;
        (of_folder, lines) = lines.split_at(folder.entries.len());
        output::lines(of_folder)?;
    }
    Ok(())
}

fn row(favourite: &FavouriteView) -> [String; 6] {
    [
        favourite.name.to_string(),
        format!("{} {}", favourite.protocol, favourite.port),
        favourite.vm_name.clone(),
        favourite.resource_group.clone(),
        message::cli::state(favourite.state).into(),
        favourite.cloud.clone(),
    ]
}

fn print_vms(snapshot: &Snapshot, found: &Found, inventory: &InventoryView) -> Result<(), End> {
    // As whom a VM is seen matters where there are several.
    let several = snapshot.accounts.len() > 1;
    let width = message::inventory::COLUMNS.len() - usize::from(!several);
    let now = Utc::now();
    let row = |found: &FoundVm| message::inventory::columns(found, now)[..width].to_vec();
    let rows: Vec<Vec<String>> = found.vms.iter().map(row).collect();
    output::lines(&output::table(&message::inventory::COLUMNS[..width], &rows))?;
    let zone = SystemClock.zone(now);
    output::line_to_people(&message::inventory::footer(found.vms.len(), found.total, inventory, zone, now));
    if let Some(best) = found.vms.iter().find(|found| !found.is_favourite) {
        output::line_to_people(&message::inventory::how_to_add(best));
    }
    Ok(())
}

/// One array: favourites, what was opened lately, VMs, and what could not be read, told apart by their kind.
fn print_json(
    favourites: &[&FavouriteView],
    recents: &[RecentView],
    found: &Found,
    gaps: &[GapView],
) -> Result<(), End> {
    let of_kind = |kind: &str, mut value: serde_json::Value| {
        value["kind"] = kind.into();
        value
    };
    let favourites = favourites.iter().map(|favourite| of_kind("favourite", as_json(favourite)));
    let vms = found.vms.iter().map(|found| of_kind("vm", vm_as_json(found)));
    let gaps = gaps.iter().map(|gap| {
        let mut value = output::failure_fields(&gap.failure);
        (value["account"], value["tenant"]) = (json!(gap.account), json!(gap.tenant));
        of_kind("gap", value)
    });
    let recents = recents.iter().map(|recent| of_kind("recent", recent_as_json(recent)));
    Ok(output::json(&favourites.chain(recents).chain(vms).chain(gaps).collect::<Vec<_>>())?)
}

/// A favourite's stable field names.
pub(super) fn as_json(favourite: &FavouriteView) -> serde_json::Value {
    json!({
        "name": favourite.name,
        "cloud": favourite.cloud,
        "account": favourite.account,
        "vm": favourite.vm,
        "vmName": favourite.vm_name,
        "resourceGroup": favourite.resource_group,
        "protocol": favourite.protocol,
        "port": favourite.port,
        "user": favourite.user,
        "state": favourite.state,
        "startedAt": favourite.started_at,
        "folder": favourite.profile.folder(),
        "note": favourite.profile.note,
        "team": favourite.of_team.as_ref().map(|whose| &whose.team),
    })
}

/// The stable field names of what was opened lately.
fn recent_as_json(recent: &RecentView) -> serde_json::Value {
    let profile = &recent.opens.profile;
    json!({
        "name": recent.opens.name,
        "vm": profile.vm,
        "vmName": profile.vm.name(),
        "resourceGroup": profile.vm.resource().resource_group(),
        "protocol": recent.protocol,
        "port": recent.port,
        "cloud": profile.cloud,
        "account": profile.account,
        "at": recent.at,
    })
}

/// A VM's stable field names.
fn vm_as_json(found: &FoundVm) -> serde_json::Value {
    let FoundVm { viewpoint, vm, opens, is_favourite, .. } = found;
    json!({
        "vm": vm.id,
        "vmName": vm.id.name(),
        "resourceGroup": vm.id.resource().resource_group(),
        "subscriptionId": vm.id.resource().subscription_id(),
        "subscription": vm.subscription,
        "location": vm.location,
        "os": vm.os,
        "power": vm.power,
        "privateAddresses": vm.private_addresses,
        "publicAddresses": vm.public_addresses,
        "tags": vm.tags,
        "lacks": vm.lacks,
        "keptFrom": vm.kept_from,
        "jitPorts": vm.jit_ports.as_ref().map(|ports| ports.iter().map(|rule| rule.port).collect::<Vec<_>>()),
        "favourite": is_favourite.then_some(&opens.name),
        "cloud": viewpoint.cloud,
        "account": viewpoint.account,
        "tenant": viewpoint.tenant,
    })
}
