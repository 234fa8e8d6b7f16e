//! No core files: what is in the memory of this process opens doors.

/// Has the system write no core file of this process, however it ends. The hard limit stays, so that programs which it
/// starts may have theirs. A system that hands cores to a program of its own tells that the limit.
#[cfg(unix)]
pub fn none() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Core);
    if let Err(error) = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum }) {
        tracing::warn!(%error, "core files could not be switched off");
    }
}

/// Windows writes dumps of programs that an administrator names, and of no others.
#[cfg(windows)]
pub fn none() {}
