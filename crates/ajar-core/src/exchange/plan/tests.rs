use proptest::prelude::*;

use super::*;
use crate::account::{AccountSettings, SignInMethod};
use crate::team::Team;

const GROUP: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines";

fn profile(vm: &str, user: Option<&str>) -> Profile {
    Profile { user: user.map(Into::into), ..Profile::new(format!("{GROUP}/{vm}").parse().unwrap()) }
}

fn favourite(name: &str, profile: Profile) -> Favourite {
    Favourite { name: name.parse().unwrap(), profile }
}

fn settings() -> Settings {
    let of_web = Profile { account: Some("az".parse().unwrap()), start: Some(false), ..profile("web", Some("me")) };
    Settings { written: vec![favourite("web", of_web), favourite("db", profile("db", None))], ..Settings::default() }
        .inheriting()
}

fn whole(name: &str, profile: Profile) -> Candidate {
    Candidate { name: name.parse().unwrap(), profile, is_whole: true, found_by: None }
}

fn rows_of(candidates: Vec<Candidate>) -> (Vec<Row>, Vec<LeftOut>) {
    rows(candidates, &settings(), &Defaults::default())
}

fn differs(row: &Row) -> Vec<&str> {
    let Standing::Conflict { differs, .. } = &row.standing else { panic!("{:?}", row.standing) };
    differs.iter().map(|one| one.key.as_str()).collect()
}

#[test]
fn what_is_one_persons_own_is_no_difference_and_stays() {
    let shared = Profile { start: Some(false), ..profile("WEB", None) };
    let (rows, _) = rows_of(vec![whole("WEB", shared.clone()), whole("db", profile("db", None)), whole("new", shared)]);
    let standings: Vec<_> = rows.iter().map(|row| row.standing.clone()).collect();
    assert_eq!(standings, [Standing::Same, Standing::Same, Standing::New]);
    let (rows, _) = rows_of(vec![whole("web", profile("web", None))]);
    assert_eq!(differs(&rows[0]), ["start"]);
    let changes = changes(&rows, &settings(), |_| OnConflict::Replace);
    let merged = &changes.change[0].profile;
    assert_eq!((merged.user.as_deref(), merged.account.is_some(), merged.start), (Some("me"), true, None));
}

#[test]
fn a_host_says_only_what_it_says() {
    let host = |name: &str, profile: Profile| Candidate { is_whole: false, ..whole(name, profile) };
    let (rows, left_out) = rows_of(vec![
        host("web", profile("web", None)),
        host("shop", profile("db", None)),
        host("a", Profile { port: Some(2222), ..profile("db", None) }),
        host("b", Profile { port: Some(2222), ..profile("db", None) }),
    ]);
    let standings: Vec<_> = rows.iter().map(|row| row.standing.clone()).collect();
    assert_eq!(standings, [Standing::Same, Standing::There("db".parse().unwrap()), Standing::New]);
    assert_eq!(left_out, [LeftOut { what: "b".into(), line: None, why: Why::Twice("a".into()) }]);
    let (rows, _) = rows_of(vec![host("web", Profile { port: Some(2222), ..profile("web", Some("you")) })]);
    assert_eq!(differs(&rows[0]), ["port", "user"]);
    let changes = changes(&rows, &settings(), |_| OnConflict::Replace);
    assert_eq!(changes.change[0].profile.start, Some(false));
    let (rows, _) = rows_of(vec![host("web", profile("other", None))]);
    assert_eq!(differs(&rows[0]), ["account", "start", "user", "vm"], "of another VM nothing is kept");
}

#[test]
fn one_resource_id_in_another_cloud_is_another_vm() {
    let elsewhere = |vm: &str| Profile { cloud: Some("usgov".into()), ..profile(vm, None) };
    let host = |name: &str, profile: Profile| Candidate { is_whole: false, ..whole(name, profile) };
    let (rows, left_out) = rows_of(vec![host("shop", elsewhere("db")), host("store", profile("db", None))]);
    let standings: Vec<_> = rows.iter().map(|row| row.standing.clone()).collect();
    assert_eq!(standings, [Standing::New, Standing::There("db".parse().unwrap())]);
    assert_eq!(left_out, [], "the second is no second name of the first");
    // Under the name of one of this cloud nothing of that is kept: it would be another one’s.
    for candidate in [host("web", elsewhere("web")), whole("web", elsewhere("web"))] {
        let (rows, _) = rows_of(vec![candidate]);
        assert_eq!(differs(&rows[0]), ["account", "cloud", "start", "user"]);
        let changes = changes(&rows, &settings(), |_| OnConflict::Replace);
        assert_eq!(changes.change[0].profile, elsewhere("web"));
    }
    // The cloud may be that of the account, too, and then it is the same one.
    let own = AccountSettings { cloud: Some("usgov".into()), ..AccountSettings::new(SignInMethod::Browser) };
    let by_account = Profile { account: Some("gov".parse().unwrap()), ..profile("db", None) };
    let settings = Settings {
        accounts: vec![("gov".parse().unwrap(), own)],
        account: Some("az".parse().unwrap()),
        written: vec![favourite("db", by_account)],
        ..Settings::default()
    };
    let candidates = vec![host("shop", elsewhere("db")), host("store", profile("db", None))];
    let (rows, _) = super::rows(candidates, &settings.inheriting(), &Defaults::default());
    let standings: Vec<_> = rows.iter().map(|row| row.standing.clone()).collect();
    assert_eq!(standings, [Standing::There("db".parse().unwrap()), Standing::New]);
}

#[test]
fn a_name_that_a_teams_favourites_have_is_in_the_way_and_is_not_taken() {
    let team = Team { name: "ops".parse().unwrap(), from: "/mnt/ops.toml".parse().unwrap() };
    let settings = Settings { teams: vec![team], ..settings() };
    let (rows, _) = super::rows(vec![whole("Ops.new", profile("new", None))], &settings, &Defaults::default());
    assert_eq!(rows[0].standing, Standing::OfTeam("ops".parse().unwrap()));
    for choice in [OnConflict::Skip, OnConflict::Replace] {
        let done = changes(&rows, &settings, |_| choice);
        assert_eq!((done.add, done.skipped), (vec![], vec!["ops.new".parse().unwrap()]));
    }
    assert_eq!(changes(&rows, &settings, |_| OnConflict::Rename).add[0].name.as_str(), "Ops-new");
    let refused = settings.may_be_named(&"OPS.x".parse().unwrap()).unwrap_err();
    assert!(matches!(refused, Failure::TeamsName { .. }), "{refused:?}");
    assert_eq!(settings.may_be_named(&"opsx".parse().unwrap()), Ok(()));
}

#[test]
fn a_host_that_is_there_under_another_name_is_changed_by_who_wants_it_replaced() {
    let host = |user: &str| Candidate {
        is_whole: false,
        ..whole("shop", Profile { user: Some(user.into()), ..profile("web", None) })
    };
    let known = settings().written[0].clone();
    let (rows, _) = rows_of(vec![host("somebody")]);
    assert_eq!(rows[0].standing, Standing::There(known.name.clone()));
    let skipped = changes(&rows, &settings(), |_| OnConflict::Skip);
    assert_eq!((skipped.add.len(), skipped.change.len()), (0, 0));
    let replaced = changes(&rows, &settings(), |_| OnConflict::Replace).change.remove(0);
    assert_eq!(
        (replaced.name, replaced.before, replaced.profile.user.as_deref()),
        (known.name, known.profile, Some("somebody"))
    );
}

#[test]
fn where_one_of_that_name_differs_it_is_left_changed_or_gets_company() {
    let there = [whole("web", profile("other", None)), whole("web-2", profile("third", None))];
    let (rows, _) = rows_of(there.to_vec());
    let done = |choice| changes(&rows, &settings(), |_| choice);
    let names = |all: &[Favourite]| all.iter().map(|favourite| favourite.name.to_string()).collect::<Vec<_>>();
    let skipped = done(OnConflict::Skip);
    assert_eq!((names(&skipped.add), skipped.change.len()), (vec!["web-2".to_owned()], 0));
    assert_eq!(skipped.skipped, ["web".parse().unwrap()]);
    let replaced = done(OnConflict::Replace);
    assert_eq!((names(&replaced.add), replaced.change[0].name.as_str()), (vec!["web-2".to_owned()], "web"));
    let renamed = done(OnConflict::Rename);
    assert_eq!(names(&renamed.add), ["web-3", "web-2"]);
    let mut after = settings();
    after.written.extend(renamed.add.clone());
    let (again, _) = super::rows(there.to_vec(), &after.inheriting(), &Defaults::default());
    let standings: Vec<_> = again.iter().map(|row| row.standing.clone()).collect();
    assert_eq!(standings, [Standing::There("web-3".parse().unwrap()), Standing::Same], "not once more");
    assert_eq!(renamed.renamed, [("web".parse().unwrap(), "web-3".parse().unwrap())]);
}

#[test]
fn what_could_not_be_opened_is_left_out_with_the_reason() {
    let evil = [
        profile("a", Some("-oProxyCommand=x")),
        profile("a", Some("me\nHost *")),
        Profile { identity_file: Some("-F/tmp/x".into()), ..profile("a", None) },
        Profile { cloud: Some("elsewhere".into()), ..profile("a", None) },
        Profile { tenant: Some("no tenant".into()), ..profile("a", None) },
    ];
    let candidates: Vec<_> = evil.into_iter().map(|profile| whole("evil", profile)).collect();
    let number = candidates.len();
    let (rows, left_out) = rows_of(candidates);
    assert_eq!((rows.len(), left_out.len()), (0, number));
    let codes: Vec<_> = left_out
        .iter()
        .map(|left| {
            let Why::Unfit(failure) = &left.why else { panic!("{:?}", left.why) };
            failure.code()
        })
        .collect();
    assert_eq!(codes, ["profileUnfit", "profileUnfit", "profileUnfit", "unknownCloud", "tenantUnfit"]);
}

#[test]
fn clouds_and_accounts_mean_what_they_mean_to_whoever_takes_them_in() {
    let defaults = Defaults { cloud: Some("usgov".into()), environment: false };
    let shared = |cloud: Option<&str>, account: Option<&str>| {
        let account = account.map(|account| account.parse().unwrap());
        let profile = Profile { cloud: cloud.map(Into::into), account, ..profile("a", None) };
        let name = "a".parse().unwrap();
        let (candidate, left_out) = Candidate::shared(name, profile, Sharing::Personal, &settings(), &defaults);
        let Profile { cloud, account, .. } = candidate.profile;
        let left_out: Vec<_> = left_out.into_iter().map(|left| left.what).collect();
        (cloud, account.map(|account| account.to_string()), left_out)
    };
    assert_eq!(shared(None, Some("AZ")), (Some("public".into()), Some("AZ".into()), vec![]));
    let without_account = (None, None, vec!["profiles.a.account".to_owned()]);
    assert_eq!(shared(Some("usgov"), Some("work")), without_account);

    // Whoever has but one account acts as that one, and in its cloud.
    let own = AccountSettings { cloud: Some("usgov".into()), ..AccountSettings::new(SignInMethod::Browser) };
    let settings = Settings { accounts: vec![("gov".parse().unwrap(), own)], ..Settings::default() };
    let plain = profile("a", None);
    let (candidate, _) =
        Candidate::shared("a".parse().unwrap(), plain, Sharing::WithOthers, &settings, &Defaults::default());
    assert_eq!(candidate.profile.cloud.as_deref(), Some("public"), "it is not one of usgov for that");
}

#[test]
fn nobody_else_names_a_file_program_or_port_of_this_machine_an_account_or_whom_access_is_for() {
    let theirs = Profile {
        account: Some("az".parse().unwrap()),
        identity_file: Some("~/.ssh/id_other".into()),
        known_hosts_file: Some("~/.bashrc".into()),
        source: Some("198.51.100.66".parse().unwrap()),
        client: Some("/tmp/x".into()),
        client_arguments: Some(vec!["-X".into()]),
        forwards: Some(vec!["R 22:localhost:22".parse().unwrap()]),
        renew_up_to: Some("8h".parse().unwrap()),
        after_use: Some("deallocate".parse().unwrap()),
        ..profile("a", Some("azureuser"))
    };
    let taken = |sharing| {
        let (name, defaults) = ("a".parse().unwrap(), Defaults::default());
        let (candidate, left_out) = Candidate::shared(name, theirs.clone(), sharing, &settings(), &defaults);
        (candidate.profile, left_out.into_iter().map(|left| (left.what, left.why)).collect::<Vec<_>>())
    };
    let of_machine =
        ["account", "identity_file", "known_hosts_file", "source", "client", "client_arguments", "forwards"];
    let keys = of_machine.into_iter().chain(["renew_up_to", "after_use"]);
    let left_out = keys.map(|key| (format!("profiles.a.{key}"), Why::Personal)).collect();
    assert_eq!(taken(Sharing::WithOthers), (profile("a", Some("azureuser")), left_out));
    assert_eq!(taken(Sharing::Personal), (theirs.clone(), vec![]));
}

#[test]
fn what_a_favourite_inherits_is_no_difference_and_is_not_written_into_it() {
    let mut settings = Settings { written: vec![favourite("web", profile("web", None))], ..Settings::default() };
    settings.inheritance.defaults =
        serde_json::from_value(serde_json::json!({ "user": "all", "for": "1h", "port": 2222 })).unwrap();
    let settings = settings.inheriting();
    let rows_of = |profile: Profile| {
        let (name, defaults) = ("web".parse().unwrap(), Defaults::default());
        let (candidate, _) = Candidate::shared(name, profile, Sharing::Personal, &settings, &defaults);
        rows(vec![candidate], &settings, &defaults).0
    };
    let same = Profile { port: Some(2222), ..profile("web", Some("all")) };
    assert_eq!(rows_of(same)[0].standing, Standing::Same);
    let on_22 = rows_of(profile("web", None));
    assert_eq!(differs(&on_22[0]), ["port", "protocol"], "it means the usual port, whatever is said of all here");
    let changed = changes(&on_22, &settings, |_| OnConflict::Replace).change.remove(0).profile;
    assert_eq!((changed.port, changed.user, changed.access), (Some(22), None, None));
}

/// By the plainest way to say it: each is held against all others.
mod plainly {
    use super::*;

    fn leads_where(one: &Candidate, other: &Profile, settings: &Settings) -> bool {
        let port = |profile: &Profile| settings.inheritance.effective(profile).profile.port();
        one.is_of_vm_of(other, settings, &Defaults::default()) && port(&one.profile) == port(other)
    }

    pub(super) fn rows(candidates: Vec<Candidate>, settings: &Settings) -> (Vec<(Candidate, Standing)>, Vec<String>) {
        let (mut rows, mut left_out) = (Vec::<(Candidate, Standing)>::new(), Vec::new());
        for mut candidate in candidates {
            let is_there = |(row, _): &&(Candidate, Standing)| {
                if candidate.is_whole { *row == candidate } else { leads_where(row, &candidate.profile, settings) }
            };
            if rows.iter().any(|row| is_there(&row)) {
                left_out.push(candidate.name.to_string());
                continue;
            }
            let taken = |name: &ProfileName| rows.iter().any(|(row, _)| row.name == *name);
            if taken(&candidate.name) {
                let has_it = |name: &ProfileName| taken(name) || settings.favourite(name).is_some();
                candidate.name = super::another_number(&candidate.name, 2, has_it).0;
            }
            let standing = standing(&candidate, settings);
            rows.push((candidate, standing));
        }
        (rows, left_out)
    }

    fn standing(candidate: &Candidate, settings: &Settings) -> Standing {
        let defaults = &Defaults::default();
        let Some(mine) = settings.written(&candidate.name) else {
            let there = settings.written.iter().find(|known| leads_where(candidate, &known.profile, settings));
            return there
                .filter(|_| !candidate.is_whole)
                .map_or(Standing::New, |one| Standing::There(one.name.clone()));
        };
        let whole = |profile: &Profile| settings.inheritance.effective(profile).profile;
        let changed = |known: &Favourite| {
            let mut merged = candidate.over(&known.profile, settings, defaults);
            let cloud = |profile: &Profile| settings.acting(&whole(profile), defaults).ok().map(|acting| acting.cloud);
            if known.name == mine.name && cloud(&merged) == cloud(&known.profile) {
                merged.cloud.clone_from(&known.profile.cloud);
            }
            (differences(&whole(&known.profile), &whole(&merged)), merged)
        };
        let (differs, merged) = changed(mine);
        let like_it = || settings.written.iter().find(|known| changed(known).0.is_empty());
        if differs.is_empty() {
            return Standing::Same;
        }
        match like_it().filter(|_| candidate.is_whole) {
            Some(other) => Standing::There(other.name.clone()),
            None => Standing::Conflict { mine: Box::new(mine.profile.clone()), merged: Box::new(merged), differs },
        }
    }
}

fn some_profile() -> impl Strategy<Value = Profile> {
    let vm = prop::sample::select(vec!["a", "A", "b", "c"]);
    let port = proptest::option::of(prop::sample::select(vec![22_u16, 2222, 3389]));
    let cloud = proptest::option::of(prop::sample::select(vec!["public", "usgov"]));
    let user = proptest::option::of(prop::sample::select(vec!["me", "you"]));
    (vm, port, cloud, user).prop_map(|(vm, port, cloud, user)| Profile {
        port,
        cloud: cloud.map(Into::into),
        ..profile(vm, user)
    })
}

fn some_name() -> impl Strategy<Value = ProfileName> {
    prop::sample::select(vec!["web", "WEB", "web-2", "db", "x"]).prop_map(|name| name.parse().unwrap())
}

proptest! {
    #[test]
    fn who_is_found_by_what_is_compared_is_whom_a_look_at_all_would_find(
        there in proptest::collection::vec((some_name(), some_profile()), 0..6),
        coming in proptest::collection::vec((some_name(), some_profile(), any::<bool>()), 0..12),
        port in proptest::option::of(prop::sample::select(vec![22_u16, 2222])),
    ) {
        let mut written = Vec::<Favourite>::new();
        for (name, profile) in there {
            if written.iter().all(|known| known.name != name) {
                written.push(Favourite { name, profile });
            }
        }
        let mut settings = Settings { written, account: Some("az".parse().unwrap()), ..Settings::default() };
        settings.inheritance.defaults.port = port;
        let settings = settings.inheriting();
        let candidate = |(name, profile, is_whole)| Candidate { name, profile, is_whole, found_by: None };
        let coming: Vec<Candidate> = coming.into_iter().map(candidate).collect();
        let (rows, left_out) = super::rows(coming.clone(), &settings, &Defaults::default());
        let rows: Vec<_> = rows.into_iter().map(|row| (row.candidate, row.standing)).collect();
        let left_out: Vec<_> = left_out.into_iter().map(|left| left.what).collect();
        prop_assert_eq!((rows, left_out), plainly::rows(coming, &settings));
    }
}
