//! Hearing of what others do to a file.

use std::path::Path;

use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};

/// Looks out for changes to a file, by whoever makes them, until it is dropped.
#[derive(Debug)]
pub(crate) struct FileWatch {
    _watcher: RecommendedWatcher,
}

impl FileWatch {
    /// Has `touched` called when the file may have changed, in a thread of the system's own. The folder is watched: editors
    /// put a new file in the old one's place. `None` where the system does not tell; the file is then looked at only when
    /// somebody asks for something.
    pub(crate) fn on(file: &Path, touched: impl Fn() + Send + 'static) -> Option<Self> {
        let (folder, name) = (file.parent()?, file.file_name()?.to_owned());
        let is_it = move |event: &Event| {
            let named = || event.paths.iter().any(|path| path.file_name() == Some(&name));
            event.need_rescan() || !event.kind.is_access() && named()
        };
        let watch = || {
            let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
                if event.is_ok_and(|event| is_it(&event)) {
                    touched();
                }
            })?;
            watcher.watch(folder, RecursiveMode::NonRecursive)?;
            notify::Result::Ok(Self { _watcher: watcher })
        };
        watch().inspect_err(|error| tracing::warn!(%error, "changes to a file are not heard of")).ok()
    }
}
