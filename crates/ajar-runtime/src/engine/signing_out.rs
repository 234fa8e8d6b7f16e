//! Signing out, and what becomes of the favourites of who has gone.

use std::collections::BTreeMap;
use std::sync::Arc;

use ajar_core::account::AccountName;
use ajar_core::exchange::plan::Change;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message;
use ajar_core::profile::Profile;
use ajar_core::protocol::Reply;
use ajar_core::settings::{Favourite, Settings};
use tokio::sync::oneshot;

use super::Engine;
use super::effects::Happened;
use crate::ports::Forgotten;

/// What comes of a sign-out, and who waits for it.
pub(super) struct SignedOut {
    name: AccountName,
    result: Result<Forgotten, Trouble>,
    reply: oneshot::Sender<Reply>,
}

impl Engine {
    /// Forgets an account; the reply comes when that is done.
    pub(super) fn sign_out(&mut self, name: AccountName, reply: oneshot::Sender<Reply>) {
        let Some((_, account)) = self.settings.own_account(&name).cloned() else {
            let failure = match name.built_in() {
                Some(account) => Failure::SignedInElsewhere { account: account.to_owned() },
                None => Failure::NothingToSignOut {
                    name: name.to_string(),
                    known: self.settings.accounts.iter().map(|(own, _)| own.to_string()).collect(),
                },
            };
            drop(reply.send(self.refused(&failure.into(), name.as_str())));
            return;
        };
        if let Some(problem) = self.settings_problem.as_ref().or(self.settings_read_only.as_ref()) {
            // Signed out and still there as an account is not what anybody wants.
            let failure = Box::new(problem.clone());
            return drop(reply.send(Reply::Refused { failure }));
        }
        let (accounts, happened) = (Arc::clone(&self.ports.accounts), self.happened.clone());
        tokio::spawn(async move {
            let result = accounts.sign_out(&name, &account).await;
            drop(happened.send(Happened::SignedOut(SignedOut { name, result, reply })));
        });
    }

    /// The account is gone from the settings, whatever the keychain says: nobody acts as it any more.
    pub(super) fn signed_out(&mut self, SignedOut { name, result, reply }: SignedOut) {
        let path = self.settings_file.path().display().to_string();
        let written = self.settings.own_account(&name).map_or_else(|| name.to_string(), |(known, _)| known.to_string());
        let (acted, before) = (self.settings.default_account(&self.defaults), self.settings.clone());
        let vms = self.keeps_what_was_seen_as(&name).then(message::account::removed_vms);
        let removed = result.and_then(|Forgotten { had_sign_in, unusable, shared_with }| {
            let had = self.settings_file.remove_account(&name)?;
            let sign_in = had_sign_in.then(|| message::account::removed_sign_in(unusable.is_some()));
            let settings = had.account.then(|| message::account::removed_settings(&path, &written));
            let default = had.default.then(|| message::account::removed_default(&path, &written));
            let left = unusable.map(|trouble| message::account::left_in_keychain(trouble).to_owned());
            let left = left.or(shared_with.map(|other| message::account::left_for(other.as_str())));
            Ok((sign_in.into_iter().chain(settings).chain(default).chain(vms).collect(), had.default, left))
        });
        self.read_settings_again();
        let stay = self.keep_in_their_clouds(&before);
        self.is_accepted(&name);
        self.forget_what_was_seen();
        if self.looked {
            // What could not be read as this account is not told of for ever.
            self.begin_refresh();
        }
        let answer = match removed {
            Ok((removed, was_default, left)) => {
                let acts = self.settings.default_account(&self.defaults);
                let is_news = acts != acted && (was_default || self.have_favourites_by_default());
                let acts = is_news.then(|| message::account::now_act_as(acts.as_str(), None));
                let acts: Vec<_> = acts.into_iter().chain(stay).chain(self.others_act(&before, &name)).collect();
                let acts = Some(acts.join("\n")).filter(|acts| !acts.is_empty());
                Reply::SignedOut { removed, remains: self.favourites_naming(&name), acts, left }
            }
            Err(trouble) => self.refused(&trouble, name.as_str()),
        };
        drop(reply.send(answer));
    }

    /// Who acted for favourites is gone. Another account acts for them in their cloud or nobody does: where they would be in
    /// another cloud now, theirs is written down. Which they are, in words.
    fn keep_in_their_clouds(&mut self, before: &Settings) -> Vec<String> {
        let mut kept = BTreeMap::<String, Vec<Change>>::new();
        for known in &before.favourites {
            // As it is written now: somebody may have changed it, or removed it, meanwhile.
            let Some(written) = self.settings.written(&known.name) else { continue };
            let (was, is) = (before.cloud_of(&known.profile, &self.defaults), self.place(&known.profile).cloud);
            if was != is && written.profile.cloud.is_none() {
                let profile = Profile { cloud: Some(was.clone()), ..written.profile.clone() };
                let before = written.profile.clone();
                kept.entry(was).or_default().push(Change { name: written.name.clone(), before, profile });
            }
        }
        let changed: Vec<_> = kept.values().flatten().cloned().collect();
        if changed.is_empty() {
            return Vec::new();
        }
        if let Err(trouble) = self.settings_file.take_in(&[], &changed) {
            tracing::warn!(failure = %trouble.failure, "the clouds of favourites could not be written down");
            return Vec::new();
        }
        self.read_settings_again();
        let names = |kept: &[Change]| kept.iter().map(|change| change.name.to_string()).collect::<Vec<_>>();
        kept.iter().map(|(cloud, kept)| message::account::stay_in_cloud(&names(kept), cloud)).collect()
    }

    /// Which favourites name their cloud alone, and as whom they act there now in place of who has gone; in words.
    fn others_act(&self, before: &Settings, gone: &AccountName) -> Vec<String> {
        let mut others = BTreeMap::<String, Vec<String>>::new();
        for Favourite { name, profile } in &self.settings.favourites {
            let acted = before.favourite(name).and_then(|known| before.account_of(&known.profile, &self.defaults));
            let by_cloud = profile.account.is_none() && profile.cloud.is_some();
            if by_cloud
                && acted.as_ref() == Some(gone)
                && let Some(acts) = self.settings.account_of(profile, &self.defaults)
            {
                others.entry(acts.to_string()).or_default().push(name.to_string());
            }
        }
        others.iter().map(|(acts, names)| message::account::act_from_now_on(names, acts)).collect()
    }

    fn favourites_naming(&self, name: &AccountName) -> Vec<String> {
        let named = |known: &&Favourite| known.profile.account.as_ref() == Some(name);
        let of_name = self.settings.favourites.iter().filter(named);
        of_name.map(|favourite| favourite.name.to_string()).collect()
    }
}
