//! `ajar add`, `edit`, `show` and `remove`.

use std::time::Duration;

use ajar_core::failure::Failure;
use ajar_core::inheritance::{Effective, Inheritable, Inheritance};
use ajar_core::iso8601::IsoDuration;
use ajar_core::message;
use ajar_core::port::Protocol;
use ajar_core::profile::{Forward, Profile, ProfileName};
use ajar_core::protocol::Request;
use ajar_core::settings::{Favourite, Settings, unknown_favourite};
use ajar_core::snapshot::FavouriteView;
use ajar_runtime::adapters::words;
use ajar_runtime::files::{SettingsFile, settings_with_teams};
use chrono::TimeDelta;
use serde_json::json;

use super::{End, inventory, list, meaning, team};
use crate::args::{Add, Args, Edit, Named, OrNothing};
use crate::output;
use crate::session::Session;

/// The VM that a favourite is to lead to, as it is typed.
pub(super) fn vm_of(args: &Add) -> &str {
    args.vm.as_deref().unwrap_or(args.name.as_str())
}

pub(crate) async fn add(session: &Session, all: &Args, args: &Add) -> Result<(), End> {
    let (vm, found) = meaning::vm(session, vm_of(args)).await?;
    let has_system = found.as_ref().is_some_and(|found| found.vm.os.is_some());
    let settings = SettingsFile::new(session.folder.settings()).read()?;
    // Of a VM that was found it is known what fits it. How another favourite opens it is that one's own matter, but for the
    // account that sees it.
    let fits = match found {
        None => Profile::new(vm.clone()),
        Some(found) if found.is_favourite => Profile {
            port: found.vm.own_port(&settings.inheritance.defaults),
            account: found.opens.profile.account,
            ..Profile::new(vm.clone())
        },
        Some(found) => found.opens.profile,
    };
    let fits_protocol = |port: &u16| fits.protocol.unwrap_or_else(|| Protocol::of_port(*port));
    let fits_port = fits.port.filter(|port| args.protocol.is_none_or(|wanted| wanted == fits_protocol(port)));
    let profile = Profile {
        port: args.port.or(fits_port),
        // What is spoken on another port is another matter.
        protocol: args.protocol.or(fits.protocol.filter(|_| args.port.is_none_or(|port| fits.port == Some(port)))),
        user: args.user.clone(),
        access: args.duration.and_then(access),
        renew_up_to: args.renew_up_to,
        after_use: args.after_use,
        account: args.account.clone().or(fits.account),
        cloud: all.cloud.clone(),
        tenant: args.tenant.clone(),
        start: args.no_start.then_some(false),
        identity_file: args.identity_file.clone(),
        known_hosts_file: args.known_hosts_file.clone(),
        justification: args.justification.clone(),
        ask_justification: args.ask_justification.then_some(true),
        address: args.address,
        source: args.source.clone(),
        colour: args.colour,
        client: args.client.clone(),
        client_arguments: some_words(&args.client_arguments),
        forwards: Some(args.forwards.clone()).filter(|forwards| !forwards.is_empty()),
        rdp_file: args.rdp_file.clone(),
        gateway: args.gateway.clone(),
        multimon: args.multimon,
        entra_login: args.entra_login,
        forward_agent: args.forward_agent,
        note: args.note.clone(),
        folder: args.folder.clone(),
        ..Profile::new(vm.clone())
    };
    let said = Inheritable::of(&profile);
    let is_there = settings.written(&args.name).is_some_and(|known| known.profile == profile);
    let effective = settings.inheritance.effective(&profile).profile;
    change(session, Request::Add { name: args.name.clone(), profile }).await?;
    if args.json {
        output::json(&json!({ "name": args.name, "vm": vm, "added": !is_there }))?;
    } else if is_there {
        output::line(&message::cli::there_already(args.name.as_str()))?;
    } else {
        output::line(&message::cli::added(args.name.as_str()))?;
    }
    if !args.json {
        tell_guess(&args.name, &said);
        let says_door = effective.port.is_some() || effective.protocol.is_some();
        if !has_system && !is_there && !says_door {
            output::line_to_people(&message::cli::system_unknown(args.name.as_str()));
        }
    }
    Ok(())
}

/// Tells that a port alone is opened, where nobody has said so: what is spoken there may be known to who typed it.
fn tell_guess(name: &ProfileName, said: &Inheritable) {
    if said.protocol.is_none() && said.protocol() == Protocol::Port {
        output::line_to_people(&message::cli::port_alone(name.as_str(), said.port()));
    }
}

pub(crate) async fn edit(session: &Session, all: &Args, args: &Edit) -> Result<(), End> {
    let settings = settings_with_teams(&session.folder, &session.snapshot().defaults())?;
    match &args.name {
        Some(name) => edit_one(session, all, args, &settings, name).await,
        None => edit_many(session, all, args, &settings.inheritance).await,
    }
}

async fn edit_one(
    session: &Session,
    all: &Args,
    args: &Edit,
    settings: &Settings,
    name: &ProfileName,
) -> Result<(), End> {
    let Some(Favourite { name, profile: before }) = settings.written(name) else {
        let of_team = settings.not_ones_own(name).map(|failure| words(&failure.into(), name.as_str()).into());
        return Err(of_team.unwrap_or_else(|| unknown(settings, name)));
    };
    let folder = or_as_before(args.folder.as_ref(), before.folder.as_ref());
    let silent = Profile { start: None, folder: folder.clone(), ..before.clone() };
    let inherited = settings.inheritance.effective(&silent).profile;
    let said_before = Inheritable::of(before);
    let said = changed(&said_before, all, args, inherited.may_start());
    let is_other_door = (said.port, said.protocol) != (said_before.port, said_before.protocol);
    let vm = match args.vm.as_deref().map(|typed| (typed, typed.parse())) {
        None => before.vm.clone(),
        Some((_, Ok(id))) => id,
        Some((typed, Err(_))) => meaning::vm(session, typed).await?.0,
    };
    let profile = Profile { note: or_as_before(args.note.as_ref(), before.note.as_ref()), folder, ..said.of_vm(vm) };
    let called = args.rename.as_ref().unwrap_or(name);
    let place = new_place(settings, name, called, args)?;
    let is_like_before = profile == *before && called.as_str() == name.as_str();
    let is_same = is_like_before && place.is_none();
    if !is_like_before {
        let (name, rename) = (name.clone(), args.rename.clone());
        change(
            session,
            Request::Edit { name, rename, before: Some(Box::new(before.clone())), profile: profile.clone() },
        )
        .await?;
    }
    if let Some(request) = place {
        change(session, request).await?;
    }
    if args.json {
        output::json(&json!({ "name": called, "vm": profile.vm, "changed": !is_same }))?;
    } else if is_same {
        output::line(&message::cli::same_already(name.as_str()))?;
    } else {
        output::line(&message::cli::changed(name.as_str(), called.as_str()))?;
        if is_other_door {
            tell_guess(called, &Inheritable::of(&profile));
        }
    }
    Ok(())
}

/// What gives a favourite, which may be called otherwise by then, its new place; nothing where it stands there already or
/// nobody wants that.
fn new_place(
    settings: &Settings,
    name: &ProfileName,
    called: &ProfileName,
    args: &Edit,
) -> Result<Option<Request>, End> {
    if args.before.as_ref().or(args.after.as_ref()) == Some(name) {
        let failure = Failure::CommandLine { detail: message::cli::before_itself(name.as_str()) };
        return Err(ajar_runtime::adapters::words(&failure.into(), name.as_str()).into());
    }
    let names: Vec<_> = settings.written.iter().map(|favourite| &favourite.name).collect();
    let others: Vec<_> = names.iter().copied().filter(|other| *other != name).collect();
    let at =
        |other: &ProfileName| others.iter().position(|known| *known == other).ok_or_else(|| no_place(settings, other));
    let at = match (&args.before, &args.after) {
        (Some(other), _) => at(other)?,
        (None, Some(other)) => at(other)? + 1,
        (None, None) if args.first => 0,
        (None, None) if args.last => others.len(),
        (None, None) => return Ok(None),
    };
    let stands_there = names.iter().position(|known| *known == name) == Some(at);
    let before = others.get(at).map(|before| (*before).clone());
    Ok((!stands_there).then(|| Request::Move { name: called.clone(), before }))
}

/// Changes what favourites inherit.
async fn edit_many(session: &Session, all: &Args, args: &Edit, inheritance: &Inheritance) -> Result<(), End> {
    let folder = args.folder_defaults.as_deref();
    let nothing = Inheritable::default();
    let before = match folder {
        None => &inheritance.defaults,
        Some(folder) => inheritance.of_folder(folder).map_or(&nothing, |(_, said)| said),
    };
    let said = changed(before, all, args, false);
    let is_same = said == *before;
    if !is_same {
        change(
            session,
            Request::EditDefaults { folder: folder.map(Into::into), before: Some(Box::new(before.clone())), said },
        )
        .await?;
    }
    if args.json {
        output::json(&json!({ "folder": folder, "changed": !is_same }))?;
    } else if is_same {
        output::line(&message::cli::same_defaults(folder))?;
    } else {
        output::line(&message::cli::changed_defaults(folder))?;
    }
    Ok(())
}

fn or_as_before<T: Clone>(given: Option<&OrNothing<T>>, before: Option<&T>) -> Option<T> {
    given.map_or_else(|| before.cloned(), |OrNothing(value)| value.clone())
}

/// What is said, with what is given in place of what was there. Of one that starts the VM `anyway` that need not be said.
fn changed(before: &Inheritable, all: &Args, args: &Edit, anyway: bool) -> Inheritable {
    let cloud = all.cloud.clone().map(|cloud| OrNothing(Some(cloud).filter(|cloud| !cloud.is_empty())));
    let length = args.duration.as_ref().map(|OrNothing(length)| OrNothing(length.and_then(access)));
    let mut said = Inheritable {
        port: or_as_before(args.port.as_ref(), before.port.as_ref()),
        protocol: or_as_before(args.protocol.as_ref(), before.protocol.as_ref()),
        user: or_as_before(args.user.as_ref(), before.user.as_ref()),
        access: or_as_before(length.as_ref(), before.access.as_ref()),
        renew_up_to: or_as_before(args.renew_up_to.as_ref(), before.renew_up_to.as_ref()),
        after_use: or_as_before(args.after_use.as_ref(), before.after_use.as_ref()),
        account: or_as_before(args.account.as_ref(), before.account.as_ref()),
        cloud: or_as_before(cloud.as_ref(), before.cloud.as_ref()),
        tenant: or_as_before(args.tenant.as_ref(), before.tenant.as_ref()),
        start: if args.start { (!anyway).then_some(true) } else { args.no_start.then_some(false).or(before.start) },
        identity_file: or_as_before(args.identity_file.as_ref(), before.identity_file.as_ref()),
        known_hosts_file: or_as_before(args.known_hosts_file.as_ref(), before.known_hosts_file.as_ref()),
        justification: args.justification.clone().or_else(|| before.justification.clone()),
        ask_justification: or_as_before(args.ask_justification.as_ref(), before.ask_justification.as_ref()),
        address: or_as_before(args.address.as_ref(), before.address.as_ref()),
        source: or_as_before(args.source.as_ref(), before.source.as_ref()),
        colour: or_as_before(args.colour.as_ref(), before.colour.as_ref()),
        client: or_as_before(args.client.as_ref(), before.client.as_ref()),
        client_arguments: some_words(&args.client_arguments).or_else(|| before.client_arguments.clone()),
        forwards: some_forwards(&args.forwards).or_else(|| before.forwards.clone()),
        rdp_file: or_as_before(args.rdp_file.as_ref(), before.rdp_file.as_ref()),
        gateway: or_as_before(args.gateway.as_ref(), before.gateway.as_ref()),
        multimon: or_as_before(args.multimon.as_ref(), before.multimon.as_ref()),
        entra_login: or_as_before(args.entra_login.as_ref(), before.entra_login.as_ref()),
        forward_agent: or_as_before(args.forward_agent.as_ref(), before.forward_agent.as_ref()),
    };
    args.unset.iter().for_each(|field| field.take_out_of(&mut said));
    said
}

/// Words that were given; a lone empty one stands for none at all.
fn some_words(words: &[String]) -> Option<Vec<String>> {
    match words {
        [] => None,
        [only] if only.is_empty() => Some(Vec::new()),
        words => Some(words.to_vec()),
    }
}

/// What was given to be forwarded; a lone empty text stands for nothing at all.
fn some_forwards(given: &[OrNothing<Forward>]) -> Option<Vec<Forward>> {
    let forwards = given.iter().filter_map(|OrNothing(forward)| forward.clone()).collect();
    (!given.is_empty()).then_some(forwards)
}

fn access(length: Duration) -> Option<IsoDuration> {
    TimeDelta::from_std(length).ok().map(IsoDuration)
}

/// What has no place among one's own favourites, because a team has it or nobody.
fn no_place(settings: &Settings, name: &ProfileName) -> End {
    let of_team = settings.favourite(name).is_some();
    let failure = Failure::CommandLine { detail: message::cli::place_of_team(name.as_str()) };
    if of_team { words(&failure.into(), name.as_str()).into() } else { unknown(settings, name) }
}

fn unknown(settings: &Settings, name: &ProfileName) -> End {
    let failure = unknown_favourite(name, settings.favourites.iter().map(|favourite| &favourite.name));
    words(&failure.into(), name.as_str()).into()
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

pub(crate) async fn show(session: &Session, args: &Named) -> Result<(), End> {
    // One's own hangs on nobody else.
    if SettingsFile::of(&session.folder).in_force()?.written(&args.name).is_none() {
        team::read(session).await;
    }
    let snapshot = session.snapshot();
    let settings = settings_with_teams(&session.folder, &snapshot.defaults())?;
    let own = settings.written(&args.name).map(|written| (settings.inheritance.effective(&written.profile), None));
    let of_team = || settings.of_team(&args.name).map(|known| (known.effective.clone(), Some(known)));
    let known = own.or_else(of_team).zip(snapshot.favourites.iter().find(|view| view.name == args.name));
    let Some(((effective, of_team), view)) = known else {
        return Err(unknown(&settings, &args.name));
    };
    // What is known of it, without asking Azure.
    let seen = inventory::named(session, view.vm.name(), u32::MAX).await.ok();
    let mut seen = seen.into_iter().flat_map(|found| found.vms);
    let seen = seen.find(|found| (&found.vm.id, &found.viewpoint.cloud) == (&view.vm, &view.cloud));
    let effective = seen.map_or_else(|| effective.clone(), |found| effective.clone().at_vm(&found.vm));
    if args.json {
        return Ok(output::json(&as_json(view, &effective))?);
    }
    let rows = message::cli::favourite(view.name.as_str(), &effective, of_team);
    rows.iter().try_for_each(|(label, text)| output::line(&format!("{label:<14} {text}")))?;
    Ok(())
}

fn as_json(view: &FavouriteView, effective: &Effective) -> serde_json::Value {
    let profile = &effective.profile;
    let mut value = list::as_json(view);
    value["for"] = json!(IsoDuration(profile.access()));
    value["renewUpTo"] = json!(profile.renew_up_to().map(IsoDuration));
    value["afterUse"] = json!(profile.after_use());
    value["start"] = json!(profile.may_start());
    value["account"] = json!(profile.account);
    value["cloud"] = json!(profile.cloud);
    value["tenant"] = json!(profile.tenant);
    value["identityFile"] = json!(profile.identity_file);
    value["knownHostsFile"] = json!(profile.known_hosts_file);
    value["justification"] = json!(profile.justification);
    value["askJustification"] = json!(profile.asks_justification());
    value["address"] = json!(profile.address());
    value["source"] = json!(profile.source());
    value["colour"] = json!(profile.colour);
    value["client"] = json!(profile.client);
    value["clientArguments"] = json!(profile.client_arguments);
    value["forwards"] = json!(profile.forwards);
    value["rdpFile"] = json!(profile.rdp_file);
    value["gateway"] = json!(profile.gateway);
    value["multimon"] = json!(profile.multimon);
    value["entraLogin"] = json!(profile.entra_login);
    value["forwardAgent"] = json!(profile.forward_agent);
    value["origins"] = effective.origins.iter().map(|(field, from)| (member(field.key()), json!(from))).collect();
    value
}

/// What a key of `config.toml` is called in JSON: `identity_file` is `identityFile`.
fn member(key: &str) -> String {
    let mut words = key.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |member, word| {
        let (initial, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        member + &initial.to_ascii_uppercase() + rest
    })
}
