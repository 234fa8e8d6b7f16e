//! Accounts, and the sign-in under way, as faces show them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{FailureView, FavouriteView, Snapshot};
use crate::account::{AccountName, SignInMethod};
use crate::profile::ProfileName;

/// An account: one of the settings, or one that is there without.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct AccountView {
    /// Its name.
    pub name: AccountName,
    /// How it signs in.
    pub method: SignInMethod,
    /// The cloud it signs in to, where that is settled.
    pub cloud: Option<String>,
    /// Who it is, where that is known.
    pub username: Option<String>,
    /// Its home, where that is known.
    pub tenant: Option<String>,
    /// How it stands.
    pub state: AccountState,
    /// The same in one short line.
    pub detail: String,
    /// Where what it signs in with is kept.
    pub kept: Kept,
    /// How many favourites act as it.
    #[cfg_attr(test, ts(type = "number"))]
    pub favourites: usize,
    /// Whether favourites act as it that name no account.
    pub is_default: bool,
}

/// How an account stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum AccountState {
    /// Signed in, as far as is known.
    SignedIn,
    /// It was refused a token and has to sign in anew.
    NeedsSignIn,
    /// It was refused a token because it is disabled.
    Disabled,
    /// A rule of its organisation keeps it from its tokens; signing in as before does not help.
    Blocked,
    /// Its organisation has not agreed to the application that it signs in with.
    WantsConsent,
    /// A tenant gives it no token before it is assigned to the application that it signs in with.
    WantsAssignment,
    /// Entra refuses the application that it is: its ids, its secret, its certificate or its token.
    Refused,
    /// Its sign-in is somebody else's business, such as the Azure CLI's.
    Elsewhere,
}

/// Where what an account signs in with is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "place")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum Kept {
    /// In the system's keychain.
    Keychain,
    /// In memory, until Ajar ends.
    MemoryOnly {
        /// Why, and what to do about it.
        why: String,
    },
    /// Nowhere any more: it was in the memory of an Ajar that has ended.
    Nowhere,
    /// Not by Ajar.
    Elsewhere,
}

/// What there is to sign in with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct SignInWays {
    /// The application that signs people in to the usual cloud. Without one there is neither browser nor device code.
    pub client_id: Option<String>,
    /// The Azure CLI, which takes no application.
    pub az: AzView,
}

/// Who is signed in to the Azure CLI.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum AzView {
    /// It has not been asked yet; see `Request::ReadAccounts`.
    #[default]
    Unread,
    /// There is none on this machine.
    Missing,
    /// It could not tell.
    Failed {
        /// What it said.
        why: String,
    },
    /// It has told.
    Read {
        /// Its accounts, one for each user and tenant; none if nobody is signed in.
        accounts: Vec<AzAccountView>,
    },
}

/// A user of the Azure CLI, in one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct AzAccountView {
    /// The user name, or a service principal's client id.
    pub user: String,
    /// The tenant's id.
    pub tenant_id: String,
    /// The cloud, by Ajar's name where it has one.
    pub cloud: String,
    /// How many subscriptions it has there.
    #[cfg_attr(test, ts(type = "number"))]
    pub subscriptions: usize,
    /// Whether `az` acts as this one when it is told nothing else: so does the account `az`.
    pub is_default: bool,
    /// The account of the settings that is this one, by which favourites name it.
    pub account: Option<AccountName>,
}

/// The sign-in under way, or the last one until another begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub struct SignInView {
    /// Its number; a newer one takes the place of an older one.
    #[cfg_attr(test, ts(type = "number"))]
    pub number: u64,
    /// The account, where it has a name already.
    pub account: Option<AccountName>,
    /// The favourite that is opened once somebody has signed in, if one waits for it.
    #[serde(default)]
    pub then: Option<ProfileName>,
    /// How far it is.
    pub stage: SignInStage,
}

/// How far a sign-in is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export))]
pub enum SignInStage {
    /// It gets ready.
    Beginning,
    /// The browser is asked for.
    Browser {
        /// What it opens; for people to open themselves if it does not come up.
        url: String,
    },
    /// A code is to be typed on another device.
    #[serde(rename_all = "camelCase")]
    DeviceCode {
        /// The code.
        user_code: String,
        /// Where.
        url: String,
        /// Until when.
        expires_at: DateTime<Utc>,
    },
    /// Signed in.
    Done {
        /// The account's name.
        name: AccountName,
        /// Who it is.
        username: Option<String>,
        /// Where the sign-in is kept.
        kept: Kept,
    },
    /// It failed.
    Failed {
        /// Why.
        failure: Box<FailureView>,
    },
}

impl Snapshot {
    /// The account that a favourite acts as, if that is there.
    pub fn account_of(&self, favourite: &FavouriteView) -> Option<&AccountView> {
        let acts = favourite.account.as_ref()?;
        self.accounts.iter().find(|account| account.name == *acts)
    }
}
