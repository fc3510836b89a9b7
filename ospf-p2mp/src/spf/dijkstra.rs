//! Dijkstra's algorithm (RFC 2328 section 16.1, first stage) and the next hop of each step (section 16.1.1).

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::graph::{Graph, Vertex};
use super::path::{Path, PathStore};
use super::queue::Candidates;
use super::{Ambiguity, AreaResult, Reached, Root, RootInterfaceKind};
use crate::wire::{LinkKind, RouterFlags, RouterLink};

/// Equal-cost paths kept per vertex. More would let a crafted mesh grow without bound.
const MAX_PATHS: usize = 16;

/// Runs SPF over one area.
pub(crate) fn run(graph: &Graph<'_>, root: &Root) -> AreaResult {
    let Some(root_index) = graph.router_index(root.router_id) else {
        return AreaResult::default();
    };
    let mut search = Search::new(graph, root);
    search.improve(Vertex::Router(root_index), 0, &[]);
    while let Some((cost, vertex)) = search.candidates.pop() {
        if search.state(vertex).is_none_or(|state| state.done || state.cost != cost) {
            continue;
        }
        if let Some(state) = search.state_mut(vertex) {
            state.done = true;
        }
        match vertex {
            Vertex::Router(index) => search.visit_router(index, cost, index == root_index),
            Vertex::Network(index) => search.visit_network(index, cost),
        }
    }
    search.finish()
}

#[derive(Clone, Copy, Debug)]
struct State {
    cost: u32,
    done: bool,
    paths: (u32, u32),
}

const UNREACHED: State = State { cost: u32::MAX, done: false, paths: (0, 0) };

struct Search<'g, 'a> {
    graph: &'g Graph<'a>,
    root: &'g Root,
    routers: Vec<State>,
    networks: Vec<State>,
    candidates: Candidates,
    store: PathStore,
    claims: Option<Claims>,
    ambiguous: BTreeSet<Ambiguity>,
    scratch: Vec<Path>,
    /// The router that a link led to last.
    last_target: usize,
}

impl<'g, 'a> Search<'g, 'a> {
    fn new(graph: &'g Graph<'a>, root: &'g Root) -> Self {
        Self {
            graph,
            root,
            routers: vec![UNREACHED; graph.router_count()],
            networks: vec![UNREACHED; graph.network_count()],
            candidates: Candidates::default(),
            store: PathStore::new(root.interfaces.iter().map(|interface| interface.id).collect()),
            claims: None,
            ambiguous: BTreeSet::new(),
            scratch: Vec::new(),
            last_target: 0,
        }
    }

    fn visit_router(&mut self, index: usize, cost: u32, is_root: bool) {
        let graph = self.graph;
        let Some(vertex) = graph.router(index) else { return };
        for link in &vertex.lsa.links {
            let target = match link.kind {
                LinkKind::POINT_TO_POINT => self.router_index(link.id).map(Vertex::Router),
                LinkKind::TRANSIT => graph.network_index(link.id).map(Vertex::Network),
                // Stub networks come later; virtual links are not offered; unknown kinds are not followed.
                _ => None,
            };
            let Some(target) = target else { continue };
            let root_interface = if is_root { self.root_interface(link) } else { None };
            let metric = match root_interface {
                Some(interface) => self.root_cost(interface).unwrap_or(link.metric),
                None => link.metric,
            };
            let cost = cost.saturating_add(u32::from(metric));
            if !self.is_useful(target, cost) || !graph.has_link(target, Vertex::Router(index)) {
                continue;
            }
            // One buffer serves all links: a hub has thousands.
            let mut paths = std::mem::take(&mut self.scratch);
            paths.clear();
            if is_root {
                paths.extend(root_interface.and_then(|interface| self.first_path(interface, link)));
            } else {
                self.extended_paths(index, link, target, &mut paths);
            }
            if !paths.is_empty() {
                self.improve(target, cost, &paths);
            }
            self.scratch = paths;
        }
    }

    /// Looks up a router. A hub's links lead from one spoke to the next, a spoke's all to the hub: these two are tried
    /// before the search.
    fn router_index(&mut self, id: Ipv4Addr) -> Option<usize> {
        let last = self.last_target;
        let is_it = |index: &usize| self.graph.router(*index).is_some_and(|router| router.id == id);
        let found = [last, last + 1].into_iter().find(is_it).or_else(|| self.graph.router_index(id))?;
        self.last_target = found;
        Some(found)
    }

    fn visit_network(&mut self, index: usize, cost: u32) {
        let graph = self.graph;
        let Some(vertex) = graph.network(index) else { return };
        let (first, count) = self.networks.get(index).map_or((0, 0), |state| state.paths);
        for router in &vertex.lsa.routers {
            let Some(target) = graph.router_index(*router) else { continue };
            let to = Vertex::Router(target);
            if !self.is_useful(to, cost) || !graph.has_link(to, Vertex::Network(index)) {
                continue;
            }
            let mut paths = self.store.range(first, count).to_vec();
            for path in &mut paths {
                *path = path.off_cloud();
                if PathStore::is_connected(path) {
                    // Section 16.1.1: the network is ours, so the router's own address on it is the gateway.
                    if let Some(link) = graph.links_to(target, LinkKind::TRANSIT, vertex.id).next() {
                        *path = self.store.neighbor(path.interface, link.data, false);
                    }
                }
            }
            self.improve(to, cost, &paths);
        }
    }

    /// The interface of ours that a link of our Router-LSA stands for.
    fn root_interface(&self, link: &RouterLink) -> Option<usize> {
        let interfaces = &self.root.interfaces;
        let by_address = interfaces.iter().position(|interface| interface.address == link.data);
        by_address.or_else(|| {
            // Unnumbered: the link data is an interface number.
            (0..interfaces.len()).find(|index| self.root.neighbors.contains_key(&(*index, link.id)))
        })
    }

    fn root_cost(&self, interface: usize) -> Option<u16> {
        self.root.interfaces.get(interface)?.cost
    }

    fn first_path(&mut self, interface: usize, link: &RouterLink) -> Option<Path> {
        if link.kind == LinkKind::TRANSIT {
            return Some(PathStore::connected(interface));
        }
        let gateway = *self.root.neighbors.get(&(interface, link.id))?;
        let on_cloud = self.root.interfaces.get(interface)?.kind == RootInterfaceKind::Cloud;
        Some(self.store.neighbor(interface, gateway, on_cloud))
    }

    /// Appends the paths of a router, one link farther.
    fn extended_paths(&mut self, from: usize, link: &RouterLink, target: Vertex, paths: &mut Vec<Path>) {
        let (first, count) = self.routers.get(from).map_or((0, 0), |state| state.paths);
        paths.extend_from_slice(self.store.range(first, count));
        for path in paths {
            let stays = path.attached.filter(|at| link.kind == LinkKind::POINT_TO_POINT && link.data == *at);
            let gateway = match (stays, target) {
                (Some(at), Vertex::Router(target)) => self.cloud_address(path.interface, from, at, target),
                _ => None,
            };
            *path = match gateway {
                Some(gateway) => self.store.extend(*path, gateway),
                None => path.off_cloud(),
            };
        }
    }

    /// The address at which `target` is attached to the cloud that `from` (at `at`) leaves by.
    fn cloud_address(
        &mut self,
        interface: usize,
        from: usize,
        at: Ipv4Addr,
        target: usize,
    ) -> Option<Ipv4Addr> {
        let graph = self.graph;
        let ours = self.root.interfaces.get(interface)?;
        let (cloud, our_address, id) = (ours.prefix, ours.address, ours.id);
        let usable =
            |address: &Ipv4Addr| is_host_of(cloud, *address) && *address != our_address && *address != at;
        let from_id = graph.router(from)?.id;
        let by_link = graph
            .links_to(target, LinkKind::POINT_TO_POINT, from_id)
            .map(|link| link.data)
            .find(|address| usable(address));
        let target = graph.router(target)?;
        let address = by_link.or_else(|| {
            // The peer puts an interface number into Link Data: its only host route on the cloud tells the address.
            let mut hosts = host_stubs(&target.lsa.links).filter(|address| cloud.contains(address));
            let only = hosts.next().filter(|address| usable(address));
            if hosts.next().is_some() { None } else { only }
        })?;
        let claims = self.claims.get_or_insert_with(|| Claims::new(graph, self.root));
        match claims.other_claimant(address, target.id) {
            None => Some(address),
            Some(other) => {
                let routers = (target.id.min(other), target.id.max(other));
                self.ambiguous.insert(Ambiguity { interface: id, address, routers });
                None
            }
        }
    }

    fn is_useful(&self, vertex: Vertex, cost: u32) -> bool {
        self.state(vertex).is_some_and(|state| !state.done && cost <= state.cost)
    }

    fn improve(&mut self, vertex: Vertex, cost: u32, paths: &[Path]) {
        let Some(state) = self.state(vertex).copied() else { return };
        let stored = if cost == state.cost {
            let mut merged = self.store.range(state.paths.0, state.paths.1).to_vec();
            for path in paths {
                if merged.len() < MAX_PATHS && !merged.iter().any(|known| self.store.same(known, path)) {
                    merged.push(*path);
                }
            }
            self.store.store(&merged)
        } else {
            self.store.store(paths)
        };
        if let Some(state) = self.state_mut(vertex)
            && cost < state.cost
        {
            self.candidates.push(cost, vertex);
        }
        if let Some(state) = self.state_mut(vertex) {
            state.cost = cost;
            state.paths = stored;
        }
    }

    fn state(&self, vertex: Vertex) -> Option<&State> {
        match vertex {
            Vertex::Router(index) => self.routers.get(index),
            Vertex::Network(index) => self.networks.get(index),
        }
    }

    fn state_mut(&mut self, vertex: Vertex) -> Option<&mut State> {
        match vertex {
            Vertex::Router(index) => self.routers.get_mut(index),
            Vertex::Network(index) => self.networks.get_mut(index),
        }
    }

    fn finish(self) -> AreaResult {
        let reached = |state: &State, flags| Reached {
            cost: state.cost,
            flags,
            first_path: state.paths.0,
            path_count: state.paths.1,
        };
        let routers = self.routers.iter().enumerate().filter(|(_, state)| state.done);
        let routers = routers.filter_map(|(index, state)| {
            let vertex = self.graph.router(index)?;
            Some((vertex.id, reached(state, vertex.lsa.flags)))
        });
        let networks = self.networks.iter().enumerate().filter(|(_, state)| state.done);
        let networks = networks.filter_map(|(index, state)| {
            Some((self.graph.network(index)?.id, reached(state, RouterFlags::default())))
        });
        AreaResult {
            routers: routers.collect(),
            networks: networks.collect(),
            ambiguous: self.ambiguous.iter().copied().collect(),
            paths: self.store,
        }
    }
}

/// Who says to be reachable at which tunnel address: Link Data and host routes of the whole area.
struct Claims(Vec<(Ipv4Addr, Ipv4Addr)>);

impl Claims {
    fn new(graph: &Graph<'_>, root: &Root) -> Self {
        let clouds: Vec<Ipv4Net> = root
            .interfaces
            .iter()
            .filter(|interface| interface.kind == RootInterfaceKind::Cloud)
            .map(|interface| interface.prefix)
            .collect();
        let on_cloud = |address: &Ipv4Addr| clouds.iter().any(|cloud| cloud.contains(address));
        let mut claims = Vec::with_capacity(graph.router_count());
        for router in graph.routers() {
            // Most routers say the same address many times, next to each other.
            let mut last = None;
            for link in &router.lsa.links {
                let address = match link.kind {
                    LinkKind::POINT_TO_POINT | LinkKind::TRANSIT => link.data,
                    LinkKind::STUB if link.data == Ipv4Addr::BROADCAST => link.id,
                    _ => continue,
                };
                if last != Some(address) && on_cloud(&address) {
                    claims.push((address, router.id));
                    last = Some(address);
                }
            }
        }
        claims.sort_unstable();
        claims.dedup();
        Self(claims)
    }

    fn other_claimant(&self, address: Ipv4Addr, than: Ipv4Addr) -> Option<Ipv4Addr> {
        let start = self.0.partition_point(|(claimed, _)| *claimed < address);
        let claimants =
            self.0.get(start..).unwrap_or_default().iter().take_while(|(claimed, _)| *claimed == address);
        claimants.map(|(_, router)| *router).find(|router| *router != than)
    }
}

fn host_stubs(links: &[RouterLink]) -> impl Iterator<Item = Ipv4Addr> + '_ {
    let is_host = |link: &&RouterLink| link.kind == LinkKind::STUB && link.data == Ipv4Addr::BROADCAST;
    links.iter().filter(is_host).map(|link| link.id)
}

/// Whether an address can be a router's on this subnet.
fn is_host_of(cloud: Ipv4Net, address: Ipv4Addr) -> bool {
    let edge = cloud.prefix_len() < 31 && (address == cloud.network() || address == cloud.broadcast());
    cloud.contains(&address) && !edge
}
