//! The words for what somebody wrote, in a command, the window or the settings, that is not what belongs there.

/// A text is no name for a favourite: it has other letters, or too many.
pub fn no_favourite_name(text: &str) -> String {
    format!("“{text}” is no name for a favourite: {NAME_LETTERS}")
}

/// A text is no name for a favourite: it ends as the host names do that stand for favourites.
pub fn favourite_name_like_a_host(text: &str) -> String {
    format!("“{text}” is no name for a favourite: names ending in “.ajar” are how ssh is told of favourites")
}

/// A text is no name for an account.
pub fn no_account_name(text: &str) -> String {
    format!("“{text}” is no name for an account: {NAME_LETTERS}")
}

const NAME_LETTERS: &str = "use letters, digits, “-”, “_” and “.”, at most 64, beginning with a letter or digit";

/// A text is none of the addresses that a favourite can be reached at.
pub fn no_address_choice(text: &str) -> String {
    format!("“{text}” is no choice of an address: use automatic, private, public or bastion")
}

/// A text is no address of one machine to ask access for.
pub fn no_source(text: &str) -> String {
    format!(
        "“{text}” is no address of a machine like 203.0.113.7; use one, the name of a network under [networks], or automatic"
    )
}

/// A text is no name for a network.
pub fn no_network_name(text: &str) -> String {
    format!(
        "“{text}” is no name for a network: use letters, digits, “-”, “_” and “.”, at most 64, beginning with a letter, and not \
         automatic"
    )
}

/// A text is more than one machine's address.
pub fn no_source_prefix(text: &str) -> String {
    format!("“{text}” is more than one machine: access is asked for one address only, such as 203.0.113.7")
}

/// A text is no colour that a favourite can have.
pub fn no_colour(text: &str, known: &str) -> String {
    format!("“{text}” is none of the colours: use one of {known}")
}

/// A text is no length of time for which access is renewed.
pub fn no_renewal(text: &str) -> String {
    format!("“{}” is not how long access is renewed: write it like 8h, of 5m to 24h, or never", super::one_line(text))
}

/// A text is nothing that is done after use.
pub fn no_after_use(text: &str) -> String {
    format!("“{}” is nothing that is done after use: use leave, ask or deallocate", super::one_line(text))
}

/// A text is no port that ssh can forward.
pub fn no_forward(text: &str) -> String {
    format!(
        "“{}” is no port to forward: write it as for ssh’s -L, -R or -D, such as “L 8080:localhost:80”, “R 9000:localhost:3000” or \
         “D 1080”, an IPv6 address in brackets",
        super::one_line(text)
    )
}

/// A text is no field of a favourite; `known` are all of them.
pub fn no_field(text: &str, known: &str) -> String {
    format!("“{text}” is nothing that a favourite has: it is one of {known}")
}

/// A text does not have the shape of a resource id.
pub fn no_resource_id(text: &str) -> String {
    format!(
        "“{text}” is not a resource id; it should look like \
         /subscriptions/{{id}}/resourceGroups/{{group}}/providers/{{namespace}}/{{type}}/{{name}}"
    )
}

/// A resource id is one of another type than the one wanted, such as `Microsoft.Compute/virtualMachines`.
pub fn other_resource_type(id: &str, found: &str, wanted: &str) -> String {
    format!("“{id}” is a {found}, not a {wanted}")
}

/// A text is not a length of time, neither as people write it nor as ISO 8601 does.
pub fn no_length_of_time(text: &str) -> String {
    format!("“{text}” is not a length of time like 90m, 2h or PT2H")
}

/// A setting is not an `https` address.
pub fn no_https_address(key: &str, value: &str) -> String {
    format!("{key} = “{value}” is not an https address like https://management.azure.com")
}

/// A setting is an address with more than scheme, host and port.
pub fn address_with_a_path(key: &str, value: &str) -> String {
    format!("{key} = “{value}” has a path; only scheme, host and port belong here")
}

/// A cloud's `ca_bundle` has nothing to trust in it.
pub fn no_certificate() -> &'static str {
    "ca_bundle holds no certificate in PEM"
}
