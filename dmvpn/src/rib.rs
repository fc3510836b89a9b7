//! The routing table: what every source of routes offers, and which offer wins.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::time::Instant;

use ipnet::Ipv4Net;

use crate::forward::{Hop, Route};

/// Where a route comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RouteSource {
    /// One of our own addresses.
    Local,
    /// The network of one of our interfaces.
    Connected,
    /// An NHRP shortcut (phase 3). Where another source has exactly the same prefix, it overrides that route's next hop,
    /// as IOS does; that is why it stands here and not at its distance.
    Nhrp,
    /// `ip route`.
    Static,
    /// OSPF.
    Ospf,
}

impl RouteSource {
    /// The administrative distance of IOS.
    #[must_use]
    pub const fn distance(self) -> u8 {
        match self {
            Self::Local | Self::Connected => 0,
            Self::Static => 1,
            Self::Ospf => 110,
            Self::Nhrp => 250,
        }
    }
}

/// A route that one source offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RibRoute {
    pub(crate) source: RouteSource,
    /// The administrative distance in force: the source's own, or a static route's.
    pub(crate) distance: u8,
    pub(crate) metric: u32,
    pub(crate) target: Target,
    pub(crate) since: Instant,
    /// What OSPF says of it.
    pub(crate) ospf: Option<OspfPart>,
}

/// What only OSPF routes have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OspfPart {
    pub(crate) kind: ospf_p2mp::RouteKind,
    pub(crate) area: Ipv4Addr,
    pub(crate) advertising_router: Ipv4Addr,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// An address of an interface of ours, by its index in the configuration.
    Own { interface: usize },
    /// An interface that is not a tunnel, perhaps by way of a gateway there.
    Lan { interface: Option<usize>, gateway: Option<Ipv4Addr> },
    /// A tunnel's own network.
    OnLink(crate::TunnelId),
    /// Next hops on tunnels.
    Via(Vec<Hop>),
}

impl RibRoute {
    pub(crate) fn forwarding(&self) -> Route {
        match &self.target {
            Target::Own { .. } => Route::Local,
            Target::Lan { .. } => Route::Lan,
            Target::OnLink(tunnel) => Route::OnLink(*tunnel),
            Target::Via(hops) => Route::Via(hops.clone()),
        }
    }
}

/// All routes of one router.
#[derive(Debug, Default)]
pub(crate) struct Rib {
    /// The offers for each prefix, best first.
    offers: BTreeMap<Ipv4Net, Vec<RibRoute>>,
    /// Prefixes whose best offer may have changed since the forwarding plane was told.
    changed: BTreeSet<Ipv4Net>,
}

impl Rib {
    /// Adds a source's offer for a prefix, or replaces its former one.
    pub(crate) fn offer(&mut self, prefix: Ipv4Net, route: RibRoute) {
        let offers = self.offers.entry(prefix).or_default();
        offers.retain(|offer| offer.source != route.source);
        let at = offers.partition_point(|offer| rank(offer) <= rank(&route));
        offers.insert(at, route);
        self.changed.insert(prefix);
    }

    /// Takes a source's offer back.
    pub(crate) fn withdraw(&mut self, prefix: Ipv4Net, source: RouteSource) {
        let Some(offers) = self.offers.get_mut(&prefix) else { return };
        offers.retain(|offer| offer.source != source);
        if offers.is_empty() {
            self.offers.remove(&prefix);
        }
        self.changed.insert(prefix);
    }

    /// The route in force for exactly this prefix, and whether it overrides another one's next hop.
    pub(crate) fn best(&self, prefix: Ipv4Net) -> Option<(&RibRoute, bool)> {
        let offers = self.offers.get(&prefix)?;
        let best = offers.first()?;
        Some((best, best.source == RouteSource::Nhrp && offers.len() > 1))
    }

    /// The route in force for an address: the most specific one.
    pub(crate) fn lookup(&self, address: Ipv4Addr) -> Option<(Ipv4Net, &RibRoute)> {
        self.lookup_without(address, |_| false)
    }

    /// The most specific route for an address, passing over routes that `unwanted` names.
    pub(crate) fn lookup_without(
        &self,
        address: Ipv4Addr,
        unwanted: impl Fn(&RibRoute) -> bool,
    ) -> Option<(Ipv4Net, &RibRoute)> {
        (0..=32).rev().find_map(|length| {
            let prefix = Ipv4Net::new(address, length).ok()?.trunc();
            let route = self.offers.get(&prefix)?.iter().find(|offer| !unwanted(offer))?;
            Some((prefix, route))
        })
    }

    /// Everything that these sources offer, best or not.
    pub(crate) fn offers(
        &self,
        wanted: impl Fn(RouteSource) -> bool,
    ) -> impl Iterator<Item = (Ipv4Net, &RibRoute)> {
        let all = self.offers.iter().flat_map(|(prefix, offers)| offers.iter().map(|offer| (*prefix, offer)));
        all.filter(move |(_, offer)| wanted(offer.source))
    }

    /// The routes in force, by prefix.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Ipv4Net, &RibRoute, bool)> {
        self.offers.keys().filter_map(|prefix| self.best(*prefix).map(|(route, over)| (*prefix, route, over)))
    }

    /// The next prefix whose route may have changed.
    pub(crate) fn take_changed(&mut self) -> Option<Ipv4Net> {
        self.changed.pop_first()
    }
}

/// What orders offers for one prefix.
fn rank(route: &RibRoute) -> (u8, u8) {
    match route.source {
        RouteSource::Local => (0, 0),
        RouteSource::Connected => (1, 0),
        RouteSource::Nhrp => (2, 0),
        RouteSource::Static | RouteSource::Ospf => (3, route.distance),
    }
}
