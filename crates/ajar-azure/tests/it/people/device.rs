//! The device code's way.

use ajar_azure::DeviceCodeSignIn;
use ajar_core::failure::Failure;
use serde_json::json;

use super::*;

async fn begin(azure: &Azure) -> DeviceCodeSignIn {
    DeviceCodeSignIn::begin(&azure.cloud, azure.http.clone(), ada(), None).await.unwrap()
}

async fn types(azure: &Azure, sign_in: &DeviceCodeSignIn, form: &[(&str, &str)]) -> String {
    let page = sign_in.verification_uri();
    let form: Vec<_> = form.iter().copied().chain([("otc", sign_in.user_code())]).collect();
    azure.browser.post(page).form(&form).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn a_person_signs_in_on_another_device() {
    let azure = azure().await;
    let sign_in = begin(&azure).await;
    let left = sign_in.expires_at() - chrono::Utc::now();
    assert!((890..=900).contains(&left.num_seconds()), "{left}");
    assert_eq!(sign_in.user_code().len(), 9);
    let shown = types(&azure, &sign_in, &[("account", "ada")]).await;
    assert!(shown.contains("Signed in"), "{shown}");
    let signed_in = sign_in.finish().await.unwrap();
    let account = azure.account(&signed_in.home_account_id, &Arc::default());
    account.signed_in(&signed_in).await.unwrap();
    azure.reads(&account, None, &azure.vm("home")).await.unwrap();
}

#[tokio::test]
async fn it_is_waited_for_while_nobody_has_typed_it_and_through_what_passes() {
    let azure = azure().await;
    let sign_in = begin(&azure).await;
    for fault in ["unavailable", "badGateway", "reset"] {
        azure.control("faults", json!({ "match": { "path": "*/token" }, "fault": fault })).await;
    }
    let (user_code, page) = (sign_in.user_code().to_owned(), sign_in.verification_uri().to_owned());
    let elsewhere = async {
        while azure.posts("/token").await < 4 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let form = [("account", "ada"), ("otc", user_code.as_str())];
        azure.browser.post(page).form(&form).send().await.unwrap();
    };
    let (signed_in, ()) = tokio::join!(sign_in.finish(), elsewhere);
    assert!(signed_in.is_ok(), "{signed_in:?}");
}

#[tokio::test]
async fn who_declines_and_who_comes_too_late_is_told_so() {
    let azure = azure().await;
    let declined = begin(&azure).await;
    types(&azure, &declined, &[("cancel", "1")]).await;
    let trouble = declined.finish().await.unwrap_err();
    assert_eq!(trouble.failure, Failure::SignInDeclined);
    assert!(trouble.correlation_id.is_some_and(|ids| ids.contains(", trace ")));
    let late = begin(&azure).await;
    azure.run_out(901).await;
    assert_eq!(late.finish().await.unwrap_err().failure, Failure::SignInTimedOut);
}

#[tokio::test]
async fn a_policy_that_forbids_codes_is_told_with_what_may_work() {
    let azure = azure().await;
    let sign_in = begin(&azure).await;
    types(&azure, &sign_in, &[("account", "ada")]).await;
    azure.control("accounts", json!({ "account": "ada", "demand": "blocked" })).await;
    let failure = sign_in.finish().await.unwrap_err().failure;
    let blocked =
        Failure::ConditionalAccess { account: "work".into(), number: 53_003, device_code: true, tenant: None };
    assert_eq!(failure, blocked);
}
