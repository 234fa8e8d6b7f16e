//! Words for applications, which sign in without anybody at a page. Each is told the command that works for what it signs
//! in with; for the environment's “az login” would change nothing, because that account comes first.

use super::{Words, words};
use crate::account::{AZ, AZD, ENVIRONMENT};
use crate::failure::{PrincipalFlaw, Proof};
use crate::message::account::nameless;
use crate::message::sentence;

/// Whether an account is to sign in for the first time: nothing is written of it.
pub(super) fn is_new(account: &str) -> bool {
    account == nameless()
}

/// Whom one of the accounts stands for that are there without settings.
pub(super) fn own_name(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        AZ => "whoever is signed in to the Azure CLI",
        AZD => "whoever is signed in to the Azure Developer CLI",
        ENVIRONMENT => "the application of the AZURE_ variables",
        _ => return None,
    })
}

pub(super) fn the_account(account: &str) -> String {
    match own_name(account) {
        Some(whom) => whom.to_owned(),
        None if is_new(account) => account.to_owned(),
        None => format!("the account {account}"),
    }
}

/// What signs an account in with a new proof of its kind.
fn command(account: &str, proof: Proof) -> String {
    if is_new(account) {
        let ids = "--tenant TENANT --client-id ID";
        return match proof {
            Proof::Secret => format!("“ajar sign-in --service-principal {ids}”"),
            Proof::Certificate => format!("“ajar sign-in --service-principal {ids} --certificate FILE”"),
            Proof::Federated => format!("“ajar sign-in --workload-identity {ids} --token-file FILE”"),
        };
    }
    match proof {
        Proof::Secret => format!("“ajar sign-in --service-principal --name {account}”"),
        Proof::Certificate => format!("“ajar sign-in --service-principal --name {account} --certificate FILE”"),
        Proof::Federated => format!("“ajar sign-in --workload-identity --name {account} --token-file FILE”"),
    }
}

pub(super) fn refused(account: &str, client_id: &str, (proof, flaw): (Proof, PrincipalFlaw), detail: &str) -> Words {
    let message = format!("It is the application {client_id}. {}", sentence(detail));
    let is_of_environment = account == ENVIRONMENT;
    let whose =
        if is_of_environment { "the account that the AZURE_ variables name".into() } else { the_account(account) };
    let (title, action) = match flaw {
        PrincipalFlaw::Other => (
            format!("Azure refuses {whose}."),
            "Show these details to whoever administers its tenant, or use another account; then try again.".to_owned(),
        ),
        PrincipalFlaw::Proof => {
            let correct = "Correct AZURE_CLIENT_SECRET (or the certificate), AZURE_CLIENT_ID or AZURE_TENANT_ID, or unset them all \
                           to act as whoever is signed in to the Azure CLI; then try again.";
            let action = match (is_of_environment, proof) {
                (true, Proof::Secret | Proof::Certificate) => correct.to_owned(),
                (true, Proof::Federated) => "Have a token that holds now written into AZURE_FEDERATED_TOKEN_FILE, and see that a \
                                             federated credential of the application names the token’s issuer and subject; \
                                             then try again."
                    .to_owned(),
                (false, _) => with_what_holds(account, proof),
            };
            (format!("Azure refuses {whose}."), action)
        }
        PrincipalFlaw::Expired => {
            let (what, anew) = match proof {
                Proof::Secret => ("secret", "Have a new secret made for the application, and "),
                Proof::Certificate => ("certificate", "Have a new certificate added to the application, and "),
                Proof::Federated => ("token", ""),
            };
            let action = match (is_of_environment, proof) {
                (_, Proof::Federated) => with_what_holds(account, proof),
                (true, Proof::Secret) => format!("{anew}set AZURE_CLIENT_SECRET to it; then try again."),
                (true, Proof::Certificate) => {
                    format!("{anew}name it in AZURE_CLIENT_CERTIFICATE_PATH; then try again.")
                }
                (false, Proof::Secret | Proof::Certificate) => {
                    format!("{anew}sign the account in with it ({}); then try again.", command(account, proof))
                }
            };
            (format!("The {what} of {whose} has run out."), action)
        }
        PrincipalFlaw::Unknown => {
            let correct = match (is_of_environment, is_new(account)) {
                (true, _) => "Correct AZURE_CLIENT_ID or AZURE_TENANT_ID".to_owned(),
                (false, true) => format!("Sign in with the right ids ({})", command(account, proof)),
                (false, false) => format!("Correct “client_id” or “tenant” of [accounts.{account}] in config.toml"),
            };
            (
                format!("The tenant does not know the application of {whose}."),
                format!(
                    "{correct}, or have an administrator of that tenant add the application to it; then try again."
                ),
            )
        }
        PrincipalFlaw::Disabled => (
            format!("The application of {whose} is disabled."),
            "Ask an administrator of its tenant to enable it, or use another account; then try again.".to_owned(),
        ),
        PrincipalFlaw::Consent => (
            format!("Nobody has agreed to what the application of {whose} wants to do."),
            "Ask an administrator of its tenant to grant admin consent to it, or use another account; then try again."
                .to_owned(),
        ),
    };
    words(title, message, action)
}

/// How an account is signed in with what its application knows now.
fn with_what_holds(account: &str, proof: Proof) -> String {
    let command = command(account, proof);
    let holds_now = match proof {
        Proof::Secret => "secret",
        Proof::Certificate => "certificate",
        Proof::Federated => {
            return format!(
                "Have a token that holds now written into its file, and see that a federated credential of the application \
                 names the token’s issuer and subject. If it is another file or application, sign in anew ({command})."
            );
        }
    };
    if is_new(account) {
        format!("Sign in with the {holds_now} that holds now, or with the right ids ({command}).")
    } else {
        format!(
            "Sign it in with the {holds_now} that holds now ({command}), or correct its ids in config.toml; then try again."
        )
    }
}

pub(super) fn secret_missing(account: &str) -> Words {
    words(
        format!("Ajar keeps no secret for the account {account}."),
        "It is an application, and the keychain has nothing to sign it in with.",
        format!("Sign it in with its secret ({}), then try again.", command(account, Proof::Secret)),
    )
}

pub(super) fn certificate_unfit(account: &str, path: &str, detail: &str) -> Words {
    let how = if account == ENVIRONMENT {
        "in AZURE_CLIENT_CERTIFICATE_PATH".to_owned()
    } else {
        format!("({})", command(account, Proof::Certificate))
    };
    words(
        "The certificate to sign in with cannot be used.",
        format!("{path}: {detail}."),
        format!("Name a PEM file that holds the certificate and its RSA key without a password {how}; then try again."),
    )
}

pub(super) fn token_file_unfit(account: &str, path: &str, detail: &str) -> Words {
    let how = if account == ENVIRONMENT {
        "in AZURE_FEDERATED_TOKEN_FILE".to_owned()
    } else {
        format!("({})", command(account, Proof::Federated))
    };
    words(
        "The token of this workload cannot be read.",
        format!("{path}: {detail}."),
        format!("Have the platform write it there, or name the file that it writes {how}; then try again."),
    )
}

/// A person could answer; an application cannot.
pub(super) fn interaction_required(account: &str, client_id: &str, detail: &str) -> Words {
    let message = format!("It is the application {client_id}. {}", sentence(detail));
    let let_through = "ask an administrator to let the application through; then try again.";
    if account == ENVIRONMENT {
        return words(
            "Azure wants more than a secret of the account that the AZURE_ variables name.",
            message.trim_end(),
            format!("Unset the AZURE_ variables to act as whoever is signed in to the Azure CLI, or {let_through}"),
        );
    }
    words(
        format!("Azure wants more than a secret or a certificate of {}.", the_account(account)),
        message.trim_end(),
        format!("Give the favourite the account of a person, or {let_through}"),
    )
}
