//! Everything that can go wrong between a click and a client, as data. The words are in [`crate::message`].

mod codes;
mod sign_in;
mod trouble;

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::account::KeychainTrouble;
use crate::host_key::HostKeyChange;
use crate::port::Endpoint;
use crate::vm::PowerState;

pub use codes::ExitCode;
pub use sign_in::{
    AccountPart, ClientFlaw, PrincipalFlaw, Proof, SignInDemand, SignInPart, SignInReason, TenantReason, TokenTool,
};
pub use trouble::Trouble;

/// Why an attempt or a request ended without what was wanted.
///
/// Variants exist where words, exit codes or callers differ; the data is what the words need.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[error("{}", self.code())]
pub enum Failure {
    /// No account can give a token.
    NotSignedIn {
        /// What the credential said.
        detail: String,
        /// What Entra has against the sign-in that there is, where that is it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<SignInReason>,
        /// The accounts of the settings that could act instead.
        #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
        others: Box<[String]>,
        /// The tenant that wants a sign-in, where Entra refused one that is there: another tenant’s counts nothing to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<Box<str>>,
        /// What the Azure CLI calls the cloud, where that is not its active one: a sign-in has to be made there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cloud: Option<Box<str>>,
        /// The cloud by its name here, where a sign-in has to name it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        here: Option<Box<str>>,
    },
    /// Nobody is signed in to the Azure Developer CLI, by which an account acts.
    NotSignedInToAzd {
        /// What it said.
        detail: String,
        /// What Entra has against the sign-in that there is, where that is it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<SignInReason>,
        /// The tenant that wants a sign-in then, where that is not left to it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
        /// What it calls the cloud, where it is set to another one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cloud: Option<Box<str>>,
    },
    /// A tool that an account acts by gave no token, and not for want of somebody who is signed in: it could not reach
    /// Entra, did not answer, or broke.
    TokenToolFailed {
        /// Which one.
        tool: TokenTool,
        /// What it, or the system, said.
        detail: String,
    },
    /// This machine is no Azure resource with an identity to act as, or not with the one that is wanted.
    NoManagedIdentity {
        /// What was said in place of a token.
        detail: String,
    },
    /// The service that tells this machine's managed identity gave no token, and not for want of one: it did not answer, or
    /// answered something else.
    IdentityServiceFailed {
        /// Who was asked.
        host: String,
        /// What came of it.
        detail: String,
    },
    /// Entra refuses an application.
    PrincipalRefused {
        /// The account that it is; `environment` for that of the `AZURE_` variables.
        account: String,
        /// Its client id.
        client_id: String,
        /// What it has shown.
        proof: Proof,
        /// What is wrong.
        flaw: PrincipalFlaw,
        /// Entra's sentence.
        detail: String,
    },
    /// Ajar keeps no secret for an application that signs in with one.
    SecretMissing {
        /// The account.
        account: String,
    },
    /// The file that an application is to sign in with holds no certificate and key that Ajar can use.
    CertificateUnfit {
        /// The account, as for [`Failure::PrincipalRefused`].
        account: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The file with a workload's token cannot be read.
    TokenFileUnfit {
        /// The account, as for [`Failure::PrincipalRefused`].
        account: String,
        /// The file.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Azure takes the account's token only with other claims (401 `insufficient_claims`, continuous access evaluation).
    ClaimsRequired {
        /// What the new token must hold: base64 of JSON, as Azure sent it; empty if it sent nothing that is base64.
        claims: String,
        /// What the token is for, such as `https://management.azure.com/.default`.
        scope: String,
        /// The tenant of the token, if it was not the account's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
    },
    /// The account gets no token until somebody signs in.
    SignInRequired {
        /// The account.
        account: String,
        /// Why.
        reason: SignInReason,
        /// What the sign-in is to do beyond an ordinary one.
        #[serde(flatten)]
        demand: Box<SignInDemand>,
    },
    /// A conditional access policy keeps the account from signing in (53003 and its kind).
    ConditionalAccess {
        /// The account.
        account: String,
        /// Entra's number for it: the `53003` of `AADSTS53003`.
        number: u32,
        /// Whether it was a sign-in by device code, which many policies forbid.
        device_code: bool,
        /// The tenant whose policy it is, if that is another than the account's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
    },
    /// Nobody has consented to the application that signs in (65001).
    ConsentMissing {
        /// The application.
        client_id: String,
        /// The tenant whose consent is missing.
        tenant: String,
        /// Where an administrator consents for all.
        url: String,
        /// Whose application it is, where that is not the one that Ajar itself signs in with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool: Option<TokenTool>,
    },
    /// The account gets no token of a tenant.
    NotInTenant {
        /// The account.
        account: String,
        /// The tenant.
        tenant: String,
        /// Why.
        reason: TenantReason,
        /// Whose application it signs in with, where that is not the one that Ajar itself does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tool: Option<TokenTool>,
    },
    /// Azure takes no token of the tenant in which the account acts: the subscription is of another (401
    /// `InvalidAuthenticationTokenTenant`).
    OtherTenant {
        /// The subscription's tenant, if Azure told.
        tenant: Option<String>,
    },
    /// The application that is to sign people in cannot do so.
    ClientUnknown {
        /// The application.
        client_id: String,
        /// Where it was asked for.
        tenant: String,
        /// Why.
        flaw: ClientFlaw,
    },
    /// An application, or a workload, is to sign in of which not all is known that that takes.
    SignInIncomplete {
        /// What is not known.
        lacks: SignInPart,
    },
    /// No application is named that Ajar could sign people in with.
    NoClientId {
        /// The cloud.
        cloud: String,
    },
    /// What was given as an application's id is none. It is not repeated: a secret is easily pasted in its place.
    ClientIdUnfit,
    /// The account is disabled (50057).
    AccountDisabled {
        /// The account.
        account: String,
        /// The tenant in which it is, if that is another than the account's own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tenant: Option<String>,
    },
    /// What was given as a tenant can be none.
    TenantUnfit {
        /// What was given.
        tenant: String,
    },
    /// Somebody signed in to an account that is another person. Nothing was kept of it.
    OtherPerson {
        /// The account.
        account: String,
        /// Who it is, if known.
        is: Option<String>,
        /// Who signed in, if Entra told.
        came: Option<String>,
    },
    /// A sign-in would make something else of an account than it is.
    AccountDiffers {
        /// The account.
        account: String,
        /// In what.
        part: AccountPart,
        /// As it is; empty if it says nothing of it.
        is: String,
        /// As it would be.
        wanted: String,
    },
    /// The user declined on the page of the sign-in.
    SignInDeclined,
    /// Nobody signed in in time.
    SignInTimedOut,
    /// Entra does not take what came back from the page of a sign-in (`invalid_grant` to a code: used already, too late, or
    /// of another sign-in).
    SignInNotCompleted,
    /// A newer sign-in took this one's place.
    SignInSuperseded,
    /// The sign-in was given up by another face than the one that follows it.
    SignInCancelled,
    /// This machine's clock is too far off for Entra to take what it signs (700024).
    ClockSkew {
        /// Azure's time minus this machine's.
        seconds: i64,
    },
    /// The keychain that may have the account's sign-in cannot be used.
    KeychainUnavailable {
        /// Why.
        trouble: KeychainTrouble,
    },
    /// Ajar does not keep the sign-in of an account, and cannot end it.
    SignedInElsewhere {
        /// The account.
        account: String,
    },
    /// There is no account of that name to sign out of.
    NothingToSignOut {
        /// What was asked for.
        name: String,
        /// The accounts that Ajar keeps something of.
        known: Vec<String>,
    },
    /// An account of that name is there already, or it is one of Ajar's own names.
    AccountExists {
        /// The name.
        name: String,
    },
    /// Conditional access keeps an application from its token (`interaction_required`, or claims in the refusal). What
    /// [`Failure::SignInRequired`] and [`Failure::ConditionalAccess`] are to people: but nobody can sign in for it, so that
    /// only an administrator or another account helps.
    InteractionRequired {
        /// The account that it is; `environment` for that of the `AZURE_` variables.
        account: Box<str>,
        /// Its client id.
        client_id: Box<str>,
        /// Entra's sentence, with its AADSTS number.
        detail: Box<str>,
        /// What the next sign-in must ask for: JSON as Entra sent it, base64 of JSON out of a challenge; may be empty.
        claims: Box<str>,
        /// What the token is for, such as `https://management.azure.com/.default`.
        scope: Box<str>,
    },
    /// Azure refuses the token that an account has just been given, and to sign in again would change nothing: nobody can for an
    /// application or this machine's identity, and Entra gave a person's without a word.
    TokenRefused {
        /// The account, as for [`Failure::PrincipalRefused`]; none for the machine's identity.
        account: Option<Box<str>>,
        /// What the token is to hold, where that is why (401 `insufficient_claims`): base64 of JSON, as Azure sent it.
        claims: Option<Box<str>>,
        /// What Azure said of it; may be empty.
        detail: Box<str>,
    },
    /// Azure refuses the token of a tool that an account acts by, also when that has been asked for another.
    ToolTokenRefused {
        /// Which one.
        tool: TokenTool,
        /// What Azure said of the token.
        detail: String,
    },
    /// Azure Resource Manager refused an action (403 `AuthorizationFailed`).
    AccessDenied {
        /// The missing action, such as `Microsoft.Security/locations/jitNetworkAccessPolicies/initiate/action`.
        action: String,
        /// Over what.
        scope: String,
    },
    /// A deny assignment keeps the account from an action that its roles would allow
    /// (403 `DenyAssignmentAuthorizationFailed`). https://learn.microsoft.com/azure/role-based-access-control/deny-assignments
    DenyAssigned {
        /// The action.
        action: String,
        /// Over what.
        scope: String,
        /// What the assignment is called, where Azure says so; else empty.
        assignment: String,
    },
    /// No JIT policy speaks of the VM, and its port does not answer.
    NoPolicy {
        /// Whether the VM was running when we looked.
        power: Option<PowerState>,
    },
    /// No policy that may be read speaks of the VM; others may not be read.
    PolicyUnseen {
        /// The resource group whose policies were read: the VM's own.
        group: String,
        /// The right that is missing to read the others.
        action: String,
        /// Over what.
        scope: String,
    },
    /// The VM's policy does not have the port.
    NotInPolicy {
        /// The port asked for.
        port: u16,
        /// The ports it has for TCP.
        allowed: Vec<u16>,
        /// Whether it has the port, though for UDP alone.
        #[serde(default)]
        only_udp: bool,
    },
    /// The VM's policy does not admit this address.
    SourceNotAllowed {
        /// The address.
        address: Ipv4Addr,
        /// What is admitted.
        allowed: Vec<String>,
    },
    /// Azure refused the request itself (400 and the like).
    RequestRefused {
        /// Azure's error code.
        azure_code: String,
        /// Azure's message.
        azure_message: String,
    },
    /// Azure refused a request that lies within the policy, whose prefixes admit more than one address: it may take such
    /// prefixes only whole (reported of Azure in 2020, MicrosoftDocs/azure-docs#53026).
    RangeRefused {
        /// The address asked for.
        address: Ipv4Addr,
        /// What the policy admits it by.
        allowed: Vec<String>,
        /// Azure's error code.
        azure_code: String,
        /// Azure's message.
        azure_message: String,
    },
    /// Azure does not take the request now, because something else is under way (409).
    RequestConflict {
        /// Azure's error code.
        azure_code: String,
        /// Azure's message.
        azure_message: String,
    },
    /// The request was sent, no answer came that settles it, and it is not to be found in the policy.
    RequestUnanswered {
        /// How often it was sent.
        sent: u32,
        /// The error that Azure answered with, where it said something.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said: Option<AzureSaid>,
    },
    /// Azure granted the request and shows it as revoked before its time.
    AccessRevoked {
        /// Whether a newer request took its place; else it was withdrawn.
        replaced: bool,
    },
    /// Sources disagree about this machine's public address.
    SourceUncertain {
        /// The addresses seen.
        seen: Vec<Ipv4Addr>,
    },
    /// No source told this machine's public address.
    SourceUnknown,
    /// Azure knows no such subscription where the account acts (404 `SubscriptionNotFound`).
    SubscriptionNotFound {
        /// Its id.
        subscription: String,
    },
    /// The VM does not exist, or may not be seen.
    VmNotFound {
        /// Its id.
        vm: String,
    },
    /// The VM is not running, and the profile does not let Ajar start it.
    VmNotRunning {
        /// Its state.
        power: PowerState,
    },
    /// Azure does not tell whether the VM runs.
    PowerStateUnknown,
    /// Azure has no room for the VM.
    AllocationFailed {
        /// Azure's error code.
        azure_code: String,
        /// Azure's message.
        azure_message: String,
    },
    /// Azure refused to start the VM, or the start failed.
    StartFailed {
        /// Azure's error code.
        azure_code: String,
        /// Azure's message.
        azure_message: String,
    },
    /// Azure took the order to start the VM, and does not show it on its way.
    StartUnseen {
        /// The state that the VM stays in.
        power: PowerState,
    },
    /// Azure refused to deallocate the VM, or could not.
    DeallocateFailed {
        /// Azure's error code.
        azure_code: String,
        /// Azure's message.
        azure_message: String,
    },
    /// Azure took the order to deallocate the VM, or may have, and does not show it on its way.
    DeallocationUnseen {
        /// The state that the VM stays in.
        power: PowerState,
    },
    /// Azure has not said for longer than it should take that the VM is deallocated.
    DeallocationUnended,
    /// Who wanted the VM deallocated does not wait for it any more.
    DeallocationLeft {
        /// Whether Azure was asked before, so that it goes on.
        asked: bool,
    },
    /// The VM is being opened, and so is not deallocated.
    OpeningUnderWay,
    /// What is renewed by itself is open from another address than this machine has now.
    AddressChanged {
        /// Where this machine is.
        address: Ipv4Addr,
        /// Whom the window lets in, in words.
        admitted: String,
    },
    /// The VM is being deallocated, and so is not opened.
    BeingDeallocated,
    /// What is answered about a VM that was not used any more is not asked any more.
    NotAskedAnyMore,
    /// The VM has no public address.
    NoPublicAddress {
        /// Its private one.
        private: Option<Ipv4Addr>,
    },
    /// No Bastion host leads to the VM, as far as the account sees.
    NoBastion,
    /// There is a Bastion host, and it leads no native client there.
    BastionUnfit {
        /// What it is called.
        bastion: String,
        /// What is wrong with it.
        flaw: BastionFlaw,
    },
    /// The Bastion host does not lead this account to the VM.
    BastionRefused {
        /// What it is called.
        bastion: String,
        /// Its HTTP status.
        status: u16,
        /// What it says.
        said: String,
    },
    /// All is granted and running, and nothing comes from the port through the Bastion host.
    BastionSilent {
        /// What it is called.
        bastion: String,
        /// The VM's port.
        port: u16,
        /// Since when it was looked at.
        since: DateTime<Utc>,
    },
    /// All is granted and running, and the port stays silent.
    PortSilent {
        /// The port.
        endpoint: Endpoint,
        /// Since when it was looked at.
        since: DateTime<Utc>,
    },
    /// All is granted and running, and the port refuses.
    PortRefused {
        /// The port.
        endpoint: Endpoint,
        /// Since when it was looked at.
        since: DateTime<Utc>,
    },
    /// All is granted and running, and the firewall's port that leads to the VM refuses or stays silent.
    FirewallShut {
        /// The firewall's address and port.
        endpoint: Endpoint,
        /// From where access is granted.
        admitted: Ipv4Addr,
        /// Since when it was looked at.
        since: DateTime<Utc>,
    },
    /// Something else than the protocol answers.
    PortStranger {
        /// The port.
        endpoint: Endpoint,
    },
    /// The connection to a port that was open broke off.
    ConnectionLost {
        /// The port.
        endpoint: Endpoint,
        /// What the system said.
        detail: String,
    },
    /// No program to open the VM with.
    ClientNotFound {
        /// What was looked for.
        program: String,
    },
    /// The program could not be started.
    ClientFailed {
        /// The program.
        program: String,
        /// What the system said.
        detail: String,
    },
    /// Entra has given no certificate to log in by.
    NoCertificate {
        /// Why.
        flaw: CertificateFlaw,
    },
    /// The name that Entra knows the VM by leads to another address from here, or to none.
    NameLeadsElsewhere {
        /// The name.
        name: String,
        /// The VM's address.
        address: String,
    },
    /// The server shows another key than the one that ssh knows for the VM, and ssh refuses it.
    HostKeyChanged {
        /// The name under which ssh knows it.
        alias: String,
        /// The file that has the known key.
        file: String,
        /// What Azure says of the VM.
        change: HostKeyChange,
    },
    /// Azure asks to wait longer than an attempt lasts (429).
    Throttled {
        /// When it may be asked again.
        retry_at: DateTime<Utc>,
    },
    /// Azure cannot do it at the moment, and names a time for the next try that an attempt does not wait for (503).
    Unavailable {
        /// What it answered.
        said: AzureSaid,
        /// When it may be asked again.
        retry_at: DateTime<Utc>,
    },
    /// A server cannot be reached.
    Unreachable {
        /// Its host.
        host: String,
        /// What the system said.
        detail: String,
    },
    /// A step took longer than its limit.
    TimedOut {
        /// Which.
        step: crate::snapshot::Step,
    },
    /// Something before Azure answered in its place: a proxy, a gateway, a network's sign-in page.
    NotFromAzure {
        /// The host that was asked.
        host: String,
        /// HTTP status.
        status: u16,
        /// Where a redirect leads: scheme, host and port.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leads_to: Option<String>,
    },
    /// Azure answered with an error that Ajar has no better words for.
    AzureError {
        /// HTTP status.
        status: u16,
        /// Azure's error code.
        azure_code: String,
        /// Azure's message.
        azure_message: String,
    },
    /// The user cancelled.
    Cancelled {
        /// The end of the window that had been granted by then: Azure keeps it open.
        open_until: Option<DateTime<Utc>>,
        /// Whether a request was on its way whose answer was not there yet: the port may open.
        asking: bool,
        /// Whether the VM had been told to start: it goes on starting.
        starting: bool,
    },
    /// The favourite was removed while it was being opened. The data is that of [`Failure::Cancelled`].
    FavouriteRemoved {
        /// The end of the window that had been granted by then.
        open_until: Option<DateTime<Utc>>,
        /// Whether a request was on its way whose answer was not there yet.
        asking: bool,
        /// Whether the VM had been told to start.
        starting: bool,
    },
    /// An attempt ended, and was forgotten before the face that followed it heard how.
    EndUnseen,
    /// The user left an attempt that others follow: it goes on.
    Left,
    /// No favourite of that name.
    UnknownFavourite {
        /// What was asked for.
        name: String,
        /// Names that look like it.
        similar: Vec<String>,
    },
    /// No VM of that name is known, or more than one.
    UnknownVm {
        /// The name.
        name: String,
        /// The ids of those that are called so.
        ids: Vec<String>,
    },
    /// A favourite of that name is there already.
    FavouriteExists {
        /// The name.
        name: String,
    },
    /// Its favourite wants a reason for each request, and nobody has given one.
    ReasonWanted {
        /// What the settings propose.
        proposed: Option<String>,
        /// Whether more time was wanted where a window is open.
        extends: bool,
    },
    /// There is no window that lets this machine in, and so none to extend.
    NotOpen,
    /// A favourite is being opened, and cannot be called otherwise meanwhile.
    BeingOpened {
        /// Its name.
        name: String,
    },
    /// What ssh is told of the favourites cannot be read or written.
    SshConfig {
        /// The file.
        path: String,
        /// What is wrong.
        detail: String,
    },
    /// A file that favourites were to be taken from or written to cannot be read or written, or is none of such.
    FileUnfit {
        /// The file.
        path: String,
        /// What is wrong, with the line where known.
        detail: String,
    },
    /// Favourites were to be taken in where there are others of their names, and nobody has said what to do with them.
    ImportConflicts {
        /// Their names.
        names: Vec<String>,
    },
    /// The settings cannot be read or written.
    Settings {
        /// The file.
        path: String,
        /// What is wrong, with the line where known.
        detail: String,
    },
    /// The settings were written by a later Ajar: they are read as far as this one understands them, and not changed.
    SettingsNewer {
        /// The file.
        path: String,
        /// Its `schema_version`.
        version: i64,
        /// The latest that this Ajar knows.
        known: i64,
        /// What this Ajar does not understand, with the place, if that keeps it from reading them.
        unread: Option<String>,
    },
    /// The folder for the engine's socket is not this user's alone.
    SocketFolder {
        /// The folder.
        path: String,
        /// What is wrong with it.
        detail: String,
        /// What puts it right.
        remedy: String,
    },
    /// The cloud named is not known.
    UnknownCloud {
        /// What was asked for.
        name: String,
        /// The ones there are.
        known: Vec<String>,
    },
    /// A source is the name of a network that is not known.
    UnknownNetwork {
        /// What was asked for.
        name: String,
        /// The ones there are.
        known: Vec<String>,
    },
    /// A network was to be removed that is still a source.
    NetworkInUse {
        /// Its name.
        name: String,
        /// The tables of the settings that name it.
        tables: Vec<String>,
    },
    /// A favourite was to be changed that is a team's.
    OfTeam {
        /// Its name.
        name: String,
        /// The team.
        team: String,
        /// Where the team's file is, without what may be secret.
        from: String,
    },
    /// A favourite of the user's own was to be called as a team's are.
    TeamsName {
        /// The name.
        name: String,
        /// The team.
        team: String,
    },
    /// No team of that name.
    UnknownTeam {
        /// What was asked for.
        name: String,
        /// The ones there are.
        known: Vec<String>,
    },
    /// A profile that no client could be started with.
    ProfileUnfit {
        /// What it was to be called.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// The command line was not understood.
    CommandLine {
        /// What is wrong with it.
        detail: String,
    },
    /// A command was given for a favourite that opens with Remote Desktop, which runs none.
    CommandNotForRdp,
    /// The source address named cannot be a machine's.
    SourceUnusable {
        /// The address.
        address: Ipv4Addr,
    },
    /// A favourite wants an account that is not there.
    UnknownAccount {
        /// The account wanted.
        name: String,
        /// The accounts there are.
        known: Vec<String>,
        /// Whether the favourite is only about to be added, so that there is none to change.
        for_new: bool,
    },
    /// A favourite names a cloud and no account, and none is to act for it in that cloud.
    NoAccountInCloud {
        /// The favourite's cloud.
        cloud: String,
        /// The accounts of that cloud, of which it could name one.
        there: Vec<String>,
    },
    /// A favourite is in another cloud than the account it is to be opened as.
    OtherCloudsAccount {
        /// The account.
        account: String,
        /// Its cloud.
        cloud: String,
        /// The favourite's.
        wanted: String,
    },
    /// An engine runs for these settings already, and talks to another cloud.
    OtherCloud {
        /// The cloud it talks to.
        running: String,
        /// The cloud asked for.
        wanted: String,
    },
    /// The process that hosts the engine is there and does not answer.
    HostSilent {
        /// Its number, where the system tells it.
        pid: Option<u32>,
    },
    /// An engine of another version runs.
    OtherVersion {
        /// The version of the local protocol that it speaks.
        running: u32,
        /// The one of this Ajar.
        ours: u32,
    },
    /// An engine runs for these settings already, and acts as somebody else than the account that is named here.
    OtherAccount {
        /// Whom it acts as.
        running: String,
        /// The account named.
        wanted: String,
    },
    /// Ajar itself failed at something it should not.
    Internal {
        /// What.
        detail: String,
    },
}

/// Why there is no certificate to log in to a VM by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CertificateFlaw {
    /// There is no RSA key there, or no public part of one beside it; Entra takes no other.
    NoKey(String),
    /// There is no Azure CLI, which asks for it.
    NoAz,
    /// The Azure CLI lacks its extension `ssh`.
    NoExtension,
    /// Nobody is signed in to the Azure CLI.
    SignedOut,
    /// The Azure CLI failed: what it said.
    Failed(String),
}

/// Why a Bastion host leads no native client anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BastionFlaw {
    /// Its SKU does not: Standard and Premium do.
    Sku(String),
    /// `enableTunneling` is off.
    TunnelingOff,
    /// It is being made, or that has failed: its `provisioningState`.
    NotReady(String),
    /// Its address is not one of the cloud's Bastion hosts, so that no token is sent there.
    Elsewhere(String),
    /// It answers otherwise than Ajar knows it to: how.
    Unknown(String),
    /// The Azure CLI, which was to lead through it, did not: what it says.
    AzureCli(String),
}

/// An error of Azure's that leaves open whether it has done what it was asked for: a 5xx.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AzureSaid {
    /// HTTP status.
    pub status: u16,
    /// Azure's error code.
    pub azure_code: String,
    /// Azure's message.
    pub azure_message: String,
}

/// What azure_identity says where there is no Azure CLI: the detail of [`Failure::NotSignedIn`] that has words of its own.
pub const NO_AZURE_CLI: &str = "az not found on PATH";

/// The same of the Azure Developer CLI, of [`Failure::NotSignedInToAzd`].
pub const NO_AZURE_DEVELOPER_CLI: &str = "azd not found on PATH";

/// What [`Failure::TokenToolFailed`] says of an Azure CLI that does not tell until when its tokens hold.
pub const OLD_AZURE_CLI: &str = "the Azure CLI is too old: version 2.54 or a newer one is wanted";

/// The code of [`Failure::AzureError`] where Azure gave none, because nothing could be made of its answer: the message is
/// Ajar's own sentence.
pub const UNREADABLE_ANSWER: &str = "UnreadableAnswer";
