//! The keychain of this system: Secret Service on Linux, Keychain on macOS, Credential Manager on Windows.

use std::collections::HashMap;
use std::sync::Arc;

use ajar_core::account::KeychainTrouble;
use keyring_core::{CredentialStore, Entry, Error};

use super::{OpenSecrets, SmallSecrets};

/// The entries of one service in the system's keychain.
#[derive(Clone, Debug)]
pub struct SystemKeychain {
    service: String,
}

impl SystemKeychain {
    /// Those of `service`, which is what people see in their keychain.
    pub fn of(service: impl Into<String>) -> Self {
        Self { service: service.into() }
    }
}

impl OpenSecrets for SystemKeychain {
    fn open(&self) -> Result<Box<dyn SmallSecrets>, KeychainTrouble> {
        let store = store().map_err(|error| {
            tracing::warn!(%error, "there is no keychain that can be used");
            if matches!(error, Error::NoStorageAccess(_)) { KeychainTrouble::Locked } else { KeychainTrouble::Absent }
        })?;
        Ok(Box::new(Open { store, service: self.service.clone() }))
    }
}

#[cfg(target_os = "linux")]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(zbus_secret_service_keyring_store::Store::new()?)
}

#[cfg(target_os = "macos")]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "linux", target_os = "macos", windows)))]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Err(Error::NoDefaultStore)
}

struct Open {
    store: Arc<CredentialStore>,
    service: String,
}

impl Open {
    fn entry(&self, name: &str) -> Result<Entry, KeychainTrouble> {
        let modifiers = if cfg!(windows) {
            // Not to follow the user to other machines, as Windows would have it.
            HashMap::from([("persistence", "Local")])
        } else if cfg!(target_os = "linux") {
            HashMap::from([("label", "Ajar: sign-in")])
        } else {
            HashMap::new()
        };
        self.store.build(&self.service, name, Some(&modifiers)).map_err(|error| trouble(&error))
    }
}

impl SmallSecrets for Open {
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainTrouble> {
        match self.entry(name)?.get_secret() {
            Ok(value) => Ok(Some(value)),
            // Of several none is known to be the one.
            Err(Error::NoEntry | Error::Ambiguous(_)) => Ok(None),
            Err(error) => Err(trouble(&error)),
        }
    }

    fn set(&self, name: &str, value: &[u8]) -> Result<(), KeychainTrouble> {
        let entry = self.entry(name)?;
        match entry.set_secret(value) {
            Err(Error::Ambiguous(_)) => {
                self.delete(name)?;
                entry.set_secret(value)
            }
            done => done,
        }
        .map_err(|error| trouble(&error))
    }

    fn delete(&self, name: &str) -> Result<bool, KeychainTrouble> {
        match self.entry(name)?.delete_credential() {
            Ok(()) => Ok(true),
            Err(Error::NoEntry) => Ok(false),
            Err(Error::Ambiguous(entries)) => {
                entries.iter().try_for_each(Entry::delete_credential).map_err(|error| trouble(&error))?;
                Ok(true)
            }
            Err(error) => Err(trouble(&error)),
        }
    }
}

/// The error says what failed and holds no secret but for two kinds, which are not shown.
fn trouble(error: &Error) -> KeychainTrouble {
    if matches!(error, Error::BadEncoding(_) | Error::BadDataFormat(..)) {
        tracing::warn!("an entry of the keychain cannot be read");
    } else {
        tracing::warn!(%error, "the keychain cannot be used");
    }
    if matches!(error, Error::NoStorageAccess(_)) { KeychainTrouble::Locked } else { KeychainTrouble::Failed }
}
