//! What a tool says in place of a token: whether nobody is signed in to it, or it broke, and when to ask it once more.
//!
//! The Azure CLI says most things in a line that begins with `ERROR:` and ends with status 1, whatever it is about. What it
//! did not expect it tells with a trace in Python, such as all that the network does (azure-cli 2.91, `handle_exception`).

use std::io;
use std::time::Duration;

use ajar_core::account::{AZ, AZD};
use ajar_core::failure::{Failure, OLD_AZURE_CLI, TokenTool, Trouble};
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::error::{Error, ErrorKind};
use tokio::time::{Instant, sleep};
use url::Url;

use super::public_client::ORGANIZATIONS;
use super::refusal::{Asker, SENTENCES_BEGIN};
use super::tool_answer::EndedAsIfMissing;
use super::{causes, refusal};

/// A tool that took longer than this is not asked once more: a click waits a minute for a token at the most.
const SOON: Duration = Duration::from_secs(15);

/// After what the network did.
const PAUSE: Duration = Duration::from_millis(500);

/// After an answer of Entra's that passes. For five seconds the Azure CLI does not ask again, and says what it heard
/// (MSAL, `RetryAfterParser`).
const LONG_PAUSE: Duration = Duration::from_millis(5_500);

/// The numbers by which Entra says that something passes: the service is away, took too long, has too much to do.
/// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
const TRANSIENT: [&str; 4] = ["AADSTS90006", "AADSTS90012", "AADSTS90024", "AADSTS90033"];

/// What the network does to tools in Python (requests, urllib3), and to those in Go.
const NETWORK: [&str; 16] = [
    "ConnectionError",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
    "ProtocolError",
    "ChunkedEncodingError",
    "ContentDecodingError",
    "TooManyRedirects",
    "HTTPSConnectionPool(",
    "HTTPConnectionPool(",
    "dial tcp",
    "no such host",
    "i/o timeout",
    "TLS handshake timeout",
    "connection reset by peer",
    "unexpected EOF",
];

/// Who answers shows a certificate that the tool does not trust.
const UNTRUSTED: [&str; 3] = ["CERTIFICATE_VERIFY_FAILED", "Certificate verification failed", "x509: "];

/// What Python raises where an answer of Entra's is none.
const NO_JSON: &str = "JSONDecodeError";

/// With this begins a trace in Python.
const TRACE: &str = "Traceback (most recent call last):";

/// What a tool said, understood.
#[derive(Debug)]
struct Said {
    /// With the ids of Entra's that it repeats.
    trouble: Trouble,
    /// Where it may have passed, after how long.
    passes: Option<Duration>,
}

/// Asks a tool for a token, and once more where what kept it from one may have passed.
pub(super) async fn token_of(
    tool: TokenTool,
    credential: &dyn TokenCredential,
    scope: &str,
) -> Result<AccessToken, Trouble> {
    let began = Instant::now();
    let first = match credential.get_token(&[scope], None).await {
        Ok(token) => return Ok(token),
        Err(error) => Said::of(&error, tool),
    };
    let Some(pause) = first.passes.filter(|_| began.elapsed() < SOON) else { return Err(first.trouble) };
    tracing::debug!(?pause, failure = %first.trouble.failure, "asking the tool once more");
    sleep(pause).await;
    credential.get_token(&[scope], None).await.map_err(|error| Said::of(&error, tool).trouble)
}

/// The application that the tools sign people in with: Microsoft's own, "Microsoft Azure CLI".
const THEIR_APPLICATION: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Whose token a tool was to give, and of which tenant, where that was said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) tool: TokenTool,
    /// As who is signed in to it, if that was said.
    pub(super) username: Option<&'a str>,
    pub(super) tenant: Option<&'a str>,
    /// The cloud's authority.
    pub(super) authority: &'a Url,
}

impl Wanted<'_> {
    /// The same failure, by what Entra's number means where it is that which a tool has repeated. Whatever a new sign-in ends
    /// stays for want of one, with the reason.
    pub(super) fn told(&self, mut failure: Failure) -> Failure {
        let (Failure::NotSignedIn { detail, .. } | Failure::NotSignedInToAzd { detail, .. }) = &failure else {
            return failure;
        };
        let built_in = match self.tool {
            TokenTool::AzureCli => AZ,
            TokenTool::AzureDeveloperCli => AZD,
        };
        let asker = Asker {
            account: self.username.unwrap_or(built_in),
            client_id: THEIR_APPLICATION,
            tenant: self.tenant.unwrap_or(ORGANIZATIONS),
            authority: self.authority,
            device_code: false,
        };
        let Some(mut means) = refusal::number_told(detail).and_then(|number| refusal::of_number(number, &asker)) else {
            return failure;
        };
        if let Failure::SignInRequired { reason: why, .. } = means {
            if let Failure::NotSignedIn { reason, .. } | Failure::NotSignedInToAzd { reason, .. } = &mut failure {
                *reason = Some(why);
            }
            return failure;
        }
        if let Failure::ConditionalAccess { tenant, .. } | Failure::AccountDisabled { tenant, .. } = &mut means {
            *tenant = self.tenant.map(str::to_owned);
        } else if let Failure::ConsentMissing { tool, .. } | Failure::NotInTenant { tool, .. } = &mut means {
            *tool = Some(self.tool);
        } else {
            // It is about an application, and theirs is nothing that anybody here could change.
            return failure;
        }
        means
    }
}

/// What a tool that ended without what it was asked for wrote to standard error.
pub(super) fn of_errors(said: &str, tool: TokenTool) -> Failure {
    Said::in_words(said, tool).trouble.failure
}

impl Said {
    fn of(error: &Error, tool: TokenTool) -> Self {
        if let Some(io) = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>()) {
            return Self { trouble: not_asked(io, tool).into(), passes: None };
        }
        let cause = causes(error).filter_map(|cause| cause.downcast_ref::<Error>()).last().unwrap_or(error);
        if matches!(cause.kind(), ErrorKind::DataConversion) {
            // The text of such an error may quote what could not be read, and that is where the token is.
            let is_old = tool == TokenTool::AzureCli && cause.to_string().contains("expires_on");
            let no_token = || format!("the {} gave an answer that is no token", tool.name());
            let detail = if is_old { OLD_AZURE_CLI.to_owned() } else { no_token() };
            return Self { trouble: Failure::TokenToolFailed { tool, detail }.into(), passes: None };
        }
        Self::in_words(&cause.to_string(), tool)
    }

    fn in_words(said: &str, tool: TokenTool) -> Self {
        let line = raised(said).unwrap_or_else(|| first_error(said));
        let line = line.split(" Trace ID:").next().unwrap_or(line);
        // What stands before Entra's own sentence says that there was one.
        let line = line.find(SENTENCES_BEGIN).filter(|_| raised(said).is_none()).map_or(line, |begins| &line[begins..]);
        let name = tool.name();
        let of = |failure| Trouble { failure, correlation_id: refusal::ids_told(said) };
        let broke = |detail: String, passes| Self { trouble: of(Failure::TokenToolFailed { tool, detail }), passes };
        let has = |signs: &[&str]| signs.iter().any(|sign| line.contains(sign));
        if has(&UNTRUSTED) {
            // In these words the Azure CLI says below its error what to do about it.
            let advice = said.lines().find(|line| line.starts_with("Certificate verification failed"));
            return broke(advice.unwrap_or(line).to_owned(), None);
        }
        if has(&[NO_JSON]) {
            let detail = format!("something before Azure answered the {name}, such as a network’s own page ({line})");
            return broke(detail, Some(PAUSE));
        }
        if has(&NETWORK) {
            return broke(format!("the {name} did not get through to Azure ({line})"), Some(PAUSE));
        }
        if has(&TRANSIENT) {
            return broke(line.to_owned(), Some(LONG_PAUSE));
        }
        if is_server_error(line) {
            return broke(format!("Azure could not answer the {name} ({line})"), Some(LONG_PAUSE));
        }
        if said.contains(TRACE) || !is_about_signing_in(said) {
            return broke(format!("the {name} broke ({line})"), None);
        }
        Self { trouble: of(Failure::not_signed_in(line)), passes: None }
    }
}

/// What tools say where nobody is signed in to them, or Entra does not take whoever is: they name the command that helps, or
/// the number that Entra gives. Whatever else ends them is nothing that a sign-in helps against.
fn is_about_signing_in(said: &str) -> bool {
    const SIGNS: [&str; 7] =
        ["az login", "auth login", "logged in", "sign in", "signed in", "aadsts", "no subscription"];
    let said = said.to_lowercase();
    SIGNS.iter().any(|sign| said.contains(sign))
}

/// `HTTP Error: 503`, as MSAL raises it of an answer of Entra's.
fn is_server_error(line: &str) -> bool {
    let status = line.split_once("HTTP Error: ").and_then(|(_, status)| status.get(..3)?.parse::<u16>().ok());
    status.is_some_and(|status| status == 429 || status >= 500)
}

/// What a program in Python ended by, where it tells how it came to that: the last line of what it raised. It shows no
/// more than that it could not go on, as where there is no network.
fn raised(said: &str) -> Option<&str> {
    let (_, trace) = said.split_once(TRACE)?;
    // Of causes that each have a trace the last is told last. What follows all is about where to report it. What was raised
    // without a word is its name alone.
    let is_raised = |line: &&str| is_python_name(line.split_once(": ").map_or(line, |(kind, _)| kind));
    trace.lines().rfind(is_raised)
}

fn is_python_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '.')
}

/// The first line that is said to be an error, past warnings and remarks; else the first one.
fn first_error(said: &str) -> &str {
    let mut lines = said.lines().map(str::trim).filter(|line| !line.is_empty());
    let error = lines.clone().find_map(|line| line.strip_prefix("ERROR: "));
    error.or_else(|| lines.next()).unwrap_or("no reason given")
}

/// Why a tool could not be asked: as where nobody is signed in if it is not there, and then
/// [`NO_AZURE_CLI`](ajar_core::failure::NO_AZURE_CLI) of that one.
pub(super) fn not_asked(error: &io::Error, tool: TokenTool) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        return Failure::not_signed_in(error.to_string());
    }
    let ended = error.get_ref().and_then(|error| error.downcast_ref());
    if let Some(EndedAsIfMissing(said)) = ended {
        return of_errors(said, tool);
    }
    Failure::TokenToolFailed { tool, detail: format!("the {} could not be asked: {error}", tool.name()) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use azure_identity::{AzureCliCredential, AzureCliCredentialOptions, Executor};

    use super::*;
    use crate::sign_in::azure_cli::fake::{FakeTool, exited, tool_that_says};

    const SCOPE: &str = "https://management.azure.com/.default";

    const TOKEN: &str = r#"{"accessToken":"t0ken","expires_on":4102444800,"tokenType":"Bearer"}"#;

    /// As az 2.91 ends with what it does not expect, shortened.
    fn trace(raised: &str) -> String {
        format!(
            "ERROR: The command failed with an unexpected error. Here is the traceback:\nERROR: no more than a part\n\
             Traceback (most recent call last):\n  File \"urllib3/connection.py\", line 198, in _new_conn\n    sock = x\n\
             socket.gaierror: [Errno -3] Temporary failure in name resolution\n\n\
             During handling of the above exception, another exception occurred:\n\n\
             Traceback (most recent call last):\n  File \"requests/adapters.py\", line 700, in send\n    x: y\n{raised}\n\
             To check existing issues, please visit: https://github.com/Azure/azure-cli/issues\n"
        )
    }

    /// What `az` and its like say by themselves, as seen of az 2.91.
    const UNTRUSTED_AZ: &str = "ERROR: HTTPSConnectionPool(host='login.microsoftonline.com', port=443): Max retries \
        exceeded with url: /t1/v2.0/.well-known/openid-configuration (Caused by SSLError(SSLCertVerificationError(1, '[SSL: \
        CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate')))\n\
        Certificate verification failed. This typically happens when using Azure CLI behind a proxy.\n";

    const MFA: &str = "AADSTS50076: You must use multi-factor authentication.";

    const ANEW: &str = "Run the command below to authenticate interactively; additional arguments may be added as \
        needed:\naz logout\naz login\n";

    async fn asked(az: &Arc<FakeTool>) -> Result<AccessToken, Trouble> {
        let executor = Arc::clone(az) as Arc<dyn Executor>;
        let options = AzureCliCredentialOptions { executor: Some(executor), ..AzureCliCredentialOptions::default() };
        token_of(TokenTool::AzureCli, &*AzureCliCredential::new(Some(options)).unwrap(), SCOPE).await
    }

    /// The runs that it takes until a tool that says that each time is given up.
    async fn runs(said: &str) -> (usize, Failure) {
        let az = tool_that_says([exited(1, "", said), exited(1, "", said)]);
        let failure = asked(&az).await.unwrap_err().failure;
        (az.asked().lines().count(), failure)
    }

    #[tokio::test(start_paused = true)]
    async fn a_tool_that_breaks_or_finds_no_network_is_not_taken_for_nobody_signed_in() {
        let unreached = "requests.exceptions.ConnectionError: HTTPSConnectionPool(host='login.microsoftonline.com')";
        let dead_proxy =
            "requests.exceptions.ProxyError: HTTPSConnectionPool(host='x', port=443): Max retries exceeded";
        let no_json = "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)";
        let server = "msal.exceptions.MsalServiceError: HTTP Error: 503";
        let not_found = "msal.exceptions.MsalServiceError: HTTP Error: 404";
        let no_bundle = "OSError: Could not find a suitable TLS CA certificate bundle, invalid path: /nonexist";
        let transient = format!("ERROR: AADSTS90033: A transient error has occurred. Please try again.\n{ANEW}");
        let of_go = "ERROR: fetching token: Post \"https://login.microsoftonline.com/t1/oauth2/v2.0/token\": dial tcp: \
            lookup login.microsoftonline.com: no such host";
        for (said, expected, told) in [
            (trace(unreached), 2, unreached),
            (trace(dead_proxy), 2, dead_proxy),
            (trace(no_json), 2, "something before Azure answered the Azure CLI, such as a network’s own page (json."),
            (trace(server), 2, server),
            (trace(not_found), 1, not_found),
            (trace(no_bundle), 1, no_bundle),
            (transient, 2, "AADSTS90033: A transient error has occurred. Please try again."),
            (UNTRUSTED_AZ.to_owned(), 1, "Certificate verification failed. This typically happens"),
            (of_go.to_owned(), 2, "fetching token: Post"),
            (String::new(), 1, "the Azure CLI broke (no reason given)"),
            ("Killed".into(), 1, "the Azure CLI broke (Killed)"),
            ("/opt/az/bin/python3: No module named azure.cli\n".into(), 1, "No module named azure.cli"),
            ("ERROR: 'get-access-token' is misspelled or not recognized by the system.".into(), 1, "is misspelled"),
            (
                "Traceback (most recent call last):\nFileNotFoundError: [Errno 2] /x".into(),
                1,
                "FileNotFoundError: [Err",
            ),
            (trace("concurrent.futures._base.TimeoutError"), 1, "broke (concurrent.futures._base.TimeoutError)"),
            (trace("AssertionError"), 1, "broke (AssertionError)"),
            (
                "ERROR: It ended.\n  + Exception Group Traceback (most recent call last):\n  | x".into(),
                1,
                "broke (It ended.)",
            ),
        ] {
            let (runs, failure) = runs(&said).await;
            let Failure::TokenToolFailed { tool: TokenTool::AzureCli, detail } = &failure else {
                panic!("{said}: {failure:?}")
            };
            assert!(detail.contains(told), "{detail}");
            assert_eq!(runs, expected, "{said}");
        }
    }

    #[tokio::test]
    async fn an_azure_cli_that_is_too_old_is_told_as_that() {
        let old = r#"{"accessToken":"t0ken","expiresOn":"2026-11-30 12:00:00.000000","tokenType":"Bearer"}"#;
        let failure = asked(&tool_that_says([exited(0, old, "")])).await.unwrap_err().failure;
        let tool = TokenTool::AzureCli;
        assert_eq!(failure, Failure::TokenToolFailed { tool, detail: OLD_AZURE_CLI.into() });
    }

    #[tokio::test(start_paused = true)]
    async fn the_ids_of_entra_that_a_tool_repeats_are_kept() {
        let transient = "ERROR: AADSTS90033: A transient error has occurred. Please try again. \
            Trace ID: 0c8e4b62-1a9d-4f73-b0e5-6d2f9c7a3100\nCorrelation ID: 5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77\n";
        let ids = "5d3a1f0e-7c2b-4e19-9a54-0b6f8d2c1e77, trace 0c8e4b62-1a9d-4f73-b0e5-6d2f9c7a3100";
        let az = tool_that_says([exited(1, "", transient), exited(1, "", transient)]);
        assert_eq!(asked(&az).await.unwrap_err().correlation_id.as_deref(), Some(ids));
    }

    #[tokio::test(start_paused = true)]
    async fn of_nobody_signed_in_the_error_is_told_and_not_the_remarks_around_it() {
        let expired = format!("ERROR: AADSTS700082: The refresh token has expired due to inactivity.\n{ANEW}");
        for (said, told) in [
            ("ERROR: Please run 'az login' to setup account.\nmore\n", "Please run 'az login' to setup account."),
            (
                "WARNING: Connection verification disabled.\nERROR: Please run 'az login' to setup account.\n",
                "Please run 'az login' to setup account.",
            ),
            (
                "Failed to load or parse file /x/azureProfile.json.\nERROR: Please run 'az login' to setup account.\n",
                "Please run 'az login' to setup account.",
            ),
            (&expired, "AADSTS700082: The refresh token has expired due to inactivity."),
            ("not logged in\nx", "not logged in"),
            ("ERROR: AADSTS50076: You must use multi-factor authentication. Trace ID: 0c8e Correlation ID: 5d3a", MFA),
        ] {
            assert_eq!(runs(said).await, (1, Failure::not_signed_in(told)), "{said}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_passes_costs_no_more_than_a_second_run_when_it_can_be_over() {
        let reset = trace("requests.exceptions.ConnectionError: ('Connection aborted.', RemoteDisconnected())");
        let server = trace("msal.exceptions.MsalServiceError: HTTP Error: 500");
        for (said, waited) in [(reset, PAUSE), (server, LONG_PAUSE)] {
            let began = Instant::now();
            let az = tool_that_says([exited(1, "", &said), exited(0, TOKEN, "")]);
            assert_eq!(asked(&az).await.unwrap().token.secret(), "t0ken");
            assert_eq!(began.elapsed(), waited);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_meanwhile_has_it_run_no_more() {
        let az = tool_that_says([exited(1, "", &trace("msal.exceptions.MsalServiceError: HTTP Error: 500"))]);
        assert!(tokio::time::timeout(PAUSE, asked(&az)).await.is_err());
        tokio::time::sleep(LONG_PAUSE * 2).await;
        assert_eq!(az.asked().lines().count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_tool_that_took_long_to_break_is_not_run_again() {
        #[derive(Debug)]
        struct Slow(Arc<FakeTool>);

        #[async_trait::async_trait]
        impl Executor for Slow {
            async fn run(
                &self,
                program: &std::ffi::OsStr,
                args: &[&std::ffi::OsStr],
            ) -> io::Result<std::process::Output> {
                sleep(SOON).await;
                self.0.run(program, args).await
            }
        }

        let az = tool_that_says([exited(1, "", &trace("requests.exceptions.ConnectionError: timed out"))]);
        let options = AzureCliCredentialOptions { executor: Some(Arc::new(Slow(az))), ..Default::default() };
        let credential = AzureCliCredential::new(Some(options)).unwrap();
        let failure = token_of(TokenTool::AzureCli, &*credential, SCOPE).await.unwrap_err().failure;
        assert_eq!(failure.code(), "tokenToolFailed");
    }
}
