//! The local socket: where it is, and that it belongs to this user alone.

use std::io;
#[cfg(unix)]
use std::path::{Path, PathBuf};

use ajar_core::failure::Failure;
#[cfg(unix)]
use ajar_core::message::socket_folder::{Fault, detail, remedy};
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

    /// Takes back what the last host said: nobody is to attach there any more, whoever may listen there now. For the holder
    /// of the lock.
    pub(super) fn withdraw(folder: &Folder) -> io::Result<()> {
        match std::fs::remove_file(folder.engine_address()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Says where to attach. Faces do not work it out for themselves: what goes into it (`XDG_RUNTIME_DIR`, `TMPDIR`)
    /// differs between a desktop session and a cron job of the same user.
    pub(super) fn announce(&self, folder: &Folder) -> io::Result<()> {
        crate::files::write_atomically(&folder.engine_address(), self.0.as_bytes())
    }

    /// Where a host of `folder` listens.
    #[cfg(unix)]
    pub(super) fn of(folder: &Folder) -> Result<Self, Failure> {
        let runtime = private_runtime_folder()?;
        let path = runtime.join(format!("engine-{:016x}.sock", fingerprint(folder)));
        path.to_str().map(|path| Self(path.to_owned())).ok_or_else(|| unusable(&runtime, &Fault::NotUtf8))
    }

    #[cfg(windows)]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(super) fn of(folder: &Folder) -> Result<Self, Failure> {
        use std::hash::{BuildHasher as _, RandomState};
        // The security descriptor keeps other users from attaching. That they do not listen in a host's place before it does,
        // the name sees to: another each time, and nobody can know it before it is listened at.
        let random = RandomState::new().hash_one(std::process::id());
        Ok(Self(format!(r"\\.\pipe\ajar-{:016x}-{random:016x}", fingerprint(folder))))
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

/// The process at the other end, where the system tells it.
pub(super) fn process_of(stream: &Stream) -> Option<u32> {
    use interprocess::local_socket::traits::StreamCommon as _;
    let pid = stream.peer_creds().ok()?.pid()?;
    u32::try_from(i64::from(pid)).ok()
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

/// Tells folders apart in a name of fixed length.
fn fingerprint(folder: &Folder) -> u64 {
    let lock = folder.engine_lock();
    let path = std::fs::canonicalize(&lock).or_else(|_| std::path::absolute(&lock)).unwrap_or(lock);
    crate::files::fingerprint(&path)
}

/// A folder that only this user can look into, short enough for a socket's name (about 100 bytes).
#[cfg(unix)]
fn private_runtime_folder() -> Result<PathBuf, Failure> {
    use std::os::unix::fs::MetadataExt as _;
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_dir());
    let base = runtime.unwrap_or_else(std::env::temp_dir);
    let uid = rustix::process::geteuid().as_raw();
    let wanted = base.join(format!("ajar-{uid}"));
    // With a long XDG_RUNTIME_DIR or TMPDIR the name would not fit.
    let wanted = if wanted.as_os_str().len() > 60 { Path::new("/tmp").join(format!("ajar-{uid}")) } else { wanted };
    let made = crate::files::create_private(&wanted);
    // What is there already may be what kept it from being made.
    let found = std::fs::symlink_metadata(&wanted);
    let found = found
        .map_err(|error| made.err().unwrap_or(error))
        .map_err(|error| unusable(&wanted, &Fault::NotMade { error: &error.to_string() }))?;
    match fault(found.is_dir(), found.uid(), found.mode() & 0o777, uid) {
        None => Ok(wanted),
        Some(fault) => Err(unusable(&wanted, &fault)),
    }
}

/// What keeps a folder from being this user's alone.
#[cfg(unix)]
fn fault(is_folder: bool, owner: u32, mode: u32, user: u32) -> Option<Fault<'static>> {
    if owner != user {
        Some(Fault::Foreign { owner, user })
    } else if !is_folder {
        Some(Fault::NoFolder)
    } else if mode != 0o700 {
        Some(Fault::Permissions { mode })
    } else {
        None
    }
}

#[cfg(unix)]
fn unusable(path: &Path, fault: &Fault<'_>) -> Failure {
    Failure::SocketFolder { path: path.display().to_string(), detail: detail(fault), remedy: remedy(fault, path) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_this_users_alone_is_told_with_what_puts_it_right() {
        let fault = |is_folder, owner, mode| fault(is_folder, owner, mode, 1000);
        assert_eq!(fault(true, 1000, 0o700), None);
        for (found, says, helps) in [
            (fault(true, 1001, 0o700), "belongs to another user (uid 1001, yours is 1000)", "Have its owner"),
            (fault(true, 0, 0o777), "belongs to another user (uid 0, yours is 1000)", "Have its owner"),
            (fault(true, 1000, 0o755), "has the permissions 755 in place of 700", "chmod 700 /tmp/ajar-1000"),
            (fault(true, 1000, 0o500), "has the permissions 500 in place of 700", "chmod 700 /tmp/ajar-1000"),
            (fault(false, 1000, 0o700), "is no folder", "rm /tmp/ajar-1000"),
        ] {
            let Failure::SocketFolder { detail, remedy, .. } = unusable(Path::new("/tmp/ajar-1000"), &found.unwrap())
            else {
                unreachable!()
            };
            assert_eq!(detail, says);
            assert!(remedy.contains(helps), "{remedy}");
        }
    }
}
