//! The words for a value in a file of TOML that is not what belongs there, in place of those that serde has for programmers.

/// What serde says of a value, as people are told. A text itself is not repeated: it may be long, or as good as a password.
pub fn unread(said: &str) -> String {
    told(said).unwrap_or_else(|| said.to_owned())
}

/// The same of a key's value.
pub fn unread_of(key: Option<&str>, said: &str) -> String {
    match (key, told(said)) {
        (Some(key), Some(told)) => format!("{key}: {told}"),
        (_, told) => told.unwrap_or_else(|| said.to_owned()),
    }
}

fn told(said: &str) -> Option<String> {
    if said.starts_with("wanted ") {
        // Of a choice of words; without what stands there.
        return Some("a text in quotes belongs here".into());
    }
    if let Some(key) = said.strip_prefix("missing field `").and_then(|rest| rest.strip_suffix('`')) {
        return Some(format!("“{key}” is missing"));
    }
    if let Some(rest) = said.strip_prefix("unknown variant `") {
        let (found, known) = rest.split_once("`, expected ")?;
        let known = known.strip_prefix("one of ").unwrap_or(known).replace('`', "");
        return Some(format!("“{}” is none of what may stand here: {known}", super::shown(found, 80)));
    }
    let value = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "))?;
    let (found, wanted) = value.rsplit_once(", expected ")?;
    Some(format!("{} does not belong here, but {}", what(found), belongs(wanted)))
}

/// What stands there.
fn what(found: &str) -> String {
    let (kind, value) = found.split_once(" `").unwrap_or((found, ""));
    let value = value.trim_end_matches('`');
    match kind {
        "integer" | "floating point" => format!("the number {value}"),
        "boolean" => value.to_owned(),
        "sequence" => "a list".into(),
        "map" => "a table".into(),
        kind if kind.starts_with("string ") => "a text".into(),
        other => other.to_owned(),
    }
}

/// What belongs there.
fn belongs(wanted: &str) -> String {
    match wanted {
        "u8" => "a whole number from 0 to 255".into(),
        "u16" => "a whole number from 0 to 65535".into(),
        "u32" | "u64" | "usize" => "a whole number that is not negative".into(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".into(),
        "a boolean" => "true or false".into(),
        "a string" => "a text in quotes".into(),
        "a sequence" => "a list in brackets".into(),
        "a map" => "a table".into(),
        table if table.starts_with("struct ") => "a table".into(),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inheritance::Inheritable;
    use crate::profile::Profile;
    use crate::settings::{AccessSettings, ClientSettings, NotificationSettings, SignInSettings};

    fn said<T: serde::de::DeserializeOwned>(text: &str) -> String {
        let Err(error) = toml::from_str::<T>(text) else { panic!("{text}") };
        unread_of(Some("key"), error.message())
    }

    #[test]
    fn no_word_of_serde_is_told_of_any_value_that_does_not_belong_to_its_key() {
        for value in ["\"hunter2\\n\"", "-1", "1.5", "true", "[1]", "[[]]", "{}", "{ a = 1 }", "1979-05-27"] {
            for key in crate::inheritance::Field::ALL {
                let text = format!("{} = {value}\n", key.key());
                let Err(error) = toml::from_str::<Inheritable>(&text) else { continue };
                let told = unread(error.message());
                let of_serde =
                    ["invalid", "expected", "variant", "struct", "field", "u16", "sequence", "map", "wanted"];
                assert!(!of_serde.iter().any(|word| told.contains(word)), "{text}: {told}");
            }
        }
    }

    #[test]
    fn what_may_stand_there_is_told() {
        assert_eq!(
            said::<Inheritable>("port = 65536"),
            "key: the number 65536 does not belong here, but a whole number from 0 to 65535"
        );
        assert_eq!(
            said::<Inheritable>("port = \"22\""),
            "key: a text does not belong here, but a whole number from 0 to 65535"
        );
        assert_eq!(said::<Inheritable>("start = 1"), "key: the number 1 does not belong here, but true or false");
        assert_eq!(said::<Inheritable>("user = 1"), "key: the number 1 does not belong here, but a text in quotes");
        assert_eq!(said::<Inheritable>("protocol = 1"), "key: a text in quotes belongs here");
        assert_eq!(said::<Inheritable>("protocol = \"x\""), "key: “x” is none of what may stand here: ssh, rdp, port");
        assert_eq!(
            said::<Inheritable>("client_arguments = \"x\""),
            "key: a text does not belong here, but a list in brackets"
        );
        assert_eq!(said::<Profile>(""), "key: “vm” is missing");
        assert_eq!(
            said::<NotificationSettings>("before_end = [\"x\"]"),
            "key: a text does not belong here, but a whole number from 0 to 65535"
        );
        assert_eq!(
            said::<AccessSettings>("on_new_address = \"x\""),
            "key: “x” is none of what may stand here: ask, request, leave"
        );
        assert_eq!(
            said::<ClientSettings>("terminal = \"x\""),
            "key: a text does not belong here, but a list in brackets"
        );
        assert_eq!(said::<SignInSettings>("client_id = []"), "key: a list does not belong here, but a text in quotes");
        assert_eq!(unread("key with no value, expected `=`"), "key with no value, expected `=`");
    }
}
