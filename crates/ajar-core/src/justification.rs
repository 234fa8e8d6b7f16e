//! The reason that a request for access gives for the record, where it is made from a text of the settings.

use chrono::NaiveDate;

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

/// What a text names that is none of [`PLACEHOLDERS`], such as `{ticket}` or a lone brace.
pub fn unknown_placeholder(template: &str) -> Option<&str> {
    pieces(template).find(|piece| piece.starts_with(['{', '}']) && !PLACEHOLDERS.contains(piece))
}

/// The reason that a text makes; none of one that has nothing in it.
pub fn filled(template: &str, with: &Filling<'_>) -> Option<String> {
    let date = with.date.to_string();
    let values = [with.name, with.vm, with.group, with.user, with.account, &date];
    let value = |piece| PLACEHOLDERS.iter().position(|known| *known == piece).map_or(piece, |at| values[at]);
    let reason: String = pieces(template).map(value).collect();
    Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty())
}

/// A text in order: what stands for itself, and what is in braces with them.
fn pieces(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let length = match text.find(['{', '}']) {
            None => text.len(),
            Some(0) => text.find('}').map_or(text.len(), |end| end + 1),
            Some(plain) => plain,
        };
        let piece;
        (piece, text) = text.split_at(length);
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    }

    #[test]
    fn what_nobody_knows_is_told() {
        for (text, unknown) in [
            ("{vm}{date}", None),
            ("ticket {ticket}", Some("{ticket}")),
            ("{vm", Some("{vm")),
            ("vm}", Some("}")),
            ("{{vm}}", Some("{{vm}")),
        ] {
            assert_eq!(unknown_placeholder(text), unknown, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_loses_anything_that_is_not_in_braces(text in "[a{} ]{0,12}") {
            prop_assert_eq!(pieces(&text).collect::<String>(), text);
        }
    }
}
