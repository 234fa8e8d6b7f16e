//! Shows notifications. Never the only way to learn something: icon, menu and window say it too.

use ajar_core::menu::Action;
use ajar_core::message::notice::{self, Notice};
use tauri::AppHandle;
use tauri_plugin_notification::{Action as Button, ActionPerformed, ActionType, NotificationExt as _};

use crate::desk::Desk;

/// The kind of notification that has a button for more time, and that button.
const EXTENDS: &str = "extends";
/// The extra of such a notification that says whom it is about.
const NAME: &str = "name";
/// What the plugin calls a click on the notification itself.
const TAP: &str = "tap";

/// Has clicks on notifications done: on itself it opens the window, on its button what that says. To be called before the
/// first is shown, because buttons that nobody listens to are left out.
pub(crate) fn listen(app: &AppHandle, desk: &Desk) {
    let notifications = app.notification();
    let extend = Button::builder(EXTENDS, notice::EXTEND).build();
    let kinds = vec![ActionType::builder(EXTENDS).actions(vec![extend]).build()];
    let desk = desk.clone();
    let heard = notifications.register_action_types(kinds).and_then(|()| {
        notifications.on_action(move |clicked| {
            if let Some(action) = meant(clicked) {
                desk.act(action);
            }
        })
    });
    if let Err(error) = heard {
        tracing::warn!(%error, "clicks on notifications are not heard of");
    }
}

/// What a click asks for.
fn meant(clicked: &ActionPerformed) -> Option<Action> {
    match clicked.action_id() {
        TAP => Some(Action::OpenWindow),
        EXTENDS => {
            let name = clicked.notification()?.extra().get(NAME)?.as_str()?.parse().ok()?;
            Some(Action::Extend { name })
        }
        _ => None,
    }
}

pub(crate) fn show(app: &AppHandle, notice: Notice) {
    let mut notification = app.notification().builder().title(notice.title).body(notice.body);
    if let Some(name) = notice.extends {
        notification = notification.action_type_id(EXTENDS).extra(NAME, name.as_str());
    }
    if let Err(error) = notification.show() {
        tracing::warn!(%error, "a notification was not shown");
    }
}
