//! Files of teams, and the copies that are kept of them. These may be lost.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ajar_core::account::Defaults;
use ajar_core::exchange::{self, Entry, Format, Sharing, written};
use ajar_core::failure::Trouble;
use ajar_core::message::exchange as words;
use ajar_core::settings::{Favourite, Settings};
use ajar_core::team::{MAX_TEAM_BYTES, Team, TeamFile, TeamName, TeamPlace, TeamProblem, of_teams};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::{Folder, SettingsFile, StateFile, create_private};
use crate::ports::Validators;

/// What is written into a file that means something else is not understood by half.
const VERSION: u32 = 1;

/// Who writes a file in place has gone on, or is done, after this long.
const REST: Duration = Duration::from_millis(300);

/// So often a file is looked at that does not rest.
const LOOKS: usize = 10;

/// What was read of a team's file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TeamCopy {
    /// When.
    pub(crate) read_at: DateTime<Utc>,
    /// What can be favourites.
    pub(crate) entries: Vec<Entry>,
    /// What nobody would take in, in words.
    pub(crate) left_out: Vec<String>,
}

/// What is kept of a team.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeptTeam {
    /// When its file was last asked for.
    pub(crate) asked_at: DateTime<Utc>,
    /// What came of that, if that was no file of favourites.
    pub(crate) problem: Option<TeamProblem>,
    /// What tells the file that was read from another one, for who serves it.
    pub(crate) validators: Validators,
    /// What was read of it last.
    pub(crate) copy: Option<TeamCopy>,
}

/// The content of a file of ours. Of the team's there is what was understood: secrets that stood in it are not kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    version: u32,
    /// Tells the place of the team's file from another one, without naming it: an address may be as good as a password.
    place: String,
    asked_at: DateTime<Utc>,
    problem: Option<TeamProblem>,
    validators: Validators,
    copy: Option<CopyContent>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CopyContent {
    read_at: DateTime<Utc>,
    /// As it would be exported.
    favourites: String,
    left_out: Vec<String>,
}

/// The folder of the copies.
#[derive(Clone, Debug)]
pub(crate) struct TeamFiles {
    folder: PathBuf,
}

impl TeamFiles {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, team: &TeamName) -> PathBuf {
        self.folder.join(format!("team-{}.json", team.key()))
    }

    /// What is kept of a team whose file is where it was then. Unreadable content counts as none.
    pub(crate) fn read(&self, team: &Team) -> Option<KeptTeam> {
        let content: Content = serde_json::from_slice(&fs::read(self.path(&team.name)).ok()?).ok()?;
        let is_its_own = content.version == VERSION && content.place == fingerprint(&team.from);
        let copy = content.copy.map(|copy| {
            let (entries, _) = understood(copy.favourites.as_bytes()).ok()?;
            Some(TeamCopy { read_at: copy.read_at, entries, left_out: copy.left_out })
        });
        // A copy that is there is understood, or all of it is read anew.
        let copy = copy.map_or(Some(None), |copy| copy.map(Some))?;
        let Content { asked_at, problem, validators, .. } = content;
        is_its_own.then_some(KeptTeam { asked_at, problem, validators, copy })
    }

    /// Keeps what was read of a team.
    ///
    /// # Errors
    /// Those of the file system; what was there before then still is.
    pub(crate) fn write(&self, team: &Team, kept: &KeptTeam) -> io::Result<()> {
        let favourite = |entry: &Entry| match entry {
            Entry::Favourite { name, profile } => Some(Favourite { name: name.clone(), profile: (**profile).clone() }),
            Entry::Host(_) => None,
        };
        let copy = kept.copy.as_ref().map(|copy| CopyContent {
            read_at: copy.read_at,
            favourites: written(&copy.entries.iter().filter_map(favourite).collect::<Vec<_>>(), Sharing::Personal),
            left_out: copy.left_out.clone(),
        });
        let content = Content {
            version: VERSION,
            place: fingerprint(&team.from),
            asked_at: kept.asked_at,
            problem: kept.problem.clone(),
            validators: kept.validators.clone(),
            copy,
        };
        create_private(&self.folder)?;
        write_atomically(&self.path(&team.name), &serde_json::to_vec(&content)?)
    }

    /// Removes what is kept of all other teams. That it cannot be keeps nobody from anything.
    pub(crate) fn keep_only(&self, teams: &[Team]) {
        let kept: Vec<PathBuf> = teams.iter().map(|team| self.path(&team.name)).collect();
        for file in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let is_a_teams = file.file_name().to_str().is_some_and(|name| name.starts_with("team-"));
            if is_a_teams && !kept.contains(&file.path()) {
                drop(fs::remove_file(file.path()));
            }
        }
    }
}

fn fingerprint(place: &TeamPlace) -> String {
    STANDARD_NO_PAD.encode(digest(&SHA256, String::from(place.clone()).as_bytes()))
}

/// What a team's file says: what can be favourites, and what nobody would take in, in words.
pub(crate) fn understood(bytes: &[u8]) -> Result<(Vec<Entry>, Vec<String>), TeamProblem> {
    if bytes.len() > MAX_TEAM_BYTES {
        return Err(TeamProblem::TooLong);
    }
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if text.trim_ascii_start().starts_with(b"<") {
        return Err(TeamProblem::WebPage);
    }
    let read = exchange::read(bytes, "", Some(Format::Ajar), &mut |_| None).map_err(TeamProblem::Unfit)?;
    Ok((read.entries, words::left_out(&read.left_out, |_| None)))
}

/// What a team's file says that has a path, when nobody writes it: it may be written in place, and its beginning alone is a file
/// of favourites, too. One that never rests is taken as it is then. This may take as long as a share does that does not
/// answer.
pub(crate) fn read_at_rest(path: &Path) -> Result<Vec<u8>, TeamProblem> {
    let mut before = None;
    for _ in 0..LOOKS {
        let read = read_path(path);
        // Nobody is writing what is no file; whoever puts one there is heard of.
        if matches!(read, Err(TeamProblem::Missing | TeamProblem::NoFile)) {
            return read;
        }
        // By the clock of a share it may be of a time to come.
        let changed = fs::metadata(path).and_then(|file| file.modified());
        let rests = changed.is_ok_and(|at| at.elapsed().is_ok_and(|since| since >= REST));
        if rests || before.as_ref() == Some(&read) {
            return read;
        }
        before = Some(read);
        std::thread::sleep(REST);
    }
    before.unwrap_or(Err(TeamProblem::Silent))
}

/// What a file says now, a little more than is taken of any.
fn read_path(path: &Path) -> Result<Vec<u8>, TeamProblem> {
    let broken = |error: &io::Error| {
        let is_missing = matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory);
        if is_missing { TeamProblem::Missing } else { TeamProblem::Unreadable(error.to_string()) }
    };
    // Nothing that waits for somebody who writes.
    if !fs::metadata(path).map_err(|error| broken(&error))?.is_file() {
        return Err(TeamProblem::NoFile);
    }
    let limit = u64::try_from(MAX_TEAM_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| broken(&error))?;
    file.take(limit).read_to_end(&mut bytes).map_err(|error| broken(&error))?;
    Ok(bytes)
}

/// What a user has set, with the favourites of teams as their files were last read, and what is known to run on VMs.
///
/// # Errors
/// Those of [`SettingsFile::read`].
pub fn settings_with_teams(folder: &Folder, defaults: &Defaults) -> Result<Settings, Trouble> {
    let mut settings = SettingsFile::of(folder).in_force()?;
    settings.inheritance.systems = StateFile::new(folder.state()).read().systems();
    let files = TeamFiles::new(folder.teams());
    let kept: Vec<_> = settings.teams.iter().filter_map(|team| Some((&team.name, files.read(team)?.copy?))).collect();
    let read = kept.iter().map(|(team, copy)| TeamFile { team, entries: &copy.entries });
    let (favourites, _) = of_teams(read, &settings, defaults);
    Ok(settings.with_teams(favourites))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"ajar_export = 1\npassword = \"hunter2\"\n[profiles.web]\nvm = \"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v\"\nnote = \"a \\\"b\\\"\"\naccount = \"x\"\n";

    fn team(name: &str, from: &str) -> Team {
        Team { name: name.parse().unwrap(), from: from.parse().unwrap() }
    }

    fn kept() -> KeptTeam {
        let now = "2026-11-29T10:00:00Z".parse().unwrap();
        let (entries, left_out) = understood(FILE).unwrap();
        let validators = Validators { etag: Some("\"1\"".into()), last_modified: None };
        let problem = Some(TeamProblem::Status(503));
        KeptTeam { asked_at: now, problem, validators, copy: Some(TeamCopy { read_at: now, entries, left_out }) }
    }

    #[test]
    fn what_was_read_is_kept_for_the_same_place_without_naming_it_and_without_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let files = TeamFiles::new(folder.path().join("teams"));
        let ops = team("ops", "https://x.example/t.toml?sig=hunter2");
        assert_eq!(files.read(&ops), None);
        files.write(&ops, &kept()).unwrap();
        assert_eq!(files.read(&team("OPS", "https://x.example/t.toml?sig=hunter2")), Some(kept()));
        assert_eq!(files.read(&team("ops", "https://x.example/t.toml?sig=other")), None, "another place");
        let path = folder.path().join("teams/team-ops.json");
        let written = fs::read_to_string(&path).unwrap();
        assert!(!written.contains("hunter2") && !written.contains("x.example"), "{written}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&path, "{").unwrap();
        assert_eq!(files.read(&ops), None);
        files.keep_only(&[]);
        assert!(!path.exists());
    }

    #[test]
    fn what_is_no_file_of_favourites_is_told_from_one() {
        assert_eq!(understood(b"\xef\xbb\xbf \n<!DOCTYPE html>"), Err(TeamProblem::WebPage));
        assert_eq!(understood(&vec![b'#'; MAX_TEAM_BYTES + 1]), Err(TeamProblem::TooLong));
        for unfit in [&b"{\"a\": 1}"[..], b"a = 1\n", b"\xff\xfe\x00", b"", b"ajar_export = 9\n"] {
            assert!(matches!(understood(unfit), Err(TeamProblem::Unfit(_))), "{unfit:?}");
        }
        let (entries, left_out) = understood(FILE).unwrap();
        assert_eq!((entries.len(), left_out.len()), (1, 1));
        assert!(!left_out[0].contains("hunter2"), "{left_out:?}");
    }

    #[test]
    fn what_is_being_written_is_not_taken_for_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        let (begun, rest) = FILE.split_at(FILE.len() / 2);
        fs::write(&path, begun).unwrap();
        let (first_look, looked) = std::sync::mpsc::channel();
        let reader = {
            let path = path.clone();
            std::thread::spawn(move || {
                first_look.send(()).unwrap();
                read_at_rest(&path)
            })
        };
        looked.recv().unwrap();
        std::io::Write::write_all(&mut File::options().append(true).open(&path).unwrap(), rest).unwrap();
        assert_eq!(reader.join().unwrap().as_deref(), Ok(FILE));
    }

    #[test]
    fn a_path_leads_to_a_file_or_it_is_told_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.toml");
        let began = std::time::Instant::now();
        assert_eq!(read_at_rest(&path), Err(TeamProblem::Missing));
        assert!(began.elapsed() < REST, "it is looked for once");
        assert_eq!(read_path(folder.path()), Err(TeamProblem::NoFile));
        fs::write(&path, FILE).unwrap();
        assert_eq!(read_path(&path).as_deref(), Ok(FILE));
        assert_eq!(read_path(&path.join("x")), Err(TeamProblem::Missing));
        let old = std::time::SystemTime::now() - Duration::from_mins(1);
        File::options().append(true).open(&path).unwrap().set_modified(old).unwrap();
        assert_eq!(read_at_rest(&path).as_deref(), Ok(FILE));
        #[cfg(target_os = "linux")]
        assert_eq!(read_path(Path::new("/dev/zero")), Err(TeamProblem::NoFile));
    }
}
