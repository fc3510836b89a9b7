//! What `show` commands see.

use super::Router;
use crate::lsdb::Scope;
use crate::route::Route;
use crate::view::{AreaView, InterfaceView, LsaView, NeighborView, RouterView};

impl Router {
    /// `show ip ospf`.
    pub fn summary(&self) -> RouterView {
        let area = |(id, area): (&crate::id::AreaId, &super::state::Area)| AreaView {
            id: *id,
            kind: area.kind,
            interfaces: area.interfaces.len(),
            full_neighbors: area.full,
            lsas: self.lsdb.scope_len(Scope::Area(*id)),
            spf_runs: area.spf_runs,
        };
        RouterView {
            router_id: self.config.router_id,
            process: self.config.process,
            is_area_border: self.is_area_border(),
            is_as_boundary: !self.redistributed.is_empty(),
            is_stub_router: self.stub_router,
            areas: self.areas.iter().map(area).collect(),
            lsas: self.lsdb.len(),
            lsdb_octets: self.lsdb.octets(),
            external_lsas: self.lsdb.scope_len(Scope::As),
            last_spf: self.pending.last_run,
            started: self.started,
        }
    }

    /// `show ip ospf neighbor [detail]`: by interface in the order of the configuration, then by address.
    pub fn neighbors(&self) -> impl Iterator<Item = NeighborView> + '_ {
        self.interfaces.iter().flat_map(|interface| {
            interface.neighbors.values().map(|neighbor| NeighborView {
                router_id: neighbor.router_id,
                priority: neighbor.priority,
                state: neighbor.state,
                dead_at: neighbor.deadlines.dead,
                address: neighbor.address,
                interface: interface.config.id,
                area: interface.config.area,
                up_since: neighbor.up_since,
                state_changes: neighbor.state_changes,
                options: neighbor.options,
                retransmission_queue: neighbor.queues.retransmit.len(),
                request_queue: neighbor.exchange.requests.len(),
                retransmissions: neighbor.queues.retransmissions,
                flooded_octets: neighbor.queues.flooded_octets,
                last_down: neighbor.last_down,
                last_drop: neighbor.last_drop,
                announced: neighbor.announced,
                unicast_hello: neighbor.heard_unicast && !neighbor.heard_multicast,
                without_link_back: neighbor.without_link_back,
            })
        })
    }

    /// `show ip ospf interface [brief]`, in the order of the configuration.
    pub fn interfaces(&self) -> impl Iterator<Item = InterfaceView> + '_ {
        self.interfaces.iter().filter(|interface| interface.in_use).map(|interface| {
            let config = &interface.config;
            let next = interface.neighbors.values().filter_map(|neighbor| neighbor.deadlines.hello).min();
            InterfaceView {
                id: config.id,
                name: config.name.clone(),
                address: config.address,
                prefix: config.prefix,
                area: config.area,
                cost: config.cost,
                network: config.network,
                up: interface.up,
                passive: config.passive,
                hello_interval: config.hello_interval,
                dead_interval: config.dead_interval,
                retransmit_interval: config.retransmit_interval,
                transmit_delay: config.transmit_delay,
                send_key: config.authentication.send_key_id(self.now),
                next_hello: if interface.per_neighbor { next } else { interface.next_hello },
                neighbors: interface.neighbors.len(),
                full_neighbors: interface.full,
            }
        })
    }

    /// `show ip ospf database`: areas, then AS-wide, then link-local LSAs, each by type, id and issuer.
    pub fn database(&self) -> impl Iterator<Item = LsaView> + '_ {
        self.lsdb.iter().map(|(key, entry)| LsaView {
            area: match key.scope {
                Scope::Area(area) => Some(area),
                Scope::As => None,
                Scope::Link(id) => self.interface_index.get(&id).and_then(|index| self.area_of(*index)),
            },
            header: entry.header(self.now),
            body: entry.body.clone(),
            own: key.key.advertising_router == self.config.router_id,
        })
    }

    /// `show ip route ospf`: what [`Output::Route`](crate::Output::Route) has told or is about to tell.
    pub fn routes(&self) -> impl Iterator<Item = &Route> + '_ {
        self.rib.table().filter(|route| self.visible_route(&route.prefix).is_some())
    }
}
