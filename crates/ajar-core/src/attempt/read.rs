//! Something to be found out or done once: wanted, under way, known or failed.

use super::clock::Ms;
use crate::failure::Trouble;

#[derive(Clone, Debug)]
pub(super) struct Read<T> {
    value: Option<Result<T, Trouble>>,
    in_flight: Option<Ms>,
    due: Option<Ms>,
    /// What is under way was begun before [`Read::forget`].
    outdated: bool,
    pub(super) began: Option<Ms>,
    pub(super) ended: Option<Ms>,
}

impl<T> Read<T> {
    pub(super) fn wanted() -> Self {
        Self { due: Some(0), ..Self::unwanted() }
    }

    pub(super) fn unwanted() -> Self {
        Self { value: None, in_flight: None, due: None, outdated: false, began: None, ended: None }
    }

    pub(super) fn known(value: T) -> Self {
        Self { value: Some(Ok(value)), ..Self::unwanted() }
    }

    pub(super) fn value(&self) -> Option<&T> {
        self.value.as_ref()?.as_ref().ok()
    }

    pub(super) fn trouble(&self) -> Option<&Trouble> {
        self.value.as_ref()?.as_ref().err()
    }

    pub(super) fn is_known(&self) -> bool {
        self.value().is_some()
    }

    pub(super) fn is_pending(&self) -> bool {
        self.value.is_none()
    }

    pub(super) fn is_begun(&self) -> bool {
        self.began.is_some()
    }

    pub(super) fn is_due(&self, at: Ms) -> bool {
        self.in_flight.is_none() && self.due.is_some_and(|due| due <= at)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.is_none() && self.due.is_none()
    }

    pub(super) fn due(&self) -> Option<Ms> {
        self.due.filter(|_| self.in_flight.is_none())
    }

    pub(super) fn in_flight(&self) -> Option<Ms> {
        self.in_flight
    }

    pub(super) fn begin(&mut self, at: Ms) {
        self.in_flight = Some(at);
        self.due = None;
        self.began.get_or_insert(at);
    }

    pub(super) fn settle(&mut self, value: Result<T, Trouble>, at: Ms) {
        self.in_flight = None;
        if !std::mem::take(&mut self.outdated) {
            self.value = Some(value);
            self.ended.get_or_insert(at);
        }
    }

    /// What was under way came to nothing; what was known before stays.
    pub(super) fn keep(&mut self) {
        self.in_flight = None;
    }

    pub(super) fn want(&mut self, at: Ms) {
        self.due = Some(at);
    }

    /// It is not wanted again by itself.
    pub(super) fn rest(&mut self) {
        self.due = None;
    }

    /// Wants it anew, because it may have changed: also what is under way now may tell how it was before.
    pub(super) fn forget(&mut self, at: Ms) {
        self.value = None;
        self.outdated = self.in_flight.is_some();
        self.due = Some(at);
    }
}
