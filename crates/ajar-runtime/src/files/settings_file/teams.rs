//! The teams in the settings file.

use ajar_core::settings::Settings;
use ajar_core::team::{Team, TeamName, TeamPlace};
use serde::Deserialize;
use toml_edit::{Item, Table, Value};

use super::reading::{Misread, item_as, tables, within};
use crate::files::toml_text::TomlText;

/// A `[teams.NAME]` table. Keys it does not know are let through.
#[derive(Deserialize)]
struct Written {
    from: TeamPlace,
}

/// The teams in a document.
pub(super) fn read(document: &Table) -> Result<Vec<Team>, Misread> {
    let team = |(written, item): (String, Item)| {
        let keys = ["teams", written.as_str()];
        let name = written.parse().map_err(|error: String| within(&keys[..1], &keys, &error))?;
        let Written { from } = item_as(&item, &keys)?;
        Ok(Team { name, from })
    };
    tables(document, "teams")?.into_iter().map(team).collect()
}

/// Writes where a team's file is, or takes the team out.
pub(super) fn write(document: &mut TomlText, settings: &Settings, name: &TeamName, from: Option<&TeamPlace>) {
    let known = settings.team(name).map_or(name, |team| &team.name);
    let path = ["teams", known.as_str()];
    match from {
        Some(from) => document.set(&path, "from", Some(&Value::from(String::from(from.clone())))),
        None => document.remove(&path),
    }
}

#[cfg(test)]
mod tests {
    use ajar_core::failure::Failure;
    use ajar_core::settings::Setting;

    use super::super::written::{VM, file, text};

    fn setting(name: &str, from: Option<&str>) -> Setting {
        Setting::Team { name: name.parse().unwrap(), from: from.map(|from| from.parse().unwrap()) }
    }

    #[test]
    fn a_team_is_written_in_its_place_moved_and_taken_out_again() {
        let before = format!("# mine\n[profiles.a]\nvm = \"{VM}\"\n");
        let (_folder, file) = file(&before);
        file.set(&setting("ops", Some("/mnt/ops.toml"))).unwrap();
        file.set(&setting("dev", Some("https://x.example/dev.toml?sig=s"))).unwrap();
        let both = before.clone()
            + "\n[teams.ops]\nfrom = \"/mnt/ops.toml\"\n\n[teams.dev]\nfrom = \"https://x.example/dev.toml?sig=s\"\n";
        assert_eq!(text(&file), both);
        file.set(&setting("OPS", Some("/srv/ops.toml"))).unwrap();
        assert_eq!(text(&file), both.replace("/mnt", "/srv"));
        let teams = file.read().unwrap().teams;
        assert_eq!((teams.len(), teams[0].name.as_str(), teams[0].from.shown()), (2, "ops", "/srv/ops.toml".into()));
        file.set(&setting("Ops", None)).unwrap();
        file.set(&setting("dev", None)).unwrap();
        file.set(&setting("dev", None)).unwrap();
        assert_eq!(text(&file), before);
    }

    #[test]
    fn a_team_that_is_none_is_told_of_with_its_place_and_without_what_may_be_secret() {
        for (bad, part) in [
            ("[teams.\"a b\"]\nfrom = \"x\"\n", "line 1, column 8: [teams] “a b” is no name for a team"),
            ("[teams.ops]\n", "line 1, column 8: [teams.ops] “from” is missing"),
            ("[teams.ops]\nfrom = 7\n", "line 2, column 8: [teams.ops] from: the number 7"),
            ("[teams.ops]\nfrom = \"\"\n", "line 2, column 8: [teams.ops] it names no file"),
            ("[teams.ops]\nfrom = \"http://x/?hunter2\"\n", "line 2, column 8: [teams.ops] http:// is not read"),
            ("[teams.ops]\nfrom = \"https://hunter2@x/\"\n", "line 2, column 8: [teams.ops] it is no address"),
            (
                "[teams.ops]\nfrom = \"a\"\n[teams.OPS]\nfrom = \"a\"\n",
                "line 3, column 8: [teams.OPS] is [teams.ops] once",
            ),
            ("[teams.ops]\nfrom = \"https://x/t?sig=hunter2\n", "line 2"),
            ("[teams.ops]\nfrom = \"https://me:hunter2@x/t\n", "line 2"),
            ("[teams.ops]\n\"from\" = \"https:\\u002f\\u002fx/?hunter2\n", "line 2"),
            ("[teams]\nops = { from = \"https://x/t#hunter2 }\n", "line 2"),
            (
                "[teams]\nops = \"https://x/t?hunter2\"\n",
                "line 2, column 7: [teams.ops] a text does not belong here, but a table",
            ),
            ("teams = 1\n", "“teams” is not a table"),
        ] {
            let (_folder, file) = file(bad);
            let Failure::Settings { detail, .. } = file.read().unwrap_err().failure else { panic!("{bad}") };
            assert!(detail.contains(part) && !detail.contains("hunter2"), "{detail}");
        }
    }
}
