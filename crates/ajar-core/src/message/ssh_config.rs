//! The words about the favourites in ssh's configuration.

/// What stands at the head of the file of hosts.
pub fn head() -> [&'static str; 2] {
    [
        "Ajar’s favourites as ssh’s hosts. Ajar writes this file anew when they change: change them, not it.",
        "To take it away again: ajar ssh-config remove",
    ]
}

/// A favourite that ssh opens and that is no host.
pub fn left_out(name: &str, why: &str) -> String {
    format!("{name} is left out: {why}.")
}

/// Whether the line may be put into ssh's configuration.
pub fn may_include(line: &str, config: &str) -> String {
    format!("Put the line “{line}” at the top of {config}? [Y/n]")
}

/// The hosts are there, and ssh knows them.
pub fn installed(hosts: &[&str], file: &str) -> String {
    match hosts {
        [] => format!(
            "ssh will know the favourites as its hosts, once there are some that ssh opens. They are in {file}."
        ),
        [one, ..] => format!(
            "ssh knows {} as its {}: try “ssh {one}”. scp, rsync, git and editors know the same. They are in {file}.",
            super::some_of(hosts),
            if hosts.len() == 1 { "host" } else { "hosts" },
        ),
    }
}

/// The hosts are there, and ssh does not look at them.
pub fn not_included(line: &str, config: &str) -> String {
    format!("ssh does not look there yet: put the line “{line}” at the top of {config}.")
}

/// Hosts that the user's own configuration has too.
pub fn named_already(names: &[&str], config: &str) -> String {
    format!(
        "{} {} in {config} too: for ssh, Ajar’s comes first. Give the favourite another name to have both.",
        super::some_of(names),
        if names.len() == 1 { "stands" } else { "stand" },
    )
}

/// The hosts were taken away.
pub fn removed() -> &'static str {
    "ssh’s configuration is as it was before."
}

/// There was nothing to take away.
pub fn not_there() -> &'static str {
    "ssh’s configuration has nothing of Ajar’s."
}

/// There is a file of that name which is somebody else's.
pub fn not_ours() -> &'static str {
    "another program or a person has written it; move it away first"
}

/// The file has the hosts of other settings.
pub fn of_other_settings(settings: &str) -> String {
    format!("it has the favourites of {settings}; first take them away with “ajar ssh-config remove”")
}

/// The path cannot be told to ssh.
pub fn untellable() -> &'static str {
    "ssh cannot be told of a path like this: it has quotes, “%”, “$” or control characters in it"
}

/// The path of the program itself is not known or cannot stand in a file.
pub fn program_unknown(why: &str) -> String {
    format!("where ajar itself lies cannot be told: {why}")
}
