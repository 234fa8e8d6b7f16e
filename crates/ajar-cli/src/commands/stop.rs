//! `ajar stop`: deallocates VMs, those that are named and no others.

use std::collections::HashSet;

use ajar_core::failure::{ExitCode, Failure};
use ajar_core::message;
use ajar_core::message::deallocation as told;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{Deallocate, Reply, Request};
use ajar_core::snapshot::{DeallocationEnd, DeallocationView, FailureView, Snapshot, WindowView};
use ajar_runtime::adapters::{SystemClock, azure_now, words};
use ajar_runtime::ports::Clock as _;
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, timeout};

use super::following::PATIENCE;
use super::many::of_folder;
use super::meaning::{self, Meant};
use super::{End, ask, asking, no_answer, unless_told_to_end};
use crate::args::Stop;
use crate::board::Board;
use crate::output::{self, line_to_people};
use crate::progress::{REDRAW, can_redraw};
use crate::session::Session;
use crate::signals::{Signal, Signals};

pub(crate) async fn run(session: &Session, args: &Stop, signals: &mut Signals) -> Result<(), End> {
    let mut meant = Vec::new();
    unless_told_to_end(signals, async {
        if let Some(folder) = &args.folder {
            meant.extend(of_folder(session, folder)?.into_iter().map(Meant::favourite));
        }
        for name in &args.names {
            meant.push(meaning::whole(session, name).await?);
        }
        Ok(())
    })
    .await?;
    let mut known = HashSet::new();
    meant.retain(|meant| known.insert(meant.name.as_str().to_ascii_lowercase()));
    if !is_agreed(session, args, &meant, signals).await? {
        line_to_people(told::nothing_done());
        return Err(End::Code(ExitCode::Cancelled as u8));
    }
    Stopping::new(session, args.json, meant).follow(signals).await
}

/// Tells who sits at the terminal what is going to be lost. Who names a VM has said what is to be done to it; they are asked
/// where they may not know whom it hits: somebody else who has it open, or all that a folder has in it.
async fn is_agreed(session: &Session, args: &Stop, meant: &[Meant], signals: &mut Signals) -> Result<bool, End> {
    if args.yes || args.json || !asking::somebody_is_there() {
        return Ok(true);
    }
    line_to_people(&told::will_be(&meant.iter().map(|meant| meant.name.as_str()).collect::<Vec<_>>()));
    unless_told_to_end(signals, async {
        session.face.ask(Request::Refresh).await.accepted()?;
        session.face.wait_for(|snapshot| !snapshot.refreshing).await;
        Ok(())
    })
    .await?;
    let snapshot = session.snapshot();
    let now = azure_now(&snapshot);
    let zone = SystemClock.zone(SystemClock.now());
    let others: Vec<_> = meant.iter().flat_map(|meant| open_for_others(&snapshot, meant)).collect();
    for (name, who, window) in &others {
        if window.end_time_utc > now {
            line_to_people(&told::open_for(name.as_str(), who, window.end_time_utc, zone));
        }
    }
    if others.is_empty() && args.folder.is_none() {
        return Ok(true);
    }
    let answer = asking::answer(&told::goes_on(meant.len()), signals).await?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// The windows of a VM that somebody else has asked for.
fn open_for_others<'s>(
    snapshot: &'s Snapshot,
    meant: &'s Meant,
) -> impl Iterator<Item = (&'s ProfileName, &'s str, &'s WindowView)> {
    let favourite = snapshot.favourites.iter().find(|known| known.name == meant.name);
    let vm = meant.profile.as_ref().map(|profile| &profile.vm).or(favourite.map(|known| &known.vm));
    let windows = snapshot.windows.iter().filter(move |window| Some(&window.vm) == vm);
    windows.filter_map(|window| {
        let who = window.opened_by.as_deref().filter(|who| *who != message::YOU)?;
        Some((&meant.name, who, window))
    })
}

/// One of those that are deallocated.
struct One {
    meant: Meant,
    /// The engine's number for it, and the process that hosts that.
    number: Option<(u64, u32)>,
    ended: Option<u8>,
}

struct Stopping<'s> {
    session: &'s Session,
    json: bool,
    board: Board,
    all: Vec<One>,
}

impl<'s> Stopping<'s> {
    fn new(session: &'s Session, json: bool, meant: Vec<Meant>) -> Self {
        let names: Vec<_> = meant.iter().map(|meant| meant.name.clone()).collect();
        let board = Board::new(&names, !json && can_redraw(session.verbose));
        let all = meant.into_iter().map(|meant| One { meant, number: None, ended: None }).collect();
        Self { session, json, board, all }
    }

    /// Follows all to their ends. The first signal takes back what Azure has not been asked yet.
    async fn follow(mut self, signals: &mut Signals) -> Result<(), End> {
        let mut snapshots = self.session.face.snapshots();
        let mut redraw = tokio::time::interval(REDRAW);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            self.ask_for_new(signals).await?;
            let snapshot = snapshots.borrow_and_update().clone();
            if let Some(snapshot) = snapshot {
                self.look(&snapshot);
            }
            if self.all.iter().all(|one| one.ended.is_some()) {
                return self.end();
            }
            if self.all.iter().any(|one| one.ended.is_none() && one.number.is_none()) {
                continue;
            }
            tokio::select! {
                changed = snapshots.changed() => {
                    if changed.is_err() {
                        return Err(self.session.face.why_gone().into());
                    }
                }
                signal = signals.next() => return self.interrupted(signal).await,
                _ = redraw.tick(), if self.board.is_drawn() => self.board.redraw(),
            }
        }
    }

    /// Asks the engine for those that it does not know of: at first, and when another process hosts it.
    async fn ask_for_new(&mut self, signals: &mut Signals) -> Result<(), End> {
        for index in 0..self.all.len() {
            let one = &self.all[index];
            if one.ended.is_some() || one.number.is_some() {
                continue;
            }
            let Meant { name, profile } = one.meant.clone();
            let wish = Deallocate { profile, ..Deallocate::new(name.clone()) };
            match ask(self.session, Request::Deallocate(wish), signals).await?.unless_refused() {
                Ok(Reply::Deallocation { number }) => {
                    self.all[index].number = Some((number, self.session.snapshot().host.pid));
                    if !self.json && !self.board.is_drawn() {
                        line_to_people(&told::begins(name.as_str()));
                    }
                }
                Ok(_) => return Err(no_answer()),
                Err(failure) => self.failed(index, &failure),
            }
        }
        Ok(())
    }

    /// Takes in how they stand. One that is not there any more was begun by an engine that has gone away, or dismissed.
    fn look(&mut self, snapshot: &Snapshot) {
        for index in 0..self.all.len() {
            let (None, Some((number, host))) = (self.all[index].ended, self.all[index].number) else { continue };
            match snapshot.deallocations.iter().find(|view| view.number == number) {
                Some(view) => self.tell(index, view),
                None if snapshot.host.pid != host => self.all[index].number = None,
                None => self.failed(index, &words(&Failure::EndUnseen.into(), self.all[index].meant.name.as_str())),
            }
        }
    }

    fn tell(&mut self, index: usize, view: &DeallocationView) {
        let name = self.all[index].meant.name.clone();
        match &view.outcome {
            None => self.board.stands(index, Some(&view.headline)),
            Some(DeallocationEnd::Deallocated { already, text, window_until, elapsed_ms }) => {
                self.all[index].ended = Some(0);
                self.board.ended(index);
                if self.json {
                    let window = window_until.map(|end| json!({ "endTimeUtc": end }));
                    drop(output::json(&json!({
                        "event": "deallocated",
                        "name": name,
                        "vm": view.vm,
                        "already": already,
                        "window": window,
                        "elapsedMs": elapsed_ms,
                    })));
                } else {
                    self.board.say(&told::done_with(name.as_str(), text));
                }
            }
            Some(DeallocationEnd::Failed(failure) | DeallocationEnd::Left(failure)) => self.failed(index, failure),
        }
    }

    fn failed(&mut self, index: usize, failure: &FailureView) {
        let one = &mut self.all[index];
        one.ended = Some(failure.exit_code);
        self.board.ended(index);
        if self.json {
            let mut event: Value = output::failure_event(failure);
            event["name"] = json!(one.meant.name);
            drop(output::json(&event));
        }
        for line in output::failure_lines(failure, self.session.verbose > 0) {
            self.board.say(&line);
        }
    }

    /// Takes back what Azure was not asked yet, and says of the rest that it goes on.
    async fn interrupted(mut self, signal: Signal) -> Result<(), End> {
        self.board.interrupted();
        for index in 0..self.all.len() {
            if self.all[index].ended.is_some() {
                continue;
            }
            let name = self.all[index].meant.name.clone();
            // A host that is stopped keeps nobody in the terminal.
            drop(timeout(PATIENCE, self.session.face.ask(Request::Leave { name: name.clone() })).await);
            self.look(&self.session.snapshot());
            if self.all[index].ended.is_none() {
                self.failed(index, &words(&Failure::DeallocationLeft { asked: true }.into(), name.as_str()));
            }
        }
        Err(End::Code(signal.exit_code()))
    }

    /// Says how many are deallocated; the code that all failures have, or that of having failed.
    fn end(mut self) -> Result<(), End> {
        self.board.finish();
        let codes: Vec<_> = self.all.iter().filter_map(|one| one.ended).collect();
        super::many::code_of_all(&codes, self.json || codes.len() == 1)
    }
}
