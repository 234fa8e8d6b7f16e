//! Stands for the desktop's notification daemon.
#![expect(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "a D-Bus interface has to take what is sent, used or not"
)]

use std::collections::HashMap;

use tokio::sync::mpsc;
use zbus::object_server::SignalEmitter;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, interface};

use crate::desk::within;

/// A notification as the user would see it.
#[derive(Debug)]
pub(crate) struct Notification {
    pub(crate) title: String,
    pub(crate) body: String,
    /// What its buttons are called, by what a click on them says; a click on itself says `default`.
    pub(crate) actions: Vec<(String, String)>,
    id: u32,
}

/// What has been shown.
pub(crate) struct Notifications {
    shown: mpsc::UnboundedReceiver<Notification>,
    bus: Connection,
}

impl Notifications {
    pub(crate) async fn begin(bus: Connection) -> zbus::Result<Self> {
        let (show, shown) = mpsc::unbounded_channel();
        bus.object_server().at(PATH, Daemon { show, last: 0 }).await?;
        bus.request_name("org.freedesktop.Notifications").await?;
        Ok(Self { shown, bus })
    }

    pub(crate) async fn next(&mut self) -> Notification {
        within("a notification is shown", self.shown.recv()).await.expect("the daemon lives as long as this")
    }

    /// Clicks a button, or the notification itself.
    pub(crate) async fn click(&self, notification: &Notification, action: &str) -> zbus::Result<()> {
        let daemon = self.bus.object_server().interface::<_, Daemon>(PATH).await?;
        Daemon::action_invoked(daemon.signal_emitter(), notification.id, action).await?;
        Daemon::notification_closed(daemon.signal_emitter(), notification.id, DISMISSED).await
    }
}

const PATH: &str = "/org/freedesktop/Notifications";

/// Why a notification is gone: its user is done with it.
const DISMISSED: u32 = 2;

struct Daemon {
    show: mpsc::UnboundedSender<Notification>,
    last: u32,
}

#[interface(name = "org.freedesktop.Notifications")]
impl Daemon {
    #[expect(clippy::too_many_arguments, reason = "the specification says so")]
    fn notify(
        &mut self,
        _app: String,
        replaces: u32,
        _icon: String,
        title: String,
        body: String,
        actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        self.last += 1;
        let id = if replaces == 0 { self.last } else { replaces };
        let mut words = actions.into_iter();
        let actions = std::iter::from_fn(|| words.next().zip(words.next())).collect();
        drop(self.show.send(Notification { title, body, actions, id }));
        id
    }

    #[zbus(signal)]
    async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

    #[zbus(signal)]
    async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".into(), "actions".into()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("tests".into(), "Ajar".into(), "1".into(), "1.2".into())
    }
}
