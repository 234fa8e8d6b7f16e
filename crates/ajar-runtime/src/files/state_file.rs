//! `state.json`: what is worth remembering and may be lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use ajar_azure::KeptPause;
use ajar_core::access_window::{AccessWindow, Phase};
use ajar_core::account::Acting;
use ajar_core::after_use::Started;
use ajar_core::failure::SignInDemand;
use ajar_core::host_key::SeenHostKey;
use ajar_core::policy::LONGEST_ACCESS;
use ajar_core::port::Endpoint;
use ajar_core::profile::ProfileName;
use ajar_core::renewal::Access;
use ajar_core::resource_id::VmResourceId;
use ajar_core::rights::Refused;
use ajar_core::snapshot::AccountState;
use ajar_core::vm::{CloudVm, OsType};
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::atomic::{while_locked, write_atomically};

mod requests;

pub use requests::{Granted, Sent};

/// What is worth remembering and may be lost. Deleting the file costs a little time, nothing else.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct State {
    /// Where VMs were reached last, by [`State::key`]; only addresses that stay theirs.
    pub endpoints: BTreeMap<String, Endpoint>,
    /// Requests for access that were sent and not yet answered, by the same key.
    pub unsettled: BTreeMap<String, Sent>,
    /// The addresses from which access was asked for without anybody having said so, by the same key.
    #[serde(deserialize_with = "understood")]
    pub followed: BTreeMap<String, Ipv4Addr>,
    /// The windows that were asked for here, by the same key: Azure knows who asked, not where.
    pub granted: BTreeMap<String, Granted>,
    /// The ports that were opened here and are open without a break since, by the same key.
    #[serde(deserialize_with = "understood")]
    pub accesses: BTreeMap<String, KeptAccess>,
    /// VMs that Ajar has started and that were not seen to rest since, by [`State::vm_key`].
    #[serde(deserialize_with = "understood")]
    pub started: BTreeMap<String, Started>,
    /// VMs that Azure was asked to deallocate, and whose end was not heard of yet, by [`State::vm_key`].
    #[serde(deserialize_with = "understood")]
    pub deallocating: BTreeMap<String, Deallocating>,
    /// What runs on the VMs that favourites lead to, as Azure last told, by their ids in lower case.
    #[serde(deserialize_with = "understood")]
    pub systems: BTreeMap<String, OsType>,
    /// The host keys that ssh knew and VMs have shown, by [`State::vm_key`].
    #[serde(deserialize_with = "understood")]
    pub host_keys: BTreeMap<String, SeenHostKey>,
    /// The tenants of subscriptions, and of domains, by `{cloud}/{subscription id or domain in lower case}`.
    pub tenants: BTreeMap<String, String>,
    /// Until when subscriptions are left alone, by [`State::pause_key`].
    #[serde(deserialize_with = "understood")]
    pub pauses: BTreeMap<String, KeptPause>,
    /// Accounts that were refused a token, by their names in lower case.
    #[serde(deserialize_with = "understood")]
    pub refusals: BTreeMap<String, Refusal>,
    /// What Azure refused to accounts at VMs, by [`State::denial_key`].
    #[serde(deserialize_with = "understood")]
    pub denials: BTreeMap<String, Denial>,
    /// Secrets that the keychain had not taken, by their names there: they ended with the Ajar that kept them in memory.
    pub memory_only: BTreeSet<String>,
    /// Secrets that were to be forgotten when the keychain could not be used, by their names there.
    pub left_behind: BTreeSet<String>,
    /// Secrets that sign-ins bring to the keychain and whose accounts are not in the settings yet, by their names there.
    pub unclaimed: BTreeSet<String>,
}

/// A port that was opened here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptAccess {
    /// For how long it has been open, and how often that was renewed.
    #[serde(flatten)]
    pub access: Access,
    /// Where it was reached last. The address may have become another VM's since: it is not dialled, only looked for among what is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

impl KeptAccess {
    /// The access that begins with a window.
    pub fn of(window: &AccessWindow) -> Self {
        Self { access: Access::of(window), endpoint: None }
    }
}

/// What was open so long ago is of no use any more.
const ACCESSES_LAST: TimeDelta = TimeDelta::days(1);

/// That Azure was asked to deallocate a VM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deallocating {
    /// By which favourite.
    pub name: ProfileName,
    /// When.
    pub at: DateTime<Utc>,
}

/// What Azure was asked longer ago has ended, however that was.
const DEALLOCATIONS_LAST: TimeDelta = TimeDelta::minutes(30);

impl Deallocating {
    fn may_last(&self, now: DateTime<Utc>) -> bool {
        (now - self.at).abs() < DEALLOCATIONS_LAST
    }
}

/// That an account was refused a token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// The subscription that the token was wanted for, in lower case; none where VMs were looked for in a tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<String>,
    /// How it stands since.
    pub state: AccountState,
    /// What its next sign-in is to do beyond an ordinary one.
    #[serde(flatten)]
    pub demand: SignInDemand,
}

/// What is wanted of a VM.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// That it can be reached.
    Opening,
    /// That it rests.
    Deallocating,
}

/// That Azure refused an action to an account, when it was to open a VM or to deallocate it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Denial {
    /// When.
    pub at: DateTime<Utc>,
    /// What, and where.
    #[serde(flatten)]
    pub refused: Refused,
}

/// A denial that is older may have been dealt with long ago.
const DENIALS_LAST: TimeDelta = TimeDelta::days(1);

impl State {
    /// The key of what an account is refused at a VM when it wants that of it.
    pub fn denial_key(acting: &Acting, vm: &VmResourceId, purpose: Purpose) -> String {
        let behind = match purpose {
            Purpose::Opening => "",
            Purpose::Deallocating => "/deallocate",
        };
        format!("{}/{}{vm}{behind}", acting.cloud, acting.account).to_lowercase()
    }

    /// Azure refused something, or with `None` nothing any more; what is older than a day is forgotten.
    pub fn denied(&mut self, key: String, refused: Option<Refused>, now: DateTime<Utc>) {
        self.denials.retain(|known, denial| *known != key && (now - denial.at).abs() < DENIALS_LAST);
        if let Some(refused) = refused {
            self.denials.insert(key, Denial { at: now, refused });
        }
    }

    /// What Azure refused under that key within the last day.
    pub fn denial(&self, key: &str, now: DateTime<Utc>) -> Option<&Denial> {
        self.denials.get(key).filter(|denial| (now - denial.at).abs() < DENIALS_LAST)
    }

    /// The key of a VM: `{cloud}{vm id in lower case}`.
    pub fn vm_key(vm: &CloudVm) -> String {
        format!("{}{}", vm.cloud, vm.id.to_string().to_lowercase())
    }

    /// What is known to run on VMs, as favourites inherit it.
    pub fn systems(&self) -> BTreeMap<VmResourceId, OsType> {
        self.systems.iter().filter_map(|(vm, os)| Some((vm.parse().ok()?, *os))).collect()
    }

    /// What runs on VMs was told; of those that no favourite leads to any more it is forgotten.
    pub fn system_told(&mut self, told: &[(VmResourceId, OsType)], of_favourites: &BTreeSet<VmResourceId>) {
        let key = |vm: &VmResourceId| vm.to_string().to_lowercase();
        self.systems.extend(told.iter().map(|(vm, os)| (key(vm), *os)));
        let kept: BTreeSet<_> = of_favourites.iter().map(key).collect();
        self.systems.retain(|vm, _| kept.contains(vm));
    }

    /// A port is open so; what was open longer than a day ago is forgotten.
    pub fn access(&mut self, key: String, access: KeptAccess, now: DateTime<Utc>) {
        self.accesses.retain(|_, known| now - known.access.until < ACCESSES_LAST);
        self.accesses.insert(key, access);
    }

    /// The VMs that Ajar has started.
    pub fn started(&self) -> impl Iterator<Item = (CloudVm, &Started)> {
        self.started.iter().filter_map(|(key, started)| Some((Self::vm_of_key(key)?, started)))
    }

    /// Azure is asked to deallocate a VM; what it was asked long ago is forgotten.
    pub fn deallocates(&mut self, key: String, deallocating: Deallocating) {
        self.deallocating.retain(|_, known| known.may_last(deallocating.at));
        self.deallocating.insert(key, deallocating);
    }

    /// The VMs that may be being deallocated at `now` as they were asked to, and that of which they were.
    pub fn deallocating_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = (CloudVm, &Deallocating)> {
        let lasting = self.deallocating.iter().filter(move |(_, known)| known.may_last(now));
        lasting.filter_map(|(key, known)| Some((Self::vm_of_key(key)?, known)))
    }

    /// How a VM was asked to be deallocated that may be being so at `now`.
    pub fn deallocating_of(&self, vm: &CloudVm, now: DateTime<Utc>) -> Option<&Deallocating> {
        self.deallocating.get(&Self::vm_key(vm)).filter(|known| known.may_last(now))
    }

    /// The key of a VM's port: `{cloud}{vm id in lower case}:{port}`.
    pub fn key(vm: &CloudVm, port: u16) -> String {
        format!("{}:{port}", Self::vm_key(vm))
    }

    /// The VM that a key is one of. Those of Ajars before this one named no cloud, and lead to none.
    fn vm_of(key: &str) -> Option<CloudVm> {
        let (vm, _port) = key.rsplit_once(':')?;
        Self::vm_of_key(vm)
    }

    fn vm_of_key(vm: &str) -> Option<CloudVm> {
        let (cloud, id) = vm.split_at(vm.find("/subscriptions/").filter(|cloud| *cloud > 0)?);
        Some(CloudVm { cloud: cloud.to_owned(), id: id.parse().ok()? })
    }

    /// The key of a subscription, or of a domain.
    pub fn tenant_key(cloud: &str, subscription: &str) -> String {
        format!("{cloud}/{}", subscription.to_ascii_lowercase())
    }

    /// The key of what an account asks of a subscription: Azure counts calls by both. `principal` is who is behind the account,
    /// where that is known: under the same name it may be another one the next time.
    pub fn pause_key(acting: &Acting, principal: Option<&str>, subscription: &str) -> String {
        let principal = principal.unwrap_or_default();
        format!("{}/{}/{principal}/{subscription}", acting.cloud, acting.account).to_lowercase()
    }

    /// Whether that is the key of what the account asks of the subscription, whoever is behind it.
    pub fn is_pause_key(key: &str, acting: &Acting, subscription: &str) -> bool {
        let (account, subscription) = (format!("{}/{}/", acting.cloud, acting.account), format!("/{subscription}"));
        key.starts_with(&account.to_lowercase()) && key.ends_with(&subscription.to_lowercase())
    }

    /// A subscription is to be left alone; pauses that are over at `now` are forgotten, and those of another clock.
    pub fn paused(&mut self, key: String, pause: KeptPause, now: DateTime<Utc>) {
        self.pauses.retain(|_, known| known.since <= now && known.until > now);
        self.pauses.insert(key, pause);
    }

    /// A window was granted; those that have ended by `now` are forgotten, and those for the same address.
    pub fn granted(&mut self, cloud: &str, mut granted: Granted, now: DateTime<Utc>) {
        let key = Self::key_of(cloud, &granted.window);
        if let Some(known) = self.granted.remove(&key) {
            let goes_on =
                |one: &&Granted| one.window.sources != granted.window.sources && one.window.phase(now) != Phase::Ended;
            let before = known.all().filter(goes_on).map(|one| Granted::new(one.window.clone(), one.is_source_named));
            granted.before = before.collect();
        }
        self.granted.retain(|_, known| known.window.phase(now) != Phase::Ended);
        self.granted.insert(key, granted);
    }

    /// The key of the port that a window is for.
    pub fn key_of(cloud: &str, window: &AccessWindow) -> String {
        Self::key(&CloudVm { cloud: cloud.to_owned(), id: window.vm.clone() }, window.port)
    }

    /// The windows that were asked for here, and their VMs.
    pub fn windows(&self) -> impl Iterator<Item = (CloudVm, &Granted)> {
        // As Azure writes its id, which the key does not.
        let vm = |key: &str, id| Some(CloudVm { id, ..Self::vm_of(key)? });
        let all = self.granted.iter().flat_map(|(key, granted)| granted.all().map(move |one| (key, one)));
        all.filter_map(move |(key, granted)| Some((vm(key, granted.window.vm.clone())?, granted)))
    }

    /// A window as it was asked for here, if it was.
    pub fn granted_here(&self, cloud: &str, window: &AccessWindow) -> Option<&Granted> {
        let known = self.granted.get(&Self::key_of(cloud, window))?;
        known.all().find(|known| known.window.is_same_grant(window))
    }

    /// A window was replaced or taken back.
    pub fn gone(&mut self, cloud: &str, window: &AccessWindow) {
        let key = Self::key_of(cloud, window);
        let Some(known) = self.granted.remove(&key) else { return };
        let mut rest = known.all().filter(|known| !known.window.is_same_grant(window));
        if let Some(newest) = rest.next() {
            let before = rest.cloned().collect();
            self.granted.insert(key, Granted { before, ..newest.clone() });
        }
    }

    /// Access is asked for from an address without anybody having said so. Of what is not open any more it is forgotten.
    pub fn follows(&mut self, key: String, here: Ipv4Addr) {
        self.followed.retain(|known, _| self.granted.contains_key(known));
        self.followed.insert(key, here);
    }

    /// A cloud sees this machine there: what was asked for from elsewhere may be asked for again.
    pub fn seen_at(&mut self, cloud: &str, here: Ipv4Addr) {
        self.followed.retain(|key, from| *from == here || Self::vm_of(key).is_none_or(|vm| vm.cloud != cloud));
    }

    /// The VMs that may have windows in force at `now` by requests without an answer.
    pub fn unsettled_at(&self, now: DateTime<Utc>) -> impl Iterator<Item = CloudVm> {
        let unsettled = self.unsettled.iter().filter(move |(_, sent)| now - sent.at < LONGEST_ACCESS);
        unsettled.filter_map(|(key, _)| Self::vm_of(key))
    }

    /// A request was answered.
    pub fn settled(&mut self, key: &str) {
        self.unsettled.remove(key);
    }
}

/// The entries that can be read: one that cannot does not take the others along, nor the file.
fn understood<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<BTreeMap<String, T>, D::Error> {
    let Value::Object(entries) = Value::deserialize(deserializer)? else { return Ok(BTreeMap::new()) };
    let read = |(key, value)| Some((key, serde_json::from_value(value).ok()?));
    Ok(entries.into_iter().filter_map(read).collect())
}

/// The file. Unreadable content counts as none.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// The file at `path`, which need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// What it says.
    pub fn read(&self) -> State {
        std::fs::read(&self.path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Changes what it says, as one step among all processes.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn change(&self, change: impl FnOnce(&mut State)) -> io::Result<State> {
        while_locked(&self.path, || {
            let mut state = self.read();
            let before = state.clone();
            change(&mut state);
            if state != before {
                write_atomically(&self.path, &serde_json::to_vec_pretty(&state)?)?;
            }
            Ok(state)
        })
    }

    /// Changes what it says, where that may as well fail: it costs a question next time, nothing else.
    pub async fn remember(&self, change: impl FnOnce(&mut State) + Send + 'static) {
        let file = self.clone();
        let written = tokio::task::spawn_blocking(move || file.change(change)).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(error.into())) {
            tracing::warn!(%error, "state.json could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_several_writers_add_up_and_rubbish_counts_as_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        std::fs::write(&path, "not json").unwrap();
        let file = StateFile::new(path);
        assert_eq!(file.read(), State::default());
        std::thread::scope(|scope| {
            for port in 0..16_u16 {
                let file = file.clone();
                scope.spawn(move || {
                    let endpoint = Endpoint { host: "h".into(), port };
                    file.change(|state| drop(state.endpoints.insert(port.to_string(), endpoint))).unwrap();
                });
            }
        });
        assert_eq!(file.read().endpoints.len(), 16);
    }

    #[test]
    fn a_denial_is_known_for_a_day_to_the_account_that_met_it() {
        let vm = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v".parse().unwrap();
        let acting = |account: &str| Acting { cloud: "sim".into(), account: account.parse().unwrap(), tenant: None };
        let key = |account| State::denial_key(&acting(account), &vm, Purpose::Opening);
        let (work, other) = (key("Work"), key("other"));
        let refused = Refused { action: "M/start/action".into(), scope: vm.to_string(), deny_assignment: None };
        let (mut state, now) = (State::default(), Utc::now());
        state.denied(work.clone(), Some(refused.clone()), now);
        let written = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<State>(&written).unwrap(), state);
        let known = |key: &str, at| state.denial(key, at).map(|denial| denial.refused.clone());
        assert_eq!((known(&work, now), known(&other, now)), (Some(refused.clone()), None));
        assert_eq!(state.denial(&work, now + TimeDelta::hours(25)), None);
        state.denied(other, None, now + TimeDelta::hours(25));
        assert_eq!(state.denials.len(), 0);
        state.denied(work.clone(), Some(refused), now);
        state.denied(work.clone(), None, now);
        assert_eq!(state.denial(&work, now), None, "it was let in");
    }

    #[test]
    fn a_pause_is_known_as_an_accounts_whoever_is_behind_it() {
        let acting = |account: &str| Acting { cloud: "sim".into(), account: account.parse().unwrap(), tenant: None };
        for principal in [None, Some("Ada"), Some("a/b")] {
            let key = State::pause_key(&acting("Work"), principal, "s-1");
            assert!(State::is_pause_key(&key, &acting("work"), "S-1"), "{key}");
            for (account, subscription) in [("work", "1"), ("work", "s-2"), ("wor", "s-1"), ("other", "s-1")] {
                assert!(!State::is_pause_key(&key, &acting(account), subscription), "{account} {subscription}");
            }
        }
    }

    #[test]
    fn a_pause_that_cannot_be_read_takes_nothing_along_and_old_ones_go_with_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        let now = Utc::now();
        let pause = |since: i64, until: i64| KeptPause {
            since: now + chrono::TimeDelta::minutes(since),
            until: now + chrono::TimeDelta::minutes(until),
            told: now,
            correlation_id: None,
        };
        let written = serde_json::json!({ "tenants": { "public/s": "t" }, "pauses": {
            "odd": 7, "over": pause(-5, -1), "to come": pause(1, 5), "in force": pause(-1, 4),
        } });
        std::fs::write(&path, written.to_string()).unwrap();
        let file = StateFile::new(path.clone());
        assert_eq!((file.read().tenants.len(), file.read().pauses.len()), (1, 3));
        let state = file.change(|state| state.paused("new".into(), pause(0, 5), now)).unwrap();
        assert_eq!(state.pauses.keys().collect::<Vec<_>>(), ["in force", "new"]);
        for odd in ["null", "[]", "7"] {
            std::fs::write(&path, format!(r#"{{"tenants":{{"public/s":"t"}},"pauses":{odd}}}"#)).unwrap();
            assert_eq!((file.read().tenants.len(), file.read().pauses.len()), (1, 0), "{odd}");
        }
    }
}
