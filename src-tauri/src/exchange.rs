//! Favourites that come in files, and go in one, by the window. The system's dialogs, or whoever drops files, say which: the
//! web view names no file, and sees none.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ajar_core::exchange::gathering::Gathered;
use ajar_core::exchange::plan::{self, OnConflict, Row};
use ajar_core::exchange::view::{ImportChoice, ImportRow, ImportView, ImportedView};
use ajar_core::exchange::{Entry, Format, LeftOut, Sharing, exported};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::inventory::FoundVm;
use ajar_core::message;
use ajar_core::message::exchange as words;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::{Reply, Request};
use ajar_core::snapshot::FailureView;
use ajar_runtime::adapters::why_unfit;
use ajar_runtime::files::{SettingsFile, read_exchange, read_limited, write_favourites};
use ajar_runtime::hosting::Face;

use crate::view::in_words;

type Answer<T> = Result<T, Box<FailureView>>;

/// The files that were chosen last, and what taking them in was seen to do.
#[derive(Default)]
pub(crate) struct Importing(Mutex<Chosen>);

#[derive(Clone, Default)]
struct Chosen {
    files: Vec<PathBuf>,
    rows: Vec<Row>,
}

/// What files say: their entries, what is left out, and what they are, in words.
struct Said {
    entries: Vec<Entry>,
    left_out: Vec<LeftOut>,
    kinds: Vec<Format>,
}

impl Importing {
    fn chosen(&self) -> MutexGuard<'_, Chosen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Means these files from now on.
    pub(crate) fn choose(&self, files: Vec<PathBuf>) {
        *self.chosen() = Chosen { files, rows: Vec::new() };
    }

    /// Looks at the files, and changes nothing.
    pub(crate) async fn look(&self, face: &Face, file: &SettingsFile, sharing: Sharing) -> Answer<ImportView> {
        let files = self.chosen().files.clone();
        let (rows, view) = looked_at(face, file, &files, sharing).await?;
        let mut chosen = self.chosen();
        if chosen.files == files {
            chosen.rows = rows;
        }
        Ok(view)
    }

    /// Takes in what was looked at last, by what somebody has chosen where favourites are in the way.
    pub(crate) async fn take_in(
        &self,
        face: &Face,
        file: &SettingsFile,
        choices: &[ImportChoice],
    ) -> Answer<ImportedView> {
        let rows = self.chosen().rows.clone();
        let settings = file.read().map_err(told)?;
        let choice = |name: &ProfileName| choices.iter().find(|one| one.name == *name).map(|one| one.choice);
        let changes = plan::changes(&rows, &settings, |name| choice(name).unwrap_or(OnConflict::Skip));
        if !changes.add.is_empty() || !changes.change.is_empty() {
            face.ask(Request::Import { add: changes.add.clone(), change: changes.change.clone() }).await.accepted()?;
        }
        Ok(ImportedView::from(&changes))
    }
}

async fn looked_at(
    face: &Face,
    file: &SettingsFile,
    files: &[PathBuf],
    sharing: Sharing,
) -> Answer<(Vec<Row>, ImportView)> {
    let to_read = files.to_vec();
    let read = tokio::task::spawn_blocking(move || read(&to_read)).await;
    let said = read.map_err(|error| told(Failure::Internal { detail: error.to_string() }))??;
    let Said { entries, left_out, kinds } = said;
    let has_hosts = entries.iter().any(|entry| matches!(entry, Entry::Host(_)));
    let (vms, gaps) = if has_hosts { vms(face).await? } else { (Vec::new(), Vec::new()) };
    let (settings, defaults) = (file.read().map_err(told)?, face.snapshot().defaults());
    let gathered = Gathered::of(entries, &vms, sharing, &settings, &defaults);
    let (rows, unfit) = plan::rows(gathered.candidates, &settings, &defaults);
    let left_out = left_out.iter().chain(&gathered.left_out).chain(&unfit);
    let left_out = words::left_out_of_others(left_out, why_unfit);
    let unmatched = gathered.unmatched.iter().map(|host| words::unmatched(&host.label, &host.address));
    let unclear = gathered.unclear.iter().map(|(host, several)| {
        let places = message::inventory::places(&several.iter().collect::<Vec<_>>());
        words::unclear(&host.label, &host.address, &places)
    });
    let names: Vec<_> = files.iter().map(|path| name_of(path)).collect();
    let view = ImportView {
        file: message::some_of(&names.iter().map(String::as_str).collect::<Vec<_>>()),
        kind: message::some_of(&kinds.iter().map(|kind| words::format(*kind)).collect::<Vec<_>>()),
        of_ajar: kinds.contains(&Format::Ajar),
        personal: sharing == Sharing::Personal,
        rows: rows.iter().map(ImportRow::from).collect(),
        left_out: gaps.into_iter().chain(unmatched).chain(unclear).chain(left_out).collect(),
    };
    Ok((rows, view))
}

fn read(files: &[PathBuf]) -> Answer<Said> {
    let mut said = Said { entries: Vec::new(), left_out: Vec::new(), kinds: Vec::new() };
    for path in files {
        let unfit = |detail: String| told(Failure::FileUnfit { path: name_of(path), detail });
        let is_file = std::fs::metadata(path).map_err(|error| unfit(error.to_string()))?.is_file();
        if !is_file {
            // Nothing that waits for somebody who writes.
            return Err(unfit(words::no_file().into()));
        }
        let bytes = File::open(path).and_then(read_limited).map_err(|error| unfit(error.to_string()))?;
        let read = read_exchange(&bytes, path, None).map_err(|problem| unfit(words::problem(&problem)))?;
        said.entries.extend(read.entries);
        let of = |left: LeftOut| if files.len() > 1 { left.of_file(&name_of(path)) } else { left };
        said.left_out.extend(read.left_out.into_iter().map(of));
        if !said.kinds.contains(&read.format) {
            said.kinds.push(read.format);
        }
    }
    Ok(said)
}

/// The VMs that hosts may be, and what is missing of them, in words.
async fn vms(face: &Face) -> Answer<(Vec<FoundVm>, Vec<String>)> {
    face.ask(Request::ReadInventory { anew: false }).await.accepted()?;
    let all = Request::FindVms { query: String::new(), apart: false, skip: 0, limit: u32::MAX };
    let Reply::Vms { found } = face.ask(all).await.unless_refused()? else { return Ok((Vec::new(), Vec::new())) };
    let gaps = face.snapshot().inventory.clone().unwrap_or_default().gaps;
    match gaps.first().filter(|_| found.vms.is_empty()) {
        Some(gap) => Err(Box::new(gap.failure.clone())),
        None => Ok((found.vms, gaps.into_iter().map(|gap| gap.text).collect())),
    }
}

/// Writes the user's own favourites for others; what there is to say of it.
pub(crate) fn hand_on(face: &Face, file: &SettingsFile, path: &Path) -> Answer<String> {
    let settings = file.read().map_err(told)?;
    let text = exported(&settings.favourites, &settings, &face.snapshot().defaults(), Sharing::WithOthers);
    // Whoever has chosen a file that is there was asked by the system's dialog.
    write_favourites(path, &text, true, Sharing::WithOthers)
        .map_err(|error| told(Failure::FileUnfit { path: name_of(path), detail: error.to_string() }))?;
    Ok(words::exported(settings.favourites.len(), &path.display().to_string(), Sharing::WithOthers))
}

fn name_of(path: &Path) -> String {
    words::quoted(&path.file_name().unwrap_or_default().to_string_lossy())
}

fn told(trouble: impl Into<Trouble>) -> Box<FailureView> {
    Box::new(in_words(&trouble.into()))
}

#[cfg(test)]
mod tests {
    use ajar_core::exchange::view::ImportStanding;
    use ajar_runtime::files::Folder;
    use ajar_runtime::hosting::Opening;

    use super::*;

    const VM: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines";

    struct Desk {
        home: tempfile::TempDir,
        face: Face,
        file: SettingsFile,
    }

    async fn desk(settings: &str) -> Desk {
        let home = tempfile::tempdir().unwrap();
        let folder = Folder::at(home.path());
        std::fs::write(folder.settings(), settings.replace("VM/", &format!("{VM}/"))).unwrap();
        let of_parts = folder.clone();
        let parts = move || {
            let parts = ajar_runtime::connection::parts(of_parts.clone(), None, false, |_| None);
            Box::pin(std::future::ready(parts)) as _
        };
        let file = SettingsFile::new(folder.settings());
        let face = Face::open(Opening { folder, parts: Box::new(parts) }).await.unwrap();
        Desk { home, face, file }
    }

    impl Desk {
        fn choosing(&self, name: &str, text: &str) -> Importing {
            let path = self.home.path().join(name);
            std::fs::write(&path, text.replace("VM/", &format!("{VM}/"))).unwrap();
            let importing = Importing::default();
            importing.choose(vec![path]);
            importing
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_a_file_says_is_looked_at_and_then_taken_in_as_somebody_has_chosen() {
        let desk = desk("[profiles.web]\nvm = \"VM/web\"\n[profiles.db]\nvm = \"VM/db\"\n").await;
        let text = "ajar_export = 1\npassword = \"hunter2\"\n[profiles.web]\nvm = \"VM/web\"\nstart = false\naccount = \"x\"\n\
                    [profiles.db]\nvm = \"VM/db\"\n[profiles.new]\nvm = \"VM/new\"\n";
        let importing = desk.choosing("team.toml", text);
        let before = std::fs::read_to_string(desk.file.path()).unwrap();
        let view = importing.look(&desk.face, &desk.file, Sharing::WithOthers).await.unwrap();
        let standings: Vec<_> = view.rows.iter().map(|row| (row.name.as_str(), row.standing)).collect();
        let expected = [("web", ImportStanding::Conflict), ("db", ImportStanding::There), ("new", ImportStanding::New)];
        assert_eq!((view.file.as_str(), view.of_ajar, &standings[..]), ("team.toml", true, &expected[..]));
        assert_eq!(view.left_out.len(), 2, "{view:?}");
        assert!(!["hunter2", "--personal"].iter().any(|no| format!("{view:?}").contains(no)), "{view:?}");
        assert_eq!(std::fs::read_to_string(desk.file.path()).unwrap(), before);

        let choices = [ImportChoice { name: "web".parse().unwrap(), choice: OnConflict::Rename }];
        let done = importing.take_in(&desk.face, &desk.file, &choices).await.unwrap();
        let added: Vec<_> = done.added.iter().map(ProfileName::as_str).collect();
        assert_eq!((&added[..], &done.changed[..]), (&["web-2", "new"][..], &[][..]), "{done:?}");
        let names = |settings: ajar_core::settings::Settings| -> Vec<String> {
            settings.favourites.iter().map(|known| known.name.to_string()).collect()
        };
        assert_eq!(names(desk.file.read().unwrap()), ["web", "db", "web-2", "new"]);

        let path = desk.home.path().join("out.toml");
        let said = hand_on(&desk.face, &desk.file, &path).unwrap();
        assert!(said.contains("Wrote 4 favourites"), "{said}");
        importing.choose(vec![path]);
        let view = importing.look(&desk.face, &desk.file, Sharing::WithOthers).await.unwrap();
        assert!(view.rows.iter().all(|row| row.standing == ImportStanding::There), "{view:?}");
        let done = importing.take_in(&desk.face, &desk.file, &[]).await.unwrap();
        assert_eq!((done.added.len(), done.changed.len()), (0, 0), "{done:?}");
        desk.face.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_no_file_of_favourites_is_refused_by_its_name_alone() {
        let desk = desk("").await;
        let importing = desk.choosing("x", "<!DOCTYPE html>");
        for (file, part) in [("x", "none of the files"), ("gone", "os error"), (".", "no file")] {
            importing.choose(vec![desk.home.path().join(file)]);
            let refused = importing.look(&desk.face, &desk.file, Sharing::WithOthers).await.unwrap_err();
            assert_eq!(refused.code, "fileUnfit");
            assert!(refused.message.contains(part), "{refused:?}");
        }
        assert_eq!(importing.take_in(&desk.face, &desk.file, &[]).await.unwrap().added, []);
        desk.face.close().await;
    }
}
