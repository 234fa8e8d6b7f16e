//! The SSH server of the built-in guest: one user, one key, a small shell.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty};
use tokio::net::TcpStream;

use crate::guest::shell::{Machine, Output};
use crate::guest::terminal::{Reaction, Terminal};
use crate::keys::HostKey;

/// How much of a connection is under way inside this process.
const BUFFER: usize = 64 * 1024;
/// No command line is longer than this.
const LONGEST_LINE: usize = 64 * 1024;

/// The SSH server of one VM.
pub(crate) struct SshGuest {
    config: Mutex<Arc<Config>>,
    machine: Machine,
    user_key: PublicKey,
}

impl SshGuest {
    pub(crate) fn new(machine: Machine, host_key: &HostKey, user_key: PublicKey) -> Self {
        Self { config: Mutex::new(Arc::new(config(host_key))), machine, user_key }
    }

    /// Serves with another host key from the next connection on.
    pub(crate) fn renew(&self, host_key: &HostKey) {
        *self.config.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(config(host_key));
    }

    fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Another machine with the same host key and the same user.
    pub(crate) fn like(&self, machine: Machine) -> Self {
        Self { config: Mutex::new(self.config()), machine, user_key: self.user_key.clone() }
    }

    /// Serves one connection. When the caller gives up on it, the session ends with it.
    pub(crate) async fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        // The library runs a session in a task of its own that can't be ended from outside; it does end when its stream
        // does, so it gets one end of a pipe and the socket stays here.
        let (mut ours, theirs) = tokio::io::duplex(BUFFER);
        let client =
            Client { machine: self.machine.clone(), user_key: self.user_key.clone(), channels: HashMap::new() };
        let config = self.config();
        let session = async move {
            let running = russh::server::run_stream(config, theirs, client).await.map_err(io::Error::other)?;
            running.await.map_err(io::Error::other)
        };
        let (copied, ended) = tokio::join!(tokio::io::copy_bidirectional(&mut stream, &mut ours), session);
        copied?;
        ended
    }
}

fn config(host_key: &HostKey) -> Config {
    Config {
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        // Nobody attacks a simulator: a wrong key is told at once.
        auth_rejection_time: std::time::Duration::ZERO,
        auth_rejection_time_initial: Some(std::time::Duration::ZERO),
        // A session ends with its VM, however long nobody types.
        inactivity_timeout: None,
        keys: vec![host_key.private().clone()],
        ..Config::default()
    }
}

/// What runs on a channel.
enum Program {
    /// Nothing yet; with or without a terminal.
    Waiting { terminal: bool },
    /// An interactive shell.
    Interactive(Terminal),
    /// A shell that reads commands from standard input.
    Script { pending: Vec<u8>, status: u32 },
}

struct Client {
    machine: Machine,
    user_key: PublicKey,
    channels: HashMap<ChannelId, Program>,
}

impl Client {
    fn knows(&self, user: &str, key: &PublicKey) -> Auth {
        let known = user == self.machine.user && key.key_data() == self.user_key.key_data();
        if known { Auth::Accept } else { Auth::reject() }
    }

    fn finish(&mut self, channel: ChannelId, status: u32, session: &mut Session) -> Result<(), russh::Error> {
        self.channels.remove(&channel);
        session.exit_status_request(channel, status)?;
        session.eof(channel)?;
        session.close(channel)
    }

    fn react(&mut self, channel: ChannelId, reaction: Reaction, session: &mut Session) -> Result<(), russh::Error> {
        if !reaction.output.is_empty() {
            session.data(channel, reaction.output.into_bytes())?;
        }
        match reaction.exit {
            Some(status) => self.finish(channel, status, session),
            None => Ok(()),
        }
    }

    /// Runs the complete lines of a script, and the last one too when `ended`.
    fn run_script(&mut self, channel: ChannelId, ended: bool, session: &mut Session) -> Result<(), russh::Error> {
        let Some(Program::Script { pending, status }) = self.channels.get_mut(&channel) else { return Ok(()) };
        let complete =
            if ended { pending.len() } else { pending.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1) };
        let lines: Vec<u8> = pending.drain(..complete).collect();
        let too_long = pending.len() > LONGEST_LINE;
        let mut exit = (ended || too_long).then_some(());
        for line in String::from_utf8_lossy(&lines).lines() {
            let output = self.machine.run(line, *status);
            *status = output.status;
            write(channel, &output, session)?;
            if output.exit {
                exit = Some(());
                break;
            }
        }
        let status = *status;
        if exit.is_some() { self.finish(channel, status, session) } else { Ok(()) }
    }
}

fn write(channel: ChannelId, output: &Output, session: &mut Session) -> Result<(), russh::Error> {
    if !output.stdout.is_empty() {
        session.data(channel, output.stdout.clone().into_bytes())?;
    }
    if !output.stderr.is_empty() {
        session.extended_data(channel, 1, output.stderr.clone().into_bytes())?;
    }
    Ok(())
}

impl Handler for Client {
    type Error = russh::Error;

    async fn auth_publickey_offered(&mut self, user: &str, offer: PublicKeyOffer<'_>) -> Result<Auth, Self::Error> {
        Ok(self.knows(user, offer.public_key))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.knows(user, key.public_key))
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel.id(), Program::Waiting { terminal: false });
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.channels.insert(channel, Program::Waiting { terminal: true });
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        if let Some(Program::Waiting { terminal: true }) = self.channels.get(&channel) {
            let terminal = Terminal::new(self.machine.clone());
            session.data(channel, terminal.start().into_bytes())?;
            self.channels.insert(channel, Program::Interactive(terminal));
        } else {
            session.data(channel, self.machine.greeting().into_bytes())?;
            self.channels.insert(channel, Program::Script { pending: Vec::new(), status: 0 });
        }
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        let output = self.machine.run(&String::from_utf8_lossy(data), 0);
        write(channel, &output, session)?;
        self.finish(channel, output.status, session)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(channel)
    }

    async fn data(&mut self, channel: ChannelId, data: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        match self.channels.get_mut(&channel) {
            Some(Program::Interactive(terminal)) => {
                let reaction = terminal.typed(data);
                self.react(channel, reaction, session)
            }
            Some(Program::Script { pending, .. }) => {
                pending.extend_from_slice(data);
                self.run_script(channel, false, session)
            }
            Some(Program::Waiting { .. }) | None => Ok(()),
        }
    }

    async fn channel_eof(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        match self.channels.get_mut(&channel) {
            Some(Program::Interactive(terminal)) => {
                let reaction = terminal.typed(b"\x04");
                self.react(channel, reaction, session)
            }
            Some(Program::Script { .. }) => self.run_script(channel, true, session),
            Some(Program::Waiting { .. }) | None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_lives_on() {
        let folder = tempfile::tempdir().unwrap();
        let user_key = crate::keys::write_identity(&folder.path().join("key")).unwrap();
        let machine = Machine { host: "web-01".to_owned(), user: "demo".to_owned() };
        let guest = SshGuest::new(machine, &HostKey::generate().unwrap(), user_key);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut client = BufReader::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
        let (accepted, _) = listener.accept().await.unwrap();
        let serving = tokio::spawn(async move { guest.serve(accepted).await });

        client.write_all(b"SSH-2.0-test\r\n").await.unwrap();
        let mut banner = String::new();
        client.read_line(&mut banner).await.unwrap();
        let mut length = [0; 4];
        client.read_exact(&mut length).await.unwrap();
        let mut key_exchange = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        client.read_exact(&mut key_exchange).await.unwrap();

        // The clock stands still but for such waits: a day passes at once.
        let more = tokio::time::timeout(Duration::from_hours(24), client.read_u8()).await;
        assert!(more.is_err(), "the guest ended the connection: {more:?}");
        serving.abort();
    }
}
