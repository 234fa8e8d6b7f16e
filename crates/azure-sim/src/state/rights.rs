//! What each principal may do: statements by action and scope, the newest that fits decides.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::fleet::{AccountSpec, Role};
use crate::said::Said;

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
    /// Whom it is about, by name, user principal name, client id or object id; everybody when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) principal: Option<String>,
}

impl Statement {
    /// Reads one statement or a list of them, or says what would be right.
    pub(crate) fn read_all(body: &[u8]) -> Result<Vec<Self>, String> {
        const EXAMPLE: &str = r#"{"action": "Microsoft.Compute/*", "scope": "/subscriptions/…", "allowed": false}"#;
        let several = serde_json::from_slice::<Vec<Map<String, Value>>>(body);
        let said = match several {
            Ok(several) => several.into_iter().map(|one| Said::of("a statement", one)).collect(),
            Err(_) => vec![Said::read("a statement, or a list of them,", body, EXAMPLE)?],
        };
        said.into_iter().map(Self::read).collect()
    }

    fn read(mut said: Said) -> Result<Self, String> {
        let action = said.text("action", "\"Microsoft.Compute/*\"")?;
        let scope = said.text("scope", "\"/subscriptions/…\"")?.unwrap_or_default();
        let allowed = said.truth("allowed")?;
        let principal = said.text("principal", "\"ada\"")?;
        said.end()?;
        let action = action.ok_or("action is missing: say which, such as \"Microsoft.Compute/*\"")?;
        let allowed = allowed.ok_or("allowed is missing: say true or false")?;
        if !scope.is_empty() && !scope.starts_with('/') {
            return Err(format!(
                "scope must be a resource id such as \"/subscriptions/…\", or be left out, not '{scope}'"
            ));
        }
        Ok(Self { action, scope, allowed, principal })
    }
}

impl Role {
    fn actions(self) -> &'static [&'static str] {
        match self {
            Self::Owner => &["*"],
            Self::Operator => OPERATOR,
            Self::Reader => &["*/read"],
            Self::None => &[],
        }
    }
}

/// What a role for people who open and start VMs holds, and no more.
const OPERATOR: &[&str] = &[
    "*/read",
    "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action",
    "Microsoft.Compute/virtualMachines/start/action",
    "Microsoft.Compute/virtualMachines/restart/action",
    "Microsoft.Compute/virtualMachines/powerOff/action",
    "Microsoft.Compute/virtualMachines/deallocate/action",
    "Microsoft.Network/networkInterfaces/effectiveNetworkSecurityGroups/action",
    "Microsoft.Network/networkWatchers/ipFlowVerify/action",
];

/// A statement, with what asking needs worked out beforehand.
#[derive(Clone, Debug)]
struct Entry {
    statement: Statement,
    /// Whom it is about; `None` for everybody.
    account: Option<Uuid>,
    /// In lower case, without a slash at the end.
    scope: String,
}

/// All statements, oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rights {
    entries: Vec<Entry>,
}

impl Rights {
    /// The role of each account, then its own statements.
    pub(crate) fn of(accounts: &[AccountSpec]) -> Self {
        let mut rights = Self::default();
        for account in accounts {
            let principal = Some(account.name.clone());
            for action in account.role.actions() {
                let (action, scope) = ((*action).to_owned(), String::new());
                let statement = Statement { action, scope, allowed: true, principal: principal.clone() };
                rights.add(statement, account.object_id);
            }
            for statement in &account.rights {
                rights.add(Statement { principal: principal.clone(), ..statement.clone() }, account.object_id);
            }
        }
        rights
    }

    /// Adds a statement about one account, by its object id at home, or about everybody.
    pub(crate) fn add(&mut self, statement: Statement, account: Option<Uuid>) {
        let scope = statement.scope.trim_end_matches('/').to_ascii_lowercase();
        self.entries.push(Entry { statement, account, scope });
    }

    /// What the account may do, to be asked for many scopes: what is said of account and action is looked up once.
    pub(crate) fn of_action(&self, account: Uuid, action: &str) -> OfAction<'_> {
        let about =
            |entry: &&Entry| entry.account.is_none_or(|its| its == account) && glob(&entry.statement.action, action);
        OfAction { newest_first: self.entries.iter().rev().filter(about).collect() }
    }

    /// What the account may at a scope, as role definitions say it: actions, and what is taken out of them. A denial
    /// takes out of what was granted before it, which is what "the newest decides" comes to.
    pub(crate) fn granted(&self, account: Uuid, scope: &str) -> Vec<(Vec<&str>, Vec<&str>)> {
        let about = |entry: &&Entry| entry.account.is_none_or(|its| its == account) && covers(&entry.scope, scope);
        let mut granted: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
        for Entry { statement, .. } in self.entries.iter().filter(about) {
            let action = statement.action.as_str();
            match granted.last_mut() {
                Some((actions, not_actions)) if statement.allowed && not_actions.is_empty() => actions.push(action),
                _ if statement.allowed => granted.push((vec![action], Vec::new())),
                _ => granted.iter_mut().for_each(|(_, not_actions)| not_actions.push(action)),
            }
        }
        granted
    }

    pub(crate) fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.entries.iter().map(|entry| &entry.statement)
    }
}

/// What the statements say of one account and one action.
#[derive(Debug)]
pub(crate) struct OfAction<'r> {
    newest_first: Vec<&'r Entry>,
}

impl OfAction<'_> {
    /// Whether the account may at this scope.
    pub(crate) fn at(&self, scope: &str) -> bool {
        let decides = self.newest_first.iter().find(|entry| covers(&entry.scope, scope));
        decides.is_some_and(|entry| entry.statement.allowed)
    }

    /// The answer for every scope, where no statement is about a part of them.
    pub(crate) fn decides_everywhere(&self) -> Option<bool> {
        let everywhere = self.newest_first.iter().all(|entry| entry.scope.is_empty());
        everywhere.then(|| self.newest_first.first().is_some_and(|entry| entry.statement.allowed))
    }

    /// Whether the account may at this scope or anywhere below: who has a right on a VM sees its subscription.
    pub(crate) fn at_or_below(&self, scope: &str) -> bool {
        let below = |entry: &&&Entry| entry.statement.allowed && covers(scope, &entry.scope);
        self.at(scope) || self.newest_first.iter().find(below).is_some_and(|entry| self.at(&entry.scope))
    }
}

/// Whether `scope` is `ancestor` or lies below it; case does not matter.
fn covers(ancestor: &str, scope: &str) -> bool {
    let Some((start, rest)) = scope.split_at_checked(ancestor.len()) else { return false };
    start.eq_ignore_ascii_case(ancestor) && (rest.is_empty() || rest.starts_with('/'))
}

/// Case-insensitive match in which `*` stands for any run of characters.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| after(first, text)) else { return false };
    let Some(mut part) = parts.next() else { return rest.is_empty() };
    for next in parts {
        let Some(at) = find(part, rest) else { return false };
        (part, rest) = (next, &rest[at + part.len()..]);
    }
    rest.len().checked_sub(part.len()).and_then(|at| rest.get(at..)).is_some_and(|end| end.eq_ignore_ascii_case(part))
}

/// Where `part` is in `text`, whatever its case. Thousands of paths may be gone through for one look at the journal.
fn find(part: &str, text: &str) -> Option<usize> {
    let (part, bytes) = (part.as_bytes(), text.as_bytes());
    let first = part.first().map_or(0, u8::to_ascii_lowercase);
    let begins = |at: usize| part.is_empty() || bytes[at].to_ascii_lowercase() == first;
    let last = bytes.len().checked_sub(part.len())?;
    (0..=last).find(|at| begins(*at) && bytes[*at..*at + part.len()].eq_ignore_ascii_case(part))
}

/// What follows `start`, if the text begins so.
fn after<'t>(start: &str, text: &'t str) -> Option<&'t str> {
    let (begin, rest) = text.split_at_checked(start.len())?;
    begin.eq_ignore_ascii_case(start).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &str = "Microsoft.Compute/virtualMachines/start/action";
    const READ: &str = "Microsoft.Compute/virtualMachines/read";
    const ADA: Uuid = Uuid::from_u128(1);
    const GRACE: Uuid = Uuid::from_u128(2);

    impl Rights {
        fn allow(&self, account: Uuid, action: &str, scope: &str) -> bool {
            self.of_action(account, action).at(scope)
        }
    }

    fn statement(action: &str, scope: &str, allowed: bool) -> Statement {
        Statement { action: action.to_owned(), scope: scope.to_owned(), allowed, principal: None }
    }

    fn allowing_all() -> Rights {
        let mut rights = Rights::default();
        rights.add(statement("*", "", true), None);
        rights
    }

    #[test]
    fn a_denial_holds_at_its_scope_and_below_but_not_beside_it() {
        let mut rights = allowing_all();
        rights.add(statement("microsoft.compute/*/start/action", "/subscriptions/S/resourceGroups/RG", false), None);
        let below = "/subscriptions/s/resourcegroups/rg/providers/Microsoft.Compute/virtualMachines/a";
        assert!(!rights.allow(ADA, START, below));
        assert!(rights.allow(ADA, START, "/subscriptions/s/resourceGroups/rg2/providers/x"));
        assert!(rights.allow(ADA, START, "/subscriptions/s"));
    }

    #[test]
    fn the_newest_statement_decides() {
        let mut rights = allowing_all();
        rights.add(statement("*", "", false), None);
        assert!(!rights.allow(ADA, START, "/subscriptions/s"));
        rights.add(statement(START, "", true), None);
        assert!(rights.allow(ADA, START, "/subscriptions/s"));
    }

    #[test]
    fn a_statement_about_one_account_leaves_the_others_alone() {
        let mut rights = allowing_all();
        rights.add(statement(START, "/subscriptions/s", false), Some(GRACE));
        assert!(rights.allow(ADA, START, "/subscriptions/s"));
        assert!(!rights.allow(GRACE, START, "/subscriptions/s") && rights.allow(GRACE, READ, "/subscriptions/s"));
    }

    #[test]
    fn a_right_below_a_scope_is_seen_from_it_unless_a_newer_statement_takes_it_away() {
        let mut rights = Rights::default();
        rights.add(statement("*/read", "/subscriptions/s/resourceGroups/rg", true), Some(ADA));
        assert!(rights.of_action(ADA, READ).at_or_below("/subscriptions/S"));
        assert!(!rights.of_action(ADA, READ).at("/subscriptions/s"));
        assert!(!rights.of_action(ADA, READ).at_or_below("/subscriptions/other"));
        assert!(!rights.of_action(GRACE, READ).at_or_below("/subscriptions/s"));
        rights.add(statement("*", "/subscriptions/s", false), None);
        assert!(!rights.of_action(ADA, READ).at_or_below("/subscriptions/s"));
    }

    #[test]
    fn what_is_granted_says_the_same_as_asking_for_each_action() {
        let mut rights = Rights::default();
        for (action, scope, allowed) in [
            ("*/read", "", true),
            (START, "", true),
            ("Microsoft.Compute/*", "/subscriptions/s/resourceGroups/rg", false),
            (READ, "/subscriptions/s/resourceGroups/rg", true),
        ] {
            rights.add(statement(action, scope, allowed), None);
        }
        for scope in ["/subscriptions/s", "/subscriptions/s/resourceGroups/rg/providers/x/y/z"] {
            let granted = rights.granted(ADA, scope);
            for action in [START, READ, "Microsoft.Compute/disks/read", "Microsoft.Network/x/read", "x/write"] {
                let fits = |patterns: &[&str]| patterns.iter().any(|pattern| glob(pattern, action));
                let told = granted.iter().any(|(actions, not_actions)| fits(actions) && !fits(not_actions));
                assert_eq!(told, rights.allow(ADA, action, scope), "{action} at {scope}");
            }
        }
        assert_eq!(rights.granted(ADA, "/subscriptions/s").len(), 1);
    }

    #[test]
    fn roles_hold_what_they_name_and_no_more() {
        let fleet = crate::fleet::Fleet::default();
        let rights = Rights::of(&fleet.accounts);
        let app = fleet.object_id;
        assert!(rights.allow(app, START, "/subscriptions/s"));
        assert!(!rights.allow(app, "Microsoft.Network/networkSecurityGroups/write", "/subscriptions/s"));
        assert!(!rights.allow(ADA, READ, "/subscriptions/s"), "a stranger");
    }
}
