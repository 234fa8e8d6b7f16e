//! The words for a folder that the engine's socket cannot be in: what is wrong, to stand behind its path, and the remedy.

use std::path::Path;

/// What keeps a folder from being this user's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault<'a> {
    /// Its name cannot be told to others.
    NotUtf8,
    /// It is not there and cannot be made.
    NotMade {
        /// What the system says.
        error: &'a str,
    },
    /// It is another user's.
    Foreign {
        /// Whose.
        owner: u32,
        /// Who this user is.
        user: u32,
    },
    /// Something else has its name.
    NoFolder,
    /// Others may look into it, or this user may not.
    Permissions {
        /// The permission bits it has.
        mode: u32,
    },
}

/// What is wrong with it.
pub fn detail(fault: &Fault<'_>) -> String {
    match fault {
        Fault::NotUtf8 => "has a name that is not UTF-8".into(),
        Fault::NotMade { error } => format!("cannot be made ({error})"),
        Fault::Foreign { owner, user } => format!("belongs to another user (uid {owner}, yours is {user})"),
        Fault::NoFolder => "is no folder".into(),
        Fault::Permissions { mode } => format!("has the permissions {mode:03o} in place of 700"),
    }
}

/// What puts it right.
pub fn remedy(fault: &Fault<'_>, folder: &Path) -> String {
    match fault {
        Fault::NotUtf8 | Fault::NotMade { .. } => "Set XDG_RUNTIME_DIR to a folder of yours, then try again.".into(),
        Fault::Foreign { .. } => "Have its owner or an administrator remove it, or set XDG_RUNTIME_DIR to a folder of \
                                  yours; then try again."
            .into(),
        Fault::NoFolder => format!("Remove it with “rm {}”, then try again.", folder.display()),
        Fault::Permissions { .. } => format!("Run “chmod 700 {}”, then try again.", folder.display()),
    }
}
