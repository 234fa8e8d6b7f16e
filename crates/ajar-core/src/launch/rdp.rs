//! Remote desktop clients and their arguments.

use super::quote::{host_port, uri};
use super::terminal::Candidate;
use super::{LaunchPlan, Os, Surroundings, Target, terminal};
use crate::failure::Failure;
use crate::message::launch::Unfit;

/// A remote desktop client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RdpClient {
    /// Windows' own, `mstsc.exe`, by its path.
    Mstsc(String),
    /// Microsoft's Windows App on macOS, reached through its URI scheme.
    WindowsApp,
    /// FreeRDP 3, by its path.
    FreeRdp3(String),
    /// FreeRDP 2, or one whose version the name does not tell.
    FreeRdp2(String),
    /// Remmina, by its path.
    Remmina(String),
    /// From the settings, and none of the above by its name: gets `/v:HOST:PORT`, and `/u:USER` if there is one, as
    /// FreeRDP reads them. (mstsc reads the first alone.)
    Custom(String),
}

impl RdpClient {
    /// A program that the settings name: what its name says that it is.
    pub fn named(program: String) -> Self {
        let file = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
        let stem = |name: &str| name.trim_end_matches(".exe").to_owned();
        let mut known = [Os::Windows, Os::Linux].into_iter().flat_map(Self::candidates);
        let found = known.find(|(name, _)| stem(name) == stem(&file));
        found.map_or(Self::Custom as fn(String) -> Self, |(_, client)| *client)(program)
    }

    fn program(&self) -> Option<&str> {
        match self {
            Self::Mstsc(program)
            | Self::FreeRdp3(program)
            | Self::FreeRdp2(program)
            | Self::Remmina(program)
            | Self::Custom(program) => Some(program),
            Self::WindowsApp => None,
        }
    }

    /// The same, by the version that the program tells of itself: some systems call FreeRDP 3 as version 2 was called.
    #[must_use]
    pub fn of_version(self, told: impl FnOnce(&str) -> Option<String>) -> Self {
        let Self::FreeRdp2(path) = self else { return self };
        let is_3 = told(&path).is_some_and(|text| text.contains("FreeRDP version 3"));
        if is_3 { Self::FreeRdp3(path) } else { Self::FreeRdp2(path) }
    }

    /// The programs to look for, in order, and what each becomes when found under a path.
    ///
    /// FreeRDP's SDL client comes first because it asks for the password in a window; the X11 one asks on a terminal.
    pub fn candidates(os: Os) -> &'static [Candidate<Self>] {
        match os {
            Os::Windows => &[("mstsc.exe", Self::Mstsc)],
            Os::MacOs => &[],
            Os::Linux => &[
                ("sdl-freerdp3", Self::FreeRdp3),
                ("sdl-freerdp", Self::FreeRdp3),
                ("xfreerdp3", Self::FreeRdp3),
                ("xfreerdp", Self::FreeRdp2),
                ("remmina", Self::Remmina),
            ],
        }
    }
}

pub(super) fn plan(target: &Target<'_>, around: &Surroundings) -> Result<LaunchPlan, Failure> {
    target.check(around.os)?;
    let address = host_port(target.endpoint);
    let window = |program: &str, mut args: Vec<String>| {
        args.extend(target.arguments());
        LaunchPlan::window(around.os, program, args)
    };
    let own = target.profile.client.clone().map(RdpClient::named);
    // What was found may be that very program, of which more is known.
    let found = around.rdp.as_ref();
    let is_found = |own: &RdpClient| found.is_some_and(|found| found.program() == own.program());
    let client = match (own.as_ref().filter(|own| !is_found(own)).or(found), around.os) {
        (Some(client), _) => client,
        (None, Os::MacOs) => &RdpClient::WindowsApp,
        (None, Os::Windows) => return Err(Failure::ClientNotFound { program: "mstsc.exe".into() }),
        (None, Os::Linux) => return Err(Failure::ClientNotFound { program: "FreeRDP".into() }),
    };
    Ok(match client {
        // Without a file: for .rdp files Windows warns each time since April 2026. The user name mstsc asks for.
        RdpClient::Mstsc(path) => window(path, vec![format!("/v:{address}")]),
        RdpClient::WindowsApp if target.arguments().next().is_some() => return Err(target.refused(&Unfit::Arguments)),
        RdpClient::WindowsApp => window("open", vec![windows_app_uri(&address, target.user())]),
        RdpClient::FreeRdp3(path) => {
            let args = free_rdp(&address, target.user(), "/sec:rdp:off");
            let args = args.into_iter().chain(target.arguments());
            let stdin = args.map(|line| line + "\n").collect();
            let plan = LaunchPlan::window(around.os, path, vec!["/args-from:stdin".into()]);
            LaunchPlan { stdin: Some(stdin), ..plan }
        }
        RdpClient::FreeRdp2(path) => {
            let mut args = free_rdp(&address, target.user(), "-sec-rdp");
            args.extend(target.arguments());
            let command = [path.clone()].into_iter().chain(args.iter().cloned()).collect();
            // It asks for the password on a terminal; where there is none, some servers ask in their own window.
            let in_terminal = terminal::plan(around, &target.title(), command);
            in_terminal.unwrap_or_else(|_| LaunchPlan::window(around.os, path, args))
        }
        RdpClient::Remmina(path) => {
            let user = target.user().map(|user| format!("{}@", uri(user))).unwrap_or_default();
            window(path, vec!["-c".into(), format!("rdp://{user}{address}")])
        }
        RdpClient::Custom(path) => {
            let user = target.user().map(|user| format!("/u:{user}"));
            window(path, [format!("/v:{address}")].into_iter().chain(user).collect())
        }
    })
}

/// A URI without `//HOST`: attributes as in `.rdp` files, joined by `&`. `open` gets it without `-a`, which would make
/// it a file's path.
fn windows_app_uri(address: &str, user: Option<&str>) -> String {
    let user = user.map(|user| format!("&username={}", uri(&format!("s:{user}")))).unwrap_or_default();
    format!("rdp://full%20address={}{user}", uri(&format!("s:{address}")))
}

/// FreeRDP's arguments. Certificates are trusted on first use and told apart afterwards, never ignored. It agrees on NLA
/// where the server has it, as Windows does, else on TLS, as xrdp does; `no_rdp_security` rules out RDP's own, which is broken.
fn free_rdp(address: &str, user: Option<&str>, no_rdp_security: &str) -> Vec<String> {
    let user = user.map(|user| format!("/u:{user}"));
    let rest = ["/dynamic-resolution", "+clipboard", no_rdp_security, "/cert:tofu"].map(ToOwned::to_owned);
    [format!("/v:{address}")].into_iter().chain(user).chain(rest).collect()
}
