//! What the `show` commands print, as data.

use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use ipnet::IpNet;

use crate::config::MulticastMap;
use crate::io::{NhsDownReason, PathId};

/// One line block of `show ip nhrp [detail]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheView {
    /// Overlay prefix, a host for next hops.
    pub prefix: IpNet,
    /// "via": the overlay next hop.
    pub next_hop: IpAddr,
    /// Underlay address in use; `None` while incomplete.
    pub nbma: Option<IpAddr>,
    /// Underlay address the peer believes in, when a NAT changes it ("Claimed NBMA address").
    pub claimed_nbma: Option<IpAddr>,
    /// Static, dynamic or incomplete.
    pub kind: CacheKind,
    /// Flags.
    pub flags: CacheFlags,
    /// When the entry was made.
    pub created: Instant,
    /// When it runs out; `None` never.
    pub expires: Option<Instant>,
    /// When data last used it, as [`Node::note_used`](crate::Node::note_used) said.
    pub last_used: Option<Instant>,
    /// The path data may use; `None` sends data through the server ("no socket").
    pub path: Option<PathId>,
    /// The path's state changed at this time (`UpDn Tm` of `show dmvpn`).
    pub changed: Instant,
    /// Preference of the binding.
    pub preference: u8,
    /// MTU of the binding, a hint; 0 not said.
    pub mtu: u16,
    /// Those who were given this binding.
    pub requesters: Vec<RequesterView>,
    /// How often traffic asked for an incomplete entry. The forwarding plane reports a next hop at most once a second.
    pub hits: u64,
    /// Group that the client named in its registration (`nhrp group`).
    pub group: Option<String>,
}

/// Who was given a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequesterView {
    /// Overlay address.
    pub address: IpAddr,
    /// Request id of its latest request.
    pub request_id: u32,
}

/// `Type:` of a cache entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheKind {
    /// Configured.
    Static,
    /// Registered or resolved.
    Dynamic,
    /// Being resolved.
    Incomplete,
}

impl fmt::Display for CacheKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            CacheKind::Static => "static",
            CacheKind::Dynamic => "dynamic",
            CacheKind::Incomplete => "incomplete",
        })
    }
}

/// `Flags:` of a cache entry. `Display` prints the names of those that are set in the order of IOS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct CacheFlags {
    /// Obtained from the owner or its server.
    pub authoritative: bool,
    /// Registered with the uniqueness bit.
    pub unique: bool,
    /// Registered with this node.
    pub registered: bool,
    /// The peer is a router (Q bit).
    pub router: bool,
    /// Learnt from the peer's own request.
    pub implicit: bool,
    /// This node's own address or a network behind it that it answered for.
    pub local: bool,
    /// The peer is behind NAT.
    pub nat: bool,
    /// The answer was no.
    pub negative: bool,
    /// No path carries data yet.
    pub no_socket: bool,
    /// Data used it within the last minute.
    pub used: bool,
    /// A next hop of the tunnel's subnet.
    pub nhop: bool,
    /// Overrides the next hop of a route (phase 3).
    pub nho: bool,
    /// The forwarding plane uses it.
    pub rib: bool,
}

impl CacheFlags {
    /// Names of the flags that are set, in the order of IOS.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        [
            (self.authoritative, "authoritative"),
            (self.unique, "unique"),
            (self.registered, "registered"),
            (self.router, "router"),
            (self.implicit, "implicit"),
            (self.local, "local"),
            (self.nat, "nat"),
            (self.negative, "negative"),
            (self.no_socket, "no-socket"),
            (self.used, "used"),
            (self.nhop, "nhop"),
            (self.nho, "nho"),
            (self.rib, "rib"),
        ]
        .into_iter()
        .filter_map(|(set, name)| set.then_some(name))
    }
}

impl fmt::Display for CacheFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

/// One line of `show ip nhrp nhs [detail]`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NhsView {
    /// Overlay address; `None` while a dynamic server's is unknown.
    pub tunnel_address: Option<IpAddr>,
    /// Underlay address; `None` while its name is being looked up.
    pub nbma: Option<IpAddr>,
    /// Configured name.
    pub name: Option<String>,
    /// 0 is best.
    pub priority: u8,
    /// Cluster.
    pub cluster: u8,
    /// State.
    pub status: NhsStatus,
    /// State changed at this time.
    pub changed: Instant,
    /// Why it went down last.
    pub down_reason: Option<NhsDownReason>,
    /// Path in use.
    pub path: Option<PathId>,
    /// Registration requests sent.
    pub requests_sent: u64,
    /// Registration replies received.
    pub replies_received: u64,
    /// Registrations that stayed without answer.
    pub requests_failed: u64,
    /// Request id of the latest request.
    pub request_id: Option<u32>,
    /// Request id of the registration in force.
    pub acknowledged_id: Option<u32>,
    /// Time from the latest transmission to the next, while a request is without answer.
    pub retry: Option<Duration>,
    /// Last accepted registration.
    pub last_reply: Option<Instant>,
    /// Next registration request.
    pub next_request: Option<Instant>,
    /// Round trip of the last accepted registration.
    pub round_trip: Option<Duration>,
    /// Own underlay address as this server sees it, when a NAT changes it.
    pub public_nbma: Option<IpAddr>,
}

/// State of a server; the letters of `show ip nhrp nhs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NhsStatus {
    /// Not needed now: enough better servers of the cluster are up.
    Waiting,
    /// A path is wanted, or a registration is under way.
    Probing,
    /// Answers.
    Up,
    /// Does not answer; probing goes on.
    Down,
}

impl NhsStatus {
    /// `R` responding, `E` expecting replies, `W` waiting.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            NhsStatus::Up => 'R',
            NhsStatus::Probing | NhsStatus::Down => 'E',
            NhsStatus::Waiting => 'W',
        }
    }
}

/// One line of `show ip nhrp multicast`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MulticastView {
    /// Underlay address.
    pub nbma: IpAddr,
    /// Path that copies take.
    pub path: PathId,
    /// Overlay address, where known.
    pub tunnel_address: Option<IpAddr>,
    /// The configuration line that it comes from.
    pub map: MulticastMap,
    /// Member since.
    pub since: Instant,
}
