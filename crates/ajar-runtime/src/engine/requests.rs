//! What faces ask for.

use std::collections::HashSet;
use std::net::Ipv4Addr;

use ajar_core::attempt::{Order, Proposed, Renews};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::journal::Opening;
use ajar_core::justification::{Filling, filled};
use ajar_core::launch::{Os, has_client, vet};
use ajar_core::message;
use ajar_core::message::failure::{About, in_words};
use ajar_core::profile::{Profile, ProfileName};
use ajar_core::protocol::{Connect, Deallocate, Reply, Request};
use ajar_core::settings::{Favourite, Settings, unknown_favourite};
use ajar_core::snapshot::AttemptNumber;
use ajar_core::source::is_a_host;
use ajar_core::vm::CloudVm;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::oneshot;

use super::followers::{FaceId, Follower};
use super::history::Told;
use super::inventory::Wish;
use super::publish::key;
use super::{Asked, Engine};
use crate::files::Purpose;

/// There is no favourite yet that could be changed.
fn before_it_is_added(mut trouble: Trouble) -> Trouble {
    if let Failure::UnknownAccount { for_new, .. } = &mut trouble.failure {
        *for_new = true;
    }
    trouble
}

impl Engine {
    /// The answer, and who waits for it; `None` if it comes later, by itself.
    pub(super) fn answer(&mut self, asked: Asked) -> Option<(oneshot::Sender<Reply>, Reply)> {
        self.reload_settings();
        let Asked { presence, request, reply } = asked;
        match request {
            Request::SignOut { name } => self.sign_out(name, reply),
            Request::ReadAccounts => self.read_az(reply),
            Request::Rights { name } => self.look_up_rights(&name, reply),
            Request::ActivityLog { name, days } => self.read_activity_log(&name, days, reply),
            Request::Diagnose { name, profile } => self.diagnose(&name, profile.as_ref(), reply),
            Request::ReadTeams { all } => self.read_teams_for(all, reply),
            Request::ReadInventory { anew } => self.inventory_asked(Wish::Read { anew }, reply),
            Request::FindVms { query, apart, skip, limit } => {
                self.inventory_asked(Wish::Find { query, apart, skip, limit }, reply);
            }
            Request::VmsNamed { name, limit } => self.inventory_asked(Wish::Named { name, limit }, reply),
            Request::History { query, limit } => self.tell_history(query, Told::To(limit), reply),
            Request::ExportHistory { query, format } => self.tell_history(query, Told::As(format), reply),
            request @ (Request::Connect(_)
            | Request::Deallocate(_)
            | Request::KeepRunning { .. }
            | Request::DeallocateUnused { .. }
            | Request::Cancel { .. }
            | Request::Leave { .. }
            | Request::Dismiss { .. }
            | Request::Refresh
            | Request::Add { .. }
            | Request::Edit { .. }
            | Request::EditDefaults { .. }
            | Request::Move { .. }
            | Request::Inherited { .. }
            | Request::Remove { .. }
            | Request::BringBack { .. }
            | Request::Import { .. }
            | Request::UndoImport { .. }
            | Request::Undo { .. }
            | Request::CopyOfTeam { .. }
            | Request::BringTeamBack { .. }
            | Request::ActAs { .. }
            | Request::SetDefaultAccount { .. }
            | Request::SignIn(_)
            | Request::CancelSignIn
            | Request::SetClientId { .. }
            | Request::Set { .. }
            | Request::ReadSettings
            | Request::ShowWindow) => {
                let answer = self.answer_at_once(presence.face, request);
                return Some((reply, answer));
            }
        }
        None
    }

    fn answer_at_once(&mut self, face: FaceId, request: Request) -> Reply {
        let about = match &request {
            Request::Connect(Connect { name, .. })
            | Request::Deallocate(Deallocate { name, .. })
            | Request::Cancel { name }
            | Request::Leave { name }
            | Request::Dismiss { name }
            | Request::Add { name, .. }
            | Request::Edit { name, .. }
            | Request::Move { name, .. }
            | Request::Remove { name }
            | Request::BringBack { name, .. }
            | Request::CopyOfTeam { name, .. }
            | Request::ActAs { name, .. } => name.to_string(),
            Request::KeepRunning { unused, .. } | Request::DeallocateUnused { unused } => unused.name.to_string(),
            Request::EditDefaults { folder, .. } => message::settings::defaults_of(folder.as_deref()),
            Request::SignOut { .. }
            | Request::Import { .. }
            | Request::UndoImport { .. }
            | Request::Undo { .. }
            | Request::BringTeamBack { .. }
            | Request::Rights { .. }
            | Request::ActivityLog { .. }
            | Request::Diagnose { .. }
            | Request::Inherited { .. }
            | Request::ReadInventory { .. }
            | Request::FindVms { .. }
            | Request::VmsNamed { .. }
            | Request::History { .. }
            | Request::ExportHistory { .. }
            | Request::ReadAccounts
            | Request::ReadTeams { .. }
            | Request::SetDefaultAccount { .. }
            | Request::SignIn(_)
            | Request::CancelSignIn
            | Request::SetClientId { .. }
            | Request::Set { .. }
            | Request::ReadSettings
            | Request::Refresh
            | Request::ShowWindow => "Ajar".into(),
        };
        self.fulfil(face, request).unwrap_or_else(|trouble| {
            let about = About { name: &about, zone: self.zone(), at: self.now() };
            Reply::Refused { failure: Box::new(in_words(&trouble, &about)) }
        })
    }

    fn fulfil(&mut self, face: FaceId, request: Request) -> Result<Reply, Trouble> {
        match request {
            Request::Connect(connect) => {
                let (follower, together) = ((!connect.stays).then_some(face), connect.together);
                let begun = self.connect(follower, connect);
                if let Some(together) = together {
                    self.together.heard(together, begun.as_ref().ok().copied(), self.now());
                }
                return begun.map(|number| Reply::Attempt { number });
            }
            Request::Deallocate(wish) => {
                let follower = (!wish.stays).then_some(face);
                return self.deallocate(follower, &wish).map(|number| Reply::Deallocation { number });
            }
            Request::KeepRunning { unused, keep } => self.keep_running(&unused, keep)?,
            Request::DeallocateUnused { unused } => {
                let wish = Deallocate::new(self.still_asked(&unused)?);
                return self.deallocate(None, &wish).map(|number| Reply::Deallocation { number });
            }
            Request::Cancel { name } => {
                let now = self.now();
                let profile = self.opened(&name).ok().map(|favourite| favourite.profile.clone());
                let place = profile.as_ref().map(|profile| (self.place(profile), profile.port()));
                let door = place.as_ref().map(|(vm, port)| (vm, *port));
                // What was under way for a favourite that is gone has ended with it.
                if !self.attempts.cancel(&name, door, now) && !self.attempts.have(&name) {
                    self.favourite(&name)?;
                }
            }
            Request::Leave { name } => {
                let now = self.now();
                self.leave_deallocations(face, Some(&name));
                if self.attempts.leave(face, Some(&name), now) {
                    return Ok(Reply::Left);
                }
            }
            Request::Dismiss { name } => {
                self.attempts.put_aside(&name);
                self.deallocations.forget(|_, known| *known == name);
                self.closed.retain(|closed| closed.view.name != name);
            }
            Request::Refresh => {
                self.read_teams(false);
                self.begin_refresh();
                self.look_around(true);
            }
            Request::Add { name, profile } => {
                self.may_be_added(&name, &profile)?;
                // Asked again after a host went away, it is done already.
                if self.settings.written(&name).is_none_or(|known| known.profile != profile) {
                    self.settings.may_be_named(&name)?;
                    self.settings_file.add(&name, &profile)?;
                }
                self.reload_settings();
            }
            Request::Remove { name } => self.remove_favourite(&name)?,
            Request::BringBack { name, profile } => self.bring_back(&name, &profile)?,
            Request::Edit { name, rename, before, profile } => {
                self.edit(&name, rename.as_ref(), before.as_deref(), &profile)?;
            }
            Request::Import { add, change } => self.import(&add, &change)?,
            Request::UndoImport { add, change } => self.undo_import(&add, &change)?,
            Request::Undo { done } => self.undo(&done)?,
            Request::CopyOfTeam { name, called } => self.copy_of_team(&name, called.as_ref())?,
            Request::BringTeamBack { name } => self.bring_team_back(&name)?,
            Request::Move { name, before } => {
                self.written(&name)?;
                // Those of teams stand behind all others.
                let before = before.filter(|before| self.settings.of_team(before).is_none());
                self.settings_file.put_before(&name, before.as_ref())?;
                self.settings_seen = None;
                self.reload_settings();
            }
            Request::EditDefaults { folder, before, said } => {
                self.edit_defaults(folder.as_deref(), before.as_deref(), &said)?;
            }
            Request::ActAs { name, account } => self.have_act_as(&name, account)?,
            Request::Inherited { folder, said, of_all, vm, is_new } => {
                return Ok(self.inherited(folder.as_deref(), &said, of_all, (vm, is_new)));
            }
            Request::Set { setting } => self.set(&setting)?,
            Request::SetDefaultAccount { account } => return self.set_default_account(&account),
            Request::SignIn(wish) => return self.sign_in(wish).map(|number| Reply::SigningIn { number }),
            Request::CancelSignIn => self.cancel_sign_in(),
            Request::SetClientId { client_id } => self.set_client_id(client_id.as_deref())?,
            // The answers of these take their time, and settings are looked at before anything that is asked; see `answer`.
            Request::SignOut { .. }
            | Request::ReadAccounts
            | Request::Rights { .. }
            | Request::ActivityLog { .. }
            | Request::Diagnose { .. }
            | Request::ReadInventory { .. }
            | Request::FindVms { .. }
            | Request::VmsNamed { .. }
            | Request::History { .. }
            | Request::ExportHistory { .. }
            | Request::ReadTeams { .. }
            | Request::ReadSettings => {}
            Request::ShowWindow => self.window_wanted += 1,
        }
        Ok(Reply::Done)
    }

    /// Refuses a favourite that could not be opened.
    pub(super) fn may_be_added(&self, name: &ProfileName, profile: &Profile) -> Result<(), Trouble> {
        let effective = self.settings.inheritance.effective(profile).profile;
        self.acting(&effective).map_err(before_it_is_added)?;
        self.cloud_is_there(effective.cloud.as_deref())?;
        self.settings.source(&effective.source())?;
        Ok(vet(name.as_str(), &effective, Os::current())?)
    }

    pub(super) fn favourite(&self, name: &ProfileName) -> Result<&Favourite, Trouble> {
        let names = || self.settings.favourites.iter().map(|favourite| &favourite.name);
        self.settings.favourite(name).ok_or_else(|| unknown_favourite(name, names()).into())
    }

    /// One of the user's own favourites as it is written; those of teams are written elsewhere.
    pub(super) fn written(&self, name: &ProfileName) -> Result<&Favourite, Trouble> {
        let names = || self.settings.written.iter().map(|favourite| &favourite.name);
        let missing = || self.settings.not_ones_own(name).unwrap_or_else(|| unknown_favourite(name, names()));
        self.settings.written(name).ok_or_else(|| missing().into())
    }

    /// A favourite, or a VM that is called so meanwhile.
    pub(super) fn opened(&self, name: &ProfileName) -> Result<&Favourite, Trouble> {
        match self.guests.iter().find(|guest| guest.name == *name) {
            Some(guest) if self.settings.favourite(name).is_none() => Ok(guest),
            Some(_) | None => self.favourite(name),
        }
    }

    /// Knows from now on how a VM is opened that is no favourite; one that leads there is taken in its place.
    pub(super) fn take_in_guest(
        &mut self,
        name: &ProfileName,
        profile: &Profile,
        purpose: Purpose,
    ) -> Result<(), Trouble> {
        let profile = self.settings.inheritance.effective(profile).profile;
        let place = self.place(&profile);
        if let Some(favourite) = self.settings.favourite(name) {
            let taken = Failure::FavouriteExists { name: favourite.name.to_string() };
            return if self.leads_to(favourite, &place) { Ok(()) } else { Err(taken.into()) };
        }
        // Another VM may be open under its name, and is to be found under that again: whoever looks anew hears another one.
        if let Some(guest) = self.guests.iter().find(|guest| guest.name == *name && !self.leads_to(guest, &place)) {
            return Err(Failure::FavouriteExists { name: guest.name.to_string() }.into());
        }
        self.cloud_is_there(profile.cloud.as_deref())?;
        // To be deallocated, nothing counts but where it is.
        if purpose == Purpose::Opening {
            self.settings.source(&profile.source())?;
            vet(name.as_str(), &profile, Os::current())?;
        }
        self.guests.retain(|guest| guest.name != *name);
        self.guests.push(Favourite { name: name.clone(), profile });
        Ok(())
    }

    /// Begins an attempt, or joins the one under way; `face` takes its wish along when it goes.
    pub(super) fn connect(&mut self, face: Option<FaceId>, connect: Connect) -> Result<AttemptNumber, Trouble> {
        self.connect_until(face, connect, None)
    }

    /// The same, for access until then at most where nobody has asked for it.
    pub(super) fn connect_until(
        &mut self,
        face: Option<FaceId>,
        connect: Connect,
        renews: Option<Renews>,
    ) -> Result<AttemptNumber, Trouble> {
        if let Some(profile) = connect.profile.clone().or_else(|| self.recent(&connect.name)) {
            self.take_in_guest(&connect.name, &profile, Purpose::Opening)?;
        }
        let Favourite { name, profile } = self.opened(&connect.name)?.clone();
        // It may have been written by hand: no door is opened for what could not be gone through.
        vet(name.as_str(), &profile, Os::current())?;
        // Who asks from where this machine is does not mean the address that the profile has.
        let of_profile = self.settings.source(&profile.source())?.filter(|_| !connect.follows);
        let chosen_source = connect.source.or(of_profile);
        let mut caller = self.act(&profile);
        if let Some(address) = connect.source.filter(|address| !is_a_host(*address)) {
            return Err(Failure::SourceUnusable { address }.into());
        }
        let (vm, port) = (self.place(&profile), connect.port.unwrap_or_else(|| profile.port()));
        // What Ajar does by itself gives way to whoever wants the VM.
        if self.deallocations.have(&vm) && !self.call_off(&vm) {
            caller = Err(Failure::BeingDeallocated.into());
        }
        if !connect.extends {
            self.forget_deallocation(&vm);
        }
        let is_supposed = self.is_supposed(&profile, &connect);
        let launch = connect.launch && has_client(&profile, profile.spoken_at(port));
        let connect = Connect { launch, ..connect };
        let follower = Follower { face, name: name.clone(), launch: connect.launches() };
        // A host that is new to it does not know what was told by the last one; the user does.
        let wishes = if connect.again { Vec::new() } else { connect.wishes() };
        if caller.is_ok()
            && let Some(working) = self.attempts.under_way(&vm, &connect, (port, is_supposed))
        {
            if !is_supposed {
                working.attempt.port_is_said();
            }
            working.follow(follower);
            let said = connect.seconds.map(|seconds| TimeDelta::seconds(seconds.into()));
            working.attempt.join(wishes, said.or_else(|| profile.access.map(|length| length.0)));
            return Ok(working.attempt.number());
        }
        // More time for what was opened from an address that somebody has named is for that one.
        let of_named = self.held.of(&vm, port).filter(|held| held.is_source_named);
        let named = || of_named.and_then(|held| held.window.host());
        let subnet = of_named.filter(|_| connect.extends && !connect.follows).and_then(|held| held.window.subnet());
        let chosen_source =
            if connect.extends && !connect.follows { chosen_source.or_else(named) } else { chosen_source };
        let now = self.now();
        let memory = self.memory(&name, &vm, port);
        let opened = Favourite { name, profile };
        let order = Order { wishes, renews, subnet, ..self.order(&opened, connect, vm, chosen_source, now) };
        self.closed.retain(|closed| closed.view.name != order.name);
        Ok(self.attempts.begin(order, memory, caller, follower, now))
    }

    /// What is wanted, as the profile says where the wish does not.
    pub(super) fn order(
        &self,
        Favourite { name, profile }: &Favourite,
        connect: Connect,
        vm: CloudVm,
        chosen_source: Option<Ipv4Addr>,
        now: DateTime<Utc>,
    ) -> Order {
        let standing = self.standing_reason(name, profile, now);
        let port = connect.port.unwrap_or_else(|| profile.port());
        let said = connect.seconds.map(|seconds| TimeDelta::seconds(seconds.into()));
        // What follows is the same access, for the same reason.
        let before = if connect.follows { self.reason_before(&vm, port) } else { None };
        Order {
            name: name.clone(),
            port,
            protocol: profile.spoken_at(port),
            is_supposed: self.is_supposed(profile, &connect),
            access: said.or_else(|| profile.access.map(|length| length.0)),
            justification: connect
                .reason
                .filter(|reason| !reason.trim().is_empty())
                .or(before)
                .or_else(|| standing.clone().filter(|_| !profile.asks_justification())),
            wants_reason: profile.asks_justification().then_some(Proposed(standing)),
            address: profile.address(),
            own_ways: self.ports.probe.has_own_ways(),
            may_start: profile.may_start(),
            extends: connect.extends,
            follows: connect.follows,
            renews: None,
            passing: connect.passing,
            chosen_source,
            subnet: None,
            launch: connect.launch,
            wishes: Vec::new(),
            cloud: vm.cloud,
            vm: vm.id,
        }
    }

    /// Why a VM's port was opened last.
    fn reason_before(&self, vm: &CloudVm, port: u16) -> Option<String> {
        let is_it = |opening: &&Opening| {
            (opening.cloud.as_deref(), &opening.vm, opening.port) == (Some(&*vm.cloud), &vm.id, port)
        };
        self.lately.iter().find(is_it).and_then(|opening| opening.reason.clone())
    }

    /// The reason that a profile gives for every request.
    fn standing_reason(&self, name: &ProfileName, profile: &Profile, now: DateTime<Utc>) -> Option<String> {
        let account = self.acting(profile).map(|acting| acting.account.to_string()).unwrap_or_default();
        let filling = Filling {
            name: name.as_str(),
            vm: profile.vm.name(),
            group: profile.vm.resource().resource_group(),
            user: profile.user.as_deref().unwrap_or(&account),
            account: &account,
            date: now.date_naive(),
        };
        filled(profile.justification.as_deref()?, &filling)
    }

    /// What new and lost favourites change.
    pub(super) fn take_in_favourites(&mut self, before: &Settings) {
        let now = self.now();
        let settings = &self.settings;
        // A guest that has become a favourite goes as one.
        self.guests.retain(|guest| settings.favourite(&guest.name).is_none());
        let (settings, guests) = (&self.settings, &self.guests);
        let is_guest = |name: &ProfileName| guests.iter().any(|guest| guest.name == *name);
        self.attempts.favourites_are(|name| settings.favourite(name).is_some() || is_guest(name), now);
        self.reassign_windows();
        if self.looked {
            let places = |settings: &Settings| {
                let place = |known: &Favourite| (key(&known.name), settings.place_of(&known.profile, &self.defaults));
                settings.favourites.iter().map(place).collect::<Vec<_>>()
            };
            let known: HashSet<_> = places(before).into_iter().collect();
            for (Favourite { name, .. }, place) in self.settings.favourites.iter().zip(places(&self.settings)) {
                if !known.contains(&place) {
                    self.read_power_of(name, &place.1);
                    self.read_to_adopt(name.clone(), place.1);
                }
            }
        }
    }
}
