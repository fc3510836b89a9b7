//! Shortest paths within an area (RFC 2328 section 16.1) and the gateways that they give.
//!
//! Dijkstra runs by the RFC. In addition each path remembers the chain of routers that it crosses *on the tunnel's
//! cloud*. The last of them is a router on our shortest path, so sending to it directly still brings a packet
//! strictly nearer to its destination, whatever rule the other routers use; that is why no loop can arise while
//! the databases agree.

mod dijkstra;
mod graph;
mod path;
mod queue;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::id::InterfaceId;

pub(crate) use dijkstra::run;
pub(crate) use graph::Graph;
pub(crate) use path::{Hop, PathStore, collect_next_hops};

/// The calculating router.
#[derive(Debug)]
pub(crate) struct Root {
    pub(crate) router_id: Ipv4Addr,
    pub(crate) interfaces: Vec<RootInterface>,
    /// Addresses of the Full neighbours, by index of the interface and router id.
    pub(crate) neighbors: BTreeMap<(usize, Ipv4Addr), Ipv4Addr>,
}

/// An interface of the calculating router.
#[derive(Debug)]
pub(crate) struct RootInterface {
    pub(crate) id: InterfaceId,
    pub(crate) address: Ipv4Addr,
    pub(crate) prefix: Ipv4Net,
    pub(crate) kind: RootInterfaceKind,
    /// The cost to use instead of the one in our Router-LSA, which may say "no transit" (RFC 6987).
    pub(crate) cost: Option<u16>,
}

/// What an interface is attached to, as far as next hops go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RootInterfaceKind {
    /// A multipoint tunnel on which the farthest router becomes the gateway.
    Cloud,
    /// A link, or a multipoint tunnel, on which the first router is the gateway.
    Direct,
}

/// The outcome for one area.
#[derive(Debug, Default)]
pub(crate) struct AreaResult {
    /// Reachable routers by id, sorted.
    routers: Vec<(Ipv4Addr, Reached)>,
    /// Reachable networks by the designated router's address, sorted.
    networks: Vec<(Ipv4Addr, Reached)>,
    /// The paths that `Reached` refers to.
    pub(crate) paths: PathStore,
    /// Tunnel addresses that two routers claim: interface, address, claimants.
    pub(crate) ambiguous: Vec<Ambiguity>,
}

/// A tunnel address that two routers claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ambiguity {
    pub(crate) interface: InterfaceId,
    pub(crate) address: Ipv4Addr,
    pub(crate) routers: (Ipv4Addr, Ipv4Addr),
}

/// A reachable vertex.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) cost: u32,
    pub(crate) flags: crate::wire::RouterFlags,
    pub(crate) first_path: u32,
    pub(crate) path_count: u32,
}

impl AreaResult {
    pub(crate) fn router(&self, id: Ipv4Addr) -> Option<&Reached> {
        let index = self.routers.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.routers.get(index).map(|(_, reached)| reached)
    }

    pub(crate) fn network(&self, designated_router: Ipv4Addr) -> Option<&Reached> {
        let index = self.networks.binary_search_by_key(&designated_router, |(id, _)| *id).ok()?;
        self.networks.get(index).map(|(_, reached)| reached)
    }

    pub(crate) fn routers(&self) -> impl Iterator<Item = &(Ipv4Addr, Reached)> {
        self.routers.iter()
    }

    /// The ways to a vertex, from nearest to farthest gateway.
    pub(crate) fn hops<'a>(&'a self, reached: &Reached) -> impl Iterator<Item = Hop> + 'a {
        self.paths.range(reached.first_path, reached.path_count).iter().map(|path| self.paths.hop(path))
    }
}
