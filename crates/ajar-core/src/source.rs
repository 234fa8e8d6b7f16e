//! The public address that the VM will see, and how far it can be trusted.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

/// A public IPv4 address of this machine, and how it became known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceAddress {
    /// The address; requests name it as a single host, never wider.
    pub address: Ipv4Addr,
    /// What stands behind it.
    pub confidence: Confidence,
}

/// What stands behind a source address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Confidence {
    /// So many sources said the same, and at least two did.
    Agreed {
        /// How many agreed.
        sources: u8,
    },
    /// Only one source answered in time.
    Unconfirmed,
    /// The user named it.
    Chosen,
}

/// Why no source address could be established.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SourceDispute {
    /// The sources named different addresses; all seen ones, in the order seen, without repeats.
    Disagree(Vec<Ipv4Addr>),
    /// No source gave an address.
    NoAnswer,
}

/// Weighs what the sources said: two that agree win over a dissenter; a lone answer is used but marked; anything else
/// is a dispute, which is never guessed away.
///
/// # Errors
/// The dispute, with all addresses seen.
pub fn weigh(answers: &[Ipv4Addr]) -> Result<SourceAddress, SourceDispute> {
    let mut seen: Vec<Ipv4Addr> = Vec::new();
    for answer in answers {
        if !seen.contains(answer) {
            seen.push(*answer);
        }
    }
    let votes = |address: &Ipv4Addr| answers.iter().filter(|answer| *answer == address).count();
    match seen.as_slice() {
        [] => Err(SourceDispute::NoAnswer),
        [only] if answers.len() == 1 => Ok(SourceAddress { address: *only, confidence: Confidence::Unconfirmed }),
        _ => {
            let most = seen.iter().map(votes).max().unwrap_or(0);
            let leaders: Vec<_> = seen.iter().filter(|address| votes(address) == most).collect();
            match leaders.as_slice() {
                [leader] if most >= 2 => Ok(SourceAddress {
                    address: **leader,
                    confidence: Confidence::Agreed { sources: u8::try_from(most).unwrap_or(u8::MAX) },
                }),
                _ => Err(SourceDispute::Disagree(seen)),
            }
        }
    }
}

/// The longest body a source may answer with, in bytes.
pub const LONGEST_ANSWER: usize = 64;

/// Reads a source's answer: one IPv4 address that can be seen on the internet, white space around it, nothing else.
///
/// Documentation ranges (RFC 5737) are let through: no network uses them, and simulated ones do.
pub fn parse_answer(body: &str) -> Option<Ipv4Addr> {
    if body.len() > LONGEST_ANSWER {
        return None;
    }
    body.trim().parse().ok().filter(|address| is_public(*address))
}

/// Whether an address can be a single machine's at all: what a user may name as the source. Private ones are, for VMs
/// that are reached through a VPN.
pub fn is_a_host(address: Ipv4Addr) -> bool {
    let first = address.octets()[0];
    !(address.is_loopback() || address.is_link_local() || first == 0 || first >= 224)
}

/// Whether an address can be a machine's address as the internet sees it.
pub fn is_public(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol_assignments = a == 192 && b == 0 && c == 0;
    let benchmarking = a == 198 && (b == 18 || b == 19);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || a == 0
        || a >= 224
        || shared
        || protocol_assignments
        || benchmarking)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
    const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 20);
    const C: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    #[test]
    fn two_sources_that_agree_win_and_a_lone_answer_is_marked() {
        let agreed = |sources| Ok(SourceAddress { address: A, confidence: Confidence::Agreed { sources } });
        assert_eq!(weigh(&[A, A, A]), agreed(3));
        assert_eq!(weigh(&[A, A]), agreed(2));
        assert_eq!(weigh(&[B, A, A]), agreed(2));
        assert_eq!(weigh(&[A]), Ok(SourceAddress { address: A, confidence: Confidence::Unconfirmed }));
    }

    #[test]
    fn disagreement_is_never_guessed_away() {
        assert_eq!(weigh(&[]), Err(SourceDispute::NoAnswer));
        assert_eq!(weigh(&[A, B]), Err(SourceDispute::Disagree(vec![A, B])));
        assert_eq!(weigh(&[A, B, C]), Err(SourceDispute::Disagree(vec![A, B, C])));
        assert_eq!(weigh(&[A, B, A, B]), Err(SourceDispute::Disagree(vec![A, B])));
    }

    #[test]
    fn a_source_can_be_named_if_it_can_be_a_machine() {
        for (address, fits) in [
            ("203.0.113.7", true),
            ("10.1.2.3", true),
            ("0.0.0.0", false),
            ("127.0.0.1", false),
            ("169.254.1.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
        ] {
            assert_eq!(is_a_host(address.parse().unwrap()), fits, "{address}");
        }
    }

    #[test]
    fn only_a_bare_public_ipv4_address_is_an_answer() {
        assert_eq!(parse_answer("203.0.113.7\n"), Some(A));
        for body in [
            "",
            "<html><body>Sign in to Wi-Fi</body></html>",
            "203.0.113.7, 10.0.0.1",
            "2001:db8::1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "203.0.113.07",
        ] {
            assert_eq!(parse_answer(body), None, "{body}");
        }
        assert_eq!(parse_answer(&format!("203.0.113.7{}", " ".repeat(64))), None);
    }
}
