//! The socket that `show` talks to: one line in, an answer out, and the end.

mod commands;

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};

use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};

use super::Error;
pub(super) use commands::answer;

/// No command is longer.
const LONGEST_LINE: usize = 1024;
/// More people than that do not ask at once.
const MOST_CLIENTS: usize = 16;

/// Where routers have their sockets unless told otherwise: `/run/dmvpn` for root, else the user's runtime directory, else
/// a folder of the user's own for temporary files.
#[must_use]
pub(super) fn folder() -> PathBuf {
    let user = std::fs::metadata("/proc/self").map_or(0, |metadata| metadata.uid());
    if user == 0 {
        return PathBuf::from("/run/dmvpn");
    }
    match std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => PathBuf::from(folder).join("dmvpn"),
        None => std::env::temp_dir().join(format!("dmvpn-{user}")),
    }
}

/// The socket of the router with this name.
#[must_use]
pub fn default_socket(hostname: &str) -> PathBuf {
    folder().join(format!("{hostname}.sock"))
}

/// Names an answer that is not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket(pub(super) u64);

/// What becomes of a command.
#[derive(Debug)]
pub(super) enum Reply {
    /// This.
    Text(String),
    /// The answer comes later.
    Later(Ticket),
}

/// The router's end.
pub(super) struct Control {
    path: PathBuf,
    listener: UnixListener,
    clients: BTreeMap<usize, Client>,
    next: usize,
}

struct Client {
    stream: UnixStream,
    line: Vec<u8>,
    state: State,
}

enum State {
    Reading,
    Waiting(Ticket),
    Writing { answer: Vec<u8>, written: usize },
}

impl Control {
    /// Opens the socket. Only its owner may connect: commands change the router.
    pub(super) fn open(path: PathBuf, registry: &Registry, token: Token) -> Result<Self, Error> {
        let explain = |error: io::Error| format!("{}: {error}", path.display());
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(explain)?;
        }
        remove_stale(&path).map_err(explain)?;
        let mut listener = UnixListener::bind(&path).map_err(explain)?;
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).map_err(explain)?;
        registry.register(&mut listener, token, Interest::READABLE)?;
        Ok(Self { path, listener, clients: BTreeMap::new(), next: token.0 + 1 })
    }

    /// Takes new clients.
    pub(super) fn accept(&mut self, registry: &Registry) {
        while let Ok((mut stream, _)) = self.listener.accept() {
            if self.clients.len() >= MOST_CLIENTS {
                continue;
            }
            let token = Token(self.next);
            let both = Interest::READABLE | Interest::WRITABLE;
            if registry.register(&mut stream, token, both).is_ok() {
                let client = Client { stream, line: Vec::new(), state: State::Reading };
                self.clients.insert(self.next, client);
                self.next += 1;
            }
        }
    }

    /// Goes on with a client: reads its line, answers it, and closes.
    pub(super) fn serve(&mut self, token: Token, answer: impl FnOnce(&str) -> Reply) {
        let Some(client) = self.clients.get_mut(&token.0) else { return };
        let outcome = client.go_on(answer);
        self.settle(token.0, outcome);
    }

    /// Hands over an answer that came later.
    pub(super) fn finish(&mut self, ticket: Ticket, text: String) {
        let waiting = |client: &Client| matches!(client.state, State::Waiting(own) if own == ticket);
        let Some((&token, client)) = self.clients.iter_mut().find(|(_, client)| waiting(client)) else {
            return;
        };
        client.state = State::Writing { answer: text.into_bytes(), written: 0 };
        let outcome = client.write();
        self.settle(token, outcome);
    }

    fn settle(&mut self, token: usize, outcome: io::Result<()>) {
        match outcome {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => {
                self.clients.remove(&token);
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

impl Client {
    fn go_on(&mut self, answer: impl FnOnce(&str) -> Reply) -> io::Result<()> {
        if matches!(self.state, State::Reading) {
            self.read_line()?;
            let line = String::from_utf8_lossy(&self.line);
            self.state = match answer(line.trim()) {
                Reply::Text(text) => State::Writing { answer: text.into_bytes(), written: 0 },
                Reply::Later(ticket) => State::Waiting(ticket),
            };
        }
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        let State::Writing { answer, written } = &mut self.state else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        while let Some(rest) = answer.get(*written..).filter(|rest| !rest.is_empty()) {
            *written += self.stream.write(rest)?;
        }
        self.stream.shutdown(Shutdown::Both)
    }

    fn read_line(&mut self) -> io::Result<()> {
        let mut buffer = [0; 256];
        loop {
            let len = self.stream.read(&mut buffer)?;
            let read = buffer.get(..len).unwrap_or_default();
            self.line.extend(read.iter().take_while(|byte| **byte != b'\n'));
            if len == 0 || read.contains(&b'\n') {
                return Ok(());
            }
            if self.line.len() > LONGEST_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

/// Removes the socket of a router that is dead; one that lives stays, and stays an error.
fn remove_stale(path: &Path) -> io::Result<()> {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket && StdStream::connect(path).is_err() {
        std::fs::remove_file(path)?;
    }
    Ok(())
}
