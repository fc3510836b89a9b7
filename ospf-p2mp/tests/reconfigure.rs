//! The configuration and the clock change while routers run.

mod common;

use std::time::Duration;

use common::*;
use ospf_p2mp::auth::{Algorithm, Authentication, Key, KeyChain};
use ospf_p2mp::{
    AreaConfig, AreaId, AreaKind, Config, ConfigError, DownReason, Event, Input, InterfaceConfig,
    InterfaceId, NeighborState, NextHopMode, StubRouter,
};

fn running() -> Cloud {
    let mut cloud = Cloud::star(2);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    assert!(cloud.all_lans_reachable());
    cloud
}

/// Changes the configuration of a running router.
fn change(cloud: &mut Cloud, index: usize, change: impl FnOnce(&mut Config)) {
    change_checked(cloud, index, change).expect("a valid configuration");
}

fn change_checked(
    cloud: &mut Cloud,
    index: usize,
    change: impl FnOnce(&mut Config),
) -> Result<(), ConfigError> {
    let mut config = cloud.nodes[index].config.clone();
    change(&mut config);
    cloud.reconfigure(index, config)
}

fn downs(cloud: &Cloud) -> Vec<DownReason> {
    let events = cloud.nodes.iter().flat_map(|node| &node.events);
    let downs = events.filter_map(|(_, event)| match event {
        Event::NeighborDown { reason, .. } => Some(*reason),
        _ => None,
    });
    downs.collect()
}

#[test]
fn a_new_cost_moves_the_metrics_and_no_neighbour() {
    let mut cloud = running();
    assert_eq!(cloud.route(1, "192.168.12.0/24").map(|route| route.metric), Some(21));
    change(&mut cloud, 0, |config| config.interfaces[0].cost = 55);
    change(&mut cloud, 2, |config| config.interfaces[1].cost = 7);
    cloud.run_for(Duration::from_secs(2));
    assert_eq!(cloud.route(1, "192.168.12.0/24").map(|route| route.metric), Some(10 + 55 + 7));
    assert_eq!(cloud.route(2, "192.168.11.0/24").map(|route| route.metric), Some(10 + 55 + 1));
    assert_eq!(downs(&cloud), []);
}

#[test]
fn new_intervals_on_all_routers_cost_no_neighbour() {
    let mut cloud = running();
    for index in 0..3 {
        change(&mut cloud, index, |config| {
            config.interfaces[0].hello_interval = Duration::from_secs(2);
            config.interfaces[0].dead_interval = Duration::from_secs(8);
        });
        cloud.run_for(ms(500));
    }
    cloud.run_for(Duration::from_secs(120));
    assert_eq!(downs(&cloud), []);
    assert!(cloud.all_full());
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(9));
    assert_eq!(cloud.state(0, "10.0.0.12"), NeighborState::Attempt, "dead by the new interval");
}

#[test]
fn intervals_that_the_peer_does_not_follow_end_the_adjacency_with_a_name() {
    let mut cloud = running();
    change(&mut cloud, 2, |config| config.interfaces[0].hello_interval = Duration::from_secs(5));
    cloud.run_for(Duration::from_secs(130));
    assert!(downs(&cloud).contains(&DownReason::DeadTimer));
    let told = |cloud: &Cloud| {
        cloud.nodes[0].events.iter().any(|(_, event)| matches!(event, Event::ParameterMismatch { .. }))
    };
    assert!(told(&cloud));
    change(&mut cloud, 2, |config| config.interfaces[0].hello_interval = Duration::from_secs(30));
    cloud.run_for(Duration::from_secs(40));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
}

#[test]
fn a_new_key_on_both_sides_costs_no_neighbour() {
    let mut cloud = running();
    let keyed = |id| {
        let key = Key::new(id, Algorithm::HmacSha256, b"a key of the cloud");
        Authentication::Cryptographic(KeyChain::new(vec![key]))
    };
    for id in [1, 2] {
        for index in 0..3 {
            change(&mut cloud, index, |config| config.interfaces[0].authentication = keyed(id));
        }
        cloud.run_for(Duration::from_secs(200));
        assert_eq!(downs(&cloud), []);
        assert!(cloud.all_full());
    }
}

#[test]
fn another_area_begins_anew_and_comes_back() {
    let mut cloud = running();
    let other = AreaId::from(7);
    change(&mut cloud, 2, |config| config.interfaces[0].area = other);
    cloud.run_for(Duration::from_secs(130));
    assert!(cloud.route(1, "192.168.12.0/24").is_none());
    assert_eq!(cloud.router(2).summary().areas.len(), 2, "the LAN stays in area 0");
    change(&mut cloud, 2, |config| config.interfaces[1].area = other);
    assert_eq!(cloud.router(2).summary().areas.len(), 1);
    cloud.run_for(Duration::from_secs(5));
    assert!(
        cloud.router(2).database().all(|view| view.area == Some(other)),
        "nothing of area 0 is left: {:?}",
        cloud.router(2).database().collect::<Vec<_>>()
    );
    change(&mut cloud, 2, |config| {
        for interface in &mut config.interfaces {
            interface.area = AreaId::BACKBONE;
        }
    });
    cloud.run_for(Duration::from_secs(40));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    assert_eq!(cloud.router(2).summary().areas.len(), 1);
}

#[test]
fn an_area_border_router_may_cease_to_be_one() {
    let mut cloud = running();
    let other = AreaId::from(7);
    change(&mut cloud, 1, |config| config.interfaces[1].area = other);
    cloud.run_for(Duration::from_secs(5));
    let summaries = |cloud: &Cloud, index| {
        cloud
            .router(index)
            .database()
            .filter(|view| view.header.ls_type == 3 && view.header.age < 3600)
            .count()
    };
    assert_eq!(summaries(&cloud, 2), 1);
    assert!(cloud.route(2, "192.168.11.0/24").is_some());
    change(&mut cloud, 1, |config| config.interfaces[1].area = AreaId::BACKBONE);
    cloud.run_for(Duration::from_secs(10));
    assert_eq!(summaries(&cloud, 2), 0);
    assert!(cloud.all_lans_reachable());
    assert_eq!(downs(&cloud), []);
}

#[test]
fn interfaces_come_and_go() {
    let mut cloud = running();
    let (third, fourth) = (InterfaceId(5), InterfaceId(6));
    change(&mut cloud, 1, |config| {
        config.interfaces.push(InterfaceConfig::lan(third, "Gi3", ip("172.16.1.1"), 24));
    });
    cloud.run_for(Duration::from_secs(2));
    assert!(cloud.route(2, "172.16.1.0/24").is_some());
    change(&mut cloud, 1, |config| {
        config.interfaces.pop();
        config.interfaces.push(InterfaceConfig::lan(fourth, "Gi4", ip("172.16.2.1"), 24));
    });
    cloud.run_for(Duration::from_secs(2));
    assert!(cloud.route(2, "172.16.1.0/24").is_none() && cloud.route(2, "172.16.2.0/24").is_some());
    assert_eq!(cloud.router(1).interfaces().count(), 3);
    assert_eq!(downs(&cloud), []);
    // The tunnel goes and comes back: whoever is announced then is a neighbour again.
    let tunnel = cloud.nodes[1].config.interfaces[0].clone();
    change(&mut cloud, 1, |config| {
        config.interfaces.remove(0);
    });
    assert_eq!(cloud.router(1).neighbors().count(), 0);
    cloud.run_for(Duration::from_secs(1));
    assert!(cloud.nodes[1].table.is_empty());
    change(&mut cloud, 1, |config| config.interfaces.insert(0, tunnel));
    cloud.register(0, 1);
    cloud.run_for(Duration::from_secs(130));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
}

#[test]
fn a_passive_tunnel_keeps_its_prefix_and_no_neighbour() {
    let mut cloud = running();
    change(&mut cloud, 1, |config| config.interfaces[0].passive = true);
    assert_eq!(cloud.router(1).neighbors().count(), 0);
    cloud.run_for(Duration::from_secs(130));
    assert!(cloud.route(2, "192.168.11.0/24").is_none());
    change(&mut cloud, 1, |config| config.interfaces[0].passive = false);
    cloud.register(0, 1);
    cloud.run_for(Duration::from_secs(40));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
}

#[test]
fn an_area_may_become_a_stub_area() {
    let mut cloud = running();
    let area = AreaId::from(7);
    let kind = AreaKind::Stub { default_cost: 1, no_summary: false };
    for index in 0..3 {
        change(&mut cloud, index, |config| {
            for interface in &mut config.interfaces {
                interface.area = area;
            }
        });
    }
    cloud.run_for(Duration::from_secs(40));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    for index in 0..3 {
        change(&mut cloud, index, |config| config.areas.push(AreaConfig::new(area, kind)));
    }
    cloud.run_for(Duration::from_secs(40));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    assert!(cloud.router(0).summary().areas.iter().all(|view| view.kind == kind));
}

#[test]
fn the_next_hop_mode_and_the_stub_router_change_at_once() {
    let mut cloud = running();
    let gateway =
        |cloud: &Cloud| cloud.route(1, "192.168.12.0/24").and_then(|route| route.next_hops[0].gateway);
    assert_eq!(gateway(&cloud), Some(ip("10.0.0.12")));
    change(&mut cloud, 1, |config| config.interfaces[0].next_hop = NextHopMode::Rfc2328);
    cloud.run_for(Duration::from_secs(1));
    assert_eq!(gateway(&cloud), Some(ip("10.0.0.1")));
    change(&mut cloud, 1, |config| config.interfaces[0].next_hop = NextHopMode::Originator);
    change(&mut cloud, 2, |config| config.stub_router = StubRouter::Always);
    cloud.run_for(Duration::from_secs(2));
    assert_eq!(gateway(&cloud), Some(ip("10.0.0.12")));
    assert!(cloud.router(2).summary().is_stub_router);
    change(&mut cloud, 2, |config| config.stub_router = StubRouter::Never);
    assert!(!cloud.router(2).summary().is_stub_router);
    assert_eq!(downs(&cloud), []);
}

#[test]
fn static_neighbours_are_greeted_and_dropped() {
    let mut cloud = Cloud::star(1);
    cloud.join(ip("10.0.0.1"), ip("10.0.0.11"));
    for index in 0..2 {
        let peer = cloud.address(1 - index, TUNNEL);
        change(&mut cloud, index, |config| config.interfaces[0].neighbors.push(peer));
    }
    cloud.run_for(Duration::from_secs(5));
    assert!(cloud.all_full());
    // NHRP's word does not stop what the configuration says.
    cloud.input(0, Input::PeerDown { interface: TUNNEL, address: ip("10.0.0.11") });
    assert_eq!(cloud.state(0, "10.0.0.11"), NeighborState::Attempt);
    cloud.run_for(Duration::from_secs(40));
    assert!(cloud.all_full());
    change(&mut cloud, 0, |config| config.interfaces[0].neighbors.clear());
    cloud.run_for(Duration::from_secs(40));
    assert!(cloud.all_full(), "it speaks, so it stays");
    cloud.crash(1);
    cloud.run_for(Duration::from_secs(130));
    assert_eq!(cloud.router(0).neighbors().count(), 0);
}

#[test]
fn what_cannot_run_changes_nothing() {
    let mut cloud = running();
    let before = format!("{:?}", cloud.router(1).config());
    let refused = change_checked(&mut cloud, 1, |config| config.router_id = ip("9.9.9.9"));
    assert_eq!(refused, Err(ConfigError::RouterIdChanged));
    let refused = change_checked(&mut cloud, 1, |config| config.interfaces[0].cost = 0);
    assert_eq!(refused, Err(ConfigError::ZeroCost(TUNNEL)));
    assert_eq!(before, format!("{:?}", cloud.router(1).config()));
    assert!(cloud.all_full());
}

/// Everything changes again and again, in the middle of whatever goes on, and ends well.
#[test]
fn constant_change_leaves_nothing_behind() {
    let mut cloud = running();
    for round in 0..60u16 {
        let index = usize::from(round % 3);
        change(&mut cloud, index, |config| {
            let tunnel = &mut config.interfaces[0];
            match round % 7 {
                0 => tunnel.cost = 10 + round,
                1 => tunnel.area = AreaId::from(u32::from(round % 2)),
                2 => tunnel.passive = !tunnel.passive,
                3 => tunnel.mtu = 1000 + round,
                4 => tunnel.prefix_suppression = !tunnel.prefix_suppression,
                5 => tunnel.ttl_security = if tunnel.ttl_security.is_none() { Some(1) } else { None },
                _ => config.interfaces[1].cost = 1 + round,
            }
        });
        cloud.run_for(ms(u64::from(round) * 37 % 900));
    }
    let clean: Vec<Config> = vec![hub(), spoke(11), spoke(12)];
    for (index, config) in clean.into_iter().enumerate() {
        cloud.reconfigure(index, config).expect("valid");
    }
    cloud.register_all();
    cloud.run_for(Duration::from_secs(200));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    for index in 0..3 {
        let router = cloud.router(index);
        assert_eq!(router.summary().areas.len(), 1);
        assert_eq!(router.summary().lsas, 3, "{:?}", router.database().collect::<Vec<_>>());
        assert!(router.neighbors().all(|view| view.retransmission_queue == 0 && view.request_queue == 0));
    }
    let before: Vec<_> = cloud.nodes.iter().map(|node| node.table.clone()).collect();
    cloud.run_for(Duration::from_secs(100));
    assert_eq!(before, cloud.nodes.iter().map(|node| node.table.clone()).collect::<Vec<_>>());
}

/// A laptop that slept: hours pass in one call.
#[test]
fn a_clock_that_jumps_ahead_ends_what_is_over_and_heals() {
    for jump in [Duration::from_secs(130), Duration::from_secs(7200), Duration::from_secs(50 * 86_400)] {
        let mut cloud = running();
        cloud.jump(jump);
        cloud.run_for(Duration::from_secs(1));
        cloud.register_all();
        cloud.run_for(Duration::from_secs(200));
        assert!(cloud.all_full() && cloud.all_lans_reachable(), "{jump:?}");
    }
    // One router alone.
    let mut cloud = running();
    let later = cloud.now + Duration::from_secs(7200);
    cloud.timeout_at(1, later);
    cloud.timeout_at(1, later + ms(20));
    assert!(cloud.nodes[1].table.is_empty(), "its neighbour is dead by its clock");
}

#[test]
fn a_clock_that_goes_back_is_held() {
    let mut cloud = running();
    let before = format!("{:?}", cloud.nodes[1].table);
    let earlier = cloud.origin;
    cloud.timeout_at(1, earlier);
    cloud.run_for(Duration::from_secs(60));
    assert_eq!(before, format!("{:?}", cloud.nodes[1].table));
    assert_eq!(downs(&cloud), []);
}
