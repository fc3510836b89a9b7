//! `--metrics`: the least of HTTP that Prometheus needs. One request, one answer, and the end.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use super::Error;

/// A request's head is not longer.
const LONGEST_HEAD: usize = 8192;
/// More do not ask at once.
const MOST_CLIENTS: usize = 16;
/// Who has not asked by then, or not taken the answer, is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

/// The listening socket and who is connected.
pub(super) struct Server {
    listener: TcpListener,
    clients: BTreeMap<usize, Client>,
    /// Tokens of clients: this one and the next ones.
    first: usize,
    next: usize,
}

struct Client {
    stream: TcpStream,
    head: Vec<u8>,
    answer: Option<Vec<u8>>,
    written: usize,
    until: Instant,
}

impl Server {
    /// Opens the socket under `token`; clients have the tokens from `first` on.
    pub(super) fn open(
        address: SocketAddr,
        registry: &Registry,
        token: Token,
        first: usize,
    ) -> Result<Self, Error> {
        let mut listener =
            TcpListener::bind(address).map_err(|error| format!("--metrics {address}: {error}"))?;
        registry.register(&mut listener, token, Interest::READABLE)?;
        if !address.ip().is_loopback() {
            tracing::warn!("metrics at {address} can be read by everybody who reaches it");
        }
        Ok(Self { listener, clients: BTreeMap::new(), first, next: first })
    }

    /// Whether a token is one of a client's.
    pub(super) fn owns(&self, token: Token) -> bool {
        token.0 >= self.first
    }

    /// Takes new clients.
    pub(super) fn accept(&mut self, now: Instant, registry: &Registry) {
        self.clients.retain(|_, client| client.until > now);
        while let Ok((mut stream, _)) = self.listener.accept() {
            let both = Interest::READABLE | Interest::WRITABLE;
            if self.clients.len() >= MOST_CLIENTS
                || registry.register(&mut stream, Token(self.next), both).is_err()
            {
                continue;
            }
            let until = now + PATIENCE;
            let client = Client { stream, head: Vec::new(), answer: None, written: 0, until };
            self.clients.insert(self.next, client);
            self.next += 1;
        }
    }

    /// Goes on with a client.
    pub(super) fn serve(&mut self, token: Token, metrics: impl FnOnce() -> String) {
        let Some(client) = self.clients.get_mut(&token.0) else { return };
        match client.go_on(metrics) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => {
                self.clients.remove(&token.0);
            }
        }
    }
}

impl Client {
    fn go_on(&mut self, metrics: impl FnOnce() -> String) -> io::Result<()> {
        if self.answer.is_none() {
            self.read_head()?;
            self.answer = Some(answer(&self.head, metrics).into_bytes());
        }
        let answer = self.answer.as_deref().unwrap_or_default();
        while let Some(rest) = answer.get(self.written..).filter(|rest| !rest.is_empty()) {
            self.written += self.stream.write(rest)?;
        }
        self.stream.shutdown(Shutdown::Write)
    }

    fn read_head(&mut self) -> io::Result<()> {
        let mut buffer = [0; 1024];
        while !ends(&self.head) {
            let len = self.stream.read(&mut buffer)?;
            self.head.extend_from_slice(buffer.get(..len).unwrap_or_default());
            if len == 0 || self.head.len() > LONGEST_HEAD {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(())
    }
}

/// Whether a head is complete (RFC 9112 section 2.1).
fn ends(head: &[u8]) -> bool {
    head.windows(4).any(|end| end == b"\r\n\r\n") || head.windows(2).any(|end| end == b"\n\n")
}

fn answer(head: &[u8], metrics: impl FnOnce() -> String) -> String {
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\n').next().unwrap_or_default());
    let mut words = line.split_whitespace();
    let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = target.split('?').next().unwrap_or_default();
    let (status, kind, body) = match (method, path) {
        ("GET" | "HEAD", "/metrics") => ("200 OK", "text/plain; version=0.0.4; charset=utf-8", metrics()),
        ("GET" | "HEAD", _) => ("404 Not Found", "text/plain", "metrics are at /metrics\n".to_owned()),
        _ => ("405 Method Not Allowed", "text/plain", "metrics can be read\n".to_owned()),
    };
    let length = body.len();
    let body = if method == "HEAD" { "" } else { &body };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_get_what_they_ask_for() {
        let ask = |head: &str| answer(head.as_bytes(), || "x 1\n".to_owned());
        let said = ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(
            said.starts_with("HTTP/1.1 200 OK\r\n")
                && said.ends_with("Content-Length: 4\r\nConnection: close\r\n\r\nx 1\n")
        );
        let said = ask("HEAD /metrics HTTP/1.1\r\n\r\n");
        assert!(said.contains("Content-Length: 4\r\n") && said.ends_with("\r\n\r\n"));
        assert!(ask("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask("POST /metrics HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        assert!(ask("\r\n\r\n").starts_with("HTTP/1.1 405"));
    }

    #[test]
    fn heads_end_with_an_empty_line() {
        assert!(ends(b"GET / HTTP/1.1\r\n\r\n"));
        assert!(ends(b"GET / HTTP/1.0\n\n"));
        assert!(!ends(b"GET / HTTP/1.1\r\nHost: a\r\n"));
    }
}
