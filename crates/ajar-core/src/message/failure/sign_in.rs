//! Words for what keeps an account from signing in.

use super::principal::{is_new, own_name, the_account};
use super::{Words, words};
use crate::account::{AZ, AZD, KeychainTrouble};
use crate::failure::{AccountPart, ClientFlaw, SignInPart, SignInReason, TenantReason, TokenTool};
use crate::message::capital;

const TRUSTED_PLACE: &str =
    "Try from a device or a network that your organisation trusts, or give the details to its administrator.";

const REGISTER: &str = "“ajar sign-in --message” writes what to send";

/// Stands for whichever tenant is the user's own.
const ORGANIZATIONS: &str = "organizations";

fn whose(tenant: &str) -> &str {
    if tenant == ORGANIZATIONS { "your organisation" } else { tenant }
}

fn the_tenant(tenant: &str) -> String {
    if tenant == ORGANIZATIONS { "your organisation".into() } else { format!("the tenant {tenant}") }
}

/// An account within a sentence: by its name, or by whom that stands for.
fn called(account: &str) -> &str {
    own_name(account).unwrap_or(account)
}

/// An account at the beginning of a title. Its name stays as it is written.
fn titled(account: &str) -> String {
    match own_name(account) {
        Some(whom) => capital(whom),
        None if is_new(account) => capital(account),
        None => account.to_owned(),
    }
}

pub(super) fn required(account: &str, reason: SignInReason, tenant: Option<&str>) -> Words {
    let (title, message) = match reason {
        SignInReason::Never => {
            (format!("Nobody is signed in as {account}."), "Ajar keeps no sign-in for this account.")
        }
        SignInReason::Mfa => (
            format!(
                "Azure wants another proof that you are {}.",
                if is_new(account) { "who you say" } else { account }
            ),
            "Multi-factor authentication is to be done or set up, for this account or for where you are.",
        ),
        SignInReason::Expired => (
            format!("The sign-in of {account} has run out."),
            "It was not used for a long time, or your organisation wants it to be repeated now and then.",
        ),
        SignInReason::Revoked => (
            format!("The sign-in of {account} was called back."),
            "All sessions of the account were ended, as happens with a new password or by an administrator.",
        ),
        SignInReason::PasswordChanged => (
            format!("The password of {account} has to be changed."),
            "It has run out, and the page on which you sign in asks for a new one.",
        ),
        SignInReason::OtherAuthority => (
            format!("{} has signed in elsewhere than its cloud wants it to now.", titled(account)),
            "The authority of its cloud was changed in config.toml, and the sign-in is not sent to another host than it came \
             from.",
        ),
        SignInReason::Claims => (
            format!("Azure wants {account} to sign in anew."),
            "The session was ended, or something about it changed, such as the network it comes from.",
        ),
    };
    let named = if is_new(account) { String::new() } else { format!(" --name {account}") };
    let there = tenant.map(|tenant| format!(" The tenant {tenant} wants it, and the sign-in is made there."));
    let message = format!("{message}{}", there.unwrap_or_default());
    words(title, message, format!("Sign in again (“ajar sign-in{named}”), then try again.")).in_window("Sign in again.")
}

pub(super) fn conditional_access(account: &str, number: u32, device_code: bool, tenant: Option<&str>) -> Words {
    let rule = match number {
        53_000 | 53_001 | 50_097 => "It wants a device that it manages and finds in order",
        _ => "One of its conditional access rules is against it",
    };
    let blocked = if device_code { ", and many organisations let nobody sign in by a code" } else { "" };
    words(
        match tenant {
            Some(tenant) => format!("The tenant {tenant} does not let {} in from here.", called(account)),
            None => format!("Your organisation does not let {} sign in here.", called(account)),
        },
        format!("{rule} (AADSTS{number}){blocked}."),
        if device_code {
            "Sign in with the browser of this machine instead: “ajar sign-in” without “--device-code”."
        } else {
            TRUSTED_PLACE
        },
    )
    .in_window(if device_code { "Sign in with the browser of this machine instead." } else { TRUSTED_PLACE })
}

pub(super) fn consent_missing(client_id: &str, tenant: &str, url: &str, tool: Option<TokenTool>) -> Words {
    let (who, again) = match tool {
        Some(tool) => (format!("the {}", tool.name()), format!("sign in again ({} {tenant}”)", login(tool))),
        None => ("Ajar".to_owned(), "sign in again".to_owned()),
    };
    words(
        format!("Nobody has agreed to the application that {who} signs in with."),
        format!("It is {client_id}, and {} has given no consent for it to use Azure on your behalf.", whose(tenant)),
        format!("Have an administrator open {url} and agree; then {again}."),
    )
}

pub(super) fn not_in_tenant(
    favourite: &str,
    account: &str,
    tenant: &str,
    reason: TenantReason,
    tool: Option<TokenTool>,
) -> Words {
    match reason {
        TenantReason::NoGuest => no_guest(favourite, account, tenant, tool),
        TenantReason::Pending => words(
            format!("{} has not accepted the invitation of {}.", titled(account), whose(tenant)),
            "Until then it is no guest there.",
            "Open the invitation that was mailed to you and accept it; then try again.",
        ),
        TenantReason::NotAssigned => words(
            format!(
                "{} may not use the application that {} signs in with.",
                titled(account),
                tool.map_or_else(|| "Ajar".to_owned(), |tool| format!("the {}", tool.name()))
            ),
            format!("In {} that takes an assignment.", whose(tenant)),
            "Have an administrator of that tenant assign the account to the application; then sign in again.",
        ),
        TenantReason::NoTenant => words(
            format!("There is no tenant {tenant} in this cloud."),
            "Nobody can sign in to it.",
            "Check the tenant’s id or domain, and the cloud.",
        ),
    }
}

/// How somebody is signed in to a tool for a tenant, which follows.
fn login(tool: TokenTool) -> &'static str {
    match tool {
        TokenTool::AzureCli => "“az login --tenant",
        TokenTool::AzureDeveloperCli => "“azd auth login --tenant-id",
    }
}

fn no_guest(favourite: &str, account: &str, tenant: &str, tool: Option<TokenTool>) -> Words {
    let login = tool.map(login);
    let invite = "Have an administrator of that tenant send an invitation";
    let as_another = login
        .filter(|_| tenant != ORGANIZATIONS)
        .map(|login| format!(", sign in as somebody who is known there ({login} {tenant}”)"))
        .unwrap_or_default();
    words(
        format!("{} is not known in {}.", titled(account), the_tenant(tenant)),
        "That is neither a member nor a guest there.",
        format!(
            "{invite}{as_another}, or give the favourite another account (“ajar edit {favourite} --account ACCOUNT”)."
        ),
    )
    .in_window(format!("{invite}{as_another}, or give the favourite another account."))
}

pub(super) fn other_tenant(name: &str, tenant: Option<&str>) -> Words {
    let of = tenant.map_or_else(|| "another tenant".to_owned(), |tenant| format!("the tenant {tenant}"));
    let id = tenant.unwrap_or("TENANT");
    words(
        format!("{name} is in another tenant than the one that its account acts in."),
        format!("Its subscription belongs to {of}, and Azure takes no sign-in of others there."),
        format!(
            "Have it act as an account of that tenant (“ajar edit {name} --account ACCOUNT”; the Azure CLI signs in there \
             with “az login --tenant {id}”), or correct the tenant that the favourite names (“ajar edit {name} --tenant \
             {id}”)."
        ),
    )
    .in_window(format!(
        "Have it act as an account of that tenant (the Azure CLI signs in there with “az login --tenant {id}”), or correct \
         the tenant that the favourite names."
    ))
}

pub(super) fn client_unknown(client_id: &str, tenant: &str, flaw: ClientFlaw) -> Words {
    let (title, message, action, in_window) = match flaw {
        ClientFlaw::Unknown => (
            format!("The application {client_id} is not known in {}.", whose(tenant)),
            "Ajar was to sign in with it.",
            format!(
                "Correct the id (“--client-id”, or “client_id” in config.toml), or have an administrator register an \
                 application: {REGISTER}."
            ),
            "Change the application, or have an administrator register one.",
        ),
        ClientFlaw::NotPublic => (
            format!("The application {client_id} is not made to run on your machine."),
            "Azure asks it for a secret, and programs on people’s machines have none.",
            format!("Have an administrator allow public client flows in its registration: {REGISTER}."),
            "Have an administrator allow public client flows in its registration.",
        ),
        ClientFlaw::Redirect => (
            format!("The application {client_id} does not let the browser come back to Ajar."),
            "Its registration lacks the redirect http://localhost.",
            format!("Have an administrator add it, for mobile and desktop applications: {REGISTER}."),
            "Have an administrator add it, for mobile and desktop applications.",
        ),
    };
    words(title, message, action).in_window(in_window)
}

pub(super) fn incomplete(lacks: SignInPart) -> Words {
    let (title, option) = match lacks {
        SignInPart::Tenant => ("The tenant to sign in to is not known.", "--tenant TENANT"),
        SignInPart::ClientId => ("The application that is to sign in is not known.", "--client-id ID"),
        SignInPart::Secret => ("No secret was given.", "--certificate FILE"),
        SignInPart::TokenFile => ("The file with the workload’s token is not known.", "--token-file FILE"),
    };
    let message = match lacks {
        SignInPart::Tenant | SignInPart::ClientId => "An application signs in to one tenant, by its own id.",
        SignInPart::Secret => "An application signs in with a secret, read from standard input, or with a certificate.",
        SignInPart::TokenFile => "A workload signs in with a token that its platform keeps in a file.",
    };
    let action = match lacks {
        SignInPart::Secret => format!("Write the secret to standard input, or name a PEM file with “{option}”."),
        SignInPart::Tenant | SignInPart::ClientId | SignInPart::TokenFile => format!("Say it with “{option}”."),
    };
    words(title, message, action)
}

pub(super) fn no_client_id(cloud: &str) -> Words {
    words(
        "To sign in by itself Ajar needs an application that your organisation has registered.",
        format!("The settings name none for the cloud {cloud}."),
        format!(
            "Ask your administrator for its id ({REGISTER}) and say “ajar sign-in --client-id ID”; or sign in with the \
             Azure CLI (“az login”), which needs none."
        ),
    )
    .in_window(
        "Ask your administrator for its id and sign in with it; or sign in with the Azure CLI (“az login”), which needs none.",
    )
}

pub(super) fn client_id_unfit() -> Words {
    words(
        "That is no application’s id.",
        "It is a GUID: 32 digits and letters from a to f, in groups of 8, 4, 4, 4 and 12.",
        format!(
            "Copy the “Application (client) ID” from the application’s page in the Entra admin center ({REGISTER})."
        ),
    )
    .in_window("Copy the “Application (client) ID” from the application’s page in the Entra admin center.")
}

pub(super) fn disabled(account: &str, tenant: Option<&str>) -> Words {
    if let Some(tenant) = tenant {
        return words(
            format!("{} is disabled in the tenant {tenant}.", capital(&the_account(account))),
            "Nobody can act as it there.",
            "Ask an administrator of that tenant to enable it, or use another account.",
        );
    }
    words(
        format!("{} is disabled.", capital(&the_account(account))),
        "Nobody can sign in to that account.",
        "Ask an administrator of your organisation to enable it, or use another account.",
    )
}

pub(super) fn declined() -> Words {
    words(
        "The sign-in was declined.",
        "That was said on the page on which you sign in.",
        "Sign in again when you want to.",
    )
}

pub(super) fn timed_out() -> Words {
    words(
        "Nobody signed in in time.",
        "The page in the browser has five minutes, a code as long as it says.",
        "Sign in again, and go on in the browser page that opens.",
    )
}

pub(super) fn not_completed() -> Words {
    words(
        "The sign-in was not completed.",
        "Azure does not take what came back from its page: it was used already, or came too late.",
        "Sign in again, and go on in the newest page.",
    )
}

pub(super) fn superseded() -> Words {
    words(
        "A newer sign-in took the place of this one.",
        "Only one goes on at a time.",
        "Go on in the newest page; older ones can be closed.",
    )
}

pub(super) fn cancelled() -> Words {
    words(
        "The sign-in was cancelled.",
        "That was done in another Ajar, such as its window.",
        "Sign in again when you want to.",
    )
}

pub(super) fn tenant_unfit(tenant: &str) -> Words {
    words(
        "That is no tenant.",
        format!("“{tenant}” is neither the id of one, which is a GUID, nor a domain."),
        "Name a domain of the tenant, such as contoso.onmicrosoft.com, or copy its “Tenant ID” from the Entra admin center.",
    )
}

pub(super) fn other_person(account: &str, is: Option<&str>, came: Option<&str>) -> Words {
    let came = came.unwrap_or("somebody else");
    let is = is.map_or_else(|| "another person".to_owned(), ToOwned::to_owned);
    words(
        format!("You signed in as {came}, and the account {account} is {is}."),
        "Nothing was changed, and nothing is kept of that sign-in.",
        format!(
            "Sign in again and choose {is} on the page; or sign in without “--name”, or with another one, for {came} to be \
             an account beside it."
        ),
    )
    .in_window(format!("Sign in again and choose {is} on the page, or add {came} as another account."))
}

pub(super) fn account_differs(account: &str, part: AccountPart, is: &str, wanted: &str) -> Words {
    let (what, option) = match part {
        AccountPart::Cloud => ("of the cloud", "--cloud"),
        AccountPart::Tenant => ("of the tenant", "--tenant"),
        AccountPart::ClientId => ("by the application", "--client-id"),
        AccountPart::Username => ("the user", "--username"),
    };
    let title = match is {
        "" => format!("The account {account} acts in more than {wanted}."),
        is => format!("The account {account} is {what} {is}, not {wanted}."),
    };
    words(
        title,
        "A sign-in makes no other account of it: its favourites would act as that without a word.",
        format!(
            "Leave “{option}” out, choose another name with “--name”, or sign out of it first: “ajar sign-out {account}”."
        ),
    )
    .in_window("Leave that out, choose another name, or sign out of the account first.")
}

pub(super) fn nothing_to_sign_out(name: &str, known: &[String]) -> Words {
    words(
        format!("There is no account called “{name}” to sign out of."),
        match known {
            [] => "Ajar keeps no account.".into(),
            known => format!("Ajar keeps {}.", known.join(", ")),
        },
        "See all of them with “ajar accounts”.",
    )
}

pub(super) fn account_exists(name: &str) -> Words {
    if let Some(who) = own_name(name) {
        return words(
            format!("“{name}” is a name of Ajar’s own."),
            format!("It stands for {who}, and is there without signing in."),
            "Choose another name with “--name”.",
        )
        .in_window("Choose another name.");
    }
    words(
        format!("There is an account {name} already."),
        "Its name would lead to two.",
        format!("Choose another name with “--name”, or sign out of it first: “ajar sign-out {name}”."),
    )
    .in_window("Choose another name, or sign out of it first.")
}

pub(super) fn clock_skew(seconds: i64) -> Words {
    let minutes = seconds.unsigned_abs() / 60;
    let how_far = match minutes {
        0 => "less than a minute".to_owned(),
        1 => "a minute".to_owned(),
        2..60 => format!("{minutes} minutes"),
        60..120 => "an hour".to_owned(),
        _ => format!("{} hours", minutes / 60),
    };
    let way = if seconds < 0 { "ahead of" } else { "behind" };
    words(
        "The clock of this machine is wrong.",
        format!("It is {how_far} {way} Azure’s, which takes no sign-in from another time."),
        "Set the clock, or have the system set it from the network; then try again.",
    )
}

pub(super) fn keychain_unavailable(trouble: KeychainTrouble) -> Words {
    let (message, action) = match trouble {
        KeychainTrouble::Absent => (
            "There is no keychain that Ajar can use: no Secret Service runs, such as GNOME Keyring, KWallet or KeePassXC.",
            "Start one and try again, or sign in again; without a keychain a sign-in lasts until Ajar ends.",
        ),
        KeychainTrouble::Locked => (
            "It is locked, or was never set up, and nobody was there to unlock it.",
            "Unlock it and try again, or sign in again; such a sign-in lasts until Ajar ends.",
        ),
        KeychainTrouble::Slow => (
            "It has not answered for 5 seconds. It may wait for its password.",
            "Answer its question if there is one, then try again.",
        ),
        KeychainTrouble::Failed => {
            ("It answered with an error, which the log has.", "Try again with “ajar -v”, or sign in again.")
        }
    };
    words("The keychain that keeps your sign-ins cannot be used.", message, action)
}

pub(super) fn signed_in_elsewhere(account: &str) -> Words {
    words(
        format!("The sign-in of “{account}” is not kept by Ajar."),
        "Ajar only uses it, and has nothing of it to remove.",
        match account {
            AZ => "Sign out with “az logout”.",
            AZD => "Sign out with “azd auth logout”.",
            _ => "Unset the AZURE_ variables, and start Ajar again.",
        },
    )
}
