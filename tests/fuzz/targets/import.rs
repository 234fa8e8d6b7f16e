//! Any bytes as a file to import: it is refused, or what is taken of it can be opened on this system and is written and read
//! again as it is. The first byte says as which kind of file it is read.

#![no_main]

use ajar_core::account::Defaults;
use ajar_core::exchange::plan::{Candidate, OnConflict, changes, rows};
use ajar_core::exchange::{Entry, Format, Sharing, read, written};
use ajar_core::launch::{Os, vet};
use ajar_core::settings::Settings;
use libfuzzer_sys::fuzz_target;

const FORMATS: [Option<Format>; 6] = [
    None,
    Some(Format::Ajar),
    Some(Format::Rdp),
    Some(Format::SshConfig),
    Some(Format::MRemoteNg),
    Some(Format::RdcMan),
];

fuzz_target!(|data: &[u8]| {
    let Some((kind, bytes)) = data.split_first() else { return };
    let format = FORMATS[usize::from(*kind) % FORMATS.len()];
    // Whatever it includes is the file once more: that must end, too.
    let mut again = |_: &str| Some(vec![String::from_utf8_lossy(bytes).into_owned()]);
    let Ok(reading) = read(bytes, "shared", format, &mut again) else { return };
    let (settings, defaults) = (Settings::default(), Defaults::default());
    let candidates = reading.entries.into_iter().filter_map(|entry| match entry {
        Entry::Favourite { name, profile } => {
            Some(Candidate::shared(name, *profile, Sharing::WithOthers, &settings, &defaults).0)
        }
        Entry::Host(_) => None,
    });
    let (rows, _) = rows(candidates.collect(), &settings, &defaults);
    let taken = changes(&rows, &settings, |_| OnConflict::Rename).add;
    for favourite in &taken {
        let profile = &favourite.profile;
        assert!(vet(favourite.name.as_str(), profile, Os::current()).is_ok(), "{favourite:?}");
        let foreign = [&profile.client, &profile.identity_file, &profile.known_hosts_file];
        assert!(foreign.iter().all(|of_this_machine| of_this_machine.is_none()), "{favourite:?}");
        assert!(profile.account.is_none() && profile.source.is_none(), "{favourite:?}");
    }
    let text = written(&taken, Sharing::WithOthers);
    let again = read(text.as_bytes(), "shared", Some(Format::Ajar), &mut |_| None).expect("what Ajar writes it reads");
    assert_eq!(again.entries.len(), taken.len(), "{text}");
});
