//! Post-quantum pre-shared keys (RFC 8784), and IKE SAs that are made without a child SA (RFC 6023).

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use common::{Net, fast};
use ikev2::wire::{Message, Notify, NotifyType, Payload};
use ikev2::{Config, Event, FailureReason, Group, Input, Ppk, Side};

fn with(last: u8, id: &str, key: &str, required: bool) -> Config {
    let mut config = fast(last);
    let ppk = Ppk { id: id.into(), key: key.into(), required };
    config.profiles[0].keyring.peers[0].ppk = Some(ppk);
    config
}

fn connected(a: Config, b: Config) -> Net {
    let mut net = Net::new(vec![a, b], 1);
    net.connect(0, 1);
    net.run_secs(5);
    net
}

fn in_use(net: &Net) -> [bool; 2] {
    [0, 1].map(|node: usize| net.nodes[node].endpoint.peers().next().unwrap().ike_sas[0].ppk)
}

const KEY: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn both_have_it_and_it_stays_in_all_keys() {
    for required in [false, true] {
        let mut net = connected(with(1, "ppk1", KEY, required), with(2, "ppk1", KEY, required));
        assert!(net.both_ways(0, 1), "{:?}", net.nodes[0].events);
        assert_eq!(in_use(&net), [true; 2]);
        let (peer, child) = (net.peer(0), net.child(0));
        net.input(0, Input::RekeyIke { peer });
        net.run_secs(10);
        net.input(0, Input::RekeyChild { child });
        net.run_secs(10);
        assert!(net.both_ways(0, 1));
        assert_eq!(in_use(&net), [true; 2], "a rekey inherits it");
    }
}

/// The same randomness with and without it: other child keys, so it is really mixed in.
#[test]
fn child_keys_depend_on_it() {
    let key = |net: &Net| net.nodes[0].plane.outbound.values().next().unwrap().1.encryption_key.clone();
    let without = connected(fast(1), fast(2));
    let one = connected(with(1, "ppk1", KEY, true), with(2, "ppk1", KEY, true));
    let other = connected(with(1, "ppk1", "another", true), with(2, "ppk1", "another", true));
    assert_ne!(key(&without), key(&one));
    assert_ne!(key(&one), key(&other));
}

#[test]
fn one_end_without_it_goes_without_unless_it_is_required() {
    let net = connected(with(1, "ppk1", KEY, false), fast(2));
    assert!(net.both_ways(0, 1));
    assert_eq!(in_use(&net), [false; 2]);
    let net = connected(fast(1), with(2, "ppk1", KEY, false));
    assert!(net.both_ways(0, 1));
    assert_eq!(in_use(&net), [false; 2]);

    let required = |e: &Event| matches!(e, Event::ConnectFailed { reason: FailureReason::NoPpk, .. });
    assert!(connected(with(1, "ppk1", KEY, true), fast(2)).has(0, required));
    let refused = |e: &Event| matches!(e, Event::Refused { reason: FailureReason::NoPpk, .. });
    assert!(connected(fast(1), with(2, "ppk1", KEY, true)).has(1, refused));
}

#[test]
fn another_name_or_another_key() {
    let net = connected(with(1, "ppk1", KEY, false), with(2, "ppk2", KEY, false));
    assert!(net.both_ways(0, 1), "NO_PPK_AUTH proves the initiator all the same");
    assert_eq!(in_use(&net), [false; 2]);
    let refused = |e: &Event| matches!(e, Event::Refused { reason: FailureReason::NoPpk, .. });
    let net = connected(with(1, "ppk1", KEY, true), with(2, "ppk2", KEY, false));
    assert!(net.has(1, refused), "without NO_PPK_AUTH there is nothing to check");
    let net = connected(with(1, "ppk1", KEY, true), with(2, "ppk1", "another", true));
    let by = Side::Us;
    assert!(net.has(1, |e| matches!(e, Event::Refused { reason, .. }
        if *reason == FailureReason::AuthenticationFailed { by })));
}

/// Somebody in between takes the announcement out of the request: if the ends then went without, it would be of no use.
#[test]
fn taking_the_announcement_away_does_not_make_them_go_without() {
    let mut net = Net::new(vec![with(1, "ppk1", KEY, false), with(2, "ppk1", KEY, false)], 2);
    net.connect(0, 1);
    let mut flight = net.wire.values().next().unwrap().clone();
    net.wire.clear();
    let mut message = Message::decode(&flight.bytes).unwrap();
    let announcement = Payload::Notify(Notify::new(NotifyType::USE_PPK));
    assert!(message.payloads.contains(&announcement));
    message.payloads.retain(|payload| *payload != announcement);
    flight.bytes = message.encode();
    net.launch(flight);
    net.run(std::time::Duration::from_millis(500));
    assert!(net.has(1, |e| matches!(e, Event::Refused { .. })), "AUTH covers the request as it was sent");
    assert!(net.nodes.iter().all(|node| node.plane.inbound.is_empty()));
}

#[test]
fn childless_where_the_responder_announces_it() {
    let mut config = fast(1);
    config.profiles[0].childless = true;
    config.profiles[0].child.pfs = vec![Group::Ecp256];
    let mut responder = fast(2);
    responder.profiles[0].child.pfs = vec![Group::Ecp256];
    let net = connected(config, responder);
    assert!(net.both_ways(0, 1));
    assert_eq!(net.log.len(), 6, "the child SA has an exchange of its own");
    assert!(!net.has(0, |e| matches!(e, Event::ConnectFailed { .. })));
}
