//! Graceful restart, the helper's side (RFC 3623 section 3).

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::*;
use ospf_p2mp::wire::{AuthField, LsUpdate, Lsa, LsaKey, MAX_AGE, Options, Packet, PacketBody};
use ospf_p2mp::{AreaId, Event, ExternalRoute, HelpEnd, Input, Redistribute};

const SPOKE: &str = "10.0.0.12";

/// The second spoke says that it restarts, and the hub hears it.
fn announce(cloud: &mut Cloud, sequence: i32, age: u16, body: &'static [u8]) {
    let key = LsaKey::new(9, ip("3.0.0.0"), ip(SPOKE));
    let mut lsa = Lsa::new(key, Options::E, sequence, Bytes::from_static(body)).expect("small");
    lsa.header.age = age;
    let packet = Packet {
        router_id: ip(SPOKE),
        area: AreaId::BACKBONE,
        auth: AuthField::Null([0; 8]),
        body: PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![lsa] }),
        trailer: Bytes::new(),
    };
    let payload = packet.encode().expect("small");
    let (source, destination) = (ip(SPOKE), ip("10.0.0.1"));
    cloud.input(0, Input::Packet { interface: TUNNEL, source, destination, ttl: 1, payload: &payload });
}

fn running(spokes: u8) -> Cloud {
    let mut cloud = Cloud::star(spokes);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    assert!(cloud.all_lans_reachable());
    cloud
}

fn helps(cloud: &Cloud) -> Vec<u32> {
    let periods = cloud.nodes[0].events.iter().filter_map(|(_, event)| match event {
        Event::RestartHelped { grace_period, .. } => Some(*grace_period),
        _ => None,
    });
    periods.collect()
}

fn ends(cloud: &Cloud) -> Vec<HelpEnd> {
    let ends = cloud.nodes[0].events.iter().filter_map(|(_, event)| match event {
        Event::RestartHelpEnded { end, .. } => Some(*end),
        _ => None,
    });
    ends.collect()
}

/// Period 100 s, reason, interface address.
const GRACE: &[u8] = &[0, 1, 0, 4, 0, 0, 0, 100, 0, 2, 0, 1, 1, 0, 0, 0, 0, 3, 0, 4, 10, 0, 0, 12];

#[test]
fn nobody_notices_a_restart_that_is_helped() {
    let mut cloud = running(2);
    announce(&mut cloud, 1, 0, GRACE);
    assert_eq!(helps(&cloud), [100]);
    let before = cloud.nodes[1].changes.len();
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(30));
    cloud.boot(2);
    cloud.register(0, 2);
    cloud.run_for(Duration::from_secs(30));
    assert!(cloud.all_full() && cloud.all_lans_reachable());
    let lan = net("192.168.12.0/24");
    let touched = cloud.nodes[1].changes[before..].iter().filter(|(_, change)| change.prefix() == lan);
    assert_eq!(touched.count(), 0);
    assert_eq!(ends(&cloud), [HelpEnd::Completed]);
}

#[test]
fn help_ends_with_the_grace_period() {
    let mut cloud = running(2);
    announce(&mut cloud, 1, 0, &[0, 1, 0, 4, 0, 0, 0, 150]);
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(145));
    assert!(cloud.route(1, "192.168.12.0/24").is_some(), "beyond the dead interval");
    assert_eq!(ends(&cloud), []);
    cloud.run_for(Duration::from_secs(10));
    assert!(cloud.route(1, "192.168.12.0/24").is_none());
    assert_eq!(ends(&cloud), [HelpEnd::Expired]);
}

#[test]
fn the_flushed_grace_lsa_ends_help() {
    let mut cloud = running(2);
    announce(&mut cloud, 1, 0, GRACE);
    announce(&mut cloud, 2, MAX_AGE, GRACE);
    assert_eq!(ends(&cloud), [HelpEnd::Completed]);
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(121));
    assert!(cloud.route(1, "192.168.12.0/24").is_none(), "dead like any other");
}

/// Section 3.2 (3): whoever restarts cannot learn of a change and may send packets in a circle.
#[test]
fn a_change_of_topology_ends_help() {
    let mut cloud = running(3);
    announce(&mut cloud, 1, 0, GRACE);
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(10));
    assert_eq!(ends(&cloud), []);
    // The third spoke leaves.
    cloud.crash(3);
    cloud.input(0, Input::PeerDown { interface: TUNNEL, address: ip("10.0.0.13") });
    cloud.run_for(Duration::from_secs(1));
    assert_eq!(ends(&cloud), [HelpEnd::TopologyChanged]);
    assert!(cloud.route(1, "192.168.12.0/24").is_some(), "its dead timer still runs");
    cloud.run_for(Duration::from_secs(115));
    assert!(cloud.route(1, "192.168.12.0/24").is_none());
}

/// The dead timer that was put off while help lasted is made up for.
#[test]
fn a_change_after_the_dead_interval_ends_help_and_the_neighbour() {
    let mut cloud = running(3);
    announce(&mut cloud, 1, 0, &[0, 1, 0, 4, 0, 0, 3, 0xe8]);
    cloud.crash(2);
    cloud.run_for(Duration::from_secs(300));
    assert!(cloud.route(1, "192.168.12.0/24").is_some());
    let route = ExternalRoute::new(net("172.16.0.0/16"));
    cloud.input(3, Input::Redistribute(Redistribute::Add(route)));
    cloud.run_for(Duration::from_secs(2));
    assert_eq!(ends(&cloud), [HelpEnd::TopologyChanged]);
    assert!(cloud.route(1, "192.168.12.0/24").is_none());
}

#[test]
fn a_refresh_is_no_change() {
    let mut cloud = Cloud::star(3);
    for index in 0..4 {
        cloud.nodes[index].config.timers.refresh = Duration::from_secs(100);
        cloud.crash(index);
        cloud.boot(index);
    }
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    announce(&mut cloud, 1, 0, &[0, 1, 0, 4, 0, 0, 3, 0xe8]);
    cloud.crash(2);
    let before = cloud.router(3).stats().originated;
    cloud.run_for(Duration::from_secs(400));
    assert!(cloud.router(3).stats().originated >= before + 3, "refreshed");
    assert_eq!(ends(&cloud), []);
    assert!(cloud.route(1, "192.168.12.0/24").is_some());
}

#[test]
fn without_strictness_a_change_is_put_up_with() {
    let mut cloud = Cloud::star(3);
    cloud.nodes[0].config.graceful_restart_strict = false;
    cloud.crash(0);
    cloud.boot(0);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    announce(&mut cloud, 1, 0, GRACE);
    cloud.crash(2);
    cloud.crash(3);
    cloud.input(0, Input::PeerDown { interface: TUNNEL, address: ip("10.0.0.13") });
    cloud.run_for(Duration::from_secs(90));
    assert_eq!(ends(&cloud), []);
    assert!(cloud.route(1, "192.168.12.0/24").is_some());
    cloud.run_for(Duration::from_secs(31));
    assert_eq!(ends(&cloud), [HelpEnd::Expired]);
}

/// Section 3.1: not for a neighbour that still has to learn of a change, not with help switched off, and not for an age
/// beyond the period.
#[test]
fn help_is_refused_when_it_would_be_a_risk() {
    let mut cloud = running(2);
    // The change is on its way to the second spoke.
    let route = ExternalRoute::new(net("172.16.0.0/16"));
    cloud.input(0, Input::Redistribute(Redistribute::Add(route)));
    cloud.run_for(ms(60));
    announce(&mut cloud, 1, 0, GRACE);
    assert_eq!(helps(&cloud), []);
    cloud.run_for(Duration::from_secs(10));
    announce(&mut cloud, 2, 101, GRACE);
    assert_eq!(helps(&cloud), [], "over already");
    announce(&mut cloud, 3, 0, GRACE);
    assert_eq!(helps(&cloud), [100], "acknowledged by now");

    let mut cloud = Cloud::star(2);
    cloud.nodes[0].config.graceful_restart_helper = false;
    cloud.crash(0);
    cloud.boot(0);
    cloud.register_all();
    cloud.run_for(Duration::from_secs(20));
    announce(&mut cloud, 1, 0, GRACE);
    assert_eq!(helps(&cloud), []);
}

#[test]
fn a_registration_that_ends_ends_help() {
    let mut cloud = running(2);
    announce(&mut cloud, 1, 0, GRACE);
    cloud.input(0, Input::PeerDown { interface: TUNNEL, address: ip(SPOKE) });
    assert_eq!(ends(&cloud), [HelpEnd::NeighborLost]);
    cloud.run_for(Duration::from_secs(2));
    assert!(cloud.route(1, "192.168.12.0/24").is_none());
}
