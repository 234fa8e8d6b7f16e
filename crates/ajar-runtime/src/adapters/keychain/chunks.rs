//! Secrets of any length in a store that takes small ones: pieces, and a header that says which pieces count.
//!
//! There are two generations of pieces. A new secret is written into the one that does not count, then the header is
//! turned to it, then the other is removed: whenever that is cut short, the header names pieces that are whole. What
//! does not fit together counts as absent.

use ajar_core::account::KeychainTrouble;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::SmallSecrets;

/// Windows takes 2560 bytes.
const PIECE: usize = 2048;

/// The most pieces a secret can have; no refresh token comes near it.
const MOST: usize = 64;

const GENERATIONS: [u8; 2] = [0, 1];

#[derive(Serialize, Deserialize)]
struct Header {
    /// Of this layout.
    v: u8,
    /// How many pieces.
    n: usize,
    /// Bytes of the secret.
    len: usize,
    /// Of the secret, in base64.
    sha256: String,
    generation: u8,
}

/// The secret of that name; none if it is not there as it was written.
pub(super) fn read(store: &dyn SmallSecrets, name: &str) -> Result<Option<Vec<u8>>, KeychainTrouble> {
    let Some(header) = header(store, name)? else { return Ok(None) };
    let mut text = Vec::new();
    for number in 0..header.n {
        let Some(piece) = store.get(&piece_name(name, header.generation, number))? else { return Ok(None) };
        text.extend_from_slice(&piece);
    }
    let secret = STANDARD.decode(&text).ok();
    Ok(secret.filter(|secret| secret.len() == header.len && checksum(secret) == header.sha256))
}

/// Puts a secret in the place of an older one.
pub(super) fn write(store: &dyn SmallSecrets, name: &str, secret: &[u8]) -> Result<(), KeychainTrouble> {
    let before = header(store, name)?.map(|header| header.generation);
    let generation = before.map_or(0, |before| 1 - before);
    let text = STANDARD.encode(secret);
    let pieces = text.as_bytes().chunks(PIECE);
    let n = pieces.len();
    if n > MOST {
        return Err(KeychainTrouble::Failed);
    }
    // What an interrupted call has left.
    sweep(store, name, generation)?;
    for (number, piece) in pieces.enumerate() {
        store.set(&piece_name(name, generation, number), piece)?;
    }
    let header = Header { v: 1, n, len: secret.len(), sha256: checksum(secret), generation };
    let header = serde_json::to_vec(&header).map_err(|_| KeychainTrouble::Failed)?;
    store.set(name, &header)?;
    // From here on the new one counts. What may stay behind is swept by the next call.
    if let Err(trouble) = sweep(store, name, 1 - generation) {
        tracing::warn!(?trouble, "an older secret could not be removed from the keychain yet");
    }
    Ok(())
}

/// Removes all there is of that name. Whether there was a secret.
pub(super) fn delete(store: &dyn SmallSecrets, name: &str) -> Result<bool, KeychainTrouble> {
    let mut was_there = false;
    for generation in GENERATIONS {
        was_there |= sweep(store, name, generation)?;
    }
    Ok(store.delete(name)? || was_there)
}

fn header(store: &dyn SmallSecrets, name: &str) -> Result<Option<Header>, KeychainTrouble> {
    let header = store.get(name)?.and_then(|bytes| serde_json::from_slice::<Header>(&bytes).ok());
    Ok(header.filter(|header| header.v == 1 && header.n <= MOST && GENERATIONS.contains(&header.generation)))
}

/// Removes the pieces of a generation, the last one first: they are the first ones of their kind at any time.
fn sweep(store: &dyn SmallSecrets, name: &str, generation: u8) -> Result<bool, KeychainTrouble> {
    let mut there = 0;
    while there < MOST && store.get(&piece_name(name, generation, there))?.is_some() {
        there += 1;
    }
    for number in (0..there).rev() {
        store.delete(&piece_name(name, generation, number))?;
    }
    Ok(there > 0)
}

fn piece_name(name: &str, generation: u8, number: usize) -> String {
    format!("{name}#{generation}.{number}")
}

fn checksum(secret: &[u8]) -> String {
    STANDARD.encode(digest(&SHA256, secret))
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Takes what Windows takes, and breaks off after so many changes.
    #[derive(Default)]
    struct Small {
        entries: RefCell<BTreeMap<String, Vec<u8>>>,
        changes_left: Cell<Option<u32>>,
    }

    impl Small {
        fn change(&self) -> Result<(), KeychainTrouble> {
            let left = match self.changes_left.get() {
                None => return Ok(()),
                Some(0) => return Err(KeychainTrouble::Locked),
                Some(left) => left - 1,
            };
            self.changes_left.set(Some(left));
            Ok(())
        }
    }

    impl SmallSecrets for Small {
        fn get(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainTrouble> {
            Ok(self.entries.borrow().get(name).cloned())
        }
        fn set(&self, name: &str, value: &[u8]) -> Result<(), KeychainTrouble> {
            self.change()?;
            assert!(value.len() <= 2560 && value.is_ascii(), "{}", value.len());
            self.entries.borrow_mut().insert(name.to_owned(), value.to_vec());
            Ok(())
        }
        fn delete(&self, name: &str) -> Result<bool, KeychainTrouble> {
            self.change()?;
            Ok(self.entries.borrow_mut().remove(name).is_some())
        }
    }

    fn secret() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..64),
            (0_usize..9_000).prop_map(|length| (0_u8..=255).cycle().take(length).collect()),
            // Around the length at which a piece more is needed.
            (1_530_usize..1_545).prop_map(|length| vec![b'x'; length]),
        ]
    }

    proptest! {
        #[test]
        fn the_last_secret_written_is_read_and_nothing_else_stays(secrets in prop::collection::vec(secret(), 1..5)) {
            let store = Small::default();
            for secret in &secrets {
                write(&store, "me", secret).unwrap();
                let read_back = read(&store, "me").unwrap();
                prop_assert_eq!(read_back.as_ref(), Some(secret));
                let pieces = STANDARD.encode(secret).len().div_ceil(PIECE);
                prop_assert_eq!(store.entries.borrow().len(), pieces + 1);
            }
            prop_assert_eq!(read(&store, "you").unwrap(), None);
            prop_assert!(delete(&store, "me").unwrap());
            prop_assert!(store.entries.borrow().is_empty());
            prop_assert!(!delete(&store, "me").unwrap());
        }

        #[test]
        fn wherever_writing_is_cut_short_one_of_the_two_is_there_whole(
            old in secret(), new in secret(), next in secret(), changes in 0_u32..12, swept in 0_u32..12,
        ) {
            let store = Small::default();
            write(&store, "me", &old).unwrap();
            store.changes_left.set(Some(changes));
            let written = write(&store, "me", &new);
            let read_back = read(&store, "me").unwrap();
            prop_assert_eq!(read_back.as_ref(), Some(if written.is_ok() { &new } else { &old }));
            store.changes_left.set(Some(swept));
            let deleted = delete(&store, "me");
            store.changes_left.set(None);
            if deleted.is_ok() {
                prop_assert!(store.entries.borrow().is_empty());
            }
            write(&store, "me", &next).unwrap();
            prop_assert_eq!(read(&store, "me").unwrap(), Some(next));
            delete(&store, "me").unwrap();
            prop_assert!(store.entries.borrow().is_empty());
        }

        #[test]
        fn what_was_tampered_with_is_absent(secret in secret(), which in any::<prop::sample::Index>(), byte: u8) {
            let store = Small::default();
            write(&store, "me", &secret).unwrap();
            let names: Vec<String> = store.entries.borrow().keys().cloned().collect();
            let name = which.get(&names).clone();
            let changed = {
                let mut entries = store.entries.borrow_mut();
                let entry = entries.get_mut(&name).unwrap();
                let middle = entry.len() / 2;
                let changed = entry[middle] != byte % 128;
                entry[middle] = byte % 128;
                changed
            };
            let found = read(&store, "me").unwrap();
            // A header that still reads the same, such as by a space, is no damage.
            prop_assert!(found.is_none() || found == Some(secret), "{changed}");
        }
    }
}
