//! The command lines of `ajar import` and `ajar export`.

use std::path::PathBuf;

use ajar_core::profile::ProfileName;

#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT_USE)]
#[expect(clippy::struct_excessive_bools, reason = "switches, each of which may be there without the others")]
pub(crate) struct Import {
    /// The files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// What they are [default: by what is in them]
    #[arg(long, value_enum)]
    pub(crate) format: Option<ImportFormat>,
    /// What to do where there is another favourite of that name [default: asked on a terminal]
    #[arg(long, value_enum, value_name = "CHOICE")]
    pub(crate) on_conflict: Option<OnConflict>,
    /// Take in accounts, key files, known hosts files, clients that are run, and addresses that access is asked for, too: only
    /// out of a file of your own, which “export --personal” wrote
    #[arg(long)]
    pub(crate) personal: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do it without asking whether to; what to do with conflicts is asked all the same
    #[arg(long, short = 'y')]
    pub(crate) yes: bool,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

const IMPORT_USE: &str = "It reads what “ajar export” writes, .rdp files, ssh’s configuration (such as ~/.ssh/config), mRemoteNG’s confCons.xml \
     and RDCMan’s .rdg. Their hosts are looked for among your VMs by address and name. Passwords are never taken in.";

/// What a file is that favourites are taken from.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum ImportFormat {
    /// Favourites of Ajar
    Ajar,
    /// A connection of Remote Desktop
    Rdp,
    /// ssh's configuration
    SshConfig,
    /// mRemoteNG's confCons.xml
    #[value(name = "mremoteng")]
    MRemoteNg,
    /// RDCMan's .rdg
    #[value(name = "rdcman")]
    RdcMan,
}

/// What is done where there is a favourite of that name which is not like this.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum OnConflict {
    /// Leave yours as it is
    Skip,
    /// Change yours to be like the one in the file
    Replace,
    /// Add the one in the file under another name
    Rename,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    /// Where to write them [default: standard output]
    pub(crate) file: Option<PathBuf>,
    /// Only this favourite; can be given more than once
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<ProfileName>,
    /// Only the favourites in this folder, such as Team/Prod, and in those within; can be given more than once
    #[arg(long, value_name = "FOLDER")]
    pub(crate) folder: Vec<String>,
    /// Also what is yours alone: who logs in, as whom Ajar acts, key files, clients, the address that access is asked for
    #[arg(long)]
    pub(crate) personal: bool,
    /// Replace a file that is there
    #[arg(long, requires = "file")]
    pub(crate) force: bool,
    /// Print one JSON value about it
    #[arg(long, requires = "file")]
    pub(crate) json: bool,
}
