//! The calls, and what makes the client make each.

use ajar_azure::{ArmClient, Call, Initiate, InitiateError, Wanted};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::resource_id::{ResourceId, VmResourceId};
use chrono::{TimeDelta, Utc};

/// What a fault is struck at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// A call to the resource manager.
    Arm(Call),
    /// The one without a token, which tells a subscription's tenant.
    Tenant,
    /// A token for an application's secret.
    Secret,
    /// A token for a refresh token.
    Refresh,
    /// Tokens for what the browser brought.
    Code,
    /// A code to be typed elsewhere.
    DeviceCode,
    /// Tokens for such a code.
    DeviceGrant,
    /// A token for the machine itself.
    Identity,
    /// A token for whoever is signed in to the Azure CLI.
    #[cfg_attr(not(unix), expect(dead_code, reason = "what stands in for the Azure CLI is a script of the shell's"))]
    ToolToken,
    /// A call with such a token.
    #[cfg_attr(not(unix), expect(dead_code, reason = "what stands in for the Azure CLI is a script of the shell's"))]
    ToolRead,
    /// A call of a whole attempt to open a VM that rests.
    Attempt(Call),
}

/// All but those that take a process of their own: [`Called::Identity`] and the Azure CLI's.
pub(crate) fn all() -> Vec<Called> {
    let entra = [Called::Secret, Called::Refresh, Called::Code, Called::DeviceCode, Called::DeviceGrant];
    let attempts = [Called::Attempt(Call::Initiate), Called::Attempt(Call::Start)];
    let arm = Call::ALL.iter().map(|call| Called::Arm(*call)).chain([Called::Tenant]);
    arm.chain(entra).chain(attempts).collect()
}

impl Called {
    /// The simulator's name of the route: the two lists are held against each other by every cell, which fails if the
    /// fault was not struck.
    pub(crate) fn route(self) -> &'static str {
        match self {
            Self::Arm(call) | Self::Attempt(call) => call.operation_id(),
            Self::Tenant => "Subscriptions_Get",
            Self::Secret | Self::Refresh | Self::Code | Self::DeviceGrant | Self::ToolToken => "Entra_Token",
            Self::DeviceCode => "Entra_DeviceCode",
            Self::Identity => "ManagedIdentity_Token",
            Self::ToolRead => Call::Vm.operation_id(),
        }
    }

    /// Its name in the table.
    pub(crate) fn name(self) -> String {
        let route = self.route();
        match self {
            Self::Arm(_) | Self::Tenant | Self::Secret | Self::DeviceCode | Self::Identity => route.to_owned(),
            Self::Refresh => format!("{route} (refresh token)"),
            Self::Code => format!("{route} (authorization code)"),
            // So that the table does not say more than is tried: `run::strike`.
            Self::DeviceGrant => format!("{route} (device code, at most twice)"),
            Self::Attempt(_) => format!("{route} (attempt)"),
            Self::ToolToken | Self::ToolRead => format!("{route} (Azure CLI)"),
        }
    }

    /// Whether it is about signing in: with a tenant of its own.
    pub(crate) fn is_entra(self) -> bool {
        matches!(self, Self::Secret) || self.is_by_a_tool() || self.is_of_a_person()
    }

    /// Whether an account of the Azure CLI acts.
    pub(crate) fn is_by_a_tool(self) -> bool {
        matches!(self, Self::ToolToken | Self::ToolRead)
    }

    /// Whether a person signs in, and not an application.
    pub(crate) fn is_of_a_person(self) -> bool {
        matches!(self, Self::Refresh | Self::Code | Self::DeviceCode | Self::DeviceGrant)
    }

    /// Whether it is about all that an account can see, and not about one subscription.
    pub(crate) fn is_of_everything(self) -> bool {
        matches!(
            self,
            Self::Arm(
                Call::Resources
                    | Call::Tenants
                    | Call::Subscriptions
                    | Call::VmsOfSubscription
                    | Call::InterfacesOfSubscription
                    | Call::AddressesOfSubscription
            )
        )
    }

    /// Whether the VM must be deallocated for the call to make sense.
    pub(crate) fn wants_rest(self) -> bool {
        matches!(self, Self::Arm(Call::Start | Call::Operation | Call::OperationResult) | Self::Attempt(_))
    }

    /// Whether others follow it: looks at an operation, questions about a code, the rest of an attempt.
    pub(crate) fn is_followed(self) -> bool {
        let operates = |call| matches!(call, Call::Start | Call::Deallocate | Call::Operation | Call::OperationResult);
        matches!(self, Self::DeviceGrant | Self::Attempt(_)) || matches!(self, Self::Arm(call) if operates(call))
    }

    /// Whether it is one call that changes something.
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

/// Makes the client make a call, as its users do.
pub(crate) async fn make(client: &ArmClient, call: Call, subject: &Subject) -> Came {
    let Subject { vm, policy, network_interfaces } = subject;
    match call {
        Call::PoliciesOfSubscription | Call::PoliciesOfGroup => client.jit_policies(vm).await.map(drop).into(),
        Call::Policy => client.jit_policy(policy).await.map(drop).into(),
        Call::Vm => client.virtual_machine(vm).await.map(drop).into(),
        Call::PermissionsOfVm | Call::PermissionsOfGroup => client.granted(vm).await.map(drop).into(),
        Call::ActivityLog => {
            let now = Utc::now();
            client.activity_log(vm, now - TimeDelta::days(7), now).await.map(drop).into()
        }
        Call::Start | Call::Operation | Call::OperationResult => client.start(vm, &Wanted::new()).await.into(),
        Call::Resources
        | Call::Subscriptions
        | Call::VmsOfSubscription
        | Call::InterfacesOfSubscription
        | Call::AddressesOfSubscription => match client.inventory(&drop).await {
            // What is lacking of VMs that were seen is told as what keeps VMs from being seen is.
            Ok(lacking) => lacking.into_iter().next().map_or(Came::Done, |one| Came::Failed(one.trouble)),
            Err(trouble) => Came::Failed(trouble),
        },
        Call::Tenants => client.tenants().await.map(drop).into(),
        Call::Deallocate => client.deallocate(vm, &Wanted::new(), &|| {}).await.into(),
        Call::NetworkInterface | Call::PublicIpAddress => client.addresses(network_interfaces).await.map(drop).into(),
        Call::BastionsOfSubscription | Call::VirtualNetwork => {
            let group = vm.resource().resource_group_scope();
            let subnet = format!("{group}/providers/Microsoft.Network/virtualNetworks/vnet-westeurope/subnets/default");
            match client.bastion(&subnet.parse().unwrap()).await {
                // All was read.
                Err(Trouble { failure: Failure::NoBastion, .. }) => Came::Done,
                found => found.map(drop).into(),
            }
        }
        Call::Initiate => {
            let ask = Initiate {
                vm: vm.clone(),
                port: 22,
                source: std::net::Ipv4Addr::new(203, 0, 113, 24).into(),
                end_time_utc: Utc::now() + TimeDelta::hours(1),
                duration: TimeDelta::hours(1),
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
