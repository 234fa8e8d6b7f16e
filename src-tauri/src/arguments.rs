//! The command line.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use ajar_runtime::connection::Meant;
use ajar_runtime::files::Folder;

/// Opens JIT-locked Azure VMs in one click, from the tray.
#[derive(Clone, Debug, clap::Parser)]
#[command(name = "ajar-desktop", version)]
#[cfg_attr(feature = "demo", expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line"))]
pub(crate) struct Arguments {
    /// Keep everything of this user in this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,

    /// The cloud to use: public, usgov, china, or one from the settings
    #[arg(long, value_name = "NAME")]
    pub(crate) cloud: Option<String>,

    /// Try it without Azure: a built-in one, with VMs of its own
    #[cfg(feature = "demo")]
    #[arg(long, conflicts_with = "cloud")]
    pub(crate) demo: bool,

    /// How much faster than Azure the built-in one is: by default a whole connect takes about ten seconds
    #[cfg(feature = "demo")]
    #[arg(long, value_name = "FACTOR", default_value_t = 6.0, value_parser = demo_speed, overrides_with = "demo_speed", hide = true)]
    pub(crate) demo_speed: f64,

    /// Bring up the window at the start
    #[arg(long)]
    pub(crate) show: bool,

    /// Show the window alone, without a tray
    #[arg(long, conflicts_with = "show")]
    pub(crate) window: bool,

    /// The window obeys its standard input: a line brings it to the front, the end closes it
    #[arg(long, requires = "window", hide = true)]
    pub(crate) leashed: bool,

    /// Say on standard error what happens; twice for more
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl Arguments {
    /// Where the files of this user are, or those of the demo.
    pub(crate) fn folder(&self) -> io::Result<Folder> {
        let folder = match &self.config {
            Some(path) => Folder::named(path)?,
            None => Folder::of_user()?,
        };
        #[cfg(feature = "demo")]
        if self.demo {
            return Ok(folder.demo());
        }
        Ok(folder)
    }

    /// What this process means by its command line, settings and environment; unknown if the settings cannot be read,
    /// which the engine says itself.
    pub(crate) fn meant(&self, folder: &Folder) -> Option<Meant> {
        #[cfg(feature = "demo")]
        let demo = self.demo;
        #[cfg(not(feature = "demo"))]
        let demo = false;
        let meant = Meant::new(folder, self.cloud.as_deref(), demo, |name| std::env::var(name).ok());
        meant.inspect_err(|trouble| tracing::warn!(failure = %trouble.failure, "the settings cannot be read")).ok()
    }

    /// The command line of a demo beside this Ajar.
    pub(crate) fn of_demo(&self) -> Vec<OsString> {
        let config = self.config.iter().flat_map(|path| [OsString::from("--config"), path.into()]);
        ["--demo".into(), "--show".into()].into_iter().chain(config).collect()
    }

    /// The command line of the window that belongs to this tray.
    pub(crate) fn of_window(&self) -> Vec<OsString> {
        let mut words: Vec<OsString> = vec!["--window".into(), "--leashed".into()];
        if let Some(path) = &self.config {
            words.extend(["--config".into(), path.into()]);
        }
        if let Some(cloud) = &self.cloud {
            words.extend(["--cloud".into(), cloud.into()]);
        }
        #[cfg(feature = "demo")]
        if self.demo {
            words.extend(["--demo".into(), "--demo-speed".into(), self.demo_speed.to_string().into()]);
        }
        words.extend((0..self.verbose).map(|_| "--verbose".into()));
        words
    }
}

#[cfg(feature = "demo")]
fn demo_speed(text: &str) -> Result<f64, String> {
    let speed = text.parse().ok().filter(|speed| *speed > 0.0 && f64::is_finite(*speed));
    speed.ok_or_else(|| ajar_core::message::cli::no_speed().into())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn the_window_understands_what_the_tray_tells_it() {
        let tray = Arguments::parse_from(["ajar-desktop", "--config", "/here", "--cloud", "usgov", "--show", "-vv"]);
        let words = std::iter::once("ajar-desktop".into()).chain(tray.of_window());
        let window = Arguments::parse_from(words);
        assert!(window.window && window.leashed && !window.show);
        assert_eq!((window.config, window.cloud, window.verbose), (tray.config, tray.cloud, 2));
    }

    #[test]
    fn a_relative_folder_is_that_folder_from_anywhere() {
        let named = Arguments::parse_from(["ajar-desktop", "--config", "here"]).folder().unwrap();
        assert!(named.settings().is_absolute() && named.settings().ends_with("here/config.toml"));
    }

    #[cfg(feature = "demo")]
    #[test]
    fn a_demo_beside_an_ajar_has_its_own_folder_in_the_same_place() {
        let own = Arguments::parse_from(["ajar-desktop", "--window", "--config", "here", "--cloud", "usgov"]);
        let words = std::iter::once("ajar-desktop".into()).chain(own.of_demo());
        let demo = Arguments::parse_from(words);
        assert!(demo.show && demo.demo);
        assert_eq!(demo.folder().unwrap(), own.folder().unwrap().demo());
    }

    #[cfg(feature = "demo")]
    #[test]
    fn a_demo_that_stands_still_is_refused() {
        for speed in ["0", "-1", "nan", "inf"] {
            let asked = Arguments::try_parse_from(["ajar-desktop", "--demo", &format!("--demo-speed={speed}")]);
            assert!(asked.unwrap_err().to_string().contains("a number greater than 0"), "{speed}");
        }
    }

    #[cfg(feature = "demo")]
    #[test]
    fn the_window_of_a_demo_is_of_the_same_demo() {
        let tray = Arguments::parse_from(["ajar-desktop", "--demo", "--demo-speed", "20", "--config", "here"]);
        let words = std::iter::once("ajar-desktop".into()).chain(tray.of_window());
        let window = Arguments::parse_from(words);
        assert_eq!(window.folder().unwrap(), tray.folder().unwrap());
        assert!((window.demo_speed - 20.0).abs() < f64::EPSILON);
    }
}
