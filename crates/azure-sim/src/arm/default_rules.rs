//! The rules that every network security group has from Azure.

use serde_json::{Value, json};

struct Rule {
    name: &'static str,
    description: &'static str,
    direction: &'static str,
    access: &'static str,
    priority: u16,
    source: &'static str,
    destination: &'static str,
}

const RULES: [Rule; 6] = [
    Rule {
        name: "AllowVnetInBound",
        description: "Allow inbound traffic from all VMs in VNET",
        direction: "Inbound",
        access: "Allow",
        priority: 65_000,
        source: "VirtualNetwork",
        destination: "VirtualNetwork",
    },
    Rule {
        name: "AllowAzureLoadBalancerInBound",
        description: "Allow inbound traffic from azure load balancer",
        direction: "Inbound",
        access: "Allow",
        priority: 65_001,
        source: "AzureLoadBalancer",
        destination: "*",
    },
    Rule {
        name: "DenyAllInBound",
        description: "Deny all inbound traffic",
        direction: "Inbound",
        access: "Deny",
        priority: 65_500,
        source: "*",
        destination: "*",
    },
    Rule {
        name: "AllowVnetOutBound",
        description: "Allow outbound traffic from all VMs to all VMs in VNET",
        direction: "Outbound",
        access: "Allow",
        priority: 65_000,
        source: "VirtualNetwork",
        destination: "VirtualNetwork",
    },
    Rule {
        name: "AllowInternetOutBound",
        description: "Allow outbound traffic from all VMs to Internet",
        direction: "Outbound",
        access: "Allow",
        priority: 65_001,
        source: "*",
        destination: "Internet",
    },
    Rule {
        name: "DenyAllOutBound",
        description: "Deny all outbound traffic",
        direction: "Outbound",
        access: "Deny",
        priority: 65_500,
        source: "*",
        destination: "*",
    },
];

/// Those of the group with this id.
pub(super) fn of(group: &str) -> Vec<Value> {
    let one = |rule: &Rule| {
        json!({
            "name": rule.name,
            "id": format!("{group}/defaultSecurityRules/{}", rule.name),
            "etag": "W/\"1\"",
            "type": "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
            "properties": {
                "provisioningState": "Succeeded",
                "description": rule.description,
                "protocol": "*",
                "sourcePortRange": "*",
                "destinationPortRange": "*",
                "sourceAddressPrefix": rule.source,
                "destinationAddressPrefix": rule.destination,
                "access": rule.access,
                "priority": rule.priority,
                "direction": rule.direction,
                "sourcePortRanges": [],
                "destinationPortRanges": [],
                "sourceAddressPrefixes": [],
                "destinationAddressPrefixes": [],
            },
        })
    };
    RULES.iter().map(one).collect()
}
