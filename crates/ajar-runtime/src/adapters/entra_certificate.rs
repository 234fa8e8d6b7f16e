//! A certificate of Entra's for a person's own key, by the Azure CLI. It goes by that key alone: no private key is made or
//! written. https://learn.microsoft.com/cli/azure/ssh

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use ajar_core::failure::{CertificateFlaw, Failure, Trouble};
use ajar_core::launch::{OF_THE_ACCOUNT, OF_THE_APP_IMAGE};
use ajar_core::message::launch::{no_certificate, too_late};
use ajar_core::profile::Profile;
use ajar_core::ssh_certificate::{RSA_CERTIFICATE, SshCertificate, first_principal};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::process::Command;

use super::launch_files::private_folder;
use super::programs::{AZ, azure_cli, from_home};

/// The key that the Azure CLI makes certificates for where nobody names one.
const USUAL_KEY: &str = "~/.ssh/id_rsa";

/// `az` is Python and may have to renew its own token; more than this is a hang.
const LIMIT: Duration = Duration::from_mins(1);

/// Asks for one for the profile's key. It lies in a folder of its own in `files`.
///
/// # Errors
/// [`Failure::NoCertificate`].
pub(super) async fn certificate(profile: &Profile, files: &Path) -> Result<SshCertificate, Trouble> {
    let key = from_home(profile.identity_file.as_deref().unwrap_or(USUAL_KEY));
    let public = public_key_of(&key);
    let is_rsa = tokio::fs::read_to_string(&public).await.is_ok_and(|text| text.trim_start().starts_with("ssh-rsa "));
    if !is_rsa {
        return Err(lacks(CertificateFlaw::NoKey(key.display().to_string())));
    }
    let az = azure_cli(AZ).ok_or_else(|| lacks(CertificateFlaw::NoAz))?;
    let folder = private_folder(files).map_err(|error| failed(&error.to_string()))?;
    let file = folder.join("id_rsa-cert.pub");
    let output = run(&az, &public, &file).await?;
    if !output.status.success() {
        return Err(lacks(flaw_of(&String::from_utf8_lossy(&output.stderr))));
    }
    let text = tokio::fs::read_to_string(&file).await.map_err(|error| failed(&error.to_string()))?;
    let user = principal(&text).ok_or_else(|| failed(no_certificate()))?;
    Ok(SshCertificate { file: file.display().to_string(), key: key.display().to_string(), user })
}

fn public_key_of(key: &Path) -> PathBuf {
    let mut name = key.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

async fn run(az: &Path, public: &Path, file: &Path) -> Result<Output, Trouble> {
    let mut command = Command::new(az);
    command.args(["ssh", "cert", "--only-show-errors", "--public-key-file"]).arg(public).arg("--file").arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let is_image = std::env::var_os("APPIMAGE").is_some();
    for name in OF_THE_ACCOUNT.iter().chain(OF_THE_APP_IMAGE.iter().filter(|_| is_image)) {
        command.env_remove(name);
    }
    without_a_console(&mut command);
    match tokio::time::timeout(LIMIT, command.output()).await {
        Ok(output) => output.map_err(|error| failed(&error.to_string())),
        Err(_) => Err(failed(too_late())),
    }
}

#[cfg(windows)]
fn without_a_console(command: &mut Command) {
    const CREATE_NO_WINDOW: u32 = 0x0800_0000;
    command.creation_flags(CREATE_NO_WINDOW);
}

#[cfg(not(windows))]
fn without_a_console(_command: &mut Command) {}

/// What `az` lacks, by what it says. https://github.com/Azure/azure-cli, `azure/cli/core/parser.py` and `_profile.py`
fn flaw_of(said: &str) -> CertificateFlaw {
    if said.contains("requires the extension ssh") || said.contains("'ssh' is misspelled or not recognized") {
        CertificateFlaw::NoExtension
    } else if said.contains("az login") {
        CertificateFlaw::SignedOut
    } else {
        let line = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        CertificateFlaw::Failed(line.trim_start_matches("ERROR: ").to_owned())
    }
}

fn principal(text: &str) -> Option<String> {
    let mut words = text.split_whitespace();
    let bytes = words.next().filter(|kind| *kind == RSA_CERTIFICATE).and_then(|_| STANDARD.decode(words.next()?).ok());
    first_principal(&bytes?)
}

fn failed(detail: &str) -> Trouble {
    lacks(CertificateFlaw::Failed(detail.to_owned()))
}

fn lacks(flaw: CertificateFlaw) -> Trouble {
    Failure::NoCertificate { flaw }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_azure_cli_lacks_is_told_by_what_it_says() {
        for (said, flaw) in [
            (
                "ERROR: The command requires the extension ssh. Unable to prompt for extension install confirmation as no tty \
                 available. Run 'az config set extension.use_dynamic_install=yes_without_prompt' to allow it.",
                CertificateFlaw::NoExtension,
            ),
            ("ERROR: 'ssh' is misspelled or not recognized by the system.\n", CertificateFlaw::NoExtension),
            ("ERROR: Please run 'az login' to setup account.\n", CertificateFlaw::SignedOut),
            (
                "\nERROR: AADSTS50076: Due to a change\nmore\n",
                CertificateFlaw::Failed("AADSTS50076: Due to a change".into()),
            ),
            ("", CertificateFlaw::Failed(String::new())),
        ] {
            assert_eq!(flaw_of(said), flaw, "{said}");
        }
    }
}
