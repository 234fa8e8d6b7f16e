//! The whole state that any face shows, as one value. The same types go over the local socket and into the window.

mod accounts;
mod activity;
mod after_use;
mod deallocation;
mod diagnosis;
mod history;
mod inventory;
mod rights;
mod settings;
mod window;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::account::{AccountName, Defaults, ENVIRONMENT};
use crate::bastion::BastionHost;
use crate::port::{Endpoint, Protocol};
use crate::profile::{Profile, ProfileName};
use crate::resource_id::{ResourceId, VmResourceId};
use crate::settings::Favourite;
use crate::team::TeamName;

pub use accounts::{AccountState, AccountView, AzAccountView, AzView, Kept, SignInStage, SignInView, SignInWays};
pub use activity::{ActivityLogView, ActivityView};
pub use after_use::AfterUseView;
pub use deallocation::{DeallocationEnd, DeallocationView};
pub use diagnosis::{Check, CheckState, CheckView, DiagnosisView};
pub use history::{HistoryView, OpeningView};
pub use inventory::{GapView, InventoryView};
pub use rights::{RightState, RightView, RightsView};
pub use settings::{CloudView, FolderView, SettingsView, TeamView};
pub use window::{ClosedView, LeftBehindView, RenewalView, WindowView};

/// Everything a face knows. Published whole whenever it changes; faces hold nothing but the last one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct Snapshot {
    /// Rises by one with each snapshot of a host.
    #[cfg_attr(test, ts(type = "number"))]
    pub revision: u64,
    /// Azure's time minus this machine's, in milliseconds, as ARM's `Date` header showed it: countdowns add it.
    #[cfg_attr(test, ts(type = "number"))]
    pub clock_skew_ms: i64,
    /// Where the engine lives.
    pub host: HostView,
    /// The favourites in the user's order.
    pub favourites: Vec<FavouriteView>,
    /// The accounts: the settings' own, and those that favourites act as without any.
    #[serde(default)]
    pub accounts: Vec<AccountView>,
    /// The sign-in under way, or the last one.
    #[serde(default)]
    pub sign_in: Option<SignInView>,
    /// What there is to sign in with.
    #[serde(default)]
    pub sign_in_ways: SignInWays,
    /// Access windows in force, the one that ends first at the top.
    pub windows: Vec<WindowView>,
    /// Windows that Azure closed before their time, until their end would have come, they are dismissed or opened again.
    #[serde(default)]
    pub closed: Vec<ClosedView>,
    /// Attempts under way, and the last ended one of each favourite until it is dismissed or tried again.
    pub attempts: Vec<AttemptView>,
    /// Attempts that ended a moment ago and are not to be shown: dismissed, or their favourite was opened anew or removed.
    /// Whoever follows one finds its end here.
    #[serde(default)]
    pub superseded: Vec<AttemptView>,
    /// VMs that are being deallocated, and those that were until that is dismissed or they are opened again.
    #[serde(default)]
    pub deallocations: Vec<DeallocationView>,
    /// VMs that Ajar has started and nobody uses any more, of which somebody is asked or told.
    #[serde(default)]
    pub after_use: Vec<AfterUseView>,
    /// The ways through Azure Bastion hosts that are open.
    #[serde(default)]
    pub tunnels: Vec<TunnelView>,
    /// How it stands with the inventory; `None` until somebody wants to know.
    #[serde(default)]
    pub inventory: Option<InventoryView>,
    /// Whether policies are being read to learn of windows opened elsewhere.
    pub refreshing: bool,
    /// What is wrong with this host for the face that shows it, if anything: it serves another cloud or account than is
    /// meant there. A face's own finding; no host says so.
    #[serde(default)]
    pub host_problem: Option<FailureView>,
    /// What kept the last such reading from being complete, if anything.
    pub refresh_problem: Option<FailureView>,
    /// What is wrong with the settings file, if anything.
    pub settings_problem: Option<FailureView>,
    /// VMs that were opened lately and are no favourites, the last one at the top.
    #[serde(default)]
    pub recents: Vec<RecentView>,
    /// What is set beside favourites and accounts.
    #[serde(default)]
    pub settings: SettingsView,
    /// How often a face has asked to see the window: the tray app brings it up when this rises.
    #[cfg_attr(test, ts(type = "number"))]
    pub window_wanted: u64,
}

impl Snapshot {
    /// What holds for favourites that name nobody, and no cloud.
    pub fn defaults(&self) -> Defaults {
        let environment = self.accounts.iter().any(|account| account.name.built_in() == Some(ENVIRONMENT));
        Defaults { cloud: Some(self.host.cloud.clone()), environment }
    }
}

/// Where the engine lives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct HostView {
    /// The hosting process.
    pub pid: u32,
    /// Its version of Ajar.
    pub version: String,
    /// The cloud it talks to, such as `public`.
    pub cloud: String,
    /// The account that acts for favourites that name none; empty until the settings were read.
    pub account: String,
    /// Whether that is the built-in Azure.
    pub demo: bool,
}

/// A favourite and what is known of its VM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct FavouriteView {
    /// Its name.
    pub name: ProfileName,
    /// The cloud that its VM is in.
    pub cloud: String,
    /// Its VM.
    pub vm: VmResourceId,
    /// The VM's name in Azure.
    pub vm_name: String,
    /// The VM's resource group.
    pub resource_group: String,
    /// What opens it.
    pub protocol: Protocol,
    /// The port behind it.
    pub port: u16,
    /// The account that it acts as, whether that is there or not; none where it names a cloud of which no account is to act for it.
    pub account: Option<AccountName>,
    /// Who logs in.
    pub user: Option<String>,
    /// How it stands.
    pub state: FavouriteState,
    /// Since when its VM runs, if Ajar has started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub started_at: Option<DateTime<Utc>>,
    /// Whether its account has to sign in before it can be opened. What another tenant wants of the account does not matter
    /// here.
    pub waits_for_sign_in: bool,
    /// How it is opened, with what it inherits.
    pub profile: Profile,
    /// Whose it is, where it is a team's: then it is changed nowhere here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub of_team: Option<OfTeamView>,
    /// What it says itself, where that is not all: so a removed favourite can be added again as it was, but for its place
    /// and comments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written: Option<Profile>,
    /// One short line under the name, such as “rg-data · deallocated”.
    pub detail: String,
}

/// Whose favourite one of a team is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct OfTeamView {
    /// The team.
    pub team: TeamName,
    /// What the team calls it; here the team’s name stands before that.
    pub called: ProfileName,
}

/// A VM that was opened lately and is no favourite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct RecentView {
    /// As which favourite it is opened again: by this name without anything else, too.
    pub opens: Favourite,
    /// When it was opened last, by Azure's clock.
    pub at: DateTime<Utc>,
    /// What opens it.
    pub protocol: Protocol,
    /// The port behind it.
    pub port: u16,
    /// One short line under the name, such as “rg-data · opened at 14:05”.
    pub detail: String,
}

/// How a favourite stands, most pressing first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum FavouriteState {
    /// Its VM is being deallocated.
    Deallocating,
    /// An attempt is under way.
    Connecting,
    /// A window is open.
    Open,
    /// A window is open and near its end.
    Ending,
    /// The last attempt failed.
    Failed,
    /// A JIT policy keeps it shut.
    Closed,
    /// Azure has not said yet whether anything is open, or no JIT policy says so.
    Unknown,
}

/// The number of an attempt; a newer one makes late results of an older one inert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct AttemptNumber(pub u64);

/// One attempt, from the click to the client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct AttemptView {
    /// Its number.
    pub number: AttemptNumber,
    /// The favourite.
    pub name: ProfileName,
    /// The cloud that the VM is in.
    pub cloud: String,
    /// The VM.
    pub vm: VmResourceId,
    /// The VM's port.
    pub port: u16,
    /// What opens it.
    pub protocol: Protocol,
    /// Whether more time is asked for where a window is open, and nothing else.
    #[serde(default)]
    pub extends: bool,
    /// Whether that is only for what is left of a window which is open from another address of this machine.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub follows: bool,
    /// Whether Ajar asks for it by itself, because somebody is connected.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
    pub renews: bool,
    /// When the click was, by Azure's clock.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// What is happening now, in one line, such as “starting the VM”.
    pub headline: String,
    /// The steps, in the order people expect.
    pub steps: Vec<StepView>,
    /// What the user should know without having asked, such as a shortened duration.
    pub notes: Vec<String>,
    /// That the port answers, as soon as it does. Who does not want the engine to start a client is connected with it.
    #[serde(default)]
    pub reached: Option<ReachedView>,
    /// How it ended, if it has.
    pub outcome: Option<OutcomeView>,
}

/// An Azure Bastion host that leads to a VM's port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct BastionView {
    /// What it is called.
    pub name: String,
    /// Its resource.
    #[cfg_attr(test, ts(type = "string"))]
    pub id: ResourceId,
    /// Where it is asked for a way.
    pub dns_name: String,
}

impl BastionView {
    /// What is shown of a host.
    pub fn of(host: &BastionHost) -> Self {
        Self { name: host.id.name().to_owned(), id: host.id.clone(), dns_name: host.dns_name.clone() }
    }
}

/// A way through an Azure Bastion host that is open on this machine, in the process that hosts the engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct TunnelView {
    /// The cloud that the VM is in.
    pub cloud: String,
    /// The VM.
    pub vm: VmResourceId,
    /// The VM's port.
    pub port: u16,
    /// The host.
    pub bastion: BastionView,
    /// Where to dial.
    pub endpoint: Endpoint,
    /// How many connections go through it.
    pub connections: u32,
}

/// The port that answered, and what lets us in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct ReachedView {
    /// Where to dial.
    pub endpoint: Endpoint,
    /// The Azure Bastion host that leads there; the endpoint is on this machine then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub bastion: Option<BastionView>,
    /// The window that lets us in; none where the port is open without one, or not yet read.
    pub window: Option<GrantView>,
    /// From the click, in milliseconds.
    #[cfg_attr(test, ts(type = "number"))]
    pub elapsed_ms: u64,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum OutcomeView {
    /// The port answers, and the client is started or left to the face that asked.
    Connected(ReachedView),
    /// The window that was open lasts longer, until then; or as long as it would have anyway.
    Extended(GrantView),
    /// It failed.
    Failed(FailureView),
    /// The user cancelled.
    Cancelled(FailureView),
}

/// Why the port of an attempt that connected was open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenedBy {
    /// A window that lets this machine in until then.
    Window(DateTime<Utc>),
    /// It was open already: nothing was asked for, and nothing started.
    Itself,
    /// Nothing but the VM had to be started.
    Start,
    /// What Azure says to the request for access was not known at the end: it may have opened it, or it was open already.
    Unanswered,
    /// Azure refused the request for access.
    DespiteRefusal,
}

impl AttemptView {
    /// How it stands for who wants the engine to start no client: over as soon as the port answers, whatever becomes of the
    /// client that others want.
    #[must_use]
    pub fn without_client(mut self) -> Self {
        self.steps.retain(|step| step.step != Step::Client);
        if let (Some(reached), None | Some(OutcomeView::Failed(_))) = (&self.reached, &self.outcome) {
            self.outcome = Some(OutcomeView::Connected(reached.clone()));
        }
        self
    }

    /// Why the port was open, if the attempt connected.
    pub fn opened_by(&self) -> Option<OpenedBy> {
        let Some(OutcomeView::Connected(reached)) = &self.outcome else { return None };
        if let Some(window) = &reached.window {
            return Some(OpenedBy::Window(window.end_time_utc));
        }
        let status = |wanted| self.steps.iter().find(|step| step.step == wanted).map(|step| step.status);
        let was_done = |status| matches!(status, Some(StepStatus::Done | StepStatus::Running));
        Some(match status(Step::Access) {
            Some(StepStatus::Failed) => OpenedBy::DespiteRefusal,
            asked if was_done(asked) => OpenedBy::Unanswered,
            _ if was_done(status(Step::Start)) => OpenedBy::Start,
            _ => OpenedBy::Itself,
        })
    }
}

/// A window as `connect --json` names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct GrantView {
    /// When it closes to new connections.
    pub end_time_utc: DateTime<Utc>,
    /// From where it is open.
    pub source: String,
}

/// A step of an attempt, as people think of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Step {
    /// Finding this machine's public address.
    Source,
    /// Reading the VM and where it can be reached.
    Vm,
    /// Reading the JIT policy.
    Policy,
    /// Asking for access.
    Access,
    /// Starting the VM.
    Start,
    /// Waiting until the port answers.
    Port,
    /// Starting the client.
    Client,
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum StepStatus {
    /// Its facts are not there yet.
    Waiting,
    /// Under way.
    Running,
    /// Done.
    Done,
    /// Not needed.
    Skipped,
    /// Failed.
    Failed,
}

/// A step with its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct StepView {
    /// Which.
    pub step: Step,
    /// Where it stands.
    pub status: StepStatus,
    /// When it began, in milliseconds from the click.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub started_ms: Option<u64>,
    /// When it ended.
    #[cfg_attr(test, ts(type = "number | null"))]
    pub ended_ms: Option<u64>,
    /// Its name for people, such as “Starting the VM”.
    pub label: String,
    /// What was found, such as “203.0.113.7, three sources agree”.
    pub detail: Option<String>,
}

/// A failure in words, with one next action. The same in tray, window, notification and CLI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct FailureView {
    /// The failure's stable name.
    pub code: String,
    /// What happened, in one short sentence.
    pub title: String,
    /// What it means.
    pub message: String,
    /// The one thing to do next.
    pub action: String,
    /// The same for the window, where a button does what takes a command elsewhere.
    #[serde(default)]
    pub action_in_window: Option<String>,
    /// Whether it is for want of somebody who is signed in: [`crate::failure::Failure::wants_sign_in`].
    #[serde(default)]
    pub wants_sign_in: bool,
    /// Where to read more.
    pub help_url: Option<String>,
    /// Things to choose from, such as the addresses seen.
    pub choices: Vec<String>,
    /// What to copy for support: codes, ids, times.
    pub details: String,
    /// The exit code of `ajar` for it.
    pub exit_code: u8,
}
