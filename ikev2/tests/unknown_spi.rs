//! One end has lost what the other one still uses (RFC 7296 sections 1.5 and 2.21.4).

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use common::{Net, fast, ip};
use ikev2::wire::{Message, NotifyType, Payload};
use ikev2::{DownReason, Dpd, DpdMode, Event, Input, UdpPath};

fn up(seed: u64) -> Net {
    let mut net = Net::new(vec![fast(1), fast(2)], seed);
    net.connect(0, 1);
    net.run_secs(20);
    assert!(net.both_ways(0, 1));
    net
}

/// ESP of the other node arrives here, with this SPI.
fn unknown(net: &mut Net, node: usize, spi: u32) {
    let path = UdpPath {
        local: SocketAddr::new(net.nodes[node].address, 500),
        remote: SocketAddr::new(net.nodes[1 - node].address, 500),
    };
    net.input(node, Input::UnknownSpi { path, spi });
}

fn outbound_spi(net: &Net, node: usize) -> u32 {
    net.nodes[node].endpoint.peers().next().unwrap().children[0].outbound_spi
}

#[test]
fn a_lost_child_sa_is_replaced_at_the_word_of_the_peer() {
    for node in 0..2 {
        let mut net = up(1);
        let spi = outbound_spi(&net, 1 - node);
        let before = net.child(1 - node);
        unknown(&mut net, node, spi);
        net.run_secs(20);
        let reason = DownReason::NotFoundByPeer;
        assert!(net.has(
            1 - node,
            |e| matches!(e, Event::ChildDown { child, reason: r, .. } if *child == before && *r == reason)
        ));
        assert!(net.both_ways(0, 1));
        assert_ne!(net.child(1 - node), before);
        assert!(net.nodes.iter().all(|node| node.plane.inbound.len() == 1));
    }
}

#[test]
fn an_spi_that_is_not_in_use_costs_one_sign_of_life_and_no_more() {
    let mut net = up(2);
    let (child, before) = (net.child(1), net.log.len());
    for spi in 0..1000 {
        unknown(&mut net, 0, 0x5000_0000 + spi);
        net.run(Duration::from_millis(9));
    }
    assert_eq!(net.log.len() - before, 2, "one request and its answer in ten seconds");
    assert_eq!(net.child(1), child);
    assert_eq!(net.nodes[0].endpoint.stats().unknown_esp_spis, 1000);
}

/// A node that restarted has no IKE SA: it says so in the clear, and the other end finds out for itself.
#[test]
fn a_restarted_peer_is_found_dead_and_only_because_it_does_not_answer() {
    let mut configs = vec![fast(1), fast(2)];
    let (interval, retry) = (Duration::from_secs(3600), Duration::from_secs(1));
    configs[1].profiles[0].dpd = Some(Dpd { interval, retry, mode: DpdMode::OnDemand });
    let mut net = Net::new(configs, 3);
    net.connect(0, 1);
    net.run_secs(20);
    let spi = outbound_spi(&net, 1);
    net.nodes[0] = Net::new(vec![fast(1)], 77).nodes.remove(0);
    unknown(&mut net, 0, spi);
    let said = Message::decode(&net.log.last().unwrap().bytes).unwrap();
    assert_eq!((said.header.spi_i, said.header.spi_r), (0, 0));
    assert!(matches!(&said.payloads[..],
        [Payload::Notify(n)] if n.notify_type == NotifyType::INVALID_SPI && n.data == spi.to_be_bytes()));
    net.run_secs(1);
    assert!(!net.has(1, |e| matches!(e, Event::PeerDown { .. })), "nothing is believed");
    assert_eq!(
        net.nodes[1].endpoint.stats().unauthenticated_notifies,
        2,
        "INVALID_SPI, then INVALID_IKE_SPI"
    );
    net.run_secs(10);
    assert!(net.has(1, |e| matches!(e, Event::PeerDown { reason: DownReason::DeadPeer, .. })));
}

#[test]
fn strangers_with_any_spi_get_few_answers() {
    let mut net = Net::new(vec![fast(1), fast(2)], 4);
    for spi in 0..10_000 {
        unknown(&mut net, 0, spi);
    }
    assert_eq!(net.log.len(), 50);
}

/// Packets may be ahead of the answer that makes them known.
#[test]
fn while_something_is_being_made_nothing_is_reported() {
    let mut net = Net::new(vec![fast(1), fast(2)], 5);
    net.connect(0, 1);
    unknown(&mut net, 0, 0x5000_0000);
    assert_eq!(net.log.len(), 1);
    net.run_secs(20);
    let (child, before) = (net.child(0), net.log.len());
    net.input(0, Input::RekeyChild { child });
    unknown(&mut net, 0, 0x5000_0000);
    assert_eq!(net.log.len(), before + 1);
    net.run_secs(20);
    assert!(net.both_ways(0, 1) && net.nodes[0].address == ip(1));
}
