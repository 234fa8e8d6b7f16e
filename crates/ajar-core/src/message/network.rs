//! The words for windows that are open from another address than this machine has now.

use std::net::Ipv4Addr;

use chrono::{DateTime, Utc};

use super::moment;
use crate::failure::Failure;
use crate::zone::Zone;

/// A window is open from `source` until `end`, and this machine is at `here` now.
pub fn left_behind(here: Ipv4Addr, source: &str, end: DateTime<Utc>, zone: Zone) -> String {
    let end = moment(end, zone);
    format!(
        "Your address is now {here}. It is open until {end} from {source}, and lets no new connections in from here."
    )
}

/// A window is open from `source`, and where this machine is now cannot be established.
pub fn whereabouts_unknown(why: &Failure, source: &str) -> String {
    let why = if let Failure::SourceUncertain { seen } = why {
        let seen: Vec<_> = seen.iter().map(ToString::to_string).collect();
        format!("the services that tell it disagree ({})", seen.join(", "))
    } else {
        "no service tells it".into()
    };
    format!(
        "Your address cannot be found out: {why}. It is open from {source}; whether that still lets you in is not known, and \
         nothing was asked for."
    )
}

/// What Azure keeps open beside a window for addresses that this machine had before, until `end`.
pub fn kept_beside(sources: &[String], end: DateTime<Utc>, zone: Zone) -> String {
    format!("Azure keeps it open from {}, too, until {}.", sources.join(" and "), moment(end, zone))
}

/// What can be typed to be let in from the present address, to a port that is another than the favourite's.
pub fn from_here_command(name: &str, port: Option<u16>) -> String {
    let port = port.map(|port| format!(" --port {port}")).unwrap_or_default();
    format!("`ajar extend {name}{port} --from-here` asks for access from here, until the same end.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Offset as _;

    #[test]
    fn what_a_new_address_means_is_said_with_what_helps() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let (zone, end) = (Zone::always(Utc.fix(), now), now + chrono::TimeDelta::minutes(90));
        let (here, there) = (Ipv4Addr::new(198, 51, 100, 77), "203.0.113.7");
        insta::assert_snapshot!(
            "left_behind",
            [
                left_behind(here, there, end, zone),
                whereabouts_unknown(&Failure::SourceUnknown, there),
                whereabouts_unknown(&Failure::SourceUncertain { seen: vec![here, Ipv4Addr::new(192, 0, 2, 1)] }, there),
                kept_beside(&[there.into(), "192.0.2.1".into()], end, zone),
                from_here_command("web-01", None),
                from_here_command("web-01", Some(8022)),
            ]
            .join("\n")
        );
    }
}
