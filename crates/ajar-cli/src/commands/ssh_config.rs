//! `ajar ssh-config`: the favourites as hosts of ssh's own configuration.

use std::path::{Path, PathBuf};

use ajar_core::failure::{Failure, Trouble};
use ajar_core::launch::{Hosts, Os, SshHosts};
use ajar_core::message::ssh_config as words;
use ajar_core::settings::{Favourite, Settings};
use ajar_core::snapshot::FavouriteView;
use ajar_runtime::adapters::own_path;
use ajar_runtime::files::{Installed, SshFolder, settings_with_teams};
use serde_json::json;

use super::asking::{goes_on, somebody_is_there};
use super::{End, team};
use crate::args::{Args, SshConfig, SshConfigInstall};
use crate::output;
use crate::session::Session;
use crate::signals::Signals;

pub(crate) async fn run(session: &Session, all: &Args, args: &SshConfig, signals: &mut Signals) -> Result<(), End> {
    match args {
        SshConfig::Print => {
            team::read(session).await;
            print(session, all)
        }
        SshConfig::Install(args) => install(session, all, args, signals).await,
        SshConfig::Remove { json } => remove(session, *json),
    }
}

fn print(session: &Session, all: &Args) -> Result<(), End> {
    let settings = settings(session)?;
    let hosts = hosts(session, all)?.with(settings.own(), settings.others(), Os::current());
    hosts.text.lines().try_for_each(output::line)?;
    tell_left_out(&hosts);
    Ok(())
}

async fn install(session: &Session, all: &Args, args: &SshConfigInstall, signals: &mut Signals) -> Result<(), End> {
    team::read(session).await;
    let folder = folder(session)?;
    let (hosts, settings) = (hosts(session, all)?, settings(session)?);
    let (line, is_there) =
        (folder.include_line().map_err(Trouble::from)?, folder.is_included().map_err(Trouble::from)?);
    let configuration = short(&folder.configuration());
    let include = if is_there || args.no_include {
        false
    } else if args.yes || args.json || !somebody_is_there() {
        // Who has typed the command has been told what it does.
        true
    } else {
        goes_on(&words::may_include(&line, &configuration), signals).await?
    };
    let Installed { hosts, named_already } = folder.install(&hosts, &settings, include).map_err(Trouble::from)?;
    let is_included = is_there || include;
    if args.json {
        let left_out: Vec<_> = hosts.left_out.iter().map(|(name, why)| json!({ "name": name, "why": why })).collect();
        output::json(&json!({
            "file": folder.hosts(), "hosts": hosts.names, "leftOut": left_out, "included": is_included,
            "includeLine": line, "namedAlready": named_already,
        }))?;
        return Ok(());
    }
    let names: Vec<_> = hosts.names.iter().map(String::as_str).collect();
    let file = short(&folder.hosts());
    output::line(&if is_included {
        words::installed(&names, &file)
    } else {
        words::not_included(&line, &configuration)
    })?;
    tell_left_out(&hosts);
    if !named_already.is_empty() {
        let names: Vec<_> = named_already.iter().map(String::as_str).collect();
        output::line_to_people(&words::named_already(&names, &configuration));
    }
    Ok(())
}

fn remove(session: &Session, as_json: bool) -> Result<(), End> {
    let removed = folder(session)?.remove().map_err(Trouble::from)?;
    if as_json {
        output::json(&json!({ "removed": removed }))?;
    } else {
        output::line(if removed { words::removed() } else { words::not_there() })?;
    }
    Ok(())
}

fn folder(session: &Session) -> Result<SshFolder, Trouble> {
    Ok(SshFolder::of_user(&session.folder)?)
}

/// The settings, with the favourites of teams as the engine knows them: what it has read of a team it may not have been able
/// to keep.
fn settings(session: &Session) -> Result<Settings, Trouble> {
    let snapshot = session.snapshot();
    let mut settings = settings_with_teams(&session.folder, &snapshot.defaults())?;
    let of_teams = snapshot.favourites.iter().filter(|view| view.of_team.is_some());
    let favourite = |view: &FavouriteView| Favourite { name: view.name.clone(), profile: view.profile.clone() };
    settings.favourites.truncate(settings.written.len());
    settings.favourites.extend(of_teams.map(favourite));
    Ok(settings)
}

/// The hosts as they are reached by this program with the options that it was given just now.
fn hosts(session: &Session, all: &Args) -> Result<SshHosts, Trouble> {
    let unknown = |why: &str| Failure::Internal { detail: words::program_unknown(why) };
    let own = own_path().map_err(|error| unknown(&error.to_string()))?;
    let config = all.config.as_deref().map(std::path::absolute).transpose();
    let config = config.map_err(|error| unknown(&error.to_string()))?;
    let mut ajar = vec![text(own)?];
    if let Some(config) = config {
        ajar.extend(["--config".to_owned(), text(config)?]);
    }
    if all.demo {
        ajar.push("--demo".to_owned());
    }
    ajar.extend(all.cloud.iter().flat_map(|cloud| ["--cloud".to_owned(), cloud.clone()]));
    let hosts = SshHosts::new(&ajar, &text(session.folder.settings())?, Os::current());
    Ok(hosts.ok_or_else(|| unknown(words::untellable()))?)
}

fn text(path: PathBuf) -> Result<String, Failure> {
    let lossy = |path: std::ffi::OsString| path.to_string_lossy().into_owned();
    let told = |path| Failure::SshConfig { path: lossy(path), detail: words::untellable().into() };
    path.into_os_string().into_string().map_err(told)
}

fn tell_left_out(hosts: &Hosts) {
    for (name, why) in &hosts.left_out {
        output::line_to_people(&words::left_out(name.as_str(), why));
    }
}

/// As people write a path of theirs.
fn short(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("~/.ssh/{name}")
}
