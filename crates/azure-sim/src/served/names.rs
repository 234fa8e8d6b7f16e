//! The names of all routes. What is served has one of them, so the list is complete.

macro_rules! route_names {
    ($($route:ident => $name:literal,)+) => {
        /// The name of a route.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum RouteName {
            $($route,)+
        }

        impl RouteName {
            pub(crate) fn text(self) -> &'static str {
                match self {
                    $(Self::$route => $name,)+
                }
            }
        }

        /// The names of all routes that a simulator serves, in alphabetical order: Azure's operation ids
        /// (`VirtualMachines_Start`), and names like them for what is not the resource manager's (`Entra_Token`).
        ///
        /// The journal gives each request the name of its route, and faults match by it. `/_sim` has no names.
        pub fn route_names() -> &'static [&'static str] {
            &[$($name),+]
        }
    };
}

route_names! {
    ActivityLogsList => "ActivityLogs_List",
    BastionHostsGet => "BastionHosts_Get",
    BastionHostsList => "BastionHosts_List",
    BastionHostsListByResourceGroup => "BastionHosts_ListByResourceGroup",
    BastionTunnelClose => "BastionTunnel_Close",
    BastionTunnelConnect => "BastionTunnel_Connect",
    BastionTunnelOpen => "BastionTunnel_Open",
    DefaultSecurityRulesGet => "DefaultSecurityRules_Get",
    DefaultSecurityRulesList => "DefaultSecurityRules_List",
    DisksGet => "Disks_Get",
    DisksList => "Disks_List",
    DisksListByResourceGroup => "Disks_ListByResourceGroup",
    EntraAuthorize => "Entra_Authorize",
    EntraDeviceCode => "Entra_DeviceCode",
    EntraDeviceLogin => "Entra_DeviceLogin",
    EntraInstanceDiscovery => "Entra_InstanceDiscovery",
    EntraKeys => "Entra_Keys",
    EntraLogout => "Entra_Logout",
    EntraOpenIdConfiguration => "Entra_OpenIdConfiguration",
    EntraToken => "Entra_Token",
    EntraUserRealm => "Entra_UserRealm",
    InstanceMetadataGet => "InstanceMetadata_Get",
    JitNetworkAccessPoliciesCreateOrUpdate => "JitNetworkAccessPolicies_CreateOrUpdate",
    JitNetworkAccessPoliciesDelete => "JitNetworkAccessPolicies_Delete",
    JitNetworkAccessPoliciesGet => "JitNetworkAccessPolicies_Get",
    JitNetworkAccessPoliciesInitiate => "JitNetworkAccessPolicies_Initiate",
    JitNetworkAccessPoliciesList => "JitNetworkAccessPolicies_List",
    JitNetworkAccessPoliciesListByRegion => "JitNetworkAccessPolicies_ListByRegion",
    JitNetworkAccessPoliciesListByResourceGroup => "JitNetworkAccessPolicies_ListByResourceGroup",
    JitNetworkAccessPoliciesListByResourceGroupAndRegion => "JitNetworkAccessPolicies_ListByResourceGroupAndRegion",
    LocationsGet => "Locations_Get",
    LocationsList => "Locations_List",
    ManagedIdentityToken => "ManagedIdentity_Token",
    MetadataEndpoints => "Metadata_Endpoints",
    NetworkInterfaceIpConfigurationsGet => "NetworkInterfaceIPConfigurations_Get",
    NetworkInterfaceIpConfigurationsList => "NetworkInterfaceIPConfigurations_List",
    NetworkInterfacesGet => "NetworkInterfaces_Get",
    NetworkInterfacesList => "NetworkInterfaces_List",
    NetworkInterfacesListAll => "NetworkInterfaces_ListAll",
    NetworkInterfacesListEffectiveNetworkSecurityGroups => "NetworkInterfaces_ListEffectiveNetworkSecurityGroups",
    NetworkSecurityGroupsGet => "NetworkSecurityGroups_Get",
    NetworkSecurityGroupsList => "NetworkSecurityGroups_List",
    NetworkSecurityGroupsListAll => "NetworkSecurityGroups_ListAll",
    NetworkWatchersGet => "NetworkWatchers_Get",
    NetworkWatchersGetNextHop => "NetworkWatchers_GetNextHop",
    NetworkWatchersList => "NetworkWatchers_List",
    NetworkWatchersListAll => "NetworkWatchers_ListAll",
    NetworkWatchersVerifyIpFlow => "NetworkWatchers_VerifyIPFlow",
    OperationResultsGet => "OperationResults_Get",
    OperationsGet => "Operations_Get",
    OperationsList => "Operations_List",
    PermissionsListForResource => "Permissions_ListForResource",
    PermissionsListForResourceGroup => "Permissions_ListForResourceGroup",
    PricingsGet => "Pricings_Get",
    PricingsList => "Pricings_List",
    ProvidersGet => "Providers_Get",
    ProvidersGetAtTenantScope => "Providers_GetAtTenantScope",
    ProvidersList => "Providers_List",
    ProvidersListAtTenantScope => "Providers_ListAtTenantScope",
    PublicAddressGet => "PublicAddress_Get",
    PublicIpAddressesGet => "PublicIPAddresses_Get",
    PublicIpAddressesList => "PublicIPAddresses_List",
    PublicIpAddressesListAll => "PublicIPAddresses_ListAll",
    ResourceGroupsGet => "ResourceGroups_Get",
    ResourceGroupsList => "ResourceGroups_List",
    ResourceSkusList => "ResourceSkus_List",
    Resources => "Resources",
    ResourcesGet => "Resources_Get",
    ResourcesList => "Resources_List",
    ResourcesListByResourceGroup => "Resources_ListByResourceGroup",
    ResourcesListOfType => "Resources_ListOfType",
    SecurityRulesGet => "SecurityRules_Get",
    SecurityRulesList => "SecurityRules_List",
    SubnetsGet => "Subnets_Get",
    SubnetsList => "Subnets_List",
    SubscriptionsGet => "Subscriptions_Get",
    SubscriptionsList => "Subscriptions_List",
    SubscriptionsListLocations => "Subscriptions_ListLocations",
    TagsGetAtScope => "Tags_GetAtScope",
    TagsList => "Tags_List",
    TenantsList => "Tenants_List",
    UsageList => "Usage_List",
    VirtualMachineExtensionsList => "VirtualMachineExtensions_List",
    VirtualMachineRunCommandsListByVirtualMachine => "VirtualMachineRunCommands_ListByVirtualMachine",
    VirtualMachineSizesList => "VirtualMachineSizes_List",
    VirtualMachinesDeallocate => "VirtualMachines_Deallocate",
    VirtualMachinesGet => "VirtualMachines_Get",
    VirtualMachinesInstanceView => "VirtualMachines_InstanceView",
    VirtualMachinesList => "VirtualMachines_List",
    VirtualMachinesListAll => "VirtualMachines_ListAll",
    VirtualMachinesListAvailableSizes => "VirtualMachines_ListAvailableSizes",
    VirtualMachinesListByLocation => "VirtualMachines_ListByLocation",
    VirtualMachinesPowerOff => "VirtualMachines_PowerOff",
    VirtualMachinesRedeploy => "VirtualMachines_Redeploy",
    VirtualMachinesRestart => "VirtualMachines_Restart",
    VirtualMachinesRunCommand => "VirtualMachines_RunCommand",
    VirtualMachinesStart => "VirtualMachines_Start",
    VirtualNetworksGet => "VirtualNetworks_Get",
    VirtualNetworksList => "VirtualNetworks_List",
    VirtualNetworksListAll => "VirtualNetworks_ListAll",
}
