//! What users have agreed to and clients have yet to redeem: authorization codes, device codes, refresh tokens.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::entra::conditions::Demanded;
use crate::entra::directory::Directory;
use crate::entra::random_text;
use crate::entra::refusal::Refusal;
use crate::entra::signing::sha256;

/// As long as Entra's codes.
const CODE_LIFETIME: TimeDelta = TimeDelta::minutes(10);
/// Of device codes: `expires_in`.
pub(crate) const DEVICE_LIFETIME: TimeDelta = TimeDelta::minutes(15);
/// Unused for so long, a refresh token is no good any more.
const REFRESH_LIFETIME: TimeDelta = TimeDelta::days(90);

/// A user's sign-in to an application.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    /// Object id at home.
    pub(crate) account: Uuid,
    /// Where the user signed in; other tenants that know the user may be asked for tokens as well.
    pub(crate) tenant: Uuid,
    pub(crate) client: Uuid,
    /// Seconds since 1970.
    pub(crate) at: i64,
    pub(crate) mfa: bool,
    /// The demand that the user has met with it.
    pub(crate) met: bool,
}

impl SignIn {
    /// Whether it meets what a tenant demands.
    pub(crate) fn meets(&self, demanded: Demanded, tenant: Uuid) -> bool {
        self.met && demanded.demand.can_be_met() && (self.tenant == tenant || !demanded.by_tenant)
    }
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    pub(crate) sign_in: SignIn,
    pub(crate) redirect_uri: String,
    pub(crate) nonce: Option<String>,
    pub(crate) scope: String,
    /// PKCE: the challenge, and whether it is the verifier's SHA-256 (`S256`) or the verifier itself (`plain`).
    pub(crate) challenge: Option<(String, bool)>,
    expires: DateTime<Utc>,
    redeemed: bool,
}

/// Where the sign-in of a device stands.
#[derive(Clone, Debug)]
pub(crate) enum DeviceState {
    Pending,
    Approved(SignIn),
    Declined,
    Redeemed,
}

/// A device code.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) user_code: String,
    pub(crate) client: Uuid,
    /// As the path had it: `common`, an id.
    pub(crate) authority: String,
    pub(crate) scope: String,
    expires: DateTime<Utc>,
    /// Seconds between two polls.
    interval: i64,
    polled: Option<DateTime<Utc>>,
    pub(crate) state: DeviceState,
}

#[derive(Clone, Debug)]
struct Refresh {
    sign_in: SignIn,
    issued: DateTime<Utc>,
}

/// All that is outstanding.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    codes: HashMap<String, Code>,
    devices: HashMap<String, Device>,
    refreshes: HashMap<String, Refresh>,
}

/// Letters and digits that nobody confuses: nine of them are a user code.
const USER_CODE: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

impl Grants {
    pub(crate) fn add_code(&mut self, sign_in: SignIn, ask: CodeAsk, now: DateTime<Utc>) -> String {
        self.codes.retain(|_, code| code.expires + TimeDelta::days(1) > now);
        let text = format!("1.{}", random_text());
        let CodeAsk { redirect_uri, nonce, scope, challenge } = ask;
        let code =
            Code { sign_in, redirect_uri, nonce, scope, challenge, expires: now + CODE_LIFETIME, redeemed: false };
        self.codes.insert(text.clone(), code);
        text
    }

    /// Takes a code once, if the client, its `redirect_uri` and its `code_verifier` are the right ones.
    pub(crate) fn redeem_code(
        &mut self,
        text: &str,
        client: Uuid,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<Code, Refusal> {
        let code = self.codes.get_mut(text).filter(|code| code.sign_in.client == client);
        let code = code.ok_or_else(|| Refusal::invalid_grant(70_000, MALFORMED))?;
        if code.redeemed {
            let description = "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use \
                               an existing refresh token.";
            return Err(Refusal::invalid_grant(54_005, description));
        }
        if code.expires <= now {
            let description = "The provided authorization code or refresh token has expired due to inactivity. Send a \
                               new interactive authorization request for this user and resource.";
            return Err(Refusal::invalid_grant(70_008, description));
        }
        let sent = redirect_uri.ok_or_else(|| Refusal::missing("redirect_uri"))?;
        if sent != code.redirect_uri {
            let description = format!(
                "The reply address '{sent}' does not match the reply address '{}' provided when requesting Authorization \
                 code.",
                code.redirect_uri
            );
            return Err(Refusal::invalid_grant(500_112, description));
        }
        verify(code.challenge.as_ref(), verifier)?;
        code.redeemed = true;
        Ok(code.clone())
    }

    pub(crate) fn add_device(
        &mut self,
        client: Uuid,
        authority: &str,
        scope: &str,
        interval: i64,
        now: DateTime<Utc>,
    ) -> (String, String) {
        self.devices.retain(|_, device| device.expires + TimeDelta::days(1) > now);
        let bytes = [*Uuid::new_v4().as_bytes(), *Uuid::new_v4().as_bytes()].concat();
        // The last bytes of each id are random through and through.
        let letters = bytes[9..16].iter().chain(&bytes[25..27]);
        let user_code: String =
            letters.map(|byte| char::from(USER_CODE[usize::from(*byte) % USER_CODE.len()])).collect();
        let device_code = random_text();
        let device = Device {
            user_code: user_code.clone(),
            client,
            authority: authority.to_owned(),
            scope: scope.to_owned(),
            expires: now + DEVICE_LIFETIME,
            interval,
            polled: None,
            state: DeviceState::Pending,
        };
        self.devices.insert(device_code.clone(), device);
        (device_code, user_code)
    }

    /// A device whose user has not decided yet, by the code that the user types.
    pub(crate) fn pending_device(&mut self, user_code: &str, now: DateTime<Utc>) -> Option<&mut Device> {
        let typed = user_code.trim().replace('-', "").to_ascii_uppercase();
        let open = |device: &&mut Device| {
            device.user_code == typed && device.expires > now && matches!(device.state, DeviceState::Pending)
        };
        self.devices.values_mut().find(open)
    }

    /// One poll with a device code: what the user has agreed to, once.
    pub(crate) fn poll_device(
        &mut self,
        text: &str,
        client: Uuid,
        now: DateTime<Utc>,
    ) -> Result<(SignIn, String), Refusal> {
        let device = self.devices.get_mut(text).filter(|device| device.client == client);
        let device = device.ok_or_else(|| {
            let description = "The provided value for the input parameter 'device_code' is not valid.";
            Refusal::new("bad_verification_code", 70_018, description)
        })?;
        let since = device.polled.replace(now).map(|last| now - last);
        match &device.state {
            DeviceState::Pending | DeviceState::Approved(_) if device.expires <= now => {
                let description = "The provided value for the input parameter 'device_code' is not valid. This device \
                                   code has expired.";
                Err(Refusal::new("expired_token", 70_020, description))
            }
            // Half the interval: a client's clock and ours need not agree to the millisecond.
            DeviceState::Pending if since.is_some_and(|since| since * 2 < TimeDelta::seconds(device.interval)) => {
                device.interval += 5;
                let description = "OAuth 2.0 device flow error. The client polls too often. Wait longer between polls.";
                Err(Refusal::new("slow_down", 70_016, description))
            }
            DeviceState::Pending => {
                let description = "OAuth 2.0 device flow error. Authorization is pending. Continue polling.";
                Err(Refusal::new("authorization_pending", 70_016, description))
            }
            DeviceState::Declined => {
                Err(Refusal::new("authorization_declined", 65_004, "User declined to consent to access the app."))
            }
            DeviceState::Redeemed => Err(Refusal::invalid_grant(70_000, MALFORMED)),
            DeviceState::Approved(sign_in) => {
                let granted = (sign_in.clone(), device.scope.clone());
                device.state = DeviceState::Redeemed;
                Ok(granted)
            }
        }
    }

    pub(crate) fn add_refresh(&mut self, sign_in: SignIn, now: DateTime<Utc>) -> String {
        self.refreshes.retain(|_, refresh| refresh.issued + REFRESH_LIFETIME + TimeDelta::days(30) > now);
        let text = format!("1.{}.{}", random_text(), random_text());
        self.refreshes.insert(text.clone(), Refresh { sign_in, issued: now });
        text
    }

    /// The sign-in behind a refresh token. It is bound to the user, and to the client or its family, not to tenant or
    /// resource, and stays good when it is exchanged for a newer one.
    pub(crate) fn redeem_refresh(&self, text: &str, client: Uuid, now: DateTime<Utc>) -> Result<SignIn, Refusal> {
        let malformed = || Refusal::invalid_grant(9_002_313, "Invalid request. Request is malformed or invalid.");
        let refresh = self.refreshes.get(text).ok_or_else(malformed)?;
        let family = Directory::in_family(client) && Directory::in_family(refresh.sign_in.client);
        if refresh.sign_in.client != client && !family {
            return Err(Refusal::invalid_grant(70_000, MALFORMED));
        }
        if refresh.issued + REFRESH_LIFETIME <= now {
            let description = format!(
                "The refresh token has expired due to inactivity. The token was issued on {} and was inactive for \
                 90.00:00:00.",
                refresh.issued.format("%FT%T.0000000Z")
            );
            return Err(Refusal::invalid_grant(700_082, description));
        }
        Ok(SignIn { client, ..refresh.sign_in.clone() })
    }
}

/// What an authorize request asks for, to be kept with its code.
#[derive(Clone, Debug)]
pub(crate) struct CodeAsk {
    pub(crate) redirect_uri: String,
    pub(crate) nonce: Option<String>,
    pub(crate) scope: String,
    pub(crate) challenge: Option<(String, bool)>,
}

const MALFORMED: &str = "Provided grant is invalid or malformed.";

/// RFC 7636.
fn verify(challenge: Option<&(String, bool)>, verifier: Option<&str>) -> Result<(), Refusal> {
    let Some((challenge, hashed)) = challenge else { return Ok(()) };
    let mismatch = || {
        let description = "The Code_Verifier does not match the code_challenge supplied in the authorization request.";
        Refusal::invalid_grant(501_481, description)
    };
    let verifier = verifier.ok_or_else(|| Refusal::missing("code_verifier"))?;
    let shown = if *hashed { sha256(verifier.as_bytes()) } else { verifier.to_owned() };
    if shown == *challenge { Ok(()) } else { Err(mismatch()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_of_the_rfc_is_met_by_its_verifier_alone() {
        // RFC 7636, appendix B.
        let challenge = ("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(), true);
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert!(verify(Some(&challenge), Some(verifier)).is_ok());
        let number = |verifier| verify(Some(&challenge), verifier).unwrap_err().number;
        let other = verifier.replace('d', "e");
        assert_eq!(number(Some(&other)), 501_481);
        assert_eq!(number(Some("short")), 501_481);
        assert_eq!(number(None), 900_144);
    }
}
