//! The command line of `ajar team`.

use ajar_core::profile::ProfileName;
use ajar_core::team::TeamName;

/// What to do with teams.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum TeamCommand {
    /// Have the favourites of a file that a team keeps be here, too, in a folder of the team's name
    Add(TeamAdd),
    /// Show the teams, and what of their files is left out
    List {
        /// Print one JSON array
        #[arg(long)]
        json: bool,
    },
    /// Have a team's favourites be here no more
    Remove(TeamNamed),
    /// Make a team's favourite one of your own, which you can change
    Copy(TeamCopy),
}

#[derive(Debug, clap::Args)]
#[command(after_help = ADD_USE)]
pub(crate) struct TeamAdd {
    /// What to call the team here
    pub(crate) name: TeamName,
    /// The path or the https address of a file that “ajar export” wrote; - reads it from standard input
    pub(crate) from: String,
    /// Also where a team of that name is read from elsewhere now
    #[arg(long)]
    pub(crate) force: bool,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

const ADD_USE: &str = "The file is read again when it changes and when you look; an address at most every 15 minutes. What is yours alone stays \
     so: accounts, clouds, programs, key files and forwarded ports come from no team. An address that is as good as a \
     password, such as one with a token behind its “?”, is better typed on standard input than here: others may see your command line.";

#[derive(Debug, clap::Args)]
pub(crate) struct TeamNamed {
    /// The team
    pub(crate) name: TeamName,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TeamCopy {
    /// The team's favourite
    pub(crate) name: ProfileName,
    /// What to call yours [default: as the team calls it]
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) called: Option<ProfileName>,
    /// Print one JSON value
    #[arg(long)]
    pub(crate) json: bool,
}

impl TeamCommand {
    /// Whether one JSON value is wanted.
    pub(crate) fn wants_json(&self) -> bool {
        match self {
            Self::Add(add) => add.json,
            Self::List { json } => *json,
            Self::Remove(named) => named.json,
            Self::Copy(copy) => copy.json,
        }
    }
}
