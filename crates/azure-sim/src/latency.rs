//! How long Azure takes: seeded draws with the shape seen on the real service, divided by `--speed`.

use chrono::TimeDelta;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// What is being waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Entra issues a token.
    Token,
    /// Azure Resource Manager answers a read.
    Read,
    /// Azure Resource Manager accepts a write other than *initiate*.
    Write,
    /// Defender for Cloud answers *initiate*.
    Initiate,
    /// The allow rule of a request takes hold in the network.
    RuleInForce,
    /// A deallocated VM gets to `PowerState/running`.
    Start,
    /// From `PowerState/running` until the guest answers.
    Boot,
    /// A VM gets to `PowerState/deallocated`.
    Deallocate,
    /// Network Watcher or the network itself looks at its rules.
    Diagnosis,
}

impl Wait {
    const ALL: [Self; 9] = [
        Self::Token,
        Self::Read,
        Self::Write,
        Self::Initiate,
        Self::RuleInForce,
        Self::Start,
        Self::Boot,
        Self::Deallocate,
        Self::Diagnosis,
    ];

    /// Shortest and longest wait in milliseconds at speed 1.
    const fn bounds(self) -> (f64, f64) {
        match self {
            Self::Token => (110.0, 240.0),
            Self::Read => (80.0, 300.0),
            Self::Write => (150.0, 600.0),
            Self::Initiate => (800.0, 2_500.0),
            Self::RuleInForce => (5_000.0, 40_000.0),
            Self::Start => (15_000.0, 45_000.0),
            Self::Boot => (10_000.0, 30_000.0),
            Self::Deallocate => (20_000.0, 60_000.0),
            Self::Diagnosis => (1_000.0, 6_000.0),
        }
    }
}

/// One generator per kind of wait, so that the n-th start takes equally long however many reads came between.
#[derive(Debug)]
pub(crate) struct Latencies {
    generators: Vec<(Wait, StdRng)>,
    speed: f64,
}

impl Latencies {
    pub(crate) fn new(seed: u64, factor: f64) -> Self {
        let generator = |(index, wait): (u64, Wait)| (wait, StdRng::seed_from_u64(seed ^ (index << 56)));
        Self { generators: (0..).zip(Wait::ALL).map(generator).collect(), speed: factor }
    }

    /// The next wait of this kind.
    pub(crate) fn draw(&mut self, wait: Wait) -> TimeDelta {
        let (low, high) = wait.bounds();
        let generator = self.generators.iter_mut().find(|(kind, _)| *kind == wait);
        let unit: f64 = generator.map_or(0.5, |(_, rng)| rng.random());
        // Squared: most waits are near the short end and a few are long, as on the real service.
        self.scaled((low + (high - low) * unit * unit) / 1000.0)
    }

    /// `seconds` at speed 1 as they are at this speed.
    pub(crate) fn scaled(&self, seconds: f64) -> TimeDelta {
        let scaled = std::time::Duration::try_from_secs_f64(seconds / self.speed).unwrap_or_default();
        TimeDelta::from_std(scaled).unwrap_or(TimeDelta::MAX)
    }

    pub(crate) fn speed(&self) -> f64 {
        self.speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_waits_whatever_comes_between() {
        let mut one = Latencies::new(7, 1.0);
        let mut other = Latencies::new(7, 1.0);
        for _ in 0..5 {
            other.draw(Wait::Read);
        }
        assert_eq!(one.draw(Wait::Start), other.draw(Wait::Start));
    }

    #[test]
    fn every_wait_lies_within_its_bounds_and_shrinks_with_speed() {
        for wait in Wait::ALL {
            let drawn = Latencies::new(3, 10.0).draw(wait).num_microseconds().unwrap();
            let (low, high) = wait.bounds();
            let milliseconds = std::time::Duration::from_micros(drawn.unsigned_abs()).as_secs_f64() * 10_000.0;
            assert!(milliseconds >= low - 1.0 && milliseconds <= high + 1.0, "{wait:?}: {milliseconds}");
        }
    }
}
