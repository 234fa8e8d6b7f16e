//! Words about accounts.

use crate::account::KeychainTrouble;

/// An account in the settings has a built-in one's name.
pub fn name_taken(name: &str, built_in: &str) -> String {
    format!("[accounts.{name}] is a name of Ajar’s own: “{built_in}” is there without settings; choose another")
}

/// Two accounts in the settings have the same name.
pub fn named_twice(name: &str, before: &str) -> String {
    format!("[accounts.{name}] is [accounts.{before}] once more: names that differ only in case are the same")
}

/// Why a sign-in lasts no longer than this run, and what to do about it.
pub fn memory_only(trouble: KeychainTrouble) -> &'static str {
    match trouble {
        KeychainTrouble::Absent => {
            "This system has no keychain that Ajar can use, so the sign-in lasts until Ajar ends. Start a Secret Service \
             (GNOME Keyring, KWallet or KeePassXC) and sign in again to keep it."
        }
        KeychainTrouble::Locked => {
            "The keychain is locked or was never set up, so the sign-in lasts until Ajar ends. Unlock it and sign in again to keep it."
        }
        KeychainTrouble::Slow => {
            "The keychain does not answer; it may wait for its password. The sign-in lasts until Ajar ends, unless the \
             keychain is unlocked before."
        }
        KeychainTrouble::Failed => {
            "The keychain failed, so the sign-in lasts until Ajar ends. The log has its reason (ajar -v)."
        }
    }
}
