//! JSON Web Tokens: the key that signs ours, and checking those that others sign.
//!
//! aws-lc-rs does the arithmetic, because TLS has brought it along already; a JWT is three base64 parts around it, and
//! each way in which one can be wrong has a number of its own at Entra, which no JWT crate keeps apart.

use std::sync::{LazyLock, OnceLock};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{
    self, KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use x509_cert::der::asn1::UintRef;
use x509_cert::der::{self, Decode, Reader, SliceReader};

/// A signed token, taken apart but not yet believed.
#[derive(Clone, Debug)]
pub(crate) struct Jwt {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    /// What the signature is over: header and claims as they came.
    signed: String,
    signature: Vec<u8>,
}

impl Jwt {
    /// `None` when it is no JWT.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        Some(Self { header: json(header)?, claims: json(claims)?, signed: signed.to_owned(), signature })
    }

    /// Whether the owner of this public key (DER, SubjectPublicKeyInfo or PKCS#1) has signed it.
    pub(crate) fn signed_by(&self, public_key: &[u8]) -> bool {
        let algorithm: &dyn signature::VerificationAlgorithm = match self.header["alg"].as_str() {
            Some("RS256") => &RSA_PKCS1_2048_8192_SHA256,
            Some("PS256") => &RSA_PSS_2048_8192_SHA256,
            _ => return false,
        };
        UnparsedPublicKey::new(algorithm, public_key).verify(self.signed.as_bytes(), &self.signature).is_ok()
    }

    pub(crate) fn text(&self, claim: &str) -> Option<&str> {
        self.claims[claim].as_str()
    }

    /// A time claim; fractions, which some clients send, are dropped.
    pub(crate) fn seconds(&self, claim: &str) -> Option<i64> {
        let value = &self.claims[claim];
        #[expect(clippy::cast_possible_truncation, reason = "the fraction is to go, and `as` saturates")]
        value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
    }
}

/// The key of every tenant.
pub(crate) struct SigningKey {
    key: KeyPair,
    /// Names the key in `kid` and `x5t`.
    pub(crate) kid: String,
    /// Base64url of modulus and exponent.
    modulus: String,
    exponent: String,
}

impl SigningKey {
    fn generate() -> Result<Self, SigningError> {
        let key = KeyPair::generate(KeySize::Rsa2048).map_err(|_| SigningError::Key)?;
        let (modulus, exponent) = components(key.public_key().as_ref()).map_err(|_| SigningError::Key)?;
        let kid = sha1(key.public_key().as_ref());
        Ok(Self { key, kid, modulus: URL_SAFE_NO_PAD.encode(modulus), exponent: URL_SAFE_NO_PAD.encode(exponent) })
    }

    /// One key for all simulators of a process, made when the first token is: that takes a while.
    pub(crate) fn of_this_process() -> Result<&'static Self, SigningError> {
        static KEY: OnceLock<Result<SigningKey, SigningError>> = OnceLock::new();
        KEY.get_or_init(Self::generate).as_ref().map_err(|error| *error)
    }

    /// A token with these claims, signed RS256.
    pub(crate) fn sign(&self, claims: &Value) -> Result<String, SigningError> {
        static RANDOM: LazyLock<SystemRandom> = LazyLock::new(SystemRandom::new);
        let header = json!({ "typ": "JWT", "alg": "RS256", "x5t": self.kid, "kid": self.kid });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.key.public_modulus_len()];
        let random: &SystemRandom = &RANDOM;
        let made = self.key.sign(&RSA_PKCS1_SHA256, random, signed.as_bytes(), &mut signature);
        made.map_err(|_| SigningError::Sign)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    pub(crate) fn signed(&self, token: &Jwt) -> bool {
        token.signed_by(self.key.public_key().as_ref())
    }

    /// The JSON Web Key (RFC 7517) that verifies our signatures.
    pub(crate) fn json_web_key(&self, issuer: &str) -> Value {
        json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.kid,
            "x5t": self.kid,
            "n": self.modulus,
            "e": self.exponent,
            "issuer": issuer,
        })
    }
}

/// Why there is no signature.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum SigningError {
    #[error("can't make a key to sign tokens with")]
    Key,
    #[error("can't sign a token")]
    Sign,
}

/// Modulus and exponent of a PKCS#1 public key.
fn components(pkcs1: &[u8]) -> der::Result<(Vec<u8>, Vec<u8>)> {
    SliceReader::new(pkcs1)?.sequence(|fields| {
        let (modulus, exponent) = (UintRef::decode(fields)?, UintRef::decode(fields)?);
        Ok((modulus.as_bytes().to_vec(), exponent.as_bytes().to_vec()))
    })
}

/// Base64url of SHA-256.
pub(crate) fn sha256(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, data))
}

/// Base64url of SHA-1, by which certificates go.
pub(crate) fn sha1(data: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_believed_until_a_character_of_it_changes() {
        let key = SigningKey::of_this_process().unwrap();
        let text = key.sign(&json!({ "sub": "ada", "exp": 12.75 })).unwrap();
        let token = Jwt::parse(&text).unwrap();
        assert!(key.signed(&token));
        assert_eq!((token.text("sub"), token.seconds("exp")), (Some("ada"), Some(12)));
        let other = text.replacen('.', &format!(".{}.", URL_SAFE_NO_PAD.encode("{\"sub\":\"eve\"}")), 1);
        let parts: Vec<&str> = other.split('.').collect();
        let forged = Jwt::parse(&[parts[0], parts[1], parts[3]].join(".")).unwrap();
        assert_eq!(forged.text("sub"), Some("eve"));
        assert!(!key.signed(&forged));
    }

    #[test]
    fn what_is_no_token_is_not_read_as_one() {
        for text in ["", "a.b", "a.b.c", "e30.e30", "e30.e30.!"] {
            assert!(Jwt::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn the_published_key_has_2048_bits() {
        let jwk = SigningKey::of_this_process().unwrap().json_web_key("x");
        let modulus = URL_SAFE_NO_PAD.decode(jwk["n"].as_str().unwrap()).unwrap();
        assert_eq!((modulus.len(), jwk["e"].as_str()), (256, Some("AQAB")));
    }
}
