//! Faults that a test asks for: the next matching requests go wrong in a named way.

mod answer;
mod kind;
mod matching;
mod request;
mod tamper;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

pub(crate) use answer::Strike;
pub(crate) use kind::{FaultKind, Named, RetryForm};
use matching::Match;
pub(crate) use matching::Struck;

/// Where a redirect leads.
#[derive(Clone, Debug, PartialEq, Eq)]
enum To {
    Foreign,
    Http,
    Itself,
    Url(String),
}

/// A fault that is waiting for its requests.
#[derive(Clone, Debug)]
pub(crate) struct Fault {
    matches: Match,
    /// As it was asked for.
    pub(crate) name: &'static str,
    kind: FaultKind,
    /// How many requests are hit; `None` is all.
    left: Option<u32>,
    probability: f64,
    seconds: Option<f64>,
    /// In seconds.
    retry_after: Option<u32>,
    retry_form: RetryForm,
    /// Whether the request takes effect before it is answered wrongly.
    applied: bool,
    minutes: f64,
    megabytes: u32,
    /// In place of the body that the answer would have.
    body: Option<String>,
    to: To,
}

impl Fault {
    /// Reads the body of `POST /_sim/faults`.
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        request::read(body)
    }

    fn to_json(&self) -> Value {
        json!({
            "match": self.matches.to_json(),
            "fault": self.name,
            "times": self.left,
            "probability": self.probability,
        })
    }
}

/// The faults that wait, oldest first.
#[derive(Debug)]
pub(crate) struct Faults {
    waiting: Vec<Fault>,
    chance: StdRng,
}

impl Faults {
    /// `seed` determines which requests those faults hit that hit by chance.
    pub(crate) fn new(seed: u64) -> Self {
        Self { waiting: Vec::new(), chance: StdRng::seed_from_u64(seed) }
    }

    pub(crate) fn add(&mut self, fault: Fault) {
        self.waiting.push(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The fault that hits this request, if any; it is then used up by one.
    pub(crate) fn take(&mut self, request: Struck<'_>) -> Option<Fault> {
        let chance = &mut self.chance;
        let mut hits = |fault: &Fault| {
            fault.matches.fits(request) && (fault.probability >= 1.0 || chance.random::<f64>() < fault.probability)
        };
        let fault = self.waiting.iter_mut().find(|fault| hits(fault))?;
        fault.left = fault.left.map(|left| left - 1);
        let taken = fault.clone();
        self.waiting.retain(|fault| fault.left != Some(0));
        Some(taken)
    }

    pub(crate) fn to_json(&self) -> Value {
        self.waiting.iter().map(Fault::to_json).collect()
    }
}

#[cfg(test)]
mod tests;
