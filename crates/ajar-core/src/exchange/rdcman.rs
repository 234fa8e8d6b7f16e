//! The servers of Remote Desktop Connection Manager: groups within groups, each of which may give log-in and port to those
//! in it. Before version 2.7 names stood right in their elements, since then in `properties`.
//! https://learn.microsoft.com/sysinternals/downloads/rdcman

use super::text::{filled, folder, user};
use super::xml::Element;
use super::{Entry, Host, LeftOut, Sorted, Why};
use crate::port::Protocol;

/// All attributes that are read.
pub(super) const ATTRIBUTES: [&str; 1] = ["inherit"];

/// What holds for a server.
#[derive(Clone, Copy, Default)]
struct Given<'e> {
    user: Option<&'e str>,
    domain: Option<&'e str>,
    port: Option<&'e str>,
}

/// Reads the outermost element.
pub(super) fn read(root: &Element) -> Sorted {
    let mut sorted = Sorted::default();
    for file in root.children.iter().filter(|child| child.name == "file") {
        // The file itself is no folder of anybody's.
        let given = given(file, Given::default(), &mut sorted.1);
        group(file, &mut Vec::new(), given, &mut sorted);
    }
    sorted
}

fn group<'e>(around: &'e Element, folders: &mut Vec<&'e str>, given_there: Given<'e>, sorted: &mut Sorted) {
    for element in &around.children {
        match element.name.as_str() {
            "group" => {
                let given = given(element, given_there, &mut sorted.1);
                folders.push(property(element, "name").unwrap_or_default());
                group(element, folders, given, sorted);
                folders.pop();
            }
            "server" => {
                let given = given(element, given_there, &mut sorted.1);
                match host(element, folders, given) {
                    Ok(host) => sorted.0.push(Entry::Host(host)),
                    Err((what, why)) => sorted.1.push(LeftOut { what, line: Some(element.line), why }),
                }
            }
            _ => {}
        }
    }
}

/// What an element gives to those in it, and to itself: its own where it does not have that of the one around it.
fn given<'e>(element: &'e Element, around: Given<'e>, left_out: &mut Vec<LeftOut>) -> Given<'e> {
    let own = |name: &str| element.child(name).filter(|child| child.attribute("inherit") != Some("FromParent"));
    let mut given = around;
    if let Some(credentials) = own("logonCredentials") {
        (given.user, given.domain) = (credentials.text_of("userName"), credentials.text_of("domain"));
        if let Some(password) = credentials.child("password").filter(|password| !password.text.is_empty()) {
            let what = format!("{}: password", name(element));
            left_out.push(LeftOut { what, line: Some(password.line), why: Why::Secret });
        }
    }
    if let Some(connection) = own("connectionSettings") {
        given.port = connection.text_of("port");
    }
    given
}

fn host(server: &Element, folders: &[&str], given: Given<'_>) -> Result<Host, (String, Why)> {
    let address = property(server, "name").ok_or_else(|| (name(server), Why::NoAddress))?;
    // A virtual machine of a Hyper-V host is no host itself.
    if let Some(kind) = property(server, "connectionType").filter(|kind| *kind == "VirtualMachineConsoleConnect") {
        return Err((name(server), Why::Protocol(kind.to_owned())));
    }
    let port = given.port.and_then(|port| port.parse().ok());
    Ok(Host {
        port: port.filter(|port| *port != 0 && Some(*port) != Protocol::Rdp.default_port()),
        user: user(given.user, given.domain),
        folder: folder(folders.iter().copied()),
        note: property(server, "comment").and_then(filled),
        ..Host::new(name(server), address.to_owned(), Protocol::Rdp)
    })
}

/// What people see of it.
fn name(element: &Element) -> String {
    property(element, "displayName").or_else(|| property(element, "name")).unwrap_or_default().to_owned()
}

fn property<'e>(element: &'e Element, name: &str) -> Option<&'e str> {
    element.child("properties").and_then(|properties| properties.text_of(name)).or_else(|| element.text_of(name))
}
