//! What a failure is to scripts: a stable name and an exit code.

use super::Failure;

/// What a failure means to a script: the exit code of `ajar`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitCode {
    /// It failed.
    Failed = 1,
    /// The words on the command line make no sense together.
    Usage = 2,
    /// Not signed in.
    NotSignedIn = 3,
    /// Denied by Azure, or by the policy.
    Denied = 4,
    /// Timed out.
    TimedOut = 5,
    /// Cancelled by the user.
    Cancelled = 130,
}

impl Failure {
    /// Whether Azure does not let the account do what was asked, for whatever reason (403).
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::AccessDenied { .. } | Self::DenyAssigned { .. } | Self::AzureError { status: 403, .. })
    }

    /// Whether it is of looking at Azure just then, so that another look may show what this one did not: of what Azure does it
    /// says nothing.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::NotFromAzure { .. }
                | Self::Throttled { .. }
                | Self::Unavailable { .. }
                | Self::TokenToolFailed { .. }
                | Self::IdentityServiceFailed { .. }
                | Self::AzureError { status: 408 | 500.., .. }
        )
    }

    /// A stable name, as in `--json` and in `Display`.
    #[expect(clippy::too_many_lines, reason = "a line for each failure")]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotSignedIn { .. } => "notSignedIn",
            Self::NotSignedInToAzd { .. } => "notSignedInToAzd",
            Self::TokenToolFailed { .. } => "tokenToolFailed",
            Self::NoManagedIdentity { .. } => "noManagedIdentity",
            Self::IdentityServiceFailed { .. } => "identityServiceFailed",
            Self::PrincipalRefused { .. } => "principalRefused",
            Self::SecretMissing { .. } => "secretMissing",
            Self::CertificateUnfit { .. } => "certificateUnfit",
            Self::TokenFileUnfit { .. } => "tokenFileUnfit",
            Self::ClaimsRequired { .. } => "claimsRequired",
            Self::SignInRequired { .. } => "signInRequired",
            Self::ConditionalAccess { .. } => "conditionalAccess",
            Self::ConsentMissing { .. } => "consentMissing",
            Self::NotInTenant { .. } => "notInTenant",
            Self::OtherTenant { .. } => "otherTenant",
            Self::ClientUnknown { .. } => "clientUnknown",
            Self::SignInIncomplete { .. } => "signInIncomplete",
            Self::NoClientId { .. } => "noClientId",
            Self::ClientIdUnfit => "clientIdUnfit",
            Self::TenantUnfit { .. } => "tenantUnfit",
            Self::OtherPerson { .. } => "otherPerson",
            Self::AccountDiffers { .. } => "accountDiffers",
            Self::AccountDisabled { .. } => "accountDisabled",
            Self::SignInDeclined => "signInDeclined",
            Self::SignInTimedOut => "signInTimedOut",
            Self::SignInNotCompleted => "signInNotCompleted",
            Self::SignInSuperseded => "signInSuperseded",
            Self::SignInCancelled => "signInCancelled",
            Self::ClockSkew { .. } => "clockSkew",
            Self::KeychainUnavailable { .. } => "keychainUnavailable",
            Self::SignedInElsewhere { .. } => "signedInElsewhere",
            Self::NothingToSignOut { .. } => "nothingToSignOut",
            Self::AccountExists { .. } => "accountExists",
            Self::InteractionRequired { .. } => "interactionRequired",
            Self::TokenRefused { .. } => "tokenRefused",
            Self::ToolTokenRefused { .. } => "toolTokenRefused",
            Self::AccessDenied { .. } => "accessDenied",
            Self::DenyAssigned { .. } => "denyAssigned",
            Self::NoPolicy { .. } => "noPolicy",
            Self::PolicyUnseen { .. } => "policyUnseen",
            Self::NotInPolicy { .. } => "notInPolicy",
            Self::SourceNotAllowed { .. } => "sourceNotAllowed",
            Self::RequestRefused { .. } => "requestRefused",
            Self::RangeRefused { .. } => "rangeRefused",
            Self::RequestConflict { .. } => "requestConflict",
            Self::RequestUnanswered { .. } => "requestUnanswered",
            Self::AccessRevoked { .. } => "accessRevoked",
            Self::SourceUncertain { .. } => "sourceUncertain",
            Self::SourceUnknown => "sourceUnknown",
            Self::SubscriptionNotFound { .. } => "subscriptionNotFound",
            Self::VmNotFound { .. } => "vmNotFound",
            Self::VmNotRunning { .. } => "vmNotRunning",
            Self::PowerStateUnknown => "powerStateUnknown",
            Self::AllocationFailed { .. } => "allocationFailed",
            Self::StartFailed { .. } => "startFailed",
            Self::StartUnseen { .. } => "startUnseen",
            Self::DeallocateFailed { .. } => "deallocateFailed",
            Self::DeallocationUnseen { .. } => "deallocationUnseen",
            Self::DeallocationUnended => "deallocationUnended",
            Self::DeallocationLeft { .. } => "deallocationLeft",
            Self::OpeningUnderWay => "openingUnderWay",
            Self::AddressChanged { .. } => "addressChanged",
            Self::BeingDeallocated => "beingDeallocated",
            Self::NotAskedAnyMore => "notAskedAnyMore",
            Self::NoPublicAddress { .. } => "noPublicAddress",
            Self::NoBastion => "noBastion",
            Self::BastionUnfit { .. } => "bastionUnfit",
            Self::BastionRefused { .. } => "bastionRefused",
            Self::BastionSilent { .. } => "bastionSilent",
            Self::PortSilent { .. } => "portSilent",
            Self::PortRefused { .. } => "portRefused",
            Self::FirewallShut { .. } => "firewallShut",
            Self::PortStranger { .. } => "portStranger",
            Self::ConnectionLost { .. } => "connectionLost",
            Self::ClientNotFound { .. } => "clientNotFound",
            Self::ClientFailed { .. } => "clientFailed",
            Self::NoCertificate { .. } => "noCertificate",
            Self::NameLeadsElsewhere { .. } => "nameLeadsElsewhere",
            Self::HostKeyChanged { .. } => "hostKeyChanged",
            Self::Throttled { .. } => "throttled",
            Self::Unavailable { .. } => "unavailable",
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timedOut",
            Self::NotFromAzure { .. } => "notFromAzure",
            Self::AzureError { .. } => "azureError",
            Self::Cancelled { .. } => "cancelled",
            Self::FavouriteRemoved { .. } => "favouriteRemoved",
            Self::EndUnseen => "endUnseen",
            Self::Left => "left",
            Self::UnknownFavourite { .. } => "unknownFavourite",
            Self::UnknownVm { .. } => "unknownVm",
            Self::FavouriteExists { .. } => "favouriteExists",
            Self::ReasonWanted { .. } => "reasonWanted",
            Self::NotOpen => "notOpen",
            Self::BeingOpened { .. } => "beingOpened",
            Self::SshConfig { .. } => "sshConfig",
            Self::FileUnfit { .. } => "fileUnfit",
            Self::ImportConflicts { .. } => "importConflicts",
            Self::Settings { .. } => "settings",
            Self::SettingsNewer { .. } => "settingsNewer",
            Self::SocketFolder { .. } => "socketFolder",
            Self::UnknownCloud { .. } => "unknownCloud",
            Self::UnknownNetwork { .. } => "unknownNetwork",
            Self::NetworkInUse { .. } => "networkInUse",
            Self::OfTeam { .. } => "ofTeam",
            Self::TeamsName { .. } => "teamsName",
            Self::UnknownTeam { .. } => "unknownTeam",
            Self::ProfileUnfit { .. } => "profileUnfit",
            Self::CommandLine { .. } => "commandLine",
            Self::CommandNotForRdp => "commandNotForRdp",
            Self::SourceUnusable { .. } => "sourceUnusable",
            Self::UnknownAccount { .. } => "unknownAccount",
            Self::NoAccountInCloud { .. } => "noAccountInCloud",
            Self::OtherCloudsAccount { .. } => "otherCloudsAccount",
            Self::OtherCloud { .. } => "otherCloud",
            Self::HostSilent { .. } => "hostSilent",
            Self::OtherVersion { .. } => "otherVersion",
            Self::OtherAccount { .. } => "otherAccount",
            Self::Internal { .. } => "internal",
        }
    }

    /// Whether it is for want of somebody who is signed in, or signed in rightly: a sign-in of the account, or under its
    /// name, may end it.
    pub fn wants_sign_in(&self) -> bool {
        matches!(
            self,
            Self::NotSignedIn { .. }
                | Self::PrincipalRefused { .. }
                | Self::NotSignedInToAzd { .. }
                | Self::SecretMissing { .. }
                | Self::CertificateUnfit { .. }
                | Self::TokenFileUnfit { .. }
                | Self::ClaimsRequired { .. }
                | Self::SignInRequired { .. }
                | Self::ConditionalAccess { .. }
                | Self::ConsentMissing { .. }
                | Self::ClientUnknown { .. }
                | Self::NoClientId { .. }
                | Self::KeychainUnavailable { .. }
                | Self::InteractionRequired { .. }
                | Self::UnknownAccount { .. }
        ) || matches!(self, Self::NoAccountInCloud { there, .. } if there.is_empty())
    }

    /// What it means to a script.
    #[expect(clippy::too_many_lines, reason = "a line for each failure")]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::NotSignedIn { .. }
            | Self::NotSignedInToAzd { .. }
            | Self::NoManagedIdentity { .. }
            | Self::PrincipalRefused { .. }
            | Self::SecretMissing { .. }
            | Self::CertificateUnfit { .. }
            | Self::TokenFileUnfit { .. }
            | Self::OtherPerson { .. }
            | Self::ClaimsRequired { .. }
            | Self::SignInRequired { .. }
            | Self::ConditionalAccess { .. }
            | Self::ConsentMissing { .. }
            | Self::NotInTenant { .. }
            | Self::OtherTenant { .. }
            | Self::ClientUnknown { .. }
            | Self::NoClientId { .. }
            | Self::AccountDisabled { .. }
            | Self::SignInDeclined
            | Self::SignInTimedOut
            | Self::SignInNotCompleted
            | Self::SignInSuperseded
            | Self::KeychainUnavailable { .. }
            | Self::ClockSkew { .. }
            | Self::InteractionRequired { .. }
            | Self::NoAccountInCloud { .. }
            | Self::TokenRefused { .. }
            | Self::ToolTokenRefused { .. } => ExitCode::NotSignedIn,
            Self::AccessDenied { .. }
            | Self::DenyAssigned { .. }
            | Self::AccessRevoked { .. }
            | Self::NoPolicy { .. }
            | Self::PolicyUnseen { .. }
            | Self::NotInPolicy { .. }
            | Self::SourceNotAllowed { .. }
            | Self::RequestRefused { .. }
            | Self::BastionRefused { .. }
            | Self::RangeRefused { .. } => ExitCode::Denied,
            Self::PortSilent { .. }
            | Self::PortRefused { .. }
            | Self::FirewallShut { .. }
            | Self::BastionSilent { .. }
            | Self::TimedOut { .. }
            | Self::DeallocationUnended
            | Self::PowerStateUnknown
            | Self::HostSilent { .. }
            | Self::RequestUnanswered { .. } => ExitCode::TimedOut,
            Self::Cancelled { .. }
            | Self::DeallocationLeft { .. }
            | Self::FavouriteRemoved { .. }
            | Self::SignInCancelled
            | Self::Left => ExitCode::Cancelled,
            Self::UnknownFavourite { .. }
            | Self::UnknownVm { .. }
            | Self::FavouriteExists { .. }
            | Self::ReasonWanted { .. }
            | Self::NothingToSignOut { .. }
            | Self::BeingOpened { .. }
            | Self::AccountExists { .. }
            | Self::AccountDiffers { .. }
            | Self::TenantUnfit { .. }
            | Self::ClientIdUnfit
            | Self::SignInIncomplete { .. }
            | Self::UnknownCloud { .. }
            | Self::UnknownNetwork { .. }
            | Self::NetworkInUse { .. }
            | Self::OfTeam { .. }
            | Self::TeamsName { .. }
            | Self::UnknownTeam { .. }
            | Self::SignedInElsewhere { .. }
            | Self::OtherCloudsAccount { .. }
            | Self::OtherCloud { .. }
            | Self::OtherAccount { .. }
            | Self::ProfileUnfit { .. }
            | Self::ImportConflicts { .. }
            | Self::CommandLine { .. }
            | Self::CommandNotForRdp
            | Self::SourceUnusable { .. }
            | Self::UnknownAccount { .. } => ExitCode::Usage,
            Self::SourceUncertain { .. }
            | Self::SourceUnknown
            | Self::RequestConflict { .. }
            | Self::SocketFolder { .. }
            | Self::OtherVersion { .. }
            | Self::SubscriptionNotFound { .. }
            | Self::VmNotFound { .. }
            | Self::VmNotRunning { .. }
            | Self::AllocationFailed { .. }
            | Self::StartFailed { .. }
            | Self::StartUnseen { .. }
            | Self::DeallocateFailed { .. }
            | Self::DeallocationUnseen { .. }
            | Self::OpeningUnderWay
            | Self::AddressChanged { .. }
            | Self::BeingDeallocated
            | Self::NotAskedAnyMore
            | Self::NoPublicAddress { .. }
            | Self::NoBastion
            | Self::BastionUnfit { .. }
            | Self::PortStranger { .. }
            | Self::ConnectionLost { .. }
            | Self::ClientNotFound { .. }
            | Self::ClientFailed { .. }
            | Self::NoCertificate { .. }
            | Self::NameLeadsElsewhere { .. }
            | Self::HostKeyChanged { .. }
            | Self::Throttled { .. }
            | Self::Unavailable { .. }
            | Self::Unreachable { .. }
            | Self::NotFromAzure { .. }
            | Self::AzureError { .. }
            | Self::TokenToolFailed { .. }
            | Self::IdentityServiceFailed { .. }
            | Self::EndUnseen
            | Self::NotOpen
            | Self::SshConfig { .. }
            | Self::FileUnfit { .. }
            | Self::Settings { .. }
            | Self::SettingsNewer { .. }
            | Self::Internal { .. } => ExitCode::Failed,
        }
    }
}
