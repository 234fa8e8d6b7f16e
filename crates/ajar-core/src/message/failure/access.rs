//! Words for what stands between an account and a granted request.

use std::net::Ipv4Addr;

use super::{Words, azure_code, azure_says, azure_says_with, words};
use crate::account::ENVIRONMENT;
use crate::failure::AzureSaid;
use crate::message::{power, sentence};
use crate::rights::NEEDED;
use crate::vm::PowerState;

const JIT_HELP: &str = "https://learn.microsoft.com/azure/defender-for-cloud/just-in-time-access-usage";
const DENY_HELP: &str = "https://learn.microsoft.com/azure/role-based-access-control/deny-assignments";

const RIGHTS_HELP: &str = "https://learn.microsoft.com/azure/defender-for-cloud/just-in-time-access-overview";

pub(super) fn address_changed(name: &str, address: Ipv4Addr, admitted: &str) -> Words {
    words(
        format!("{name} is open from another address than this machine has now."),
        format!("Access is for {admitted}, and this machine is at {address}. A new address is nothing that Ajar asks for by itself here."),
        format!("If it is to be open from here, “ajar extend {name} --from-here” asks for that."),
    )
    .in_window("If it is to be open from here, ask for more time in its row.")
}

pub(super) fn not_open(name: &str) -> Words {
    words(
        format!("{name} is not open to this machine."),
        "No access window lets this machine’s address in, so there is none that could last longer.",
        "Open it first.",
    )
}

pub(super) fn reason_wanted(name: &str, extends: bool) -> Words {
    let (title, command, in_window) = if extends {
        (format!("More time for {name} wants a reason."), "extend", "Say why, and extend.")
    } else {
        (format!("{name} wants a reason."), "connect", "Say why, and connect.")
    };
    words(
        title,
        "Its settings have everybody say why access is asked for; the reason is kept with Azure’s record.",
        format!("Give it: ajar {command} {name} --reason TEXT"),
    )
    .in_window(in_window)
}

pub(super) fn no_managed_identity(detail: &str) -> Words {
    words(
        "This machine has no managed identity to act as.",
        sentence(detail),
        "Give the Azure resource that this is an identity, name the right one (“ajar sign-in --managed-identity --client-id \
         ID”), or use another account.",
    )
}

pub(super) fn identity_service_failed(host: &str, detail: &str) -> Words {
    words(
        "The service that tells this machine’s managed identity gave no token.",
        format!("It is the one at {host}: {detail}."),
        "Try again in a minute; if it stays, start the machine or the app anew, or use another account.",
    )
}

/// Who acts without a person, and what lets another act in its place, on the command line and in the window.
fn without_a_person(favourite: &str, account: Option<&str>) -> (String, String, &'static str) {
    let other = "use another account";
    match account {
        Some(ENVIRONMENT) => {
            let unset = "unset the AZURE_ variables to act as whoever is signed in to the Azure CLI";
            ("the account that the AZURE_ variables name".into(), unset.into(), unset)
        }
        Some(account) => (
            format!("the account {account}"),
            format!("give the favourite another account (“ajar edit {favourite} --account ACCOUNT”)"),
            "give the favourite another account",
        ),
        None => ("this machine’s managed identity".into(), other.into(), other),
    }
}

/// A person would sign in anew; here nobody can.
pub(super) fn claims_unmet(favourite: &str, account: Option<&str>) -> Words {
    let (who, other, in_window) = without_a_person(favourite, account);
    let ask = "Ask an administrator which conditional access rule for workload identities it is, and to let the account through";
    words(
        format!("Azure lets {who} in only under a condition that its token does not meet."),
        "Another token did not help. Mostly a conditional access rule of your organisation is against it, such as one for the \
         networks it may come from.",
        format!("{ask}; or {other}."),
    )
    .in_window(format!("{ask}; or {in_window}."))
}

/// Whoever gave the token takes the account for the right one: nothing it has shown is to be corrected.
pub(super) fn token_refused(favourite: &str, account: Option<&str>, detail: &str) -> Words {
    let (who, other, in_window) = without_a_person(favourite, account);
    let wait = "Try again in a few minutes, and have the clock of this machine looked at if it stays";
    words(
        format!("Azure refuses the token that it has just given {who}."),
        format!("{detail} What the account signs in with is right, or it would have none.").trim_start(),
        format!("{wait}; or {other}."),
    )
    .in_window(format!("{wait}; or {in_window}."))
}

pub(super) fn denied(name: &str, action: &str, scope: &str) -> Words {
    if lists_vms(action, scope) {
        let what = if action.to_ascii_lowercase().starts_with("microsoft.network/") {
            "read the addresses of VMs"
        } else {
            "list VMs"
        };
        return words(
            format!("{name} may not {what}."),
            format!(
                "It lacks the right {action} on {}.",
                named_place(scope).unwrap_or_else(|| "the subscriptions".into())
            ),
            "Ask an administrator for the role Reader on what it is to see, or sign in to another account. Favourites that it \
             may open are not held up by this.",
        )
        .help(RIGHTS_HELP);
    }
    let next = if reads_activity_log(action) {
        "Ask an administrator for this right, which the roles Reader and Monitoring Reader have, or use another account. Opening takes no such right.".to_owned()
    } else {
        format!(
            "Ask an administrator for this right (“ajar rights {name} --message” writes what to send), or use another \
             account."
        )
    };
    words(denied_title(action, name), format!("It lacks the right {action} on {}.", place(scope)), next)
        .in_window("Ask an administrator for this right, or use another account.")
        .help(RIGHTS_HELP)
}

pub(super) fn deny_assigned(name: &str, action: &str, scope: &str, assignment: &str) -> Words {
    let called = if assignment.is_empty() { String::new() } else { format!(" called “{assignment}”") };
    words(
        denied_title(action, name),
        format!("A deny assignment{called} forbids {action} on {}, whatever its roles allow.", place(scope)),
        "Ask who manages that assignment (a managed application, a blueprint or a deployment stack) to except the account, \
         or use another account.",
    )
    .help(DENY_HELP)
}

/// Whether it is the list of all VMs that was to be read, for which no VM's own rights are enough.
fn lists_vms(action: &str, scope: &str) -> bool {
    const OF_LISTS: [&str; 6] = [
        "microsoft.resources/subscriptions/read",
        "microsoft.resources/tenants/read",
        "microsoft.resourcegraph/resources/read",
        "microsoft.compute/virtualmachines/read",
        "microsoft.network/networkinterfaces/read",
        "microsoft.network/publicipaddresses/read",
    ];
    let is_whole = !scope.to_ascii_lowercase().contains("/resourcegroups/");
    is_whole && OF_LISTS.iter().any(|listed| action.eq_ignore_ascii_case(listed))
}

fn reads_activity_log(action: &str) -> bool {
    action.eq_ignore_ascii_case("Microsoft.Insights/eventtypes/values/read")
}

fn denied_title(action: &str, name: &str) -> String {
    let verb = action.to_ascii_lowercase();
    if verb.ends_with("/initiate/action") {
        format!("Your account may see {name} but not request access to it.")
    } else if verb.ends_with("/start/action") {
        format!("Your account may not start {name}.")
    } else if verb.ends_with("/deallocate/action") {
        format!("Your account may not deallocate {name}.")
    } else if reads_activity_log(action) {
        format!("Your account may not read what Azure’s Activity Log tells of {name}.")
    } else if NEEDED.iter().any(|right| right.action.eq_ignore_ascii_case(action)) {
        format!("Your account may not read what opening {name} needs.")
    } else {
        // A right over something that the VM has, which starting or opening it takes as well.
        format!("Your account lacks a right that opening {name} takes.")
    }
}

/// A scope in the user's words: the resource group it is or lies in, as rights are given there; else the subscription.
fn place(scope: &str) -> String {
    named_place(scope).unwrap_or_else(|| "the VM".into())
}

fn named_place(scope: &str) -> Option<String> {
    let named = |kind: &str| {
        let mut segments = scope.split('/').skip_while(|segment| !segment.eq_ignore_ascii_case(kind)).skip(1);
        segments.next().filter(|name| !name.is_empty())
    };
    match (named("resourceGroups"), named("subscriptions")) {
        (Some(group), _) => Some(format!("the resource group {group}")),
        (None, Some(subscription)) => Some(format!("the subscription {subscription}")),
        (None, None) => None,
    }
}

pub(super) fn no_policy(name: &str, state: Option<PowerState>) -> Words {
    let message = match state {
        Some(state) if state.needs_start() => format!(
            "There is nothing to ask Azure for. The VM is {}, and starting it would not open the port, so it was left \
             as it is.",
            power(state)
        ),
        Some(_) | None => "Its port does not answer, and without a policy there is nothing to ask Azure for.".into(),
    };
    words(
        format!("{name} has no just-in-time policy."),
        message,
        "Have just-in-time access enabled for the VM in Defender for Cloud, then try again.",
    )
    .help(JIT_HELP)
}

pub(super) fn policy_unseen(name: &str, group: &str, action: &str, scope: &str) -> Words {
    words(
        format!("No just-in-time policy of {name} could be found."),
        format!(
            "Its resource group {group} has none for it, and what others have could not be looked at: your account lacks \
             the right {action} on {}.",
            place(scope)
        ),
        "Ask an administrator for a role with this right, and whether just-in-time access is enabled for the VM.",
    )
    .help(RIGHTS_HELP)
}

pub(super) fn not_in_policy(name: &str, port: u16, allowed: &[u16]) -> Words {
    let message = match allowed {
        [] => "It covers no port at all.".into(),
        ports => format!("It covers {}.", ports_in_words(ports)),
    };
    words(
        format!("The just-in-time policy of {name} does not cover port {port}."),
        message,
        "Choose a port it covers, in the profile or with “--port”, or have this one added to the policy.",
    )
    .in_window("Choose a port it covers in the profile, or have this one added to the policy.")
    .help(JIT_HELP)
}

pub(super) fn only_udp(name: &str, port: u16, allowed: &[u16]) -> Words {
    let others = match allowed {
        [] => String::new(),
        ports => format!(" By TCP it covers {}.", ports_in_words(ports)),
    };
    words(
        format!("The just-in-time policy of {name} covers port {port} for UDP only."),
        format!("What Ajar opens comes by TCP, which a request under that rule would not let in.{others}"),
        "Have the rule changed to TCP or to any protocol (*), or choose another port, in the profile or with “--port”.",
    )
    .in_window("Have the rule changed to TCP or to any protocol (*), or choose another port in the profile.")
    .help(JIT_HELP)
}

fn ports_in_words(ports: &[u16]) -> String {
    let numbers: Vec<_> = ports.iter().map(ToString::to_string).collect();
    match numbers.as_slice() {
        [one] => format!("port {one}"),
        [before @ .., last] => format!("ports {} and {last}", before.join(", ")),
        [] => "no port".into(),
    }
}

pub(super) fn source_not_allowed(name: &str, address: Ipv4Addr, allowed: &[String]) -> Words {
    if allowed.is_empty() {
        return words(
            format!("The just-in-time policy of {name} admits no address."),
            format!("The rule for its port names none, neither yours, {address}, nor another."),
            "Have an administrator name the addresses that may ask for access in the policy, then try again.",
        )
        .help(JIT_HELP);
    }
    words(
        format!("The just-in-time policy of {name} does not admit your address, {address}."),
        format!("It admits {}.", allowed.join(", ")),
        "Connect through a network it admits, such as your company’s VPN, and try again.",
    )
}

pub(super) fn request_refused(name: &str, azure_code: &str, azure_message: &str) -> Words {
    words(
        format!("Azure refused the request for {name}."),
        format!("Nothing was opened. {}", azure_says(azure_code, azure_message)),
        azure_code::next_step(azure_code, azure_message)
            .unwrap_or("Check the ports, sources and longest duration in the policy, then try again."),
    )
    .help(JIT_HELP)
}

pub(super) fn range_refused(name: &str, address: Ipv4Addr, allowed: &[String], azure_says: &str) -> Words {
    let ranges = allowed.join(", ");
    words(
        format!("Azure refused to open {name} for your address alone."),
        format!(
            "Nothing was opened. {azure_says} The policy admits {address} as a part of {ranges}, and Azure may take \
             requests for the whole of that only. Ajar asks for your own address and never for others."
        ),
        format!("Have the policy admit {address} by itself, or any source (*); then try again."),
    )
    .help(JIT_HELP)
}

pub(super) fn revoked(name: &str, replaced: bool) -> Words {
    let why =
        if replaced { "A newer request for the same port took its place." } else { "The request was taken back." };
    words(
        format!("Access to {name} was granted and closed again."),
        format!("{why} Ajar does not ask again by itself, or two could go on closing each other’s door."),
        "Ask who else opens this port, then connect again.",
    )
    .help(JIT_HELP)
}

pub(super) fn request_conflict(name: &str, azure_code: &str, azure_message: &str) -> Words {
    if !azure_code::passes(azure_code, azure_message) {
        return request_refused(name, azure_code, azure_message);
    }
    words(
        format!("Azure is busy with something else for {name}."),
        format!("Nothing was opened. {}", azure_says(azure_code, azure_message)),
        azure_code::next_step(azure_code, azure_message)
            .unwrap_or("Wait a minute and try again: another request, or a change of the policy, has to end first."),
    )
    .help(JIT_HELP)
}

pub(super) fn request_unanswered(name: &str, sent: u32, said: Option<&AzureSaid>) -> Words {
    let times = match sent {
        1 => "once".into(),
        2 => "twice".into(),
        _ => format!("{sent} times"),
    };
    let sought = format!("It was sent {times}, and the policy does not show it.");
    let (title, message) = match said {
        None => (format!("Azure did not answer the request for {name}."), sought),
        Some(AzureSaid { status, azure_code, azure_message }) => (
            format!("Azure could not handle the request for {name}."),
            format!("{} {sought}", azure_says_with(*status, azure_code, azure_message)),
        ),
    };
    words(title, message, "Try again in a minute; if Azure has granted it by then, that is used.")
}
