//! Stands for the panel: knows the tray items there are, reads their menus, clicks.
#![expect(
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "a D-Bus interface has to take what is sent, used or not"
)]

use std::collections::HashMap;
use std::process::ExitStatus;

use futures::StreamExt as _;
use tokio::process::Child;
use tokio::sync::{Mutex, mpsc};
use zbus::zvariant::{OwnedValue, Structure, Value};
use zbus::{Connection, MatchRule, MessageStream, Proxy, fdo, interface, message};

use crate::desk::{LIMIT, within};

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";

/// The bus's own word for whoever goes away before answering.
const NO_REPLY: &str = "org.freedesktop.DBus.Error.NoReply";

/// A menu as dbusmenu lays it out: its id, its properties, its lines.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// One line of a tray's menu; separators have no label.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) id: i32,
    pub(crate) label: String,
    pub(crate) enabled: bool,
}

/// The panel's side of the bus.
pub(crate) struct TrayHost {
    bus: Connection,
    items: Mutex<mpsc::UnboundedReceiver<String>>,
    register: mpsc::UnboundedSender<String>,
}

impl TrayHost {
    pub(crate) fn new(bus: Connection) -> Self {
        let (register, items) = mpsc::unbounded_channel();
        Self { bus, items: Mutex::new(items), register }
    }

    /// From here on there is a panel.
    pub(crate) async fn begin(&self) {
        let watcher = Watcher { register: self.register.clone() };
        self.bus.object_server().at("/StatusNotifierWatcher", watcher).await.expect("the path is free");
        self.bus.request_name(WATCHER).await.expect("no other panel is on this bus");
    }

    /// The bus name of the next item that wants to be shown.
    pub(crate) async fn next_item(&self) -> String {
        self.items.lock().await.recv().await.expect("the watcher lives as long as this")
    }

    /// Waits until an item has looked for a panel in vain: its name comes to the bus and leaves it again.
    pub(crate) async fn an_item_has_given_up(&self) {
        let dbus = fdo::DBusProxy::new(&self.bus).await.expect("a bus has its own interface");
        let mut changes = dbus.receive_name_owner_changed().await.expect("the bus tells of names");
        let gone = async {
            while let Some(change) = changes.next().await {
                let change = change.args().expect("the bus follows its own specification");
                if change.name.starts_with(ITEM) && change.new_owner.is_none() {
                    return;
                }
            }
        };
        within("an item looks for a panel in vain", gone).await;
    }

    /// Chooses “Quit” of an item whose process is not ours, and waits until it has left the bus.
    pub(crate) async fn quit(&self, name: &str) {
        let dbus = fdo::DBusProxy::new(&self.bus).await.expect("a bus has its own interface");
        let mut changes = dbus.receive_name_owner_changed().await.expect("the bus tells of names");
        let menu = proxy(&self.bus, name, "/MenuBar", MENU).await;
        let lines = lines_of(&menu).await;
        let quit = lines.iter().find(|line| line.label == "Quit Ajar").expect("every menu has it").id;
        menu.call::<_, _, ()>("Event", &(quit, "clicked", Value::from(""), 0_u32)).await.expect("it takes the click");
        let gone = async {
            while let Some(change) = changes.next().await {
                let change = change.args().expect("the bus follows its own specification");
                if change.name == name && change.new_owner.is_none() {
                    return;
                }
            }
        };
        within("the tray leaves the bus", gone).await;
    }

    /// The tray of a process that has registered an item.
    pub(crate) async fn tray(&self, process: Child) -> Tray {
        let name = within("the tray item is registered", self.next_item()).await;
        let rule = MatchRule::builder().msg_type(message::Type::Signal).interface(MENU).expect("a valid name").build();
        let changes = MessageStream::for_match_rule(rule, &self.bus, None).await.expect("the bus passes signals on");
        let item = proxy(&self.bus, &name, "/StatusNotifierItem", ITEM).await;
        let menu = proxy(&self.bus, &name, "/MenuBar", MENU).await;
        Tray { process, item, menu, changes }
    }
}

async fn proxy(bus: &Connection, name: &str, path: &str, interface: &str) -> Proxy<'static> {
    Proxy::new(bus, name.to_owned(), path.to_owned(), interface.to_owned()).await.expect("valid names")
}

struct Watcher {
    register: mpsc::UnboundedSender<String>,
}

#[interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, service: String) {
        drop(self.register.send(service));
    }

    fn register_status_notifier_host(&self, _service: String) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        Vec::new()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

/// The tray under test, and the process behind it.
pub(crate) struct Tray {
    process: Child,
    item: Proxy<'static>,
    menu: Proxy<'static>,
    changes: MessageStream,
}

impl Tray {
    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.process.id().expect("the tray runs")
    }

    /// The menu as it is now.
    pub(crate) async fn menu(&self) -> Vec<Line> {
        lines_of(&self.menu).await
    }

    /// The menu, as soon as it is as wanted.
    pub(crate) async fn menu_when(&mut self, what: &str, wanted: impl Fn(&[Line]) -> bool) -> Vec<Line> {
        let mut seen = Vec::new();
        let wait = async {
            loop {
                seen = self.menu().await;
                if wanted(&seen) {
                    return;
                }
                self.changes.next().await;
            }
        };
        let in_time = tokio::time::timeout(LIMIT, wait).await.is_ok();
        assert!(in_time, "the menu does not say that {what}: {seen:#?}");
        seen
    }

    /// Chooses from the menu. One that is redrawn at that moment knows the line no more: then it is clicked where it is now.
    pub(crate) async fn click(&self, label: &str) {
        self.choose(label).await.expect("the tray takes the click");
    }

    async fn choose(&self, label: &str) -> zbus::Result<()> {
        let clicked = async {
            loop {
                let lines = self.menu().await;
                let line = lines.iter().find(|line| line.label == label && line.enabled);
                let id = line.unwrap_or_else(|| panic!("no “{label}” to click among {lines:#?}")).id;
                let event = (id, "clicked", Value::from(""), 0_u32);
                match self.menu.call("Event", &event).await {
                    Err(zbus::Error::MethodError(name, ..)) if name == "org.freedesktop.DBus.Error.InvalidArgs" => {}
                    answer => return answer,
                }
            }
        };
        within(&format!("“{label}” is clicked"), clicked).await
    }

    /// Clicks on the icon.
    pub(crate) async fn activate(&self) {
        self.item.call::<_, _, ()>("Activate", &(0_i32, 0_i32)).await.expect("the tray takes the click");
    }

    /// Ends it without a word.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.expect("it is our child");
    }

    /// Chooses “Quit” and waits for the end.
    pub(crate) async fn quit(&mut self) {
        // The process may have gone from the bus before its answer is on it.
        if let Err(error) = self.choose("Quit Ajar").await {
            assert!(matches!(&error, zbus::Error::MethodError(name, ..) if *name == NO_REPLY), "{error}");
        }
        assert!(self.ended().await.success());
    }

    /// Waits for the end of the process.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        within("the tray ends", self.process.wait()).await.expect("it is our child")
    }
}

async fn lines_of(menu: &Proxy<'_>) -> Vec<Line> {
    let question = (0_i32, -1_i32, Vec::<String>::new());
    let answer: (u32, Layout) = menu.call("GetLayout", &question).await.expect("the tray answers");
    let (_, (_, _, children)) = answer;
    children.iter().map(|child| line(child).expect("a line as dbusmenu lays it out")).collect()
}

fn line(child: &OwnedValue) -> Option<Line> {
    let structure: &Structure<'_> = child.downcast_ref().ok()?;
    let [Value::I32(id), Value::Dict(properties), _] = structure.fields() else { return None };
    let label: Option<String> = properties.get(&"label").ok()?;
    let enabled: Option<bool> = properties.get(&"enabled").ok()?;
    // dbusmenu reads one underscore as the mark of a mnemonic and two as one.
    Some(Line { id: *id, label: label.unwrap_or_default().replace("__", "_"), enabled: enabled.unwrap_or(true) })
}
