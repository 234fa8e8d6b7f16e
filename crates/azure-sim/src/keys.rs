//! SSH keys made for one run: the demo user's, and one for each host.

use std::io;
use std::path::Path;

use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, PrivateKey, PublicKey};

/// The key by which a VM proves who it is.
pub(crate) struct HostKey {
    private: PrivateKey,
}

impl HostKey {
    pub(crate) fn generate() -> io::Result<Self> {
        Ok(Self { private: ed25519()? })
    }

    pub(crate) fn private(&self) -> &PrivateKey {
        &self.private
    }

    /// `ssh-ed25519 AAAA…`
    pub(crate) fn public(&self) -> io::Result<String> {
        self.private.public_key().to_openssh().map_err(io::Error::other)
    }
}

/// Writes a new private key in OpenSSH's format, for its owner alone, and gives the public half.
pub(crate) fn write_identity(file: &Path) -> io::Result<PublicKey> {
    let key = ed25519()?;
    // Sets mode 0600 on Unix as it creates the file.
    key.write_openssh_file(file, LineEnding::LF).map_err(io::Error::other)?;
    Ok(key.public_key().clone())
}

fn ed25519() -> io::Result<PrivateKey> {
    PrivateKey::random(&mut rand::rng(), Algorithm::Ed25519).map_err(io::Error::other)
}
