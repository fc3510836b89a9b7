//! The socket that `show` talks to: one line in, an answer out, and the end.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as StdStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use dmvpn::{Command, Engine, ShowCommand};
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};

use super::{Error, ShowArgs};

/// Where routers have their sockets unless told otherwise.
const FOLDER: &str = "/run/dmvpn";
/// No command is longer.
const LONGEST_LINE: usize = 1024;
/// More people than that do not ask at once.
const MOST_CLIENTS: usize = 16;

/// The socket of the router with this name.
#[must_use]
pub fn default_socket(hostname: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{hostname}.sock"))
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
    answer: Option<Vec<u8>>,
    written: usize,
}

impl Control {
    /// Opens the socket. Only its owner may connect: commands change the router.
    pub(super) fn open(path: PathBuf, registry: &Registry, token: Token) -> Result<Self, Error> {
        let explain = |error: io::Error| format!("{}: {error}", path.display());
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(explain)?;
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
                self.clients.insert(self.next, Client { stream, line: Vec::new(), answer: None, written: 0 });
                self.next += 1;
            }
        }
    }

    /// Goes on with a client: reads its line, answers it, and closes.
    pub(super) fn serve(&mut self, token: Token, answer: impl FnOnce(&str) -> String) {
        let Some(client) = self.clients.get_mut(&token.0) else { return };
        match client.go_on(answer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => {
                self.clients.remove(&token.0);
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
    fn go_on(&mut self, answer: impl FnOnce(&str) -> String) -> io::Result<()> {
        if self.answer.is_none() {
            self.read_line()?;
            let line = String::from_utf8_lossy(&self.line);
            self.answer = Some(answer(line.trim()).into_bytes());
        }
        let answer = self.answer.as_deref().unwrap_or_default();
        while let Some(rest) = answer.get(self.written..).filter(|rest| !rest.is_empty()) {
            self.written += self.stream.write(rest)?;
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

/// Answers a command line about the engine.
pub(super) fn answer(engine: &mut Engine, now: Instant, line: &str) -> String {
    let (json, line) = match line.strip_prefix("json ") {
        Some(rest) => (true, rest.trim()),
        None => (false, line),
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    match words.as_slice() {
        ["clear", "ip", "nhrp"] => {
            engine.handle_command(now, Command::ClearNhrp);
            return String::new();
        }
        ["clear", "crypto", "session"] => {
            engine.handle_command(now, Command::ClearCrypto(None));
            return String::new();
        }
        ["clear", "crypto", "session", "remote", address] => {
            let Ok(address) = address.parse() else { return format!("% {address} is no address\n") };
            engine.handle_command(now, Command::ClearCrypto(Some(address)));
            return String::new();
        }
        _ => {}
    }
    let command: ShowCommand = match line.parse() {
        Ok(command) => command,
        Err(error) => return format!("{error}\n"),
    };
    let view = engine.show(now, &command);
    match json {
        false => view.to_string(),
        true => serde_json::to_string(&view).map_or_else(
            |error| format!("% {error}\n"),
            |mut text| {
                text.push('\n');
                text
            },
        ),
    }
}

/// `show`: asks a running router and prints what it says.
#[must_use]
pub fn show(args: &ShowArgs) -> ExitCode {
    match ask(args) {
        Ok(answer) => {
            print!("{answer}");
            if answer.lines().any(|line| line.starts_with("% ")) {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            }
        }
        Err(error) => {
            eprintln!("show: {error}");
            ExitCode::from(2)
        }
    }
}

fn ask(args: &ShowArgs) -> Result<String, Error> {
    let path = match &args.control {
        Some(path) => path.clone(),
        None => only_socket()?,
    };
    let mut stream = StdStream::connect(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let json = if args.json { "json " } else { "" };
    writeln!(stream, "{json}{}", args.command.join(" "))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn only_socket() -> Result<PathBuf, Error> {
    let entries = std::fs::read_dir(FOLDER).map_err(|error| format!("{FOLDER}: {error}"))?;
    let mut sockets = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    match (sockets.next(), sockets.next()) {
        (Some(one), None) => Ok(one),
        (None, _) => Err(format!("no router has a socket in {FOLDER}").into()),
        (Some(_), Some(_)) => {
            Err(format!("several routers have a socket in {FOLDER}: say which, --control").into())
        }
    }
}
