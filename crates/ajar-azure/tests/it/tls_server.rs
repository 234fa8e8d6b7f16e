//! An HTTPS server of the test's own, as a cloud.

#[path = "../../../../tests/tls_server.rs"]
mod server;

use ajar_azure::Cloud;
use ajar_core::settings::CloudSettings;

pub(crate) use server::{Connection, Server};

impl Server {
    /// The cloud that this server is, in which the client trusts `others` as well.
    pub(crate) fn cloud(&self, others: &[&Self]) -> Cloud {
        let settings = CloudSettings {
            authority: self.url.clone(),
            resource_manager: self.url.clone(),
            audience: None,
            client_id: None,
            ca_bundle: None,
            public_ip_endpoints: None,
            bastion_suffix: None,
        };
        let trusted: String = std::iter::once(self).chain(others.iter().copied()).map(|one| one.pem.as_str()).collect();
        Cloud::from_settings("own", &settings, Some(trusted.into_bytes())).unwrap()
    }
}
