//! Crossed initiation: two spokes start at the same moment. See the documentation of `Endpoint`.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::time::Duration;

use common::{Net, fast};
use ikev2::{Config, DownReason, Event};

/// Ends that never wait for what the other one has begun: all interleavings happen.
fn eager(last: u8) -> Config {
    let mut config = fast(last);
    config.yield_to_peer = Duration::ZERO;
    config
}

/// The second one starts later by each fraction of the first one's exchange: every interleaving of the eight messages.
#[test]
fn every_offset_ends_with_one_pair_and_never_loses_a_packet() {
    let mut crossed = 0;
    for seed in 0..6 {
        for offset in (0..=50).step_by(5) {
            let mut net = Net::new(vec![eager(1), eager(2)], seed);
            net.connect(0, 1);
            net.run(Duration::from_millis(offset));
            net.connect(1, 0);
            let (mut up, mut down) = ([net.carries(0, 1), net.carries(1, 0)], 0);
            for _ in 0..200 {
                let until = net.now + Duration::from_millis(100);
                while net.step(until) {
                    for (node, up) in up.iter_mut().enumerate() {
                        let carries = net.carries(node, 1 - node);
                        let selected = !net.nodes[node].plane.selected.is_empty();
                        // Whatever a node would send on is installed at the other one, or its answer is under way.
                        down += usize::from(*up && !carries);
                        *up |= selected && carries;
                    }
                }
                net.now = until;
            }
            assert_eq!(up, [true; 2], "seed {seed} offset {offset}");
            assert_eq!(down, 0, "seed {seed} offset {offset}: a packet would have been lost");
            for node in 0..2 {
                assert_eq!(net.ike_sas(node), 1, "seed {seed} offset {offset} node {node}");
                assert_eq!(net.nodes[node].plane.inbound.len(), 1);
                assert_eq!(net.nodes[node].plane.outbound.len(), 1);
                assert!(
                    !net.has(node, |e| matches!(e, Event::PeerDown { .. } | Event::ConnectFailed { .. }))
                );
                assert_eq!(net.count(node, |e| matches!(e, Event::PeerUp { .. })), 1);
            }
            assert!(net.both_ways(0, 1));
            let retired = (0..2)
                .map(|n| {
                    net.count(n, |e| matches!(e, Event::ChildDown { reason: DownReason::Redundant, .. }))
                })
                .sum::<usize>();
            let pairs: u64 = net.nodes.iter().map(|node| node.endpoint.stats().crossed).sum();
            assert_eq!(pairs, u64::try_from(retired).unwrap(), "only the end that began it retires it");
            crossed += pairs;
        }
    }
    assert!(crossed >= 20, "most offsets cross: {crossed}");
}

/// strongSwan for one does not know the rule, and its kernel may take packets of one of the two only.
#[test]
fn a_peer_that_keeps_both_is_relieved_of_the_redundant_one() {
    let mut its_own = 0;
    for seed in 0..8 {
        let mut other = fast(2);
        other.crossed_grace = Duration::from_secs(3600);
        let mut net = Net::new(vec![fast(1), other], seed);
        net.connect(0, 1);
        net.connect(1, 0);
        net.run_secs(20);
        for node in 0..2 {
            assert_eq!(net.ike_sas(node), 1, "seed {seed} node {node}");
            assert!(!net.has(node, |e| matches!(e, Event::PeerDown { .. })));
        }
        assert!(net.both_ways(0, 1), "seed {seed}");
        its_own += net.nodes[1].endpoint.stats().crossed;
    }
    assert!((1..8).contains(&its_own), "each end began the redundant one sometimes: {its_own}");
}

#[test]
fn crossing_on_a_bad_wire_converges() {
    for seed in 0..40 {
        let mut net = Net::new(vec![eager(1), eager(2)], seed);
        net.loss = 25;
        net.duplicate = 20;
        net.spread = Duration::from_millis(60);
        net.connect(0, 1);
        net.connect(1, 0);
        net.run_secs(20);
        net.loss = 0;
        net.run_secs(60);
        assert!(net.both_ways(0, 1), "seed {seed}: {:?} / {:?}", net.nodes[0].events, net.nodes[1].events);
        for node in 0..2 {
            assert_eq!(net.ike_sas(node), 1, "seed {seed}");
        }
    }
}

/// A spoke that restarted says INITIAL_CONTACT; what it left behind at the other end goes, what is crossing stays.
#[test]
fn restart_replaces_the_old_sa() {
    let mut net = Net::new(vec![eager(1), eager(2)], 5);
    net.connect(0, 1);
    net.run_secs(1);
    let fresh = Net::new(vec![fast(1)], 77);
    let mut fresh = fresh;
    net.nodes[0] = fresh.nodes.remove(0);
    net.run_secs(5);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    assert_eq!(net.ike_sas(1), 1);
    assert!(net.has(1, |e| matches!(e, Event::ChildDown { reason: DownReason::PeerRestarted, .. })));
    assert!(!net.has(1, |e| matches!(e, Event::PeerDown { .. })), "the peer stays the same");
}

/// By default an end whose peer has already begun waits a moment, and then there is nothing to resolve.
#[test]
fn who_comes_second_yields_and_one_handshake_is_enough() {
    for offset in [11, 15, 20, 25, 29] {
        let mut net = Net::new(vec![fast(1), fast(2)], 8);
        net.connect(0, 1);
        net.run(Duration::from_millis(offset));
        net.connect(1, 0);
        net.run_secs(20);
        assert!(net.both_ways(0, 1));
        assert_eq!(net.log.len(), 4, "offset {offset}");
        assert!(net.nodes.iter().all(|node| node.endpoint.stats().crossed == 0));
    }
}

/// The exchange of the peer does not go on: ours begins after the time that it was given, or as soon as it has failed.
#[test]
fn who_yielded_in_vain_begins_after_all() {
    let mut net = Net::new(vec![fast(1), fast(2)], 9);
    net.connect(0, 1);
    net.run(Duration::from_millis(15));
    net.connect(1, 0);
    net.nodes[0].alive = false;
    net.wire.clear();
    net.run(Duration::from_millis(480));
    assert_eq!(net.log.iter().filter(|flight| flight.source.ip() == common::ip(2)).count(), 1, "the answer");
    net.run(Duration::from_millis(20));
    assert_eq!(net.log.last().unwrap().source.ip(), common::ip(2));
    assert_eq!(net.log.last().unwrap().bytes[19], 0x08, "a first request");

    let mut wrong = fast(1);
    wrong.profiles[0].keyring = ikev2::Keyring::any("another secret");
    let mut net = Net::new(vec![wrong, fast(2)], 10);
    net.connect(0, 1);
    net.run(Duration::from_millis(15));
    net.connect(1, 0);
    net.run_secs(10);
    assert!(net.has(1, |e| matches!(e, Event::ConnectFailed { .. })), "the answer to our own attempt");
}

/// Forged first requests from the peer's address do not hold us up for longer than that.
#[test]
fn who_forges_a_first_request_delays_by_half_a_second_at_most() {
    let mut net = Net::new(vec![fast(1), fast(2), fast(3)], 11);
    // The request of a third one arrives as if it came from node 0.
    net.connect(2, 1);
    let flight = net.wire.values().next().unwrap().clone();
    net.wire.clear();
    net.launch(common::Flight { source: std::net::SocketAddr::new(common::ip(1), 500), ..flight });
    net.run(Duration::from_millis(15));
    net.connect(1, 0);
    net.run(Duration::from_millis(560));
    assert!(net.both_ways(0, 1));
}
