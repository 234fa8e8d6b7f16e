//! The words of Azure's Activity Log.

use chrono::{DateTime, Utc};

use crate::activity::{Activity, ActivityResult, Known};
use crate::snapshot::ActivityView;
use crate::zone::Zone;

/// Over the changes.
pub const COLUMNS: [&str; 6] = ["WHEN", "WHO", "WHAT", "FROM", "RESULT", "AJAR"];

/// A row under the [columns](COLUMNS).
pub fn row(activity: &ActivityView) -> [String; 6] {
    let or_nothing = |text: &Option<String>| text.as_deref().map_or_else(|| "–".into(), super::one_line);
    [
        activity.when.clone(),
        or_nothing(&activity.caller),
        activity.what.clone(),
        or_nothing(&activity.source),
        result(activity.result).to_owned(),
        if activity.is_in_journal { "here".to_owned() } else { "–".to_owned() },
    ]
}

/// When it began.
pub fn when(activity: &Activity, zone: Zone) -> String {
    super::moment(activity.at, zone)
}

/// What was done.
pub fn what(activity: &Activity) -> String {
    match activity.known() {
        Some(Known::Initiate) => "requested access".to_owned(),
        Some(Known::Start) => "started the VM".to_owned(),
        Some(Known::Deallocate) => "deallocated the VM".to_owned(),
        Some(Known::PowerOff) => "stopped the VM, still billed".to_owned(),
        Some(Known::Restart) => "restarted the VM".to_owned(),
        None => super::one_line(activity.called.as_deref().unwrap_or(&activity.action)),
    }
}

/// What came of it.
fn result(result: ActivityResult) -> &'static str {
    match result {
        ActivityResult::Started => "begun",
        ActivityResult::Accepted => "accepted",
        ActivityResult::Succeeded => "done",
        ActivityResult::Failed => "failed",
    }
}

/// What there is, or that there is nothing.
pub fn summary(name: &str, activities: &[ActivityView], since: DateTime<Utc>, zone: Zone) -> String {
    let since = super::moment(since, zone);
    let others = activities.iter().filter(|activity| !activity.is_in_journal).count();
    let told = match (activities.len(), others) {
        (0, _) => format!("Azure’s Activity Log has nothing of {name} since {since}."),
        (_, 0) => format!("All that Azure’s Activity Log has of {name} since {since} was done by Ajar here."),
        (1, 1) => {
            format!("Azure’s Activity Log has one change of {name} since {since}, and Ajar here did not make it.")
        }
        (all, others) if all == others => {
            format!("Azure’s Activity Log has {all} changes of {name} since {since}, none of them by Ajar here.")
        }
        (all, others) => {
            format!(
                "Azure’s Activity Log has {all} changes of {name} since {since}, {others} of them not by Ajar here."
            )
        }
    };
    format!("{told} What was done in the last minutes may be missing yet.")
}
