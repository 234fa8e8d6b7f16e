//! mRemoteNG's connections: nodes within nodes, each of which may have the values of the one around it.
//! https://mremoteng.readthedocs.io/en/latest/folders_and_inheritance.html

use super::text::{filled, folder, user};
use super::xml::Element;
use super::{Entry, Host, LeftOut, Problem, Sorted, Why};
use crate::port::Protocol;

/// What is read of a node, with the attribute that tells that it is the surrounding node's.
const INHERITED: [(&str, &str); 8] = [
    ("Protocol", "InheritProtocol"),
    ("Port", "InheritPort"),
    ("Username", "InheritUsername"),
    ("Domain", "InheritDomain"),
    ("Descr", "InheritDescription"),
    ("RDGatewayUsageMethod", "InheritRDGatewayUsageMethod"),
    ("RDGatewayHostname", "InheritRDGatewayHostname"),
    ("SSHTunnelConnectionName", "InheritSSHTunnelConnectionName"),
];

/// All attributes that are read.
pub(super) const ATTRIBUTES: [&str; 22] = [
    "FullFileEncryption",
    "Name",
    "Type",
    "Hostname",
    "Protocol",
    "Port",
    "Username",
    "Domain",
    "Descr",
    "Password",
    "InheritProtocol",
    "InheritPort",
    "InheritUsername",
    "InheritDomain",
    "InheritDescription",
    "RDGatewayUsageMethod",
    "RDGatewayHostname",
    "RDGatewayPassword",
    "SSHTunnelConnectionName",
    "InheritRDGatewayUsageMethod",
    "InheritRDGatewayHostname",
    "InheritSSHTunnelConnectionName",
];

/// The values that hold for a node, in the order of [`INHERITED`].
type Values<'e> = [Option<&'e str>; INHERITED.len()];

/// Reads the outermost element.
pub(super) fn read(root: &Element) -> Result<Sorted, Problem> {
    if is(root, "FullFileEncryption") {
        return Err(Problem::Encrypted);
    }
    let mut sorted = Sorted::default();
    nodes(root, &mut Vec::new(), &Values::default(), &mut sorted);
    Ok(sorted)
}

fn nodes<'e>(around: &'e Element, folders: &mut Vec<&'e str>, values: &Values<'e>, sorted: &mut Sorted) {
    for node in around.children.iter().filter(|child| child.name == "Node") {
        let values = values_of(node, values);
        let name = node.attribute("Name").unwrap_or_default();
        if node.attribute("Type") == Some("Container") {
            folders.push(name);
            nodes(node, folders, &values, sorted);
            folders.pop();
        } else {
            let (entries, left_out) = sorted;
            match host(node, name, folders, &values) {
                Ok(host) => {
                    let between = between(host.protocol, &values).map(|what| format!("{name}: {what}"));
                    left_out.extend(between.map(|what| LeftOut { what, line: Some(node.line), why: Why::Gateway }));
                    entries.push(Entry::Host(host));
                }
                Err(why) => left_out.push(LeftOut { what: name.to_owned(), line: Some(node.line), why }),
            }
        }
        for secret in ["Password", "RDGatewayPassword"].into_iter().filter(|key| node.attribute(key).is_some()) {
            sorted.1.push(LeftOut { what: format!("{name}: {secret}"), line: Some(node.line), why: Why::Secret });
        }
    }
}

fn values_of<'e>(node: &'e Element, around: &Values<'e>) -> Values<'e> {
    let mut values = *around;
    for (value, (own, inherits)) in values.iter_mut().zip(INHERITED) {
        if !is(node, inherits) {
            *value = node.attribute(own);
        }
    }
    values
}

fn host(node: &Element, name: &str, folders: &[&str], values: &Values<'_>) -> Result<Host, Why> {
    let [spoken, port, username, domain, description, ..] = *values;
    let protocol = match spoken.unwrap_or("RDP") {
        "RDP" => Protocol::Rdp,
        "SSH1" | "SSH2" => Protocol::Ssh,
        other => return Err(Why::Protocol(other.to_owned())),
    };
    let address = node.attribute("Hostname").ok_or(Why::NoAddress)?;
    let port = port.and_then(|port| port.parse().ok());
    let label = filled(name).unwrap_or_else(|| address.to_owned());
    Ok(Host {
        port: port.filter(|port| *port != 0 && Some(*port) != protocol.default_port()),
        user: user(username, domain),
        folder: folder(folders.iter().copied()),
        note: description.and_then(filled),
        ..Host::new(label, address.to_owned(), protocol)
    })
}

/// What mRemoteNG goes through to such a host, if anything.
fn between(protocol: Protocol, values: &Values<'_>) -> Option<String> {
    let [.., method, gateway, tunnel] = *values;
    // Where nothing is said of it, none is used, though one is named.
    let is_used = protocol == Protocol::Rdp && !method.is_none_or(|method| method.eq_ignore_ascii_case("Never"));
    let gateway = gateway.filter(|_| is_used).map(|gateway| format!("gateway {gateway}"));
    gateway.or_else(|| tunnel.map(|tunnel| format!("SSH tunnel {tunnel}")))
}

fn is(element: &Element, attribute: &str) -> bool {
    element.attribute(attribute).is_some_and(|value| value.eq_ignore_ascii_case("true"))
}
