//! Settings that are about no favourite and no account, in the settings file.

use ajar_core::failure::Trouble;
use ajar_core::notice::BeforeEnd;
use ajar_core::profile::NetworkAddress;
use ajar_core::settings::{Network, Setting};
use toml_edit::{Array, Item, Table, Value};

use super::reading::{Misread, item_as, tables, within};
use super::{SettingsFile, Written, teams};

/// The networks in a document.
pub(super) fn networks(document: &Table) -> Result<Vec<Network>, Misread> {
    let network = |(written, item): (String, Item)| {
        let keys = ["networks", written.as_str()];
        let name = written.parse().map_err(|error: String| within(&keys[..1], &keys, &error))?;
        Ok(Network { name, address: item_as::<NetworkAddress>(&item, &keys)? })
    };
    tables(document, "networks")?.into_iter().map(network).collect()
}

impl SettingsFile {
    /// Writes a setting in its place, or takes it out.
    ///
    /// # Errors
    /// [`Failure::Settings`], [`Failure::SettingsNewer`].
    pub fn set(&self, setting: &Setting) -> Result<(), Trouble> {
        self.set_to_undo(setting).map(drop)
    }

    /// The same, with what undoes it.
    pub(crate) fn set_to_undo(&self, setting: &Setting) -> Result<Written, Trouble> {
        self.edit_to_undo(|document, settings| {
            let text = |text: &String| Value::from(text);
            let words = |words: &Vec<String>| Value::from(words.iter().collect::<Array>());
            let mut put = |table: &[&str], key: &str, value: Option<Value>| document.set(table, key, value.as_ref());
            match setting {
                Setting::Cloud(name) => put(&[], "cloud", name.as_ref().map(text)),
                Setting::Ssh(program) => put(&["clients"], "ssh", program.as_ref().map(text)),
                Setting::Rdp(program) => put(&["clients"], "rdp", program.as_ref().map(text)),
                Setting::Bastion(program) => put(&["clients"], "bastion", program.as_ref().map(text)),
                Setting::Terminal(command) => put(&["clients"], "terminal", command.as_ref().map(words)),
                Setting::Browser(command) => put(&["clients"], "browser", command.as_ref().map(words)),
                Setting::BeforeEnd(before_end) => {
                    let minutes =
                        |said: &BeforeEnd| Value::from(said.minutes().iter().map(|m| i64::from(*m)).collect::<Array>());
                    put(&["notifications"], "before_end", before_end.as_ref().map(minutes));
                }
                Setting::OnNewAddress(chosen) => {
                    put(&["access"], "on_new_address", chosen.map(|chosen| Value::from(chosen.word())));
                }
                Setting::Network { name, address } => {
                    let written = settings.network(name).map_or(name, |known| &known.name);
                    let address = address.map(|address| Value::from(String::from(address)));
                    put(&["networks"], written.as_str(), address);
                }
                Setting::Team { name, from } => teams::write(document, settings, name, from.as_ref()),
            }
            Ok(())
        })
    }

    /// Makes the file, if there is none, so that it can be opened.
    ///
    /// # Errors
    /// [`Failure::Settings`].
    pub fn be_there(&self) -> Result<(), Trouble> {
        if self.stamp().is_some() { Ok(()) } else { self.edit(|_, _| Ok(())) }
    }
}

#[cfg(test)]
mod tests {
    use ajar_core::failure::Failure;

    use super::super::written::{VM, file, text};
    use super::*;
    use ajar_core::network::OnNewAddress;

    #[test]
    fn each_setting_is_written_in_its_place_and_taken_out_again() {
        let before = "# mine\ncloud = \"china\" # for now\n\n[clients] # own\nssh = \"a\" # wrapped\nlater = 1\n";
        let (_folder, file) = file(before);
        let words = || Some(vec!["xterm".to_owned(), "-e".to_owned()]);
        for setting in [
            Setting::Cloud(Some("usgov".into())),
            Setting::Ssh(Some("b".into())),
            Setting::Rdp(Some("c".into())),
            Setting::Terminal(words()),
            Setting::Browser(words()),
            Setting::OnNewAddress(Some(OnNewAddress::Request)),
            Setting::Network { name: "office".parse().unwrap(), address: "203.0.113.7".to_owned().try_into().ok() },
            Setting::Network { name: "Office".parse().unwrap(), address: "203.0.113.8".to_owned().try_into().ok() },
        ] {
            file.set(&setting).unwrap();
        }
        let after = "# mine\ncloud = \"usgov\" # for now\n\n[clients] # own\nssh = \"b\" # wrapped\nlater = 1\nrdp = \"c\"\n\
                     terminal = [\"xterm\", \"-e\"]\nbrowser = [\"xterm\", \"-e\"]\n\n[access]\non_new_address = \"request\"\n\n[networks]\noffice = \"203.0.113.8\"\n";
        assert_eq!(text(&file), after);
        let read = file.read().unwrap();
        assert_eq!((read.cloud.as_deref(), read.clients.terminal, read.networks.len()), (Some("usgov"), words(), 1));
        for setting in [
            Setting::Rdp(None),
            Setting::Terminal(None),
            Setting::Browser(None),
            Setting::OnNewAddress(None),
            Setting::Network { name: "OFFICE".parse().unwrap(), address: None },
            Setting::Cloud(Some("china".into())),
            Setting::Ssh(Some("a".into())),
        ] {
            file.set(&setting).unwrap();
        }
        assert_eq!(text(&file), before.to_owned() + "\n[access]\n\n[networks]\n");
    }

    #[test]
    fn a_network_that_is_none_is_told_of_with_its_place() {
        for (bad, part) in [
            ("[networks]\n2nd = \"203.0.113.7\"\n", "line 2, column 1: [networks] “2nd” is no name for a network"),
            (
                "[networks]\na = \"10.0.0.0/8\"\n",
                "line 2, column 1: [networks.a] “10.0.0.0/8” is more than one machine",
            ),
            ("[networks]\na = \"10.0.0.4\"\nA = \"10.0.0.5\"\n", "line 3, column 1: [networks] A is a once more"),
            (
                "[defaults]\nsource = \"a\"\n",
                "line 2, column 1: [defaults] source = \"a\" is no address, and no network",
            ),
            ("[folders.T]\nsource = \"a\"\n", "line 2, column 1: [folders.\"T\"] source = \"a\""),
            (
                &format!("[profiles.w]\nvm = \"{VM}\"\nsource = \"a\"\n"),
                "line 3, column 1: [profiles.w] source = \"a\"",
            ),
        ] {
            let (_folder, file) = file(bad);
            let Failure::Settings { detail, .. } = file.read().unwrap_err().failure else { panic!("{bad}") };
            assert!(detail.starts_with(part), "{detail}");
        }
        let (_folder, file) = file("[networks]\nOffice = \"10.0.0.4\"\n[defaults]\nsource = \"office\"\n");
        let settings = file.read().unwrap();
        let source = settings.inheritance.defaults.source.clone().unwrap();
        assert_eq!(settings.source(&source).unwrap().unwrap().to_string(), "10.0.0.4");
        assert_eq!(settings.naming(&"OFFICE".parse().unwrap()), ["defaults"]);
    }

    #[test]
    fn a_file_is_made_to_be_opened_and_one_that_is_there_is_left_alone() {
        let (_folder, broken) = file("broken = \n");
        broken.be_there().unwrap();
        assert_eq!(text(&broken), "broken = \n");
        let folder = tempfile::tempdir().unwrap();
        let new = SettingsFile::new(folder.path().join("config.toml"));
        new.be_there().unwrap();
        assert!(text(&new).starts_with("# Settings of Ajar"));
    }
}
