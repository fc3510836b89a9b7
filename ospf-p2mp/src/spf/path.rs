//! Paths: which interface, which gateways on its cloud, and whether the path is still on the cloud.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use crate::id::InterfaceId;
use crate::route::{Direct, NextHop};

const NO_NODE: u32 = u32::MAX;

/// One of the equal-cost ways to a vertex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Index of the interface of the calculating router.
    pub(crate) interface: usize,
    /// Last node of the chain of gateways.
    node: u32,
    /// The address at which this vertex is attached to the interface's cloud by this path; none once the path has
    /// left the cloud, which it never enters again.
    pub(crate) attached: Option<Ipv4Addr>,
}

impl Path {
    /// The same path once it has left the cloud.
    pub(super) fn off_cloud(self) -> Self {
        Self { attached: None, ..self }
    }
}

#[derive(Clone, Copy, Debug)]
struct ChainNode {
    gateway: Ipv4Addr,
    before: u32,
}

/// Owns paths and chains. Chains share their beginnings, so extending one costs the same however long it is.
#[derive(Debug, Default)]
pub(crate) struct PathStore {
    paths: Vec<Path>,
    nodes: Vec<ChainNode>,
    interface_ids: Vec<InterfaceId>,
}

/// A path, spelled out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hop {
    pub(crate) interface: InterfaceId,
    /// Gateways on the cloud, nearest (the RFC's next hop) first; empty for a connected network.
    pub(crate) chain: Vec<Ipv4Addr>,
}

impl PathStore {
    pub(super) fn new(interface_ids: Vec<InterfaceId>) -> Self {
        Self { interface_ids, ..Self::default() }
    }

    /// A path to something that the interface is attached to.
    pub(super) fn connected(interface: usize) -> Path {
        Path { interface, node: NO_NODE, attached: None }
    }

    /// A path whose first router is a neighbour.
    pub(super) fn neighbor(&mut self, interface: usize, gateway: Ipv4Addr, on_cloud: bool) -> Path {
        let node = self.add_node(gateway, NO_NODE);
        Path { interface, node, attached: on_cloud.then_some(gateway) }
    }

    /// The same path with another router on the cloud behind it.
    pub(super) fn extend(&mut self, path: Path, gateway: Ipv4Addr) -> Path {
        let node = self.add_node(gateway, path.node);
        Path { node, attached: Some(gateway), ..path }
    }

    pub(super) fn is_connected(path: &Path) -> bool {
        path.node == NO_NODE
    }

    /// Stores paths behind each other and returns where.
    pub(super) fn store(&mut self, paths: &[Path]) -> (u32, u32) {
        let first = u32::try_from(self.paths.len()).unwrap_or(NO_NODE);
        self.paths.extend_from_slice(paths);
        (first, u32::try_from(paths.len()).unwrap_or(0))
    }

    pub(crate) fn range(&self, first: u32, count: u32) -> &[Path] {
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let count = usize::try_from(count).unwrap_or(0);
        first.checked_add(count).and_then(|end| self.paths.get(first..end)).unwrap_or_default()
    }

    pub(super) fn same(&self, a: &Path, b: &Path) -> bool {
        if a.interface != b.interface || a.attached != b.attached {
            return false;
        }
        let (mut a, mut b) = (a.node, b.node);
        while a != b {
            match (self.node(a), self.node(b)) {
                (Some(left), Some(right)) if left.gateway == right.gateway => {
                    (a, b) = (left.before, right.before);
                }
                _ => return false,
            }
        }
        true
    }

    pub(crate) fn hop(&self, path: &Path) -> Hop {
        let mut chain = Vec::new();
        let mut node = path.node;
        while let Some(link) = self.node(node) {
            chain.push(link.gateway);
            node = link.before;
        }
        chain.reverse();
        let interface = self.interface_ids.get(path.interface).copied().unwrap_or(InterfaceId(u32::MAX));
        Hop { interface, chain }
    }

    fn node(&self, index: u32) -> Option<&ChainNode> {
        self.nodes.get(usize::try_from(index).ok()?)
    }

    fn add_node(&mut self, gateway: Ipv4Addr, before: u32) -> u32 {
        let index = u32::try_from(self.nodes.len()).unwrap_or(NO_NODE);
        self.nodes.push(ChainNode { gateway, before });
        index
    }
}

/// Unites the ways of an equal-cost set, by interface and gateway.
///
/// The gateway is the last of a chain; the others are fallbacks, farthest first, ending at the next hops of
/// RFC 2328. A path that ends at a neighbour is left out when another path of the set goes through that neighbour
/// to a gateway beyond it: that one has the neighbour as fallback and is not longer.
pub(crate) fn collect_next_hops(hops: impl IntoIterator<Item = Hop>) -> Vec<NextHop> {
    // Per gateway: how near to us each fallback stands at most (0 is the RFC's next hop).
    let mut sets: BTreeMap<(InterfaceId, Option<Ipv4Addr>), BTreeMap<Ipv4Addr, usize>> = BTreeMap::new();
    for hop in hops {
        let (gateway, before) = match hop.chain.split_last() {
            Some((last, before)) => (Some(*last), before),
            None => (None, Default::default()),
        };
        let fallbacks = sets.entry((hop.interface, gateway)).or_default();
        for (depth, fallback) in before.iter().enumerate() {
            let known = fallbacks.entry(*fallback).or_insert(depth);
            if *known != 0 {
                *known = if depth == 0 { 0 } else { (*known).max(depth) };
            }
        }
    }
    let plain: Vec<_> =
        sets.iter().filter(|(_, fallbacks)| fallbacks.is_empty()).map(|(key, _)| *key).collect();
    for (interface, gateway) in plain {
        let Some(address) = gateway else { continue };
        let beyond = sets.range((interface, None)..=(interface, Some(Ipv4Addr::BROADCAST)));
        if beyond.into_iter().any(|(_, fallbacks)| fallbacks.get(&address) == Some(&0)) {
            sets.remove(&(interface, gateway));
        }
    }
    sets.into_iter()
        .map(|((interface, gateway), fallbacks)| next_hop(interface, gateway, fallbacks))
        .collect()
}

fn next_hop(interface: InterfaceId, gateway: Option<Ipv4Addr>, depths: BTreeMap<Ipv4Addr, usize>) -> NextHop {
    let mut ordered: Vec<_> = depths.into_iter().map(|(address, depth)| (Reverse(depth), address)).collect();
    ordered.sort_unstable();
    let fallbacks: Vec<_> = ordered.into_iter().map(|(_, address)| address).collect();
    // `active` is settled by the table of direct paths; without fallbacks there is nothing to choose.
    NextHop { interface, gateway, direct: Direct::Up, active: gateway, fallbacks }
}
