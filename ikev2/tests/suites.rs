//! Every algorithm in a whole negotiation, and what a second connection does.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use common::{Net, fast, guide, ip};
use ikev2::{Config, Encryption, Event, Group, Input, Integrity, KeyLog, Prf, ProfileId};

fn with(change: impl Fn(&mut Config)) -> Vec<Config> {
    let mut configs = vec![fast(1), fast(2)];
    configs.iter_mut().for_each(change);
    configs
}

#[test]
fn every_cipher_and_integrity_for_ike_and_esp() {
    for encryption in Encryption::ALL {
        for integrity in Integrity::ALL {
            let configs = with(|config| {
                let profile = &mut config.profiles[0];
                profile.proposals[0].encryption = vec![encryption];
                profile.proposals[0].integrity = vec![integrity];
                profile.child.transforms[0].encryption = vec![encryption];
                profile.child.transforms[0].integrity = vec![integrity];
                profile.child.transforms[0].esn = true;
            });
            let mut net = Net::new(configs, 1);
            net.connect(0, 1);
            net.run_secs(1);
            assert!(net.both_ways(0, 1), "{encryption} {integrity}");
            let view = net.nodes[1].endpoint.peers().next().unwrap();
            assert_eq!(view.children[0].suite.encryption, encryption);
            assert!(view.children[0].suite.esn);
            assert_eq!(view.ike_sas[0].suite.prf, integrity.prf().unwrap_or(Prf::HmacSha256));
            let (_, _, sa) = net.nodes[1].plane.inbound.values().next().unwrap();
            assert_eq!(sa.encryption_key.len(), encryption.key_len());
            let expected = if encryption.is_aead() { 0 } else { integrity.key_len() };
            assert_eq!(sa.integrity_key.len(), expected);
            let child = net.child(0);
            net.input(0, Input::RekeyChild { child });
            net.run_secs(10);
            assert!(net.both_ways(0, 1) && net.child(0) != child, "rekey with {encryption} {integrity}");
        }
    }
}

#[test]
fn every_group_for_ike_and_pfs() {
    for group in Group::ALL {
        let configs = with(|config| {
            config.profiles[0].proposals[0].groups = vec![group];
            config.profiles[0].child.pfs = vec![group];
        });
        let mut net = Net::new(configs, 2);
        net.connect(0, 1);
        net.run_secs(1);
        assert!(net.both_ways(0, 1), "{group}");
        let (peer, child) = (net.peer(0), net.child(0));
        net.input(0, Input::RekeyChild { child });
        net.run_secs(10);
        net.input(0, Input::RekeyIke { peer });
        net.run_secs(10);
        assert!(net.both_ways(0, 1), "{group}");
        assert_ne!(net.child(0), child);
    }
}

#[test]
fn responders_order_decides() {
    let mut configs = vec![fast(1), fast(2)];
    configs[0].profiles[0].proposals[0].encryption = vec![
        Encryption::AesCbc128,
        Encryption::AesCbc256,
        Encryption::AesGcm256,
        Encryption::ChaCha20Poly1305,
    ];
    configs[1].profiles[0].proposals[0].encryption = vec![Encryption::AesGcm256, Encryption::AesCbc256];
    for config in &mut configs {
        config.profiles[0].proposals[0].integrity =
            vec![Integrity::HmacSha256_128, Integrity::HmacSha512_256];
    }
    let mut net = Net::new(configs, 3);
    net.connect(0, 1);
    net.run_secs(1);
    assert_eq!(
        net.nodes[0].endpoint.peers().next().unwrap().ike_sas[0].suite.encryption,
        Encryption::AesGcm256
    );
}

#[test]
fn key_log_is_given_only_when_asked_for_and_is_the_same_on_both_sides() {
    let mut net = Net::new(with(|config| config.key_log = true), 4);
    net.connect(0, 1);
    net.run_secs(1);
    let lines = |node: usize| -> Vec<String> {
        let keys = |event: &Event| match event {
            Event::Keys(keys) => Some(KeyLog::wireshark_line(keys)),
            _ => None,
        };
        net.nodes[node].events.iter().filter_map(keys).collect()
    };
    assert_eq!(lines(0), lines(1));
    let fields: Vec<_> = lines(0)[0].split(',').map(str::to_owned).collect();
    assert_eq!(fields.len(), 8);
    assert_eq!((fields[0].len(), fields[2].len()), (16, 64));
    assert_eq!(fields[4], "\"AES-CBC-256 [RFC3602]\"");
    let quiet = Net::new(vec![fast(1)], 4);
    assert!(!quiet.nodes[0].endpoint.config().key_log);
    assert!(!format!("{:?}", net.nodes[0].events).contains(&fields[2]), "Debug does not show keys");
}

#[test]
fn keyring_prefers_the_most_specific_entry() {
    let mut configs = vec![guide(1), guide(2)];
    for (config, other) in configs.iter_mut().zip([2, 1]) {
        config.profiles[0].proposals[0].groups = vec![Group::Curve25519];
        let keyring = &mut config.profiles[0].keyring;
        let mut exact = keyring.peers[0].clone();
        exact.identity = None;
        exact.address = Some(ip(other).into());
        exact.local_key = "exact".into();
        exact.remote_key = "exact".into();
        keyring.peers[0].local_key = format!("wrong {other}").as_str().into();
        keyring.peers.push(exact);
    }
    let mut net = Net::new(configs, 7);
    net.input(0, Input::Connect { remote: ip(2), profile: ProfileId(0) });
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
}

/// A peer that makes IKE SAs without end only pushes its own out.
#[test]
fn ike_sas_of_one_peer_are_bounded() {
    let mut hub = Net::new(vec![fast(1), fast(2)], 8);
    for seed in 0..12 {
        let mut config = fast(1);
        config.profiles[0].initial_contact = false;
        let mut fresh = Net::new(vec![config], 100 + seed);
        hub.nodes[0] = fresh.nodes.remove(0);
        hub.connect(0, 1);
        hub.run_secs(1);
    }
    assert!(hub.ike_sas(1) <= 4, "{}", hub.ike_sas(1));
    // Without traffic the newest one is used for sending after a moment, with traffic at once.
    assert!(hub.ping(0, 1));
    assert!(hub.both_ways(0, 1));
}
