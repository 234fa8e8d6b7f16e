//! `ajar add`, `show` and `remove`.

use ajar_core::iso8601::IsoDuration;
use ajar_core::message;
use ajar_core::profile::Profile;
use ajar_core::protocol::Request;
use ajar_core::settings::unknown_favourite;
use ajar_runtime::files::SettingsFile;
use chrono::TimeDelta;
use serde_json::json;

use super::{End, list};
use crate::args::{Add, Named};
use crate::output;
use crate::session::{Session, words};

pub(crate) async fn add(session: &Session, args: &Add) -> Result<(), End> {
    let access = args.duration.and_then(|duration| TimeDelta::from_std(duration).ok()).map(IsoDuration);
    let profile = Profile {
        port: args.port,
        user: args.user.clone(),
        access,
        account: args.account.clone(),
        start: args.no_start.then_some(false),
        identity_file: args.identity_file.clone(),
        ..Profile::new(args.vm.clone())
    };
    let settings = SettingsFile::new(session.folder.settings()).read()?;
    let is_there = settings.favourite(&args.name).is_some_and(|known| known.profile == profile);
    change(session, Request::Add { name: args.name.clone(), profile }).await?;
    if args.json {
        output::json(&json!({ "name": args.name, "vm": args.vm, "added": !is_there }))?;
    } else if is_there {
        output::line(&message::cli::there_already(args.name.as_str()))?;
    } else {
        output::line(&message::cli::added(args.name.as_str()))?;
    }
    Ok(())
}

pub(crate) async fn remove(session: &Session, args: &Named) -> Result<(), End> {
    change(session, Request::Remove { name: args.name.clone() }).await?;
    if args.json {
        output::json(&json!({ "name": args.name, "removed": true }))?;
    } else {
        output::line(&message::cli::removed(args.name.as_str()))?;
    }
    Ok(())
}

async fn change(session: &Session, request: Request) -> Result<(), End> {
    Ok(session.face.ask(request).await.accepted()?)
}

pub(crate) fn show(session: &Session, args: &Named) -> Result<(), End> {
    let settings = SettingsFile::new(session.folder.settings()).read()?;
    let snapshot = session.snapshot();
    let known = settings.favourite(&args.name).zip(snapshot.favourites.iter().find(|view| view.name == args.name));
    let Some((favourite, view)) = known else {
        let failure = unknown_favourite(&args.name, settings.favourites.iter().map(|favourite| &favourite.name));
        return Err(words(&failure.into(), args.name.as_str()).into());
    };
    let profile = &favourite.profile;
    if args.json {
        let mut value = list::as_json(view);
        value["for"] = json!(IsoDuration(profile.access()));
        value["start"] = json!(profile.may_start());
        value["account"] = json!(profile.account);
        value["cloud"] = json!(profile.cloud);
        value["tenant"] = json!(profile.tenant);
        value["identityFile"] = json!(profile.identity_file);
        output::json(&value)?;
        return Ok(());
    }
    let rows = message::cli::favourite(favourite.name.as_str(), profile, view.protocol, view.port);
    rows.iter().try_for_each(|(label, text)| output::line(&format!("{label:<14} {text}")))?;
    Ok(())
}
