//! The way to a port that is open still: there is nothing for an engine to do then, and ssh waits.

use std::io;
use std::time::Duration;

use ajar_azure::SignIn;
use ajar_core::account::Defaults;
use ajar_core::port::{Endpoint, Protocol};
use ajar_core::profile::{AddressChoice, ProfileName};
use tokio::net::TcpStream;

use super::Way;
use crate::files::{Folder, SettingsFile, State, StateFile, settings_with_teams};

/// How long the server's first words are waited for: two ways there and back, but for the far side of the world. Who waits in
/// vain has lost that much before the engine begins.
const PATIENCE: Duration = Duration::from_millis(300);

impl Way {
    /// The way to a favourite's port where it was reached last, if it greets as SSH does at once. The server's first words are
    /// left to who goes through. Everything else is for an engine to look at, and to tell of. `cloud` is what the command line
    /// says.
    pub async fn straight(folder: &Folder, cloud: Option<&str>, name: &ProfileName, port: u16) -> Option<Self> {
        let endpoint = known(folder, cloud, name, port)?;
        let greeted = tokio::time::timeout(PATIENCE, greeted(&endpoint)).await;
        match greeted {
            Ok(Ok(stream)) => Self::through(&endpoint, stream?).ok(),
            // Closed, silent, or gone: what that means takes a look at Azure.
            Ok(Err(_)) | Err(_) => None,
        }
    }
}

/// Where the port was reached last, if its favourite is opened there still.
fn known(folder: &Folder, cloud: Option<&str>, name: &ProfileName, port: u16) -> Option<Endpoint> {
    let environment = SignIn::from_environment(|name| std::env::var(name).ok()).is_some();
    let defaults = Defaults { cloud: cloud.map(str::to_owned), environment };
    let mut settings = SettingsFile::of(folder).in_force().ok()?;
    if settings.favourite(name).is_none() && !settings.teams.is_empty() {
        settings = settings_with_teams(folder, &defaults).ok()?;
    }
    let profile = &settings.favourite(name)?.profile;
    let is_ssh = profile.spoken_at(port) == Protocol::Ssh;
    if !is_ssh || matches!(profile.address(), AddressChoice::Private | AddressChoice::Bastion) {
        return None;
    }
    let vm = settings.place_of(profile, &defaults);
    StateFile::new(folder.state()).read().endpoints.remove(&State::key(&vm, port))
}

/// A connection on which the other side has begun as an SSH server does (RFC 4253, 4.2), if it has.
async fn greeted(endpoint: &Endpoint) -> io::Result<Option<TcpStream>> {
    let stream = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await?;
    let mut greeting = [0; 8];
    let count = stream.peek(&mut greeting).await?;
    Ok((&greeting[..count] == b"SSH-2.0-").then_some(stream))
}
