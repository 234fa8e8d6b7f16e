//! Changes of the state: by callers (*initiate*, start, deallocate) and by the passing of time.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::fleet::{DefenderPlan, Lock};
use crate::latency::Wait;
use crate::state::Cloud;
use crate::state::configure::no_group;
use crate::state::initiate::{Circumstances, InitiateInput, Refusal};
use crate::state::jit::{AccessRequest, RequestPort, RequestVm, first_status, rule_name};
use crate::state::operation::{Operation, Outcome};
use crate::state::power::{Failed, Power, PowerAction, PowerState};
use crate::switches::{
    AllocationFailed, ConflictingOperation, InitiateOnDeallocated, PlanMissing, PowerStateAfterWrite,
};

/// Why a caller's change was turned down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Declined {
    /// 400 with Azure's words.
    Refused(Refusal),
    /// 409 with Azure's code.
    Conflict { code: &'static str, message: String },
}

/// How long the power state does not show, in seconds at speed 1.
const UNKNOWN_FOR: f64 = 6.0;

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
        if let Some(twice) = input.named_twice() {
            return Err(Declined::Refused(Refusal::invalid_input(format!("{twice} is requested more than once."))));
        }
        self.refuse_without_plan(policy)?;
        self.refuse_not_running(input)?;
        let around = Circumstances { now, caller: self.public_ip, requestor, switches: &self.switches };
        let mut vms = Vec::new();
        // By group, what this request has taken: VMs may share one.
        let mut given: Vec<(String, u16)> = Vec::new();
        for vm in &input.vms {
            let granted = self.policies[policy].check(vm, around).map_err(Declined::Refused)?;
            if self.vm_of_id(&vm.id).is_some_and(|(_, machine)| self.unsupported(machine)) {
                return Err(Declined::Refused(no_group(&vm.id)));
            }
            let machine = self.vm_of_id(&vm.id).map(|(_, machine)| machine);
            let groups: Vec<_> =
                machine.into_iter().flat_map(Self::groups_before).map(|one| self.group_id(one)).collect();
            let is_given =
                |priority: &u16| given.iter().any(|(group, taken)| taken == priority && groups.contains(group));
            let priorities: Vec<_> =
                self.free_allow_priorities(&vm.id, now).filter(|one| !is_given(one)).take(granted.len()).collect();
            given.extend(groups.iter().flat_map(|group| priorities.iter().map(|one| (group.clone(), *one))));
            let ports = granted.into_iter().zip(priorities).map(|(port, priority)| RequestPort {
                number: port.number,
                sources: port.sources,
                end: port.end,
                since: port.since,
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

    /// JIT is a part of Defender for Servers Plan 2.
    fn refuse_without_plan(&self, policy: usize) -> Result<(), Declined> {
        let subscription = &self.policies[policy].subscription;
        if self.defender_plan(subscription) == DefenderPlan::P2 {
            return Ok(());
        }
        let message = format!(
            "Just-In-Time Network Access requires Defender for Servers Plan 2 on the subscription '{subscription}'."
        );
        match self.switches.plan_missing {
            PlanMissing::BadRequest => Err(Declined::Refused(Refusal { code: "BadRequest", message })),
            PlanMissing::Conflict => Err(Declined::Conflict { code: "Conflict", message }),
            PlanMissing::Accept => Ok(()),
        }
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
        if let Some(refused) = self.refuse_power(vm, action) {
            return Err(refused);
        }
        // A newer operation goes before the older one, where that is how it is.
        self.preempt(vm, now);
        Ok(self.set_out(vm, action, now))
    }

    fn refuse_power(&self, vm: usize, action: PowerAction) -> Option<Declined> {
        let machine = &self.vms[vm];
        let not_allowed = |since: &str| {
            let message =
                format!("Operation '{}' is not allowed on VM '{}' since {since}.", action.name(), machine.name);
            Some(Declined::Conflict { code: "OperationNotAllowed", message })
        };
        if machine.lock == Some(Lock::ReadOnly) {
            let id = machine.id();
            let message = format!(
                "The scope '{id}' cannot perform write operation because following scope(s) are locked: '{id}'. Please \
                 remove the lock and try again."
            );
            return Some(Declined::Conflict { code: "ScopeLocked", message });
        }
        if let Some(under_way) = machine.power.under_way() {
            let since = format!("another operation '{}' is in progress", under_way.name());
            let other = |code| {
                Some(Declined::Conflict {
                    code,
                    message: format!(
                        "The request failed due to conflict with a concurrent request: {since} on '{}'.",
                        machine.name
                    ),
                })
            };
            return match self.switches.conflicting_operation {
                ConflictingOperation::NotAllowed => not_allowed(&since),
                ConflictingOperation::Conflict => other("Conflict"),
                ConflictingOperation::AnotherInProgress => other("AnotherOperationInProgress"),
                ConflictingOperation::Preempt => None,
            };
        }
        if machine.generalized && matches!(action, PowerAction::Start | PowerAction::Restart) {
            return not_allowed("the VM is generalized");
        }
        let current = machine.power.current();
        let allocates = action == PowerAction::Start && current == PowerState::Deallocated;
        if let Some(failure) = machine.start_fails
            && allocates
            && self.switches.allocation_failed == AllocationFailed::Sync
        {
            let message = failure.message(&machine.size, &machine.location);
            return Some(Declined::Conflict { code: failure.code(), message });
        }
        if matches!(action, PowerAction::Restart | PowerAction::Redeploy) && current == PowerState::Deallocated {
            return not_allowed("it is deallocated");
        }
        None
    }

    /// Ends what is under way on the VM, for something newer.
    fn preempt(&mut self, vm: usize, now: DateTime<Utc>) {
        let older = self.vms[vm].power.give_up();
        if let Some(operation) = older.and_then(|id| self.operations.get_mut(&id)) {
            operation.ended = Some(now);
            operation.outcome = Outcome::Failed {
                code: "OperationPreempted",
                message: "Operation execution has been preempted by a more recent operation.".to_owned(),
            };
        }
    }

    /// The VM is gone, whatever it was about to do; its policies still name it, as in Azure.
    pub(crate) fn delete_vm(&mut self, vm: usize, now: DateTime<Utc>) {
        self.preempt(vm, now);
        self.vms[vm].power = Power::settled(PowerState::Deallocated);
        self.vms[vm].release_address();
        self.vms[vm].deleted = true;
        self.places.anew(&self.vms);
    }

    /// The VM is deleted and made anew under its name, from the same network interface: another `vmId`, and it runs. Policies still
    /// name it, and what is open at its interface's group stays so.
    pub(crate) fn recreate_vm(&mut self, vm: usize, now: DateTime<Utc>) {
        self.preempt(vm, now);
        let machine = &mut self.vms[vm];
        machine.platform_id = Uuid::new_v4();
        machine.created = now;
        machine.revision += 1;
        machine.generalized = false;
        machine.deleted = false;
        machine.power.anew(now);
        machine.acquire_address();
        self.places.anew(&self.vms);
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
            PowerAction::Restart | PowerAction::Redeploy => false,
        };
        if there_already {
            operation.ended = Some(now);
            operation.outcome = Outcome::Succeeded;
            self.vms[vm].power.confirm();
        } else {
            let takes = self.latencies.draw(match action {
                PowerAction::Start | PowerAction::Restart | PowerAction::Redeploy => Wait::Start,
                PowerAction::PowerOff | PowerAction::Deallocate => Wait::Deallocate,
            });
            let was = self.vms[vm].seen();
            self.vms[vm].power.begin(action, id, now + takes);
            self.vms[vm].remember(was, now);
            if self.switches.power_state_after_write == PowerStateAfterWrite::Absent {
                let hidden = self.latencies.scaled(UNKNOWN_FOR).min(takes / 2);
                self.vms[vm].power.hide_until(now + hidden);
            }
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
                PowerAction::Start | PowerAction::Restart | PowerAction::Redeploy
                    if let Some(failure) = self.vms[index].start_fails.filter(|_| arrival.allocates) =>
                {
                    let machine = &mut self.vms[index];
                    let (code, message) = (failure.code(), failure.message(&machine.size, &machine.location));
                    machine.power.fall_back(Failed { code, message: message.clone(), at: arrival.at });
                    Outcome::Failed { code, message }
                }
                PowerAction::Start | PowerAction::Restart | PowerAction::Redeploy => {
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
        self.operations.retain(|_, operation| operation.is_remembered(now));
        for vm in &mut self.vms {
            vm.left_windows.retain(|left| now < left.until);
        }
        for policy in &mut self.policies {
            policy.advance_to(now);
        }
    }

    /// The next moment at which something happens by itself. Until then the state is the same.
    pub(crate) fn next_change(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let powers = self.vms.iter().filter_map(|vm| vm.power.next_change(now));
        let left = self.vms.iter().flat_map(|vm| &vm.left_windows);
        let left = left.flat_map(|left| [left.from, left.until]).filter(|at| *at > now);
        let policies = self.policies.iter().filter_map(|policy| policy.next_change(now));
        let operations = self.operations.values().filter_map(|of| of.ends().or_else(|| of.is_forgotten_at()));
        powers.chain(left).chain(policies).chain(operations).min()
    }
}
