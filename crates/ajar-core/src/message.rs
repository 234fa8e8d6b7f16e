//! All sentences for people, in one place and keyed: by failure code, step and status, so that they can be translated.
//!
//! Tray, window, notifications and the command line show the same words.

pub mod account;
pub mod activity;
pub mod after_use;
pub mod cli;
pub mod deallocation;
pub mod desktop;
pub mod diagnosis;
pub mod exchange;
pub mod failure;
pub mod files;
pub mod given;
pub mod history;
pub mod inventory;
pub mod launch;
pub mod menu;
pub mod network;
pub mod note;
pub mod notice;
pub mod renewal;
pub mod rights;
pub mod settings;
pub mod socket_folder;
pub mod ssh_config;
pub mod step;
pub mod team;
pub mod toml;

use crate::zone::Zone;
use chrono::{DateTime, TimeDelta, Utc};

use crate::policy::{SourcePrefix, StatusReason};
use crate::profile::ProfileName;
use crate::resource_id::VmResourceId;
use crate::vm::{OsType, PowerState};

/// A moment on the user's clock, such as “17:04”, with the day where it is not today: “Tue 24 Nov 00:01”. What is said may
/// be read later, so the day is one that stays true.
pub fn moment(at: DateTime<Utc>, zone: Zone) -> String {
    let time = time_of_day(at, zone);
    let day = if zone.is_this_year(at) { "%a %-d %b" } else { "%a %-d %b %Y" };
    if zone.is_today(at) { time } else { format!("{} {time}", zone.local(at).format(day)) }
}

/// A moment that is near, such as “17:04”.
pub fn time_of_day(at: DateTime<Utc>, zone: Zone) -> String {
    zone.local(at).format("%H:%M").to_string()
}

/// What a terminal would obey, or what has a text look otherwise than it is.
pub(crate) fn is_odd(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Somebody else’s words as they can be shown: without what a terminal would obey, and cut after so many letters.
fn shown(text: &str, length: usize) -> String {
    let mut letters = text.chars().map(|c| if is_odd(c) { '\u{fffd}' } else { c });
    let shown: String = letters.by_ref().take(length).collect();
    if letters.next().is_some() { format!("{shown}…") } else { shown }
}

/// Names in a sentence, of many the first ones: “a, b, c and 9 more”.
pub fn some_of(names: &[&str]) -> String {
    match names {
        [first, second, third, _, rest @ ..] => format!("{first}, {second}, {third} and {} more", rest.len() + 1),
        few => few.join(", "),
    }
}

/// A length of time as people say it: “3 hours”, “1 hour 30 minutes”, “45 minutes”, “20 seconds”.
pub fn spoken(length: TimeDelta) -> String {
    let seconds = length.num_seconds().max(0);
    let unit = |amount: i64, word: &str| match amount {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{amount} {word}s")),
    };
    let (hours, minutes) = (unit(seconds / 3_600, "hour"), unit(seconds / 60 % 60, "minute"));
    match (hours, minutes) {
        (Some(hours), Some(minutes)) => format!("{hours} {minutes}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => unit(seconds, "second").unwrap_or_else(|| "no time".into()),
    }
}

/// What is left of a window: “2:11 left” from an hour on, “47 min left” below, “less than a minute left” at the end.
pub fn left(left: TimeDelta) -> String {
    match left.num_minutes() {
        60.. => format!("{}:{:02} left", left.num_hours(), left.num_minutes() % 60),
        1.. => format!("{} min left", left.num_minutes()),
        _ if left > TimeDelta::zero() => "less than a minute left".into(),
        _ => "ended".into(),
    }
}

/// The next time after `now` at which [`left`] changes for a window that ends at `end`.
pub fn left_changes_at(end: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let left = end - now;
    (left > TimeDelta::zero()).then(|| {
        let whole_minutes = TimeDelta::minutes(left.num_minutes());
        let past_the_minute = left - whole_minutes + TimeDelta::milliseconds(1);
        if whole_minutes.is_zero() { end } else { now + past_the_minute }
    })
}

/// Said with a failure that comes after access was granted: Azure has no way to take it back.
pub fn granted_anyway(end: DateTime<Utc>, zone: Zone) -> String {
    format!("Access was granted before, and Azure keeps the port open until {}.", moment(end, zone))
}

/// Why Azure closed a window that was to last until `end`, and what that means.
pub fn closed_early(reason: StatusReason, end: DateTime<Utc>, zone: Zone) -> String {
    let why = match reason {
        StatusReason::NewerRequestInitiated => "a newer request for the port took its place",
        StatusReason::UserRequested => "somebody took the request back",
        StatusReason::Expired | StatusReason::Unknown => "Azure does not say why",
    };
    let end = moment(end, zone);
    format!("It was to be open until {end} and is closed to new connections: {why}. Yours stays until you leave it.")
}

/// A window was to last until `end`, and the policy under which it was granted is there no more. What becomes of the rule
/// that let traffic in is not documented.
pub fn policy_gone(end: DateTime<Utc>, zone: Zone) -> String {
    let end = moment(end, zone);
    format!(
        "It was to be open until {end}. Azure has no JIT policy for the VM any more, and does not say whether the port stays \
         open. Yours stays until you leave it."
    )
}

/// What a system or a library says, as a sentence among others.
fn sentence(text: &str) -> String {
    let ends = text.is_empty() || text.ends_with(['.', '!', '?', '…']);
    format!("{}{}", capital(text), if ends { "" } else { "." })
}

/// The text as the beginning of a sentence.
/// An operating system.
fn system(os: OsType) -> &'static str {
    match os {
        OsType::Linux => "Linux",
        OsType::Windows => "Windows",
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// From where a window is open, as Azure writes it.
pub fn sources(prefixes: &[SourcePrefix]) -> String {
    prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Whoever acts here.
pub const YOU: &str = "you";

/// Who opened a window: “you” where that is this account's own principal, else who Azure says it was.
pub fn opened_by(requestor: &str, own: Option<&str>) -> String {
    let is_own = own.is_some_and(|own| own.eq_ignore_ascii_case(requestor));
    if is_own { YOU.into() } else { requestor.into() }
}

/// What stands under the name of a VM that was opened lately: where it is, and when that was.
pub fn recent_detail(vm: &VmResourceId, at: DateTime<Utc>, zone: Zone) -> String {
    format!("{} · opened {}", vm.resource().resource_group(), moment(at, zone))
}

/// The line under a favourite's name while a way through an Azure Bastion host leads there.
pub fn through_bastion(detail: &str, bastion: &str) -> String {
    format!("{detail} · through Bastion {bastion}")
}

/// The line under a favourite's name: the VM's name where it is another, its resource group, and its power state where
/// that is known.
pub fn favourite_detail(name: &ProfileName, vm: &VmResourceId, state: Option<PowerState>) -> String {
    let own_name = Some(vm.name()).filter(|vm| !vm.eq_ignore_ascii_case(name.as_str()));
    let state = state.filter(|state| *state != PowerState::Unknown).map(power);
    own_name.into_iter().chain([vm.resource().resource_group()]).chain(state).collect::<Vec<_>>().join(" · ")
}

/// A text of the user's, or of whoever has shared it, on one line, whatever it does to a terminal otherwise.
pub fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A power state as a word.
pub fn power(state: PowerState) -> &'static str {
    match state {
        PowerState::Starting => "starting",
        PowerState::Running => "running",
        PowerState::Stopping => "stopping",
        PowerState::Stopped => "stopped",
        PowerState::Deallocating => "deallocating",
        PowerState::Deallocated => "deallocated",
        PowerState::Unknown => "in a state Azure doesn’t tell",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::{Note, Wish};
    use crate::failure::Failure;
    use crate::snapshot::OpenedBy;

    #[test]
    fn lengths_are_said_as_people_say_them() {
        for (seconds, words) in [
            (10_800, "3 hours"),
            (5_400, "1 hour 30 minutes"),
            (3_600, "1 hour"),
            (300, "5 minutes"),
            (20, "20 seconds"),
            (0, "no time"),
        ] {
            assert_eq!(spoken(TimeDelta::seconds(seconds)), words);
        }
    }

    #[test]
    fn a_moment_has_its_day_where_that_is_not_today_on_the_users_clock() {
        let now: DateTime<Utc> = "2026-11-23T22:30:00Z".parse().unwrap();
        let told = |hours: i32, at: &str| {
            let zone = Zone::always(chrono::FixedOffset::east_opt(hours * 3_600).unwrap(), now);
            moment(at.parse().unwrap(), zone)
        };
        for (hours, at, words) in [
            (0, "2026-11-23T23:59:59Z", "23:59"),
            (0, "2026-11-24T00:01:00Z", "Tue 24 Nov 00:01"),
            (0, "2026-11-22T22:45:00Z", "Sun 22 Nov 22:45"),
            (1, "2026-11-23T23:01:00Z", "Tue 24 Nov 00:01"),
            (2, "2026-11-23T23:01:00Z", "01:01"),
            (2, "2026-11-23T21:30:00Z", "Mon 23 Nov 23:30"),
            (-8, "2026-11-24T00:01:00Z", "16:01"),
            (0, "2026-12-01T07:05:00Z", "Tue 1 Dec 07:05"),
            (0, "2027-11-23T22:45:00Z", "Tue 23 Nov 2027 22:45"),
        ] {
            assert_eq!(told(hours, at), words, "{at} at {hours}");
        }
    }

    #[test]
    fn what_ends_after_midnight_is_told_with_the_day() {
        let now: DateTime<Utc> = "2026-11-23T22:30:00Z".parse().unwrap();
        let zone = Zone::always(chrono::FixedOffset::east_opt(0).unwrap(), now);
        let end = now + TimeDelta::minutes(91);
        let cancelled = Failure::Cancelled { open_until: Some(end), asking: false, starting: false };
        let about = failure::About { name: "web-01", zone, at: now };
        let note = Note::NotNeeded { open_until: Some(end), wishes: vec![Wish::Reason("patch".into())] };
        let opened = notice::connected("web-01", OpenedBy::Window(end), &[], zone);
        let ending = notice::ending("web-01", TimeDelta::minutes(12), now + TimeDelta::minutes(91), None, None, zone);
        let throttled = Failure::Throttled { retry_at: end };
        insta::assert_snapshot!(
            "after_midnight",
            [
                granted_anyway(end, zone),
                closed_early(StatusReason::UserRequested, end, zone),
                policy_gone(end, zone),
                failure::in_words(&cancelled.into(), &about).message,
                failure::in_words(&throttled.into(), &about).message,
                note::note(&note, zone),
                step::detail(&step::Finding::OpenUntil(end), zone),
                format!("{}: {}", opened.title, opened.body),
                format!("{}: {}", ending.title, ending.body),
                cli::stays_open("web-01", &moment(end, zone), end - now),
            ]
            .join("\n")
        );
    }

    #[test]
    fn a_favourite_is_described_by_its_vms_name_group_and_state_where_there_is_something_to_say() {
        let vm =
            "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01".parse().unwrap();
        let detail = |name: &str, state| favourite_detail(&name.parse().unwrap(), &vm, state);
        assert_eq!(detail("WEB-01", None), "rg");
        assert_eq!(detail("web-01", Some(PowerState::Deallocated)), "rg · deallocated");
        assert_eq!(detail("shop", Some(PowerState::Running)), "web-01 · rg · running");
        assert_eq!(detail("shop", Some(PowerState::Unknown)), "web-01 · rg");
    }

    #[test]
    fn what_is_left_is_said_in_hours_then_minutes_then_hardly_any() {
        for (seconds, words) in [
            (7_860, "2:11 left"),
            (3_600, "1:00 left"),
            (3_599, "59 min left"),
            (60, "1 min left"),
            (59, "less than a minute left"),
            (0, "ended"),
            (-5, "ended"),
        ] {
            assert_eq!(left(TimeDelta::seconds(seconds)), words, "{seconds} s");
        }
    }

    #[test]
    fn the_words_change_when_they_say_they_do_and_not_before() {
        let end = DateTime::UNIX_EPOCH + TimeDelta::hours(2);
        let mut now = DateTime::UNIX_EPOCH + TimeDelta::milliseconds(1_234);
        let mut changes = 0;
        while let Some(next) = left_changes_at(end, now) {
            assert!(next > now);
            assert_eq!(left(end - now), left(end - (next - TimeDelta::milliseconds(1))));
            assert_ne!(left(end - now), left(end - next));
            now = next;
            changes += 1;
        }
        assert_eq!((now, changes), (end, 120));
    }
}
