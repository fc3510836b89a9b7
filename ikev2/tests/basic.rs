//! The guide's exchange between two endpoints, and how it ends.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use common::{Net, guide, ip};
use ikev2::{DownReason, Event, Input, Mode};

#[test]
fn guide_suite_comes_up_in_two_round_trips() {
    let mut net = Net::new(vec![guide(1), guide(2)], 1);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1), "{:?} {:?}", net.nodes[0].events, net.nodes[1].events);
    assert_eq!(net.log.len(), 4);
    for (node, other, initiator) in [(0, 2, true), (1, 1, false)] {
        assert!(net.has(node, |event| matches!(event,
            Event::PeerUp { remote, initiator: i, .. } if remote.ip() == ip(other) && *i == initiator)));
        assert_eq!(net.count(node, |event| matches!(event, Event::ChildUp { .. })), 1);
        let peer = net.nodes[node].endpoint.peers().next().unwrap();
        assert_eq!(peer.children.len(), 1);
        assert_eq!(peer.children[0].mode, Mode::Transport);
        assert_eq!(
            peer.children[0].local_selectors[0].to_string(),
            format!("{0}/0 - {0}/65535 protocol 47", ip(if node == 0 { 1 } else { 2 }))
        );
        assert!(!peer.children[0].udp_encapsulation);
    }
}

#[test]
fn connect_is_idempotent() {
    let mut net = Net::new(vec![guide(1), guide(2)], 2);
    net.connect(0, 1);
    net.connect(0, 1);
    net.run_secs(1);
    net.connect(0, 1);
    net.connect(1, 0);
    net.run_secs(5);
    assert_eq!(net.log.len(), 4);
    assert_eq!(net.ike_sas(0), 1);
}

#[test]
fn a_responder_leaves_it_to_the_peer_to_begin() {
    let mut responder = guide(2);
    responder.profiles[0].responder_only = true;
    let mut net = Net::new(vec![guide(1), responder], 2);
    net.connect(1, 0);
    net.run_secs(5);
    assert!(net.log.is_empty() && net.nodes[1].endpoint.poll_timeout().is_none(), "it did not begin");
    net.connect(0, 1);
    net.run_secs(5);
    assert_eq!((net.ike_sas(0), net.ike_sas(1)), (1, 1));
    // What is up is its own to keep.
    let peer = net.peer(1);
    net.input(1, Input::RekeyIke { peer });
    net.run_secs(5);
    assert!(net.has(1, |event| matches!(event, Event::IkeRekeyed { .. })));
}

#[test]
fn disconnect_deletes_on_both_sides_and_leaves_nothing() {
    let mut net = Net::new(vec![guide(1), guide(2)], 3);
    net.connect(0, 1);
    net.run_secs(1);
    let peer = net.peer(0);
    net.input(0, Input::Disconnect { peer, reason: DownReason::DeletedByUs });
    net.run_secs(10);
    assert!(net.has(0, |e| matches!(e, Event::PeerDown { reason: DownReason::DeletedByUs, .. })));
    assert!(net.has(1, |e| matches!(e, Event::PeerDown { reason: DownReason::DeletedByPeer, .. })));
    for node in &net.nodes {
        assert!(node.plane.inbound.is_empty() && node.plane.outbound.is_empty());
        assert_eq!(node.endpoint.peers().count(), 0);
        assert_eq!(node.endpoint.poll_timeout(), None, "no timer is left");
    }
}
