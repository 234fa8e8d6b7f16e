//! Stands for the user's eyes: finds windows and looks at their pixels.

use std::collections::HashSet;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Notify;
use x11rb::connection::Connection as _;
use x11rb::protocol::damage::{ConnectionExt as _, ReportLevel};
use x11rb::protocol::xproto::{
    AtomEnum, ChangeWindowAttributesAux, ClientMessageEvent, ConnectionExt as _, EventMask, ImageFormat, InputFocus,
    KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, Window,
};
use x11rb::protocol::xtest::ConnectionExt as _;
use x11rb::rust_connection::RustConnection;

use crate::desk::{LIMIT, within};

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Colour(pub(crate) u8, pub(crate) u8, pub(crate) u8);

/// A window as it looked.
pub(crate) struct Shot {
    width: u16,
    height: u16,
    pixels: Vec<Colour>,
}

impl Shot {
    /// How many pixels have the colour, or one that cannot be told from it.
    pub(crate) fn count(&self, colour: Colour) -> usize {
        let near = |one: u8, other: u8| one.abs_diff(other) <= 6;
        let same = |seen: &&Colour| near(seen.0, colour.0) && near(seen.1, colour.1) && near(seen.2, colour.2);
        self.pixels.iter().filter(same).count()
    }

    /// Its width and height.
    pub(crate) fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// How many colours there are.
    pub(crate) fn colours(&self) -> usize {
        self.pixels.iter().collect::<HashSet<_>>().len()
    }

    /// Keeps it in `target/screenshots`, for people.
    pub(crate) fn save(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).with_file_name("screenshots");
        std::fs::create_dir_all(&folder).expect("the target folder can be written to");
        let file = File::create(folder.join(format!("{name}.png"))).expect("so can a file in it");
        let mut encoder = png::Encoder::new(file, self.width.into(), self.height.into());
        encoder.set_color(png::ColorType::Rgb);
        let bytes: Vec<u8> = self.pixels.iter().flat_map(|colour| [colour.0, colour.1, colour.2]).collect();
        encoder.write_header().and_then(|mut writer| writer.write_image_data(&bytes)).expect("the picture is whole");
    }
}

/// The display.
pub(crate) struct Screen {
    x11: Arc<RustConnection>,
    /// All of it.
    pub(crate) root: Window,
    news: Arc<Notify>,
}

impl Screen {
    pub(crate) fn look_at(display: &str) -> Self {
        let (x11, number) = RustConnection::connect(Some(display)).expect("Xvfb takes connections");
        let root = x11.setup().roots[number].root;
        let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::SUBSTRUCTURE_NOTIFY);
        x11.change_window_attributes(root, &watch).and_then(|_| x11.flush()).expect("the display works");
        x11.damage_query_version(1, 1).expect("the display works").reply().expect("Xvfb has the DAMAGE extension");
        let (x11, news) = (Arc::new(x11), Arc::new(Notify::new()));
        let (listening, heard) = (Arc::clone(&x11), Arc::clone(&news));
        // It ends with the display.
        std::thread::spawn(move || {
            while listening.wait_for_event().is_ok() {
                heard.notify_one();
            }
        });
        Self { x11, root, news }
    }

    /// The windows that can be seen and bear this name.
    pub(crate) fn windows_named(&self, name: &str) -> Vec<Window> {
        let tree = self.x11.query_tree(self.root).expect("the display works").reply().expect("the root is there");
        tree.children.into_iter().filter(|window| self.name(*window).as_deref() == Some(name)).collect()
    }

    /// Waits for such a window.
    pub(crate) async fn window_named(&self, name: &str) -> Window {
        let found = async {
            loop {
                if let Some(window) = self.windows_named(name).first() {
                    return *window;
                }
                self.something_happens().await;
            }
        };
        within(&format!("a window named {name} comes up"), found).await
    }

    /// The window's title while it can be seen. Windows that are just going away have none.
    fn name(&self, window: Window) -> Option<String> {
        let attributes = self.x11.get_window_attributes(window).ok()?.reply().ok()?;
        let wanted = attributes.map_state == MapState::VIEWABLE;
        let title = self.property(window, "_NET_WM_NAME")?;
        wanted.then(|| String::from_utf8_lossy(&title).into_owned())
    }

    fn property(&self, window: Window, name: &str) -> Option<Vec<u8>> {
        let atom = self.atom(name);
        let value = self.x11.get_property(false, window, atom, AtomEnum::ANY, 0, 64).ok()?.reply().ok()?;
        Some(value.value)
    }

    fn atom(&self, name: &str) -> u32 {
        self.x11.intern_atom(false, name.as_bytes()).expect("the display works").reply().expect("atoms can be had").atom
    }

    /// The process that shows the window.
    pub(crate) fn process_of(&self, window: Window) -> u32 {
        let pid = self.property(window, "_NET_WM_PID").and_then(|bytes| bytes.try_into().ok());
        u32::from_ne_bytes(pid.expect("the window names its process"))
    }

    /// Closes it as its frame's button would, and waits until it is gone.
    pub(crate) async fn close(&self, window: Window) {
        let (protocols, delete) = (self.atom("WM_PROTOCOLS"), self.atom("WM_DELETE_WINDOW"));
        let message = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
        let sent = self.x11.send_event(false, window, EventMask::NO_EVENT, message);
        sent.and_then(|_| self.x11.flush()).expect("the display works");
        let gone = async {
            while self.name(window).is_some() {
                self.something_happens().await;
            }
        };
        within("the window closes", gone).await;
    }

    /// Types a text into a window.
    pub(crate) fn type_text(&self, window: Window, text: &str) {
        /// Where it is on all keyboards that Xvfb knows.
        const SHIFT: u8 = 50;
        let setup = self.x11.setup();
        let (first, count) = (setup.min_keycode, setup.max_keycode - setup.min_keycode + 1);
        let keyboard = self.x11.get_keyboard_mapping(first, count).expect("the display works").reply().expect("keys");
        let focused = self.x11.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME);
        focused.expect("the display works");
        let key = |event, code| {
            let sent = self.x11.xtest_fake_input(event, code, x11rb::CURRENT_TIME, self.root, 0, 0, 0);
            sent.expect("the display works");
        };
        for letter in text.chars() {
            // Of Latin-1 a letter's symbol is its number; the second of a key is the one with Shift.
            let of_key = |symbols: &[u32]| symbols.iter().take(2).position(|symbol| *symbol == u32::from(letter));
            let keys = keyboard.keysyms.chunks(keyboard.keysyms_per_keycode.into());
            let (code, level) = keys.zip(first..).find_map(|(key, code)| Some((code, of_key(key)?))).expect("a key");
            let shifted = level == 1;
            if shifted {
                key(KEY_PRESS_EVENT, SHIFT);
            }
            key(KEY_PRESS_EVENT, code);
            key(KEY_RELEASE_EVENT, code);
            if shifted {
                key(KEY_RELEASE_EVENT, SHIFT);
            }
        }
        self.x11.flush().expect("the display works");
    }

    /// Presses Enter in a window.
    pub(crate) fn press_enter(&self, window: Window) {
        /// Where it is on all keyboards that Xvfb knows.
        const ENTER: u8 = 36;
        let key = |event| self.x11.xtest_fake_input(event, ENTER, x11rb::CURRENT_TIME, self.root, 0, 0, 0);
        let focused = self.x11.set_input_focus(InputFocus::PARENT, window, x11rb::CURRENT_TIME);
        let pressed = focused.and_then(|_| key(KEY_PRESS_EVENT)).and_then(|_| key(KEY_RELEASE_EVENT));
        pressed.and_then(|_| self.x11.flush()).expect("the display works");
    }

    /// The window as it looks, as soon as it looks as wanted.
    pub(crate) async fn shot_when(&self, window: Window, what: &str, wanted: impl Fn(&Shot) -> bool) -> Shot {
        let damage = self.x11.generate_id().expect("ids can be had");
        let watch = self.x11.damage_create(damage, window, ReportLevel::RAW_RECTANGLES);
        watch.and_then(|_| self.x11.flush()).expect("the display works");
        let mut last = self.shot(window);
        let look = async {
            while !wanted(&last) {
                self.something_happens().await;
                last = self.shot(window);
            }
        };
        if tokio::time::timeout(LIMIT, look).await.is_err() {
            last.save("failed");
            panic!("it is not to be seen that {what}: look at target/screenshots/failed.png");
        }
        last
    }

    fn shot(&self, window: Window) -> Shot {
        let size = self.x11.get_geometry(window).expect("the display works").reply().expect("the window is there");
        let (width, height) = (size.width, size.height);
        let image = self.x11.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, width, height, u32::MAX);
        let data = image.expect("the display works").reply().expect("the window can be seen").data;
        let pixels = data.as_chunks::<4>().0.iter().map(|[blue, green, red, _]| Colour(*red, *green, *blue)).collect();
        Shot { width, height, pixels }
    }

    /// Waits until the display has told anything since the last time.
    async fn something_happens(&self) {
        self.news.notified().await;
    }
}
