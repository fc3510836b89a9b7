//! NHRP on a tunnel.

use core::fmt;
use core::time::Duration;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::{IdentityMatch, Line, Secret};

/// The `ip nhrp ...` lines of a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nhrp {
    /// `ip nhrp network-id`: switches NHRP on; local to this router, never on the wire. 1 to 4294967295.
    pub network_id: Option<u32>,
    /// `ip nhrp authentication`: in clear text in every packet. IOS takes 8 characters, this router more.
    pub authentication: Option<Secret>,
    /// `ip nhrp holdtime`: how long others may keep what they learn from us. 1 to 65535 seconds; 7200 by default
    /// (RFC 2332 leaves it open; IOS chose this).
    pub holdtime: Duration,
    /// `ip nhrp registration timeout`: how often a spoke registers. 1 to 65535 seconds; `None`: a third of `holdtime`.
    pub registration_timeout: Option<Duration>,
    /// `ip nhrp registration delay`: how long the first registration waits. 0 to 10 seconds.
    pub registration_delay: Duration,
    /// Registrations ask to be the only one for their address (RFC 2332 section 5.2.3, the U bit);
    /// `ip nhrp registration no-unique` makes it false.
    pub unique: bool,
    /// `ip nhrp map ADDRESS NBMA`.
    pub maps: Vec<NhrpMap>,
    /// `ip nhrp map multicast dynamic`: who registers gets multicast.
    pub multicast_dynamic: bool,
    /// `ip nhrp map multicast NBMA`.
    pub multicast_maps: Vec<MulticastMap>,
    /// `ip nhrp nhs ...`: the servers. A tunnel without any serves registrations.
    pub nhs: Vec<Nhs>,
    /// `ip nhrp nhs fallback`: how long a better server must answer before the spoke goes back to it. 0 to 60 seconds.
    pub nhs_fallback: Duration,
    /// `ip nhrp nhs cluster C max-connections N`: how many servers of a cluster are kept up. Sorted by cluster.
    pub clusters: Vec<Cluster>,
    /// `ip nhrp redirect [timeout N]`: phase 3 on a hub; the rate limit for one pair, 2 to 30 seconds, 8 by default.
    pub redirect: Option<Duration>,
    /// `ip nhrp shortcut`: phase 3 on a spoke. Newer IOS-XE has it on by default; here it is off, because the
    /// phase 2 of the guide needs it off.
    pub shortcut: bool,
    /// `ip nhrp max-send`: how many control packets may leave; `None`: the protocol crate's default.
    pub max_send: Option<MaxSend>,
    /// `ip nhrp server-only [non-caching]`: asks nobody for addresses.
    pub server_only: bool,
    /// `ip nhrp cache non-authoritative`: answers requests from its own cache (true, the default of IOS). `no ip nhrp cache
    /// non-authoritative`: passes them on to the client that they ask for.
    pub cache_non_authoritative: bool,
    /// `ip nhrp record`: transit records go into packets (RFC 2332 section 5.3.2). On by default.
    pub record: bool,
    /// `if-state nhrp`: without a server that answers, the tunnel is down.
    pub if_state: bool,
    /// `nhrp group NAME` (or `ip nhrp group`): sent to the hub, which picks a policy by it.
    pub group: Option<String>,
    /// `ip nhrp path preference`: 1 to 255.
    pub path_preference: Option<u8>,
    /// `ip nhrp permit ...`: our own extension. If there is any, a spoke registers only an address that one of these lines
    /// permits to the identity that it proved.
    pub permits: Vec<NhrpPermit>,
    /// `ip nhrp multicast batch-size`: packets of OSPF that leave at once, 1 to 65535; 1000 by default. OSPF is one for all
    /// tunnels: the smallest of them holds.
    pub multicast_batch: u16,
    /// `ip nhrp multicast batch-interval`: time between two batches, 1 to 1000 ms; 10 ms by default. The
    /// longest of all tunnels holds.
    pub multicast_interval: Duration,
    /// `ip nhrp summary-map`: phase 3 on a spoke; destinations behind it that lie in one of these are answered with it.
    pub summaries: Vec<Ipv4Net>,
}

impl Default for Nhrp {
    fn default() -> Self {
        Self {
            network_id: None,
            authentication: None,
            holdtime: Duration::from_secs(7200),
            registration_timeout: None,
            registration_delay: Duration::ZERO,
            unique: true,
            maps: Vec::new(),
            multicast_dynamic: false,
            multicast_maps: Vec::new(),
            nhs: Vec::new(),
            nhs_fallback: Duration::ZERO,
            clusters: Vec::new(),
            redirect: None,
            shortcut: false,
            max_send: None,
            server_only: false,
            cache_non_authoritative: true,
            record: true,
            if_state: false,
            group: None,
            path_preference: None,
            permits: Vec::new(),
            multicast_batch: 1000,
            multicast_interval: Duration::from_millis(10),
            summaries: Vec::new(),
        }
    }
}

impl Nhrp {
    /// The registration period that is meant: `registration_timeout`, and where that is `None` a third of `holdtime`,
    /// at least one second.
    #[must_use]
    pub fn effective_registration_timeout(&self) -> Duration {
        self.registration_timeout.unwrap_or_else(|| (self.holdtime / 3).max(Duration::from_secs(1)))
    }

    /// The static mapping of a tunnel address: that with the longest prefix.
    #[must_use]
    pub fn mapping(&self, tunnel_address: IpAddr) -> Option<&NhrpMap> {
        self.maps
            .iter()
            .filter(|map| map.prefix.contains(&tunnel_address))
            .max_by_key(|map| map.prefix.prefix_len())
    }

    /// The underlay address or name at which this server is reached: from its own line, else from a static mapping.
    #[must_use]
    pub fn nbma_of(&self, nhs: &Nhs) -> Option<Nbma> {
        match (&nhs.nbma, nhs.address) {
            (Some(nbma), _) => Some(nbma.clone()),
            (None, Some(address)) => self.mapping(address).map(|map| Nbma::Address(map.nbma)),
            (None, None) => None,
        }
    }
}

/// A static mapping: `ip nhrp map ADDRESS [MASK] NBMA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NhrpMap {
    /// The tunnel address, or a prefix of such addresses.
    pub prefix: IpNet,
    /// The underlay address.
    pub nbma: IpAddr,
    /// Where it is written.
    pub line: Line,
}

/// Who may register an address: `ip nhrp permit ADDRESS identity ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NhrpPermit {
    /// The tunnel address.
    pub address: IpAddr,
    /// The IKE identities that may have it.
    pub identity: IdentityMatch,
    /// Where it is written.
    pub line: Line,
}

/// A static member for multicast: `ip nhrp map multicast NBMA`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MulticastMap {
    /// The underlay address.
    pub nbma: IpAddr,
    /// Where it is written.
    pub line: Line,
}

/// An underlay address, or a name that the embedder resolves into one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Nbma {
    /// An address.
    Address(IpAddr),
    /// A DNS name.
    Name(String),
}

impl fmt::Display for Nbma {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.pad(name),
        }
    }
}

/// A next-hop server: `ip nhrp nhs ADDRESS|dynamic [nbma NBMA [multicast]] [priority P] [cluster C]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nhs {
    /// Its tunnel address; `None`: `dynamic`, it tells when it is asked.
    pub address: Option<IpAddr>,
    /// Its underlay address or name; `None`: from a static mapping.
    pub nbma: Option<Nbma>,
    /// Multicast goes to it too.
    pub multicast: bool,
    /// 0 is the best; 0 by default.
    pub priority: u8,
    /// 0 to 10; 0 by default.
    pub cluster: u8,
    /// Where it is written.
    pub line: Line,
}

impl Nhs {
    /// A server whose underlay address comes from a static mapping.
    #[must_use]
    pub fn new(address: IpAddr) -> Self {
        Self {
            address: Some(address),
            nbma: None,
            multicast: false,
            priority: 0,
            cluster: 0,
            line: Line::default(),
        }
    }
}

/// How many servers of a cluster are kept up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cluster {
    /// 0 to 10.
    pub cluster: u8,
    /// 0 to 255.
    pub max_connections: u8,
    /// Where it is written.
    pub line: Line,
}

/// A limit for control packets: `ip nhrp max-send PACKETS every SECONDS`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxSend {
    /// So many packets, 1 to 65535,
    pub packets: u16,
    /// in so much time, 10 to 65535 seconds.
    pub interval: Duration,
}
