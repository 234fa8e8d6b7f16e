//! The words about favourites that come from elsewhere or go there.

use std::collections::HashMap;

use super::shown;
use crate::exchange::matching::By;
use crate::exchange::plan::{Difference, OnConflict, Standing};
use crate::exchange::{Format, LeftOut, MAX_BYTES, MAX_ENTRIES, Problem, Sharing, Why};

/// What stands at the head of a file of favourites.
pub fn head(sharing: Sharing) -> impl Iterator<Item = &'static str> {
    let lines = match sharing {
        Sharing::WithOthers => {
            ["Favourites of Ajar, to be handed on. There are no secrets in it.", "To take them in: ajar import FILE"]
        }
        Sharing::Personal => [
            "Favourites of Ajar, with what is yours alone: for another machine of yours. There are no secrets in it.",
            "To take them in there: ajar import FILE --personal",
        ],
    };
    lines.into_iter()
}

/// A text out of somebody’s file, as it can be shown: on one line, without what a terminal would obey, and not too long.
pub fn quoted(text: &str) -> String {
    shown(text, 80)
}

/// What kind of file it is.
pub fn format(format: Format) -> &'static str {
    match format {
        Format::Ajar => "favourites of Ajar",
        Format::Rdp => "a connection of Remote Desktop",
        Format::SshConfig => "ssh’s configuration",
        Format::MRemoteNg => "connections of mRemoteNG",
        Format::RdcMan => "servers of RDCMan",
    }
}

/// Why a whole file is refused, to stand behind its name.
pub fn problem(problem: &Problem) -> String {
    match problem {
        Problem::TooLong => format!("it is longer than hosts take ({} MiB, ssh’s configuration 1 MiB)", MAX_BYTES >> 20),
        Problem::TooMany => format!("it has more than {MAX_ENTRIES} hosts; take in a part of it"),
        Problem::NoText => "it is no text, neither in UTF-8 nor in UTF-16".into(),
        Problem::UnknownFormat => "it is none of the files that Ajar knows: favourites of Ajar, .rdp, ssh’s configuration, \
             mRemoteNG’s confCons.xml, RDCMan’s .rdg. Where it is one of them, say which with --format"
            .into(),
        Problem::NoVersion => {
            "it does not say that it was written by “ajar export” (ajar_export = 1). Have its owner do that: config.toml itself \
             is one person’s own"
                .into()
        }
        Problem::Newer { version } => {
            format!("it comes from a newer Ajar (ajar_export = {version}; this one knows 1). Get that one, or an older file")
        }
        Problem::Encrypted => "it is encrypted as a whole. In mRemoteNG, switch “Encrypt complete connection file” off, or export the \
             connections without it"
            .into(),
        Problem::DocumentType => "it declares a document type (DOCTYPE), which such files do not".into(),
        Problem::TooDeep => "its elements lie too deep within each other".into(),
        Problem::Malformed { line, column, detail } => format!("line {line}, column {column}: {}", shown(detail.trim(), 400)),
    }
}

/// What is not taken in, and why, each reason once; `unfit` is why something could not be opened, where that is it.
pub fn left_out<'l>(
    left: impl IntoIterator<Item = &'l LeftOut>,
    unfit: impl Fn(&LeftOut) -> Option<String>,
) -> Vec<String> {
    by_reason(left, |left| why(&left.why, unfit(left).as_deref()))
}

/// The same where no command line says whose the file is: in the window, and of a team’s file.
pub fn left_out_of_others<'l>(
    left: impl IntoIterator<Item = &'l LeftOut>,
    unfit: impl Fn(&LeftOut) -> Option<String>,
) -> Vec<String> {
    let reason = |left: &LeftOut| {
        if left.why == Why::Personal { OWNERS_TO_SAY.to_owned() } else { why(&left.why, unfit(left).as_deref()) }
    };
    by_reason(left, reason)
}

/// What is left out for the same reason, in one sentence; in the order in which the reasons come up.
fn by_reason<'l>(left: impl IntoIterator<Item = &'l LeftOut>, why: impl Fn(&LeftOut) -> String) -> Vec<String> {
    let (mut sentences, mut known) = (Vec::<(String, Vec<String>)>::new(), HashMap::new());
    for left in left {
        let line = left.line.map(|line| format!(" (line {line})")).unwrap_or_default();
        let (reason, what) = (why(left), format!("{}{line}", quoted(&left.what)));
        let place = *known.entry(reason.clone()).or_insert_with(|| {
            sentences.push((reason, Vec::new()));
            sentences.len() - 1
        });
        sentences[place].1.push(what);
    }
    let sentence = |(reason, what): (String, Vec<String>)| {
        let are = if what.len() == 1 { "is" } else { "are" };
        format!("{} {are} left out: {reason}.", what.join(", "))
    };
    sentences.into_iter().map(sentence).collect()
}

/// What nobody says for another.
const OWNERS_TO_SAY: &str = "programs, files, forwarded ports, gateways and the agent of a machine, accounts, the address that access is asked for, and what is done by itself while a VM is used and after are their owner’s to say";

/// Why something is not taken in.
pub fn why(why: &Why, unfit: Option<&str>) -> String {
    match why {
        Why::Secret => "passwords and other secrets are taken in from no file".into(),
        Why::Unknown => "this Ajar does not know it".into(),
        Why::Personal => format!("{OWNERS_TO_SAY}; only if this file is your own: --personal"),
        Why::Cloud => "which hosts a cloud has, and so where tokens go, is for you to write into config.toml".into(),
        Why::Protocol(name) => format!("Ajar opens SSH and Remote Desktop, not {}", quoted(name)),
        Why::Gateway => "Ajar opens the VM’s own door and goes through no gateway".into(),
        Why::NoAddress => "it has no address".into(),
        Why::Pattern => "it stands for no host alone".into(),
        Why::Match => "whether it holds only ssh itself can tell, and may run something for it".into(),
        Why::Value(value) => format!("“{}” cannot be taken over", quoted(value)),
        Why::Length(length) => format!("access is asked for 5m to 24h, not for {}", quoted(length)),
        Why::OfAjar => "it is a favourite of Ajar’s already".into(),
        Why::Include => "there is no such file that can be read".into(),
        Why::Twice(name) => format!("it leads to where {} does", quoted(name)),
        Why::Unfit(_) => unfit.unwrap_or("it could not be opened").trim_end_matches('.').into(),
    }
}

/// A favourite stands twice in a file.
pub fn named_twice(name: &str) -> String {
    format!("“{name}” stands there twice: names that differ only in case are the same")
}

/// The protocol `port`, and no port.
pub fn which_port() -> &'static str {
    "protocol = \"port\" opens a port and does not say which: add port = 5432, or the like"
}

/// Port 0.
pub fn no_port() -> &'static str {
    "port = 0 is no port: use 1 to 65535"
}

/// An entity that is none of the five that XML itself has.
pub fn unknown_entity(name: &str) -> String {
    format!("“&{name};” stands for nothing here")
}

/// A document ends before its elements do, or has none.
pub fn unclosed() -> &'static str {
    "it ends before its elements do"
}

/// A document with more than one outermost element.
pub fn two_roots() -> &'static str {
    "something follows after the end"
}

/// An element with more attributes than anybody gives one.
pub fn too_many_attributes(limit: usize) -> String {
    format!("an element has more than {limit} attributes")
}

/// Over what is to be taken in.
pub const COLUMNS: [&str; 4] = ["NAME", "VM", "FOUND BY", "WHAT"];

/// By what a VM was found.
pub fn found_by(by: Option<By>) -> &'static str {
    match by {
        Some(By::Address) => "address",
        Some(By::Name) => "name",
        None => "–",
    }
}

/// How a favourite to be stands to those that are there.
pub fn standing(standing: &Standing) -> String {
    match standing {
        Standing::New => "new".into(),
        Standing::Same => "there already, just like this".into(),
        Standing::There(name) => format!("there already, as {name}"),
        Standing::OfTeam(team) => format!("favourites of the team {team} are called so"),
        Standing::Conflict { differs, .. } => {
            let differs: Vec<_> = differs.iter().map(difference).collect();
            format!("differs: {}", differs.join(", "))
        }
    }
}

/// What differs of a favourite: what is there, and what would be.
fn difference(Difference { key, mine, theirs }: &Difference) -> String {
    // Ids of VMs are long, and differ anywhere.
    const LETTERS: usize = 400;
    let told = |value: &Option<String>| value.as_deref().map_or_else(|| "–".to_owned(), |value| shown(value, LETTERS));
    format!("{key} {} → {}", told(mine), told(theirs))
}

/// A host that no known VM is like.
pub fn unmatched(label: &str, address: &str) -> String {
    format!(
        "{} is left out: no VM that your accounts see has its address or name ({}).",
        quoted(label),
        quoted(address)
    )
}

/// A host that may be one of these VMs, or none.
pub fn unclear(label: &str, address: &str, places: &[String]) -> String {
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    format!(
        "{} ({}) is left out: it may be {}, and nothing says for sure. Add it by hand: ajar add NAME --vm RESOURCE_ID",
        quoted(label),
        quoted(address),
        super::some_of(&places)
    )
}

/// Which VM a host is.
pub fn which_vm(label: &str, address: &str) -> String {
    format!("Which VM is {} ({})?", quoted(label), quoted(address))
}

/// The choice of no VM.
pub fn none_of_them() -> &'static str {
    "none of them"
}

/// What is to be done with favourites that are not like those of the same names in the file.
pub fn what_of_conflicts(names: &[&str]) -> String {
    match names {
        [one] => format!("{one} is there and differs. What now?"),
        several => format!("{} are there and differ. What now?", super::some_of(several)),
    }
}

/// What may be done where a favourite is in the way.
pub fn choice(choice: OnConflict) -> &'static str {
    match choice {
        OnConflict::Skip => "leave what is there as it is",
        OnConflict::Replace => "change mine to what the file says",
        OnConflict::Rename => "add the file’s under another name",
    }
}

/// The choice to choose for each.
pub fn one_by_one() -> &'static str {
    "decide one by one"
}

/// Whether it may be done.
pub fn may_take_in(added: usize, changed: usize) -> String {
    let add = (added > 0).then(|| format!("add {}", favourites(added)));
    let change = (changed > 0).then(|| format!("change {}", favourites(changed)));
    let all: Vec<_> = add.into_iter().chain(change).collect();
    format!("{}? [Y/n]", super::capital(&all.join(" and ")))
}

fn favourites(count: usize) -> String {
    if count == 1 { "1 favourite".into() } else { format!("{count} favourites") }
}

/// Somebody said no.
pub fn nothing_done() -> &'static str {
    "Nothing was changed."
}

/// A favourite has another name than in the file.
pub fn renamed(name: &str, another: &str) -> String {
    format!("The file’s {name} is called {another}.")
}

/// Favourites that were not changed.
pub fn left_as_they_are(names: &[String]) -> String {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    format!("Left as yours: {}.", super::some_of(&names))
}

/// What has come of it, or would.
pub fn taken_in(added: &[String], changed: &[String], dry_run: bool) -> String {
    fn list(names: &[String]) -> String {
        super::some_of(&names.iter().map(String::as_str).collect::<Vec<_>>())
    }
    let (add, change) = if dry_run { ("Would add", "Would change") } else { ("Added", "Changed") };
    let all: Vec<_> = [(add, added), (change, changed)]
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(verb, names)| format!("{verb} {}: {}.", favourites(names.len()), list(names)))
        .collect();
    if all.is_empty() { "There is nothing new to take in.".into() } else { all.join(" ") }
}

/// Favourites were written to a file.
pub fn exported(count: usize, path: &str, sharing: Sharing) -> String {
    let next = match sharing {
        Sharing::WithOthers => "Others take them in with “ajar import”.",
        Sharing::Personal => "Another machine of yours takes them in with “ajar import --personal”.",
    };
    format!("Wrote {} to {path}. {next}", favourites(count))
}

/// A file of that name is there.
pub fn is_there() -> &'static str {
    "it is there already; --force replaces it"
}

/// What is there in place of a file.
pub fn no_file() -> &'static str {
    "it is no file"
}

/// A folder without favourites.
pub fn empty_folder(folder: &str) -> String {
    format!("no favourite lies in the folder “{folder}”")
}
