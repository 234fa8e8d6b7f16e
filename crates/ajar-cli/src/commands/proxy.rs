//! `ajar proxy`: opens a favourite's door and is the way through it. Standard output belongs to whoever goes through;
//! everything for people is on standard error.

use ajar_core::failure::Trouble;
use ajar_core::port::Endpoint;
use ajar_core::protocol::Connect;
use ajar_core::snapshot::OutcomeView;
use ajar_runtime::adapters::{Way, carry, words};
use ajar_runtime::files::Folder;

use super::following::{Show, follow, without_end};
use super::{CLOSING, End};
use crate::args::{Args, Proxy};
use crate::output;
use crate::session::Session;
use crate::signals::Signals;

pub(crate) async fn run(session: &Session, args: &Proxy, signals: &mut Signals) -> Result<(), End> {
    let request = Connect { port: Some(args.port), launch: false, passing: true, ..Connect::new(args.name.clone()) };
    let view = tokio::select! {
        view = follow(session, request, Show::Passing, signals) => view?,
        // ssh was killed: what nobody waits for is not opened.
        () = output::reader_gone() => return Err(End::Code(1)),
    };
    let reached = match view.outcome {
        Some(OutcomeView::Connected(reached)) => reached,
        Some(OutcomeView::Failed(failure) | OutcomeView::Cancelled(failure)) => return Err(failure.into()),
        Some(OutcomeView::Extended(_)) | None => return Err(without_end()),
    };
    let failed = |trouble: Trouble| words(&trouble, args.name.as_str());
    let Some(bastion) = reached.bastion.filter(|_| !is_led_here(session, &reached.endpoint)) else {
        return go_through(Way::to(&reached.endpoint).await.map_err(failed)?, args, signals).await;
    };
    // The process that leads others through a Bastion host may end before this one.
    let (way, carried) = session.through(&bastion, &args.name, &view.vm, args.port).await.map_err(failed)?;
    let ended = go_through(way, args, signals).await;
    drop(tokio::time::timeout(CLOSING, carried).await);
    ended
}

/// Whether this process leads through the Bastion host, or the demo's, which ends last.
fn is_led_here(session: &Session, endpoint: &Endpoint) -> bool {
    let snapshot = session.snapshot();
    let leads = || snapshot.tunnels.iter().any(|tunnel| tunnel.endpoint == *endpoint);
    snapshot.host.demo || snapshot.host.pid == std::process::id() && leads()
}

/// Goes through a door that stands open where it did last, without an engine; `None` where there is more to it.
pub(crate) async fn straight(
    args: &Args,
    proxy: &Proxy,
    folder: &Folder,
    signals: &mut Signals,
) -> Option<Result<(), End>> {
    let way = Way::straight(folder, args.usual_cloud(), &proxy.name, proxy.port).await?;
    Some(go_through(way, proxy, signals).await)
}

async fn go_through(way: Way, args: &Proxy, signals: &mut Signals) -> Result<(), End> {
    tokio::select! {
        carried = carry(way, output::reader_gone()) => carried.map_err(|trouble| words(&trouble, args.name.as_str()).into()),
        // That is how ssh ends it.
        signal = signals.next() => Err(End::Code(signal.exit_code())),
    }
}
