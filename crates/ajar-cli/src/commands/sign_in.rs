//! `ajar sign-in`: follows a sign-in to its end.

use std::io::{IsTerminal as _, Read as _};
use std::path::Path;

use ajar_core::account::{AccountName, SignInMethod};
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message;
use ajar_core::protocol::{Reply, Request, SecretText, SignIn as Wish};
use ajar_core::snapshot::{Kept, SignInStage, Snapshot};
use serde_json::json;

use super::following::PATIENCE;
use super::{End, ask, asking, no_answer};
use crate::args::{Args, SignIn};
use crate::output;
use crate::session::Session;
use crate::signals::Signals;

pub(crate) async fn run(session: &Session, all: &Args, args: &SignIn, signals: &mut Signals) -> Result<(), End> {
    if args.message {
        return Ok(output::line(message::account::for_administrator())?);
    }
    let method = method(args);
    let wants_secret = method == SignInMethod::ServicePrincipal && args.certificate.is_none();
    let wish = Wish {
        name: args.name.clone(),
        cloud: all.cloud.clone(),
        tenant: args.tenant.clone(),
        client_id: args.client_id.clone(),
        secret: if wants_secret { secret(signals).await? } else { None },
        certificate: args.certificate.as_deref().map(|path| from_here(path, args)).transpose()?,
        token_file: args.token_file.as_deref().map(|path| from_here(path, args)).transpose()?,
        username: args.username.clone(),
        ..Wish::by(method)
    };
    to_its_end(session, wish, args.json, signals).await.map(drop)
}

fn method(args: &SignIn) -> SignInMethod {
    let ways = [
        (args.device_code, SignInMethod::DeviceCode),
        (args.service_principal, SignInMethod::ServicePrincipal),
        (args.managed_identity, SignInMethod::ManagedIdentity),
        (args.workload_identity, SignInMethod::WorkloadIdentity),
        (args.az, SignInMethod::Az),
    ];
    ways.into_iter().find(|(wanted, _)| *wanted).map_or(SignInMethod::Browser, |(_, method)| method)
}

/// A path as it is written into the settings: what is typed counts from where one stands, what is written there from the
/// settings' own folder.
fn from_here(path: &Path, args: &SignIn) -> Result<String, End> {
    let absolute = std::path::absolute(path)?;
    let text = absolute.to_str().ok_or_else(|| Failure::CertificateUnfit {
        account: args.name.as_ref().map_or_else(message::account::nameless, ToString::to_string),
        path: path.display().to_string(),
        detail: message::account::no_text().into(),
    });
    Ok(text.map_err(Trouble::from)?.to_owned())
}

/// Signs in, and follows that to its end; the account's name.
pub(super) async fn to_its_end(
    session: &Session,
    wish: Wish,
    json: bool,
    signals: &mut Signals,
) -> Result<AccountName, End> {
    loop {
        let begun = begun(session, &wish, json, signals).await?;
        let followed = tokio::select! {
            followed = follow(session, json, begun) => followed?,
            signal = signals.next() => {
                // What is not waited for any more is not to be finished by whoever has the page open.
                if begun.is_shown_in(&session.snapshot()) {
                    let cancelled = ask(session, Request::CancelSignIn, signals);
                    drop(tokio::time::timeout(PATIENCE, cancelled).await);
                }
                return Err(End::Code(signal.exit_code()));
            }
        };
        match followed {
            Followed::Done(name) => return Ok(name),
            Followed::HostGone => {
                output::line_to_people(message::account::begins_anew());
                event(json, &json!({ "event": "beginsAnew" }))?;
            }
            Followed::Superseded => {
                event(json, &json!({ "event": "superseded" }))?;
                let ended = successor_ended(session);
                tokio::select! {
                    () = ended => return Err(Trouble::from(Failure::SignInSuperseded).into()),
                    signal = signals.next() => return Err(End::Code(signal.exit_code())),
                }
            }
        }
    }
}

/// A sign-in, and the process that has its page.
#[derive(Clone, Copy)]
struct Begun {
    host: u32,
    number: u64,
}

impl Begun {
    fn is_shown_in(self, snapshot: &Snapshot) -> bool {
        snapshot.host.pid == self.host && snapshot.sign_in.as_ref().is_some_and(|view| view.number == self.number)
    }
}

/// How it goes on after a sign-in.
enum Followed {
    Done(AccountName),
    /// A newer one takes its place.
    Superseded,
    /// The process that signed in is gone, and its page with it.
    HostGone,
}

/// Waits until nobody needs this process for the sign-in that took the place of its own: who hosts the engine has the page
/// that the browser comes back to.
async fn successor_ended(session: &Session) {
    if session.snapshot().host.pid != std::process::id() {
        return;
    }
    output::line_to_people(message::account::stays_for_newer());
    let ended = |snapshot: &Snapshot| {
        let stage = snapshot.sign_in.as_ref().map(|view| &view.stage);
        matches!(stage, None | Some(SignInStage::Done { .. } | SignInStage::Failed { .. }))
    };
    session.face.wait_for(ended).await;
}

/// Begins to sign in. Who has no application to sign in with is asked for one.
async fn begun(session: &Session, wish: &Wish, json: bool, signals: &mut Signals) -> Result<Begun, End> {
    loop {
        let failure = match ask(session, Request::SignIn(wish.clone()), signals).await?.unless_refused() {
            Ok(reply) => {
                let Reply::SigningIn { number } = reply else { return Err(no_answer()) };
                return Ok(Begun { host: session.snapshot().host.pid, number });
            }
            Err(failure) => failure,
        };
        if json || failure.code != "noClientId" || !asking::somebody_is_there() {
            return Err(failure.into());
        }
        output::failure(&failure, session.verbose > 0);
        let Some(client_id) = asking::client_id(signals).await? else { return Err(End::Code(failure.exit_code)) };
        let set = ask(session, Request::SetClientId { client_id: Some(client_id) }, signals).await?;
        if let Err(failure) = set.accepted() {
            output::failure(&failure, session.verbose > 0);
        }
    }
}

/// Tells each stage, until the sign-in has ended or is not the engine's last one any more.
async fn follow(session: &Session, json: bool, begun: Begun) -> Result<Followed, End> {
    let mut told = SignInStage::Beginning;
    loop {
        let news = |snapshot: &Snapshot| {
            !begun.is_shown_in(snapshot) || snapshot.sign_in.as_ref().is_some_and(|view| view.stage != told)
        };
        let snapshot = session.face.wait_for(news).await.ok_or_else(|| session.face.why_gone())?;
        match &snapshot.sign_in {
            _ if snapshot.host.pid != begun.host => return Ok(Followed::HostGone),
            Some(view) if view.number == begun.number => {
                told = view.stage.clone();
                if let Some(name) = tell(session, json, &told)? {
                    return Ok(Followed::Done(name));
                }
            }
            Some(_) => return Ok(Followed::Superseded),
            None => return Err(Trouble::from(Failure::SignInCancelled).into()),
        }
    }
}

/// The account's name, if that was the end.
fn tell(session: &Session, json: bool, stage: &SignInStage) -> Result<Option<AccountName>, End> {
    match stage {
        SignInStage::Beginning => {}
        SignInStage::Browser { url } => {
            output::line_to_people(&message::account::in_browser(url));
            event(json, &json!({ "event": "browser", "url": url }))?;
        }
        SignInStage::DeviceCode { user_code, url, expires_at } => {
            output::line_to_people(&message::account::type_code(user_code, url));
            event(json, &json!({ "event": "deviceCode", "userCode": user_code, "url": url, "expiresAt": expires_at }))?;
        }
        SignInStage::Done { name, username, kept } => {
            if json {
                output::json(&json!({ "event": "signedIn", "name": name, "username": username, "kept": kept }))?;
            } else {
                output::line(&message::account::signed_in(name.as_str(), username.as_deref()))?;
            }
            let snapshot = session.snapshot();
            let default = snapshot.accounts.iter().find(|account| account.is_default);
            match default.filter(|_| acts_by_default(&snapshot)) {
                Some(own) if own.name == *name => {
                    let other_cloud = own.cloud.as_deref().filter(|cloud| *cloud != snapshot.host.cloud);
                    output::line_to_people(&message::account::others_act_as_it(other_cloud));
                }
                Some(other) => output::line_to_people(&message::account::others_still_act_as(other.name.as_str())),
                None => {}
            }
            if let Kept::MemoryOnly { why } = kept {
                output::line_to_people(why);
                if snapshot.host.pid == std::process::id() {
                    output::line_to_people(message::account::ends_with_this_command());
                }
            }
            return Ok(Some(name.clone()));
        }
        SignInStage::Failed { failure } => return Err((**failure).clone().into()),
    }
    Ok(None)
}

/// Whether a favourite names no account.
fn acts_by_default(snapshot: &Snapshot) -> bool {
    snapshot.favourites.iter().any(|favourite| favourite.profile.account.is_none())
}

fn event(json: bool, event: &serde_json::Value) -> Result<(), End> {
    if json {
        output::json(event)?;
    }
    Ok(())
}

/// The secret: what is typed on a terminal, unseen; elsewhere the first line of standard input, if there is anything in it.
async fn secret(signals: &mut Signals) -> Result<Option<SecretText>, End> {
    let text = if std::io::stdin().is_terminal() {
        asking::hidden_answer(message::account::secret_wanted(), signals).await?
    } else {
        let read = tokio::task::spawn_blocking(|| {
            let mut text = String::new();
            std::io::stdin().lock().take(16 * 1024).read_to_string(&mut text).map(|_| text)
        });
        read.await.map_err(std::io::Error::other)??
    };
    let line = text.lines().next().unwrap_or_default().trim();
    Ok((!line.is_empty()).then(|| SecretText::new(line.to_owned())))
}
