//! IKE fragmentation (RFC 7383) between two endpoints.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::time::Duration;

use common::{Net, fast};
use ikev2::{Event, Input};

fn small(size: usize) -> Vec<ikev2::Config> {
    let mut configs = vec![fast(1), fast(2)];
    for config in &mut configs {
        config.fragmentation.size = size;
    }
    configs
}

#[test]
fn large_messages_go_in_pieces_and_never_the_first_exchange() {
    // A long identity makes IKE_AUTH long.
    let mut configs = small(256);
    for config in &mut configs {
        config.profiles[0].local_identity = Some(ikev2::Identity::Fqdn("x".repeat(600)));
    }
    let mut net = Net::new(configs, 1);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    assert!(net.log.len() >= 10, "{}", net.log.len());
    for flight in &net.log {
        let exchange = flight.bytes[18];
        let fragment = flight.bytes[16] == 53;
        assert_eq!(fragment, exchange == 35, "IKE_SA_INIT is never fragmented");
        assert!(!fragment || flight.bytes.len() <= 256);
    }
}

#[test]
fn lost_pieces_are_repeated_and_the_answer_too() {
    for seed in 0..30 {
        let mut configs = small(256);
        for config in &mut configs {
            config.profiles[0].local_identity = Some(ikev2::Identity::Fqdn("x".repeat(400)));
        }
        let mut net = Net::new(configs, seed);
        net.connect(0, 1);
        net.loss = 15;
        net.duplicate = 30;
        net.spread = Duration::from_millis(40);
        net.run_secs(60);
        let failed = net.has(0, |e| matches!(e, Event::ConnectFailed { .. }));
        assert!(net.both_ways(0, 1) || failed, "seed {seed}");
    }
}

#[test]
fn without_the_announcement_nothing_is_fragmented() {
    let mut configs = small(256);
    configs[1].fragmentation.enabled = false;
    configs[0].profiles[0].local_identity = Some(ikev2::Identity::Fqdn("x".repeat(600)));
    let mut net = Net::new(configs, 3);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    assert_eq!(net.log.len(), 4);
    let peer = net.peer(0);
    net.input(0, Input::CheckLiveness { peer });
    net.run_secs(1);
    assert!(!net.nodes[0].endpoint.peers().next().unwrap().ike_sas[0].fragmentation);
}
