//! The mark in the tray: which of its pictures can be seen on the panel there is.

use ajar_core::menu::Icon;
use tauri::image::Image;
use tauri::include_image;

/// What the strokes of the mark are drawn in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// For light panels.
    Dark,
    /// For dark panels.
    Light,
    /// macOS draws in whatever can be seen.
    Template,
}

impl Ink {
    /// The ink for this desktop's panel.
    pub(crate) async fn of_panel() -> Self {
        if cfg!(target_os = "macos") {
            Self::Template
        } else if panel::is_dark().await {
            Self::Light
        } else {
            Self::Dark
        }
    }
}

/// The picture of a state.
pub(crate) fn image(icon: Icon, ink: Ink) -> Image<'static> {
    match (icon, ink) {
        (Icon::Idle, Ink::Dark) => include_image!("icons/tray/idle.png"),
        (Icon::Idle, Ink::Light) => include_image!("icons/tray/idle-dark.png"),
        (Icon::Idle, Ink::Template) => include_image!("icons/tray/idle-template.png"),
        (Icon::Working, Ink::Dark) => include_image!("icons/tray/working.png"),
        (Icon::Working, Ink::Light) => include_image!("icons/tray/working-dark.png"),
        (Icon::Working, Ink::Template) => include_image!("icons/tray/working-template.png"),
        (Icon::Open, Ink::Dark) => include_image!("icons/tray/open.png"),
        (Icon::Open, Ink::Light) => include_image!("icons/tray/open-dark.png"),
        (Icon::Open, Ink::Template) => include_image!("icons/tray/open-template.png"),
        (Icon::Ending, Ink::Dark) => include_image!("icons/tray/ending.png"),
        (Icon::Ending, Ink::Light) => include_image!("icons/tray/ending-dark.png"),
        (Icon::Ending, Ink::Template) => include_image!("icons/tray/ending-template.png"),
        (Icon::Failed, Ink::Dark) => include_image!("icons/tray/failed.png"),
        (Icon::Failed, Ink::Light) => include_image!("icons/tray/failed-dark.png"),
        (Icon::Failed, Ink::Template) => include_image!("icons/tray/failed-template.png"),
        (Icon::SignedOut, Ink::Dark) => include_image!("icons/tray/signed-out.png"),
        (Icon::SignedOut, Ink::Light) => include_image!("icons/tray/signed-out-dark.png"),
        (Icon::SignedOut, Ink::Template) => include_image!("icons/tray/signed-out-template.png"),
    }
}

#[cfg(target_os = "linux")]
mod panel {
    use std::time::Duration;

    use zbus::zvariant::{OwnedValue, Value};

    /// How long the desktop may take to tell its colours.
    const PATIENCE: Duration = Duration::from_secs(1);

    pub(super) async fn is_dark() -> bool {
        let desktop = std::env::var("XDG_CURRENT_DESKTOP").unwrap_or_default();
        let scheme = tokio::time::timeout(PATIENCE, colour_scheme()).await;
        let scheme = scheme.ok().and_then(|told| {
            told.inspect_err(|error| tracing::debug!(%error, "the desktop does not tell its colours")).ok()?
        });
        by(&desktop, scheme)
    }

    /// GNOME's bar is dark in either scheme; others follow the scheme, and where none is told KDE alone is light.
    pub(super) fn by(desktop: &str, scheme: Option<u32>) -> bool {
        let is = |name: &str| desktop.split(':').any(|part| part.eq_ignore_ascii_case(name));
        match scheme {
            _ if is("GNOME") || is("Unity") => true,
            Some(1) => true,
            Some(2) => false,
            _ => !is("KDE"),
        }
    }

    /// What the desktop prefers: 1 is dark, 2 is light.
    async fn colour_scheme() -> zbus::Result<Option<u32>> {
        let bus = zbus::Connection::session().await?;
        let question = ("org.freedesktop.appearance", "color-scheme");
        let (service, path) = ("org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop");
        let settings = Some("org.freedesktop.portal.Settings");
        let answer = bus.call_method(Some(service), path, settings, "Read", &question).await?;
        let answer: OwnedValue = answer.body().deserialize()?;
        // The portal wraps the setting twice.
        let setting = if let Value::Value(inner) = &*answer { inner } else { &*answer };
        Ok(setting.downcast_ref().ok())
    }
}

#[cfg(windows)]
mod panel {
    pub(super) async fn is_dark() -> bool {
        let themes = r"Software\Microsoft\Windows\CurrentVersion\Themes\Personalize";
        let light = windows_registry::CURRENT_USER.open(themes).and_then(|key| key.get_u32("SystemUsesLightTheme"));
        std::future::ready(light.unwrap_or(0) == 0).await
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
mod panel {
    pub(super) async fn is_dark() -> bool {
        std::future::ready(true).await
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::panel::by;

    #[test]
    fn the_mark_is_light_on_gnomes_bar_and_elsewhere_as_the_desktop_prefers() {
        for (desktop, scheme, dark) in [
            ("ubuntu:GNOME", Some(2), true),
            ("GNOME", None, true),
            ("KDE", Some(1), true),
            ("KDE", Some(2), false),
            ("KDE", Some(0), false),
            ("KDE", None, false),
            ("XFCE", None, true),
            ("XFCE", Some(2), false),
            ("", None, true),
        ] {
            assert_eq!(by(desktop, scheme), dark, "{desktop} {scheme:?}");
        }
    }
}
