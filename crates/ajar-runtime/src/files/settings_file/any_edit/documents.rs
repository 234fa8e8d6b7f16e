//! Settings as people write them.

use super::super::written::VM;

/// Random choices, of which the first is taken where there are no more.
pub(super) struct Choices {
    left: std::vec::IntoIter<u8>,
}

impl Choices {
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { left: bytes.into_iter() }
    }

    pub(super) fn one_of(&mut self, many: usize) -> usize {
        usize::from(self.left.next().unwrap_or(0)) % many
    }
}

/// A text, and what each of its comments is about.
pub(super) struct Document {
    pub(super) text: String,
    owners: Vec<Vec<String>>,
}

impl Document {
    /// What a comment is about: the keys of that. None where it is about nothing in particular.
    pub(super) fn owner(&self, id: usize) -> &[String] {
        &self.owners[id]
    }

    /// Whether a comment may be gone with what was removed under these keys, whatever that was called first.
    pub(super) fn is_within(owner: &[String], path: &[String]) -> bool {
        let renamed = |(place, (own, gone)): (usize, (&String, &String))| {
            let is_name = place == 1 && path[0] == "profiles" && !NAMES.contains(&gone.as_str());
            own == gone || is_name || (place == 1 && path[0] == "folders")
        };
        owner.len() >= path.len() && owner.iter().zip(path).enumerate().all(renamed)
    }

    pub(super) fn written(choices: &mut Choices) -> Self {
        let mut pen = Pen { choices, text: String::new(), owners: Vec::new() };
        pen.whole();
        let Pen { text, owners, .. } = pen;
        let crlf = choices_end(&text);
        Self { text: if crlf { text.replace('\n', "\r\n") } else { text }, owners }
    }
}

/// Whether the lines of a text end as in Windows: of some of the texts they do.
fn choices_end(text: &str) -> bool {
    text.len().is_multiple_of(3)
}

pub(super) const NAMES: [&str; 4] = ["web", "db.1", "Cache", "x-1"];

/// What a favourite, or a table, says: keys with what is written behind them, unless that is a list.
type Says = Vec<(&'static str, Written)>;

type SaidAs = fn() -> Written;

enum Written {
    Plain(&'static str),
    List(&'static [&'static str]),
}

struct Pen<'c> {
    choices: &'c mut Choices,
    text: String,
    owners: Vec<Vec<String>>,
}

impl Pen<'_> {
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn comment(&mut self, owner: &[&str]) -> String {
        self.owners.push(owner.iter().map(ToString::to_string).collect());
        format!("#c{};", self.owners.len() - 1)
    }

    /// Comments on lines of their own, or none.
    fn above(&mut self, owner: &[&str]) {
        for _ in 0..self.choices.one_of(5).saturating_sub(2) {
            let comment = self.comment(owner);
            let space = ["", "  "][self.choices.one_of(2)];
            self.put(&format!("{space}{comment}\n"));
        }
    }

    /// A comment parted from what follows, or an empty line.
    fn apart(&mut self, owner: &[&str]) {
        if self.choices.one_of(4) == 3 {
            let comment = self.comment(owner);
            self.put(&format!("\n{comment}\n\n"));
        } else if self.choices.one_of(3) == 2 {
            self.put("\n");
        }
    }

    /// What ends a line.
    fn behind(&mut self, owner: &[&str]) {
        if self.choices.one_of(3) == 2 {
            let comment = self.comment(owner);
            self.put(&format!(" {comment}"));
        }
        self.put("\n");
    }

    fn equals(&mut self) -> &'static str {
        [" = ", "=", "  =   "][self.choices.one_of(3)]
    }

    fn value(&mut self, written: &Written, owner: &[&str], may_break: bool) {
        let items = match written {
            Written::Plain(text) => return self.put(text),
            Written::List(items) => items,
        };
        if !may_break || self.choices.one_of(2) == 0 {
            return self.put(&format!("[{}]", items.join(", ")));
        }
        self.put("[");
        self.behind(owner);
        for (place, item) in items.iter().enumerate() {
            self.above(owner);
            self.put(&format!("  {item}"));
            if place + 1 < items.len() || self.choices.one_of(2) == 0 {
                self.put(",");
            }
            self.behind(owner);
        }
        self.above(owner);
        self.put("]");
    }

    fn lines(&mut self, prefix: &str, path: &[&str], says: &Says) {
        for (key, written) in says {
            let owner = [path, &[*key]].concat();
            // What stands within a table is about it.
            self.apart(path);
            self.above(&owner);
            let equals = self.equals();
            self.put(&format!("{prefix}{key}{equals}"));
            self.value(written, &owner, true);
            self.behind(&owner);
        }
    }

    fn in_braces(&mut self, path: &[&str], says: &Says) {
        self.put("{ ");
        for (place, (key, written)) in says.iter().enumerate() {
            let equals = self.equals();
            self.put(&format!("{}{key}{equals}", if place > 0 { ", " } else { "" }));
            let written = match written {
                Written::Plain(text) if text.contains('\n') => &Written::Plain("'one'"),
                Written::Plain(_) | Written::List(_) => written,
            };
            self.value(written, &[path, &[*key]].concat(), false);
        }
        self.put(" }");
    }

    fn favourite(&mut self) -> Says {
        let vm = if self.choices.one_of(2) == 0 { format!("\"{VM}\"") } else { format!("'{VM}'") };
        let mut says: Says = vec![("vm", Written::Plain(String::leak(vm)))];
        let more: [(&'static str, SaidAs); 7] = [
            ("user", || Written::Plain("'me'")),
            ("port", || Written::Plain("2_200")),
            ("note", || Written::Plain("\"\"\"\n# no comment\n]\"\"\"")),
            ("forwards", || Written::List(&["\"D 1080\"", "'D 1081'"])),
            ("client_arguments", || Written::List(&["'a'", "\"b\"", "\"#\""])),
            ("later", || Written::Plain("{ a = [1, 2] }")),
            ("later.b", || Written::List(&["1"])),
        ];
        for (key, written) in more {
            if self.choices.one_of(3) == 2 && !(key == "later.b" && says.iter().any(|(key, _)| *key == "later")) {
                let place = self.choices.one_of(says.len() + 1);
                says.insert(place, (key, written()));
            }
        }
        says
    }

    fn key(&mut self, name: &str) -> String {
        if name.contains('.') || self.choices.one_of(4) == 3 { format!("\"{name}\"") } else { name.to_owned() }
    }

    fn favourites(&mut self, style: usize) {
        let number = self.choices.one_of(NAMES.len() + 1);
        let names: Vec<&str> = NAMES.iter().take(number).copied().collect();
        let all: Vec<(&str, String, Says)> =
            names.iter().map(|name| (*name, self.key(name), self.favourite())).collect();
        let in_heads = |pen: &mut Self, all: &[(&str, String, Says)]| {
            for (name, key, says) in all {
                let path = ["profiles", *name];
                pen.apart(&[]);
                pen.above(&path);
                pen.put(&format!("[profiles.{key}]"));
                pen.behind(&path);
                pen.lines("", &path, says);
                if pen.choices.one_of(4) == 3 {
                    pen.put(&format!("[profiles.{key}.later_on]"));
                    pen.behind(&path);
                    pen.lines("", &path, &vec![("later", Written::Plain("true"))]);
                }
            }
        };
        let in_lines = |pen: &mut Self, prefix: &str, all: &[(&str, String, Says)]| {
            for (name, key, says) in all {
                let path = ["profiles", *name];
                pen.apart(&[]);
                if pen.choices.one_of(2) == 0 {
                    pen.above(&path);
                    pen.put(&format!("{prefix}{key} = "));
                    pen.in_braces(&path, says);
                    pen.behind(&path);
                } else {
                    pen.lines(&format!("{prefix}{key}."), &path, says);
                }
            }
        };
        match style {
            0 => in_heads(self, &all),
            1 => in_lines(self, "profiles.", &all),
            2 => {
                self.above(&[]);
                self.put("[profiles]");
                self.behind(&[]);
                in_lines(self, "", &all);
            }
            3 => {
                let middle = all.len() / 2;
                self.put("[profiles]");
                self.behind(&[]);
                in_lines(self, "", &all[..middle]);
                self.other_tables();
                in_heads(self, &all[middle..]);
            }
            4 => {
                self.above(&[]);
                self.put("profiles = { ");
                for (place, (name, key, says)) in all.iter().enumerate() {
                    self.put(&format!("{}{key} = ", if place > 0 { ", " } else { "" }));
                    self.in_braces(&["profiles", name], says);
                }
                self.put(" }");
                self.behind(&[]);
            }
            _ => {
                self.put("profiles = {");
                self.behind(&[]);
                for (name, key, says) in &all {
                    self.above(&["profiles", name]);
                    self.put(&format!("  {key} = "));
                    self.in_braces(&["profiles", name], says);
                    self.put(",");
                    self.behind(&["profiles", name]);
                }
                self.above(&[]);
                self.put("}");
                self.behind(&[]);
            }
        }
    }

    /// Keys that stand above all tables.
    fn head(&mut self) {
        self.above(&["head"]);
        self.apart(&[]);
        let says: [(&'static str, &'static str); 5] = [
            ("schema_version", "2"),
            ("cloud", "'usgov'"),
            ("later", "\"kept\""),
            ("account", "\"work\""),
            ("sign_in.client_id", "'0d5e1b7c-52aa-4f1e-8c3d-7e9f00112234'"),
        ];
        for (key, written) in says {
            if self.choices.one_of(2) == 1 {
                let path: Vec<&str> = key.split('.').collect();
                self.apart(&[]);
                self.above(&path);
                let equals = self.equals();
                self.put(&format!("{key}{equals}{written}"));
                self.behind(&path);
            }
        }
    }

    fn table(&mut self, path: &[&str], says: &Says) {
        let keys: Vec<_> = path
            .iter()
            .map(|name| if name.contains('/') { format!("\"{name}\"") } else { (*name).to_owned() })
            .collect();
        self.apart(&[]);
        self.above(path);
        self.put(&format!("[{}]", keys.join(".")));
        self.behind(path);
        self.lines("", path, says);
    }

    fn other_tables(&mut self) {
        let list = Written::List;
        let all: [(&[&str], Says); 6] = [
            (
                &["clients"],
                vec![
                    ("ssh", Written::Plain("'x'")),
                    ("terminal", list(&["'a'", "\"b\"", "'c'"])),
                    ("later", Written::Plain("1")),
                ],
            ),
            (&["defaults"], vec![("user", Written::Plain("'root'")), ("client_arguments", list(&["'x y'"]))]),
            (&["folders", "Team"], vec![("start", Written::Plain("false")), ("later", Written::Plain("1"))]),
            (
                &["networks"],
                vec![("office", Written::Plain("'203.0.113.7'")), ("Home", Written::Plain("\"203.0.113.8\""))],
            ),
            (&["teams", "ops"], vec![("from", Written::Plain("'/mnt/x'")), ("later", Written::Plain("1"))]),
            (
                &["accounts", "work"],
                vec![
                    ("sign_in", Written::Plain("'browser'")),
                    ("tenant", Written::Plain("'t'")),
                    ("later", Written::Plain("1")),
                ],
            ),
        ];
        for (path, says) in all {
            let is_new = !self.text.contains(&format!("[{}", path.join(".")));
            if self.choices.one_of(2) == 1 && is_new {
                self.table(path, &says);
            }
        }
    }

    fn whole(&mut self) {
        let style = self.choices.one_of(6);
        let is_above = [1, 4, 5].contains(&style);
        self.head();
        if is_above {
            self.favourites(style);
        }
        self.other_tables();
        if !is_above {
            self.favourites(style);
        }
        self.other_tables();
        self.apart(&[]);
        if self.choices.one_of(3) == 2 {
            let comment = self.comment(&[]);
            self.put(&format!("\n{comment}\n"));
        }
    }
}
