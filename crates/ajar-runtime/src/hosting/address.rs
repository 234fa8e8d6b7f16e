//! The local socket: where it is, and that it belongs to this user alone.

use std::io;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use interprocess::local_socket::tokio::{Listener, Stream};
use interprocess::local_socket::traits::tokio::Stream as _;
use interprocess::local_socket::{GenericFilePath, ListenerOptions, ToFsName};

use crate::files::Folder;

/// The address of the engine that serves a folder.
#[derive(Clone, Debug)]
pub(super) struct Address(String);

impl Address {
    /// Where the present host says that it listens, or the last one did.
    pub(super) fn announced(folder: &Folder) -> io::Result<Self> {
        std::fs::read_to_string(folder.engine_address()).map(Self)
    }

    /// Says where to attach. Faces do not work it out for themselves: what goes into it (`XDG_RUNTIME_DIR`, `TMPDIR`)
    /// differs between a desktop session and a cron job of the same user.
    pub(super) fn announce(&self, folder: &Folder) -> io::Result<()> {
        crate::files::write_atomically(&folder.engine_address(), self.0.as_bytes())
    }

    /// Where a host of `folder` listens.
    #[cfg(unix)]
    pub(super) fn of(folder: &Folder) -> io::Result<Self> {
        let path = private_runtime_folder(folder)?.join(format!("engine-{:016x}.sock", fingerprint(folder)));
        path.to_str()
            .map(|path| Self(path.to_owned()))
            .ok_or_else(|| io::Error::other("the runtime folder’s name is not UTF-8"))
    }

    #[cfg(windows)]
    pub(super) fn of(folder: &Folder) -> io::Result<Self> {
        // The user's name keeps users apart by name; the security descriptor keeps them apart in fact.
        let user = std::env::var("USERNAME").unwrap_or_default();
        Ok(Self(format!(r"\\.\pipe\ajar-{user}-{:016x}", fingerprint(folder))))
    }

    /// Listens, for this user alone. What a host that was killed left behind is removed; the caller holds the lock.
    pub(super) fn listen(&self) -> io::Result<Listener> {
        let options = ListenerOptions::new().name(self.0.as_str().to_fs_name::<GenericFilePath>()?);
        self.for_this_user(options)?.create_tokio()
    }

    pub(super) async fn connect(&self) -> io::Result<Stream> {
        Stream::connect(self.0.as_str().to_fs_name::<GenericFilePath>()?).await
    }

    #[cfg(unix)]
    fn for_this_user<'a>(&self, options: ListenerOptions<'a>) -> io::Result<ListenerOptions<'a>> {
        use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(options.mode(0o600)),
        }
    }

    #[cfg(windows)]
    fn for_this_user<'a>(&self, options: ListenerOptions<'a>) -> io::Result<ListenerOptions<'a>> {
        use interprocess::os::windows::local_socket::ListenerOptionsExt as _;
        use interprocess::os::windows::security_descriptor::SecurityDescriptor;
        // Protected, and full access for the owner only; the default would let everyone read.
        let owner_only = widestring::u16cstr!("D:P(A;;GA;;;OW)");
        Ok(options.security_descriptor(SecurityDescriptor::deserialize(owner_only)?))
    }
}

/// Whether the process at the other end belongs to this user.
#[cfg(unix)]
pub(super) fn is_of_this_user(stream: &Stream) -> bool {
    use interprocess::local_socket::traits::StreamCommon as _;
    stream
        .peer_creds()
        .ok()
        .and_then(|peer| peer.euid())
        .is_some_and(|euid| euid == rustix::process::geteuid().as_raw())
}

/// The pipe's security descriptor lets nobody else in.
#[cfg(windows)]
pub(super) fn is_of_this_user(_stream: &Stream) -> bool {
    true
}

/// Tells folders apart in a name of fixed length: FNV-1a, which needs no crate and stays the same between versions.
fn fingerprint(folder: &Folder) -> u64 {
    let lock = folder.engine_lock();
    let path = std::fs::canonicalize(&lock).or_else(|_| std::path::absolute(&lock)).unwrap_or(lock);
    path.as_os_str()
        .as_encoded_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// A folder that only this user can look into, short enough for a socket's name (about 100 bytes).
#[cfg(unix)]
fn private_runtime_folder(folder: &Folder) -> io::Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_dir());
    let base = runtime.unwrap_or_else(std::env::temp_dir);
    let uid = rustix::process::geteuid().as_raw();
    let wanted = base.join(format!("ajar-{uid}"));
    // With a long XDG_RUNTIME_DIR or TMPDIR the name would not fit.
    let wanted = if wanted.as_os_str().len() > 60 { Path::new("/tmp").join(format!("ajar-{uid}")) } else { wanted };
    crate::files::create_private(&wanted)?;
    if is_private(&wanted, uid)? { Ok(wanted) } else { Err(io::Error::other(not_private(&wanted, folder))) }
}

#[cfg(unix)]
fn is_private(path: &Path, uid: u32) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::symlink_metadata(path)?;
    Ok(found.is_dir() && found.uid() == uid && found.mode() & 0o777 == 0o700)
}

#[cfg(unix)]
fn not_private(path: &Path, folder: &Folder) -> String {
    format!(
        "{} is open to other users, so the engine for {} does not listen there",
        path.display(),
        folder.settings().display()
    )
}
