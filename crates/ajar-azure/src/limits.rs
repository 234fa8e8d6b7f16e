//! How long and how much: every bound of the client in one place.

use std::time::Duration;

/// What a client waits for and takes in. The default is for people who wait in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until a connection stands.
    pub connect: Duration,
    /// Silence on an open connection.
    pub silence: Duration,
    /// One whole call.
    pub call: Duration,
    /// One try of a read. It costs nothing to ask again, so it need not wait as long as a write.
    pub read: Duration,
    /// The longest answer that is read, in bytes; Azure's longest pages are a few megabytes.
    pub answer: usize,
    /// Before a read is sent a second time; doubled each time.
    pub first_wait: Duration,
    /// Nothing is sent again after this: a click that can't succeed shall fail while somebody is still looking.
    pub long_enough: Duration,
    /// Until when a call is sent again that Azure asks to wait with (429): below the minute that an attempt gives a call, so
    /// that it is Azure's word that ends it.
    pub throttled: Duration,
    /// The longest `Retry-After` that is waited for; beyond it the caller learns when to come back.
    pub patience: Duration,
    /// The longest that a subscription is left alone after a 429, whatever Azure asks for: then one call looks again.
    pub longest_pause: Duration,
    /// What another path may take to tell the time, which somebody waits for.
    pub time: Duration,
    /// Between the first looks at an operation that does not say; grows by half each time.
    pub first_look: Duration,
    /// Between the later looks at an operation.
    pub longest_look: Duration,
    /// Looks at an operation in a row that may fail: a start takes minutes, and networks come and go meanwhile.
    pub failed_looks: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(30),
            // `initiate` can take many seconds, but not this many. Below the minute after which an attempt counts
            // `initiate` as unanswered: were they the same, chance would decide whether the call's own end is heard.
            call: Duration::from_secs(50),
            read: Duration::from_secs(12),
            answer: 32 << 20,
            first_wait: Duration::from_millis(250),
            long_enough: Duration::from_secs(25),
            throttled: Duration::from_secs(45),
            patience: Duration::from_secs(20),
            longest_pause: Duration::from_mins(5),
            time: Duration::from_secs(3),
            first_look: Duration::from_secs(2),
            longest_look: Duration::from_secs(10),
            failed_looks: 5,
        }
    }
}
