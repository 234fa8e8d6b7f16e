//! Tokens and secrets go to no other host.

use std::io;
use std::net::TcpListener;

use ajar_azure::{ArmClient, Wanted};
use ajar_core::failure::Failure;
use serde_json::json;

use crate::azure::{Azure, sign_in};

#[tokio::test]
async fn no_redirect_is_followed_to_a_foreign_host_nor_to_one_without_tls() {
    let azure = Azure::start().await;
    let ask = azure.ask("web-01").await;
    let policy = azure.policy(&ask.vm).await.id;
    let foreign = TcpListener::bind("127.0.0.1:0").unwrap();
    foreign.set_nonblocking(true).unwrap();
    let at = foreign.local_addr().unwrap();
    for to in [format!("https://{at}/x"), format!("http://{at}/x")] {
        azure.control("faults", json!({ "fault": "redirect", "to": to, "times": null })).await;
        let read = azure.client.virtual_machine(&ask.vm).await.unwrap_err();
        assert!(matches!(read.failure, Failure::NotFromAzure { status: 307, .. }), "{read:?}");
        assert!(azure.client.initiate(&policy, &ask, &Wanted::new()).await.is_err());
        let anew =
            sign_in(&azure.simulator, None).credential(&azure.cloud, azure.http.clone()).unwrap().in_tenant(None);
        let client = ArmClient::new(&azure.cloud, anew, azure.http.clone()).unwrap();
        let signed_in = client.virtual_machine(&ask.vm).await.unwrap_err();
        assert!(matches!(signed_in.failure, Failure::NotFromAzure { status: 307, .. }), "{signed_in:?}");
        azure.forget_faults().await;
    }
    assert_eq!(foreign.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "somebody came");
}
