//! What the settings file says, and where in it something is wrong.

use std::ops::Range;

use ajar_core::account::AccountName;
use ajar_core::message::settings::{Flaw, NO_TABLE, at, flaw, table_name};
use ajar_core::message::toml::unread_of;
use ajar_core::profile::ProfileName;
use ajar_core::settings::{
    AccessSettings, ClientSettings, Favourite, Misfit, NotificationSettings, SCHEMA_VERSION, Settings, SignInSettings,
};
use serde::de::{DeserializeOwned, IntoDeserializer as _};
use toml_edit::{Document, Item, Table, TableLike, Value};

use super::{accounts, clouds, general, inheritance, teams};

/// The tables that have many of a kind.
const OF_MANY: [&str; 5] = ["profiles", "accounts", "clouds", "networks", "teams"];

/// Something that is wrong, and what is known of where that stands.
pub(super) struct Misread {
    keys: Vec<String>,
    /// Nearer than the keys tell.
    span: Option<Range<usize>>,
    text: String,
}

impl Misread {
    /// What is wrong with what these keys lead to.
    pub(super) fn at(keys: &[&str], text: String) -> Self {
        Self { keys: keys.iter().map(ToString::to_string).collect(), span: None, text }
    }

    /// The same with the place by line and column. A key that is not there stands for the table that has none.
    fn told(&self, document: &Table, text: &str) -> String {
        let span = self.span.clone().or_else(|| span_of(document, &self.keys));
        span.map_or_else(|| self.text.clone(), |span| told_at(text, span.start, &self.text))
    }
}

/// What is wrong, with its place by line and column, where it is one.
pub(super) fn told_at(text: &str, place: usize, what: &str) -> String {
    let Some(before) = text.get(..place) else { return what.to_owned() };
    let line = before.rsplit('\n').next().unwrap_or_default();
    at(before.matches('\n').count() + 1, line.chars().count() + 1, what)
}

impl From<Misfit> for Misread {
    fn from(Misfit { keys, text }: Misfit) -> Self {
        Self { keys, span: None, text }
    }
}

fn span_of(table: &dyn TableLike, keys: &[String]) -> Option<Range<usize>> {
    let (first, within) = keys.split_first()?;
    let (key, item) = table.get_key_value(first)?;
    let deeper = item.as_table_like().and_then(|table| span_of(table, within));
    deeper.or_else(|| key.span()).or_else(|| item.span())
}

/// What a text says; else what is wrong, and where.
pub(super) fn settings(text: &str) -> Result<Settings, String> {
    // Of an editor of Windows, and none of the text.
    let text = text.trim_start_matches('\u{feff}');
    let document = Document::parse(text).map_err(|error| {
        // Without the line itself, which may have what is as good as a password.
        error.span().map_or_else(|| error.message().to_owned(), |span| told_at(text, span.start, error.message()))
    })?;
    let told = |wrong: &Misread| wrong.told(&document, text);
    let newer = newer(&document).map_err(|wrong| told(&wrong))?;
    let mut understood = document.as_table().clone();
    let mut left_out = Vec::new();
    loop {
        match read(&understood) {
            Ok(read) => return Ok(Settings { newer, left_out, ..read }.inheriting()),
            // A later Ajar may say what this one does not know; the rest is as good as ever.
            Err(wrong) if newer.is_some() && take_out(&mut understood, &wrong) => left_out.push(told(&wrong)),
            Err(wrong) => return Err(told(&wrong)),
        }
    }
}

/// Takes what is wrong out of a document; whether there was anything to take out.
fn take_out(document: &mut Table, wrong: &Misread) -> bool {
    let path = to_be_left_out(document, wrong);
    let Some((last, tables)) = path.split_last() else { return false };
    let mut table: &mut dyn TableLike = document;
    for key in tables {
        let Some(within) = table.get_mut(key).and_then(Item::as_table_like_mut) else { return false };
        table = within;
    }
    table.remove(last).is_some()
}

/// The keys that lead to what is to be left out: a favourite, an account, a cloud or a network whole, because without one of
/// its keys it would be another one; elsewhere the key alone, as far as its place is known.
fn to_be_left_out(document: &Table, wrong: &Misread) -> Vec<String> {
    let is_of_many = wrong.keys.first().is_some_and(|key| OF_MANY.contains(&key.as_str()));
    let mut path = Vec::new();
    let mut table: &dyn TableLike = document;
    for key in wrong.keys.iter().take(if is_of_many { 2 } else { usize::MAX }) {
        let Some(item) = table.get(key) else { return path };
        path.push(key.clone());
        match item.as_table_like() {
            Some(within) => table = within,
            None => return path,
        }
    }
    let is_there =
        |item: &Item| item.span().zip(wrong.span.as_ref()).is_some_and(|(span, wrong)| span.contains(&wrong.start));
    let key = table.iter().find(|(_, item)| is_there(item)).map(|(key, _)| key.to_owned());
    path.extend(key.filter(|_| !is_of_many));
    path
}

/// The version of the file, if it is later than what this Ajar writes.
fn newer(document: &Table) -> Result<Option<i64>, Misread> {
    const KEY: &str = "schema_version";
    let Some(item) = document.get(KEY) else { return Ok(None) };
    let version = item.as_integer().ok_or_else(|| Misread::at(&[KEY], flaw(&Flaw::NoVersion)))?;
    Ok((version > SCHEMA_VERSION).then_some(version))
}

fn read(document: &Table) -> Result<Settings, Misread> {
    let account = text(document, "account")?.map(|name| name.parse::<AccountName>()).transpose();
    let wrong_account = |detail: &str| Misread::at(&["account"], flaw(&Flaw::Value { key: "account", detail }));
    let settings = Settings {
        written: favourites(document)?,
        inheritance: inheritance::read(document)?,
        clouds: clouds::read(document)?,
        cloud: text(document, "cloud")?,
        accounts: accounts::read(document)?,
        account: account.map_err(|error| wrong_account(&error.to_string()))?,
        sign_in: table_as::<SignInSettings>(document, "sign_in")?,
        clients: table_as::<ClientSettings>(document, "clients")?,
        networks: general::networks(document)?,
        teams: teams::read(document)?,
        notifications: table_as::<NotificationSettings>(document, "notifications")?,
        access: table_as::<AccessSettings>(document, "access")?,
        ..Settings::default()
    };
    settings.misfit().map_or(Ok(settings), |wrong| Err(wrong.into()))
}

fn favourites(document: &Table) -> Result<Vec<Favourite>, Misread> {
    let favourite = |(written, item): (String, Item)| {
        let keys = ["profiles", written.as_str()];
        let profile = item_as(&item, &keys)?;
        let name = written.parse::<ProfileName>().map_err(|error| within(&keys[..1], &keys, &error.to_string()))?;
        Ok(Favourite { name, profile })
    };
    tables(document, "profiles")?.into_iter().map(favourite).collect()
}

/// What is wrong with a table, or something in it, of which these keys tell the place.
pub(super) fn within(table: &[&str], place: &[&str], detail: &str) -> Misread {
    Misread::at(place, flaw(&Flaw::Within { table: &table_name(table), detail }))
}

fn text(document: &Table, key: &str) -> Result<Option<String>, Misread> {
    let Some(item) = document.get(key) else { return Ok(None) };
    let no_text = || Misread::at(&[key], flaw(&Flaw::NoText { key }));
    item.as_str().map(|text| Some(text.to_owned())).ok_or_else(no_text)
}

/// What stands in a table, item by item.
pub(super) fn tables(document: &Table, key: &str) -> Result<Vec<(String, Item)>, Misread> {
    let Some(item) = document.get(key) else { return Ok(Vec::new()) };
    let table = item.as_table_like().ok_or_else(|| Misread::at(&[key], flaw(&Flaw::NoTable { key })))?;
    Ok(table.iter().map(|(name, item)| (name.to_owned(), item.clone())).collect())
}

/// What a table says; nothing where it is not there.
pub(super) fn table_as<T: DeserializeOwned + Default>(document: &Table, key: &str) -> Result<T, Misread> {
    document.get(key).map_or_else(|| Ok(T::default()), |item| item_as(item, &[key]))
}

/// What a table says to which these keys lead.
pub(super) fn item_as<T: DeserializeOwned>(item: &Item, keys: &[&str]) -> Result<T, Misread> {
    let value: Value = item.clone().into_value().map_err(|_| within(keys, keys, NO_TABLE))?;
    T::deserialize(value.into_deserializer()).map_err(|error: toml_edit::de::Error| {
        let span = error.span().filter(|span| !span.is_empty());
        let key = span.as_ref().and_then(|span| key_at(item, span.start));
        Misread { span, ..within(keys, keys, &unread_of(key.as_deref(), error.message())) }
    })
}

/// The key of a table at whose value something stands.
fn key_at(table: &Item, place: usize) -> Option<String> {
    let is_there = |item: &Item| item.span().is_some_and(|span| span.contains(&place));
    table.as_table_like()?.iter().find(|(_, item)| is_there(item)).map(|(key, _)| key.to_owned())
}
