//! Words for what is wrong on this machine, or was asked of it.

use chrono::{DateTime, Utc};

use super::{About, NO_FAVOURITE, Words, words};
use crate::failure::CertificateFlaw;
use crate::message::files;
use crate::message::{capital, moment, sentence, shown, some_of};

pub(super) fn client_not_found(name: &str, program: &str) -> Words {
    words(
        format!("There is no program to open {name} with."),
        format!("{program} was not found. Any other client can use the port once it is open."),
        "Install it, or name another: the favourite’s own `client`, or in config.toml under [clients].",
    )
}

pub(super) fn client_failed(program: &str, detail: &str) -> Words {
    words(
        format!("{program} did not start."),
        format!("{}. Any other client can use the port once it is open.", detail.trim_end_matches('.')),
        "Try again, or name another program: the favourite’s own `client`, or in config.toml under [clients].",
    )
}

pub(super) fn no_certificate(flaw: &CertificateFlaw) -> Words {
    let (title, message, action) = match flaw {
        CertificateFlaw::NoKey(key) => (
            "There is no RSA key to log in by Entra with.",
            format!("Entra gives a certificate for one, and there is none at {key} with its public part beside it."),
            format!(
                "Make one with “ssh-keygen -t rsa -b 3072 -f \"{key}\"”, name another as identity_file, or take entra_login out."
            ),
        ),
        CertificateFlaw::NoAz => (
            "There is no Azure CLI to log in by Entra with.",
            "It asks Entra for a certificate, and “az” was not found.".into(),
            "Install the Azure CLI and sign in with “az login”, or take entra_login out.".into(),
        ),
        CertificateFlaw::NoExtension => (
            "The Azure CLI lacks its extension “ssh”.",
            "By that it asks Entra for a certificate to log in by.".into(),
            "Install it with “az extension add --name ssh”.".into(),
        ),
        CertificateFlaw::SignedOut => (
            "Nobody is signed in to the Azure CLI.",
            "It asks Entra for a certificate to log in by, as whoever is signed in there.".into(),
            "Sign in with “az login”.".into(),
        ),
        CertificateFlaw::Failed(said) if said.is_empty() => (
            "The Azure CLI gave no certificate to log in by, and no reason.",
            "It asks Entra for one, and failed.".into(),
            "Run “az ssh cert --file cert.pub --public-key-file ~/.ssh/id_rsa.pub” to see what it makes.".into(),
        ),
        CertificateFlaw::Failed(said) => (
            "The Azure CLI gave no certificate to log in by.",
            format!("It says: {}", sentence(&shown(said, MOST_SAID))),
            "Try again; or run “az login”, if it asks for that.".into(),
        ),
    };
    words(title, message, action).help(CERTIFICATE_HELP)
}

/// How people log in to Linux VMs by Entra.
const CERTIFICATE_HELP: &str = "https://learn.microsoft.com/entra/identity/devices/howto-vm-sign-in-azure-ad-linux";

/// As much of what the Azure CLI says is shown.
const MOST_SAID: usize = 300;

pub(super) fn name_leads_elsewhere(name: &str, address: &str) -> Words {
    words(
        format!("“{name}” does not lead to the VM from here."),
        format!(
            "Entra logs in by the VM’s name alone, which has to lead to {address}. The port is open for any other client."
        ),
        format!(
            "Have the name lead there, with a line “{address} {name}” in this machine’s hosts file or in your DNS; or take entra_login out."
        ),
    )
}

pub(super) fn cancelled(about: &About<'_>, open_until: Option<DateTime<Utc>>, asking: bool, starting: bool) -> Words {
    words(
        format!("Cancelled opening {}.", about.name),
        left_behind(about, open_until, asking, starting),
        "Connect again whenever you like.",
    )
}

pub(super) fn favourite_removed(
    about: &About<'_>,
    open_until: Option<DateTime<Utc>>,
    asking: bool,
    starting: bool,
) -> Words {
    let name = about.name;
    words(
        format!("{name} was removed from the favourites while it was being opened."),
        left_behind(about, open_until, asking, starting),
        format!("To open it all the same, add it with “ajar add {name} --vm RESOURCE_ID” and connect again."),
    )
    .in_window("To open it all the same, add it and connect again.")
}

/// What goes on in Azure after an attempt was given up.
fn left_behind(about: &About<'_>, open_until: Option<DateTime<Utc>>, asking: bool, starting: bool) -> String {
    let mut stays = Vec::new();
    if let Some(end) = open_until {
        stays.push(format!("Azure keeps the port open until {}.", moment(end, about.zone)));
    }
    if asking {
        let may = if open_until.is_some() { "keep it open longer" } else { "open the port" };
        stays.push(format!("A request was on its way; Azure may still {may} for it."));
    }
    if starting {
        stays.push("The VM was told to start and stays on.".to_owned());
    }
    if stays.is_empty() {
        stays.push("Nothing was opened and nothing was started.".to_owned());
    }
    stays.join(" ")
}

pub(super) fn end_unseen(name: &str) -> Words {
    words(
        format!("Opening {name} has ended, and how is not known here."),
        "Its end was dismissed elsewhere before this Ajar heard of it.",
        "See what is open with “ajar status”, then connect again if need be.",
    )
}

pub(super) fn left(name: &str) -> Words {
    words(
        format!("Left opening {name} to the others."),
        "It was asked for elsewhere too, so it goes on there.",
        format!("“ajar cancel {name}” ends it for all."),
    )
}

pub(super) fn unknown_favourite(name: &str, similar: &[String]) -> Words {
    let name = &crate::message::shown(name, 100);
    words(
        format!("There is no favourite called “{name}”."),
        match similar {
            [] => "It was removed or renamed, or it never was one.".into(),
            names => format!("Did you mean {}?", names.join(" or ")),
        },
        format!("Look for its VM with “ajar list {name}”."),
    )
    .in_window("Look for its VM by typing a part of its name.")
}

pub(super) fn unknown_vm(name: &str, ids: &[String]) -> Words {
    if ids.is_empty() {
        return words(
            format!("No VM called “{name}” is known."),
            "It may be called otherwise, or your accounts do not see it.",
            format!("Look for it with “ajar list {name}”, or give its resource ID: --vm RESOURCE_ID."),
        )
        .in_window("Look for it by typing a part of its name, or give its resource ID.");
    }
    words(
        format!("There is more than one VM called “{name}”."),
        format!("They are {}.", ids.join(" and ")),
        "Give the resource ID of the one that is meant: --vm RESOURCE_ID.",
    )
    .in_window("Give the resource ID of the one that is meant.")
}

pub(super) fn favourite_exists(name: &str) -> Words {
    words(
        format!("There is a favourite called “{name}” already."),
        "Nothing was changed.",
        format!("Choose another name, or remove it first with “ajar remove {name}”."),
    )
    .in_window("Choose another name, or remove that one first.")
}

pub(super) fn being_opened(name: &str) -> Words {
    words(
        format!("{name} is being opened, and keeps its name meanwhile."),
        "Nothing was changed.",
        "Wait until it is open, or cancel it; then change its name.",
    )
}

pub(super) fn ssh_config(path: &str, detail: &str) -> Words {
    words(
        "ssh’s configuration cannot be changed.",
        format!("{path}: {detail}."),
        "Put that right, then try again; or write yourself what “ajar ssh-config print” shows.",
    )
    .in_window("Put that right, then try again.")
}

pub(super) fn file_unfit(path: &str, detail: &str) -> Words {
    words(
        format!("Nothing can be done with {path}."),
        format!("{}. Nothing was changed.", capital(detail.trim_end_matches('.'))),
        if files::is_write_protected(detail) {
            "Make it writable or choose another file, then try again."
        } else {
            "Put that right or choose another file, then try again."
        },
    )
}

pub(super) fn import_conflicts(names: &[String]) -> Words {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    words(
        format!("There are other favourites of these names: {}.", some_of(&names)),
        "Nothing was taken in: nobody has said what to do where a favourite is not like the one in the file.",
        "Say it with --on-conflict skip (what is there stays), replace or rename; --dry-run shows what differs.",
    )
}

pub(super) fn settings(path: &str, detail: &str) -> Words {
    // As errors of the operating system end in Rust.
    let is_the_systems = detail.contains("(os error ");
    words(
        "The configuration cannot be used.",
        format!("{path}: {detail}"),
        if detail.contains("ca_bundle ") {
            "Correct the path of the certificates in the file, or put them there; then try again."
        } else if files::is_held(detail) {
            "Try again in a moment. If it stays, look for another Ajar that hangs, and end it."
        } else if files::is_write_protected(detail) {
            "Make the file writable, then try again."
        } else if is_the_systems {
            "Make sure that you may read and write there, and that there is room, or name another folder with “--config DIR”; then try again."
        } else {
            "Correct the file, then try again; Ajar changed nothing in it."
        },
    )
}

pub(super) fn settings_newer(path: &str, version: i64, known: i64, unread: Option<&str>) -> Words {
    let by_whom = format!("schema_version = {version} in {path} is a newer Ajar’s; this one knows up to {known}");
    let next = "Update this Ajar, or change the settings with the newer one.";
    match unread {
        None => words(
            "The configuration is a newer Ajar’s.",
            format!("{by_whom}, and changes nothing in it. What it understands of it is in force."),
            next,
        ),
        Some(unread) => words(
            "The configuration is a newer Ajar’s, and not all of it is in force.",
            format!("{by_whom}, and changes nothing in it. It leaves out what it does not understand: {unread}."),
            next,
        ),
    }
}

pub(super) fn socket_folder(path: &str, detail: &str, remedy: &str) -> Words {
    words(
        "The folder for Ajar’s socket is not yours alone.",
        format!("{path} {detail}. Whoever can write there could listen in Ajar’s place, so Ajar does not."),
        remedy,
    )
}

pub(super) fn profile_unfit(name: &str, detail: &str) -> Words {
    words(
        format!("{name} could not be opened like this."),
        format!("{}. Nothing was changed.", capital(detail)),
        "Correct it, and try again.",
    )
}

pub(super) fn command_line(detail: &str) -> Words {
    words(
        "The command line was not understood.",
        format!("{}.", capital(detail.trim_end_matches('.'))),
        "See what there is with “ajar --help”.",
    )
}

pub(super) fn command_not_for_rdp(name: &str) -> Words {
    words(
        format!("{name} opens with Remote Desktop, which runs no commands."),
        "Nothing was opened and nothing was started.",
        "Connect without the command, or add a favourite for the VM’s SSH port if it has one.",
    )
}

pub(super) fn unknown_account(name: &str, known: &[String], favourite: Option<&str>) -> Words {
    let act_as = match favourite {
        Some(NO_FAVOURITE) => "Name one of these".to_owned(),
        Some(favourite) => format!("Have {favourite} act as one of these (“ajar edit {favourite} --account ACCOUNT”)"),
        None => "Name one of these (“--account ACCOUNT”)".to_owned(),
    };
    words(
        match favourite {
            Some(_) => format!("There is no account called “{name}”."),
            None => format!("There is no account called “{name}” to act as."),
        },
        format!("There is {}, and Ajar does not act as another in its place.", known.join(", ")),
        format!("{act_as}, or sign in under that name (“ajar sign-in --name {name}”)."),
    )
    .in_window(match favourite {
        Some(favourite) if favourite != NO_FAVOURITE => {
            "Sign in under that name, or have the favourite act as another account."
        }
        Some(_) | None => "Choose another account, or sign in under that name.",
    })
}

pub(super) fn no_account_in_cloud(favourite: &str, cloud: &str, there: &[String]) -> Words {
    if there.is_empty() {
        return words(
            format!("Nobody is signed in to the cloud “{cloud}”."),
            format!("{favourite} is there, and accounts of other clouds cannot open it."),
            format!(
                "Sign in to that cloud (“ajar --cloud {cloud} sign-in”), or have {favourite} act as whoever is signed in there \
                 to the Azure CLI (“--account az”); then try again."
            ),
        )
        .in_window("Sign in to that cloud, or have the favourite act as another account.");
    }
    words(
        format!("{favourite} does not say who acts for it."),
        format!(
            "It is in the cloud “{cloud}”. Accounts of that cloud are {}; who acts for favourites that name nobody is of another.",
            there.join(", ")
        ),
        format!("Name one of them with “--account ACCOUNT”; for a favourite that is there: “ajar edit {favourite} --account ACCOUNT”."),
    )
    .in_window("Have it act as another account.")
}

pub(super) fn other_clouds_account(account: &str, cloud: &str, wanted: &str) -> Words {
    words(
        format!("The account “{account}” is of another cloud."),
        format!("It signs in to “{cloud}”, and the favourite is in “{wanted}”."),
        "Name an account of that cloud in the profile, or take the cloud out of it: “ajar edit” changes it.",
    )
    .in_window("Have the favourite act as an account of that cloud, or change its cloud.")
}

pub(super) fn other_cloud(running: &str, wanted: &str) -> Words {
    words(
        format!("Ajar is already running for the cloud “{running}”."),
        format!("What names no cloud is looked for there, and not in “{wanted}”, as long as it runs."),
        "Quit the other Ajar first, or name the cloud in the favourite’s profile.",
    )
}

pub(super) fn other_account(running: &str) -> Words {
    words(
        "Ajar is already running as another account.",
        format!("It acts as {}; the account in the AZURE_ variables here is not used.", account(running)),
        "Quit the other Ajar first to use it.",
    )
}

fn account(name: &str) -> String {
    crate::message::account::whom(name)
}

pub(super) fn unknown_cloud(name: &str, known: &[String]) -> Words {
    words(
        format!("There is no cloud called “{name}”."),
        format!("Known are {}.", known.join(", ")),
        "Choose one of them, or add yours to config.toml under [clouds].",
    )
}

pub(super) fn unknown_network(name: &str, known: &[String]) -> Words {
    let known = match known {
        [] => "config.toml has none under [networks].".into(),
        known => format!("Known are {}.", known.join(", ")),
    };
    words(
        format!("There is no network called “{name}”."),
        format!("{known} A source is an address, automatic, or the name of a network."),
        format!("Add it to config.toml under [networks], such as {name} = \"203.0.113.7\", or name another one."),
    )
}

pub(super) fn network_in_use(name: &str, tables: &[String]) -> Words {
    let tables: Vec<_> = tables.iter().map(|table| format!("[{table}]")).collect();
    words(
        format!("The network “{name}” is still in use."),
        format!("It is the source in {}.", tables.join(", ")),
        "Choose another source there, then try again.",
    )
}

pub(super) fn teams_name(name: &str, team: &str) -> Words {
    words(
        format!("{name} is a name of the team “{team}”."),
        format!(
            "What is called “{team}.” and something is a favourite of that team, or may be one with the next look at its \
             file. Nothing was changed."
        ),
        "Choose a name that does not begin so.",
    )
}

pub(super) fn of_team(name: &str, team: &str, from: &str) -> Words {
    words(
        format!("{name} is a favourite of the team “{team}”."),
        format!("It comes from {from}, and is changed there for everybody. Nothing was changed."),
        format!(
            "Make it a favourite of your own with “ajar team copy {name}”, or say what is to hold for all of the team with \
             “ajar edit --folder-defaults {team}”."
        ),
    )
    .in_window("Copy it to your favourites and change that one, or change in the settings what its folder hands down.")
}

pub(super) fn unknown_team(name: &str, known: &[String]) -> Words {
    let known = match known {
        [] => "config.toml has none under [teams].".into(),
        known => format!("Known are {}.", known.join(", ")),
    };
    words(
        format!("There is no team called “{name}”."),
        known,
        format!("Name another one, or add it: ajar team add {name} FROM"),
    )
}

pub(super) fn host_silent(pid: Option<u32>) -> Words {
    let which = pid.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    words(
        "Another Ajar is running and does not answer.",
        format!("One of them works for all, and that one{which} has said nothing for some time: it may be stopped."),
        "Let it go on (“fg” in its terminal), or end it; then try again.",
    )
}

pub(super) fn other_version(running: u32, ours: u32) -> Words {
    words(
        "An Ajar of another version is running.",
        format!(
            "One of them works for all, and the two do not understand each other: that one speaks {running}, this one {ours}."
        ),
        "Quit it (the tray, or the command in another terminal), then try again.",
    )
}

pub(super) fn internal(detail: &str) -> Words {
    words("Ajar made a mistake.", sentence(detail), "Try again; if it stays, report it with the details.")
}
