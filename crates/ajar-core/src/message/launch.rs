//! The words for what cannot be handed to a client.

/// A text that a client could take for something else than it is.
#[derive(Clone, Copy, Debug)]
pub enum Unfit<'a> {
    /// The host to dial.
    Host(&'a str),
    /// The user to log in as.
    User(&'a str),
    /// The user to log in as with ssh.
    SshUser(&'a str),
    /// A path given to ssh.
    Path(&'a str),
    /// A user to log in as that ssh's configuration would take for another.
    Token(&'a str),
    /// A program of a favourite's own.
    Client(&'a str),
    /// An argument for it.
    Argument(&'a str),
    /// What the arguments of a client name that nobody fills in.
    ClientPlaceholder(&'a str),
    /// Arguments that tell a client all that it needs to know, and no client.
    NoClient,
    /// Arguments of a client that name who logs in, where nobody is named.
    NoUser,
    /// A value at the beginning of an argument that would make it an option.
    Beginning(&'a str),
    /// A command to run there, by a client that is told all by its arguments.
    Command,
    /// A command to run there, where a port alone is opened.
    PortCommand,
    /// A port that no program opens.
    PortAlone,
    /// A port is to be opened, and nobody says which.
    WhichPort,
    /// Arguments for a program that takes none.
    Arguments,
    /// The `.rdp` file of a favourite, by a path that is not whole.
    RdpPath(&'a str),
    /// The `.rdp` file of a favourite that could not be read.
    RdpFile {
        /// Where it lies.
        path: &'a str,
        /// What the system said.
        why: &'a str,
    },
    /// A Remote Desktop gateway that is no host.
    Gateway(&'a str),
    /// A program that Entra's sign-in to a remote desktop is not known of.
    EntraClient(&'a str),
    /// A VM's name that nothing could be dialled by.
    DeviceName(&'a str),
    /// A reason that is no line of text.
    Reason(&'a str),
    /// What a reason names that nobody fills in.
    Placeholder(&'a str),
    /// A path given to ssh, where there is no way to have it take a part of it as it is.
    Variable(&'a str),
}

/// There is nothing to show a window on.
pub fn no_display() -> &'static str {
    "neither DISPLAY nor WAYLAND_DISPLAY names a display"
}

/// Of a file that is to be a certificate of ssh's.
pub fn no_certificate() -> &'static str {
    "what it wrote is no certificate for anybody"
}

/// Of a program that was to answer, and did not.
pub fn too_late() -> &'static str {
    "it did not answer within a minute"
}

/// Of a file that is none of Remote Desktop's.
pub fn no_rdp_file() -> &'static str {
    "it has no settings of Remote Desktop"
}

/// Why a text is not handed to a client, to stand behind the name of the profile.
pub fn unfit(what: &Unfit<'_>) -> String {
    match what {
        Unfit::Host(host) => format!("“{}” is no address to connect to", visible(host)),
        Unfit::User(user) => {
            format!("the user “{}” is empty, begins with “-” or has control characters", visible(user))
        }
        Unfit::SshUser(user) => {
            format!("ssh takes no user like “{}”, with quotes, brackets or other signs a shell acts on", visible(user))
        }
        Unfit::Path(path) => {
            format!("the path “{}” is empty, begins with “-” or has control characters", visible(path))
        }
        Unfit::Token(user) => {
            format!("ssh would take the “%” in the user “{}” for the beginning of something else", visible(user))
        }
        Unfit::Client(client) => {
            format!("the client “{}” is empty, begins with “-” or has control characters", visible(client))
        }
        Unfit::Argument(word) => {
            format!("the client’s argument “{}” is empty or has control characters", visible(word))
        }
        Unfit::ClientPlaceholder(name) => format!(
            "nothing is known to stand for “{}” in the client’s arguments: use {}, and “{{{{” or “}}}}” for a brace",
            visible(name),
            crate::launch::own::PLACEHOLDERS.join(", ")
        ),
        Unfit::NoClient => {
            "arguments that name {host} or the like are all that a program is given: name that as the client".into()
        }
        Unfit::NoUser => "the client’s arguments name {user}, and nobody is named who logs in: name a user".into(),
        Unfit::Beginning(value) => {
            format!("the client could take “{}” at the beginning of an argument for an option", visible(value))
        }
        Unfit::Command => "the favourite’s client is given its own arguments alone, and so no command to run".into(),
        Unfit::PortCommand => "it opens a port alone, where nothing runs commands".into(),
        Unfit::PortAlone => {
            "it opens a port alone, for which no client is started unless its arguments name {host} or the like".into()
        }
        Unfit::WhichPort => "it opens a port alone, and nobody says which: name the port".into(),
        Unfit::Arguments => "the Windows App takes no arguments: name another client, or none".into(),
        Unfit::RdpPath(path) => {
            format!("“{}” is no whole path of an .rdp file: write it from the root on, or from ~/", visible(path))
        }
        Unfit::RdpFile { path, why } => {
            format!("the .rdp file “{}” could not be read: {}", visible(path), visible(why))
        }
        Unfit::Gateway(host) => {
            format!(
                "“{}” is no Remote Desktop gateway: write its host name, such as gateway.contoso.com",
                visible(host)
            )
        }
        Unfit::EntraClient(program) => format!(
            "{} logs nobody in by Entra: name another client, such as FreeRDP 3, or take entra_login out",
            visible(program)
        ),
        Unfit::DeviceName(name) => {
            format!("Entra logs in to a VM by its name, and “{}” cannot be dialled", visible(name))
        }
        Unfit::Reason(reason) => format!("the reason “{}” has control characters", visible(reason)),
        Unfit::Placeholder(name) => format!(
            "nothing is known to stand for “{}” in the reason: use {}",
            visible(name),
            crate::justification::PLACEHOLDERS.join(", ")
        ),
        Unfit::Variable(path) => {
            format!("ssh would take a part of the path “{}” for a variable: use one without “${{”", visible(path))
        }
    }
}

/// The text on one line, whatever is in it.
fn visible(text: &str) -> String {
    let shown = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}
