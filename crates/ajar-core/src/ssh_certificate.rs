//! Certificates that ssh logs in with in place of a bare key: what Entra gives out to people for their RSA key.
//! https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.certkeys

/// A certificate, and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshCertificate {
    /// The file that it is in.
    pub file: String,
    /// The private key that it is for.
    pub key: String,
    /// Who logs in by it.
    pub user: String,
}

/// What a certificate of an RSA key is called, in front of it in its file and at its beginning.
pub const RSA_CERTIFICATE: &str = "ssh-rsa-cert-v01@openssh.com";

/// The first of those whom the certificate of an RSA key lets log in, without the case of letters, as Entra's own programs have
/// it. `None` if the bytes are no such certificate, or it is for nobody in particular.
pub fn first_principal(certificate: &[u8]) -> Option<String> {
    let (kind, rest) = string(certificate)?;
    if kind != RSA_CERTIFICATE.as_bytes() {
        return None;
    }
    // A nonce, and the key's exponent and modulus; then a serial number and the certificate's type.
    let (_, rest) = string(rest)?;
    let (_, rest) = string(rest)?;
    let (_, rest) = string(rest)?;
    let (_, rest) = rest.split_at_checked(8 + 4)?;
    let (_key_id, rest) = string(rest)?;
    let (principals, _) = string(rest)?;
    let (first, _) = string(principals)?;
    let first = std::str::from_utf8(first).ok()?.to_lowercase();
    (!first.is_empty()).then_some(first)
}

/// Bytes with their number in front, and what comes behind.
fn string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bytes(text: &[u8]) -> Vec<u8> {
        [&u32::try_from(text.len()).unwrap().to_be_bytes(), text].concat()
    }

    fn certificate(kind: &str, principals: &[&str]) -> Vec<u8> {
        let all: Vec<u8> = principals.iter().flat_map(|name| bytes(name.as_bytes())).collect();
        let number = [0; 12].to_vec();
        [
            bytes(kind.as_bytes()),
            bytes(b"nonce"),
            bytes(&[1, 0, 1]),
            bytes(&[9; 256]),
            number,
            bytes(b"id"),
            bytes(&all),
        ]
        .concat()
    }

    #[test]
    fn the_first_of_its_principals_logs_in() {
        for (kind, principals, user) in [
            (RSA_CERTIFICATE, &["Ada@Contoso.com", "other"][..], Some("ada@contoso.com")),
            (RSA_CERTIFICATE, &[], None),
            (RSA_CERTIFICATE, &[""], None),
            ("ssh-ed25519-cert-v01@openssh.com", &["ada"], None),
        ] {
            assert_eq!(first_principal(&certificate(kind, principals)).as_deref(), user, "{kind} {principals:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_odd_to_be_read(some in proptest::collection::vec(any::<u8>(), 0..64), cut in 0_usize..400) {
            let whole = certificate(RSA_CERTIFICATE, &["ada"]);
            let part = &whole[..cut.min(whole.len())];
            prop_assert_eq!(first_principal(part).is_some(), part.len() == whole.len());
            prop_assert_eq!(first_principal(&some), None);
        }
    }
}
