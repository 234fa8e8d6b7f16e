//! `inventory/`: the VMs that accounts have seen, a file for each account. It may be lost.

use std::fs::DirEntry;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use ajar_core::account::AccountName;
use ajar_core::inventory::{Gap, Part};
use serde::{Deserialize, Serialize};

use super::atomic::write_atomically;
use super::create_private;

/// What is written into a file that means something else is not understood by half.
const VERSION: u32 = 1;

/// No writer takes longer for a file.
const LONGEST_WRITE: Duration = Duration::from_mins(1);

/// What one account has seen, and what it could not see.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seen<P, G> {
    pub(crate) parts: P,
    pub(crate) gaps: G,
}

/// The content of a file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content<P, G> {
    version: u32,
    /// Who it was, as Azure names them: another one under the same name has seen something else.
    principal: Option<String>,
    seen: Seen<P, G>,
}

/// The folder.
#[derive(Clone, Debug)]
pub(crate) struct InventoryFiles {
    folder: PathBuf,
}

impl InventoryFiles {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// A name that no system keeps for itself, as some do “con”.
    fn path(&self, account: &AccountName) -> PathBuf {
        self.folder.join(format!("vms-{}.json", account.key()))
    }

    /// What an account saw when it was that principal, if it has been asked. Unreadable content counts as none.
    pub(crate) fn read(&self, account: &AccountName, principal: Option<&str>) -> Option<Seen<Vec<Part>, Vec<Gap>>> {
        let bytes = std::fs::read(self.path(account)).ok();
        let content: Option<Content<_, _>> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let is_its_own = |content: &Content<Vec<Part>, Vec<Gap>>| {
            content.version == VERSION
                && content.principal.as_deref() == principal
                && content.seen.parts.iter().all(|part| part.viewpoint.account == *account)
        };
        content.filter(is_its_own).map(|content| content.seen)
    }

    /// Whether anything is kept of what an account has seen.
    pub(crate) fn has(&self, account: &AccountName) -> bool {
        self.path(account).exists()
    }

    /// The content of an account's file.
    ///
    /// # Errors
    /// None that is known of: everything in it can be written.
    pub(crate) fn content(principal: Option<String>, seen: Seen<&[&Part], &[&Gap]>) -> io::Result<Vec<u8>> {
        Ok(serde_json::to_vec(&Content { version: VERSION, principal, seen })?)
    }

    /// Writes an account's file.
    ///
    /// # Errors
    /// Those of the file system; what was there before then still is.
    pub(crate) fn write(&self, account: &AccountName, content: &[u8]) -> io::Result<()> {
        create_private(&self.folder)?;
        write_atomically(&self.path(account), content)
    }

    /// Removes an account's file.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn remove(&self, account: &AccountName) -> io::Result<()> {
        match std::fs::remove_file(self.path(account)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Removes the files of all other accounts, and what writers have left; not what one is writing just now.
    ///
    /// # Errors
    /// Those of the file system.
    pub(crate) fn keep_only<'a>(&self, accounts: impl IntoIterator<Item = &'a AccountName>) -> io::Result<()> {
        let kept: Vec<PathBuf> = accounts.into_iter().map(|account| self.path(account)).collect();
        let files = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files?,
        };
        for file in files {
            let file = file?;
            if kept.contains(&file.path()) {
                continue;
            }
            match remove_unless_in_writing(&file) {
                // Somebody else was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                removed => removed?,
            }
        }
        Ok(())
    }
}

/// Removes a file, unless it is another one than an account's, and new.
fn remove_unless_in_writing(file: &DirEntry) -> io::Result<()> {
    let name = file.file_name();
    let is_an_accounts = name.to_str().is_some_and(|name| name.starts_with("vms-"));
    // A time to come is of another clock.
    let age = || Ok::<_, io::Error>(file.metadata()?.modified()?.elapsed().unwrap_or(LONGEST_WRITE));
    if is_an_accounts || age()? >= LONGEST_WRITE { std::fs::remove_file(file.path()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use ajar_core::failure::Failure;

    use super::*;

    fn name(account: &str) -> AccountName {
        account.parse().unwrap()
    }

    fn parts() -> Vec<Part> {
        let text = r#"[{"viewpoint":{"account":"Work","cloud":"public","tenant":null},"readAt":"2026-11-29T10:00:00Z","vms":[
            {"id":"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/web"}]}]"#;
        serde_json::from_str(text).unwrap()
    }

    fn gap() -> Gap {
        let trouble = Failure::not_signed_in("no").into();
        Gap { account: name("work"), tenant: Some("t".into()), lack: None, trouble, also: 0 }
    }

    fn write(files: &InventoryFiles, account: &str, principal: Option<&str>) {
        let (parts, gap) = (parts(), gap());
        let seen = Seen { parts: &parts.iter().collect::<Vec<_>>()[..], gaps: &[&gap][..] };
        let content = InventoryFiles::content(principal.map(Into::into), seen).unwrap();
        files.write(&name(account), &content).unwrap();
    }

    #[test]
    fn what_an_account_saw_is_read_back_by_itself_alone() {
        let folder = tempfile::tempdir().unwrap();
        let files = InventoryFiles::new(folder.path().join("inventory"));
        assert_eq!(files.read(&name("work"), None), None);
        write(&files, "work", Some("ada@contoso.com"));
        let seen = Seen { parts: parts(), gaps: vec![gap()] };
        assert_eq!(files.read(&name("WORK"), Some("ada@contoso.com")), Some(seen));
        assert_eq!(files.read(&name("work"), Some("bob@contoso.com")), None, "another under the same name");
        write(&files, "home", None);
        assert_eq!(files.read(&name("home"), None), None, "a file that was renamed by hand");
        std::fs::write(folder.path().join("inventory/vms-work.json"), "{").unwrap();
        assert_eq!(files.read(&name("work"), Some("ada@contoso.com")), None);
    }

    #[test]
    fn of_accounts_that_are_gone_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let files = InventoryFiles::new(folder.path().join("inventory"));
        files.keep_only([&name("work")]).unwrap();
        for account in ["work", "home"] {
            write(&files, account, None);
        }
        files.keep_only([&name("work")]).unwrap();
        let left: Vec<_> =
            std::fs::read_dir(folder.path().join("inventory")).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(left, ["vms-work.json"]);
    }

    #[test]
    fn what_another_writes_just_now_is_left_alone_and_what_it_left_behind_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = InventoryFiles::new(folder.path().to_owned());
        let [new, old] = [".tmpNew", ".tmpOld"].map(|name| folder.path().join(name));
        for path in [&new, &old] {
            std::fs::write(path, "{").unwrap();
        }
        let a_while_ago = std::time::SystemTime::now() - 2 * LONGEST_WRITE;
        std::fs::File::options().write(true).open(&old).unwrap().set_modified(a_while_ago).unwrap();
        files.keep_only([&name("work")]).unwrap();
        assert_eq!((new.exists(), old.exists()), (true, false));
    }

    #[cfg(unix)]
    #[test]
    fn what_was_seen_is_for_the_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let files = InventoryFiles::new(folder.path().join("inventory"));
        write(&files, "work", None);
        let mode = |path: &str| std::fs::metadata(folder.path().join(path)).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("inventory"), mode("inventory/vms-work.json")), (0o700, 0o600));
    }
}
