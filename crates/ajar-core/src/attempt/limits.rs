//! How long things may take. Every waiting step has a limit, so that time alone always ends an attempt.

use chrono::TimeDelta;

use super::clock::Ms;
use crate::access_window::SHOWN_WITHIN;
use crate::port::PortAnswer;

/// With a remembered address everything else waits this long for the port's first answer, so that a port which is open
/// already costs no call to Azure.
pub const HEAD_START: TimeDelta = TimeDelta::milliseconds(750);

/// How long a request is looked for, from when its answer is known to be lost, before another may be sent.
pub(super) const UNSETTLED: TimeDelta = SHOWN_WITHIN;

/// The same from when the request was sent, for who does not know what became of it since.
pub const ASTRAY: TimeDelta = TimeDelta::seconds(INITIATE.num_seconds() + UNSETTLED.num_seconds());

/// How soon a reading that is still on its way to another is taken again.
pub(super) const LOOK_AGAIN: TimeDelta = TimeDelta::seconds(2);

/// How often a request may be sent in a row without an answer.
pub(super) const MOST_REQUESTS: u32 = 2;

/// Asked-for windows end at least this much before the policy's maximum: Azure measures from its own clock, which ours
/// follows only to the second.
pub(super) const CLOCK_MARGIN: TimeDelta = TimeDelta::seconds(5);

/// So much longer than the shortest is asked for at least: Azure measures when the request has arrived, and a token may
/// be waited for before it leaves, and a throttled Azure for 45 seconds.
pub(super) const ON_THE_WAY: TimeDelta = TimeDelta::seconds(50);

/// How long after the click a request for access is held back at most, for a look at the private address that may make it needless.
pub(super) const PRIVATE: TimeDelta = TimeDelta::milliseconds(1_500);

pub(super) const SOURCE: TimeDelta = TimeDelta::seconds(15);
pub(super) const READ: TimeDelta = TimeDelta::seconds(60);
pub(super) const INITIATE: TimeDelta = TimeDelta::seconds(60);
pub(super) const START: TimeDelta = TimeDelta::minutes(10);
pub(super) const PORT: TimeDelta = TimeDelta::minutes(5);
pub(super) const CLIENT: TimeDelta = TimeDelta::seconds(20);
pub(super) const WHOLE: TimeDelta = TimeDelta::minutes(25);

/// How long a VM's power state may stay untold before the VM is told to start, which changes nothing where it runs. For a
/// moment the state may be missing, and then another look is all it takes.
pub(super) const UNTOLD: TimeDelta = TimeDelta::seconds(10);

/// How long the port of a VM with an untold state is watched after a start that came to nothing, or where the VM may not
/// be started: it may run all the same, and the rule that lets one in takes about a minute.
pub(super) const MAY_RUN: TimeDelta = TimeDelta::minutes(2);

/// The longest the engine sleeps while an attempt is under way, so that a resumed laptop is noticed.
pub(super) const LONGEST_SLEEP: TimeDelta = TimeDelta::seconds(30);

/// How long a look at a silent port is kept up once all is asked for: SYNs are sent again after 1 and 3 seconds.
pub(super) const PATIENCE: TimeDelta = TimeDelta::seconds(4);

/// A look that has not come back this long after its patience ended is given up.
pub(super) const LOST_LOOK: TimeDelta = TimeDelta::seconds(10);

pub(super) const fn ms(delta: TimeDelta) -> Ms {
    delta.num_milliseconds()
}

/// The pause before a request is looked for again: it may show at once, or take its time.
pub(super) fn pause_of_search(looks: u32) -> Ms {
    match looks {
        0 | 1 => 2_000,
        2 => 3_000,
        3 => 5_000,
        4 => 8_000,
        5.. => 10_000,
    }
}

/// The pause before the next look: none after silence, which took its time; growing from 200 ms to 2 s after refusals.
pub(super) fn pause_after(answer: PortAnswer, refusals: u32) -> Ms {
    match answer {
        PortAnswer::Open | PortAnswer::Silent => 0,
        PortAnswer::Refused | PortAnswer::Stranger => (200 << refusals.saturating_sub(1).min(4)).min(2_000),
    }
}
