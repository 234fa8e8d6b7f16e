//! The words for VMs that Ajar has started, and that nobody uses any more.

use chrono::{DateTime, TimeDelta, Utc};

use super::{moment, spoken, time_of_day};
use crate::after_use::Started;
use crate::zone::Zone;

/// On the button that leaves the VM running until it is started again.
pub const LEAVE: &str = "Leave it running";
/// On the button that puts the question off.
pub const LATER: &str = "Later";
/// On the button that deallocates.
pub const DEALLOCATE: &str = "Deallocate";

/// A VM is not used any more, and what is asked or going to be done.
pub fn not_used(
    Started { used, at, lost_sight, .. }: &Started,
    deallocates_at: Option<DateTime<Utc>>,
    zone: Zone,
) -> String {
    let idle = if *used { "Nobody at this machine is connected any more." } else { "Nobody has connected." };
    let started = format!("Ajar started it at {}", moment(*at, zone));
    match deallocates_at {
        None if *lost_sight => {
            format!(
                "{idle} {started}, but did not watch it all the time: somebody else may have started it anew since. Its compute \
                 is billed while it runs."
            )
        }
        Some(at) => format!("{idle} {started}; it is deallocated at {}.", time_of_day(at, zone)),
        None => format!("{idle} {started}, and its compute is billed while it runs."),
    }
}

/// How long a VM runs that Ajar has started: in hours, from the first on.
pub fn running(since: TimeDelta) -> String {
    format!("running {}, started by Ajar", hours(since))
}

/// The same where there is little room.
pub fn runs(since: TimeDelta) -> String {
    format!("running {}", hours(since))
}

fn hours(since: TimeDelta) -> String {
    if since < TimeDelta::hours(1) { "less than an hour".into() } else { spoken(TimeDelta::hours(since.num_hours())) }
}

/// The same with when that was, by its name.
pub fn running_since(name: &str, started_at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    format!("{name}: {}, at {}.", running(now - started_at), moment(started_at, zone))
}

/// A VM that is not used any more, by its name, with the command that ends that.
pub fn to_stop(name: &str, text: &str) -> String {
    format!("{name}: {text} `ajar stop {name}` deallocates it.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::after_use::NOTICE;
    use crate::profile::AfterUse;
    use chrono::Offset as _;

    #[test]
    fn what_runs_on_is_told_with_since_when_and_what_becomes_of_it() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let (zone, at) = (Zone::always(Utc.fix(), now), now - TimeDelta::minutes(185));
        let unused = Started::new("web-01".parse().unwrap(), AfterUse::Ask, at);
        let used = Started { used: true, ..unused.clone() };
        insta::assert_snapshot!(
            "after_use",
            [
                not_used(&used, None, zone),
                not_used(&Started { lost_sight: true, ..used.clone() }, None, zone),
                not_used(&unused, Some(now + NOTICE), zone),
                to_stop("web-01", &not_used(&used, None, zone)),
                running_since("web-01", at, now, zone),
                running_since("db-01", now, now, zone),
                runs(TimeDelta::minutes(60)),
            ]
            .join("\n")
        );
    }
}
