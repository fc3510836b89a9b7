//! Configuration of one NHRP node.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use ipnet::IpNet;

use crate::auth::Authentication;
use crate::error::ConfigError;

/// Everything one [`Node`](crate::Node) needs to know: one value per tunnel interface.
///
/// [`Config::new`] takes what has no sensible default; the rest follows IOS-XE's defaults and can be set field by field.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Overlay address of this node (`ip address` of the tunnel).
    pub tunnel_address: IpAddr,
    /// The tunnel's subnet. Client addresses outside it are not registered.
    pub prefix: IpNet,
    /// Underlay address of this node as it knows it itself (before any NAT).
    pub nbma: IpAddr,
    /// Local name of the NHRP domain (`ip nhrp network-id`). It is not sent to anyone.
    pub network_id: u32,
    /// Shared string of the domain (`ip nhrp authentication`), any length. `None` sends none and accepts every packet.
    pub authentication: Option<Authentication>,
    /// Lifetime of bindings that this node announces or grants (`ip nhrp holdtime`), 1 to 65535 seconds. Default 7200 s.
    pub holding_time: Duration,
    /// Time between registrations (`ip nhrp registration timeout`). Default: a third of the holding time.
    pub registration_timeout: Option<Duration>,
    /// Delay before the first registration, 0 to 10 seconds. Default 0: it leaves as soon as the path is up.
    pub start_delay: Duration,
    /// Next hop servers (`ip nhrp nhs`). Empty on a hub.
    pub nhs: Vec<Nhs>,
    /// Static mappings (`ip nhrp map`).
    pub maps: Vec<StaticMap>,
    /// Where multicast goes (`ip nhrp map multicast`).
    pub multicast: Vec<MulticastMap>,
    /// Registrations carry the uniqueness bit (IOS default; `ip nhrp registration no-unique` clears it).
    pub unique: bool,
    /// Send traffic indications, at most one per flow in this interval (`ip nhrp redirect`, 2 to 30 s, IOS uses 8 s).
    pub redirect: Option<Duration>,
    /// Act on traffic indications (`ip nhrp shortcut`).
    pub shortcut: bool,
    /// Summaries to answer with (`ip nhrp summary-map`): a destination behind this node that lies in one is answered with it
    /// in place of the route's prefix, so that requesters need one shortcut for all of them.
    pub summaries: Vec<IpNet>,
    /// Group that registrations name (`nhrp group`), at most 255 bytes: the server picks a policy by it.
    pub group: Option<String>,
    /// Shortest prefix that a shortcut may cover, in bits. Default 8.
    pub shortcut_min_prefix: u8,
    /// What a server does with a resolution request for one of its clients.
    pub resolution_policy: ResolutionPolicy,
    /// MTU field of announced bindings, in bytes; a hint only. Default 17912, as IOS-XE sends.
    pub mtu: u16,
    /// IPv6 overlay: link-local address that is registered in an explicit CIE, as IOS does.
    pub link_local: Option<Ipv6Addr>,
    /// Serve registrations. Default (`None`): only a node without NHSs does.
    pub server: Option<bool>,
    /// Ask before a new or moved client is registered ([`Output::AdmissionQuery`](crate::Output::AdmissionQuery)): is this
    /// authenticated identity allowed this overlay address?
    pub admission: bool,
    /// Never originate resolution requests (`ip nhrp server-only`).
    pub server_only: bool,
    /// Largest number of NHSs kept up per cluster (`ip nhrp nhs cluster N max-connections M`). No entry: all of them.
    pub cluster_max_connections: BTreeMap<u8, u8>,
    /// How long a better NHS must be up again before it replaces a worse one (`ip nhrp nhs fallback`), 0 to 60 s.
    pub fallback: Duration,
    /// Times of retransmission, liveness and hold-down.
    pub timing: Timing,
    /// Bounds on everything that a peer can make grow.
    pub limits: Limits,
}

impl Config {
    /// A configuration with the default of every optional field: neither NHS nor map, so a server (hub).
    #[must_use]
    pub fn new(tunnel_address: IpAddr, prefix: IpNet, nbma: IpAddr, network_id: u32) -> Config {
        Config {
            tunnel_address,
            prefix,
            nbma,
            network_id,
            authentication: None,
            holding_time: Duration::from_secs(7200),
            registration_timeout: None,
            start_delay: Duration::ZERO,
            nhs: Vec::new(),
            maps: Vec::new(),
            multicast: Vec::new(),
            unique: true,
            redirect: None,
            shortcut: false,
            summaries: Vec::new(),
            group: None,
            shortcut_min_prefix: 8,
            resolution_policy: ResolutionPolicy::Forward,
            mtu: 17912,
            link_local: None,
            server: None,
            admission: false,
            server_only: false,
            cluster_max_connections: BTreeMap::new(),
            fallback: Duration::ZERO,
            timing: Timing::default(),
            limits: Limits::default(),
        }
    }

    /// Time between two registrations with a server that answers.
    #[must_use]
    pub fn registration_period(&self) -> Duration {
        self.registration_timeout.unwrap_or(self.holding_time / 3).max(Duration::from_secs(1))
    }

    /// Whether this node serves registrations.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.server.unwrap_or(self.nhs.is_empty())
    }

    /// Underlay address of a configured server: its own, or that of the static map for its tunnel address.
    pub(crate) fn nhs_nbma(&self, nhs: &Nhs) -> Option<IpAddr> {
        nhs.nbma.or_else(|| {
            let tunnel_address = nhs.tunnel_address?;
            self.maps.iter().find(|map| map.tunnel_address == tunnel_address).map(|map| map.nbma)
        })
    }

    /// Whether an address can be a next hop of this tunnel: one of its subnet, or link-local (OSPFv3 next hops).
    pub(crate) fn is_overlay(&self, address: IpAddr) -> bool {
        self.prefix.contains(&address) || matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local())
    }

    /// Whether one router can have this address: it is neither the number nor the broadcast address of the tunnel's subnet.
    pub(crate) fn is_host(&self, address: IpAddr) -> bool {
        let single = self.prefix.max_prefix_len() - self.prefix.prefix_len() < 2 || !address.is_ipv4();
        single || (address != self.prefix.network() && address != self.prefix.broadcast())
    }

    pub(crate) fn holding_seconds(&self) -> u16 {
        u16::try_from(self.holding_time.as_secs()).unwrap_or(u16::MAX)
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if !self.prefix.contains(&self.tunnel_address) {
            return Err(ConfigError::AddressOutsidePrefix {
                tunnel_address: self.tunnel_address,
                prefix: self.prefix,
            });
        }
        if !(1..=65535).contains(&self.holding_time.as_secs()) {
            return Err(ConfigError::HoldingTime(self.holding_time));
        }
        if self.authentication.as_ref().is_some_and(|a| a.is_empty() || a.len() > Authentication::MAX_LEN) {
            return Err(ConfigError::AuthenticationLength);
        }
        let period = self.registration_period();
        if period >= self.holding_time && !self.nhs.is_empty() && self.holding_time.as_secs() > 1 {
            return Err(ConfigError::RegistrationTimeout { period, holding_time: self.holding_time });
        }
        for nhs in &self.nhs {
            if nhs.tunnel_address == Some(self.tunnel_address) {
                return Err(ConfigError::NhsIsSelf(self.tunnel_address));
            }
            if let Some(address) = nhs.tunnel_address
                && address.is_ipv4() != self.tunnel_address.is_ipv4()
            {
                return Err(ConfigError::Family(address));
            }
            match self.nhs_nbma(nhs) {
                None if nhs.name.is_some() => {}
                None => return Err(ConfigError::NhsWithoutNbma(nhs.tunnel_address)),
                Some(nbma) if nbma.is_ipv4() != self.nbma.is_ipv4() => {
                    return Err(ConfigError::Family(nbma));
                }
                Some(_) => {}
            }
        }
        for map in &self.maps {
            if map.tunnel_address.is_ipv4() != self.tunnel_address.is_ipv4() {
                return Err(ConfigError::Family(map.tunnel_address));
            }
            if map.nbma.is_ipv4() != self.nbma.is_ipv4() {
                return Err(ConfigError::Family(map.nbma));
            }
            if IpNet::new(map.tunnel_address, map.prefix_len).is_err() {
                return Err(ConfigError::MapPrefix {
                    tunnel_address: map.tunnel_address,
                    prefix_len: map.prefix_len,
                });
            }
        }
        Ok(())
    }
}

/// One next hop server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nhs {
    /// Overlay address of the server; `None` learns it from the first registration reply (`ip nhrp nhs dynamic`).
    pub tunnel_address: Option<IpAddr>,
    /// Underlay address; `None` takes that of the static map for `tunnel_address`, or the `name`'s.
    pub nbma: Option<IpAddr>,
    /// Name that the owner looks up ([`Output::ResolveName`](crate::Output::ResolveName)) if there is no underlay address.
    pub name: Option<String>,
    /// It gets copies of multicast, whatever its address.
    pub multicast: bool,
    /// 0 (best) to 255.
    pub priority: u8,
    /// Cluster, 0 to 10, that shares one `max-connections`.
    pub cluster: u8,
}

impl Nhs {
    /// A server with priority 0 in cluster 0.
    #[must_use]
    pub fn new(tunnel_address: Option<IpAddr>, nbma: Option<IpAddr>) -> Nhs {
        Nhs { tunnel_address, nbma, name: None, multicast: false, priority: 0, cluster: 0 }
    }
}

/// A static mapping of an overlay address (or prefix) to an underlay address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaticMap {
    /// Overlay address.
    pub tunnel_address: IpAddr,
    /// Prefix length in bits; 32 or 128 for a host.
    pub prefix_len: u8,
    /// Underlay address.
    pub nbma: IpAddr,
}

/// One line of `ip nhrp map multicast`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MulticastMap {
    /// Copies go to every registered client.
    Dynamic,
    /// Copies go to this underlay address.
    Static(IpAddr),
}

/// What a server does with a resolution request for a registered client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ResolutionPolicy {
    /// Hand the request to the client, which answers itself (IOS and FRR).
    #[default]
    Forward,
    /// Answer from the registration (RFC 2332 section 2.2).
    Answer,
}

/// Times of retransmission, liveness and hold-down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// First wait for a reply; each further wait doubles. Default 1 s.
    pub retry_initial: Duration,
    /// Longest wait between registrations without an answer. Default 64 s.
    pub registration_retry_max: Duration,
    /// Longest wait between resolution requests without an answer. Default 8 s.
    pub resolution_retry_max: Duration,
    /// Resolution requests sent before giving up. Default 6.
    pub resolution_attempts: u32,
    /// Purge requests sent before giving up. Default 4.
    pub purge_attempts: u32,
    /// How long the target of a resolution waits for a direct path before it answers through the server. Default 2 s.
    pub reply_wait: Duration,
    /// How long a refused destination is not asked for again. Default 60 s.
    pub negative_time: Duration,
    /// How long a destination whose direct path died is not resolved again; doubles with each further failure, up to 16
    /// times. Default 5 s.
    pub hold_down: Duration,
    /// Wait for the answer to a probe of an unproven path. Default 1 s.
    pub probe_wait: Duration,
    /// Unanswered probes after which a direct path counts as dead. Default 3.
    pub probe_attempts: u32,
    /// Time between probes of a direct path that nothing else (IPsec, DPD) watches. Default 10 s.
    pub probe_interval: Duration,
    /// How long the owner may take to answer a route or admission query. Default 5 s.
    pub route_wait: Duration,
    /// Traffic this recent counts as use. Default 60 s, as the `used` flag of IOS.
    pub used_window: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            retry_initial: Duration::from_secs(1),
            registration_retry_max: Duration::from_secs(64),
            resolution_retry_max: Duration::from_secs(8),
            resolution_attempts: 6,
            purge_attempts: 4,
            reply_wait: Duration::from_secs(2),
            negative_time: Duration::from_secs(60),
            hold_down: Duration::from_secs(5),
            probe_wait: Duration::from_secs(1),
            probe_attempts: 3,
            probe_interval: Duration::from_secs(10),
            route_wait: Duration::from_secs(5),
            used_window: Duration::from_secs(60),
        }
    }
}

/// Bounds on everything that a peer can make grow, and rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Registered clients; one more is refused with code 5. Default 20 000.
    pub registrations: usize,
    /// Learnt (not registered, not static) cache entries. Default 20 000.
    pub dynamic_entries: usize,
    /// Resolutions under way that this node started. Default 1024.
    pub pending_resolutions: usize,
    /// Answers that wait for a direct path. Default 1024.
    pub pending_replies: usize,
    /// Routing table queries under way, and admission queries under way (each). Default 1024.
    pub route_queries: usize,
    /// Flows remembered to space traffic indications. Default 4096.
    pub redirect_pairs: usize,
    /// Requesters remembered per binding, to be told when it goes. Default 64.
    pub answered_per_entry: usize,
    /// Purge requests that wait for a reply. Default 1024.
    pub pending_purges: usize,
    /// Packets per `max_send_interval` (`ip nhrp max-send`). Registration replies are counted but never held back.
    pub max_send: u32,
    /// Interval of `max_send`. Default 10 s.
    pub max_send_interval: Duration,
    /// Error indications per second. Default 10.
    pub errors_per_second: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            registrations: 20_000,
            dynamic_entries: 20_000,
            pending_resolutions: 1024,
            pending_replies: 1024,
            route_queries: 1024,
            redirect_pairs: 4096,
            answered_per_entry: 64,
            pending_purges: 1024,
            max_send: 10_000,
            max_send_interval: Duration::from_secs(10),
            errors_per_second: 10,
        }
    }
}
