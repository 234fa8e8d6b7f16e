//! Getting to the engine: attached to the one that runs, or hosted here.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ajar_core::account::Acting;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::Request;
use ajar_core::resource_id::VmResourceId;
use ajar_core::snapshot::{BastionView, FailureView, Snapshot, TunnelView};
use ajar_runtime::adapters::Way;
use ajar_runtime::connection::{Meant, way_through};
use ajar_runtime::engine::Parts;
use ajar_runtime::files::Folder;
use ajar_runtime::hosting::{Face, MakeParts, Opening};

use tokio::task::JoinHandle;

use crate::args::{Args, Command};
use crate::commands::{CLOSING, End};
use crate::output;
use crate::signals::Signals;

/// How long the ends of tokens of Bastion hosts are waited for by who is told to go.
const LAST_TOKENS: Duration = Duration::from_secs(1);

/// The way to the engine, and the user's files.
pub(crate) struct Session {
    pub(crate) face: Face,
    pub(crate) folder: Folder,
    /// The cloud that the command line names.
    pub(crate) cloud: Option<String>,
    /// How much of the log goes to standard error.
    pub(crate) verbose: u8,
}

/// The folders that the command line names, ready for use.
pub(crate) fn folder(args: &Args) -> Result<Folder, Trouble> {
    let folder = match &args.config {
        Some(path) => Folder::named(path).map_err(|error| unusable(path, &error))?,
        None => Folder::of_user().map_err(|error| unusable(Path::new("config.toml"), &error))?,
    };
    let folder = if args.demo { folder.demo() } else { folder };
    let state = folder.engine_lock();
    folder.create().map_err(Failure::from)?;
    // What every engine does next, here with the words for people who may not write there.
    let lock = File::options().create(true).truncate(false).write(true).open(&state);
    lock.map_err(|error| unusable(parent(&state), &error))?;
    Ok(folder)
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// A failure of the file system where Ajar's own files lie.
fn unusable(path: &Path, error: &io::Error) -> Trouble {
    Failure::Settings { path: path.display().to_string(), detail: error.to_string() }.into()
}

impl Session {
    /// Opens it, unless a signal comes first. A built-in Azure that was being made is then waited for, so that it leaves
    /// nothing behind; but not for long, and not after a second signal.
    pub(crate) async fn open(args: &Args, folder: Folder, signals: &mut Signals) -> Result<Self, End> {
        let parts = if args.demo { demo_parts(args, &folder)? } else { azure_parts(args, &folder) };
        let mut arriving = Face::begin(Opening { folder: folder.clone(), parts });
        let signal = tokio::select! {
            face = arriving.face() => {
                return Ok(Self { face: face?, folder, cloud: args.cloud.clone(), verbose: args.verbose });
            }
            signal = signals.next() => signal,
        };
        tokio::select! {
            _ = tokio::time::timeout(CLOSING, arriving.give_up()) => {}
            _ = signals.next() => {}
        }
        Err(End::Code(signal.exit_code()))
    }

    /// Refuses an engine, hosted elsewhere, that talks to another cloud than the command line names or, if it names none,
    /// the settings mean.
    pub(crate) fn talks_to_the_cloud_asked_for(&self, args: &Args) -> Result<(), Trouble> {
        let snapshot = self.snapshot();
        if snapshot.host.pid == std::process::id() {
            // Broken settings are told of by the command itself.
            return Ok(());
        }
        let meant = match self.meant(args) {
            Ok(meant) => meant,
            // What cannot be read means no other cloud than the one in force, unless somebody names one.
            Err(trouble) if args.usual_cloud().is_some() => return Err(trouble),
            Err(_) => return Ok(()),
        };
        meant.other_cloud(&snapshot.host).map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// Has an engine, hosted elsewhere, look at the settings: somebody may have edited them just now.
    pub(crate) async fn knows_the_settings(&self) -> Result<(), FailureView> {
        if self.snapshot().host.pid == std::process::id() {
            return Ok(());
        }
        self.face.ask(Request::ReadSettings).await.accepted().map_err(|failure| *failure)
    }

    /// Says so if the account in this environment is not acted as: the engine is hosted elsewhere, or the account is not
    /// complete.
    pub(crate) fn tell_if_environment_is_unused(&self, args: &Args) {
        let snapshot = self.snapshot();
        let Some(meant) = self.meant(args).ok() else { return };
        if let Some(variable) = meant.missing_variable() {
            output::line_to_people(&message::cli::environment_incomplete(variable));
        }
        if meant.other_account(&snapshot.host).is_some() {
            output::line_to_people(&message::cli::environment_unused(snapshot.host.pid, &snapshot.host.account));
        }
    }

    fn meant(&self, args: &Args) -> Result<Meant, Trouble> {
        Meant::new(&self.folder, args.usual_cloud(), args.demo, |name| std::env::var(name).ok())
    }

    /// The way to a favourite's port through a Bastion host, carried by this process, and the end of it.
    pub(crate) async fn through(
        &self,
        bastion: &BastionView,
        name: &ProfileName,
        vm: &VmResourceId,
        port: u16,
    ) -> Result<(Way, JoinHandle<()>), Trouble> {
        let snapshot = self.snapshot();
        let favourite = snapshot.favourites.iter().find(|favourite| favourite.name == *name);
        let acting = favourite.and_then(|favourite| {
            let (account, tenant) = (favourite.account.clone()?, favourite.profile.tenant.clone());
            Some(Acting { cloud: favourite.cloud.clone(), account, tenant })
        });
        let gone = || Failure::Internal { detail: "the favourite went away".into() };
        let variables = |name: &str| std::env::var(name).ok();
        let cloud = self.cloud.as_deref();
        way_through(self.folder.clone(), cloud, variables, &acting.ok_or_else(gone)?, (bastion, vm, port)).await
    }

    /// Stays as long as the ways through Bastion hosts do that this process has opened for clients which live by themselves.
    pub(crate) async fn leads_on(&self, signals: &mut Signals) {
        let snapshot = self.snapshot();
        if snapshot.host.pid == std::process::id() && !snapshot.tunnels.is_empty() {
            output::line_to_people(&message::cli::leads_through_bastion());
            self.stays_for_tunnels(true, signals).await;
        }
    }

    /// Stays while somebody goes through a Bastion host by way of this process, or until a signal comes, and then for no longer than
    /// what is ending anyway takes. What was opened for nobody in particular stays as long as its way does.
    pub(crate) async fn stays_for_tunnels(&self, for_nobody: bool, signals: &mut Signals) {
        tokio::select! {
            () = self.tunnels_end(for_nobody) => {}
            _ = signals.next() => drop(tokio::time::timeout(LAST_TOKENS, self.tunnels_end(false)).await),
        }
    }

    async fn tunnels_end(&self, for_nobody: bool) {
        let mut snapshots = self.face.snapshots();
        let is_wanted = |tunnel: &TunnelView| for_nobody || tunnel.connections > 0;
        let leads = |snapshot: &Arc<Snapshot>| {
            snapshot.host.pid == std::process::id() && snapshot.tunnels.iter().any(is_wanted)
        };
        // Who tells nothing any more leads nobody.
        drop(snapshots.wait_for(|snapshot| !snapshot.as_ref().is_some_and(leads)).await);
    }

    /// The state as last heard.
    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        self.face.snapshot()
    }
}

fn azure_parts(args: &Args, folder: &Folder) -> MakeParts {
    let (cloud, folder) = (args.usual_cloud().map(ToOwned::to_owned), folder.clone());
    let stays = matches!(&args.command, Command::Status(status) if status.watch);
    Box::new(move || {
        let (cloud, folder) = (cloud.clone(), folder.clone());
        Box::pin(async move {
            let variables = |name: &str| std::env::var(name).ok();
            let parts = ajar_runtime::connection::parts(folder, cloud.as_deref(), false, variables)?;
            Ok(Parts { stays, ..parts })
        })
    })
}

#[cfg(feature = "demo")]
#[expect(clippy::unnecessary_wraps, reason = "without the feature there is no built-in Azure to start")]
fn demo_parts(args: &Args, folder: &Folder) -> Result<MakeParts, Trouble> {
    Ok(crate::demo::parts(folder, args.demo_speed))
}

#[cfg(not(feature = "demo"))]
fn demo_parts(_args: &Args, _folder: &Folder) -> Result<MakeParts, Trouble> {
    Err(Failure::Internal { detail: message::cli::built_without_demo().into() }.into())
}
