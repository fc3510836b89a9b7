//! Runs SPF when it must, routes when it need not, and keeps what the embedder was told in step.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Instant;

use ipnet::Ipv4Net;

use super::Router;
use crate::config::{AreaKind, NextHopMode};
use crate::event::Event;
use crate::id::{AreaId, InterfaceId};
use crate::lsdb::Scope;
use crate::rib::{Connected, Context};
use crate::route::{Direct, NextHop, Route};
use crate::spf::{Graph, Root, RootInterface, RootInterfaceKind, run};
use crate::wire::{LsaBody, LsaType};

impl Router {
    /// Route calculation (RFC 2328 section 16): SPF for the areas whose topology changed, then the prefixes
    /// concerned. Without a change of topology only those prefixes are looked at.
    pub(super) fn calculate(&mut self, now: Instant) {
        if self.pending.is_empty() {
            self.pending.throttle.cancel();
            return;
        }
        let areas = std::mem::take(&mut self.pending.areas);
        let full = !areas.is_empty() || self.pending.everything;
        let mut prefixes = std::mem::take(&mut self.pending.prefixes);
        if full {
            let config = self.config.timers.spf;
            self.pending.throttle.ran(now, &config);
            self.pending.last_run = Some(now);
            self.stats.spf_runs += 1;
            for area in areas {
                self.run_spf(now, area);
            }
            prefixes.extend(self.rib.all_prefixes());
        } else {
            self.pending.throttle.cancel();
            self.stats.partial_runs += 1;
            if self.pending.externals {
                prefixes.extend(self.rib.external_prefixes());
            }
        }
        self.pending.externals = false;
        self.pending.everything = false;
        let changed = self.evaluate(now, &prefixes);
        for prefix in &changed {
            self.index_gateways(prefix);
            self.choose_gateways(prefix);
        }
        self.book.pending.extend(changed.iter().copied());
        if self.is_area_border() && (full || !changed.is_empty()) {
            self.sync_summaries(now);
        }
    }

    /// What is connected has changed: some routes appear or vanish by that alone.
    pub(super) fn connected_changed(&mut self, area: AreaId) {
        self.pending.areas.insert(area);
        self.pending.everything = true;
        let prefixes: BTreeSet<_> = self.rib.table().map(|route| route.prefix).collect();
        self.book.pending.extend(prefixes);
    }

    /// The route of a prefix if it goes through others.
    pub(super) fn visible_route(&self, prefix: &Ipv4Net) -> Option<&Route> {
        if self.shut_down {
            return None;
        }
        let route = self.rib.route(prefix).filter(|route| !route.next_hops.is_empty())?;
        (!self.is_connected(prefix)).then_some(route)
    }

    /// Settles which gateway each next hop of a route uses now; true when that changed.
    pub(super) fn choose_gateways(&mut self, prefix: &Ipv4Net) -> bool {
        let direct = &self.direct;
        let Some(route) = self.rib.route_mut(prefix) else { return false };
        let mut changed = false;
        for hop in &mut route.next_hops {
            let (state, active) = choose(direct, hop);
            changed |= (hop.direct, hop.active) != (state, active);
            (hop.direct, hop.active) = (state, active);
        }
        changed
    }

    fn is_connected(&self, prefix: &Ipv4Net) -> bool {
        let up = self.interfaces.iter().filter(|interface| interface.up).map(|interface| &interface.config);
        up.into_iter()
            .any(|config| config.prefix.trunc() == *prefix || Ipv4Net::from(config.address) == *prefix)
    }

    fn run_spf(&mut self, now: Instant, area_id: AreaId) {
        let root = self.spf_root(now, area_id);
        let result = {
            let scope = Scope::Area(area_id);
            let living = || self.lsdb.scope(scope).filter(|(_, entry)| !entry.is_max_age());
            let routers = living().filter_map(|(key, entry)| match &entry.body {
                LsaBody::Router(lsa) => Some((key.advertising_router, lsa)),
                _ => None,
            });
            let networks = living().filter_map(|(key, entry)| match &entry.body {
                LsaBody::Network(lsa) if key.ls_type == LsaType::NETWORK.0 => Some((key.link_state_id, lsa)),
                _ => None,
            });
            run(&Graph::new(routers, networks), &root)
        };
        let mut told = Vec::new();
        if let Some(area) = self.areas.get_mut(&area_id) {
            area.spf_runs += 1;
            told = result.ambiguous.iter().filter(|one| !area.ambiguous.contains(one)).copied().collect();
            area.ambiguous.clone_from(&result.ambiguous);
        }
        for ambiguity in told {
            self.event(Event::AmbiguousGateway {
                interface: ambiguity.interface,
                address: ambiguity.address,
                routers: ambiguity.routers,
            });
        }
        self.rib.set_result(area_id, result);
    }

    /// Our interfaces of an area and the neighbours on them. Their own Router-LSA is in the database.
    fn spf_root(&self, now: Instant, area: AreaId) -> Root {
        let indices = self.areas.get(&area).map(|area| area.interfaces.as_slice()).unwrap_or_default();
        let mut interfaces = Vec::new();
        let mut neighbors = BTreeMap::new();
        for index in indices {
            let Some(interface) = self.interfaces.get(*index).filter(|interface| interface.up) else {
                continue;
            };
            let config = &interface.config;
            let position = interfaces.len();
            interfaces.push(RootInterface {
                id: config.id,
                address: config.address,
                prefix: config.prefix.trunc(),
                kind: match config.next_hop {
                    NextHopMode::Originator if config.is_active() => RootInterfaceKind::Cloud,
                    _ => RootInterfaceKind::Direct,
                },
                cost: self.stub_router.then_some(config.cost),
            });
            let full = interface.neighbors.values().filter(|neighbor| {
                neighbor.is_full() || neighbor.grace_until.is_some_and(|until| until > now)
            });
            neighbors.extend(full.map(|neighbor| ((position, neighbor.router_id), neighbor.address)));
        }
        Root { router_id: self.config.router_id, interfaces, neighbors }
    }

    fn evaluate(&mut self, now: Instant, prefixes: &BTreeSet<Ipv4Net>) -> BTreeSet<Ipv4Net> {
        let areas: BTreeMap<AreaId, AreaKind> =
            self.areas.iter().map(|(id, area)| (*id, area.kind)).collect();
        let links = self.connected_links();
        let context = Context {
            lsdb: &self.lsdb,
            router_id: self.config.router_id,
            is_area_border: self.is_area_border(),
            rfc1583_compatible: self.config.rfc1583_compatible,
            areas: &areas,
            links: &links,
        };
        self.rib.evaluate(&context, now, prefixes)
    }

    fn connected_links(&self) -> Vec<Connected> {
        let up = self.interfaces.iter().filter(|interface| interface.up).map(|interface| &interface.config);
        up.map(|config| Connected {
            interface: config.id,
            address: config.address,
            prefix: config.prefix.trunc(),
        })
        .collect()
    }

    /// Keeps the index from gateways to the prefixes that use them.
    fn index_gateways(&mut self, prefix: &Ipv4Net) {
        for gateway in self.book.gateways.remove(prefix).unwrap_or_default() {
            if let Some(prefixes) = self.book.by_gateway.get_mut(&gateway) {
                prefixes.remove(prefix);
                if prefixes.is_empty() {
                    self.book.by_gateway.remove(&gateway);
                }
            }
        }
        let Some(route) = self.rib.route(prefix) else { return };
        let all = |hop: &NextHop| -> Vec<(InterfaceId, Ipv4Addr)> {
            hop.gateway.iter().chain(&hop.fallbacks).map(|address| (hop.interface, *address)).collect()
        };
        let gateways: Vec<_> = route.next_hops.iter().flat_map(all).collect();
        for gateway in &gateways {
            self.book.by_gateway.entry(*gateway).or_default().insert(*prefix);
        }
        if !gateways.is_empty() {
            self.book.gateways.insert(*prefix, gateways);
        }
    }
}

/// The state of the direct path, and the gateway to use: the chosen one when its path is up, else the farthest
/// fallback whose path is up, else the next hop of the RFC, which is a neighbour.
fn choose(direct: &BTreeMap<(InterfaceId, Ipv4Addr), Direct>, hop: &NextHop) -> (Direct, Option<Ipv4Addr>) {
    let (Some(gateway), Some(neighbor)) = (hop.gateway, hop.fallbacks.last()) else {
        return (Direct::Up, hop.gateway);
    };
    let state_of = |address: Ipv4Addr| direct.get(&(hop.interface, address)).copied().unwrap_or_default();
    let state = state_of(gateway);
    if state == Direct::Up {
        return (state, Some(gateway));
    }
    let fallback = hop.fallbacks.iter().find(|address| state_of(**address) == Direct::Up).unwrap_or(neighbor);
    (state, Some(*fallback))
}
