//! Words about rights: for the user, and for the administrator who can grant them.

use crate::resource_id::VmResourceId;
use crate::rights::{NEEDED, Purpose, Right, USEFUL};

/// What the rights that are missing keep the user from, in one sentence; `None` if none is.
pub fn lacking(name: &str, missing: &[Right]) -> Option<String> {
    let lacks = |purpose| missing.iter().find(|right| right.purpose == purpose);
    if let Some(right) = lacks(Purpose::Open) {
        return Some(format!("Your account cannot open {name}: it lacks {}.", right.action));
    }
    lacks(Purpose::Start)
        .map(|right| format!("Your account can open {name} but not start it: it lacks {}.", right.action))
}

/// A message to the administrator of a VM: what is missing, and a role that has it. `account` is who asks.
pub fn for_administrator(account: &str, vm: &VmResourceId, missing: &[Right]) -> String {
    let group = vm.resource().resource_group_scope();
    let actions: Vec<_> = missing.iter().map(|right| format!("  {}", right.action)).collect();
    format!(
        "Please give {account} what it lacks to open the VM {} by just-in-time access:\n\n{}\n\nAt: {group}\n\n\
         This custom role has all that Ajar uses and no more:\n\n{}\n\n\
         az role definition create --role-definition role.json\n\
         az role assignment create --assignee \"{account}\" --role \"{ROLE}\" --scope \"{group}\"\n",
        vm.name(),
        actions.join("\n"),
        role(&group),
    )
}

/// What the role is called.
const ROLE: &str = "JIT access with start";

/// The least that Ajar needs, as the role definition that Azure takes.
pub fn role(scope: &str) -> String {
    let actions: Vec<_> = NEEDED.iter().map(|right| right.action).chain(USEFUL).collect();
    let role = serde_json::json!({
        "Name": ROLE,
        "IsCustom": true,
        "Description": "Opens VMs by just-in-time access, and starts them.",
        "Actions": actions,
        "AssignableScopes": [scope],
    });
    format!("{role:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rights::{Granted, Permission};

    fn vm() -> VmResourceId {
        let id = "/subscriptions/s/resourceGroups/rg-data/providers/Microsoft.Compute/virtualMachines/db-01";
        id.parse().unwrap()
    }

    fn reader() -> Vec<Right> {
        let reads = vec![Permission { actions: vec!["*/read".into()], not_actions: Vec::new() }];
        Granted { vm: reads.clone(), resource_group: reads }.missing()
    }

    #[test]
    fn the_message_for_the_administrator_names_who_what_and_where() {
        insta::assert_snapshot!(for_administrator("ada@contoso.example", &vm(), &reader()));
    }

    #[test]
    fn the_user_hears_what_is_missing_first() {
        let missing = reader();
        let told = lacking("db-01", &missing).unwrap();
        assert!(told.starts_with("Your account cannot open db-01: it lacks Microsoft.Security/"), "{told}");
        let told = lacking("db-01", &missing[1..]).unwrap();
        assert!(told.contains("can open db-01 but not start it"), "{told}");
        assert_eq!(lacking("db-01", &[]), None);
    }

    #[test]
    fn the_page_on_permissions_has_the_same_role() {
        let page = include_str!("../../../../docs/azure-permissions.md");
        let shown = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&role("/subscriptions/SUBSCRIPTION")).unwrap();
        assert_eq!(shown, ours);
        for right in NEEDED {
            assert!(page.contains(&format!("| `{}` |", right.action)), "no row of the table has {}", right.action);
        }
    }
}
