//! What stands on the network: routers, NAT boxes and raw hosts.

use core::fmt;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use rand_chacha::ChaCha20Rng;

use super::fragment::Reassembler;
use super::nat::Nat;
use super::stats::NodeStats;
use crate::{BuildError, Config, Engine};

/// Names a router, a NAT box or a raw host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

impl NodeId {
    /// The router of those who have only one.
    pub(super) const ONLY: Self = Self(0);
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node {}", self.0)
    }
}

/// What an engine is built with: each time a router starts.
#[derive(Debug)]
#[non_exhaustive]
pub struct Boot {
    /// The router's clock.
    pub now: Instant,
    /// A generator for the engine. It follows from the network's seed, the router and the number of its starts.
    pub rng: ChaCha20Rng,
    /// How often the router has started before.
    pub restarts: u32,
}

/// Builds a router's engine each time that it starts.
pub(super) type Factory = Box<dyn FnMut(Boot) -> Result<Engine, BuildError> + Send>;

/// A host on a router's LAN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LanHost {
    /// Its name.
    pub name: String,
    /// Its address. The router is its gateway for everything.
    pub address: Ipv4Addr,
}

/// A router to be added to a network.
#[non_exhaustive]
pub struct RouterSpec {
    pub(super) factory: Factory,
    /// The hosts on its LANs.
    pub hosts: Vec<LanHost>,
    /// The NAT box that it sits behind.
    pub behind: Option<NodeId>,
    /// Its underlay addresses; none takes those that the engine says it has.
    pub addresses: Option<Vec<Ipv4Addr>>,
    /// Whether its tunnels are protected: then the watch for clear text looks at what it sends.
    pub is_protected: bool,
}

impl RouterSpec {
    /// A router whose engine is built by this function, now and after each crash.
    #[must_use]
    pub fn new(factory: impl FnMut(Boot) -> Result<Engine, BuildError> + Send + 'static) -> Self {
        Self {
            factory: Box::new(factory),
            hosts: Vec::new(),
            behind: None,
            addresses: None,
            is_protected: true,
        }
    }

    /// A router with this configuration.
    #[must_use]
    pub fn with_config(config: Config) -> Self {
        Self::new(move |boot| Engine::new(config.clone(), boot.rng, boot.now))
    }

    /// The same with another host on its LANs.
    #[must_use]
    pub fn host(mut self, name: &str, address: Ipv4Addr) -> Self {
        self.hosts.push(LanHost { name: name.to_owned(), address });
        self
    }

    /// The same behind a NAT box.
    #[must_use]
    pub fn behind(mut self, nat: NodeId) -> Self {
        self.behind = Some(nat);
        self
    }

    /// The same with these underlay addresses.
    #[must_use]
    pub fn addresses(mut self, addresses: &[Ipv4Addr]) -> Self {
        self.addresses = Some(addresses.to_vec());
        self
    }

    /// The same for a cloud without encryption: GRE in the clear is what it is meant to send.
    #[must_use]
    pub fn unprotected(mut self) -> Self {
        self.is_protected = false;
        self
    }
}

impl fmt::Debug for RouterSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterSpec")
            .field("hosts", &self.hosts)
            .field("behind", &self.behind)
            .field("addresses", &self.addresses)
            .field("is_protected", &self.is_protected)
            .finish_non_exhaustive()
    }
}

/// Why something could not be added to a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddError {
    /// The engine does not take its configuration.
    #[error("{name}: {error}")]
    Build {
        /// The router.
        name: String,
        /// What the engine said.
        error: BuildError,
    },
    /// Another node or host has the name.
    #[error("{0} is there already")]
    NameTaken(String),
    /// Another node has the address on the same underlay.
    #[error("{name}: {address} is taken")]
    AddressTaken {
        /// Who wanted it.
        name: String,
        /// The address.
        address: Ipv4Addr,
    },
    /// What a router was to sit behind is no NAT box.
    #[error("{0} is no NAT box")]
    NotNat(NodeId),
}

/// Something on the network.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) behind: Option<NodeId>,
    /// On the underlay.
    pub(super) addresses: Vec<Ipv4Addr>,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    Router(Box<Router>),
    Nat(Box<Nat>),
    Raw(Vec<Received>),
}

/// A packet that a raw host received.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// When.
    pub at: Duration,
    /// The IPv4 packet, as it came.
    pub bytes: Vec<u8>,
}

pub(super) struct Router {
    /// None while it has crashed.
    pub(super) engine: Option<Engine>,
    pub(super) factory: Factory,
    pub(super) boots: u32,
    /// Underlay addresses that the caller gave, whatever the engine says.
    pub(super) fixed_addresses: Option<Vec<Ipv4Addr>>,
    pub(super) hosts: Vec<LanHost>,
    pub(super) is_protected: bool,
    /// How far its clock is ahead of the network's.
    pub(super) clock_ahead: Duration,
    pub(super) next_id: u16,
    pub(super) reassembler: Reassembler,
    /// The earliest entry in the queue for its timeout. Later entries are stale.
    pub(super) timer_at: Option<Duration>,
    /// When the last timeout was handled, and how many in a row at that instant.
    pub(super) last_timeout: (Duration, u32),
    pub(super) stats: NodeStats,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("engine", &self.engine)
            .field("boots", &self.boots)
            .field("timer_at", &self.timer_at)
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}

impl Node {
    pub(super) fn router(&self) -> Option<&Router> {
        match &self.kind {
            Kind::Router(router) => Some(router),
            _ => None,
        }
    }

    pub(super) fn router_mut(&mut self) -> Option<&mut Router> {
        match &mut self.kind {
            Kind::Router(router) => Some(router),
            _ => None,
        }
    }

    pub(super) fn nat(&self) -> Option<&Nat> {
        match &self.kind {
            Kind::Nat(nat) => Some(nat),
            _ => None,
        }
    }

    pub(super) fn nat_mut(&mut self) -> Option<&mut Nat> {
        match &mut self.kind {
            Kind::Nat(nat) => Some(nat),
            _ => None,
        }
    }
}
