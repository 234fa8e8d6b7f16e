//! The words for what is wrong with Ajar's own files, to stand behind the name of one.

/// Another process of the user does not let go of a lock.
pub fn lock_held(lock: &str) -> String {
    format!("another process has held {lock} for too long")
}

/// The system does not say where the user's files belong.
pub fn no_home() -> &'static str {
    "this user has no home folder"
}
