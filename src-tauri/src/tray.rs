//! Draws [`ajar_core::menu::Menu`]: the backend's icon, tooltip and menu follow the value, with as little as differs.

use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ajar_core::menu::{Action, Item, Menu};
use ajar_core::message::menu::AJAR;
use tauri::menu::{IsMenuItem, MenuItem, PredefinedMenuItem, Submenu};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Wry};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until};

use crate::desk::Desk;
use crate::mark::{Ink, image};

/// How long a desktop may take to show trays, which it does some time after login.
const MISSED_AFTER: Duration = Duration::from_secs(10);

/// How long the panel is taken to stay as light or as dark as it was found.
const COLOURS_LAST: Duration = Duration::from_mins(1);

/// The longest pause between two tries to come up.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Passes clicks on, from all there is to click.
pub(crate) fn listen(app: &AppHandle, desk: &Desk) {
    let chosen = desk.clone();
    app.on_menu_event(move |_, event| {
        if let Some(action) = Action::from_id(event.id().as_ref()) {
            chosen.act(action);
        }
    });
    let clicked = desk.clone();
    app.on_tray_icon_event(move |_, event| {
        if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } = event {
            clicked.act(Action::OpenWindow);
        }
    });
}

/// The tray, once the desktop has a place for it.
pub(crate) struct Tray {
    app: AppHandle,
    /// What the panel was last found to want, and when.
    ink: Option<(Ink, Instant)>,
    drawn: Arc<Mutex<Option<Drawn>>>,
    state: State,
}

enum State {
    Up,
    /// Not yet: the next try, the pause after it, and when it is missed, if that has not been said yet.
    Missing {
        again: Instant,
        pause: Duration,
        missed: Option<Instant>,
    },
}

struct Drawn {
    ink: Ink,
    icon: TrayIcon<Wry>,
    lines: Vec<Line>,
    menu: Menu,
}

enum Line {
    Separator(PredefinedMenuItem<Wry>),
    Text(MenuItem<Wry>),
    Folder(Submenu<Wry>, Vec<Line>),
}

impl Tray {
    pub(crate) fn new(app: AppHandle) -> Self {
        let now = Instant::now();
        let missing = State::Missing { again: now, pause: Duration::from_secs(1), missed: Some(now + MISSED_AFTER) };
        Self { app, ink: None, drawn: Arc::default(), state: missing }
    }

    /// Makes the tray show this, or tries to come up with it.
    pub(crate) async fn show(&mut self, menu: Menu) {
        if let State::Missing { again, .. } = self.state
            && again > Instant::now()
        {
            return;
        }
        match (self.draw(menu).await, &mut self.state) {
            (Ok(()), state) => *state = State::Up,
            (Err(error), State::Up) => tracing::warn!(%error, "the tray could not be drawn"),
            (Err(error), State::Missing { again, pause, .. }) => {
                tracing::debug!(%error, "no tray yet");
                *again = Instant::now() + *pause;
                *pause = (*pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// What the panel wants now: people change from light to dark while the tray is there, some at dusk.
    async fn ink(&mut self) -> Ink {
        let (ink, _) = match self.ink {
            Some(found) if found.1.elapsed() < COLOURS_LAST => found,
            _ => *self.ink.insert((Ink::of_panel().await, Instant::now())),
        };
        ink
    }

    /// Waits until it is time to try again to come up.
    pub(crate) async fn retry(&self) {
        match self.state {
            State::Up => pending().await,
            State::Missing { again, .. } => sleep_until(again).await,
        }
    }

    /// Waits until the user must be wondering where the tray is.
    pub(crate) async fn is_missed(&self) {
        match self.state {
            State::Up | State::Missing { missed: None, .. } => pending().await,
            State::Missing { missed: Some(at), .. } => sleep_until(at).await,
        }
    }

    /// Whether it is missed and not there yet.
    pub(crate) fn is_given_up(&self) -> bool {
        matches!(self.state, State::Missing { missed: None, .. })
    }

    /// From here on it is not missed any more; it still comes up when it can.
    pub(crate) fn give_up(&mut self) {
        if let State::Missing { missed, .. } = &mut self.state {
            *missed = None;
        }
    }

    /// Draws on the main thread, where toolkits want to be called.
    async fn draw(&mut self, menu: Menu) -> tauri::Result<()> {
        let (answer, answered) = oneshot::channel();
        let (ink, app, drawn) = (self.ink().await, self.app.clone(), Arc::clone(&self.drawn));
        self.app.run_on_main_thread(move || {
            let mut drawn = drawn.lock().unwrap_or_else(PoisonError::into_inner);
            let done = match &mut *drawn {
                Some(drawn) => drawn.change(&app, ink, menu),
                None => Drawn::new(&app, ink, menu).map(|new| *drawn = Some(new)),
            };
            drop(answer.send(done));
        })?;
        // No answer comes only if the application ends.
        answered.await.unwrap_or(Ok(()))
    }
}

impl Drawn {
    fn new(app: &AppHandle, ink: Ink, menu: Menu) -> tauri::Result<Self> {
        let lines = lines(app, &menu.items)?;
        let icon = TrayIconBuilder::with_id("ajar")
            .title(AJAR)
            .icon(image(menu.icon, ink))
            .icon_as_template(ink == Ink::Template)
            .tooltip(tooltip(&menu))
            .menu(&assemble(app, &lines)?)
            .show_menu_on_left_click(false)
            .build(app)?;
        Ok(Self { ink, icon, lines, menu })
    }

    fn change(&mut self, app: &AppHandle, ink: Ink, menu: Menu) -> tauri::Result<()> {
        if (self.ink, self.menu.icon) != (ink, menu.icon) {
            self.icon.set_icon_with_as_template(Some(image(menu.icon, ink)), ink == Ink::Template)?;
            self.ink = ink;
        }
        if self.menu.tooltip != menu.tooltip {
            self.icon.set_tooltip(Some(tooltip(&menu)))?;
        }
        if same_but_for_labels(&self.menu.items, &menu.items) {
            self.relabel(&menu.items)?;
        } else {
            self.lines = lines(app, &menu.items)?;
            self.icon.set_menu(Some(assemble(app, &self.lines)?))?;
        }
        self.menu = menu;
        Ok(())
    }

    /// Changes texts in place, so that a menu that is open stays so.
    fn relabel(&self, items: &[Item]) -> tauri::Result<()> {
        relabel(&self.lines, &self.menu.items, items)
    }
}

fn relabel(lines: &[Line], old: &[Item], new: &[Item]) -> tauri::Result<()> {
    for ((line, old), new) in lines.iter().zip(old).zip(new).filter(|((_, old), new)| old != new) {
        match (line, old, new) {
            (Line::Text(line), _, Item::Heading(text) | Item::Note(text) | Item::Act { label: text, .. }) => {
                line.set_text(without_mnemonics(text))?;
            }
            (Line::Folder(menu, lines), Item::Folder { items: old, .. }, Item::Folder { label, items }) => {
                menu.set_text(without_mnemonics(label))?;
                relabel(lines, old, items)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn lines(app: &AppHandle, items: &[Item]) -> tauri::Result<Vec<Line>> {
    items.iter().map(|item| line(app, item)).collect()
}

fn line(app: &AppHandle, item: &Item) -> tauri::Result<Line> {
    let (id, label) = match item {
        Item::Separator => return Ok(Line::Separator(PredefinedMenuItem::separator(app)?)),
        Item::Heading(label) | Item::Note(label) => (None, label),
        Item::Act { action, label } => (Some(action.to_id()), label),
        Item::Folder { label, items } => {
            let lines = lines(app, items)?;
            let menu = Submenu::with_items(app, without_mnemonics(label), true, &items_of(&lines))?;
            return Ok(Line::Folder(menu, lines));
        }
    };
    let label = without_mnemonics(label);
    let item = match id {
        Some(id) => MenuItem::with_id(app, id, label, true, None::<&str>),
        None => MenuItem::new(app, label, false, None::<&str>),
    };
    item.map(Line::Text)
}

fn assemble(app: &AppHandle, lines: &[Line]) -> tauri::Result<tauri::menu::Menu<Wry>> {
    tauri::menu::Menu::with_items(app, &items_of(lines))
}

fn items_of(lines: &[Line]) -> Vec<&dyn IsMenuItem<Wry>> {
    lines
        .iter()
        .map(|line| match line {
            Line::Separator(item) => item as &dyn IsMenuItem<Wry>,
            Line::Text(item) => item,
            Line::Folder(item, _) => item,
        })
        .collect()
}

/// On Linux the title, which is the program's name, stands above it.
fn tooltip(menu: &Menu) -> &str {
    let named = format!("{AJAR} · ");
    let rest = menu.tooltip.strip_prefix(&named).filter(|_| cfg!(target_os = "linux"));
    rest.unwrap_or(&menu.tooltip)
}

/// Toolkits take `&` for the mark of a mnemonic; where `_` is one, the backend escapes it itself.
fn without_mnemonics(label: &str) -> String {
    label.replace('&', "&&")
}

fn same_but_for_labels(old: &[Item], new: &[Item]) -> bool {
    let same = |(old, new): (&Item, &Item)| match (old, new) {
        (Item::Act { action: old, .. }, Item::Act { action: new, .. }) => old == new,
        (Item::Folder { items: old, .. }, Item::Folder { items: new, .. }) => same_but_for_labels(old, new),
        (old, new) => std::mem::discriminant(old) == std::mem::discriminant(new),
    };
    old.len() == new.len() && old.iter().zip(new).all(same)
}
