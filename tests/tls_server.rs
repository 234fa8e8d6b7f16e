//! An HTTPS server of the test's own, whose answers are as wrong as the test wants them.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, Stream};

/// A connection on which a request has come.
pub(crate) trait Connection: Read + Write {}

impl<T: Read + Write> Connection for T {}

/// What writes the answer to a request, head and body.
type Answer = Box<dyn Fn(&str, &mut dyn Connection) -> io::Result<()> + Send>;

/// A server over TLS that notes what it is asked.
pub(crate) struct Server {
    pub(crate) url: String,
    /// The certificate to trust.
    pub(crate) pem: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Answers each request by `answer`, and then hangs up.
    pub(crate) fn start(answer: impl Fn(&str, &mut dyn Connection) -> io::Result<()> + Send + 'static) -> Self {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("TLS");
        let config =
            config.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key.into()).expect("they fit");
        let config = Arc::new(config);
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let url = format!("https://{}", listener.local_addr().expect("it listens"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noting = Arc::clone(&asked);
        let answer: Answer = Box::new(answer);
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                // A client that hangs up is none of its business.
                let _hung_up = serve(connection.expect("somebody connects"), Arc::clone(&config), &answer, &noting);
            }
        });
        Self { url, pem: made.cert.pem(), asked }
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(
    mut connection: TcpStream,
    config: Arc<ServerConfig>,
    answer: &Answer,
    asked: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut tls = Stream::new(&mut session, &mut connection);
    let request = read(&mut tls)?;
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
    answer(&request, &mut tls)?;
    tls.conn.send_close_notify();
    tls.flush()
}

/// A request, head and body.
fn read(tls: &mut impl Read) -> io::Result<String> {
    let mut request = Vec::new();
    loop {
        let mut byte = [0];
        tls.read_exact(&mut byte)?;
        request.extend(byte);
        if let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") {
            let text = String::from_utf8_lossy(&request[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
            let body: usize = length.map_or(0, |length| length.trim().parse().unwrap_or_default());
            if request.len() == head + 4 + body {
                return Ok(String::from_utf8_lossy(&request).into_owned());
            }
        }
    }
}
