//! NAT on either side, keepalives, rebinding, forced UDP encapsulation.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use common::{Nat, Net, fast, ip};
use ikev2::{Event, Input, TrafficSelector};

fn nat(inside: u8, outside: u8) -> Nat {
    Nat { inside: ip(inside), outside: ip(outside), mappings: BTreeMap::new(), next: 30_000 }
}

#[test]
fn initiator_behind_nat_floats_and_the_selectors_are_substituted() {
    let mut net = Net::new(vec![fast(1), fast(2)], 1);
    net.nats.push(nat(1, 9));
    net.connect(0, 1);
    net.run_secs(1);
    assert!(
        net.has(0, |e| matches!(e, Event::ChildUp { .. }))
            && net.has(1, |e| matches!(e, Event::ChildUp { .. }))
    );
    let spoke = net.nodes[0].endpoint.peers().next().unwrap();
    assert!(spoke.ike_sas[0].nat_local && !spoke.ike_sas[0].nat_remote);
    assert_eq!(spoke.ike_sas[0].path.remote, SocketAddr::new(ip(2), 4500));
    assert!(spoke.children[0].udp_encapsulation);
    // Each end protects what it sees on its own side of the NAT.
    assert_eq!(spoke.children[0].local_selectors, [TrafficSelector::host(47, ip(1))]);
    let hub = net.nodes[1].endpoint.peers().next().unwrap();
    assert!(hub.ike_sas[0].nat_remote && !hub.ike_sas[0].nat_local);
    assert_eq!(hub.remote.ip(), ip(9));
    assert_eq!(hub.children[0].remote_selectors, [TrafficSelector::host(47, ip(9))]);
    // IKE_SA_INIT without marker on 500, IKE_AUTH with marker on 4500.
    assert!(net.log.iter().take(2).all(|flight| !flight.marker));
    assert!(net.log.iter().skip(2).all(|flight| flight.marker));
    let inbound = net.nodes[1].plane.inbound.values().next().unwrap();
    assert_eq!(inbound.2.remote, hub.remote);
    assert!(inbound.2.udp_encapsulation);
}

#[test]
fn keepalives_come_from_the_side_behind_the_nat_only() {
    let mut net = Net::new(vec![fast(1), fast(2)], 2);
    net.nats.push(nat(1, 9));
    net.connect(0, 1);
    net.run_secs(1);
    let before = net.log.len();
    net.run_secs(100);
    let sent = &net.log[before..];
    assert_eq!(sent.len(), 5);
    assert!(
        sent.iter().all(|flight| flight.bytes == [0xff] && !flight.marker && flight.source.ip() == ip(9))
    );
}

#[test]
fn responder_behind_static_nat() {
    let mut net = Net::new(vec![fast(1), fast(2)], 3);
    let mut hub = nat(2, 8);
    hub.mappings.insert(500, 500);
    hub.mappings.insert(4500, 4500);
    net.nats.push(hub);
    let profile = ikev2::ProfileId(0);
    net.input(0, Input::Connect { remote: ip(8), profile });
    net.run_secs(1);
    let spoke = net.nodes[0].endpoint.peers().next().unwrap();
    assert!(spoke.ike_sas[0].nat_remote);
    assert_eq!(spoke.children[0].remote_selectors, [TrafficSelector::host(47, ip(8))]);
    let hub = net.nodes[1].endpoint.peers().next().unwrap();
    assert!(hub.ike_sas[0].nat_local);
    assert_eq!(hub.children[0].local_selectors, [TrafficSelector::host(47, ip(2))]);
}

#[test]
fn rebinding_is_followed_by_ike_and_by_esp_and_the_peer_stays_the_same() {
    let mut net = Net::new(vec![fast(1), fast(2)], 4);
    net.nats.push(nat(1, 9));
    net.connect(0, 1);
    net.run_secs(1);
    let (hub_peer, spoke_peer) = (net.peer(1), net.peer(0));
    net.nats[0].mappings.clear();
    net.input(0, Input::CheckLiveness { peer: spoke_peer });
    net.run_secs(1);
    let moved = net.nodes[1].endpoint.peers().next().unwrap();
    assert_eq!(moved.peer, hub_peer);
    assert_eq!(moved.remote.port(), 30_003);
    assert!(net.has(1, |e| matches!(e, Event::PeerMoved { to, .. } if to.port() == 30_003)));
    let child = net.child(1);
    let remote = SocketAddr::new(ip(9), 40_000);
    net.input(1, Input::EndpointObserved { child, remote });
    assert_eq!(net.nodes[1].endpoint.peers().next().unwrap().remote, remote);
    let elsewhere = SocketAddr::new(ip(7), 40_000);
    net.input(1, Input::EndpointObserved { child, remote: elsewhere });
    let view = net.nodes[1].endpoint.peers().next().unwrap();
    assert_eq!((view.peer, view.remote), (hub_peer, elsewhere));
}

#[test]
fn without_nat_nobody_moves_a_peer() {
    let mut net = Net::new(vec![fast(1), fast(2)], 5);
    net.connect(0, 1);
    net.run_secs(1);
    let child = net.child(1);
    net.input(1, Input::EndpointObserved { child, remote: SocketAddr::new(ip(7), 4500) });
    assert_eq!(net.nodes[1].endpoint.peers().next().unwrap().remote, SocketAddr::new(ip(1), 500));
}

#[test]
fn forced_encapsulation_without_nat() {
    let mut config = fast(1);
    config.profiles[0].force_udp_encapsulation = true;
    let mut net = Net::new(vec![config, fast(2)], 6);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    for node in 0..2 {
        let view = net.nodes[node].endpoint.peers().next().unwrap();
        assert!(view.children[0].udp_encapsulation, "node {node}");
    }
}

/// A replayed old request from somewhere else must not move the peer.
#[test]
fn old_request_from_elsewhere_does_not_move_the_peer() {
    let mut net = Net::new(vec![fast(1), fast(2)], 7);
    net.nats.push(nat(1, 9));
    net.connect(0, 1);
    net.run_secs(1);
    let peer = net.peer(0);
    net.input(0, Input::CheckLiveness { peer });
    net.run_secs(1);
    let mut old = net.log.iter().rfind(|flight| flight.source.ip() == ip(9)).unwrap().clone();
    let before = net.nodes[1].endpoint.peers().next().unwrap().remote;
    old.source = SocketAddr::new(ip(66), 6666);
    net.launch(old);
    net.run_secs(1);
    assert_eq!(net.nodes[1].endpoint.peers().next().unwrap().remote, before);
}

#[test]
fn two_spokes_behind_one_nat_are_two_peers() {
    let mut net = Net::new(vec![fast(1), fast(2), fast(3)], 8);
    net.nats.push(nat(1, 9));
    let mut second = nat(3, 9);
    second.next = 50_000;
    net.nats.push(second);
    net.connect(0, 1);
    net.connect(2, 1);
    net.run_secs(1);
    let hub: Vec<_> = net.nodes[1].endpoint.peers().collect();
    assert_eq!(hub.len(), 2);
    assert_eq!(hub[0].remote.ip(), hub[1].remote.ip());
    assert_ne!(hub[0].identity, hub[1].identity);
    assert_eq!(net.nodes[1].plane.selected.len(), 2);
}
