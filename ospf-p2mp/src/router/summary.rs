//! Summary-LSAs of an area border router and our AS-external-LSAs (RFC 2328 sections 12.4.3, 12.4.4, appendix E).

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Instant;

use bytes::Bytes;
use ipnet::Ipv4Net;

use super::Router;
use crate::config::AreaKind;
use crate::id::AreaId;
use crate::lsdb::{DbKey, Scope};
use crate::route::RouteKind;
use crate::wire::{ExternalLsa, LS_INFINITY, LsaBody, LsaKey, LsaType, Options, SummaryLsa};

type Wanted = BTreeMap<DbKey, (Options, Bytes)>;

impl Router {
    /// Makes our type 3 and 4 LSAs say what the table says.
    pub(super) fn sync_summaries(&mut self, now: Instant) {
        let mut wanted = Wanted::new();
        let areas: Vec<(AreaId, AreaKind)> = self.areas.iter().map(|(id, area)| (*id, area.kind)).collect();
        for (area, kind) in areas {
            self.prefix_summaries(area, kind, &mut wanted);
            if kind == AreaKind::Normal {
                self.boundary_summaries(area, &mut wanted);
            }
        }
        self.sync_own(now, &[LsaType::SUMMARY, LsaType::ASBR_SUMMARY], wanted);
    }

    /// Makes our type 5 LSAs say what is redistributed. The E bit of the Router-LSAs follows.
    pub(super) fn sync_externals(&mut self, now: Instant) {
        let prefixes: BTreeSet<_> = self.redistributed.keys().copied().collect();
        let ids = link_state_ids(&prefixes);
        let mut wanted = Wanted::new();
        for route in self.redistributed.values() {
            let prefix = route.prefix.trunc();
            let Some(id) = ids.get(&prefix) else { continue };
            let of_stub_router = self.config.stub_router_externals.filter(|_| self.stub_router);
            let body = LsaBody::AsExternal(ExternalLsa {
                mask: prefix.netmask(),
                metric_type: route.metric_type,
                reserved: 0,
                metric: of_stub_router.unwrap_or(route.metric).min(LS_INFINITY - 1),
                forwarding: route.forwarding,
                tag: route.tag,
                tos: Bytes::new(),
            });
            let key = self.own_key(Scope::As, LsaType::AS_EXTERNAL, *id);
            wanted.insert(key, (Options::E, body.encode()));
        }
        self.sync_own(now, &[LsaType::AS_EXTERNAL], wanted);
        self.schedule_all_router_lsas(now);
    }

    fn sync_own(&mut self, now: Instant, types: &[LsaType], mut wanted: Wanted) {
        let of_type = |key: &&DbKey| types.contains(&LsaType(key.key.ls_type));
        let known: Vec<_> = self.own.keys().filter(of_type).copied().collect();
        for key in known {
            let desired = wanted.remove(&key);
            self.set_own(now, key, desired);
        }
        for (key, desired) in wanted {
            self.set_own(now, key, Some(desired));
        }
    }

    /// Section 12.4.3: intra-area routes of other areas into every area, inter-area ones only away from the
    /// backbone, a default route into stub areas.
    fn prefix_summaries(&self, area: AreaId, kind: AreaKind, wanted: &mut Wanted) {
        let no_summary = matches!(kind, AreaKind::Stub { no_summary: true, .. });
        let mut metrics: BTreeMap<Ipv4Net, u32> = BTreeMap::new();
        if !no_summary {
            for route in self.rib.table() {
                let from_elsewhere = match route.kind {
                    RouteKind::IntraArea => route.area != area,
                    RouteKind::InterArea => route.area != area && !area.is_backbone(),
                    _ => false,
                };
                if from_elsewhere && route.metric < LS_INFINITY {
                    metrics.insert(route.prefix, route.metric);
                }
            }
        }
        if let AreaKind::Stub { default_cost, .. } = kind {
            metrics.insert(Ipv4Net::default(), default_cost);
        }
        let ids = link_state_ids(&metrics.keys().copied().collect());
        for (prefix, metric) in metrics {
            let Some(id) = ids.get(&prefix) else { continue };
            let key = self.own_key(Scope::Area(area), LsaType::SUMMARY, *id);
            let body = LsaBody::Summary(SummaryLsa::new(prefix.netmask(), metric));
            wanted.insert(key, (self.lsa_options(area), body.encode()));
        }
    }

    /// AS boundary routers of other areas.
    fn boundary_summaries(&self, area: AreaId, wanted: &mut Wanted) {
        let mut best: BTreeMap<Ipv4Addr, u32> = BTreeMap::new();
        let mut note = |router: Ipv4Addr, cost: u32| {
            let known = best.entry(router).or_insert(cost);
            *known = (*known).min(cost);
        };
        for other in self.areas.keys().filter(|other| **other != area) {
            for (router, cost) in self.rib.reachable_boundary_routers(*other) {
                note(router, cost);
            }
        }
        if !area.is_backbone() {
            let backbone = self.lsdb.scope(Scope::Area(AreaId::BACKBONE));
            for (key, entry) in backbone.filter(|(_, entry)| !entry.is_max_age()) {
                let LsaBody::AsbrSummary(summary) = &entry.body else { continue };
                let border = self
                    .rib
                    .result(AreaId::BACKBONE)
                    .and_then(|result| result.router(key.advertising_router));
                let Some(border) = border else { continue };
                if key.advertising_router != self.config.router_id && summary.metric < LS_INFINITY {
                    note(key.link_state_id, border.cost.saturating_add(summary.metric));
                }
            }
        }
        // A router that is in this area itself needs no summary there.
        let local: BTreeSet<_> =
            self.rib.reachable_boundary_routers(area).map(|(router, _)| router).collect();
        for (router, cost) in best {
            if router == self.config.router_id || local.contains(&router) || cost >= LS_INFINITY {
                continue;
            }
            let key = self.own_key(Scope::Area(area), LsaType::ASBR_SUMMARY, router);
            let body = LsaBody::AsbrSummary(SummaryLsa::new(Ipv4Addr::UNSPECIFIED, cost));
            wanted.insert(key, (self.lsa_options(area), body.encode()));
        }
    }

    fn own_key(&self, scope: Scope, ls_type: LsaType, id: Ipv4Addr) -> DbKey {
        DbKey::new(scope, LsaKey::new(ls_type.0, id, self.config.router_id))
    }
}

/// Appendix E: prefixes that differ in length only need different link state ids. The shortest keeps the plain
/// address; a longer one sets its host bits. One that still collides is left out, which takes a /32 inside of a
/// prefix that ends with it.
fn link_state_ids(prefixes: &BTreeSet<Ipv4Net>) -> BTreeMap<Ipv4Net, Ipv4Addr> {
    let mut used = BTreeSet::new();
    let mut ids = BTreeMap::new();
    for prefix in prefixes {
        let id = [prefix.network(), prefix.broadcast()].into_iter().find(|id| used.insert(*id));
        if let Some(id) = id {
            ids.insert(*prefix, id);
        }
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_one_address_get_different_ids() {
        let prefixes = ["10.0.0.0/8", "10.0.0.0/16", "10.0.0.0/24", "10.1.0.0/16"];
        let prefixes: BTreeSet<Ipv4Net> =
            prefixes.iter().map(|text| text.parse().expect("a prefix")).collect();
        let ids = link_state_ids(&prefixes);
        let texts: Vec<_> = ids.iter().map(|(prefix, id)| format!("{prefix} {id}")).collect();
        assert_eq!(
            texts,
            [
                "10.0.0.0/8 10.0.0.0",
                "10.0.0.0/16 10.0.255.255",
                "10.0.0.0/24 10.0.0.255",
                "10.1.0.0/16 10.1.0.0"
            ]
        );
    }
}
