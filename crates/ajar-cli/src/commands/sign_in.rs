//! `ajar sign-in`: follows a sign-in to its end.

use std::io::{IsTerminal as _, Read as _};

use ajar_core::account::SignInMethod;
use ajar_core::failure::{Failure, Trouble};
use ajar_core::message;
use ajar_core::protocol::{Reply, Request, SecretText, SignIn as Wish};
use ajar_core::snapshot::{Kept, SignInStage, SignInView, Snapshot};
use serde_json::json;

use super::End;
use crate::args::{Args, SignIn};
use crate::output;
use crate::session::{Session, words};
use crate::signals::Signals;

pub(crate) async fn run(session: &Session, all: &Args, args: &SignIn, signals: &mut Signals) -> Result<(), End> {
    let secret = if args.service_principal { Some(secret().await?) } else { None };
    let method = match (args.device_code, args.service_principal) {
        (_, true) => SignInMethod::ServicePrincipal,
        (true, false) => SignInMethod::DeviceCode,
        (false, false) => SignInMethod::Browser,
    };
    let wish = Wish {
        name: args.name.clone(),
        cloud: all.cloud.clone(),
        tenant: args.tenant.clone(),
        client_id: args.client_id.clone(),
        secret,
        ..Wish::by(method)
    };
    let number = match session.face.ask(Request::SignIn(wish)).await {
        Reply::SigningIn { number } => number,
        Reply::Refused { failure } => return Err((*failure).into()),
        Reply::Done | Reply::Left | Reply::Attempt { .. } | Reply::SignedOut { .. } | Reply::Rights { .. } => {
            return Err(lost().into());
        }
    };
    tokio::select! {
        ended = follow(session, args, number) => ended,
        signal = signals.next() => {
            // What is not waited for any more is not to be finished by whoever has the page open.
            session.face.ask(Request::CancelSignIn).await;
            Err(End::Code(signal.exit_code()))
        }
    }
}

/// Tells each stage, until the sign-in has ended or is not the engine's last one any more.
async fn follow(session: &Session, args: &SignIn, number: u64) -> Result<(), End> {
    let mut told = SignInStage::Beginning;
    loop {
        let news = |snapshot: &Snapshot| match &snapshot.sign_in {
            Some(SignInView { number: shown, stage, .. }) => *shown != number || *stage != told,
            None => true,
        };
        let snapshot = session.face.wait_for(news).await.ok_or_else(lost)?;
        match &snapshot.sign_in {
            Some(view) if view.number == number => {
                told = view.stage.clone();
                if tell(session, args, &told)? {
                    return Ok(());
                }
            }
            Some(_) => return Err(Trouble::from(Failure::SignInSuperseded).into()),
            None => return Err(lost().into()),
        }
    }
}

/// Whether that was the end.
fn tell(session: &Session, args: &SignIn, stage: &SignInStage) -> Result<bool, End> {
    match stage {
        SignInStage::Beginning => {}
        SignInStage::Browser { url } => {
            output::line_to_people(&message::account::in_browser(url));
            event(args, &json!({ "event": "browser", "url": url }))?;
        }
        SignInStage::DeviceCode { user_code, url, expires_at } => {
            output::line_to_people(&message::account::type_code(user_code, url));
            event(args, &json!({ "event": "deviceCode", "userCode": user_code, "url": url, "expiresAt": expires_at }))?;
        }
        SignInStage::Done { name, username, kept } => {
            if args.json {
                output::json(&json!({ "event": "signedIn", "name": name, "username": username, "kept": kept }))?;
            } else {
                output::line(&message::account::signed_in(name.as_str(), username.as_deref()))?;
            }
            if let Kept::MemoryOnly { why } = kept {
                output::line_to_people(why);
                if session.snapshot().host.pid == std::process::id() {
                    output::line_to_people(message::account::ends_with_this_command());
                }
            }
            return Ok(true);
        }
        SignInStage::Failed { failure } => return Err((**failure).clone().into()),
    }
    Ok(false)
}

fn event(args: &SignIn, event: &serde_json::Value) -> Result<(), End> {
    if args.json {
        output::json(event)?;
    }
    Ok(())
}

/// The secret on standard input: its first line.
async fn secret() -> Result<SecretText, End> {
    if std::io::stdin().is_terminal() {
        output::line_to_people(message::account::secret_wanted());
    }
    let read = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        std::io::stdin().lock().take(16 * 1024).read_to_string(&mut text).map(|_| text)
    });
    let text = read.await.map_err(|error| Failure::Internal { detail: error.to_string() }).map_err(Trouble::from)??;
    Ok(SecretText::new(text.lines().next().unwrap_or_default().trim().to_owned()))
}

/// The engine that signed in is gone.
fn lost() -> ajar_core::snapshot::FailureView {
    words(&Failure::SignInSuperseded.into(), "Ajar")
}
