//! `ajar export`: favourites for others.

use std::path::Path;

use ajar_core::exchange::{Sharing, exported};
use ajar_core::failure::Failure;
use ajar_core::folders::folder_path;
use ajar_core::message::exchange as words;
use ajar_core::settings::{Favourite, Settings, unknown_favourite};
use ajar_runtime::files::{SettingsFile, write_favourites};
use serde_json::json;

use super::End;
use crate::args::Export;
use crate::output;
use crate::session::Session;

pub(crate) fn run(session: &Session, args: &Export) -> Result<(), End> {
    let settings = SettingsFile::of(&session.folder).in_force()?;
    let favourites = chosen(&settings, args)?;
    let sharing = if args.personal { Sharing::Personal } else { Sharing::WithOthers };
    let text = exported(favourites.iter().copied(), &settings, &session.snapshot().defaults(), sharing);
    let to = args.file.as_ref().filter(|path| path.as_os_str() != "-");
    let Some(path) = to else { return Ok(output::text(text.as_bytes())?) };
    write_favourites(path, &text, args.force, sharing).map_err(|error| unwritten(path, &error))?;
    let names: Vec<_> = favourites.iter().map(|favourite| &favourite.name).collect();
    if args.json {
        output::json(&json!({ "file": path, "names": names }))?;
    } else {
        output::line(&words::exported(names.len(), &path.display().to_string(), sharing))?;
    }
    Ok(())
}

/// Those that are wanted, in their order; all of them where nobody has chosen.
fn chosen<'s>(settings: &'s Settings, args: &Export) -> Result<Vec<&'s Favourite>, End> {
    let folders: Vec<Vec<&str>> = args.folder.iter().map(|folder| folder_path(folder)).collect();
    let lies_in = |favourite: &Favourite, folder: &[&str]| {
        let own = favourite.profile.folder.as_deref().map(folder_path).unwrap_or_default();
        !folder.is_empty() && own.starts_with(folder)
    };
    let names = || settings.favourites.iter().map(|favourite| &favourite.name);
    if let Some(unknown) = args.only.iter().find(|name| settings.favourite(name).is_none()) {
        return Err(ajar_runtime::adapters::words(&unknown_favourite(unknown, names()).into(), unknown.as_str()).into());
    }
    let has_some = |folder: &&Vec<&str>| settings.favourites.iter().any(|favourite| lies_in(favourite, folder));
    if let Some(empty) = folders.iter().find(|folder| !has_some(folder)) {
        let failure = Failure::CommandLine { detail: words::empty_folder(&empty.join("/")) };
        return Err(ajar_runtime::adapters::words(&failure.into(), "Ajar").into());
    }
    let is_wanted = |favourite: &&Favourite| {
        args.only.is_empty() && folders.is_empty()
            || args.only.contains(&favourite.name)
            || folders.iter().any(|folder| lies_in(favourite, folder))
    };
    Ok(settings.favourites.iter().filter(is_wanted).collect())
}

fn unwritten(path: &Path, error: &std::io::Error) -> End {
    let is_there = error.kind() == std::io::ErrorKind::AlreadyExists;
    let detail = if is_there { words::is_there().to_owned() } else { error.to_string() };
    let failure = Failure::FileUnfit { path: path.display().to_string(), detail };
    ajar_runtime::adapters::words(&failure.into(), "Ajar").into()
}
