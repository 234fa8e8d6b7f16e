//! Folders of favourites, which may lie in one another: `Team/Prod` is `Prod` in `Team`.

/// The folders that a text such as `Team/Prod` names, the outermost first. Spaces around a name are none of it, and no
/// folder is without one.
pub fn folder_path(text: &str) -> Vec<&str> {
    text.split('/').map(str::trim).filter(|name| !name.is_empty()).collect()
}

/// Whether what a favourite says of its folder puts it into `folder`, or into one that lies in there.
pub fn lies_in(said: Option<&str>, folder: &str) -> bool {
    let (said, folder) = (said.map(folder_path).unwrap_or_default(), folder_path(folder));
    !folder.is_empty() && said.starts_with(&folder)
}

/// What lies in a folder. Everything is in the order in which it was put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder<T> {
    /// Its whole name, such as `Team/Prod`; empty for what lies in none.
    pub path: String,
    /// What lies in it, and in no folder within.
    pub entries: Vec<T>,
    /// The folders within.
    pub folders: Vec<Folder<T>>,
}

impl<T> Folder<T> {
    /// Puts things in their folders, which texts such as `Team/Prod` name.
    pub fn of<'f>(things: impl IntoIterator<Item = (Option<&'f str>, T)>) -> Self {
        let mut root = Self::empty(String::new());
        for (folder, thing) in things {
            let path = folder.map(folder_path).unwrap_or_default();
            path.into_iter().fold(&mut root, Self::within).entries.push(thing);
        }
        root
    }

    fn empty(path: String) -> Self {
        Self { path, entries: Vec::new(), folders: Vec::new() }
    }

    /// The folder of that name in it, which is made where there is none.
    fn within(&mut self, name: &str) -> &mut Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}/{name}", self.path) };
        let at = self.folders.iter().position(|folder| folder.path == path).unwrap_or_else(|| {
            self.folders.push(Self::empty(path));
            self.folders.len() - 1
        });
        &mut self.folders[at]
    }

    /// Its name without those of the folders that it lies in.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// How much lies in it and in the folders within.
    pub fn count(&self) -> usize {
        self.folders.iter().fold(self.entries.len(), |count, folder| count + folder.count())
    }

    /// Itself and all folders within that have something in them, each before what lies in it.
    pub fn all(&self) -> Vec<&Self> {
        let within = self.folders.iter().flat_map(Self::all);
        Some(self).filter(|folder| !folder.entries.is_empty()).into_iter().chain(within).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_folder_lies_in_those_around_it() {
        for (said, folder, is_in) in [
            (Some("Team/Prod"), "Team", true),
            (Some(" Team / Prod/"), "Team/Prod", true),
            (Some("Teams"), "Team", false),
            (Some("Team"), "Team/Prod", false),
            (None, "Team", false),
            (Some("Team"), " / ", false),
        ] {
            assert_eq!(lies_in(said, folder), is_in, "{said:?} {folder}");
        }
    }

    #[test]
    fn things_lie_in_their_folders_in_the_order_in_which_they_came() {
        let things =
            [(Some("b/c"), 1), (None, 2), (Some("a"), 3), (Some(" b / c /"), 4), (Some("b"), 5), (Some("//"), 6)];
        let root = Folder::of(things);
        let told: Vec<_> = root.all().into_iter().map(|folder| (&*folder.path, folder.entries.clone())).collect();
        assert_eq!(told, [("", vec![2, 6]), ("b", vec![5]), ("b/c", vec![1, 4]), ("a", vec![3])]);
        assert_eq!((root.folders[0].folders[0].name(), root.name()), ("c", ""));
        assert_eq!((root.count(), root.folders[0].count()), (6, 3));
    }
}
