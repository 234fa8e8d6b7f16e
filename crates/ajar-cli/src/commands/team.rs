//! `ajar team`: favourites that somebody else keeps for many.

use std::io::Read as _;

use ajar_core::failure::{ExitCode, Failure};
use ajar_core::message::team as words;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Request;
use ajar_core::settings::Setting;
use ajar_core::snapshot::{OfTeamView, TeamView};
use ajar_core::team::TeamPlace;
use ajar_runtime::adapters::words as in_words;
use ajar_runtime::files::SettingsFile;
use serde_json::json;

use super::End;
use crate::args::{TeamAdd, TeamCommand, TeamCopy, TeamNamed};
use crate::output;
use crate::session::Session;

pub(crate) async fn run(session: &Session, command: &TeamCommand) -> Result<(), End> {
    match command {
        TeamCommand::Add(args) => add(session, args).await,
        TeamCommand::List { json } => list(session, *json).await,
        TeamCommand::Remove(args) => remove(session, args).await,
        TeamCommand::Copy(args) => copy(session, args).await,
    }
}

/// Has the files of teams read that are due, for whoever looks at favourites; the engine answers before long.
pub(super) async fn read(session: &Session) {
    if !session.snapshot().settings.teams.is_empty() {
        // Whatever comes of it, there is something to show.
        drop(session.face.ask(Request::ReadTeams { all: false }).await);
    }
}

async fn add(session: &Session, args: &TeamAdd) -> Result<(), End> {
    let from = place(&args.from)?;
    let settings = SettingsFile::new(session.folder.settings()).read()?;
    if let Some(known) = settings.team(&args.name).filter(|known| known.from != from && !args.force) {
        return Err(unfit(words::exists(&known.name, &known.from.shown())));
    }
    let setting = Setting::Team { name: args.name.clone(), from: Some(from) };
    session.face.ask(Request::Set { setting }).await.accepted()?;
    session.face.ask(Request::ReadTeams { all: true }).await.accepted()?;
    let snapshot = session.snapshot();
    let Some(team) = snapshot.settings.teams.iter().find(|team| team.name == args.name) else {
        return Err(super::no_answer());
    };
    match (&team.problem, args.json) {
        (_, true) => output::json(&as_json(team))?,
        (None, false) => output::line(&words::added(&team.name, team.favourites, &team.from))?,
        (Some(problem), false) => {
            output::line(&words::added_unread(&team.name))?;
            output::line_to_people(problem);
        }
    }
    if !args.json {
        team.notes.iter().for_each(|note| output::line_to_people(note));
    }
    // It stays, and is read as soon as that can be; a script that goes on is to know that there is nothing yet.
    if team.problem.is_some() { Err(End::Code(ExitCode::Failed as u8)) } else { Ok(()) }
}

fn unfit(detail: String) -> End {
    in_words(&Failure::CommandLine { detail }.into(), "Ajar").into()
}

/// Where the file is, as it is typed. A path counts from where this process is, and is read elsewhere later.
fn place(typed: &str) -> Result<TeamPlace, End> {
    let typed = if typed == "-" {
        let mut line = String::new();
        std::io::stdin().take(8_192).read_to_string(&mut line)?;
        line.trim().to_owned()
    } else {
        typed.to_owned()
    };
    Ok(match typed.parse().map_err(unfit)? {
        TeamPlace::Path(path) => TeamPlace::Path(std::path::absolute(path)?.display().to_string()),
        url @ TeamPlace::Url(_) => url,
    })
}

async fn list(session: &Session, in_json: bool) -> Result<(), End> {
    if !session.snapshot().settings.teams.is_empty() {
        session.face.ask(Request::ReadTeams { all: true }).await.accepted()?;
    }
    let snapshot = session.snapshot();
    let teams = &snapshot.settings.teams;
    if in_json {
        return Ok(output::json(&teams.iter().map(as_json).collect::<Vec<_>>())?);
    }
    if teams.is_empty() {
        // Of a file that cannot be read nobody knows whether there are any: a team with a secret address is not kept.
        if snapshot.settings_problem.is_none() {
            output::line_to_people(words::none());
        }
        return Ok(());
    }
    let row = |team: &TeamView| {
        let read = team.read.clone().unwrap_or_else(|| "–".into());
        vec![team.name.to_string(), team.favourites.to_string(), team.from.clone(), read]
    };
    output::lines(&output::table(&words::COLUMNS, &teams.iter().map(row).collect::<Vec<_>>()))?;
    for team in teams {
        team.problem.iter().chain(&team.notes).for_each(|text| output::line_to_people(&words::of(&team.name, text)));
    }
    Ok(())
}

fn as_json(team: &TeamView) -> serde_json::Value {
    json!({
        "name": team.name,
        "from": team.from,
        "favourites": team.favourites,
        "readAt": team.read_at,
        "problem": team.problem,
        "notes": team.notes,
    })
}

async fn remove(session: &Session, args: &TeamNamed) -> Result<(), End> {
    let setting = Setting::Team { name: args.name.clone(), from: None };
    session.face.ask(Request::Set { setting }).await.accepted()?;
    if args.json {
        output::json(&json!({ "name": args.name, "removed": true }))?;
    } else {
        output::line(&words::removed(&args.name))?;
    }
    Ok(())
}

async fn copy(session: &Session, args: &TeamCopy) -> Result<(), End> {
    read(session).await;
    let whose = of_team(session, &args.name);
    let TeamCopy { name, called, .. } = args;
    session.face.ask(Request::CopyOfTeam { name: name.clone(), called: called.clone() }).await.accepted()?;
    // What is no team's was refused.
    let Some(OfTeamView { team, called: by_team }) = whose else { return Err(super::no_answer()) };
    let called = called.as_ref().unwrap_or(&by_team);
    if args.json {
        output::json(&json!({ "name": called, "team": team, "added": true }))?;
    } else {
        output::line(&words::copied(called, &team))?;
    }
    Ok(())
}

fn of_team(session: &Session, name: &ProfileName) -> Option<OfTeamView> {
    let snapshot = session.snapshot();
    snapshot.favourites.iter().find(|favourite| favourite.name == *name)?.of_team.clone()
}
