use super::*;

fn fault(json: &Value) -> Fault {
    Fault::read(json.to_string().as_bytes()).unwrap()
}

fn complaint(body: &str) -> String {
    Fault::read(body.as_bytes()).unwrap_err()
}

fn request<'a>(method: &'a str, path: &'a str) -> Struck<'a> {
    Struck { method, path, query: "", route: None }
}

#[test]
fn a_fault_hits_as_often_as_asked_and_only_where_it_matches() {
    let mut faults = Faults::new(1);
    faults.add(fault(&json!({ "match": { "method": "POST", "path": "/Initiate" }, "fault": "reset", "times": 2 })));
    assert!(faults.take(request("GET", "/x/initiate")).is_none());
    assert!(faults.take(request("POST", "/x/start")).is_none());
    assert!(faults.take(request("post", "/x/initiate")).is_some());
    assert!(faults.take(request("POST", "/x/initiate")).is_some());
    assert!(faults.take(request("POST", "/x/initiate")).is_none());
}

#[test]
fn a_fault_is_for_a_route_by_name_or_for_a_query() {
    let mut faults = Faults::new(1);
    faults.add(fault(&json!({ "match": { "route": "virtualMachines_*" }, "fault": "reset", "times": null })));
    faults.add(fault(&json!({ "match": { "query": "statusOnly=true" }, "fault": "slow", "times": null })));
    let at = |route, query| Struck { query, route, ..request("GET", "/x") };
    assert!(faults.take(at(None, "api-version=1")).is_none());
    assert!(faults.take(at(Some("NetworkInterfaces_Get"), "")).is_none());
    assert_eq!(faults.take(at(Some("VirtualMachines_Get"), "")).unwrap().name, "reset");
    assert_eq!(faults.take(at(None, "api-version=1&statusOnly=true")).unwrap().name, "slow");
}

#[test]
fn without_a_limit_a_fault_stays() {
    let mut faults = Faults::new(1);
    faults.add(fault(&json!({ "match": { "path": "/virtualMachines/*/start" }, "fault": "slow", "times": null })));
    for _ in 0..10 {
        assert!(faults.take(request("POST", "/a/virtualMachines/web-01/start")).is_some());
    }
}

#[test]
fn a_fault_by_chance_hits_some_and_the_same_ones_with_the_same_seed() {
    let hits = |seed| {
        let mut faults = Faults::new(seed);
        faults.add(fault(&json!({ "fault": "reset", "probability": 0.3 })));
        (0..100).map(|_| faults.take(request("GET", "/")).is_some()).collect::<Vec<_>>()
    };
    let count = hits(7).iter().filter(|hit| **hit).count();
    assert!((15..45).contains(&count), "{count}");
    assert_eq!(hits(7), hits(7));
    assert_ne!(hits(7), hits(8));
}

#[test]
fn every_mistake_is_answered_with_what_would_be_right_and_in_our_own_words() {
    for (body, parts) in [
        ("", ["must be a JSON object", "ends too early"]),
        ("nonsense", ["must be a JSON object", "line 1 column"]),
        ("[]", ["must be a JSON object", "this is a list"]),
        ("{}", ["'fault' is missing", "resetAfter"]),
        (r#"{"fault":7}"#, ["fault must be a text", "not a number"]),
        (r#"{"fault":"nonsense"}"#, ["there is no fault 'nonsense'", "resetAfter"]),
        (r#"{"fault":"reset","times":"x"}"#, ["whole number from 1 on", "null"]),
        (r#"{"fault":"reset","times":0}"#, ["whole number from 1 on", "not 0"]),
        (r#"{"fault":"reset","probability":2}"#, ["from 0 to 1", "not 2"]),
        (r#"{"fault":"slow","seconds":-1}"#, ["seconds must be a number from 0 to 3600", "-1"]),
        (r#"{"fault":"slow","match":"/x"}"#, ["match must be an object such as", "not a text"]),
        (r#"{"fault":"slow","match":{"paht":"/x"}}"#, ["match has no 'paht'", "method, path, route, query"]),
        (r#"{"fault":"slow","match":{"route":"VirtualMachine_Get"}}"#, ["no route 'VirtualMachine_Get'", "journal"]),
        (r#"{"fault":"slow","match":{"method":"FETCH"}}"#, ["no method 'FETCH'", "GET, HEAD, POST"]),
        (r#"{"fault":"slow","tmies":1}"#, ["a fault has no 'tmies'", "times"]),
        (r#"{"fault":"throttle","retryForm":"x"}"#, ["there is no retryForm 'x'", "x-ms-retry-after-ms"]),
        (r#"{"fault":"redirect","to":"x"}"#, ["foreign, http, self or a URL", "not 'x'"]),
        (r#"{"fault":"notFound","applied":true}"#, ["'applied' is said of internal", "notFound does not go by it"]),
        (r#"{"fault":"reset","body":"x"}"#, ["'body' is said of internal", "reset does not go by it"]),
        (r#"{"fault":"reset","seconds":1}"#, ["'seconds' is said of slow, stalledHeaders", "reset does not go by it"]),
        (r#"{"fault":"slow","minutes":1}"#, ["'minutes' is said of clockSkew;", "slow does not"]),
        (r#"{"fault":"slow","megabytes":1}"#, ["'megabytes' is said of oversizedBody;", "slow does not"]),
        (r#"{"fault":"forbidden","retryAfter":0}"#, ["'retryAfter' is said of throttle", "forbidden does not"]),
        (r#"{"fault":"reset","retryAfter":1}"#, ["'retryAfter' is said of throttle", "reset does not"]),
        (r#"{"fault":"stalledHeaders","retryAfter":1}"#, ["'retryAfter' is said of", "stalledHeaders does not"]),
        (r#"{"fault":"html","retryForm":"date"}"#, ["'retryForm' is said of throttle", "html does not"]),
        (r#"{"fault":"html","to":"self"}"#, ["'to' is said of redirect;", "html does not"]),
        (r#"{"fault":"html","applied":1}"#, ["applied must be true or false", "not 1"]),
    ] {
        let sentence = complaint(body);
        assert!(parts.iter().all(|part| sentence.contains(part)), "{body}: {sentence}");
        for word in ["expected", "invalid type", "unknown field", "variant", "EOF"] {
            assert!(!sentence.contains(word), "{body}: {sentence}");
        }
    }
}
