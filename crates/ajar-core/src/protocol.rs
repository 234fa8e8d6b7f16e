//! What faces and the engine's host say to each other: JSON lines over the local socket.
//!
//! A face sends [`FaceMessage`]s; the host sends the whole [`Snapshot`] whenever it changes, and one reply for each
//! request. The first line each side sends is a greeting with the protocol's version.

mod connect;
mod deallocate;
mod edited;

pub use connect::{Connect, Launch, Together};
pub use deallocate::Deallocate;
pub use edited::Edited;
use serde::{Deserialize, Serialize};

use crate::account::{AccountName, SignInMethod};
use crate::after_use::{Keep, Unused};
use crate::exchange::plan::Change;
use crate::inheritance::{Field, Inheritable};
use crate::inventory::Found;
use crate::journal::Format;
use crate::port::Protocol;
use crate::profile::{Profile, ProfileName};
use crate::resource_id::VmResourceId;
use crate::settings::{Favourite, Setting};
use crate::snapshot::{ActivityLogView, AttemptNumber, DiagnosisView, FailureView, HistoryView, RightsView, Snapshot};
use crate::team::TeamName;

/// Both sides must speak the same.
pub const PROTOCOL_VERSION: u32 = 17;

/// A line from a face.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "say")]
pub enum FaceMessage {
    /// The first line.
    #[serde(rename_all = "camelCase")]
    Hello {
        /// [`PROTOCOL_VERSION`].
        protocol: u32,
    },
    /// A wish; answered by a reply with the same id.
    #[serde(rename_all = "camelCase")]
    Ask {
        /// Chosen by the face, unique on its connection.
        id: u64,
        /// What is wanted.
        request: Box<Request>,
    },
}

/// A line from the host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "say")]
pub enum HostMessage {
    /// The first line.
    #[serde(rename_all = "camelCase")]
    Hello {
        /// [`PROTOCOL_VERSION`].
        protocol: u32,
    },
    /// The state has changed.
    #[serde(rename_all = "camelCase")]
    Snapshot {
        /// All of it.
        snapshot: Box<Snapshot>,
    },
    /// The answer to a request.
    #[serde(rename_all = "camelCase")]
    Reply {
        /// The request's id.
        id: u64,
        /// What came of it.
        reply: Reply,
    },
}

/// What a face can ask of the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "ask")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Request {
    /// Open a favourite. An attempt already under way for it is shared, not repeated.
    Connect(Connect),
    /// Deallocate the VM of a favourite. A deallocation already under way for it is shared, not repeated.
    Deallocate(Deallocate),
    /// Leave a VM running that nobody uses any more, for an hour or for good, if that is still asked.
    KeepRunning {
        /// Which.
        unused: Unused,
        /// For how long.
        keep: Keep,
    },
    /// Deallocate a VM that nobody uses any more, if that is still asked.
    DeallocateUnused {
        /// Which.
        unused: Unused,
    },
    /// Give up the attempt under way for a favourite, whoever follows it.
    Cancel {
        /// The favourite.
        name: ProfileName,
    },
    /// The face that asks follows the attempt for a favourite no more, nor its deallocation. What nobody else follows is
    /// given up, as far as Azure has not been asked.
    #[cfg_attr(test, ts(skip))]
    Leave {
        /// The favourite.
        name: ProfileName,
    },
    /// Forget an ended attempt, and an ended deallocation.
    Dismiss {
        /// The favourite.
        name: ProfileName,
    },
    /// Read the files of teams anew. The reply comes when they are read, or could not be.
    ReadTeams {
        /// All of them, for who looks at the teams themselves. Otherwise those that are due, and the reply comes after two
        /// seconds at most, with what was read by then.
        #[serde(default)]
        all: bool,
    },
    /// Have a team be here again that was removed, with its file where it was.
    BringTeamBack {
        /// The team.
        name: TeamName,
    },
    /// Add a team's favourite to the user's own, as the team has it.
    CopyOfTeam {
        /// The favourite.
        name: ProfileName,
        /// What the copy is to be called; as in the team's file without it.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        called: Option<ProfileName>,
    },
    /// Look whether the settings have changed: when the answer comes, the snapshot is as the file says.
    #[cfg_attr(test, ts(skip))]
    ReadSettings,
    /// Read the policies anew and adopt the windows they show, and read whether the VMs run.
    Refresh,
    /// Add a favourite.
    Add {
        /// Its name.
        name: ProfileName,
        /// How to open it.
        profile: Profile,
    },
    /// Change a favourite. What is open or under way goes on as it was begun.
    Edit {
        /// The favourite.
        name: ProfileName,
        /// What it is to be called from now on, if otherwise.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        rename: Option<ProfileName>,
        /// How whoever changes it has seen it: what is the same from now on stays as it is by then.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        before: Option<Box<Profile>>,
        /// How to open it from now on.
        profile: Profile,
    },
    /// Give a favourite another place among the others.
    Move {
        /// The favourite.
        name: ProfileName,
        /// The one that it is to stand before; at the end without one.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        before: Option<ProfileName>,
    },
    /// Change what favourites inherit. What is open or under way goes on as it was begun.
    EditDefaults {
        /// The folder whose favourites do; without it all do.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        folder: Option<String>,
        /// As in [`Request::Edit`].
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        before: Option<Box<Inheritable>>,
        /// What they are told from now on.
        said: Inheritable,
    },
    /// Tell what a favourite would inherit.
    #[serde(rename_all = "camelCase")]
    Inherited {
        /// The folder that it lies in.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        folder: Option<String>,
        /// What it says itself.
        said: Inheritable,
        /// Whether it is what all favourites inherit that is looked at: there is nobody to hand anything down to that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        of_all: bool,
        /// The VM that it leads to, of which something may be known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        vm: Option<VmResourceId>,
        /// Whether it is a new one: what runs on the VM says how it is opened where nothing else does.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[cfg_attr(test, ts(optional, as = "Option<bool>"))]
        is_new: bool,
    },
    /// Change a setting that is about no favourite and no account.
    Set {
        /// Which, and what it is from now on.
        setting: Setting,
    },
    /// Remove a favourite, and give up its attempt under way. What Azure holds open stays open.
    Remove {
        /// The favourite.
        name: ProfileName,
    },
    /// Have a favourite be here again that was removed: where it was, as it was written.
    BringBack {
        /// Its name.
        name: ProfileName,
        /// What it said, for an engine that did not see it removed: that adds it at the end.
        profile: Profile,
    },
    /// Add favourites and change others, all of them or none.
    #[cfg_attr(test, ts(skip))]
    Import {
        /// Those to add, in this order.
        add: Vec<Favourite>,
        /// Those to change, by their names.
        change: Vec<Change>,
    },
    /// Undo an [`Request::Import`]: what it added and nobody has changed since goes, and what it changed is as it was, but for what
    /// somebody has changed since.
    UndoImport {
        /// What it added.
        add: Vec<Favourite>,
        /// What it changed.
        change: Vec<Change>,
    },
    /// Undo a change of the settings; what somebody else has changed since stays.
    Undo {
        /// That.
        done: Edited,
    },
    /// Have a favourite act as another account.
    ActAs {
        /// The favourite.
        name: ProfileName,
        /// The account.
        account: AccountName,
    },
    /// Have favourites that name no account act as this one.
    SetDefaultAccount {
        /// The account.
        account: AccountName,
    },
    /// Sign in. One at a time: a newer one takes an older one's place.
    SignIn(SignIn),
    /// Give up the sign-in under way.
    CancelSignIn,
    /// Forget an account with all that is kept of it. Favourites keep its name.
    SignOut {
        /// The account.
        name: AccountName,
    },
    /// Read who is signed in to the Azure CLI; the snapshot then has it. The reply comes when that is done.
    ReadAccounts,
    /// Write the application that signs people in into the settings, or take it out of them.
    #[serde(rename_all = "camelCase")]
    SetClientId {
        /// The application's id, a GUID; `None` removes it.
        client_id: Option<String>,
    },
    /// Look up which of the rights that opening a favourite takes are granted. The reply comes when that is done.
    Rights {
        /// The favourite.
        name: ProfileName,
    },
    /// Look at the whole way to a VM, and change nothing. The reply comes when that is done.
    Diagnose {
        /// The favourite.
        name: ProfileName,
        /// How it is opened, where it is no favourite.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        profile: Option<Profile>,
    },
    /// Read the inventory, if that was done longer than [`FRESH_FOR`](crate::inventory::FRESH_FOR) ago. The reply comes
    /// when it is read, as far as it could be.
    ReadInventory {
        /// However fresh it is.
        anew: bool,
    },
    /// Look for VMs in the inventory as it was read last.
    FindVms {
        /// Words, or parts of words; none fit all VMs.
        query: String,
        /// Whether favourites are told by their names, apart from the others.
        #[serde(default)]
        apart: bool,
        /// How many of the best are known already.
        #[serde(default)]
        skip: u32,
        /// How many are wanted at most.
        limit: u32,
    },
    /// Look for the VMs of that name in the inventory as it was read last; where there are none, for those whose names
    /// begin so.
    #[cfg_attr(test, ts(skip))]
    VmsNamed {
        /// The name.
        name: String,
        /// How many are wanted at most.
        limit: u32,
    },
    /// Tell what was opened, as the journal has it.
    History {
        /// Words, or parts of words, that all are to be in what is told of an opening; none fit all.
        query: String,
        /// How many are wanted at most: the newest.
        limit: u32,
    },
    /// The same, all of it, for another program.
    ExportHistory {
        /// As above.
        query: String,
        /// What that program reads.
        format: Format,
    },
    /// Read what Azure's Activity Log tells of a favourite's VM. The reply comes when that is done.
    ActivityLog {
        /// The favourite.
        name: ProfileName,
        /// How many days back, up to [`MOST_DAYS`](crate::activity::MOST_DAYS).
        days: u16,
    },
    /// Bring up the window of the tray app.
    ShowWindow,
}

/// The wish to sign in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct SignIn {
    /// What the account is to be called, or is. Without it a name is found.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub name: Option<AccountName>,
    /// How.
    pub method: SignInMethod,
    /// The cloud; else the account's, else the usual one.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub cloud: Option<String>,
    /// The tenant to sign in to, by id or domain; else the account's, else wherever it belongs.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub tenant: Option<String>,
    /// The application; else the account's, else the one of the settings.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub client_id: Option<String>,
    /// A service principal's secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(skip))]
    pub secret: Option<SecretText>,
    /// A service principal's certificate with its key: the path of a PEM file. One that is relative counts from the
    /// settings file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(skip))]
    pub certificate: Option<String>,
    /// The file that a workload's platform keeps its token in; relative as the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(skip))]
    pub token_file: Option<String>,
    /// Which user, where the Azure CLI has several.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub username: Option<String>,
    /// A favourite that is opened once somebody has signed in: the one whose attempt failed for want of it.
    #[serde(default)]
    #[cfg_attr(test, ts(optional))]
    pub then: Option<ProfileName>,
}

impl SignIn {
    /// The wish to sign in that way, with everything else as the settings say.
    pub fn by(method: SignInMethod) -> Self {
        Self {
            name: None,
            method,
            cloud: None,
            tenant: None,
            client_id: None,
            secret: None,
            certificate: None,
            token_file: None,
            username: None,
            then: None,
        }
    }
}

/// A secret on its way to the keychain: the one thing of its kind that goes over the local socket, and only there. It
/// does not show.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(String);

impl SecretText {
    /// Takes a secret.
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for whoever keeps it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText")
    }
}

/// What holds of a field where a favourite says nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct InheritedView {
    /// The field.
    pub field: Field,
    /// In words, such as “2 hours, from Team/Prod”.
    pub text: String,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "answer")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Reply {
    /// Done.
    Done,
    /// The attempt that serves a `Connect`; how it goes is in the snapshots.
    #[serde(rename_all = "camelCase")]
    Attempt {
        /// Its number.
        number: AttemptNumber,
    },
    /// The deallocation that serves a `Deallocate`; how it goes is in the snapshots.
    #[serde(rename_all = "camelCase")]
    Deallocation {
        /// Its number.
        #[cfg_attr(test, ts(type = "number"))]
        number: u64,
    },
    /// The sign-in that has begun; how it goes is in the snapshots.
    SigningIn {
        /// Its number.
        #[cfg_attr(test, ts(type = "number"))]
        number: u64,
    },
    /// Signed out.
    SignedOut {
        /// What was removed, in words.
        removed: Vec<String>,
        /// The favourites that still name the account.
        remains: Vec<String>,
        /// Who acts from now on for favourites that name no account, in words, if that has changed; and which favourites stay in
        /// their cloud without anybody who acts for them.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        acts: Option<String>,
        /// What may be left in a keychain that could not be used, in words.
        #[serde(default)]
        #[cfg_attr(test, ts(optional))]
        left: Option<String>,
    },
    /// Who acts for favourites that name no account.
    ActsByDefault {
        /// In words.
        acts: String,
    },
    /// What opening a favourite takes, and what of it is granted.
    Rights {
        /// Right by right, and in words.
        rights: Box<RightsView>,
    },
    /// Who has changed a favourite's VM, or its access.
    ActivityLog {
        /// Change by change, and in words.
        log: Box<ActivityLogView>,
    },
    /// What a look at the whole way to a VM found.
    Diagnosis {
        /// Look by look, and in words.
        diagnosis: Box<DiagnosisView>,
    },
    /// What a favourite would inherit, of the fields of which something would hold.
    Inherited {
        /// Field by field.
        fields: Vec<InheritedView>,
        /// What a new favourite has to say for it to be opened as these tell, since that is known of its VM alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(test, ts(optional))]
        protocol: Option<Protocol>,
    },
    /// The attempt that was left goes on: others follow it.
    #[cfg_attr(test, ts(skip))]
    Left,
    /// The VMs that fit a query.
    Vms {
        /// The best ones, and how many there are.
        found: Found,
    },
    /// What was opened.
    History {
        /// The newest ones, and how many there are.
        history: HistoryView,
    },
    /// What was opened, for another program.
    Exported {
        /// In the format that was asked for.
        text: String,
        /// How many openings that are.
        count: u32,
    },
    /// It cannot be done.
    #[serde(rename_all = "camelCase")]
    Refused {
        /// Why, in words.
        failure: Box<FailureView>,
    },
}

impl Reply {
    /// What it is to whom only a refusal matters.
    ///
    /// # Errors
    /// The refusal.
    pub fn accepted(self) -> Result<(), Box<FailureView>> {
        self.unless_refused().map(drop)
    }

    /// The same, if it is no refusal.
    ///
    /// # Errors
    /// The refusal.
    pub fn unless_refused(self) -> Result<Self, Box<FailureView>> {
        if let Self::Refused { failure } = self { Err(failure) } else { Ok(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_over_the_socket_and_shows_nowhere_else() {
        let secret = Some(SecretText::new("hunter2".into()));
        let sign_in = SignIn { secret, ..SignIn::by(SignInMethod::ServicePrincipal) };
        let line = serde_json::to_string(&Request::SignIn(sign_in.clone())).unwrap();
        assert!(line.contains("hunter2"));
        assert_eq!(serde_json::from_str::<Request>(&line).unwrap(), Request::SignIn(sign_in.clone()));
        assert!(!format!("{:?}", Request::SignIn(sign_in)).contains("hunter2"));
    }
}
