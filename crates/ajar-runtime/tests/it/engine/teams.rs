//! Teams, whose favourites are read from elsewhere.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ajar_core::account::SignInMethod;
use ajar_core::inheritance::Inheritable;
use ajar_core::protocol::{Connect, Reply, Request, SignIn};
use ajar_core::settings::Setting;
use ajar_core::snapshot::{OutcomeView, TeamView};
use ajar_core::team::{TeamProblem, TeamUrl};
use ajar_runtime::engine::{self, Parts};
use ajar_runtime::ports::{Downloaded, TeamDownloads, Validators};
use async_trait::async_trait;
use chrono::TimeDelta;

use super::{Running, name};
use crate::world::{Call, World, vm};

/// Serves what it is told to, in turn, and then nothing else than before; and notes what it is asked.
#[derive(Default)]
struct Served {
    answers: Mutex<VecDeque<Result<Downloaded, TeamProblem>>>,
    asked: Mutex<Vec<(String, Validators)>>,
    /// Whether answers are kept back.
    silent: Mutex<bool>,
}

impl Served {
    fn with(answers: impl IntoIterator<Item = Result<Downloaded, TeamProblem>>) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() })
    }

    fn asked(&self) -> Vec<(String, Validators)> {
        self.asked.lock().unwrap().clone()
    }
}

#[async_trait]
impl TeamDownloads for Served {
    async fn download(&self, url: &TeamUrl, known: &Validators) -> Result<Downloaded, TeamProblem> {
        self.asked.lock().unwrap().push((url.reveal().to_owned(), known.clone()));
        let is_silent = *self.silent.lock().unwrap();
        if is_silent {
            std::future::pending::<()>().await;
        }
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(Downloaded::Same))
    }
}

const URL: &str = "https://x.example/ops.toml?sig=hunter2";

fn file(profiles: &[(&str, &str)]) -> String {
    let profile = |(name, more): &(&str, &str)| format!("[profiles.{name}]\nvm = \"{}\"\n{more}", vm(name));
    std::iter::once("ajar_export = 1\n".to_owned()).chain(profiles.iter().map(profile)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "one of several answers")]
fn new(text: &str, etag: &str) -> Result<Downloaded, TeamProblem> {
    let validators = Validators { etag: Some(etag.into()), last_modified: None };
    Ok(Downloaded::New { bytes: text.into(), validators })
}

fn add(name: &str, from: &str) -> Request {
    Request::Set { setting: Setting::Team { name: name.parse().unwrap(), from: Some(from.parse().unwrap()) } }
}

fn with(world: &Arc<World>, served: &Arc<Served>) -> Parts {
    let mut parts = world.parts();
    parts.ports.teams = Arc::clone(served) as _;
    parts
}

fn start(world: &Arc<World>, served: &Arc<Served>) -> Running {
    Running { engine: engine::start(with(world, served)) }
}

fn names(running: &Running) -> Vec<String> {
    running.snapshot().favourites.iter().map(|favourite| favourite.name.to_string()).collect()
}

fn team(running: &Running) -> TeamView {
    running.snapshot().settings.teams[0].clone()
}

/// Waits in real time for what the system tells of.
async fn until_there_are(running: &Running, wanted: &[&str]) {
    let there = running.until(|snapshot| {
        snapshot.favourites.iter().map(|favourite| favourite.name.as_str()).eq(wanted.iter().copied())
    });
    tokio::time::timeout(Duration::from_secs(20), there).await.expect("they come");
}

#[tokio::test(start_paused = true)]
async fn a_served_file_is_asked_for_at_the_start_and_when_somebody_looks_and_seldom() {
    let world = World::with(&["web"]);
    let served = Served::with([new(&file(&[("db", "")]), "\"1\""), Ok(Downloaded::Same), new(&file(&[]), "\"2\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(names(&running), ["web", "ops.db"]);
    assert_eq!(served.asked(), [(URL.to_owned(), Validators::default())]);
    for _ in 0..3 {
        running.done(Request::ReadTeams { all: false }).await;
        running.done(Request::Refresh).await;
    }
    assert_eq!(served.asked().len(), 1, "nobody asks more often");

    // Another Ajar goes on with what this one has read, and asks no sooner.
    running.end().await;
    let running = start(&world, &served);
    assert_eq!(names(&running), ["web", "ops.db"], "before anybody is asked");
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(served.asked().len(), 1);

    tokio::time::sleep(Duration::from_hours(24)).await;
    assert_eq!(served.asked().len(), 1, "nothing is asked because time goes by");
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(served.asked()[1].1.etag.as_deref(), Some("\"1\""));
    assert_eq!((names(&running).len(), team(&running).problem), (2, None), "it is still the same");
    world.set_forward(TimeDelta::minutes(15));
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(names(&running), ["web"], "the team has taken it away");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_takes_nothing_away_and_is_told_with_the_time_of_what_stays() {
    let world = World::with(&[]);
    let troubles = [
        Err(TeamProblem::Status(404)),
        Err(TeamProblem::Silent),
        new("<!DOCTYPE html><html>", "\"x\""),
        new("ajar_export = 1\n[profiles.db\n", "\"x\""),
        new("ajar_export = 1\n[profiles.db]\nvm = 7\n", "\"x\""),
        new(&"#".repeat(2 << 20), "\"x\""),
    ];
    let served = Served::with(std::iter::once(new(&file(&[("db", "")]), "\"1\"")).chain(troubles.clone()));
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    for _ in &troubles {
        world.set_forward(TimeDelta::minutes(16));
        running.done(Request::ReadTeams { all: false }).await;
        assert_eq!(names(&running), ["ops.db"]);
        let problem = team(&running).problem.expect("it is told");
        assert!(
            problem.starts_with("https://x.example/ops.toml: ") && problem.contains("last read, at 1"),
            "{problem}"
        );
        assert!(!problem.contains("hunter2"), "{problem}");
    }
    let asked = served.asked();
    assert_eq!(asked.len(), 1 + troubles.len());
    assert!(asked[1..].iter().all(|(_, known)| known.etag.as_deref() == Some("\"1\"")), "it has the good one");
    let text = format!("{:?}", running.snapshot());
    assert!(!text.contains("hunter2"), "the snapshot knows no secret");
    running.end().await;
    let running = start(&world, &served);
    assert_eq!(names(&running), ["ops.db"]);
    world.set_forward(TimeDelta::minutes(16));
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(team(&running).problem, None, "it is well again");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_does_not_come_holds_up_nothing() {
    let world = World::with(&["web"]);
    let served = Served::with([]);
    *served.silent.lock().unwrap() = true;
    world.write("config.toml", &format!("{}[teams.ops]\nfrom = \"{URL}\"\n", world.read("config.toml")));
    let running = start(&world, &served);
    running.done(Request::Refresh).await;
    running.connected("web").await;
    assert_eq!(served.asked().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_looks_at_favourites_is_answered_after_two_seconds_and_no_process_asks_anew_meanwhile() {
    let world = World::with(&["web"]);
    let served = Served::with([]);
    *served.silent.lock().unwrap() = true;
    world.write("config.toml", &format!("{}[teams.ops]\nfrom = \"{URL}\"\n", world.read("config.toml")));
    for _ in 0..3 {
        let running = Running { engine: engine::start(Parts { stays: false, ..with(&world, &served) }) };
        running.done(Request::Refresh).await;
        let begun = tokio::time::Instant::now();
        running.done(Request::ReadTeams { all: false }).await;
        assert!(begun.elapsed() <= Duration::from_secs(2), "{:?}", begun.elapsed());
        running.end().await;
    }
    assert_eq!(served.asked().len(), 1, "one that does not answer is not asked by each process");
    *served.silent.lock().unwrap() = false;
    served.answers.lock().unwrap().push_back(new(&file(&[("db", "")]), "\"1\""));
    let running = start(&world, &served);
    running.done(Request::ReadTeams { all: true }).await;
    assert_eq!(names(&running), ["web", "ops.db"], "who looks at the teams themselves has it asked");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_with_its_command_reads_nothing_that_nobody_looks_at() {
    let world = World::with(&["web"]);
    let served = Served::with([]);
    world.write("config.toml", &format!("{}[teams.ops]\nfrom = \"{URL}\"\n", world.read("config.toml")));
    let running = Running { engine: engine::start(Parts { stays: false, ..with(&world, &served) }) };
    running.done(Request::ReadSettings).await;
    running.end().await;
    assert_eq!(served.asked(), []);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_read_is_tried_again_before_long() {
    let world = World::with(&[]);
    let unreachable = || Err(TeamProblem::Unreachable("refused".into()));
    let served = Served::with([unreachable(), unreachable(), new(&file(&[("db", "")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    assert!(team(&running).problem.is_some());
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(served.asked().len(), 2, "who adds it again means it to be read");
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(served.asked().len(), 2);
    world.set_forward(TimeDelta::minutes(1));
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!((names(&running), team(&running).problem), (vec!["ops.db".to_owned()], None));
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_kept_is_told() {
    let world = World::with(&[]);
    world.write("teams", "no folder");
    let served = Served::with([new(&file(&[("db", "")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(names(&running), ["ops.db"]);
    let notes = team(&running).notes;
    assert!(notes[0].contains("cannot be kept in Ajar’s cache folder"), "{notes:?}");
}

#[tokio::test(start_paused = true)]
async fn a_team_that_was_removed_comes_back_from_where_it_was() {
    let world = World::with(&[]);
    let served = Served::with([new(&file(&[("db", "")]), "\"1\""), new(&file(&[("db", "")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    let before = world.read("config.toml");
    running.done(Request::Set { setting: Setting::Team { name: "ops".parse().unwrap(), from: None } }).await;
    let back = |name: &str| Request::BringTeamBack { name: name.parse().unwrap() };
    running.done(back("OPS")).await;
    running.done(back("ops")).await;
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!((names(&running), world.read("config.toml")), (vec!["ops.db".to_owned()], before));
    assert_eq!(running.refused(back("dev")).await.code, "unknownTeam");
}

#[tokio::test(start_paused = true)]
async fn what_is_a_teams_is_opened_like_any_other_and_changed_by_nobody_here() {
    let world = World::with(&["web"]);
    let served = Served::with([new(&file(&[("web", ""), ("db", "folder = \"Prod\"\nfor = \"1h\"\n")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(names(&running), ["web", "ops.web", "ops.db"]);
    let db = running.snapshot().favourites[2].clone();
    let whose = db.of_team.clone().expect("it is a team's");
    assert_eq!((whose.team.as_str(), db.profile.folder.as_deref()), ("ops", Some("ops/Prod")));
    assert_eq!(running.snapshot().favourites[1].of_team.as_ref().unwrap().called.as_str(), "web");
    assert_eq!(team(&running).notes, Vec::<String>::new());
    let before = world.read("config.toml");
    let edit = |rename: Option<&str>| Request::Edit {
        name: name("ops.db"),
        rename: rename.map(name),
        before: None,
        profile: db.profile.clone(),
    };
    for refused in [
        Request::Remove { name: name("ops.db") },
        edit(None),
        edit(Some("mine")),
        Request::Move { name: name("ops.db"), before: Some(name("web")) },
        Request::Import {
            add: vec![],
            change: vec![ajar_core::exchange::plan::Change {
                name: name("ops.db"),
                before: db.profile.clone(),
                profile: db.profile.clone(),
            }],
        },
    ] {
        let failure = running.refused(refused).await;
        assert_eq!(failure.code, "ofTeam", "{failure:?}");
        assert!(
            failure.message.contains("https://x.example/ops.toml") && failure.action.contains("ajar team copy ops.db")
        );
        assert!(!format!("{failure:?}").contains("hunter2"));
    }
    assert_eq!(world.read("config.toml"), before);
    running.connected("ops.db").await;
    assert_eq!(world.count(Call::Initiate), 1);

    // Before a team's stands one's own at the end.
    running.done(Request::Move { name: name("web"), before: Some(name("ops.db")) }).await;
    running.done(Request::CopyOfTeam { name: name("ops.db"), called: None }).await;
    assert_eq!(names(&running), ["web", "db", "ops.web", "ops.db"]);
    let written = world.read("config.toml");
    assert!(written.contains("[profiles.db]") && written.contains("folder = \"Prod\"\n"), "{written}");
    assert!(written.contains("for = \"1h\"\n"), "{written}");
    running.done(Request::CopyOfTeam { name: name("ops.web"), called: Some(name("web-2")) }).await;
    running.done(Request::Remove { name: name("db") }).await;
    assert_eq!(names(&running), ["web", "web-2", "ops.web", "ops.db"]);
    for (missing, called, code) in [
        ("web", None, "favouriteExists"),
        ("ops.web", None, "favouriteExists"),
        ("db", None, "unknownFavourite"),
        ("nothing", Some("new"), "unknownFavourite"),
    ] {
        let (missing, called) = (name(missing), called.map(name));
        assert_eq!(running.refused(Request::CopyOfTeam { name: missing, called }).await.code, code);
    }

    // What is called as a team's are is the team's, or may be one day.
    let before = world.read("config.toml");
    let web = running.snapshot().favourites[0].profile.clone();
    let import = |called: &str| Request::Import {
        add: vec![ajar_core::settings::Favourite { name: name(called), profile: web.clone() }],
        change: vec![],
    };
    for called in ["ops.db", "Ops.new"] {
        let rename =
            Request::Edit { name: name("web"), rename: Some(name(called)), before: None, profile: web.clone() };
        let copy = Request::CopyOfTeam { name: name("ops.web"), called: Some(name(called)) };
        let add = Request::Add { name: name(called), profile: web.clone() };
        for request in [add, rename, copy, import(called)] {
            assert_eq!(running.refused(request).await.code, "teamsName");
        }
    }
    assert_eq!(world.read("config.toml"), before);
}

#[tokio::test(start_paused = true)]
async fn a_name_of_ones_own_that_goes_leads_to_no_teams() {
    let world = World::with(&["web"]);
    let served = Served::with([new(&file(&[("web", "")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    running.done(Request::Remove { name: name("web") }).await;
    assert_eq!(running.refused(Request::Connect(Connect::new(name("web")))).await.code, "unknownFavourite");
    assert_eq!(names(&running), ["ops.web"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_being_opened_goes_on_where_the_team_has_it_no_more() {
    let world = World::with(&["web"]);
    let served = Served::with([new(&file(&[("db", "")]), "\"1\""), new(&file(&[]), "\"2\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    world.takes(Call::Initiate, 60);
    let number = running.connect("ops.db").await;
    world.until(|scene| scene.calls.iter().any(|(call, _)| *call == Call::Initiate)).await;
    world.set_forward(TimeDelta::minutes(16));
    running.done(Request::ReadTeams { all: false }).await;
    assert_eq!(names(&running), ["web"]);
    let view = running.ended(number).await;
    assert!(matches!(view.outcome, Some(OutcomeView::Connected(_))), "{view:#?}");
    assert_eq!(names(&running), ["web"]);
}

#[tokio::test(start_paused = true)]
async fn a_team_that_goes_takes_its_favourites_along_and_what_was_kept_of_it() {
    let world = World::with(&["web"]);
    let served = Served::with([new(&file(&[("db", "")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    let kept = "teams/team-ops.json";
    assert!(world.read(kept).contains("profiles.db") && !world.read(kept).contains("hunter2"));
    let remove = |name: &str| Request::Set { setting: Setting::Team { name: name.parse().unwrap(), from: None } };
    assert_eq!(running.refused(remove("dev")).await.code, "unknownTeam");
    running.done(remove("OPS")).await;
    assert_eq!((names(&running), world.read(kept)), (vec!["web".to_owned()], String::new()));
}

#[tokio::test(start_paused = true)]
async fn who_signs_in_for_a_teams_favourite_acts_for_the_team() {
    let world = World::with(&[]);
    world.write("config.toml", "account = \"work\"\n[sign_in]\nclient_id = \"app\"\n[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\n");
    let served = Served::with([new(&file(&[("db", "cloud = \"fake\"\n")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    let wish = SignIn {
        name: Some("other".parse().unwrap()),
        then: Some(name("ops.db")),
        ..SignIn::by(SignInMethod::Browser)
    };
    let Reply::SigningIn { .. } = running.ask(Request::SignIn(wish)).await else { panic!() };
    running
        .until(|snapshot| snapshot.favourites[0].account.as_ref().is_some_and(|name| name.as_str() == "other"))
        .await;
    assert!(
        world.read("config.toml").contains("[folders.ops]\naccount = \"other\"\n"),
        "{}",
        world.read("config.toml")
    );
}

#[tokio::test(start_paused = true)]
async fn another_account_for_a_teams_favourite_acts_for_the_team() {
    let world = World::with(&[]);
    world.write("config.toml", "[sign_in]\nclient_id = \"app\"\n[defaults]\naccount = \"gone\"\n[accounts.work]\nsign_in = \"browser\"\ncloud = \"fake\"\n");
    let served = Served::with([new(&file(&[("db", "cloud = \"fake\"\n")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    running.done(Request::ActAs { name: name("ops.db"), account: "work".parse().unwrap() }).await;
    let account = running.snapshot().favourites[0].account.clone().expect("somebody acts");
    assert_eq!(account.as_str(), "work");
    let written = world.read("config.toml");
    assert!(written.contains("[folders.ops]\naccount = \"work\"\n"), "{written}");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_the_teams_folder_counts_for_it() {
    let world = World::with(&[]);
    let served = Served::with([new(&file(&[("db", "port = 2222\n")]), "\"1\"")]);
    let running = start(&world, &served);
    running.done(add("ops", URL)).await;
    running.done(Request::ReadTeams { all: false }).await;
    let said = Inheritable { user: Some("me".into()), ..Inheritable::default() };
    running.done(Request::EditDefaults { folder: Some("ops".into()), before: None, said }).await;
    let db = running.snapshot().favourites[0].clone();
    assert_eq!((db.user.as_deref(), db.port), (Some("me"), 2222));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_a_path_is_read_when_it_changes() {
    let world = World::with(&["web"]);
    world.write("ops.toml", &file(&[("db", "")]));
    let running = Running::start(&world);
    running.done(add("ops", "ops.toml")).await;
    until_there_are(&running, &["web", "ops.db"]).await;
    world.write("ops.toml", &file(&[("db", ""), ("cache", "")]));
    until_there_are(&running, &["web", "ops.db", "ops.cache"]).await;

    // Half written, or gone, it takes nothing away.
    world.write("ops.toml", "ajar_export = 1\n[profiles.cac");
    running.until(|snapshot| snapshot.settings.teams[0].problem.is_some()).await;
    assert_eq!(names(&running), ["web", "ops.db", "ops.cache"]);
    std::fs::remove_file(world.home.path().join("ops.toml")).unwrap();
    running
        .until(|snapshot| snapshot.settings.teams[0].problem.as_ref().is_some_and(|told| told.contains("no such file")))
        .await;
    assert_eq!(names(&running), ["web", "ops.db", "ops.cache"]);
    running.end().await;
    let running = Running::start(&world);
    assert_eq!(names(&running), ["web", "ops.db", "ops.cache"], "also to the next Ajar");
    world.write("new", &file(&[("db", "")]));
    std::fs::rename(world.home.path().join("new"), world.home.path().join("ops.toml")).unwrap();
    running.done(Request::ReadTeams { all: false }).await;
    until_there_are(&running, &["web", "ops.db"]).await;
    assert_eq!(team(&running).problem, None);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_leads_to_no_file_is_told_of_and_waited_for_by_nobody() {
    let world = World::with(&["web"]);
    let pipe = world.home.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let running = Running::start(&world);
    for (path, told) in [("pipe", "it is no file"), ("gone/ops.toml", "there is no such file"), (".", "it is no file")]
    {
        running.done(add("ops", path)).await;
        running.done(Request::ReadTeams { all: false }).await;
        let problem = team(&running).problem.expect("it is told");
        assert!(problem.contains(told) && problem.contains("never been read"), "{problem}");
    }
    let wish = Connect::new(name("web"));
    assert!(matches!(running.ask(Request::Connect(wish)).await, Reply::Attempt { .. }));
}
