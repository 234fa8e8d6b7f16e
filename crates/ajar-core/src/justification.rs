//! The reason that a request for access gives for the record, where it is made from a text of the settings.

use chrono::NaiveDate;

use crate::template::{Piece, pieces};

/// What such a text may name, and what stands for it.
#[derive(Clone, Copy, Debug)]
pub struct Filling<'a> {
    /// `{name}`: the favourite.
    pub name: &'a str,
    /// `{vm}`: the VM's name in Azure.
    pub vm: &'a str,
    /// `{group}`: its resource group.
    pub group: &'a str,
    /// `{user}`: who logs in, else the account.
    pub user: &'a str,
    /// `{account}`: whom the favourite acts as.
    pub account: &'a str,
    /// `{date}`: the day, in Azure's time.
    pub date: NaiveDate,
}

/// What may be named.
pub const PLACEHOLDERS: [&str; 6] = ["{name}", "{vm}", "{group}", "{user}", "{account}", "{date}"];

/// The reason that a text makes; none of one that has nothing in it.
pub fn filled(template: &str, with: &Filling<'_>) -> Option<String> {
    let date = with.date.to_string();
    let values = [with.name, with.vm, with.group, with.user, with.account, &date];
    let value = |name| PLACEHOLDERS.iter().position(|known| *known == name).map_or(name, |at| values[at]);
    let reason: String = pieces(template)
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Named(name) => value(name),
        })
        .collect();
    Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILLING: Filling<'_> = Filling {
        name: "web",
        vm: "web-01",
        group: "rg-shop",
        user: "{vm}",
        account: "work",
        date: NaiveDate::from_ymd_opt(2026, 11, 30).unwrap(),
    };

    #[test]
    fn what_is_in_braces_is_filled_in_once() {
        let text = "{name} ({vm} in {group}) by {user}, {account}, {date}";
        assert_eq!(filled(text, &FILLING).as_deref(), Some("web (web-01 in rg-shop) by {vm}, work, 2026-11-30"));
        assert_eq!((filled("  ", &FILLING), filled("deploy", &FILLING)), (None, Some("deploy".into())));
        assert_eq!(filled("{{vm}} is {vm}", &FILLING).as_deref(), Some("{vm} is web-01"));
    }
}
