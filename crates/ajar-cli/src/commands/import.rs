//! `ajar import`: favourites from others, and out of other programs.

use std::fs::File;
use std::path::Path;

use ajar_core::exchange::gathering::Gathered;
use ajar_core::exchange::plan::{self, Candidate, Changes, OnConflict, Row, Standing};
use ajar_core::exchange::{Entry, Format, Host, LeftOut, Problem, Sharing};
use ajar_core::failure::{ExitCode, Failure};
use ajar_core::inheritance::Inheritance;
use ajar_core::inventory::FoundVm;
use ajar_core::message::exchange as words;
use ajar_core::message::inventory::places;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Request;
use ajar_core::settings::Settings;
use ajar_runtime::adapters::why_unfit;
use ajar_runtime::files::{SettingsFile, read_exchange, read_limited};
use serde_json::json;

use super::asking::{goes_on, somebody_is_there};
use super::{End, ask, inventory, picker, unless_told_to_end};
use crate::args::{self, Import, ImportFormat};
use crate::output;
use crate::session::Session;
use crate::signals::Signals;

pub(crate) async fn run(session: &Session, args: &Import, signals: &mut Signals) -> Result<(), End> {
    let may_ask = !args.json && somebody_is_there();
    let (entries, mut left_out) = told(args, signals).await?;
    let settings = SettingsFile::new(session.folder.settings()).read()?;
    let defaults = session.snapshot().defaults();
    let sharing = if args.personal { Sharing::Personal } else { Sharing::WithOthers };
    let mut told = Gathered::default();
    unless_told_to_end(signals, async {
        let has_hosts = entries.iter().any(|entry| matches!(entry, Entry::Host(_)));
        let vms = if has_hosts { vms(session).await? } else { Vec::new() };
        told = Gathered::of(entries, &vms, sharing, &settings, &defaults);
        if may_ask && !args.dry_run { ask_which(&mut told, &settings.inheritance).await } else { Ok(()) }
    })
    .await?;
    left_out.append(&mut told.left_out);
    let (rows, unfit) = plan::rows(std::mem::take(&mut told.candidates), &settings, &defaults);
    left_out.extend(unfit);
    told.left_out = left_out;
    if !args.json {
        show(&rows, &told)?;
    }
    let changes = match args.on_conflict {
        Some(choice) => plan::changes(&rows, &settings, |_| choice.into()),
        None if args.dry_run => plan::changes(&rows, &settings, |_| OnConflict::Skip),
        None => asked(&rows, &settings, may_ask).await?,
    };
    if !args.dry_run && !take_in(session, &changes, may_ask && !args.yes, signals).await? {
        output::line_to_people(words::nothing_done());
        return Ok(());
    }
    if args.json {
        output::json(&as_json(args.dry_run, &rows, &changes, &told))?;
    } else {
        tell(args.dry_run, &changes)?;
    }
    // Whoever named a file wants something out of it.
    let came_to_nothing = rows.is_empty() && !(told.unmatched.is_empty() && told.unclear.is_empty());
    if came_to_nothing { Err(End::Code(ExitCode::Failed as u8)) } else { Ok(()) }
}

/// Has it done, unless somebody who is asked first says no: whether it is.
async fn take_in(session: &Session, changes: &Changes, asks: bool, signals: &mut Signals) -> Result<bool, End> {
    let Changes { add, change, .. } = changes;
    if add.is_empty() && change.is_empty() {
        return Ok(true);
    }
    if asks && !goes_on(&words::may_take_in(add.len(), change.len()), signals).await? {
        return Ok(false);
    }
    let import = Request::Import { add: add.clone(), change: change.clone() };
    ask(session, import, signals).await?.accepted()?;
    Ok(true)
}

/// What the files say. A pipe that nobody writes to is waited for until somebody ends this: by a thread that the process
/// leaves behind.
async fn told(args: &Import, signals: &mut Signals) -> Result<Said, End> {
    let (told, read_all) = tokio::sync::oneshot::channel();
    let (files, format) = (args.files.clone(), args.format);
    std::thread::spawn(move || drop(told.send(read(&files, format))));
    tokio::select! {
        told = read_all => told.unwrap_or_else(|_| Err(super::no_answer())),
        signal = signals.next() => Err(End::Code(signal.exit_code())),
    }
}

/// What files say: what can become favourites, and what nobody would take in.
type Said = (Vec<Entry>, Vec<LeftOut>);

/// What all files say.
fn read(files: &[std::path::PathBuf], format: Option<ImportFormat>) -> Result<Said, End> {
    let (mut entries, mut left_out) = (Vec::new(), Vec::new());
    for path in files {
        let bytes = if path == Path::new("-") { read_limited(std::io::stdin()) } else { read_file(path) };
        let bytes = bytes.map_err(|error| unfit(path, &error.to_string()))?;
        let read = read_exchange(&bytes, path, format.map(Format::from));
        let read = read.map_err(|problem: Problem| unfit(path, &words::problem(&problem)))?;
        entries.extend(read.entries);
        let of = |left: LeftOut| {
            if files.len() > 1 { left.of_file(&path.file_name().unwrap_or_default().to_string_lossy()) } else { left }
        };
        left_out.extend(read.left_out.into_iter().map(of));
    }
    Ok((entries, left_out))
}

fn read_file(path: &Path) -> std::io::Result<Vec<u8>> {
    read_limited(File::open(path)?)
}

fn unfit(path: &Path, detail: &str) -> End {
    let failure = Failure::FileUnfit { path: path.display().to_string(), detail: detail.to_owned() };
    ajar_runtime::adapters::words(&failure.into(), "Ajar").into()
}

/// The VMs that hosts may be.
async fn vms(session: &Session) -> Result<Vec<FoundVm>, End> {
    inventory::read(session, false).await?;
    let vms = inventory::find(session, "", u32::MAX).await?.vms;
    let mut gaps = session.snapshot().inventory.clone().unwrap_or_default().gaps;
    let told_last = if vms.is_empty() && !gaps.is_empty() { Some(gaps.remove(0)) } else { None };
    inventory::tell_gaps(&gaps);
    if let Some(gap) = told_last {
        output::line_to_people(&gap.text);
        return Err(gap.failure.into());
    }
    Ok(vms)
}

/// Has somebody say which VMs the hosts are that may be several.
async fn ask_which(told: &mut Gathered, inheritance: &Inheritance) -> Result<(), End> {
    for (host, several) in std::mem::take(&mut told.unclear) {
        match which(&host, &several.iter().collect::<Vec<_>>()).await? {
            Some(found) => told.candidates.push(Candidate::of_host(&host, found, None, inheritance)),
            None => told.unmatched.push(host),
        }
    }
    Ok(())
}

/// Asks which VM a host is; none of them may be.
async fn which<'v>(host: &Host, several: &[&'v FoundVm]) -> Result<Option<&'v FoundVm>, End> {
    let mut choices = places(several);
    choices.push(words::none_of_them().into());
    let chosen = picker::one_of(words::which_vm(&host.label, &host.address), choices).await?;
    Ok(several.get(chosen).copied())
}

/// What may be done with these: what only has a team's name is not one's own to change.
fn choices<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<OnConflict> {
    let is_mine = |row: &Row| matches!(row.standing, Standing::Conflict { .. });
    let all = [OnConflict::Skip, OnConflict::Replace, OnConflict::Rename];
    let may_change = rows.into_iter().any(is_mine);
    all.into_iter().filter(|choice| may_change || *choice != OnConflict::Replace).collect()
}

/// What is to be done where there are other favourites of those names; asked for all at once, or one by one.
async fn asked(rows: &[Row], settings: &Settings, may_ask: bool) -> Result<Changes, End> {
    let in_the_way = |row: &&Row| matches!(row.standing, Standing::Conflict { .. } | Standing::OfTeam(_));
    let rows_there: Vec<&Row> = rows.iter().filter(in_the_way).collect();
    let names: Vec<&ProfileName> = rows_there.iter().map(|row| &row.candidate.name).collect();
    if names.is_empty() {
        return Ok(plan::changes(rows, settings, |_| OnConflict::Skip));
    }
    if !may_ask {
        let names = names.into_iter().map(ToString::to_string).collect();
        return Err(ajar_runtime::adapters::words(&Failure::ImportConflicts { names }.into(), "Ajar").into());
    }
    let in_words = |choices: &[OnConflict]| choices.iter().map(|choice| words::choice(*choice).to_owned()).collect();
    let for_all = choices(rows_there.iter().copied());
    let mut lines: Vec<String> = in_words(&for_all);
    if names.len() > 1 {
        lines.push(words::one_by_one().into());
    }
    let all: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let of_all = picker::one_of(words::what_of_conflicts(&all), lines).await?;
    if let Some(choice) = for_all.get(of_all) {
        let asked = |name: &ProfileName| names.contains(&name);
        return Ok(plan::changes(rows, settings, |name| if asked(name) { *choice } else { OnConflict::Skip }));
    }
    let mut chosen = Vec::new();
    for row in rows_there {
        let (name, for_one) = (&row.candidate.name, choices([row]));
        let of_one = picker::one_of(words::what_of_conflicts(&[name.as_str()]), in_words(&for_one)).await?;
        chosen.push((name, for_one.get(of_one).copied().unwrap_or(OnConflict::Skip)));
    }
    let choice = |name: &ProfileName| chosen.iter().find(|(known, _)| *known == name).map(|(_, choice)| *choice);
    Ok(plan::changes(rows, settings, |name| choice(name).unwrap_or(OnConflict::Skip)))
}

/// What would be done, and what cannot be.
fn show(rows: &[Row], told: &Gathered) -> Result<(), End> {
    let row = |Row { candidate, standing, .. }: &Row| {
        let vm = candidate.profile.vm.resource();
        vec![
            candidate.name.to_string(),
            format!("{} ({})", vm.name(), vm.resource_group()),
            words::found_by(candidate.found_by).to_owned(),
            words::standing(standing),
        ]
    };
    if !rows.is_empty() {
        let rows: Vec<_> = rows.iter().map(row).collect();
        output::lines(&output::table(&words::COLUMNS, &rows))?;
    }
    for host in &told.unmatched {
        output::line_to_people(&words::unmatched(&host.label, &host.address));
    }
    for (host, several) in &told.unclear {
        let places = places(&several.iter().collect::<Vec<_>>());
        output::line_to_people(&words::unclear(&host.label, &host.address, &places));
    }
    for left in words::left_out(&told.left_out, why_unfit) {
        output::line_to_people(&left);
    }
    Ok(())
}

/// What was done.
fn tell(dry_run: bool, changes: &Changes) -> Result<(), End> {
    let added: Vec<_> = changes.add.iter().map(|favourite| favourite.name.to_string()).collect();
    let replaced: Vec<_> = changes.change.iter().map(|change| change.name.to_string()).collect();
    for (name, another) in &changes.renamed {
        output::line_to_people(&words::renamed(name.as_str(), another.as_str()));
    }
    if !changes.skipped.is_empty() {
        let skipped: Vec<_> = changes.skipped.iter().map(ToString::to_string).collect();
        output::line_to_people(&words::left_as_they_are(&skipped));
    }
    Ok(output::line(&words::taken_in(&added, &replaced, dry_run))?)
}

fn as_json(dry_run: bool, rows: &[Row], changes: &Changes, told: &Gathered) -> serde_json::Value {
    let added: Vec<_> = changes.add.iter().map(|favourite| &favourite.name).collect();
    let replaced: Vec<_> = changes.change.iter().map(|change| &change.name).collect();
    let same = rows.iter().filter(|row| matches!(row.standing, Standing::Same)).map(|row| &row.candidate.name);
    let there = rows.iter().filter_map(|row| match &row.standing {
        Standing::There(name) => Some(json!({ "name": row.candidate.name, "as": name })),
        Standing::New | Standing::Same | Standing::OfTeam(_) | Standing::Conflict { .. } => None,
    });
    let conflicts = rows.iter().filter_map(|row| match &row.standing {
        Standing::Conflict { differs, .. } => Some(json!({ "name": row.candidate.name, "differs": differs })),
        Standing::OfTeam(team) => Some(json!({ "name": row.candidate.name, "differs": [], "ofTeam": team })),
        Standing::New | Standing::Same | Standing::There(_) => None,
    });
    let host = |host: &Host| json!({ "name": host.label, "address": host.address });
    let unclear = told.unclear.iter().map(|(unclear, several)| {
        let mut value = host(unclear);
        value["vms"] = several.iter().map(|found| json!(found.vm.id)).collect();
        value
    });
    let left_out = |left: &LeftOut| {
        let why = words::why(&left.why, why_unfit(left).as_deref());
        json!({ "what": left.what, "line": left.line, "why": why })
    };
    json!({
        "dryRun": dry_run,
        "added": added,
        "replaced": replaced,
        "renamed": changes.renamed.iter().map(|(name, another)| json!({ "name": name, "as": another })).collect::<Vec<_>>(),
        "skipped": changes.skipped,
        "same": same.collect::<Vec<_>>(),
        "there": there.collect::<Vec<_>>(),
        "conflicts": conflicts.collect::<Vec<_>>(),
        "unmatched": told.unmatched.iter().map(host).collect::<Vec<_>>(),
        "unclear": unclear.collect::<Vec<_>>(),
        "leftOut": told.left_out.iter().map(left_out).collect::<Vec<_>>(),
    })
}

impl From<ImportFormat> for Format {
    fn from(format: ImportFormat) -> Self {
        match format {
            ImportFormat::Ajar => Self::Ajar,
            ImportFormat::Rdp => Self::Rdp,
            ImportFormat::SshConfig => Self::SshConfig,
            ImportFormat::MRemoteNg => Self::MRemoteNg,
            ImportFormat::RdcMan => Self::RdcMan,
        }
    }
}

impl From<args::OnConflict> for OnConflict {
    fn from(choice: args::OnConflict) -> Self {
        match choice {
            args::OnConflict::Skip => Self::Skip,
            args::OnConflict::Replace => Self::Replace,
            args::OnConflict::Rename => Self::Rename,
        }
    }
}
