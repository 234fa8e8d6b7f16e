//! The words of the desktop application where its window does not say them.

/// There is no display, or none that can be used.
pub fn no_display() -> &'static str {
    "there is no display to show the tray and the window on (DISPLAY, WAYLAND_DISPLAY). In a terminal `ajar` does the same: \
     ajar --help, or ajar --demo connect web-01."
}

/// Over the system's dialog in which files are chosen to take favourites in from.
pub fn choose_import() -> &'static str {
    "Import favourites into Ajar"
}

/// Over the system's dialog in which a file is chosen to write favourites to.
pub fn choose_export() -> &'static str {
    "Export favourites of Ajar"
}
