//! An Azure that shows in its policies late what it has granted, and loses answers: nothing is asked for twice.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::script::*;
use crate::attempt::{Ask, Attempt, Effect, Fact, InitiateFailure, Memory};
use crate::failure::Failure;
use crate::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use crate::port::{Endpoint, PortAnswer};
use crate::vm::PowerState;

/// What becomes of a request whose answer gets lost.
#[derive(Clone, Copy, Debug)]
struct Lost {
    /// How many seconds after it was sent it is granted, if it arrives; by its answer's time at the latest.
    granted: Option<i64>,
    /// How many seconds after it was sent its answer is known to be lost.
    known: i64,
}

/// A host that is killed so many seconds after its first request was sent, and the one that comes after it so much later.
#[derive(Clone, Copy, Debug)]
struct Killed {
    after: i64,
    next: i64,
}

#[derive(Clone, Debug)]
struct Case {
    /// How many seconds after it was granted a policy that is read shows a request.
    lag: i64,
    /// How many seconds each reading of the policies takes.
    reading: Vec<i64>,
    requests: Vec<Lost>,
    killed: Option<Killed>,
}

/// Azure, and what is on its way from it.
struct Azure {
    case: Case,
    now: DateTime<Utc>,
    /// When the requests were sent, and when they were granted.
    sent: Vec<DateTime<Utc>>,
    granted: Vec<(DateTime<Utc>, Ask)>,
    readings: usize,
    coming: Vec<(DateTime<Utc>, Fact)>,
}

impl Azure {
    fn new(case: Case) -> Self {
        Self { case, now: noon(), sent: vec![], granted: vec![], readings: 0, coming: vec![] }
    }

    /// One host's attempt, until `until` at the longest.
    fn host(&mut self, memory: Memory, until: DateTime<Utc>) -> Attempt {
        let mut attempt = Attempt::new(NUMBER, order(), memory, self.now);
        loop {
            for effect in attempt.next(self.now) {
                attempt.begun(&effect, self.now);
                self.takes(&effect);
            }
            let Some(wake) = attempt.wake_at() else { return attempt };
            let next = self.coming.iter().map(|(at, _)| *at).chain([wake]).min().unwrap();
            if next >= until {
                self.now = until;
                return attempt;
            }
            self.now = next;
            attempt.tick(self.now);
            let arrived: Vec<_> = self.coming.extract_if(.., |(at, _)| *at <= next).collect();
            for (_, fact) in arrived {
                attempt.apply(NUMBER, fact, self.now);
            }
        }
    }

    fn takes(&mut self, effect: &Effect) {
        let (seconds, fact) = match effect {
            Effect::DetectSource => (0, source()),
            Effect::ReadPolicy => {
                self.readings += 1;
                let reading = &self.case.reading;
                (reading[self.readings % reading.len()], Fact::Policies(Ok(vec![self.shown()])))
            }
            Effect::ReadVm => (0, vm(PowerState::Running)),
            Effect::ResolveAddress { .. } => (0, address(Some(VM), true)),
            // Something else keeps it shut, so that only the policies can tell.
            Effect::ProbePort { endpoint, .. } => (10, shut(endpoint)),
            Effect::Initiate(ask) => {
                let lost = self.case.requests[self.sent.len().min(self.case.requests.len() - 1)];
                self.sent.push(self.now);
                if let Some(granted) = lost.granted {
                    self.granted.push((self.now + TimeDelta::seconds(granted.min(lost.known)), ask.clone()));
                }
                let why = Failure::Unreachable { host: "management.azure.com".into(), detail: "reset".into() };
                (lost.known, Fact::Initiated(Err(InitiateFailure::Unanswered(why.into()))))
            }
            Effect::FindBastion { .. } | Effect::StartVm | Effect::LaunchClient { .. } => unreachable!("{effect:?}"),
        };
        self.coming.push((self.now + TimeDelta::seconds(seconds), fact));
    }

    /// The policy as a reading shows it that begins now.
    fn shown(&self) -> JitNetworkAccessPolicy {
        let lag = TimeDelta::seconds(self.case.lag);
        let shown = self.granted.iter().filter(|(at, _)| *at + lag <= self.now);
        let requests = shown.map(|(at, ask)| {
            let mut shown = JitNetworkAccessRequest { start_time_utc: *at, ..request(0, None) };
            shown.virtual_machines[0].ports[0].end_time_utc = ask.end_time_utc;
            shown
        });
        JitNetworkAccessPolicy { requests: requests.collect(), ..policy() }
    }
}

fn shut(endpoint: &Endpoint) -> Fact {
    Fact::Port { endpoint: endpoint.clone(), answer: PortAnswer::Silent }
}

/// When the requests were granted.
fn granted(case: Case) -> Vec<DateTime<Utc>> {
    let killed = case.killed;
    let mut azure = Azure::new(case);
    let forever = noon() + TimeDelta::hours(1);
    let until = killed.map_or(forever, |killed| noon() + TimeDelta::seconds(killed.after));
    let first = azure.host(Memory::default(), until);
    if let Some(killed) = killed {
        azure.coming.clear();
        azure.now += TimeDelta::seconds(killed.next);
        let memory = Memory { unsettled: azure.sent.last().copied().map(unsettled), ..Memory::default() };
        assert!(azure.host(memory, forever).outcome().is_some(), "time ends it");
    } else {
        assert!(first.outcome().is_some(), "time ends it");
    }
    azure.granted.into_iter().map(|(at, _)| at).collect()
}

#[test]
fn a_request_that_a_policy_shows_a_minute_late_is_not_sent_again() {
    let at_once = Lost { granted: Some(1), known: 1 };
    let late = Lost { granted: Some(50), known: 50 };
    let lost = Lost { granted: None, known: 1 };
    for (lag, requests, killed, times) in [
        (60, vec![at_once], None, 1),
        (60, vec![late], None, 1),
        (0, vec![at_once], None, 1),
        // One that never arrived is sent once more, and that one is looked for as long.
        (60, vec![lost, at_once], None, 1),
        (60, vec![lost], None, 0),
        (60, vec![at_once], Some(Killed { after: 2, next: 1 }), 1),
        (60, vec![at_once], Some(Killed { after: 2, next: 70 }), 1),
        (60, vec![late], Some(Killed { after: 2, next: 1 }), 1),
        (60, vec![lost, at_once], Some(Killed { after: 2, next: 1 }), 1),
    ] {
        let case = Case { lag, reading: vec![1], requests, killed };
        assert_eq!(granted(case.clone()).len(), times, "{case:?}");
    }
}

fn lost() -> impl Strategy<Value = Lost> {
    // What has not come back after a minute is given up, and no other is sent beside it.
    (proptest::option::of(0..70_i64), 0..70_i64).prop_map(|(granted, known)| Lost { granted, known })
}

fn case() -> impl Strategy<Value = Case> {
    let reading = proptest::collection::vec(0..50_i64, 1..6);
    let requests = proptest::collection::vec(lost(), 1..4);
    let killed = proptest::option::of((0..200_i64, 0..200_i64).prop_map(|(after, next)| Killed { after, next }));
    (0..=60_i64, reading, requests, killed).prop_map(|(lag, reading, requests, killed)| Case {
        lag,
        reading,
        requests,
        killed,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_gets_lost_and_however_late_the_policies_are_at_most_one_request_is_granted(case in case()) {
        prop_assert!(granted(case).len() <= 1);
    }
}
