//! Peers that do not keep to the protocol, and what is left of hosts that were killed.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::sync::Arc;

use ajar_core::failure::Failure;
use ajar_core::protocol::{PROTOCOL_VERSION, Reply, Request};
use ajar_runtime::hosting::Face;
use interprocess::local_socket::traits::{Listener as _, Stream as _};
use interprocess::local_socket::{GenericFilePath, ListenerOptions, Stream, ToFsName as _};

use super::{Faces, soon};

/// Where the engine says that it listens.
fn address(faces: &Faces) -> String {
    std::fs::read_to_string(faces.world.folder().engine_address()).unwrap()
}

/// Says something to the host, and reads until the host hangs up.
async fn says(address: String, text: Vec<u8>) -> String {
    let talk = tokio::task::spawn_blocking(move || {
        let stream = Stream::connect(address.as_str().to_fs_name::<GenericFilePath>().unwrap()).unwrap();
        let stream = Arc::new(stream);
        let receiver = Arc::clone(&stream);
        let heard = std::thread::spawn(move || {
            let mut heard = Vec::new();
            // An end by reset is an end.
            drop((&*receiver).read_to_end(&mut heard));
            String::from_utf8(heard).unwrap()
        });
        // The host may hang up before it has read all.
        drop((&*stream).write_all(&text));
        heard.join().unwrap()
    });
    soon(talk).await.unwrap()
}

#[tokio::test]
async fn peers_that_speak_garbage_are_dropped_and_others_are_served() {
    let faces = Faces::of(&["web"]);
    let (host, attached) = (faces.open().await, faces.open().await);
    let endless = vec![b'x'; 3 << 20];
    for text in [
        b"GET / HTTP/1.1\r\n\r\n".to_vec(),
        b"\xff\xfe\xfd\n".to_vec(),
        b"{\"say\":\"ask\",\"id\":0,\"request\":{\"ask\":\"showWindow\"}}\n".to_vec(),
        b"{\"say\":\"hello\",\"protocol\":99}\n".to_vec(),
        endless,
    ] {
        let heard = says(address(&faces), text).await;
        assert!(heard.starts_with(&greeting()), "{heard}");
    }
    assert_eq!(host.snapshot().window_wanted, 0, "who does not greet is not obeyed");
    assert_eq!(soon(attached.ask(Request::ShowWindow)).await, Reply::Done);
    soon(host.wait_for(|snapshot| snapshot.window_wanted == 1)).await.unwrap();
}

/// How each side of a connection begins.
fn greeting() -> String {
    format!("{{\"say\":\"hello\",\"protocol\":{PROTOCOL_VERSION}}}\n")
}

/// A host that says these lines to everybody and hangs up, or waits for the other to.
fn false_host(faces: &Faces, lines: String) -> std::fs::File {
    let folder = faces.world.folder();
    folder.create().unwrap();
    let lock = std::fs::File::create(folder.engine_lock()).unwrap();
    lock.lock().unwrap();
    let name = if cfg!(windows) {
        format!(r"\\.\pipe\ajar-test-{}-{}", std::process::id(), faces.world.home.path().file_name().unwrap().display())
    } else {
        faces.world.home.path().join("s").to_str().unwrap().to_owned()
    };
    std::fs::write(folder.engine_address(), &name).unwrap();
    let options = ListenerOptions::new().name(name.to_fs_name::<GenericFilePath>().unwrap());
    let listener = options.create_sync().unwrap();
    std::thread::spawn(move || {
        while let Ok(stream) = listener.accept() {
            let mut stream = BufReader::new(stream);
            stream.get_mut().write_all(lines.as_bytes()).unwrap();
            let mut greeting = String::new();
            drop(stream.read_line(&mut greeting));
            if lines.is_empty() {
                // It has nothing to say, and does not hang up either.
                drop(stream.read_to_string(&mut greeting));
            }
        }
    });
    lock
}

#[tokio::test]
async fn a_host_of_another_version_is_named_as_such() {
    let faces = Faces::of(&["web"]);
    let running = PROTOCOL_VERSION + 1;
    let _lock = false_host(&faces, format!("{{\"say\":\"hello\",\"protocol\":{running}}}\n"));
    let trouble = soon(Face::open(faces.opening())).await.unwrap_err();
    assert_eq!(trouble.failure, Failure::OtherVersion { running, ours: PROTOCOL_VERSION });
}

#[tokio::test(start_paused = true)]
async fn a_host_that_says_nothing_is_named_with_its_process() {
    let faces = Faces::of(&["web"]);
    let _lock = false_host(&faces, String::new());
    let trouble = Face::open(faces.opening()).await.unwrap_err();
    let pid = cfg!(any(target_os = "linux", windows)).then(std::process::id);
    assert_eq!(trouble.failure, Failure::HostSilent { pid });
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let faces = Faces::of(&["web"]);
    let folder = faces.world.folder();
    folder.create().unwrap();
    // A folder in the place of the file: refused to everybody, root included.
    std::fs::create_dir(folder.engine_lock()).unwrap();
    let trouble = soon(Face::open(faces.opening())).await.unwrap_err();
    let Failure::Settings { path, .. } = trouble.failure else { panic!("{trouble:?}") };
    assert_eq!(path, folder.engine_lock().display().to_string());
}

#[tokio::test]
async fn a_host_that_makes_no_sense_is_given_up_after_a_few_tries() {
    let faces = Faces::of(&["web"]);
    let _lock = false_host(&faces, format!("{}{{\"say\":\"snapshot\",\"snapshot\":{{}}}}\n", greeting()));
    let trouble = soon(Face::open(faces.opening())).await.unwrap_err();
    assert!(format!("{:?}", trouble.failure).contains("cannot be understood"), "{:?}", trouble.failure);
    assert_eq!(faces.engines(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn socket_and_folder_are_this_users_alone() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let faces = Faces::of(&["web"]);
    let _host = faces.open().await;
    let socket = std::path::PathBuf::from(address(&faces));
    let mode = |path: &std::path::Path| std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().unwrap()), 0o700);
    assert_eq!(std::fs::metadata(&socket).unwrap().uid(), rustix::process::geteuid().as_raw());
}

#[cfg(unix)]
#[tokio::test]
async fn the_socket_of_a_host_that_was_killed_is_replaced() {
    let faces = Faces::of(&["web"]);
    drop(faces.open().await);
    // Its end, as far as this test is concerned.
    let lock = std::fs::File::open(faces.world.folder().engine_lock()).unwrap();
    soon(tokio::task::spawn_blocking(move || lock.lock())).await.unwrap().unwrap();
    let socket = address(&faces);
    drop(std::fs::remove_file(&socket));
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(std::path::Path::new(&socket).exists(), "left behind, and nobody listens");
    let (_host, attached) = (faces.open().await, faces.open().await);
    assert_eq!(address(&faces), socket);
    assert_eq!(soon(attached.ask(Request::ShowWindow)).await, Reply::Done);
}

#[cfg(unix)]
#[tokio::test]
async fn two_ways_to_one_folder_lead_to_one_engine() {
    let faces = Faces::of(&["web"]);
    let _host = faces.open().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(faces.world.home.path(), &link).unwrap();
    let opening = ajar_runtime::hosting::Opening { folder: ajar_runtime::files::Folder::at(&link), ..faces.opening() };
    let attached = soon(Face::open(opening)).await.unwrap();
    assert_eq!(soon(attached.ask(Request::ShowWindow)).await, Reply::Done);
    assert_eq!(faces.engines(), 1);
}
