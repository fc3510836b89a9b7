//! An area's database as a graph.

use std::net::Ipv4Addr;

use crate::wire::{LinkKind, NetworkLsa, RouterLink, RouterLsa};

/// Routers and networks of an area. Borrowed from the database, indexed for lookup by id.
#[derive(Debug, Default)]
pub(crate) struct Graph<'a> {
    routers: Vec<RouterVertex<'a>>,
    networks: Vec<NetworkVertex<'a>>,
    /// Indices of links, per router, sorted by kind, id and data.
    sorted_links: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct RouterVertex<'a> {
    pub(super) id: Ipv4Addr,
    pub(super) lsa: &'a RouterLsa,
    first: usize,
}

#[derive(Debug)]
pub(super) struct NetworkVertex<'a> {
    pub(super) id: Ipv4Addr,
    pub(super) lsa: &'a NetworkLsa,
    /// Sorted copy of the attached routers.
    attached: Vec<Ipv4Addr>,
}

/// A vertex by index. Networks sort first: at equal cost they must be handled before routers (section 16.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Vertex {
    Network(usize),
    Router(usize),
}

impl<'a> Graph<'a> {
    /// Builds the graph. Both lists must come sorted by id; of several networks with one id the first counts.
    pub(crate) fn new(
        routers: impl Iterator<Item = (Ipv4Addr, &'a RouterLsa)>,
        networks: impl Iterator<Item = (Ipv4Addr, &'a NetworkLsa)>,
    ) -> Self {
        let mut graph = Self::default();
        for (id, lsa) in routers {
            if graph.routers.last().is_some_and(|last| last.id == id) {
                continue;
            }
            let first = graph.sorted_links.len();
            graph.sorted_links.extend((0..lsa.links.len()).filter_map(|index| u32::try_from(index).ok()));
            // They are mostly sorted already, by whoever issued the LSA.
            if !lsa.links.is_sorted_by_key(sort_key)
                && let Some(indices) = graph.sorted_links.get_mut(first..)
            {
                indices.sort_unstable_by_key(|&index| lsa.links.get(index as usize).map(sort_key));
            }
            graph.routers.push(RouterVertex { id, lsa, first });
        }
        for (id, lsa) in networks {
            if graph.networks.last().is_some_and(|last| last.id == id) {
                continue;
            }
            let mut attached = lsa.routers.clone();
            attached.sort_unstable();
            graph.networks.push(NetworkVertex { id, lsa, attached });
        }
        graph
    }

    pub(super) fn router_index(&self, id: Ipv4Addr) -> Option<usize> {
        self.routers.binary_search_by_key(&id, |router| router.id).ok()
    }

    pub(super) fn network_index(&self, id: Ipv4Addr) -> Option<usize> {
        self.networks.binary_search_by_key(&id, |network| network.id).ok()
    }

    pub(super) fn router(&self, index: usize) -> Option<&RouterVertex<'a>> {
        self.routers.get(index)
    }

    pub(super) fn network(&self, index: usize) -> Option<&NetworkVertex<'a>> {
        self.networks.get(index)
    }

    pub(super) fn router_count(&self) -> usize {
        self.routers.len()
    }

    pub(super) fn network_count(&self) -> usize {
        self.networks.len()
    }

    pub(super) fn routers(&self) -> impl Iterator<Item = &RouterVertex<'a>> {
        self.routers.iter()
    }

    /// The links of a router with this kind and id, by data.
    pub(super) fn links_to(
        &self,
        router: usize,
        kind: LinkKind,
        id: Ipv4Addr,
    ) -> impl Iterator<Item = &'a RouterLink> + '_ {
        let vertex = self.routers.get(router);
        let lsa = vertex.map(|vertex| vertex.lsa);
        let indices = vertex
            .and_then(|vertex| self.sorted_links.get(vertex.first..vertex.first + vertex.lsa.links.len()))
            .unwrap_or_default();
        let link = move |index: &u32| lsa.and_then(|lsa| lsa.links.get(*index as usize));
        let start = indices
            .partition_point(|index| link(index).is_some_and(|link| (link.kind, link.id) < (kind, id)));
        indices
            .get(start..)
            .unwrap_or_default()
            .iter()
            .map_while(link)
            .take_while(move |link| (link.kind, link.id) == (kind, id))
    }

    /// Whether `from` has a link to `to`: without one in each direction a link is not used (section 16.1 (2b)).
    pub(super) fn has_link(&self, from: Vertex, to: Vertex) -> bool {
        match (from, to) {
            (Vertex::Router(from), Vertex::Router(to)) => self
                .router(to)
                .is_some_and(|to| self.links_to(from, LinkKind::POINT_TO_POINT, to.id).next().is_some()),
            (Vertex::Router(from), Vertex::Network(to)) => self
                .network(to)
                .is_some_and(|to| self.links_to(from, LinkKind::TRANSIT, to.id).next().is_some()),
            (Vertex::Network(from), Vertex::Router(to)) => match (self.network(from), self.router(to)) {
                (Some(from), Some(to)) => from.attached.binary_search(&to.id).is_ok(),
                _ => false,
            },
            (Vertex::Network(_), Vertex::Network(_)) => false,
        }
    }
}

fn sort_key(link: &RouterLink) -> (LinkKind, Ipv4Addr, Ipv4Addr) {
    (link.kind, link.id, link.data)
}
