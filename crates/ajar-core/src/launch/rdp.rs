//! Remote desktop clients, their arguments and their files.

#[cfg(test)]
mod tests;

use super::quote::{host_port, uri};
use super::terminal::Candidate;
use super::{FileKind, LaunchPlan, Leads, Os, PlannedFile, Surroundings, Target, is_host, is_unfit, terminal};
use crate::failure::Failure;
use crate::message::launch::Unfit;
use crate::port::{Endpoint, Protocol};
use crate::rdp_file::{NotOneLine, RdpFile};

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

/// What a favourite says of Remote Desktop that no client could be given.
pub(super) fn unfit<'t>(target: &'t Target<'_>, os: Os) -> Option<Unfit<'t>> {
    let profile = target.profile;
    let path = profile.rdp_file().filter(|path| is_unfit(path) || !is_whole(path, os)).map(Unfit::RdpPath);
    let gateway = profile.gateway().filter(|host| !is_host(host)).map(Unfit::Gateway);
    let dials_name = target.protocol == Protocol::Rdp && profile.logs_in_by_entra();
    let name = target.vm.name();
    path.or(gateway).or_else(|| (dials_name && !is_host(name)).then_some(Unfit::DeviceName(name)))
}

/// Whether a path leads to the same place wherever a program is started.
fn is_whole(path: &str, os: Os) -> bool {
    let after_drive = || path.split_at_checked(1).and_then(|(drive, rest)| Some((drive, rest.strip_prefix(':')?)));
    let has_drive = || {
        after_drive().is_some_and(|(drive, rest)| {
            drive.chars().all(|c| c.is_ascii_alphabetic()) && rest.starts_with(['\\', '/'])
        })
    };
    match os {
        Os::Windows => path.starts_with("~/") || path.starts_with(r"~\") || path.starts_with(r"\\") || has_drive(),
        Os::MacOs | Os::Linux => path.starts_with("~/") || path.starts_with('/'),
    }
}

pub(super) fn plan(target: &Target<'_>, around: &Surroundings) -> Result<LaunchPlan, Failure> {
    target.check(around.os)?;
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
    let desktop = Desktop::of(target, around)?;
    let plan = match client {
        RdpClient::Mstsc(path) => desktop.by_mstsc(path)?,
        RdpClient::WindowsApp => desktop.by_windows_app()?,
        RdpClient::FreeRdp3(path) => desktop.by_free_rdp_3(path)?,
        RdpClient::FreeRdp2(path) => desktop.by_free_rdp_2(path)?,
        RdpClient::Remmina(path) => desktop.by_remmina(path)?,
        RdpClient::Custom(path) => desktop.by_another(path)?,
    };
    Ok(LaunchPlan { leads: desktop.leads(), ..plan })
}

/// A remote desktop that is to be opened.
struct Desktop<'d> {
    target: &'d Target<'d>,
    around: &'d Surroundings,
    /// What is dialled, with its port.
    address: String,
    /// The user's own file.
    base: Option<&'d RdpFile>,
}

impl<'d> Desktop<'d> {
    fn of(target: &'d Target<'d>, around: &'d Surroundings) -> Result<Self, Failure> {
        let base = match &around.rdp_file {
            Ok(base) => base.as_ref(),
            Err(why) => {
                let path = target.profile.rdp_file().unwrap_or_default();
                return Err(target.refused(&Unfit::RdpFile { path, why }));
            }
        };
        // Entra knows the VM by its name alone. https://learn.microsoft.com/entra/identity/devices/howto-vm-sign-in-azure-ad-windows
        let address = if target.profile.logs_in_by_entra() {
            host_port(&Endpoint { host: target.vm.name().to_owned(), ..target.endpoint.clone() })
        } else {
            host_port(target.endpoint)
        };
        Ok(Self { target, around, address, base })
    }

    fn is_by_entra(&self) -> bool {
        self.target.profile.logs_in_by_entra()
    }

    fn leads(&self) -> Option<Leads> {
        let leads = || Leads { name: self.target.vm.name().to_owned(), to: self.target.endpoint.host.clone() };
        self.is_by_entra().then(leads)
    }

    fn has_all_monitors(&self) -> bool {
        self.target.profile.multimon == Some(true)
    }

    /// The program in a window of its own, with what the favourite says it is given beside that.
    fn window(&self, program: &str, mut args: Vec<String>) -> LaunchPlan {
        args.extend(self.target.arguments());
        LaunchPlan::window(self.around.os, program, args)
    }

    /// The same with a file that is the only argument but for these.
    fn window_by_file(&self, program: &str, handed_on: bool) -> Result<LaunchPlan, Failure> {
        let plan = self.window(program, vec![LaunchPlan::FILE.into()]);
        Ok(LaunchPlan { file: Some(self.file(handed_on)?), ..plan })
    }

    /// Without a file where that will do: of each that is opened Windows warns, since April 2026, and lets nothing be shared
    /// by it. The user's name mstsc asks for. https://learn.microsoft.com/windows-server/administration/windows-commands/mstsc
    fn by_mstsc(&self, path: &str) -> Result<LaunchPlan, Failure> {
        if self.base.is_some() || self.is_by_entra() {
            return self.window_by_file(path, false);
        }
        Ok(self.window(path, self.switches()))
    }

    /// As mstsc and FreeRDP read them.
    fn switches(&self) -> Vec<String> {
        let gateway = self.target.profile.gateway().map(|host| format!("/g:{host}"));
        let monitors = self.has_all_monitors().then(|| "/multimon".to_owned());
        [format!("/v:{}", self.address)].into_iter().chain(gateway).chain(monitors).collect()
    }

    fn by_windows_app(&self) -> Result<LaunchPlan, Failure> {
        if self.target.arguments().next().is_some() {
            return Err(self.target.refused(&Unfit::Arguments));
        }
        if self.base.is_some() || self.is_by_entra() {
            let args = ["-a", "Windows App", LaunchPlan::FILE].map(ToOwned::to_owned).to_vec();
            return Ok(LaunchPlan { file: Some(self.file(true)?), ..self.window("open", args) });
        }
        Ok(self.window("open", vec![self.windows_app_uri()]))
    }

    /// A URI without `//HOST`: attributes as in `.rdp` files, joined by `&`. `open` gets it without `-a`, which would make
    /// it a file's path. https://learn.microsoft.com/windows-server/remote/remote-desktop-services/clients/remote-desktop-uri
    fn windows_app_uri(&self) -> String {
        let text = |name: &str, value: &str| format!("{}={}", uri(name), uri(&format!("s:{value}")));
        let user = self.target.user().map(|user| text("username", user));
        let gateway = self.target.profile.gateway();
        let gateway = gateway.map(|host| format!("{}&gatewayusagemethod=i:1", text("gatewayhostname", host)));
        let monitors = self.has_all_monitors().then(|| "use%20multimon=i:1".to_owned());
        let attributes = [Some(text("full address", &self.address)), user, gateway, monitors];
        format!("rdp://{}", attributes.into_iter().flatten().collect::<Vec<_>>().join("&"))
    }

    /// All of it by standard input, a line each.
    fn by_free_rdp_3(&self, path: &str) -> Result<LaunchPlan, Failure> {
        let gateway = self.target.profile.gateway().map(|host| format!("/gateway:g:{host}"));
        let security = if self.is_by_entra() { "/sec:aad" } else { "/sec:rdp:off" };
        let args = self.free_rdp(gateway, security).into_iter().chain(self.target.arguments());
        let stdin = args.map(|line| line + "\n").collect();
        let plan = LaunchPlan::window(self.around.os, path, vec!["/args-from:stdin".into()]);
        Ok(LaunchPlan { stdin: Some(stdin), file: self.base_file(false)?, ..plan })
    }

    fn by_free_rdp_2(&self, path: &str) -> Result<LaunchPlan, Failure> {
        if self.is_by_entra() {
            return Err(self.target.refused(&Unfit::EntraClient("FreeRDP 2")));
        }
        let gateway = self.target.profile.gateway().map(|host| format!("/g:{host}"));
        let mut args = self.free_rdp(gateway, "-sec-rdp");
        args.extend(self.target.arguments());
        let command = [path.to_owned()].into_iter().chain(args.iter().cloned()).collect();
        // It asks for the password on a terminal; where there is none, some servers ask in their own window.
        match terminal::plan(self.around, &self.target.title(), command) {
            Ok(plan) if self.base.is_none() => Ok(plan),
            // A plan has one file, which may be what the terminal is started with.
            Ok(plan) if plan.file.is_none() => Ok(LaunchPlan { file: self.base_file(true)?, ..plan }),
            Ok(_) | Err(_) => {
                Ok(LaunchPlan { file: self.base_file(false)?, ..LaunchPlan::window(self.around.os, path, args) })
            }
        }
    }

    /// FreeRDP's arguments. Certificates are trusted on first use and told apart afterwards, never ignored. It agrees on NLA
    /// where the server has it, as Windows does, else on TLS, as xrdp does; `security` rules out RDP's own, which is broken.
    /// A file comes first, and what it says of the screen and of what is shared stays.
    fn free_rdp(&self, gateway: Option<String>, security: &str) -> Vec<String> {
        let file = self.base.map(|_| LaunchPlan::FILE.to_owned());
        let user = self.target.user().map(|user| format!("/u:{user}"));
        let monitors = self.has_all_monitors().then_some("/multimon");
        let usual: &[&str] = if self.base.is_some() { &[] } else { &["/dynamic-resolution", "+clipboard"] };
        let rest = monitors.iter().chain(usual).chain([&security, &"/cert:tofu"]).map(|word| (*word).to_owned());
        let address = format!("/v:{}", self.address);
        file.into_iter().chain([address]).chain(user).chain(gateway).chain(rest).collect()
    }

    fn base_file(&self, handed_on: bool) -> Result<Option<PlannedFile>, Failure> {
        self.base.map(|_| self.file(handed_on)).transpose()
    }

    /// One that runs already is handed what is to be opened.
    fn by_remmina(&self, path: &str) -> Result<LaunchPlan, Failure> {
        if self.is_by_entra() {
            return Err(self.target.refused(&Unfit::EntraClient("Remmina")));
        }
        if self.base.is_some() || self.target.profile.gateway().is_some() || self.has_all_monitors() {
            let plan = self.window(path, vec!["-c".into(), LaunchPlan::FILE.into()]);
            return Ok(LaunchPlan { file: Some(self.file(true)?), ..plan });
        }
        let user = self.target.user().map(|user| format!("{}@", uri(user))).unwrap_or_default();
        Ok(self.window(path, vec!["-c".into(), format!("rdp://{user}{}", self.address)]))
    }

    fn by_another(&self, path: &str) -> Result<LaunchPlan, Failure> {
        if self.base.is_some() || self.is_by_entra() {
            return self.window_by_file(path, true);
        }
        let user = self.target.user().map(|user| format!("/u:{user}"));
        Ok(self.window(path, self.switches().into_iter().chain(user).collect()))
    }

    /// The file that a client is started with. What the user's own says stays, but for where it leads, passwords, and a
    /// signature, which is that of another file by then.
    fn file(&self, handed_on: bool) -> Result<PlannedFile, Failure> {
        let contents = self.settings().map_err(|NotOneLine| self.target.refused(&Unfit::Host(&self.address)))?.text();
        let name = format!("{}.rdp", self.target.title());
        Ok(PlannedFile { name, contents, kind: FileKind::Rdp, handed_on })
    }

    fn settings(&self) -> Result<RdpFile, NotOneLine> {
        let profile = self.target.profile;
        let mut file = self.base.cloned().unwrap_or_else(|| RdpFile::of(WITHOUT_A_FILE));
        file.take_out(|property| property.is_secret() || NOT_KEPT.iter().any(|name| property.is(name)));
        file.set_text("full address", &self.address)?;
        if let Some(user) = self.target.user() {
            file.take_out(|property| property.is("domain"));
            file.set_text("username", user)?;
        }
        if let Some(gateway) = profile.gateway() {
            file.set_text("gatewayhostname", gateway)?;
            // Always by it, and whatever the user has set for all gateways.
            file.set_number("gatewayusagemethod", 1);
            file.set_number("gatewayprofileusagemethod", 1);
        }
        if let Some(all) = profile.multimon {
            file.set_number("use multimon", all.into());
        }
        if self.is_by_entra() {
            file.set_number("enablerdsaadauth", 1);
        }
        Ok(file)
    }
}

/// What leads elsewhere in a file, or is of the file as it was.
const NOT_KEPT: [&str; 4] = ["alternate full address", "server port", "signature", "signscope"];

/// What a file says where the user has none: nothing of this machine is shared but the clipboard, as without a file. What is not
/// said of these is not always “no”.
const WITHOUT_A_FILE: &str = "full address:s:
authentication level:i:2
enablecredsspsupport:i:1
negotiate security layer:i:1
redirectclipboard:i:1
drivestoredirect:s:
devicestoredirect:s:
camerastoredirect:s:
redirectprinters:i:0
redirectcomports:i:0
redirectsmartcards:i:0
redirectwebauthn:i:0
audiocapturemode:i:0
";
