//! One connection of Remote Desktop: lines of `name:kind:value`.
//! https://learn.microsoft.com/azure/virtual-desktop/rdp-properties

use super::text::{filled, user};
use super::{Entry, Host, LeftOut, Sorted, Why};
use crate::port::Protocol;
use crate::rdp_file::RdpFile;

/// Reads a file that is called `name`.
pub(super) fn read(text: &str, name: &str) -> Sorted {
    let file = RdpFile::of(text);
    let value = |wanted: &str| file.get(wanted).map(|property| property.value.as_str());
    // 0 and 4 have none used, though one is named.
    let gateway = file.get("gatewayhostname").filter(|_| !matches!(value("gatewayusagemethod"), Some("0" | "4")));
    let left = |what: String, line: usize, why: Why| LeftOut { what, line: Some(line), why };
    let secrets = file.properties().filter(|property| property.is_secret());
    let mut left_out: Vec<LeftOut> =
        secrets.map(|property| left("password".into(), property.line, Why::Secret)).collect();
    left_out.extend(gateway.map(|gateway| left(format!("gateway {}", gateway.value), gateway.line, Why::Gateway)));
    let Some(addressed) = ["full address", "alternate full address"].into_iter().find_map(|key| file.get(key)) else {
        left_out.push(LeftOut { what: name.to_owned(), line: None, why: Why::NoAddress });
        return (Vec::new(), left_out);
    };
    let (address, port) = address_and_port(&addressed.value);
    let of_text = |port: &str| port.parse::<u16>().ok().filter(|port| *port != 0);
    let wrong = port.filter(|port| !port.is_empty() && of_text(port).is_none());
    let what = || format!("the port of {}", addressed.name.to_ascii_lowercase());
    left_out.extend(wrong.map(|port| left(what(), addressed.line, Why::Value(port.to_owned()))));
    let of_server = || of_text(value("server port")?);
    let port = port.and_then(of_text).or_else(of_server).filter(|port| Some(*port) != Protocol::Rdp.default_port());
    let label = filled(name).unwrap_or_else(|| address.clone());
    let host =
        Host { port, user: user(value("username"), value("domain")), ..Host::new(label, address, Protocol::Rdp) };
    (vec![Entry::Host(host)], left_out)
}

/// `web-01:3390`, `[2001:db8::1]:3390`, or an address alone.
fn address_and_port(text: &str) -> (String, Option<&str>) {
    if let Some((address, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address.to_owned(), rest.strip_prefix(':'));
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') => (address.trim().to_owned(), Some(port.trim())),
        _ => (text.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host {
        match read(text, "web 01").0.pop() {
            Some(Entry::Host(host)) => host,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn where_it_leads_and_who_logs_in_are_read() {
        let plain = Host::new("web 01".into(), "10.0.0.4".into(), Protocol::Rdp);
        for (text, expected) in [
            ("full address:s:10.0.0.4\r\n", plain.clone()),
            ("Full Address:s: 10.0.0.4:3389 \n", plain.clone()),
            ("full address:s:10.0.0.4:3390\n", Host { port: Some(3390), ..plain.clone() }),
            ("server port:i:3391\nfull address:s:10.0.0.4\n", Host { port: Some(3391), ..plain.clone() }),
            ("full address:s:\nalternate full address:s:10.0.0.4\n", plain.clone()),
            ("full address:s:[fd00::4]:3390\n", Host { address: "fd00::4".into(), port: Some(3390), ..plain.clone() }),
            ("full address:s:fd00::4\n", Host { address: "fd00::4".into(), ..plain.clone() }),
            (
                "full address:s:10.0.0.4\nusername:s:ada\ndomain:s:CONTOSO\n",
                Host { user: Some(r"CONTOSO\ada".into()), ..plain.clone() },
            ),
            (
                "full address:s:10.0.0.4\nusername:s:ada@contoso.com\ndomain:s:CONTOSO\n",
                Host { user: Some("ada@contoso.com".into()), ..plain.clone() },
            ),
        ] {
            assert_eq!(host(text), expected, "{text}");
        }
    }

    #[test]
    fn a_port_that_is_none_is_told_of_and_not_taken() {
        for port in ["99999", "0", "rdp"] {
            let (entries, left_out) = read(&format!("\nfull address:s:10.0.0.4:{port}\n"), "web 01");
            let told = LeftOut { what: "the port of full address".into(), line: Some(2), why: Why::Value(port.into()) };
            assert_eq!((entries.len(), left_out), (1, vec![told]), "{port}");
        }
    }

    #[test]
    fn a_gateway_that_is_used_is_told_of() {
        for (method, told) in [("", true), ("gatewayusagemethod:i:1\n", true), ("gatewayusagemethod:i:4\n", false)] {
            let text = format!("full address:s:10.0.0.4\nGatewayHostname:s:gw.contoso.com\n{method}");
            let (entries, left_out) = read(&text, "web");
            let gateway = LeftOut { what: "gateway gw.contoso.com".into(), line: Some(2), why: Why::Gateway };
            assert_eq!((entries.len(), left_out), (1, if told { vec![gateway] } else { vec![] }), "{method}");
        }
    }

    #[test]
    fn a_password_is_told_of_and_not_kept_and_without_an_address_there_is_nothing() {
        let text = "screen mode id:i:2\npassword 51:b:01000000D08C9DDF\n";
        let (entries, left_out) = read(text, "web");
        assert_eq!(entries, []);
        let whys: Vec<_> = left_out.iter().map(|left| (left.line, left.why.clone())).collect();
        assert_eq!(whys, [(Some(2), Why::Secret), (None, Why::NoAddress)]);
        assert!(!format!("{left_out:?}").contains("D08C9DDF"));
    }
}
