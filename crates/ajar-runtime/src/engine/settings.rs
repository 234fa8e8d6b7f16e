//! Settings that are about no favourite and no account.

use ajar_core::failure::{Failure, Trouble};
use ajar_core::folders::folder_path;
use ajar_core::protocol::Edited;
use ajar_core::settings::{Setting, Settings};
use ajar_core::snapshot::{CloudView, FolderView, SettingsView};

use super::Engine;
use crate::accounts::find_cloud;

impl Engine {
    /// The settings as faces show them.
    pub(super) fn settings_view(&self) -> SettingsView {
        let settings = &self.settings;
        let folder =
            |(name, said): &(String, _)| FolderView { path: folder_path(name).join("/"), said: Clone::clone(said) };
        let clouds = settings.clouds.iter().map(|(name, cloud)| CloudView {
            name: name.clone(),
            authority: cloud.authority.clone(),
            resource_manager: cloud.resource_manager.clone(),
        });
        SettingsView {
            path: self.settings_file.path().display().to_string(),
            read_only: self.settings_read_only.clone(),
            cloud: settings.cloud.clone(),
            client_id: settings.sign_in.client_id.clone(),
            clients: settings.clients.clone(),
            networks: settings.networks.clone(),
            before_end: settings.notifications.before_end.clone(),
            on_new_address: settings.access.on_new_address,
            defaults: settings.inheritance.defaults.clone(),
            folders: settings.inheritance.folders.iter().map(folder).collect(),
            clouds: clouds.collect(),
            teams: self.team_views(),
        }
    }

    /// Changes a setting. Another cloud is that of the next Ajar: this one has begun with its own.
    pub(super) fn set(&mut self, setting: &Setting) -> Result<(), Trouble> {
        match setting {
            Setting::Cloud(Some(cloud)) => {
                find_cloud(cloud, &self.settings, self.settings_file.path())?;
            }
            Setting::Network { name, address: None } => {
                let tables = self.settings.naming(name);
                if !tables.is_empty() {
                    return Err(Failure::NetworkInUse { name: name.to_string(), tables }.into());
                }
            }
            Setting::Team { name, from: None } => {
                if self.settings.team(name).is_none() {
                    let known = self.settings.teams.iter().map(|team| team.name.to_string()).collect();
                    return Err(Failure::UnknownTeam { name: name.to_string(), known }.into());
                }
            }
            Setting::Cloud(None)
            | Setting::Team { .. }
            | Setting::Network { .. }
            | Setting::Terminal(_)
            | Setting::Ssh(_)
            | Setting::Browser(_)
            | Setting::Rdp(_)
            | Setting::BeforeEnd(_)
            | Setting::Bastion(_)
            | Setting::OnNewAddress(_) => {}
        }
        let removed =
            if let Setting::Team { name, from: None } = setting { self.settings.team(name).cloned() } else { None };
        let before = self.settings.said_of(setting);
        let written = self.settings_file.set_to_undo(setting)?;
        self.undoable.edited(Edited::Setting { before, after: setting.clone() }, written);
        self.settings_seen = None;
        self.reload_settings();
        if let Some(team) = removed {
            self.team_removed(team);
        }
        if let Setting::Team { name, from: Some(_) } = setting {
            self.read_team_now(name);
        }
        Ok(())
    }

    /// Writes the application that signs people in, or takes it out.
    pub(super) fn set_client_id(&mut self, client_id: Option<&str>) -> Result<(), Trouble> {
        let before = self.settings.sign_in.client_id.clone();
        let written = self.settings_file.set_client_id(client_id)?;
        let after = client_id.map(ToOwned::to_owned);
        self.undoable.edited(Edited::ClientId { before, after }, written);
        self.settings_seen = None;
        self.reload_settings();
        Ok(())
    }

    /// Has everybody know the favourites and settings as they are now.
    pub(super) fn favourites_are_others(&mut self, before: &Settings) {
        let let_go = self.ports.accounts.settings_are(&self.settings);
        self.let_go(let_go);
        self.ways_are_others(before);
    }

    /// Takes in that favourites are opened otherwise than before; who acts for them is not touched.
    pub(super) fn ways_are_others(&mut self, before: &Settings) {
        self.take_in_favourites(before);
        self.write_ssh_hosts();
    }

    /// Has ssh know the favourites as they are now, if it was told of them. That it cannot keeps nobody from anything else.
    fn write_ssh_hosts(&self) {
        let Some(folder) = &self.ssh_folder else { return };
        if let Err(failure) = folder.follow(&self.settings, self.settings_file.path()) {
            tracing::warn!(%failure, "ssh knows the favourites as they were");
        }
    }
}
