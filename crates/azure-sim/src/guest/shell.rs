//! The commands of the built-in guest: a shell just large enough to look around in.

use chrono::Utc;

/// The machine that a command runs on, and for whom.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) host: String,
    pub(crate) user: String,
}

/// What a command line wrote, and its exit status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: u32,
    /// The shell itself is to end.
    pub(crate) exit: bool,
}

impl Machine {
    /// What is shown at login.
    pub(crate) fn greeting(&self) -> String {
        format!("Welcome to {} (azure-sim)\n", self.host)
    }

    pub(crate) fn prompt(&self) -> String {
        format!("{}@{}:~$ ", self.user, self.host)
    }

    /// Runs one line: commands joined by `;` and `&&`. `last` is `$?`.
    pub(crate) fn run(&self, line: &str, last: u32) -> Output {
        let mut all = Output { status: last, ..Output::default() };
        let mut skip = false;
        for (command, joined_by_and) in split(line) {
            if !skip && !command.is_empty() {
                let one = self.command(&command, all.status);
                all.stdout += &one.stdout;
                all.stderr += &one.stderr;
                all.status = one.status;
                if one.exit {
                    all.exit = true;
                    return all;
                }
            }
            skip = joined_by_and && all.status != 0;
        }
        all
    }

    fn command(&self, command: &str, last: u32) -> Output {
        let words = words(command, last);
        let Some((name, arguments)) = words.split_first() else { return Output::default() };
        let first = arguments.first().map(String::as_str);
        match name.as_str() {
            "hostname" => said(format!("{}\n", self.host)),
            "whoami" => said(format!("{}\n", self.user)),
            "id" => said(format!("uid=1000({0}) gid=1000({0}) groups=1000({0})\n", self.user)),
            "uname" if first == Some("-a") => {
                said(format!("Linux {} 6.8.0-1015-azure #17-Ubuntu SMP x86_64 GNU/Linux\n", self.host))
            }
            "uname" => said("Linux\n".to_owned()),
            "echo" => said(format!("{}\n", arguments.join(" "))),
            "date" => said(Utc::now().format("%a %b %e %H:%M:%S UTC %Y\n").to_string()),
            "uptime" => {
                said(Utc::now().format(" %H:%M:%S up 3 min,  1 user,  load average: 0.00, 0.00, 0.00\n").to_string())
            }
            "pwd" => said(format!("/home/{}\n", self.user)),
            "cat" => self.cat(first),
            "env" => said(format!("HOME=/home/{0}\nPATH=/usr/bin:/bin\nSHELL=/bin/sh\nUSER={0}\n", self.user)),
            // The home folder is empty.
            "true" | ":" | "ls" => said(String::new()),
            "false" => Output { status: 1, ..Output::default() },
            "exit" | "logout" => {
                // As in sh: the low byte, and the last status without a number.
                let status = first.map_or(last, |number| number.parse::<u8>().map_or(2, u32::from));
                Output { status, exit: true, ..Output::default() }
            }
            unknown => failed(127, format!("sh: 1: {unknown}: command not found\n")),
        }
    }

    fn cat(&self, file: Option<&str>) -> Output {
        match file {
            Some("/etc/motd") => said(self.greeting()),
            Some("/etc/hostname") => said(format!("{}\n", self.host)),
            Some(other) => failed(1, format!("cat: {other}: No such file or directory\n")),
            None => said(String::new()),
        }
    }
}

fn said(stdout: String) -> Output {
    Output { stdout, ..Output::default() }
}

fn failed(status: u32, stderr: String) -> Output {
    Output { stderr, status, ..Output::default() }
}

/// Follows quotes through a line.
#[derive(Default)]
struct Quotes {
    open: Option<char>,
}

impl Quotes {
    /// Whether `c` is a quote that opens or closes here.
    fn turns_at(&mut self, c: char) -> bool {
        match self.open {
            Some(open) if open == c => self.open = None,
            None if c == '"' || c == '\'' => self.open = Some(c),
            Some(_) | None => return false,
        }
        true
    }
}

/// The commands of a line, each with whether `&&` (and not `;`) follows.
fn split(line: &str) -> Vec<(String, bool)> {
    let mut commands = Vec::new();
    let mut current = String::new();
    let mut quotes = Quotes::default();
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        let quote = quotes.turns_at(c);
        let and = c == '&' && characters.peek() == Some(&'&');
        if !quote && quotes.open.is_none() && (c == ';' || c == '\n' || and) {
            if and {
                characters.next();
            }
            commands.push((std::mem::take(&mut current).trim().to_owned(), and));
        } else {
            current.push(c);
        }
    }
    commands.push((current.trim().to_owned(), false));
    commands
}

/// Words of a command, quotes taken off and `$?` put in.
fn words(command: &str, last: u32) -> Vec<String> {
    let mut words = Vec::new();
    let mut current: Option<String> = None;
    let mut quotes = Quotes::default();
    for c in command.chars() {
        if quotes.turns_at(c) {
            current.get_or_insert_default();
        } else if c.is_whitespace() && quotes.open.is_none() {
            words.extend(current.take());
        } else {
            current.get_or_insert_default().push(c);
        }
    }
    words.extend(current);
    words.into_iter().map(|word| word.replace("$?", &last.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, stdout: &str, status: u32) {
        let machine = Machine { host: "web-01".to_owned(), user: "demo".to_owned() };
        let output = machine.run(line, 0);
        assert_eq!((output.stdout.as_str(), output.status), (stdout, status), "{line}: {}", output.stderr);
    }

    #[test]
    fn commands_answer_and_exit_as_in_a_real_shell() {
        check("hostname", "web-01\n", 0);
        check("echo 'a ; b'  \"c\" && hostname", "a ; b c\nweb-01\n", 0);
        check("false && echo no; echo $?", "1\n", 0);
        check("false; echo yes", "yes\n", 0);
        check("exit 3; echo never", "", 3);
        check("nonsense", "", 127);
        check("false\ntrue", "", 0);
        check("", "", 0);
    }
}
