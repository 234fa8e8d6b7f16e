//! Favourites that come from elsewhere, or go there: from another person in Ajar's own form, and out of what other
//! programs keep of the hosts they open.
//!
//! A file is read whole or refused, with the line; what of it is no favourite is told of and left out. Secrets are never
//! kept. What a file of another program calls a host is looked for among the VMs that are known ([`matching`]), and
//! nothing takes the place of a favourite that is there unless somebody says so ([`plan`]).

pub mod gathering;
pub mod matching;
mod mremoteng;
mod own;
pub mod plan;
mod rdcman;
mod rdp;
mod ssh_config;
mod text;
pub mod view;
mod xml;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::port::Protocol;
use crate::profile::{Profile, ProfileName};

pub(crate) use own::PERSONAL;
pub use own::{Sharing, exported, written};
pub use ssh_config::Includes;
pub(crate) use text::decoded;

/// The longest file that is read, in bytes: some ten thousand hosts.
pub const MAX_BYTES: usize = 8 << 20;

/// As many favourites as can be taken in at once.
pub const MAX_ENTRIES: usize = 2_000;

/// What a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Favourites of Ajar.
    Ajar,
    /// One connection of Remote Desktop (`.rdp`).
    Rdp,
    /// The configuration of OpenSSH's client.
    SshConfig,
    /// The connections of mRemoteNG (`confCons.xml`).
    MRemoteNg,
    /// The servers of Remote Desktop Connection Manager (`.rdg`).
    RdcMan,
}

/// What a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What kind of file it is.
    pub format: Format,
    /// What can become favourites, in the file's order.
    pub entries: Vec<Entry>,
    /// What cannot, or is kept nowhere.
    pub left_out: Vec<LeftOut>,
}

/// Something in a file that can become a favourite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A favourite of somebody's.
    Favourite {
        /// Its name.
        name: ProfileName,
        /// How to open it.
        profile: Box<Profile>,
    },
    /// A host that another program opens. Which VM it is has to be found out.
    Host(Host),
}

/// A host that another program opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// What it is called there.
    pub label: String,
    /// Its address, or its name as a name server knows it.
    pub address: String,
    /// What is spoken there.
    pub protocol: Protocol,
    /// Where; `None` is the protocol's own port.
    pub port: Option<u16>,
    /// Who logs in.
    pub user: Option<String>,
    /// ssh's private key file.
    pub identity_file: Option<String>,
    /// The folder that it lies in, such as `Team/Prod`.
    pub folder: Option<String>,
    /// What is noted about it.
    pub note: Option<String>,
}

impl Host {
    fn new(label: String, address: String, protocol: Protocol) -> Self {
        Self { label, address, protocol, port: None, user: None, identity_file: None, folder: None, note: None }
    }

    /// The port to open.
    pub fn port(&self) -> u16 {
        self.port.or(self.protocol.default_port()).unwrap_or_default()
    }
}

/// Something that is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What it is called in the file.
    pub what: String,
    /// The line, from 1 on, where there is one.
    pub line: Option<usize>,
    /// Why.
    pub why: Why,
}

impl LeftOut {
    /// The same with the file that it stands in, for who reads several.
    #[must_use]
    pub fn of_file(self, file: &str) -> Self {
        Self { what: format!("{file}: {}", self.what), ..self }
    }
}

/// Why something is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It is a password or the like.
    Secret,
    /// Ajar does not know what it means.
    Unknown,
    /// It names a file of somebody's machine, or one of somebody's accounts.
    Personal,
    /// Clouds are written by hand: tokens go to them.
    Cloud,
    /// It is opened in a way that Ajar does not know.
    Protocol(String),
    /// It stands between: Ajar opens the way to the VM itself.
    Gateway,
    /// It has no address.
    NoAddress,
    /// It is not one host but a pattern of many.
    Pattern,
    /// ssh decides by running something, or by what is not known here, whether it holds.
    Match,
    /// The value is none.
    Value(String),
    /// Access is never asked for so long.
    Length(String),
    /// It stands for a favourite of Ajar's.
    OfAjar,
    /// The file that it names is not there, is too long or is included too deep.
    Include,
    /// It leads to where this one does, which stands before it.
    Twice(String),
    /// The favourite could not be opened like this.
    Unfit(Box<Failure>),
}

/// Why a whole file is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Problem {
    /// It is longer than [`MAX_BYTES`].
    TooLong,
    /// It has more than [`MAX_ENTRIES`] favourites.
    TooMany,
    /// It is no text.
    NoText,
    /// It is none of the files that are known.
    UnknownFormat,
    /// It is in Ajar's form, without saying so.
    NoVersion,
    /// It comes from a newer Ajar.
    Newer {
        /// Its version of the form.
        version: i64,
    },
    /// It is encrypted.
    Encrypted,
    /// It declares a document type: what that may expand to nobody wants to know.
    DocumentType,
    /// Elements within elements, without an end.
    TooDeep,
    /// It is not written as such files are.
    Malformed {
        /// The line, from 1 on.
        line: usize,
        /// Where in the line, from 1 on, in characters.
        column: usize,
        /// What is wrong there.
        detail: String,
    },
}

/// Reads a file. `name` is what it is called, without a folder and an ending: a file with one host in it may call that so.
/// Whatever it includes is had from `includes`.
///
/// # Errors
/// Why it is refused.
pub fn read(bytes: &[u8], name: &str, format: Option<Format>, includes: &mut Includes<'_>) -> Result<Reading, Problem> {
    if bytes.len() > MAX_BYTES {
        return Err(Problem::TooLong);
    }
    let text = text::decoded(bytes).ok_or(Problem::NoText)?;
    let format = format.or_else(|| text::format(&text)).ok_or(Problem::UnknownFormat)?;
    let (entries, left_out) = match format {
        Format::Ajar => own::read(&text)?,
        Format::Rdp => rdp::read(&text, name),
        Format::SshConfig => ssh_config::read(&text, includes)?,
        Format::MRemoteNg => mremoteng::read(&xml::read(&text, &mremoteng::ATTRIBUTES)?)?,
        Format::RdcMan => rdcman::read(&xml::read(&text, &rdcman::ATTRIBUTES)?),
    };
    if entries.len() > MAX_ENTRIES { Err(Problem::TooMany) } else { Ok(Reading { format, entries, left_out }) }
}

/// What has been read so far: favourites to be, and what is left out.
type Sorted = (Vec<Entry>, Vec<LeftOut>);
