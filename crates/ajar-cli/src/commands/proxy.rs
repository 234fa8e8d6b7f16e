//! `ajar proxy`: opens a favourite's door and is the way through it. Standard output belongs to whoever goes through;
//! everything for people is on standard error.

use ajar_core::protocol::Connect;
use ajar_core::snapshot::OutcomeView;
use ajar_runtime::adapters::{carry, words};

use super::End;
use super::following::{Show, follow, without_end};
use crate::args::Proxy;
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
    let endpoint = match view.outcome {
        Some(OutcomeView::Connected(reached)) => reached.endpoint,
        Some(OutcomeView::Failed(failure) | OutcomeView::Cancelled(failure)) => return Err(failure.into()),
        Some(OutcomeView::Extended(_)) | None => return Err(without_end()),
    };
    tokio::select! {
        carried = carry(&endpoint, output::reader_gone()) => carried.map_err(|trouble| words(&trouble, args.name.as_str()).into()),
        // That is how ssh ends it.
        signal = signals.next() => Err(End::Code(signal.exit_code())),
    }
}
