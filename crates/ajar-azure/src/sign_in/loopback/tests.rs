use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const STATE: &str = "the-right-state";

/// What a browser gets that sends `request` to `address`.
async fn exchange(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = Vec::new();
    // A server that has read enough may close while more is sent.
    drop(stream.write_all(request.as_bytes()).await);
    drop(stream.read_to_end(&mut answer).await);
    String::from_utf8(answer).unwrap()
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// Sends all of `requests` one after the other, then the right one; gives the answers and what came of it.
async fn coming_back(requests: &[String], right: &str) -> (Vec<String>, Callback) {
    let loopback = Loopback::bind().await.unwrap();
    let address = loopback.listeners[0].local_addr().unwrap();
    let browser = async {
        let mut answers = Vec::new();
        for request in requests {
            answers.push(exchange(address, request).await);
        }
        answers.push(exchange(address, &get(right)).await);
        answers
    };
    tokio::join!(browser, loopback.callback(STATE))
}

#[tokio::test]
async fn the_code_comes_back_on_both_loopback_addresses() {
    for family in 0..2 {
        let loopback = Loopback::bind().await.unwrap();
        let Some(listener) = loopback.listeners.get(family) else {
            assert_eq!(family, 1, "this machine has no loopback address");
            continue;
        };
        let address = listener.local_addr().unwrap();
        assert_eq!(loopback.redirect_uri(), format!("http://localhost:{}", address.port()));
        let request = get(&format!("/?code=the-c0de&state={STATE}&session_state=x"));
        let (answer, callback) = tokio::join!(exchange(address, &request), loopback.callback(STATE));
        let Callback::Code(code) = callback else { panic!("{callback:?}") };
        assert_eq!(code.secret(), "the-c0de");
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.contains("You can close this page"), "{answer}");
        let answer = answer.to_ascii_lowercase();
        assert!(answer.contains("referrer-policy: no-referrer") && answer.contains("cache-control: no-store"));
        assert!(!answer.contains("c0de") && !answer.contains(STATE), "the page repeats what came: {answer}");
    }
}

#[tokio::test]
async fn who_comes_with_a_wrong_state_or_for_something_else_changes_nothing() {
    let wrong = [
        ("/?code=stolen&state=another", "400"),
        ("/?code=stolen", "400"),
        (&format!("/?code=stolen&state={STATE}&state={STATE}"), "400"),
        (&format!("/?code=a&code=b&state={STATE}"), "400"),
        (&format!("/?code=a&error=b&state={STATE}"), "400"),
        (&format!("/?state={STATE}"), "400"),
        (&format!("/callback?code=stolen&state={STATE}"), "404"),
        ("/favicon.ico", "404"),
    ];
    let mut requests: Vec<_> = wrong.iter().map(|(target, _)| get(target)).collect();
    requests.push(format!("POST /?code=stolen&state={STATE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"));
    let (answers, callback) = coming_back(&requests, &format!("/?code=ours&state={STATE}")).await;
    for ((target, status), answer) in wrong.iter().zip(&answers) {
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{target}: {answer}");
        assert!(!answer.contains("stolen"), "{target}: {answer}");
    }
    assert!(answers[wrong.len()].starts_with("HTTP/1.1 404"), "{answers:?}");
    let Callback::Code(code) = callback else { panic!("{callback:?}") };
    assert_eq!(code.secret(), "ours");
}

#[tokio::test]
async fn long_requests_and_noise_are_turned_away_and_a_silent_connection_keeps_nobody_waiting() {
    let loopback = Loopback::bind().await.unwrap();
    let address = loopback.listeners[0].local_addr().unwrap();
    let long = get(&format!("/?code={}&state={STATE}", "x".repeat(LONGEST_REQUEST)));
    let browser = async {
        let silent = TcpStream::connect(address).await.unwrap();
        let too_long = exchange(address, &long).await;
        let noise = exchange(address, "\u{0}\u{1}not http\r\n\r\n").await;
        let right = exchange(address, &get(&format!("/?code=ours&state={STATE}"))).await;
        drop(silent);
        (too_long, noise, right)
    };
    let ((too_long, noise, right), callback) = tokio::join!(browser, loopback.callback(STATE));
    assert!(!too_long.contains("200 OK"), "{too_long}");
    assert!(!noise.contains("200 OK"), "{noise}");
    assert!(right.contains("200 OK"), "{right}");
    assert!(matches!(callback, Callback::Code(code) if code.secret() == "ours"));
}

#[tokio::test]
async fn a_house_full_of_silent_visitors_keeps_nobody_out() {
    let loopback = Loopback::bind().await.unwrap();
    let address = loopback.listeners[0].local_addr().unwrap();
    let browser = async {
        let mut silent = Vec::new();
        for _ in 0..5 * MOST_CONNECTIONS {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(b"GET /").await.unwrap();
            silent.push(stream);
        }
        exchange(address, &get(&format!("/?code=c&state={STATE}"))).await
    };
    let both = async { tokio::join!(browser, loopback.callback(STATE)) };
    let (answer, _) = tokio::time::timeout(LONGEST_CONNECTION / 2, both).await.expect("it was let in at once");
    assert!(answer.contains("200 OK"), "{answer}");
}

#[tokio::test]
async fn a_refusal_comes_back_with_its_names_and_its_sentence_is_not_shown() {
    let target =
        format!("/?error=access_denied&error_subcode=cancel&error_description=%3Cb%3EAADSTS65004&state={STATE}");
    let (answers, callback) = coming_back(&[], &target).await;
    let Callback::Refused(refusal) = callback else { panic!("{callback:?}") };
    assert_eq!((refusal.error.as_str(), refusal.suberror.as_str()), ("access_denied", "cancel"));
    assert!(answers[0].contains("Not signed in") && !answers[0].contains("AADSTS"), "{answers:?}");
}

#[tokio::test]
async fn a_port_that_another_program_has_on_either_address_is_not_used() {
    let families = Loopback::bind().await.unwrap().listeners.len();
    for family in 0..families {
        let mut both = Loopback::bind().await.unwrap();
        let taken = both.listeners.swap_remove(family);
        let port = both.port;
        drop(both);
        let error = Loopback::bind_on(port).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse, "{taken:?}");
    }
}

#[tokio::test]
async fn a_late_callback_of_an_older_sign_in_does_not_end_the_newer_one() {
    let older = Loopback::bind().await.unwrap();
    let port = older.port;
    drop(older);
    // The worst case: the newer one has got the same port.
    let newer = Loopback::bind_on(port).await.unwrap();
    let address = newer.listeners[0].local_addr().unwrap();
    let browser = async {
        let late = exchange(address, &get("/?code=old&state=the-older-state")).await;
        (late, exchange(address, &get(&format!("/?code=new&state={STATE}"))).await)
    };
    let ((late, _), callback) = tokio::join!(browser, newer.callback(STATE));
    assert!(late.starts_with("HTTP/1.1 400") && late.contains("a newer one may be open"), "{late}");
    assert!(matches!(callback, Callback::Code(code) if code.secret() == "new"));
}
