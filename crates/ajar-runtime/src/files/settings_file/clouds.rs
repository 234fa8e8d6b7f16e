//! The clouds in the settings file.

use ajar_core::message::settings::{Flaw, flaw};
use ajar_core::settings::{BUILT_IN_CLOUDS, CloudSettings};
use toml_edit::{Item, Table};

use super::reading::{Misread, item_as, tables};

/// The clouds in a document.
pub(super) fn read(document: &Table) -> Result<Vec<(String, CloudSettings)>, Misread> {
    let cloud = |(name, item): (String, Item)| {
        let keys = ["clouds", name.as_str()];
        // Tokens of a built-in cloud would go where a paragraph pasted into the file says.
        if let Some(built_in) = BUILT_IN_CLOUDS.into_iter().find(|known| name.eq_ignore_ascii_case(known)) {
            return Err(Misread::at(&keys, flaw(&Flaw::BuiltInCloud { name: &name, built_in })));
        }
        let cloud = item_as(&item, &keys)?;
        Ok((name, cloud))
    };
    tables(document, "clouds")?.into_iter().map(cloud).collect()
}

#[cfg(test)]
mod tests {
    use ajar_core::failure::Failure;

    use super::super::written::file;

    #[test]
    fn nobody_says_which_hosts_a_built_in_cloud_has() {
        for (text, place) in [
            ("# mine\n[clouds.public]\n", "line 2, column 9: [clouds.public] is named as “public”"),
            ("[clouds]\n  USGov = {}\n", "line 2, column 3: [clouds.USGov] is named as “usgov”"),
            (
                "cloud = \"x\"\r\nclouds = { x = {}, \"china\" = {} }\r\n",
                "line 2, column 16: [clouds.x] “authority” is missing",
            ),
            (
                "clouds.\"china\".authority = \"https://login.example\"\n",
                "line 1, column 8: [clouds.china] is named as “china”",
            ),
        ] {
            let (_folder, file) = file(text);
            let Failure::Settings { detail, .. } = file.read().unwrap_err().failure else { panic!("{text}") };
            assert!(detail.starts_with(place), "{detail}");
        }
    }
}
