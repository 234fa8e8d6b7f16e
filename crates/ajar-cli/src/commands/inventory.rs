//! Asking the engine about all VMs that the accounts can see.

use std::collections::HashSet;

use ajar_core::inventory::Found;
use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::GapView;
use indicatif::ProgressBar;

use super::{End, no_answer};
use crate::output;
use crate::session::Session;

/// Has the VMs read where they are not fresh, or `anew`. On a terminal it is shown how many have come.
pub(super) async fn read(session: &Session, anew: bool) -> Result<(), End> {
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
    Ok(reply.accepted()?)
}

/// How many VMs are asked for at once: the host has no room to find for ten thousand in one answer.
const PAGE: u32 = 500;

/// The VMs that fit a query, as they are known.
pub(super) async fn find(session: &Session, query: &str, limit: u32) -> Result<Found, End> {
    let (mut found, mut seen, mut skip) = (Found::default(), HashSet::new(), 0);
    while skip < limit {
        let wanted = PAGE.min(limit - skip);
        let page =
            vms(session, Request::FindVms { query: query.to_owned(), apart: false, skip, limit: wanted }).await?;
        let is_last = page.vms.len() < wanted as usize;
        found.total = page.total;
        // What is read meanwhile moves some of them to a later page.
        found.vms.extend(page.vms.into_iter().filter(|vm| seen.insert(vm.place())));
        if is_last {
            break;
        }
        skip += wanted;
    }
    Ok(found)
}

/// The VMs of that name as they are known, else those whose names begin so.
pub(super) async fn named(session: &Session, name: &str, limit: u32) -> Result<Found, End> {
    vms(session, Request::VmsNamed { name: name.to_owned(), limit }).await
}

async fn vms(session: &Session, request: Request) -> Result<Found, End> {
    match session.face.ask(request).await {
        Reply::Vms { found } => Ok(found),
        Reply::Refused { failure } => Err(failure.into()),
        Reply::Done
        | Reply::History { .. }
        | Reply::Exported { .. }
        | Reply::Left
        | Reply::Attempt { .. }
        | Reply::Deallocation { .. }
        | Reply::SigningIn { .. }
        | Reply::SignedOut { .. }
        | Reply::ActsByDefault { .. }
        | Reply::Inherited { .. }
        | Reply::Rights { .. }
        | Reply::ActivityLog { .. }
        | Reply::Diagnosis { .. } => Err(no_answer()),
    }
}

/// Says what could not be read, and why.
pub(super) fn tell_gaps(gaps: &[GapView]) {
    for gap in gaps {
        output::line_to_people(&gap.text);
        output::failure(&gap.failure, false);
    }
}
