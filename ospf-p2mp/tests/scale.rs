//! Many spokes on one hub.
#![allow(clippy::print_stdout, reason = "prints the figures that it checks")]

mod common;

use std::time::Duration;

use common::*;
use ospf_p2mp::{Config, Event, InterfaceConfig, NeighborState};

fn big_star(spokes: u16, change: impl Fn(&mut Config)) -> Cloud {
    let config = |number: u16| {
        let address = std::net::Ipv4Addr::from(0x0a00_0000 + u32::from(number));
        let mut config = Config::new(address);
        let mut tunnel = InterfaceConfig::tunnel(TUNNEL, "Tunnel0", address, 16);
        tunnel.cost = 10;
        config.interfaces.push(tunnel);
        let lan = std::net::Ipv4Addr::from(0xac10_0000 + u32::from(number) * 16 + 1);
        config.interfaces.push(InterfaceConfig::lan(LAN, "Gi2", lan, 28));
        config
    };
    let mut hub = config(1);
    change(&mut hub);
    let mut configs = vec![hub];
    configs.extend((0..spokes).map(|spoke| config(10 + spoke)));
    Cloud::new(configs)
}

/// FRR's and BIRD's Hello outgrows MTU 1400 at 334 neighbours; FRR's hub sends 254 MB for a mass join of 330.
#[test]
fn a_mass_join_of_330_spokes() {
    let mut cloud = big_star(330, |_| ());
    cloud.register_all();
    let full = cloud
        .run_in_steps(Duration::from_secs(60), |cloud| {
            cloud.router(0).summary().areas[0].full_neighbors == 330
        })
        .expect("all Full");
    let routes = cloud
        .run_in_steps(Duration::from_secs(60), |cloud| cloud.nodes.iter().all(|node| node.table.len() >= 330))
        .expect("all routes");
    let megabytes = cloud.nodes[0].sent_octets as f64 / 1e6;
    println!("330 spokes: Full after {full:?}, all routes {routes:?} later, hub sent {megabytes:.1} MB");
    assert!(full < Duration::from_secs(10), "{full:?}");
    assert!(megabytes < 25.0, "{megabytes} MB");
    cloud.run_for(Duration::from_secs(30));
    let before = (cloud.nodes[0].sent, cloud.nodes[0].sent_octets);
    cloud.nodes[0].largest = 0;
    cloud.run_for(Duration::from_secs(300));
    let (sent, octets) = (cloud.nodes[0].sent - before.0, cloud.nodes[0].sent_octets - before.1);
    println!("at rest, 300 s: {sent} packets, {octets} octets, the largest {}", cloud.nodes[0].largest);
    assert_eq!(cloud.nodes[0].largest, 48, "a Hello for one neighbour, whatever their number");
    assert!(octets < 330 * 48 * 13, "one Hello per neighbour and interval");
    let running = cloud.router(0).neighbors().filter(|view| view.state == NeighborState::Full).count();
    assert_eq!(running, 330);
}

/// Figures for larger clouds; a release build takes seconds, a debug build minutes.
/// Run with `cargo test --release -p ospf-p2mp --test scale -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes without optimisation"]
fn a_mass_join_of_a_thousand_spokes() {
    let mut cloud = big_star(1_000, |_| ());
    cloud.register_all();
    let is_full = |cloud: &Cloud| cloud.router(0).summary().areas[0].full_neighbors == 1_000;
    let full = cloud.run_in_steps(Duration::from_secs(120), is_full).expect("all Full");
    let has_routes = |cloud: &Cloud| cloud.nodes.iter().all(|node| node.table.len() >= 1_000);
    let routes = cloud.run_in_steps(Duration::from_secs(120), has_routes).expect("all routes");
    let megabytes = cloud.nodes[0].sent_octets as f64 / 1e6;
    println!("1,000 spokes: Full after {full:?}, all routes {routes:?} later, hub sent {megabytes:.1} MB");
    assert!(full < Duration::from_secs(30) && megabytes < 300.0);
}

#[test]
fn exchanges_are_bounded_and_everybody_gets_a_turn() {
    let mut cloud = big_star(40, |hub| hub.limits.concurrent_exchanges = 3);
    cloud.register_all();
    let mut most = 0;
    let mut waited = 0;
    for _ in 0..2000 {
        cloud.run_for(ms(5));
        let states: Vec<_> = cloud.router(0).neighbors().map(|view| view.state).collect();
        most = most.max(states.iter().filter(|state| state.is_exchanging()).count());
        waited = waited.max(states.iter().filter(|state| **state == NeighborState::TwoWay).count());
    }
    println!("{most} at once, up to {waited} waited");
    assert_eq!(most, 3);
    assert!(waited >= 30, "{waited}");
    assert!(cloud.all_full());
}

/// Beyond 64 KiB others drop links or wrap the length. Here the next neighbour is refused, by name.
#[test]
fn a_full_router_lsa_refuses_the_next_adjacency() {
    let mut cloud = big_star(20, |hub| hub.limits.router_lsa_links = 14);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(100));
    let states: Vec<_> = cloud.router(0).neighbors().map(|view| view.state).collect();
    assert_eq!(states.iter().filter(|state| **state == NeighborState::Full).count(), 10);
    assert!(
        states.iter().all(|state| matches!(state, NeighborState::Full | NeighborState::TwoWay)),
        "{states:?}"
    );
    let told =
        cloud.nodes[0].events.iter().filter(|(_, event)| matches!(event, Event::RouterLsaTooLarge { .. }));
    assert_eq!(told.count(), 10, "once for each");
    assert_eq!(cloud.router(0).stats().adjacencies_refused, 10);
    // When one leaves, one that was refused takes its place with its next Hello.
    let full =
        cloud.router(0).neighbors().find(|view| view.state == NeighborState::Full).expect("one").address;
    let index = cloud.nodes.iter().position(|node| node.config.router_id == full).expect("a spoke");
    cloud.crash(index);
    cloud.input(0, ospf_p2mp::Input::PeerDown { interface: TUNNEL, address: full });
    cloud.run_for(Duration::from_secs(40));
    let full = cloud.router(0).neighbors().filter(|view| view.state == NeighborState::Full).count();
    assert_eq!(full, 10);
}

/// Neighbours that cannot finish, for example because of their MTU, must not keep the others waiting for ever.
#[test]
fn stuck_exchanges_do_not_block_the_others() {
    let mut cloud = big_star(12, |hub| hub.limits.concurrent_exchanges = 2);
    for index in 1..7 {
        cloud.nodes[index].config.interfaces[0].mtu = 1000;
        cloud.crash(index);
        cloud.boot(index);
    }
    cloud.register_all();
    cloud.run_for(Duration::from_secs(120));
    let states: Vec<_> = cloud.router(0).neighbors().map(|view| view.state).collect();
    assert_eq!(states.iter().filter(|state| **state == NeighborState::Full).count(), 6, "{states:?}");
    // An LSA that ends is forgotten in spite of them: at once by others, and by the hub when it stops repeating it to
    // those that do not acknowledge.
    let last = cloud.nodes.len() - 1;
    cloud.input(last, ospf_p2mp::Input::Shutdown);
    let id = cloud.nodes[last].config.router_id;
    let forgotten = |cloud: &Cloud, index: usize| {
        cloud.router(index).database().all(|view| view.header.advertising_router != id)
    };
    cloud.run_for(Duration::from_secs(5));
    assert!(forgotten(&cloud, 7));
    cloud.run_in_steps(Duration::from_secs(200), |cloud| forgotten(cloud, 0)).expect("forgotten");
}

/// Without NHRP's announcements the Hello to all lists all. When the list outgrows the MTU, others fall silent or cut
/// it off; here each neighbour gets its own from then on.
#[test]
fn a_hello_that_outgrows_the_mtu_becomes_many() {
    let mut cloud = big_star(140, |_| ());
    for index in 0..cloud.nodes.len() {
        cloud.nodes[index].config.interfaces[0].mtu = 576;
        cloud.crash(index);
        cloud.boot(index);
    }
    let hub = cloud.nodes[0].config.router_id;
    for index in 1..cloud.nodes.len() {
        let spoke = cloud.nodes[index].config.router_id;
        cloud.join(hub, spoke);
    }
    cloud.run_for(Duration::from_secs(70));
    assert_eq!(cloud.router(0).summary().areas[0].full_neighbors, 140);
    cloud.nodes[0].largest = 0;
    cloud.run_for(Duration::from_secs(300));
    assert_eq!(cloud.nodes[0].largest, 48);
    let downs = cloud.nodes.iter().flat_map(|node| &node.events);
    assert!(!downs.into_iter().any(|(_, event)| matches!(event, Event::NeighborDown { .. })));
}
