//! Questions to whoever sits at the terminal. Elsewhere nobody is asked anything.

use std::io::IsTerminal as _;

use ajar_core::account::{AZ, AccountName, SignInMethod};
use ajar_core::message;
use ajar_core::profile::ProfileName;
use ajar_core::protocol::SignIn;
use ajar_core::snapshot::{AccountView, FailureView, Snapshot};

use super::End;
use crate::output;
use crate::signals::Signals;

/// Whether somebody can answer.
pub(super) fn somebody_is_there() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks; what is answered, without the spaces around it. Nothing at the end of input.
pub(super) async fn answer(question: &str, signals: &mut Signals) -> Result<String, End> {
    output::question(question);
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    });
    tokio::select! {
        line = read => Ok(line.map_err(std::io::Error::other)??.trim().to_owned()),
        signal = signals.next() => {
            output::line_to_people("");
            Err(End::Code(signal.exit_code()))
        }
    }
}

/// Asks for something that is not to be seen on the screen, and that has no control characters in it.
#[cfg(unix)]
pub(super) async fn hidden_answer(question: &str, signals: &mut Signals) -> Result<String, End> {
    let _shown_again = hide()?;
    let answer = answer(question, signals).await?;
    Ok(answer.chars().filter(|c| !c.is_control()).collect())
}

/// Asks for something that is not to be seen on the screen.
#[cfg(not(unix))]
pub(super) async fn hidden_answer(question: &str, signals: &mut Signals) -> Result<String, End> {
    output::question(question);
    let read = tokio::task::spawn_blocking(|| console::Term::stderr().read_secure_line());
    tokio::select! {
        line = read => Ok(line.map_err(std::io::Error::other)??.trim().to_owned()),
        signal = signals.next() => Err(End::Code(signal.exit_code())),
    }
}

/// With its end the terminal's modes are what they were.
#[cfg(unix)]
pub(super) struct AsBefore(rustix::termios::Termios);

/// `_POSIX_VDISABLE`: no key does it.
#[cfg(unix)]
const NO_KEY: u8 = if cfg!(target_os = "linux") { 0 } else { 0xff };

#[cfg(unix)]
impl AsBefore {
    pub(super) fn new() -> Result<Self, End> {
        Ok(Self(rustix::termios::tcgetattr(std::io::stdin()).map_err(std::io::Error::from)?))
    }
}

/// Has the terminal not show what is typed, but that Enter was. Ctrl+\ and Ctrl+Z do nothing meanwhile: not every shell has
/// the terminal show again what is typed once this process has been ended or stopped by them.
#[cfg(unix)]
fn hide() -> Result<AsBefore, End> {
    use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, tcsetattr};
    let before = AsBefore::new()?;
    let mut hidden = before.0.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    hidden.local_modes.insert(LocalModes::ECHONL);
    hidden.special_codes[SpecialCodeIndex::VQUIT] = NO_KEY;
    hidden.special_codes[SpecialCodeIndex::VSUSP] = NO_KEY;
    #[cfg(not(target_os = "linux"))]
    {
        hidden.special_codes[SpecialCodeIndex::VDSUSP] = NO_KEY;
    }
    tcsetattr(std::io::stdin(), OptionalActions::Flush, &hidden).map_err(std::io::Error::from)?;
    Ok(before)
}

#[cfg(unix)]
impl Drop for AsBefore {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        // A terminal that has gone away needs nothing any more.
        _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Asks whether to go on; Enter alone is yes.
pub(super) async fn goes_on(question: &str, signals: &mut Signals) -> Result<bool, End> {
    let answer = answer(question, signals).await?;
    Ok(matches!(answer.to_ascii_lowercase().as_str(), "" | "y" | "yes"))
}

/// Asks why a favourite is opened; Enter alone takes what its settings propose.
///
/// # Errors
/// The failure, where nobody says anything.
pub(super) async fn why(name: &str, failure: &FailureView, signals: &mut Signals) -> Result<String, End> {
    let proposed = failure.choices.first();
    let said = reason(name, proposed.map(String::as_str), signals).await?;
    said.or_else(|| proposed.cloned()).ok_or_else(|| failure.clone().into())
}

/// Asks why something is opened, with what is proposed; nothing where Enter alone is pressed.
pub(super) async fn reason(name: &str, proposed: Option<&str>, signals: &mut Signals) -> Result<Option<String>, End> {
    let answer = answer(&message::cli::why(name, proposed), signals).await?;
    Ok(Some(answer).filter(|said| !said.is_empty()))
}

/// What can be done at a terminal against what kept a favourite shut.
pub(super) enum Help {
    /// To sign in.
    SignIn(SignIn),
    /// The account of that name is not there, or nobody is behind it: to sign in under it, or to act as another.
    InPlaceOf(AccountName),
}

/// What helps against what kept a favourite shut, if anything does.
pub(super) fn help_against(failure: &FailureView, name: &ProfileName, snapshot: &Snapshot) -> Option<Help> {
    let favourite = snapshot.favourites.iter().find(|favourite| favourite.name == *name)?;
    if failure.code == "unknownAccount" {
        return favourite.account.clone().map(Help::InPlaceOf);
    }
    let there = |wish: SignIn| SignIn { cloud: wish.cloud.or_else(|| Some(favourite.cloud.clone())), ..wish };
    if failure.code == "noAccountInCloud" && failure.wants_sign_in {
        return Some(Help::SignIn(there(SignIn::by(SignInMethod::Browser))));
    }
    let account = snapshot.account_of(favourite)?;
    if let Some(wish) = sign_in_against(failure, account, snapshot) {
        // Who has a name is of a cloud already.
        return Some(Help::SignIn(if wish.name.is_some() { wish } else { there(wish) }));
    }
    let az_has_nobody = failure.code == "notSignedIn" && account.name.built_in() == Some(AZ);
    az_has_nobody.then(|| Help::InPlaceOf(account.name.clone()))
}

/// The sign-in that helps against what kept VMs from being seen, if one does.
pub(super) fn sign_in_to_see(failure: &FailureView, snapshot: &Snapshot) -> Option<SignIn> {
    let gap = snapshot.inventory.as_ref()?.gaps.iter().find(|gap| gap.failure == *failure)?;
    let account = snapshot.accounts.iter().find(|account| account.name == gap.account)?;
    sign_in_against(failure, account, snapshot)
}

/// The sign-in that helps against what an account has heard, if one does.
fn sign_in_against(failure: &FailureView, account: &AccountView, snapshot: &Snapshot) -> Option<SignIn> {
    let has_own = || snapshot.accounts.iter().any(|account| account.name.built_in().is_none());
    match failure.code.as_str() {
        "signInRequired" | "keychainUnavailable" if account.method.is_interactive() => {
            Some(SignIn { name: Some(account.name.clone()), ..SignIn::by(account.method) })
        }
        // Where the Azure CLI has nobody, who signs in acts for what is to be opened, also if that names the Azure CLI.
        "notSignedIn" if account.name.built_in() == Some(AZ) && !has_own() => Some(SignIn::by(SignInMethod::Browser)),
        _ => None,
    }
}

/// What to do where an account is not there.
pub(super) enum Instead {
    /// To sign in under its name.
    SignIn(SignIn),
    /// To act as this one.
    ActAs(AccountName),
    Nothing,
}

/// Asks whom a favourite is to act as whose account is not there. What cannot be understood is asked once more.
pub(super) async fn instead_of(gone: &AccountName, snapshot: &Snapshot, signals: &mut Signals) -> Result<Instead, End> {
    let others: Vec<&AccountName> =
        snapshot.accounts.iter().map(|account| &account.name).filter(|name| *name != gone).collect();
    let listed: Vec<&str> = others.iter().map(|name| name.as_str()).collect();
    // The environment's account comes by its variables, not by a sign-in.
    let can_sign_in = gone.built_in().is_none();
    loop {
        let question = message::account::whom_instead(gone.as_str(), &listed, can_sign_in);
        let answer = answer(&question, signals).await?;
        let meant = answer.parse::<AccountName>().ok();
        match answer.to_ascii_lowercase().as_str() {
            "" if can_sign_in => {
                let name = Some(gone.clone());
                return Ok(Instead::SignIn(SignIn { name, ..SignIn::by(SignInMethod::Browser) }));
            }
            "" | "n" | "no" => return Ok(Instead::Nothing),
            _ => {
                if let Some(other) = others.iter().find(|other| meant.as_ref() == Some(**other)) {
                    return Ok(Instead::ActAs((*other).clone()));
                }
            }
        }
    }
}

/// Asks for the application that people are to be signed in with; `None` if nobody knows it.
pub(super) async fn client_id(signals: &mut Signals) -> Result<Option<String>, End> {
    let answer = answer(message::account::client_id_wanted(), signals).await?;
    Ok((!answer.is_empty()).then_some(answer))
}
