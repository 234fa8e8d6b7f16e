//! The words for access that is renewed by itself.

use chrono::{DateTime, Utc};

use super::moment;
use crate::renewal::{Access, Standing};
use crate::zone::Zone;

/// How it stands with a window's renewal, where `ceiling` is the last moment that it is renewed to.
pub fn standing(
    standing: Standing,
    access: &Access,
    ceiling: DateTime<Utc>,
    is_being_asked: bool,
    zone: Zone,
) -> String {
    let at = |at| moment(at, zone);
    let said = match standing {
        Standing::Renews { until, .. } => {
            format!("Renewed by itself while you are connected, until {} at most.", at(until))
        }
        Standing::Spent => format!(
            "Not renewed any more: it was opened first at {} and is renewed until {} at most. Extend it for more.",
            at(access.since),
            at(ceiling)
        ),
        Standing::AsksReason => {
            "Not renewed by itself: a reason is to be given each time. Extend it to go on.".to_owned()
        }
        Standing::Asked { .. } if is_being_asked => "Being renewed.".to_owned(),
        Standing::Asked { .. } => "It could not be renewed by itself. Extend it to go on.".to_owned(),
    };
    let last = access.renewed_at.map(at);
    match (access.times, last) {
        (0, _) | (_, None) => said,
        (1, Some(last)) => format!("{said} Renewed once, at {last}."),
        (times, Some(last)) => format!("{said} Renewed {times} times, the last time at {last}."),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Offset as _, TimeDelta};

    use super::*;

    #[test]
    fn how_it_stands_is_told_with_what_helps() {
        let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
        let (zone, until) = (Zone::always(Utc.fix(), now), now + TimeDelta::hours(8));
        let access = |times, renewed_at| Access { since: now, until, times, renewed_at, asked_for: None };
        let last = Some(now + TimeDelta::minutes(117));
        let told = |how, access: &Access, is_being_asked| standing(how, access, until, is_being_asked, zone);
        insta::assert_snapshot!(
            "renewal",
            [
                told(Standing::Renews { at: now, until }, &access(0, None), false),
                told(Standing::Renews { at: now, until }, &access(1, last), false),
                told(Standing::Spent, &access(3, last), false),
                told(Standing::AsksReason, &access(0, None), false),
                told(Standing::Asked { at: now }, &access(0, None), true),
                told(Standing::Asked { at: now }, &access(0, None), false),
            ]
            .join("\n")
        );
    }
}
