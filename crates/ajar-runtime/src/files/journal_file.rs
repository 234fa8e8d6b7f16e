//! `journal.jsonl`: what was opened, a line each, the newest last.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use ajar_core::failure::{Failure, Trouble};
use ajar_core::journal::{Format, Opening, note_lately};
use serde::Serialize;
use serde_json::Value;

use super::atomic::{while_locked, write_atomically};

/// When the file is larger, its older half goes: some ten thousand openings are kept.
const LARGEST: u64 = 8 << 20;

/// As much of its end is read to know what was opened lately: some two hundred openings.
const LATELY: u64 = 64 << 10;

/// The file. Anybody of this user may read it at any time; the engine's host adds to it.
#[derive(Clone, Debug)]
pub struct JournalFile {
    path: PathBuf,
}

/// What the file says.
#[derive(Debug, Default)]
pub struct Journal {
    /// The openings, the oldest first.
    pub openings: Vec<Opening>,
    /// How many lines are none, or are of a newer Ajar.
    pub unreadable: usize,
}

impl JournalFile {
    /// The file at `path`, which need not exist.
    pub fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Adds an opening, readable by its user alone.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn add(&self, opening: &Opening) -> io::Result<()> {
        let mut line = serde_json::to_vec(opening)?;
        line.push(b'\n');
        while_locked(&self.path, || {
            if fs::metadata(&self.path).is_ok_and(|file| file.len() > LARGEST) {
                self.halve()?;
            }
            if self.is_torn()? {
                line.insert(0, b'\n');
            }
            // In one piece: who reads meanwhile sees the line or does not.
            appending(&self.path)?.write_all(&line)
        })
    }

    /// Whether the last line was not written to its end.
    fn is_torn(&self) -> io::Result<bool> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        if file.seek(SeekFrom::End(0))? == 0 {
            return Ok(false);
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        Ok(last != *b"\n")
    }

    fn halve(&self) -> io::Result<()> {
        let text = fs::read(&self.path)?;
        let half = &text[text.len() / 2..];
        let begins = half.iter().position(|byte| *byte == b'\n').map_or(half.len(), |end| end + 1);
        write_atomically(&self.path, &half[begins..])
    }

    /// What was opened lately, the newest first; as far as the end of the file tells, which is read alone.
    pub fn lately(&self) -> Vec<Opening> {
        let text = self.end().unwrap_or_else(|error| {
            tracing::warn!(%error, "what was opened lately is not known");
            Vec::new()
        });
        let mut lately = Vec::new();
        // The first may have lost its beginning.
        let openings = text.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok());
        openings.for_each(|opening| note_lately(&mut lately, opening));
        lately
    }

    fn end(&self) -> io::Result<Vec<u8>> {
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(LATELY)))?;
        let mut text = Vec::new();
        file.take(LATELY).read_to_end(&mut text)?;
        Ok(text)
    }

    /// What it says; nothing if it is not there.
    ///
    /// # Errors
    /// That it cannot be read.
    pub fn read(&self) -> Result<Journal, Trouble> {
        let told =
            |error: io::Error| Failure::Settings { path: self.path.display().to_string(), detail: error.to_string() };
        Ok(self.lines().map_err(told)?)
    }

    fn lines(&self) -> io::Result<Journal> {
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Journal::default()),
            Err(error) => return Err(error),
        };
        let mut journal = Journal::default();
        for line in BufReader::new(file).split(b'\n') {
            match serde_json::from_slice(&line?) {
                Ok(opening) => journal.openings.push(opening),
                Err(error) => {
                    tracing::debug!(%error, "a line of the journal cannot be read");
                    journal.unreadable += 1;
                }
            }
        }
        Ok(journal)
    }
}

/// Rows as another program reads them, with a line break at the end. `members` are theirs, in their order.
///
/// # Errors
/// None that is known: what is written to memory is plain data.
pub fn exported<T: Serialize>(all: &[T], members: &[&str], format: Format) -> io::Result<String> {
    match format {
        Format::Csv => {
            let mut rows = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
            rows.write_record(members).map_err(io::Error::other)?;
            for one in all {
                let row = serde_json::to_value(one)?;
                rows.write_record(members.iter().map(|member| cell(&row[member]))).map_err(io::Error::other)?;
            }
            let bytes = rows.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
            String::from_utf8(bytes).map_err(io::Error::other)
        }
        Format::Json => Ok(serde_json::to_string(all)? + "\n"),
    }
}

/// A value as a cell that a spreadsheet takes for text: what begins as a formula does has a quote before it, which is not shown
/// there, and nothing a terminal would obey is in it. Others write what stands in a journal and in Azure's log.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => {
            let plain: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
            if plain.starts_with(['=', '+', '-', '@']) { format!("'{plain}") } else { plain }
        }
        value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => value.to_string(),
    }
}

fn appending(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.create(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(reason: &str) -> Opening {
        let text = serde_json::json!({
            "at": "2026-11-24T17:00:00Z", "name": "web-01", "port": 22, "protocol": "ssh", "result": "connected",
            "vm": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v",
            "reason": reason, "requested": true, "started": false, "elapsedMs": 4200,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn no_cell_is_a_formula_or_has_what_a_terminal_obeys() {
        let hostile = [opening("=HYPERLINK(\"http://x\")"), opening("\u{1b}]0;x\u{7}ticket 7,\nurgent")];
        let csv = exported(&hostile, &Opening::MEMBERS, Format::Csv).unwrap();
        assert!(csv.contains("\"'=HYPERLINK(") && csv.contains("\" ]0;x ticket 7,\nurgent\""), "{csv}");
        assert_eq!(csv.chars().filter(|c| c.is_control() && *c != '\n').count(), 0);
    }

    #[test]
    fn what_is_added_is_read_again_and_a_torn_line_loses_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = JournalFile::new(folder.path().join("journal.jsonl"));
        assert!(file.read().unwrap().openings.is_empty());
        file.add(&opening("one\nline")).unwrap();
        appending(file.path()).unwrap().write_all(b"{\"at\":\n\xff").unwrap();
        file.add(&opening("two")).unwrap();
        let journal = file.read().unwrap();
        assert_eq!(journal.openings, [opening("one\nline"), opening("two")]);
        assert_eq!(journal.unreadable, 2);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(file.path()).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_has_grown_large_loses_its_older_half_by_whole_lines() {
        let folder = tempfile::tempdir().unwrap();
        let file = JournalFile::new(folder.path().join("journal.jsonl"));
        let mut line = serde_json::to_vec(&opening(&"x".repeat(1000))).unwrap();
        line.push(b'\n');
        let lines = usize::try_from(LARGEST).unwrap() / line.len() + 1;
        fs::write(file.path(), line.repeat(lines)).unwrap();
        file.add(&opening("new")).unwrap();
        let journal = file.read().unwrap();
        assert_eq!(journal.unreadable, 0);
        assert!((lines / 2 - 1..=lines / 2 + 2).contains(&journal.openings.len()), "{}", journal.openings.len());
        assert_eq!(journal.openings.last(), Some(&opening("new")));
        // Of its end, too, which begins within a line.
        assert_eq!(file.lately(), [opening("new")]);
    }
}
