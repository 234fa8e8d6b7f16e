//! Stands for the desktop's notification daemon.
#![expect(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "a D-Bus interface has to take what is sent, used or not"
)]

use std::collections::HashMap;

use tokio::sync::mpsc;
use zbus::zvariant::OwnedValue;
use zbus::{Connection, interface};

use crate::desk::within;

/// A notification as the user would see it.
#[derive(Debug)]
pub(crate) struct Notification {
    pub(crate) title: String,
    pub(crate) body: String,
}

/// What has been shown.
pub(crate) struct Notifications {
    shown: mpsc::UnboundedReceiver<Notification>,
    _bus: Connection,
}

impl Notifications {
    pub(crate) async fn begin(bus: Connection) -> zbus::Result<Self> {
        let (show, shown) = mpsc::unbounded_channel();
        bus.object_server().at("/org/freedesktop/Notifications", Daemon { show, last: 0 }).await?;
        bus.request_name("org.freedesktop.Notifications").await?;
        Ok(Self { shown, _bus: bus })
    }

    pub(crate) async fn next(&mut self) -> Notification {
        within("a notification is shown", self.shown.recv()).await.expect("the daemon lives as long as this")
    }
}

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
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _timeout: i32,
    ) -> u32 {
        drop(self.show.send(Notification { title, body }));
        self.last += 1;
        if replaces == 0 { self.last } else { replaces }
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".into()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ("tests".into(), "Ajar".into(), "1".into(), "1.2".into())
    }
}
