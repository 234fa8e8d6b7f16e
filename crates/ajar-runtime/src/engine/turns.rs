//! Changes to the settings, put off while another process holds their lock: whoever is stopped with it in its hand keeps
//! changes waiting, and nothing else that the engine does.

use ajar_core::failure::Trouble;
use ajar_core::protocol::Request;

use super::effects::Happened;
use super::{Asked, Engine};

impl Engine {
    /// Takes a request in. What changes the settings waits for its turn where it has to.
    pub(super) fn take_up(&mut self, asked: Asked) {
        if !changes_settings(&asked.request) {
            return self.take_up_now(asked);
        }
        self.put_off.push_back(asked);
        if self.put_off.len() == 1 {
            self.take_up_put_off();
        }
    }

    fn take_up_now(&mut self, asked: Asked) {
        if asked.reply.is_closed() {
            // Whoever asked has left while it waited.
            return;
        }
        let answered = self.answer(asked);
        self.advance();
        if let Some((reply, answer)) = answered {
            // A face that no longer listens has gone away; the answer is for it alone.
            drop(reply.send(answer));
        }
    }

    /// Makes the changes that were put off, as long as nobody holds the lock.
    fn take_up_put_off(&mut self) {
        while !self.put_off.is_empty() {
            if self.settings_file.is_held() {
                let (file, happened) = (self.settings_file.clone(), self.happened.clone());
                tokio::task::spawn_blocking(move || drop(happened.send(Happened::SettingsFree(file.until_free()))));
                return;
            }
            if let Some(asked) = self.put_off.pop_front() {
                self.take_up_now(asked);
            }
        }
    }

    /// The lock is free, or was not to be had for too long.
    pub(super) fn settings_free(&mut self, had: Result<(), Trouble>) {
        let Err(trouble) = had else { return self.take_up_put_off() };
        for asked in std::mem::take(&mut self.put_off) {
            drop(asked.reply.send(self.refused(&trouble, "Ajar")));
        }
    }
}

fn changes_settings(request: &Request) -> bool {
    match request {
        Request::Add { .. }
        | Request::Edit { .. }
        | Request::EditDefaults { .. }
        | Request::Move { .. }
        | Request::Remove { .. }
        | Request::BringBack { .. }
        | Request::Import { .. }
        | Request::UndoImport { .. }
        | Request::Undo { .. }
        | Request::CopyOfTeam { .. }
        | Request::BringTeamBack { .. }
        | Request::ActAs { .. }
        | Request::SetDefaultAccount { .. }
        | Request::SignOut { .. }
        | Request::Set { .. }
        | Request::SetClientId { .. } => true,
        Request::Connect(_)
        | Request::Deallocate(_)
        | Request::KeepRunning { .. }
        | Request::DeallocateUnused { .. }
        | Request::Cancel { .. }
        | Request::Leave { .. }
        | Request::Dismiss { .. }
        | Request::Refresh
        | Request::Inherited { .. }
        | Request::SignIn(_)
        | Request::CancelSignIn
        | Request::ReadAccounts
        | Request::Rights { .. }
        | Request::ActivityLog { .. }
        | Request::Diagnose { .. }
        | Request::ReadInventory { .. }
        | Request::FindVms { .. }
        | Request::VmsNamed { .. }
        | Request::History { .. }
        | Request::ExportHistory { .. }
        | Request::ReadSettings
        | Request::ReadTeams { .. }
        | Request::ShowWindow => false,
    }
}
