//! Where a team's file is.

use serde::{Deserialize, Serialize};

use crate::message::team as words;

/// Where a team's file is: a path, or an address that is asked over TLS.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(test, derive(ts_rs::TS), ts(export, type = "string"))]
pub enum TeamPlace {
    /// A path; one that is relative counts from the folder of `config.toml`.
    Path(String),
    /// An address.
    Url(TeamUrl),
}

impl TeamPlace {
    /// It in words, without what may be secret: of an address its host and path.
    pub fn shown(&self) -> String {
        match self {
            Self::Path(path) => crate::message::one_line(path),
            Self::Url(url) => url.shown(),
        }
    }
}

/// As it may be seen in logs and errors.
impl std::fmt::Debug for TeamPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

impl TryFrom<String> for TeamPlace {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for TeamPlace {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(words::no_place().into());
        }
        let Some((scheme, _)) = text.split_once("://") else { return path(text) };
        if scheme.eq_ignore_ascii_case("https") {
            TeamUrl::new(text).map(Self::Url).ok_or_else(|| words::no_url().into())
        } else {
            Err(words::other_scheme(scheme))
        }
    }
}

/// A path, unless it is rather an address that is misspelt, whose query would be shown as a part of a path.
fn path(text: &str) -> Result<TeamPlace, String> {
    let lower = text.to_ascii_lowercase();
    let has_query = text.strip_prefix(r"\\?\").unwrap_or(text).contains('?');
    if has_query || ["http:", "https:"].iter().any(|scheme| lower.starts_with(scheme)) {
        Err(words::no_url().into())
    } else if ["~/", r"~\"].iter().any(|home| text.starts_with(home)) {
        Err(words::no_whole_path().into())
    } else {
        Ok(TeamPlace::Path(text.to_owned()))
    }
}

impl From<TeamPlace> for String {
    fn from(place: TeamPlace) -> Self {
        match place {
            TeamPlace::Path(path) => path,
            TeamPlace::Url(TeamUrl(url)) => url,
        }
    }
}

/// An `https` address. What follows its path may be as good as a password, such as the token of a shared access
/// signature: it shows nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct TeamUrl(String);

impl TeamUrl {
    /// The address, if it is one with a host and without a user's name or password.
    fn new(text: &str) -> Option<Self> {
        let host = text.split_once("://")?.1.split(['/', '?', '#']).next()?;
        let fits = !host.is_empty() && !host.contains('@') && !text.contains(char::is_whitespace);
        fits.then(|| Self(text.to_owned()))
    }

    /// All of it, for whoever asks there.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Its host and path.
    pub fn shown(&self) -> String {
        self.0.split(['?', '#']).next().unwrap_or_default().to_owned()
    }
}

/// As it may be seen in logs and errors.
impl std::fmt::Debug for TeamUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_or_an_https_address_and_nothing_else() {
        for path in [
            "/mnt/share/team.toml",
            "team.toml",
            r"\\server\share\team.toml",
            r"C:\team.toml",
            r"\\?\C:\team.toml",
            "~x",
        ] {
            assert_eq!(path.parse::<TeamPlace>(), Ok(TeamPlace::Path(path.into())), "{path}");
        }
        for url in ["https://x.example/t.toml", "HTTPS://x.example:8443", "https://[::1]/t?sig=1#f"] {
            assert!(matches!(url.parse::<TeamPlace>(), Ok(TeamPlace::Url(_))), "{url}");
        }
        for none in [
            "",
            " ",
            "a\nb",
            "http://x.example/t",
            "ftp://x/t",
            "file:///t",
            "https://",
            "https:///t",
            "https://me:pw@x/t",
            "https://x/a b",
            "https:/x/t?sig=pw",
            r"HTTPS:\\x\t?sig=pw",
            "x.example/t?sig=pw",
            "~/team.toml",
        ] {
            let why = none.parse::<TeamPlace>().unwrap_err();
            assert!(!why.contains("pw"), "{why}");
        }
    }

    #[test]
    fn what_may_be_secret_in_an_address_is_kept_and_does_not_show() {
        let text = "https://x.blob.example/teams/ops.toml?sv=1&sig=hunter2#hunter2";
        let place: TeamPlace = text.parse().unwrap();
        for shown in [place.shown(), format!("{place:?}")] {
            assert_eq!(shown, "https://x.blob.example/teams/ops.toml");
        }
        assert_eq!(String::from(place.clone()), text);
        let TeamPlace::Url(url) = place else { panic!() };
        assert_eq!((url.reveal(), format!("{url:?}").contains("hunter2")), (text, false));
    }
}
