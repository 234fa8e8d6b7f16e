//! Signing in on another device (RFC 8628). Many organisations forbid it, so it is offered and never the default.

use std::time::Duration;

use ajar_core::failure::Trouble;
use chrono::{DateTime, TimeDelta, Utc};
use oauth2::StandardDeviceAuthorizationResponse;

use super::public_client::{Person, PublicClient, SignedIn};
use super::refusal::Refused;
use crate::cloud::Cloud;
use crate::connection::Http;

/// A sign-in under way. Dropped, it is cancelled.
#[derive(Debug)]
pub struct DeviceCodeSignIn {
    client: PublicClient,
    codes: StandardDeviceAuthorizationResponse,
    expires_at: DateTime<Utc>,
    claims: Option<String>,
}

impl DeviceCodeSignIn {
    /// Has a code made. `claims` is what a refusal or a challenge wanted
    /// ([`SignInDemand`](ajar_core::failure::SignInDemand)); what a tenant wanted is met there only, as the tenant of
    /// `person`.
    ///
    /// # Errors
    /// Whatever keeps Entra from making one.
    pub async fn begin(cloud: &Cloud, http: Http, person: Person, claims: Option<String>) -> Result<Self, Trouble> {
        let client = PublicClient::new(cloud, person, http)?;
        let codes = client.device_code().await.map_err(Trouble::from)?;
        Ok(Self { client, expires_at: after(codes.expires_in()), codes, claims })
    }

    /// What is to be typed, such as `ABCD-EFGH`.
    pub fn user_code(&self) -> &str {
        self.codes.user_code().secret()
    }

    /// Where it is to be typed.
    pub fn verification_uri(&self) -> &str {
        self.codes.verification_uri()
    }

    /// Until when it is good, by this machine's clock.
    pub fn expires_at(&self) -> DateTime<Utc> {
        self.expires_at
    }

    /// Waits until somebody has signed in with it.
    ///
    /// # Errors
    /// [`Failure::SignInTimedOut`](ajar_core::failure::Failure::SignInTimedOut),
    /// [`Failure::SignInDeclined`](ajar_core::failure::Failure::SignInDeclined), and whatever Entra has against it.
    pub async fn finish(self) -> Result<SignedIn, Trouble> {
        let signed_in = self.client.poll(&self.codes, self.claims.as_deref()).await;
        signed_in.map_err(Refused::of_sign_in)
    }
}

/// The moment that much later; the last one there is where an authority says more than fits.
fn after(wait: Duration) -> DateTime<Utc> {
    let wait = TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX);
    Utc::now().checked_add_signed(wait).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_is_said_to_last_for_ever_has_an_end_that_can_be_told() {
        assert_eq!(after(Duration::MAX), DateTime::<Utc>::MAX_UTC);
        let ends = after(Duration::from_mins(15));
        assert!((ends - Utc::now() - TimeDelta::minutes(15)).abs() < TimeDelta::minutes(1), "{ends}");
    }
}
