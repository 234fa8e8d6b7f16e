//! The configuration of OpenSSH's client: which hosts it names, and what holds for each.
//!
//! The first value that is given for a host counts, as in ssh itself; a test has the real one judge. Nothing is run:
//! what stands under a `Match` is left out, other than `Match all`.
//! https://man.openbsd.org/ssh_config

use std::collections::HashSet;

use super::text::filled;
use super::{Entry, Host, LeftOut, MAX_ENTRIES, Problem, Sorted, Why};
use crate::port::Protocol;

/// The texts of the files that a pattern after `Include` means; `None` where there is none that can be read.
pub type Includes<'i> = dyn FnMut(&str) -> Option<Vec<String>> + 'i;

/// As deep as ssh itself follows what is included.
const DEPTH: usize = 16;

/// As much text as is looked through, with what is included, in bytes: each host is held against all of it.
const BYTES: usize = 1 << 20;

/// As long as the name of a host can be.
const NAME: usize = 255;

/// For which hosts lines hold.
struct Scope {
    /// The scope that it is within, which has to hold as well.
    within: Option<usize>,
    patterns: Patterns,
}

enum Patterns {
    /// One of these has to fit.
    Host(Vec<String>),
    /// All hosts.
    All,
    /// None, as far as can be told.
    Nothing,
}

/// A line that says something of hosts.
struct Setting {
    scope: usize,
    key: &'static str,
    value: String,
    line: usize,
}

/// What is read of a host.
const KEYS: [&str; 6] = ["hostname", "port", "user", "identityfile", "proxycommand", "proxyjump"];

/// What the lines say, in their order.
#[derive(Default)]
struct Lines {
    /// Each after the one that it is within.
    scopes: Vec<Scope>,
    settings: Vec<Setting>,
    names: Vec<(String, usize)>,
    known_names: HashSet<String>,
    left_out: Vec<LeftOut>,
    told: HashSet<(String, usize)>,
    bytes: usize,
}

/// Reads a file, and what it includes.
pub(super) fn read(text: &str, includes: &mut Includes<'_>) -> Result<Sorted, Problem> {
    let mut lines = Lines::default();
    lines.take_in(text, None, 0, includes)?;
    let mut entries = Vec::new();
    let Lines { scopes, settings, names, mut left_out, .. } = lines;
    for (name, line) in names {
        match host(&name, &scopes, &settings) {
            Ok((host, unfit)) => {
                entries.push(Entry::Host(host));
                left_out.extend(unfit);
            }
            Err(why) => left_out.push(LeftOut { what: name, line: Some(line), why }),
        }
    }
    Ok((entries, left_out))
}

impl Lines {
    /// Takes in a file that holds within a scope.
    fn take_in(
        &mut self,
        text: &str,
        within: Option<usize>,
        depth: usize,
        includes: &mut Includes<'_>,
    ) -> Result<(), Problem> {
        self.bytes += text.len();
        if self.bytes > BYTES {
            return Err(Problem::TooLong);
        }
        let mut scope = self.begin(within, Patterns::All);
        for (line, text) in (1..).zip(text.lines()) {
            let Some((key, words)) = words(text) else { continue };
            match key.as_str() {
                "host" => {
                    self.name_hosts(&words, line)?;
                    scope = self.begin(within, Patterns::Host(words));
                }
                "match" if matches!(&words[..], [all] if all.eq_ignore_ascii_case("all")) => {
                    scope = self.begin(within, Patterns::All);
                }
                "match" => {
                    self.leave_out(format!("Match {}", words.join(" ")), line, Why::Match);
                    scope = self.begin(within, Patterns::Nothing);
                }
                "include" => {
                    for pattern in words {
                        self.include(&pattern, line, scope, depth, includes)?;
                    }
                }
                key => {
                    let known = KEYS.into_iter().find(|known| *known == key);
                    if let (Some(key), Some(value)) = (known, words.into_iter().next()) {
                        self.settings.push(Setting { scope, key, value, line });
                    }
                }
            }
        }
        Ok(())
    }

    fn begin(&mut self, within: Option<usize>, patterns: Patterns) -> usize {
        self.scopes.push(Scope { within, patterns });
        self.scopes.len() - 1
    }

    fn include(
        &mut self,
        pattern: &str,
        line: usize,
        scope: usize,
        depth: usize,
        includes: &mut Includes<'_>,
    ) -> Result<(), Problem> {
        let texts = if depth < DEPTH { includes(pattern) } else { None };
        let Some(texts) = texts else {
            self.leave_out(format!("Include {pattern}"), line, Why::Include);
            return Ok(());
        };
        texts.iter().try_for_each(|text| self.take_in(text, Some(scope), depth + 1, includes))
    }

    /// Knows the hosts that are named; a pattern names none.
    fn name_hosts(&mut self, patterns: &[String], line: usize) -> Result<(), Problem> {
        for pattern in patterns {
            if pattern.starts_with('!') || pattern == "*" {
                // Says what holds for hosts that are named elsewhere.
            } else if pattern.contains(['*', '?']) || pattern.len() > NAME {
                self.leave_out(format!("Host {pattern}"), line, Why::Pattern);
            } else if self.known_names.insert(pattern.clone()) {
                self.names.push((pattern.clone(), line));
            }
        }
        if self.names.len() > MAX_ENTRIES { Err(Problem::TooMany) } else { Ok(()) }
    }

    /// Tells it once, however often its file is included.
    fn leave_out(&mut self, what: String, line: usize, why: Why) {
        if !self.told.insert((what.clone(), line)) {
            return;
        }
        self.left_out.push(LeftOut { what, line: Some(line), why });
    }
}

/// What ssh would do for a host of that name, and what of it cannot be taken over.
fn host(name: &str, scopes: &[Scope], settings: &[Setting]) -> Result<(Host, Vec<LeftOut>), Why> {
    let mut holds: Vec<bool> = Vec::with_capacity(scopes.len());
    for scope in scopes {
        let around = scope.within.is_none_or(|within| holds[within]);
        holds.push(around && scope.patterns.hold(name));
    }
    let first = |key: &str| settings.iter().find(|setting| setting.key == key && holds[setting.scope]);
    let is_of_ajar = |proxy: &Setting| {
        let program = proxy.value.rsplit(['/', '\\']).next().unwrap_or_default();
        program.strip_suffix(".exe").unwrap_or(program) == "ajar"
    };
    if name.to_ascii_lowercase().ends_with(".ajar") || first("proxycommand").is_some_and(is_of_ajar) {
        return Err(Why::OfAjar);
    }
    let mut unfit = Vec::new();
    let mut fits = |key: &str, what: &str, fits: fn(&str) -> bool| {
        let setting = first(key)?;
        if fits(&setting.value) {
            return Some(setting.value.clone());
        }
        let (what, line) = (format!("{name}: {what}"), Some(setting.line));
        unfit.push(LeftOut { what, line, why: Why::Value(setting.value.clone()) });
        None
    };
    for (key, what) in [("proxycommand", "ProxyCommand"), ("proxyjump", "ProxyJump")] {
        // Ajar opens the way by itself; whoever came another one hears that.
        fits(key, what, |way| way.eq_ignore_ascii_case("none"));
    }
    let is_plain = |text: &str| !text.contains(['%', '$']);
    let address = first("hostname").map_or_else(|| name.to_owned(), |setting| expanded(&setting.value, name));
    let port = fits("port", "Port", |port| port.parse::<u16>().is_ok_and(|port| port > 0));
    let user = fits("user", "User", is_plain);
    let identity_file = fits("identityfile", "IdentityFile", is_plain);
    let host = Host {
        port: port.and_then(|port| port.parse().ok()).filter(|port| Some(*port) != Protocol::Ssh.default_port()),
        user: user.as_deref().and_then(filled),
        identity_file: identity_file.filter(|path| !path.eq_ignore_ascii_case("none")),
        ..Host::new(name.to_owned(), address, Protocol::Ssh)
    };
    Ok((host, unfit))
}

impl Patterns {
    /// Whether they hold for a host: one has to fit it, and none that begins with `!` may.
    fn hold(&self, name: &str) -> bool {
        let patterns = match self {
            Self::All => return true,
            Self::Nothing => return false,
            Self::Host(patterns) => patterns,
        };
        let fits = |pattern: &str| fits(pattern.as_bytes(), name.as_bytes());
        let is_kept_out = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(fits);
        !is_kept_out && patterns.iter().any(|pattern| !pattern.starts_with('!') && fits(pattern))
    }
}

/// Whether a pattern fits a text: `*` is anything, `?` one letter. It goes back only to the last `*`.
fn fits(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(letter) if *letter == b'?' || *letter == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|letter| *letter == b'*')
}

/// A host's real name, in which `%h` is the one that was given.
fn expanded(value: &str, name: &str) -> String {
    let parts: Vec<String> = value.split("%%").map(|part| part.replace("%h", name)).collect();
    parts.join("%")
}

/// The key of a line in lower case, and the words after it.
fn words(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    let end = line.find(|c: char| c.is_whitespace() || c == '=').unwrap_or(line.len());
    let (key, rest) = line.split_at(end);
    if key.is_empty() || key.starts_with('#') {
        return None;
    }
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    Some((key.trim_matches('"').to_ascii_lowercase(), split(rest)))
}

/// Words with spaces between them; those in quotes may have spaces in them. A `#` begins a comment.
fn split(text: &str) -> Vec<String> {
    let (mut words, mut letters) = (Vec::new(), text.chars().peekable());
    while let Some(first) = letters.find(|c| !c.is_whitespace()) {
        if first == '#' {
            break;
        }
        let (mut word, mut quote, mut next) = (String::new(), None, Some(first));
        while let Some(letter) = next {
            match (letter, quote) {
                ('"' | '\'', None) => quote = Some(letter),
                (letter, Some(open)) if letter == open => quote = None,
                ('\\', _) if letters.peek().is_some_and(|after| matches!(after, '"' | '\'' | '\\')) => {
                    word.extend(letters.next());
                }
                (letter, None) if letter.is_whitespace() => break,
                (letter, _) => word.push(letter),
            }
            next = letters.next();
        }
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> (Vec<Host>, Vec<LeftOut>) {
        let (entries, left_out) = read(text, &mut |_| None).unwrap();
        let host = |entry| match entry {
            Entry::Host(host) => host,
            Entry::Favourite { .. } => panic!("no host"),
        };
        (entries.into_iter().map(host).collect(), left_out)
    }

    #[test]
    fn the_first_value_counts_and_patterns_say_what_holds_for_others() {
        let (hosts, left_out) = hosts(
            "User early\n# Host no\nHost web-01 db-?? !x\n  HostName=10.0.0.4\n  Port 2222\n  HostName 10.0.0.5\n\
             Host web-02\n  hostname %h.contoso.com # where\n  IdentityFile \"~/my keys/id\"\nHost *\n  Port 2200\n  User late\n",
        );
        let user = Some("early".to_owned());
        let web_01 = Host { port: Some(2222), user, ..Host::new("web-01".into(), "10.0.0.4".into(), Protocol::Ssh) };
        assert_eq!(hosts[0], web_01);
        let (port, identity_file) = (Some(2200), Some("~/my keys/id".into()));
        let (label, address) = ("web-02".into(), "web-02.contoso.com".into());
        assert_eq!(hosts[1], Host { label, address, port, identity_file, ..web_01 });
        assert_eq!(left_out, [LeftOut { what: "Host db-??".into(), line: Some(3), why: Why::Pattern }]);
    }

    #[test]
    fn the_way_that_ssh_would_take_to_a_host_is_told_as_left_out() {
        let (found, left_out) =
            hosts("Host a b\n  ProxyJump bastion\nHost a\n  ProxyCommand nc %h %p\nHost c\n  ProxyJump none\n");
        assert_eq!(found.len(), 3);
        let told: Vec<_> = left_out.iter().map(|left| (left.what.as_str(), left.line)).collect();
        assert_eq!(told, [("a: ProxyCommand", Some(4)), ("a: ProxyJump", Some(2)), ("b: ProxyJump", Some(2))]);
    }

    #[test]
    fn what_ssh_would_run_or_expand_and_what_is_of_ajar_is_left_out_and_told() {
        let (hosts, left_out) = hosts(
            "Match exec \"touch /tmp/x\"\n  User evil\nMatch all\nHost a\n  User %u\n  IdentityFile ${KEY}\n  Port none\n\
             Host b b.ajar\n  ProxyCommand /usr/bin/ajar proxy b.ajar %p\nInclude more\n",
        );
        assert_eq!(hosts, [Host::new("a".into(), "a".into(), Protocol::Ssh)]);
        let told: Vec<_> = left_out.iter().map(|left| (left.what.as_str(), left.line)).collect();
        let expected = [
            ("Match exec touch /tmp/x", Some(1)),
            ("Include more", Some(10)),
            ("a: Port", Some(7)),
            ("a: User", Some(5)),
            ("a: IdentityFile", Some(6)),
            ("b", Some(8)),
            ("b.ajar", Some(8)),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_included_holds_where_it_is_included_and_a_circle_ends() {
        let mut asked = Vec::new();
        let mut includes = |pattern: &str| {
            asked.push(pattern.to_owned());
            match pattern {
                "inner" => Some(vec!["User inner\nHost b\n  Port 1\n".to_owned(), "HostName deep\n".to_owned()]),
                "circle" => Some(vec!["Include circle\n".to_owned()]),
                _ => None,
            }
        };
        let (entries, left_out) = read("Host a\n  Include inner\n  Port 2\nInclude circle\n", &mut includes).unwrap();
        let a =
            Host { port: Some(2), user: Some("inner".into()), ..Host::new("a".into(), "deep".into(), Protocol::Ssh) };
        // Within the block of another host nothing holds for this one.
        let b = Host::new("b".into(), "b".into(), Protocol::Ssh);
        assert_eq!(entries, [Entry::Host(a), Entry::Host(b)]);
        assert_eq!((left_out.len(), &left_out[0].why), (1, &Why::Include));
        assert_eq!(asked.iter().filter(|pattern| *pattern == "circle").count(), DEPTH);
    }

    #[test]
    fn what_is_left_out_of_a_file_that_includes_itself_is_told_once() {
        let text = "Host web\nMatch user me\nHost db-*\nInclude config\n";
        let (entries, left_out) = read(text, &mut |_| Some(vec![text.to_owned()])).unwrap();
        let told: Vec<_> = left_out.iter().map(|left| (left.what.as_str(), left.line)).collect();
        assert_eq!(told, [("Match user me", Some(2)), ("Host db-*", Some(3)), ("Include config", Some(4))]);
        assert_eq!(entries.len(), 1);
    }

    #[test]
    fn patterns_fit_as_those_of_ssh_do() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*.b.*", "x.b.b.y", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(fits(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn more_than_anybody_writes_is_refused() {
        let many: Vec<_> = (0..=MAX_ENTRIES).map(|number| format!("Host h{number}\n")).collect();
        assert_eq!(read(&many.concat(), &mut |_| None), Err(Problem::TooMany));
        let mut endless = |_: &str| Some(vec![format!("{}\nInclude x\n", "#".repeat(BYTES / 8))]);
        assert_eq!(read("Include x\n", &mut endless), Err(Problem::TooLong));
    }
}
