//! The user's browser.

use std::path::PathBuf;

use ajar_core::failure::Trouble;
use ajar_core::launch::{Os, browser_plan};
use async_trait::async_trait;

use super::launcher::start;
use crate::files::{Folder, SettingsFile};
use crate::ports::Browser;

/// The browser that the system opens addresses with, or the one of the settings.
#[derive(Debug)]
pub struct SystemBrowser {
    settings: SettingsFile,
    files: PathBuf,
}

impl SystemBrowser {
    /// The settings of `folder` are looked into each time.
    pub fn new(folder: &Folder) -> Self {
        Self { settings: SettingsFile::of(folder), files: folder.launch() }
    }
}

#[async_trait]
impl Browser for SystemBrowser {
    async fn open(&self, url: &str) -> Result<(), Trouble> {
        let own = self.settings.read().ok().and_then(|settings| settings.clients.browser);
        start(&browser_plan(Os::current(), own.as_deref(), url), &self.files).await
    }
}
