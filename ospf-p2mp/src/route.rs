//! Routes as they leave the router.

use std::net::Ipv4Addr;
use std::time::Instant;

use ipnet::Ipv4Net;

use crate::id::{AreaId, InterfaceId};

/// A route to install.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Route {
    /// Where it leads.
    pub prefix: Ipv4Net,
    /// Cost of the path. For [`RouteKind::External2`] the external metric, which outranks the cost of the path.
    pub metric: u32,
    /// Cost of the path to the AS boundary router or forwarding address, for external type 2 routes; 0 otherwise.
    pub forward_metric: u32,
    /// How the prefix was learnt.
    pub kind: RouteKind,
    /// The area of the path; backbone for externals.
    pub area: AreaId,
    /// Who told us: the router whose LSA gave the prefix (the lowest id when several did).
    pub advertising_router: Ipv4Addr,
    /// External route tag; 0 for others.
    pub tag: u32,
    /// Equal-cost ways to go, by interface and gateway.
    pub next_hops: Vec<NextHop>,
    /// When the route was first installed or last changed in metric, kind, originator or next hops.
    pub since: Instant,
}

/// One way to go.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NextHop {
    /// Through which interface.
    pub interface: InterfaceId,
    /// The chosen gateway on the cloud; `None` when the prefix is on the interface itself.
    pub gateway: Option<Ipv4Addr>,
    /// Gateways that reach the prefix too, farthest first, ending at the next hop of RFC 2328. Empty when the
    /// gateway is that one already.
    pub fallbacks: Vec<Ipv4Addr>,
    /// What is known about the direct path to `gateway`; always [`Direct::Up`] when there are no fallbacks.
    pub direct: Direct,
    /// Where packets go now: `gateway` while the direct path is up, the best fallback otherwise.
    pub active: Option<Ipv4Addr>,
}

impl NextHop {
    /// The gateway that RFC 2328 section 16.1.1 gives (of the first path when several were united).
    pub fn rfc_gateway(&self) -> Option<Ipv4Addr> {
        self.fallbacks.last().copied().or(self.gateway)
    }
}

/// The state of the path from here straight to a gateway, as NHRP and IPsec see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Direct {
    /// Not asked for yet: use the fallback and start a resolution.
    #[default]
    Unknown,
    /// Resolved and proven.
    Up,
    /// Tried without success, or refused: use the fallback.
    Blocked,
}

/// RFC 2328 section 11: path types, in order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum RouteKind {
    /// Within one area.
    IntraArea,
    /// Through an area border router.
    InterArea,
    /// External, metric comparable with ours.
    External1,
    /// External, metric larger than any of ours.
    External2,
}

/// How the set of routes changed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteChange {
    /// A prefix that had no route.
    Add(Route),
    /// Another route for a prefix that had one.
    Replace(Route),
    /// No route any more.
    Remove(Ipv4Net),
}

impl RouteChange {
    /// The prefix concerned.
    pub fn prefix(&self) -> Ipv4Net {
        match self {
            Self::Add(route) | Self::Replace(route) => route.prefix,
            Self::Remove(prefix) => *prefix,
        }
    }
}
