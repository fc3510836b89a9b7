//! From shortest paths to routes (RFC 2328 section 16, second stage, 16.2 and 16.4).
//!
//! An index remembers which LSAs say something about which prefix. A full calculation evaluates every prefix of it;
//! a change that does not touch the topology evaluates only the prefixes that it names.

mod external;
mod sources;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Instant;

use ipnet::Ipv4Net;

use crate::config::AreaKind;
use crate::id::{AreaId, InterfaceId};
use crate::lsdb::{DbKey, Entry, Lsdb, Scope};
use crate::route::{NextHop, Route, RouteKind};
use crate::spf::{AreaResult, Hop, collect_next_hops};
use crate::wire::RouterFlags;

use sources::{Source, What, contributions};

/// What route calculation must know about the router besides the database.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    pub(crate) lsdb: &'a Lsdb,
    pub(crate) router_id: Ipv4Addr,
    pub(crate) is_area_border: bool,
    pub(crate) rfc1583_compatible: bool,
    /// The areas that interfaces belong to, with their kinds.
    pub(crate) areas: &'a BTreeMap<AreaId, AreaKind>,
    /// Interfaces that are up.
    pub(crate) links: &'a [Connected],
}

/// An interface, as far as routes go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Connected {
    pub(crate) interface: InterfaceId,
    pub(crate) address: Ipv4Addr,
    pub(crate) prefix: Ipv4Net,
}

impl Context<'_> {
    /// The areas whose summaries count: only the backbone's for an area border router (section 16.2).
    fn summary_areas(&self) -> impl Iterator<Item = AreaId> + '_ {
        self.areas.keys().copied().filter(|area| !self.is_area_border || area.is_backbone())
    }
}

/// The table, the index and the last results of SPF.
#[derive(Debug, Default)]
pub(crate) struct Rib {
    sources: BTreeMap<Ipv4Net, Vec<Source>>,
    /// Prefixes of externals with a forwarding address: they depend on routes to elsewhere.
    forwarded: BTreeSet<Ipv4Net>,
    results: BTreeMap<AreaId, AreaResult>,
    table: BTreeMap<Ipv4Net, Route>,
}

/// A route without its age.
#[derive(Clone, Debug)]
struct Candidate {
    kind: RouteKind,
    metric: u32,
    forward_metric: u32,
    area: AreaId,
    advertising_router: Ipv4Addr,
    tag: u32,
    hops: Vec<Hop>,
}

impl Candidate {
    fn new(kind: RouteKind, metric: u32, area: AreaId, advertising_router: Ipv4Addr) -> Self {
        Self { kind, metric, forward_metric: 0, area, advertising_router, tag: 0, hops: Vec::new() }
    }

    /// What decides between two candidates for one prefix; smaller is better.
    fn rank(&self) -> (RouteKind, u32, u32) {
        (self.kind, self.metric, self.forward_metric)
    }

    /// Keeps the better of two, or unites them when they are equal.
    fn merge(best: &mut Option<Self>, other: Self) {
        match best {
            Some(known) if known.rank() < other.rank() => {}
            Some(known) if known.rank() == other.rank() => {
                known.advertising_router = known.advertising_router.min(other.advertising_router);
                known.hops.extend(other.hops);
            }
            _ => *best = Some(other),
        }
    }
}

impl Rib {
    /// Notes that an LSA appeared, changed or went; gives the prefixes that must be looked at again.
    pub(crate) fn reindex(
        &mut self,
        key: DbKey,
        old: Option<&Entry>,
        new: Option<&Entry>,
    ) -> BTreeSet<Ipv4Net> {
        let before = old.map(|entry| contributions(&key, entry)).unwrap_or_default();
        let after = new.map(|entry| contributions(&key, entry)).unwrap_or_default();
        if before == after {
            return BTreeSet::new();
        }
        let mut touched = BTreeSet::new();
        for (prefix, what) in &before {
            if !after.contains(&(*prefix, *what)) {
                touched.insert(*prefix);
            }
            if let Some(sources) = self.sources.get_mut(prefix) {
                sources.retain(|source| source.key != key);
                if !sources.iter().any(|source| source.what.has_forwarding_address()) {
                    self.forwarded.remove(prefix);
                }
                if sources.is_empty() {
                    self.sources.remove(prefix);
                }
            }
        }
        let before: BTreeSet<_> = before.into_iter().collect();
        for (prefix, what) in after {
            if !before.contains(&(prefix, what)) {
                touched.insert(prefix);
            }
            if what.has_forwarding_address() {
                self.forwarded.insert(prefix);
            }
            self.sources.entry(prefix).or_default().push(Source { key, what });
        }
        touched
    }

    /// Takes the outcome of SPF for an area.
    pub(crate) fn set_result(&mut self, area: AreaId, result: AreaResult) {
        self.results.insert(area, result);
    }

    /// Forgets an area that no interface belongs to any more.
    pub(crate) fn forget_area(&mut self, area: AreaId) {
        self.results.remove(&area);
    }

    pub(crate) fn result(&self, area: AreaId) -> Option<&AreaResult> {
        self.results.get(&area)
    }

    /// Everything that a full calculation must evaluate.
    pub(crate) fn all_prefixes(&self) -> BTreeSet<Ipv4Net> {
        self.sources.keys().chain(self.table.keys()).copied().collect()
    }

    /// The prefixes that externals speak of.
    pub(crate) fn external_prefixes(&self) -> BTreeSet<Ipv4Net> {
        let external = |sources: &Vec<Source>| sources.iter().any(|source| source.what.is_external());
        self.sources.iter().filter(|(_, sources)| external(sources)).map(|(prefix, _)| *prefix).collect()
    }

    /// Evaluates prefixes and returns those whose entry changed.
    pub(crate) fn evaluate(
        &mut self,
        context: &Context<'_>,
        now: Instant,
        prefixes: &BTreeSet<Ipv4Net>,
    ) -> BTreeSet<Ipv4Net> {
        let mut changed = BTreeSet::new();
        let mut internal_changed = false;
        let mut external = Vec::new();
        for prefix in prefixes {
            let best = self.internal(context, prefix);
            let was_internal = self.internal_route(prefix).is_some();
            if best.is_none() && self.has_external(prefix) {
                // Forwarding addresses need the finished internal routes; an internal entry that ends goes first.
                if was_internal {
                    self.table.remove(prefix);
                    changed.insert(*prefix);
                    internal_changed = true;
                }
                external.push(*prefix);
            } else if self.store(now, *prefix, best) {
                changed.insert(*prefix);
                internal_changed = true;
            }
        }
        if internal_changed {
            external.extend(&self.forwarded);
            external.sort_unstable();
            external.dedup();
        }
        for prefix in external {
            if self.internal_route(&prefix).is_none() {
                let best = self.external(context, &prefix);
                if self.store(now, prefix, best) {
                    changed.insert(prefix);
                }
            }
        }
        changed
    }

    pub(crate) fn route(&self, prefix: &Ipv4Net) -> Option<&Route> {
        self.table.get(prefix)
    }

    pub(crate) fn route_mut(&mut self, prefix: &Ipv4Net) -> Option<&mut Route> {
        self.table.get_mut(prefix)
    }

    pub(crate) fn table(&self) -> impl Iterator<Item = &Route> {
        self.table.values()
    }

    /// The AS boundary routers that an area's topology reaches, with their cost.
    pub(crate) fn reachable_boundary_routers(
        &self,
        area: AreaId,
    ) -> impl Iterator<Item = (Ipv4Addr, u32)> + '_ {
        self.results.get(&area).into_iter().flat_map(|result| {
            result
                .routers()
                .filter(|(_, reached)| reached.flags.contains(RouterFlags::E))
                .map(|(id, reached)| (*id, reached.cost))
        })
    }

    fn internal_route(&self, prefix: &Ipv4Net) -> Option<&Route> {
        self.table.get(prefix).filter(|route| route.kind <= RouteKind::InterArea)
    }

    fn has_external(&self, prefix: &Ipv4Net) -> bool {
        self.sources.get(prefix).is_some_and(|sources| sources.iter().any(|source| source.what.is_external()))
    }

    fn internal(&self, context: &Context<'_>, prefix: &Ipv4Net) -> Option<Candidate> {
        let mut best = None;
        for source in self.sources.get(prefix)? {
            if let Some(candidate) = self.internal_candidate(context, source) {
                Candidate::merge(&mut best, candidate);
            }
        }
        best
    }

    fn internal_candidate(&self, context: &Context<'_>, source: &Source) -> Option<Candidate> {
        let Scope::Area(area) = source.key.scope else { return None };
        let result = self.results.get(&area)?;
        let issuer = source.key.key.advertising_router;
        let (kind, reached, metric) = match source.what {
            What::Stub { metric } => (RouteKind::IntraArea, result.router(issuer)?, u32::from(metric)),
            What::Network => (RouteKind::IntraArea, result.network(source.key.key.link_state_id)?, 0),
            What::Summary { metric } => {
                let counts = !context.is_area_border || area.is_backbone();
                let reached = result.router(issuer)?;
                // Section 16.2 (2) to (4): not ours, and its issuer is a reachable area border router.
                if !counts || issuer == context.router_id || !reached.flags.contains(RouterFlags::B) {
                    return None;
                }
                (RouteKind::InterArea, reached, metric)
            }
            What::External { .. } => return None,
        };
        let mut candidate = Candidate::new(kind, reached.cost.saturating_add(metric), area, issuer);
        candidate.hops = result.hops(reached).collect();
        Some(candidate)
    }

    /// Puts an entry into the table; true when it differs from the one before.
    fn store(&mut self, now: Instant, prefix: Ipv4Net, best: Option<Candidate>) -> bool {
        let Some(best) = best else { return self.table.remove(&prefix).is_some() };
        let route = Route {
            prefix,
            metric: best.metric,
            forward_metric: best.forward_metric,
            kind: best.kind,
            area: best.area,
            advertising_router: best.advertising_router,
            tag: best.tag,
            next_hops: collect_next_hops(best.hops),
            since: now,
        };
        if let Some(known) = self.table.get(&prefix)
            && same_route(known, &route)
        {
            return false;
        }
        self.table.insert(prefix, route);
        true
    }
}

/// Whether two routes differ in nothing but age and the state of direct paths.
fn same_route(a: &Route, b: &Route) -> bool {
    let facts = |route: &Route| {
        (route.kind, route.metric, route.forward_metric, route.area, route.advertising_router, route.tag)
    };
    let way = |hop: &NextHop| (hop.interface, hop.gateway);
    facts(a) == facts(b)
        && a.next_hops.len() == b.next_hops.len()
        && a.next_hops.iter().zip(&b.next_hops).all(|(a, b)| way(a) == way(b) && a.fallbacks == b.fallbacks)
}
