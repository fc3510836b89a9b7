//! The pieces of a router's state that are no machine of their own.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ipnet::Ipv4Net;
use rand_core::CryptoRng;

use crate::config::{AreaKind, InterfaceConfig, NetworkType};
use crate::event::{Event, Parameter};
use crate::id::{AreaId, InterfaceId};
use crate::lsdb::DbKey;
use crate::neighbor::Neighbor;
use crate::spf::Ambiguity;
use crate::throttle::Throttle;
use crate::wire::{Options, PacketBody};

/// Names a neighbour: the index of the interface and the tunnel address.
pub(super) type NeighborKey = (usize, Ipv4Addr);

/// All timers of a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum TimerKey {
    /// The earliest deadline of a neighbour (see [`Deadlines`](crate::neighbor::Deadlines)).
    Neighbor(usize, Ipv4Addr),
    /// Hello to all members of an interface (RFC 2328 section 9.5).
    Interface(usize),
    /// Somebody else's LSA reaches MaxAge (section 14).
    Lsa(DbKey),
    /// One of our LSAs is to be issued, refreshed or withdrawn (section 12.4).
    Own(DbKey),
    /// Route calculation (section 16).
    Spf,
    /// The end of the start-up phase of a stub router (RFC 6987).
    StubRouter,
}

/// An interface and its neighbours.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) config: InterfaceConfig,
    pub(super) up: bool,
    /// False for a place that an interface left when it was taken out of the configuration; a later one may have it.
    pub(super) in_use: bool,
    pub(super) neighbors: BTreeMap<Ipv4Addr, Neighbor>,
    /// Who was announced by the embedder: remembered while the interface is down.
    pub(super) announced: BTreeSet<Ipv4Addr>,
    /// The address that speaks for each router id.
    pub(super) by_router_id: BTreeMap<Ipv4Addr, Ipv4Addr>,
    /// Whether Hellos go to neighbours one by one instead of to everybody.
    pub(super) per_neighbor: bool,
    pub(super) next_hello: Option<Instant>,
    /// Cryptographic sequence numbers: the last one sent to everybody, and the highest sent to anybody.
    pub(super) group_sequence: u32,
    pub(super) highest_sequence: u32,
    pub(super) full: usize,
}

impl Interface {
    pub(super) fn new(config: InterfaceConfig) -> Self {
        Self {
            up: config.initially_up,
            per_neighbor: !config.neighbors.is_empty()
                || config.network == (NetworkType::PointToMultipoint { non_broadcast: true }),
            config,
            in_use: true,
            neighbors: BTreeMap::new(),
            announced: BTreeSet::new(),
            by_router_id: BTreeMap::new(),
            next_hello: None,
            group_sequence: 0,
            highest_sequence: 0,
            full: 0,
        }
    }

    /// Takes another configuration. Hellos that go to neighbours one by one keep doing so.
    pub(super) fn set_config(&mut self, config: InterfaceConfig) {
        self.per_neighbor |= Self::new(config.clone()).per_neighbor;
        self.config = config;
    }
}

/// An area that interfaces belong to.
#[derive(Debug)]
pub(super) struct Area {
    pub(super) kind: AreaKind,
    pub(super) interfaces: Vec<usize>,
    /// Neighbours in ExStart or beyond: each will be a link of our Router-LSA.
    pub(super) adjacent: usize,
    pub(super) full: usize,
    pub(super) spf_runs: u64,
    pub(super) ambiguous: Vec<Ambiguity>,
}

/// One of our LSAs: what it should say, and when it may say it.
#[derive(Debug, Default)]
pub(super) struct OwnLsa {
    /// Nothing: withdraw it.
    pub(super) desired: Option<(Options, Bytes)>,
    pub(super) throttle: Throttle,
    /// Issue it even though it says the same: a foreign copy must be outbid.
    pub(super) force: bool,
    /// The last sequence number is used up: it begins again when the flushed one is gone (section 12.1.6).
    pub(super) wrapping: bool,
    pub(super) refresh_at: Option<Instant>,
}

/// What is to be calculated.
#[derive(Debug, Default)]
pub(super) struct Pending {
    pub(super) throttle: Throttle,
    pub(super) areas: BTreeSet<AreaId>,
    pub(super) prefixes: BTreeSet<Ipv4Net>,
    pub(super) externals: bool,
    pub(super) everything: bool,
    pub(super) last_run: Option<Instant>,
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        self.areas.is_empty() && self.prefixes.is_empty() && !self.externals && !self.everything
    }
}

/// A packet on its way out; built when it is polled, so that a thousand updates are not a thousand buffers, and so
/// that cryptographic sequence numbers rise in the order of sending.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) interface: usize,
    pub(super) peer: Option<Ipv4Addr>,
    pub(super) destination: Ipv4Addr,
    pub(super) body: OutgoingBody,
}

#[derive(Debug)]
pub(super) enum OutgoingBody {
    Packet(PacketBody),
    /// Updates with whatever the neighbour's flooding queue holds.
    Updates,
}

/// Everything that waits to be polled.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Hellos and acknowledgements (RFC 4222): never behind a database.
    pub(super) urgent: VecDeque<Outgoing>,
    pub(super) normal: VecDeque<Outgoing>,
    pub(super) events: VecDeque<Event>,
}

/// What the embedder was told about routes.
#[derive(Debug, Default)]
pub(super) struct RouteBook {
    /// Prefixes whose route may differ from what was told.
    pub(super) pending: BTreeSet<Ipv4Net>,
    pub(super) told: BTreeSet<Ipv4Net>,
    /// Which prefixes use a gateway, as first choice or fallback.
    pub(super) by_gateway: BTreeMap<(InterfaceId, Ipv4Addr), BTreeSet<Ipv4Net>>,
    pub(super) gateways: BTreeMap<Ipv4Net, Vec<(InterfaceId, Ipv4Addr)>>,
}

/// Remembers which mismatches were told, so that a wrong peer is not told with every Hello.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) mismatches: BTreeMap<(usize, Ipv4Addr, Parameter), Instant>,
    pub(super) lsdb_limit: Option<Instant>,
    pub(super) duplicate: Option<Instant>,
}

/// The generator of random numbers, which shows nothing of itself.
pub(super) struct Random(pub(super) Box<dyn CryptoRng + Send>);

impl Random {
    pub(super) fn number(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// A number below `limit`; slightly uneven, which jitter does not mind.
    pub(super) fn below(&mut self, limit: u32) -> u32 {
        if limit == 0 { 0 } else { self.number() % limit }
    }
}

/// A share by which waits before a repetition are drawn out, so that a thousand neighbours that lost the same packet
/// are not served in the same moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Uneven(u32);

impl Uneven {
    /// Shares are counted in these: a tenth of a wait is the most.
    const PARTS: u32 = 1000;

    pub(super) fn draw(random: &mut Random) -> Self {
        Self(random.below(Self::PARTS / 10))
    }

    pub(super) fn of(self, wait: Duration) -> Duration {
        wait + wait / Self::PARTS * self.0
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random")
    }
}
