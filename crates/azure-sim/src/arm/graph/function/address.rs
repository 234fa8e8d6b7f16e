//! IPv4 addresses and their blocks.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::super::value::text;
use crate::json::Value;

type Arguments<'a> = &'a [Cow<'a, Value>];

/// An address stands for the block of itself.
fn block(of: &Value) -> Option<Ipv4Net> {
    let text = text(of);
    text.parse().ok().or_else(|| text.parse::<Ipv4Addr>().ok().map(Ipv4Net::from))
}

pub(super) fn is_private(of: Arguments<'_>) -> Value {
    block(&of[0]).map_or(Value::Null, |block| block.addr().is_private().into())
}

pub(super) fn is_in_range(of: Arguments<'_>) -> Value {
    block(&of[0]).zip(block(&of[1])).map_or(Value::Null, |(one, range)| range.contains(&one).into())
}

/// As far as the shorter of both prefixes goes.
pub(super) fn is_match(of: Arguments<'_>) -> Value {
    let both = block(&of[0]).zip(block(&of[1]));
    both.map_or(Value::Null, |(one, other)| (one.contains(&other.addr()) || other.contains(&one.addr())).into())
}
