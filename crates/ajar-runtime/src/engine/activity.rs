//! Reading what Azure's Activity Log tells of a favourite's VM, beside whatever else goes on.

use ajar_core::account::Acting;
use ajar_core::activity::{Activity, MOST_DAYS, gathered};
use ajar_core::failure::Trouble;
use ajar_core::journal::Opening;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Reply;
use ajar_core::settings::Favourite;
use ajar_core::snapshot::ActivityLogView;
use ajar_core::vm::CloudVm;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::oneshot;

use super::Engine;
use super::effects::Happened;

/// What was read, and who waits for it.
pub(super) struct ActivityRead {
    name: ProfileName,
    vm: CloudVm,
    acting: Acting,
    since: DateTime<Utc>,
    result: Result<(Vec<Activity>, Vec<Opening>), Trouble>,
    reply: oneshot::Sender<Reply>,
}

impl Engine {
    /// Begins to read the last days; the reply comes when that is done.
    pub(super) fn read_activity_log(&mut self, name: &ProfileName, days: u16, reply: oneshot::Sender<Reply>) {
        let found = self.opened(name).cloned().and_then(|Favourite { name, profile }| {
            let (azure, acting) = (self.act(&profile)?.azure, self.acting(&profile)?);
            Ok((name, self.place(&profile), azure, acting))
        });
        let (name, vm, azure, acting) = match found {
            Ok(found) => found,
            Err(trouble) => return drop(reply.send(self.refused(&trouble, name.as_str()))),
        };
        let until = self.now();
        let since = until - TimeDelta::days(days.clamp(1, MOST_DAYS).into());
        let (journal, happened) = (self.journal.clone(), self.happened.clone());
        tokio::spawn(async move {
            let openings = tokio::task::spawn_blocking(move || journal.read());
            let (events, openings) = tokio::join!(azure.activity_log(&vm.id, since, until), openings);
            // A journal that cannot be read makes nothing of the log ours.
            let openings = openings.ok().and_then(Result::ok).map(|journal| journal.openings).unwrap_or_default();
            let result = events.map(|events| (gathered(events), openings));
            drop(happened.send(Happened::ActivityRead(Box::new(ActivityRead {
                name,
                vm,
                acting,
                since,
                result,
                reply,
            }))));
        });
    }

    pub(super) fn activity_read(&mut self, read: ActivityRead) {
        let ActivityRead { name, vm, acting, since, result, reply } = read;
        let answer = match result {
            Ok((activities, openings)) => {
                self.note_accepted_account(&acting.account, &vm);
                let zone = self.zone();
                let log = Box::new(ActivityLogView::new((name, vm.id), since, &activities, &openings, zone));
                Reply::ActivityLog { log }
            }
            Err(trouble) => {
                self.note_refused_account(&trouble.failure, &vm);
                self.refused(&trouble, name.as_str())
            }
        };
        self.publish();
        drop(reply.send(answer));
    }
}
