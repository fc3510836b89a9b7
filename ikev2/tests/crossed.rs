//! Crossed initiation: two spokes start at the same moment. See the documentation of `Endpoint`.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::time::Duration;

use common::{Net, fast};
use ikev2::{DownReason, Event};

/// The second one starts later by each fraction of the first one's exchange: every interleaving of the eight messages.
#[test]
fn every_offset_ends_with_one_pair_and_never_loses_a_packet() {
    let mut crossed = 0;
    for seed in 0..6 {
        for offset in (0..=50).step_by(5) {
            let mut net = Net::new(vec![fast(1), fast(2)], seed);
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

#[test]
fn crossing_on_a_bad_wire_converges() {
    for seed in 0..40 {
        let mut net = Net::new(vec![fast(1), fast(2)], seed);
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
    let mut net = Net::new(vec![fast(1), fast(2)], 5);
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
