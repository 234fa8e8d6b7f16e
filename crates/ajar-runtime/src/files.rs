//! The files of one user: where they lie, and how they are read and written while others do the same.

mod atomic;
mod exchange_files;
mod folder;
mod inventory_files;
mod journal_file;
mod settings_file;
mod ssh_folder;
mod state_file;
mod team_files;
mod toml_text;
mod watch;

pub use atomic::write_atomically;
pub use exchange_files::{SshIncludes, read_exchange, read_limited, write_favourites};
pub use folder::{Folder, NotMade};
pub(crate) use folder::{create_private, fingerprint};
pub(crate) use inventory_files::{InventoryFiles, Seen};
pub use journal_file::{Journal, JournalFile, exported};
pub use settings_file::{FileStamp, SettingsFile};
pub(crate) use settings_file::{RemovedFavourite, Written};
pub use ssh_folder::{Installed, SshFolder};
pub use state_file::{Deallocating, Denial, Granted, KeptAccess, Purpose, Refusal, Sent, State, StateFile};
pub use team_files::settings_with_teams;
pub(crate) use team_files::{KeptTeam, TeamCopy, TeamFiles, read_at_rest, understood};
pub(crate) use watch::FileWatch;
