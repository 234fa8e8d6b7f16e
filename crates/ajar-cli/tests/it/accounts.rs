//! Accounts that need nobody at a page: applications, machines, workloads, and users of the Azure CLI.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::user::{FABRIKAM, User, ended};

/// A user whose favourite `home` acts as `account`.
async fn user_acting_as(account: &str) -> User {
    let user = User::new().await;
    for other in ["lab", "desk"] {
        assert_eq!(user.run(&["remove", other]).await.0, 0);
    }
    let settings = user.settings().replace("\"environment\"", &format!("\"{account}\""));
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    user
}

async fn opens(mut command: Command) {
    let (code, stdout, stderr) = ended(command.spawn().unwrap()).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
}

#[tokio::test]
async fn an_application_signs_in_by_a_certificate_that_is_named_from_where_one_stands() {
    let user = user_acting_as("robot").await;
    let announced = user.clouds[0].announce();
    let folder = user.home().join("certificates");
    fs::create_dir(&folder).unwrap();
    fs::copy(&announced.client_certificate, folder.join("app.pem")).unwrap();
    let (tenant, client_id) = (announced.tenant_id.to_string(), announced.client_id.to_string());
    let sign_in = ["sign-in", "--name", "robot", "--service-principal", "--tenant", &tenant, "--client-id", &client_id];
    let missing = [&sign_in[..], &["--certificate", "certificates/none.pem"]].concat();
    let (code, _, stderr) = user.run(&missing).await;
    assert!(code == 3 && stderr.contains("certificates/none.pem"), "{code} {stderr}");
    let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    // Nothing is written under that name, so that what helps is the whole command.
    let whole = "“ajar sign-in --service-principal --tenant TENANT --client-id ID --certificate FILE”";
    assert!(stderr.contains(whole), "{stderr}");
    assert!(!user.settings().contains("[accounts"), "{}", user.settings());

    let right = [&sign_in[..], &["--certificate", "certificates/app.pem"]].concat();
    let (code, stdout, stderr) = user.run(&right).await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    let whole = folder.join("app.pem").display().to_string();
    assert!(user.settings().contains(&format!("certificate = \"{whole}\"")), "{}", user.settings());
    opens(user.ajar(&["connect", "home", "--no-launch"])).await;
    // In the settings a relative path counts from there.
    let settings = user.settings().replace(&whole, "../certificates/app.pem");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    opens(user.ajar(&["status"])).await;
    // What no keychain has is not said to be removed from there.
    let (code, stdout, _) = user.run(&["sign-out", "robot"]).await;
    assert!(code == 0 && stdout.contains("[accounts.robot]") && !stdout.contains("keychain"), "{stdout}");
}

#[tokio::test]
async fn a_machine_acts_as_itself_and_a_workload_by_the_token_in_its_file() {
    let user = user_acting_as("machine").await;
    let announced = user.clouds[0].announce();
    let on_the_machine = |args: &[&str]| {
        let mut command = user.ajar(args);
        command.env("IDENTITY_ENDPOINT", &announced.identity_endpoint);
        command.env("IDENTITY_HEADER", &announced.identity_header);
        command
    };
    let (code, _, stderr) = ended(user.ajar(&["sign-in", "--managed-identity", "--json"]).spawn().unwrap()).await;
    assert!(code == 3 && stderr.contains("has no managed identity"), "{code} {stderr}");
    opens(on_the_machine(&["sign-in", "--managed-identity"])).await;
    assert!(user.settings().contains("[accounts.machine]\nsign_in = \"managed-identity\""), "{}", user.settings());
    opens(on_the_machine(&["connect", "home", "--no-launch"])).await;

    fs::write(user.home().join("token"), "not a token").unwrap();
    let tenant = announced.tenant_id.to_string();
    let workload = ["sign-in", "--workload-identity", "--token-file", "token", "--tenant", &tenant];
    let (code, _, stderr) = user.run(&workload).await;
    assert!(code == 2 && stderr.contains("--client-id ID"), "{code} {stderr}");
    let client_id = announced.client_id.to_string();
    let (code, _, stderr) = user.run(&[&workload[..], &["--client-id", &client_id]].concat()).await;
    assert!(code == 3 && stderr.contains("AADSTS"), "{code} {stderr}");
    assert!(!user.settings().contains("[accounts.workload]"), "{}", user.settings());
}

#[tokio::test]
async fn a_workload_and_a_machine_without_a_name_are_told_commands_that_work() {
    let user = user_acting_as("pod").await;
    let announced = user.clouds[0].announce();
    let tenant = announced.tenant_id.to_string();
    let client_id = announced.client_id.to_string();
    let told = async |mut command: Command| {
        let (code, _, stderr) = ended(command.spawn().unwrap()).await;
        assert_eq!(code, 3, "{stderr}");
        assert!(!stderr.contains("this account ") && !stderr.contains("--name"), "{stderr}");
        stderr.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let whole = "“ajar sign-in --workload-identity --tenant TENANT --client-id ID --token-file FILE”";
    let ids = ["sign-in", "--workload-identity", "--tenant", &tenant, "--client-id", &client_id, "--token-file"];
    let gone = told(user.ajar(&[&ids[..], &["none"]].concat())).await;
    assert!(gone.contains("The token of this workload cannot be read") && gone.contains(whole), "{gone}");
    fs::write(user.home().join("token"), "not a token").unwrap();
    let refused = told(user.ajar(&[&ids[..], &["token"]].concat())).await;
    assert!(
        refused.contains("Azure refuses this account. It is the application") && refused.contains(whole),
        "{refused}"
    );

    let mut machine = user.ajar(&["sign-in", "--managed-identity", "--client-id", &client_id]);
    machine.env("IDENTITY_ENDPOINT", &announced.identity_endpoint).env("IDENTITY_HEADER", &announced.identity_header);
    let other = told(machine).await;
    assert!(other.contains("“ajar sign-in --managed-identity --client-id ID”"), "{other}");
    assert!(!user.settings().contains("[accounts"), "{}", user.settings());
}

/// A token that the application trusts: here one that its certificate has signed, as no other issuer is known there.
fn platform_token(user: &User) -> String {
    let announced = user.clouds[0].announce();
    let pem = fs::read_to_string(&announced.client_certificate).unwrap();
    let block = |name: &str| {
        let (_, rest) = pem.split_once(&format!("-----BEGIN {name}-----")).unwrap();
        let base64: String = rest.split_once("-----END").unwrap().0.split_whitespace().collect();
        STANDARD.decode(base64).unwrap()
    };
    let key = RsaKeyPair::from_pkcs8(&block("PRIVATE KEY")).unwrap();
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &block("CERTIFICATE")));
    let now = chrono::Utc::now().timestamp();
    let client = announced.client_id;
    let audience = format!("{}/{}/oauth2/v2.0/token", announced.authority, announced.tenant_id);
    let header = json!({ "alg": "RS256", "x5t#S256": thumbprint });
    let claims = json!({ "aud": audience, "iss": client, "sub": client, "nbf": now, "exp": now + 600 });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(&claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn a_workload_opens_a_vm_by_the_token_that_its_platform_keeps_in_a_file() {
    let user = user_acting_as("pod").await;
    let announced = user.clouds[0].announce();
    let token = platform_token(&user);
    fs::write(user.home().join("token"), &token).unwrap();
    let (tenant, client_id) = (announced.tenant_id.to_string(), announced.client_id.to_string());
    let sign_in = ["sign-in", "--workload-identity", "--name", "pod", "--token-file", "token"];
    let ids = ["--tenant", &tenant, "--client-id", &client_id];
    opens(user.ajar(&[&sign_in[..], &ids].concat())).await;
    assert!(user.settings().contains("[accounts.pod]\nsign_in = \"workload-identity\""), "{}", user.settings());
    opens(user.ajar(&["connect", "home", "--no-launch"])).await;
    assert_eq!(user.files_with(&token), [user.home().join("token").display().to_string()]);
    // A token that is gone is told as that, with the command that names another; that needs nothing said again.
    fs::rename(user.home().join("token"), user.home().join("moved")).unwrap();
    let (code, _, stderr) = user.run(&["rights", "home"]).await;
    let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 3 && stderr.contains("token of this workload cannot be read"), "{code} {stderr}");
    assert!(stderr.contains("“ajar sign-in --workload-identity --name pod --token-file FILE”"), "{stderr}");
    opens(user.ajar(&["sign-in", "--workload-identity", "--name", "pod", "--token-file", "moved"])).await;
    opens(user.ajar(&["rights", "home"])).await;
}

/// A token of the simulator's application.
async fn token(user: &User) -> String {
    let announced = user.clouds[0].announce();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", &announced.client_id.to_string()),
        ("client_secret", &announced.client_secret),
        ("scope", &format!("{}/.default", announced.resource_manager)),
    ];
    let url = format!("{}/{}/oauth2/v2.0/token", announced.authority, announced.tenant_id);
    let answer = user.http(0).post(url).form(&form).send().await.unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

/// A folder with a script in the place of a tool.
fn in_place_of(user: &User, tool: &str, script: &str) -> PathBuf {
    let folder = user.home().join("bin");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(tool), script).unwrap();
    fs::set_permissions(folder.join(tool), fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// An Azure CLI that two people are signed in to, and that gives out a token of the simulator's application.
async fn azure_cli(user: &User) -> PathBuf {
    let (announced, token) = (user.clouds[0].announce(), token(user).await);
    let subscription = &user.vm("home").subscription_id;
    let (first, second) = (announced.tenant_id, FABRIKAM);
    let script = format!(
        r#"#!/bin/sh
echo "$*" >>"$(dirname "$0")/asked"
case "$1 $2" in
"account list") cat <<'END'
[{{"id":"{subscription}","tenantId":"{first}","cloudName":"AzureCloud","isDefault":true,"user":{{"name":"ada@contoso.example"}}}},
 {{"id":"5-2","tenantId":"{second}","cloudName":"AzureCloud","isDefault":false,"user":{{"name":"grace@fabrikam.example"}}}}]
END
;;
"account get-access-token") case "$*" in
*"--tenant {second}"*)
    echo "ERROR: AADSTS50076: Due to a configuration change you must use multi-factor authentication." >&2
    exit 1 ;;
*) printf '%s' '{{"accessToken":"{token}","expires_on":4102444800,"tokenType":"Bearer"}}' ;;
esac ;;
*) echo "ERROR: '$2' is misspelled or not recognized by the system." >&2; exit 2 ;;
esac
"#
    );
    in_place_of(user, "az", &script)
}

#[tokio::test]
async fn several_users_of_the_azure_cli_are_listed_and_one_of_them_can_be_named() {
    let user = user_acting_as("work").await;
    let folder = azure_cli(&user).await;
    let path = format!("{}:/usr/bin:/bin", folder.display());
    let with_az = |args: &[&str]| {
        let mut command = user.ajar(args);
        command.env("PATH", &path);
        command
    };
    let listed = async || ended(with_az(&["accounts"]).spawn().unwrap()).await;
    let (code, stdout, stderr) = listed().await;
    assert!(code == 0 && stdout.contains("ada@contoso.example *"), "{stdout}{stderr}");
    assert!(stdout.contains("grace@fabrikam.example") && stderr.contains("ajar sign-in --az --username"), "{stdout}");

    let (code, _, stderr) = ended(with_az(&["sign-in", "--az", "--username", "bob@x.example"]).spawn().unwrap()).await;
    assert!(code == 3 && stderr.contains("is not signed in as bob@x.example"), "{code} {stderr}");
    // The token that az gives for a tenant by itself would be ada's.
    let as_grace = ["sign-in", "--az", "--username", "grace@fabrikam.example", "--tenant", "fabrikam.onmicrosoft.com"];
    let (code, _, stderr) = ended(with_az(&as_grace).spawn().unwrap()).await;
    assert!(code == 3 && stderr.contains("“az login --tenant fabrikam.onmicrosoft.com”"), "{code} {stderr}");
    let asked = fs::read_to_string(folder.join("asked")).unwrap();
    assert!(!asked.contains("get-access-token"), "{asked}");
    opens(with_az(&["sign-in", "--az", "--username", "ADA@contoso.example", "--name", "work"])).await;
    assert!(user.settings().contains("username = \"ada@contoso.example\""), "{}", user.settings());
    opens(with_az(&["connect", "home", "--no-launch"])).await;
    let asked = fs::read_to_string(folder.join("asked")).unwrap();
    assert!(asked.contains("get-access-token") && asked.contains(&user.vm("home").subscription_id), "{asked}");
    let (_, stdout, _) = listed().await;
    let ada = stdout.lines().find(|line| line.contains("ada@contoso.example *")).unwrap();
    assert!(ada.ends_with("work"), "{stdout}");
    let work = stdout.lines().find(|line| line.starts_with("work")).unwrap();
    assert!(work.contains(&user.clouds[0].announce().tenant_id.to_string()), "{stdout}");

    // Whom an administrator is to give what is missing is told by what their tenant knows them by.
    user.control(0, "rights", json!({ "action": "*/initiate/action", "allowed": false })).await;
    let (code, stdout, stderr) = ended(with_az(&["rights", "home", "--message"]).spawn().unwrap()).await;
    assert!(code == 0 && stdout.starts_with("Please give ada@contoso.example (object ID "), "{stdout}{stderr}");
    let id = stdout.split_once("(object ID ").unwrap().1.split_once(')').unwrap().0;
    assert!(stdout.contains(&format!("--assignee \"{id}\"")), "{stdout}");
}

#[tokio::test]
async fn what_a_tenant_has_against_the_sign_in_of_the_azure_cli_is_told_with_its_command() {
    let user = User::new().await;
    let path = format!("{}:/usr/bin:/bin", azure_cli(&user).await.display());
    let settings = user.settings().replace("\"environment\"", "\"az\"").replace("\"bob\"", "\"az\"");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    for name in ["home", "lab"] {
        let mut command = user.ajar(&["rights", name]);
        command.env("PATH", &path);
        let (code, stdout, stderr) = ended(command.spawn().unwrap()).await;
        let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        if name == "home" {
            assert_eq!(code, 0, "{stdout}{stderr}");
        } else {
            assert!(code == 3 && stderr.contains("AADSTS50076"), "{code} {stdout}{stderr}");
            assert!(stderr.contains(&format!("Run “az login --tenant {FABRIKAM}”")), "{stderr}");
        }
    }
}

#[tokio::test]
async fn another_account_is_made_the_one_that_acts_for_favourites_that_name_none() {
    let user = user_acting_as("environment").await;
    let settings = user.settings().replace("account = \"environment\"\n", "");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    let announced = user.clouds[0].announce();
    let certificate = announced.client_certificate.display().to_string();
    let (tenant, client_id) = (announced.tenant_id.to_string(), announced.client_id.to_string());
    let sign_in = ["sign-in", "--service-principal", "--certificate", &certificate];
    let ids = ["--name", "robot", "--tenant", &tenant, "--client-id", &client_id];
    opens(user.ajar(&[&sign_in[..], &ids].concat())).await;

    let (code, stdout, stderr) = user.run(&["accounts", "--default", "AZ"]).await;
    let said = "Favourites that name no account act as whoever is signed in to the Azure CLI from now on.";
    assert!(code == 0 && stderr.contains(said) && stdout.contains("az *"), "{code} {stdout}{stderr}");
    assert_ne!(user.run(&["connect", "home", "--no-launch"]).await.0, 0, "nobody is signed in to an Azure CLI here");

    let (code, stdout, stderr) = user.run(&["accounts", "--default", "ROBOT", "--json"]).await;
    assert!(code == 0 && stderr.contains("act as “robot” from now on"), "{code} {stderr}");
    let accounts: Value = serde_json::from_str(&stdout).unwrap();
    let defaults: Vec<_> = accounts.as_array().unwrap().iter().filter(|account| account["isDefault"] == true).collect();
    assert!(defaults.len() == 1 && defaults[0]["name"] == "robot", "{stdout}");
    assert!(user.settings().contains("account = \"robot\"\n"), "{}", user.settings());
    opens(user.ajar(&["connect", "home", "--no-launch"])).await;

    let before = user.settings();
    let (code, _, stderr) = user.run(&["accounts", "--default", "rowbot"]).await;
    assert!(code != 0 && stderr.contains("rowbot") && stderr.contains("robot"), "{code} {stderr}");
    assert_eq!(user.settings(), before);
}

#[tokio::test]
async fn what_the_azure_developer_cli_writes_as_json_is_told_in_words_with_its_own_commands() {
    let user = User::new().await;
    let token = token(&user).await;
    let script = format!(
        r#"#!/bin/sh
case "$*" in
*"--tenant-id {FABRIKAM}"*)
    printf '%s\n' '{{"error":"AADSTS700082: The refresh token has expired due to inactivity.\r\nTrace ID: x","message":"Login expired.","suggestion":"login expired, run azd auth login"}}' >&2
    exit 1 ;;
*)
    printf '%s\n' '{{"type":"consoleMessage","timestamp":"2026-11-30T12:00:00Z","data":{{"message":"WARNING: old\n"}}}}' >&2
    printf '{{\n  "token": "%s",\n  "expiresOn": "2099-01-01T00:00:00Z"\n}}\n' '{token}' ;;
esac
"#
    );
    let path = format!("{}:/usr/bin:/bin", in_place_of(&user, "azd", &script).display());
    let settings = user.settings().replace("\"environment\"", "\"azd\"").replace("\"bob\"", "\"azd\"");
    fs::write(user.folder().join("config.toml"), settings).unwrap();
    let told = async |name: &str, path: &str| {
        let mut command = user.ajar(&["rights", name]);
        command.env("PATH", path);
        let (code, stdout, stderr) = ended(command.spawn().unwrap()).await;
        (code, stdout + &stderr.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (code, said) = told("home", &path).await;
    assert_eq!(code, 0, "{said}");
    let (code, said) = told("lab", &path).await;
    assert!(code == 3 && said.contains("The sign-in of the Azure Developer CLI has run out."), "{code} {said}");
    assert!(said.contains(&format!("Run “azd auth login --tenant-id {FABRIKAM}”")), "{said}");
    let (code, said) = told("home", "/usr/bin:/bin").await;
    assert!(code == 3 && said.contains("It (azd) is not installed"), "{code} {said}");
}
