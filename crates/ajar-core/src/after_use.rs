//! A VM that Ajar has started, and what is done with it once nobody at this machine is connected any more.
//!
//! Idleness is what was seen of it: looks that follow each other closely and find nobody. What was slept through, or leapt over by a
//! clock that was set, counts for nothing. Before anything is asked or done Azure is asked, too: somebody else may have the VM open.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::port::Endpoint;
use crate::profile::{AfterUse, ProfileName};
use crate::resource_id::VmResourceId;

#[cfg(test)]
mod tests;

/// So long after the last connection a VM counts as not used any more.
pub const IDLE_AFTER_USE: TimeDelta = TimeDelta::minutes(5);

/// And so long after it was opened, where nobody was ever seen to connect.
pub const IDLE_UNUSED: TimeDelta = TimeDelta::minutes(30);

/// How long before a VM is deallocated by itself that is told.
pub const NOTICE: TimeDelta = TimeDelta::minutes(2);

/// How long a question is put off.
pub const POSTPONED_FOR: TimeDelta = TimeDelta::hours(1);

/// Two looks that lie further apart say nothing of what was between them.
const LOOKS_APART: TimeDelta = TimeDelta::seconds(90);

/// In so long a time without a look somebody else may have brought a VM to rest and started it again.
const LOST_SIGHT_AFTER: TimeDelta = TimeDelta::minutes(3);

/// How often Azure is asked whether a VM still runs, while a question about it stands or is put off.
pub const ASKED_AGAIN_EVERY: TimeDelta = TimeDelta::minutes(30);

/// A VM that Ajar has started. It is kept as long as the VM is not seen to rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// By which favourite.
    pub name: ProfileName,
    /// When.
    pub at: DateTime<Utc>,
    /// What that favourite said then of the time after use.
    #[serde(default)]
    pub under: AfterUse,
    /// Where its ports were reached since. The addresses may be other VMs' later: they are not dialled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Endpoint>,
    /// Whether somebody was seen to be connected since.
    #[serde(default)]
    pub used: bool,
    /// Whether nobody looked for a while, in which somebody else may have brought it to rest and started it again.
    #[serde(default)]
    pub lost_sight: bool,
    /// What was done in this idleness, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dealt: Option<Dealt>,
    /// Until when nothing is done, because somebody has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postponed_until: Option<DateTime<Utc>>,
    /// Whether somebody has said that it is to run on.
    #[serde(default)]
    pub left: bool,
}

/// What was done about a VM that is not used any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Dealt {
    /// Somebody is asked.
    Asked,
    /// It was to be deallocated.
    Deallocated,
}

/// Which VM is not used any more, and since which start of it: what is answered may have been shown long ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Unused {
    /// The favourite that it was told by.
    pub name: ProfileName,
    /// The cloud that the VM is in.
    pub cloud: String,
    /// The VM.
    pub vm: VmResourceId,
    /// When Ajar started it.
    pub started_at: DateTime<Utc>,
}

/// What somebody says to the question, or to the notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Keep {
    /// To ask, or to deallocate, in an hour.
    Later,
    /// To leave it running until Ajar starts it again.
    Running,
}

/// What a look has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Somebody is connected.
    Connected,
    /// Nobody is.
    Nobody,
    /// It is being opened or deallocated.
    Busy,
    /// The system does not tell.
    Unknown,
}

/// What Azure says of a VM that is not used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// It runs, and nobody else has it open.
    Idle,
    /// Somebody else has it open.
    Others,
    /// That could not be read.
    Unread,
    /// Nobody may read it before somebody has signed in.
    Barred,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing, or what [`Watch::question`] and [`Watch::deallocates_in`] say.
    Wait,
    /// Azure is to be asked whether it runs, and whether somebody else has it open: [`Watch::found`].
    AskAzure,
    /// It is to be deallocated.
    Deallocate,
}

/// A VM that Ajar has started, as it is watched.
#[derive(Clone, Debug)]
pub struct Watch {
    /// What is kept of it.
    pub started: Started,
    idle: TimeDelta,
    last_look: Option<DateTime<Utc>>,
    /// When it was last in sight; none before the first look.
    in_sight_at: Option<DateTime<Utc>>,
    /// When nobody might ask Azure about it.
    barred_at: Option<DateTime<Utc>>,
    /// When Azure was last asked about it.
    azure_asked_at: Option<DateTime<Utc>>,
    /// How idle it was when it was told that it is going to be deallocated.
    told_at: Option<TimeDelta>,
}

impl Started {
    /// A VM that was started now.
    pub fn new(name: ProfileName, under: AfterUse, at: DateTime<Utc>) -> Self {
        Self {
            name,
            at,
            under,
            endpoints: Vec::new(),
            used: false,
            lost_sight: false,
            dealt: None,
            postponed_until: None,
            left: false,
        }
    }

    /// The rule where the favourite is gone that it was started by, and others lead to it: the mildest that any of them says,
    /// and never more than it was started under.
    pub fn orphaned(&self, others: impl IntoIterator<Item = AfterUse>) -> AfterUse {
        others.into_iter().fold(self.under, AfterUse::min)
    }

    /// What is done by itself under a rule. What was out of sight may be somebody else's by now, and of what was reached nowhere
    /// nobody sees who is connected: there somebody is asked in place of it.
    pub fn softened(&self, rule: AfterUse, is_reached: bool) -> AfterUse {
        if self.lost_sight || !is_reached { rule.min(AfterUse::Ask) } else { rule }
    }

    fn is_postponed(&self, now: DateTime<Utc>) -> bool {
        // Of a clock that was set back since it would be for longer than anybody has said.
        self.postponed_until.is_some_and(|until| until > now && until - now <= POSTPONED_FOR)
    }
}

impl Watch {
    /// Begins to watch what has started just now.
    pub fn new(started: Started) -> Self {
        let in_sight_at = Some(started.at);
        Self {
            started,
            idle: TimeDelta::zero(),
            last_look: None,
            in_sight_at,
            barred_at: None,
            azure_asked_at: None,
            told_at: None,
        }
    }

    /// Goes on with what another process has watched; the idleness before counts for nothing, and nobody knows what was meanwhile.
    pub fn taken_over(mut started: Started) -> Self {
        started.lost_sight = true;
        // How that ended nobody has told: it runs, or it would be forgotten.
        started.dealt = started.dealt.filter(|dealt| *dealt == Dealt::Asked);
        Self { in_sight_at: None, ..Self::new(started) }
    }

    /// Whether anything hangs on a look.
    pub fn needs_look(&self, rule: AfterUse) -> bool {
        rule != AfterUse::Leave && !self.started.left
    }

    /// A port of it was reached.
    pub fn reached(&mut self, endpoint: Endpoint) {
        if !self.started.endpoints.contains(&endpoint) {
            self.started.endpoints.push(endpoint);
        }
        self.in_use();
    }

    /// From the next look on that finds nobody it may lie idle.
    fn in_use(&mut self) {
        (self.idle, self.last_look) = (TimeDelta::zero(), None);
        self.told_at = None;
        self.started.dealt = None;
    }

    /// Somebody uses it after all, or is about to.
    pub fn used_again(&mut self) {
        self.in_use();
    }

    /// Takes in that it is looked at now, and whether it was out of sight before.
    fn sight(&mut self, now: DateTime<Utc>) {
        let gap = self.in_sight_at.replace(now).map(|before| now - before);
        self.started.lost_sight |= gap.is_some_and(|gap| gap > LOST_SIGHT_AFTER);
    }

    fn threshold(&self) -> TimeDelta {
        if self.started.used { IDLE_AFTER_USE } else { IDLE_UNUSED }
    }

    /// Takes in what a look has found.
    pub fn look(&mut self, seen: Seen, rule: AfterUse, now: DateTime<Utc>) -> Then {
        self.sight(now);
        let gap = self.last_look.map(|last| now - last);
        let gap = gap.filter(|gap| (TimeDelta::zero()..=LOOKS_APART).contains(gap));
        self.last_look = Some(now);
        match (seen, gap) {
            (Seen::Connected, _) => {
                self.started.used = true;
                self.in_use();
            }
            (Seen::Busy, _) => self.in_use(),
            (Seen::Nobody, Some(gap)) => self.idle += gap,
            (Seen::Nobody, None) | (Seen::Unknown, _) => (self.idle, self.told_at) = (TimeDelta::zero(), None),
        }
        if !self.needs_look(rule) || seen != Seen::Nobody {
            return Then::Wait;
        }
        let is_due = if self.started.is_postponed(now) || self.question(rule) {
            // Somebody else may bring it to rest meanwhile, and there is nothing to ask about any more.
            let since = self.azure_asked_at.map(|asked| now - asked);
            since.is_none_or(|since| !(TimeDelta::zero()..ASKED_AGAIN_EVERY).contains(&since))
        } else {
            let is_long = self.told_at.map_or_else(|| self.threshold(), |told| told + NOTICE) <= self.idle;
            is_long && self.started.dealt.is_none()
        };
        let barred = self.barred_at.map(|barred| now - barred);
        let is_barred = barred.is_some_and(|since| (TimeDelta::zero()..ASKED_AGAIN_EVERY).contains(&since));
        if !is_due || is_barred {
            return Then::Wait;
        }
        self.azure_asked_at = Some(now);
        Then::AskAzure
    }

    /// Takes in what Azure says.
    pub fn found(&mut self, found: Found, rule: AfterUse, now: DateTime<Utc>) -> Then {
        // Meanwhile it may have been used, or somebody have said something.
        let is_idle = self.idle >= self.threshold();
        let is_settled = self.started.left || self.started.dealt.is_some() || self.started.is_postponed(now);
        match (found, rule) {
            // Whoever was asked has nothing to say about it while somebody else uses it.
            (Found::Others, _) => self.in_use(),
            (Found::Barred, _) => {
                (self.idle, self.told_at) = (TimeDelta::zero(), None);
                self.barred_at = Some(now);
            }
            (Found::Unread, _) => (self.idle, self.told_at) = (TimeDelta::zero(), None),
            (Found::Idle, _) if !is_idle || is_settled => {}
            (Found::Idle, AfterUse::Leave) => self.told_at = None,
            (Found::Idle, AfterUse::Ask) => (self.started.dealt, self.told_at) = (Some(Dealt::Asked), None),
            (Found::Idle, AfterUse::Deallocate) => match self.told_at {
                None => self.told_at = Some(self.idle),
                Some(told) if self.idle >= told + NOTICE => {
                    (self.started.dealt, self.told_at) = (Some(Dealt::Deallocated), None);
                    return Then::Deallocate;
                }
                Some(_) => {}
            },
        }
        Then::Wait
    }

    /// Somebody has said what is to be done.
    pub fn keep(&mut self, keep: Keep, now: DateTime<Utc>) {
        self.in_use();
        match keep {
            Keep::Later => self.started.postponed_until = Some(now + POSTPONED_FOR),
            Keep::Running => self.started.left = true,
        }
    }

    /// Whether somebody is asked what is to be done.
    pub fn question(&self, rule: AfterUse) -> bool {
        rule != AfterUse::Leave && self.started.dealt == Some(Dealt::Asked) && !self.started.left
    }

    /// How long it is until it is deallocated, if nobody calls that back.
    pub fn deallocates_in(&self, rule: AfterUse) -> Option<TimeDelta> {
        let told = self.told_at.filter(|_| rule == AfterUse::Deallocate && !self.started.left)?;
        Some((told + NOTICE - self.idle).max(TimeDelta::zero()))
    }
}
