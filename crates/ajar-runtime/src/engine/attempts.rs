//! The attempts under way and the last ended one of each favourite, with the tasks that work for them.

use ajar_core::account::Acting;
use ajar_core::attempt::{Attempt, Effect, Fact, Memory, Order};
use ajar_core::failure::Trouble;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Connect;
use ajar_core::snapshot::{AttemptNumber, AttemptView};
use ajar_core::source::SourceAddress;
use ajar_core::vm::CloudVm;
use ajar_core::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::AbortHandle;

use super::acting::Caller;
use super::followers::{FaceId, Follower, Followers};
use super::together::Standing;
use crate::ports::Wanted;

/// An attempt and the tasks that read or look for it. Tasks that write to Azure are not among them: what is on its way
/// cannot be called back, and its result is wanted even after a cancel. What is not yet on its way is withdrawn.
pub(super) struct Working {
    pub(super) attempt: Attempt,
    /// The calls to Azure, as whom the favourite acted when it began.
    /// Nobody's, if that account was not there: then it has ended.
    pub(super) caller: Option<Caller>,
    /// All its writes. Those below are the last of their kind.
    writes: Wanted,
    asking: Option<Wanted>,
    /// What withdraws the last request for access without the other writes.
    asking_alone: Wanted,
    starting: Option<Wanted>,
    followers: Followers,
    tasks: Vec<AbortHandle>,
    /// Whether it is not shown any more: it has ended, and was dismissed, or its favourite is gone or opened anew.
    superseded: bool,
    /// What is shown of it once its end has been taken stock of.
    last_view: Option<AttemptView>,
}

impl Working {
    pub(super) fn works_with(&mut self, task: AbortHandle) {
        self.tasks.retain(|task| !task.is_finished());
        self.tasks.push(task);
    }

    /// Another wish for the same: the client is started if anybody wants it.
    pub(super) fn follow(&mut self, follower: Follower) {
        self.followers.add(follower);
        self.heed_followers();
    }

    /// Starts the client in the end if one of those who are there wants it.
    fn heed_followers(&mut self) {
        self.attempt.want_launch(self.followers.want_launch(self.attempt.order().protocol));
    }

    /// Takes in a fact; whether it opens another port since than it was thought to.
    fn apply(&mut self, number: AttemptNumber, fact: Fact, now: DateTime<Utc>) -> bool {
        let before = self.attempt.order().port;
        self.attempt.apply(number, fact, now);
        let is_another = self.attempt.order().port != before;
        if is_another {
            self.heed_followers();
        }
        is_another
    }

    /// What an effect that writes to Azure looks at before it does; the others have no use for it.
    pub(super) fn wanted_for(&mut self, effect: &Effect) -> Wanted {
        let write = match effect {
            // It may be withdrawn without the others: for another address.
            Effect::Initiate(_) => {
                let alone = Wanted::new();
                let write = Wanted::of_all([&self.writes.another(), &alone]);
                self.asking_alone = alone;
                write
            }
            Effect::ProbePort { .. }
            | Effect::DetectSource
            | Effect::ReadPolicy
            | Effect::ReadVm
            | Effect::ResolveAddress { .. }
            | Effect::FindBastion { .. }
            | Effect::StartVm
            | Effect::LaunchClient { .. } => self.writes.another(),
        };
        match effect {
            Effect::Initiate(_) => self.asking = Some(write.clone()),
            Effect::StartVm => self.starting = Some(write.clone()),
            Effect::ProbePort { .. }
            | Effect::DetectSource
            | Effect::ReadPolicy
            | Effect::ReadVm
            | Effect::ResolveAddress { .. }
            | Effect::FindBastion { .. }
            | Effect::LaunchClient { .. } => {}
        }
        write
    }

    /// How it stands to asking for access.
    pub(super) fn standing(&self, now: DateTime<Utc>) -> Standing {
        let asks = |effect: &Effect| matches!(effect, Effect::Initiate(_));
        match (self.attempt.next(now).iter().any(asks), self.attempt.may_ask(now)) {
            _ if self.caller.is_none() => Standing::Out,
            (true, _) => Standing::Ready,
            (false, true) => Standing::Coming,
            (false, false) => Standing::Out,
        }
    }

    /// Withdraws what is not on its way yet, and has the attempt know of it.
    fn withdraw(&mut self) {
        self.writes.withdraw();
        if self.asking.take().is_some_and(|write| !write.has_left()) {
            self.attempt.request_unsent();
        }
        if self.starting.take().is_some_and(|write| !write.has_left()) {
            self.attempt.start_unsent();
        }
    }

    /// A request for an address that this machine has left is not sent any more.
    fn withdraw_from_former_address(&mut self) {
        if self.attempt.asks_for_former_address()
            && let Some(write) = &self.asking
        {
            self.asking_alone.withdraw();
            if !write.has_left() {
                self.attempt.request_unsent();
                self.asking = None;
            }
        }
    }

    fn cancel(&mut self, now: DateTime<Utc>) {
        self.withdraw();
        self.attempt.cancel(now);
    }

    fn favourite_removed(&mut self, now: DateTime<Utc>) {
        self.withdraw();
        self.attempt.favourite_removed(now);
    }

    fn stop(&mut self) {
        self.withdraw();
        self.tasks.drain(..).for_each(|task| task.abort());
    }

    fn is_ended(&self) -> bool {
        self.attempt.outcome().is_some()
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.stop();
    }
}

/// How long an ended attempt is kept that is not shown any more: who follows it may not have seen its end yet.
const TIME_TO_SEE: TimeDelta = TimeDelta::seconds(10);

pub(super) struct Attempts {
    last: AttemptNumber,
    all: Vec<Working>,
}

impl Attempts {
    pub(super) fn starting_at(first: AttemptNumber) -> Self {
        Self { last: first, all: Vec::new() }
    }

    /// The attempt under way to open a VM's port, or for more time there, whichever favourite it was asked for by. Where both go by
    /// what runs on the VM they are for the same, whatever that turns out to be.
    pub(super) fn under_way(
        &mut self,
        vm: &CloudVm,
        wanted: &Connect,
        (port, is_supposed): (u16, bool),
    ) -> Option<&mut Working> {
        let wanted = |working: &&mut Working| {
            let order = working.attempt.order();
            let is_there = order.place() == *vm && (order.port == port || (is_supposed && order.is_supposed));
            !working.is_ended() && is_there && (order.extends, order.follows) == (wanted.extends, wanted.follows)
        };
        self.all.iter_mut().find(wanted)
    }

    /// Whether something is under way at a VM's port.
    pub(super) fn are_at(&self, vm: &CloudVm, port: u16) -> bool {
        let is_there = |order: &Order| order.place() == *vm && order.port == port;
        self.all.iter().any(|working| !working.is_ended() && is_there(working.attempt.order()))
    }

    /// Whether something is under way at a VM, whatever it is.
    pub(super) fn work_on(&self, vm: &CloudVm) -> bool {
        self.all.iter().any(|working| !working.is_ended() && working.attempt.order().place() == *vm)
    }

    /// Begins an attempt, which ends at once where nobody is there to act; ended ones of the same favourite are not shown any more.
    pub(super) fn begin(
        &mut self,
        order: Order,
        memory: Memory,
        caller: Result<Caller, Trouble>,
        follower: Follower,
        now: DateTime<Utc>,
    ) -> AttemptNumber {
        self.put_aside(&order.name);
        self.last = AttemptNumber(self.last.0 + 1);
        let mut attempt = Attempt::new(self.last, order, memory, now);
        let caller = caller.map_err(|trouble| attempt.cannot_begin(trouble)).ok();
        let mut followers = Followers::default();
        followers.add(follower);
        self.all.push(Working {
            attempt,
            caller,
            writes: Wanted::new(),
            asking: None,
            asking_alone: Wanted::new(),
            starting: None,
            followers,
            tasks: Vec::new(),
            superseded: false,
            last_view: None,
        });
        self.last
    }

    /// Ended attempts of a favourite are not shown any more.
    pub(super) fn put_aside(&mut self, name: &ProfileName) {
        let of_favourite = self.all.iter_mut().filter(|working| working.attempt.order().name == *name);
        of_favourite.for_each(|working| working.superseded |= working.is_ended());
    }

    /// Whether a favourite has an attempt under way.
    pub(super) fn open(&self, name: &ProfileName) -> bool {
        self.all.iter().any(|working| !working.is_ended() && working.attempt.order().name == *name)
    }

    /// Whether a VM is being opened.
    pub(super) fn opens(&self, vm: &CloudVm) -> bool {
        let opens = |attempt: &Attempt| !attempt.order().extends && attempt.order().place() == *vm;
        self.all.iter().any(|working| !working.is_ended() && opens(&working.attempt))
    }

    /// Whether an attempt for a favourite is under way or ended a moment ago.
    pub(super) fn have(&self, name: &ProfileName) -> bool {
        self.all.iter().any(|working| working.attempt.order().name == *name)
    }

    /// Forgets those that are not shown any more and ended long enough ago.
    pub(super) fn forget_seen(&mut self, now: DateTime<Utc>) {
        let seen = |attempt: &Attempt| attempt.ended_at().is_some_and(|ended| now - ended > TIME_TO_SEE);
        self.all.retain(|working| !working.superseded || !seen(&working.attempt));
    }

    /// Ends what was asked for by favourites that are not there any more.
    pub(super) fn favourites_are(&mut self, is_there: impl Fn(&ProfileName) -> bool, now: DateTime<Utc>) {
        for working in self.all.iter_mut().filter(|working| !is_there(&working.attempt.order().name)) {
            working.favourite_removed(now);
            working.superseded = true;
        }
    }

    /// Cancels what is under way behind a favourite, whichever favourite of the same door began it; whether there was
    /// anything.
    pub(super) fn cancel(&mut self, name: &ProfileName, door: Option<(&CloudVm, u16)>, now: DateTime<Utc>) -> bool {
        let mut any = false;
        for working in self.all.iter_mut().filter(|working| !working.is_ended()) {
            let order = working.attempt.order();
            // Who began it may have left it to others.
            let is_its_own = order.name == *name || working.followers.asked_by(name);
            if is_its_own || door == Some((&order.place(), order.port)) {
                working.cancel(now);
                any = true;
            }
        }
        any
    }

    /// Lets a face leave what it follows, or only what it follows for one favourite. What nobody follows any more is
    /// cancelled; whether something that it left goes on.
    pub(super) fn leave(&mut self, face: FaceId, name: Option<&ProfileName>, now: DateTime<Utc>) -> bool {
        let mut goes_on = false;
        for working in self.all.iter_mut().filter(|working| !working.is_ended()) {
            if !working.followers.leave(face, name) {
                continue;
            }
            if working.followers.is_empty() {
                working.cancel(now);
            } else {
                working.heed_followers();
                goes_on = true;
            }
        }
        goes_on
    }

    /// Forgets all of them: reads are given up, and writes that have not left yet are withdrawn.
    pub(super) fn end(&mut self) {
        self.all.clear();
    }

    /// Takes in a fact; gives back the attempt if it opens another port since than it was thought to.
    pub(super) fn apply(&mut self, number: AttemptNumber, fact: Fact, now: DateTime<Utc>) -> Option<&Attempt> {
        let working = self.working(number)?;
        working.apply(number, fact, now).then_some(&working.attempt)
    }

    /// This machine is at another address, as a cloud sees it: what is opened there has to let that one in.
    pub(super) fn moved(&mut self, cloud: &str, source: SourceAddress, now: DateTime<Utc>) {
        for working in self.all.iter_mut().filter(|working| working.attempt.order().cloud == cloud) {
            working.attempt.moved(source, now);
            working.withdraw_from_former_address();
        }
    }

    pub(super) fn tick(&mut self, now: DateTime<Utc>) {
        for working in &mut self.all {
            working.attempt.tick(now);
        }
    }

    pub(super) fn wake_at(&self) -> Option<DateTime<Utc>> {
        self.all.iter().filter_map(|working| working.attempt.wake_at()).min()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Attempt> {
        self.all.iter().filter(|working| !working.superseded).map(|working| &working.attempt)
    }

    pub(super) fn all(&mut self) -> impl Iterator<Item = &mut Working> {
        self.all.iter_mut()
    }

    pub(super) fn working(&mut self, number: AttemptNumber) -> Option<&mut Working> {
        self.all.iter_mut().find(|working| working.attempt.number() == number)
    }

    /// What is shown of each, and apart from them those that only their followers still look for. An ended attempt stays
    /// as it was at its end.
    pub(super) fn views(&self, now: DateTime<Utc>, zone: Zone) -> (Vec<AttemptView>, Vec<AttemptView>) {
        let view = |working: &Working| working.last_view.clone().unwrap_or_else(|| working.attempt.view(now, zone));
        let (superseded, shown): (Vec<_>, Vec<_>) = self.all.iter().partition(|working| working.superseded);
        (shown.into_iter().map(view).collect(), superseded.into_iter().map(view).collect())
    }

    /// The attempts that have ended since the last call, their tasks stopped.
    pub(super) fn just_ended(&mut self, now: DateTime<Utc>, zone: Zone) -> Vec<(Attempt, Option<Acting>)> {
        let fresh = self.all.iter_mut().filter(|working| working.is_ended() && working.last_view.is_none());
        fresh
            .map(|working| {
                working.stop();
                working.last_view = Some(working.attempt.view(now, zone));
                (working.attempt.clone(), working.caller.as_ref().map(|caller| caller.acting.clone()))
            })
            .collect()
    }
}
