//! The clouds in the settings file.

use ajar_core::message::settings::{Flaw, flaw};
use ajar_core::settings::{BUILT_IN_CLOUDS, CloudSettings};
use toml_edit::{Document, DocumentMut, Item};

use super::{item_as, tables, within};

/// The clouds, out of a document and the text that it is.
pub(super) fn read(document: &DocumentMut, text: &str) -> Result<Vec<(String, CloudSettings)>, String> {
    let cloud = |(name, item): (String, Item)| {
        // Tokens of a built-in cloud would go where a paragraph pasted into the file says.
        if let Some(built_in) = BUILT_IN_CLOUDS.into_iter().find(|known| name.eq_ignore_ascii_case(known)) {
            let (line, column) = place_of(&name, text);
            return Err(flaw(&Flaw::BuiltInCloud { name: &name, built_in, line, column }));
        }
        let cloud = item_as(&item).map_err(|error| within(&format!("clouds.{name}"), &error))?;
        Ok((name, cloud))
    };
    tables(document, "clouds")?.into_iter().map(cloud).collect()
}

/// Where a cloud is named, as line and column. A document that can be changed does not know it any more.
fn place_of(name: &str, text: &str) -> (usize, usize) {
    let document = Document::parse(text).ok();
    let clouds = document.as_ref().and_then(|document| document.get("clouds")?.as_table_like());
    let span = clouds.and_then(|clouds| clouds.get_key_value(name)?.0.span());
    let before = &text[..span.map_or(0, |span| span.start)];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use ajar_core::failure::Failure;

    use super::super::written::file;

    #[test]
    fn nobody_says_which_hosts_a_built_in_cloud_has() {
        for (text, place) in [
            ("# mine\n[clouds.public]\n", "[clouds.public] at line 2, column 9: “public”"),
            ("[clouds]\n  USGov = {}\n", "[clouds.USGov] at line 2, column 3: “usgov”"),
            ("cloud = \"x\"\r\nclouds = { x = {}, \"china\" = {} }\r\n", "[clouds.x] missing field"),
            ("clouds.\"china\".authority = \"https://login.example\"\n", "[clouds.china] at line 1, column 8: “china”"),
        ] {
            let (_folder, file) = file(text);
            let Failure::Settings { detail, .. } = file.read().unwrap_err().failure else { panic!("{text}") };
            assert!(detail.starts_with(place), "{detail}");
        }
    }
}
