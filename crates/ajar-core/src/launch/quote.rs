//! Quoting, one function for each reader.

/// A word for a POSIX shell.
pub(super) fn shell(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
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

/// A path in a place where ssh expands `%` tokens: each `%` stands for itself. `~` and `${NAME}` are ssh's to expand.
pub(super) fn ssh_path(path: &str) -> String {
    path.replace('%', "%%")
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
