//! A whole attempt to open a VM: the domain's rules decide, the real client and real sockets act. Where nothing is under
//! way its time leaps to the next moment that matters, because it waits minutes for what Azure may show late.

use std::time::Duration;

use ajar_azure::{ArmClient, Initiate, InitiateError, Wanted};
use ajar_core::attempt::{Attempt, Effect, Fact, InitiateFailure, Memory, Order, Outcome};
use ajar_core::failure::Failure;
use ajar_core::port::{Endpoint, PortAnswer, Protocol};
use ajar_core::snapshot::AttemptNumber;
use chrono::{TimeDelta, Utc};
use futures::future::{BoxFuture, pending};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::calls::{Came, Subject};

const NUMBER: AttemptNumber = AttemptNumber(1);

/// How much faster the attempt's time passes than ours where nothing is under way.
const SPEED: i32 = 100;

/// The pause between two looks at a port.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Opens the VM of `subject` from an address that is known.
pub(crate) async fn open(client: &ArmClient, subject: &Subject) -> Came {
    let mut now = Utc::now();
    let mut attempt = Attempt::new(NUMBER, order(subject), Memory::default(), now);
    let mut under_way = FuturesUnordered::new();
    let mut look: BoxFuture<'_, Fact> = pending().boxed();
    loop {
        for effect in attempt.next(now) {
            attempt.begun(&effect, now);
            if let Effect::ProbePort { endpoint, .. } = effect {
                look = until_open(endpoint).boxed();
            } else {
                under_way.push(fact(client, subject, effect));
            }
        }
        if let Some(outcome) = attempt.outcome() {
            return match outcome {
                Outcome::Connected { .. } | Outcome::Extended { .. } => Came::Done,
                Outcome::Failed { trouble, .. } => Came::Failed(trouble.clone()),
                Outcome::Cancelled(failure) => Came::Failed(failure.clone().into()),
            };
        }
        let began = Instant::now();
        let wake = attempt.wake_at().unwrap();
        let leap = ((wake - now) / SPEED).to_std().unwrap_or_default();
        let came = tokio::select! {
            Some(fact) = under_way.next() => Some(fact),
            fact = &mut look => {
                look = pending().boxed();
                Some(fact)
            }
            () = sleep(leap), if under_way.is_empty() => None,
        };
        if let Some(fact) = came {
            now += TimeDelta::from_std(began.elapsed()).unwrap();
            attempt.apply(NUMBER, fact, now);
        } else {
            now = wake;
            attempt.tick(now);
        }
    }
}

fn order(subject: &Subject) -> Order {
    Order {
        name: "cell".parse().unwrap(),
        cloud: "sim".into(),
        vm: subject.vm.clone(),
        port: 22,
        protocol: Protocol::Ssh,
        is_supposed: false,
        access: Some(TimeDelta::hours(1)),
        justification: None,
        wants_reason: None,
        address: ajar_core::profile::AddressChoice::Automatic,
        own_ways: false,
        may_start: true,
        extends: false,
        follows: false,
        renews: None,
        passing: false,
        chosen_source: Some([203, 0, 113, 24].into()),
        subnet: None,
        launch: false,
        wishes: Vec::new(),
    }
}

async fn fact(client: &ArmClient, subject: &Subject, effect: Effect) -> Fact {
    match effect {
        Effect::ReadPolicy => Fact::Policies(client.jit_policies(&subject.vm).await),
        Effect::ReadVm => Fact::Vm(client.virtual_machine(&subject.vm).await),
        Effect::ResolveAddress { network_interfaces } => Fact::Addresses(client.addresses(&network_interfaces).await),
        Effect::FindBastion { .. } => Fact::Bastion(Err(Failure::NoBastion.into())),
        Effect::StartVm => Fact::Started(client.start(&subject.vm, &Wanted::new()).await),
        Effect::Initiate(ask) => {
            let asked = Initiate {
                vm: subject.vm.clone(),
                port: ask.port,
                source: ask.prefix(),
                end_time_utc: ask.end_time_utc,
                duration: ask.duration,
                justification: ask.justification,
            };
            Fact::Initiated(client.initiate(&ask.policy, &asked, &Wanted::new()).await.map_err(|error| match error {
                InitiateError::Refused(trouble) => InitiateFailure::Refused(trouble),
                InitiateError::Unanswered(trouble) => InitiateFailure::Unanswered(trouble),
            }))
        }
        Effect::ProbePort { .. } | Effect::DetectSource | Effect::LaunchClient { .. } => {
            panic!("{effect:?} was not wanted")
        }
    }
}

/// Comes back when the port answers: an attempt gives up a look by itself.
async fn until_open(endpoint: Endpoint) -> Fact {
    while TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await.is_err() {
        sleep(LOOK_AGAIN).await;
    }
    Fact::Port { endpoint, answer: PortAnswer::Open }
}
