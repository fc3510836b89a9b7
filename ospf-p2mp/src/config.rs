//! What a router is told when it starts.

mod validate;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use ipnet::Ipv4Net;

use crate::auth::Authentication;
use crate::id::{AreaId, InterfaceId};

pub use validate::ConfigError;

/// Everything a [`Router`](crate::Router) is told at construction.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Names this router in the whole routing domain; not an address, although it often looks like one.
    pub router_id: Ipv4Addr,
    /// Process number, for views only (`router ospf 1`).
    pub process: u32,
    /// Tunnels and LANs.
    pub interfaces: Vec<InterfaceConfig>,
    /// Areas that are not ordinary. An area that only interfaces name is a [`AreaKind::Normal`] one.
    pub areas: Vec<AreaConfig>,
    /// Throttles and intervals of the whole process.
    pub timers: Timers,
    /// Bounds on what peers can make grow.
    pub limits: Limits,
    /// RFC 2328 section 16.4.1: prefer AS boundary routers as RFC 1583 did. On in IOS.
    pub rfc1583_compatible: bool,
    /// RFC 6987: tell the others not to send transit traffic through this router.
    pub stub_router: StubRouter,
    /// The largest metric for stub networks, too, while this router is a stub router (`include-stub`).
    pub stub_router_stubs: bool,
    /// The metric of our AS-external LSAs while this router is a stub router (`external-lsa`); `None`: their own.
    pub stub_router_externals: Option<u32>,
    /// RFC 3623 section 3: help a restarting neighbour.
    pub graceful_restart_helper: bool,
    /// RFC 3623 section 3.2: stop helping when an LSA changes that the restarting neighbour would have to learn, because
    /// it may forward by what it knew before. Without it, a restart in a busy cloud is covered longer, at the risk of a
    /// loop while it lasts.
    pub graceful_restart_strict: bool,
    /// Cryptographic sequence numbers start here. Give the seconds since 1970: a restarted router must not
    /// fall behind the numbers that it sent before (RFC 2328 appendix D.3).
    pub sequence_base: u32,
}

impl Config {
    /// A router with the given id, without interfaces, everything else as IOS has it.
    pub fn new(router_id: Ipv4Addr) -> Self {
        Self {
            router_id,
            process: 1,
            interfaces: Vec::new(),
            areas: Vec::new(),
            timers: Timers::default(),
            limits: Limits::default(),
            rfc1583_compatible: true,
            stub_router: StubRouter::Never,
            stub_router_stubs: false,
            stub_router_externals: None,
            graceful_restart_helper: true,
            graceful_restart_strict: true,
            sequence_base: 1,
        }
    }
}

/// RFC 6987: when the router advertises its transit links with the largest metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StubRouter {
    /// Ordinary metrics.
    #[default]
    Never,
    /// `max-metric router-lsa`.
    Always,
    /// `max-metric router-lsa on-startup`: for this long after construction.
    OnStartup(Duration),
}

/// What is special about an area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AreaConfig {
    /// Which area.
    pub id: AreaId,
    /// Ordinary or stub.
    pub kind: AreaKind,
}

impl AreaConfig {
    /// Describes one area.
    pub fn new(id: AreaId, kind: AreaKind) -> Self {
        Self { id, kind }
    }
}

/// RFC 2328 section 3.6. Not-so-stubby areas (RFC 3101) are not offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AreaKind {
    /// Externals are flooded into it.
    #[default]
    Normal,
    /// No externals; an area border router advertises a default route of this cost instead.
    Stub {
        /// Cost of the default route, 0 to 0xffffff.
        default_cost: u32,
        /// Leave out inter-area prefixes too (`area N stub no-summary`).
        no_summary: bool,
    },
}

/// One tunnel or LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InterfaceConfig {
    /// The embedder's name for it; unique.
    pub id: InterfaceId,
    /// Shown in views.
    pub name: String,
    /// Our address on it.
    pub address: Ipv4Addr,
    /// The subnet of it: the tunnel's cloud. Hellos carry its mask.
    pub prefix: Ipv4Net,
    /// The area it belongs to.
    pub area: AreaId,
    /// Cost of sending through it, 1 to 65535.
    pub cost: u16,
    /// Point-to-multipoint or a LAN that is only advertised.
    pub network: NetworkType,
    /// Time between Hellos; must equal the peers' (RFC 2328 section 10.5). Whole seconds.
    pub hello_interval: Duration,
    /// Silence after which a neighbour is dead; must equal the peers'. Whole seconds.
    pub dead_interval: Duration,
    /// Longest time between retransmissions, give or take a tenth of chance; the first one follows after
    /// [`Timers::first_retransmit`].
    pub retransmit_interval: Duration,
    /// Added to the age of each LSA sent; at least one second. Whole seconds.
    pub transmit_delay: Duration,
    /// Largest IP packet of the interface, sent in Database Descriptions and checked there.
    pub mtu: u16,
    /// Accept a peer whose MTU is larger (`ip ospf mtu-ignore`).
    pub mtu_ignore: bool,
    /// How packets are authenticated.
    pub authentication: Authentication,
    /// Which gateway routes across this cloud get.
    pub next_hop: NextHopMode,
    /// Advertised, but without Hellos (`passive-interface`).
    pub passive: bool,
    /// RFC 6860: leave this interface's own address out of the Router-LSA.
    pub prefix_suppression: bool,
    /// Priority in Hellos. Means nothing on point-to-multipoint; shown in views of the peers.
    pub priority: u8,
    /// RFC 5082: packets must arrive with a TTL of at least 256 minus this, and leave with 255. `None`: no check,
    /// TTL 1.
    pub ttl_security: Option<u8>,
    /// Neighbours to which unicast Hellos go without waiting for [`Input::PeerUp`](crate::Input::PeerUp)
    /// (`neighbor` lines of `non-broadcast`).
    pub neighbors: Vec<Ipv4Addr>,
    /// Costs of the links to some neighbours, where they differ from `cost` (`neighbor ... cost`). Not 0.
    pub neighbor_costs: BTreeMap<Ipv4Addr, u16>,
    /// Whether the interface counts as up before the first `InterfaceUp` or `InterfaceDown`.
    pub initially_up: bool,
}

impl InterfaceConfig {
    /// A point-to-multipoint tunnel in area 0 with IOS's timers (30 s, 120 s) and MTU 1400.
    ///
    /// `address` is ours, `prefix_len` (0 to 32) gives the cloud; a longer one counts as 32.
    pub fn tunnel(id: InterfaceId, name: impl Into<String>, address: Ipv4Addr, prefix_len: u8) -> Self {
        let prefix =
            Ipv4Net::new(address, prefix_len.min(32)).unwrap_or_else(|_| Ipv4Net::from(address)).trunc();
        Self {
            id,
            name: name.into(),
            address,
            prefix,
            area: AreaId::BACKBONE,
            cost: 1000,
            network: NetworkType::PointToMultipoint { non_broadcast: false },
            hello_interval: Duration::from_secs(30),
            dead_interval: Duration::from_secs(120),
            retransmit_interval: Duration::from_secs(5),
            transmit_delay: Duration::from_secs(1),
            mtu: 1400,
            mtu_ignore: false,
            authentication: Authentication::Null,
            next_hop: NextHopMode::Originator,
            passive: false,
            prefix_suppression: false,
            priority: 1,
            ttl_security: None,
            neighbors: Vec::new(),
            neighbor_costs: BTreeMap::new(),
            initially_up: true,
        }
    }

    /// A LAN that is advertised as a stub network of cost 1 in area 0 and on which no OSPF is spoken.
    pub fn lan(id: InterfaceId, name: impl Into<String>, address: Ipv4Addr, prefix_len: u8) -> Self {
        Self {
            cost: 1,
            network: NetworkType::Stub,
            passive: true,
            mtu: 1500,
            ..Self::tunnel(id, name, address, prefix_len)
        }
    }

    /// Whether Hellos are exchanged here.
    pub fn is_active(&self) -> bool {
        matches!(self.network, NetworkType::PointToMultipoint { .. }) && !self.passive
    }
}

/// What kind of network an interface is attached to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NetworkType {
    /// RFC 2328 section 2.1: every neighbour is a link of its own.
    PointToMultipoint {
        /// Hellos go to each neighbour's own address (RFC 2328 section 9.5, BIRD) rather than to 224.0.0.5 (IOS,
        /// FRR). Either way a peer is answered in the way it speaks.
        non_broadcast: bool,
    },
    /// A LAN without OSPF neighbours.
    Stub,
}

/// Which router of a path across the cloud becomes the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextHopMode {
    /// The farthest router that the shortest path crosses *on the cloud*, with the nearer ones as fallbacks. Local
    /// to this router: nothing changes on the wire. What a phase 2 spoke wants.
    #[default]
    Originator,
    /// RFC 2328 section 16.1.1: the first router of the path. For hubs and for phases 1 and 3.
    Rfc2328,
}

/// An exponential back-off: `start` after a quiet time, then at least `hold` apart, doubling up to `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ThrottleConfig {
    /// Delay of the first run.
    pub start: Duration,
    /// Least distance between the first two runs.
    pub hold: Duration,
    /// Upper bound of the distance.
    pub max: Duration,
}

/// Intervals of the whole process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timers {
    /// Between a change of topology and SPF.
    pub spf: ThrottleConfig,
    /// Between a change and the new instance of one of our LSAs. Takes the place of MinLSInterval, as in IOS.
    pub lsa: ThrottleConfig,
    /// MinLSArrival: instances of one LSA that come faster are dropped, except for a burst of eight. RFC 2328 says
    /// one second; a shorter time and the burst avoid a retransmission delay when a peer corrects itself quickly.
    pub min_ls_arrival: Duration,
    /// Least time between two flooding rounds to one neighbour; changes in between go out together.
    pub flood_pacing: Duration,
    /// How long acknowledgements wait for company.
    pub ack_delay: Duration,
    /// First retransmission; later ones double up to the interface's interval. A little more than a second suits
    /// receivers that insist on a MinLSArrival of one second, and those that put acknowledgements off for one (FRR).
    pub first_retransmit: Duration,
    /// Age at which our own LSAs are issued anew (LSRefreshTime, 30 minutes); a longer time counts as that.
    pub refresh: Duration,
    /// Longest wait, after a restart, for an adjacency before an LSA of our previous life is replaced. Replacing it
    /// sooner would withdraw its links for a moment.
    pub resync_hold: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let ms = Duration::from_millis;
        Self {
            spf: ThrottleConfig { start: ms(10), hold: ms(50), max: ms(5000) },
            lsa: ThrottleConfig { start: ms(50), hold: ms(200), max: ms(5000) },
            min_ls_arrival: ms(100),
            flood_pacing: ms(33),
            ack_delay: ms(100),
            first_retransmit: ms(1300),
            refresh: Duration::from_secs(1800),
            resync_hold: ms(3000),
        }
    }
}

/// Bounds on what peers can make grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Neighbours per interface, known or heard.
    pub neighbors: usize,
    /// Adjacencies in ExStart, Exchange or Loading at the same time; more wait in 2-Way.
    pub concurrent_exchanges: usize,
    /// LSAs in the database, over all areas.
    pub lsas: usize,
    /// LSAs of one advertising router.
    pub lsas_per_router: usize,
    /// Bytes of LSAs in the database.
    pub lsdb_bytes: usize,
    /// Links in our Router-LSA of one area. The wire allows about 5,450; more counts as that.
    pub router_lsa_links: usize,
    /// Retransmissions of one LSA before the neighbour is taken down.
    pub retransmissions: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            neighbors: 6_000,
            concurrent_exchanges: 64,
            lsas: 100_000,
            lsas_per_router: 20_000,
            lsdb_bytes: 64 << 20,
            router_lsa_links: 5_400,
            retransmissions: 25,
        }
    }
}
