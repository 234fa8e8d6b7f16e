//! What Azure has and is not simulated. It is refused by a word of the simulator's own: Azure's sentences for what does
//! not exist would be false.

use axum::http::{Method, StatusCode};

use crate::arm::error::ArmError;
use crate::arm::route;

/// Of the namespaces that are simulated: types that Azure has beside those that are served. What is below them counts too.
const TYPES: &[(&str, &[&str])] = &[
    (
        "Microsoft.Compute",
        &["cloudServices", "diskAccesses", "operations", "sharedVMExtensions", "sharedVMImages", "skus"],
    ),
    (
        "Microsoft.Network",
        &[
            "applicationGatewayAvailableSslOptions",
            "applicationGatewayAvailableWafRuleSets",
            "azureFirewallFqdnTags",
            "azureFirewalls",
            "azureWebCategories",
            "bgpServiceCommunities",
            "connections",
            "customIpPrefixes",
            "ddosCustomPolicies",
            "ddosProtectionPlans",
            "dnsForwardingRulesets",
            "dnsResolvers",
            "dnsZones",
            "dscpConfigurations",
            "expressRouteCircuits",
            "expressRouteCrossConnections",
            "expressRouteGateways",
            "expressRoutePorts",
            "expressRoutePortsLocations",
            "expressRouteServiceProviders",
            "frontDoors",
            "frontDoorWebApplicationFirewallPolicies",
            "ipAllocations",
            "ipGroups",
            "localNetworkGateways",
            "networkIntentPolicies",
            "networkManagerConnections",
            "networkManagers",
            "networkProfiles",
            "networkSecurityPerimeters",
            "networkVirtualAppliances",
            "networkVirtualApplianceSkus",
            "operations",
            "p2sVpnGateways",
            "privateDnsZones",
            "privateLinkServices",
            "routeFilters",
            "securityPartnerProviders",
            "serviceEndpointPolicies",
            "trafficManagerProfiles",
            "virtualHubs",
            "virtualNetworkTaps",
            "virtualRouters",
            "virtualWans",
            "vpnGateways",
            "vpnServerConfigurations",
            "vpnSites",
            "webApplicationFirewallPolicies",
        ],
    ),
    (
        "Microsoft.Security",
        &[
            "adaptiveNetworkHardenings",
            "advancedThreatProtectionSettings",
            "alerts",
            "alertsSuppressionRules",
            "allowedConnections",
            "apiCollections",
            "applications",
            "applicationWhitelistings",
            "assessmentMetadata",
            "assessments",
            "assignments",
            "automations",
            "autoProvisioningSettings",
            "complianceResults",
            "compliances",
            "connectors",
            "customAssessmentAutomations",
            "customEntityStoreAssignments",
            "customRecommendations",
            "defenderForStorageSettings",
            "deviceSecurityGroups",
            "discoveredSecuritySolutions",
            "externalSecuritySolutions",
            "governanceRules",
            "healthReports",
            "informationProtectionPolicies",
            "ingestionSettings",
            "insights",
            "iotSecuritySolutions",
            "mdeOnboardings",
            "operations",
            "policies",
            "pricings",
            "regulatoryComplianceStandards",
            "secureScoreControlDefinitions",
            "secureScoreControls",
            "secureScores",
            "securityConnectors",
            "securityContacts",
            "securitySolutions",
            "securitySolutionsReferenceData",
            "securityStandards",
            "securityStatuses",
            "sensitivitySettings",
            "serverVulnerabilityAssessments",
            "serverVulnerabilityAssessmentsSettings",
            "settings",
            "softwareInventories",
            "sqlVulnerabilityAssessments",
            "standardAssignments",
            "standards",
            "subAssessments",
            "tasks",
            "topologies",
            "workspaceSettings",
        ],
    ),
    (
        "Microsoft.Authorization",
        &[
            "accessReviewScheduleDefinitions",
            "classicAdministrators",
            "dataPolicyManifests",
            "denyAssignments",
            "diagnosticSettings",
            "eligibleChildResources",
            "operations",
            "permissions",
            "policyAssignments",
            "policyDefinitions",
            "policyExemptions",
            "policySetDefinitions",
            "privateLinkAssociations",
            "providerOperations",
            "resourceManagementPrivateLinks",
            "roleAssignmentApprovals",
            "roleAssignments",
            "roleAssignmentScheduleInstances",
            "roleAssignmentScheduleRequests",
            "roleAssignmentSchedules",
            "roleDefinitions",
            "roleEligibilityScheduleInstances",
            "roleEligibilityScheduleRequests",
            "roleEligibilitySchedules",
            "roleManagementPolicies",
            "roleManagementPolicyAssignments",
            "variables",
        ],
    ),
    (
        "Microsoft.Insights",
        &[
            "actionGroups",
            "activityLogAlerts",
            "autoscaleSettings",
            "components",
            "dataCollectionRuleAssociations",
            "dataCollectionRules",
            "diagnosticSettings",
            "eventCategories",
            "logProfiles",
            "metricAlerts",
            "metricDefinitions",
            "metricNamespaces",
            "metrics",
            "operations",
            "scheduledQueryRules",
            "webTests",
            "workbooks",
        ],
    ),
    (
        "Microsoft.Resources",
        &[
            "builtInTemplateSpecs",
            "changes",
            "deploymentScripts",
            "deploymentStacks",
            "locations",
            "operations",
            "providers",
            "templateSpecs",
        ],
    ),
    (
        "Microsoft.ResourceGraph",
        &["generateQuery", "queries", "resourceChangeDetails", "resourceChanges", "resourcesHistory"],
    ),
];

/// 501, for what Azure has: `what` such as `Microsoft.Authorization/roleAssignments`.
pub(super) fn answer(what: &str) -> ArmError {
    let message = format!("azure-sim does not simulate {what}. docs/simulator.md tells what it does.");
    ArmError::new(StatusCode::NOT_IMPLEMENTED, "NotSimulated", message)
}

/// What Azure has at a path that is neither a subscription's nor a provider's: many requests in one.
pub(super) fn of_tenant(method: &Method, path: &str) -> Option<ArmError> {
    let is_batch = matches!(route::segments(path).as_slice(), [one] if one.eq_ignore_ascii_case("batch"));
    (is_batch && method == Method::POST).then(|| answer("POST /batch"))
}

/// Whether Azure may have a namespace of this name: of Microsoft's own there are hundreds.
pub(super) fn may_exist(namespace: &str) -> bool {
    let of_microsoft = namespace.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("Microsoft."));
    of_microsoft && namespace[10..].chars().next().is_some_and(char::is_alphabetic)
}

/// The type's full name in Azure's spelling, if it is one of those in the list.
pub(super) fn known(namespace: &str, types: &[String]) -> Option<String> {
    let (namespace, kinds) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(namespace))?;
    let outermost = types.first()?;
    let kind = kinds.iter().find(|known| known.eq_ignore_ascii_case(outermost))?;
    Some([*namespace, *kind].into_iter().chain(types[1..].iter().map(String::as_str)).collect::<Vec<_>>().join("/"))
}
