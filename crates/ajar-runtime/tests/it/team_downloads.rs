//! Files of teams that are really served, over TLS.

use std::sync::atomic::{AtomicBool, Ordering};

use ajar_core::team::{TeamPlace, TeamProblem, TeamUrl};
use ajar_runtime::adapters::HttpsTeamDownloads;
use ajar_runtime::ports::{Downloaded, TeamDownloads as _, Validators};

use crate::tls_server::Server;

fn url(text: &str) -> TeamUrl {
    let TeamPlace::Url(url) = text.parse().unwrap() else { panic!("{text}") };
    url
}

async fn got(server: &Server, path: &str, known: &Validators) -> Result<Downloaded, TeamProblem> {
    let downloads = HttpsTeamDownloads::trusting(server.pem.as_bytes()).unwrap();
    downloads.download(&url(&format!("{}{path}", server.url)), known).await
}

#[tokio::test]
async fn a_file_is_asked_for_with_what_is_known_of_it() {
    let server = Server::start(|request, to| {
        if request.to_ascii_lowercase().contains("if-none-match: \"7\"") {
            return write!(to, "HTTP/1.1 304 Not Modified\r\n\r\n");
        }
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\netag: \"7\"\r\nlast-modified: Sun, 29 Nov 2026 10:00:00 GMT\r\n\r\n";
        write!(to, "{head}text")
    });
    let Ok(Downloaded::New { bytes, validators }) = got(&server, "/t?sig=hunter2", &Validators::default()).await else {
        panic!("{:?}", server.asked());
    };
    assert_eq!((&bytes[..], validators.etag.as_deref()), (&b"text"[..], Some("\"7\"")));
    assert_eq!(got(&server, "/t?sig=hunter2", &validators).await, Ok(Downloaded::Same));
    let asked = server.asked().pop().unwrap();
    assert!(asked.starts_with("GET /t?sig=hunter2 HTTP/1.1\r\n"), "{asked}");
    assert!(asked.to_ascii_lowercase().contains("if-modified-since: sun, 29 nov 2026 10:00:00 gmt"), "{asked}");
}

#[tokio::test]
async fn whatever_else_is_answered_is_told_as_such() {
    for (answer, told) in [
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", TeamProblem::Status(404)),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", TeamProblem::Status(403)),
        // Nothing was said that it could be the same as.
        ("HTTP/1.1 304 Not Modified\r\n\r\n", TeamProblem::Status(304)),
        ("HTTP/1.1 204 No Content\r\n\r\n", TeamProblem::Status(204)),
        (
            "HTTP/1.1 302 Found\r\nlocation: /t?again\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
            TeamProblem::Unreachable("too many redirects".into()),
        ),
        (
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/t\r\ncontent-length: 0\r\n\r\n",
            TeamProblem::Unreachable("URL scheme is not allowed".into()),
        ),
        ("HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n", TeamProblem::Status(302)),
    ] {
        let server = Server::start(move |_, to| write!(to, "{answer}"));
        assert_eq!(got(&server, "/t?sig=hunter2", &Validators::default()).await, Err(told), "{answer}");
    }
}

#[tokio::test]
async fn a_body_without_an_end_is_not_read_to_it() {
    let server = Server::start(|_, to| {
        write!(to, "HTTP/1.1 200 OK\r\n\r\n")?;
        let part = "#".repeat(64 << 10);
        loop {
            to.write_all(part.as_bytes())?;
        }
    });
    assert_eq!(got(&server, "/t", &Validators::default()).await, Err(TeamProblem::TooLong));
}

#[tokio::test]
async fn where_one_is_led_on_nobody_hears_the_address_that_was_asked_first() {
    let is_first = AtomicBool::new(true);
    let server = Server::start(move |_, to| {
        if is_first.swap(false, Ordering::Relaxed) {
            write!(to, "HTTP/1.1 302 Found\r\nlocation: /elsewhere\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        } else {
            write!(to, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        }
    });
    assert!(got(&server, "/t?sig=hunter2", &Validators::default()).await.is_ok());
    let asked = server.asked();
    assert_eq!((asked.len(), asked[1].contains("hunter2")), (2, false), "{asked:?}");
}

#[tokio::test]
async fn who_is_not_trusted_or_not_there_is_told_without_the_address() {
    let (server, other) = (Server::start(|_, to| write!(to, "HTTP/1.1 200 OK\r\n\r\n")), Server::start(|_, _| Ok(())));
    let trusting = HttpsTeamDownloads::trusting(other.pem.as_bytes()).unwrap();
    for place in [format!("{}/t?sig=hunter2", server.url), "https://127.0.0.1:1/t?sig=hunter2".to_owned()] {
        let told = trusting.download(&url(&place), &Validators::default()).await.unwrap_err();
        let TeamProblem::Unreachable(detail) = &told else { panic!("{told:?}") };
        assert!(!detail.contains("hunter2") && !detail.contains("127.0.0.1"), "{detail}");
    }
    assert_eq!(server.asked(), Vec::<String>::new());
}
