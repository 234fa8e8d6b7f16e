//! The calls, and what makes the client make each.

use ajar_azure::{ArmClient, Call, Initiate, InitiateError, Wanted};
use ajar_core::failure::Trouble;
use ajar_core::resource_id::{ResourceId, VmResourceId};
use chrono::{TimeDelta, Utc};

/// A call of the client's, to the resource manager or to Entra.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    Arm(Call),
    Token,
}

pub(crate) fn all() -> Vec<Called> {
    Call::ALL.iter().map(|call| Called::Arm(*call)).chain([Called::Token]).collect()
}

impl Called {
    /// The simulator's name of the route: the two lists are held against each other by every cell, which fails if the
    /// fault was not struck.
    pub(crate) fn route(self) -> &'static str {
        match self {
            Self::Arm(call) => call.operation_id(),
            Self::Token => "Entra_Token",
        }
    }

    /// Whether the VM must be deallocated for the call to make sense.
    pub(crate) fn wants_rest(self) -> bool {
        matches!(self, Self::Arm(Call::Start | Call::Operation | Call::OperationResult))
    }

    /// Whether it changes something.
    pub(crate) fn writes(self) -> bool {
        matches!(self, Self::Arm(Call::Initiate | Call::Start | Call::Deallocate))
    }
}

/// What a call is about.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    pub(crate) vm: VmResourceId,
    pub(crate) policy: ResourceId,
    pub(crate) network_interfaces: Vec<ResourceId>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Came {
    Done,
    Granted,
    Failed(Trouble),
    Unanswered(Trouble),
}

impl From<Result<(), Trouble>> for Came {
    fn from(result: Result<(), Trouble>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Done)
    }
}

/// Makes the client make the call, as its users do.
pub(crate) async fn make(client: &ArmClient, called: Called, subject: &Subject) -> Came {
    let Subject { vm, policy, network_interfaces } = subject;
    let call = match called {
        Called::Arm(call) => call,
        Called::Token => Call::Vm,
    };
    match call {
        Call::PoliciesOfSubscription | Call::PoliciesOfGroup => client.jit_policies(vm).await.map(drop).into(),
        Call::Policy => client.jit_policy(policy).await.map(drop).into(),
        Call::Vm => client.virtual_machine(vm).await.map(drop).into(),
        Call::PermissionsOfVm | Call::PermissionsOfGroup => client.granted(vm).await.map(drop).into(),
        Call::Start | Call::Operation | Call::OperationResult => client.start(vm, &Wanted::new()).await.into(),
        Call::Deallocate => client.deallocate(vm, &Wanted::new()).await.into(),
        Call::NetworkInterface | Call::PublicIpAddress => client.addresses(network_interfaces).await.map(drop).into(),
        Call::Initiate => {
            let ask = Initiate {
                vm: vm.clone(),
                port: 22,
                source: [203, 0, 113, 24].into(),
                end_time_utc: Utc::now() + TimeDelta::hours(1),
                justification: None,
            };
            match client.initiate(policy, &ask, &Wanted::new()).await {
                Ok(_) => Came::Granted,
                Err(InitiateError::Refused(trouble)) => Came::Failed(trouble),
                Err(InitiateError::Unanswered(trouble)) => Came::Unanswered(trouble),
            }
        }
    }
}
