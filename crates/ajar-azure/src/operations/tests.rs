use ajar_core::message::failure::{About, in_words};
use ajar_core::zone::Zone;
use chrono::FixedOffset;
use serde_json::json;

use super::*;
use crate::scripted::{Reply, Scripted, client, io_error, json as reply, refused};

const VM: &str = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web-01";
const OPERATION: &str = "https://management.azure.com/subscriptions/s/operations/1?p=x&api-version=2024-07-01";
const LOCATION: &str = "https://management.azure.com/subscriptions/s/results/1";

fn power(state: &str) -> Reply {
    let statuses = json!([{ "code": format!("PowerState/{state}") }]);
    reply(200, json!({ "properties": { "instanceView": { "statuses": statuses } } }).to_string())
}

fn status(status: &str) -> Reply {
    reply(200, json!({ "status": status }).to_string())
}

fn accepted() -> Reply {
    reply(202, "").with("azure-asyncoperation", OPERATION).with("location", LOCATION)
}

/// What comes of a start, and what was asked after its first POST.
async fn started(replies: impl IntoIterator<Item = Reply>) -> (Result<(), Trouble>, Vec<String>) {
    let script = Scripted::new(replies);
    let result = client(&script).start(&VM.parse().unwrap(), &Wanted::new()).await;
    assert_eq!(script.paths()[0], format!("Post {VM}/start"));
    (result, script.paths().into_iter().skip(1).collect())
}

/// Of one that is posted once.
async fn start(replies: impl IntoIterator<Item = Reply>) -> (Result<(), Trouble>, Vec<String>) {
    let (result, asked) = started(replies).await;
    assert!(!asked.iter().any(|path| path.starts_with("Post")), "the start is posted once: {asked:?}");
    (result, asked)
}

/// What was asked in turn: a letter for each POST and each look at the VM.
fn turns(asked: &[String]) -> String {
    asked.iter().map(|path| if path.starts_with("Post") { 'P' } else { 'l' }).collect()
}

fn code(result: Result<(), Trouble>) -> &'static str {
    result.unwrap_err().failure.code()
}

#[tokio::test(start_paused = true)]
async fn an_accepted_start_is_followed_by_its_operation() {
    let (result, asked) = start([accepted(), status("InProgress"), status("Whatever"), status("Succeeded")]).await;
    assert_eq!(result, Ok(()));
    assert_eq!(asked, ["Get /subscriptions/s/operations/1"; 3]);
}

#[tokio::test]
async fn a_start_that_is_done_at_once_asks_nothing_more() {
    let (result, asked) = start([reply(200, "")]).await;
    assert_eq!((result, asked.len()), (Ok(()), 0));
}

#[tokio::test(start_paused = true)]
async fn without_an_operation_the_location_is_followed() {
    let accepted = reply(202, "").with("location", LOCATION);
    let (result, asked) = start([accepted, reply(202, ""), reply(200, "")]).await;
    assert_eq!(result, Ok(()));
    assert_eq!(asked, ["Get /subscriptions/s/results/1"; 2]);
}

#[tokio::test(start_paused = true)]
async fn where_neither_can_be_read_the_vm_itself_tells() {
    let denied = || refused(403, "AuthorizationFailed");
    let replies =
        [accepted(), denied(), denied(), power("deallocated"), power("starting"), power("starting"), power("running")];
    let (result, asked) = start(replies).await;
    assert_eq!(result, Ok(()));
    assert_eq!(asked[2..], [format!("Get {VM}"), format!("Get {VM}"), format!("Get {VM}"), format!("Get {VM}")]);

    let foreign = reply(202, "").with("azure-asyncoperation", "https://evil.example/1");
    let (result, asked) = start([foreign, power("running")]).await;
    assert_eq!((result, asked), (Ok(()), vec![format!("Get {VM}")]));
    let (result, _) = start([reply(202, ""), power("running")]).await;
    assert_eq!(result, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_error_in_place_of_an_operation_is_not_its_end() {
    let (result, asked) = start([accepted(), refused(409, "Conflict"), reply(202, ""), reply(200, "")]).await;
    assert_eq!(result, Ok(()));
    let paths =
        ["Get /subscriptions/s/operations/1", "Get /subscriptions/s/results/1", "Get /subscriptions/s/results/1"];
    assert_eq!(asked, paths);
}

#[tokio::test(start_paused = true)]
async fn waits_are_azures_within_bounds_and_else_grow_to_ten_seconds() {
    let began = Instant::now();
    let first = accepted().with("retry-after", "3");
    let second = status("InProgress").with("retry-after-ms", "500");
    let third = status("InProgress").with("retry-after", "3600");
    let (result, _) = start([first, second, third, status("Succeeded")]).await;
    assert_eq!((result, began.elapsed().as_millis()), (Ok(()), 3_000 + 500 + 20_000));

    let began = Instant::now();
    let mut replies = vec![accepted().with("retry-after", "0")];
    replies.extend((0..6).map(|_| status("InProgress")));
    replies.push(status("Succeeded"));
    start(replies).await.0.unwrap();
    assert_eq!(began.elapsed().as_millis(), 2_000 + 3_000 + 4_500 + 6_750 + 3 * 10_000);
}

#[tokio::test(start_paused = true)]
async fn no_room_is_told_apart_from_other_failures_at_once_and_later() {
    for no_room in ["AllocationFailed", "ZonalAllocationFailed", "OverconstrainedAllocationRequest", "SkuNotAvailable"]
    {
        assert_eq!(code(start([refused(409, no_room)]).await.0), "allocationFailed", "{no_room}");
        let failed = json!({ "status": "Failed", "error": { "code": no_room, "message": "No room." } });
        let (result, _) = start([accepted(), reply(200, failed.to_string())]).await;
        assert_eq!(
            result.unwrap_err().failure,
            Failure::AllocationFailed { azure_code: no_room.into(), azure_message: "No room.".into() }
        );
    }
    let failed = json!({ "status": "Failed", "error": { "code": "OperationNotAllowed", "message": "Quota." } });
    let (result, _) = start([accepted(), reply(200, failed.to_string())]).await;
    let expected = Failure::StartFailed { azure_code: "OperationNotAllowed".into(), azure_message: "Quota.".into() };
    assert_eq!(result.unwrap_err().failure, expected);
    assert_eq!(code(start([accepted(), status("Canceled")]).await.0), "startFailed");
    let (result, _) = start([reply(202, "").with("location", LOCATION), refused(409, "AllocationFailed")]).await;
    assert_eq!(code(result), "allocationFailed");
}

#[tokio::test(start_paused = true)]
async fn azure_is_quoted_with_nothing_that_it_did_not_say() {
    let message = |trouble: &Trouble| {
        let zone = Zone::always(FixedOffset::east_opt(0).unwrap(), Utc::now());
        in_words(trouble, &About { name: "web-01", zone, at: Utc::now() }).message
    };
    for (ended, told) in [("Failed", "Azure gives no reason."), ("Canceled", "Azure says: Canceled.")] {
        let (result, _) = start([accepted(), status(ended)]).await;
        assert_eq!(message(&result.unwrap_err()), told);
    }
    let at_rest = std::iter::once(reply(202, "")).chain((0..9).map(|_| power("deallocated")));
    let for_ever = std::iter::once(accepted()).chain((0..200).map(|_| status("InProgress")));
    for result in [start(at_rest).await.0, start(for_ever).await.0] {
        let message = message(&result.unwrap_err());
        assert!(!message.contains("Azure says"), "{message}");
    }
}

#[tokio::test]
async fn a_start_that_azure_does_not_allow_says_why() {
    assert_eq!(code(start([reply(429, "").with("retry-after", "60")]).await.0), "throttled");
    let (result, _) = start([refused(403, "AuthorizationFailed")]).await;
    let action = "Microsoft.Compute/virtualMachines/start/action".to_owned();
    assert_eq!(result.unwrap_err().failure, Failure::AccessDenied { action, scope: VM.into() });
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_a_start_does_not_find_is_looked_at_before_that_is_believed() {
    let missing = || refused(404, "ResourceNotFound");
    let rests = || power("deallocated");
    let (result, asked) = started([missing(), rests(), rests(), accepted(), status("Succeeded")]).await;
    assert_eq!((result, turns(&asked[..3])), (Ok(()), "llP".to_owned()));
    let (result, asked) = started([missing(), rests(), rests(), missing(), rests(), rests()]).await;
    assert_eq!((code(result), turns(&asked)), ("startFailed", "llPll".to_owned()));
    let (result, asked) = start([missing(), missing(), missing()]).await;
    assert_eq!((code(result), turns(&asked)), ("vmNotFound", "ll".to_owned()));
    let (result, _) = start([missing(), refused(403, "AuthorizationFailed")]).await;
    assert_eq!(code(result), "startFailed");
}

#[tokio::test(start_paused = true)]
async fn a_start_that_something_lasting_is_against_is_not_sent_again() {
    for code in ["ScopeLocked", "ReadOnlyDisabledSubscription"] {
        let (result, asked) = started([refused(409, code)]).await;
        assert_eq!((self::code(result), asked.len()), ("startFailed", 0), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_start_is_looked_for_before_it_is_sent_again() {
    let (result, _) =
        start([io_error(), power("deallocated"), power("starting"), power("starting"), power("running")]).await;
    assert_eq!(result, Ok(()));
    let page = || reply(502, "<html>").with("content-type", "text/html");
    for (passing, ends) in [
        (io_error as fn() -> Reply, "unreachable"),
        (|| refused(500, "InternalError"), "startFailed"),
        (page, "notFromAzure"),
    ] {
        let at_rest = || [passing(), power("deallocated"), power("deallocated")];
        let (result, asked) = started(at_rest().into_iter().chain([accepted(), status("Succeeded")])).await;
        assert_eq!((result, turns(&asked)), (Ok(()), "llPl".to_owned()), "a VM at rest was told nothing");
        let (result, asked) = started(at_rest().into_iter().chain(at_rest()).chain(at_rest())).await;
        assert_eq!((code(result), turns(&asked)), (ends, "llPllPll".to_owned()), "not for ever");
    }
    // What can't be looked at may be under way.
    let (result, asked) = start([io_error(), refused(403, "AuthorizationFailed")]).await;
    assert_eq!((code(result), asked.len()), ("unreachable", 1));
}

#[tokio::test(start_paused = true)]
async fn a_429_that_names_no_time_is_waited_out_a_little_and_one_that_names_a_long_one_is_told() {
    let began = Instant::now();
    for passing in [reply(429, ""), reply(429, "").with("retry-after", "soon")] {
        let (result, asked) = started([passing, accepted(), status("Succeeded")]).await;
        assert_eq!((result, turns(&asked)), (Ok(()), "Pl".to_owned()));
    }
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    assert_eq!(code(started((0..60).map(|_| reply(429, ""))).await.0), "throttled");
}

#[tokio::test(start_paused = true)]
async fn when_two_people_start_one_vm_the_second_follows_the_firsts_start() {
    for busy in ["AnotherOperationInProgress", "Conflict", "OperationNotAllowed", "WhateverComesNext"] {
        let (result, asked) = start([refused(409, busy), power("starting"), power("starting"), power("running")]).await;
        assert_eq!((result, asked), (Ok(()), vec![format!("Get {VM}"); 3]), "{busy}");
        let late = [refused(409, busy), power("deallocated"), power("starting"), power("running")];
        assert_eq!(start(late).await.0, Ok(()), "{busy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conflict_over_a_vm_that_does_not_start_is_told_in_azures_words() {
    let busy = || refused(409, "AnotherOperationInProgress");
    let resting = || [power("deallocating"), power("deallocating")];
    let twice = std::iter::once(busy()).chain(resting()).chain([busy()]).chain(resting());
    assert_eq!(code(started(twice).await.0), "startFailed");
    let passed = std::iter::once(busy()).chain(resting()).chain([accepted(), status("Succeeded")]);
    assert_eq!(started(passed).await.0, Ok(()));
    let quota = || [refused(409, "OperationNotAllowed"), power("deallocated"), power("deallocated")];
    let (result, _) = started(quota().into_iter().chain(quota())).await;
    let azure_message = "Azure says OperationNotAllowed.".to_owned();
    let expected = Failure::StartFailed { azure_code: "OperationNotAllowed".into(), azure_message };
    assert_eq!(result.unwrap_err().failure, expected);
}

#[tokio::test(start_paused = true)]
async fn a_network_that_is_away_for_a_while_does_not_end_the_following() {
    // One read is sent five times before it counts as failed.
    let away = (0..10).map(|_| io_error());
    let replies =
        std::iter::once(accepted()).chain(away).chain([reply(429, "").with("retry-after", "60"), status("Succeeded")]);
    assert_eq!(start(replies).await.0, Ok(()));
    let for_good = std::iter::once(accepted()).chain((0..30).map(|_| io_error()));
    assert_eq!(code(start(for_good).await.0), "unreachable");
}

#[tokio::test(start_paused = true)]
async fn a_vm_that_stays_at_rest_has_not_started() {
    let replies = std::iter::once(reply(202, "")).chain((0..9).map(|_| power("deallocated")));
    let still = Failure::StartUnseen { power: PowerState::Deallocated };
    assert_eq!(start(replies).await.0.unwrap_err().failure, still);
    let statuses = json!([
        { "code": "ProvisioningState/failed/AllocationFailed", "message": "No room." },
        { "code": "PowerState/deallocated" },
    ]);
    let failed = || reply(200, json!({ "properties": { "instanceView": { "statuses": statuses } } }).to_string());
    assert_eq!(code(start([reply(202, ""), failed(), failed(), failed()]).await.0), "allocationFailed");
}

#[tokio::test(start_paused = true)]
async fn deallocating_is_followed_alike_and_fails_in_azures_words() {
    let vm = VM.parse().unwrap();
    let script = Scripted::new([accepted(), status("Succeeded")]);
    assert_eq!(client(&script).deallocate(&vm, &Wanted::new(), &|| {}).await, Ok(()));
    assert_eq!(script.paths()[0], format!("Post {VM}/deallocate"));
    let script = Scripted::new([reply(202, ""), power("deallocating"), power("deallocated")]);
    assert_eq!(client(&script).deallocate(&vm, &Wanted::new(), &|| {}).await, Ok(()));
    let busy = || [refused(409, "OperationNotAllowed"), power("running"), power("running")];
    let script = Scripted::new(busy().into_iter().chain(busy()));
    let failure = client(&script).deallocate(&vm, &Wanted::new(), &|| {}).await.unwrap_err().failure;
    assert!(
        matches!(&failure, Failure::DeallocateFailed { azure_code, .. } if azure_code == "OperationNotAllowed"),
        "{failure:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_order_to_deallocate_that_is_taken_is_heard_of_once_and_given_up_where_the_vm_goes_on_running() {
    let vm = VM.parse().unwrap();
    let heard = std::sync::atomic::AtomicU32::new(0);
    let begun = || {
        heard.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    };
    let script =
        Scripted::new([reply(202, "")].into_iter().chain(std::iter::repeat_with(|| power("running")).take(20)));
    let failure = client(&script).deallocate(&vm, &Wanted::new(), &begun).await.unwrap_err().failure;
    assert_eq!(failure, Failure::DeallocationUnseen { power: PowerState::Running });
    assert_eq!(heard.load(std::sync::atomic::Ordering::Relaxed), 1);
    assert_eq!(script.paths().iter().filter(|path| path.starts_with("Post")).count(), 1);
    // Who only watches asks for nothing.
    let script = Scripted::new([power("deallocating"), power("deallocating"), power("deallocated")]);
    assert_eq!(client(&script).see_deallocated(&vm).await, Ok(()));
    assert!(script.paths().iter().all(|path| path.starts_with("Get")));
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_withdrawn_is_not_sent_but_one_under_way_is_followed() {
    let (vm, wanted) = (VM.parse().unwrap(), Wanted::new());
    let script = Scripted::new([accepted(), status("InProgress"), status("Succeeded")]);
    let client = client(&script);
    let withdraw = async {
        sleep(Duration::from_secs(1)).await;
        wanted.withdraw();
    };
    assert_eq!(tokio::join!(client.start(&vm, &wanted), withdraw).0, Ok(()));

    let cancelled: Trouble = Failure::Cancelled { open_until: None, asking: false, starting: false }.into();
    assert_eq!(client.start(&vm, &wanted).await, Err(cancelled.clone()));
    assert_eq!(client.deallocate(&vm, &wanted, &|| {}).await, Err(cancelled));
    assert_eq!(script.sent().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_start_that_is_withdrawn_after_an_answer_has_left_unless_azure_found_no_such_vm() {
    let missing = || refused(404, "ResourceNotFound");
    for (answers, ends, has_left) in [
        (vec![missing()], "cancelled", false),
        (vec![refused(409, "AnotherOperationInProgress")], "cancelled", true),
        (vec![io_error(), power("deallocated"), power("deallocated"), missing()], "startFailed", true),
    ] {
        let (vm, wanted) = (VM.parse().unwrap(), Wanted::new());
        let before = answers.len();
        let script = Scripted::new(answers.into_iter().chain([power("deallocated"), power("deallocated")]));
        let client = client(&script);
        let withdraw = async {
            while script.sent().len() <= before {
                sleep(Duration::from_millis(1)).await;
            }
            wanted.withdraw();
        };
        let (started, ()) = tokio::join!(client.start(&vm, &wanted), withdraw);
        assert_eq!((code(started), wanted.has_left()), (ends, has_left));
        assert_eq!(script.sent().len(), before + 2, "nothing is sent after the looks at the VM");
    }
}
