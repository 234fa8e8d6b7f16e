//! Changes of the state: by callers (*initiate*, start, deallocate) and by the passing of time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::latency::Wait;
use crate::state::Cloud;
use crate::state::configure::no_group;
use crate::state::initiate::{Circumstances, InitiateInput, Refusal};
use crate::state::jit::{AccessRequest, RequestPort, RequestVm, first_status, rule_name};
use crate::state::operation::{Operation, Outcome};
use crate::state::power::{PowerAction, PowerState};
use crate::switches::{AllocationFailed, InitiateOnDeallocated};

/// Why a caller's change was turned down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Declined {
    /// 400 with Azure's words.
    Refused(Refusal),
    /// 409 `OperationNotAllowed` or `AllocationFailed`.
    Conflict { code: &'static str, message: String },
}

const ALLOCATION_FAILED: &str = "Allocation failed. We do not have sufficient capacity for the requested VM size in this \
     region. Read more about improving likelihood of allocation success at https://aka.ms/allocation-guidance";

impl Cloud {
    /// *Initiate* on the policy with this index: all or nothing. Gives the request as granted.
    pub(crate) fn initiate(
        &mut self,
        policy: usize,
        input: &InitiateInput,
        requestor: &str,
        now: DateTime<Utc>,
    ) -> Result<AccessRequest, Declined> {
        if input.vms.is_empty() {
            return Err(Declined::Refused(Refusal::invalid_input("No virtual machines were requested.")));
        }
        self.refuse_not_running(input)?;
        let around = Circumstances { now, caller: self.public_ip, switches: &self.switches };
        let mut vms = Vec::new();
        for vm in &input.vms {
            let granted = self.policies[policy].check(vm, around).map_err(Declined::Refused)?;
            if self.vm_of_id(&vm.id).is_some_and(|(_, machine)| self.unsupported(machine)) {
                return Err(Declined::Refused(no_group(&vm.id)));
            }
            let priorities = self.free_allow_priorities(&vm.id, now);
            let ports = granted.into_iter().zip(priorities).map(|(port, priority)| RequestPort {
                number: port.number,
                sources: port.sources,
                end: port.end,
                status: first_status(&self.switches),
                mapped_port: port.mapped_port,
                in_force_at: (now + self.latencies.draw(Wait::RuleInForce)).min(port.end),
                out_of_force_at: port.end,
                rule_name: rule_name('-', Uuid::new_v4()),
                priority,
            });
            vms.push(RequestVm { id: vm.id.clone(), ports: ports.collect() });
        }
        let justification = input.justification.clone();
        let request = AccessRequest { vms, start: now, requestor: requestor.to_owned(), justification };
        self.policies[policy].grant(request.clone(), &self.switches);
        Ok(request)
    }

    fn refuse_not_running(&self, input: &InitiateInput) -> Result<(), Declined> {
        if self.switches.initiate_on_deallocated == InitiateOnDeallocated::Allow {
            return Ok(());
        }
        let asked = |id: &str| input.vms.iter().any(|vm| vm.id.eq_ignore_ascii_case(id));
        let Some(vm) = self.vms.iter().find(|vm| vm.power.current() != PowerState::Running && asked(&vm.id())) else {
            return Ok(());
        };
        let state = vm.power.current().code();
        let message = format!("Operation 'initiate' is not allowed on VM '{}' since the VM is {state}.", vm.name);
        Err(Declined::Conflict { code: "OperationNotAllowed", message })
    }

    /// Sets a VM on its way. Gives the id of the long-running operation.
    pub(crate) fn set_power(&mut self, vm: usize, action: PowerAction, now: DateTime<Utc>) -> Result<Uuid, Declined> {
        let machine = &self.vms[vm];
        if let Some(under_way) = machine.power.under_way() {
            let message = format!(
                "Operation '{}' is not allowed on VM '{}' since another operation '{}' is in progress.",
                action.name(),
                machine.name,
                under_way.name()
            );
            return Err(Declined::Conflict { code: "OperationNotAllowed", message });
        }
        let current = machine.power.current();
        let allocates = action == PowerAction::Start && current == PowerState::Deallocated;
        if allocates && machine.out_of_capacity && self.switches.allocation_failed == AllocationFailed::Sync {
            return Err(Declined::Conflict { code: "AllocationFailed", message: ALLOCATION_FAILED.to_owned() });
        }
        if action == PowerAction::Restart && current == PowerState::Deallocated {
            let message =
                format!("Operation 'restart' is not allowed on VM '{}' since it is deallocated.", machine.name);
            return Err(Declined::Conflict { code: "OperationNotAllowed", message });
        }
        Ok(self.set_out(vm, action, now))
    }

    fn set_out(&mut self, vm: usize, action: PowerAction, now: DateTime<Utc>) -> Uuid {
        let id = Uuid::new_v4();
        let mut operation = Operation {
            subscription: self.vms[vm].subscription.clone(),
            started: now,
            ended: None,
            outcome: Outcome::InProgress,
            answer: None,
        };
        let current = self.vms[vm].power.current();
        let there_already = match action {
            PowerAction::Start => current == PowerState::Running,
            PowerAction::Deallocate => current == PowerState::Deallocated,
            PowerAction::PowerOff => current == PowerState::Stopped || current == PowerState::Deallocated,
            PowerAction::Restart => false,
        };
        if there_already {
            operation.ended = Some(now);
            operation.outcome = Outcome::Succeeded;
        } else {
            let takes = self.latencies.draw(match action {
                PowerAction::Start | PowerAction::Restart => Wait::Start,
                PowerAction::PowerOff | PowerAction::Deallocate => Wait::Deallocate,
            });
            let was = self.vms[vm].seen();
            self.vms[vm].power.begin(action, id, now + takes);
            self.vms[vm].remember(was, now);
        }
        self.operations.insert(id, operation);
        id
    }

    /// Everything that has happened by itself up to `now`.
    pub(crate) fn advance_to(&mut self, now: DateTime<Utc>) {
        for index in 0..self.vms.len() {
            if !self.vms[index].power.is_due(now) {
                continue;
            }
            let was = self.vms[index].seen();
            let Some(arrival) = self.vms[index].power.advance_to(now) else { continue };
            let outcome = match arrival.action {
                PowerAction::Start if self.vms[index].out_of_capacity => {
                    self.vms[index].power.fall_back();
                    Outcome::Failed { code: "AllocationFailed", message: ALLOCATION_FAILED.to_owned() }
                }
                PowerAction::Start | PowerAction::Restart => {
                    let boot = self.latencies.draw(Wait::Boot);
                    self.vms[index].power.boot_at(arrival.at + boot);
                    self.vms[index].acquire_address();
                    Outcome::Succeeded
                }
                PowerAction::Deallocate => {
                    self.vms[index].release_address();
                    Outcome::Succeeded
                }
                PowerAction::PowerOff => Outcome::Succeeded,
            };
            self.vms[index].remember(was, arrival.at);
            if let Some(operation) = self.operations.get_mut(&arrival.operation) {
                operation.ended = Some(arrival.at);
                operation.outcome = outcome;
            }
        }
        for operation in self.operations.values_mut() {
            operation.advance_to(now);
        }
        for vm in &mut self.vms {
            vm.left_windows.retain(|left| now < left.until);
        }
        for policy in &mut self.policies {
            policy.advance_to(now);
        }
    }

    /// The next moment at which something happens by itself.
    pub(crate) fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let powers = self.vms.iter().filter_map(|vm| vm.power.next_change(now));
        let left = self.vms.iter().flat_map(|vm| &vm.left_windows);
        let left = left.flat_map(|left| [left.from, left.until]).filter(|at| *at > now);
        powers.chain(left).chain(self.policies.iter().filter_map(|policy| policy.next_change(now))).min()
    }
}
