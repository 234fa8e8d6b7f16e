//! The words of failures: what happened, what it means, what to do next.

use chrono::{DateTime, FixedOffset, Utc};

use super::{moment, power};
use crate::failure::{Failure, Trouble};
use crate::snapshot::{FailureView, Step};

/// What a failure is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The favourite, or what the user called it.
    pub name: &'a str,
    /// The user's offset from UTC.
    pub zone: FixedOffset,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// A failure's words, before support's details are added.
struct Words {
    title: String,
    message: String,
    action: String,
    help: Option<&'static str>,
}

fn words(title: impl Into<String>, message: impl Into<String>, action: impl Into<String>) -> Words {
    Words { title: title.into(), message: message.into(), action: action.into(), help: None }
}

impl Words {
    fn help(mut self, url: &'static str) -> Self {
        self.help = Some(url);
        self
    }
}

const JIT_HELP: &str = "https://learn.microsoft.com/azure/defender-for-cloud/just-in-time-access-usage";
const RIGHTS_HELP: &str = "https://learn.microsoft.com/azure/defender-for-cloud/just-in-time-access-overview";
const ALLOCATION_HELP: &str =
    "https://learn.microsoft.com/troubleshoot/azure/virtual-machines/windows/allocation-failure";
const SIGN_IN_HELP: &str = "https://learn.microsoft.com/cli/azure/authenticate-azure-cli";

/// Puts a failure into words.
pub fn in_words(trouble: &Trouble, about: &About<'_>) -> FailureView {
    let words = choose(&trouble.failure, about);
    FailureView {
        code: trouble.failure.code().into(),
        title: words.title,
        message: words.message,
        action: words.action,
        help_url: words.help.map(Into::into),
        choices: choices(&trouble.failure),
        details: details(trouble, about),
        exit_code: trouble.failure.exit_code() as u8,
    }
}

/// What the user can pick from to go on.
fn choices(failure: &Failure) -> Vec<String> {
    if let Failure::SourceUncertain { seen } = failure {
        seen.iter().map(ToString::to_string).collect()
    } else {
        Vec::new()
    }
}

/// What support will ask for: the data of the failure, the correlation id, the time.
fn details(trouble: &Trouble, about: &About<'_>) -> String {
    let data = serde_json::to_value(&trouble.failure).unwrap_or_default();
    let mut lines = vec![format!("what: {}", about.name)];
    for (key, value) in data.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        lines.push(format!("{key}: {text}"));
    }
    if let Some(id) = &trouble.correlation_id {
        lines.push(format!("correlationId: {id}"));
    }
    lines.push(format!("at: {}", about.at.format("%Y-%m-%dT%H:%M:%SZ")));
    lines.join("\n")
}

fn choose(failure: &Failure, about: &About<'_>) -> Words {
    match failure {
        Failure::NotSignedIn { .. }
        | Failure::AccessDenied { .. }
        | Failure::NoPolicy { .. }
        | Failure::NotInPolicy { .. }
        | Failure::SourceNotAllowed { .. }
        | Failure::RequestRefused { .. }
        | Failure::RequestUnanswered { .. } => of_access(failure, about),
        Failure::VmNotFound { .. }
        | Failure::VmNotRunning { .. }
        | Failure::AllocationFailed { .. }
        | Failure::StartFailed { .. }
        | Failure::NoPublicAddress { .. }
        | Failure::PortSilent { .. }
        | Failure::PortRefused { .. }
        | Failure::PortStranger { .. } => of_vm(failure, about),
        Failure::SourceUncertain { .. }
        | Failure::SourceUnknown
        | Failure::Throttled { .. }
        | Failure::Unreachable { .. }
        | Failure::TimedOut { .. }
        | Failure::AzureError { .. } => of_network(failure, about),
        Failure::ClientNotFound { .. }
        | Failure::ClientFailed { .. }
        | Failure::Cancelled { .. }
        | Failure::UnknownFavourite { .. }
        | Failure::FavouriteExists { .. }
        | Failure::Settings { .. }
        | Failure::UnknownCloud { .. }
        | Failure::Internal { .. } => of_this_machine(failure, about),
    }
}

fn of_access(failure: &Failure, about: &About<'_>) -> Words {
    let name = about.name;
    match failure {
        Failure::NotSignedIn { detail } => words(
            "You are not signed in to Azure.",
            detail.clone(),
            "Run “az login”, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET; then try again.",
        )
        .help(SIGN_IN_HELP),
        Failure::AccessDenied { action, scope } => words(
            denied_title(action, name),
            format!("It lacks one action on {}: {action}", place(scope)),
            "Ask an administrator for a role that has this action, or use another account.",
        )
        .help(RIGHTS_HELP),
        Failure::NoPolicy { power: state } => words(
            format!("{name} has no just-in-time policy, and its port doesn’t answer."),
            match state {
                Some(state) if state.needs_start() => {
                    format!("Ajar opens ports that a policy covers. The VM is {}, and Ajar left it so.", power(*state))
                }
                _ => "Ajar opens ports that a policy covers; without one there is nothing to ask for.".into(),
            },
            "Have just-in-time access enabled for the VM in Defender for Cloud, then try again.",
        )
        .help(JIT_HELP),
        Failure::NotInPolicy { port, allowed } => words(
            format!("The policy of {name} does not cover port {port}."),
            match allowed.as_slice() {
                [] => "It covers no port at all.".into(),
                ports => format!("It covers {}.", ports_in_words(ports)),
            },
            "Choose a port it covers with “--port”, or have this one added to the policy.",
        )
        .help(JIT_HELP),
        Failure::SourceNotAllowed { address, allowed } => words(
            format!("The policy of {name} does not admit your address, {address}."),
            format!("It admits {}.", allowed.join(", ")),
            "Connect through a network it admits, such as your company’s VPN, and try again.",
        ),
        Failure::RequestRefused { azure_code, azure_message } => words(
            format!("Azure refused the request for {name}."),
            format!("{azure_message} ({azure_code})"),
            "Nothing was opened. Check the policy’s ports, sources and longest duration, then try again.",
        )
        .help(JIT_HELP),
        Failure::RequestUnanswered { sent } => words(
            format!("Azure did not answer the request for {name}."),
            format!("It was sent {sent} times, and the policy does not show it."),
            "Try again in a minute; Ajar looks for the request first.",
        ),
        other => internal(other),
    }
}

fn denied_title(action: &str, name: &str) -> String {
    let verb = action.to_ascii_lowercase();
    if verb.ends_with("/initiate/action") {
        format!("Your account may see {name} but not request access to it.")
    } else if verb.ends_with("/start/action") {
        format!("Your account may not start {name}.")
    } else {
        format!("Your account may not read what {name} needs.")
    }
}

/// A scope in the user's words: the last name in it, with its kind where that helps.
fn place(scope: &str) -> String {
    let mut segments = scope.rsplit('/');
    let name = segments.next().unwrap_or(scope);
    match segments.next() {
        Some(kind) if kind.eq_ignore_ascii_case("resourceGroups") => format!("resource group {name}"),
        Some(kind) if kind.eq_ignore_ascii_case("subscriptions") => format!("subscription {name}"),
        Some(_) => name.to_owned(),
        None => "the VM".into(),
    }
}

fn ports_in_words(ports: &[u16]) -> String {
    let list: Vec<_> = ports.iter().map(ToString::to_string).collect();
    match list.as_slice() {
        [one] => format!("port {one}"),
        [first @ .., last] => format!("ports {} and {last}", first.join(", ")),
        [] => "no port".into(),
    }
}

fn of_vm(failure: &Failure, about: &About<'_>) -> Words {
    let name = about.name;
    match failure {
        Failure::VmNotFound { vm } => words(
            format!("There is no VM behind {name}."),
            format!("Azure does not know {vm}, or this account may not see it."),
            "Check the resource ID in the favourite, and which account and subscription it belongs to.",
        ),
        Failure::VmNotRunning { power: state } => words(
            format!("{name} is {}.", power(*state)),
            "Its profile says that Ajar does not start it.",
            "Start it yourself, or set “start = true” in its profile.",
        ),
        Failure::AllocationFailed { azure_code, azure_message } => words(
            format!("Azure has no room to start {name} right now."),
            format!("{azure_message} ({azure_code})"),
            "Try again later; resizing the VM or another zone can help sooner.",
        )
        .help(ALLOCATION_HELP),
        Failure::StartFailed { azure_code, azure_message } => words(
            format!("{name} could not be started."),
            format!("{azure_message} ({azure_code})"),
            "Look at the VM’s activity log, then try again.",
        ),
        Failure::NoPublicAddress { private } => words(
            format!("{name} has no public address."),
            match private {
                Some(address) => format!("It only has {address}, inside its virtual network."),
                None => "Azure shows no address for it at all.".into(),
            },
            "Reach it from inside its network, or through Azure Bastion.",
        ),
        Failure::PortSilent { endpoint, since } => words(
            format!("{name} does not answer."),
            format!(
                "Access is granted and the VM runs, but {endpoint} has been silent since {}. Something else may be \
                 filtering the way: a firewall, a route, or an address that differs from the one granted.",
                moment(*since, about.zone)
            ),
            "Check other network security groups and your VPN, then try again.",
        ),
        Failure::PortRefused { endpoint, since } => words(
            format!("{name} refuses connections."),
            format!(
                "Access is granted and the VM runs, but {endpoint} has refused since {}: nothing seems to listen there.",
                moment(*since, about.zone)
            ),
            "See whether the service inside the VM runs, then try again.",
        ),
        Failure::PortStranger { endpoint } => words(
            format!("Something unexpected answers in place of {name}."),
            format!("A connection to {endpoint} opens, but what answers does not speak the right protocol."),
            "Check the port in the profile, and whether a proxy stands in between.",
        ),
        other => internal(other),
    }
}

fn of_network(failure: &Failure, about: &About<'_>) -> Words {
    let name = about.name;
    match failure {
        Failure::SourceUncertain { seen } => words(
            "Your sources disagree about your address.",
            format!(
                "Nothing was opened. They saw {}: your traffic may leave by more than one way (VPN, proxy).",
                seen.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
            ),
            "Choose the address the VM will see with “--source”, or try again.",
        ),
        Failure::SourceUnknown => words(
            "Your public address could not be found.",
            "Nothing was opened. No source answered; the network may be down or want a sign-in.",
            "Check the connection, or name the address with “--source”.",
        ),
        Failure::Throttled { retry_at } => words(
            "Azure asks to slow down.",
            format!("Too many requests were made; it will answer again from {} on.", moment(*retry_at, about.zone)),
            "Try again then.",
        ),
        Failure::Unreachable { host, detail } => words(
            format!("{host} cannot be reached."),
            detail.clone(),
            "Check the connection, and the proxy if there is one; then try again.",
        ),
        Failure::TimedOut { step } => words(
            format!("Opening {name} took too long."),
            match step {
                Step::Source => "Your public address could not be found in time.",
                Step::Vm => "Azure did not say in time how the VM stands.",
                Step::Policy => "Azure did not show the JIT policy in time.",
                Step::Access => "Azure did not grant access in time.",
                Step::Start => "The VM did not come up in time.",
                Step::Port => "The port did not answer in time.",
                Step::Client => "The client did not start in time.",
            },
            "Try again; what Azure has done already is not done twice.",
        ),
        Failure::AzureError { status, azure_code, azure_message } => words(
            "Azure answered with an error.",
            format!("{azure_message} ({azure_code}, {status})"),
            "Try again; if it stays, give the details to support.",
        ),
        other => internal(other),
    }
}

fn of_this_machine(failure: &Failure, about: &About<'_>) -> Words {
    let name = about.name;
    match failure {
        Failure::ClientNotFound { program } => words(
            format!("There is no program to open {name} with."),
            format!("{program} was not found. The port is open all the same."),
            "Install it, or name another in config.toml under [clients].",
        ),
        Failure::ClientFailed { program, detail } => words(
            format!("{program} did not start."),
            format!("{detail}. The port is open all the same."),
            "Try again, or name another program in config.toml under [clients].",
        ),
        Failure::Cancelled { open_until, starting } => cancelled(name, *open_until, *starting, about.zone),
        Failure::UnknownFavourite { name, similar } => words(
            format!("There is no favourite called “{name}”."),
            match similar.as_slice() {
                [] => "“ajar list” shows the ones there are.".into(),
                names => format!("Did you mean {}?", names.join(" or ")),
            },
            format!("Add it with “ajar add {name} --vm RESOURCE_ID”."),
        ),
        Failure::FavouriteExists { name } => words(
            format!("There is a favourite called “{name}” already."),
            "Nothing was changed.",
            format!("Choose another name, or remove it first with “ajar remove {name}”."),
        ),
        Failure::Settings { path, detail } => words(
            "The settings cannot be used.",
            format!("{path}: {detail}"),
            "Mend the file; nothing in it was changed.",
        ),
        Failure::UnknownCloud { name, known } => words(
            format!("There is no cloud called “{name}”."),
            format!("Known are {}.", known.join(", ")),
            "Choose one of them, or add yours to config.toml under [clouds].",
        ),
        other => internal(other),
    }
}

fn cancelled(name: &str, open_until: Option<DateTime<Utc>>, starting: bool, zone: FixedOffset) -> Words {
    let mut stays = Vec::new();
    if let Some(end) = open_until {
        stays.push(format!("Azure keeps the port open until {}.", moment(end, zone)));
    }
    if starting {
        stays.push("The VM goes on starting.".to_owned());
    }
    if stays.is_empty() {
        stays.push("Nothing was opened and nothing was started.".to_owned());
    }
    words(format!("Cancelled opening {name}."), stays.join(" "), "Connect again whenever you like.")
}

fn internal(failure: &Failure) -> Words {
    let detail = if let Failure::Internal { detail } = failure { detail.clone() } else { failure.code().to_owned() };
    words("Ajar made a mistake.", detail, "Try again; if it stays, please report it with the details.")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::port::Endpoint;
    use crate::vm::PowerState;

    fn every_failure() -> Vec<Failure> {
        let endpoint = Endpoint { host: "203.0.113.50".into(), port: 22 };
        let azure = || ("SomeCode".to_owned(), "Azure’s own words.".to_owned());
        let since = DateTime::UNIX_EPOCH;
        let address = Ipv4Addr::new(203, 0, 113, 7);
        let (azure_code, azure_message) = azure();
        vec![
            Failure::NotSignedIn { detail: "No account was found.".into() },
            Failure::AccessDenied {
                action: "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action".into(),
                scope: "/subscriptions/s/resourceGroups/rg-finance".into(),
            },
            Failure::NoPolicy { power: Some(PowerState::Deallocated) },
            Failure::NotInPolicy { port: 5985, allowed: vec![22, 3389, 8443] },
            Failure::SourceNotAllowed { address, allowed: vec!["198.51.100.0/24".into()] },
            Failure::RequestRefused { azure_code: azure_code.clone(), azure_message: azure_message.clone() },
            Failure::RequestUnanswered { sent: 3 },
            Failure::SourceUncertain { seen: vec![address, Ipv4Addr::new(198, 51, 100, 20)] },
            Failure::SourceUnknown,
            Failure::VmNotFound { vm: "/subscriptions/…/vm".into() },
            Failure::VmNotRunning { power: PowerState::Stopped },
            Failure::AllocationFailed { azure_code: azure_code.clone(), azure_message: azure_message.clone() },
            Failure::StartFailed { azure_code: azure_code.clone(), azure_message: azure_message.clone() },
            Failure::NoPublicAddress { private: Some(Ipv4Addr::new(10, 0, 0, 4)) },
            Failure::PortSilent { endpoint: endpoint.clone(), since },
            Failure::PortRefused { endpoint: endpoint.clone(), since },
            Failure::PortStranger { endpoint },
            Failure::ClientNotFound { program: "xfreerdp".into() },
            Failure::ClientFailed { program: "mstsc.exe".into(), detail: "Access is denied".into() },
            Failure::Throttled { retry_at: since },
            Failure::Unreachable { host: "management.azure.com".into(), detail: "Connection refused".into() },
            Failure::TimedOut { step: Step::Start },
            Failure::AzureError { status: 500, azure_code, azure_message },
            Failure::Cancelled { open_until: Some(since), starting: true },
            Failure::UnknownFavourite { name: "web".into(), similar: vec!["web-01".into()] },
            Failure::FavouriteExists { name: "web-01".into() },
            Failure::Settings { path: "config.toml".into(), detail: "line 3: expected a string".into() },
            Failure::UnknownCloud { name: "moon".into(), known: vec!["public".into(), "usgov".into()] },
            Failure::Internal { detail: "the engine is gone".into() },
        ]
    }

    #[test]
    fn every_failure_has_its_own_calm_words_and_one_next_action() {
        let zone = FixedOffset::east_opt(3_600).unwrap();
        let mut titles = std::collections::BTreeSet::new();
        let mut shown = String::new();
        for failure in every_failure() {
            let view = in_words(&failure.into(), &About { name: "web-01", zone, at: DateTime::UNIX_EPOCH });
            assert!(titles.insert(view.title.clone()), "said twice: {}", view.title);
            for text in [&view.title, &view.message, &view.action] {
                assert!(!text.trim().is_empty() && !text.contains('!') && !text.contains("Please"), "{text}");
            }
            assert!(!view.title.contains(&view.code), "no codes in titles: {}", view.title);
            shown.push_str(&format!("{}\n  {}\n  {}\n  → {}\n", view.code, view.title, view.message, view.action));
        }
        insta::assert_snapshot!("every_failure_in_words", shown);
    }

    #[test]
    fn details_carry_the_correlation_id_and_the_azure_code() {
        let trouble = Trouble {
            failure: Failure::StartFailed { azure_code: "OperationNotAllowed".into(), azure_message: "No.".into() },
            correlation_id: Some("c0ffee".into()),
        };
        let about = About { name: "web-01", zone: FixedOffset::east_opt(0).unwrap(), at: DateTime::UNIX_EPOCH };
        let details = in_words(&trouble, &about).details;
        for part in
            ["code: startFailed", "azureCode: OperationNotAllowed", "correlationId: c0ffee", "at: 1970-01-01T00:00:00Z"]
        {
            assert!(details.contains(part), "{details}");
        }
    }
}
