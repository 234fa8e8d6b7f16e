//! Words about rights: for the user, and for the administrator who can grant them.

use crate::resource_id::VmResourceId;
use crate::rights::{Granted, NEEDED, Principal, Purpose, Refused, Right, USEFUL};
use crate::snapshot::RightState;

/// What the rights that are not granted keep the user from, in one sentence.
pub fn summary(name: &str, granted: &Granted) -> String {
    if let Some((refused, assignment)) = granted.forbidden().next() {
        return format!("A deny assignment{} forbids your account {} at {name}.", called(assignment), refused.action);
    }
    let missing = granted.that_are(RightState::Missing);
    let lacks = |purpose| missing.iter().find(|right| right.purpose == purpose);
    if let Some(right) = lacks(Purpose::Open) {
        format!("Your account cannot open {name}: it lacks {}.", right.action)
    } else if let Some(right) = lacks(Purpose::Start) {
        format!("Your account can open {name} but not start it: it lacks {}.", right.action)
    } else if let Some(refused) = granted.refused_besides().next() {
        format!("Azure refused your account {} when {name} was opened or deallocated last.", refused.action)
    } else if granted.that_are(RightState::Unknown).is_empty() {
        format!("Your account has all rights that opening {name} takes, as far as Azure lists them.")
    } else {
        format!("Your account may not look up which rights it has at {name}.")
    }
}

/// A message to the administrator of a VM: what is not granted, and a role that has it; `None` if everything is. `who` asks.
pub fn for_administrator(who: &Principal, vm: &VmResourceId, granted: &Granted) -> Option<String> {
    let listed =
        |rights: Vec<Right>| rights.iter().map(|right| format!("  {}", right.action)).collect::<Vec<_>>().join("\n");
    let (missing, unknown) = (listed(granted.lacking()), listed(granted.that_are(RightState::Unknown)));
    let what = match (missing.as_str(), unknown.as_str()) {
        ("", "") => None,
        (missing, "") => Some(missing.to_owned()),
        ("", unknown) => Some(format!("{UNKNOWN}\n\n{unknown}")),
        (missing, unknown) => Some(format!("{missing}\n\n{UNKNOWN}\n\n{unknown}")),
    };
    let besides: Vec<_> = granted.refused_besides().map(|it| format!("  {}\n  on {}\n", it.action, it.scope)).collect();
    let besides = besides.join("\n");
    let account = &known_as(who);
    let of_deallocating = what.is_none() && granted.is_refused_deallocating_alone();
    let lacks = || {
        let wanted = if of_deallocating {
            format!("deallocate the VM {}", vm.name())
        } else {
            format!("open the VM {} by just-in-time access", vm.name())
        };
        format!("Please give {account} what it lacks to {wanted}:\n\n")
    };
    let asked = match what {
        None if besides.is_empty() => None,
        // The role would have none of it, and these places are not where it is assigned.
        None => Some(lacks() + &besides),
        Some(what) if besides.is_empty() => Some(lacks() + &with_role(who, vm, &what)),
        Some(what) => Some(format!("{}{}\n{BESIDES}\n\n{besides}", lacks(), with_role(who, vm, &what))),
    };
    let forbidden = granted.forbidden().map(|(refused, assignment)| except(account, vm, refused, assignment));
    let parts: Vec<_> = forbidden.chain(asked).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// Who it is, for an administrator who does not know who asks.
fn known_as(who: &Principal) -> String {
    match (who.name.as_deref(), who.object_id.as_deref()) {
        (Some(name), Some(id)) if name != id => format!("{name} (object ID {id})"),
        (Some(name), _) => name.to_owned(),
        (None, Some(id)) => format!("the account with the object ID {id}"),
        (None, None) => "my account".to_owned(),
    }
}

/// What whoever manages a deny assignment is asked for: no role helps against it.
fn except(account: &str, vm: &VmResourceId, refused: &Refused, assignment: &str) -> String {
    let (Refused { action, scope, .. }, vm) = (refused, vm.name());
    let from = if refused.is_of_deallocating() {
        format!("deallocating the VM {vm}")
    } else {
        format!("opening the VM {vm} by just-in-time access")
    };
    format!(
        "Please except {account} from the deny assignment{}, which keeps it from {from}, whatever its roles allow:\n\n  \
         {action}\n  on {scope}\n",
        called(assignment),
    )
}

fn called(assignment: &str) -> String {
    if assignment.is_empty() { String::new() } else { format!(" “{assignment}”") }
}

/// What is missing, and how a role that has it is made and assigned.
fn with_role(who: &Principal, vm: &VmResourceId, what: &str) -> String {
    let group = vm.resource().resource_group_scope();
    // By its object ID a guest is found, too, whom the tenant knows by another user name.
    let assignee = who.object_id.as_deref().or(who.name.as_deref()).unwrap_or("USER OR APPLICATION");
    let as_guest = Some(assignee).filter(|assignee| assignee.contains('@')).map(of_guest).unwrap_or_default();
    format!(
        "{what}\n\nAt: {group}\n\n\
         This custom role has all that Ajar uses and no more. Save it as role.json:\n\n{}\n\n\
         Then create and assign it:\n\n\
         az role definition create --role-definition role.json\n\
         az role assignment create --assignee \"{assignee}\" --role \"{}\" --scope \"{group}\"\n{as_guest}",
        role(&group),
        role_name(&group),
    )
}

/// How a guest is named to `az`: the tenant knows them by another user name.
fn of_guest(who: &str) -> String {
    format!(
        "\nIn a tenant that {who} is a guest of, name them by their id instead of “--assignee \"{who}\"”:\n\n\
         --assignee-principal-type User --assignee-object-id \"$(az ad user list --filter \"mail eq '{}'\" --query '[0].id' \
         --output tsv)\"\n",
        who.replace('\'', "''"),
    )
}

/// Above the rights that nobody could look up.
const UNKNOWN: &str = "Whether it has these could not be looked up:";

/// Above what has been refused and is not in the role.
const BESIDES: &str = "Beside what this role has, Azure refused it:";

/// Over the rights.
pub const COLUMNS: [&str; 3] = ["STATE", "FOR", "ACTION"];

/// What to do about a missing right.
pub fn how_to_ask(name: &str) -> String {
    format!("For the message to your administrator, with a role that has all of it: ajar rights {name} --message")
}

/// What a right is good for, and whether it is granted, in a word each.
pub fn right(purpose: Purpose, state: RightState) -> (&'static str, &'static str) {
    let purpose = match purpose {
        Purpose::Open => "open",
        Purpose::Start => "start",
        Purpose::Deallocate => "deallocate",
    };
    let state = match state {
        RightState::Granted => "granted",
        RightState::Missing => "missing",
        RightState::Unknown => "not known",
    };
    (purpose, state)
}

/// What the role for a scope is called. Entra takes each name once in a tenant, so that the scope is part of it.
fn role_name(scope: &str) -> String {
    let mut parts = scope.trim_matches('/').split('/').skip(1).step_by(2);
    let (subscription, group) = (parts.next().unwrap_or_default(), parts.next());
    let group = group.map(|group| format!("{group}, ")).unwrap_or_default();
    format!("JIT access with start ({group}{subscription})")
}

/// The least that Ajar needs, as the role definition that Azure takes.
pub fn role(scope: &str) -> String {
    let actions: Vec<_> = NEEDED.iter().map(|right| right.action).chain(USEFUL).collect();
    let role = serde_json::json!({
        "Name": role_name(scope),
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
    use crate::rights::{OPTIONAL, Permission};

    fn vm() -> VmResourceId {
        let id = "/subscriptions/s/resourceGroups/rg-data/providers/Microsoft.Compute/virtualMachines/db-01";
        id.parse().unwrap()
    }

    fn may(actions: &[&str]) -> Granted {
        let actions = actions.iter().map(ToString::to_string).collect();
        let permissions = vec![Permission { actions, not_actions: Vec::new() }];
        Granted { vm: Some(permissions.clone()), resource_group: Some(permissions), refused: Vec::new() }
    }

    fn ada() -> Principal {
        Principal { name: Some("ada@contoso.example".into()), object_id: None }
    }

    #[test]
    fn an_object_id_is_told_beside_the_name_and_names_whoever_gets_the_role() {
        let id = || Some("5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77".to_owned());
        let told = |who: &Principal| for_administrator(who, &vm(), &may(&["*/read"])).unwrap();
        let both = told(&Principal { object_id: id(), ..ada() });
        assert!(
            both.starts_with("Please give ada@contoso.example (object ID 5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77) what")
        );
        assert!(both.contains("--assignee \"5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77\""), "{both}");
        assert!(!both.contains("is a guest of"), "the tenant’s own id names a guest, too: {both}");
        let alone = told(&Principal { name: None, object_id: id() });
        assert!(alone.starts_with("Please give the account with the object ID 5d3a1f0e"), "{alone}");
    }

    const INITIATE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";

    #[test]
    fn the_message_for_the_administrator_names_who_what_and_where() {
        insta::assert_snapshot!(for_administrator(&ada(), &vm(), &may(&["*/read"])).unwrap());
    }

    #[test]
    fn what_could_not_be_looked_up_is_asked_for_as_that_and_what_is_there_is_not() {
        let told =
            for_administrator(&Principal::default(), &vm(), &Granted { resource_group: None, ..may(&["*/read"]) })
                .unwrap();
        assert!(told.starts_with("Please give my account what it lacks"), "{told}");
        let (before, after) = told.split_once(UNKNOWN).unwrap();
        assert!(before.contains("virtualMachines/start/action") && after.contains(INITIATE), "{told}");
        assert_eq!(for_administrator(&Principal::default(), &vm(), &may(&["*"])), None);
    }

    #[test]
    fn what_was_refused_beside_the_role_is_asked_for_where_it_is_missing() {
        let join = "Microsoft.Network/virtualNetworks/subnets/join/action";
        let scope = "/subscriptions/hub/resourceGroups/net".to_owned();
        let refused = vec![Refused { action: join.into(), scope, deny_assignment: None }];
        let alone = Granted { refused: refused.clone(), ..may(&["*"]) };
        let told = for_administrator(&ada(), &vm(), &alone).unwrap();
        let expected = "Please give ada@contoso.example what it lacks to open the VM db-01 by just-in-time access:\n\n  \
                        Microsoft.Network/virtualNetworks/subnets/join/action\n  on /subscriptions/hub/resourceGroups/net\n";
        assert_eq!(told, expected);
        assert!(summary("db-01", &alone).contains(join));
        let told = for_administrator(&Principal::default(), &vm(), &Granted { refused, ..may(&["*/read"]) }).unwrap();
        let (role, besides) = told.split_once(BESIDES).unwrap();
        assert!(role.contains(INITIATE) && !role.contains(join) && besides.contains(join), "{told}");
    }

    #[test]
    fn against_a_deny_assignment_no_role_is_asked_for() {
        let start = "Microsoft.Compute/virtualMachines/start/action";
        let (scope, deny_assignment) = ("/subscriptions/s/resourceGroups/rg-data".to_owned(), Some("Blueprint".into()));
        let refused = vec![Refused { action: start.into(), scope, deny_assignment }];
        let told =
            for_administrator(&Principal::default(), &vm(), &Granted { refused: refused.clone(), ..may(&["*"]) })
                .unwrap();
        assert!(told.starts_with("Please except my account from the deny assignment “Blueprint”"), "{told}");
        assert!(told.contains(start) && !told.contains("az role"), "{told}");
        let both = Granted { refused, ..may(&["*/read"]) };
        let told = for_administrator(&Principal::default(), &vm(), &both).unwrap();
        let (_, role) = told.split_once("Please give").unwrap();
        assert!(role.contains(INITIATE) && summary("db-01", &both).contains("“Blueprint” forbids"), "{told}");
        assert_eq!(role.split_once("At:").unwrap().0.matches(start).count(), 0, "{role}");
    }

    #[test]
    fn the_user_hears_what_is_missing_first() {
        let told = |granted: &Granted| summary("db-01", granted);
        assert!(told(&may(&["*/read"])).starts_with("Your account cannot open db-01: it lacks Microsoft.Security/"));
        assert!(told(&may(&["*/read", INITIATE])).contains("can open db-01 but not start it"));
        assert!(told(&may(&["*"])).contains("has all rights"));
        assert!(told(&Granted::default()).contains("may not look up"));
    }

    #[test]
    fn each_place_has_a_role_of_its_own_name() {
        let names = [
            "/subscriptions/s",
            "/subscriptions/t",
            "/subscriptions/s/resourceGroups/g",
            "/subscriptions/t/resourceGroups/g",
        ];
        let names = names.map(role_name);
        assert_eq!(names[0], "JIT access with start (s)");
        assert_eq!(names[2], "JIT access with start (g, s)");
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), names.len());
    }

    #[test]
    fn the_page_on_permissions_has_the_same_role() {
        let page = include_str!("../../../../docs/azure-permissions.md");
        let shown = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let shown: serde_json::Value = serde_json::from_str(shown).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&role("/subscriptions/SUBSCRIPTION")).unwrap();
        assert_eq!(shown, ours);
        for right in NEEDED.iter().chain(&OPTIONAL) {
            assert!(page.contains(&format!("| `{}` |", right.action)), "no row of the table has {}", right.action);
        }
    }
}
