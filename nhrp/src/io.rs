//! What goes into a node and what comes out of it.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;

use crate::wire::{CieCode, ErrorCode, PacketType};

/// The embedder's handle of an underlay path to one peer: an IPsec SA pair, or a plain address where there is no protection.
///
/// Peers are told apart by it and not by their underlay address, so several spokes behind one NAT address work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u64);

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path {}", self.0)
    }
}

/// Joins an [`Output::RouteQuery`] to its [`Input::RouteAnswer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteToken(pub u64);

/// Joins an [`Output::AdmissionQuery`] to its [`Input::AdmissionAnswer`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdmissionToken(pub u64);

/// One fact or request for [`Node::handle_input`](crate::Node::handle_input).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// One NHRP packet, without the GRE header, and where it came from.
    Packet {
        /// Outer source address as seen.
        nbma: IpAddr,
        /// The path it came over.
        path: PathId,
        /// The packet; bytes after its packet size are ignored.
        payload: &'a [u8],
    },
    /// A path exists now.
    PathUp {
        /// Outer address of the peer.
        nbma: IpAddr,
        /// Its handle.
        path: PathId,
        /// Packets are known to get through (an IPsec child SA is up). Otherwise the node proves a direct path with a probe
        /// of its own before it lets data use it.
        proven: bool,
        /// Authenticated identity of the peer, opaque.
        identity: Option<&'a [u8]>,
    },
    /// A path is gone.
    PathDown {
        /// Its handle.
        path: PathId,
    },
    /// An [`Output::Connect`] could not be carried out.
    PathFailed {
        /// Underlay address of that `Connect`.
        nbma: IpAddr,
    },
    /// The peer of a path has another underlay address now (NAT rebinding).
    PathMoved {
        /// The path.
        path: PathId,
        /// Its new address.
        nbma: IpAddr,
    },
    /// The forwarding plane sent a packet for this unresolved next hop through the hub. Repeating it costs nothing.
    Resolve {
        /// Next hop (phase 2), an address of the tunnel's subnet.
        destination: IpAddr,
    },
    /// Phase 3 server: an IP packet that came in and leaves by this NHRP domain.
    Redirectable {
        /// Outer source address of the packet.
        nbma: IpAddr,
        /// The path it came over.
        path: PathId,
        /// The packet from its IP header on.
        packet: &'a [u8],
    },
    /// Answer to [`Output::RouteQuery`].
    RouteAnswer {
        /// Token of the query.
        token: RouteToken,
        /// The best route, if any.
        route: Option<RouteInfo>,
    },
    /// Answer to [`Output::AdmissionQuery`].
    AdmissionAnswer {
        /// Token of the query.
        token: AdmissionToken,
        /// Register the client; otherwise it is refused with code 4.
        admit: bool,
    },
    /// The covering route of this prefix went away or points elsewhere: shortcuts under it are withdrawn, and what this node
    /// answered for its own networks there is looked at again.
    RouteChanged {
        /// The route's prefix.
        prefix: IpNet,
    },
    /// This node's own underlay address changed: registers again at once.
    NbmaChanged {
        /// The new address.
        nbma: IpAddr,
    },
    /// `clear ip nhrp`: forget everything that is not static.
    Clear,
    /// `clear ip nhrp ADDRESS [MASK]`: forget what is not static within this prefix.
    ClearPrefix {
        /// Which overlay addresses and networks.
        prefix: IpNet,
    },
    /// Answer to [`Output::ResolveName`].
    NameResolved {
        /// The name.
        name: &'a str,
        /// Its addresses, best first; none if it is not known or nobody could be asked.
        addresses: &'a [IpAddr],
    },
    /// Purge own registrations and withdraw everything. The node does nothing any more afterwards.
    Shutdown,
}

/// The best route to a destination, from the embedder's routing table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteInfo {
    /// Prefix of the route.
    pub prefix: IpNet,
    /// The route points into this node's tunnel.
    pub through_tunnel: bool,
    /// Gateway; `None` for a connected route.
    pub next_hop: Option<IpAddr>,
}

/// Where a packet goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Destination {
    /// Over this path.
    Path(PathId),
    /// To this underlay address: the outer source of a packet whose path was never announced.
    Nbma(IpAddr),
}

/// What a node wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Output {
    /// Send one NHRP packet in GRE (protocol type 0x2001).
    Transmit {
        /// Where to.
        to: Destination,
        /// The packet.
        payload: Vec<u8>,
    },
    /// A path to this underlay address is wanted. Answered by [`Input::PathUp`] or [`Input::PathFailed`], maybe at once.
    Connect {
        /// Underlay address.
        nbma: IpAddr,
    },
    /// The node has no more use for a path it asked for.
    Disconnect {
        /// The path.
        path: PathId,
    },
    /// What does the routing table say? Answered by [`Input::RouteAnswer`].
    RouteQuery {
        /// To be repeated in the answer.
        token: RouteToken,
        /// Address to look up, without shortcuts.
        destination: IpAddr,
    },
    /// May this client register? Asked for new and moved clients if [`Config::admission`](crate::Config::admission) is set,
    /// answered by [`Input::AdmissionAnswer`] within `Timing::route_wait`; without an answer the request is dropped and the
    /// client asks again.
    AdmissionQuery {
        /// To be repeated in the answer.
        token: AdmissionToken,
        /// Overlay address it wants.
        tunnel_address: IpAddr,
        /// Outer source address.
        nbma: IpAddr,
        /// The path it came over, which has the authenticated identity.
        path: PathId,
    },
    /// What are the addresses of this name of a server? Answered by [`Input::NameResolved`]; without an answer it is asked
    /// again.
    ResolveName {
        /// The name, as configured.
        name: String,
    },
    /// A change for the forwarding plane.
    Action(Action),
    /// Something a person or the rest of the router may act on.
    Event(Event),
}

/// A change for the forwarding plane. Repeating an `Up` replaces the previous one.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Data for this next hop may use this path: it is proven, or there is no alternative to it.
    AdjacencyUp {
        /// Next hop.
        tunnel_address: IpAddr,
        /// Underlay address in use.
        nbma: IpAddr,
        /// The path.
        path: PathId,
        /// How the node came to know it.
        kind: AdjacencyKind,
    },
    /// Data for this next hop goes through the server again.
    AdjacencyDown {
        /// Next hop.
        tunnel_address: IpAddr,
        /// Why.
        reason: DownReason,
    },
    /// Phase 3: this prefix is reached directly by way of `next_hop`, whose adjacency is up.
    ShortcutUp {
        /// Destination prefix.
        prefix: IpNet,
        /// Overlay address of the router behind which it lies.
        next_hop: IpAddr,
    },
    /// Phase 3: the prefix follows the routing table again.
    ShortcutDown {
        /// Destination prefix.
        prefix: IpNet,
    },
    /// Multicast is copied to this path.
    MulticastJoin {
        /// The path.
        path: PathId,
        /// Underlay address of its peer.
        nbma: IpAddr,
        /// Overlay address of its peer, where known.
        tunnel_address: Option<IpAddr>,
    },
    /// Multicast is not copied to this path any more.
    MulticastLeave {
        /// The path.
        path: PathId,
    },
}

/// How a node came to know a next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdjacencyKind {
    /// A client that registered with this node.
    Registered,
    /// A configured mapping.
    Static,
    /// One of this node's servers.
    Nhs,
    /// Resolved, or learnt from the peer's own request.
    Dynamic,
}

/// Why an adjacency ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DownReason {
    /// Its path is gone.
    PathDown,
    /// Probes over its path stay without answer.
    ProbeLost,
    /// Its holding time ran out.
    Expired,
    /// Its owner or server withdrew it.
    Purged,
    /// It belongs to another underlay address now.
    Replaced,
    /// A newer answer says that there is no binding.
    Refused,
    /// `Input::Clear`.
    Cleared,
    /// `Input::Shutdown`.
    Shutdown,
}

/// Why a server is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NhsDownReason {
    /// It does not answer: wrong address, wrong authentication string, wrong GRE key, or dead.
    Silent,
    /// The path to it is gone, or its name has another address.
    PathDown,
    /// No path could be established.
    PathFailed,
    /// Its name has no address.
    NameUnresolved,
    /// It refuses this node.
    Refused(CieCode),
    /// A better server of its cluster took over.
    Superseded,
}

/// A bound that was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// `Limits::registrations`.
    Registrations,
    /// `Limits::dynamic_entries`.
    DynamicEntries,
    /// `Limits::pending_resolutions`.
    PendingResolutions,
}

/// Something a person or the rest of the router may act on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Server: a client is new or has moved. Refreshes are silent.
    Registered {
        /// Overlay address.
        tunnel_address: IpAddr,
        /// Underlay address in use.
        nbma: IpAddr,
        /// Underlay address that the client believes in, if another (it is behind NAT).
        claimed_nbma: Option<IpAddr>,
    },
    /// Client: a server confirmed a registration. In the `nhs` fields of events stands the tunnel address, or the underlay
    /// address while the tunnel address of a dynamic server is unknown.
    RegistrationAccepted {
        /// The server.
        nhs: IpAddr,
        /// Own address as the server sees it, when a NAT changes it.
        public_nbma: Option<IpAddr>,
    },
    /// Client: a server can be used.
    NhsUp {
        /// The server.
        nhs: IpAddr,
    },
    /// Client: a server cannot be used.
    NhsDown {
        /// The server.
        nhs: IpAddr,
        /// Why.
        reason: NhsDownReason,
    },
    /// Client: a server refused a registration.
    RegistrationRefused {
        /// The server.
        nhs: IpAddr,
        /// Its code.
        code: CieCode,
    },
    /// The authentication string of a packet is missing or wrong. The packet changed nothing.
    AuthenticationMismatch {
        /// Outer source address.
        source: IpAddr,
        /// This node's underlay address.
        destination: IpAddr,
        /// Type of the packet.
        packet_type: PacketType,
        /// Its size in bytes.
        size: usize,
    },
    /// A binding ran out.
    Expired {
        /// Its prefix.
        prefix: IpNet,
    },
    /// A binding was withdrawn by a peer.
    Purged {
        /// Its prefix.
        prefix: IpNet,
        /// Overlay address of the peer.
        by: IpAddr,
    },
    /// A destination was resolved. Whether a direct path exists is told by [`Action::AdjacencyUp`].
    Resolved {
        /// What was asked for.
        destination: IpAddr,
        /// The answer's prefix.
        prefix: IpNet,
        /// Next hop of the answer.
        next_hop: IpAddr,
        /// Underlay address to use.
        nbma: IpAddr,
    },
    /// Nobody answered; data goes on through the server.
    ResolutionUnanswered {
        /// What was asked for.
        destination: IpAddr,
    },
    /// The answer is no; data goes on through the server.
    ResolutionRefused {
        /// What was asked for.
        destination: IpAddr,
        /// The code, [`CieCode::NO_BINDING`] for an error indication.
        code: CieCode,
    },
    /// An answer was refused because its prefix covers what it must not (own, the tunnel's, a server's, too short).
    ShortcutRefused {
        /// The answer's prefix.
        prefix: IpNet,
        /// What was asked for.
        destination: IpAddr,
    },
    /// Server: somebody else wants an address that is uniquely registered. The registration stands.
    UniqueAddressConflict {
        /// Overlay address.
        tunnel_address: IpAddr,
        /// Underlay address of the client that has it.
        registered: IpAddr,
        /// Underlay address of the client that was refused.
        refused: IpAddr,
    },
    /// A packet passed here before (RFC 2332 section 5.3.2).
    Loop {
        /// Overlay address of its sender.
        source: IpAddr,
        /// Overlay address of its destination.
        destination: IpAddr,
    },
    /// A peer complains about one of our packets.
    PeerError {
        /// Outer source address.
        nbma: IpAddr,
        /// What it says.
        code: ErrorCode,
        /// Offset of the offending byte; 0 for the packet as a whole.
        offset: u16,
    },
    /// The direct path for a resolved next hop does not come up or does not carry packets; data goes on through the server.
    DirectPathFailed {
        /// Next hop.
        tunnel_address: IpAddr,
        /// Underlay address.
        nbma: IpAddr,
    },
    /// Client: the name of a server has no address, or nobody could be asked.
    NameUnresolved {
        /// The name.
        name: String,
    },
    /// A bound of [`Limits`](crate::Limits) was reached.
    LimitReached {
        /// Which.
        limit: Limit,
    },
}

impl Event {
    /// Underlay address of the peer that the event is about, where it says one.
    #[must_use]
    pub fn nbma(&self) -> Option<IpAddr> {
        match self {
            Event::Registered { nbma, .. }
            | Event::Resolved { nbma, .. }
            | Event::PeerError { nbma, .. }
            | Event::DirectPathFailed { nbma, .. } => Some(*nbma),
            Event::AuthenticationMismatch { source, .. } => Some(*source),
            Event::UniqueAddressConflict { refused, .. } => Some(*refused),
            _ => None,
        }
    }

    /// Overlay address of the peer or of the destination that the event is about, where it says one.
    #[must_use]
    pub fn tunnel_address(&self) -> Option<IpAddr> {
        match self {
            Event::Registered { tunnel_address, .. }
            | Event::UniqueAddressConflict { tunnel_address, .. }
            | Event::DirectPathFailed { tunnel_address, .. } => Some(*tunnel_address),
            Event::RegistrationAccepted { nhs, .. }
            | Event::NhsUp { nhs }
            | Event::NhsDown { nhs, .. }
            | Event::RegistrationRefused { nhs, .. } => Some(*nhs),
            Event::Expired { prefix } => Some(prefix.addr()),
            Event::Purged { by, .. } => Some(*by),
            Event::Resolved { next_hop, .. } => Some(*next_hop),
            Event::ResolutionUnanswered { destination }
            | Event::ResolutionRefused { destination, .. }
            | Event::ShortcutRefused { destination, .. } => Some(*destination),
            Event::Loop { source, .. } => Some(*source),
            _ => None,
        }
    }
}
