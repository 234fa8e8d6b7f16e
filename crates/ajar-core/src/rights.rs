//! Which rights Ajar needs for a VM, and which of them are missing. Azure tells what an account may at a place
//! (`Microsoft.Authorization/permissions`); the rest is comparing.

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::resource_id::VmResourceId;
use crate::snapshot::RightState;

/// What an account may at a place: one of Azure's `Permission` objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permission {
    /// Granted actions; `*` stands for any run of characters.
    pub actions: Vec<String>,
    /// Taken out of them.
    pub not_actions: Vec<String>,
}

/// What a right is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Purpose {
    /// Asking for access.
    Open,
    /// Starting the VM.
    Start,
    /// Deallocating the VM, for those who do that with Ajar.
    Deallocate,
}

/// Where a right is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Place {
    /// The VM itself.
    Vm,
    /// Its resource group, in which policies, network interfaces and addresses lie.
    ResourceGroup,
}

/// A right that Ajar needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Right {
    /// What for.
    pub purpose: Purpose,
    /// Where.
    pub place: Place,
    /// The action, such as `Microsoft.Compute/virtualMachines/read`.
    pub action: &'static str,
}

const fn right(purpose: Purpose, place: Place, action: &'static str) -> Right {
    Right { purpose, place, action }
}

/// All of them, in the order in which they are used. `docs/azure-permissions.md` has them as a role.
pub const NEEDED: [Right; 6] = [
    right(Purpose::Open, Place::ResourceGroup, "Microsoft.Security/locations/jitNetworkAccessPolicies/read"),
    right(Purpose::Open, Place::Vm, "Microsoft.Compute/virtualMachines/read"),
    right(Purpose::Open, Place::ResourceGroup, "Microsoft.Network/networkInterfaces/read"),
    right(Purpose::Open, Place::ResourceGroup, "Microsoft.Network/publicIPAddresses/read"),
    right(Purpose::Open, Place::ResourceGroup, "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action"),
    right(Purpose::Start, Place::Vm, "Microsoft.Compute/virtualMachines/start/action"),
];

/// What is needed beside them by who deallocates VMs with Ajar. It is not in the role: opening takes none of it.
pub const OPTIONAL: [Right; 1] =
    [right(Purpose::Deallocate, Place::Vm, "Microsoft.Compute/virtualMachines/deallocate/action")];

/// What is good to have beside them: looking one's rights up.
pub const USEFUL: [&str; 1] = ["Microsoft.Authorization/permissions/read"];

/// Who acts, as an administrator knows them, as far as that is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Principal {
    /// A user name, or an application's id.
    pub name: Option<String>,
    /// The object ID in the tenant that the VM is in: a guest has another one there than at home.
    pub object_id: Option<String>,
}

impl Principal {
    /// What tells it apart: its name, else the object ID.
    pub fn label(&self) -> Option<&str> {
        self.name.as_deref().or(self.object_id.as_deref())
    }
}

/// What an account may where a VM is; `None` at a place where it may not look that up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// At the VM.
    pub vm: Option<Vec<Permission>>,
    /// At its resource group.
    pub resource_group: Option<Vec<Permission>>,
    /// What Azure has refused all the same: it does not list what a deny assignment takes away, nor what is wanted at
    /// places beside these.
    pub refused: Vec<Refused>,
}

/// An action that Azure has refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Such as `Microsoft.Network/virtualNetworks/subnets/join/action`.
    pub action: String,
    /// The resource ID of where.
    pub scope: String,
    /// The name of the deny assignment that forbids it, which no role helps against; empty where it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deny_assignment: Option<String>,
}

impl Refused {
    /// Whether it is one of the rights that are always needed.
    fn is_of(&self, right: &Right) -> bool {
        self.action.eq_ignore_ascii_case(right.action)
    }

    /// Whether it was refused when the VM was to be deallocated, which opening takes nothing of.
    pub fn is_of_deallocating(&self) -> bool {
        OPTIONAL.iter().any(|right| self.is_of(right))
    }
}

impl Granted {
    /// The rights that are in that state, in the order of [`NEEDED`].
    pub fn that_are(&self, state: RightState) -> Vec<Right> {
        NEEDED.into_iter().filter(|right| self.state(right) == state).collect()
    }

    /// Whether an action is one of those that are known here, and listed as granted.
    pub fn lists(&self, action: &str) -> bool {
        let known = NEEDED.iter().chain(&OPTIONAL).find(|right| right.action.eq_ignore_ascii_case(action));
        known.is_some_and(|right| self.state(right) == RightState::Granted)
    }

    /// What Azure has refused beside [`NEEDED`]: a linked resource can take rights of its own.
    pub fn refused_besides(&self) -> impl Iterator<Item = &Refused> {
        let is_needed = |refused: &Refused| NEEDED.iter().any(|right| refused.is_of(right));
        self.refused.iter().filter(move |refused| !is_needed(refused) && refused.deny_assignment.is_none())
    }

    /// Whether all that was refused is of deallocating: opening takes nothing of it.
    pub fn is_refused_deallocating_alone(&self) -> bool {
        !self.refused.is_empty() && self.refused.iter().all(Refused::is_of_deallocating)
    }

    /// What a deny assignment forbids, whatever roles allow, and the name of that.
    pub fn forbidden(&self) -> impl Iterator<Item = (&Refused, &str)> {
        self.refused.iter().filter_map(|refused| Some((refused, refused.deny_assignment.as_deref()?)))
    }

    /// The rights that a role would give: what a deny assignment forbids is not among them.
    pub fn lacking(&self) -> Vec<Right> {
        let missing = self.that_are(RightState::Missing);
        missing.into_iter().filter(|right| !self.forbidden().any(|(refused, _)| refused.is_of(right))).collect()
    }

    /// What Azure would answer to who lacks a right at a VM.
    pub fn denial(&self, right: &Right, vm: &VmResourceId) -> Failure {
        let scope = match right.place {
            Place::Vm => vm.to_string(),
            Place::ResourceGroup => vm.resource().resource_group_scope(),
        };
        let action = right.action.to_owned();
        match self.forbidden().find(|(refused, _)| refused.is_of(right)) {
            Some((_, assignment)) => Failure::DenyAssigned { action, scope, assignment: assignment.to_owned() },
            None => Failure::AccessDenied { action, scope },
        }
    }

    /// Whether a deny assignment forbids it.
    pub fn is_forbidden(&self, right: &Right) -> bool {
        self.forbidden().any(|(refused, _)| refused.is_of(right))
    }

    /// Whether a right is granted.
    pub fn state(&self, right: &Right) -> RightState {
        let is_refused = self.refused.iter().any(|refused| refused.is_of(right));
        if is_refused { RightState::Missing } else { self.listed(right) }
    }

    /// Whether Azure lists a right as granted, whatever it has refused.
    pub fn listed(&self, right: &Right) -> RightState {
        let permissions = match right.place {
            Place::Vm => &self.vm,
            Place::ResourceGroup => &self.resource_group,
        };
        match permissions {
            Some(permissions) if permissions.iter().any(|permission| permission.grants(right.action)) => {
                RightState::Granted
            }
            Some(_) => RightState::Missing,
            None => RightState::Unknown,
        }
    }
}

impl Permission {
    /// Whether it grants the action: another permission may grant what this one takes out.
    pub fn grants(&self, action: &str) -> bool {
        let fits = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, action));
        fits(&self.actions) && !fits(&self.not_actions)
    }
}

/// Case does not matter, and `*` stands for any run of characters, also of slashes.
fn matches(pattern: &str, action: &str) -> bool {
    let (pattern, action) = (pattern.to_ascii_lowercase(), action.to_ascii_lowercase());
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| action.strip_prefix(first)) else { return false };
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
    use proptest::prelude::*;

    use super::*;

    fn permission(actions: &[&str], not_actions: &[&str]) -> Permission {
        let owned = |actions: &[&str]| actions.iter().map(ToString::to_string).collect();
        Permission { actions: owned(actions), not_actions: owned(not_actions) }
    }

    fn everywhere(permissions: Vec<Permission>) -> Granted {
        Granted { vm: Some(permissions.clone()), resource_group: Some(permissions), refused: Vec::new() }
    }

    fn missing(granted: &Granted) -> Vec<&'static str> {
        granted.that_are(RightState::Missing).iter().map(|right| right.action).collect()
    }

    const INITIATE: &str = "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action";
    const START: &str = "Microsoft.Compute/virtualMachines/start/action";

    #[test]
    fn built_in_roles_miss_what_they_miss() {
        // Owner, Contributor, Reader, Virtual Machine Contributor with Security Reader.
        assert_eq!(missing(&everywhere(vec![permission(&["*"], &[])])), Vec::<&str>::new());
        let contributor = permission(&["*"], &["Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"]);
        assert_eq!(missing(&everywhere(vec![contributor])), Vec::<&str>::new());
        assert_eq!(missing(&everywhere(vec![permission(&["*/read"], &[])])), [INITIATE, START]);
        let of_vms = permission(&["Microsoft.Compute/virtualMachines/*", "Microsoft.Network/networkInterfaces/*"], &[]);
        let of_security = permission(&["Microsoft.Security/*/read", "microsoft.network/publicipaddresses/READ"], &[]);
        assert_eq!(missing(&everywhere(vec![of_vms, of_security])), [INITIATE]);
        assert_eq!(missing(&everywhere(Vec::new())).len(), NEEDED.len());
    }

    #[test]
    fn what_one_role_takes_out_another_can_grant() {
        let all_but_start = permission(&["*"], &["Microsoft.Compute/virtualMachines/start/*"]);
        assert_eq!(missing(&everywhere(vec![all_but_start.clone()])), [START]);
        let starts = permission(&[START], &[]);
        assert_eq!(missing(&everywhere(vec![all_but_start, starts])), Vec::<&str>::new());
    }

    #[test]
    fn a_role_at_the_vm_alone_does_not_reach_the_policy_beside_it() {
        let vm = Some(vec![permission(&["*"], &[])]);
        let granted = Granted { vm, resource_group: Some(Vec::new()), refused: Vec::new() };
        let missing = granted.that_are(RightState::Missing);
        assert!(missing.iter().all(|right| right.place == Place::ResourceGroup));
        assert_eq!(missing.len(), 4);
    }

    #[test]
    fn what_azure_has_refused_is_missing_whatever_it_lists() {
        let refused = |action: &str| {
            vec![Refused { action: action.to_owned(), scope: "/subscriptions/s".into(), deny_assignment: None }]
        };
        let told = Granted { refused: refused(&START.to_uppercase()), ..everywhere(vec![permission(&["*"], &[])]) };
        assert_eq!((missing(&told), told.refused_besides().count()), (vec![START], 0));
        assert_eq!(missing(&Granted { refused: refused(START), ..Granted::default() }), [START]);
        let besides = Granted { refused: refused("Microsoft.Network/x/join/action"), ..told };
        assert_eq!((missing(&besides), besides.refused_besides().count()), (Vec::new(), 1));
    }

    #[test]
    fn where_nothing_may_be_looked_up_nothing_is_said_to_be_missing() {
        let granted = Granted { vm: Some(vec![permission(&["*/read"], &[])]), ..Granted::default() };
        assert_eq!(missing(&granted), [START]);
        assert_eq!(granted.that_are(RightState::Unknown).len(), 4);
        assert_eq!(missing(&Granted::default()), Vec::<&str>::new());
    }

    proptest! {
        #[test]
        fn any_run_of_characters_may_stand_for_a_star(a in "[a-z/.]{0,8}", b in "[a-z/.]{0,8}", c in "[a-z/.]{0,8}") {
            let starred = format!("{a}*{c}");
            let whole = format!("{a}{b}{c}").to_uppercase();
            prop_assert!(matches(&starred, &whole));
            prop_assert!(matches(&whole, &whole));
            prop_assert_eq!(matches(&a, &whole), whole.eq_ignore_ascii_case(&a));
        }
    }
}
