//! Words about accounts.

use crate::account::{AZ, KeychainTrouble, SignInMethod};
use crate::snapshot::AccountState;

/// An account in the settings has a built-in one's name.
pub fn name_taken(name: &str, built_in: &str) -> String {
    format!("[accounts.{name}] is a name of Ajar’s own: “{built_in}” is there without settings; choose another")
}

/// Two accounts in the settings have the same name.
pub fn named_twice(name: &str, before: &str) -> String {
    format!("[accounts.{name}] is [accounts.{before}] once more: names that differ only in case are the same")
}

/// Why a sign-in lasts no longer than this run, and what to do about it.
pub fn memory_only(trouble: KeychainTrouble) -> &'static str {
    match trouble {
        KeychainTrouble::Absent => {
            "This system has no keychain that Ajar can use, so the sign-in lasts until Ajar ends. Start a Secret Service \
             (GNOME Keyring, KWallet or KeePassXC) and sign in again to keep it."
        }
        KeychainTrouble::Locked => {
            "The keychain is locked or was never set up, so the sign-in lasts until Ajar ends. Unlock it and sign in again to keep it."
        }
        KeychainTrouble::Slow => {
            "The keychain does not answer; it may wait for its password. The sign-in lasts until Ajar ends, unless the \
             keychain is unlocked before."
        }
        KeychainTrouble::Failed => {
            "The keychain failed, so the sign-in lasts until Ajar ends. The log has its reason (ajar -v)."
        }
    }
}

/// How an account signs in.
pub fn method(method: SignInMethod) -> &'static str {
    match method {
        SignInMethod::Browser => "browser",
        SignInMethod::DeviceCode => "device code",
        SignInMethod::ServicePrincipal => "service principal",
        SignInMethod::ManagedIdentity => "managed identity",
        SignInMethod::WorkloadIdentity => "workload identity",
        SignInMethod::Az => "Azure CLI",
        SignInMethod::Azd => "Azure Developer CLI",
    }
}

/// Whom an account acts as, to stand in a sentence.
pub fn whom(name: &str) -> String {
    if name == AZ { "whoever is signed in to the Azure CLI".into() } else { format!("“{name}”") }
}

/// How an account stands, in one short line; `is_bound` where it is one person of those that a tool may know.
pub fn standing(state: AccountState, method: SignInMethod, is_bound: bool) -> &'static str {
    match (state, method) {
        (AccountState::SignedIn, _) => "signed in",
        (AccountState::NeedsSignIn, _) => "has to sign in",
        (AccountState::Disabled, _) => "is disabled",
        (AccountState::Blocked, _) => "blocked by its organisation",
        (AccountState::WantsConsent, _) => "waits for its organisation’s consent",
        (AccountState::WantsAssignment, _) => "waits to be assigned to the application it signs in with",
        (AccountState::Refused, _) => "refused by Azure with what it signs in with",
        (AccountState::Elsewhere, SignInMethod::Az) if is_bound => "acts through the Azure CLI (az login)",
        (AccountState::Elsewhere, SignInMethod::Az) => "whoever is signed in to the Azure CLI (az login)",
        (AccountState::Elsewhere, SignInMethod::Azd) => {
            "whoever is signed in to the Azure Developer CLI (azd auth login)"
        }
        (AccountState::Elsewhere, SignInMethod::ServicePrincipal) => "the service principal of the AZURE_ variables",
        (AccountState::Elsewhere, _) => "signed in by the system",
    }
}

/// A refresh token or a secret was removed, from the keychain too or from `memory` alone.
pub fn removed_sign_in(memory: bool) -> String {
    if memory { "its sign-in, from memory" } else { "its sign-in, from the keychain and from memory" }.into()
}

/// A sign-in stays, because another account lives on it.
pub fn left_for(other: &str) -> String {
    format!(
        "“{other}” is the same person or application, and lives on the same sign-in, which stays until that one is signed out, too."
    )
}

/// What may be left of a sign-in in a keychain that could not be used when it was to be forgotten.
pub fn left_in_keychain(trouble: KeychainTrouble) -> &'static str {
    match trouble {
        KeychainTrouble::Absent => {
            "No keychain could be reached, so nothing was looked for in one. If one is there later that has the sign-in, Ajar \
             removes it when it next uses that keychain."
        }
        KeychainTrouble::Locked => {
            "The keychain is locked, so the sign-in may still be in there. Ajar removes it when it next uses the keychain \
             unlocked; or delete Ajar’s entries there by yourself."
        }
        KeychainTrouble::Slow | KeychainTrouble::Failed => {
            "The keychain did not answer, so the sign-in may still be in there. Ajar removes it when it next uses the \
             keychain; or delete Ajar’s entries there by yourself."
        }
    }
}

/// The account's table was removed from the settings.
pub fn removed_settings(path: &str, name: &str) -> String {
    format!("[accounts.{name}] from {path}")
}

/// The account acts no more for favourites that name none.
pub fn removed_default(path: &str, name: &str) -> String {
    format!("account = \"{name}\" from {path}")
}

/// What was kept of the VMs that the account saw.
pub fn removed_vms() -> String {
    "the list of the VMs that it saw".into()
}

/// Who acts for favourites that name no account, since somebody else did; in which cloud, where that is another.
pub fn now_act_as(account: &str, other_cloud: Option<&str>) -> String {
    let there = other_cloud.map(|cloud| format!(", in the cloud “{cloud}”,")).unwrap_or_default();
    format!("Favourites that name no account act as {}{there} from now on.", whom(account))
}

/// Favourites stay in their cloud, although who acted for them there is gone and who acts for others is in another.
pub fn stay_in_cloud(favourites: &[String], cloud: &str) -> String {
    let stay = if favourites.len() == 1 { "stays" } else { "stay" };
    format!(
        "{} {stay} in the cloud “{cloud}”, which is written there now; to sign in to it: ajar --cloud {cloud} sign-in",
        favourites.join(", ")
    )
}

/// Favourites act as another account of their cloud.
pub fn act_from_now_on(favourites: &[String], account: &str) -> String {
    let act = if favourites.len() == 1 { "acts" } else { "act" };
    format!("{} {act} as {} from now on.", favourites.join(", "), whom(account))
}

/// Favourites that still name an account that has gone.
pub fn still_named(favourites: &[String]) -> String {
    let (names, verb) = (favourites.join(", "), if favourites.len() == 1 { "names" } else { "name" });
    let each = match favourites {
        [only] => only.as_str(),
        _ => "NAME",
    };
    format!(
        "{names} still {verb} it: sign in again under that name, or have another account act (“ajar edit {each} --account \
         ACCOUNT”)."
    )
}

/// The Azure CLI does not know a user.
pub fn az_is_not(username: &str) -> String {
    format!("The Azure CLI is not signed in as {username}.")
}

/// The Azure CLI knows a user, but nothing by which it could be asked for that user's token of a tenant.
pub fn az_is_not_in(username: &str, tenant: &str) -> String {
    let or_id = if tenant.contains('.') { " Where it is, the tenant has to be named by its id." } else { "" };
    format!("The Azure CLI is signed in as {username}, but not to the tenant {tenant}.{or_id}")
}

/// The Azure CLI knows nobody in a cloud that is not its active one.
pub fn az_is_not_in_cloud(name: &str) -> String {
    format!("Nobody is signed in to the Azure CLI in its cloud {name}, which is not the active one.")
}

/// The Azure CLI knows several people in a cloud that is not its active one, and prefers none.
pub fn az_has_several(cloud: &str, here: &str) -> String {
    format!(
        "Several people are signed in to the Azure CLI in its cloud {cloud}, which is not the active one. Say whom you mean \
         with “ajar --cloud {here} sign-in --az --username USER”."
    )
}

/// The Azure CLI knows nobody who could be meant.
pub fn az_is_nobody(tenant: Option<&str>) -> String {
    match tenant {
        Some(tenant) => format!("The Azure CLI is signed in as nobody in the tenant {tenant}."),
        None => "The Azure CLI is signed in as nobody.".to_owned(),
    }
}

/// What failures call an account that has no name yet.
pub fn nameless() -> String {
    "this account".into()
}

/// Over the accounts.
pub const COLUMNS: [&str; 7] = ["NAME", "WHO", "SIGNS IN BY", CLOUD, TENANT, "FAVOURITES", "STATE"];

/// Over the clouds that accounts are of.
pub const CLOUD: &str = "CLOUD";

/// Over the tenants that accounts are at home in.
pub const TENANT: &str = "TENANT";

/// An account's name, marked where favourites act as it that name none.
pub fn name(name: &str, is_default: bool) -> String {
    if is_default { format!("{name} *") } else { name.into() }
}

/// The favourites that act as an account, as far as they fit into a table.
pub fn favourites(names: &[&str]) -> String {
    if names.is_empty() { "–".into() } else { super::some_of(names) }
}

/// Something about one account.
pub fn about(name: &str, what: &str) -> String {
    format!("{name}: {what}")
}

/// Over the users of the Azure CLI.
pub const AZ_COLUMNS: [&str; 5] = ["USER OF THE AZURE CLI", "TENANT", "CLOUD", "SUBSCRIPTIONS", "ACCOUNT"];

/// How a user of the Azure CLI gets a name, for who has several.
pub fn how_to_name_az() -> &'static str {
    "“az” is the one with *. To let a favourite act as another: ajar sign-in --az --username USER --name NAME"
}

/// There is no Azure CLI, and an account that would be somebody signed in to it.
pub fn az_missing() -> &'static str {
    "The Azure CLI (az) is not installed, or not on the PATH of Ajar."
}

/// The Azure CLI could not tell who is signed in to it.
pub fn az_failed(why: &str) -> String {
    format!("The Azure CLI could not tell who is signed in: {why}")
}

/// For who has no account that Ajar itself signs in.
pub fn how_to_sign_in() -> &'static str {
    "To sign in with your browser: ajar sign-in\nOr sign in to the Azure CLI (az login); Ajar uses that by itself."
}

/// The browser is asked for.
pub fn in_browser(url: &str) -> String {
    format!("Sign in with your browser. If it does not come up by itself, open\n  {url}")
}

/// A code is to be typed elsewhere.
pub fn type_code(code: &str, url: &str) -> String {
    format!("On any device, open\n  {url}\nand type the code {code}")
}

/// Asks who could sign in to do so.
pub fn sign_in_now() -> &'static str {
    "Sign in now? [Y/n]"
}

/// Asks whom a favourite is to act as whose account is not there.
pub fn whom_instead(gone: &str, others: &[&str], can_sign_in: bool) -> String {
    let others = others.join(", ");
    match (can_sign_in, others.is_empty()) {
        (true, true) => format!("Sign in under the name “{gone}”? [Enter, or n]"),
        (true, false) => {
            format!("Sign in under the name “{gone}” [Enter], act as another ({others}), or leave it [n]:")
        }
        (false, _) => format!("Whom is it to act as ({others}; Enter alone to leave it)?"),
    }
}

/// Asks for the application that people are signed in with.
pub fn client_id_wanted() -> &'static str {
    "The application’s id (Enter alone to leave it):"
}

/// A path that the settings cannot hold.
pub fn no_text() -> &'static str {
    "its path is no text that the settings could hold"
}

/// A service principal's secret is to be typed.
pub fn secret_wanted() -> &'static str {
    "The application’s secret (it is not shown):"
}

/// Somebody has signed in.
pub fn signed_in(name: &str, username: Option<&str>) -> String {
    let who = username.map_or_else(String::new, |username| format!(" as {username}"));
    format!("Signed in{who}. The account is called {name}. See all of them with: ajar accounts")
}

/// A sign-in is begun once more, because the process that had the page is gone.
pub fn begins_anew() -> &'static str {
    "The Ajar that signed in has ended before it was done. It begins anew: pages and codes of before lead nowhere."
}

/// A sign-in is over, and the process that made it is needed for the newer one.
pub fn stays_for_newer() -> &'static str {
    "A newer sign-in took the place of this one. Ajar stays until that has ended, because it goes through here."
}

/// Favourites that name no account act as who has just signed in.
pub fn others_act_as_it(other_cloud: Option<&str>) -> String {
    let there = other_cloud.map(|cloud| format!(", in the cloud “{cloud}”")).unwrap_or_default();
    format!("Favourites that name no account act as it{there}.")
}

/// Favourites that name no account go on acting as another one than has just signed in.
pub fn others_still_act_as(account: &str) -> String {
    format!(
        "Favourites that name no account go on acting as {}. “account” in a favourite’s profile has it act as another.",
        whom(account)
    )
}

/// A message to an administrator, who is to register the application that signs people in.
pub fn for_administrator() -> &'static str {
    r#"Please register an application in Entra for Ajar, which opens our VMs by just-in-time access. It needs no secret: people sign in as themselves, and get no more rights than they have.

az ad app create --display-name Ajar --sign-in-audience AzureADMyOrg --public-client-redirect-uris http://localhost \
   --is-fallback-public-client true --required-resource-accesses '[{"resourceAppId":
   "797f4846-ba00-4fd7-ba43-dac1f8f63013", "resourceAccess": [{"id": "41094075-9dad-400e-a0bd-54e686782033", "type": "Scope"}]}]'

That is: a redirect of the platform “Mobile and desktop applications” to http://localhost, public client flows allowed, and of Azure Service Management the delegated permission user_impersonation. Granting admin consent spares each of us the question.

Please send me its Application (client) ID."#
}

/// A sign-in that is kept in the memory of a command is gone with it.
pub fn ends_with_this_command() -> &'static str {
    "Ajar ends with this command. To use the sign-in until then, leave the tray app or “ajar status --watch” running, and sign in again."
}

/// An account was forgotten.
pub fn signed_out(name: &str, removed: &[String]) -> String {
    if removed.is_empty() {
        return format!("Signed out of {name}. There was nothing to remove.");
    }
    format!("Signed out of {name}. Removed: {}.", removed.join("; "))
}

/// What was removed, as far as is known, when the process that did it has ended before it could tell.
pub fn removed_by_last_host() -> &'static str {
    "all of it, by an Ajar that has ended since"
}

/// It is not clear which account is meant.
pub fn which_one(names: &[&str]) -> String {
    if names.is_empty() {
        return "Nobody is signed in with Ajar. “ajar accounts” shows whom it acts as.".into();
    }
    format!("Which account? Say “ajar sign-out NAME” with one of {}.", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_and_the_window_ask_an_administrator_for_the_same_application() {
        let command = for_administrator().split("\n\n").nth(1).unwrap();
        assert!(include_str!("../../../../docs/azure-permissions.md").contains(command));
        let window = include_str!("../../../../ui/src/words.ts").replace(r"\\", r"\");
        assert!(window.contains(for_administrator()));
    }
}
