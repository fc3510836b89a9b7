//! Designs beyond one star: two hubs, two clouds, areas, keys, other network types, restarts.

mod common;

use std::time::Duration;

use common::*;
use ospf_p2mp::auth::{Algorithm, Key, KeyChain, Password};
use ospf_p2mp::wire::{LinkKind, LsUpdate, Lsa, LsaBody, Packet, PacketBody, RouterLink};
use ospf_p2mp::{
    AreaConfig, AreaId, AreaKind, Authentication, Config, DropReason, Event, ExternalRoute, Input,
    InterfaceConfig, InterfaceId, NeighborState, NextHopMode, Parameter, Redistribute, RouteKind,
};

const SECOND: InterfaceId = InterfaceId(2);

fn with_second_tunnel(mut config: Config, number: u8, cost: u16) -> Config {
    let mut second = InterfaceConfig::tunnel(SECOND, "Tunnel1", ip(&format!("10.1.0.{number}")), 24);
    second.cost = cost;
    config.interfaces.push(second);
    config
}

/// The guide's dual hub: two clouds, the second one dearer.
#[test]
fn two_clouds_prefer_the_cheaper_and_fail_over_and_back() {
    let mut hub2 = spoke(2);
    hub2.router_id = ip("10.1.0.1");
    let mut second = InterfaceConfig::tunnel(SECOND, "Tunnel1", ip("10.1.0.1"), 24);
    second.cost = 20;
    second.next_hop = NextHopMode::Rfc2328;
    hub2.interfaces[0] = second;
    let spokes = [11, 12].map(|number| with_second_tunnel(spoke(number), number, 20));
    let mut cloud = Cloud::new(vec![hub(), hub2, spokes[0].clone(), spokes[1].clone()]);
    for index in 2..4 {
        cloud.register(0, index);
        cloud.register_on(1, SECOND, index, SECOND);
    }
    cloud.run_while_not(ms(3000), Cloud::all_lans_reachable).expect("routes");
    cloud.run_for(Duration::from_secs(10));
    let way = |cloud: &Cloud| {
        let hop = cloud.route(2, "192.168.12.0/24").map(|route| route.next_hops.clone()).unwrap_or_default();
        hop.first().map(|hop| (hop.interface, hop.gateway, hop.fallbacks.clone()))
    };
    let first = (TUNNEL, Some(ip("10.0.0.12")), vec![ip("10.0.0.1")]);
    let other = (SECOND, Some(ip("10.1.0.12")), vec![ip("10.1.0.1")]);
    assert_eq!(way(&cloud), Some(first.clone()));
    cloud.crash(0);
    for index in 2..4 {
        cloud.input(index, Input::PeerDown { interface: TUNNEL, address: ip("10.0.0.1") });
    }
    let moved = cloud.run_while_not(ms(2000), |cloud| way(cloud) == Some(other.clone())).expect("moved");
    assert!(moved < ms(500), "{moved:?}");
    cloud.boot(0);
    for index in 2..4 {
        cloud.register(0, index);
    }
    cloud.run_while_not(ms(5000), |cloud| way(cloud) == Some(first.clone())).expect("moved back");
}

#[test]
fn two_hubs_on_one_cloud_give_one_gateway_with_two_fallbacks() {
    let mut hub2 = spoke(2);
    hub2.interfaces[0].next_hop = NextHopMode::Rfc2328;
    let mut cloud = Cloud::new(vec![hub(), hub2, spoke(11), spoke(12)]);
    for index in 2..4 {
        cloud.register(0, index);
        cloud.register(1, index);
    }
    cloud.run_for(Duration::from_secs(5));
    let route = cloud.route(2, "192.168.12.0/24").expect("a route");
    assert_eq!(route.next_hops.len(), 1);
    assert_eq!(route.next_hops[0].gateway, Some(ip("10.0.0.12")));
    assert_eq!(route.next_hops[0].fallbacks, [ip("10.0.0.1"), ip("10.0.0.2")]);
}

/// The hub joins area 0 (Tunnel0) and area 1 (Tunnel1).
fn two_areas(kind: AreaKind) -> Cloud {
    let mut border = with_second_tunnel(hub(), 1, 10);
    border.interfaces[2].area = 1.into();
    let mut inner = spoke(11);
    inner.interfaces[0] = {
        let mut tunnel = InterfaceConfig::tunnel(SECOND, "Tunnel1", ip("10.1.0.11"), 24);
        tunnel.cost = 10;
        tunnel.area = 1.into();
        tunnel
    };
    inner.interfaces[1].area = 1.into();
    for config in [&mut border, &mut inner] {
        config.areas.push(AreaConfig::new(1.into(), kind));
    }
    let mut cloud = Cloud::new(vec![border, inner, spoke(12)]);
    cloud.register_on(0, SECOND, 1, SECOND);
    cloud.register(0, 2);
    let mut route = ExternalRoute::new(net("203.0.113.0/24"));
    route.tag = 5;
    cloud.input(2, Input::Redistribute(Redistribute::Add(route)));
    cloud.run_for(Duration::from_secs(30));
    assert!(cloud.all_full());
    cloud
}

#[test]
fn an_area_border_router_joins_areas() {
    let mut cloud = two_areas(AreaKind::Normal);
    let route = cloud.route(1, "192.168.12.0/24").expect("inter-area");
    assert_eq!((route.kind, route.metric, route.area), (RouteKind::InterArea, 21, AreaId::from(1)));
    assert_eq!(
        route.next_hops[0].gateway,
        Some(ip("10.1.0.1")),
        "the topology behind the border is not visible"
    );
    let back = cloud.route(2, "192.168.11.0/24").expect("inter-area");
    assert_eq!((back.kind, back.metric), (RouteKind::InterArea, 21));
    let external = cloud.route(1, "203.0.113.0/24").expect("external, by way of a type 4 LSA");
    assert_eq!((external.kind, external.metric, external.forward_metric), (RouteKind::External2, 20, 20));
    assert_eq!(external.tag, 5);
    let types: Vec<_> = cloud.router(1).database().map(|view| view.header.ls_type).collect();
    assert!(types.contains(&3) && types.contains(&4) && types.contains(&5));
    cloud.input(2, Input::InterfaceDown { interface: LAN });
    cloud.run_while_not(ms(3000), |cloud| cloud.route(1, "192.168.12.0/24").is_none()).expect("withdrawn");
    cloud.input(2, Input::InterfaceUp { interface: LAN });
    cloud.run_while_not(ms(9000), |cloud| cloud.route(1, "192.168.12.0/24").is_some()).expect("back");
}

#[test]
fn a_stub_area_gets_a_default_route_and_no_externals() {
    let cloud = two_areas(AreaKind::Stub { default_cost: 7, no_summary: false });
    assert_eq!(cloud.route(1, "0.0.0.0/0").expect("a default").metric, 17);
    assert!(cloud.route(1, "203.0.113.0/24").is_none());
    assert!(cloud.route(1, "192.168.12.0/24").is_some());
    assert!(cloud.router(1).database().all(|view| view.header.ls_type != 5));
    let bare = two_areas(AreaKind::Stub { default_cost: 7, no_summary: true });
    assert!(bare.route(1, "0.0.0.0/0").is_some() && bare.route(1, "192.168.12.0/24").is_none());
}

fn keyed(algorithm: Algorithm, secret: &[u8]) -> Authentication {
    Authentication::Cryptographic(KeyChain::new(vec![Key::new(7, algorithm, secret)]))
}

fn authenticated(hub: Authentication, spoke: Authentication) -> Cloud {
    let mut cloud = Cloud::star(2);
    for (index, authentication) in [(0, hub.clone()), (1, hub), (2, spoke)] {
        cloud.nodes[index].config.interfaces[0].authentication = authentication;
        cloud.crash(index);
        cloud.boot(index);
    }
    cloud.register_all();
    cloud.run_for(Duration::from_secs(5));
    cloud
}

#[test]
fn every_kind_of_authentication_works() {
    let simple = || Authentication::Simple(Password::new(b"dmvpn26").expect("seven octets"));
    let mut kinds = vec![simple()];
    for algorithm in [
        Algorithm::Md5,
        Algorithm::HmacSha1,
        Algorithm::HmacSha256,
        Algorithm::HmacSha384,
        Algorithm::HmacSha512,
    ] {
        kinds.push(keyed(algorithm, b"DMVPN2026"));
    }
    for kind in kinds {
        let mut cloud = authenticated(kind.clone(), kind.clone());
        assert!(cloud.all_lans_reachable(), "{kind:?}");
        cloud.run_for(Duration::from_secs(400));
        assert!(cloud.all_full());
        for node in &cloud.nodes {
            let router = node.router.as_ref().expect("runs");
            for reason in [DropReason::AuthReplay, DropReason::AuthFailed, DropReason::Checksum] {
                assert_eq!(
                    router.stats().dropped(reason),
                    0,
                    "{kind:?}: numbers rise in the order of sending"
                );
            }
        }
        cloud.crash(2);
        cloud.run_for(Duration::from_secs(1));
        // The clock goes on although the process began anew.
        cloud.nodes[2].config.sequence_base += 410;
        cloud.boot(2);
        cloud.register(0, 2);
        cloud.run_for(Duration::from_secs(20));
        assert!(cloud.all_full(), "{kind:?}: after a restart");
    }
}

#[test]
fn a_wrong_key_is_named() {
    let md5 = |secret: &[u8]| keyed(Algorithm::Md5, secret);
    let simple = |password: &[u8]| Authentication::Simple(Password::new(password).expect("short"));
    for (ours, theirs, reason) in [
        (md5(b"one"), md5(b"two"), DropReason::AuthFailed),
        (simple(b"one"), simple(b"two"), DropReason::AuthFailed),
        (md5(b"one"), Authentication::Null, DropReason::AuthType),
        (Authentication::Null, md5(b"one"), DropReason::AuthType),
        (
            md5(b"one"),
            Authentication::Cryptographic(KeyChain::new(vec![Key::new(8, Algorithm::Md5, b"one")])),
            DropReason::AuthKeyId,
        ),
        (keyed(Algorithm::HmacSha1, b"one"), keyed(Algorithm::HmacSha256, b"one"), DropReason::AuthFailed),
    ] {
        let cloud = authenticated(ours, theirs);
        assert_eq!(cloud.state(0, "10.0.0.11"), NeighborState::Full);
        assert_eq!(cloud.state(0, "10.0.0.12"), NeighborState::Attempt);
        for index in [0, 2] {
            assert!(cloud.router(index).stats().dropped(reason) > 0, "{reason:?}");
            let named = cloud.nodes[index].events.iter().filter(|(_, event)| {
                matches!(event, Event::ParameterMismatch { what: Parameter::Authentication, .. })
            });
            assert_eq!(named.count(), 1);
        }
    }
}

/// What a spoke left at type broadcast sends: its Router-LSA has a transit link instead of one to the hub.
fn as_broadcast(from: usize, payload: Vec<u8>) -> Vec<u8> {
    let Ok(mut packet) = Packet::decode(&payload) else { return payload };
    let PacketBody::LinkStateUpdate(LsUpdate { lsas }) = &mut packet.body else { return payload };
    for lsa in lsas {
        let ours = from == 2 && lsa.header.advertising_router == ip("10.0.0.12");
        let Ok(LsaBody::Router(mut body)) = lsa.decode_body() else { continue };
        if ours {
            let links = body.links.iter_mut().filter(|link| link.kind == LinkKind::POINT_TO_POINT);
            for link in links {
                *link = RouterLink { kind: LinkKind::TRANSIT, id: link.data, data: link.data, metric: 10 };
            }
            let age = lsa.header.age;
            *lsa =
                Lsa::new(lsa.key(), lsa.header.options, lsa.header.sequence, LsaBody::Router(body).encode())
                    .expect("the same size");
            lsa.header.age = age;
        }
    }
    packet.encode().expect("the same size")
}

#[test]
fn a_spoke_of_another_network_type_is_named() {
    let mut cloud = Cloud::star(2);
    cloud.mangle = Some(as_broadcast);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(30));
    assert_eq!(cloud.state(0, "10.0.0.12"), NeighborState::Full, "which is what makes it hard to find");
    assert!(cloud.route(1, "192.168.12.0/24").is_none());
    let named: Vec<_> = cloud.nodes[0]
        .events
        .iter()
        .filter_map(|(_, event)| match event {
            Event::FullWithoutLinkBack { address, .. } => Some(*address),
            _ => None,
        })
        .collect();
    assert_eq!(named, [ip("10.0.0.12")]);
    let views: Vec<_> = cloud.router(0).neighbors().map(|view| view.without_link_back).collect();
    assert_eq!(views, [false, true]);
}

#[test]
fn a_tunnel_that_comes_back_finds_its_neighbours_again() {
    let mut cloud = Cloud::star(2);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(5));
    cloud.input(0, Input::InterfaceDown { interface: TUNNEL });
    assert!(cloud.nodes[0].table.is_empty() || cloud.router(0).neighbors().next().is_none());
    cloud.run_for(ms(100));
    assert!(cloud.nodes[0].table.is_empty(), "nothing is reachable without the tunnel");
    cloud.input(0, Input::InterfaceUp { interface: TUNNEL });
    cloud.run_while_not(ms(3000), Cloud::all_lans_reachable).expect("routes");
}

/// A tunnel in non-broadcast mode whose peers nobody announced still answers those that speak.
#[test]
fn an_unannounced_peer_of_a_non_broadcast_tunnel_is_kept() {
    let mut cloud = Cloud::star(1);
    cloud.nodes[0].config.interfaces[0].network =
        ospf_p2mp::NetworkType::PointToMultipoint { non_broadcast: true };
    cloud.nodes[1].config.interfaces[0].neighbors.push(ip("10.0.0.1"));
    cloud.crash(0);
    cloud.crash(1);
    cloud.join(ip("10.0.0.1"), ip("10.0.0.11"));
    cloud.boot(0);
    cloud.boot(1);
    cloud.run_for(Duration::from_secs(600));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    let downs = cloud.nodes.iter().flat_map(|node| &node.events);
    assert!(!downs.into_iter().any(|(_, event)| matches!(event, Event::NeighborDown { .. })));
}

/// Section 16.4 (3): packets go to the forwarding address, by the internal route to it.
#[test]
fn a_forwarding_address_decides_the_way() {
    let mut cloud = Cloud::star(2);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(10));
    let prefix = "203.0.113.0/24";
    let mut route = ExternalRoute::new(net(prefix));
    route.forwarding = ip("192.168.12.5");
    // The hub tells, the second spoke forwards.
    cloud.input(0, Input::Redistribute(Redistribute::Add(route)));
    cloud.run_for(Duration::from_secs(5));
    let seen = cloud.route(1, prefix).expect("a route");
    assert_eq!((seen.metric, seen.forward_metric, seen.advertising_router), (20, 21, ip("10.0.0.1")));
    assert_eq!(seen.next_hops[0].gateway, Some(ip("10.0.0.12")));
    assert_eq!(seen.next_hops[0].fallbacks, [ip("10.0.0.1")]);
    let local = cloud.route(2, prefix).expect("a route");
    assert_eq!((local.next_hops[0].interface, local.next_hops[0].gateway), (LAN, Some(ip("192.168.12.5"))));
    // Without a way to the address there is no route, although the hub is as near as before.
    cloud.input(2, Input::InterfaceDown { interface: LAN });
    cloud.run_while_not(ms(3000), |cloud| cloud.route(1, prefix).is_none()).expect("withdrawn");
    cloud.input(2, Input::InterfaceUp { interface: LAN });
    cloud.run_while_not(ms(6000), |cloud| cloud.route(1, prefix).is_some()).expect("back");
    // An address on the cloud itself.
    route.forwarding = ip("10.0.0.12");
    cloud.input(0, Input::Redistribute(Redistribute::Add(route)));
    cloud.run_for(Duration::from_secs(6));
    let seen = cloud.route(1, prefix).expect("a route");
    assert_eq!((seen.forward_metric, seen.next_hops[0].gateway), (20, Some(ip("10.0.0.12"))));
}

/// Section 16.4 (6): type 1 before type 2, then the smaller metric, then the nearer.
#[test]
fn externals_compete() {
    let mut cloud = Cloud::star(3);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(10));
    let prefix = "203.0.113.0/24";
    let advertise = |cloud: &mut Cloud, index: usize, metric_type, metric| {
        let mut route = ExternalRoute::new(net(prefix));
        route.metric_type = metric_type;
        route.metric = metric;
        cloud.input(index, Input::Redistribute(Redistribute::Add(route)));
        cloud.run_for(Duration::from_secs(6));
        let route = cloud.route(1, prefix).expect("a route");
        let gateways: Vec<_> = route.next_hops.iter().filter_map(|hop| hop.gateway).collect();
        (route.kind, route.metric, gateways)
    };
    use ospf_p2mp::wire::MetricType::{Type1, Type2};
    let (second, third) = (ip("10.0.0.12"), ip("10.0.0.13"));
    assert_eq!(advertise(&mut cloud, 2, Type2, 20), (RouteKind::External2, 20, vec![second]));
    assert_eq!(advertise(&mut cloud, 3, Type2, 20), (RouteKind::External2, 20, vec![second, third]));
    assert_eq!(advertise(&mut cloud, 3, Type2, 19), (RouteKind::External2, 19, vec![third]));
    assert_eq!(advertise(&mut cloud, 2, Type1, 500), (RouteKind::External1, 520, vec![second]));
    assert_eq!(advertise(&mut cloud, 0, Type2, 1), (RouteKind::External1, 520, vec![second]));
    assert_eq!(advertise(&mut cloud, 0, Type1, 100), (RouteKind::External1, 110, vec![ip("10.0.0.1")]));
    // Our own word about it is no route of ours.
    let own = cloud.route(0, prefix).expect("the second best").next_hops[0].gateway;
    assert_eq!(own, Some(second));
}

#[test]
fn what_a_dead_router_said_ages_out() {
    let mut cloud = Cloud::star(2);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(10));
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(3500));
    let left = |cloud: &Cloud, index: usize| {
        let views = cloud.router(index).database();
        views.filter(|view| view.header.advertising_router == ip("10.0.0.12")).count()
    };
    assert_eq!((left(&cloud, 0), left(&cloud, 1)), (1, 1), "still in the database, although unreachable");
    assert!(cloud.route(1, "192.168.12.0/24").is_none());
    cloud.run_for(Duration::from_secs(120));
    assert_eq!((left(&cloud, 0), left(&cloud, 1)), (0, 0));
    assert!(cloud.router(0).database().all(|view| view.header.age < 1900), "the living refresh theirs");
}

#[test]
fn keys_roll_over_without_losing_a_neighbour() {
    let mut cloud = Cloud::star(2);
    let change = cloud.now + Duration::from_secs(300);
    for index in 0..3 {
        use ospf_p2mp::auth::Lifetime;
        // The clocks of real routers differ: each changes its key at another time.
        let ours = change + Duration::from_secs(10 * index as u64);
        let accept = Duration::from_secs(60);
        let old = Key::new(1, Algorithm::Md5, b"old").with_lifetime(
            Lifetime { from: None, until: Some(ours) },
            Lifetime { from: None, until: Some(ours + accept) },
        );
        let new = Key::new(2, Algorithm::HmacSha512, b"new").with_lifetime(
            Lifetime { from: Some(ours), until: None },
            Lifetime { from: Some(ours - accept), until: None },
        );
        let chain = KeyChain::new(vec![old, new]);
        cloud.nodes[index].config.interfaces[0].authentication = Authentication::Cryptographic(chain);
        cloud.crash(index);
        cloud.boot(index);
    }
    cloud.register_all();
    cloud.run_for(Duration::from_secs(900));
    assert!(cloud.all_full());
    for node in &cloud.nodes {
        assert!(!node.events.iter().any(|(_, event)| {
            matches!(event, Event::NeighborDown { .. } | Event::ParameterMismatch { .. })
        }));
    }
}
