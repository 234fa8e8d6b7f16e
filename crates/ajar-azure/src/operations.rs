//! Long-running operations on a VM: one POST, and the ways to learn how it ends.
//!
//! The rules are those of Azure's `async-operations.md`: `Azure-AsyncOperation` tells most, `Location` less. Where
//! neither can be read (the right to start a VM does not bring the right to read operations), the VM itself tells.

use std::time::Duration;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::resource_id::VmResourceId;
use ajar_core::snapshot::Step;
use ajar_core::vm::PowerState;
use azure_core::http::headers::Headers;
use chrono::Utc;
use serde::Deserialize;
use tokio::time::{Instant, sleep};
use url::Url;

use crate::arm_client::{Answer, ArmClient, Asked, NoAnswer};
use crate::arm_error::{ArmError, Detail};
use crate::call::Call;
use crate::compute;
use crate::limits::Limits;
use crate::policies::{header, retry_after};
use crate::wanted::Wanted;
use crate::wire::if_understood;

const SHORTEST_WAIT: Duration = Duration::from_millis(20);
/// Reads in a row that may find the VM where it was: what Azure shows lags behind what it was told.
const READS_AT_REST: u32 = 8;
/// So often an operation is begun whose beginning Azure did not confirm, each time after a look at the VM: all of them
/// can be begun twice with the same end.
const MOST_POSTS: u32 = 3;
/// And so often where Azure says that something is in the way, or that there is no such VM: that may pass, and mostly stays.
const MOST_POSTS_WHEN_REFUSED: u32 = 2;
/// An operation that has not ended by now has been forgotten by Azure.
const LIMIT: Duration = Duration::from_mins(30);

/// What is done to a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Start,
    Deallocate,
}

impl Operation {
    fn path(self) -> &'static str {
        match self {
            Self::Start => "/start",
            Self::Deallocate => "/deallocate",
        }
    }

    fn call(self) -> Call {
        match self {
            Self::Start => Call::Start,
            Self::Deallocate => Call::Deallocate,
        }
    }

    fn is_done(self, power: PowerState) -> bool {
        match self {
            Self::Start => power == PowerState::Running,
            Self::Deallocate => power == PowerState::Deallocated,
        }
    }

    /// Whether a VM in this state is on its way to where the operation leads.
    fn is_under_way(self, power: PowerState) -> bool {
        match self {
            Self::Start => matches!(power, PowerState::Starting | PowerState::Running),
            Self::Deallocate => {
                matches!(power, PowerState::Stopping | PowerState::Deallocating | PowerState::Deallocated)
            }
        }
    }

    /// The VM stays in a state that the operation leads away from.
    fn unseen(self, power: PowerState) -> Failure {
        match self {
            Self::Start => Failure::StartUnseen { power },
            Self::Deallocate => Failure::DeallocationUnseen { power },
        }
    }

    /// It has not ended in time.
    fn forgotten(self) -> Trouble {
        match self {
            Self::Start => Failure::TimedOut { step: Step::Start }.into(),
            Self::Deallocate => Failure::DeallocationUnended.into(),
        }
    }

    fn failure(self, error: ArmError) -> Failure {
        match (self, error.no_capacity().map(str::to_owned)) {
            (Self::Start, Some(azure_code)) => Failure::AllocationFailed { azure_code, azure_message: error.message },
            (Self::Start, None) => Failure::StartFailed { azure_code: error.code, azure_message: error.message },
            (Self::Deallocate, _) => Failure::DeallocateFailed { azure_code: error.code, azure_message: error.message },
        }
    }
}

/// Hears that Azure has taken an order, or is seen to carry it out.
pub type TellBegun<'t> = dyn Fn() + Send + Sync + 't;

/// What came of the POST that begins an operation.
enum Begun {
    Done,
    Accepted(Answer),
    /// Azure may have taken it or not; it may be posted so often in all.
    Unsure(Trouble, u32),
}

/// What one look at a running operation shows.
enum Look {
    Done,
    NotYet,
    Failed(Trouble),
}

/// How long to wait for the next look.
struct Waits {
    limits: Limits,
    next: Duration,
    until: Instant,
}

impl Waits {
    fn new(limits: Limits) -> Self {
        Self { limits, next: limits.first_look, until: Instant::now() + LIMIT }
    }

    /// Waits as long as Azure asked, within bounds, or else a little longer each time. False when it is enough.
    async fn pass(&mut self, headers: Option<&Headers>) -> bool {
        // Zero counts as not said; the az CLI reads it so, too.
        let asked = headers.and_then(|headers| retry_after(headers, Utc::now())).filter(|wait| !wait.is_zero());
        let wait = asked.map_or(self.next, |wait| wait.clamp(SHORTEST_WAIT, self.limits.patience));
        if asked.is_none() {
            self.next = (self.next * 3 / 2).min(self.limits.longest_look);
        }
        sleep(wait).await;
        Instant::now() < self.until
    }
}

/// How far an operation is, as it comes over the wire.
#[derive(Debug, Deserialize)]
pub struct OperationStatus {
    status: String,
    #[serde(default, deserialize_with = "if_understood")]
    error: Option<Detail>,
}

/// Reads how far an operation is.
///
/// # Errors
/// Not JSON, or nothing that tells how far.
pub fn operation_status(json: &[u8]) -> serde_json::Result<OperationStatus> {
    serde_json::from_slice(json)
}

impl ArmClient {
    pub(crate) async fn operate(
        &self,
        vm: &VmResourceId,
        operation: Operation,
        wanted: &Wanted,
        begun: &TellBegun<'_>,
    ) -> Result<(), Trouble> {
        for sent in 1.. {
            let (trouble, most) = match self.begin(vm, operation, wanted).await? {
                Begun::Done => return Ok(()),
                Begun::Accepted(answer) => {
                    begun();
                    return self.follow(vm, operation, &answer).await;
                }
                Begun::Unsure(trouble, most) => (trouble, most),
            };
            match self.is_seen_under_way(vm, operation).await {
                Ok(true) => {
                    begun();
                    return self.watch(vm, operation, Waits::new(self.limits())).await;
                }
                Ok(false) if sent < most => tracing::debug!(sent, "the VM is at rest; telling it again"),
                Err(gone @ Trouble { failure: Failure::VmNotFound { .. }, .. }) => return Err(gone),
                _ => return Err(trouble),
            }
        }
        Ok(())
    }

    /// Sees an operation to its end that somebody has begun.
    pub(crate) async fn see_through(&self, vm: &VmResourceId, operation: Operation) -> Result<(), Trouble> {
        self.watch(vm, operation, Waits::new(self.limits())).await
    }

    /// Posts it once.
    async fn begin(&self, vm: &VmResourceId, operation: Operation, wanted: &Wanted) -> Result<Begun, Trouble> {
        let asked = Asked { call: operation.call(), scope: vm.resource().as_str() };
        let url = self.resource_url(vm.resource(), operation.path(), &[compute::API]);
        let had_left = wanted.has_left();
        let answer = match self.post(operation.call(), url, None, wanted).await {
            Ok(answer) => answer,
            Err(NoAnswer::NotSent(trouble)) => return Err(trouble),
            Err(NoAnswer::Unanswered(trouble)) => return Ok(Begun::Unsure(trouble, MOST_POSTS)),
        };
        match answer.status {
            200..300 => Ok(match answer.check(operation.call()) {
                // A page of somebody's on the way.
                Err(trouble) => Begun::Unsure(trouble, MOST_POSTS),
                Ok(()) if answer.status == 202 => Begun::Accepted(answer),
                Ok(()) => Begun::Done,
            }),
            status => {
                let error = ArmError::of_body(&answer.body);
                // Something else may be being done to the VM, perhaps the very same. The code does not tell: Azure's
                // `OperationNotAllowed` stands for this and for a quota that is used up.
                let stays = ["ScopeLocked", "ReadOnlyDisabledSubscription"].iter().any(|code| error.has(code));
                let busy = status == 409 && error.no_capacity().is_none() && !stays;
                let trouble = match self.refusal(&answer, asked) {
                    // An empty body says nothing of the operation.
                    Trouble { failure: Failure::AzureError { .. }, correlation_id } if !error.is_empty() => {
                        Trouble { failure: operation.failure(error), correlation_id }
                    }
                    other => other,
                };
                // A 5xx, and whoever answers in Azure's place, say no more than silence does. Whether there is no such VM is
                // for a look at it to say.
                match (&trouble.failure, status) {
                    _ if busy => Ok(Begun::Unsure(trouble, MOST_POSTS_WHEN_REFUSED)),
                    (Failure::Unavailable { .. }, _) => Ok(Begun::Unsure(trouble, 1)),
                    (Failure::NotFromAzure { .. }, _) | (_, 408 | 500..) => Ok(Begun::Unsure(trouble, MOST_POSTS)),
                    (_, 404) => {
                        // One that was not answered may have been applied still.
                        if !had_left {
                            wanted.came_back();
                        }
                        Ok(Begun::Unsure(trouble, MOST_POSTS_WHEN_REFUSED))
                    }
                    _ => Err(trouble),
                }
            }
        }
    }

    /// After an answer that leaves open what happens: whether the VM is seen to be on its way.
    async fn is_seen_under_way(&self, vm: &VmResourceId, operation: Operation) -> Result<bool, Trouble> {
        let mut waits = Waits::new(self.limits());
        let mut looks = 0;
        loop {
            let power = self.vm_view(vm).await?.facts.power;
            // One that stops may be no more than powered off by somebody, and is told again when it rests.
            let stops = operation == Operation::Deallocate && power == PowerState::Stopping;
            if operation.is_under_way(power) && !stops {
                return Ok(true);
            }
            looks += u32::from(!stops);
            if looks == 2 || !waits.pass(None).await {
                return Ok(false);
            }
        }
    }

    /// Follows an accepted operation to its end, by the best way that can be read.
    async fn follow(&self, vm: &VmResourceId, operation: Operation, accepted: &Answer) -> Result<(), Trouble> {
        let mut waits = Waits::new(self.limits());
        let mut first = Some(&accepted.headers);
        for (name, read) in [
            ("azure-asyncoperation", (Call::Operation, read_status as ReadLook)),
            ("location", (Call::OperationResult, read_location as ReadLook)),
        ] {
            let Some(url) = header(&accepted.headers, name) else { continue };
            let url = match self.own_url(url) {
                Ok(url) => url,
                Err(failure) => {
                    tracing::warn!(?failure, "not followed");
                    continue;
                }
            };
            if let Some(end) = self.poll(&url, vm, operation, read, &mut waits, first.take()).await {
                return end;
            }
            tracing::debug!(header = name, "the operation can't be read this way");
        }
        self.watch(vm, operation, waits).await
    }

    /// Polls one URL to the end; `None` if it can't be read.
    async fn poll(
        &self,
        url: &Url,
        vm: &VmResourceId,
        operation: Operation,
        (call, read): (Call, ReadLook),
        waits: &mut Waits,
        accepted: Option<&Headers>,
    ) -> Option<Result<(), Trouble>> {
        let asked = Asked { call, scope: vm.resource().as_str() };
        let mut headers = accepted.cloned();
        let mut failed = 0;
        loop {
            if !waits.pass(headers.as_ref()).await {
                return Some(Err(operation.forgotten()));
            }
            match self.read(url.clone(), asked).await {
                Ok(answer) => {
                    failed = 0;
                    match read(&answer, operation)? {
                        Look::Done => return Some(Ok(())),
                        Look::Failed(trouble) => return Some(Err(trouble)),
                        Look::NotYet => headers = Some(answer.headers.clone()),
                    }
                }
                Err(trouble) if trouble.failure.is_passing() && failed < self.limits().failed_looks => {
                    failed += 1;
                    headers = None;
                }
                Err(trouble) if ends_the_watch(&trouble.failure) => {
                    return Some(Err(trouble));
                }
                // A `Location` may also give the operation's own error as its status; elsewhere it is one of the reading.
                Err(Trouble { failure: Failure::AzureError { status, azure_code, azure_message }, correlation_id })
                    if call == Call::OperationResult
                        && (400..500).contains(&status)
                        && status != 404
                        && !azure_code.is_empty() =>
                {
                    let failure = operation.failure(ArmError::new(&azure_code, &azure_message));
                    return Some(Err(Trouble { failure, correlation_id }));
                }
                Err(_) => return None,
            }
        }
    }

    /// Looks at the VM itself until the operation is done.
    async fn watch(&self, vm: &VmResourceId, operation: Operation, mut waits: Waits) -> Result<(), Trouble> {
        let (mut failed, mut idle) = (0, 0);
        loop {
            match self.vm_view(vm).await {
                Ok(view) if operation.is_done(view.facts.power) => return Ok(()),
                Ok(view) => {
                    failed = 0;
                    idle = if operation.is_under_way(view.facts.power) { 0 } else { idle + 1 };
                    // Seen once it may be left over from an earlier try, and on a VM that is to rest from a start long ago.
                    let is_of_this = idle > 2 && operation == Operation::Start;
                    if let Some(error) = view.provisioning_error.filter(|_| is_of_this) {
                        return Err(operation.failure(error).into());
                    }
                    // A state that is not told is none of rest.
                    if idle > READS_AT_REST && view.facts.power != PowerState::Unknown {
                        return Err(operation.unseen(view.facts.power).into());
                    }
                }
                Err(trouble) if trouble.failure.is_passing() && failed < self.limits().failed_looks => failed += 1,
                Err(trouble) => return Err(trouble),
            }
            if !waits.pass(None).await {
                return Err(operation.forgotten());
            }
        }
    }
}

/// Looking at something else would end alike.
fn ends_the_watch(failure: &Failure) -> bool {
    matches!(
        failure,
        Failure::NotSignedIn { .. }
            | Failure::NotSignedInToAzd { .. }
            | Failure::TokenToolFailed { .. }
            | Failure::PrincipalRefused { .. }
            | Failure::TokenRefused { claims: None, .. }
            | Failure::ToolTokenRefused { .. }
            | Failure::Unreachable { .. }
    )
}

type ReadLook = fn(&Answer, Operation) -> Option<Look>;

/// An `Azure-AsyncOperation` resource; `None` if the answer is none.
fn read_status(answer: &Answer, operation: Operation) -> Option<Look> {
    let body = operation_status(&answer.body).ok()?;
    Some(match body.status.to_ascii_lowercase().as_str() {
        "succeeded" => Look::Done,
        ended @ ("failed" | "canceled" | "cancelled") => {
            let error = body.error.as_ref().map(ArmError::from).filter(|error| !error.code.is_empty());
            // Who cancelled it gives no reason, and that it failed is none.
            let status = if ended == "failed" { "" } else { &body.status };
            let error = error.unwrap_or_else(|| ArmError::new(status, ""));
            Look::Failed(answer.trouble(operation.failure(error)))
        }
        _ => Look::NotYet,
    })
}

/// A `Location`: 202 while it runs, 200 or 204 when it is done.
#[expect(clippy::unnecessary_wraps, reason = "has the shape of `read_status`, which can find no operation")]
fn read_location(answer: &Answer, _: Operation) -> Option<Look> {
    Some(if answer.status == 202 { Look::NotYet } else { Look::Done })
}

#[cfg(test)]
mod tests;
