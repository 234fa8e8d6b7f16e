//! Results that are kept for a while: for their next pages, and for those who ask the same again.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::run::Table;

/// Older ones give way.
const MOST: usize = 3;
/// Of all of them; the latest is kept whatever its size, for who walks its pages.
const MOST_BYTES: usize = 24 << 20;
/// After its last use.
const KEPT_FOR: Duration = Duration::from_mins(1);

/// What makes two questions the same: then the answer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    /// Of the state that the answer was made of.
    pub(super) generation: u64,
    pub(super) account: Uuid,
    pub(super) subscriptions: Vec<usize>,
    pub(super) query: String,
}

/// The latest results.
#[derive(Default)]
pub(crate) struct Kept {
    /// The one that was used last comes last.
    results: VecDeque<(Question, Arc<Table>, Instant)>,
}

impl Kept {
    /// The result of this question: the one that is there, or else the one that is made and kept.
    pub(super) fn find_or_make<E>(
        &mut self,
        question: Question,
        make: impl FnOnce() -> Result<Table, E>,
    ) -> Result<Arc<Table>, E> {
        // Those of an older state are of no use any more.
        self.results.retain(|(known, ..)| known.generation == question.generation);
        let at = self.results.iter().position(|(known, ..)| *known == question);
        let table = match at.and_then(|at| self.results.remove(at)) {
            Some((_, table, _)) => table,
            None => Arc::new(make()?),
        };
        self.results.push_back((question, Arc::clone(&table), Instant::now()));
        while self.results.len() > MOST || (self.results.len() > 1 && self.bytes() > MOST_BYTES) {
            self.results.pop_front();
        }
        Ok(table)
    }

    fn bytes(&self) -> usize {
        self.results.iter().map(|(_, table, _)| table.bytes).sum()
    }

    /// Forgets what nobody has asked for in a while, and tells how long that has to be done again.
    pub(crate) fn forget(&mut self) -> Option<Duration> {
        self.results.retain(|(.., used)| used.elapsed() < KEPT_FOR);
        self.results.front().map(|(.., used)| KEPT_FOR.saturating_sub(used.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(generation: u64, query: &str) -> Question {
        Question { generation, account: Uuid::nil(), subscriptions: vec![1], query: query.to_owned() }
    }

    /// How often results were made for questions that are asked in this order.
    fn made(questions: &[Question]) -> usize {
        let (mut kept, mut made) = (Kept::default(), 0);
        for question in questions {
            let empty = || {
                made += 1;
                Ok::<_, ()>(Table { columns: Vec::new(), rows: Vec::new(), bytes: 0 })
            };
            kept.find_or_make(question.clone(), empty).unwrap();
        }
        made
    }

    #[test]
    fn the_same_question_is_worked_out_once_and_again_when_the_state_has_changed() {
        let (one, other) = (question(7, "one"), question(7, "other"));
        assert_eq!(made(&[one.clone(), other.clone(), one.clone(), other, one.clone()]), 2);
        assert_eq!(made(&[one.clone(), question(8, "one"), one.clone()]), 3);
        for stranger in
            [Question { account: Uuid::max(), ..one.clone() }, Question { subscriptions: vec![2], ..one.clone() }]
        {
            assert_eq!(made(&[one.clone(), stranger]), 2, "each sees what is theirs");
        }
    }

    #[test]
    fn only_the_latest_are_kept() {
        let all: Vec<_> = ["a", "b", "c", "a", "d", "a", "b"].map(|query| question(0, query)).into();
        assert_eq!(made(&all), 5, "b gave way to d, and a was asked in between");
    }

    #[test]
    fn a_large_result_leaves_no_room_for_older_ones() {
        let mut kept = Kept::default();
        for (query, bytes) in [("small", 10), ("large", MOST_BYTES), ("another", 10)] {
            let table = Table { columns: Vec::new(), rows: Vec::new(), bytes };
            kept.find_or_make(question(0, query), || Ok::<_, ()>(table)).unwrap();
            assert_eq!(kept.results.len(), 1, "{query}");
        }
    }

    #[test]
    fn what_is_kept_is_forgotten_in_the_end() {
        let mut kept = Kept::default();
        assert_eq!(kept.forget(), None);
        kept.find_or_make(question(0, "a"), || Ok::<_, ()>(Table { columns: Vec::new(), rows: Vec::new(), bytes: 0 }))
            .unwrap();
        assert!(kept.forget().is_some_and(|left| left <= KEPT_FOR));
        kept.results[0].2 = Instant::now().checked_sub(KEPT_FOR).unwrap();
        assert_eq!(kept.forget(), None);
        assert!(kept.results.is_empty());
    }
}
