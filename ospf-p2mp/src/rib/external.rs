//! AS-external routes (RFC 2328 section 16.4).

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use super::{Candidate, Context, Rib, Source, What};
use crate::config::AreaKind;
use crate::id::AreaId;
use crate::lsdb::Scope;
use crate::route::{NextHop, Route, RouteKind};
use crate::spf::Hop;
use crate::wire::{LS_INFINITY, LsaBody, LsaType, MetricType, RouterFlags};

/// The way to an AS boundary router or a forwarding address.
struct Way {
    /// Section 16.4.1: smaller is preferred whatever the cost.
    preference: u8,
    cost: u32,
    area: AreaId,
    hops: Vec<Hop>,
}

impl Rib {
    pub(super) fn external(&self, context: &Context<'_>, prefix: &Ipv4Net) -> Option<Candidate> {
        let mut best: Option<(u8, Candidate)> = None;
        for source in self.sources.get(prefix)? {
            let Some((preference, candidate)) = self.external_candidate(context, source) else { continue };
            // Section 16.4 (6): external type and metric, then the preference of the way, then its cost.
            let rank = |preference: u8, candidate: &Candidate| match candidate.kind {
                RouteKind::External2 => {
                    (candidate.kind, candidate.metric, preference, candidate.forward_metric)
                }
                _ => (candidate.kind, 0, preference, candidate.metric),
            };
            match &mut best {
                Some((known_preference, known)) => {
                    let (ours, other) = (rank(*known_preference, known), rank(preference, &candidate));
                    if other < ours {
                        best = Some((preference, candidate));
                    } else if other == ours {
                        known.advertising_router = known.advertising_router.min(candidate.advertising_router);
                        known.hops.extend(candidate.hops);
                    }
                }
                None => best = Some((preference, candidate)),
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    fn external_candidate(&self, context: &Context<'_>, source: &Source) -> Option<(u8, Candidate)> {
        let What::External { metric_type, metric, forwarding, tag } = source.what else { return None };
        let issuer = source.key.key.advertising_router;
        if source.key.scope != Scope::As || issuer == context.router_id {
            return None;
        }
        let to_issuer = self.way_to_boundary_router(context, issuer)?;
        let way = if forwarding.is_unspecified() {
            to_issuer
        } else {
            let mut way = self.way_to_address(context, forwarding)?;
            way.preference = to_issuer.preference;
            way
        };
        let (kind, metric, forward_metric) = match metric_type {
            MetricType::Type1 => (RouteKind::External1, way.cost.saturating_add(metric), 0),
            MetricType::Type2 => (RouteKind::External2, metric, way.cost),
        };
        let mut candidate = Candidate::new(kind, metric, AreaId::BACKBONE, issuer);
        candidate.forward_metric = forward_metric;
        candidate.tag = tag;
        candidate.area = way.area;
        candidate.hops = way.hops;
        Some((way.preference, candidate))
    }

    /// Section 16.4 (3): the routing table's entry for an AS boundary router.
    fn way_to_boundary_router(&self, context: &Context<'_>, router: Ipv4Addr) -> Option<Way> {
        let mut best: Option<Way> = None;
        let mut consider = |way: Way| match &mut best {
            Some(known) if (known.preference, known.cost) < (way.preference, way.cost) => {}
            Some(known) if (known.preference, known.cost) == (way.preference, way.cost) => {
                // Section 16.4.1: of equal ways the one through the larger area id.
                if way.area > known.area {
                    *known = way;
                } else if way.area == known.area {
                    known.hops.extend(way.hops);
                }
            }
            _ => best = Some(way),
        };
        for (area, kind) in context.areas {
            let Some(result) = self.results.get(area) else { continue };
            if *kind != AreaKind::Normal {
                continue;
            }
            if let Some(reached) =
                result.router(router).filter(|reached| reached.flags.contains(RouterFlags::E))
            {
                // Without RFC 1583 compatibility, ways within a non-backbone area come first.
                let preference = u8::from(!context.rfc1583_compatible && area.is_backbone());
                let hops = result.hops(reached).collect();
                consider(Way { preference, cost: reached.cost, area: *area, hops });
            }
        }
        for area in context.summary_areas() {
            let Some(result) = self.results.get(&area) else { continue };
            for (key, entry) in context.lsdb.same_id(Scope::Area(area), LsaType::ASBR_SUMMARY, router) {
                let LsaBody::AsbrSummary(summary) = &entry.body else { continue };
                let border = key.advertising_router;
                if summary.metric >= LS_INFINITY || entry.is_max_age() || border == context.router_id {
                    continue;
                }
                let Some(reached) =
                    result.router(border).filter(|reached| reached.flags.contains(RouterFlags::B))
                else {
                    continue;
                };
                let preference = if context.rfc1583_compatible { 2 } else { 1 };
                let cost = reached.cost.saturating_add(summary.metric);
                consider(Way { preference, cost, area, hops: result.hops(reached).collect() });
            }
        }
        best
    }

    /// The way to a forwarding address: by an internal route, never by an external one.
    fn way_to_address(&self, context: &Context<'_>, address: Ipv4Addr) -> Option<Way> {
        if context.links.iter().any(|link| link.address == address) {
            return None;
        }
        let route = self.longest_internal_match(address)?;
        let hops = if route.next_hops.is_empty() {
            // The address is on a network of ours: it is the gateway itself.
            let link = context.links.iter().find(|link| link.prefix.contains(&address))?;
            vec![Hop { interface: link.interface, chain: vec![address] }]
        } else {
            route.next_hops.iter().flat_map(|hop| spell_out(hop, address)).collect()
        };
        Some(Way { preference: 0, cost: route.metric, area: route.area, hops })
    }

    fn longest_internal_match(&self, address: Ipv4Addr) -> Option<&Route> {
        (0..=32).rev().find_map(|length| {
            let prefix = Ipv4Net::new(address, length).ok()?.trunc();
            self.internal_route(&prefix)
        })
    }
}

/// The chains behind a next hop that was united from several.
fn spell_out(hop: &NextHop, address: Ipv4Addr) -> Vec<Hop> {
    let Some(gateway) = hop.gateway else {
        return vec![Hop { interface: hop.interface, chain: vec![address] }];
    };
    let mut chain: Vec<_> = hop.fallbacks.iter().rev().copied().collect();
    chain.push(gateway);
    vec![Hop { interface: hop.interface, chain }]
}
