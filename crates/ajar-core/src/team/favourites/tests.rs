use proptest::prelude::*;

use super::*;
use crate::exchange::{self, Format};
use crate::inheritance::{Field, Inheritance};
use crate::settings::Favourite;

const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines";

fn entries(profiles: &str) -> Vec<Entry> {
    let text = format!("ajar_export = 1\n{}", profiles.replace("VM/", &format!("{VM}/")));
    exchange::read(text.as_bytes(), "", Some(Format::Ajar), &mut |_| None).unwrap().entries
}

fn team(name: &str) -> TeamName {
    name.parse().unwrap()
}

fn said(json: serde_json::Value) -> Inheritable {
    serde_json::from_value(json).unwrap()
}

fn with(own: &[&str], inheritance: Inheritance) -> Settings {
    let favourite = |name: &&str| Favourite {
        name: name.parse().unwrap(),
        profile: Profile::new(format!("{VM}/own").parse().unwrap()),
    };
    Settings { written: own.iter().map(favourite).collect(), inheritance, ..Settings::default() }.inheriting()
}

fn taken(files: &[(&TeamName, &[Entry])], settings: &Settings) -> (Vec<TeamFavourite>, Vec<TeamFlaws>) {
    let files = files.iter().map(|(team, entries)| TeamFile { team, entries });
    of_teams(files, settings, &Defaults::default())
}

fn names(favourites: &[TeamFavourite]) -> Vec<(&str, &str)> {
    favourites.iter().map(|known| (known.name.as_str(), known.called.as_str())).collect()
}

#[test]
fn each_is_called_by_its_team_and_its_name_whatever_else_there_is() {
    let (ops, dev) = (team("ops"), team("dev"));
    let file = entries("[profiles.web]\nvm = \"VM/web\"\n[profiles.db]\nvm = \"VM/db\"\n");
    let settings = with(&["Web", "OPS.web"], Inheritance::default());
    let (alone, _) = taken(&[(&dev, &file)], &with(&[], Inheritance::default()));
    let (favourites, flaws) = taken(&[(&ops, &file), (&dev, &file)], &settings);
    assert_eq!(names(&favourites), [("ops.db", "db"), ("dev.web", "web"), ("dev.db", "db")]);
    assert_eq!(names(&alone), names(&favourites)[1..], "no other file matters");
    let left: Vec<_> = flaws.iter().flat_map(|flaws| &flaws.left_out).map(|left| (&*left.what, &left.why)).collect();
    let taken = Why::Unfit(Box::new(Failure::FavouriteExists { name: "ops.web".into() }));
    assert_eq!(left, [("web", &taken)], "one's own keeps its name");
    let all = settings.with_teams(favourites);
    let named: Vec<_> = all.favourites.iter().map(|known| known.name.as_str()).collect();
    assert_eq!(named, ["Web", "OPS.web", "ops.db", "dev.web", "dev.db"]);
    let named = |favourites: &[Favourite]| favourites.iter().map(|known| known.name.to_string()).collect::<Vec<_>>();
    assert_eq!((named(all.own()), named(all.others()).len()), (vec!["Web".to_owned(), "OPS.web".to_owned()], 3));
}

#[test]
fn one_whose_name_would_be_too_long_is_left_out() {
    let ops = team("ops");
    let (fits, long) = ("x".repeat(60), "x".repeat(61));
    let file = entries(&format!("[profiles.{fits}]\nvm = \"VM/a\"\n[profiles.{long}]\nvm = \"VM/b\"\n"));
    let (favourites, flaws) = taken(&[(&ops, &file)], &with(&[], Inheritance::default()));
    assert_eq!(names(&favourites), [(&*format!("ops.{fits}"), &*fits)]);
    assert_eq!(flaws[0].left_out[0].what, long);
}

#[test]
fn what_is_said_of_the_teams_folder_counts_before_the_team_and_the_team_before_what_is_said_of_all() {
    let ops = team("ops");
    let file = entries(
        "[profiles.web]\nvm = \"VM/web\"\nfolder = \"Prod\"\nuser = \"root\"\nfor = \"1h\"\nstart = false\ncolour = \"red\"\n",
    );
    let inheritance = Inheritance {
        defaults: said(
            serde_json::json!({ "user": "me", "for": "4h", "start": true, "address": "public", "port": 2222 }),
        ),
        folders: vec![("ops".into(), said(serde_json::json!({ "colour": "blue" })))],
        ..Inheritance::default()
    };
    let (favourites, flaws) = taken(&[(&ops, &file)], &with(&[], inheritance));
    let effective = &favourites[0].effective;
    let of_team = || Origin::Team { team: ops.clone() };
    for (field, holds, origin) in [
        (Field::User, "me", Origin::Defaults),
        (Field::Access, "1 hour", of_team()),
        (Field::Start, "no", of_team()),
        (Field::Colour, "blue", Origin::Folder { folder: "ops".into() }),
        (Field::Address, "public", Origin::Defaults),
        // The file says port 22 by saying nothing.
        (Field::Port, "22", of_team()),
        (Field::Source, "automatic", Origin::BuiltIn),
    ] {
        let said = crate::message::settings::holds(field, &Inheritable::of(&effective.profile));
        assert_eq!((said.as_deref(), effective.origin(field)), (Some(holds), &origin), "{field:?}");
    }
    // As one's own it says what the team and its folder said, lies in that no more, and inherits the rest as before.
    let own = favourites[0].as_own();
    let blue = effective.profile.colour;
    assert_eq!((own.user.as_deref(), own.start, own.colour, own.port), (None, Some(false), blue, Some(22)));
    assert_eq!((own.folder().as_deref(), effective.profile.folder().as_deref()), (Some("Prod"), Some("ops/Prod")));
    assert_eq!(flaws, [TeamFlaws { team: ops, left_out: vec![] }]);
}

#[test]
fn a_user_of_the_teams_holds_where_nobody_else_says_one() {
    let ops = team("ops");
    let file = entries("[profiles.web]\nvm = \"VM/web\"\nuser = \"azureuser\"\n");
    let (favourites, _) = taken(&[(&ops, &file)], &with(&[], Inheritance::default()));
    let effective = &favourites[0].effective;
    assert_eq!(effective.profile.user.as_deref(), Some("azureuser"));
    assert_eq!(*effective.origin(Field::User), Origin::Team { team: ops });
}

#[test]
fn nothing_of_ones_own_machine_account_or_network_comes_from_a_team() {
    let ops = team("ops");
    let file = entries(
        "[profiles.web]\nvm = \"VM/web\"\naccount = \"evil\"\nsource = \"203.0.113.9\"\nidentity_file = \"k\"\n\
         known_hosts_file = \"/dev/null\"\nclient = \"/bin/evil\"\nclient_arguments = [\"{host}\"]\nforwards = [\"R *:22:localhost:22\"]\n\
         rdp_file = \"/srv/evil.rdp\"\ngateway = \"evil.example\"\nforward_agent = true\n",
    );
    let (favourites, flaws) = taken(&[(&ops, &file)], &with(&[], Inheritance::default()));
    let bare = Profile { folder: Some("ops".into()), ..Profile::new(format!("{VM}/web").parse().unwrap()) };
    assert_eq!(favourites[0].effective.profile, bare);
    assert_eq!(favourites[0].as_own(), Profile { folder: None, ..bare });
    let left: Vec<_> = flaws[0].left_out.iter().map(|left| (left.what.as_str(), left.why.clone())).collect();
    let expected = ["account", "identity_file", "known_hosts_file", "source", "client", "client_arguments", "forwards"];
    let expected = expected.iter().chain(&["rdp_file", "gateway", "forward_agent"]);
    let expected: Vec<_> = expected.map(|key| (format!("profiles.web.{key}"), Why::Personal)).collect();
    assert_eq!(left, expected.iter().map(|(what, why)| (what.as_str(), why.clone())).collect::<Vec<_>>());
}

#[test]
fn a_machine_that_a_team_names_uses_ones_keys_only_by_what_is_said_of_that_teams_folder() {
    let ops = team("ops");
    let file = entries("[profiles.web]\nvm = \"VM/web\"\nforward_agent = true\n");
    let yes = Inheritable { forward_agent: Some(true), ..Inheritable::default() };
    let of_all = Inheritance { defaults: yes.clone(), ..Inheritance::default() };
    let of_folder = Inheritance { folders: vec![("ops".into(), yes)], ..Inheritance::default() };
    for (inheritance, is_let) in [(Inheritance::default(), false), (of_all, false), (of_folder, true)] {
        let (favourites, _) = taken(&[(&ops, &file)], &with(&[], inheritance));
        assert_eq!(favourites[0].effective.profile.forwards_agent(), is_let);
    }
}

#[test]
fn one_that_could_not_be_opened_is_left_out_alone() {
    let ops = team("ops");
    let file = entries(
        "[profiles.a]\nvm = \"VM/a\"\nuser = \"-oProxyCommand=evil\"\n[profiles.b]\nvm = \"VM/b\"\ncloud = \"elsewhere\"\n\
         [profiles.c]\nvm = \"VM/c\"\n",
    );
    let (favourites, flaws) = taken(&[(&ops, &file)], &with(&[], Inheritance::default()));
    assert_eq!(names(&favourites), [("ops.c", "c")]);
    let left: Vec<_> = flaws[0].left_out.iter().map(|left| left.what.as_str()).collect();
    assert_eq!(left, ["a", "b"]);
}

#[test]
fn no_text_of_a_team_looks_otherwise_than_it_is() {
    let ops = team("ops");
    let file = entries("[profiles.a]\nvm = \"VM/a\"\nnote = \"x\\u202Ey\"\nfolder = \"p\\u2066q\"\n");
    let (favourites, _) = taken(&[(&ops, &file)], &with(&[], Inheritance::default()));
    let profile = &favourites[0].effective.profile;
    assert_eq!((profile.note.as_deref(), profile.folder.as_deref()), (Some("x y"), Some("ops/p-q")));
}

proptest! {
    /// Whatever the files say: each favourite has one name, one's own keep theirs, and none leaves its team's folder.
    #[test]
    fn every_favourite_has_a_name_of_its_own(
        own in prop::collection::btree_set("[ab](\\.[ab])?", 0..5),
        first in prop::collection::btree_set("[ab](\\.[ab])?", 0..5),
        second in prop::collection::btree_set("[ab](\\.[ab])?", 0..5),
        folder in "[a/. ]{0,6}",
    ) {
        let file = |names: &std::collections::BTreeSet<String>| -> Vec<Entry> {
            let entry = |name: &String| Entry::Favourite {
                name: name.parse().unwrap(),
                profile: Box::new(Profile {
                    folder: Some(folder.clone()),
                    ..Profile::new(format!("{VM}/v").parse().unwrap())
                }),
            };
            names.iter().map(entry).collect()
        };
        let own: Vec<&str> = own.iter().map(String::as_str).collect();
        let settings = with(&own, Inheritance::default());
        let (a, b, of_a, of_b) = (team("a"), team("b"), file(&first), file(&second));
        let (favourites, flaws) = taken(&[(&a, &of_a), (&b, &of_b)], &settings);
        let left_out: usize = flaws.iter().map(|flaws| flaws.left_out.len()).sum();
        prop_assert_eq!(favourites.len() + left_out, first.len() + second.len());
        for favourite in &favourites {
            let within = favourite.effective.profile.folder().unwrap();
            prop_assert_eq!(within.split('/').next(), Some(favourite.team.as_str()));
            prop_assert_eq!(favourite.name.to_string(), format!("{}.{}", favourite.team, favourite.called));
        }
        let all = settings.with_teams(favourites);
        let distinct: std::collections::HashSet<_> = all.favourites.iter().map(|known| key(&known.name)).collect();
        prop_assert_eq!(distinct.len(), all.favourites.len());
        for (name, known) in own.iter().zip(&all.favourites) {
            prop_assert_eq!(*name, known.name.as_str());
        }
    }
}
