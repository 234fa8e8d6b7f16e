//! The body of *initiate*: `JitNetworkAccessPolicyInitiateRequest`.

use ajar_core::iso8601::IsoDuration;
use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::Initiate;

/// How the end is written.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// As `endTimeUtc`, which the published schema requires.
    Time,
    /// As `duration`, from the moment Azure reads it.
    Duration,
}

/// The body for all of `asks`, of which each is about another VM. They have one justification, which is the first one's.
pub fn initiate_body(asks: &[Initiate], end: End) -> Value {
    let mut body = json!({ "virtualMachines": asks.iter().map(|ask| machine(ask, end)).collect::<Vec<_>>() });
    if let Some(justification) = asks.first().and_then(|ask| ask.justification.as_ref()) {
        body["justification"] = json!(justification);
    }
    body
}

fn machine(ask: &Initiate, end: End) -> Value {
    let (name, value) = match end {
        End::Time => ("endTimeUtc", ask.end_time_utc.to_rfc3339_opts(SecondsFormat::Millis, true)),
        End::Duration => ("duration", IsoDuration(whole_minutes(ask.duration)).to_string()),
    };
    json!({
        "id": ask.vm.to_string(),
        "ports": [{
            "number": ask.port,
            name: value,
            "allowedSourceAddressPrefix": ask.source.to_string(),
        }],
    })
}

/// To the nearest minute: three hours without the margin for Azure's clock are `PT3H` and not `PT2H59M55S`, and no maximum is
/// exceeded that the wish itself kept.
fn whole_minutes(duration: TimeDelta) -> TimeDelta {
    TimeDelta::minutes((duration.num_seconds() + 30) / 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_rounded_to_the_minute_that_was_meant() {
        for (seconds, minutes) in [(3_600, 60), (3_597, 60), (3_601, 60), (300, 5), (305, 5)] {
            assert_eq!(whole_minutes(TimeDelta::seconds(seconds)), TimeDelta::minutes(minutes), "{seconds}");
        }
    }
}
