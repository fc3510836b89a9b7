//! What goes into a router and what comes out.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::event::Event;
use crate::id::InterfaceId;
use crate::route::{Direct, RouteChange};
use crate::wire::MetricType;

/// 224.0.0.5, the address of all OSPF routers.
pub const ALL_SPF_ROUTERS: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 5);

/// The IP protocol number of OSPF.
pub const IP_PROTOCOL: u8 = 89;

/// Something that happened outside.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// An OSPF packet came in.
    Packet {
        /// Where.
        interface: InterfaceId,
        /// Source address of the IP header.
        source: Ipv4Addr,
        /// Destination address of the IP header: 224.0.0.5 or ours.
        destination: Ipv4Addr,
        /// TTL of the IP header as it arrived.
        ttl: u8,
        /// The IP payload.
        payload: &'a [u8],
    },
    /// A neighbour can be reached now: it registered, or it is a live next hop server. It gets a Hello at once.
    ///
    /// From the first of these on, Hellos of the interface go to announced and heard neighbours one by one, and no
    /// longer to every multicast member.
    PeerUp {
        /// Through which tunnel.
        interface: InterfaceId,
        /// Its tunnel address.
        address: Ipv4Addr,
    },
    /// A neighbour cannot be reached any more: its adjacency ends at once. One that the configuration names keeps getting
    /// Hellos.
    PeerDown {
        /// Through which tunnel.
        interface: InterfaceId,
        /// Its tunnel address.
        address: Ipv4Addr,
    },
    /// An interface works (again).
    InterfaceUp {
        /// Which.
        interface: InterfaceId,
    },
    /// An interface stopped working: its neighbours end, its prefix is withdrawn.
    InterfaceDown {
        /// Which.
        interface: InterfaceId,
    },
    /// The state of the direct path to a gateway changed. Picks another gateway for the routes concerned; never
    /// runs SPF.
    SetDirect {
        /// Through which tunnel.
        interface: InterfaceId,
        /// The gateway's tunnel address.
        gateway: Ipv4Addr,
        /// What is known now.
        state: Direct,
    },
    /// A route from elsewhere appears in, changes in or leaves our AS-external LSAs.
    Redistribute(Redistribute),
    /// Switches the stub router metrics of RFC 6987 on or off, whatever the configuration said.
    SetStubRouter(bool),
    /// Withdraw everything of ours and say goodbye. The router does nothing afterwards.
    Shutdown,
}

/// A change of the redistributed routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redistribute {
    /// Advertise this prefix, or change how it is advertised.
    Add(ExternalRoute),
    /// Withdraw it.
    Remove(Ipv4Net),
}

/// A route to advertise as AS-external (RFC 2328 section 12.4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExternalRoute {
    /// What is reachable; host bits are ignored.
    pub prefix: Ipv4Net,
    /// Metric, 0 to 0xfffffe; larger ones are cut. IOS says 20 for redistributed routes.
    pub metric: u32,
    /// Type 1 or 2.
    pub metric_type: MetricType,
    /// Uninterpreted by OSPF.
    pub tag: u32,
    /// Where packets should go instead of to us; 0.0.0.0 for us.
    pub forwarding: Ipv4Addr,
}

impl ExternalRoute {
    /// Type 2, metric 20, no tag, forwarded by us: as `redistribute static subnets`.
    pub fn new(prefix: Ipv4Net) -> Self {
        Self { prefix, metric: 20, metric_type: MetricType::Type2, tag: 0, forwarding: Ipv4Addr::UNSPECIFIED }
    }
}

/// Something to do or to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Output {
    /// Send an OSPF packet (IP protocol 89, precedence internetwork control).
    Transmit {
        /// Through which interface.
        interface: InterfaceId,
        /// Destination address of the IP header: 224.0.0.5 or the neighbour's.
        destination: Ipv4Addr,
        /// Which neighbour gets this copy; `None` for every multicast member of the interface.
        peer: Option<Ipv4Addr>,
        /// TTL of the IP header: 1, or 255 with TTL security.
        ttl: u8,
        /// The OSPF packet.
        payload: Vec<u8>,
    },
    /// Change the routing table. The changes of one call come in the order of their prefixes, after its packets.
    Route(RouteChange),
    /// Something a person may want to know.
    Event(Event),
}
