//! Quoting, one function for each reader.

use super::Os;

/// A word for a POSIX shell.
pub(super) fn shell(word: &str) -> String {
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// Whether a shell takes a sign as it is, wherever it stands.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c)
}

/// A word of a command that ssh gives to the user's shell, or on Windows, where there is none between, to the system. There
/// quotes stand only around what needs them: some builds of ssh do not find a program in quotes.
///
/// Before ssh hands the line on it looks whether each quote in it has its other one, and refuses the whole file otherwise. In
/// its reading `\` keeps a quote from ending what it began, inside single quotes, too, other than in a shell's.
pub(super) fn system_word(word: &str, os: Os) -> String {
    match os {
        Os::Windows if word.contains([' ', '\t', '\'']) => {
            let end = word.len() - word.trim_end_matches('\\').len();
            format!("\"{word}{}\"", r"\".repeat(end))
        }
        Os::Windows => word.to_owned(),
        Os::MacOs | Os::Linux if word.contains('\\') => escaped(word),
        Os::MacOs | Os::Linux => shell(word),
    }
}

/// A word for a POSIX shell without quotes: `\` before each sign that it could act on. Not for line ends.
fn escaped(word: &str) -> String {
    let escaped = |c: char| if c.is_ascii() && !is_plain(c) { format!(r"\{c}") } else { c.to_string() };
    word.chars().map(escaped).collect()
}

/// A value in ssh's configuration syntax, which `-o` shares: split at white space unless quoted, `\` escapes.
///
/// A ssh before 8.7 takes no escapes inside quotes; the backslashes of a Windows path are then doubled in earnest,
/// which Windows does not mind.
pub(super) fn ssh_value(value: &str) -> String {
    if value.contains([' ', '"', '\'', '\\', '#', '=']) {
        format!("\"{}\"", value.replace('\\', r"\\").replace('"', "\\\""))
    } else {
        value.to_owned()
    }
}

/// The variable that [`ssh_path`] needs, and its value: ssh knows no other way to write a `$` before a `{`.
pub(super) const DOLLAR: (&str, &str) = ("AJAR_DOLLAR", "$");

/// A path in a place where ssh expands `%` tokens and (since 8.4) `${NAME}`: each `%` and each `$` stands for itself. `~` is
/// ssh's to expand. What ssh puts in for a name is not looked at again. Where [`needs_dollar`] says so, the variable has to
/// be set.
pub(super) fn ssh_path(path: &str) -> String {
    path.replace('%', "%%").replace("${", &format!("${{{}}}{{", DOLLAR.0))
}

/// Whether ssh would take a part of a path for a variable.
pub(super) fn needs_dollar(path: &str) -> bool {
    path.contains("${")
}

/// A part of a URI: everything but the unreserved characters (RFC 3986, 2.3) percent-encoded.
pub(super) fn uri(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// `host:port`, an IPv6 address in brackets.
pub(super) fn host_port(endpoint: &crate::port::Endpoint) -> String {
    let host = &endpoint.host;
    if host.contains(':') { format!("[{host}]:{}", endpoint.port) } else { format!("{host}:{}", endpoint.port) }
}
