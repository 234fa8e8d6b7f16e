//! A line editor for a shell with a terminal: echo, backspace, Ctrl-C, Ctrl-D, Enter.

use crate::guest::shell::Machine;

/// What to send back after some input, and whether the shell ended with which status.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Reaction {
    pub(crate) output: String,
    pub(crate) exit: Option<u32>,
}

/// As long as a line of a terminal becomes, in bytes.
const LONGEST_LINE: usize = 4096;

/// One interactive shell.
#[derive(Debug)]
pub(crate) struct Terminal {
    machine: Machine,
    line: Vec<u8>,
    status: u32,
    /// Inside an escape sequence such as an arrow key.
    escape: bool,
    after_return: bool,
}

impl Terminal {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, line: Vec::new(), status: 0, escape: false, after_return: false }
    }

    /// Greeting and first prompt.
    pub(crate) fn start(&self) -> String {
        format!("{}{}", self.machine.greeting().replace('\n', "\r\n"), self.machine.prompt())
    }

    /// Takes what was typed.
    pub(crate) fn typed(&mut self, input: &[u8]) -> Reaction {
        let mut reaction = Reaction::default();
        for byte in input {
            self.key(*byte, &mut reaction);
            if reaction.exit.is_some() {
                break;
            }
        }
        reaction
    }

    fn key(&mut self, byte: u8, reaction: &mut Reaction) {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        if self.escape {
            self.escape = !(byte.is_ascii_alphabetic() || byte == b'~');
            return;
        }
        match byte {
            0x1b => self.escape = true,
            b'\n' if after_return => {}
            b'\r' | b'\n' => self.enter(reaction),
            0x7f | 0x08 => self.backspace(reaction),
            // Ctrl-C
            0x03 => {
                self.line.clear();
                self.status = 130;
                reaction.output += "^C\r\n";
                reaction.output += &self.machine.prompt();
            }
            // Ctrl-D
            0x04 if self.line.is_empty() => {
                reaction.output += "logout\r\n";
                reaction.exit = Some(self.status);
            }
            // Ctrl-U
            0x15 => {
                while !self.line.is_empty() {
                    self.backspace(reaction);
                }
            }
            // The bell: the line is full.
            0x20.. if self.line.len() == LONGEST_LINE => reaction.output.push('\u{7}'),
            0x20.. => {
                self.line.push(byte);
                self.echo(reaction);
            }
            _ => {}
        }
    }

    /// Echoes the last character once all its bytes are there.
    fn echo(&self, reaction: &mut Reaction) {
        let start = self.line.iter().rposition(|byte| byte & 0xc0 != 0x80).unwrap_or(0);
        if let Ok(character) = std::str::from_utf8(&self.line[start..]) {
            reaction.output += character;
        }
    }

    fn backspace(&mut self, reaction: &mut Reaction) {
        if let Some(start) = self.line.iter().rposition(|byte| byte & 0xc0 != 0x80) {
            self.line.truncate(start);
            reaction.output += "\u{8} \u{8}";
        }
    }

    fn enter(&mut self, reaction: &mut Reaction) {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        reaction.output += "\r\n";
        let output = self.machine.run(&line, self.status);
        self.status = output.status;
        reaction.output += &(output.stdout + &output.stderr).replace('\n', "\r\n");
        if output.exit {
            reaction.exit = Some(output.status);
        } else {
            reaction.output += &self.machine.prompt();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terminal() -> Terminal {
        Terminal::new(Machine { host: "web-01".to_owned(), user: "demo".to_owned() })
    }

    #[test]
    fn a_typed_command_is_echoed_corrected_and_run() {
        let reaction = terminal().typed(b"hostnamx\x7fe\r");
        assert_eq!(reaction.output, "hostnamx\u{8} \u{8}e\r\nweb-01\r\ndemo@web-01:~$ ");
        assert_eq!(reaction.exit, None);
    }

    #[test]
    fn control_c_drops_the_line_and_control_d_ends_the_shell() {
        let mut terminal = terminal();
        assert_eq!(terminal.typed(b"rm\x03").output, "rm^C\r\ndemo@web-01:~$ ");
        assert_eq!(terminal.typed(b"\x04").exit, Some(130));
    }

    #[test]
    fn a_line_that_never_ends_stays_as_long_as_a_terminal_has_it() {
        let mut terminal = terminal();
        let echoed = terminal.typed(&vec![b'x'; 10_000]).output;
        assert_eq!((echoed.matches('x').count(), echoed.matches('\u{7}').count()), (4096, 5904));
        assert!(terminal.typed(b"\x15whoami\r").output.ends_with("whoami\r\ndemo\r\ndemo@web-01:~$ "));
    }

    #[test]
    fn arrow_keys_and_characters_of_several_bytes_do_no_harm() {
        let mut terminal = terminal();
        let reaction = terminal.typed("echo \u{1b}[Aé".as_bytes());
        assert_eq!(reaction.output, "echo é");
        assert_eq!(terminal.typed(b"\x7f").output, "\u{8} \u{8}");
    }
}
