//! Whole files, as other programs write them, and files that nobody has written.

use proptest::prelude::*;

use super::*;
use crate::message::exchange as words;

fn read_sample(bytes: &[u8], name: &str) -> Result<Reading, Problem> {
    read(bytes, name, None, &mut |_| None)
}

/// What is read of a file, line by line.
fn told(bytes: &[u8], name: &str) -> String {
    let Reading { format, entries, left_out } = read_sample(bytes, name).unwrap();
    let entry = |entry: &Entry| match entry {
        Entry::Host(host) => {
            let more =
                [("user", &host.user), ("key", &host.identity_file), ("folder", &host.folder), ("note", &host.note)];
            let more = more.into_iter().filter_map(|(key, value)| Some(format!(", {key} {}", value.as_ref()?)));
            let port = host.port();
            format!("{}: {} {} port {port}{}", host.label, host.protocol, host.address, more.collect::<String>())
        }
        Entry::Favourite { name, profile } => format!("{name}: {}", profile.vm),
    };
    let head = format!("{}:", words::format(format));
    let left_out = words::left_out(&left_out, |_| None);
    std::iter::once(head).chain(entries.iter().map(entry)).chain(left_out).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_file_of_each_program_is_known_by_what_is_in_it_and_read() {
    let (utf_8, utf_16) = (include_bytes!("samples/utf8.rdp"), include_bytes!("samples/utf16.rdp"));
    insta::assert_snapshot!("rdp", told(utf_16, "build win"));
    assert_eq!(told(utf_8, "build win"), told(utf_16, "build win"));
    insta::assert_snapshot!("ssh_config", told(include_bytes!("samples/ssh_config"), "config"));
    insta::assert_snapshot!("mremoteng", told(include_bytes!("samples/confCons.xml"), "confCons"));
    insta::assert_snapshot!("rdcman", told(include_bytes!("samples/servers.rdg"), "servers"));
}

#[test]
fn what_is_encrypted_no_text_or_nothing_that_is_known_is_refused() {
    let whole = String::from_utf8(include_bytes!("samples/confCons.xml").to_vec()).unwrap();
    let whole = whole.replace("FullFileEncryption=\"false\"", "FullFileEncryption=\"true\"");
    let long = "x".repeat(MAX_BYTES + 1);
    for (bytes, problem) in [
        (whole.as_bytes(), Problem::Encrypted),
        (&[0xff, 0xfe, 0x00][..], Problem::NoText),
        (&[0x00, 0xd8, 0x01][..], Problem::NoText),
        (b"a\0b", Problem::NoText),
        (b"", Problem::UnknownFormat),
        (b"hello\n", Problem::UnknownFormat),
        (b"<html></html>", Problem::UnknownFormat),
        (b"schema_version = 1\n", Problem::NoVersion),
        (long.as_bytes(), Problem::TooLong),
    ] {
        assert_eq!(read_sample(bytes, "x"), Err(problem), "{:?}", bytes.get(..20));
    }
}

#[test]
fn what_a_file_says_can_be_shown_without_a_terminal_obeying_it() {
    let shown = words::quoted(&format!("\u{1b}[2J\r\nweb\u{202e}{}", "x".repeat(200)));
    assert!(shown.chars().count() == 81 && shown.ends_with('…'), "{shown}");
    assert!(!shown.chars().any(|c| c.is_control() || c == '\u{202e}'), "{shown}");
}

/// Files that are nearly right: samples with something put in or taken out.
fn nearly() -> impl Strategy<Value = Vec<u8>> {
    let samples: [&[u8]; 5] = [
        include_bytes!("samples/utf16.rdp"),
        include_bytes!("samples/utf8.rdp"),
        include_bytes!("samples/ssh_config"),
        include_bytes!("samples/confCons.xml"),
        include_bytes!("samples/servers.rdg"),
    ];
    let own = b"ajar_export = 1\n[profiles.a]\nvm = \"/subscriptions/s/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v\"\n";
    let sample = (0..=samples.len()).prop_map(move |number| samples.get(number).copied().unwrap_or(own).to_vec());
    (sample, any::<prop::sample::Index>(), 0_usize..20, proptest::collection::vec(any::<u8>(), 0..8)).prop_map(
        |(mut bytes, at, gone, put)| {
            let at = at.index(bytes.len());
            let end = (at + gone).min(bytes.len());
            bytes.splice(at..end, put);
            bytes
        },
    )
}

fn formats() -> impl Strategy<Value = Option<Format>> {
    prop_oneof![
        Just(None),
        Just(Some(Format::Ajar)),
        Just(Some(Format::Rdp)),
        Just(Some(Format::SshConfig)),
        Just(Some(Format::MRemoteNg)),
        Just(Some(Format::RdcMan)),
    ]
}

proptest! {
    #[test]
    fn no_bytes_end_a_reader_or_make_more_favourites_than_may_be(
        bytes in prop_oneof![nearly(), proptest::collection::vec(any::<u8>(), 0..400), "\\PC{0,200}".prop_map(String::into_bytes)],
        format in formats(),
    ) {
        let includes = String::from_utf8_lossy(&bytes).into_owned();
        if let Ok(reading) = read(&bytes, "name", format, &mut |_| Some(vec![includes.clone()])) {
            prop_assert!(reading.entries.len() <= MAX_ENTRIES);
            let told = words::left_out(&reading.left_out, |_| None);
            prop_assert!(told.iter().all(|told| !told.contains(char::is_control)));
        }
    }
}
