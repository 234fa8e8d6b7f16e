//! The teams: their files are read when they change, when the engine begins and when somebody looks, and never because time
//! goes by. What was read last holds until something else is read.

use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::message::exchange::left_out_of_others;
use ajar_core::message::team as words;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Reply;
use ajar_core::settings::{Favourite, Setting, Settings, unknown_favourite};
use ajar_core::snapshot::TeamView;
use ajar_core::team::{Team, TeamFile, TeamFlaws, TeamName, TeamPlace, TeamProblem, TeamUrl, of_teams};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::oneshot;

use super::Engine;
use super::effects::Happened;
use crate::adapters::why_unfit;
use crate::files::{FileWatch, KeptTeam, TeamCopy, TeamFiles, read_at_rest, understood};
use crate::ports::{Downloaded, Validators};

/// Who serves a file is not asked for it more often, unless somebody looks at the teams themselves.
const ASK_AFTER: TimeDelta = TimeDelta::minutes(15);

/// The same for a file that could not be read: the network may be there by then.
const TRY_AFTER: TimeDelta = TimeDelta::minutes(1);

/// How long who looks at favourites waits for those of teams. What was read last is shown then.
const LOOKS_FOR: Duration = Duration::from_secs(2);

/// How long a path is waited for: what does not answer may be a share that is away.
const PATIENCE: Duration = Duration::from_secs(10);

/// As much of what is left out of a file is told one by one: a snapshot goes out whole.
const NOTES: usize = 20;

/// All that is known of teams.
pub(super) struct Teams {
    files: TeamFiles,
    /// Where a relative path counts from.
    base: PathBuf,
    known: Vec<KnownTeam>,
    /// Who waits until all are read.
    waiting: Vec<oneshot::Sender<Reply>>,
    /// How many readings there were.
    readings: u64,
    /// Those that somebody has removed, with where their files are: an address is told to nobody, and is to be had back.
    removed: Vec<Team>,
}

struct KnownTeam {
    team: Team,
    kept: Option<KeptTeam>,
    /// The reading under way.
    reading: Option<u64>,
    /// Whether the file has changed since that began.
    again: bool,
    /// As long as it is there, changes of the file are heard of.
    watch: Option<FileWatch>,
    /// Whoever has the path read, for as long as the system takes.
    reader: Weak<()>,
    /// Why what was read could not be kept on the disk, where other processes look for it.
    unkept: Option<String>,
    /// What is left out, in words.
    notes: Vec<String>,
}

/// A team's file was read, or could not be.
pub(super) struct TeamNews {
    name: TeamName,
    number: u64,
    kept: KeptTeam,
    watch: Option<FileWatch>,
    /// Why it could not be kept on the disk, if it could not.
    unkept: Option<String>,
}

/// What is there to be read, and what is known of it.
struct Reading {
    team: Team,
    number: u64,
    kept: Option<KeptTeam>,
    asked_at: DateTime<Utc>,
}

/// What a team's file was found to be: with what tells it from another version; or nothing else than was known.
type Found = Result<Option<(Vec<u8>, Validators)>, TeamProblem>;

impl Teams {
    pub(super) fn new(files: TeamFiles, base: PathBuf) -> Self {
        Self { files, base, known: Vec::new(), waiting: Vec::new(), readings: 0, removed: Vec::new() }
    }

    fn of(&mut self, name: &TeamName) -> Option<&mut KnownTeam> {
        self.known.iter_mut().find(|known| known.team.name == *name)
    }
}

impl KnownTeam {
    fn new(team: Team, kept: Option<KeptTeam>) -> Self {
        let (reader, notes) = (Weak::new(), Vec::new());
        Self { team, kept, reading: None, again: false, watch: None, reader, unkept: None, notes }
    }

    /// Whether it is not being read.
    fn is_free(&self) -> bool {
        self.reading.is_none() && self.reader.strong_count() == 0
    }

    /// Whether its file is to be looked at, if somebody looks at its favourites.
    fn is_due(&self, now: DateTime<Utc>) -> bool {
        self.is_free()
            && match &self.team.from {
                TeamPlace::Path(_) => true,
                TeamPlace::Url(_) => {
                    // A time to come is of another clock.
                    let is_fresh = |kept: &KeptTeam| {
                        let after = if kept.problem.is_some() { TRY_AFTER } else { ASK_AFTER };
                        (TimeDelta::zero()..after).contains(&(now - kept.asked_at))
                    };
                    !self.kept.as_ref().is_some_and(is_fresh)
                }
            }
    }

    fn copy(&self) -> Option<&TeamCopy> {
        self.kept.as_ref()?.copy.as_ref()
    }
}

impl Engine {
    /// Takes in which teams the settings have now, with what is kept of those that are new here, which are then read.
    pub(super) fn take_in_teams(&mut self) {
        let mut before = std::mem::take(&mut self.teams.known);
        for team in &self.settings.teams {
            let known = before.iter().position(|known| known.team == *team).map(|at| before.remove(at));
            let known = known.unwrap_or_else(|| KnownTeam::new(team.clone(), self.teams.files.read(team)));
            self.teams.known.push(known);
        }
        self.teams.files.keep_only(&self.settings.teams);
        self.judge_teams();
    }

    /// Settles which favourites the teams have, as their files were read last.
    pub(super) fn judge_teams(&mut self) {
        let read = |known: &KnownTeam| Some((known.team.name.clone(), known.copy()?.entries.clone()));
        let read: Vec<_> = self.teams.known.iter().filter_map(read).collect();
        let files = read.iter().map(|(team, entries)| TeamFile { team, entries });
        let (favourites, flaws) = of_teams(files, &self.settings, &self.defaults);
        for TeamFlaws { team, left_out: left } in flaws {
            let Some(known) = self.teams.known.iter_mut().find(|known| known.team.name == team) else { continue };
            let unread = known.kept.iter().filter_map(|kept| kept.copy.as_ref()).flat_map(|copy| copy.left_out.clone());
            let mut notes: Vec<_> = unread.chain(left_out_of_others(&left, why_unfit)).collect();
            let more = notes.len().saturating_sub(NOTES);
            notes.truncate(NOTES);
            notes.extend((more > 0).then(|| words::more_left_out(more)));
            notes.extend(known.unkept.as_deref().map(words::unkept));
            known.notes = notes;
        }
        self.settings = std::mem::take(&mut self.settings).with_teams(favourites);
    }

    /// Has the files read that are due, or all. What comes of it is taken in when it is there.
    pub(super) fn read_teams(&mut self, all: bool) {
        let now = self.now();
        let is_due = |known: &&KnownTeam| if all { known.is_free() } else { known.is_due(now) };
        let due = self.teams.known.iter().filter(is_due).map(|known| known.team.name.clone());
        for name in due.collect::<Vec<_>>() {
            self.read_team(&name);
        }
    }

    /// Has the files read of teams that were not there before, or are elsewhere now.
    pub(super) fn read_new_teams(&mut self, before: &Settings) {
        let new = self.settings.teams.iter().filter(|team| !before.teams.contains(team)).map(|team| team.name.clone());
        let now = self.now();
        for name in new.collect::<Vec<_>>() {
            if self.teams.of(&name).is_some_and(|known| known.is_due(now)) {
                self.read_team(&name);
            }
        }
    }

    /// Has a team's file read that somebody has just said the place of, if it is not read already.
    pub(super) fn read_team_now(&mut self, name: &TeamName) {
        if self.teams.of(name).is_some_and(|known| known.is_free()) {
            self.read_team(name);
        }
    }

    /// The same as [`Self::read_teams`] for who wants to know when they are read; who has not asked for all waits for a moment only.
    pub(super) fn read_teams_for(&mut self, all: bool, reply: oneshot::Sender<Reply>) {
        self.read_teams(all);
        if all {
            self.teams.waiting.push(reply);
        } else {
            let (told, read) = oneshot::channel();
            self.teams.waiting.push(told);
            tokio::spawn(async move {
                let read = tokio::time::timeout(LOOKS_FOR, read).await;
                drop(reply.send(read.ok().and_then(Result::ok).unwrap_or(Reply::Done)));
            });
        }
        self.tell_teams_read();
    }

    /// Knows a team that somebody has removed, so that it can be had back.
    pub(super) fn team_removed(&mut self, team: Team) {
        self.teams.removed.retain(|removed| removed.name != team.name);
        self.teams.removed.push(team);
    }

    /// Has a team be here again, if none of its name is.
    pub(super) fn bring_team_back(&mut self, name: &TeamName) -> Result<(), Trouble> {
        if self.settings.team(name).is_some() {
            return Ok(());
        }
        let Some(Team { name, from }) = self.teams.removed.iter().find(|removed| removed.name == *name).cloned() else {
            let known = self.settings.teams.iter().map(|team| team.name.to_string()).collect();
            return Err(Failure::UnknownTeam { name: name.to_string(), known }.into());
        };
        self.set(&Setting::Team { name, from: Some(from) })
    }

    fn tell_teams_read(&mut self) {
        if self.teams.known.iter().any(|known| known.reading.is_some()) || self.teams.waiting.is_empty() {
            return;
        }
        // The answer comes behind the news.
        self.publish();
        for reply in self.teams.waiting.drain(..) {
            drop(reply.send(Reply::Done));
        }
    }

    /// A team's file may have changed.
    pub(super) fn team_touched(&mut self, name: &TeamName) {
        let Some(known) = self.teams.of(name) else { return };
        if known.reading.is_some() {
            known.again = true;
        } else {
            self.read_team(name);
        }
    }

    fn read_team(&mut self, name: &TeamName) {
        let (asked_at, happened) = (self.now(), self.happened.clone());
        let (files, base, downloads) =
            (self.teams.files.clone(), self.teams.base.clone(), Arc::clone(&self.ports.teams));
        self.teams.readings += 1;
        let number = self.teams.readings;
        let Some(known) = self.teams.of(name) else { return };
        (known.reading, known.again) = (Some(number), false);
        let (team, kept) = (known.team.clone(), known.kept.clone());
        let reading = Reading { team: team.clone(), number, kept, asked_at };
        match team.from {
            TeamPlace::Url(url) => {
                tokio::spawn(async move {
                    // Whoever begins while this goes on, or after it was ended, is not to ask at once again.
                    reading.asks(&files).await;
                    let found = download(&*downloads, &url, reading.kept.as_ref()).await;
                    drop(happened.send(Happened::TeamRead(Box::new(reading.done(&files, found, None).await))));
                });
            }
            TeamPlace::Path(path) => {
                let (path, wants_watch) = (base.join(path), known.watch.is_none());
                let reader = Arc::new(());
                known.reader = Arc::downgrade(&reader);
                let (told, read) = oneshot::channel();
                let (touched, name) = (happened.clone(), team.name);
                // A thread that nobody waits for: a share that is away may keep it for ever.
                std::thread::spawn(move || {
                    let watch = wants_watch.then(|| {
                        let touched = move || drop(touched.send(Happened::TeamTouched(name.clone())));
                        FileWatch::on(&path, touched)
                    });
                    let read = read_at_rest(&path);
                    drop(reader);
                    drop(told.send((read, watch.flatten())));
                });
                tokio::spawn(async move {
                    let (read, watch) = match tokio::time::timeout(PATIENCE, read).await {
                        Ok(Ok(told)) => told,
                        Ok(Err(_)) | Err(_) => (Err(TeamProblem::Silent), None),
                    };
                    let found = read.map(|bytes| Some((bytes, Validators::default())));
                    drop(happened.send(Happened::TeamRead(Box::new(reading.done(&files, found, watch).await))));
                });
            }
        }
    }

    /// Takes in what a team's file says now. One that cannot be read takes nothing away.
    pub(super) fn team_read(&mut self, news: TeamNews) {
        let TeamNews { name, number, kept, watch, unkept } = news;
        let Some(known) = self.teams.of(&name).filter(|known| known.reading == Some(number)) else { return };
        (known.kept, known.reading, known.unkept) = (Some(kept), None, unkept);
        known.watch = watch.or_else(|| known.watch.take());
        let before = self.settings.clone();
        if std::mem::take(&mut known.again) {
            self.read_team(&name);
        }
        self.judge_teams();
        if before.favourites != self.settings.favourites {
            self.keep_what_is_being_opened(&before);
            self.favourites_are_others(&before);
        }
        self.tell_teams_read();
    }

    /// What is being opened goes on as it was begun, where a team's file has it no more: that may be written just now, and
    /// nobody here has taken it away.
    fn keep_what_is_being_opened(&mut self, before: &Settings) {
        let is_gone = |known: &&Favourite| self.settings.favourite(&known.name).is_none();
        let opened = before.others().iter().filter(is_gone).filter(|known| self.attempts.open(&known.name));
        self.guests.extend(opened.cloned());
    }

    /// Makes a team's favourite one of the user's own.
    pub(super) fn copy_of_team(&mut self, name: &ProfileName, called: Option<&ProfileName>) -> Result<(), Trouble> {
        let Some(favourite) = self.settings.of_team(name) else {
            let names = || self.settings.of_teams.iter().map(|favourite| &favourite.name);
            return Err(match self.settings.written(name) {
                Some(own) => Failure::FavouriteExists { name: own.name.to_string() },
                None => unknown_favourite(name, names()),
            }
            .into());
        };
        let (called, profile) = (called.unwrap_or(&favourite.called).clone(), favourite.as_own());
        self.may_be_added(&called, &profile)?;
        self.settings.may_be_named(&called)?;
        self.settings_file.add(&called, &profile)?;
        self.read_settings_again();
        Ok(())
    }

    /// The teams as faces show them.
    pub(super) fn team_views(&self) -> Vec<TeamView> {
        let zone = self.zone();
        let view = |known: &KnownTeam| {
            let Team { name, from } = &known.team;
            let read_at = known.copy().map(|copy| copy.read_at);
            let problem = known.kept.as_ref().and_then(|kept| kept.problem.as_ref());
            let count = self.settings.of_teams.iter().filter(|favourite| favourite.team == *name).count();
            TeamView {
                name: name.clone(),
                from: from.shown(),
                favourites: u32::try_from(count).unwrap_or(u32::MAX),
                read_at,
                read: read_at.map(|at| words::read(at, zone)),
                problem: problem.map(|problem| words::unread(&from.shown(), problem, read_at, zone)),
                notes: known.notes.clone(),
            }
        };
        self.teams.known.iter().map(view).collect()
    }

    /// Which teams have other accounts, clouds or tenants, as far as that matters to who acts for them.
    pub(super) fn whom_teams_act_as(settings: &Settings) -> Vec<impl PartialEq + use<>> {
        let acts = |favourite: &ajar_core::team::TeamFavourite| {
            let profile = &favourite.effective.profile;
            (profile.account.clone(), profile.cloud.clone(), profile.tenant.clone())
        };
        settings.of_teams.iter().map(acts).collect()
    }
}

impl Reading {
    /// Keeps that a file is asked for, as one that does not answer until it has.
    async fn asks(&self, files: &TeamFiles) {
        let (validators, copy) = self.kept.clone().map(|kept| (kept.validators, kept.copy)).unwrap_or_default();
        let kept = KeptTeam { asked_at: self.asked_at, problem: Some(TeamProblem::Silent), validators, copy };
        keep(files, &self.team, kept).await;
    }

    /// What is known of the team when its file was found to be this: on the disk, too, before it is told.
    async fn done(self, files: &TeamFiles, found: Found, watch: Option<FileWatch>) -> TeamNews {
        let Self { team, number, kept, asked_at } = self;
        let before = kept.map(|kept| (kept.validators, kept.copy)).unwrap_or_default();
        let kept = match found.and_then(read) {
            Ok(Some((entries, left_out, validators))) => {
                let copy = Some(TeamCopy { read_at: asked_at, entries, left_out });
                KeptTeam { asked_at, problem: None, validators, copy }
            }
            Ok(None) => {
                let copy = before.1.map(|copy| TeamCopy { read_at: asked_at, ..copy });
                KeptTeam { asked_at, problem: None, validators: before.0, copy }
            }
            Err(problem) => KeptTeam { asked_at, problem: Some(problem), validators: before.0, copy: before.1 },
        };
        let unkept = keep(files, &team, kept.clone()).await;
        TeamNews { name: team.name, number, kept, watch, unkept }
    }
}

/// Puts on the disk what is known of a team; why not, if it cannot be.
async fn keep(files: &TeamFiles, team: &Team, kept: KeptTeam) -> Option<String> {
    let (files, of) = (files.clone(), team.clone());
    let written = tokio::task::spawn_blocking(move || files.write(&of, &kept)).await;
    let error = written.ok()?.err()?.to_string();
    tracing::warn!(team = %team.name, error, "what its file says could not be kept");
    Some(error)
}

type Read = Option<(Vec<ajar_core::exchange::Entry>, Vec<String>, Validators)>;

fn read(found: Option<(Vec<u8>, Validators)>) -> Result<Read, TeamProblem> {
    let Some((bytes, validators)) = found else { return Ok(None) };
    let (entries, left_out) = understood(&bytes)?;
    Ok(Some((entries, left_out, validators)))
}

async fn download(downloads: &dyn crate::ports::TeamDownloads, url: &TeamUrl, kept: Option<&KeptTeam>) -> Found {
    // Without what it said, that it is still the same is no use.
    let known = kept.filter(|kept| kept.copy.is_some()).map(|kept| kept.validators.clone()).unwrap_or_default();
    Ok(match downloads.download(url, &known).await? {
        Downloaded::Same => None,
        Downloaded::New { bytes, validators } => Some((bytes, validators)),
    })
}
