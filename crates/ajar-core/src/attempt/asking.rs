//! The request for access: what became of it, and what the policies show of it.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};

use super::clock::Ms;
use super::{Attempt, InitiateFailure, Outcome, limits};
use crate::access_window::{AccessWindow, granted, revoked};
use crate::failure::{Failure, Trouble};
use crate::message::failure::next_step;
use crate::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest, StatusReason, admitting_ranges};
use crate::snapshot::Step;

/// How far the request for access has come.
#[derive(Clone, Debug, Default)]
pub(super) struct Asking {
    /// How many have been sent in a row without an answer.
    pub(super) sent: u32,
    pub(super) in_flight: Option<Ms>,
    /// For which address the last of them was.
    pub(super) source: Option<Ipv4Addr>,
    /// When the first of them was sent, by Azure's clock.
    pub(super) sent_at: Option<DateTime<Utc>>,
    /// One did not come back at all. It may still be on its way, so no other is sent after it.
    pub(super) lost: bool,
    /// A request was sent whose answer nobody saw; until it is found, or a reading that was begun at this time or later
    /// does not show it, no other is sent.
    pub(super) unsettled: Option<Ms>,
    /// How often it has been looked for.
    pub(super) looks: u32,
    /// What kept the answer to the last one away, where that is known.
    pub(super) kept_away: Option<Trouble>,
    pub(super) granted: Option<AccessWindow>,
    /// By our clock it is over, since then. No other is sent before Azure has been asked after that: the clock may be
    /// what is wrong.
    pub(super) over: Option<Ms>,
    pub(super) began: Option<Ms>,
    pub(super) ended: Option<Ms>,
    /// The last one was refused, and that did not end the attempt.
    pub(super) refused: bool,
    /// Azure refused while the VM was not running: it is asked once more when it runs.
    pub(super) too_early: bool,
}

impl Asking {
    /// Whether the last one came back with a time for the next, and that has not come.
    pub(super) fn is_to_wait(&self, now: DateTime<Utc>) -> bool {
        let told = self.kept_away.as_ref().map(|trouble| &trouble.failure);
        matches!(told, Some(Failure::Unavailable { retry_at, .. }) if *retry_at > now)
    }
}

/// Whether a refusal says no more than that something is wrong with what was asked: then it may be the prefix.
fn is_about_the_request(azure_code: &str, azure_message: &str) -> bool {
    const CODES: [&str; 3] = ["InvalidInitiateInput", "BadRequest", "HTTP 400"];
    // Of two requests for the same both codes are told.
    let mut codes = azure_code.split(", ");
    codes.all(|code| CODES.iter().any(|known| code.eq_ignore_ascii_case(known)))
        && next_step(azure_code, azure_message).is_none()
}

impl Attempt {
    pub(super) fn policies_read(
        &mut self,
        result: Result<Vec<JitNetworkAccessPolicy>, Trouble>,
        now: DateTime<Utc>,
        at: Ms,
    ) {
        // What a reading shows may be as old as its beginning.
        let begun = self.policies.in_flight().unwrap_or(at);
        let searching = self.asking.unsettled.filter(|until| begun < *until);
        if let Some(until) = searching
            && result.is_err()
            && self.policies.is_known()
        {
            // What kept the answer away may keep this reading away too; the policies themselves are known.
            self.policies.keep();
            self.look_for_request_again(until, at);
            return;
        }
        self.policies.settle(result, at);
        self.give_up_revoked(now);
        if self.asking.over.is_some_and(|over| begun >= over) && self.window(now).is_none() {
            self.asking.granted = None;
        }
        if self.asking.unsettled.is_none() {
            return;
        }
        if let Some(found) = self.own_window(now) {
            self.settle_request(at);
            // What a host before this one has asked for is what is to last longer.
            let is_asked_here = !self.order.extends || self.prior.is_some();
            self.asking.granted = Some(found).filter(|_| is_asked_here);
        } else if self.has_moved_since() {
            // It lets nobody in where this machine is now: whatever became of it, access is asked for from here.
            self.settle_request(at);
        } else if let Some(until) = searching {
            self.look_for_request_again(until, at);
        } else if self.window(now).is_some() && !self.order.extends {
            // Ours was not found; somebody else's lets us in.
            self.settle_request(at);
        } else {
            self.asking.unsettled = None;
        }
    }

    /// Wants the policies again after a pause, and once more when the search is over: what they do not show then did not
    /// arrive.
    fn look_for_request_again(&mut self, until: Ms, at: Ms) {
        self.asking.looks += 1;
        self.policies.want((at + limits::pause_of_search(self.asking.looks)).min(until.max(at)));
    }

    /// Has the policies read when what was granted here seems to be over.
    pub(super) fn doubt_the_end(&mut self, now: DateTime<Utc>) {
        let is_over = self.asking.granted.is_some() && self.window(now).is_none();
        if is_over && self.asking.over.is_none() {
            let at = self.clock.last();
            self.asking.over = Some(at);
            self.policies.want(at);
        } else if !is_over {
            self.asking.over = None;
        }
    }

    /// The window that the request opened whose answer nobody saw, if the policies show it: requests have no id,
    /// so it is known by VM, port, source, time and requestor.
    fn own_window(&self, now: DateTime<Utc>) -> Option<AccessWindow> {
        let sent_at = self.asking.sent_at?;
        let here = self.source.value()?.address;
        let is_beyond = |prior: &AccessWindow, end: DateTime<Utc>| prior.end_time_utc < end || !prior.admits(here);
        let is_more =
            |window: &AccessWindow| self.prior.as_ref().is_none_or(|prior| is_beyond(prior, window.end_time_utc));
        self.covering(now).find(|window| window.may_be_of(sent_at, self.principal.as_deref()) && is_more(window))
    }

    /// No answer to a request is waited for any more.
    fn settle_request(&mut self, at: Ms) {
        self.asking.unsettled = None;
        self.asking.sent_at = None;
        self.asking.sent = 0;
        self.asking.ended.get_or_insert(at);
    }

    /// Others have read the policies. If they show that what lets us in is revoked, the attempt reads them too.
    pub fn notice_policies(&mut self, policies: &[JitNetworkAccessPolicy], now: DateTime<Utc>) {
        if self.outcome.is_none() && self.covering(now).any(|window| revoked(policies, &window).is_some()) {
            let at = self.clock.observe(now);
            self.policies.want(at);
        }
    }

    /// What was granted and is revoked does not let us in. It is not asked for again: who replaced it may do the same,
    /// and each would close the other's door.
    fn give_up_revoked(&mut self, now: DateTime<Utc>) {
        let policies = self.policies.value().map_or(&[][..], Vec::as_slice);
        let Some(reason) = self.asking.granted.as_ref().and_then(|window| revoked(policies, window)) else { return };
        self.asking.granted = None;
        if self.window(now).is_none() && self.open_endpoint().is_none() {
            let replaced = reason == StatusReason::NewerRequestInitiated;
            self.end(Outcome::Failed { trouble: Failure::AccessRevoked { replaced }.into(), step: Step::Access });
        }
    }

    pub(super) fn initiated(&mut self, result: Result<JitNetworkAccessRequest, InitiateFailure>, at: Ms) {
        let lost = self.asking.in_flight.take().is_none();
        match result {
            Ok(request) => {
                if let Some(window) = self.usable(&request) {
                    self.settle_request(at);
                    self.asking.granted = Some(window);
                    self.asking.lost = false;
                    self.look_soon(at);
                } else if self.has_moved_since() {
                    // It was answered, for an address that this machine has left meanwhile.
                    self.settle_request(at);
                    self.asking.lost = false;
                } else {
                    self.unanswered(at);
                }
            }
            // It was given up before and is being looked for already.
            Err(InitiateFailure::Unanswered(_)) if lost => {}
            Err(InitiateFailure::Unanswered(trouble)) => {
                self.asking.kept_away = Some(trouble);
                self.unanswered(at);
            }
            // It was withdrawn before it left.
            Err(InitiateFailure::Refused(trouble)) if lost && matches!(trouble.failure, Failure::Cancelled { .. }) => {}
            // What was refused for an address that this machine has left says nothing of where it is now.
            Err(InitiateFailure::Refused(_)) if self.has_moved_since() => {
                self.settle_request(at);
                self.asking.lost = false;
            }
            // The client is on its way through a port that is open; what Azure thinks of the request no longer matters.
            Err(InitiateFailure::Refused(_)) if self.open_endpoint().is_some() => self.asking.refused = true,
            Err(InitiateFailure::Refused(trouble)) if self.may_be_too_early(&trouble) => {
                // That is an answer: what is sent when the VM runs begins anew.
                self.asking.sent = 0;
                self.asking.sent_at = None;
                self.asking.kept_away = None;
                self.asking.lost = false;
                self.asking.unsettled = None;
                self.asking.refused = true;
                self.asking.too_early = true;
            }
            Err(InitiateFailure::Refused(trouble)) => {
                let failure = self.told_of_range(trouble.failure);
                self.end(Outcome::Failed { trouble: Trouble { failure, ..trouble }, step: Step::Access });
            }
        }
    }

    /// The request was checked before it was sent. What may be wrong with it all the same, where the policy admits this
    /// machine as one of many, is that Azure takes such a prefix whole or not at all.
    fn told_of_range(&self, failure: Failure) -> Failure {
        match (failure, self.source.value(), self.policies.value()) {
            (Failure::RequestRefused { azure_code, azure_message }, Some(source), Some(policies))
                if is_about_the_request(&azure_code, &azure_message) =>
            {
                let address = source.address;
                let allowed = admitting_ranges(policies, &self.order.vm, self.order.port, address);
                if allowed.is_empty() {
                    Failure::RequestRefused { azure_code, azure_message }
                } else {
                    Failure::RangeRefused { address, allowed, azure_code, azure_message }
                }
            }
            // It was there a moment ago.
            (Failure::AzureError { status: 404, .. }, ..) => Failure::NoPolicy { power: None },
            (failure, ..) => failure,
        }
    }

    /// Whether a refusal may be for the VM's state: it is not known whether Azure takes requests for a VM that rests, so
    /// one that is refused meanwhile, or whose policy Azure did not find at that moment, is made once more when the VM runs.
    fn may_be_too_early(&self, trouble: &Trouble) -> bool {
        let of_the_request = matches!(
            trouble.failure,
            Failure::RequestRefused { .. } | Failure::RequestConflict { .. } | Failure::AzureError { status: 404, .. }
        );
        of_the_request && self.order.may_start && !self.order.extends && !self.is_running()
    }

    /// The request for access was withdrawn before it left: Azure was not asked, and there is no answer to come.
    pub fn request_unsent(&mut self) {
        if self.asking.in_flight.take().is_none() {
            return;
        }
        self.asking.sent -= 1;
        self.asking.refused = self.asking.too_early;
        if self.asking.sent == 0 {
            self.asking.sent_at = None;
        }
        if self.asking.sent == 0 && !self.asking.too_early {
            self.asking.began = None;
            self.forget_notes_of_request();
        }
    }

    /// Whether the request that is on its way is for another address than this machine has by now.
    pub fn asks_for_former_address(&self) -> bool {
        self.outcome.is_none() && self.asking.in_flight.is_some() && self.has_moved_since()
    }

    /// Whether this machine is at another address than the last request was for.
    fn has_moved_since(&self) -> bool {
        let here = self.source.value().map(|source| source.address);
        self.asking.source.zip(here).is_some_and(|(asked, here)| asked != here)
    }

    /// The window a request grants, if it lets this machine in.
    fn usable(&self, request: &JitNetworkAccessRequest) -> Option<AccessWindow> {
        let source = self.source.value()?.address;
        granted(request, &self.order.vm, self.firewall())
            .find(|window| window.covers(self.order.port, source, self.clock.seen()))
    }

    pub(super) fn unanswered(&mut self, at: Ms) {
        self.asking.in_flight = None;
        self.asking.unsettled = Some(at + limits::ms(limits::UNSETTLED));
        self.asking.looks = 0;
        self.policies.want(at);
    }
}
