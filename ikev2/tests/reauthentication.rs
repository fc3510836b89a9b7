//! Reauthentication, make before break.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use common::{Nat, Net, fast, ip};
use ikev2::{Config, DownReason, Event, FailureReason, Input};

fn up(configs: Vec<Config>, seed: u64) -> Net {
    let mut net = Net::new(configs, seed);
    net.connect(0, 1);
    net.run_secs(5);
    assert!(net.both_ways(0, 1));
    net
}

/// Both ends send all the time, with packets that are under way for as long as anything else; returns how many met no SA.
fn run_with_traffic(net: &mut Net, duration: Duration) -> usize {
    let end = net.now + duration;
    let mut lost = 0;
    while net.now < end {
        let sent: Vec<_> = (0..2).map(|node| (node, net.outbound_spi(node))).collect();
        net.run(Duration::from_millis(10));
        for (node, spi) in sent {
            lost += usize::from(!spi.is_some_and(|spi| net.arrives(1 - node, spi)));
        }
    }
    lost
}

fn spis(net: &Net) -> Vec<u64> {
    net.nodes[0].endpoint.peers().flat_map(|peer| peer.ike_sas).map(|sa| sa.spi_i).collect()
}

#[test]
fn either_end_reauthenticates_and_no_packet_is_lost() {
    for node in 0..2 {
        for seed in 0..6 {
            let mut net = up(vec![fast(1), fast(2)], seed);
            let (peer, peers, before) = (net.peer(node), [net.peer(0), net.peer(1)], spis(&net));
            net.input(node, Input::Reauthenticate { peer });
            assert_eq!(run_with_traffic(&mut net, Duration::from_secs(20)), 0, "node {node} seed {seed}");
            assert!(net.has(node, |e| matches!(e, Event::Reauthenticated { .. })));
            assert_eq!(net.nodes[node].endpoint.stats().reauthentications, 1);
            assert_eq!([net.peer(0), net.peer(1)], peers, "the peers keep their names");
            let after = spis(&net);
            assert!(after.len() == 1 && after != before, "{before:?} {after:?}");
            for side in 0..2 {
                assert_eq!(net.nodes[side].plane.inbound.len(), 1);
                let down = |e: &Event| matches!(e, Event::PeerDown { .. } | Event::ConnectFailed { .. });
                assert!(!net.has(side, down), "{:?}", net.nodes[side].events);
            }
        }
    }
}

#[test]
fn both_ends_at_once_end_with_one() {
    for seed in 0..20 {
        let mut net = up(vec![fast(1), fast(2)], seed);
        for node in 0..2 {
            let peer = net.peer(node);
            net.input(node, Input::Reauthenticate { peer });
            net.run(Duration::from_millis(seed));
        }
        assert_eq!(run_with_traffic(&mut net, Duration::from_secs(30)), 0, "seed {seed}");
        for node in 0..2 {
            assert_eq!((net.ike_sas(node), net.nodes[node].plane.inbound.len()), (1, 1), "seed {seed}");
        }
    }
}

/// The other end rekeys the old IKE SA meanwhile: what comes of that goes as well.
#[test]
fn against_a_rekey_of_the_other_end() {
    for seed in 0..4 {
        for offset in (0..60).step_by(6) {
            let mut net = up(vec![fast(1), fast(2)], seed);
            let peers = [net.peer(0), net.peer(1)];
            net.input(0, Input::Reauthenticate { peer: peers[0] });
            net.run(Duration::from_millis(offset));
            net.input(1, Input::RekeyIke { peer: peers[1] });
            assert_eq!(run_with_traffic(&mut net, Duration::from_secs(60)), 0, "seed {seed} offset {offset}");
            for node in 0..2 {
                let what = format!("seed {seed} offset {offset} node {node}");
                assert_eq!((net.ike_sas(node), net.nodes[node].plane.inbound.len()), (1, 1), "{what}");
            }
        }
    }
}

#[test]
fn at_the_end_of_the_lifetime() {
    let mut configs = vec![fast(1), fast(2)];
    configs[0].profiles[0].lifetime = Duration::from_secs(600);
    configs[0].profiles[0].reauthenticate = true;
    let mut net = up(configs, 3);
    assert_eq!(run_with_traffic(&mut net, Duration::from_secs(1300)), 0);
    let stats = net.nodes[0].endpoint.stats();
    assert_eq!((stats.reauthentications, stats.ike_rekeys), (2, 0));
    assert_eq!(net.ike_sas(0), 1);
}

#[test]
fn a_peer_behind_a_nat_is_reached_on_the_path_that_it_has() {
    let mut net = Net::new(vec![fast(1), fast(2)], 4);
    net.nats.push(Nat { inside: ip(1), outside: ip(9), mappings: BTreeMap::new(), next: 30_000 });
    net.connect(0, 1);
    net.run_secs(5);
    let peer = net.peer(1);
    net.input(1, Input::Reauthenticate { peer });
    net.run_secs(20);
    assert!(net.has(1, |e| matches!(e, Event::Reauthenticated { .. })), "{:?}", net.nodes[1].events);
    let view = net.nodes[1].endpoint.peers().next().unwrap();
    assert_eq!((view.peer, view.ike_sas.len(), view.ike_sas[0].initiator), (peer, 1, true));
    assert!(view.ike_sas[0].nat_remote && view.children[0].udp_encapsulation);
}

#[test]
fn what_was_there_stays_when_it_fails() {
    let mut net = up(vec![fast(1), fast(2)], 5);
    let (peer, before) = (net.peer(0), spis(&net));
    // First requests get lost; everything else passes.
    net.filter = Some(Box::new(|flight| flight.bytes.get(18) == Some(&34)));
    net.input(0, Input::Reauthenticate { peer });
    net.run_secs(100);
    let reason = FailureReason::Timeout;
    assert!(net.has(0, |e| matches!(e, Event::ReauthenticationFailed { reason: r, .. } if *r == reason)));
    assert_eq!(spis(&net), before);
    assert!(net.both_ways(0, 1));
}

/// No rekey comes through until the lifetime ends: the connection is made anew at once.
#[test]
fn an_ike_sa_that_expires_is_made_anew() {
    let mut configs = vec![fast(1), fast(2)];
    configs[0].profiles[0].lifetime = Duration::from_secs(300);
    configs[1].profiles[0].lifetime = Duration::from_secs(86_000);
    let mut net = up(configs, 6);
    // The peer refuses each rekey: it is busy for ever.
    net.filter = Some(Box::new(|flight| flight.bytes.get(18) == Some(&36)));
    net.run_secs(200);
    net.run_secs(150);
    assert!(net.has(0, |e| matches!(
        e,
        Event::PeerDown { reason: DownReason::LifetimeExpired | DownReason::DeadPeer, .. }
    )));
    net.filter = None;
    net.connect(0, 1);
    net.run_secs(10);
    assert!(net.both_ways(0, 1));
}
