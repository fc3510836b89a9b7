//! `show ip route [ospf]` and `show ip route PREFIX`.

mod lookup;
mod table;
#[cfg(test)]
mod tests;

use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;

pub use self::lookup::RouteLookup;
pub use self::table::RouteTable;

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Route {
    /// Where it leads.
    pub prefix: IpNet,
    /// Where it comes from.
    pub kind: RouteKind,
    /// The number of the OSPF process that it comes from.
    pub process: Option<u32>,
    /// The administrative distance.
    pub distance: u8,
    /// The metric.
    pub metric: u32,
    /// The type that `show ip route PREFIX` prints behind the metric, if it shall print one.
    pub route_type: Option<RouteType>,
    /// The ways to get there. More than one share the load.
    pub paths: Vec<RoutePath>,
}

/// One way to get there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RoutePath {
    /// The next hop; `None` when the destination is directly connected.
    pub gateway: Option<IpAddr>,
    /// The router that told of the route.
    pub from: Option<IpAddr>,
    /// The interface.
    pub interface: Option<String>,
    /// How long the path is in the table. Not printed for connected and static routes.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub age: Duration,
    /// Whether NHRP put this gateway in the place of the route's own.
    pub next_hop_override: bool,
    /// The state of the direct path to the gateway, where the gateway is a peer behind a tunnel.
    pub direct: Option<DirectPath>,
}

/// The direct path to a gateway, and what carries the packets while it does not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DirectPath {
    /// How far the direct path is.
    pub state: PathState,
    /// The gateways that carry the packets while it is not proven, the preferred one first.
    pub fallbacks: Vec<Fallback>,
}

/// A gateway that carries packets while the direct path does not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Fallback {
    /// The gateway.
    pub gateway: IpAddr,
    /// The tunnel.
    pub interface: String,
}

words! {
    /// How far a direct path is. Only a proven one carries packets.
    PathState {
        /// Nobody asked for it yet.
        Idle = "idle",
        /// The underlay address is being resolved.
        Resolving = "resolving",
        /// The underlay address is known, IKE is on its way.
        Connecting = "connecting",
        /// Without IPsec: a probe is on its way.
        Probing = "probing",
        /// It carries packets.
        Proven = "proven",
        /// It failed and is not tried again for a while.
        Blocked = "blocked",
    }
}

words! {
    /// Where a route comes from, in IOS's code letters.
    RouteKind {
        /// One of this router's addresses.
        Local = "L",
        /// A network of one of this router's interfaces.
        Connected = "C",
        /// Configured.
        Static = "S",
        /// OSPF, within the area.
        Ospf = "O",
        /// OSPF, from another area.
        OspfInterArea = "O IA",
        /// OSPF, external, type 1.
        OspfExternal1 = "O E1",
        /// OSPF, external, type 2.
        OspfExternal2 = "O E2",
        /// NHRP: a shortcut.
        Nhrp = "H",
    }
}

words! {
    /// The type of a route, in the words of `show ip route PREFIX`.
    RouteType {
        /// OSPF, within the area.
        IntraArea = "intra area",
        /// OSPF, from another area.
        InterArea = "inter area",
        /// OSPF, external, type 1.
        External1 = "extern 1",
        /// OSPF, external, type 2.
        External2 = "extern 2",
    }
}

impl RouteKind {
    /// Whether the route comes from OSPF.
    #[must_use]
    pub const fn is_ospf(self) -> bool {
        matches!(self, Self::Ospf | Self::OspfInterArea | Self::OspfExternal1 | Self::OspfExternal2)
    }

    /// Whether the route's age says nothing: it is there as long as the configuration is.
    const fn is_configured(self) -> bool {
        matches!(self, Self::Local | Self::Connected | Self::Static)
    }
}

impl Route {
    /// A route without paths, with distance 0 and metric 0.
    #[must_use]
    pub const fn new(prefix: IpNet, kind: RouteKind) -> Self {
        Self { prefix, kind, process: None, distance: 0, metric: 0, route_type: None, paths: Vec::new() }
    }
}

impl RoutePath {
    /// A path by way of a gateway, just learned.
    #[must_use]
    pub fn via(gateway: IpAddr, interface: impl Into<String>) -> Self {
        Self {
            gateway: Some(gateway),
            from: None,
            interface: Some(interface.into()),
            age: Duration::ZERO,
            next_hop_override: false,
            direct: None,
        }
    }

    /// A path to a network of one of this router's interfaces.
    #[must_use]
    pub fn connected(interface: impl Into<String>) -> Self {
        Self {
            gateway: None,
            from: None,
            interface: Some(interface.into()),
            age: Duration::ZERO,
            next_hop_override: false,
            direct: None,
        }
    }
}
