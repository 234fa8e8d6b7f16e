//! Deallocating VMs: only those that somebody names, one task for each, beside the attempts.
//!
//! The VM is looked at first, so that nothing is asked twice: not of one that rests or is on its way there, whoever told it
//! to. What Azure has taken on goes on whether anybody waits for it or not; that it was asked is in `state.json` until the
//! end is known, and the next engine looks at the VM when it looks at the others.

mod seeing_through;

use std::sync::Arc;

use ajar_core::account::Acting;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::journal::{Opening, OpeningResult};
use ajar_core::message::deallocation as told;
use ajar_core::message::failure::{About, in_words};
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::protocol::{Deallocate, Launch};
use ajar_core::settings::Favourite;
use ajar_core::snapshot::{DeallocationEnd, DeallocationView};
use ajar_core::vm::{CloudVm, PowerState};
use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::AbortHandle;

use super::Engine;
use super::acting::Caller;
use super::effects::Happened;
use super::followers::{FaceId, Follower, Followers};
use crate::files::{Deallocating as Asked, Purpose, State};
use crate::ports::{Azure, Wanted};
use seeing_through::see_through;

/// So long whoever followed a deallocation may take to ask the next host for it.
const TIME_TO_ASK_AGAIN: TimeDelta = TimeDelta::seconds(10);

/// One go at seeing a deallocation through. Another one may have taken its place before its news are heard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Work {
    number: u64,
    generation: u64,
}

/// What is heard of a deallocation.
pub(super) enum News {
    /// The VM was found so, and Azure is asked now.
    Found(PowerState),
    /// Azure has taken it on.
    Begun,
    /// It is over; whether the VM rested before anything was asked.
    Ended(Result<bool, Trouble>),
}

/// A VM that is being deallocated, or was.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, in any combination")]
pub(super) struct Deallocating {
    view: DeallocationView,
    place: CloudVm,
    /// What the favourite opens, for the journal.
    door: (u16, Protocol),
    acting: Acting,
    followers: Followers,
    wanted: Wanted,
    /// Whether Azure was asked before it is now, or may have been: by a host before this one, or for somebody who has left.
    asked_before: bool,
    /// Whether Azure has taken it on, or the VM is seen to be on its way.
    begun: bool,
    /// Whether the VM is only watched: a host before this one has asked, and nobody waits for it here.
    observes: bool,
    /// Whether it could not be seen any more after Azure had taken it on.
    lost_sight: bool,
    /// Where somebody would be connected who uses it, if Ajar began it by itself because nobody is; none once somebody wants it.
    unused: Option<Vec<Endpoint>>,
    generation: u64,
    task: Option<AbortHandle>,
}

impl Deallocating {
    fn is_ended(&self) -> bool {
        self.view.outcome.is_some()
    }

    /// Whether a request is on its way, and nobody knows yet whether Azure takes it.
    fn is_on_its_way(&self) -> bool {
        !self.is_ended() && !self.begun && self.wanted.has_left()
    }

    /// Whether Azure was asked from here, or may have been.
    fn was_asked(&self) -> bool {
        self.asked_before || self.wanted.has_left()
    }

    /// Whether nothing but a word of a host before this one speaks for it.
    fn is_only_watched(&self) -> bool {
        self.observes && !self.begun
    }

    /// Takes back what has not left yet. What has goes on, here and in Azure; whether there is such.
    fn withdraw(&mut self) -> bool {
        self.wanted.withdraw();
        let goes_on = self.begun || self.wanted.has_left();
        if !goes_on && let Some(task) = self.task.take() {
            task.abort();
        }
        goes_on
    }
}

impl Drop for Deallocating {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// All of them.
pub(super) struct Deallocations {
    last: u64,
    all: Vec<Deallocating>,
}

impl Deallocations {
    pub(super) fn starting_at(first: u64) -> Self {
        Self { last: first, all: Vec::new() }
    }

    fn under_way(&mut self, vm: &CloudVm) -> Option<&mut Deallocating> {
        self.all.iter_mut().find(|one| !one.is_ended() && one.place == *vm)
    }

    /// Whether a VM is being deallocated. One that is only watched may never have been told to.
    pub(super) fn have(&self, vm: &CloudVm) -> bool {
        let is_it = |one: &Deallocating| !one.is_ended() && one.place == *vm;
        self.all.iter().any(|one| is_it(one) && !one.is_only_watched())
    }

    /// Whether a VM is being deallocated, or was and has not been opened since.
    pub(super) fn rest(&self, vm: &CloudVm) -> bool {
        let rested = |one: &Deallocating| matches!(one.view.outcome, Some(DeallocationEnd::Deallocated { .. }));
        self.have(vm) || self.all.iter().any(|one| one.place == *vm && rested(one))
    }

    /// One that a host before this one began, and that was seen to end only now: whoever asks again means that one.
    fn just_seen(&self, vm: &CloudVm, now: DateTime<Utc>) -> Option<u64> {
        let is_meant = |one: &&Deallocating| one.observes && one.place == *vm;
        let is_fresh = |one: &&Deallocating| one.view.ended_at.is_some_and(|ended| now - ended < TIME_TO_ASK_AGAIN);
        let rests = |one: &&Deallocating| matches!(one.view.outcome, Some(DeallocationEnd::Deallocated { .. }));
        self.all.iter().filter(is_meant).filter(is_fresh).find(rests).map(|one| one.view.number)
    }

    /// Whether anything is asked of Azure just now that may not have got there.
    pub(super) fn are_on_their_way(&self) -> bool {
        self.all.iter().any(Deallocating::is_on_its_way)
    }

    /// Forgets those that have ended and are about a VM, or by a favourite.
    pub(super) fn forget(&mut self, is_meant: impl Fn(&CloudVm, &ProfileName) -> bool) {
        self.all.retain(|one| !one.is_ended() || !is_meant(&one.place, &one.view.name));
    }

    /// Takes back what has not left yet, whoever wants it; the VMs that Azure was asked nothing of.
    fn end(&mut self) -> Vec<CloudVm> {
        let mut unasked = Vec::new();
        self.all.retain_mut(|one| {
            one.followers = Followers::default();
            let goes_on = one.withdraw();
            if !goes_on && !one.is_ended() && !one.was_asked() {
                unasked.push(one.place.clone());
            }
            goes_on
        });
        unasked
    }

    fn numbered(&mut self, number: u64) -> Option<&mut Deallocating> {
        self.all.iter_mut().find(|one| one.view.number == number)
    }

    pub(super) fn views(&self) -> Vec<DeallocationView> {
        self.all.iter().map(|one| one.view.clone()).collect()
    }
}

impl Engine {
    /// Begins to deallocate the VM of a favourite, or joins whoever does; `face` takes its wish along when it goes.
    pub(super) fn deallocate(&mut self, face: Option<FaceId>, wish: &Deallocate) -> Result<u64, Trouble> {
        if let Some(profile) = wish.profile.clone().or_else(|| self.recent(&wish.name)) {
            self.take_in_guest(&wish.name, &profile, Purpose::Deallocating)?;
        }
        let Favourite { name, profile } = self.opened(&wish.name)?.clone();
        let place = self.place(&profile);
        // A VM cannot be told to start and to stop at once.
        if self.attempts.opens(&place) {
            return Err(Failure::OpeningUnderWay.into());
        }
        let follower = Follower { face, name: name.clone(), launch: Launch::Nothing };
        let caller = self.act(&profile)?;
        if let Some(known) = self.deallocations.under_way(&place) {
            known.followers.add(follower);
            known.unused = None;
            let number = known.view.number;
            if std::mem::take(&mut known.observes) {
                // Somebody waits for it again: it may have to be asked once more.
                known.acting = caller.acting;
                self.work(number, caller.azure);
            }
            return Ok(number);
        }
        if let Some(number) = self.deallocations.just_seen(&place, self.now()) {
            return Ok(number);
        }
        let mut followers = Followers::default();
        followers.add(follower);
        Ok(self.begin_deallocation(name, &profile, place, caller, followers, None))
    }

    /// Begins to deallocate a VM that nobody uses any more: nobody is connected to its endpoints, and nobody has asked for it.
    pub(super) fn deallocate_unused(&mut self, name: &ProfileName, endpoints: Vec<Endpoint>) -> Result<(), Trouble> {
        let Favourite { name, profile } = self.opened(name)?.clone();
        let place = self.place(&profile);
        if self.attempts.opens(&place) {
            return Err(Failure::OpeningUnderWay.into());
        }
        if self.deallocations.under_way(&place).is_none() {
            let caller = self.act(&profile)?;
            let mut followers = Followers::default();
            followers.add(Follower { face: None, name: name.clone(), launch: Launch::Nothing });
            self.begin_deallocation(name, &profile, place, caller, followers, Some(endpoints));
        }
        Ok(())
    }

    /// Takes back what Ajar has begun by itself, as long as Azure was not asked: somebody uses the VM, or wants to. Whether it was.
    pub(super) fn call_off(&mut self, vm: &CloudVm) -> bool {
        let Some(one) = self.deallocations.under_way(vm).filter(|one| one.unused.is_some() && !one.was_asked()) else {
            return false;
        };
        if one.withdraw() {
            return false;
        }
        let number = one.view.number;
        self.deallocations.all.retain(|one| one.view.number != number);
        self.forget_asked(vm);
        self.is_used_again(vm);
        true
    }

    /// Looks at the VMs that a host before this one has asked to be deallocated: how that ended is to be known.
    pub(super) fn observe_deallocations(&mut self) {
        let asked: Vec<_> =
            self.remembered.state().deallocating_at(self.now()).map(|(vm, asked)| (vm, asked.name.clone())).collect();
        for (place, name) in asked {
            let favourite = self.settings.favourite(&name).filter(|favourite| self.leads_to(favourite, &place));
            let profile = favourite.map_or_else(|| Profile::new(place.id.clone()), |known| known.profile.clone());
            if self.deallocations.under_way(&place).is_some() {
                continue;
            }
            let Some(caller) = self.caller_on(&name, &place) else { continue };
            self.begin_deallocation(name, &profile, place, caller, Followers::default(), None);
        }
    }

    /// `followers` that nobody is among have it only observed.
    fn begin_deallocation(
        &mut self,
        name: ProfileName,
        profile: &Profile,
        place: CloudVm,
        Caller { acting, azure }: Caller,
        followers: Followers,
        unused: Option<Vec<Endpoint>>,
    ) -> u64 {
        self.deallocations.forget(|vm, _| *vm == place);
        self.deallocations.last += 1;
        let number = self.deallocations.last;
        let now = self.now();
        let asked_at = self.remembered.state().deallocating_of(&place, now).map(|asked| asked.at);
        let view = DeallocationView {
            number,
            name,
            cloud: place.cloud.clone(),
            vm: place.id.clone(),
            started_at: asked_at.unwrap_or(now),
            ended_at: None,
            headline: told::looking().into(),
            outcome: None,
        };
        self.deallocations.all.push(Deallocating {
            view,
            door: (profile.port(), profile.protocol()),
            acting,
            observes: followers.is_empty(),
            lost_sight: false,
            unused,
            followers,
            wanted: Wanted::new(),
            asked_before: asked_at.is_some(),
            begun: false,
            place,
            generation: 0,
            task: None,
        });
        self.work(number, azure);
        number
    }

    /// Sets the task to work that sees it through, in place of one that does already.
    fn work(&mut self, number: u64, azure: Arc<dyn Azure>) {
        let Some(one) = self.deallocations.numbered(number) else { return };
        one.generation += 1;
        let work = Work { number, generation: one.generation };
        let (vm, observes, wanted) = (one.place.clone(), one.observes, one.wanted.clone());
        let asked = Asked { name: one.view.name.clone(), at: one.view.started_at };
        let key = State::vm_key(&vm);
        // Before it is asked: if this process dies then, the next one knows what to look for.
        let written =
            (!observes).then(|| self.remembered.change(move |state| state.deallocates(key.clone(), asked.clone())));
        let unless = one.unused.clone().map(|endpoints| (Arc::clone(&self.ports.connections), endpoints));
        let happened = self.happened.clone();
        let tell = move |news| drop(happened.send(Happened::Deallocation(work, news)));
        let task = async move {
            if let Some(written) = written
                && written.await.is_err()
            {
                return;
            }
            tell(News::Ended(see_through(&*azure, &vm, observes, &wanted, unless, &tell).await));
        };
        if let Some(before) = one.task.replace(tokio::spawn(task).abort_handle()) {
            before.abort();
        }
    }

    /// Takes in what is heard of a deallocation, from the last that was set to work.
    pub(super) fn deallocation(&mut self, Work { number, generation }: Work, news: News) {
        let one = self.deallocations.numbered(number).filter(|one| one.generation == generation && !one.is_ended());
        let Some(one) = one else { return };
        let place = one.place.clone();
        match news {
            News::Found(power) => {
                one.begun = power == PowerState::Deallocating;
                one.view.headline = match (one.begun, one.observes) {
                    (true, _) => told::under_way().into(),
                    (false, true) => told::looking().into(),
                    (false, false) => told::asking(power),
                };
                self.know_power(place, Some(power));
            }
            News::Begun => {
                one.begun = true;
                one.view.headline = told::under_way().into();
                self.know_power(place, Some(PowerState::Deallocating));
            }
            News::Ended(Ok(rested)) => {
                if one.was_asked() {
                    let acting = one.acting.clone();
                    self.note_let(&acting, &place.id, Purpose::Deallocating);
                }
                self.know_power(place.clone(), Some(PowerState::Deallocated));
                let until = self.held.last_end(&place);
                let zone = self.zone();
                self.end_deallocation(number, |one, elapsed_ms| {
                    let already = rested && !one.begun && !one.was_asked();
                    let text = told::done(already, until, zone);
                    DeallocationEnd::Deallocated { already, text, window_until: until, elapsed_ms }
                });
            }
            News::Ended(Err(Trouble { failure: Failure::Cancelled { .. }, .. })) => self.withdrawn(number),
            News::Ended(Err(trouble)) => self.deallocation_failed(number, &trouble),
        }
    }

    fn deallocation_failed(&mut self, number: u64, trouble: &Trouble) {
        let Some(one) = self.deallocations.numbered(number) else { return };
        one.lost_sight |= one.begun && trouble.failure.is_passing();
        let (acting, place, may_have_changed) =
            (one.acting.clone(), one.place.clone(), one.begun || one.wanted.has_left());
        self.note_refused_account(&trouble.failure, &place);
        self.note_denied(&trouble.failure, &acting, &place.id, Purpose::Deallocating);
        self.know_power(place.clone(), None);
        if may_have_changed {
            self.read_power(self.ports.accounts.acting(&acting), place);
        }
        let (at, zone) = (self.now(), self.zone());
        self.end_deallocation(number, |one, _| {
            let about = About { name: one.view.name.as_str(), zone, at };
            DeallocationEnd::Failed(in_words(trouble, &about))
        });
    }

    /// What was withdrawn is not asked of Azure (again): it is left, or begins anew where somebody has come to want it.
    fn withdrawn(&mut self, number: u64) {
        let Some(one) = self.deallocations.numbered(number) else { return };
        let place = one.place.clone();
        if self.call_off(&place) {
            return;
        }
        let Some(one) = self.deallocations.numbered(number) else { return };
        if one.followers.is_empty() {
            return self.leave_deallocation(number);
        }
        one.asked_before = one.was_asked();
        one.wanted = Wanted::new();
        let azure = self.ports.accounts.acting(&one.acting);
        self.work(number, azure);
    }

    /// Lets a face leave what it waits for, or only for one favourite. What nobody waits for is not asked of Azure any more.
    pub(super) fn leave_deallocations(&mut self, face: FaceId, name: Option<&ProfileName>) {
        let mut left = Vec::new();
        for one in self.deallocations.all.iter_mut().filter(|one| !one.is_ended()) {
            if one.followers.leave(face, name) && one.followers.is_empty() && !one.withdraw() {
                left.push(one.view.number);
            }
        }
        for number in left {
            self.leave_deallocation(number);
        }
    }

    fn leave_deallocation(&mut self, number: u64) {
        let (at, zone) = (self.now(), self.zone());
        self.end_deallocation(number, |one, _| {
            let about = About { name: one.view.name.as_str(), zone, at };
            let asked = one.wanted.has_left();
            DeallocationEnd::Left(in_words(&Failure::DeallocationLeft { asked }.into(), &about))
        });
    }

    /// Takes back what has not left yet, with what the next host would look for.
    pub(super) fn end_deallocations(&mut self) {
        for place in self.deallocations.end() {
            self.forget_asked(&place);
        }
    }

    /// Whoever opens a VM has done with what was wanted before, but for what Azure is seen to be at.
    pub(super) fn forget_deallocation(&mut self, vm: &CloudVm) {
        self.deallocations.all.retain(|one| one.place != *vm || !one.is_ended() && !one.is_only_watched());
        let is_noted = self.remembered.state().deallocating_of(vm, self.now()).is_some();
        if is_noted && !self.deallocations.have(vm) {
            self.forget_asked(vm);
        }
    }

    fn forget_asked(&mut self, place: &CloudVm) {
        let key = State::vm_key(place);
        drop(self.remembered.change(move |state| drop(state.deallocating.remove(&key))));
    }

    fn end_deallocation(&mut self, number: u64, end: impl FnOnce(&Deallocating, u64) -> DeallocationEnd) {
        let now = self.now();
        let Some(one) = self.deallocations.numbered(number) else { return };
        let elapsed = u64::try_from((now - one.view.started_at).num_milliseconds()).unwrap_or(0);
        let outcome = end(one, elapsed);
        let line = line(one, &outcome, elapsed);
        // How that ends which Azure may be at is for the next look at the VM to find out.
        let goes_on = matches!(outcome, DeallocationEnd::Left(_)) && one.was_asked() || one.lost_sight;
        (one.view.ended_at, one.view.outcome) = (Some(now), Some(outcome));
        if let Some(task) = one.task.take() {
            task.abort();
        }
        let place = one.place.clone();
        if !goes_on {
            self.forget_asked(&place);
        }
        if let Some(line) = line {
            self.add_to_journal(line);
        }
    }
}

/// What the journal has of it: what was done, or was to be.
fn line(one: &Deallocating, outcome: &DeallocationEnd, elapsed_ms: u64) -> Option<Opening> {
    let (result, code) = match outcome {
        DeallocationEnd::Deallocated { already: false, .. } => (OpeningResult::Deallocated, None),
        // Azure has it, and whoever looks next hears how it ends.
        DeallocationEnd::Failed(_) if one.lost_sight => return None,
        DeallocationEnd::Failed(failure) => (OpeningResult::NotDeallocated, Some(failure.code.clone())),
        DeallocationEnd::Deallocated { already: true, .. } | DeallocationEnd::Left(_) => return None,
    };
    Some(Opening {
        at: one.view.started_at,
        name: one.view.name.clone(),
        vm: one.view.vm.clone(),
        port: one.door.0,
        protocol: one.door.1,
        cloud: Some(one.acting.cloud.clone()),
        account: Some(one.acting.account.to_string()),
        source: None,
        bastion: None,
        reason: None,
        result,
        code,
        requested: false,
        started: false,
        end_time_utc: None,
        elapsed_ms,
        by_itself: one.unused.is_some(),
    })
}
