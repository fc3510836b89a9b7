//! The engine: a whole router.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use rand_core::CryptoRng;

use crate::{Config, Event, Packet, Path, Verdict};

/// Names a tunnel of this router.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TunnelId(pub u32);

/// Something the engine hands out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Output {
    /// Send this payload (GRE, ESP or a UDP payload, without outer IP and UDP headers) on this path.
    Transmit {
        /// Where to.
        path: Path,
        /// What.
        payload: Vec<u8>,
    },
    /// A fact that somebody may want to see.
    Event(Event),
}

/// What an embedder can ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Leave the cloud in an orderly way: purge registrations, delete SAs, flush LSAs.
    Shutdown,
}

/// Why an engine could not be built from a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildError {
    /// Every error, not only the first.
    pub errors: Vec<String>,
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.errors.join("\n"))
    }
}

impl std::error::Error for BuildError {}

/// A whole router: control plane, forwarding plane and the seam between them.
///
/// Packets in return a verdict; then drain [`Engine::poll_output`] to `None`; then sleep until
/// [`Engine::poll_timeout`].
#[derive(Debug)]
pub struct Engine {
    hostname: String,
}

impl Engine {
    /// Builds a router from its configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the configuration, at once.
    pub fn new(
        config: Config,
        _rng: impl CryptoRng + Send + 'static,
        _now: Instant,
    ) -> Result<Self, BuildError> {
        Ok(Self { hostname: config.hostname })
    }

    /// The router's name.
    #[must_use]
    pub fn hostname(&self) -> &str {
        &self.hostname
    }

    /// The router's underlay addresses (the sources of its tunnels).
    pub fn underlay_addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        core::iter::empty()
    }

    /// The router's own overlay and LAN addresses with their prefix lengths: interface name, address, prefix length.
    pub fn local_addresses(&self) -> impl Iterator<Item = (&str, Ipv4Addr, u8)> + '_ {
        core::iter::empty()
    }

    /// The address of the interface by which a packet to `destination` leaves: what an ICMP error has as source.
    #[must_use]
    pub fn source_towards(&self, _destination: Ipv4Addr) -> Option<Ipv4Addr> {
        None
    }

    /// An IP packet from a LAN, to be forwarded: its TTL goes down by one.
    pub fn handle_lan(&mut self, _now: Instant, _packet: &mut Packet) -> Verdict {
        Verdict::Consumed
    }

    /// An IP packet that the router itself originates (a ping from its prompt): its TTL stays.
    pub fn handle_local(&mut self, _now: Instant, _packet: &mut Packet) -> Verdict {
        Verdict::Consumed
    }

    /// An underlay packet for this router: what follows the outer IP header (and the UDP header, where `path.wire` is
    /// UDP). `path.local` is our address, `path.remote` the sender's.
    pub fn handle_wan(&mut self, _now: Instant, _path: Path, _packet: &mut Packet) -> Verdict {
        Verdict::Consumed
    }

    /// The underlay reports (ICMP fragmentation needed) that packets to `remote` may have no more than `mtu` bytes,
    /// outer IP header included.
    pub fn handle_underlay_mtu(&mut self, _now: Instant, _remote: IpAddr, _mtu: u16) {}

    /// Carries out a command.
    pub fn handle_command(&mut self, _now: Instant, _command: Command) {}

    /// Does what is due. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// When [`Engine::handle_timeout`] is wanted next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// The next thing that the engine hands out, until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }
}
