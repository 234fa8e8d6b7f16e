//! The words for what is wrong with Ajar's own files, to stand behind the name of one.

/// Another process of the user does not let go of a lock.
pub fn lock_held(lock: &str) -> String {
    format!("{HELD} {lock} for too long")
}

const HELD: &str = "another process has held";

/// Whether that is what is wrong.
pub(super) fn is_held(detail: &str) -> bool {
    detail.starts_with(HELD)
}

/// Somebody has protected the file from being written.
pub fn write_protected() -> &'static str {
    WRITE_PROTECTED
}

const WRITE_PROTECTED: &str = "it is write-protected, and so is left as it is";

/// Whether that is what is wrong.
pub(super) fn is_write_protected(detail: &str) -> bool {
    detail.ends_with(WRITE_PROTECTED)
}

/// The system does not say where the user's files belong.
pub fn no_home() -> &'static str {
    "this user has no home folder"
}
