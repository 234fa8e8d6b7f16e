//! What an attempt has done in the end, for the journal.

use super::{Attempt, Outcome};
use crate::journal::{Done, OpeningResult};

impl Attempt {
    /// What it has done so far.
    pub fn done(&self) -> Done {
        Done {
            requested: self.asking.began.is_some(),
            started: self.start.is_begun() && self.start.trouble().is_none(),
            source: self.source.value().map(|source| source.address).filter(|_| self.bastion_subnet().is_none()),
        }
    }

    /// How it ended, and the code of the failure that ended it; `None` if it has not.
    pub fn result(&self) -> Option<(OpeningResult, Option<String>)> {
        Some(match self.outcome()? {
            Outcome::Connected { .. } => (OpeningResult::Connected, None),
            Outcome::Extended { .. } if self.order.renews.is_some() => (OpeningResult::Renewed, None),
            Outcome::Extended { .. } => (OpeningResult::Extended, None),
            Outcome::Failed { trouble, .. } => (OpeningResult::Failed, Some(trouble.failure.code().to_owned())),
            Outcome::Cancelled(failure) => (OpeningResult::Cancelled, Some(failure.code().to_owned())),
        })
    }
}
