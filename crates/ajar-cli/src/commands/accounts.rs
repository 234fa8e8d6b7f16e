//! `ajar accounts`: who Ajar acts as.

use ajar_core::message;
use ajar_core::snapshot::{AccountView, Kept};
use serde_json::json;

use super::End;
use crate::args::Accounts;
use crate::output;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &Accounts) -> Result<(), End> {
    let snapshot = session.snapshot();
    if args.json {
        output::json(&snapshot.accounts.iter().map(as_json).collect::<Vec<_>>())?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = snapshot.accounts.iter().map(row).collect();
    output::lines(&output::table(&message::account::COLUMNS, &rows))?;
    for account in &snapshot.accounts {
        if let Kept::MemoryOnly { why } = &account.kept {
            output::line_to_people(&message::account::about(account.name.as_str(), why));
        }
    }
    if !snapshot.accounts.iter().any(|account| account.method.is_interactive()) {
        output::line_to_people(message::account::how_to_sign_in());
    }
    Ok(())
}

fn row(account: &AccountView) -> Vec<String> {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".into());
    vec![
        message::account::name(account.name.as_str(), account.is_default),
        or_none(&account.username),
        message::account::method(account.method).into(),
        or_none(&account.cloud),
        account.favourites.to_string(),
        account.detail.clone(),
    ]
}

/// An account's stable field names.
fn as_json(account: &AccountView) -> serde_json::Value {
    json!({
        "name": account.name,
        "username": account.username,
        "method": account.method,
        "cloud": account.cloud,
        "tenant": account.tenant,
        "state": account.state,
        "kept": account.kept,
        "favourites": account.favourites,
        "isDefault": account.is_default,
    })
}
