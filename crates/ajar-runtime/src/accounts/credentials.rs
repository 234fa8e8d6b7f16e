//! The credential of each account, and what it is kept under.

use std::path::Path;
use std::sync::Arc;

use ajar_azure::{ClientProof, Cloud, Credential, Person, Secret, SignIn, Stored};
use ajar_core::account::{AZ, AZD, AccountName, AccountSettings, Acting, ENVIRONMENT, SignInMethod};
use ajar_core::failure::{Failure, SignInPart, SignInReason, Trouble};
use ajar_core::message::account::memory_only;
use ajar_core::settings::Settings;
use ajar_core::snapshot::Kept;

use super::bound_secret::authority;
use super::clouds::Reach;
use super::refresh_tokens::Entries;
use super::secret_store::Found;
use super::{Inner, Known};
use crate::ports::Forgotten;

/// An account that can be asked for tokens.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) sign_in: SignIn,
    pub(super) credential: Credential,
}

/// What the keychain keeps an own account under: cloud, application, identity. None for one that has not signed in yet, or
/// that Ajar keeps nothing of.
pub(super) fn key(account: &AccountSettings) -> Option<String> {
    let (cloud, client_id) = (account.cloud.as_deref()?, account.client_id.as_deref()?);
    let whose = match account.sign_in {
        SignInMethod::Browser | SignInMethod::DeviceCode => account.home_account_id.clone()?,
        SignInMethod::ServicePrincipal if account.certificate.is_none() => {
            format!("tenant:{}", account.tenant.as_deref()?)
        }
        SignInMethod::ServicePrincipal
        | SignInMethod::ManagedIdentity
        | SignInMethod::WorkloadIdentity
        | SignInMethod::Az
        | SignInMethod::Azd => return None,
    };
    Some(format!("{cloud}/{client_id}/{whose}"))
}

/// What the credential of an own account that the keychain knows is kept under: one person may be several accounts, each
/// with its own tenant.
fn credential_key(account: &AccountSettings) -> Option<String> {
    Some(format!("{}@{}", key(account)?, account.tenant.as_deref().unwrap_or_default().to_ascii_lowercase()))
}

/// What the credential of an account is kept under of which nothing else is.
fn name_key(cloud: &str, name: &AccountName) -> String {
    format!("{cloud}/{}", name.key())
}

/// An application, if the settings say all of it.
fn application(account: &str, own: &AccountSettings, proof: Result<ClientProof, Failure>) -> Result<SignIn, Failure> {
    let lacks = |lacks| Failure::SignInIncomplete { lacks };
    let tenant_id = own.tenant.clone().ok_or_else(|| lacks(SignInPart::Tenant))?;
    let client_id = own.client_id.clone().ok_or_else(|| lacks(SignInPart::ClientId))?;
    Ok(SignIn::ServicePrincipal { account: account.to_owned(), tenant_id, client_id, proof: proof? })
}

impl Inner {
    pub(super) fn entries(&self, cloud: &Cloud, client_id: &str) -> Entries {
        let (secrets, prefix) = (self.secrets.clone(), format!("{}/{client_id}/", cloud.name));
        Entries { secrets, prefix, authority: authority(cloud) }
    }

    /// The credential of whoever acts so.
    pub(super) async fn credential(&self, settings: &Settings, acting: &Acting) -> Result<Signed, Trouble> {
        let own = settings.own_account(&acting.account).map(|(_, own)| own);
        let key = own.and_then(credential_key).unwrap_or_else(|| name_key(&acting.cloud, &acting.account));
        if let Some(signed) = self.known().credentials.get(&key) {
            return Ok(signed.clone());
        }
        let Reach { cloud, http } = self.reach(&acting.cloud, settings)?;
        let sign_in = self.sign_in_of(own, &acting.account, &cloud).await?;
        let signed = Signed { credential: sign_in.credential(&cloud, http)?, sign_in };
        let mut known = self.known();
        if !known.still_says(settings, &acting.account) {
            return Ok(signed);
        }
        Ok(known.credentials.entry(key).or_insert(signed).clone())
    }

    /// How whoever acts so signs in.
    async fn sign_in_of(
        &self,
        own: Option<&AccountSettings>,
        name: &AccountName,
        cloud: &Cloud,
    ) -> Result<SignIn, Failure> {
        let account = name.to_string();
        let never = || Failure::sign_in_required(&account, SignInReason::Never);
        match (name.built_in(), own) {
            (Some(ENVIRONMENT), _) => Ok(self.environment.as_ref().ok_or_else(never)?.sign_in.clone()),
            (Some(AZ), _) => Ok(SignIn::AzureCli { tenant_id: None, username: None }),
            (Some(AZD), _) => Ok(SignIn::AzureDeveloperCli),
            (_, Some(own)) if own.sign_in.is_interactive() => {
                self.person(account.clone(), own, cloud).ok_or_else(never)
            }
            (_, Some(own)) => {
                let found = match key(own) {
                    Some(name) => self.secrets.load(&name, &authority(cloud)).await?,
                    None => Found::Nothing,
                };
                let secret = if let Found::Secret(secret) = found { Some(secret) } else { None };
                self.without_a_page(&account, own, secret)
            }
            (_, None) => Err(never()),
        }
    }

    /// How an account signs in that needs nobody at a page.
    ///
    /// # Errors
    /// [`Failure::SecretMissing`], and [`Failure::SignInIncomplete`] if the settings do not say all of it.
    pub(super) fn without_a_page(
        &self,
        account: &str,
        own: &AccountSettings,
        secret: Option<Secret>,
    ) -> Result<SignIn, Failure> {
        // A relative path counts from the settings file.
        let file = |path: &String| self.file.parent().unwrap_or(Path::new("")).join(path);
        Ok(match own.sign_in {
            SignInMethod::Browser | SignInMethod::DeviceCode => {
                return Err(Failure::sign_in_required(account, SignInReason::Never));
            }
            SignInMethod::ServicePrincipal => {
                let certificate = own.certificate.as_ref().map(|path| ClientProof::Certificate(file(path)));
                let missing = Failure::SecretMissing { account: account.to_owned() };
                application(account, own, certificate.or(secret.map(ClientProof::Secret)).ok_or(missing))?
            }
            SignInMethod::WorkloadIdentity => {
                let token = own.token_file.as_ref().map(|path| ClientProof::Federated(file(path)));
                application(account, own, token.ok_or(Failure::SignInIncomplete { lacks: SignInPart::TokenFile }))?
            }
            SignInMethod::Az => SignIn::AzureCli { tenant_id: own.tenant.clone(), username: own.username.clone() },
            SignInMethod::Azd => SignIn::AzureDeveloperCli,
            SignInMethod::ManagedIdentity => SignIn::ManagedIdentity { client_id: own.client_id.clone() },
        })
    }

    /// Somebody who has signed in with Ajar.
    fn person(&self, account: String, own: &AccountSettings, cloud: &Cloud) -> Option<SignIn> {
        let client_id = own.client_id.clone().filter(|_| own.cloud.is_some())?;
        Some(SignIn::Person {
            refresh_tokens: Arc::new(self.entries(cloud, &client_id)),
            person: Person { account, client_id, tenant: own.tenant.clone(), username: own.username.clone() },
            home_account_id: own.home_account_id.clone()?,
        })
    }

    /// Keeps a credential for the account that signs in with it from now on, unless its cloud has come to be another.
    pub(super) fn keep(&self, account: &AccountSettings, cloud: &Cloud, signed: Signed) {
        let mut known = self.known();
        if let Some(key) = credential_key(account).filter(|_| known.is_still(cloud)) {
            known.credentials.insert(key, signed);
        }
    }

    /// The credential that an identity which signs in anew has already: calls under way wait for its tokens.
    pub(super) fn signed(&self, account: &AccountSettings, cloud: &Cloud) -> Option<Signed> {
        let (known, key) = (self.known(), credential_key(account)?);
        known.credentials.get(&key).filter(|_| known.is_still(cloud)).cloned()
    }

    /// Forgets the credential of an account that is written differently now, but for one that has signed in: that is known
    /// by who it is.
    pub(super) fn forget_credential(known: &mut Known, name: &AccountName, before: &AccountSettings) {
        if before.sign_in.is_interactive() {
            return;
        }
        if let Some(key) = credential_key(before) {
            known.credentials.remove(&key);
        }
        let ending = name_key("", name);
        known.credentials.retain(|key, _| !key.ends_with(&ending) || key.matches('/').count() > 1);
    }

    /// Keeps a service principal's secret.
    pub(super) async fn keep_secret(
        &self,
        account: &AccountSettings,
        cloud: &Cloud,
        secret: &Secret,
    ) -> Result<Stored, Failure> {
        let name = key(account).ok_or_else(|| Failure::Internal { detail: "a secret of nobody".into() })?;
        self.secrets.store(&name, &authority(cloud), secret).await
    }

    /// Forgets an account: its credential, and what the keychain has of it. A keychain that cannot be used is cleared of it
    /// later.
    pub(super) async fn forget(&self, account: &AccountSettings) -> Result<Forgotten, Trouble> {
        let (Some(key), Some(credential)) = (key(account), credential_key(account)) else {
            return Ok(Forgotten::default());
        };
        let was_in_memory = self.secrets.memory_only(&key).is_some();
        let signed = self.known().credentials.get(&credential).cloned();
        let removed = match signed.filter(|_| account.sign_in.is_interactive()) {
            // It knows tokens that have yet to be stored.
            Some(signed) => signed.credential.sign_out().await,
            None => self.secrets.remove(&key).await.map_err(Trouble::from),
        };
        let forgotten = match removed {
            Ok(was_there) => Forgotten { had_sign_in: was_there, ..Forgotten::default() },
            Err(Trouble { failure: Failure::KeychainUnavailable { trouble }, .. }) => {
                self.secrets.leave_behind(&key).await;
                Forgotten { had_sign_in: was_in_memory, unusable: Some(trouble), shared_with: None }
            }
            Err(trouble) => return Err(trouble),
        };
        self.known().credentials.remove(&credential);
        Ok(forgotten)
    }

    /// Forgets the credential of an account alone: what the keychain has is that of `sharer`, too.
    pub(super) fn let_go(
        &self,
        settings: &Settings,
        name: &AccountName,
        account: &AccountSettings,
        sharer: &AccountName,
    ) -> Forgotten {
        let others = settings.accounts.iter().filter(|(other, _)| other != name);
        let key = credential_key(account);
        if let Some(key) =
            key.filter(|key| others.map(|(_, own)| own).all(|own| credential_key(own).as_ref() != Some(key)))
        {
            self.known().credentials.remove(&key);
        }
        Forgotten { shared_with: Some(sharer.clone()), ..Forgotten::default() }
    }

    pub(super) fn kept(&self, account: &AccountSettings) -> Kept {
        match key(account) {
            None => Kept::Elsewhere,
            Some(key) => match self.secrets.memory_only(&key) {
                Some(trouble) => Kept::MemoryOnly { why: memory_only(trouble).to_owned() },
                None if self.secrets.is_lost(&key) => Kept::Nowhere,
                None => Kept::Keychain,
            },
        }
    }
}
