//! Microsoft.Security `jitNetworkAccessPolicies`, api-version 2020-01-01.

pub(crate) mod body;
pub(crate) mod wire;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::slice;

use ajar_core::failure::{Failure, Trouble};
use ajar_core::policy::{JitNetworkAccessPolicy, JitNetworkAccessRequest};
use ajar_core::resource_id::{ResourceId, VmResourceId};
use chrono::{DateTime, TimeDelta, Utc};
use ipnet::Ipv4Net;

use crate::arm_client::{Answer, ArmClient, Asked, NoAnswer};
use crate::arm_error::ArmError;
use crate::call::Call;
use crate::compute;
use crate::wanted::Wanted;

const API: (&str, &str) = ("api-version", "2020-01-01");

/// A request for access to one port of one VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Initiate {
    /// The VM.
    pub vm: VmResourceId,
    /// Its port.
    pub port: u16,
    /// From where it shall be open.
    pub source: Ipv4Net,
    /// Until when, in Azure's time.
    pub end_time_utc: DateTime<Utc>,
    /// How long that is. It holds also where this machine's clock is so far behind Azure's that the end is over there.
    pub duration: TimeDelta,
    /// Why, if the user says.
    pub justification: Option<String>,
}

/// Why *initiate* yields no request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitiateError {
    /// It may have been applied: it was sent, and no usable answer came (timeout, reset, 5xx). Before it is sent again
    /// the policy must be read and the request looked for.
    Unanswered(Trouble),
    /// It was not applied.
    Refused(Trouble),
}

impl ArmClient {
    /// The policies that speak of `vm`, in a rule or in a request, with all they contain.
    ///
    /// Lists the subscription; where that is not allowed, the VM's resource group.
    ///
    /// # Errors
    /// [`Failure::AccessDenied`] if neither may be listed, [`Failure::PolicyUnseen`] if the group's do not speak of the VM and
    /// others may not be listed, and what every read can end with.
    pub async fn jit_policies(&self, vm: &VmResourceId) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        self.jit_policies_of(std::slice::from_ref(vm)).await.pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// [`ArmClient::jit_policies`] for several VMs of one subscription, with one list for all of them; where that is not
    /// allowed, with one for each of their resource groups. The results stand in the order of the VMs.
    pub async fn jit_policies_of(&self, vms: &[VmResourceId]) -> Vec<Result<Vec<JitNetworkAccessPolicy>, Trouble>> {
        let Some(first) = vms.first() else { return Vec::new() };
        let of_vm = |list: &Result<Vec<JitNetworkAccessPolicy>, Trouble>, vm: &VmResourceId| {
            let list = list.as_ref().map_err(|trouble| nowhere(trouble.clone(), vm))?;
            Ok(list.iter().filter(|policy| speaks_of(policy, vm)).cloned().collect::<Vec<_>>())
        };
        let whole = self.policies_of_subscription(first).await;
        let Some(denial) = whole.as_ref().err().filter(|trouble| trouble.failure.is_forbidden()) else {
            return vms.iter().map(|vm| of_vm(&whole, vm)).collect();
        };
        let mut groups = HashMap::new();
        for vm in vms {
            let group = vm.resource().resource_group_scope();
            if let Entry::Vacant(entry) = groups.entry(group.to_lowercase()) {
                entry.insert(self.list_policies(Call::PoliciesOfGroup, &group).await);
            }
        }
        let beside = |vm: &VmResourceId| {
            let found = of_vm(&groups[&vm.resource().resource_group_scope().to_lowercase()], vm)?;
            if !found.is_empty() {
                return Ok(found);
            }
            // It may be in another group, which is not to be seen.
            let group = vm.resource().resource_group().to_owned();
            let Failure::AccessDenied { action, scope } = &denial.failure else { return Err(denial.clone()) };
            let failure = Failure::PolicyUnseen { group, action: action.clone(), scope: scope.clone() };
            Err(Trouble { failure, correlation_id: denial.correlation_id.clone() })
        };
        vms.iter().map(beside).collect()
    }

    async fn policies_of_subscription(&self, vm: &VmResourceId) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        let subscription = format!("/subscriptions/{}", vm.resource().subscription_id());
        self.list_policies(Call::PoliciesOfSubscription, &subscription).await
    }

    pub(crate) async fn list_policies(&self, call: Call, scope: &str) -> Result<Vec<JitNetworkAccessPolicy>, Trouble> {
        let url = self.url(&format!("{scope}/providers/Microsoft.Security/jitNetworkAccessPolicies"), &[API]);
        self.read_list(url, Asked { call, scope }, wire::page).await
    }

    /// One policy.
    ///
    /// # Errors
    /// [`Failure::NoPolicy`] if it is not there (any more), and what every read can end with.
    pub async fn jit_policy(&self, id: &ResourceId) -> Result<JitNetworkAccessPolicy, Trouble> {
        let url = self.resource_url(id, "", &[API]);
        let answer = match self.read(url, Asked { call: Call::Policy, scope: id.as_str() }).await {
            Err(Trouble { failure: Failure::AzureError { status: 404, .. }, correlation_id }) => {
                return Err(Trouble { failure: Failure::NoPolicy { power: None }, correlation_id });
            }
            other => other?,
        };
        answer.parsed(wire::policy)
    }

    /// Asks for access, if that is `wanted` when its turn comes. Sent once, except for what Azure says it did not take: where
    /// it does not find the policy (404), which has just been read, it is asked once more a little later; and what it refuses
    /// to understand (400 `InvalidInitiateInput`) is sent a second time with a `duration` in place of `endTimeUtc`: the
    /// published contract wants the one, its example the other, and the service is reported to take either
    /// (azure-rest-api-specs#43491). Where both are refused, both are told.
    ///
    /// # Errors
    /// Whether it may have been applied is what the two cases tell. What was withdrawn and not sent is refused, with
    /// [`Failure::Cancelled`].
    pub async fn initiate(
        &self,
        policy: &ResourceId,
        ask: &Initiate,
        wanted: &Wanted,
    ) -> Result<JitNetworkAccessRequest, InitiateError> {
        self.initiate_all(policy, slice::from_ref(ask), wanted).await
    }

    /// [`ArmClient::initiate`] for several VMs of the policy, or ports of theirs, in one request, for one justification: the
    /// first one's.
    ///
    /// # Errors
    /// As of one, for all of them: Azure takes all or none.
    pub async fn initiate_all(
        &self,
        policy: &ResourceId,
        asks: &[Initiate],
        wanted: &Wanted,
    ) -> Result<JitNetworkAccessRequest, InitiateError> {
        let mut answer = self.post_initiate(policy, asks, body::End::Time, wanted).await?;
        if answer.status == 404 && !answer.is_foreign() {
            wanted.came_back();
            // Of a request that is withdrawn meanwhile the next one hears.
            drop(wanted.wait(tokio::time::sleep(self.limits().first_look)).await);
            answer = self.post_initiate(policy, asks, body::End::Time, wanted).await?;
        }
        if answer.status == 400 && is_about_the_form(&ArmError::of_body(&answer.body)) {
            tracing::debug!("asking again with a duration");
            let again = self.post_initiate(policy, asks, body::End::Duration, wanted).await?;
            return self.initiated(&again, policy).map_err(|second| match (self.initiated(&answer, policy), second) {
                (Err(InitiateError::Refused(first)), InitiateError::Refused(second)) => {
                    InitiateError::Refused(both(first, second))
                }
                (_, second) => second,
            });
        }
        self.initiated(&answer, policy)
    }

    async fn post_initiate(
        &self,
        policy: &ResourceId,
        asks: &[Initiate],
        end: body::End,
        wanted: &Wanted,
    ) -> Result<Answer, InitiateError> {
        let url = self.resource_url(policy, "/initiate", &[API]);
        let body = body::initiate_body(asks, end).to_string().into_bytes();
        self.post(Call::Initiate, url, Some(body), wanted).await.map_err(|error| match error {
            NoAnswer::NotSent(trouble) => InitiateError::Refused(trouble),
            NoAnswer::Unanswered(trouble) => InitiateError::Unanswered(trouble),
        })
    }

    fn initiated(&self, answer: &Answer, policy: &ResourceId) -> Result<JitNetworkAccessRequest, InitiateError> {
        let asked = Asked { call: Call::Initiate, scope: policy.as_str() };
        if answer.is_success() {
            return answer.parsed(wire::initiated).map_err(InitiateError::Unanswered);
        }
        Err(match self.refusal(answer, asked) {
            // Who sends elsewhere with the same method has not passed it on (RFC 9110 15.4.8 and 15.4.9). After the other
            // redirects a request may well have been dealt with.
            elsewhere @ Trouble { failure: Failure::NotFromAzure { status: 307 | 308, .. }, .. } => {
                InitiateError::Refused(elsewhere)
            }
            // Whoever answers in Azure's place does not know how far it had come, nor does a server that gave up.
            unclear @ Trouble {
                failure:
                    Failure::NotFromAzure { .. }
                    | Failure::Unavailable { .. }
                    | Failure::AzureError { status: 408 | 500.., .. },
                ..
            } => InitiateError::Unanswered(unclear),
            // The policy that was just read is not there: nothing about the request is wrong.
            gone @ Trouble { failure: Failure::AzureError { status: 404, .. }, .. } => InitiateError::Refused(gone),
            Trouble { failure: Failure::AzureError { status, azure_code, azure_message }, correlation_id } => {
                // An empty body says no more than its status does.
                let azure_code = if azure_code.is_empty() { format!("HTTP {status}") } else { azure_code };
                let failure = match status {
                    409 => Failure::RequestConflict { azure_code, azure_message },
                    _ => Failure::RequestRefused { azure_code, azure_message },
                };
                InitiateError::Refused(Trouble { failure, correlation_id })
            }
            other => InitiateError::Refused(other),
        })
    }
}

/// Two refusals of the request itself as one: which of them has the reason is not known. Any other second one counts alone.
fn both(first: Trouble, second: Trouble) -> Trouble {
    let joined = |one: String, other: String, between: &str| {
        if other.contains(&one) {
            other
        } else if one.contains(&other) {
            one
        } else {
            format!("{one}{between}{other}")
        }
    };
    match (first, second) {
        (
            Trouble {
                failure: Failure::RequestRefused { azure_code: code, azure_message: message },
                correlation_id: id,
            },
            Trouble { failure: Failure::RequestRefused { azure_code, azure_message }, correlation_id },
        ) => {
            let failure = Failure::RequestRefused {
                azure_code: joined(code, azure_code, ", "),
                azure_message: joined(message, azure_message, " "),
            };
            let ids = [id, correlation_id].into_iter().flatten().reduce(|one, other| joined(one, other, ", "));
            Trouble { failure, correlation_id: ids }
        }
        (_, second) => second,
    }
}

/// Whether another way to write the end may help. What is no subset of the policy stays none, and a second refusal
/// would only blur the reason.
fn is_about_the_form(error: &ArmError) -> bool {
    error.has("InvalidInitiateInput") && !error.message.contains("not a subset")
}

/// Where there is no such group there is no such VM: its resource id is what to look at.
fn nowhere(trouble: Trouble, vm: &VmResourceId) -> Trouble {
    let is_nowhere = matches!(&trouble.failure, Failure::AzureError { status: 404, azure_code, .. }
        if azure_code.eq_ignore_ascii_case("ResourceGroupNotFound"));
    if is_nowhere { compute::not_found(trouble, vm) } else { trouble }
}

fn speaks_of(policy: &JitNetworkAccessPolicy, vm: &VmResourceId) -> bool {
    let in_rules = policy.virtual_machines.iter().any(|entry| entry.id == *vm);
    let in_requests =
        || policy.requests.iter().flat_map(|request| &request.virtual_machines).any(|entry| entry.id == *vm);
    in_rules || in_requests()
}

#[cfg(test)]
mod tests;
