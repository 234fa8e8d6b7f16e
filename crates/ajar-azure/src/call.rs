//! Every call that is made to the resource manager with a token, by name. What is not in this list cannot be made.

macro_rules! calls {
    ($($(#[doc = $doc:literal])+ $call:ident => $operation:literal, $action:literal;)+) => {
        /// A call to the resource manager.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Call {
            $($(#[doc = $doc])+ $call,)+
        }

        impl Call {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$call),+];

            /// Its operation id in Azure's specification.
            pub fn operation_id(self) -> &'static str {
                match self {
                    $(Self::$call => $operation,)+
                }
            }

            /// The right it needs, such as `Microsoft.Compute/virtualMachines/read`.
            pub fn action(self) -> &'static str {
                match self {
                    $(Self::$call => $action,)+
                }
            }
        }
    };
}

calls! {
    /// The JIT policies of a subscription.
    PoliciesOfSubscription => "JitNetworkAccessPolicies_List",
        "Microsoft.Security/locations/jitNetworkAccessPolicies/read";
    /// The JIT policies of a resource group.
    PoliciesOfGroup => "JitNetworkAccessPolicies_ListByResourceGroup",
        "Microsoft.Security/locations/jitNetworkAccessPolicies/read";
    /// One JIT policy.
    Policy => "JitNetworkAccessPolicies_Get", "Microsoft.Security/locations/jitNetworkAccessPolicies/read";
    /// Asks for access.
    Initiate => "JitNetworkAccessPolicies_Initiate",
        "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
    /// A VM with its instance view.
    Vm => "VirtualMachines_Get", "Microsoft.Compute/virtualMachines/read";
    /// Starts a VM.
    Start => "VirtualMachines_Start", "Microsoft.Compute/virtualMachines/start/action";
    /// Stops a VM and gives its hardware back.
    Deallocate => "VirtualMachines_Deallocate", "Microsoft.Compute/virtualMachines/deallocate/action";
    /// How far an operation is: its `Azure-AsyncOperation`.
    Operation => "Operations_Get", "Microsoft.Compute/locations/operations/read";
    /// How far an operation is: its `Location`.
    OperationResult => "OperationResults_Get", "Microsoft.Compute/locations/operations/read";
    /// A network interface.
    NetworkInterface => "NetworkInterfaces_Get", "Microsoft.Network/networkInterfaces/read";
    /// A public IP address.
    PublicIpAddress => "PublicIPAddresses_Get", "Microsoft.Network/publicIPAddresses/read";
    /// The Bastion hosts of a subscription.
    BastionsOfSubscription => "BastionHosts_List", "Microsoft.Network/bastionHosts/read";
    /// A virtual network, with its subnets and peerings.
    VirtualNetwork => "VirtualNetworks_Get", "Microsoft.Network/virtualNetworks/read";
    /// What the account may at a VM.
    PermissionsOfVm => "Permissions_ListForResource", "Microsoft.Authorization/permissions/read";
    /// What the account may at a resource group.
    PermissionsOfGroup => "Permissions_ListForResourceGroup", "Microsoft.Authorization/permissions/read";
    /// Who has changed a VM, or its access.
    ActivityLog => "ActivityLogs_List", "Microsoft.Insights/eventtypes/values/read";
    /// A query of Resource Graph: the VMs of a tenant.
    Resources => "Resources", "Microsoft.ResourceGraph/resources/read";
    /// The tenants of an account.
    Tenants => "Tenants_List", "Microsoft.Resources/tenants/read";
    /// The subscriptions of an account in a tenant.
    Subscriptions => "Subscriptions_List", "Microsoft.Resources/subscriptions/read";
    /// The VMs of a subscription.
    VmsOfSubscription => "VirtualMachines_ListAll", "Microsoft.Compute/virtualMachines/read";
    /// The network interfaces of a subscription.
    InterfacesOfSubscription => "NetworkInterfaces_ListAll", "Microsoft.Network/networkInterfaces/read";
    /// The public IP addresses of a subscription.
    AddressesOfSubscription => "PublicIPAddresses_ListAll", "Microsoft.Network/publicIPAddresses/read";
}

impl Call {
    /// Whether it reads something that lasts: what the favourite names, or another answer of Azure's. An operation may well
    /// be forgotten.
    pub(crate) fn is_of_a_resource(self) -> bool {
        !matches!(self, Self::Operation | Self::OperationResult)
    }

    /// Whether an answer of 2xx without a body is none.
    pub(crate) fn has_body(self) -> bool {
        match self {
            Self::Start | Self::Deallocate | Self::OperationResult => false,
            Self::PoliciesOfSubscription
            | Self::PoliciesOfGroup
            | Self::Policy
            | Self::Initiate
            | Self::Vm
            | Self::Operation
            | Self::NetworkInterface
            | Self::PublicIpAddress
            | Self::BastionsOfSubscription
            | Self::VirtualNetwork
            | Self::PermissionsOfVm
            | Self::PermissionsOfGroup
            | Self::ActivityLog
            | Self::Resources
            | Self::Tenants
            | Self::Subscriptions
            | Self::VmsOfSubscription
            | Self::InterfacesOfSubscription
            | Self::AddressesOfSubscription => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use ajar_core::rights::{NEEDED, USEFUL};

    use super::*;

    #[test]
    fn each_call_that_opening_a_vm_takes_is_among_the_rights_that_are_asked_for() {
        for call in Call::ALL {
            // Bastion hosts are another way in. Nothing is ever stopped or looked up in the log, a start is followed at the VM where its operation may not be read, and who opens a
            // VM need not look for it.
            let dispensable = matches!(
                call,
                Call::Deallocate
                    | Call::Operation
                    | Call::BastionsOfSubscription
                    | Call::VirtualNetwork
                    | Call::OperationResult
                    | Call::ActivityLog
                    | Call::Resources
                    | Call::Tenants
                    | Call::Subscriptions
            );
            let asked_for = NEEDED.iter().any(|right| right.action == call.action()) || USEFUL.contains(&call.action());
            assert_ne!(dispensable, asked_for, "{call:?}");
        }
    }
}
