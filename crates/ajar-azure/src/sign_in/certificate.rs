//! Client assertions: a JWT that the key of a registered certificate has signed, in place of a secret.
//! https://learn.microsoft.com/entra/identity-platform/certificate-credentials

use std::path::PathBuf;

use ajar_core::failure::Failure;
use async_trait::async_trait;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, rand};
use azure_core::error::{Error, ErrorKind};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use super::SignInFailed;

/// Entra takes longer ones; nobody needs them.
const LIFETIME: TimeDelta = TimeDelta::minutes(10);

/// Signs for an application with what a PEM file holds: its certificate and the key, unencrypted.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    /// The account, as its user calls it.
    pub(super) account: String,
    pub(super) path: PathBuf,
    pub(super) client_id: String,
    /// The token endpoint that the assertion is for.
    pub(super) audience: String,
}

#[async_trait]
impl ClientAssertion for Certificate {
    /// The file is read anew each time: certificates are replaced while programs run.
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let unfit = |detail: String| {
            let (account, path) = (self.account.clone(), self.path.display().to_string());
            let failure = Failure::CertificateUnfit { account, path, detail };
            Error::new(ErrorKind::Credential, SignInFailed::new(failure))
        };
        let pem = tokio::fs::read(&self.path).await.map_err(|error| unfit(error.to_string()))?;
        self.signed(&pem, Utc::now()).map_err(|detail| unfit(detail.to_owned()))
    }
}

impl Certificate {
    fn signed(&self, pem: &[u8], now: DateTime<Utc>) -> Result<String, &'static str> {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|_| "it holds no certificate in PEM")?;
        let key = key(pem)?;
        let thumbprint = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, &certificate));
        let mut number = [0; 16];
        rand::fill(&mut number).map_err(|_| "the system gives no random numbers")?;
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint });
        let claims = json!({
            "aud": self.audience,
            "iss": self.client_id,
            "sub": self.client_id,
            "jti": URL_SAFE_NO_PAD.encode(number),
            "nbf": now.timestamp(),
            "iat": now.timestamp(),
            "exp": (now + LIFETIME).timestamp(),
        });
        let part = |json: serde_json::Value| URL_SAFE_NO_PAD.encode(json.to_string());
        let text = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| "its key does not sign")?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn key(pem: &[u8]) -> Result<RsaKeyPair, &'static str> {
    const UNREADABLE: &str = "its key is no RSA key that Ajar can read";
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(PrivateKeyDer::Pkcs8(key)) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()).map_err(|_| UNREADABLE),
        Ok(PrivateKeyDer::Pkcs1(key)) => RsaKeyPair::from_der(key.secret_pkcs1_der()).map_err(|_| UNREADABLE),
        Ok(_) => Err(UNREADABLE),
        Err(_) if pem.windows(9).any(|window| window == b"ENCRYPTED") => Err("its key is encrypted"),
        Err(_) => Err("it holds no private key in PEM"),
    }
}
