//! The words of the desktop application where it has no window to say them in.

/// There is no display, or none that can be used.
pub fn no_display() -> &'static str {
    "there is no display to show the tray and the window on (DISPLAY, WAYLAND_DISPLAY). In a terminal `ajar` does the same: \
     ajar --help, or ajar --demo connect web-01."
}
