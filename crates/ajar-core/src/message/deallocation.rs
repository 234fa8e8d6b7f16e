//! The words of deallocating VMs.

use chrono::{DateTime, Utc};

use super::{moment, power, some_of};
use crate::vm::PowerState;
use crate::zone::Zone;

/// The VM is looked at first.
pub fn looking() -> &'static str {
    "looking at the VM"
}

/// Azure is being asked, and the VM was found so.
pub fn asking(found: PowerState) -> String {
    match found {
        PowerState::Running | PowerState::Unknown => "asking Azure to deallocate it".into(),
        PowerState::Starting
        | PowerState::Stopping
        | PowerState::Stopped
        | PowerState::Deallocating
        | PowerState::Deallocated => format!("asking Azure to deallocate it, which is {}", power(found)),
    }
}

/// Azure has taken the order.
pub fn under_way() -> &'static str {
    "deallocating"
}

/// What came of it, behind the name. `until` is the end of an access window that Azure keeps.
pub fn done(already: bool, until: Option<DateTime<Utc>>, zone: Zone) -> String {
    let done = if already {
        "was deallocated already."
    } else {
        "is deallocated: its compute is not billed any more, its disks are."
    };
    let window = until.map(|end| {
        let end = moment(end, zone);
        format!(" Azure keeps its access window open until {end}; nothing answers behind it while the VM rests.")
    });
    format!("{done}{}", window.unwrap_or_default())
}

/// The same behind its name.
pub fn done_with(name: &str, text: &str) -> String {
    format!("{name} {text}")
}

/// What is going to be done, said before it is.
pub fn will_be(names: &[&str]) -> String {
    let (who, its) = match names {
        [one] => (format!("{one} is"), "its"),
        _ => (format!("{} are", some_of(names)), "their"),
    };
    format!(
        "{who} going to be deallocated. Sessions there end at once; {its} memory and temporary disk are lost, and a dynamic \
         public address may be another one after the next start."
    )
}

/// Somebody else has a window there.
pub fn open_for(name: &str, who: &str, end: DateTime<Utc>, zone: Zone) -> String {
    format!("{name} is open until {} to somebody else: {who}.", moment(end, zone))
}

/// Whether somebody else has it open could not be looked up; `why` is what kept Ajar from it, if Azure has answered at all.
pub fn windows_unread(why: Option<&str>) -> String {
    let why = why.unwrap_or("Azure has not answered in time.");
    format!("Whether somebody else has it open is not known. {why}")
}

/// Whether to go on; Enter alone is no.
pub fn goes_on(count: usize) -> String {
    if count == 1 { "Deallocate it? [y/N]".into() } else { format!("Deallocate these {count}? [y/N]") }
}

/// It begins, where no line can show it as it goes on.
pub fn begins(name: &str) -> String {
    format!("Deallocating {name}")
}

/// Nothing was done, because nobody said yes.
pub fn nothing_done() -> &'static str {
    "Nothing was deallocated."
}
