//! Words for the tools with a sign-in of their own by which accounts act: the Azure CLI and the Azure Developer CLI.

use super::{Words, words};
use crate::failure::{NO_AZURE_CLI, NO_AZURE_DEVELOPER_CLI, OLD_AZURE_CLI, SignInReason, TokenTool};
use crate::message::{capital, sentence};

const INSTALL_HELP: &str = "https://learn.microsoft.com/cli/azure/install-azure-cli";
const SIGN_IN_HELP: &str = "https://learn.microsoft.com/cli/azure/authenticate-azure-cli";
const AZD_INSTALL_HELP: &str = "https://learn.microsoft.com/azure/developer/azure-developer-cli/install-azd";
const AZD_HELP: &str = "https://learn.microsoft.com/azure/developer/azure-developer-cli/reference#azd-auth-login";

const AZ_MISSING: &str = "The Azure CLI (az) is not installed, or not on the PATH of Ajar.";

/// The title of what Entra has against who is signed in to a tool.
fn refused(tool: TokenTool, reason: SignInReason) -> String {
    let tool = tool.name();
    match reason {
        SignInReason::Mfa => format!("Azure wants another proof of who is signed in to the {tool}."),
        SignInReason::Expired => format!("The sign-in of the {tool} has run out."),
        SignInReason::Revoked => format!("The sign-in of the {tool} was called back."),
        SignInReason::PasswordChanged => {
            format!("The password of who is signed in to the {tool} has to be changed.")
        }
        SignInReason::Claims => format!("Azure wants you to sign in to the {tool} anew."),
        SignInReason::Never | SignInReason::OtherAuthority => format!("You are not signed in to the {tool}."),
    }
}

/// The sign-in to the Azure CLI that helps, in the tenant that wants one or in a cloud that is not its active one: how, and
/// the title where there is one of its own.
pub(super) fn az_login(
    reason: Option<SignInReason>,
    tenant: Option<&str>,
    cloud: Option<&str>,
) -> (String, Option<String>) {
    let refused = reason.map(|reason| refused(TokenTool::AzureCli, reason));
    match (tenant, cloud) {
        (Some(tenant), cloud) => {
            let of_tenant = || format!("The Azure CLI has no sign-in that the tenant {tenant} takes.");
            let set = cloud.map(|cloud| format!("“az cloud set --name {cloud}”, then ")).unwrap_or_default();
            (format!("{set}“az login --tenant {tenant}”"), refused.or_else(|| Some(of_tenant())))
        }
        (None, Some(cloud)) => {
            let of_cloud = || "The Azure CLI cannot act in this cloud.".to_owned();
            (format!("“az cloud set --name {cloud}”, then “az login”"), refused.or_else(|| Some(of_cloud())))
        }
        (None, None) => ("“az login”".to_owned(), refused),
    }
}

pub(super) fn not_signed_in(
    name: &str,
    detail: &str,
    others: &[String],
    (az, refused): (String, Option<String>),
    cloud: Option<&str>,
) -> Words {
    let sign_in = cloud.map_or_else(|| "ajar sign-in".to_owned(), |cloud| format!("ajar --cloud {cloud} sign-in"));
    if !others.is_empty() {
        return not_signed_in_beside(name, detail, others, refused, &az);
    }
    if detail == NO_AZURE_CLI {
        return words(
            "You are not signed in to Azure.",
            AZ_MISSING,
            format!("Sign in with your browser (“{sign_in}”), or install it and run “az login”; then try again."),
        )
        .in_window("Sign in with your browser, or install the Azure CLI and run “az login”; then try again.")
        .help(INSTALL_HELP);
    }
    if let Some(title) = refused {
        // It goes on acting as whoever is signed in to the Azure CLI, whoever signs in with Ajar besides.
        return words(title, sentence(detail), format!("Run {az}; then try again.")).help(SIGN_IN_HELP);
    }
    words(
        "You are not signed in to Azure.",
        sentence(detail),
        format!("Run {az}, or sign in with your browser (“{sign_in}”); then try again."),
    )
    .in_window(format!("Sign in with your browser, or run {az}; then try again."))
    .help(SIGN_IN_HELP)
}

/// Who signs in with Ajar once more is an account beside these, as which the favourite does not act.
fn not_signed_in_beside(name: &str, detail: &str, others: &[String], refused: Option<String>, az: &str) -> Words {
    let whom = match others {
        [only] => only.as_str(),
        _ => "ACCOUNT",
    };
    let there_are = if others.len() > 1 { format!("; there are {}", others.join(", ")) } else { String::new() };
    let (message, az, help) = match detail {
        NO_AZURE_CLI => (AZ_MISSING.to_owned(), format!("install the Azure CLI and run {az}"), INSTALL_HELP),
        _ => (sentence(detail), format!("run {az}"), SIGN_IN_HELP),
    };
    let another = format!("have it act as an account of yours (“ajar edit {name} --account {whom}”{there_are})");
    if let Some(title) = refused {
        // Somebody is signed in to it, whom the favourite was meant to act as.
        return words(title, message, capital(&format!("{az}, or {another}; then try again.")))
            .in_window(capital(&format!("{az}, or have it act as another account; then try again.")))
            .help(help);
    }
    words(
        "The Azure CLI has nobody as whom this could act.",
        message,
        capital(&format!("{another}, or {az}; then try again.")),
    )
    .in_window(format!("Have it act as another account, or {az}; then try again."))
    .help(help)
}

/// It acts in one cloud at a time.
pub(super) fn azd_is_elsewhere(detail: &str, cloud: &str) -> Words {
    words(
        "The Azure Developer CLI acts in another cloud.",
        sentence(detail),
        format!(
            "Run “azd config set cloud.name {cloud}”, then “azd auth login”, or use another account; then try again."
        ),
    )
    .help(AZD_HELP)
}

pub(super) fn not_signed_in_to_azd(detail: &str, reason: Option<SignInReason>, tenant: Option<&str>) -> Words {
    if detail == NO_AZURE_DEVELOPER_CLI {
        return words(
            "There is no Azure Developer CLI to act by.",
            "It (azd) is not installed, or not on the PATH of Ajar.",
            "Install it and run “azd auth login”, or use another account; then try again.",
        )
        .help(AZD_INSTALL_HELP);
    }
    let there = tenant.map(|tenant| format!(" --tenant-id {tenant}")).unwrap_or_default();
    words(
        refused(TokenTool::AzureDeveloperCli, reason.unwrap_or(SignInReason::Never)),
        sentence(detail),
        format!("Run “azd auth login{there}”, or use another account; then try again."),
    )
    .help(AZD_HELP)
}

/// Nothing says that nobody is signed in to it.
pub(super) fn failed(tool: TokenTool, detail: &str) -> Words {
    let (command, help) = match tool {
        TokenTool::AzureCli => ("az account get-access-token", SIGN_IN_HELP),
        TokenTool::AzureDeveloperCli => ("azd auth token", AZD_HELP),
    };
    let title = format!("The {} gave no token.", tool.name());
    if detail == OLD_AZURE_CLI {
        return words(title, sentence(detail), "Bring the Azure CLI up to date, then try again.").help(help);
    }
    words(title, sentence(detail), format!("Check the connection and try again; “{command}” tells more.")).help(help)
}

pub(super) fn claims_required(claims: &str, scope: &str, tenant: Option<&str>) -> Words {
    let tenant = tenant.map(|tenant| format!(" --tenant \"{tenant}\"")).unwrap_or_default();
    let challenge = if claims.is_empty() { String::new() } else { format!(" --claims-challenge \"{claims}\"") };
    let sign_in = format!("az login{tenant}{challenge} --scope \"{scope}\"");
    words(
        "Azure wants you to sign in anew.",
        "Your session was ended, or something about it changed, such as the network it comes from.",
        format!("With the Azure CLI: “{sign_in}”; then try again."),
    )
    .help(SIGN_IN_HELP)
}

/// The tool takes its token for good, and gives it until it ends: somebody is signed in.
pub(super) fn token_refused(tool: TokenTool, detail: &str) -> Words {
    let (anew, help) = match tool {
        TokenTool::AzureCli => ("“az logout”, then “az login”", SIGN_IN_HELP),
        TokenTool::AzureDeveloperCli => ("“azd auth logout”, then “azd auth login”", AZD_HELP),
    };
    let name = tool.name();
    words(
        format!("Azure refuses the token that the {name} gives."),
        format!(
            "{} The {name} takes its tokens for good: asked once more it gave none that Azure takes.",
            sentence(detail)
        ),
        format!(
            "Check the clock of this machine, then try again. If it is right, have the {name} drop the token: {anew}."
        ),
    )
    .help(help)
}
