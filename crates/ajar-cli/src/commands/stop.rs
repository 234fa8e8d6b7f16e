//! `ajar stop`: deallocates VMs, those that are named and no others.

use std::collections::HashSet;
use std::time::Duration;

use ajar_core::failure::{ExitCode, Failure};
use ajar_core::message;
use ajar_core::message::deallocation as told;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{Deallocate, Reply, Request};
use ajar_core::resource_id::VmResourceId;
use ajar_core::snapshot::{DeallocationEnd, DeallocationView, FailureView, Snapshot, WindowView};
use ajar_runtime::adapters::{SystemClock, azure_now, words};
use ajar_runtime::ports::Clock as _;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, timeout};

use super::following::PATIENCE;
use super::many::of_folder;
use super::meaning::{self, Meant};
use super::{End, asking, no_answer, unless_told_to_end};
use crate::args::Stop;
use crate::board::Board;
use crate::output::{self, line_to_people};
use crate::progress::{REDRAW, can_redraw};
use crate::session::Session;
use crate::signals::{Signal, Signals};

/// So long Azure is asked who has a VM open; then whoever sits at the terminal is asked whether to go on without knowing.
const LOOK: Duration = Duration::from_secs(5);

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
/// where they may not know whom it hits: somebody else who has it open or may have, or all that a folder has in it.
async fn is_agreed(session: &Session, args: &Stop, meant: &[Meant], signals: &mut Signals) -> Result<bool, End> {
    if args.yes || args.json || !asking::somebody_is_there() {
        return Ok(true);
    }
    line_to_people(&told::will_be(&meant.iter().map(|meant| meant.name.as_str()).collect::<Vec<_>>()));
    let mut is_read = false;
    unless_told_to_end(signals, async {
        if let Ok(looked) = timeout(LOOK, look_anew(session)).await {
            is_read = looked?;
        }
        Ok(())
    })
    .await?;
    let snapshot = session.snapshot();
    let now = azure_now(&snapshot);
    let zone = SystemClock.zone(SystemClock.now());
    let others: Vec<_> = meant.iter().flat_map(|meant| open_for_others(&snapshot, meant, now)).collect();
    for (name, who, window) in &others {
        line_to_people(&told::open_for(name.as_str(), who, window.end_time_utc, zone));
    }
    if !is_read {
        let why = snapshot.refresh_problem.as_ref().filter(|_| !snapshot.refreshing);
        line_to_people(&told::windows_unread(why.map(|problem| problem.title.as_str())));
    } else if others.is_empty() && args.folder.is_none() {
        return Ok(true);
    }
    let answer = asking::answer(&told::goes_on(meant.len()), signals).await?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Looks at the windows anew; whether all could be read.
async fn look_anew(session: &Session) -> Result<bool, End> {
    session.face.ask(Request::Refresh).await.accepted()?;
    let Some(snapshot) = session.face.wait_for(|snapshot| !snapshot.refreshing).await else {
        return Err(session.face.why_gone().into());
    };
    Ok(snapshot.refresh_problem.is_none())
}

/// Where a VM is that is meant: the cloud, where that is said, and its id.
fn place<'s>(snapshot: &'s Snapshot, meant: &'s Meant) -> Option<(Option<&'s str>, &'s VmResourceId)> {
    if let Some(profile) = &meant.profile {
        return Some((profile.cloud.as_deref(), &profile.vm));
    }
    let favourite = snapshot.favourites.iter().find(|known| known.name == meant.name)?;
    Some((Some(&favourite.cloud), &favourite.vm))
}

/// Whether a VM of a cloud is the one that is meant.
fn is_at(place: Option<(Option<&str>, &VmResourceId)>, cloud: &str, vm: &VmResourceId) -> bool {
    place.is_some_and(|(meant, id)| id == vm && meant.is_none_or(|meant| meant == cloud))
}

/// The windows of a VM that somebody else has asked for and that are open at `now`.
fn open_for_others<'s>(
    snapshot: &'s Snapshot,
    meant: &'s Meant,
    now: DateTime<Utc>,
) -> impl Iterator<Item = (&'s ProfileName, &'s str, &'s WindowView)> {
    let place = place(snapshot, meant);
    let windows = snapshot.windows.iter().filter(move |window| is_at(place, &window.cloud, &window.vm));
    windows.filter(move |window| window.end_time_utc > now).filter_map(|window| {
        let who = window.opened_by.as_deref().filter(|who| *who != message::YOU)?;
        Some((&meant.name, who, window))
    })
}

/// Whether a VM is being deallocated, whoever asked for that.
fn is_under_way(snapshot: &Snapshot, meant: &Meant) -> bool {
    let place = place(snapshot, meant);
    snapshot.deallocations.iter().any(|one| one.outcome.is_none() && is_at(place, &one.cloud, &one.vm))
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
            if let Some(signal) = self.ask_for_new(signals).await? {
                return self.interrupted(signal).await;
            }
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

    /// Asks the engine for those that it does not know of: at first, and when another process hosts it. The signal that came
    /// meanwhile, if one did: a host that is stopped answers nothing.
    async fn ask_for_new(&mut self, signals: &mut Signals) -> Result<Option<Signal>, End> {
        for index in 0..self.all.len() {
            let one = &self.all[index];
            if one.ended.is_some() || one.number.is_some() {
                continue;
            }
            let Meant { name, profile } = one.meant.clone();
            let wish = Deallocate { profile, ..Deallocate::new(name.clone()) };
            let reply = tokio::select! {
                reply = self.session.face.ask(Request::Deallocate(wish)) => reply,
                signal = signals.next() => return Ok(Some(signal)),
            };
            match reply.unless_refused() {
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
        Ok(None)
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
            let snapshot = self.session.snapshot();
            self.look(&snapshot);
            let one = &self.all[index];
            if one.ended.is_none() {
                let asked = one.number.is_some() || is_under_way(&snapshot, &one.meant);
                self.failed(index, &words(&Failure::DeallocationLeft { asked }.into(), name.as_str()));
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

#[cfg(test)]
mod tests {
    use ajar_core::profile::Profile;

    use super::*;

    const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web-01";

    /// `web-01` of another cloud has the id of the one that is meant.
    fn snapshot(windows: &[(&str, i64, &str)], now: DateTime<Utc>) -> Snapshot {
        let window = |(cloud, minutes, who): &(&str, i64, &str)| {
            json!({
                "name": "web-01", "cloud": cloud, "vm": VM.to_uppercase(), "port": 22, "protocol": "ssh",
                "source": "203.0.113.7", "startTimeUtc": DateTime::UNIX_EPOCH, "openedBy": who, "ending": false,
                "endTimeUtc": now + chrono::TimeDelta::minutes(*minutes),
            })
        };
        let snapshot = json!({
            "revision": 1, "clockSkewMs": 0, "favourites": [], "attempts": [], "refreshing": false,
            "host": { "pid": 1, "version": "1", "cloud": "public", "account": "az", "demo": false },
            "windows": windows.iter().map(window).collect::<Vec<_>>(), "windowWanted": 0,
        });
        serde_json::from_value(snapshot).unwrap()
    }

    #[test]
    fn somebody_else_has_a_vm_open_by_windows_of_its_cloud_that_have_not_ended() {
        let now = Utc::now();
        let profile =
            |cloud: Option<&str>| Profile { cloud: cloud.map(ToOwned::to_owned), ..Profile::new(VM.parse().unwrap()) };
        let meant = |cloud| Meant { name: "web-01".parse().unwrap(), profile: Some(profile(cloud)) };
        let who = |windows: &[(&str, i64, &str)], cloud| {
            let (snapshot, meant) = (snapshot(windows, now), meant(cloud));
            open_for_others(&snapshot, &meant, now).map(|(_, who, _)| who.to_owned()).collect::<Vec<_>>()
        };
        let all = [("public", 9, "ada"), ("public", 9, message::YOU), ("public", 0, "bob"), ("china", 9, "eve")];
        assert_eq!(who(&all, Some("public")), ["ada"]);
        assert_eq!(who(&all[2..], Some("public")), [""; 0]);
        assert_eq!(who(&all, None), ["ada", "eve"], "where no cloud is said it may be either");
    }
}
