//! Shows notifications. Never the only way to learn something: icon, menu and window say it too.

use ajar_core::after_use::{Keep, Unused};
use ajar_core::menu::Action;
use ajar_core::message::after_use;
use ajar_core::message::notice::{self, Notice, Offer};
use ajar_core::profile::ProfileName;
use tauri::AppHandle;
use tauri_plugin_notification::{Action as Button, ActionPerformed, ActionType, NotificationExt as _};

use crate::desk::Desk;

/// The kind of notification that has a button for more time, and that button.
const EXTENDS: &str = "extends";
/// The same for access from the present address.
const FROM_HERE: &str = "from-here";
/// The same for a VM that is not used any more, with its three buttons.
const AFTER_USE: &str = "after-use";
const DEALLOCATE: &str = "deallocate";
const LATER: &str = "later";
const LEAVE: &str = "leave";
/// The extra of a notification with buttons that says whom it is about: by name, or by VM and start.
const NAME: &str = "name";
const UNUSED: &str = "unused";
/// What the plugin calls a click on the notification itself.
const TAP: &str = "tap";

/// Has clicks on notifications done: on itself it opens the window, on its button what that says. To be called before the
/// first is shown, because buttons that nobody listens to are left out.
pub(crate) fn listen(app: &AppHandle, desk: &Desk) {
    let notifications = app.notification();
    let kind = |id: &str, buttons: &[(&str, &str)]| {
        let buttons = buttons.iter().map(|(id, label)| Button::builder(*id, *label).build());
        ActionType::builder(id).actions(buttons.collect()).build()
    };
    let kinds = vec![
        kind(EXTENDS, &[(EXTENDS, notice::EXTEND)]),
        kind(FROM_HERE, &[(FROM_HERE, notice::FROM_HERE)]),
        kind(AFTER_USE, &[(DEALLOCATE, after_use::DEALLOCATE), (LATER, after_use::LATER), (LEAVE, after_use::LEAVE)]),
    ];
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
        EXTENDS => Some(Action::Extend { name: whom(clicked)? }),
        FROM_HERE => Some(Action::FromHere { name: whom(clicked)? }),
        DEALLOCATE => Some(Action::Deallocate { unused: which(clicked)? }),
        LATER => Some(Action::KeepRunning { unused: which(clicked)?, keep: Keep::Later }),
        LEAVE => Some(Action::KeepRunning { unused: which(clicked)?, keep: Keep::Running }),
        _ => None,
    }
}

/// Whom a notification is about.
fn whom(clicked: &ActionPerformed) -> Option<ProfileName> {
    clicked.notification()?.extra().get(NAME)?.as_str()?.parse().ok()
}

/// Which VM, and which start of it.
fn which(clicked: &ActionPerformed) -> Option<Unused> {
    serde_json::from_str(clicked.notification()?.extra().get(UNUSED)?.as_str()?).ok()
}

pub(crate) fn show(app: &AppHandle, notice: Notice) {
    let notification = app.notification().builder().title(notice.title).body(notice.body);
    let notification = match notice.offer {
        None => notification,
        Some(Offer::Extend(name)) => notification.action_type_id(EXTENDS).extra(NAME, name.as_str()),
        Some(Offer::FromHere(name)) => notification.action_type_id(FROM_HERE).extra(NAME, name.as_str()),
        Some(Offer::AfterUse(unused)) => {
            notification.action_type_id(AFTER_USE).extra(UNUSED, serde_json::json!(unused).to_string())
        }
    };
    if let Err(error) = notification.show() {
        tracing::warn!(%error, "a notification was not shown");
    }
}
