//! Shows notifications. Never the only way to learn something: icon, menu and window say it too.

use ajar_core::message::notice::Notice;
use tauri::AppHandle;
use tauri_plugin_notification::NotificationExt as _;

pub(crate) fn show(app: &AppHandle, notice: Notice) {
    if let Err(error) = app.notification().builder().title(notice.title).body(notice.body).show() {
        tracing::warn!(%error, "a notification was not shown");
    }
}
