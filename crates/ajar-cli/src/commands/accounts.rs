//! `ajar accounts`: who Ajar acts as.

use std::collections::BTreeSet;

use ajar_core::account::{AZ, AccountName};
use ajar_core::message;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::{AccountView, AzAccountView, AzView, FavouriteView, Kept, Snapshot};
use serde_json::json;

use super::End;
use crate::args::Accounts;
use crate::output;
use crate::session::Session;

pub(crate) async fn run(session: &Session, args: &Accounts) -> Result<(), End> {
    if let Some(account) = &args.default {
        let acts = set_default(session, account).await?;
        output::line_to_people(&acts);
    }
    session.face.ask(Request::ReadAccounts).await.accepted()?;
    let snapshot = session.snapshot();
    if args.json {
        let az = &snapshot.sign_in_ways.az;
        let accounts = snapshot.accounts.iter().map(|account| as_json(account, az, &acting_as(account, &snapshot)));
        output::json(&accounts.collect::<Vec<_>>())?;
        return Ok(());
    }
    let az_user = only_user(&snapshot.sign_in_ways.az);
    let az = user_meant(&snapshot.sign_in_ways.az);
    let rows: Vec<Vec<String>> =
        snapshot.accounts.iter().map(|account| row(account, az, &acting_as(account, &snapshot))).collect();
    let (heading, rows) = told_apart(&rows);
    output::lines(&output::table_or_entries(&heading, &rows))?;
    let acts_as_az = snapshot.accounts.iter().any(|account| account.name.built_in() == Some(AZ));
    print_az(&snapshot.sign_in_ways.az, acts_as_az)?;
    for account in &snapshot.accounts {
        if let Kept::MemoryOnly { why } = &account.kept {
            output::line_to_people(&message::account::about(account.name.as_str(), why));
        }
    }
    if az_user.is_none() && !snapshot.accounts.iter().any(|account| account.method.is_interactive()) {
        output::line_to_people(message::account::how_to_sign_in());
    }
    Ok(())
}

/// Has an account act for favourites that name none, and gives that in words.
async fn set_default(session: &Session, account: &AccountName) -> Result<String, End> {
    let reply = session.face.ask(Request::SetDefaultAccount { account: account.clone() }).await;
    if let Reply::ActsByDefault { acts } = reply {
        return Ok(acts);
    }
    reply.accepted()?;
    Ok(message::account::now_act_as(account.as_str(), None))
}

/// The users of the Azure CLI, where it has several; that there is none, if somebody `acts` as one.
fn print_az(az: &AzView, acts: bool) -> Result<(), End> {
    match az {
        AzView::Read { accounts } if accounts.len() > 1 => {
            let rows: Vec<Vec<String>> = accounts.iter().map(az_row).collect();
            output::line("")?;
            output::lines(&output::table(&message::account::AZ_COLUMNS, &rows))?;
            output::line_to_people(message::account::how_to_name_az());
        }
        AzView::Failed { why } => output::line_to_people(&message::account::az_failed(why)),
        AzView::Missing if acts => output::line_to_people(message::account::az_missing()),
        AzView::Read { .. } | AzView::Missing | AzView::Unread => {}
    }
    Ok(())
}

fn az_row(az: &AzAccountView) -> Vec<String> {
    vec![
        message::account::name(&az.user, az.is_default),
        az.tenant_id.clone(),
        az.cloud.clone(),
        az.subscriptions.to_string(),
        az.account.as_ref().map_or_else(|| "–".into(), ToString::to_string),
    ]
}

/// Who is signed in to the Azure CLI, if that is one.
fn only_user(az: &AzView) -> Option<&str> {
    match az {
        AzView::Read { accounts } => match accounts.as_slice() {
            [only] => Some(&only.user),
            _ => None,
        },
        AzView::Unread | AzView::Missing | AzView::Failed { .. } => None,
    }
}

/// The user of the Azure CLI that the account `az` is.
fn user_meant(az: &AzView) -> Option<&AzAccountView> {
    match az {
        AzView::Read { accounts } => {
            let is_only = accounts.len() == 1;
            accounts.iter().find(|az| az.is_default || is_only)
        }
        AzView::Unread | AzView::Missing | AzView::Failed { .. } => None,
    }
}

/// The favourites that act as an account.
fn acting_as<'a>(account: &AccountView, snapshot: &'a Snapshot) -> Vec<&'a str> {
    let acts = |favourite: &&FavouriteView| snapshot.account_of(favourite).is_some_and(|it| it.name == account.name);
    snapshot.favourites.iter().filter(acts).map(|favourite| favourite.name.as_str()).collect()
}

fn row(account: &AccountView, az: Option<&AzAccountView>, favourites: &[&str]) -> Vec<String> {
    let or_none = |text: Option<&str>| text.unwrap_or(NONE).to_owned();
    let az = az.filter(|_| account.name.built_in() == Some(AZ));
    vec![
        message::account::name(account.name.as_str(), account.is_default),
        or_none(account.username.as_deref().or(az.map(|az| az.user.as_str()))),
        message::account::method(account.method).into(),
        or_none(account.cloud.as_deref()),
        or_none(account.tenant.as_deref().or(az.map(|az| az.tenant_id.as_str()))),
        message::account::favourites(favourites),
        account.detail.clone(),
    ]
}

/// What is in a cell where nothing is known.
const NONE: &str = "–";

/// The columns that tell accounts apart: clouds where there are several, tenants where one is known.
fn told_apart(rows: &[Vec<String>]) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let heading = message::account::COLUMNS;
    let values = |column: usize| -> BTreeSet<&str> {
        rows.iter().map(|row| row[column].as_str()).filter(|cell| *cell != NONE).collect()
    };
    let is_told = |column: &usize| match heading[*column] {
        message::account::CLOUD => values(*column).len() > 1,
        message::account::TENANT => !values(*column).is_empty(),
        _ => true,
    };
    let columns: Vec<usize> = (0..heading.len()).filter(is_told).collect();
    let cells = |row: &Vec<String>| columns.iter().map(|column| row[*column].clone()).collect();
    (columns.iter().map(|column| heading[*column]).collect(), rows.iter().map(cells).collect())
}

/// An account's stable field names.
fn as_json(account: &AccountView, az: &AzView, favourites: &[&str]) -> serde_json::Value {
    let users = match az {
        AzView::Read { accounts } if account.name.built_in() == Some(AZ) => Some(accounts),
        AzView::Read { .. } | AzView::Unread | AzView::Missing | AzView::Failed { .. } => None,
    };
    json!({
        "name": account.name,
        "username": account.username,
        "method": account.method,
        "cloud": account.cloud,
        "tenant": account.tenant,
        "state": account.state,
        "kept": account.kept,
        "favourites": account.favourites,
        "favouriteNames": favourites,
        "isDefault": account.is_default,
        "users": users,
    })
}
