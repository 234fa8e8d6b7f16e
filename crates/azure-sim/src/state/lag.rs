//! Policies as reads show them, where the switch has reads be behind writes.

use std::borrow::Cow;

use chrono::{DateTime, TimeDelta, Utc};

use crate::state::Cloud;
use crate::state::jit::Policy;
use crate::switches::PolicyLag;

/// How a policy was before a write.
#[derive(Clone, Debug)]
pub(crate) struct Earlier {
    id: String,
    /// `None`: there was none.
    policy: Option<Policy>,
    /// Until when reads show it so.
    until: DateTime<Utc>,
}

impl Cloud {
    /// Keeps the policy with this id as it is, for reads that are behind the write that comes now.
    pub(crate) fn before_write(&mut self, id: &str, now: DateTime<Utc>) {
        let seconds = match self.switches.policy_lag {
            PolicyLag::None => return,
            PolicyLag::Seconds => 10.0,
            PolicyLag::Minute => 60.0,
        };
        self.earlier_policies.retain(|earlier| earlier.until > now);
        let policy = self.policies.iter().find(|policy| policy.id().eq_ignore_ascii_case(id)).cloned();
        let until = now + self.latencies.scaled(seconds).max(TimeDelta::zero());
        self.earlier_policies.push(Earlier { id: id.to_owned(), policy, until });
    }

    /// The policies as reads show them at `now`.
    pub(crate) fn policies_shown(&self, now: DateTime<Utc>) -> impl Iterator<Item = Cow<'_, Policy>> {
        let present = self.policies.iter().filter_map(move |policy| match self.earlier(&policy.id(), now) {
            Some(earlier) => earlier.at(now).map(Cow::Owned),
            None => Some(Cow::Borrowed(policy)),
        });
        let known = |id: &str| self.policies.iter().any(|policy| policy.id().eq_ignore_ascii_case(id));
        let first =
            move |earlier: &&Earlier| self.earlier(&earlier.id, now).is_some_and(|one| std::ptr::eq(one, *earlier));
        let removed = self.earlier_policies.iter().filter(move |earlier| !known(&earlier.id)).filter(first);
        present.chain(removed.filter_map(move |earlier| earlier.at(now)).map(Cow::Owned))
    }

    /// Of several writes the first that reads have not got to.
    fn earlier(&self, id: &str, now: DateTime<Utc>) -> Option<&Earlier> {
        self.earlier_policies.iter().find(|earlier| earlier.until > now && earlier.id.eq_ignore_ascii_case(id))
    }
}

impl Earlier {
    /// Time passes for what is shown too.
    fn at(&self, now: DateTime<Utc>) -> Option<Policy> {
        let mut policy = self.policy.clone()?;
        policy.advance_to(now);
        Some(policy)
    }
}
