//! Rekeys of child SAs and IKE SAs, and everything that can cross them.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::time::Duration;

use common::{Net, fast};
use ikev2::{Config, DownReason, Event, Group, Input};

fn up(configs: Vec<Config>, seed: u64) -> Net {
    let mut net = Net::new(configs, seed);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    net
}

/// Runs while both ends send a packet every few milliseconds; returns how many found no SA at the other end.
fn run_with_traffic(net: &mut Net, duration: Duration) -> usize {
    let end = net.now + duration;
    let mut lost = 0;
    while net.now < end {
        lost += usize::from(!net.ping(0, 1)) + usize::from(!net.ping(1, 0));
        net.run(Duration::from_millis(3));
    }
    lost
}

fn rekeyed(event: &Event) -> bool {
    matches!(event, Event::ChildRekeyed { .. })
}

fn assert_settled(net: &Net, what: &str) {
    assert!(net.both_ways(0, 1), "{what}: {:?} {:?}", net.nodes[0].events, net.nodes[1].events);
    for node in 0..2 {
        let plane = &net.nodes[node].plane;
        assert_eq!((plane.inbound.len(), plane.outbound.len()), (1, 1), "{what}: one pair is left");
        assert_eq!(net.ike_sas(node), 1, "{what}");
        let bad = |e: &Event| matches!(e, Event::ChildDown { .. } | Event::PeerDown { .. });
        assert!(!net.has(node, bad), "{what}: {:?}", net.nodes[node].events);
    }
}

#[test]
fn child_rekey_by_either_side_loses_nothing() {
    for node in 0..2 {
        for pfs in [vec![], vec![Group::Curve25519], vec![Group::Ecp256]] {
            let mut configs = vec![fast(1), fast(2)];
            for config in &mut configs {
                config.profiles[0].child.pfs = pfs.clone();
            }
            let mut net = up(configs, 11);
            let child = net.child(node);
            net.input(node, Input::RekeyChild { child });
            assert_eq!(run_with_traffic(&mut net, Duration::from_secs(8)), 0);
            assert_settled(&net, "child rekey");
            assert_ne!(net.child(node), child);
            for side in 0..2 {
                assert_eq!(net.count(side, rekeyed), 1);
            }
        }
    }
}

#[test]
fn silent_rekey_switches_on_delete() {
    let mut net = up(vec![fast(1), fast(2)], 12);
    let child = net.child(0);
    net.input(0, Input::RekeyChild { child });
    net.run_secs(8);
    assert_settled(&net, "no traffic");
}

#[test]
fn pfs_group_of_the_responder_is_followed() {
    let mut configs = vec![fast(1), fast(2)];
    configs[0].profiles[0].child.pfs = vec![Group::Curve25519];
    configs[1].profiles[0].child.pfs = vec![Group::Curve25519];
    for config in &mut configs {
        config.profiles[0].proposals[0].groups.push(Group::Ecp384);
    }
    let mut net = up(configs, 13);
    let child = net.child(0);
    net.input(0, Input::RekeyChild { child });
    net.run_secs(8);
    assert_settled(&net, "same group");
}

#[test]
fn child_rekey_collision_leaves_one() {
    for seed in 0..8 {
        for offset in [0, 3, 7, 9, 10, 11, 15, 19, 20, 21, 25, 30, 40] {
            let mut net = up(vec![fast(1), fast(2)], seed);
            let (a, b) = (net.child(0), net.child(1));
            net.input(0, Input::RekeyChild { child: a });
            let mut lost = run_with_traffic(&mut net, Duration::from_millis(offset));
            net.input(1, Input::RekeyChild { child: b });
            lost += run_with_traffic(&mut net, Duration::from_secs(12));
            assert_eq!(lost, 0, "seed {seed} offset {offset}");
            assert_settled(&net, &format!("seed {seed} offset {offset}"));
        }
    }
}

#[test]
fn child_rekey_collision_on_a_bad_wire() {
    for seed in 0..30 {
        let mut net = up(vec![fast(1), fast(2)], seed);
        net.loss = 30;
        net.duplicate = 30;
        net.spread = Duration::from_millis(80);
        let (a, b) = (net.child(0), net.child(1));
        net.input(0, Input::RekeyChild { child: a });
        net.input(1, Input::RekeyChild { child: b });
        net.run_secs(20);
        net.loss = 0;
        net.run_secs(40);
        assert_settled(&net, &format!("seed {seed}"));
    }
}

#[test]
fn ike_rekey_keeps_the_children() {
    for node in 0..2 {
        let mut net = up(vec![fast(1), fast(2)], 21);
        let child = net.child(0);
        let before = net.nodes[0].endpoint.peers().next().unwrap().ike_sas[0].spi_i;
        let peer = net.peer(node);
        net.input(node, Input::RekeyIke { peer });
        assert_eq!(run_with_traffic(&mut net, Duration::from_secs(10)), 0);
        assert_settled(&net, "IKE rekey");
        assert_eq!(net.child(0), child);
        let view = net.nodes[0].endpoint.peers().next().unwrap();
        assert_ne!(view.ike_sas[0].spi_i, before);
        assert_eq!(net.count(0, |e| matches!(e, Event::IkeRekeyed { .. })), 1);
        // The new SA works, both ways.
        for side in 0..2 {
            let child = net.child(side);
            net.input(side, Input::RekeyChild { child });
            net.run_secs(10);
            assert_settled(&net, "child rekey after IKE rekey");
        }
    }
}

#[test]
fn ike_rekey_collision_leaves_one() {
    for seed in 0..8 {
        for offset in [0, 5, 9, 10, 11, 15, 20, 21, 25, 30, 45] {
            let mut net = up(vec![fast(1), fast(2)], seed);
            let (a, b) = (net.peer(0), net.peer(1));
            net.input(0, Input::RekeyIke { peer: a });
            net.run(Duration::from_millis(offset));
            net.input(1, Input::RekeyIke { peer: b });
            assert_eq!(run_with_traffic(&mut net, Duration::from_secs(60)), 0);
            assert_settled(&net, &format!("seed {seed} offset {offset}"));
            let child = net.child(0);
            net.input(0, Input::RekeyChild { child });
            net.run_secs(10);
            assert_settled(&net, &format!("seed {seed} offset {offset}, afterwards"));
            assert_ne!(net.child(0), child);
        }
    }
}

#[test]
fn ike_rekey_against_child_rekey() {
    for seed in 0..6 {
        for offset in [0, 5, 10, 15, 20, 25, 30, 35] {
            let mut net = up(vec![fast(1), fast(2)], seed);
            let (peer, child) = (net.peer(0), net.child(1));
            net.input(0, Input::RekeyIke { peer });
            net.run(Duration::from_millis(offset));
            net.input(1, Input::RekeyChild { child });
            assert_eq!(run_with_traffic(&mut net, Duration::from_secs(60)), 0);
            assert_settled(&net, &format!("seed {seed} offset {offset}"));
            assert_ne!(net.child(1), child, "the child was rekeyed in the end");
        }
    }
}

#[test]
fn everything_at_once_on_a_bad_wire_converges() {
    for seed in 0..30 {
        let mut net = up(vec![fast(1), fast(2)], seed);
        net.loss = 20;
        net.duplicate = 20;
        net.spread = Duration::from_millis(50);
        for node in 0..2 {
            let (peer, child) = (net.peer(node), net.child(node));
            net.input(node, Input::RekeyIke { peer });
            net.input(node, Input::RekeyChild { child });
            net.run(Duration::from_millis(17));
        }
        net.run_secs(20);
        net.loss = 0;
        net.run_secs(120);
        assert_settled(&net, &format!("seed {seed}"));
    }
}

#[test]
fn lifetimes_rekey_by_themselves_for_a_day() {
    let mut configs = vec![fast(1), fast(2)];
    for config in &mut configs {
        config.profiles[0].lifetime = Duration::from_secs(20_000);
    }
    let mut net = up(configs, 31);
    net.run_secs(86_400);
    assert_settled(&net, "a day");
    let stats = net.nodes[0].endpoint.stats();
    assert!(stats.child_rekeys >= 23 && stats.ike_rekeys >= 4, "{stats:?}");
}

/// Section 2.25.1: a rekey of an SA that is being deleted gets TEMPORARY_FAILURE, and the delete wins. What replaces it
/// is a new one.
#[test]
fn rekey_of_a_child_that_is_being_deleted() {
    let mut net = up(vec![fast(1), fast(2)], 32);
    let (ours, theirs) = (net.child(0), net.child(1));
    // The first request of the end that gives the SA up gets lost once.
    net.filter = Some(Box::new(|flight| flight.source.ip() == common::ip(2)));
    net.input(1, Input::ExpireChild { child: theirs });
    net.filter = None;
    net.input(0, Input::RekeyChild { child: ours });
    net.run_secs(40);
    assert!(net.nodes[0].endpoint.stats().temporary_failures >= 1);
    assert!(net.has(1, |e| matches!(e, Event::ChildDown { reason: DownReason::LifetimeExpired, .. })));
    assert!(net.both_ways(0, 1), "{:?} {:?}", net.nodes[0].events, net.nodes[1].events);
    for node in 0..2 {
        assert_eq!((net.nodes[node].plane.inbound.len(), net.ike_sas(node)), (1, 1), "node {node}");
    }
}

/// A rekey that was started in time is under way when the hard limit comes, at one end or at both: the limit is not
/// stretched, and there is an SA again as soon as a message gets through. No end is left without one.
#[test]
fn hard_limit_while_a_rekey_is_under_way() {
    for (rekeys, expires) in
        [(vec![0], vec![0]), (vec![0], vec![1]), (vec![0], vec![0, 1]), (vec![0, 1], vec![0, 1])]
    {
        for seed in 0..4 {
            for offset in [0, 5, 10, 15, 20, 25, 35] {
                for lossy in [false, true] {
                    let mut net = up(vec![fast(1), fast(2)], seed);
                    let children = [net.child(0), net.child(1)];
                    net.loss = if lossy { 40 } else { 0 };
                    for node in &rekeys {
                        net.input(*node, Input::RekeyChild { child: children[*node] });
                    }
                    net.run(Duration::from_millis(offset));
                    for node in &expires {
                        net.input(*node, Input::ExpireChild { child: children[*node] });
                    }
                    net.run_secs(3);
                    net.loss = 0;
                    net.run_secs(30);
                    let what = format!("{rekeys:?} {expires:?} seed {seed} offset {offset} lossy {lossy}");
                    assert_eq!(run_with_traffic(&mut net, Duration::from_secs(40)), 0, "{what}");
                    assert!(net.both_ways(0, 1), "{what}");
                    for node in 0..2 {
                        let plane = &net.nodes[node].plane;
                        assert_eq!((plane.inbound.len(), plane.outbound.len()), (1, 1), "{what} node {node}");
                        assert_eq!(net.ike_sas(node), 1, "{what}");
                        assert!(!net.has(node, |e| matches!(e, Event::PeerDown { .. })), "{what}");
                    }
                }
            }
        }
    }
}

/// A hard limit without any rekey, at one end or at both at the same moment: the two new child SAs cross.
#[test]
fn hard_limit_brings_a_new_child_at_once() {
    for expires in [vec![0], vec![1], vec![0, 1]] {
        for seed in 0..40 {
            for (loss, spread) in [(0, 0), (0, 40), (30, 60)] {
                let mut net = up(vec![fast(1), fast(2)], seed);
                let children = [net.child(0), net.child(1)];
                (net.loss, net.duplicate, net.spread) = (loss, loss, Duration::from_millis(spread));
                for node in &expires {
                    net.input(*node, Input::ExpireChild { child: children[*node] });
                    net.run(Duration::from_millis(7));
                }
                if loss == 0 {
                    net.run(Duration::from_millis(30 + 4 * spread));
                    assert!(net.both_ways(0, 1), "one round trip later");
                }
                net.run_secs(20);
                net.loss = 0;
                net.run_secs(40);
                let what = format!("{expires:?} seed {seed} loss {loss} spread {spread}");
                assert!(net.both_ways(0, 1), "{what} {:?} {:?}", net.nodes[0].events, net.nodes[1].events);
                for node in 0..2 {
                    let plane = &net.nodes[node].plane;
                    assert_eq!((plane.inbound.len(), plane.outbound.len()), (1, 1), "{what} node {node}");
                }
            }
        }
    }
}

/// Short lifetimes leave time for all repetitions of a rekey.
#[test]
fn rekey_starts_in_time_for_all_its_repetitions() {
    let mut configs = vec![fast(1), fast(2)];
    for config in &mut configs {
        config.profiles[0].child.lifetime = Duration::from_secs(120);
    }
    for seed in 0..5 {
        let mut net = up(configs.clone(), seed);
        // Everything is lost for 30 s, in which each rekey of a 120 s lifetime begins.
        net.run_secs(60);
        net.loss = 100;
        assert_eq!(run_with_traffic(&mut net, Duration::from_secs(30)), 0, "seed {seed}");
        assert!(net.nodes.iter().any(|node| node.endpoint.stats().retransmitted >= 3));
        net.loss = 0;
        assert_eq!(run_with_traffic(&mut net, Duration::from_secs(50)), 0, "seed {seed}");
        assert_settled(&net, "a rekey that took long");
    }
}

/// Section 1.3: the responder wants another group than the one that the value is for. The request is repeated with that
/// group, and nothing is lost meanwhile.
#[test]
fn wrong_group_in_a_child_rekey_is_corrected() {
    let mut configs = vec![fast(1), fast(2)];
    configs[0].profiles[0].child.pfs = vec![Group::Curve25519, Group::Ecp256];
    configs[1].profiles[0].child.pfs = vec![Group::Ecp256, Group::Curve25519];
    for node in 0..2 {
        let mut net = up(configs.clone(), 33);
        let (child, before) = (net.child(node), net.log.len());
        net.input(node, Input::RekeyChild { child });
        assert_eq!(run_with_traffic(&mut net, Duration::from_secs(8)), 0);
        assert_settled(&net, "child rekey with another group");
        assert_ne!(net.child(node), child);
        assert_eq!(net.log.len() - before, 6, "refused, accepted, deleted");
    }
}

/// The same for the IKE SA: it was made with the initiator's group, and the other end, which prefers another one, is
/// asked for a rekey.
#[test]
fn wrong_group_in_an_ike_rekey_is_corrected() {
    let mut configs = vec![fast(1), fast(2)];
    configs[0].profiles[0].proposals[0].groups = vec![Group::Curve25519, Group::Ecp256];
    configs[1].profiles[0].proposals[0].groups = vec![Group::Ecp256, Group::Curve25519];
    let mut net = up(configs, 34);
    assert_eq!(net.nodes[0].endpoint.peers().next().unwrap().ike_sas[0].suite.group, Group::Ecp256);
    let (peer, before) = (net.peer(1), net.log.len());
    net.input(1, Input::RekeyIke { peer });
    assert_eq!(run_with_traffic(&mut net, Duration::from_secs(8)), 0);
    assert_settled(&net, "IKE rekey with another group");
    assert_eq!(net.nodes[0].endpoint.peers().next().unwrap().ike_sas[0].suite.group, Group::Curve25519);
    assert_eq!(net.log.len() - before, 6, "refused, accepted, deleted");
}

/// The group that the peer wants must be one that was offered.
#[test]
fn a_group_that_was_not_offered_is_no_group() {
    let mut configs = vec![fast(1), fast(2)];
    configs[0].profiles[0].child.pfs = vec![Group::Curve25519];
    configs[1].profiles[0].child.pfs = vec![Group::Ecp256];
    let mut net = up(configs, 35);
    let child = net.child(0);
    net.input(0, Input::RekeyChild { child });
    assert_eq!(run_with_traffic(&mut net, Duration::from_secs(8)), 0);
    assert_eq!(net.child(0), child, "no proposal in common, so the old one goes on");
    assert!(net.has(1, |e| matches!(e, Event::Refused { .. })));
}
