//! `show ip route`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use ::nhrp::{AdjacencyKind, CacheView};
use ipnet::{IpNet, Ipv4Net};
use ospf_p2mp::RouteKind as OspfKind;

use super::{ago, nhrp};
use crate::config::StaticRoute;
use crate::engine::{Engine, Tunnel};
use crate::forward::Hop;
use crate::ids::TunnelId;
use crate::rib::{RibRoute, RouteSource, Target};
use crate::views::{
    DirectPath, Fallback, PathState, Route, RouteKind, RouteLookup, RoutePath, RouteTable, RouteType,
};

/// How far NHRP is with the next hops of each tunnel.
type PathStates = Vec<BTreeMap<IpAddr, PathState>>;

impl Engine {
    /// The routes in force.
    #[must_use]
    pub fn routes(&self, now: Instant) -> RouteTable {
        let states = self.path_states();
        let routes =
            self.rib.iter().map(|(prefix, route, over)| self.shown(now, &states, prefix, route, over));
        RouteTable { routes: routes.collect() }
    }

    /// The most specific route for an address.
    #[must_use]
    pub fn route(&self, now: Instant, address: Ipv4Addr) -> RouteLookup {
        let prefix = self.rib.lookup(address).map(|(prefix, _)| prefix);
        prefix.map_or_else(RouteLookup::default, |prefix| self.route_to(now, prefix))
    }

    /// The route for exactly this prefix.
    #[must_use]
    pub fn route_to(&self, now: Instant, prefix: Ipv4Net) -> RouteLookup {
        let prefix = prefix.trunc();
        let best = self.rib.best(prefix);
        RouteLookup {
            route: best.map(|(route, over)| self.shown(now, &self.path_states(), prefix, route, over)),
        }
    }

    /// A route with its paths. Where NHRP overrides the next hop of another route, that other route is shown, and NHRP's
    /// gateway as one more path of it.
    fn shown(
        &self,
        now: Instant,
        states: &PathStates,
        prefix: Ipv4Net,
        route: &RibRoute,
        over: bool,
    ) -> Route {
        let overridden = over.then(|| self.rib.lookup_without(prefix.network(), is_nhrp));
        let overridden = overridden.flatten().filter(|(found, _)| *found == prefix).map(|(_, other)| other);
        let shown = overridden.unwrap_or(route);
        let mut view = Route::new(IpNet::V4(prefix), kind(shown));
        view.distance = shown.distance;
        view.metric = shown.metric;
        if view.kind.is_ospf() {
            view.process = self.config.ospf.as_ref().map(|ospf| u32::from(ospf.process));
        }
        // The guide's output does not name the type of a route within the area.
        view.route_type = match view.kind {
            RouteKind::OspfInterArea => Some(RouteType::InterArea),
            RouteKind::OspfExternal1 => Some(RouteType::External1),
            RouteKind::OspfExternal2 => Some(RouteType::External2),
            _ => None,
        };
        view.paths = self.paths_of(now, states, prefix, shown);
        if overridden.is_some() {
            let mut nhrp = self.paths_of(now, states, prefix, route);
            nhrp.iter_mut().for_each(|path| path.next_hop_override = true);
            view.paths.extend(nhrp);
        }
        view
    }

    fn paths_of(
        &self,
        now: Instant,
        states: &PathStates,
        prefix: Ipv4Net,
        route: &RibRoute,
    ) -> Vec<RoutePath> {
        let name =
            |interface: usize| self.config.interfaces.get(interface).map(|interface| interface.name.clone());
        let configured = || self.configured(prefix, route);
        let path = |gateway: Option<Ipv4Addr>, interface: Option<String>| RoutePath {
            gateway: gateway.map(IpAddr::V4),
            from: route.ospf.as_ref().map(|part| IpAddr::V4(part.advertising_router)),
            interface,
            age: ago(now, route.since),
            next_hop_override: false,
            direct: None,
        };
        match &route.target {
            Target::Own { interface } => vec![path(None, name(*interface))],
            Target::Lan { gateway, .. } if route.source == RouteSource::Static => {
                // As in IOS, with the interface only if it is configured.
                vec![path(*gateway, configured().and_then(|configured| configured.interface.clone()))]
            }
            Target::Lan { interface, gateway } => vec![path(*gateway, interface.and_then(name))],
            Target::OnLink(tunnel) => vec![path(None, self.tunnel_name(*tunnel))],
            Target::Via(hops) => {
                let hop = |hop: &Hop| RoutePath {
                    direct: self.direct_path(states, hop),
                    ..path(Some(hop.gateway), self.tunnel_name(hop.tunnel))
                };
                hops.iter().map(hop).collect()
            }
        }
    }

    /// The line that a static route comes from.
    fn configured(&self, prefix: Ipv4Net, route: &RibRoute) -> Option<&StaticRoute> {
        self.config.static_routes.iter().find(|configured| {
            configured.prefix.trunc() == prefix
                && match &route.target {
                    Target::Lan { gateway, .. } => configured.next_hop == *gateway,
                    _ => true,
                }
        })
    }

    fn tunnel_name(&self, tunnel: TunnelId) -> Option<String> {
        self.tunnels.get(tunnel.index()).map(|tunnel| tunnel.name.clone())
    }

    /// The state of the path straight to a gateway, and what carries the packets meanwhile: the gateways that the route
    /// has for that, then the best server that answers; those that can be reached before those that cannot. `None` where
    /// the gateway is a server or a client of ours, to which there is only the direct path.
    fn direct_path(&self, states: &PathStates, hop: &Hop) -> Option<DirectPath> {
        let tunnel = self.tunnels.get(hop.tunnel.index())?;
        let gateway = IpAddr::V4(hop.gateway);
        if hop.fallbacks.is_empty() && is_hub_or_client(tunnel, gateway) {
            return None;
        }
        let is_up = |address: Ipv4Addr| self.plane.path_to(hop.tunnel, address).is_some();
        let state = if is_up(hop.gateway) {
            PathState::Proven
        } else {
            let known = states.get(hop.tunnel.index()).and_then(|states| states.get(&gateway));
            // NHRP may be ready a moment before the forwarding plane is told.
            known.copied().filter(|state| *state != PathState::Proven).unwrap_or(PathState::Idle)
        };
        let mut gateways = hop.fallbacks.clone();
        gateways.extend(tunnel.fallback.filter(|last| *last != hop.gateway && !hop.fallbacks.contains(last)));
        gateways.sort_by_key(|gateway| !is_up(*gateway));
        let fallback =
            |gateway: Ipv4Addr| Fallback { gateway: IpAddr::V4(gateway), interface: tunnel.name.clone() };
        Some(DirectPath { state, fallbacks: gateways.into_iter().map(fallback).collect() })
    }

    fn path_states(&self) -> PathStates {
        let of_tunnel = |tunnel: &Tunnel| {
            // A prefix of somebody behind the next hop says nothing about the next hop.
            let is_host = |cached: &CacheView| cached.prefix == IpNet::from(cached.next_hop);
            let hosts = tunnel.node.cache().filter(is_host);
            hosts.map(|cached| (cached.next_hop, nhrp::path_state(tunnel, &cached))).collect()
        };
        self.tunnels.iter().map(of_tunnel).collect()
    }
}

fn is_nhrp(route: &RibRoute) -> bool {
    route.source == RouteSource::Nhrp
}

fn is_hub_or_client(tunnel: &Tunnel, gateway: IpAddr) -> bool {
    match nhrp::adjacency_kind(tunnel, gateway) {
        Some(AdjacencyKind::Registered | AdjacencyKind::Static | AdjacencyKind::Nhs) => true,
        Some(_) => false,
        None => tunnel.node.nhs().any(|server| server.tunnel_address == Some(gateway)),
    }
}

fn kind(route: &RibRoute) -> RouteKind {
    match (route.source, &route.ospf) {
        (RouteSource::Local, _) => RouteKind::Local,
        (RouteSource::Connected, _) => RouteKind::Connected,
        (RouteSource::Nhrp, _) => RouteKind::Nhrp,
        (RouteSource::Static, _) => RouteKind::Static,
        (RouteSource::Ospf, part) => match part.as_ref().map(|part| part.kind) {
            Some(OspfKind::InterArea) => RouteKind::OspfInterArea,
            Some(OspfKind::External1) => RouteKind::OspfExternal1,
            Some(OspfKind::External2) => RouteKind::OspfExternal2,
            _ => RouteKind::Ospf,
        },
    }
}
