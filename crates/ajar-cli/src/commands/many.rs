//! `ajar connect` and `ajar extend` for several favourites at once: what they ask of one policy goes in one request.

use std::pin::Pin;

use ajar_core::failure::{ExitCode, Failure, Trouble};
use ajar_core::folders::lies_in;
use ajar_core::message;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{self, Request, Together};
use ajar_core::snapshot::{AttemptView, FailureView, FavouriteView, OutcomeView, ReachedView, StepStatus, StepView};
use ajar_runtime::adapters::{has_desktop, words};
use ajar_runtime::hosting::Following;
use chrono::Utc;
use futures::future::join_all;
use futures::stream::{SelectAll, select_all, unfold};
use futures::{Stream, StreamExt as _};
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, timeout_at};

use super::asking::{self, Help};
use super::connect::{connected_event, end_in_words, in_seconds, source};
use super::extend::{extended_event, wish};
use super::following::{PATIENCE, step_events, without_end};
use super::meaning::{self, Meant};
use super::{End, sign_in, unless_told_to_end};
use crate::args::{Connect, Extend};
use crate::board::Board;
use crate::output::{self, line_to_people, style};
use crate::progress::{REDRAW, can_redraw};
use crate::session::Session;
use crate::signals::Signals;

/// Whether more than one favourite may be meant.
pub(crate) fn is_meant(named: usize, folder: Option<&str>) -> bool {
    named > 1 || folder.is_some()
}

pub(crate) async fn connect(session: &Session, args: &Connect, signals: &mut Signals) -> Result<(), End> {
    if !args.command.is_empty() {
        let detail = message::cli::one_command_for_many().to_owned();
        return Err(words(&Failure::CommandLine { detail }.into(), "Ajar").into());
    }
    let mut meant = Vec::new();
    unless_told_to_end(signals, async {
        if let Some(folder) = &args.folder {
            meant.extend(of_folder(session, folder)?.into_iter().map(Meant::favourite));
        }
        let may_ask = !args.json && asking::somebody_is_there();
        for name in &args.names {
            meant.push(meaning::meant(session, Some(name), may_ask).await?);
        }
        Ok(())
    })
    .await?;
    let launch = !args.no_launch && has_desktop();
    if !args.no_launch && !launch && !args.json {
        line_to_people(message::cli::no_desktop());
    }
    let source = source(session, args)?;
    let wish = |Meant { name, profile }: Meant| protocol::Connect {
        port: args.port,
        seconds: args.duration.map(in_seconds),
        reason: args.reason.clone(),
        source,
        launch,
        profile,
        ..protocol::Connect::new(name)
    };
    let ended = follow(session, meant.into_iter().map(wish).collect(), None, args.json, signals).await;
    session.leads_on(signals).await;
    ended
}

pub(crate) async fn extend(session: &Session, args: &Extend, signals: &mut Signals) -> Result<(), End> {
    let names = match &args.folder {
        Some(folder) => of_folder(session, folder)?,
        None => args.names.clone(),
    };
    let wishes = names.into_iter().map(|name| wish(args, name)).collect();
    follow(session, wishes, args.folder.as_deref(), args.json, signals).await
}

/// The favourites that lie in a folder, or in one within.
pub(super) fn of_folder(session: &Session, folder: &str) -> Result<Vec<ProfileName>, Trouble> {
    let snapshot = session.snapshot();
    let is_in = |favourite: &&FavouriteView| lies_in(favourite.profile.folder.as_deref(), folder);
    let names: Vec<_> = snapshot.favourites.iter().filter(is_in).map(|favourite| favourite.name.clone()).collect();
    if names.is_empty() {
        let folders = snapshot.favourites.iter().filter_map(|favourite| favourite.profile.folder());
        let detail = message::cli::no_such_folder(folder, folders);
        return Err(Failure::CommandLine { detail }.into());
    }
    Ok(names)
}

/// How one of them stands, each time that has changed.
type News = (usize, Result<AttemptView, FailureView>);
type AllNews = SelectAll<Pin<Box<dyn Stream<Item = News> + Send>>>;

fn news(index: usize, following: Following) -> Pin<Box<dyn Stream<Item = News> + Send>> {
    Box::pin(unfold(Some(following), move |following| async move {
        let mut following = following?;
        let told = following.next().await;
        let goes_on = told.as_ref().is_ok_and(|view| view.outcome.is_none());
        Some(((index, told), goes_on.then_some(following)))
    }))
}

/// Follows them all to their ends. Of a folder those that are not open are passed over. Whoever sits at the terminal is asked
/// what some of them want, and those are tried once more. The first signal leaves them to others who follow them, or cancels
/// them; the second ends this at once.
async fn follow(
    session: &Session,
    mut wishes: Vec<protocol::Connect>,
    folder: Option<&str>,
    json: bool,
    signals: &mut Signals,
) -> Result<(), End> {
    let mut known = Vec::new();
    wishes.retain(|wish| {
        let is_new = !known.contains(&wish.name);
        known.push(wish.name.clone());
        is_new
    });
    let names = wishes.iter().map(|wish| wish.name.clone()).collect();
    let mut telling = Telling::new(session, names, folder, json);
    let mut to_try: Vec<_> = (0..wishes.len()).collect();
    while !to_try.is_empty() {
        let together = Together::of(to_try.len(), Utc::now());
        let mut streams = Vec::new();
        for index in to_try {
            wishes[index].together = Some(together);
            streams.push(news(index, session.face.connect(wishes[index].clone()).await));
        }
        to_their_ends(session, select_all(streams), &mut telling, signals).await?;
        to_try = helped(session, &mut wishes, &mut telling, signals).await?;
    }
    telling.end()
}

/// Follows those that are under way until each has ended.
async fn to_their_ends(
    session: &Session,
    mut news: AllNews,
    telling: &mut Telling<'_>,
    signals: &mut Signals,
) -> Result<(), End> {
    let mut redraw = tokio::time::interval(REDRAW);
    redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            told = news.next() => match told {
                Some((index, told)) => telling.tell(index, told),
                None => return Ok(()),
            },
            signal = signals.next() => {
                telling.board.interrupted();
                let leaving = leave(session, telling, &mut news);
                tokio::select! {
                    () = leaving => {}
                    _ = signals.next() => {}
                }
                for (index, failure) in std::mem::take(&mut telling.aside) {
                    telling.failed(index, &failure);
                }
                return Err(End::Code(signal.exit_code()));
            }
            _ = redraw.tick(), if telling.board.is_drawn() => telling.board.redraw(),
        }
    }
}

/// Asks whoever sits at the terminal what those want that were put aside: one reason for all, one sign-in. Those that are to be
/// tried again; of the others is told, and none of them keeps the others shut.
async fn helped(
    session: &Session,
    wishes: &mut [protocol::Connect],
    telling: &mut Telling<'_>,
    signals: &mut Signals,
) -> Result<Vec<usize>, End> {
    let (wanting, refused): (Vec<_>, Vec<_>) =
        std::mem::take(&mut telling.aside).into_iter().partition(|(_, failure)| failure.code == REASON_WANTED);
    telling.board.finish();
    let mut to_try = reasoned(&wanting, wishes, telling, signals).await?;
    to_try.extend(signed_in_for(session, &refused, wishes, telling, signals).await?);
    telling.begin_again(&to_try);
    Ok(to_try)
}

/// Those that have a reason now: what was typed, else what each proposes for itself.
async fn reasoned(
    wanting: &[(usize, FailureView)],
    wishes: &mut [protocol::Connect],
    telling: &mut Telling<'_>,
    signals: &mut Signals,
) -> Result<Vec<usize>, End> {
    let Some((_, first)) = wanting.first() else { return Ok(Vec::new()) };
    let names: Vec<_> = wanting.iter().map(|(index, _)| wishes[*index].name.as_str()).collect();
    let proposed = |failure: &FailureView| failure.choices.first().cloned();
    let is_of_all = wanting.iter().all(|(_, failure)| proposed(failure) == proposed(first));
    let shown = if is_of_all { proposed(first) } else { Some(message::cli::each_its_own().to_owned()) };
    let said = asking::reason(&message::some_of(&names), shown.as_deref(), signals).await?;
    let mut to_try = Vec::new();
    for (index, failure) in wanting {
        match said.clone().or_else(|| proposed(failure)) {
            Some(reason) => {
                wishes[*index].reason = Some(reason);
                to_try.push(*index);
            }
            None => telling.failed(*index, failure),
        }
    }
    Ok(to_try)
}

/// Those that somebody has signed in for.
async fn signed_in_for(
    session: &Session,
    refused: &[(usize, FailureView)],
    wishes: &[protocol::Connect],
    telling: &mut Telling<'_>,
    signals: &mut Signals,
) -> Result<Vec<usize>, End> {
    let Some((index, first)) = refused.first() else { return Ok(Vec::new()) };
    telling.has_asked_to_sign_in = true;
    let help = asking::help_against(first, &wishes[*index].name, &session.snapshot());
    if let Some(Help::SignIn(wish)) = help {
        output::failure(first, session.verbose > 0);
        if asking::goes_on(message::account::sign_in_now(), signals).await? {
            match sign_in::to_its_end(session, wish, false, signals).await {
                Ok(_) => return Ok(refused.iter().map(|(index, _)| *index).collect()),
                Err(End::Failed(failure)) => output::failure(&failure, session.verbose > 0),
                Err(other) => return Err(other),
            }
        }
    }
    for (index, failure) in refused {
        telling.failed(*index, failure);
    }
    Ok(Vec::new())
}

/// Leaves those that have not ended, and tells what comes of that as far as it is heard of soon.
async fn leave(session: &Session, telling: &mut Telling<'_>, news: &mut AllNews) {
    let until = Instant::now() + PATIENCE;
    let left = telling.under_way();
    let asked = left.iter().map(|(_, name)| session.face.ask(Request::Leave { name: name.clone() }));
    let Ok(replies) = timeout_at(until, join_all(asked)).await else { return };
    for ((index, name), reply) in left.into_iter().zip(replies) {
        if reply == protocol::Reply::Left {
            telling.tell(index, Err(words(&Failure::Left.into(), name.as_str())));
        }
    }
    while !telling.under_way().is_empty()
        && let Ok(Some((index, told))) = timeout_at(until, news.next()).await
    {
        telling.tell(index, told);
    }
}

/// The code of [`Failure::NotOpen`].
const NOT_OPEN: &str = "notOpen";

/// The code of [`Failure::ReasonWanted`].
const REASON_WANTED: &str = "reasonWanted";

/// What has been told of them.
struct Telling<'s> {
    session: &'s Session,
    /// The folder of which what is open gets more time.
    folder: Option<&'s str>,
    json: bool,
    board: Board,
    all: Vec<Told>,
    /// Those that somebody at the terminal could help on, and what they have failed of.
    aside: Vec<(usize, FailureView)>,
    has_asked_to_sign_in: bool,
}

struct Told {
    name: ProfileName,
    steps: Vec<StepView>,
    notes: usize,
    /// How it ended: the code, 0 for what is open.
    ended: Option<u8>,
    /// There was nothing to make longer.
    passed_over: bool,
}

impl<'s> Telling<'s> {
    fn new(session: &'s Session, names: Vec<ProfileName>, folder: Option<&'s str>, json: bool) -> Self {
        let board = Board::new(&names, !json && can_redraw(session.verbose));
        let told = |name| Told { name, steps: Vec::new(), notes: 0, ended: None, passed_over: false };
        let all = names.into_iter().map(told).collect();
        Self { session, folder, json, board, all, aside: Vec::new(), has_asked_to_sign_in: false }
    }

    /// Some of them are tried once more.
    fn begin_again(&mut self, indexes: &[usize]) {
        let names: Vec<_> = self.all.iter().map(|told| told.name.clone()).collect();
        self.board = Board::new(&names, !self.json && can_redraw(self.session.verbose));
        for index in indexes {
            let told = &mut self.all[*index];
            (told.steps, told.notes, told.ended) = (Vec::new(), 0, None);
        }
    }

    /// Whether somebody is there who can do something about it, and has not been asked.
    fn can_be_helped(&self, index: usize, failure: &FailureView) -> bool {
        let sign_in = || {
            let help = asking::help_against(failure, &self.all[index].name, &self.session.snapshot());
            !self.has_asked_to_sign_in && matches!(help, Some(Help::SignIn(_)))
        };
        !self.json && asking::somebody_is_there() && (failure.code == REASON_WANTED || sign_in())
    }

    fn under_way(&self) -> Vec<(usize, ProfileName)> {
        let all = self.all.iter().enumerate().filter(|(_, told)| told.ended.is_none());
        all.map(|(index, told)| (index, told.name.clone())).collect()
    }

    fn tell(&mut self, index: usize, told: Result<AttemptView, FailureView>) {
        if self.all[index].ended.is_some() {
            return;
        }
        match told {
            // Who leads to the same door shares its attempt, which has the name of whoever asked first.
            Ok(view) => self.tell_view(index, &AttemptView { name: self.all[index].name.clone(), ..view }),
            Err(failure) => self.failed(index, &failure),
        }
    }

    fn tell_view(&mut self, index: usize, view: &AttemptView) {
        let known = &mut self.all[index];
        let before = std::mem::replace(&mut known.steps, view.steps.clone());
        let notes = view.notes.iter().skip(std::mem::replace(&mut known.notes, view.notes.len()));
        if self.json {
            for event in step_events(&view.steps, &before) {
                named(event, &known.name);
            }
        } else {
            for note in notes {
                self.board.say(&format!("  {} {}: {note}", style().yellow().apply_to("!"), known.name));
            }
            let running = view.steps.iter().find(|step| step.status == StepStatus::Running);
            self.board.stands(index, running.map(|step| step.label.as_str()));
        }
        match &view.outcome {
            Some(OutcomeView::Connected(ReachedView { endpoint, bastion, window, elapsed_ms })) => {
                let event = || connected_event(view, endpoint, bastion.as_ref(), window.as_ref(), *elapsed_ms);
                self.opened(index, view, event);
            }
            Some(OutcomeView::Extended(grant)) => self.opened(index, view, || extended_event(view, grant)),
            Some(OutcomeView::Failed(failure)) => self.failed_or_put_aside(index, failure),
            Some(OutcomeView::Cancelled(failure)) => self.failed(index, failure),
            None => {}
        }
    }

    fn opened(&mut self, index: usize, view: &AttemptView, event: impl FnOnce() -> serde_json::Value) {
        self.all[index].ended = Some(0);
        self.board.ended(index);
        if self.json {
            named(event(), &self.all[index].name);
        } else if let Some(text) = end_in_words(self.session, view) {
            self.board.say(&text);
        }
    }

    fn failed_or_put_aside(&mut self, index: usize, failure: &FailureView) {
        if !self.can_be_helped(index, failure) {
            return self.failed(index, failure);
        }
        self.board.ended(index);
        self.all[index].ended = Some(failure.exit_code);
        self.aside.push((index, failure.clone()));
    }

    fn failed(&mut self, index: usize, failure: &FailureView) {
        self.board.ended(index);
        if self.folder.is_some() && failure.code == NOT_OPEN {
            self.all[index].passed_over = true;
            self.all[index].ended = Some(0);
            return;
        }
        self.all[index].ended = Some(failure.exit_code);
        if self.json {
            named(output::failure_event(failure), &self.all[index].name);
        }
        for line in output::failure_lines(failure, self.session.verbose > 0) {
            self.board.say(&line);
        }
    }

    /// Says how many are open; the code that all failures have, or that of having failed.
    fn end(mut self) -> Result<(), End> {
        self.board.finish();
        if self.all.iter().any(|told| told.ended.is_none()) {
            return Err(without_end());
        }
        let codes: Vec<_> = self.all.iter().filter(|told| !told.passed_over).filter_map(|told| told.ended).collect();
        if let (true, Some(folder)) = (codes.is_empty(), self.folder) {
            return Err(words(&Failure::NotOpen.into(), folder).into());
        }
        code_of_all(&codes, self.json)
    }
}

/// The code that all failures have, or that of having failed. How many have worked is said where some have not, unless that
/// is told already.
pub(super) fn code_of_all(codes: &[u8], is_told: bool) -> Result<(), End> {
    let failed: Vec<_> = codes.iter().copied().filter(|code| *code != 0).collect();
    let Some(first) = failed.first() else { return Ok(()) };
    if !is_told {
        line_to_people(&message::cli::some_are_open(codes.len() - failed.len(), codes.len()));
    }
    let is_same = failed.iter().all(|code| code == first);
    Err(End::Code(if is_same { *first } else { ExitCode::Failed as u8 }))
}

/// Prints an event with the favourite that it is about.
fn named(mut event: serde_json::Value, name: &ProfileName) {
    event["name"] = json!(name);
    drop(output::json(&event));
}
