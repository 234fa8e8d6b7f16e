//! What is kept between two runs, and how it is replaced.

use ajar_core::failure::{Failure, SignInReason};
use serde_json::json;

use super::*;

#[tokio::test]
async fn the_next_run_finds_the_account_signed_in() {
    let azure = azure().await;
    let drawer = Arc::new(Drawer::default());
    let (first, signed_in) = azure.ada(&drawer).await;
    drop(first);
    let next = azure.account(&signed_in.home_account_id, &drawer);
    azure.reads(&next, None, &azure.vm("home")).await.unwrap();
}

#[tokio::test]
async fn each_refresh_replaces_the_token_that_is_stored() {
    let azure = azure().await;
    let drawer = Arc::new(Drawer::default());
    let (account, signed_in) = azure.ada(&drawer).await;
    let first = drawer.holds(&signed_in.home_account_id);
    azure.reads(&account, Some("fabrikam.onmicrosoft.com"), &azure.vm("lab")).await.unwrap();
    let second = drawer.holds(&signed_in.home_account_id);
    azure.reads(&account, Some("northwind.onmicrosoft.com"), &azure.vm("desk")).await.unwrap();
    let third = drawer.holds(&signed_in.home_account_id);
    assert!(first.is_some() && first != second && second != third);
    assert_eq!(drawer.stored.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn a_crash_between_receiving_and_storing_a_token_signs_nobody_out() {
    let azure = azure().await;
    let drawer = Arc::new(Drawer::default());
    let (account, signed_in) = azure.ada(&drawer).await;
    let before = drawer.holds(&signed_in.home_account_id);
    *drawer.stuck.lock().unwrap() = true;
    let lab = azure.vm("lab");
    {
        let read = azure.reads(&account, Some("fabrikam.onmicrosoft.com"), &lab);
        tokio::pin!(read);
        // Entra has given out a new token when the process ends.
        let redeemed = async {
            while azure.posts("/token").await < 2 {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        };
        tokio::select! {
            done = &mut read => panic!("{done:?}"),
            () = redeemed => {}
        }
    }
    drop(account);
    let drawer = Arc::new(drawer.of_the_next_run());
    assert_eq!(drawer.holds(&signed_in.home_account_id), before);
    let next = azure.account(&signed_in.home_account_id, &drawer);
    azure.reads(&next, Some("fabrikam.onmicrosoft.com"), &lab).await.unwrap();
    assert_ne!(drawer.holds(&signed_in.home_account_id), before);
}

#[tokio::test]
async fn twenty_callers_whose_token_has_run_out_make_one_refresh() {
    let azure = azure().await;
    let drawer = Arc::new(Drawer::default());
    let (_, signed_in) = azure.ada(&drawer).await;
    // A new run, which has no access token yet.
    let next = azure.account(&signed_in.home_account_id, &drawer);
    let before = azure.posts("/token").await;
    let home = azure.vm("home");
    let reads = (0..20).map(|_| azure.reads(&next, None, &home));
    assert!(futures::future::join_all(reads).await.iter().all(Result::is_ok));
    assert_eq!(azure.posts("/token").await, before + 1);
    // And likewise when it is refused to all of them.
    azure.control("accounts", json!({ "account": "ada", "demand": "sessionExpired" })).await;
    let before = azure.posts("/token").await;
    let lab = azure.vm("lab");
    let reads = (0..20).map(|_| azure.reads(&next, Some("fabrikam.onmicrosoft.com"), &lab));
    for read in futures::future::join_all(reads).await {
        assert!(matches!(read, Err(Failure::SignInRequired { reason: SignInReason::Expired, .. })), "{read:?}");
    }
    assert_eq!(azure.posts("/token").await, before + 1);
}

#[tokio::test]
async fn a_token_that_azure_refuses_though_entra_has_just_given_it_asks_nobody_to_sign_in() {
    let azure = azure().await;
    let (ada, _) = azure.ada(&Arc::new(Drawer::default())).await;
    let home = azure.vm("home");
    azure
        .control(
            "faults",
            json!({ "match": { "route": "VirtualMachines_Get" }, "fault": "expiredToken", "times": null }),
        )
        .await;
    let failure = azure.reads(&ada, None, &home).await.unwrap_err();
    let Failure::TokenRefused { account: Some(account), claims: None, detail } = &failure else {
        panic!("{failure:?}")
    };
    assert!(account.as_ref() == "work" && detail.contains("is earlier than current UTC time"), "{failure:?}");
}

#[tokio::test]
async fn who_signs_out_leaves_nothing_behind() {
    let azure = azure().await;
    let drawer = Arc::new(Drawer::default());
    let (account, signed_in) = azure.ada(&drawer).await;
    assert_eq!(account.sign_out().await, Ok(true));
    assert_eq!(drawer.holds(&signed_in.home_account_id), None);
    let failure = azure.reads(&account, None, &azure.vm("home")).await.unwrap_err();
    assert_eq!(failure, Failure::sign_in_required("work", SignInReason::Never));
    assert_eq!(account.sign_out().await, Ok(false));
}

#[tokio::test]
async fn a_sign_in_that_somebody_else_has_renewed_is_taken_up() {
    let azure = azure().await;
    let drawer = Arc::new(Drawer::default());
    let (account, _) = azure.ada(&drawer).await;
    azure.control("accounts", json!({ "account": "ada", "revoke": true })).await;
    azure.run_out(TWO_DAYS).await;
    let (_other, _) = azure.ada(&drawer).await;
    azure.reads(&account, Some("fabrikam.onmicrosoft.com"), &azure.vm("lab")).await.unwrap();
}
