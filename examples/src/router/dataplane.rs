//! The seam between the loop and what moves packets.

use std::io;
use std::time::Instant;

use dmvpn::forward::{Action, ControlPacket};
use dmvpn::{Engine, Path};
use mio::Token;

use super::control::{Reply, Ticket};

/// Tokens of a forwarding plane's sources begin here: source 0 has this one, source 1 the next.
const FIRST_SOURCE: usize = 1;
/// No forwarding plane has more sources.
const MOST_SOURCES: usize = 1 << 16;

/// A forwarding plane with the sockets and devices that it needs.
///
/// The loop owns the engine and one of these. It calls [`Dataplane::take`] while a source may have something,
/// carries out the engine's outputs after each call with [`Dataplane::transmit`] and [`Dataplane::follow`], and closes it
/// at the end. An implementation registers its sources with the poll when it is opened, under [`token`]s.
pub(super) trait Dataplane {
    /// Handles one packet (or batch, or kernel message) of a source. Whether there may be more: a source that says no is
    /// asked again when the poll says so.
    fn take(&mut self, engine: &mut Engine, source: usize) -> bool;

    /// Sends what the engine hands out for the underlay.
    fn transmit(&mut self, path: &Path, payload: &[u8]);

    /// Sends a control packet that the engine leaves to a forwarding plane of its own
    /// ([`Options::external_forwarding`](dmvpn::Options::external_forwarding)).
    fn send_control(&mut self, control: &ControlPacket) {
        let _ = control;
    }

    /// Tells the engine what was counted, before somebody looks.
    fn refresh(&mut self, engine: &mut Engine) {
        let _ = engine;
    }

    /// Follows what the control plane tells the forwarding plane.
    fn follow(&mut self, engine: &mut Engine, action: &Action);

    /// The engine has taken another configuration, with the same tunnels and underlay addresses.
    fn reconfigured(&mut self, engine: &Engine, now: Instant) {
        let _ = (engine, now);
    }

    /// When [`Dataplane::handle_timeout`] is wanted next.
    fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Does what is due.
    fn handle_timeout(&mut self, engine: &mut Engine, now: Instant) {
        let _ = (engine, now);
    }

    /// Carries out a command line of its own (`ping`); none if it has no such command.
    fn command(&mut self, engine: &Engine, words: &[&str]) -> Option<Reply> {
        let _ = (engine, words);
        None
    }

    /// The next answer to a command that was promised for later.
    fn poll_answer(&mut self) -> Option<(Ticket, String)> {
        None
    }

    /// What `show io` says of it.
    fn report(&self) -> String;

    /// Takes out of the system what was put there.
    fn close(&mut self);
}

/// The token of a source.
pub(super) const fn token(source: usize) -> Token {
    Token(FIRST_SOURCE + source)
}

/// The source with this token, if it is one's.
pub(super) const fn source(token: Token) -> Option<usize> {
    match token.0.checked_sub(FIRST_SOURCE) {
        Some(source) if source < MOST_SOURCES => Some(source),
        _ => None,
    }
}

/// Whether a source has nothing more to say: the error of its last read.
pub(super) fn is_empty(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
