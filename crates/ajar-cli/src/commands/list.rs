//! `ajar list`: the favourites, and the VMs of the inventory that match.

use ajar_core::inventory::{Found, FoundVm};
use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::{FavouriteView, GapView, InventoryView, Snapshot};
use ajar_runtime::adapters::SystemClock;
use ajar_runtime::ports::Clock as _;
use chrono::Utc;
use indicatif::ProgressBar;
use serde_json::json;

use super::{End, no_answer};
use crate::args::List;
use crate::output;
use crate::session::Session;

/// As many VMs as people look through; more are told by their number.
const SHOWN: u32 = 20;

pub(crate) async fn run(session: &Session, args: &List) -> Result<(), End> {
    let Some(query) = &args.query else { return favourites(session, args.json) };
    let found = find(session, args, query).await?;
    let snapshot = session.snapshot();
    let favourites = matching(&snapshot, query);
    let inventory = snapshot.inventory.clone().unwrap_or_default();
    let is_empty = favourites.is_empty() && found.vms.is_empty();
    if args.json {
        print_json(&favourites, &found, &inventory.gaps)?;
    } else {
        tell_gaps(&inventory.gaps);
        print(&snapshot, &favourites, &found, &inventory)?;
    }
    // What could not be read may be what is looked for.
    match inventory.gaps.first().filter(|_| is_empty && inventory.read_at.is_none()) {
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
        return print_json(&all, &Found::default(), &[]);
    }
    if all.is_empty() {
        output::line_to_people(message::cli::no_favourites());
        return Ok(());
    }
    print_favourites(&all)
}

async fn find(session: &Session, args: &List, query: &str) -> Result<Found, End> {
    read(session, args.refresh).await.accepted()?;
    let limit = if args.json { u32::MAX } else { SHOWN };
    match session.face.ask(Request::FindVms { query: query.to_owned(), limit }).await {
        Reply::Vms { found } => Ok(found),
        Reply::Refused { failure } => Err(failure.into()),
        Reply::Done
        | Reply::Left
        | Reply::Attempt { .. }
        | Reply::SigningIn { .. }
        | Reply::SignedOut { .. }
        | Reply::ActsByDefault { .. }
        | Reply::Rights { .. } => Err(no_answer()),
    }
}

/// Has the VMs read where they are not fresh. On a terminal it is shown how many have come.
async fn read(session: &Session, anew: bool) -> Reply {
    let progress = ProgressBar::new_spinner();
    let shown = async {
        let gone = session.face.wait_for(|snapshot| {
            if let Some(inventory) = snapshot.inventory.as_ref().filter(|inventory| inventory.reading) {
                let new = if inventory.read_at.is_none() { inventory.count } else { 0 };
                progress.set_message(message::inventory::reading(new));
            }
            false
        });
        gone.await;
        std::future::pending().await
    };
    let reply = tokio::select! {
        reply = session.face.ask(Request::ReadInventory { anew }) => reply,
        reply = shown => reply,
    };
    progress.finish_and_clear();
    reply
}

fn matching<'s>(snapshot: &'s Snapshot, query: &str) -> Vec<&'s FavouriteView> {
    let query = query.to_lowercase();
    let wanted = |favourite: &&FavouriteView| {
        let texts = [favourite.name.as_str(), &favourite.vm_name, &favourite.resource_group];
        let texts = texts.map(str::to_lowercase);
        query.split_whitespace().all(|word| texts.iter().any(|text| text.contains(word)))
    };
    snapshot.favourites.iter().filter(wanted).collect()
}

fn print_favourites(favourites: &[&FavouriteView]) -> Result<(), End> {
    let rows: Vec<Vec<String>> = favourites.iter().map(|favourite| row(favourite)).collect();
    Ok(output::lines(&output::table(&message::cli::FAVOURITE_COLUMNS, &rows))?)
}

fn row(favourite: &FavouriteView) -> Vec<String> {
    vec![
        favourite.name.to_string(),
        format!("{} {}", favourite.protocol, favourite.port),
        favourite.vm_name.clone(),
        favourite.resource_group.clone(),
        message::cli::state(favourite.state).into(),
    ]
}

fn print_vms(snapshot: &Snapshot, found: &Found, inventory: &InventoryView) -> Result<(), End> {
    // As whom a VM is seen matters where there are several.
    let several = snapshot.accounts.len() > 1;
    let width = message::inventory::COLUMNS.len() - usize::from(!several);
    let row = |found: &FoundVm| message::inventory::columns(found)[..width].to_vec();
    let rows: Vec<Vec<String>> = found.vms.iter().map(row).collect();
    output::lines(&output::table(&message::inventory::COLUMNS[..width], &rows))?;
    let now = Utc::now();
    let zone = SystemClock.zone(now);
    output::line_to_people(&message::inventory::footer(found.vms.len(), found.total, inventory, zone, now));
    let is_favourite = |found: &&FoundVm| snapshot.favourites.iter().any(|favourite| favourite.vm == found.vm.id);
    if let Some(best) = found.vms.iter().find(|found| !is_favourite(found)) {
        let account = best.viewpoint.account.as_str();
        let account = Some(account).filter(|account| !account.eq_ignore_ascii_case(&snapshot.host.account));
        output::line_to_people(&message::inventory::how_to_add(best, account));
    }
    Ok(())
}

fn tell_gaps(gaps: &[GapView]) {
    for gap in gaps {
        output::line_to_people(&message::inventory::gap(gap));
        output::failure(&gap.failure, false);
    }
}

/// One array: favourites, VMs, and what could not be read, told apart by their kind.
fn print_json(favourites: &[&FavouriteView], found: &Found, gaps: &[GapView]) -> Result<(), End> {
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
    Ok(output::json(&favourites.chain(vms).chain(gaps).collect::<Vec<_>>())?)
}

/// A favourite's stable field names.
pub(super) fn as_json(favourite: &FavouriteView) -> serde_json::Value {
    json!({
        "name": favourite.name,
        "vm": favourite.vm,
        "vmName": favourite.vm_name,
        "resourceGroup": favourite.resource_group,
        "protocol": favourite.protocol,
        "port": favourite.port,
        "user": favourite.user,
        "state": favourite.state,
    })
}

/// A VM's stable field names.
fn vm_as_json(found: &FoundVm) -> serde_json::Value {
    let FoundVm { viewpoint, vm } = found;
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
        "jitPorts": vm.jit_ports,
        "account": viewpoint.account,
        "tenant": viewpoint.tenant,
    })
}
