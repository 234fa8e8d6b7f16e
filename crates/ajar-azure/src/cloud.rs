//! Where one Azure lives: the public cloud, the sovereign ones, and those a user adds.

use ajar_core::message::given;
use ajar_core::settings::CloudSettings;
use url::Url;

/// Asked for this machine's public address unless a cloud names others: each answers over IPv4 with the address alone.
const PUBLIC_IP_ENDPOINTS: [&str; 3] =
    ["https://ipv4.icanhazip.com/", "https://checkip.amazonaws.com/", "https://api.ipify.org/"];

/// Where one Azure lives. A token of a cloud goes nowhere else than to that cloud's resource manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// Its name in settings and on the command line, such as `public`.
    pub name: String,
    /// Where tokens come from, such as `https://login.microsoftonline.com/`.
    pub authority: Url,
    /// Azure Resource Manager, such as `https://management.azure.com/`.
    pub resource_manager: Url,
    /// What tokens are for, such as `https://management.azure.com`; with `/.default` it is the scope asked for.
    pub audience: String,
    /// The only certificates to trust, in PEM; the system's if `None`.
    pub ca_bundle_pem: Option<Vec<u8>>,
    /// Where to ask for this machine's public address.
    pub public_ip_endpoints: Vec<Url>,
    /// How the addresses of its Azure Bastion hosts end, such as `bastion.azure.com`; none is asked for a way where that is not
    /// known.
    pub bastion_suffix: Option<String>,
}

/// Why a `[clouds.NAME]` table makes no cloud.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// Not an absolute `https` URL, or one with a user name, a query or a fragment.
    #[error("{}", given::no_https_address(.key, .value))]
    Address {
        /// The setting.
        key: &'static str,
        /// What it says.
        value: String,
    },
    /// An `authority` or `resource_manager` with more than scheme, host and port.
    #[error("{}", given::address_with_a_path(.key, .value))]
    Path {
        /// The setting.
        key: &'static str,
        /// What it says.
        value: String,
    },
    /// The `ca_bundle` holds no certificate.
    #[error("{}", given::no_certificate())]
    NoCertificate,
}

impl Cloud {
    /// Azure.
    pub fn public() -> Self {
        let cloud = Self::of_microsoft("public", "https://login.microsoftonline.com", "https://management.azure.com");
        Self { bastion_suffix: Some("bastion.azure.com".to_owned()), ..cloud }
    }

    /// Azure for US Government.
    pub fn us_gov() -> Self {
        Self::of_microsoft("usgov", "https://login.microsoftonline.us", "https://management.usgovcloudapi.net")
    }

    /// Azure in China, operated by 21Vianet.
    pub fn china() -> Self {
        Self::of_microsoft("china", "https://login.chinacloudapi.cn", "https://management.chinacloudapi.cn")
    }

    /// The built-in cloud of that name: one of [`BUILT_IN_CLOUDS`](ajar_core::settings::BUILT_IN_CLOUDS).
    pub fn built_in(name: &str) -> Option<Self> {
        match name {
            "public" => Some(Self::public()),
            "usgov" => Some(Self::us_gov()),
            "china" => Some(Self::china()),
            _ => None,
        }
    }

    fn of_microsoft(name: &str, authority: &'static str, resource_manager: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            authority: constant(authority),
            resource_manager: constant(resource_manager),
            audience: resource_manager.to_owned(),
            ca_bundle_pem: None,
            public_ip_endpoints: PUBLIC_IP_ENDPOINTS.map(constant).into(),
            // What the sovereign clouds call theirs is not known.
            bastion_suffix: None,
        }
    }

    /// A cloud of the user's settings. `ca_pem` is the content of `settings.ca_bundle`.
    ///
    /// The audience, if absent, is the resource manager's origin without a trailing slash.
    ///
    /// # Errors
    /// Addresses that are not plain https, and a certificate bundle without a certificate.
    pub fn from_settings(name: &str, settings: &CloudSettings, ca_pem: Option<Vec<u8>>) -> Result<Self, CloudError> {
        if ca_pem.as_deref().is_some_and(|pem| !pem.windows(PEM_MARK.len()).any(|window| window == PEM_MARK)) {
            return Err(CloudError::NoCertificate);
        }
        let resource_manager = origin("resource_manager", &settings.resource_manager)?;
        let audience =
            settings.audience.clone().unwrap_or_else(|| resource_manager.as_str().trim_end_matches('/').to_owned());
        let public_ip_endpoints = match &settings.public_ip_endpoints {
            Some(urls) => urls.iter().map(|url| https("public_ip_endpoints", url)).collect::<Result<_, _>>()?,
            None => PUBLIC_IP_ENDPOINTS.map(constant).into(),
        };
        Ok(Self {
            name: name.to_owned(),
            authority: origin("authority", &settings.authority)?,
            resource_manager,
            audience,
            ca_bundle_pem: ca_pem,
            public_ip_endpoints,
            bastion_suffix: settings.bastion_suffix.clone(),
        })
    }

    /// The only certificates that those who are asked for the public address are to be trusted by, in PEM: the cloud's own for
    /// its own, else the system's.
    pub fn public_ip_ca_pem(&self) -> Option<&[u8]> {
        let are_its_own = self.public_ip_endpoints != PUBLIC_IP_ENDPOINTS.map(constant);
        self.ca_bundle_pem.as_deref().filter(|_| are_its_own)
    }

    /// The scope to ask tokens for. An audience that ends with a slash keeps it: Entra compares the part before
    /// `/.default` letter by letter.
    pub(crate) fn scope(&self) -> String {
        format!("{}/.default", self.audience)
    }
}

const PEM_MARK: &[u8] = b"-----BEGIN CERTIFICATE-----";

fn https(key: &'static str, value: &str) -> Result<Url, CloudError> {
    let address = || CloudError::Address { key, value: value.to_owned() };
    let url = Url::parse(value).map_err(|_| address())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if url.scheme() == "https" && url.host().is_some() && plain && url.fragment().is_none() {
        Ok(url)
    } else {
        Err(address())
    }
}

fn origin(key: &'static str, value: &str) -> Result<Url, CloudError> {
    let url = https(key, value)?;
    if url.path() == "/" { Ok(url) } else { Err(CloudError::Path { key, value: value.to_owned() }) }
}

#[expect(clippy::expect_used, reason = "the built-in addresses are constants, and a test parses every one")]
fn constant(url: &'static str) -> Url {
    Url::parse(url).expect("a built-in address is a URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> CloudSettings {
        CloudSettings {
            authority: "https://127.0.0.1:4433".into(),
            resource_manager: "https://127.0.0.1:4433/".into(),
            audience: None,
            client_id: None,
            ca_bundle: None,
            public_ip_endpoints: None,
            bastion_suffix: None,
        }
    }

    #[test]
    fn the_built_in_clouds_are_known_by_name() {
        for name in ajar_core::settings::BUILT_IN_CLOUDS {
            let cloud = Cloud::built_in(name).unwrap();
            assert_eq!(cloud.name, name);
            assert!(cloud.scope().starts_with(cloud.resource_manager.as_str().trim_end_matches('/')), "{name}");
        }
        assert_eq!(Cloud::public().scope(), "https://management.azure.com/.default");
        assert_eq!(Cloud::built_in("moon"), None);
    }

    #[test]
    fn a_clouds_own_certificates_are_for_its_own_addresses_only() {
        let pem = Some(b"its own".to_vec());
        let cloud = Cloud { ca_bundle_pem: pem, ..Cloud::public() };
        assert_eq!(cloud.public_ip_ca_pem(), None);
        let own = Cloud { public_ip_endpoints: vec![constant("https://ip.example/")], ..cloud };
        assert_eq!(own.public_ip_ca_pem(), Some(b"its own".as_slice()));
    }

    #[test]
    fn a_cloud_of_the_settings_takes_its_audience_from_its_resource_manager() {
        let cloud = Cloud::from_settings("sim", &settings(), None).unwrap();
        assert_eq!(cloud.audience, "https://127.0.0.1:4433");
        assert_eq!(cloud.public_ip_endpoints.len(), 3);
        let own = CloudSettings { audience: Some("https://management.core.example/".into()), ..settings() };
        assert_eq!(
            Cloud::from_settings("sim", &own, None).unwrap().scope(),
            "https://management.core.example//.default"
        );
    }

    #[test]
    fn addresses_that_are_not_plain_https_are_refused() {
        for bad in ["http://127.0.0.1", "127.0.0.1", "https://user@host", "https://host/?q=1", "https://host/#f", ""] {
            let settings = CloudSettings { resource_manager: bad.into(), ..settings() };
            let error = Cloud::from_settings("sim", &settings, None).unwrap_err();
            assert_eq!(error, CloudError::Address { key: "resource_manager", value: bad.into() });
        }
        let with_path = CloudSettings { authority: "https://host/tenant".into(), ..settings() };
        assert!(matches!(Cloud::from_settings("sim", &with_path, None), Err(CloudError::Path { .. })));
    }

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        let result = Cloud::from_settings("sim", &settings(), Some(b"not a certificate".to_vec()));
        assert_eq!(result, Err(CloudError::NoCertificate));
    }
}
