//! The seam between control and forwarding: actions down, punts up.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ikev2::{ChildId, SaParameters};
use ipnet::Ipv4Net;

use crate::Path;
use crate::ids::{PathId, TunnelId, UnderlayId};

/// What the control plane asks of a forwarding plane. The built-in one carries them out itself; an embedder with a
/// faster one carries out the same.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// There is a peer on the underlay. A protected path carries nothing until it has an outbound SA.
    AddPath {
        /// Its name from now on.
        path: PathId,
        /// The underlay address of ours that it belongs to.
        underlay: UnderlayId,
        /// The peer's address; the port matters only for ESP in UDP.
        remote: SocketAddr,
        /// Whether packets to it need an SA.
        protected: bool,
    },
    /// The peer's address or port changed (a NAT binding moved).
    MovePath {
        /// Which path.
        path: PathId,
        /// Where the peer is now.
        remote: SocketAddr,
    },
    /// The peer is gone.
    RemovePath {
        /// Which path.
        path: PathId,
    },
    /// Accept packets under this SA.
    InstallInbound {
        /// The path that it belongs to.
        path: PathId,
        /// The child SA's name.
        child: ChildId,
        /// SPI, suite, keys.
        sa: Box<SaParameters>,
    },
    /// Send with this SA from now on.
    InstallOutbound {
        /// The path that it belongs to.
        path: PathId,
        /// The child SA's name.
        child: ChildId,
        /// SPI, suite, keys.
        sa: Box<SaParameters>,
    },
    /// Send with this SA again, which was installed before and still is.
    SelectOutbound {
        /// The path that it belongs to.
        path: PathId,
        /// The child SA's name.
        child: ChildId,
    },
    /// Forget this SA in both directions.
    RemoveSa {
        /// The path that it belongs to.
        path: PathId,
        /// The child SA's name.
        child: ChildId,
    },
    /// Packets for this next hop may use this path: it is proven.
    AddAdjacency {
        /// The tunnel.
        tunnel: TunnelId,
        /// The next hop.
        tunnel_address: Ipv4Addr,
        /// The path to it.
        path: PathId,
    },
    /// Packets for this next hop take a fallback again.
    RemoveAdjacency {
        /// The tunnel.
        tunnel: TunnelId,
        /// The next hop.
        tunnel_address: Ipv4Addr,
    },
    /// The next hop for packets whose own next hop is not reachable: the best live NHS.
    SetFallback {
        /// The tunnel.
        tunnel: TunnelId,
        /// The NHS; none if no NHS answers.
        tunnel_address: Option<Ipv4Addr>,
    },
    /// Adds or replaces a route.
    AddRoute {
        /// Destination.
        prefix: Ipv4Net,
        /// What to do with packets for it.
        route: Route,
    },
    /// Removes a route.
    RemoveRoute {
        /// Destination.
        prefix: Ipv4Net,
    },
    /// Multicast on the tunnel goes to this path too.
    JoinMulticast {
        /// The tunnel.
        tunnel: TunnelId,
        /// The member.
        path: PathId,
    },
    /// Multicast on the tunnel no longer goes to this path.
    LeaveMulticast {
        /// The tunnel.
        tunnel: TunnelId,
        /// The member.
        path: PathId,
    },
}

/// What to do with packets for a prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Route {
    /// One of the router's own addresses.
    Local,
    /// Not reached by a tunnel: the embedder's affair.
    Lan,
    /// On the tunnel itself: the destination is the next hop.
    OnLink(TunnelId),
    /// Through these next hops; flows are spread over them.
    Via(Vec<Hop>),
}

/// A next hop on a tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The tunnel.
    pub tunnel: TunnelId,
    /// The next hop that the route asks for.
    pub gateway: Ipv4Addr,
    /// What to use while `gateway` is not proven, best first.
    pub fallbacks: Vec<Ipv4Addr>,
}

/// What a forwarding plane cannot decide and hands up.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Punt {
    /// A packet's next hop is not proven; the packet took a fallback, if there was one.
    Unresolved {
        /// The tunnel.
        tunnel: TunnelId,
        /// The next hop.
        next_hop: Ipv4Addr,
    },
    /// Packets went to this next hop in the last second.
    Used {
        /// The tunnel.
        tunnel: TunnelId,
        /// The next hop.
        next_hop: Ipv4Addr,
    },
    /// Authentic packets came in under this SA in the last second.
    Alive {
        /// The path.
        path: PathId,
        /// The child SA.
        child: ChildId,
    },
    /// An SA met its soft or its hard limit.
    SaLimit {
        /// The path.
        path: PathId,
        /// The child SA.
        child: ChildId,
        /// Whether nothing can be sent or received with it any more.
        hard: bool,
    },
    /// An authentic packet came from another address or port than the path's.
    Moved {
        /// The path.
        path: PathId,
        /// The child SA.
        child: ChildId,
        /// Where it came from.
        remote: SocketAddr,
    },
    /// A packet came in and left by tunnels of one NHRP domain: its sender could take a shorter way.
    Redirect {
        /// The tunnel it came in by.
        tunnel: TunnelId,
        /// The path it came in by.
        path: PathId,
        /// Its IP header and the first eight bytes behind it.
        packet: Vec<u8>,
    },
    /// GRE with a key that no tunnel here has, or with none where one is needed.
    UnknownGreKey {
        /// Our underlay address that it came to.
        underlay: UnderlayId,
        /// The sender.
        remote: IpAddr,
        /// Its key.
        key: Option<u32>,
    },
    /// ESP with an SPI that is not ours: the sender knows an SA that we do not.
    UnknownSpi {
        /// The underlay that it came to.
        underlay: UnderlayId,
        /// Whence it came, and how.
        wire: Path,
        /// The SPI.
        spi: u32,
    },
    /// GRE in the clear for a protected tunnel.
    ClearText {
        /// The sender.
        remote: IpAddr,
    },
    /// A packet for a next hop that has an adjacency met no SA: it went first. Only from forwarding planes outside the
    /// engine, whose tables are not changed all at once (the kernel's "acquire").
    NoSa {
        /// Our underlay address.
        underlay: UnderlayId,
        /// The peer's.
        remote: IpAddr,
    },
    /// A TCP connection is being opened with segments larger than the tunnel carries, and no clamp lowers them.
    MssTooLarge {
        /// The tunnel.
        tunnel: TunnelId,
        /// The segment size on offer.
        offered: u16,
        /// The largest that fits.
        fits: u16,
    },
}
