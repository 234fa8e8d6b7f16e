//! The few Azure Resource Manager calls Ajar makes, and the credentials they are made with.
//!
//! Nothing here decides anything: every function makes one conversation with Azure and returns what Azure said, in the
//! types of `ajar-core`. What to ask, and what to do after an ambiguous answer, is the engine's business. Reads are
//! retried here; a POST is never sent again unless Azure said in so many words that it was not applied.

mod activity_log;
mod arm_client;
mod arm_error;
mod az_tunnel;
mod azure_clock;
mod bastion;
mod budget;
mod call;
mod cloud;
mod compute;
mod connection;
mod flights;
mod inventory;
mod jit;
mod limits;
mod network;
mod operations;
mod paging;
mod permissions;
mod policies;
mod resource_graph;
mod sign_in;
mod tenant;
mod tunnel;
mod wanted;
mod wire;

#[cfg(test)]
mod scripted;

/// What is sent and how answers are read, for the tests against Azure's published examples. Not for use.
#[doc(hidden)]
pub mod contract {
    pub use crate::arm_error::ArmError;
    pub use crate::compute::wire::{instance_view, virtual_machine};
    pub use crate::jit::body::{End, initiate_body};
    pub use crate::jit::wire::{initiated, policies, policy};
    pub use crate::network::{network_interface, public_ip_address};
    pub use crate::operations::operation_status;
}

pub use arm_client::ArmClient;
pub use az_tunnel::AzTunnel;
pub use azure_core::credentials::{Secret, TokenCredential};
pub use budget::{KeepPauses, KeptPause};
pub use call::Call;
pub use cloud::{Cloud, CloudError};
pub use connection::{Http, http_client, http_client_within, innermost};
pub use jit::{Initiate, InitiateError};
pub use limits::Limits;
pub use operations::TellBegun;
pub use sign_in::{
    AzAccount, BrowserSignIn, ClientProof, Credential, DeviceCodeSignIn, Person, RefreshTokens, SignIn, SignedIn,
    Stored, TokensByTenant, az_accounts, az_profile_version, missing_variable, tenant_id,
};
pub use tenant::tenant_of;
pub use tunnel::Tunnel;
pub use wanted::Wanted;
