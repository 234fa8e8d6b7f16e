//! Asking Azure for access: together where several ask the same policy, noted before it is sent, and heard also after its attempt.

use ajar_core::access_window::granted;
use ajar_core::account::Acting;
use ajar_core::attempt::{Ask, Effect, Fact, InitiateFailure, Order, Outcome, Unsettled};
use ajar_core::journal::{Opening, OpeningResult};
use ajar_core::policy::JitNetworkAccessRequest;
use ajar_core::snapshot::AttemptNumber;
use chrono::{DateTime, Utc};

use super::Engine;
use super::effects::{Happened, Start};
use super::together::{Standing, Turn};
use crate::files::{Granted, Sent, State};
use crate::ports::Asking;

type Answered = Result<JitNetworkAccessRequest, InitiateFailure>;

/// What Azure has said to a request for access, and what that was.
pub(super) struct Answer {
    attempt: AttemptNumber,
    order: Order,
    acting: Acting,
    ask: Ask,
    sent_at: DateTime<Utc>,
    result: Answered,
}

impl Engine {
    /// Whose turn it is to ask for access.
    pub(super) fn turn(&mut self, now: DateTime<Utc>) -> Turn {
        if self.together.is_empty() {
            return Turn::default();
        }
        let all = self.attempts.all();
        let standings: Vec<_> = all.map(|working| (working.attempt.number(), working.standing(now))).collect();
        let standing = |number| standings.iter().find(|(known, _)| *known == number).map(|(_, standing)| *standing);
        self.together.turn(now, |number| standing(number).unwrap_or(Standing::Out))
    }

    /// Sends what is asked of one policy by those that have waited for each other, as the same account and for the same
    /// reason, as one request. Gives back all else.
    pub(super) fn ask_together(&mut self, starts: Vec<(Effect, Start)>, turn: &Turn) -> Vec<(Effect, Start)> {
        let (mut groups, mut others): (Vec<Vec<(Ask, Start)>>, _) = (Vec::new(), Vec::new());
        for (effect, start) in starts {
            let Some(group) = turn.group(start.number) else {
                others.push((effect, start));
                continue;
            };
            let Effect::Initiate(ask) = effect else {
                others.push((effect, start));
                continue;
            };
            let goes_along = |(asked, known): &(Ask, Start)| {
                turn.group(known.number) == Some(group) && goes_with((asked, &known.acting), (&ask, &start.acting))
            };
            match groups.iter_mut().find(|group| group.first().is_some_and(goes_along)) {
                Some(group) => group.push((ask, start)),
                None => groups.push(vec![(ask, start)]),
            }
        }
        for group in groups {
            self.initiate(group);
        }
        others
    }

    /// Sends a request for access to one or several VMs, having written down that it is sent: if this process dies before the answer, the
    /// next host looks for the request instead of sending another.
    pub(super) fn initiate(&mut self, asked: Vec<(Ask, Start)>) {
        let sent_at = self.now();
        let sent = |(ask, start): &(Ask, Start)| {
            let source = ask.subnet.is_none().then_some(ask.source);
            let is_source_named = is_source_named(ask, &start.order);
            (State::key(&start.order.place(), ask.port), Sent { at: sent_at, source, is_source_named })
        };
        let sent: Vec<_> = asked.iter().map(sent).collect();
        let written = self.remembered.change(move |state| state.unsettled.extend(sent.iter().cloned()));
        let happened = self.happened.clone();
        tokio::spawn(async move {
            if written.await.is_err() {
                // The engine has ended before it was written down, and so before it was sent.
                return;
            }
            let results = results(&asked).await;
            for ((ask, start), result) in asked.into_iter().zip(results) {
                let Start { number: attempt, order, acting, .. } = start;
                let answer = Answer { attempt, order, acting, ask, sent_at, result };
                drop(happened.send(Happened::Initiated(Box::new(answer))));
            }
        });
    }

    /// Azure has answered a request for access; wanted even if the attempt is over.
    pub(super) fn initiated(&mut self, answer: Answer) {
        let (vm, now) = (answer.order.place(), self.now());
        self.initiating.retain(|asked| *asked != vm);
        let windows = answer.result.as_ref().map(|request| granted(request, &vm.id, None).collect::<Vec<_>>());
        for window in windows.unwrap_or_default() {
            let named = is_source_named(&answer.ask, &answer.order);
            self.hold_ours(&answer.order.name, &vm, Granted::new(window, named), now);
        }
        self.write_down_late(&answer, now);
        // Last: whoever comes after a process killed in between still knows whose window it is.
        if !matches!(answer.result, Err(InitiateFailure::Unanswered(_))) {
            self.settled(State::key(&vm, answer.ask.port));
        }
        self.apply(answer.attempt, Fact::Initiated(answer.result), now);
    }

    /// Notes in the journal what was granted after its attempt had ended without it: what is there of that says that nothing was opened.
    fn write_down_late(&mut self, answer: &Answer, now: DateTime<Utc>) {
        let Ok(request) = &answer.result else { return };
        let outcome = self.attempts.working(answer.attempt).map(|working| working.attempt.outcome().cloned());
        let is_late = match outcome {
            None | Some(Some(Outcome::Failed { .. } | Outcome::Cancelled(_))) => true,
            Some(None | Some(Outcome::Connected { .. } | Outcome::Extended { .. })) => false,
        };
        let (order, ask) = (&answer.order, &answer.ask);
        let window = granted(request, &order.vm, None).find(|window| window.port == ask.port);
        let Some(window) = window.filter(|_| is_late) else { return };
        self.add_to_journal(Opening {
            at: answer.sent_at,
            name: order.name.clone(),
            vm: order.vm.clone(),
            port: ask.port,
            protocol: order.protocol,
            cloud: Some(answer.acting.cloud.clone()),
            account: Some(answer.acting.account.to_string()),
            source: ask.subnet.is_none().then_some(ask.source),
            bastion: None,
            reason: ask.justification.clone(),
            result: OpeningResult::Granted,
            code: None,
            requested: true,
            started: false,
            end_time_utc: Some(window.end_time_utc),
            elapsed_ms: (now - answer.sent_at).num_milliseconds().try_into().unwrap_or_default(),
            by_itself: order.renews.is_some(),
        });
    }

    /// The request for a port whose answer nobody has heard yet.
    pub(super) fn unsettled(&self, key: &str) -> Option<Unsettled> {
        let sent = self.remembered.state().unsettled.get(key)?;
        Some(Unsettled { since: sent.at, source: sent.source })
    }
}

/// Whether a request goes along with all that begin just now for the same VM, and are about other ports of it.
pub(super) fn goes_along(
    starts: &[(Effect, Start)],
    turn: &Turn,
    (number, order): (AttemptNumber, &Order),
    (ask, acting): (&Ask, &Acting),
) -> bool {
    let of_vm = |(effect, start): &'_ &(Effect, Start)| {
        matches!(effect, Effect::Initiate(_)) && start.order.place() == order.place()
    };
    let is_along = |(effect, start): &(Effect, Start)| {
        let Effect::Initiate(asked) = effect else { return false };
        let is_of_group = turn.group(number).is_some_and(|group| turn.group(start.number) == Some(group));
        is_of_group && asked.port != ask.port && goes_with((asked, &start.acting), (ask, acting))
    };
    let mut others = starts.iter().filter(of_vm).peekable();
    others.peek().is_some() && others.all(is_along)
}

/// Whether what is asked can be asked in one request: of one policy, as one account, for one reason.
fn goes_with((one, by): (&Ask, &Acting), (other, by_other): (&Ask, &Acting)) -> bool {
    (by, &one.policy, &one.justification) == (by_other, &other.policy, &other.justification)
}

fn is_source_named(ask: &Ask, order: &Order) -> bool {
    order.chosen_source.is_some() || ask.subnet.is_some()
}

/// What came of requests for access that go as one.
async fn results(asked: &[(Ask, Start)]) -> Vec<Answered> {
    match asked {
        [] => Vec::new(),
        [(ask, start)] => vec![start.azure.initiate(&start.order.vm, ask, &start.wanted).await],
        [(_, first), ..] => {
            let one = |(ask, start): &(Ask, Start)| Asking {
                vm: start.order.vm.clone(),
                ask: ask.clone(),
                wanted: start.wanted.clone(),
            };
            first.azure.initiate_together(&asked.iter().map(one).collect::<Vec<_>>()).await
        }
    }
}
