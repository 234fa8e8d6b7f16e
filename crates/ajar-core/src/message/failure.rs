//! The words of failures: what happened, what it means, what to do next.

mod access;
mod azure_code;
mod bastion;
mod host_key;
mod machine;
mod network;
mod principal;
mod sign_in;
mod tool;
mod vm;

use crate::message::shown;
use crate::zone::Zone;
use chrono::{DateTime, Utc};

use crate::failure::{Failure, Trouble, UNREADABLE_ANSWER};
use crate::snapshot::FailureView;

pub(crate) use azure_code::next_step;

/// What a failure is about.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// The favourite, or what the user called it.
    pub name: &'a str,
    /// The user's offset from UTC.
    pub zone: Zone,
    /// When it happened.
    pub at: DateTime<Utc>,
}

/// The [name](About::name) of what is of no favourite.
pub const NO_FAVOURITE: &str = "Ajar";

impl About<'_> {
    /// The favourite, as a command has it; a word in its place where there is none.
    fn favourite(&self) -> &str {
        if self.name == NO_FAVOURITE { "FAVOURITE" } else { self.name }
    }
}

/// A failure's words, before support's details are added.
struct Words {
    title: String,
    message: String,
    action: String,
    in_window: Option<String>,
    help: Option<&'static str>,
}

fn words(title: impl Into<String>, message: impl Into<String>, action: impl Into<String>) -> Words {
    Words { title: title.into(), message: message.into(), action: action.into(), in_window: None, help: None }
}

impl Words {
    /// What there is to do where a button does it.
    fn in_window(mut self, action: impl Into<String>) -> Self {
        self.in_window = Some(action.into());
        self
    }

    fn help(mut self, url: &'static str) -> Self {
        self.help = Some(url);
        self
    }
}

/// What is longer is cut: the details of a failure have the id by which Azure finds the rest.
const MOST_OF_AZURES_WORDS: usize = 1_000;

/// Azure's own message, with its code for looking it up.
fn azure_says(azure_code: &str, azure_message: &str) -> String {
    let on_one_line: Vec<_> = azure_message.split_whitespace().collect();
    let azure_message = shown(&on_one_line.join(" "), MOST_OF_AZURES_WORDS);
    let azure_code = shown(azure_code, 100);
    match (azure_code.as_str(), azure_message.as_str()) {
        ("", "") => "Azure gives no reason.".to_owned(),
        (code, "") => format!("Azure says: {code}."),
        ("", message) => format!("Azure says: {}", ended(message)),
        (code, message) => format!("Azure says: {} ({code}).", message.trim_end_matches('.')),
    }
}

/// Azure's own words for an error that came with a status, with code and status for looking it up.
fn azure_says_with(status: u16, azure_code: &str, azure_message: &str) -> String {
    if azure_code == UNREADABLE_ANSWER {
        // Ajar says so, not Azure.
        format!("{} (HTTP {status}).", azure_message.trim_end_matches('.'))
    } else if azure_code.is_empty() && azure_message.is_empty() {
        format!("It gave no reason (HTTP {status}).")
    } else {
        azure_says(&format!("{azure_code}, {status}"), azure_message)
    }
}

/// A sentence with its end, so that another may follow.
fn ended(sentence: &str) -> String {
    let sentence = sentence.trim_end();
    if sentence.ends_with(['.', '!', '?', '…']) { sentence.to_owned() } else { format!("{sentence}.") }
}

/// Puts a failure into words.
pub fn in_words(trouble: &Trouble, about: &About<'_>) -> FailureView {
    let words = choose(&trouble.failure, about);
    FailureView {
        code: trouble.failure.code().into(),
        title: words.title,
        message: words.message,
        action: words.action,
        action_in_window: words.in_window,
        wants_sign_in: trouble.failure.wants_sign_in(),
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
    } else if let Failure::ReasonWanted { proposed, .. } = failure {
        proposed.iter().cloned().collect()
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

#[expect(clippy::too_many_lines, reason = "a line for each failure")]
fn choose(failure: &Failure, about: &About<'_>) -> Words {
    let name = about.name;
    match failure {
        Failure::NotSignedIn { detail, reason, others, tenant, cloud, here } => {
            let az = tool::az_login(*reason, tenant.as_deref(), cloud.as_deref());
            tool::not_signed_in(name, detail, others, az, here.as_deref())
        }
        Failure::NotSignedInToAzd { detail, cloud: Some(cloud), .. } => tool::azd_is_elsewhere(detail, cloud),
        Failure::NotSignedInToAzd { detail, reason, tenant, cloud: None } => {
            tool::not_signed_in_to_azd(detail, *reason, tenant.as_deref())
        }
        Failure::TokenToolFailed { tool, detail } => tool::failed(*tool, detail),
        Failure::NoManagedIdentity { detail } => access::no_managed_identity(detail),
        Failure::IdentityServiceFailed { host, detail } => access::identity_service_failed(host, detail),
        Failure::PrincipalRefused { account, client_id, proof, flaw, detail } => {
            principal::refused(account, client_id, (*proof, *flaw), detail)
        }
        Failure::SecretMissing { account } => principal::secret_missing(account),
        Failure::CertificateUnfit { account, path, detail } => principal::certificate_unfit(account, path, detail),
        Failure::TokenFileUnfit { account, path, detail } => principal::token_file_unfit(account, path, detail),
        Failure::ClaimsRequired { claims, scope, tenant } => tool::claims_required(claims, scope, tenant.as_deref()),
        Failure::SignInRequired { account, reason, demand } => {
            sign_in::required(account, *reason, demand.tenant.as_deref())
        }
        Failure::ConditionalAccess { account, number, device_code, tenant } => {
            sign_in::conditional_access(account, *number, *device_code, tenant.as_deref())
        }
        Failure::ConsentMissing { client_id, tenant, url, tool } => {
            sign_in::consent_missing(client_id, tenant, url, *tool)
        }
        Failure::NotInTenant { account, tenant, reason, tool } => {
            sign_in::not_in_tenant(about.favourite(), account, tenant, *reason, *tool)
        }
        Failure::OtherTenant { tenant } => sign_in::other_tenant(name, tenant.as_deref()),
        Failure::ClientUnknown { client_id, tenant, flaw } => sign_in::client_unknown(client_id, tenant, *flaw),
        Failure::SignInIncomplete { lacks } => sign_in::incomplete(*lacks),
        Failure::NoClientId { cloud } => sign_in::no_client_id(cloud),
        Failure::ClientIdUnfit => sign_in::client_id_unfit(),
        Failure::TenantUnfit { tenant } => sign_in::tenant_unfit(tenant),
        Failure::OtherPerson { account, is, came } => sign_in::other_person(account, is.as_deref(), came.as_deref()),
        Failure::AccountDiffers { account, part, is, wanted } => sign_in::account_differs(account, *part, is, wanted),
        Failure::AccountDisabled { account, tenant } => sign_in::disabled(account, tenant.as_deref()),
        Failure::SignInDeclined => sign_in::declined(),
        Failure::SignInTimedOut => sign_in::timed_out(),
        Failure::SignInNotCompleted => sign_in::not_completed(),
        Failure::SignInSuperseded => sign_in::superseded(),
        Failure::SignInCancelled => sign_in::cancelled(),
        Failure::ClockSkew { seconds } => sign_in::clock_skew(*seconds),
        Failure::KeychainUnavailable { trouble } => sign_in::keychain_unavailable(*trouble),
        Failure::SignedInElsewhere { account } => sign_in::signed_in_elsewhere(account),
        Failure::NothingToSignOut { name, known } => sign_in::nothing_to_sign_out(name, known),
        Failure::AccountExists { name } => sign_in::account_exists(name),
        Failure::InteractionRequired { account, client_id, detail, .. } => {
            principal::interaction_required(account, client_id, detail)
        }
        Failure::TokenRefused { account, claims: Some(_), .. } => {
            access::claims_unmet(about.favourite(), account.as_deref())
        }
        Failure::TokenRefused { account, claims: None, detail } => {
            access::token_refused(about.favourite(), account.as_deref(), detail)
        }
        Failure::ToolTokenRefused { tool, detail } => tool::token_refused(*tool, detail),
        Failure::AccessDenied { action, scope } => access::denied(name, action, scope),
        Failure::DenyAssigned { action, scope, assignment } => access::deny_assigned(name, action, scope, assignment),
        Failure::NoPolicy { power } => access::no_policy(name, *power),
        Failure::PolicyUnseen { group, action, scope } => access::policy_unseen(name, group, action, scope),
        Failure::NotInPolicy { port, allowed, only_udp: false } => access::not_in_policy(name, *port, allowed),
        Failure::NotInPolicy { port, allowed, only_udp: true } => access::only_udp(name, *port, allowed),
        Failure::SourceNotAllowed { address, allowed } => access::source_not_allowed(name, *address, allowed),
        Failure::RequestRefused { azure_code, azure_message } => {
            access::request_refused(name, azure_code, azure_message)
        }
        Failure::RangeRefused { address, allowed, azure_code, azure_message } => {
            access::range_refused(name, *address, allowed, &azure_says(azure_code, azure_message))
        }
        Failure::RequestConflict { azure_code, azure_message } => {
            access::request_conflict(name, azure_code, azure_message)
        }
        Failure::RequestUnanswered { sent, said } => access::request_unanswered(name, *sent, said.as_ref()),
        Failure::AccessRevoked { replaced } => access::revoked(name, *replaced),
        Failure::SourceUncertain { seen } => network::source_uncertain(seen),
        Failure::SourceUnknown => network::source_unknown(),
        Failure::SubscriptionNotFound { subscription } => vm::subscription_not_found(name, subscription),
        Failure::VmNotFound { vm } => vm::not_found(name, vm),
        Failure::VmNotRunning { power } => vm::not_running(name, *power),
        Failure::PowerStateUnknown => vm::power_unknown(name),
        Failure::AllocationFailed { azure_code, azure_message } => {
            vm::allocation_failed(name, azure_code, azure_message)
        }
        Failure::StartFailed { azure_code, azure_message } => vm::start_failed(name, azure_code, azure_message),
        Failure::StartUnseen { power } => vm::start_unseen(name, *power),
        Failure::DeallocateFailed { azure_code, azure_message } => {
            vm::deallocate_failed(name, azure_code, azure_message)
        }
        Failure::DeallocationUnseen { power } => vm::deallocation_unseen(name, *power),
        Failure::DeallocationUnended => vm::deallocation_unended(name),
        Failure::DeallocationLeft { asked } => vm::deallocation_left(name, *asked),
        Failure::OpeningUnderWay => vm::opening_under_way(name),
        Failure::AddressChanged { address, admitted } => access::address_changed(name, *address, admitted),
        Failure::BeingDeallocated => vm::being_deallocated(name),
        Failure::NotAskedAnyMore => vm::not_asked_any_more(name),
        Failure::NoPublicAddress { private } => vm::no_public_address(name, *private),
        Failure::NoBastion => bastion::none(name),
        Failure::BastionUnfit { bastion, flaw } => bastion::unfit(bastion, flaw),
        Failure::BastionRefused { bastion, status, said } => bastion::refused(name, bastion, *status, said),
        Failure::BastionSilent { bastion, port, since } => bastion::silent(about, bastion, *port, *since),
        Failure::PortSilent { endpoint, since } => vm::port_silent(about, endpoint, *since),
        Failure::PortRefused { endpoint, since } => vm::port_refused(about, endpoint, *since),
        Failure::FirewallShut { endpoint, admitted, since } => vm::firewall_shut(about, endpoint, *admitted, *since),
        Failure::PortStranger { endpoint } => vm::port_stranger(name, endpoint),
        Failure::ConnectionLost { endpoint, detail } => network::connection_lost(name, endpoint, detail),
        Failure::ClientNotFound { program } => machine::client_not_found(name, program),
        Failure::ClientFailed { program, detail } => machine::client_failed(program, detail),
        Failure::NoCertificate { flaw } => machine::no_certificate(flaw),
        Failure::NameLeadsElsewhere { name, address } => machine::name_leads_elsewhere(name, address),
        Failure::HostKeyChanged { alias, file, change } => host_key::changed(about, alias, file, change),
        Failure::Throttled { retry_at } => network::throttled(about, *retry_at),
        Failure::Unavailable { said, retry_at } => network::unavailable(about, said, *retry_at),
        Failure::Unreachable { host, detail } => network::unreachable(host, detail),
        Failure::TimedOut { step } => network::timed_out(name, *step),
        Failure::NotFromAzure { host, status, leads_to } => network::not_from_azure(host, *status, leads_to.as_deref()),
        Failure::AzureError { status, azure_code, azure_message } => {
            network::azure_error(*status, azure_code, azure_message)
        }
        Failure::Cancelled { open_until, asking, starting } => {
            machine::cancelled(about, *open_until, *asking, *starting)
        }
        Failure::FavouriteRemoved { open_until, asking, starting } => {
            machine::favourite_removed(about, *open_until, *asking, *starting)
        }
        Failure::EndUnseen => machine::end_unseen(name),
        Failure::Left => machine::left(name),
        Failure::UnknownFavourite { name, similar } => machine::unknown_favourite(name, similar),
        Failure::UnknownVm { name, ids } => machine::unknown_vm(name, ids),
        Failure::FavouriteExists { name } => machine::favourite_exists(name),
        Failure::ReasonWanted { extends, .. } => access::reason_wanted(about.name, *extends),
        Failure::NotOpen => access::not_open(about.name),
        Failure::BeingOpened { name } => machine::being_opened(name),
        Failure::SshConfig { path, detail } => machine::ssh_config(path, detail),
        Failure::FileUnfit { path, detail } => machine::file_unfit(path, detail),
        Failure::ImportConflicts { names } => machine::import_conflicts(names),
        Failure::Settings { path, detail } => machine::settings(path, detail),
        Failure::SettingsNewer { path, version, known, unread } => {
            machine::settings_newer(path, *version, *known, unread.as_deref())
        }
        Failure::SocketFolder { path, detail, remedy } => machine::socket_folder(path, detail, remedy),
        Failure::UnknownCloud { name, known } => machine::unknown_cloud(name, known),
        Failure::UnknownNetwork { name, known } => machine::unknown_network(name, known),
        Failure::NetworkInUse { name, tables } => machine::network_in_use(name, tables),
        Failure::TeamsName { name, team } => machine::teams_name(name, team),
        Failure::OfTeam { name, team, from } => machine::of_team(name, team, from),
        Failure::UnknownTeam { name, known } => machine::unknown_team(name, known),
        Failure::ProfileUnfit { name, detail } => machine::profile_unfit(name, detail),
        Failure::CommandLine { detail } => machine::command_line(detail),
        Failure::CommandNotForRdp => machine::command_not_for_rdp(name),
        Failure::SourceUnusable { address } => network::source_unusable(*address),
        Failure::NoAccountInCloud { cloud, there } => machine::no_account_in_cloud(name, cloud, there),
        Failure::OtherCloudsAccount { account, cloud, wanted } => machine::other_clouds_account(account, cloud, wanted),
        Failure::UnknownAccount { name: account, known, for_new } => {
            machine::unknown_account(account, known, (!for_new).then_some(name))
        }
        Failure::OtherCloud { running, wanted } => machine::other_cloud(running, wanted),
        Failure::HostSilent { pid } => machine::host_silent(*pid),
        Failure::OtherVersion { running, ours } => machine::other_version(*running, *ours),
        Failure::OtherAccount { running, .. } => machine::other_account(running),
        Failure::Internal { detail } => machine::internal(detail),
    }
}

#[cfg(test)]
mod tests;
