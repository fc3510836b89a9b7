//! OSPF: the process, and what is said of it on an interface.

use core::fmt;
use core::time::Duration;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Line, Origin, Secret};

/// An OSPF area: a number that looks like an address (RFC 2328 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AreaId(pub u32);

impl AreaId {
    /// Area 0, the backbone.
    pub const BACKBONE: Self = Self(0);
}

impl From<Ipv4Addr> for AreaId {
    fn from(address: Ipv4Addr) -> Self {
        Self(u32::from(address))
    }
}

impl From<AreaId> for Ipv4Addr {
    fn from(area: AreaId) -> Self {
        Self::from(area.0)
    }
}

impl fmt::Display for AreaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// `ip ospf network ...`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OspfNetworkType {
    /// `broadcast`: with a designated router. This router does not take part in such an election.
    Broadcast,
    /// `non-broadcast`.
    NonBroadcast,
    /// `point-to-point`: the default of IOS for a tunnel, multipoint ones included.
    PointToPoint,
    /// `point-to-multipoint`: what the guide needs. Hellos go by multicast.
    PointToMultipoint,
    /// `point-to-multipoint non-broadcast`: Hellos go to each neighbour.
    PointToMultipointNonBroadcast,
}

impl OspfNetworkType {
    /// The words of the command.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::NonBroadcast => "non-broadcast",
            Self::PointToPoint => "point-to-point",
            Self::PointToMultipoint => "point-to-multipoint",
            Self::PointToMultipointNonBroadcast => "point-to-multipoint non-broadcast",
        }
    }

    /// How often a Hello is sent where nothing is configured: 10 s, and 30 s on non-broadcast and point-to-multipoint
    /// networks, as IOS has it.
    #[must_use]
    pub const fn default_hello_interval(self) -> Duration {
        match self {
            Self::Broadcast | Self::PointToPoint => Duration::from_secs(10),
            _ => Duration::from_secs(30),
        }
    }
}

impl fmt::Display for OspfNetworkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.words())
    }
}

/// How OSPF packets are authenticated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OspfAuthentication {
    /// Not at all (RFC 2328 section D.1).
    Null,
    /// By a password in the clear (section D.2): [`InterfaceOspf::simple_key`].
    Simple,
    /// By keyed MD5 (section D.3): [`InterfaceOspf::message_digest_keys`].
    MessageDigest,
    /// By the keys of a [`KeyChain`]: HMAC-SHA (RFC 5709) or MD5.
    KeyChain(String),
}

/// The `ip ospf ...` lines of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InterfaceOspf {
    /// `ip ospf PROCESS area AREA`: takes part whatever the `network` lines say.
    pub area: Option<(u16, AreaId)>,
    /// `ip ospf network`; `None`: the default of the interface's kind.
    pub network: Option<OspfNetworkType>,
    /// `ip ospf cost`: 1 to 65535; `None`: from the bandwidth, see [`Config::ospf_cost`](super::Config::ospf_cost).
    pub cost: Option<u16>,
    /// `ip ospf hello-interval`: 1 to 65535 seconds; `None`: the network type's default.
    pub hello_interval: Option<Duration>,
    /// `ip ospf dead-interval`: 1 to 65535 seconds; `None`: four times the Hello interval.
    pub dead_interval: Option<Duration>,
    /// `ip ospf retransmit-interval`: 1 to 8192 seconds; `None`: 5.
    pub retransmit_interval: Option<Duration>,
    /// `ip ospf transmit-delay`: 1 to 8192 seconds; `None`: 1.
    pub transmit_delay: Option<Duration>,
    /// `ip ospf priority`: for the election of a designated router, which does not happen here. Sent in Hellos.
    pub priority: Option<u8>,
    /// `ip ospf mtu-ignore`: adjacencies come up although the MTUs differ.
    pub mtu_ignore: bool,
    /// `ip ospf prefix-suppression` (RFC 6860); `None`: as [`Ospf::prefix_suppression`] says.
    pub prefix_suppression: Option<bool>,
    /// `ip ospf authentication`; `None`: as the area says.
    pub authentication: Option<OspfAuthentication>,
    /// `ip ospf authentication-key`.
    pub simple_key: Option<Secret>,
    /// `ip ospf message-digest-key ID md5 KEY`, in the order of the file: the last one sends, all of them receive.
    pub message_digest_keys: Vec<MessageDigestKey>,
    /// `ip ospf ttl-security [hops N]`: packets that came over more hops are refused; 1 to 254, 1 without `hops`.
    pub ttl_security: Option<u8>,
}

impl InterfaceOspf {
    /// Whether anything is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One key of `ip ospf message-digest-key`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageDigestKey {
    /// 1 to 255; on the wire.
    pub id: u8,
    /// At most 16 octets count (RFC 2328 section D.3).
    pub key: Secret,
    /// Where it is written.
    pub line: Line,
}

/// `key chain NAME`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyChain {
    /// Its name, used by [`OspfAuthentication::KeyChain`].
    pub name: String,
    /// Its keys, in the order of the file.
    pub keys: Vec<ChainKey>,
    /// Where it is written.
    pub origin: Origin,
}

/// `key N` in a key chain.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChainKey {
    /// On the wire. OSPF takes 1 to 255.
    pub id: u32,
    /// `key-string`.
    pub key: Option<Secret>,
    /// `cryptographic-algorithm`.
    pub algorithm: ChainAlgorithm,
    /// `send-lifetime`: when it signs. `None`: always.
    pub send: Option<KeyLifetime>,
    /// `accept-lifetime`: when it is accepted. `None`: always.
    pub accept: Option<KeyLifetime>,
    /// Where it is written.
    pub origin: Origin,
}

/// When a key is used, in seconds since 1970. Applied by [`Options::unix_time`](crate::Options::unix_time).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyLifetime {
    /// The first second.
    pub from: u64,
    /// The first second after. `None`: for ever.
    pub until: Option<u64>,
}

/// `cryptographic-algorithm` of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum ChainAlgorithm {
    /// Keyed MD5 (RFC 2328 section D.3): where nothing is said.
    #[default]
    Md5,
    /// HMAC-SHA-1 (RFC 5709).
    HmacSha1,
    /// HMAC-SHA-256.
    HmacSha256,
    /// HMAC-SHA-384.
    HmacSha384,
    /// HMAC-SHA-512.
    HmacSha512,
}

/// Which gateway a route gets whose path lies behind another router of the cloud. Our own extension:
/// `ip ospf next-hop originator|rfc2328` on a tunnel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NextHopMode {
    /// The last router of the path on this cloud, with the routers before it as fallbacks. What the guide's phase 2
    /// needs; changes nothing on the wire.
    Originator,
    /// The first router of the path, as RFC 2328 section 16.1.1 and every other implementation have it.
    Rfc2328,
}

/// `router ospf PROCESS`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ospf {
    /// Its number: 1 to 65535, local to this router.
    pub process: u16,
    /// `router-id`; `None`: see [`Config::ospf_router_id`](super::Config::ospf_router_id).
    pub router_id: Option<Ipv4Addr>,
    /// `network ADDRESS WILDCARD area AREA`: interfaces with such an address take part. The most specific one decides.
    pub networks: Vec<OspfNetwork>,
    /// `passive-interface default`: interfaces are announced but no Hello leaves them.
    pub passive_default: bool,
    /// `passive-interface NAME`.
    pub passive_interfaces: Vec<String>,
    /// `no passive-interface NAME`, after `passive-interface default`.
    pub active_interfaces: Vec<String>,
    /// `redistribute ...`.
    pub redistribute: Vec<Redistribute>,
    /// `default-information originate`.
    pub default_information: Option<DefaultInformation>,
    /// `max-metric router-lsa` (RFC 6987).
    pub max_metric: Option<MaxMetric>,
    /// `timers throttle spf`: 50, 200, 5000 milliseconds by default.
    pub throttle_spf: Throttle,
    /// `timers throttle lsa`: 50, 200, 5000 milliseconds by default.
    pub throttle_lsa: Throttle,
    /// `timers lsa arrival`: how soon a new instance of the same LSA is taken; 100 ms by default, as in newer IOS-XE.
    pub lsa_arrival: Duration,
    /// `auto-cost reference-bandwidth`: the bandwidth of cost 1, in Mbit/s; 1 to 4294967, 100 by default.
    pub reference_bandwidth: u32,
    /// `prefix-suppression` for all interfaces (RFC 6860).
    pub prefix_suppression: bool,
    /// `area N authentication [message-digest]`, `area N default-cost`, and the like. Sorted by area.
    pub areas: Vec<Area>,
    /// `neighbor ADDRESS`: who gets Hellos on a non-broadcast network.
    pub neighbors: Vec<OspfNeighbor>,
    /// `distance`: how far OSPF's routes are believed; 1 to 255, 110 by default.
    pub distance: u8,
    /// `maximum-paths`: 1 to 32, 4 by default.
    pub maximum_paths: u8,
    /// `ttl-security all-interfaces [hops N]`: as [`InterfaceOspf::ttl_security`].
    pub ttl_security: Option<u8>,
    /// `nsf ietf helper` (RFC 3623): helps a neighbour that restarts. On by default.
    pub restart_helper: bool,
    /// `shutdown`: off without losing the configuration.
    pub shutdown: bool,
    /// Where it is written.
    pub origin: Origin,
}

impl Ospf {
    /// A process that has nothing but its number.
    #[must_use]
    pub fn new(process: u16) -> Self {
        Self {
            process,
            router_id: None,
            networks: Vec::new(),
            passive_default: false,
            passive_interfaces: Vec::new(),
            active_interfaces: Vec::new(),
            redistribute: Vec::new(),
            default_information: None,
            max_metric: None,
            throttle_spf: Throttle::default(),
            throttle_lsa: Throttle::default(),
            lsa_arrival: Duration::from_millis(100),
            reference_bandwidth: 100,
            prefix_suppression: false,
            areas: Vec::new(),
            neighbors: Vec::new(),
            distance: 110,
            maximum_paths: 4,
            ttl_security: None,
            restart_helper: true,
            shutdown: false,
            origin: Origin::default(),
        }
    }

    /// Whether an interface is passive: announced, but without neighbours.
    #[must_use]
    pub fn is_passive(&self, interface: &str) -> bool {
        if self.passive_default {
            !self.active_interfaces.iter().any(|name| name == interface)
        } else {
            self.passive_interfaces.iter().any(|name| name == interface)
        }
    }

    /// The area in which the `network` lines put an address: that of the most specific line.
    #[must_use]
    pub fn area_of(&self, address: Ipv4Addr) -> Option<AreaId> {
        self.networks
            .iter()
            .filter(|network| network.contains(address))
            // The first of equals, as in IOS: `max_by_key` alone would take the last.
            .rev()
            .max_by_key(|network| (!network.wildcard).count_ones())
            .map(|network| network.area)
    }

    /// What is said of an area, if anything.
    #[must_use]
    pub fn area(&self, id: AreaId) -> Option<&Area> {
        self.areas.iter().find(|area| area.id == id)
    }
}

/// `network ADDRESS WILDCARD area AREA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OspfNetwork {
    /// The address to compare with.
    pub address: Ipv4Addr,
    /// The bits that do not matter, as a number: `0.0.0.255` is 255.
    pub wildcard: u32,
    /// The area.
    pub area: AreaId,
    /// Where it is written.
    pub line: Line,
}

impl OspfNetwork {
    /// Whether an address is meant.
    #[must_use]
    pub fn contains(&self, address: Ipv4Addr) -> bool {
        (u32::from(self.address) ^ u32::from(address)) & !self.wildcard == 0
    }

    /// As a prefix.
    #[must_use]
    pub fn prefix(&self) -> Option<Ipv4Net> {
        Ipv4Net::with_netmask(self.address, Ipv4Addr::from(!self.wildcard)).ok().map(|net| net.trunc())
    }
}

/// What is said of an area.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Area {
    /// Which.
    pub id: AreaId,
    /// `area N authentication [message-digest]`: for interfaces that say nothing themselves.
    pub authentication: Option<OspfAuthentication>,
    /// Where it is written.
    pub line: Line,
}

/// Where redistributed routes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RouteSource {
    /// Interfaces that do not take part.
    Connected,
    /// `ip route` lines.
    Static,
}

/// Whether the cost inside the area counts (RFC 2328 section 16.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MetricType {
    /// E1: it does.
    Type1,
    /// E2: it does not. The default.
    #[default]
    Type2,
}

/// `redistribute static|connected [metric M] [metric-type T] [tag G] [subnets]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redistribute {
    /// From where.
    pub source: RouteSource,
    /// 0 to 16777214; 20 by default.
    pub metric: u32,
    /// E1 or E2.
    pub metric_type: MetricType,
    /// The tag that travels with the route.
    pub tag: u32,
    /// Where it is written.
    pub line: Line,
}

/// `default-information originate [always] [metric M] [metric-type T]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultInformation {
    /// Even without a default route of one's own.
    pub always: bool,
    /// 0 to 16777214; 1 by default.
    pub metric: u32,
    /// E1 or E2.
    pub metric_type: MetricType,
}

/// `max-metric router-lsa ...`: others reach our own networks but nothing through us (RFC 6987).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MaxMetric {
    /// Only so long after the start: 5 to 86400 seconds. `None`: always.
    pub on_startup: Option<Duration>,
    /// Stub networks too: `include-stub`.
    pub include_stub: bool,
    /// The metric of external routes: `external-lsa [METRIC]`, 1 to 16777215, 16711680 by default.
    pub external: Option<u32>,
}

/// An exponential back-off: the first wait, then that which doubles, up to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    /// After a quiet time.
    pub start: Duration,
    /// The first wait between two, which doubles.
    pub hold: Duration,
    /// The longest wait.
    pub max: Duration,
}

impl Default for Throttle {
    fn default() -> Self {
        Self {
            start: Duration::from_millis(50),
            hold: Duration::from_millis(200),
            max: Duration::from_millis(5000),
        }
    }
}

/// `neighbor ADDRESS [cost C] [priority P] [poll-interval S]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OspfNeighbor {
    /// Its tunnel address.
    pub address: Ipv4Addr,
    /// 1 to 65535; `None`: the interface's.
    pub cost: Option<u16>,
    /// Where it is written.
    pub line: Line,
}
