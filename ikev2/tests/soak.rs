//! Random commands on a bad wire, between two and three endpoints; afterwards the wire heals and everybody has to agree.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::time::Duration;

use common::{Net, fast};
use ikev2::{ChildId, DownReason, Dpd, DpdMode, Input, PeerId};
use rand_core::Rng as _;

fn pick(net: &mut Net, below: u32) -> u32 {
    net.rng.next_u32() % below
}

fn peers(net: &Net, node: usize) -> Vec<(PeerId, Vec<ChildId>)> {
    net.nodes[node]
        .endpoint
        .peers()
        .map(|peer| (peer.peer, peer.children.iter().map(|child| child.child).collect()))
        .collect()
}

fn random_command(net: &mut Net) {
    let count = u32::try_from(net.nodes.len()).unwrap();
    let node = usize::try_from(pick(net, count)).unwrap();
    let other = (node + 1 + usize::try_from(pick(net, count - 1)).unwrap()) % net.nodes.len();
    let known = peers(net, node);
    let choice = pick(net, 12);
    let Some((peer, children)) = known.get(usize::try_from(pick(net, 2)).unwrap()).cloned() else {
        return net.connect(node, other);
    };
    let child = children.get(usize::try_from(pick(net, 3)).unwrap()).copied();
    net.note(|| format!("node {node} to {other}: command {choice} {child:?}"));
    match (choice, child) {
        (0..=3, _) => net.connect(node, other),
        (4..=6, Some(child)) => net.input(node, Input::RekeyChild { child }),
        (7..=8, _) => net.input(node, Input::RekeyIke { peer }),
        (9, Some(child)) => net.input(node, Input::ExpireChild { child }),
        (10, _) => net.input(node, Input::Disconnect { peer, reason: DownReason::DeletedByUs }),
        _ => net.input(node, Input::CheckLiveness { peer }),
    }
}

fn soak(nodes: u8, seed: u64) {
    let configs = (1..=nodes)
        .map(|last| {
            let mut config = fast(last);
            // All pairs of limits: one at a time, and many.
            config.send_window = 1 + u8::try_from(seed % 3).unwrap() * last;
            let (interval, retry) = (Duration::from_secs(10), Duration::from_secs(1));
            config.profiles[0].dpd = Some(Dpd { interval, retry, mode: DpdMode::Periodic });
            config
        })
        .collect();
    let mut net = Net::new(configs, seed);
    net.loss = 15;
    net.duplicate = 15;
    net.spread = Duration::from_millis(60);
    for _ in 0..60 {
        random_command(&mut net);
        let pause = u64::from(pick(&mut net, 400));
        net.run(Duration::from_millis(pause));
    }
    net.loss = 0;
    net.run_secs(150);
    for a in 0..nodes.into() {
        for b in 0..nodes.into() {
            if a != b {
                net.connect(a, b);
                net.run_secs(15);
            }
        }
    }
    net.run_secs(60);
    for a in 0..usize::from(nodes) {
        assert_eq!(net.ike_sas(a), usize::from(nodes) - 1, "seed {seed} node {a}");
        let plane = &net.nodes[a].plane;
        assert_eq!(
            plane.inbound.len(),
            usize::from(nodes) - 1,
            "seed {seed} node {a}: {:#?}",
            net.nodes.iter().map(|node| node.endpoint.peers().collect::<Vec<_>>()).collect::<Vec<_>>()
        );
        for b in 0..usize::from(nodes) {
            assert!(a == b || net.carries(a, b), "seed {seed}: {a} -> {b}\n{:?}", net.nodes[a].events);
        }
    }
    for node in 0..usize::from(nodes) {
        net.input(node, Input::Shutdown);
    }
    net.run_secs(200);
    for node in &net.nodes {
        assert!(node.plane.inbound.is_empty() && node.plane.outbound.is_empty(), "seed {seed}");
        assert_eq!(node.endpoint.peers().count(), 0);
        assert_eq!(node.endpoint.poll_timeout(), None, "seed {seed}: {:?}", node.endpoint.timeout_reason());
        assert_eq!(node.endpoint.stats().half_open, 0);
    }
}

#[test]
fn two_nodes() {
    (0..250).for_each(|seed| soak(2, seed));
}

#[test]
fn three_nodes() {
    (0..100).for_each(|seed| soak(3, seed));
}
