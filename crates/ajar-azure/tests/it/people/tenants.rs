//! One account in several tenants.

use serde_json::Value;

use super::*;

#[tokio::test]
async fn one_refresh_token_serves_three_tenants_with_one_token_each() {
    let azure = azure().await;
    let (account, _) = azure.ada(&Arc::default()).await;
    let home = azure.simulator.announce().tenant_id.to_string();
    let places = [
        (home.as_str(), "home"),
        ("e41b6d70-95c8-4f2a-b3d6-0c7a8e5f2c02", "lab"),
        ("0b8a5c1e-2d74-4f38-9a0c-6f3d1e7b9c03", "desk"),
    ];
    for _ in 0..2 {
        let vms = places.map(|(tenant, vm)| (tenant, azure.vm(vm)));
        let reads = vms.iter().map(|(tenant, vm)| azure.reads(&account, Some(tenant), vm));
        for read in futures::future::join_all(reads).await {
            assert_eq!(read, Ok(()));
        }
    }
    let asked: Vec<Value> = azure.journal_of("/token").await;
    let mut asked: Vec<_> = asked.iter().map(|entry| entry["path"].as_str().unwrap().to_owned()).collect();
    let mut expected: Vec<_> = places[1..].iter().map(|(tenant, _)| format!("/{tenant}/oauth2/v2.0/token")).collect();
    expected.push("/organizations/oauth2/v2.0/token".into());
    asked.sort();
    expected.sort();
    assert_eq!(asked, expected);
}
