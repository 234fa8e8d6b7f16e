//! Client assertions: a JWT, signed with the key of a registered certificate, in place of a secret.
//! https://learn.microsoft.com/entra/identity-platform/certificate-credentials

use chrono::{DateTime, TimeDelta, Utc};

use crate::entra::certificate::Certificate;
use crate::entra::directory::Account;
use crate::entra::refusal::Refusal;
use crate::entra::signing::Jwt;

/// What clocks may differ by.
const SKEW: TimeDelta = TimeDelta::minutes(5);

/// Checks an assertion of `account`. `audiences` are what it may be meant for: the token endpoint as the client knows it.
pub(super) fn check(text: &str, account: &Account, audiences: &[String], now: DateTime<Utc>) -> Result<(), Refusal> {
    let token =
        Jwt::parse(text).ok_or_else(|| Refusal::invalid_client(50_027, "JWT token is invalid or malformed."))?;
    if ["iss", "sub"].iter().any(|claim| !token.text(claim).is_some_and(|client| account.is_client(client))) {
        let description = "Client assertion application identifier doesn't match 'client_id' parameter. Review the \
                           documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials";
        return Err(Refusal::invalid_client(700_021, description));
    }
    let certificate = registered(&token, account).ok_or_else(|| unfit("The key was not found.", &token))?;
    if !token.signed_by(&certificate.public_key) {
        return Err(unfit("The key was found, but the signature of the assertion is not by it.", &token));
    }
    if now < certificate.not_before || now > certificate.not_after {
        return Err(unfit("The key used is expired.", &token));
    }
    let fits =
        |audience: &str| audiences.iter().any(|known| known.eq_ignore_ascii_case(audience.trim_end_matches('/')));
    if !token.text("aud").is_some_and(fits) {
        let description = "Client assertion audience claim does not match Realm issuer. Review the documentation at \
                           https://learn.microsoft.com/entra/identity-platform/certificate-credentials";
        return Err(Refusal::invalid_client(700_023, description));
    }
    within_its_time(&token, now)
}

fn within_its_time(token: &Jwt, now: DateTime<Utc>) -> Result<(), Refusal> {
    let time = |claim: &str| token.seconds(claim).and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    let from = time("nbf").or_else(|| time("iat"));
    let until = time("exp");
    let good = until.is_some_and(|until| now < until + SKEW) && from.is_none_or(|from| from <= now + SKEW);
    if good {
        return Ok(());
    }
    let shown =
        |at: Option<DateTime<Utc>>| at.map_or_else(|| "none".to_owned(), |at| at.format("%FT%T.0000000Z").to_string());
    let description = format!(
        "Client assertion is not within its valid time range. Current time: {}, assertion valid from {}, expiry time of \
         assertion {}. Review the documentation at \
         https://learn.microsoft.com/entra/identity-platform/certificate-credentials",
        shown(Some(now)),
        shown(from),
        shown(until)
    );
    Err(Refusal::invalid_client(700_024, description))
}

/// The certificate that the header names, by either thumbprint.
fn registered<'a>(token: &Jwt, account: &'a Account) -> Option<&'a Certificate> {
    account.certificates.iter().find(|certificate| {
        let named = [("x5t#S256", &certificate.sha256), ("x5t", &certificate.sha1), ("kid", &certificate.sha1)];
        let mut told = named.iter().filter_map(|(name, known)| Some((token.header[*name].as_str()?, known)));
        told.next().is_some_and(|(sent, known)| plain(sent) == **known)
    })
}

/// Base64url without padding, whichever base64 the client wrote.
fn plain(thumbprint: &str) -> String {
    thumbprint.trim_end_matches('=').replace('+', "-").replace('/', "_")
}

fn unfit(reason: &str, token: &Jwt) -> Refusal {
    let key = ["x5t#S256", "x5t", "kid"].iter().find_map(|name| token.header[*name].as_str()).unwrap_or_default();
    let description = format!(
        "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - \
         {reason}, Thumbprint of key used by client: '{key}'. Please visit the Azure Portal, Graph Explorer or directly \
         use MS Graph to see configured keys for the app.]"
    );
    Refusal::invalid_client(700_027, description)
}
