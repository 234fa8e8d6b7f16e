//! The line of ssh's configuration that brings the favourites in. Everything else in that file is the user's, to the byte.

use super::Os;
use super::quote::ssh_value;

/// The line, for a file of hosts that lies at `path`; `None` if ssh would not take that path as it is.
///
/// ssh finds its own folder by the user database and not by `HOME`, so the whole path is told. On Windows both are the
/// same, and ssh's `~` is sure to be understood there.
pub fn include_line(path: &str, os: Os) -> Option<String> {
    let misread = |c: char| c.is_control() || matches!(c, '%' | '$' | '"');
    if os == Os::Windows {
        return Some("Include ~/.ssh/ajar.conf".into());
    }
    if path.is_empty() || path.contains(misread) {
        return None;
    }
    // What is included is a pattern.
    let plain = path.chars().fold(String::new(), |mut out, c| {
        if matches!(c, '*' | '?' | '[' | '\\') {
            out.push('\\');
        }
        out.push(c);
        out
    });
    Some(format!("Include {}", ssh_value(&plain)))
}

/// ssh's configuration with the line at its very top, where it holds for all hosts and comes before all else; `None` if
/// it stands before the first host already.
pub fn with_include(config: &[u8], line: &str) -> Option<Vec<u8>> {
    let is_a_section = |text: &str| {
        let key = text.split(|c: char| c.is_whitespace() || c == '=').next().unwrap_or_default();
        key.eq_ignore_ascii_case("host") || key.eq_ignore_ascii_case("match")
    };
    let common = lines(config).map(trimmed).take_while(|text| !is_a_section(text));
    if common.into_iter().any(|text| text == line) {
        return None;
    }
    let end = if lines(config).next().is_some_and(|first| first.ends_with(b"\r\n")) { "\r\n" } else { "\n" };
    Some([line.as_bytes(), end.as_bytes(), config].concat())
}

/// ssh's configuration without the line; `None` if it is not there.
pub fn without_include(config: &[u8], line: &str) -> Option<Vec<u8>> {
    let kept: Vec<_> = lines(config).filter(|text| trimmed(text) != line).collect();
    (kept.len() < lines(config).count()).then(|| kept.concat())
}

/// The hosts that ssh's configuration itself names, of `names`: those of the favourites come before them.
pub fn named_already<'a>(config: &[u8], names: &[&'a str]) -> Vec<&'a str> {
    let patterns: Vec<String> = lines(config)
        .filter_map(|line| {
            let text = trimmed(line);
            let (key, rest) = text.split_once(|c: char| c.is_whitespace() || c == '=')?;
            key.eq_ignore_ascii_case("host").then(|| rest.to_owned())
        })
        .flat_map(|rest| {
            rest.split_whitespace().map(|word| word.trim_matches(['"', '=']).to_owned()).collect::<Vec<_>>()
        })
        .collect();
    names.iter().copied().filter(|name| patterns.iter().any(|pattern| pattern.eq_ignore_ascii_case(name))).collect()
}

/// With their ends.
fn lines(config: &[u8]) -> impl Iterator<Item = &[u8]> {
    config.split_inclusive(|byte| *byte == b'\n')
}

/// What no text can be is no line that is looked for.
fn trimmed(line: &[u8]) -> &str {
    std::str::from_utf8(line).unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LINE: &str = "Include /home/me/.ssh/ajar.conf";

    #[test]
    fn the_file_of_hosts_is_named_as_ssh_reads_a_pattern() {
        let line = |path: &str| include_line(path, Os::Linux);
        assert_eq!(line("/home/me/.ssh/ajar.conf").as_deref(), Some(LINE));
        assert_eq!(line("/home/a b/.ssh/ajar.conf").as_deref(), Some("Include \"/home/a b/.ssh/ajar.conf\""));
        assert_eq!(line("/home/[a]*/ajar.conf").as_deref(), Some(r#"Include "/home/\\[a]\\*/ajar.conf""#));
        for path in ["", "/home/a\nb", "/home/100%", "/home/${a}", "/home/\""] {
            assert_eq!(line(path), None, "{path}");
        }
        assert_eq!(include_line(r"C:\Users\Me", Os::Windows).as_deref(), Some("Include ~/.ssh/ajar.conf"));
    }

    #[test]
    fn the_line_comes_first_and_once_and_a_conditional_one_is_none() {
        let with = |config: &str| with_include(config.as_bytes(), LINE).map(|text| String::from_utf8(text).unwrap());
        assert_eq!(with(""), Some(format!("{LINE}\n")));
        assert_eq!(with("Host a\r\n  User b\r\n"), Some(format!("{LINE}\r\nHost a\r\n  User b\r\n")));
        assert_eq!(with(&format!("# mine\n  {LINE}  \nHost a\n")), None);
        let conditional = format!("Host a\n{LINE}\n");
        assert_eq!(with(&conditional), Some(format!("{LINE}\n{conditional}")));
        assert_eq!(with(&format!("match=all\n{LINE}\n")), Some(format!("{LINE}\nmatch=all\n{LINE}\n")));
    }

    #[test]
    fn hosts_that_the_user_has_named_alike_are_found() {
        let config = b"Host web-01 db\n  HostName 10.0.0.1\nhost=\"Build\" *.corp\n# Host desk\nHostName gate\n\xff\n";
        let names = ["web-01", "build", "desk", "gate", "other"];
        assert_eq!(named_already(config, &names), ["web-01", "build"]);
    }

    proptest! {
        #[test]
        fn taking_the_line_out_again_leaves_every_byte_as_it_was(config in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assume!(without_include(&config, LINE).is_none());
            let with = with_include(&config, LINE).expect("it was not there");
            prop_assert_eq!(with_include(&with, LINE), None);
            prop_assert_eq!(without_include(&with, LINE), Some(config));
        }
    }
}
