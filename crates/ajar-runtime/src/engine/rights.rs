//! Looking up what an account may at a favourite's VM, beside whatever else goes on.

use std::sync::Arc;

use ajar_core::account::Acting;
use ajar_core::attempt::{Attempt, Outcome};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Reply;
use ajar_core::resource_id::VmResourceId;
use ajar_core::rights::{Granted, Principal, Refused};
use ajar_core::settings::Favourite;
use ajar_core::snapshot::RightsView;
use ajar_core::vm::CloudVm;
use chrono::TimeDelta;
use tokio::sync::oneshot;

use super::Engine;
use super::effects::Happened;
use crate::files::{Denial, Purpose, State};

/// So long a role that was given may not count yet.
/// https://learn.microsoft.com/azure/role-based-access-control/troubleshooting#symptom---role-assignment-changes-are-not-being-detected
const ROLES_SPREAD: TimeDelta = TimeDelta::minutes(10);

/// What was found out, and who waits for it.
pub(super) struct LookedUp {
    name: ProfileName,
    vm: CloudVm,
    acting: Acting,
    who: Principal,
    result: Result<Granted, Trouble>,
    reply: oneshot::Sender<Reply>,
}

impl Engine {
    /// Begins to look up; the reply comes when that is done.
    pub(super) fn look_up_rights(&mut self, name: &ProfileName, reply: oneshot::Sender<Reply>) {
        let found = self.opened(name).cloned().and_then(|Favourite { name, profile }| {
            let (azure, acting) = (self.act(&profile)?.azure, self.acting(&profile)?);
            Ok((name, self.place(&profile), azure, acting))
        });
        let (name, vm, azure, acting) = match found {
            Ok(found) => found,
            Err(trouble) => return drop(reply.send(self.refused(&trouble, name.as_str()))),
        };
        let (accounts, happened) = (Arc::clone(&self.ports.accounts), self.happened.clone());
        tokio::spawn(async move {
            let subscription = vm.id.resource().subscription_id();
            let (result, who) = tokio::join!(azure.granted(&vm.id), accounts.whom(&acting, subscription));
            drop(happened.send(Happened::LookedUp(LookedUp { name, vm, acting, who, result, reply })));
        });
    }

    /// Notes what Azure refused to who made an attempt that has ended, or that it did not.
    pub(super) fn note_denial(&mut self, attempt: &Attempt, acting: &Acting) {
        let vm = &attempt.order().vm;
        match attempt.outcome() {
            Some(Outcome::Failed { trouble: Trouble { failure, .. }, .. }) => {
                self.note_denied(failure, acting, vm, Purpose::Opening);
            }
            Some(Outcome::Connected { .. } | Outcome::Extended { .. }) => self.note_let(acting, vm, Purpose::Opening),
            Some(Outcome::Cancelled { .. }) | None => {}
        }
    }

    /// Notes that Azure has let whoever acts do what it may have refused before.
    pub(super) fn note_let(&mut self, acting: &Acting, vm: &VmResourceId, purpose: Purpose) {
        let (key, now) = (State::denial_key(acting, vm, purpose), self.now());
        if self.remembered.state().denials.contains_key(&key) {
            drop(self.remembered.change(move |state| state.denied(key.clone(), None, now)));
        }
    }

    /// Notes what Azure refused to whoever acts, if a failure is that.
    pub(super) fn note_denied(&mut self, failure: &Failure, acting: &Acting, vm: &VmResourceId, purpose: Purpose) {
        let Some(refused) = refused_by(failure) else { return };
        let (key, now) = (State::denial_key(acting, vm, purpose), self.now());
        drop(self.remembered.change(move |state| state.denied(key.clone(), Some(refused.clone()), now)));
    }

    pub(super) fn looked_up(&mut self, LookedUp { name, vm, acting, who, result, reply }: LookedUp) {
        let answer = match result {
            Ok(granted) => {
                self.note_accepted_account(&acting.account, &vm);
                let granted = self.with_denials(granted, &acting, &vm.id);
                let rights = Box::new(RightsView::new(name, vm.id, acting.account, &who, &granted));
                Reply::Rights { rights }
            }
            Err(trouble) => {
                self.note_refused_account(&trouble.failure, &vm);
                self.refused(&trouble, name.as_str())
            }
        };
        self.publish();
        drop(reply.send(answer));
    }

    /// What is granted, with what Azure has refused all the same.
    pub(super) fn with_denials(&self, granted: Granted, acting: &Acting, vm: &VmResourceId) -> Granted {
        let now = self.now();
        // A role takes some minutes to count everywhere; what is listed later than that has been given since.
        let is_over = |Denial { at, refused }: &&Denial| {
            let is_old = (now - *at).abs() > ROLES_SPREAD;
            is_old && refused.deny_assignment.is_none() && granted.lists(&refused.action)
        };
        let denials = [Purpose::Opening, Purpose::Deallocating]
            .into_iter()
            .filter_map(|purpose| self.remembered.state().denial(&State::denial_key(acting, vm, purpose), now));
        let refused = denials.filter(|denial| !is_over(denial)).map(|denial| denial.refused.clone()).collect();
        Granted { refused, ..granted }
    }
}

/// What Azure refused, where a failure is that.
fn refused_by(failure: &Failure) -> Option<Refused> {
    let (action, scope, deny_assignment) = if let Failure::AccessDenied { action, scope } = failure {
        (action, scope, None)
    } else if let Failure::DenyAssigned { action, scope, assignment } = failure {
        (action, scope, Some(assignment.clone()))
    } else {
        return None;
    };
    Some(Refused { action: action.clone(), scope: scope.clone(), deny_assignment })
}
