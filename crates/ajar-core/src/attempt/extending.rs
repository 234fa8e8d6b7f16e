//! More time for a window that is open: another request, which ends later. The VM and its port are not looked at. One that is
//! open from another address of this machine is asked for from here, for as long or, where it is to follow, until its end.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Ask, Attempt, Outcome};
use crate::access_window::{AccessWindow, WORTH_USING, revoked};
use crate::failure::Failure;
use crate::profile::DEFAULT_ACCESS;
use crate::snapshot::Step;

/// A window that would last only so much longer is left as it is.
const WORTH_ASKING: TimeDelta = TimeDelta::minutes(1);

impl Attempt {
    /// The request for more time to send now, if one is due.
    pub(super) fn extension_now(&self, now: DateTime<Utc>) -> Option<Ask> {
        if self.is_held_back(now) {
            return None;
        }
        self.ask(now).filter(|ask| self.lasts_longer(ask))
    }

    fn lasts_longer(&self, ask: &Ask) -> bool {
        let is_more = |prior: &AccessWindow| {
            !prior.admits(ask.source) || (!self.order.follows && ask.end_time_utc - prior.end_time_utc > WORTH_ASKING)
        };
        let is_within = self.order.renews.is_none_or(|renews| ask.end_time_utc <= renews.until);
        is_within && !self.would_move(ask) && self.prior.as_ref().is_some_and(is_more)
    }

    /// Whether it would open the port to an address that nobody has asked it for.
    fn would_move(&self, ask: &Ask) -> bool {
        let stays = self.order.renews.is_some_and(|renews| !renews.moves);
        stays && self.prior.as_ref().is_some_and(|prior| !prior.admits(ask.source))
    }

    /// How long access is wanted for that does not go on from another.
    pub(super) fn usual_access(&self) -> TimeDelta {
        self.order.access.unwrap_or(DEFAULT_ACCESS)
    }

    /// How long access is wanted for.
    pub(super) fn access(&self, now: DateTime<Utc>) -> TimeDelta {
        let left = self.prior.as_ref().filter(|_| self.order.follows).map(|prior| prior.left(now));
        let wanted = left.unwrap_or(self.usual_access());
        self.order.renews.map_or(wanted, |renews| wanted.min(renews.until - now))
    }

    /// The window that was granted here and lets in another address than this machine has now.
    fn left_behind(&self, now: DateTime<Utc>) -> Option<AccessWindow> {
        let policies = self.policies.value()?;
        let lasts = |window: &&AccessWindow| window.end_time_utc - now >= WORTH_USING;
        let left = self.remembered_window.as_ref().filter(|_| self.order.chosen_source.is_none()).filter(lasts);
        left.filter(|window| revoked(policies, window).is_none()).cloned()
    }

    /// As [`Attempt::conclude`], for an extension.
    pub(super) fn conclude_extension(&mut self, now: DateTime<Utc>) {
        if self.outcome.is_some() || self.asking.in_flight.is_some() {
            return;
        }
        if let Some(window) = self.asking.granted.clone() {
            return self.end(Outcome::Extended { window });
        }
        if self.is_unanswered(now) {
            return self.fail(self.no_answer(now), Step::Access);
        }
        if let Some(trouble) = self.policies.trouble().cloned() {
            return self.fail(trouble, Step::Policy);
        }
        if let Some(trouble) = self.source.trouble().cloned() {
            return self.fail(trouble, Step::Source);
        }
        if self.asking.unsettled.is_some() || !self.policies.is_known() || !self.source.is_known() {
            return;
        }
        if self.prior.is_none() {
            self.prior = self.window(now).or_else(|| self.left_behind(now));
        }
        let Some(prior) = self.prior.clone() else {
            return self.fail(Failure::NotOpen.into(), Step::Access);
        };
        match self.ask(now) {
            Some(ask) if self.lasts_longer(&ask) => {}
            Some(ask) if self.would_move(&ask) => {
                let admitted = crate::message::sources(&prior.sources);
                self.fail(Failure::AddressChanged { address: ask.source, admitted }.into(), Step::Source);
            }
            Some(_) => self.end(Outcome::Extended { window: prior }),
            None => {
                if let Some(failure) = self.refusal() {
                    self.fail(failure.into(), Step::Policy);
                } else if let Some(failure) = self.missing_reason() {
                    self.fail(failure.into(), Step::Access);
                }
            }
        }
    }
}
