//! Each way in which a connection does not come up, or does not stay up, has a name.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::time::Duration;

use common::{Net, fast, guide, ip};
use ikev2::{
    DownReason, Dpd, DpdMode, Encryption, Event, FailureReason, Group, IdentityMatch, Input, Keyring, Mode,
    ProfileId, Selectors, Side, TrafficSelector,
};

fn failed(net: &Net, reason: FailureReason) -> bool {
    net.has(
        0,
        |e| matches!(e, Event::ConnectFailed { reason: r, remote } if *r == reason && *remote == ip(2)),
    )
}

fn refused(net: &Net, reason: FailureReason) -> bool {
    net.has(1, |e| matches!(e, Event::Refused { reason: r, .. } if *r == reason))
}

fn assert_nothing_left(net: &mut Net) {
    net.run_secs(200);
    for node in &net.nodes {
        assert!(node.plane.inbound.is_empty() && node.plane.outbound.is_empty());
        assert_eq!(node.endpoint.poll_timeout(), None, "state returns to zero");
        assert_eq!(node.endpoint.stats().half_open, 0);
    }
}

#[test]
fn wrong_psk() {
    let mut net = Net::new(vec![guide(1), guide(2)], 1);
    let mut config = guide(1);
    config.profiles[0].keyring = Keyring::any("wrongsecret");
    net = Net::new(vec![config, net.nodes[1].endpoint.config().clone()], 1);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(!failed(&net, FailureReason::AuthenticationFailed { by: Side::Peer }), "another answer may come");
    net.run_secs(2);
    assert!(failed(&net, FailureReason::AuthenticationFailed { by: Side::Peer }));
    assert!(refused(&net, FailureReason::AuthenticationFailed { by: Side::Us }));
    assert!(!net.has(1, |e| matches!(e, Event::PeerUp { .. })));
    assert_nothing_left(&mut net);
}

#[test]
fn responder_with_another_key_is_found_out_by_us() {
    // Asymmetric keys: the responder accepts ours, and answers with one that we do not accept.
    let mut config = fast(2);
    config.profiles[0].keyring.peers[0].local_key = "another".into();
    let mut net = Net::new(vec![fast(1), config], 2);
    net.connect(0, 1);
    net.run_secs(3);
    assert!(failed(&net, FailureReason::AuthenticationFailed { by: Side::Us }));
    assert!(net.has(1, |e| matches!(e, Event::PeerDown { reason: DownReason::ProtocolError, .. })));
    assert!(!net.has(0, |e| matches!(e, Event::PeerUp { .. })), "nothing is believed before AUTH");
    assert_nothing_left(&mut net);
}

#[test]
fn asymmetric_keys_that_fit_come_up() {
    let (mut a, mut b) = (fast(1), fast(2));
    a.profiles[0].keyring.peers[0].local_key = "one".into();
    a.profiles[0].keyring.peers[0].remote_key = "two".into();
    b.profiles[0].keyring.peers[0].local_key = "two".into();
    b.profiles[0].keyring.peers[0].remote_key = "one".into();
    let mut net = Net::new(vec![a, b], 3);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
}

#[test]
fn no_ike_proposal_in_common() {
    let mut config = fast(2);
    config.profiles[0].proposals[0].encryption = vec![Encryption::AesGcm256];
    let mut net = Net::new(vec![fast(1), config], 4);
    net.connect(0, 1);
    net.run_secs(5);
    assert!(failed(&net, FailureReason::NoProposalChosen { by: Side::Peer }));
    assert!(refused(&net, FailureReason::NoProposalChosen { by: Side::Us }));
    assert_nothing_left(&mut net);
}

#[test]
fn no_esp_proposal_in_common() {
    let mut config = fast(2);
    config.profiles[0].child.transforms[0].encryption = vec![Encryption::ChaCha20Poly1305];
    let mut net = Net::new(vec![fast(1), config], 5);
    net.connect(0, 1);
    net.run_secs(5);
    assert!(failed(&net, FailureReason::NoProposalChosen { by: Side::Peer }));
    assert!(refused(&net, FailureReason::NoProposalChosen { by: Side::Us }));
    assert_nothing_left(&mut net);
}

#[test]
fn traffic_selectors_without_overlap() {
    let mut config = fast(2);
    config.profiles[0].child.selectors = Selectors::Explicit {
        local: vec![TrafficSelector::host(6, ip(2))],
        remote: vec![TrafficSelector::host(6, ip(1))],
    };
    let mut net = Net::new(vec![fast(1), config], 6);
    net.connect(0, 1);
    net.run_secs(5);
    assert!(failed(&net, FailureReason::TrafficSelectorsUnacceptable { by: Side::Peer }));
    assert!(refused(&net, FailureReason::TrafficSelectorsUnacceptable { by: Side::Us }));
    assert_nothing_left(&mut net);
}

#[test]
fn transport_mode_not_granted_and_not_asked_for() {
    for tunnel in 0..2 {
        let mut configs = vec![fast(1), fast(2)];
        configs[tunnel].profiles[0].child.mode = Mode::Tunnel;
        let mut net = Net::new(configs, 7);
        net.connect(0, 1);
        net.run_secs(5);
        if tunnel == 1 {
            assert!(failed(&net, FailureReason::NoTransportMode));
        } else {
            assert!(refused(&net, FailureReason::NoTransportMode));
        }
        assert!(net.nodes.iter().all(|node| node.plane.selected.is_empty()));
        assert_nothing_left(&mut net);
    }
}

#[test]
fn tunnel_mode_on_both_sides_works() {
    let mut configs = vec![fast(1), fast(2)];
    for config in &mut configs {
        config.profiles[0].child.mode = Mode::Tunnel;
    }
    let mut net = Net::new(configs, 8);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    let view = net.nodes[0].endpoint.peers().next().unwrap();
    assert_eq!(view.children[0].mode, Mode::Tunnel);
}

#[test]
fn identity_refused_on_either_side() {
    for strict in 0..2 {
        let mut configs = vec![fast(1), fast(2)];
        configs[strict].profiles[0].match_remote = vec![IdentityMatch::Fqdn("spoke.example".into())];
        let mut net = Net::new(configs, 9);
        net.connect(0, 1);
        net.run_secs(5);
        if strict == 0 {
            assert!(failed(&net, FailureReason::IdentityRefused));
        } else {
            assert!(refused(&net, FailureReason::IdentityRefused));
            assert!(failed(&net, FailureReason::AuthenticationFailed { by: Side::Peer }));
        }
        assert_nothing_left(&mut net);
    }
}

#[test]
fn identities_of_all_types_match() {
    use ikev2::Identity;
    for (identity, pattern) in [
        (Identity::Fqdn("Hub.Example".into()), IdentityMatch::Fqdn("hub.example".into())),
        (Identity::Fqdn("hub.example".into()), IdentityMatch::Domain("example".into())),
        (Identity::Email("a@b.example".into()), IdentityMatch::Email("A@b.example".into())),
        (Identity::KeyId(vec![1, 2]), IdentityMatch::KeyId(vec![1, 2])),
        (
            Identity::Address("2001:db8::1".parse().unwrap()),
            IdentityMatch::Address("2001:db8::/32".parse().unwrap()),
        ),
    ] {
        let mut configs = vec![fast(1), fast(2)];
        configs[1].profiles[0].local_identity = Some(identity.clone());
        configs[0].profiles[0].match_remote = vec![pattern];
        let mut net = Net::new(configs, 10);
        net.connect(0, 1);
        net.run_secs(1);
        assert!(net.both_ways(0, 1), "{identity}");
        assert_eq!(net.nodes[0].endpoint.peers().next().unwrap().identity, identity);
    }
}

#[test]
fn no_key_for_the_peer() {
    let mut config = fast(1);
    config.profiles[0].keyring = Keyring::default();
    let mut net = Net::new(vec![config, fast(2)], 11);
    net.connect(0, 1);
    assert!(failed(&net, FailureReason::NoKey));
    net.connect(1, 0);
    net.run_secs(5);
    assert!(net.has(0, |e| matches!(e, Event::Refused { reason: FailureReason::NoKey, .. })));
    assert_nothing_left(&mut net);
}

#[test]
fn silent_peer_times_out_after_all_repetitions() {
    let mut net = Net::new(vec![fast(1), fast(2)], 12);
    net.nodes[1].alive = false;
    net.connect(0, 1);
    net.run_secs(300);
    assert!(failed(&net, FailureReason::Timeout));
    assert_eq!(net.log.len(), 6, "one request and five repetitions");
    assert!(net.log.iter().all(|flight| flight.bytes == net.log[0].bytes), "repetitions are identical");
    assert_eq!(
        net.count(0, |e| matches!(e, Event::ConnectFailed { .. })),
        1,
        "no attempts without being asked"
    );
    assert_eq!(net.nodes[0].endpoint.poll_timeout(), None);
    net.input(0, Input::Connect { remote: ip(2), profile: ProfileId(0) });
    assert_eq!(net.log.len(), 7);
}

#[test]
fn dead_peer_is_noticed_by_periodic_checks() {
    let mut configs = vec![fast(1), fast(2)];
    for config in &mut configs {
        let (interval, retry) = (Duration::from_secs(10), Duration::from_secs(2));
        config.profiles[0].dpd = Some(Dpd { interval, retry, mode: DpdMode::Periodic });
    }
    let mut net = Net::new(configs, 13);
    net.connect(0, 1);
    net.run_secs(100);
    assert!(net.both_ways(0, 1), "a living peer stays");
    net.nodes[1].alive = false;
    net.run_secs(40);
    assert!(net.has(0, |e| matches!(e, Event::PeerDown { reason: DownReason::DeadPeer, .. })));
    assert!(net.nodes[0].plane.inbound.is_empty());
}

#[test]
fn traffic_makes_liveness_checks_needless() {
    let mut configs = vec![fast(1), fast(2)];
    let (interval, retry) = (Duration::from_secs(10), Duration::from_secs(2));
    configs[0].profiles[0].dpd = Some(Dpd { interval, retry, mode: DpdMode::Periodic });
    let mut net = Net::new(configs, 14);
    net.connect(0, 1);
    net.run_secs(1);
    let before = net.log.len();
    for _ in 0..100 {
        assert!(net.ping(1, 0));
        net.run_secs(1);
    }
    assert_eq!(net.log.len(), before);
}

#[test]
fn liveness_on_demand() {
    let mut net = Net::new(vec![fast(1), fast(2)], 15);
    net.connect(0, 1);
    net.run_secs(1);
    let (peer, before) = (net.peer(0), net.log.len());
    net.input(0, Input::CheckLiveness { peer });
    net.run_secs(1);
    assert_eq!(net.log.len(), before + 2);
    net.nodes[1].alive = false;
    net.input(0, Input::CheckLiveness { peer });
    net.run_secs(60);
    assert!(net.has(0, |e| matches!(e, Event::PeerDown { reason: DownReason::DeadPeer, .. })));
}

#[test]
fn a_peer_that_vanished_is_noticed_although_nobody_demands_it() {
    let mut configs = vec![fast(1), fast(2)];
    let (interval, retry) = (Duration::from_secs(10), Duration::from_secs(2));
    configs[0].profiles[0].dpd = Some(Dpd { interval, retry, mode: DpdMode::OnDemand });
    let mut net = Net::new(configs, 18);
    net.connect(0, 1);
    net.run_secs(1000);
    assert!(net.both_ways(0, 1), "a living peer stays, however idle");
    net.nodes[1].alive = false;
    net.run_secs(150);
    assert!(!net.has(0, |e| matches!(e, Event::PeerDown { .. })), "30 intervals are not over");
    net.run_secs(450);
    assert!(net.has(0, |e| matches!(e, Event::PeerDown { reason: DownReason::DeadPeer, .. })));
}

#[test]
fn group_is_corrected_and_the_dance_is_bounded() {
    let mut configs = vec![fast(1), fast(2)];
    configs[0].profiles[0].proposals[0].groups = vec![Group::Curve25519, Group::Ecp256];
    configs[1].profiles[0].proposals[0].groups = vec![Group::Ecp256];
    let mut net = Net::new(configs, 16);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    assert_eq!(net.log.len(), 6);
}

#[test]
fn shutdown_tells_everybody() {
    let mut net = Net::new(vec![fast(1), fast(2), fast(3)], 17);
    net.connect(0, 1);
    net.connect(2, 0);
    net.run_secs(1);
    assert_eq!(net.nodes[0].endpoint.peers().count(), 2);
    net.input(0, Input::Shutdown);
    net.run_secs(10);
    for node in 1..3 {
        assert!(net.has(node, |e| matches!(e, Event::PeerDown { reason: DownReason::DeletedByPeer, .. })));
    }
    net.connect(1, 0);
    net.run_secs(5);
    assert_eq!(net.nodes[0].endpoint.peers().count(), 0);
    assert!(net.nodes[0].endpoint.stats().drops.shut_down > 0);
}

#[test]
fn bad_wire_comes_up_in_the_end() {
    for seed in 0..40 {
        let mut net = Net::new(vec![fast(1), fast(2)], seed);
        net.loss = 30;
        net.duplicate = 30;
        net.spread = Duration::from_millis(100);
        net.connect(0, 1);
        net.run_secs(60);
        let failed = net.has(0, |e| matches!(e, Event::ConnectFailed { .. }));
        assert!(net.both_ways(0, 1) || failed, "seed {seed}");
    }
}

#[test]
fn same_seed_same_bytes() {
    let run = || {
        let mut net = Net::new(vec![fast(1), fast(2)], 18);
        net.loss = 20;
        net.connect(0, 1);
        net.connect(1, 0);
        net.run_secs(100);
        let log: Vec<_> = net.log.iter().map(|f| f.bytes.clone()).collect();
        (log, net.nodes[0].events.clone(), net.nodes[1].events.clone())
    };
    assert_eq!(run(), run());
}
