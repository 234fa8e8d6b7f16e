//! What the signed-in principal may do: statements by action and scope, the newest that fits decides.

use serde::{Deserialize, Serialize};

/// One statement: the action (with `*` for any run of characters) is allowed or denied at the scope and below.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Statement {
    /// Such as `Microsoft.Compute/virtualMachines/start/action`.
    pub(crate) action: String,
    /// A resource id or a prefix of one; everywhere when left out.
    #[serde(default)]
    pub(crate) scope: String,
    /// Whether the principal may.
    pub(crate) allowed: bool,
}

/// What a role for people who open and start VMs holds, and no more.
const ROLE: &[&str] = &[
    "*/read",
    "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action",
    "Microsoft.Compute/virtualMachines/start/action",
    "Microsoft.Compute/virtualMachines/restart/action",
    "Microsoft.Compute/virtualMachines/powerOff/action",
    "Microsoft.Compute/virtualMachines/deallocate/action",
    "Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action",
    "Microsoft.Network/networkWatchers/ipFlowVerify/action",
];

/// All statements, oldest first.
#[derive(Clone, Debug)]
pub(crate) struct Rights {
    statements: Vec<Statement>,
}

impl Default for Rights {
    fn default() -> Self {
        let allowed = |action: &&str| Statement { action: (*action).to_owned(), scope: String::new(), allowed: true };
        Self { statements: ROLE.iter().map(allowed).collect() }
    }
}

impl Rights {
    pub(crate) fn add(&mut self, statement: Statement) {
        self.statements.push(statement);
    }

    /// Whether the principal may do `action` on the resource (or subscription, or resource group) `scope`.
    pub(crate) fn allow(&self, action: &str, scope: &str) -> bool {
        let fits = |statement: &&Statement| covers(&statement.scope, scope) && glob(&statement.action, action);
        self.statements.iter().rev().find(fits).is_some_and(|statement| statement.allowed)
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.statements
    }
}

fn covers(ancestor: &str, scope: &str) -> bool {
    let ancestor = ancestor.trim_end_matches('/').to_ascii_lowercase();
    let scope = scope.to_ascii_lowercase();
    scope.strip_prefix(&ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Case-insensitive match in which `*` stands for any run of characters.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "Microsoft.Compute/virtualMachines/start/action";

    fn deny(action: &str, scope: &str) -> Statement {
        Statement { action: action.to_owned(), scope: scope.to_owned(), allowed: false }
    }

    #[test]
    fn a_denial_holds_at_its_scope_and_below_but_not_beside_it() {
        let mut rights = Rights::default();
        rights.add(deny("microsoft.compute/*/start/action", "/subscriptions/S/resourceGroups/RG"));
        assert!(
            !rights.allow(START, "/subscriptions/s/resourcegroups/rg/providers/Microsoft.Compute/virtualMachines/a")
        );
        assert!(rights.allow(START, "/subscriptions/s/resourceGroups/rg2/providers/x"));
        assert!(rights.allow(START, "/subscriptions/s"));
    }

    #[test]
    fn the_newest_statement_decides() {
        let mut rights = Rights::default();
        rights.add(deny("*", ""));
        assert!(!rights.allow(START, "/subscriptions/s"));
        rights.add(Statement { action: START.to_owned(), scope: String::new(), allowed: true });
        assert!(rights.allow(START, "/subscriptions/s"));
    }

    #[test]
    fn what_the_role_does_not_name_is_denied() {
        assert!(!Rights::default().allow("Microsoft.Network/networkSecurityGroups/write", "/subscriptions/s"));
    }
}
