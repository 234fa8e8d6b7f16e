//! All VMs that the accounts can see: kept from the last time, read anew when somebody wants them.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ajar_core::account::{AccountName, Acting, Defaults};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::inventory::{
    FRESH_FOR, FRESH_WITH_GAPS_FOR, Found, FoundVm, Gap, Hits, Inventory, InventoryVm, Lacking, Openings, Part, Usage,
    Viewpoint,
};
use ajar_core::message;
use ajar_core::message::failure::{About, in_words};
use ajar_core::policy::JitNetworkAccessPolicy;
use ajar_core::protocol::Reply;
use ajar_core::settings::{Favourite, Settings};
use ajar_core::snapshot::{GapView, InventoryView};
use ajar_core::vm::CloudVm;
use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::future::join_all;
use tokio::sync::{mpsc, oneshot};

use super::Engine;
use super::effects::Happened;
use crate::files::{InventoryFiles, Seen};
use crate::ports::VmLists;

/// How many subscriptions the policies are listed of at the same time from one viewpoint: Azure counts requests.
const LISTS_AT_ONCE: usize = 8;

/// How long the lists of policies are waited for: they are good to know, and nobody's VM is found by them.
const LISTS_FOR: Duration = Duration::from_secs(10);

/// How much a favourite is used, for the order of what is found.
const FAVOURITE: u32 = 1;
/// And one that is open, or was opened a while ago.
const OPENED: u32 = 2;

/// What is known of all VMs.
pub(super) struct KnownVms {
    files: InventoryFiles,
    stage: Stage,
    pub(super) inventory: Inventory,
    count: usize,
    read_at: Option<DateTime<Utc>>,
    /// When that was tried last here, whatever came of it.
    tried_at: Option<DateTime<Utc>>,
    gaps: Vec<Gap>,
    /// Whether there is an account that nothing was read as, or that has signed in since.
    is_outdated: bool,
    /// What has to wait until it is known what was kept.
    wishes: Vec<(Wish, oneshot::Sender<Reply>)>,
    /// Who waits for the end of the read under way.
    readers: Vec<oneshot::Sender<Reply>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody has wanted to know anything yet.
    Unknown,
    /// What was kept is being fetched from the disk.
    Loading,
    /// It is known.
    Known,
    /// It is being read anew.
    Reading,
}

/// What somebody wants of it.
pub(super) enum Wish {
    Read { anew: bool },
    Find { query: String, apart: bool, skip: u32, limit: u32 },
    Named { name: String, limit: u32 },
}

/// What has become known.
pub(super) enum InventoryNews {
    /// What was kept, account by account.
    Loaded(Vec<Option<Seen<Vec<Part>, Vec<Gap>>>>),
    /// Where an account may see VMs.
    Viewpoints(AccountName, Result<Vec<Viewpoint>, Trouble>),
    /// A read from there begins.
    Begun(Viewpoint),
    /// VMs that are seen from there.
    Page(Viewpoint, Vec<InventoryVm>),
    /// No more are.
    Ended(Viewpoint, Result<Vec<Lacking>, Trouble>),
    /// The policies of a subscription.
    Policies(Viewpoint, String, Vec<JitNetworkAccessPolicy>),
    /// All is read.
    Over,
    /// And kept.
    Kept,
}

impl KnownVms {
    pub(super) fn new(files: InventoryFiles) -> Self {
        Self {
            files,
            stage: Stage::Unknown,
            inventory: Inventory::default(),
            count: 0,
            read_at: None,
            tried_at: None,
            gaps: Vec::new(),
            is_outdated: false,
            wishes: Vec::new(),
            readers: Vec::new(),
        }
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        let is_whole = self.gaps.is_empty() && self.read_at.is_some();
        let (at, fresh_for) =
            if is_whole { (self.read_at, FRESH_FOR) } else { (self.read_at.max(self.tried_at), FRESH_WITH_GAPS_FOR) };
        !self.is_outdated && at.is_some_and(|at| at <= now && now - at < fresh_for)
    }
}

impl Engine {
    /// Takes up a wish; the reply comes when it is fulfilled.
    pub(super) fn inventory_asked(&mut self, wish: Wish, reply: oneshot::Sender<Reply>) {
        match self.known_vms.stage {
            Stage::Unknown => {
                self.known_vms.wishes.push((wish, reply));
                self.load_inventory();
            }
            Stage::Loading => self.known_vms.wishes.push((wish, reply)),
            Stage::Known | Stage::Reading => self.fulfil_wish(wish, reply),
        }
    }

    fn fulfil_wish(&mut self, wish: Wish, reply: oneshot::Sender<Reply>) {
        self.forget_what_is_gone();
        match wish {
            Wish::Read { anew } => {
                let is_fresh = self.known_vms.is_fresh(self.ports.clock.now());
                if self.known_vms.stage != Stage::Reading && is_fresh && !anew {
                    drop(reply.send(Reply::Done));
                    return;
                }
                self.known_vms.readers.push(reply);
                self.read_inventory();
            }
            Wish::Find { query, apart, skip, limit } => {
                let found = self.find_vms(&query, apart, number(skip), number(limit));
                drop(reply.send(Reply::Vms { found }));
            }
            Wish::Named { name, limit } => {
                let found = self.known_vms.inventory.named(&name, number(limit));
                let found = told(&found, &self.settings, &self.guests, &self.defaults);
                drop(reply.send(Reply::Vms { found }));
            }
        }
    }

    /// What fits a query; if `apart`, without the favourites' VMs, and with the names of those that fit, the best first.
    fn find_vms(&mut self, query: &str, apart: bool, skip: usize, limit: usize) -> Found {
        let used = self.used_vms();
        let (settings, guests, inventory) = (&self.settings, &self.guests, &mut self.known_vms.inventory);
        if !apart {
            return told(&inventory.find(query, skip, limit, &used), settings, guests, &self.defaults);
        }
        let place = |favourite: &Favourite| settings.place_of(&favourite.profile, &self.defaults);
        let of_favourites: Vec<_> = settings.favourites.iter().map(place).collect();
        let usage = of_favourites.iter().filter_map(|vm| used.get_key_value(vm));
        let fit = inventory.find_of(query, usage);
        let ranks: HashMap<_, _> = fit.vms.iter().enumerate().map(|(rank, hit)| (hit.place(), rank)).collect();
        let all = settings.favourites.iter().zip(&of_favourites);
        let mut fits: Vec<_> = all.filter_map(|(favourite, vm)| Some((ranks.get(vm)?, favourite))).collect();
        fits.sort_by_key(|(rank, _)| **rank);
        let favourites = fits.into_iter().map(|(_, favourite)| favourite.name.clone()).collect();
        let found = inventory.find_others(query, skip, limit, &used, of_favourites.iter());
        Found { favourites, ..told(&found, settings, guests, &self.defaults) }
    }

    /// What is known of a VM now. What was kept is fetched for the next time.
    pub(super) fn known_vm(&mut self, place: &CloudVm) -> Option<InventoryVm> {
        if self.known_vms.stage == Stage::Unknown {
            self.load_inventory();
        }
        self.known_vms.inventory.vm(place).cloned()
    }

    /// How it stands, for the snapshot.
    pub(super) fn inventory_view(&self) -> Option<InventoryView> {
        let KnownVms { stage, count, read_at, gaps, .. } = &self.known_vms;
        let in_words = |gap: &Gap| GapView {
            account: gap.account.clone(),
            tenant: gap.tenant.clone(),
            lack: gap.lack,
            text: message::inventory::gap(gap),
            failure: in_words(
                &of_no_favourite(gap.trouble.clone()),
                &About { name: gap.account.as_str(), zone: self.zone(), at: self.now() },
            ),
        };
        matches!(stage, Stage::Known | Stage::Reading).then(|| InventoryView {
            count: *count,
            read_at: *read_at,
            reading: *stage == Stage::Reading,
            gaps: gaps.iter().map(in_words).collect(),
        })
    }

    /// The accounts that may see something.
    fn seers(&self) -> Vec<AccountName> {
        self.account_views().into_iter().map(|view| view.name).collect()
    }

    /// Forgets what accounts have seen that are there no more.
    fn forget_what_is_gone(&mut self) {
        let accounts = self.seers();
        let known = &mut self.known_vms;
        known.inventory.retain(|viewpoint| accounts.contains(&viewpoint.account));
        known.gaps.retain(|gap| accounts.contains(&gap.account));
        if known.stage == Stage::Known {
            known.count = known.inventory.count();
        }
    }

    /// Whether the disk has anything of what an account has seen.
    pub(super) fn keeps_what_was_seen_as(&self, account: &AccountName) -> bool {
        self.known_vms.files.has(account)
    }

    /// The same after a sign-out, and on the disk.
    pub(super) fn forget_what_was_seen(&mut self) {
        self.forget_what_is_gone();
        if let Err(error) = self.known_vms.files.keep_only(&self.seers()) {
            tracing::warn!(%error, "what an account has seen could not be removed");
        }
    }

    /// Somebody has signed in, who may see other VMs than were seen so far; also the next engine is to find that out.
    pub(super) fn expect_other_vms(&mut self, account: &AccountName) {
        self.known_vms.is_outdated = true;
        if let Err(error) = self.known_vms.files.remove(account) {
            tracing::warn!(%account, %error, "what it has seen before could not be removed");
        }
    }

    /// How Azure names whoever sees something as an account.
    fn principal_of(&self, account: &AccountName) -> Option<String> {
        let acting = self.settings.acting_as(account, None, None, &self.defaults).ok()?;
        self.ports.accounts.principal(&acting)
    }

    fn load_inventory(&mut self) {
        self.known_vms.stage = Stage::Loading;
        let accounts: Vec<_> = self.seers().into_iter().map(|name| (self.principal_of(&name), name)).collect();
        let (files, happened) = (self.known_vms.files.clone(), self.happened.clone());
        tokio::task::spawn_blocking(move || {
            if let Err(error) = files.keep_only(accounts.iter().map(|(_, name)| name)) {
                tracing::warn!(%error, "what accounts have seen that are gone could not be removed");
            }
            let seen = accounts.iter().map(|(principal, name)| files.read(name, principal.as_deref())).collect();
            drop(happened.send(Happened::Inventory(InventoryNews::Loaded(seen))));
        });
    }

    /// Reads it as all accounts and in all their tenants at once, if nobody does already.
    fn read_inventory(&mut self) {
        if self.known_vms.stage == Stage::Reading {
            return;
        }
        self.known_vms.stage = Stage::Reading;
        self.known_vms.is_outdated = false;
        self.known_vms.gaps.clear();
        let mut actings = Vec::new();
        for account in self.seers() {
            match self.settings.acting_as(&account, None, None, &self.defaults) {
                Ok(acting) => actings.push(acting),
                Err(failure) => {
                    self.known_vms.gaps.push(Gap {
                        account,
                        tenant: None,
                        lack: None,
                        trouble: failure.into(),
                        also: 0,
                    });
                }
            }
        }
        let (lists, happened) = (Arc::clone(&self.ports.vm_lists), self.happened.clone());
        let known = |acting: &Acting| {
            let parts = self.known_vms.inventory.of_account(&acting.account);
            parts.map(|part| part.viewpoint.clone()).collect::<Vec<_>>()
        };
        let actings: Vec<_> = actings.into_iter().map(|acting| (known(&acting), acting)).collect();
        tokio::spawn(async move {
            let each = actings.iter().map(|(known, acting)| read_account(&*lists, &happened, acting, known));
            join_all(each).await;
            drop(happened.send(Happened::Inventory(InventoryNews::Over)));
        });
    }

    /// Takes in what has become known.
    pub(super) fn inventory_news(&mut self, news: InventoryNews) {
        let now = self.ports.clock.now();
        let known = &mut self.known_vms;
        match news {
            InventoryNews::Loaded(seen) => {
                known.stage = Stage::Known;
                known.is_outdated |= seen.iter().any(Option::is_none);
                for Seen { parts, gaps } in seen.into_iter().flatten() {
                    known.read_at = parts.iter().filter_map(|part| part.read_at).chain(known.read_at).max();
                    known.inventory.take_in(parts);
                    known.gaps.extend(gaps);
                }
                known.count = known.inventory.count();
                self.know_systems_seen();
                for (wish, reply) in std::mem::take(&mut self.known_vms.wishes) {
                    self.fulfil_wish(wish, reply);
                }
            }
            InventoryNews::Viewpoints(account, Ok(viewpoints)) => {
                known.inventory.retain(|viewpoint| viewpoint.account != account || viewpoints.contains(viewpoint));
            }
            InventoryNews::Viewpoints(account, Err(trouble)) => {
                known.gaps.push(Gap { account, tenant: None, lack: None, trouble, also: 0 });
            }
            InventoryNews::Begun(viewpoint) => {
                if known.inventory.begin(&viewpoint) {
                    known.count = known.inventory.count();
                }
            }
            InventoryNews::Page(viewpoint, vms) => known.count += known.inventory.page(&viewpoint, vms),
            InventoryNews::Ended(viewpoint, Ok(lacking)) => {
                known.inventory.end(&viewpoint, now);
                known.read_at = Some(now);
                let Viewpoint { account, tenant, .. } = viewpoint;
                let gap = |Lacking { lack, trouble, also }| Gap {
                    account: account.clone(),
                    tenant: tenant.clone(),
                    lack: Some(lack),
                    trouble,
                    also,
                };
                known.gaps.extend(lacking.into_iter().map(gap));
            }
            InventoryNews::Ended(viewpoint, Err(trouble)) => {
                known.inventory.give_up(&viewpoint);
                let Viewpoint { account, tenant, .. } = viewpoint;
                // What keeps its tenants from being told may keep all else, too, and is told once.
                let is_told = |gap: &Gap| {
                    gap.account == account && gap.tenant.is_none() && gap.trouble.failure == trouble.failure
                };
                if !known.gaps.iter().any(is_told) {
                    known.gaps.push(Gap { account, tenant, lack: None, trouble, also: 0 });
                }
            }
            InventoryNews::Policies(viewpoint, subscription, policies) => {
                known.inventory.guard(&viewpoint, &subscription, &policies);
            }
            InventoryNews::Over => {
                known.tried_at = Some(now);
                self.know_systems_seen();
                self.note_seers();
                self.keep_inventory();
            }
            InventoryNews::Kept => {
                known.stage = Stage::Known;
                // Who has signed out meanwhile was written once more.
                self.forget_what_was_seen();
                if self.known_vms.is_outdated {
                    // Somebody has signed in meanwhile, and what they see is waited for, too.
                    self.read_inventory();
                    return;
                }
                let readers = std::mem::take(&mut self.known_vms.readers);
                // Whoever hears that it is read finds in the snapshot what it is.
                self.publish();
                for reader in readers {
                    drop(reader.send(Reply::Done));
                }
            }
        }
    }

    /// Notes which accounts were refused in this read, unless somebody has signed in since it began.
    fn note_seers(&mut self) {
        if self.known_vms.is_outdated {
            return;
        }
        for account in self.seers() {
            let of_account = self.known_vms.gaps.iter().filter(|gap| gap.account == account);
            let failures: Vec<Failure> = of_account.map(|gap| gap.trouble.failure.clone()).collect();
            self.note_seer(&account, &failures);
        }
    }

    fn keep_inventory(&mut self) {
        let content = |account: AccountName| {
            let parts: Vec<&Part> = self.known_vms.inventory.of_account(&account).collect();
            let gaps: Vec<&Gap> = self.known_vms.gaps.iter().filter(|gap| gap.account == account).collect();
            let seen = Seen { parts: &parts[..], gaps: &gaps[..] };
            let content = InventoryFiles::content(self.principal_of(&account), seen);
            (account, content)
        };
        let contents: Vec<_> = self.seers().into_iter().map(content).collect();
        let (files, happened) = (self.known_vms.files.clone(), self.happened.clone());
        tokio::task::spawn_blocking(move || {
            for (account, content) in contents {
                if let Err(error) = content.and_then(|content| files.write(&account, &content)) {
                    tracing::warn!(%account, %error, "what it has seen could not be kept");
                }
            }
            drop(happened.send(Happened::Inventory(InventoryNews::Kept)));
        });
    }

    /// The VMs that are used, how much, and what their favourites note about them.
    fn used_vms(&self) -> HashMap<CloudVm, Usage> {
        let mut used = HashMap::<_, Usage>::new();
        for Favourite { profile, .. } in &self.settings.favourites {
            let of_vm = used.entry(self.place(profile)).or_default();
            of_vm.weight = FAVOURITE;
            if let Some(note) = &profile.note {
                of_vm.note = format!("{} {note}", of_vm.note);
            }
        }
        for (vm, _) in self.remembered.state().windows() {
            used.entry(vm).or_default().weight = OPENED;
        }
        used
    }
}

fn number(given: u32) -> usize {
    usize::try_from(given).unwrap_or(usize::MAX)
}

/// VMs with how each is opened.
fn told(found: &Hits<'_>, settings: &Settings, guests: &[Favourite], defaults: &Defaults) -> Found {
    let mut openings = Openings::new(settings, guests, defaults);
    let vms = found.vms.iter().map(|hit| FoundVm::new(*hit, &mut openings)).collect();
    Found { vms, total: found.total, favourites: Vec::new() }
}

/// Reads what one account sees, in all its tenants at once.
/// Where these cannot be told, it is those that were `known` before, else its own.
async fn read_account(
    lists: &dyn VmLists,
    happened: &mpsc::UnboundedSender<Happened>,
    acting: &Acting,
    known: &[Viewpoint],
) {
    let tell = |news| drop(happened.send(Happened::Inventory(news)));
    let viewpoints = lists.viewpoints(acting).await;
    tell(InventoryNews::Viewpoints(acting.account.clone(), viewpoints.clone()));
    let viewpoints = match viewpoints {
        Ok(viewpoints) => viewpoints,
        // Nobody is there to read anything.
        Err(trouble) if trouble.failure.wants_sign_in() => Vec::new(),
        Err(_) if !known.is_empty() => known.to_vec(),
        Err(_) => {
            let Acting { cloud, account, .. } = acting.clone();
            vec![Viewpoint { account, cloud, tenant: None }]
        }
    };
    join_all(viewpoints.iter().map(|viewpoint| read_from(lists, &tell, viewpoint))).await;
}

/// Reads what is seen from one viewpoint: first the VMs, then which of them policies guard.
async fn read_from(lists: &dyn VmLists, tell: &(dyn Fn(InventoryNews) + Send + Sync), viewpoint: &Viewpoint) {
    tell(InventoryNews::Begun(viewpoint.clone()));
    let subscriptions = Mutex::new(BTreeSet::new());
    let tell_vms = |vms: Vec<InventoryVm>| {
        let ids = vms.iter().map(|vm| vm.id.resource().subscription_id().to_ascii_lowercase());
        subscriptions.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
        tell(InventoryNews::Page(viewpoint.clone(), vms));
    };
    let ended = lists.vms(viewpoint, &tell_vms).await;
    tell(InventoryNews::Ended(viewpoint.clone(), ended));
    let subscriptions = subscriptions.into_inner().unwrap_or_else(PoisonError::into_inner);
    let policies = futures::stream::iter(subscriptions).map(async |subscription: String| {
        match lists.policies_in(viewpoint, &subscription).await {
            Ok(policies) => tell(InventoryNews::Policies(viewpoint.clone(), subscription, policies)),
            // Of these VMs it is not known whether a policy guards them, which is nothing to be told of.
            Err(trouble) => tracing::debug!(subscription, failure = %trouble.failure, "its policies can't be read"),
        }
    });
    let policies = policies.buffer_unordered(LISTS_AT_ONCE).collect::<()>();
    if tokio::time::timeout(LISTS_FOR, policies).await.is_err() {
        tracing::debug!("not all policies were listed in time");
    }
}

/// Who looks for VMs is one account: no favourite could act as another in its place.
fn of_no_favourite(mut trouble: Trouble) -> Trouble {
    if let Failure::NotSignedIn { others, .. } = &mut trouble.failure {
        *others = Box::default();
    }
    trouble
}
