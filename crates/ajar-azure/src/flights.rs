//! Reads that are under way: whoever wants the same meanwhile shares the answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ajar_core::failure::Trouble;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use url::Url;

use crate::arm_client::Answer;

type Read = BoxFuture<'static, Result<Arc<Answer>, Trouble>>;

/// The reads under way, by URL.
#[derive(Default)]
pub(crate) struct Flights {
    under_way: Mutex<HashMap<Url, WeakShared<Read>>>,
}

impl std::fmt::Debug for Flights {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flights").finish_non_exhaustive()
    }
}

impl Flights {
    /// Joins the read of `url` that is under way, or begins one. It goes on as long as somebody waits for it.
    pub(crate) fn join(&self, url: &Url, begin: impl FnOnce() -> Read) -> Shared<Read> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = under_way.get(url).and_then(WeakShared::upgrade).filter(|read| read.peek().is_none());
        if let Some(read) = joined {
            return read;
        }
        let read = begin().shared();
        under_way.retain(|_, read| read.upgrade().is_some_and(|read| read.peek().is_none()));
        under_way.extend(read.downgrade().map(|weak| (url.clone(), weak)));
        read
    }

    /// From now on no read is joined that is under way: it may show what was before a write.
    pub(crate) fn forget(&self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
