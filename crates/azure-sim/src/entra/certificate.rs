//! Certificates of service principals: read from PEM files, and one made at the start to try it with.

use std::io;
use std::path::Path;
use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use rcgen::{CertificateParams, DnType, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use x509_cert::der::{DecodePem, Encode};

use crate::entra::signing::{sha1, sha256};

/// What is registered of a certificate.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    /// Base64url of SHA-1 of the whole: `x5t`.
    pub(crate) sha1: String,
    /// Base64url of SHA-256 of the whole: `x5t#S256`.
    pub(crate) sha256: String,
    /// DER, SubjectPublicKeyInfo.
    pub(crate) public_key: Vec<u8>,
    pub(crate) not_before: DateTime<Utc>,
    pub(crate) not_after: DateTime<Utc>,
}

impl Certificate {
    /// The first certificate of a PEM file, which may have the key in it as well.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        Self::parse(&std::fs::read_to_string(path)?)
    }

    fn parse(pem: &str) -> io::Result<Self> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        const END: &str = "-----END CERTIFICATE-----";
        let block = pem.find(BEGIN).and_then(|start| {
            let end = start + pem[start..].find(END)? + END.len();
            Some(&pem[start..end])
        });
        let none = || io::Error::new(io::ErrorKind::InvalidData, "there is no certificate in the file");
        let certificate = x509_cert::Certificate::from_pem(block.ok_or_else(none)?).map_err(io::Error::other)?;
        let whole = certificate.to_der().map_err(io::Error::other)?;
        let inner = certificate.tbs_certificate();
        let validity = inner.validity();
        Ok(Self {
            sha1: sha1(&whole),
            sha256: sha256(&whole),
            public_key: inner.subject_public_key_info().to_der().map_err(io::Error::other)?,
            not_before: validity.not_before.to_date_time().to_system_time().into(),
            not_after: validity.not_after.to_date_time().to_system_time().into(),
        })
    }
}

/// Writes a key and its certificate into one PEM file, for its owner alone. The pair is made once for each process.
pub(crate) fn write(path: &Path) -> io::Result<Certificate> {
    static PEM: OnceLock<Result<String, rcgen::Error>> = OnceLock::new();
    let pem = PEM.get_or_init(make).as_ref().map_err(|error| io::Error::other(error.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    // Temporary files are made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, pem.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Certificate::parse(pem)
}

fn make() -> Result<String, rcgen::Error> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048)?;
    let mut certificate = CertificateParams::new(Vec::<String>::new())?;
    certificate.distinguished_name.push(DnType::CommonName, "azure-sim service principal");
    let certificate = certificate.self_signed(&key)?;
    Ok(format!("{}{}", key.serialize_pem(), certificate.pem()))
}
