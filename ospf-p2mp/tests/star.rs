//! A hub and its spokes, as in the DMVPN phase 2 design.
#![allow(clippy::print_stdout, reason = "prints the figures that it checks")]

mod common;

use std::time::Duration;

use common::*;
use ospf_p2mp::wire::{LinkKind, LsaBody, Packet, PacketBody};
use ospf_p2mp::{
    Direct, DownReason, Event, ExternalRoute, Input, InterfaceConfig, InterfaceId, NeighborState,
    NetworkType, Parameter, ParameterValue, Redistribute, RouteChange, RouteKind, StubRouter,
};

/// A star that runs: all Full, all routes known.
fn running(spokes: u8) -> Cloud {
    let mut cloud = Cloud::star(spokes);
    cloud.register_all();
    cloud.run_while_not(ms(3000), Cloud::all_lans_reachable).expect("routes");
    cloud.run_for(Duration::from_secs(20));
    assert!(cloud.all_full());
    cloud
}

#[test]
fn two_spokes_are_full_with_routes_well_within_a_second() {
    let mut cloud = Cloud::star(2);
    cloud.run_for(ms(500));
    cloud.register_all();
    let full = cloud.run_while_not(ms(2000), Cloud::all_full).expect("Full");
    assert!(full <= ms(250), "Full after {full:?}");
    let routes = cloud.run_while_not(ms(2000), Cloud::all_lans_reachable).expect("routes") + full;
    println!("Full after {full:?}, all routes after {routes:?}");
    assert!(routes <= ms(400), "routes after {routes:?}");
    let route = cloud.route(1, "192.168.12.0/24").expect("a route");
    assert_eq!((route.metric, route.kind), (21, RouteKind::IntraArea));
    assert_eq!(route.advertising_router, ip("10.0.0.12"));
    assert_eq!(route.next_hops.len(), 1);
    let hop = &route.next_hops[0];
    assert_eq!(hop.gateway, Some(ip("10.0.0.12")));
    assert_eq!(hop.fallbacks, [ip("10.0.0.1")]);
    assert_eq!((hop.direct, hop.active), (Direct::Unknown, Some(ip("10.0.0.1"))));
    let of_hub = cloud.route(0, "192.168.12.0/24").expect("a route");
    assert_eq!(of_hub.next_hops[0].gateway, Some(ip("10.0.0.12")));
    assert!(of_hub.next_hops[0].fallbacks.is_empty());
}

/// Nothing but our own table decides what is connected: neither the cloud nor our own address comes back as a route.
#[test]
fn own_prefixes_are_never_routes() {
    let cloud = running(2);
    for index in 0..3 {
        let node = &cloud.nodes[index];
        for interface in &node.config.interfaces {
            assert!(!node.table.contains_key(&interface.prefix.trunc()), "{}", interface.prefix);
            assert!(!node.table.contains_key(&interface.address.into()), "{}", interface.address);
        }
    }
    assert!(cloud.route(1, "10.0.0.12/32").is_some(), "the other spoke's address is one");
}

#[test]
fn the_state_of_the_direct_path_picks_the_gateway_without_spf() {
    let mut cloud = running(2);
    let runs = cloud.router(1).stats().spf_runs;
    let since = cloud.route(1, "192.168.12.0/24").expect("a route").since;
    let active = |cloud: &Cloud| cloud.route(1, "192.168.12.0/24").expect("a route").next_hops[0].active;
    for (state, expected) in [
        (Direct::Up, "10.0.0.12"),
        (Direct::Blocked, "10.0.0.1"),
        (Direct::Up, "10.0.0.12"),
        (Direct::Unknown, "10.0.0.1"),
    ] {
        let before = cloud.nodes[1].changes.len();
        cloud.input(1, Input::SetDirect { interface: TUNNEL, gateway: ip("10.0.0.12"), state });
        assert_eq!(active(&cloud), Some(ip(expected)), "{state:?}");
        let changes = &cloud.nodes[1].changes[before..];
        let prefixes: Vec<_> = changes.iter().map(|(_, change)| change.prefix().to_string()).collect();
        assert_eq!(prefixes, ["10.0.0.12/32", "192.168.12.0/24"], "in the order of prefixes");
    }
    assert_eq!(cloud.router(1).stats().spf_runs, runs);
    assert_eq!(
        cloud.route(1, "192.168.12.0/24").expect("a route").since,
        since,
        "the same route all the time"
    );
    let before = cloud.nodes[1].changes.len();
    cloud.input(1, Input::SetDirect { interface: TUNNEL, gateway: ip("10.0.0.99"), state: Direct::Up });
    assert_eq!(cloud.nodes[1].changes.len(), before, "nobody uses that gateway");
}

/// The guide's dead interval is 120 s; NHRP knows sooner.
#[test]
fn a_registration_that_ends_takes_the_routes_at_once() {
    let mut cloud = running(2);
    cloud.input(0, Input::PeerDown { interface: TUNNEL, address: ip("10.0.0.12") });
    let gone = cloud
        .run_while_not(ms(1000), |cloud| cloud.route(1, "192.168.12.0/24").is_none())
        .expect("withdrawn");
    assert!(gone <= ms(200), "after {gone:?}");
    let down = cloud.nodes[0].events.iter().any(|(_, event)| {
        matches!(event, Event::NeighborDown { reason: DownReason::PeerDown, router_id, .. } if *router_id == ip("10.0.0.12"))
    });
    assert!(down);
}

#[test]
fn a_silent_spoke_is_dead_after_the_dead_interval() {
    let mut cloud = running(2);
    let last_heard =
        cloud.router(0).neighbors().find(|view| view.address == ip("10.0.0.12")).expect("known").dead_at;
    cloud.crash(2);
    let lost = cloud
        .run_while_not(Duration::from_secs(130), |cloud| {
            cloud.state(0, "10.0.0.12") <= NeighborState::Attempt
        })
        .expect("dead");
    assert!(lost >= Duration::from_secs(89) && lost <= Duration::from_secs(120), "{lost:?}");
    assert_eq!(Some(cloud.now), last_heard, "exactly when the view said");
    cloud.run_for(ms(500));
    assert!(cloud.route(1, "192.168.12.0/24").is_none());
    assert!(
        cloud.nodes[0]
            .events
            .iter()
            .any(|(_, event)| matches!(event, Event::NeighborDown { reason: DownReason::DeadTimer, .. }))
    );
}

/// A restarted spoke finds its old LSA in the area. The route must not come, go and come again.
#[test]
fn a_restart_does_not_flap() {
    let mut cloud = running(3);
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(3));
    let before = cloud.nodes[1].changes.len();
    cloud.boot(2);
    cloud.register(0, 2);
    cloud.run_for(Duration::from_secs(40));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    let lan = net("192.168.12.0/24");
    let changes: Vec<_> = cloud.nodes[1].changes[before..]
        .iter()
        .filter(|(_, change)| change.prefix() == lan)
        .map(|(_, change)| match change {
            RouteChange::Add(_) => "add",
            RouteChange::Replace(_) => "replace",
            _ => "remove",
        })
        .collect();
    println!("{changes:?}");
    assert!(changes.len() <= 2, "{changes:?}");
    assert!(changes.is_empty() || changes == ["remove", "add"], "{changes:?}");
    // The new life continues the old numbers: nothing of the old one is left to come back.
    let views: Vec<_> =
        cloud.router(1).database().filter(|view| view.header.advertising_router == ip("10.0.0.12")).collect();
    assert_eq!(views.len(), 1);
    assert!(views[0].header.sequence >= ospf_p2mp::wire::INITIAL_SEQUENCE + 2);
}

#[test]
fn a_new_lan_is_known_everywhere_within_a_third_of_a_second() {
    let mut cloud = Cloud::star(2);
    let late = InterfaceId(9);
    let mut lan = InterfaceConfig::lan(late, "Gi3", ip("172.20.0.1"), 24);
    lan.initially_up = false;
    let config = &mut cloud.nodes[1].config;
    config.interfaces.push(lan);
    cloud.crash(1);
    cloud.boot(1);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    assert!(cloud.route(2, "172.20.0.0/24").is_none());
    let spf = cloud.router(2).stats().spf_runs;
    cloud.input(1, Input::InterfaceUp { interface: late });
    let known =
        cloud.run_while_not(ms(1000), |cloud| cloud.route(2, "172.20.0.0/24").is_some()).expect("a route");
    println!("a new LAN after {known:?}");
    assert!(known <= ms(300), "{known:?}");
    assert_eq!(cloud.router(2).stats().spf_runs, spf, "a prefix is no reason for SPF");
    assert_eq!(cloud.route(2, "172.20.0.0/24").expect("a route").next_hops[0].gateway, Some(ip("10.0.0.11")));
    cloud.input(1, Input::InterfaceDown { interface: late });
    cloud.run_while_not(ms(1000), |cloud| cloud.route(2, "172.20.0.0/24").is_none()).expect("withdrawn");
}

#[test]
fn a_larger_mtu_is_refused_with_an_event_and_ignored_on_demand() {
    let mut cloud = Cloud::star(2);
    cloud.nodes[2].config.interfaces[0].mtu = 1300;
    cloud.crash(2);
    cloud.boot(2);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(30));
    assert_eq!(cloud.state(0, "10.0.0.11"), NeighborState::Full);
    assert!(cloud.state(0, "10.0.0.12") < NeighborState::Loading);
    let told = cloud.nodes[2].events.iter().filter_map(|(_, event)| match event {
        Event::ParameterMismatch { what: Parameter::Mtu, ours, theirs, .. } => Some((*ours, *theirs)),
        _ => None,
    });
    let told: Vec<_> = told.collect();
    assert_eq!(
        told,
        [(ParameterValue::Number(1300), ParameterValue::Number(1400))],
        "once, not with each packet"
    );
    let stuck = cloud.nodes.iter().flat_map(|node| &node.events);
    assert!(
        stuck.into_iter().any(|(_, event)| matches!(event, Event::ExchangeStuck { mtu_suspected: true, .. }))
    );
    cloud.nodes[2].config.interfaces[0].mtu_ignore = true;
    cloud.crash(2);
    cloud.boot(2);
    cloud.register(0, 2);
    cloud.run_for(Duration::from_secs(30));
    assert_eq!(cloud.state(0, "10.0.0.12"), NeighborState::Full);
}

#[test]
fn each_parameter_that_differs_is_named() {
    type Change = fn(&mut InterfaceConfig);
    let cases: [(Parameter, Change); 4] = [
        (Parameter::HelloInterval, |interface| interface.hello_interval = Duration::from_secs(10)),
        (Parameter::DeadInterval, |interface| interface.dead_interval = Duration::from_secs(40)),
        (Parameter::Mask, |interface| interface.prefix = net("10.0.0.0/25")),
        (Parameter::Area, |interface| interface.area = 1.into()),
    ];
    for (parameter, change) in cases {
        let mut cloud = Cloud::star(1);
        change(&mut cloud.nodes[1].config.interfaces[0]);
        cloud.crash(1);
        cloud.boot(1);
        cloud.register_all();
        cloud.run_for(Duration::from_secs(50));
        for node in &cloud.nodes {
            let named = node.events.iter().filter(
                |(_, event)| matches!(event, Event::ParameterMismatch { what, .. } if *what == parameter),
            );
            assert_eq!(named.count(), 1, "{parameter:?}: once a minute");
        }
        assert_eq!(cloud.state(0, "10.0.0.11"), NeighborState::Attempt);
    }
}

/// FRR's nhrpd wants a /32 on its tunnel.
#[test]
fn a_host_mask_on_one_side_is_no_mismatch() {
    for node in 0..2 {
        let mut cloud = Cloud::star(1);
        let interface = &mut cloud.nodes[node].config.interfaces[0];
        interface.prefix = interface.address.into();
        cloud.crash(node);
        cloud.boot(node);
        cloud.register_all();
        cloud.run_while_not(ms(3000), Cloud::all_full).expect("Full");
        cloud.run_for(Duration::from_secs(50));
        assert!(cloud.all_full());
        let events = cloud.nodes.iter().flat_map(|node| &node.events);
        assert!(!events.into_iter().any(|(_, event)| matches!(event, Event::ParameterMismatch { .. })));
    }
}

#[test]
fn losing_every_third_packet_only_delays() {
    let mut cloud = Cloud::star(4);
    cloud.lose_every = 3;
    cloud.register_all();
    let routes = cloud.run_while_not(Duration::from_secs(120), Cloud::all_lans_reachable).expect("routes");
    println!("with every third packet lost: {routes:?}");
    assert!(cloud.nodes.iter().any(|node| node.router.as_ref().expect("runs").stats().retransmissions > 0));
    cloud.lose_every = 0;
    cloud.run_for(Duration::from_secs(200));
    assert!(cloud.all_full());
    for node in &cloud.nodes {
        let router = node.router.as_ref().expect("runs");
        assert!(router.neighbors().all(|view| view.retransmission_queue == 0 && view.request_queue == 0));
    }
}

#[test]
fn databases_agree_and_stay_for_a_day() {
    let mut cloud = running(3);
    cloud.run_for(Duration::from_secs(24 * 3600));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    let list = |index: usize| -> Vec<_> {
        let views = cloud.router(index).database();
        views.map(|view| (view.header.key(), view.header.sequence, view.header.checksum)).collect()
    };
    assert_eq!(list(0).len(), 4);
    assert_eq!(list(0), list(1));
    assert_eq!(list(0), list(3));
    let issued = cloud.router(1).stats().originated;
    assert!((48..60).contains(&issued), "{issued} instances in a day: one in half an hour");
    let downs = cloud.nodes.iter().flat_map(|node| &node.events);
    assert!(!downs.into_iter().any(|(_, event)| matches!(event, Event::NeighborDown { .. })));
}

#[test]
fn a_shutdown_is_seen_at_once() {
    let mut cloud = running(3);
    cloud.input(2, Input::Shutdown);
    assert!(cloud.nodes[2].table.is_empty(), "its own routes go too");
    let gone = cloud
        .run_while_not(ms(1000), |cloud| cloud.route(1, "192.168.12.0/24").is_none())
        .expect("withdrawn");
    assert!(gone <= ms(150), "{gone:?}");
    assert!(cloud.router(2).poll_timeout().is_none(), "nothing is left to do");
    cloud.run_for(Duration::from_secs(10));
    let left = cloud.router(1).database().filter(|view| view.header.advertising_router == ip("10.0.0.12"));
    assert_eq!(left.count(), 0, "flushed everywhere");
}

#[test]
fn redistributed_routes_reach_the_others_with_the_originator_as_gateway() {
    let mut cloud = running(2);
    let mut route = ExternalRoute::new(net("203.0.113.0/24"));
    route.tag = 77;
    cloud.input(2, Input::Redistribute(Redistribute::Add(route)));
    cloud.run_while_not(ms(1000), |cloud| cloud.route(1, "203.0.113.0/24").is_some()).expect("a route");
    let seen = cloud.route(1, "203.0.113.0/24").expect("a route").clone();
    assert_eq!((seen.kind, seen.metric, seen.forward_metric, seen.tag), (RouteKind::External2, 20, 20, 77));
    assert_eq!(seen.next_hops[0].gateway, Some(ip("10.0.0.12")));
    assert_eq!(seen.next_hops[0].fallbacks, [ip("10.0.0.1")]);
    route.metric_type = ospf_p2mp::wire::MetricType::Type1;
    cloud.input(2, Input::Redistribute(Redistribute::Add(route)));
    cloud.run_for(Duration::from_secs(3));
    let seen = cloud.route(1, "203.0.113.0/24").expect("a route");
    assert_eq!((seen.kind, seen.metric), (RouteKind::External1, 40));
    cloud.input(2, Input::Redistribute(Redistribute::Remove(net("203.0.113.0/24"))));
    cloud.run_while_not(ms(6000), |cloud| cloud.route(1, "203.0.113.0/24").is_none()).expect("withdrawn");
}

#[test]
fn a_stub_router_keeps_its_own_lan_reachable() {
    let mut cloud = Cloud::star(2);
    cloud.nodes[1].config.stub_router = StubRouter::OnStartup(Duration::from_secs(60));
    cloud.crash(1);
    cloud.boot(1);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(10));
    let metric = |cloud: &Cloud| {
        let views: Vec<_> = cloud.router(0).database().collect();
        let view =
            views.into_iter().find(|view| view.header.link_state_id == ip("10.0.0.11")).expect("an LSA");
        match view.body {
            LsaBody::Router(lsa) => lsa.links.iter().find(|link| link.kind.0 == 1).map(|link| link.metric),
            _ => None,
        }
    };
    assert_eq!(metric(&cloud), Some(0xffff));
    assert_eq!(cloud.route(2, "192.168.11.0/24").expect("a route").metric, 21);
    assert_eq!(
        cloud.route(1, "192.168.12.0/24").expect("a route").metric,
        21,
        "its own way out costs what it costs"
    );
    cloud.run_for(Duration::from_secs(60));
    assert_eq!(metric(&cloud), Some(10));
}

/// `max-metric router-lsa include-stub external-lsa 500`.
#[test]
fn a_stub_router_may_raise_its_stubs_and_externals_too() {
    let mut cloud = Cloud::star(2);
    cloud.nodes[2].config.stub_router_stubs = true;
    cloud.nodes[2].config.stub_router_externals = Some(500);
    cloud.crash(2);
    cloud.boot(2);
    cloud.register_all();
    let route = ExternalRoute::new(net("172.16.0.0/16"));
    cloud.input(2, Input::Redistribute(Redistribute::Add(route)));
    cloud.run_for(Duration::from_secs(10));
    let metrics = |cloud: &Cloud| {
        ["192.168.12.0/24", "172.16.0.0/16"].map(|prefix| cloud.route(0, prefix).map(|route| route.metric))
    };
    assert_eq!(metrics(&cloud), [Some(11), Some(20)]);
    cloud.input(2, Input::SetStubRouter(true));
    cloud.run_for(Duration::from_secs(10));
    assert_eq!(metrics(&cloud), [Some(10 + 0xffff), Some(500)]);
    cloud.input(2, Input::SetStubRouter(false));
    cloud.run_for(Duration::from_secs(10));
    assert_eq!(metrics(&cloud), [Some(11), Some(20)]);
}

/// `neighbor 10.0.0.12 cost 77`.
#[test]
fn a_neighbour_may_have_a_cost_of_its_own() {
    let mut cloud = Cloud::star(2);
    cloud.nodes[0].config.interfaces[0].neighbor_costs.insert(ip("10.0.0.12"), 77);
    cloud.crash(0);
    cloud.boot(0);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(10));
    assert_eq!(cloud.route(1, "192.168.12.0/24").map(|route| route.metric), Some(10 + 77 + 1));
    assert_eq!(cloud.route(2, "192.168.11.0/24").map(|route| route.metric), Some(10 + 10 + 1));
    assert_eq!(cloud.route(0, "192.168.12.0/24").map(|route| route.metric), Some(77 + 1));
}

#[test]
fn prefix_suppression_hides_the_address_and_keeps_the_gateway() {
    let mut cloud = Cloud::star(2);
    for index in 0..3 {
        cloud.nodes[index].config.interfaces[0].prefix_suppression = true;
        cloud.crash(index);
        cloud.boot(index);
    }
    cloud.register_all();
    cloud.run_for(Duration::from_secs(5));
    assert!(cloud.route(1, "10.0.0.12/32").is_none());
    assert_eq!(
        cloud.route(1, "192.168.12.0/24").expect("a route").next_hops[0].gateway,
        Some(ip("10.0.0.12"))
    );
}

#[test]
fn non_broadcast_and_multicast_routers_understand_each_other() {
    let mut cloud = Cloud::star(2);
    cloud.nodes[1].config.interfaces[0].network = NetworkType::PointToMultipoint { non_broadcast: true };
    cloud.crash(1);
    cloud.boot(1);
    cloud.register_all();
    cloud.run_while_not(ms(1000), Cloud::all_lans_reachable).expect("routes");
    cloud.run_for(Duration::from_secs(300));
    assert!(cloud.all_full());
}

/// Without NHRP: multicast members find each other, and the Hello to all lists all.
#[test]
fn unannounced_members_find_each_other_by_multicast() {
    let mut cloud = Cloud::star(3);
    for spoke in 11..14 {
        cloud.join(ip("10.0.0.1"), ip(&format!("10.0.0.{spoke}")));
    }
    cloud.run_while_not(Duration::from_secs(40), Cloud::all_lans_reachable).expect("routes");
    cloud.run_for(Duration::from_secs(300));
    assert!(cloud.all_full());
    let downs = cloud.nodes.iter().flat_map(|node| &node.events);
    assert!(!downs.into_iter().any(|(_, event)| matches!(event, Event::NeighborDown { .. })));
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = || {
        let mut cloud = Cloud::star(5);
        cloud.recorded = Some(Vec::new());
        cloud.lose_every = 7;
        cloud.register_all();
        cloud.run_for(Duration::from_secs(200));
        cloud.recorded.take().expect("recorded")
    };
    let first = run();
    assert!(first.len() > 100);
    assert!(first == run());
}

#[test]
fn early_and_repeated_timeouts_do_nothing() {
    let mut cloud = running(2);
    let sent = cloud.nodes[0].sent;
    for _ in 0..3 {
        let now = cloud.now;
        let router = cloud.nodes[0].router.as_mut().expect("runs");
        let wakeup = router.poll_timeout();
        router.handle_timeout(now);
        assert_eq!(router.poll_timeout(), wakeup);
        assert!(router.poll_output().is_none());
    }
    assert_eq!(cloud.nodes[0].sent, sent);
}

/// The first Hellos may be lost while IPsec is being set up: the next ones do not wait for the hello interval.
#[test]
fn lost_first_hellos_cost_seconds_and_not_an_interval() {
    let mut cloud = Cloud::star(1);
    cloud.register_all();
    cloud.part(ip("10.0.0.1"), ip("10.0.0.11"));
    cloud.run_for(ms(2500));
    assert_eq!(cloud.state(0, "10.0.0.11"), NeighborState::Init, "only what was under way arrived");
    cloud.join(ip("10.0.0.1"), ip("10.0.0.11"));
    let full = cloud.run_while_not(Duration::from_secs(10), Cloud::all_full).expect("Full");
    assert!(full <= ms(1000), "{full:?}");
    // Somebody who never answers is not pestered.
    cloud.part(ip("10.0.0.1"), ip("10.0.0.11"));
    cloud.run_for(Duration::from_secs(600));
    let before = cloud.nodes[0].sent;
    cloud.run_for(Duration::from_secs(300));
    let sent = cloud.nodes[0].sent - before;
    assert!((20..=24).contains(&sent), "{sent} Hellos in ten intervals, multicast and unicast");
}

/// A router that insists on a MinLSArrival of one second would drop the second of two instances, and have no route
/// through us until the retransmission. So a neighbour that asks for our Router-LSA while the adjacency is being built
/// gets it once, with the link to itself.
#[test]
fn a_new_neighbour_gets_our_router_lsa_once_with_the_link_to_it() {
    // The hub has the lower router id, so it is the slave and the one that waits.
    let mut cloud = Cloud::star(1);
    cloud.recorded = Some(Vec::new());
    cloud.run_for(ms(2000));
    cloud.register_all();
    cloud.run_while_not(ms(1000), Cloud::all_lans_reachable).expect("routes");
    cloud.run_for(ms(900));
    let recorded = cloud.recorded.take().expect("recording");
    let mut links = Vec::new();
    for payload in &recorded {
        let packet = Packet::decode(payload).expect("our own packet");
        let PacketBody::LinkStateUpdate(update) = packet.body else { continue };
        if packet.router_id != ip("10.0.0.1") {
            continue;
        }
        for lsa in update.lsas.iter().filter(|lsa| lsa.header.advertising_router == ip("10.0.0.1")) {
            let LsaBody::Router(body) = lsa.decode_body().expect("a body") else { continue };
            let point_to_point = body.links.iter().filter(|link| link.kind == LinkKind::POINT_TO_POINT);
            links.push(point_to_point.count());
        }
    }
    assert_eq!(links, [1], "one instance, with the link");
}

/// The hold is short: when the adjacency does not become Full, the request is answered with what there is.
#[test]
fn a_held_request_is_answered_even_when_the_exchange_stalls() {
    let mut cloud = Cloud::star(1);
    cloud.run_for(ms(2000));
    // The spoke never answers requests: its updates do not arrive as such.
    cloud.mangle = Some(|from, mut payload| {
        if from == 1 && payload.get(1) == Some(&4) {
            payload[1] = 0;
        }
        payload
    });
    cloud.recorded = Some(Vec::new());
    cloud.register_all();
    cloud.run_for(ms(1000));
    let recorded = cloud.recorded.take().expect("recording");
    let answered = recorded.iter().filter_map(|payload| Packet::decode(payload).ok()).any(|packet| {
        packet.router_id == ip("10.0.0.1") && matches!(packet.body, PacketBody::LinkStateUpdate(_))
    });
    assert!(answered, "the hub answers within a second");
    assert_eq!(cloud.state(0, "10.0.0.11"), NeighborState::Loading);
    assert_eq!(cloud.state(1, "10.0.0.1"), NeighborState::Full);
}

/// A receiver with a MinLSArrival of one second drops an instance that follows too soon, without a word. It gets it
/// again as soon as that second has passed, not a whole retransmission interval after the drop.
#[test]
fn an_instance_that_may_have_come_too_soon_is_repeated_when_it_no_longer_is() {
    let mut cloud = running(1);
    // The spoke's acknowledgements do not arrive, as those of a router that puts them off.
    cloud.mangle = Some(|from, mut payload| {
        if from == 1 && payload.get(1) == Some(&5) {
            payload[1] = 0;
        }
        payload
    });
    cloud.recorded = Some(Vec::new());
    let mut sent: Vec<(Duration, u32)> = Vec::new();
    for step in 0..200 {
        match step {
            0 => cloud.input(0, Input::InterfaceDown { interface: LAN }),
            40 => cloud.input(0, Input::InterfaceUp { interface: LAN }),
            _ => {}
        }
        cloud.run_for(ms(10));
        let at = cloud.elapsed();
        for payload in cloud.recorded.replace(Vec::new()).expect("recording") {
            let packet = Packet::decode(&payload);
            let Ok(Packet { router_id, body: PacketBody::LinkStateUpdate(update), .. }) = packet else {
                continue;
            };
            if router_id == ip("10.0.0.1") {
                sent.extend(update.lsas.iter().map(|lsa| (at, lsa.header.sequence as u32)));
            }
        }
    }
    let [first, second, again, ..] = sent.as_slice() else { panic!("three updates: {sent:?}") };
    assert_eq!((second.1, again.1), (first.1 + 1, first.1 + 1), "{sent:?}");
    assert!(second.0 - first.0 < ms(500), "{sent:?}");
    let gap = again.0 - first.0;
    assert!(gap >= ms(1050) && gap <= ms(1070), "{gap:?}");
}
