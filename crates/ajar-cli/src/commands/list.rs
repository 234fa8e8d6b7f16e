//! `ajar list`: the favourites.

use ajar_core::message;
use ajar_core::snapshot::{FavouriteView, Snapshot};
use serde_json::json;

use super::End;
use crate::args::List;
use crate::output;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &List) -> Result<(), End> {
    let snapshot = session.snapshot();
    let query = args.query.as_deref().unwrap_or_default().to_lowercase();
    let wanted = |favourite: &&FavouriteView| {
        [favourite.name.as_str(), &favourite.vm_name, &favourite.resource_group]
            .iter()
            .any(|text| text.to_lowercase().contains(&query))
    };
    let found: Vec<&FavouriteView> = snapshot.favourites.iter().filter(wanted).collect();
    if args.json {
        output::json(&found.iter().map(|favourite| as_json(favourite)).collect::<Vec<_>>())?;
    } else if found.is_empty() {
        output::line_to_people(&nothing(&snapshot, &query));
    } else {
        let rows: Vec<Vec<String>> = found.iter().map(|favourite| row(favourite)).collect();
        output::lines(&output::table(&message::cli::FAVOURITE_COLUMNS, &rows))?;
    }
    Ok(())
}

fn nothing(snapshot: &Snapshot, query: &str) -> String {
    if snapshot.favourites.is_empty() { message::cli::no_favourites().into() } else { message::cli::no_match(query) }
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
