//! Facts, failures, cancels, ticks and leaps of the clock in any order.

use std::collections::HashMap;

use chrono::TimeDelta;
use proptest::prelude::*;

use super::script::*;
use crate::attempt::{Ask, Attempt, Effect, Fact, InitiateFailure, Memory, Order, Outcome, Proposed};
use crate::failure::Failure;
use crate::policy::JitNetworkAccessPolicy;
use crate::port::{Endpoint, PortAnswer};
use crate::snapshot::AttemptNumber;
use crate::vm::{PowerState, VmFacts};

/// Something that happens to an attempt.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// The effect under way at this place (modulo how many there are) comes back, in one of its ways.
    Answer(usize, u8),
    /// A result of an older attempt.
    Stale(u8),
    /// Time passes until the attempt wants to be woken.
    Wake,
    /// Some time passes, less than a wake-up may take.
    Pass(u16),
    /// The machine sleeps or the clock is set.
    Leap(i32),
    Cancel,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        12 => (any::<usize>(), any::<u8>()).prop_map(|(which, how)| Event::Answer(which, how)),
        1 => any::<u8>().prop_map(Event::Stale),
        4 => Just(Event::Wake),
        2 => (0..30_000_u16).prop_map(Event::Pass),
        1 => (-300_000..300_000_i32).prop_map(Event::Leap),
        1 => (0..20_u8).prop_map(|n| if n == 0 { Event::Cancel } else { Event::Wake }),
    ]
}

fn beginning() -> impl Strategy<Value = (Order, Memory)> {
    (any::<[bool; 11]>(), proptest::option::of(-150..30_i64)).prop_map(|(flags, sent)| {
        let [start, launch, chosen, known, held, extends, why, follows, elsewhere, own_ways, supposed] = flags;
        let launch = launch && !extends;
        let order = Order {
            may_start: start,
            launch,
            own_ways,
            is_supposed: supposed && !extends,
            extends,
            follows: extends && follows,
            chosen_source: chosen.then_some(ME),
            wants_reason: why.then(Proposed::default),
            ..order()
        };
        let memory = Memory {
            endpoint: known.then(|| endpoint(VM, 22)),
            window: held.then(|| granted_to(if elsewhere { ELSEWHERE } else { ME }, 120)),
            principal: None,
            unsettled: sent.map(|seconds| unsettled(noon() + TimeDelta::seconds(seconds))),
        };
        (order, memory)
    })
}

/// An attempt, the effects under way, and what an observer knows who sees only effects and facts.
struct Run {
    attempt: Attempt,
    now: chrono::DateTime<chrono::Utc>,
    flying: Vec<Effect>,
    last_look: HashMap<Endpoint, PortAnswer>,
    vm: Option<VmFacts>,
    source_told: bool,
    policies: Option<Vec<JitNetworkAccessPolicy>>,
    /// No answer came, and the policies have not been read since.
    looked_for: bool,
    starts: u32,
    /// How many requests were sent since Azure last refused one, that of an earlier host among them.
    unrefused: u32,
    /// Since when, in the attempt's time, reading the VM has told no state.
    untold_since: Option<i64>,
}

impl Run {
    fn new(order: Order, memory: Memory) -> Self {
        let source_told = order.chosen_source.is_some();
        let unrefused = u32::from(memory.unsettled.is_some());
        let attempt = Attempt::new(NUMBER, order, memory, noon());
        let mut run = Self {
            attempt,
            now: noon(),
            flying: Vec::new(),
            last_look: HashMap::new(),
            vm: None,
            source_told,
            policies: None,
            looked_for: true,
            starts: 0,
            unrefused,
            untold_since: None,
        };
        run.go_on();
        run
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Answer(which, how) => {
                if !self.flying.is_empty() {
                    let effect = self.flying.remove(which % self.flying.len());
                    self.answer(&effect, how);
                }
            }
            Event::Stale(how) => {
                let before = format!("{:?}", self.attempt);
                let fact = answers(&Effect::ReadVm, how, self.now);
                self.attempt.apply(AttemptNumber(NUMBER.0 - 1), fact, self.now + TimeDelta::hours(1));
                assert_eq!(format!("{:?}", self.attempt), before);
            }
            Event::Wake => self.wake(),
            Event::Pass(milliseconds) => self.observe(TimeDelta::milliseconds(milliseconds.into())),
            Event::Leap(seconds) => self.observe(TimeDelta::seconds(seconds.into())),
            Event::Cancel => self.attempt.cancel(self.now),
        }
        self.go_on();
    }

    fn wake(&mut self) {
        if let Some(wake) = self.attempt.wake_at() {
            assert!(wake > self.attempt.clock.seen(), "it wakes at a time that has been");
            self.observe(wake.max(self.now) - self.now);
        }
    }

    fn observe(&mut self, passed: TimeDelta) {
        self.now += passed;
        self.attempt.tick(self.now);
    }

    fn answer(&mut self, effect: &Effect, how: u8) {
        let fact = answers(effect, how, self.now);
        if self.attempt.outcome().is_none() {
            match &fact {
                Fact::Port { endpoint, answer } => drop(self.last_look.insert(endpoint.clone(), *answer)),
                Fact::Source(result) => self.source_told |= result.is_ok(),
                Fact::Policies(result) => {
                    self.policies = result.clone().ok().or(self.policies.take());
                    self.looked_for |= result.is_ok();
                }
                Fact::Vm(result) => {
                    self.vm = result.clone().ok();
                    let untold = self.vm.as_ref().is_some_and(|vm| vm.power == PowerState::Unknown);
                    let at = self.attempt.clock.at(self.now);
                    self.untold_since = untold.then(|| self.untold_since.unwrap_or(at));
                }
                Fact::Initiated(Err(InitiateFailure::Unanswered(_))) => self.looked_for = false,
                Fact::Initiated(Err(InitiateFailure::Refused(_))) => self.unrefused = 0,
                Fact::Addresses(_) | Fact::Bastion(_) | Fact::Initiated(_) | Fact::Started(_) | Fact::Client(_) => {}
            }
        }
        self.attempt.apply(NUMBER, fact, self.now);
    }

    fn go_on(&mut self) {
        let over = self.attempt.outcome().is_some();
        let effects = self.attempt.next(self.now);
        assert!(!over || effects.is_empty(), "it goes on after its end");
        for effect in effects {
            self.may(&effect);
            self.attempt.begun(&effect, self.now);
            self.flying.push(effect);
        }
        if over {
            assert_eq!(self.attempt.wake_at(), None);
            self.may_end();
            steps_are_closed(&self.attempt, self.now);
        }
    }

    /// Whether an effect may begin, judged from outside.
    fn may(&mut self, effect: &Effect) {
        let of_an_extension = matches!(effect, Effect::DetectSource | Effect::ReadPolicy | Effect::Initiate(_));
        assert!(of_an_extension || !self.attempt.order().extends, "{effect:?} for more time");
        let repeated = |other: &Effect| std::mem::discriminant(other) == std::mem::discriminant(effect);
        match effect {
            Effect::FindBastion { .. } => assert!(!self.flying.iter().any(repeated)),
            Effect::LaunchClient { endpoint } => {
                assert_eq!(self.last_look.get(endpoint), Some(&PortAnswer::Open), "launched at a closed port");
                assert!(!self.flying.iter().any(repeated));
            }
            Effect::Initiate(ask) => {
                assert!(!self.flying.iter().any(repeated), "two requests in flight");
                assert!(self.attempt.order().wants_reason.is_none(), "nobody has said why");
                self.may_ask(ask);
                self.unrefused += 1;
            }
            Effect::StartVm => {
                self.starts += 1;
                assert_eq!(self.starts, 1, "started twice");
                assert!(self.attempt.order().may_start, "started against the profile");
                let at = self.attempt.clock.last();
                let untold = self.untold_since.is_some_and(|since| at - since >= 10_000);
                let rests = self.vm.as_ref().is_some_and(|vm| vm.power.needs_start());
                assert!(rests || untold, "started without need");
                assert!(self.source_told && self.policies.is_some(), "started behind a door that may stay shut");
            }
            Effect::DetectSource | Effect::ReadPolicy | Effect::ReadVm | Effect::ResolveAddress { .. } => {
                assert!(!self.flying.iter().any(repeated), "{effect:?} twice at once");
            }
            Effect::ProbePort { by_own_way, .. } => {
                assert!(
                    !by_own_way || self.attempt.order().own_ways,
                    "a private address that may be another machine's"
                );
            }
        }
    }

    fn may_end(&self) {
        if let Some(Outcome::Failed { trouble, .. }) = self.attempt.outcome()
            && let Failure::RequestUnanswered { sent, .. } = trouble.failure
        {
            assert!(sent <= self.unrefused, "{sent} unanswered of {}", self.unrefused);
        }
    }

    fn may_ask(&self, ask: &Ask) {
        assert!(self.source_told, "asked without a source");
        assert_eq!(ask.source, ME);
        let rules = self.policies.iter().flatten().flat_map(|policy| &policy.virtual_machines);
        let longest = rules.flat_map(|vm| &vm.ports).filter_map(|rule| rule.max_request_access_duration).max();
        assert!(longest.is_some_and(|max| ask.end_time_utc - self.now <= max), "asked for more than the policy allows");
        if self.attempt.order().extends {
            let prior = self.attempt.prior.as_ref().expect("something is open");
            let (is_from_elsewhere, follows) = (!prior.admits(ask.source), self.attempt.order().follows);
            assert!(is_from_elsewhere || (!follows && prior.end_time_utc < ask.end_time_utc), "no more time");
            let shortest = self.now + TimeDelta::seconds(350);
            assert!(!follows || ask.end_time_utc <= prior.end_time_utc.max(shortest), "more than is left");
        } else {
            assert_eq!(self.attempt.window(self.now), None, "asked although a window is open");
        }
        assert_eq!(self.attempt.asking.unsettled, None, "asked while a request is looked for");
        assert!(self.looked_for, "asked again without looking for the first");
    }
}

/// One of the ways an effect can come back.
fn answers(effect: &Effect, how: u8, now: chrono::DateTime<chrono::Utc>) -> Fact {
    let minutes = |more: i64| (now - noon()).num_minutes() + more;
    match effect {
        Effect::ProbePort { endpoint, .. } => {
            let found = [PortAnswer::Open, PortAnswer::Refused, PortAnswer::Silent, PortAnswer::Stranger];
            Fact::Port { endpoint: endpoint.clone(), answer: found[usize::from(how / 16).min(3)] }
        }
        Effect::DetectSource if how < 20 => Fact::Source(Err(Failure::SourceUncertain { seen: vec![ME] }.into())),
        Effect::DetectSource => source(),
        Effect::ReadPolicy => match how {
            0..10 => Fact::Policies(Err(trouble())),
            10..20 => Fact::Policies(Ok(vec![])),
            20..60 => policies_open_until(minutes(i64::from(how))),
            60..90 => {
                let mut behind = policy();
                behind.virtual_machines[0].public_ip_address = Some(FIREWALL);
                Fact::Policies(Ok(vec![behind]))
            }
            _ => policies(),
        },
        Effect::ReadVm => {
            use PowerState::{Deallocated, Deallocating, Running, Starting, Stopped, Unknown};
            let states = [Running, Deallocated, Stopped, Starting, Deallocating, Unknown, Running, Deallocated];
            if how < 8 { Fact::Vm(Err(trouble())) } else { vm(states[usize::from(how % 8)]) }
        }
        Effect::ResolveAddress { .. } => match how {
            0..8 => Fact::Addresses(Err(trouble())),
            8..60 => address(None, false),
            60..120 => address(Some(FIREWALL), false),
            _ => address(Some(VM), how.is_multiple_of(2)),
        },
        Effect::Initiate(_) => match how {
            0..60 => unanswered(),
            60..64 => Fact::Initiated(Err(InitiateFailure::Refused(trouble()))),
            64..84 => refused(),
            84..100 => Fact::Initiated(Ok(request(minutes(2), Some(9_022)))),
            _ => granted_until(minutes(120)),
        },
        Effect::FindBastion { .. } => Fact::Bastion(Err(Failure::NoBastion.into())),
        Effect::StartVm => Fact::Started(if how < 20 { Err(trouble()) } else { Ok(()) }),
        Effect::LaunchClient { .. } => Fact::Client(if how < 60 { Err(trouble()) } else { Ok(()) }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_order_of_events_an_attempt_keeps_its_rules_and_time_alone_ends_it(
        (order, memory) in beginning(),
        events in proptest::collection::vec(event(), 0..60),
    ) {
        let mut run = Run::new(order, memory);
        for event in events {
            run.happens(event);
        }
        // From here on nothing comes back any more. The longest limit is 25 minutes, and a lost look takes 14 seconds.
        for _ in 0..1_000 {
            if run.attempt.outcome().is_none() {
                run.happens(Event::Wake);
            }
        }
        prop_assert!(run.attempt.outcome().is_some(), "still under way: {:?}", run.attempt);
        run.happens(Event::Answer(0, 200));
        run.happens(Event::Leap(86_400));
    }
}
