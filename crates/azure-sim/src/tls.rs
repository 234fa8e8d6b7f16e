//! The certificate authority made at start, and the server certificate that it signs.

use std::sync::Arc;

use chrono::{Datelike, TimeDelta, Utc};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// What the server needs, and what clients have to trust.
pub(crate) struct Certificates {
    /// Server certificate, then the authority's.
    chain: Vec<CertificateDer<'static>>,
    key: PrivatePkcs8KeyDer<'static>,
    pub(crate) ca_pem: String,
}

impl Certificates {
    /// The server's side of TLS, for HTTP/2 and 1.1. Made here and now: the ready-made way asks another thread, and panics
    /// if the runtime ends meanwhile.
    pub(crate) fn server(self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let builder = ServerConfig::builder().with_no_client_auth();
        let mut config = builder.with_single_cert(self.chain, PrivateKeyDer::Pkcs8(self.key))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }
}

/// Year, month and day.
fn day_from_now(days: i64) -> (i32, u8, u8) {
    let day = Utc::now() + TimeDelta::days(days);
    let narrow = |number: u32| u8::try_from(number).unwrap_or(1);
    (day.year(), narrow(day.month()), narrow(day.day()))
}

/// Makes an authority for this run alone and a certificate for `localhost`, `127.0.0.1` and `::1`.
pub(crate) fn make() -> Result<Certificates, rcgen::Error> {
    let ca_key = KeyPair::generate()?;
    let mut ca = CertificateParams::new(Vec::<String>::new())?;
    ca.distinguished_name.push(DnType::CommonName, "azure-sim authority of this run");
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    let ca_certificate = ca.self_signed(&ca_key)?;

    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "azure-sim");
    leaf.use_authority_key_identifier_extension = true;
    leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Apple's clients turn down server certificates that are valid for more than 825 days.
    let [(y, m, d), (last_y, last_m, last_d)] = [-1, 800].map(day_from_now);
    leaf.not_before = rcgen::date_time_ymd(y, m, d);
    leaf.not_after = rcgen::date_time_ymd(last_y, last_m, last_d);
    let leaf_key = KeyPair::generate()?;
    let leaf_certificate = leaf.signed_by(&leaf_key, &Issuer::new(ca, ca_key))?;
    Ok(Certificates {
        chain: vec![leaf_certificate.der().clone(), ca_certificate.der().clone()],
        key: PrivatePkcs8KeyDer::from(leaf_key.serialize_der()),
        ca_pem: ca_certificate.pem(),
    })
}
