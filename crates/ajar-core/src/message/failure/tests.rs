mod refused;

use std::net::Ipv4Addr;

use chrono::{FixedOffset, TimeDelta};

use super::*;
use crate::failure::{
    AccountPart, AzureSaid, BastionFlaw, CertificateFlaw, ClientFlaw, PrincipalFlaw, Proof, SignInDemand, SignInPart,
    SignInReason, TenantReason, TokenTool,
};
use crate::host_key::HostKeyChange;
use crate::port::Endpoint;
use crate::snapshot::Step;
use crate::vm::PowerState;

#[expect(clippy::too_many_lines, reason = "a few for each failure")]
fn every_failure() -> Vec<Failure> {
    let endpoint = Endpoint { host: "203.0.113.50".into(), port: 22 };
    let azure = || ("SomeCode".to_owned(), "Azure’s own words.".to_owned());
    let since = DateTime::UNIX_EPOCH;
    let address = Ipv4Addr::new(203, 0, 113, 7);
    let (azure_code, azure_message) = azure();
    vec![
        Failure::not_signed_in("no account was found"),
        Failure::TokenToolFailed {
            tool: TokenTool::AzureCli,
            detail: "the Azure CLI could not be asked: no answer within 30 seconds".into(),
        },
        Failure::ToolTokenRefused {
            tool: TokenTool::AzureCli,
            detail: "The access token expiry UTC time '11/30/2026 1:00:00 AM' is earlier than current UTC time \
                     '11/30/2026 2:00:00 AM'."
                .into(),
        },
        Failure::NotSignedIn {
            detail: "no subscription found".into(),
            reason: None,
            others: ["ada".into()].into(),
            tenant: None,
            cloud: None,
            here: None,
        },
        Failure::NotSignedIn {
            detail: crate::message::account::az_is_not_in_cloud("AzureUSGovernment"),
            reason: None,
            others: Box::default(),
            tenant: None,
            cloud: Some("AzureUSGovernment".into()),
            here: Some("usgov".into()),
        },
        Failure::NotSignedIn {
            detail: "AADSTS50076: Due to a configuration change you must use multi-factor authentication.".into(),
            reason: Some(SignInReason::Mfa),
            others: Box::default(),
            tenant: Some("fabrikam.example".into()),
            cloud: None,
            here: None,
        },
        Failure::NoManagedIdentity { detail: "no identity was found".into() },
        Failure::IdentityServiceFailed {
            host: "169.254.169.254".into(),
            detail: "it is being updated (HTTP 410)".into(),
        },
        Failure::PrincipalRefused {
            account: crate::account::ENVIRONMENT.into(),
            client_id: "2b1d94c8".into(),
            proof: Proof::Secret,
            flaw: PrincipalFlaw::Proof,
            detail: "AADSTS7000215: Invalid client secret provided.".into(),
        },
        Failure::SecretMissing { account: "robot".into() },
        Failure::CertificateUnfit {
            account: "robot".into(),
            path: "app.pem".into(),
            detail: "its key is encrypted".into(),
        },
        Failure::TokenFileUnfit { account: "pod".into(), path: "token".into(), detail: "No such file".into() },
        Failure::NotSignedInToAzd {
            detail: "not logged in, run `azd auth login` to login".into(),
            reason: None,
            tenant: None,
            cloud: None,
        },
        Failure::ClaimsRequired {
            claims: "eyJhY2Nlc3NfdG9rZW4iOnt9fQ==".into(),
            scope: "https://management.azure.com/.default".into(),
            tenant: Some("contoso.example".into()),
        },
        Failure::InteractionRequired {
            account: crate::account::ENVIRONMENT.into(),
            client_id: "2b1d94c8".into(),
            detail: "AADSTS50076: You must use multi-factor authentication.".into(),
            claims: r#"{"access_token":{}}"#.into(),
            scope: "https://management.azure.com/.default".into(),
        },
        Failure::DenyAssigned {
            action: "Microsoft.Compute/virtualMachines/start/action".into(),
            scope: "/subscriptions/s/resourceGroups/rg-demo".into(),
            assignment: "Managed by Blueprint".into(),
        },
        Failure::AccessDenied { action: "Microsoft.Resources/subscriptions/read".into(), scope: "/".into() },
        Failure::AccessDenied {
            action: "Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action".into(),
            scope: "/subscriptions/s/resourceGroups/rg-finance".into(),
        },
        Failure::AccessDenied {
            action: "Microsoft.Compute/diskEncryptionSets/write".into(),
            scope: "/subscriptions/s/resourceGroups/rg-keys".into(),
        },
        Failure::AccessDenied {
            action: "Microsoft.Insights/eventtypes/values/read".into(),
            scope: "/subscriptions/s/resourceGroups/rg-demo".into(),
        },
        Failure::NoClientId { cloud: "public".into() },
        Failure::ClientIdUnfit,
        Failure::TenantUnfit { tenant: "Contoso Ltd".into() },
        Failure::OtherPerson {
            account: "ada".into(),
            is: Some("ada@contoso.example".into()),
            came: Some("grace@contoso.example".into()),
        },
        Failure::AccountDiffers {
            account: "ada".into(),
            part: AccountPart::Cloud,
            is: "public".into(),
            wanted: "usgov".into(),
        },
        Failure::NothingToSignOut { name: "nobody".into(), known: vec!["ada".into()] },
        Failure::SubscriptionNotFound { subscription: "5b9c2a30".into() },
        Failure::OtherTenant { tenant: Some("e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02".into()) },
        Failure::SignInIncomplete { lacks: SignInPart::Tenant },
        Failure::SignInIncomplete { lacks: SignInPart::ClientId },
        Failure::SignInIncomplete { lacks: SignInPart::Secret },
        Failure::SignInIncomplete { lacks: SignInPart::TokenFile },
        Failure::AccountDisabled { account: "work".into(), tenant: None },
        Failure::AccountDisabled { account: "work".into(), tenant: Some("fabrikam.example".into()) },
        Failure::ConditionalAccess {
            account: "work".into(),
            number: 53_003,
            device_code: false,
            tenant: Some("fabrikam.example".into()),
        },
        Failure::SignInDeclined,
        Failure::SignInTimedOut,
        Failure::SignInNotCompleted,
        Failure::SignInSuperseded,
        Failure::SignInCancelled,
        Failure::ClockSkew { seconds: 660 },
        Failure::KeychainUnavailable { trouble: crate::account::KeychainTrouble::Locked },
        Failure::SignedInElsewhere { account: "az".into() },
        Failure::AccountExists { name: "work".into() },
        Failure::AccountExists { name: "az".into() },
        Failure::NoPolicy { power: Some(PowerState::Deallocated) },
        Failure::PolicyUnseen {
            group: "rg-web".into(),
            action: "Microsoft.Security/locations/jitNetworkAccessPolicies/read".into(),
            scope: "/subscriptions/s".into(),
        },
        Failure::NotInPolicy { port: 5985, allowed: vec![22, 3389, 8443], only_udp: false },
        Failure::NotInPolicy { port: 3389, allowed: vec![22], only_udp: true },
        Failure::SourceNotAllowed { address, allowed: vec!["198.51.100.0/24".into()] },
        Failure::SourceNotAllowed { address, allowed: Vec::new() },
        Failure::RequestRefused { azure_code: azure_code.clone(), azure_message: azure_message.clone() },
        Failure::RangeRefused {
            address,
            allowed: vec!["203.0.113.0/24".into()],
            azure_code: azure_code.clone(),
            azure_message: azure_message.clone(),
        },
        Failure::RequestConflict { azure_code: azure_code.clone(), azure_message: azure_message.clone() },
        Failure::RequestUnanswered { sent: 2, said: None },
        Failure::RequestUnanswered {
            sent: 2,
            said: Some(AzureSaid { status: 500, azure_code: azure_code.clone(), azure_message: azure_message.clone() }),
        },
        Failure::AccessRevoked { replaced: true },
        Failure::SourceUncertain { seen: vec![address, Ipv4Addr::new(198, 51, 100, 20)] },
        Failure::SourceUnknown,
        Failure::VmNotFound { vm: "/subscriptions/…/vm".into() },
        Failure::PowerStateUnknown,
        Failure::VmNotRunning { power: PowerState::Stopped },
        Failure::AllocationFailed { azure_code: azure_code.clone(), azure_message: azure_message.clone() },
        Failure::StartFailed { azure_code: azure_code.clone(), azure_message: azure_message.clone() },
        Failure::StartUnseen { power: PowerState::Deallocated },
        Failure::DeallocateFailed { azure_code: azure_code.clone(), azure_message: azure_message.clone() },
        Failure::DeallocationUnseen { power: PowerState::Running },
        Failure::DeallocationUnended,
        Failure::DeallocationLeft { asked: true },
        Failure::DeallocationLeft { asked: false },
        Failure::OpeningUnderWay,
        Failure::AddressChanged { address, admitted: "198.51.100.20".into() },
        Failure::BeingDeallocated,
        Failure::NotAskedAnyMore,
        Failure::NoPublicAddress { private: Some(Ipv4Addr::new(10, 0, 0, 4)) },
        Failure::NoBastion,
        Failure::BastionUnfit { bastion: "hub".into(), flaw: BastionFlaw::Sku("Basic".into()) },
        Failure::BastionUnfit { bastion: "hub".into(), flaw: BastionFlaw::TunnelingOff },
        Failure::BastionUnfit { bastion: "hub".into(), flaw: BastionFlaw::NotReady("Updating".into()) },
        Failure::BastionUnfit { bastion: "hub".into(), flaw: BastionFlaw::Elsewhere("bastion.example".into()) },
        Failure::BastionUnfit {
            bastion: "hub".into(),
            flaw: BastionFlaw::Unknown("It speaks of something else".into()),
        },
        Failure::BastionUnfit { bastion: "hub".into(), flaw: BastionFlaw::AzureCli("It takes a sign-in".into()) },
        Failure::BastionRefused { bastion: "hub".into(), status: 403, said: "No access".into() },
        Failure::BastionSilent { bastion: "hub".into(), port: 22, since },
        Failure::PortSilent { endpoint: endpoint.clone(), since },
        Failure::PortRefused { endpoint: endpoint.clone(), since },
        Failure::FirewallShut { endpoint: endpoint.clone(), admitted: address, since },
        Failure::PortStranger { endpoint: endpoint.clone() },
        Failure::ConnectionLost { endpoint, detail: "Connection reset by peer".into() },
        Failure::ClientNotFound { program: "xfreerdp".into() },
        Failure::ClientFailed { program: "mstsc.exe".into(), detail: "Access is denied".into() },
        Failure::NoCertificate { flaw: CertificateFlaw::NoKey("/home/me/.ssh/id_rsa".into()) },
        Failure::NoCertificate { flaw: CertificateFlaw::NoAz },
        Failure::NoCertificate { flaw: CertificateFlaw::NoExtension },
        Failure::NoCertificate { flaw: CertificateFlaw::SignedOut },
        Failure::NoCertificate { flaw: CertificateFlaw::Failed(String::new()) },
        Failure::NoCertificate { flaw: CertificateFlaw::Failed("AADSTS50076: Use multi-factor".into()) },
        Failure::NameLeadsElsewhere { name: "web-01".into(), address: "203.0.113.50".into() },
        host_key_changed(HostKeyChange::MadeAnew { at: Some(since) }),
        host_key_changed(HostKeyChange::OtherAddress { address: "198.51.100.9".into() }),
        host_key_changed(HostKeyChange::Unexplained),
        host_key_changed(HostKeyChange::Untold { made: Some(since) }),
        Failure::Throttled { retry_at: since + chrono::TimeDelta::seconds(3_601) },
        Failure::Unavailable {
            said: AzureSaid { status: 503, azure_code: "ServerBusy".into(), azure_message: "Too much to do.".into() },
            retry_at: since + chrono::TimeDelta::seconds(90),
        },
        Failure::Unreachable { host: "management.azure.com".into(), detail: "Connection refused".into() },
        Failure::TimedOut { step: Step::Start },
        Failure::NotFromAzure { host: "management.azure.com".into(), status: 403, leads_to: None },
        Failure::AzureError { status: 500, azure_code, azure_message },
        Failure::Cancelled { open_until: Some(since), asking: false, starting: true },
        Failure::FavouriteRemoved { open_until: None, asking: true, starting: false },
        Failure::EndUnseen,
        Failure::Left,
        Failure::UnknownFavourite { name: "web".into(), similar: vec!["web-01".into()] },
        Failure::UnknownVm { name: "web".into(), ids: Vec::new() },
        Failure::UnknownVm {
            name: "web".into(),
            ids: vec!["/subscriptions/…/web".into(), "/subscriptions/…/WEB".into()],
        },
        Failure::FavouriteExists { name: "web-01".into() },
        Failure::ReasonWanted { proposed: Some("Deploy of 2026-11-30".into()), extends: false },
        Failure::ReasonWanted { proposed: None, extends: true },
        Failure::SshConfig {
            path: "/home/ada/.ssh/config".into(),
            detail: "Read-only file system (os error 30)".into(),
        },
        Failure::FileUnfit { path: "team.toml".into(), detail: "line 3, column 5: expected a string".into() },
        Failure::ImportConflicts { names: vec!["web-01".into(), "db".into()] },
        Failure::Settings { path: "config.toml".into(), detail: "line 3: expected a string".into() },
        Failure::SettingsNewer { path: "config.toml".into(), version: 3, known: 2, unread: None },
        Failure::SettingsNewer {
            path: "config.toml".into(),
            version: 3,
            known: 2,
            unread: Some("line 4, column 1: [profiles.web] missing field `vm`".into()),
        },
        Failure::SocketFolder {
            path: "/tmp/ajar-1000".into(),
            detail: "belongs to another user (uid 1001)".into(),
            remedy: "Have its owner or an administrator remove it, then try again.".into(),
        },
        Failure::ProfileUnfit { name: "web-01".into(), detail: "the path “-x” begins with “-”".into() },
        Failure::CommandLine { detail: "unrecognized subcommand 'frobnicate'".into() },
        Failure::CommandNotForRdp,
        Failure::SourceUnusable { address: Ipv4Addr::LOCALHOST },
        Failure::NoAccountInCloud { cloud: "usgov".into(), there: Vec::new() },
        Failure::NoAccountInCloud { cloud: "usgov".into(), there: vec!["gov".into(), "ops".into()] },
        Failure::OtherCloudsAccount { account: "work".into(), cloud: "usgov".into(), wanted: "public".into() },
        Failure::NotOpen,
        Failure::BeingOpened { name: "web-01".into() },
        Failure::UnknownAccount { name: "work".into(), known: vec!["az".into()], for_new: false },
        Failure::UnknownAccount { name: "work".into(), known: vec!["az".into()], for_new: true },
        Failure::OtherCloud { running: "public".into(), wanted: "usgov".into() },
        Failure::OtherAccount { running: "az".into(), wanted: "environment".into() },
        Failure::UnknownNetwork { name: "office".into(), known: vec![] },
        Failure::UnknownNetwork { name: "ofice".into(), known: vec!["office".into(), "vpn".into()] },
        Failure::OfTeam { name: "web-01".into(), team: "ops".into(), from: "https://x.example/ops.toml".into() },
        Failure::TeamsName { name: "ops.web".into(), team: "ops".into() },
        Failure::UnknownTeam { name: "opps".into(), known: vec!["ops".into()] },
        Failure::UnknownTeam { name: "ops".into(), known: vec![] },
        Failure::NetworkInUse { name: "office".into(), tables: vec!["profiles.web-01".into(), "defaults".into()] },
        Failure::UnknownCloud { name: "moon".into(), known: vec!["public".into(), "usgov".into()] },
        Failure::HostSilent { pid: Some(4711) },
        Failure::OtherVersion { running: 1, ours: 2 },
        Failure::Internal { detail: "the engine is gone".into() },
    ]
}

fn host_key_changed(change: HostKeyChange) -> Failure {
    let (alias, file) = ("web-01.rg-web.20ff7fc3.azure".into(), "/home/ada/.ssh/known_hosts".into());
    Failure::HostKeyChanged { alias, file, change }
}

const SIGN_IN_REASONS: [SignInReason; 7] = [
    SignInReason::Never,
    SignInReason::Mfa,
    SignInReason::Expired,
    SignInReason::Revoked,
    SignInReason::PasswordChanged,
    SignInReason::OtherAuthority,
    SignInReason::Claims,
];

const TENANT_REASONS: [TenantReason; 4] =
    [TenantReason::NoGuest, TenantReason::Pending, TenantReason::NotAssigned, TenantReason::NoTenant];

/// Those of a sign-in, with each of their reasons.
fn refused_sign_ins() -> Vec<Failure> {
    let (account, tenant) = (|| "work".to_owned(), || "contoso.example".to_owned());
    let client_id = || "6f1c22d0-0d3e-4a5b-9c77-8f2e51b90a01".to_owned();
    let url = "https://login.microsoftonline.com/contoso.example/adminconsent?client_id=…".to_owned();
    let flaws = [ClientFlaw::Unknown, ClientFlaw::NotPublic, ClientFlaw::Redirect];
    let required = SIGN_IN_REASONS.map(|reason| Failure::sign_in_required(account(), reason));
    let of_tenant =
        TENANT_REASONS.map(|reason| Failure::NotInTenant { account: account(), tenant: tenant(), reason, tool: None });
    let flaws = flaws.map(|flaw| Failure::ClientUnknown { client_id: client_id(), tenant: tenant(), flaw });
    let blocked = Failure::ConditionalAccess { account: account(), number: 53_003, device_code: true, tenant: None };
    let refused = Failure::PrincipalRefused {
        account: account(),
        client_id: client_id(),
        proof: Proof::Certificate,
        flaw: PrincipalFlaw::Proof,
        detail: "Wrong.".into(),
    };
    let unwritten = Failure::PrincipalRefused {
        account: crate::message::account::nameless(),
        client_id: client_id(),
        proof: Proof::Federated,
        flaw: PrincipalFlaw::Proof,
        detail: "Wrong.".into(),
    };
    let held_back = Failure::InteractionRequired {
        account: account().into(),
        client_id: client_id().into(),
        detail: "AADSTS53003: Blocked.".into(),
        claims: "".into(),
        scope: "https://management.azure.com/.default".into(),
    };
    let refused_token = |account: Option<&str>, claims: Option<&str>| Failure::TokenRefused {
        account: account.map(Into::into),
        claims: claims.map(Into::into),
        detail: "The access token expiry UTC time is earlier than current UTC time.".into(),
    };
    let accounts = [Some(crate::account::ENVIRONMENT), Some("work"), None];
    let refused_tokens =
        accounts.into_iter().flat_map(|account| [None, Some("e30=")].map(|it| refused_token(account, it)));
    let unagreed = Failure::ConsentMissing { client_id: client_id(), tenant: tenant(), url, tool: None };
    let demand = Box::new(SignInDemand { tenant: Some("fabrikam.example".into()), claims: Some("{}".into()) });
    let as_guest = Failure::SignInRequired { account: "grace".into(), reason: SignInReason::Mfa, demand };
    let others = [as_guest, blocked, unagreed, refused, held_back, unwritten];
    required.into_iter().chain(of_tenant).chain(flaws).chain(others).chain(refused_tokens).collect()
}

fn all_failures() -> impl Iterator<Item = Failure> {
    every_failure().into_iter().chain(refused_sign_ins()).chain(refused::by_entra())
}

/// As at the first sign-in, when nobody knows yet what the account will be called.
#[test]
fn an_account_without_a_name_is_spoken_of_in_whole_sentences() {
    let account = crate::message::account::nameless;
    let mut failures = vec![
        Failure::AccountDisabled { account: account(), tenant: None },
        Failure::ConditionalAccess { account: account(), number: 53_003, device_code: false, tenant: None },
    ];
    failures.extend(SIGN_IN_REASONS.map(|reason| Failure::sign_in_required(account(), reason)));
    failures.extend(TENANT_REASONS.map(|reason| {
        let tenant = "contoso.example".into();
        Failure::NotInTenant { account: account(), tenant, reason, tool: None }
    }));
    for failure in failures {
        let view = said(failure);
        let all = format!("{} {} {}", view.title, view.message, view.action);
        assert!(view.title.starts_with(char::is_uppercase), "{all}");
        for nonsense in ["--name this", "account this account", "you are this account"] {
            assert!(!all.contains(nonsense), "{all}");
        }
    }
}

#[test]
fn a_blocked_sign_in_says_what_may_work() {
    let blocked = |number, device_code| {
        let view = said(Failure::ConditionalAccess { account: "work".into(), number, device_code, tenant: None });
        format!("{} {}", view.message, view.action)
    };
    assert!(blocked(53_003, true).contains("Sign in with the browser of this machine instead"));
    assert!(!blocked(53_003, false).contains("code"));
    assert!(blocked(53_000, false).contains("a device that it manages"));
}

#[test]
fn a_clock_is_said_to_be_off_by_as_much_as_it_is() {
    for (seconds, words) in [
        (30, "less than a minute behind"),
        (-90, "a minute ahead of"),
        (660, "11 minutes behind"),
        (-3_700, "an hour ahead of"),
        (90_000, "25 hours behind"),
        (i64::MIN, "hours ahead of"),
    ] {
        let message = said(Failure::ClockSkew { seconds }).message;
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn when_azure_answers_again_is_never_told_too_early() {
    let at: DateTime<Utc> = "2026-11-23T21:39:26.400Z".parse().unwrap();
    let zone = Zone::always(FixedOffset::east_opt(0).unwrap(), at);
    for (retry_at, words) in [
        ("2026-11-23T21:39:26Z", "in a second."),
        ("2026-11-23T21:39:26.500Z", "in a second."),
        ("2026-11-23T21:39:56.400Z", "in 30 seconds."),
        ("2026-11-23T21:39:56.401Z", "in 31 seconds."),
        ("2026-11-23T21:42:25Z", "in 179 seconds."),
        ("2026-11-23T21:42:26.400Z", "from 21:43 on."),
        ("2026-11-23T21:44:00Z", "from 21:44 on."),
        ("2026-11-23T21:44:00.001Z", "from 21:45 on."),
        ("2026-11-24T21:39:00Z", "from Tue 24 Nov 21:39 on."),
    ] {
        let retry_at = retry_at.parse().unwrap();
        let view = in_words(&Failure::Throttled { retry_at }.into(), &About { name: "web-01", zone, at });
        assert_eq!(view.message, format!("It was sent too many requests and answers again {words}"));
    }
    for far_off in [at + TimeDelta::days(2), DateTime::<Utc>::MAX_UTC] {
        let view = in_words(&Failure::Throttled { retry_at: far_off }.into(), &About { name: "web-01", zone, at });
        assert!(view.message.contains("far off, and hardly meant") && view.action.contains("five minutes"), "{view:?}");
        let said = AzureSaid { status: 503, azure_code: String::new(), azure_message: String::new() };
        let unavailable = Failure::Unavailable { said, retry_at: far_off };
        let view = in_words(&unavailable.into(), &About { name: "web-01", zone, at });
        assert!(view.message.contains("far off, and hardly meant") && view.action.contains("some minutes"), "{view:?}");
    }
}

#[test]
fn what_could_not_be_read_is_not_put_into_azures_mouth() {
    let azure_code = UNREADABLE_ANSWER.to_owned();
    let azure_message = "Azure's answer could not be read: it ends too early (line 1, column 5)".to_owned();
    let message = said(Failure::AzureError { status: 200, azure_code, azure_message }).message;
    assert_eq!(message, "Azure's answer could not be read: it ends too early (line 1, column 5) (HTTP 200).");
}

#[test]
fn every_failure_has_its_own_calm_words_and_one_next_action() {
    let zone = Zone::always(FixedOffset::east_opt(3_600).unwrap(), DateTime::UNIX_EPOCH);
    let mut titles = std::collections::BTreeSet::new();
    let mut shown = Vec::new();
    for failure in all_failures() {
        let view = in_words(&failure.into(), &About { name: "web-01", zone, at: DateTime::UNIX_EPOCH });
        assert!(titles.insert(view.title.clone()), "said twice: {}", view.title);
        for text in [&view.title, &view.message, &view.action] {
            assert!(!text.trim().is_empty() && !text.contains('!') && !text.contains("Please"), "{text}");
        }
        assert!(!view.title.contains(&view.code), "no codes in titles: {}", view.title);
        let in_window =
            view.action_in_window.map(|action| format!("\n  → in the window: {action}")).unwrap_or_default();
        shown.push(format!("{}\n  {}\n  {}\n  → {}{in_window}", view.code, view.title, view.message, view.action));
    }
    insta::assert_snapshot!("every_failure_in_words", shown.join("\n"));
}

/// What only a command brings about, or only a command helps against.
const OF_THE_COMMAND_LINE: [&str; 13] = [
    "noManagedIdentity",
    "secretMissing",
    "certificateUnfit",
    "tokenFileUnfit",
    "principalRefused",
    "signInIncomplete",
    "nothingToSignOut",
    "connectionLost",
    "endUnseen",
    "left",
    "commandLine",
    "commandNotForRdp",
    "sourceUnusable",
];

#[test]
fn the_window_speaks_of_no_options_and_commands_but_where_nothing_else_helps() {
    for failure in all_failures() {
        let view = said(failure);
        let action = view.action_in_window.as_deref().unwrap_or(&view.action);
        let all = format!("{} {} {action}", view.title, view.message);
        let speaks = ["“--", "“ajar ", "FAVOURITE", "ACCOUNT"].iter().any(|word| all.contains(word));
        assert!(!speaks || OF_THE_COMMAND_LINE.contains(&view.code.as_str()), "{}: {all}", view.code);
    }
}

#[test]
fn a_command_for_the_favourite_names_it_where_there_is_one() {
    let zone = Zone::always(FixedOffset::east_opt(0).unwrap(), DateTime::UNIX_EPOCH);
    for (name, told) in [("web-01", "ajar edit web-01 --account"), (NO_FAVOURITE, "ajar edit FAVOURITE --account")] {
        let reason = TenantReason::NoGuest;
        let failure =
            Failure::NotInTenant { account: "work".into(), tenant: "contoso.example".into(), reason, tool: None };
        let view = in_words(&failure.into(), &About { name, zone, at: DateTime::UNIX_EPOCH });
        assert!(view.action.contains(told), "{}", view.action);
    }
}

#[test]
fn the_next_step_is_one_that_helps_against_what_azure_says() {
    let refusals = |azure_code: &str, azure_message: &str| {
        let (azure_code, azure_message) = (|| azure_code.to_owned(), || azure_message.to_owned());
        [
            Failure::StartFailed { azure_code: azure_code(), azure_message: azure_message() },
            Failure::RequestRefused { azure_code: azure_code(), azure_message: azure_message() },
            Failure::RequestConflict { azure_code: azure_code(), azure_message: azure_message() },
            Failure::AzureError { status: 409, azure_code: azure_code(), azure_message: azure_message() },
        ]
        .map(said)
    };
    let quota = "Operation could not be completed as it results in exceeding approved Total Regional Cores quota.";
    for (code, message, step) in [
        ("ScopeLocked", "following scope(s) are locked", "Ask whoever locked it"),
        ("OperationNotAllowed", "is not allowed on VM 'web-01' since the VM is generalized.", "Make a new VM"),
        ("OperationNotAllowed", quota, "Ask for a larger quota"),
        ("QuotaExceeded", "", "Ask for a larger quota"),
        ("OperationNotAllowed", "since the VM is marked for deletion.", "Check the resource ID"),
        ("AnotherOperationInProgress", "", "Wait until what else is being done"),
        ("ReadOnlyDisabledSubscription", "is disabled and therefore marked as read only.", "Ask the owner"),
        ("MissingSubscriptionRegistration", "not registered to use 'Microsoft.Security'", "Have Defender for Servers"),
        ("MissingSubscriptionRegistration", "not registered to use 'Microsoft.Network'", "Ask an owner"),
        ("RequestDisallowedByPolicy", "was disallowed by policy.", "Ask whoever made the rule"),
        ("BadRequest", "is not supported: missing NSG.", "Associate a network security group"),
        ("BadRequest", "requires Defender for Servers Plan 2 on the subscription", "Have Defender for Servers Plan 2"),
    ] {
        for view in refusals(code, message) {
            assert!(view.action.starts_with(step), "{code}: {}", view.action);
            assert!(!view.title.contains("busy") || code == "AnotherOperationInProgress", "{}", view.title);
            assert!(view.message.contains(code), "{}", view.message);
        }
    }
    let [start, refused, conflict, other] = refusals("SomeCode", "Some words.").map(|view| view.action);
    assert!(start.starts_with("Look at the VM’s activity log"), "{start}");
    assert!(refused.starts_with("Check the ports, sources and longest duration"), "{refused}");
    assert!(conflict.starts_with("Wait a minute and try again"), "{conflict}");
    assert!(other.starts_with("Try again; if it stays"), "{other}");
}

#[test]
fn a_missing_right_is_a_sentence_that_another_can_follow() {
    let action = "Microsoft.Network/networkInterfaces/read".to_owned();
    let message = said(Failure::AccessDenied { action, scope: "/subscriptions/s/resourceGroups/rg-demo/x".into() });
    let told = "It lacks the right Microsoft.Network/networkInterfaces/read on the resource group rg-demo.";
    assert_eq!(message.message, told);
}

fn said(failure: Failure) -> FailureView {
    let zone = Zone::always(FixedOffset::east_opt(0).unwrap(), DateTime::UNIX_EPOCH);
    in_words(&failure.into(), &About { name: "web-01", zone, at: DateTime::UNIX_EPOCH })
}

#[test]
fn the_window_names_no_command_where_a_button_does_it() {
    let of_account = || "ada".to_owned();
    let mfa = SignInReason::Mfa;
    for failure in every_failure().into_iter().chain([
        Failure::sign_in_required(of_account(), mfa),
        Failure::ConditionalAccess { account: of_account(), number: 53_003, device_code: true, tenant: None },
        Failure::UnknownAccount { name: of_account(), known: vec!["az".into()], for_new: false },
    ]) {
        let code = failure.code();
        let said = said(failure);
        if let Some(action) = &said.action_in_window {
            assert!(!action.contains("“ajar "), "{code}: {action}");
        }
        let of_applications =
            ["principalRefused", "interactionRequired", "secretMissing", "certificateUnfit", "tokenFileUnfit"];
        let signs_people_in = said.wants_sign_in && !of_applications.contains(&code);
        let in_window = said.action_in_window.unwrap_or(said.action);
        assert!(!signs_people_in || !in_window.contains("“ajar sign-in"), "{code}: {in_window}");
    }
}

#[test]
fn who_has_no_azure_cli_is_not_told_to_run_it_but_to_install_it() {
    let without = said(Failure::not_signed_in(crate::failure::NO_AZURE_CLI));
    assert_eq!(without.message, "The Azure CLI (az) is not installed, or not on the PATH of Ajar.");
    assert!(
        without.action.starts_with("Sign in with your browser (“ajar sign-in”), or install it"),
        "{}",
        without.action
    );
    assert!(without.help_url.unwrap().ends_with("/install-azure-cli"));
    let signed_out = said(Failure::not_signed_in("Please run 'az login' to setup account."));
    assert!(signed_out.action.starts_with("Run “az login”"), "{}", signed_out.action);
    let beside = |others: &[&str]| {
        let others = others.iter().map(ToString::to_string).collect();
        let (detail, tenant, cloud) = (crate::failure::NO_AZURE_CLI.into(), None, None);
        said(Failure::NotSignedIn { detail, reason: None, others, tenant, cloud, here: None }).action
    };
    assert!(beside(&["ada"]).contains("(“ajar edit web-01 --account ada”), or install"), "{}", beside(&["ada"]));
    assert!(
        beside(&["ada", "fritz"]).contains("--account ACCOUNT”; there are ada, fritz)"),
        "{}",
        beside(&["ada", "fritz"])
    );
}

#[test]
fn what_answers_in_azures_place_is_told_by_what_it_wants() {
    let told = |status, leads_to: Option<&str>| {
        let host = "management.azure.com".to_owned();
        let view = said(Failure::NotFromAzure { host, status, leads_to: leads_to.map(Into::into) });
        format!("{} {}", view.message, view.action)
    };
    let portal = told(307, Some("https://portal.hotel.example"));
    assert!(portal.contains("leads to https://portal.hotel.example (HTTP 307)"), "{portal}");
    for (status, part) in [
        (407, "wants a sign-in of its own (HTTP 407). Open any page"),
        (511, "wants a sign-in of its own (HTTP 511). Open any page"),
        (404, "a proxy, a firewall, or a network that wants a sign-in. Open any page"),
        (502, "a gateway had no answer from behind it (HTTP 502). Try again in a minute"),
    ] {
        assert!(told(status, None).contains(part), "{}", told(status, None));
    }
}

#[test]
fn azure_is_quoted_with_as_much_as_it_said() {
    let message = |code: &str, message: &str| {
        said(Failure::StartFailed { azure_code: code.into(), azure_message: message.into() }).message
    };
    assert_eq!(message("Conflict", "Busy."), "Azure says: Busy (Conflict).");
    assert_eq!(message("Conflict", "Busy"), "Azure says: Busy (Conflict).");
    assert_eq!(message("Conflict", ""), "Azure says: Conflict.");
    assert_eq!(message("", "Busy."), "Azure says: Busy.");
    assert_eq!(message("", "Busy"), "Azure says: Busy.");
    assert_eq!(message("", ""), "Azure gives no reason.");
}

#[test]
fn what_cannot_be_reached_is_not_to_be_corrected() {
    let action = |detail: String| said(Failure::Settings { path: "config.toml".into(), detail }).action;
    for code in [5, 13, 20] {
        let action = action(std::io::Error::from_raw_os_error(code).to_string());
        assert!(action.starts_with("Make sure that you may read and write there"), "{action}");
    }
    let protected = action(crate::message::files::write_protected().into());
    assert_eq!(protected, "Make the file writable, then try again.");
    assert!(action("line 3: expected a string".into()).starts_with("Correct the file"));
}

#[test]
fn the_page_for_people_lists_every_failure_under_its_exit_code() {
    let page = include_str!("../../../../../docs/behaviour.md");
    for failure in all_failures() {
        let (code, exit_code) = (failure.code(), failure.exit_code() as u8);
        let row = page.lines().find(|line| line.starts_with(&format!("| {exit_code} ")));
        assert!(row.is_some_and(|row| row.contains(&format!("`{code}`"))), "{code} is not under {exit_code}");
        assert_eq!(page.matches(&format!("`{code}`")).count(), 1, "{code}");
    }
}

#[test]
fn details_carry_the_correlation_id_and_the_azure_code() {
    let trouble = Trouble {
        failure: Failure::StartFailed { azure_code: "OperationNotAllowed".into(), azure_message: "No.".into() },
        correlation_id: Some("c0ffee".into()),
    };
    let about = About {
        name: "web-01",
        zone: Zone::always(FixedOffset::east_opt(0).unwrap(), DateTime::UNIX_EPOCH),
        at: DateTime::UNIX_EPOCH,
    };
    let details = in_words(&trouble, &about).details;
    for part in
        ["code: startFailed", "azureCode: OperationNotAllowed", "correlationId: c0ffee", "at: 1970-01-01T00:00:00Z"]
    {
        assert!(details.contains(part), "{details}");
    }
}

#[test]
fn an_extension_that_is_given_up_says_that_its_request_may_count_still() {
    let open_until = Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(30));
    let told = said(Failure::Cancelled { open_until, asking: true, starting: false }).message;
    assert!(told.ends_with("A request was on its way; Azure may still keep it open longer for it."), "{told}");
}

#[test]
fn certificates_that_are_not_there_are_no_matter_of_rights_or_room() {
    let detail = "[clouds.sim] ca_bundle x.pem: No such file or directory (os error 2)".to_owned();
    let told = said(Failure::Settings { path: "config.toml".into(), detail });
    assert!(told.action.starts_with("Correct the path of the certificates"), "{}", told.action);
}
