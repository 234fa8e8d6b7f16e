//! The words for what cannot be handed to a client.

/// A text that a client could take for something else than it is.
#[derive(Clone, Copy, Debug)]
pub enum Unfit<'a> {
    /// The host to dial.
    Host(&'a str),
    /// The user to log in as.
    User(&'a str),
    /// A path given to ssh.
    Path(&'a str),
}

/// Why a text is not handed to a client, to stand behind the name of the profile.
pub fn unfit(what: &Unfit<'_>) -> String {
    match what {
        Unfit::Host(host) => format!("“{}” is no address to connect to", host.escape_debug()),
        Unfit::User(user) => {
            format!("the user “{}” is empty, begins with “-” or has control characters", user.escape_debug())
        }
        Unfit::Path(path) => {
            format!("the path “{}” is empty, begins with “-” or has control characters", path.escape_debug())
        }
    }
}
