//! `show ip ospf`, `show ip ospf neighbor`, `show ip ospf interface`, `show ip ospf database`.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::Instant;

use ospf_p2mp::wire::{ExternalLsa, LinkKind, LsaBody as WireBody, MetricType, RouterFlags, RouterLsa};
use ospf_p2mp::{
    AreaId, AreaKind, AreaView, InterfaceView, LsaView, NeighborState, NeighborView, RouterView,
};

use super::drops::ospf_words;
use super::{ago, count, until};
use crate::config::{self, RouteSource};
use crate::engine::{Engine, Ospf};
use crate::views::{
    Lsa, LsaBody, LsaHeader, LsaKind, OspfArea, OspfAreaKind, OspfAuthentication, OspfDatabase,
    OspfDatabaseArea, OspfInterface, OspfInterfaces, OspfLink, OspfLinkKind, OspfNeighbor, OspfNeighborState,
    OspfNeighbors, OspfNetworkType, OspfProcess, OspfThrottle,
};

impl Engine {
    /// The OSPF process; `None` where OSPF does not run.
    ///
    /// The router tells when SPF ran last for any area: every area in which it ever ran shows that.
    #[must_use]
    pub fn ospf_process(&self, now: Instant) -> Option<OspfProcess> {
        let ospf = self.ospf.as_ref()?;
        let running = ospf.router.config();
        let configured = self.config.ospf.as_ref();
        let mut view = OspfProcess::new(running.process, running.router_id);
        view.elapsed = ago(now, self.started);
        let lsas: Vec<LsaView> = ospf.router.database().collect();
        let (external, inside): (Vec<&LsaView>, Vec<&LsaView>) =
            lsas.iter().partition(|lsa| lsa.area.is_none());
        let summary = ospf.router.summary();
        view.areas = summary.areas.iter().map(|area| self.area(now, ospf, &summary, area, &inside)).collect();
        view.area_border = summary.is_area_border;
        view.as_boundary = summary.is_as_boundary;
        view.max_metric = summary.is_stub_router;
        if let Some(configured) = configured {
            view.redistributes = configured.redistribute.iter().map(redistributed).collect();
            view.prefix_suppression = configured.prefix_suppression;
            view.reference_bandwidth = configured.reference_bandwidth;
        }
        view.spf_throttle = throttle(running.timers.spf);
        view.lsa_throttle = throttle(running.timers.lsa);
        view.lsa_arrival = running.timers.min_ls_arrival;
        view.adjacency_limit = count(running.limits.concurrent_exchanges);
        let external: Vec<&LsaView> =
            external.into_iter().filter(|lsa| matches!(lsa.body, WireBody::AsExternal(_))).collect();
        view.external_lsas = count(external.len());
        view.external_checksum = checksum(&external);
        view.restart_helper = running.graceful_restart_helper;
        Some(view)
    }

    /// The OSPF neighbours. One of which nothing was ever heard is listed only while it is called.
    #[must_use]
    pub fn ospf_neighbors(&self, now: Instant) -> OspfNeighbors {
        let Some(ospf) = &self.ospf else { return OspfNeighbors::default() };
        let silent = |neighbor: &NeighborView| {
            neighbor.state == NeighborState::Down && neighbor.router_id.is_unspecified()
        };
        let neighbors = ospf.router.neighbors().filter(|view| !silent(view));
        OspfNeighbors { neighbors: neighbors.map(|view| neighbor(now, ospf, &view)).collect(), detail: false }
    }

    /// The interfaces that run OSPF, passive ones included.
    #[must_use]
    pub fn ospf_interfaces(&self, now: Instant) -> OspfInterfaces {
        let Some(ospf) = &self.ospf else { return OspfInterfaces::default() };
        let mut adjacent: BTreeMap<ospf_p2mp::InterfaceId, Vec<Ipv4Addr>> = BTreeMap::new();
        for neighbor in ospf.router.neighbors().filter(|neighbor| neighbor.state == NeighborState::Full) {
            adjacent.entry(neighbor.interface).or_default().push(neighbor.router_id);
        }
        let interfaces = ospf.router.interfaces().map(|view| {
            let adjacent = adjacent.remove(&view.id).unwrap_or_default();
            self.ospf_interface(now, ospf, &view, adjacent)
        });
        OspfInterfaces { interfaces: interfaces.collect(), brief: false }
    }

    /// The link state database; `None` where OSPF does not run.
    #[must_use]
    pub fn ospf_database(&self) -> Option<OspfDatabase> {
        let ospf = self.ospf.as_ref()?;
        let running = ospf.router.config();
        let mut view = OspfDatabase::new(running.process, running.router_id);
        let mut areas: BTreeMap<AreaId, Vec<Lsa>> = BTreeMap::new();
        for lsa in ospf.router.database() {
            match lsa.area {
                Some(area) => areas.entry(area).or_default().push(advertisement(&lsa)),
                None => view.external.push(advertisement(&lsa)),
            }
        }
        view.areas =
            areas.into_iter().map(|(area, lsas)| OspfDatabaseArea { area: number(area), lsas }).collect();
        Some(view)
    }

    fn area(
        &self,
        now: Instant,
        ospf: &Ospf,
        summary: &RouterView,
        area: &AreaView,
        lsas: &[&LsaView],
    ) -> OspfArea {
        let mut view = OspfArea::new(number(area.id));
        if matches!(area.kind, AreaKind::Stub { .. }) {
            view.kind = OspfAreaKind::Stub;
        }
        let own = ospf.router.interfaces().filter(|interface| interface.area == area.id);
        view.interfaces = count(area.interfaces);
        view.loopbacks = count(own.filter(|interface| is_loopback(&interface.name)).count());
        let configured =
            self.config.ospf.as_ref().and_then(|ospf| ospf.area(config::AreaId(number(area.id))));
        let configured = configured.and_then(|area| area.authentication.as_ref());
        view.authentication = configured.map_or(OspfAuthentication::None, authentication);
        view.spf_last = summary.last_spf.filter(|_| area.spf_runs > 0).map(|at| ago(now, at));
        view.spf_runs = area.spf_runs;
        let lsas: Vec<&LsaView> = lsas.iter().copied().filter(|lsa| lsa.area == Some(area.id)).collect();
        view.lsas = count(lsas.len());
        view.checksum = checksum(&lsas);
        view
    }

    fn ospf_interface(
        &self,
        now: Instant,
        ospf: &Ospf,
        view: &InterfaceView,
        adjacent: Vec<Ipv4Addr>,
    ) -> OspfInterface {
        let running = ospf.router.config();
        let address = ipnet::Ipv4Net::new(view.address, view.prefix.prefix_len()).unwrap_or(view.prefix);
        let configured = self.config.interface(&view.name);
        let network = match view.network {
            ospf_p2mp::NetworkType::PointToMultipoint { .. } => OspfNetworkType::PointToMultipoint,
            _ if is_loopback(&view.name) => OspfNetworkType::Loopback,
            _ => configured.map_or(OspfNetworkType::Broadcast, |interface| {
                lan_network_type(self.config.ospf_network_type(interface))
            }),
        };
        let mut shown = OspfInterface::new(view.name.clone(), address, running.router_id, network);
        shown.up = view.up;
        shown.area = number(view.area);
        shown.process = running.process;
        shown.passive = view.passive;
        shown.cost = view.cost;
        shown.transmit_delay = u16::try_from(view.transmit_delay.as_secs()).unwrap_or(u16::MAX);
        shown.hello = view.hello_interval;
        shown.dead = view.dead_interval;
        shown.retransmit = view.retransmit_interval;
        shown.key_id = view.send_key;
        shown.hello_due = view.next_hello.map(|at| until(now, at));
        let built = running.interfaces.iter().find(|built| built.id == view.id);
        shown.prefix_suppression = built.is_some_and(|built| built.prefix_suppression);
        if let Some(configured) = configured {
            if view.network == ospf_p2mp::NetworkType::Stub {
                // No Hello ever leaves there: what is configured is all that there is.
                shown.hello = self.config.ospf_hello_interval(configured);
                shown.dead = self.config.ospf_dead_interval(configured);
            }
            shown.authentication = authentication(&self.config.ospf_authentication(configured));
        }
        shown.neighbors = count(view.neighbors);
        shown.adjacent = adjacent;
        shown
    }
}

fn number(area: AreaId) -> u32 {
    u32::from(area.0)
}

fn is_loopback(name: &str) -> bool {
    name.starts_with("Loopback")
}

/// The sum that IOS prints, which tells at a glance whether two routers have the same LSAs.
fn checksum(lsas: &[&LsaView]) -> u32 {
    lsas.iter().fold(0, |sum, lsa| sum.wrapping_add(u32::from(lsa.header.checksum)))
}

fn throttle(running: ospf_p2mp::ThrottleConfig) -> OspfThrottle {
    OspfThrottle { initial: running.start, hold: running.hold, maximum: running.max }
}

fn redistributed(configured: &config::Redistribute) -> String {
    let source = match configured.source {
        RouteSource::Connected => "connected",
        RouteSource::Static => "static",
    };
    format!("{source}, includes subnets in redistribution")
}

fn authentication(configured: &config::OspfAuthentication) -> OspfAuthentication {
    match configured {
        config::OspfAuthentication::Null => OspfAuthentication::None,
        config::OspfAuthentication::Simple => OspfAuthentication::Simple,
        config::OspfAuthentication::MessageDigest | config::OspfAuthentication::KeyChain(_) => {
            OspfAuthentication::Cryptographic
        }
    }
}

fn lan_network_type(configured: config::OspfNetworkType) -> OspfNetworkType {
    match configured {
        config::OspfNetworkType::PointToPoint => OspfNetworkType::PointToPoint,
        config::OspfNetworkType::NonBroadcast => OspfNetworkType::NonBroadcast,
        config::OspfNetworkType::PointToMultipoint
        | config::OspfNetworkType::PointToMultipointNonBroadcast => OspfNetworkType::PointToMultipoint,
        config::OspfNetworkType::Broadcast => OspfNetworkType::Broadcast,
    }
}

fn neighbor(now: Instant, ospf: &Ospf, view: &NeighborView) -> OspfNeighbor {
    let interface = ospf.names.get(&view.interface).cloned().unwrap_or_default();
    let mut shown = OspfNeighbor::new(view.router_id, view.address, interface);
    shown.priority = view.priority;
    shown.state = match view.state {
        NeighborState::Down => OspfNeighborState::Down,
        NeighborState::Attempt => OspfNeighborState::Attempt,
        NeighborState::Init => OspfNeighborState::Init,
        NeighborState::TwoWay => OspfNeighborState::TwoWay,
        NeighborState::ExStart => OspfNeighborState::ExStart,
        NeighborState::Exchange => OspfNeighborState::Exchange,
        NeighborState::Loading => OspfNeighborState::Loading,
        NeighborState::Full => OspfNeighborState::Full,
    };
    shown.dead = view.dead_at.map(|at| until(now, at)).unwrap_or_default();
    shown.area = number(view.area);
    shown.state_changes = view.state_changes;
    // The router keeps the options that it heard last, in a Hello or in a Database Description.
    (shown.hello_options, shown.database_options) = (view.options.0, view.options.0);
    shown.up = view.up_since.map(|at| ago(now, at));
    shown.retransmission_queue = count(view.retransmission_queue);
    shown.retransmissions = view.retransmissions;
    shown.problem = problem(view);
    shown
}

/// Why a neighbour is not what it should be.
fn problem(view: &NeighborView) -> Option<String> {
    if view.without_link_back {
        return Some("its Router-LSA has no link back: is its network type another one?".to_owned());
    }
    if view.state == NeighborState::Full {
        return None;
    }
    let drop = view.last_drop.map(|reason| format!("last packet dropped: {}", ospf_words(reason)));
    drop.or_else(|| view.last_down.map(|reason| format!("went down: {reason}")))
}

fn advertisement(lsa: &LsaView) -> Lsa {
    let header = &lsa.header;
    Lsa {
        header: LsaHeader {
            age: header.age_seconds(),
            options: header.options.0,
            kind: LsaKind::from_number(header.ls_type),
            id: header.link_state_id,
            advertising_router: header.advertising_router,
            sequence: header.sequence.cast_unsigned(),
            checksum: header.checksum,
            length: header.length,
        },
        body: body(&lsa.body),
    }
}

fn body(body: &WireBody) -> LsaBody {
    match body {
        WireBody::Router(router) => router_body(router),
        WireBody::Network(network) => {
            LsaBody::Network { prefix_len: length(network.mask), attached: network.routers.clone() }
        }
        WireBody::Summary(summary) => {
            LsaBody::Summary { prefix_len: length(summary.mask), metric: summary.metric }
        }
        WireBody::AsbrSummary(summary) => LsaBody::Summary { prefix_len: 0, metric: summary.metric },
        WireBody::AsExternal(external) | WireBody::Nssa(external) => external_body(external),
        _ => LsaBody::Opaque,
    }
}

fn router_body(router: &RouterLsa) -> LsaBody {
    let link = |link: &ospf_p2mp::wire::RouterLink| {
        let kind = match link.kind {
            LinkKind::POINT_TO_POINT => OspfLinkKind::PointToPoint,
            LinkKind::TRANSIT => OspfLinkKind::Transit,
            LinkKind::STUB => OspfLinkKind::Stub,
            LinkKind::VIRTUAL => OspfLinkKind::Virtual,
            // RFC 2328 section A.4.2 knows four types; another one cannot be followed, nor can it be shown.
            _ => return None,
        };
        Some(OspfLink { kind, id: link.id, data: link.data, metric: link.metric })
    };
    LsaBody::Router {
        area_border: router.flags.contains(RouterFlags::B),
        as_boundary: router.flags.contains(RouterFlags::E),
        links: router.links.iter().filter_map(link).collect(),
    }
}

fn external_body(external: &ExternalLsa) -> LsaBody {
    LsaBody::External {
        prefix_len: length(external.mask),
        type_2: external.metric_type == MetricType::Type2,
        metric: external.metric,
        forward: external.forwarding,
        tag: external.tag,
    }
}

/// The length of a mask, which the decoder found to be contiguous.
fn length(mask: Ipv4Addr) -> u8 {
    u8::try_from(mask.to_bits().leading_ones()).unwrap_or(32)
}
