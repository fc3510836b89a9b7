//! Attacks, one test each, named after the attack. Section numbers are of RFC 7296 unless named.

#![allow(clippy::unwrap_used, reason = "a failure in a helper is a failed test")]

mod common;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use common::{Flight, Net, fast, guide, ip};
use ikev2::wire::{
    ExchangeType, FLAG_INITIATOR, FLAG_RESPONSE, GroupId, Header, Message, Notify, NotifyType, Payload,
    PayloadType, Proposal, ProtocolId, Sealed, Spi, Transform, TransformType,
};
use ikev2::{Event, Group, Input, Output, UdpPath};

fn up(seed: u64) -> Net {
    let mut net = Net::new(vec![fast(1), fast(2)], seed);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    net
}

/// Gives one node a datagram from an address, and returns what it sends.
fn inject(net: &mut Net, node: usize, from: IpAddr, bytes: &[u8]) -> Vec<Vec<u8>> {
    let path =
        UdpPath { local: SocketAddr::new(net.nodes[node].address, 500), remote: SocketAddr::new(from, 500) };
    let now = net.now;
    let node = &mut net.nodes[node];
    node.endpoint.handle_input(now, Input::Datagram { path, payload: bytes });
    let mut sent = Vec::new();
    while let Some(output) = node.endpoint.poll_output() {
        match output {
            Output::Transmit(transmit) => sent.push(transmit.payload),
            Output::Action(action) => panic!("an attacker installed something: {action:?}"),
            Output::Event(event) => node.events.push(event),
            _ => {}
        }
    }
    sent
}

fn header(spi_i: u64, spi_r: u64, exchange: ExchangeType, flags: u8, message_id: u32) -> Header {
    Header { spi_i, spi_r, next: PayloadType::NONE, minor_version: 0, exchange, flags, message_id }
}

/// A first request as a stranger would write it.
fn init_request(spi: u64, public: Vec<u8>, nonce: Vec<u8>) -> Message {
    let transforms = vec![
        Transform::with_key_length(TransformType::ENCRYPTION, 12, 256),
        Transform::new(TransformType::INTEGRITY, 12),
        Transform::new(TransformType::PRF, 5),
        Transform::new(TransformType::KEY_EXCHANGE, 31),
    ];
    let proposal = Proposal { number: 1, protocol: ProtocolId::IKE, spi: Spi::none(), transforms };
    Message {
        header: header(spi, 0, ExchangeType::IKE_SA_INIT, FLAG_INITIATOR, 0),
        payloads: vec![
            Payload::SecurityAssociation(vec![proposal]),
            Payload::KeyExchange { group: GroupId(31), data: public },
            Payload::Nonce(nonce),
        ],
        sealed: None,
    }
}

fn notify_of(bytes: &[u8]) -> NotifyType {
    match Message::decode(bytes).unwrap().payloads.first() {
        Some(Payload::Notify(notify)) => notify.notify_type,
        other => panic!("{other:?}"),
    }
}

#[test]
fn clear_text_messages_never_change_an_established_sa() {
    let mut net = up(1);
    let view = net.nodes[1].endpoint.peers().next().unwrap();
    let sa = view.ike_sas[0].clone();
    let types = [
        NotifyType::INVALID_IKE_SPI,
        NotifyType::INVALID_MAJOR_VERSION,
        NotifyType::INVALID_SYNTAX,
        NotifyType::INVALID_SPI,
        NotifyType::NO_PROPOSAL_CHOSEN,
        NotifyType::AUTHENTICATION_FAILED,
        NotifyType::INITIAL_CONTACT,
    ];
    for exchange in 30..50 {
        for flags in [0, FLAG_INITIATOR, FLAG_RESPONSE, FLAG_INITIATOR | FLAG_RESPONSE] {
            for message_id in [0, 1, 2, u32::MAX] {
                for notify_type in types {
                    let message = Message {
                        header: header(sa.spi_i, sa.spi_r, ExchangeType(exchange), flags, message_id),
                        payloads: vec![
                            Payload::Notify(Notify::new(notify_type)),
                            Payload::Delete(ikev2::wire::Delete::Ike),
                        ],
                        sealed: None,
                    };
                    let sent = inject(&mut net, 1, ip(1), &message.encode());
                    assert!(sent.iter().all(|bytes| Message::decode(bytes).is_ok()));
                }
            }
        }
    }
    let after = net.nodes[1].endpoint.peers().next().unwrap();
    assert_eq!(after.children, view.children);
    let mut asked = sa;
    asked.next_request_id += 1;
    assert_eq!(after.ike_sas, [asked], "all that it got is one request for a sign of life");
    assert!(net.both_ways(0, 1));
}

#[test]
fn forged_and_truncated_sealed_messages_are_dropped_and_counted() {
    let mut net = up(2);
    let (peer, start) = (net.peer(0), net.log.len());
    net.input(0, Input::CheckLiveness { peer });
    let genuine = net.log[start].bytes.clone();
    net.wire.clear();
    let before = net.nodes[1].endpoint.peers().next().unwrap();
    for index in 0..genuine.len() {
        let mut forged = genuine.clone();
        forged[index] ^= 0x01;
        assert!(inject(&mut net, 1, ip(1), &forged).len() <= 1);
        inject(&mut net, 1, ip(1), &genuine[..index]);
    }
    assert_eq!(net.nodes[1].endpoint.peers().next().unwrap(), before);
    let drops = net.nodes[1].endpoint.stats().drops;
    assert!(drops.integrity > 20 && drops.malformed > 20, "{drops:?}");
    assert_eq!(inject(&mut net, 1, ip(1), &genuine).len(), 1, "the genuine one is still welcome");
}

#[test]
fn replayed_requests_get_the_same_answer_and_change_nothing() {
    let mut net = up(3);
    let child = net.child(0);
    net.input(0, Input::RekeyChild { child });
    net.run_secs(10);
    let requests: Vec<Flight> = net.log.iter().filter(|f| f.source.ip() == ip(1)).cloned().collect();
    let before = net.nodes[1].endpoint.peers().next().unwrap();
    for request in &requests {
        let sent = inject(&mut net, 1, ip(1), &request.bytes);
        assert!(
            sent.iter().all(|answer| net.log.iter().any(|flight| flight.bytes == *answer)),
            "identical answers"
        );
    }
    let after = net.nodes[1].endpoint.peers().next().unwrap();
    assert_eq!(after.children, before.children);
    assert_eq!(after.ike_sas[0].next_expected_id, before.ike_sas[0].next_expected_id);
}

#[test]
fn reflected_messages_are_refused() {
    let mut net = Net::new(vec![fast(1), fast(2)], 4);
    net.connect(0, 1);
    let request = net.log[0].bytes.clone();
    assert!(inject(&mut net, 0, ip(2), &request).is_empty(), "our own first request");
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    let own: Vec<Flight> = net.log.iter().filter(|f| f.source.ip() == ip(1)).cloned().collect();
    for flight in own {
        inject(&mut net, 0, ip(2), &flight.bytes);
    }
    assert_eq!(net.ike_sas(0), 1);
    assert!(net.nodes[0].endpoint.stats().drops.wrong_direction >= 2);
}

#[test]
fn informational_before_auth_is_dropped() {
    // libreswan CVE-2019-12312: an error path before keys exist.
    let mut net = Net::new(vec![fast(1), fast(2)], 5);
    let answer = inject(&mut net, 1, ip(7), &init_request(5, vec![9; 32], vec![1; 32]).encode());
    let spi_r = Message::decode(&answer[0]).unwrap().header.spi_r;
    for exchange in
        [ExchangeType::INFORMATIONAL, ExchangeType::CREATE_CHILD_SA, ExchangeType::IKE_INTERMEDIATE]
    {
        for message_id in 0..3 {
            for flags in [FLAG_INITIATOR, FLAG_INITIATOR | FLAG_RESPONSE] {
                let message = Message {
                    header: header(5, spi_r, exchange, flags, message_id),
                    payloads: vec![],
                    sealed: Some(Sealed {
                        first: PayloadType::NONE,
                        fragment: None,
                        body_offset: 32,
                        body: vec![0; 64],
                    }),
                };
                assert!(inject(&mut net, 1, ip(7), &message.encode()).is_empty());
            }
        }
    }
    assert_eq!(net.nodes[1].endpoint.stats().drops.unexpected_exchange, 18);
}

#[test]
fn missing_payloads_in_the_first_request() {
    // libreswan CVE-2013-6467, CVE-2016-5391.
    let mut net = Net::new(vec![fast(1), fast(2)], 6);
    for missing in 0..3 {
        let mut message = init_request(6, vec![9; 32], vec![1; 32]);
        message.payloads.remove(missing);
        let sent = inject(&mut net, 1, ip(7), &message.encode());
        assert_eq!(notify_of(&sent[0]), NotifyType::INVALID_SYNTAX);
    }
    for missing in 0..4 {
        let mut message = init_request(6, vec![9; 32], vec![1; 32]);
        if let Some(Payload::SecurityAssociation(proposals)) = message.payloads.first_mut() {
            proposals[0].transforms.remove(missing);
        }
        let sent = inject(&mut net, 1, ip(7), &message.encode());
        assert_eq!(notify_of(&sent[0]), NotifyType::NO_PROPOSAL_CHOSEN, "without transform {missing}");
    }
    assert_eq!(net.nodes[1].endpoint.stats().half_open, 0);
}

#[test]
fn bad_public_values_cost_nothing_and_connect_nobody() {
    // libreswan CVE-2015-3240, charon-tkm CVE-2023-41913.
    let mut net = Net::new(vec![fast(1), fast(2)], 7);
    for length in [0, 1, 31, 33, 64, 4000] {
        let sent = inject(&mut net, 1, ip(7), &init_request(7, vec![9; length], vec![1; 32]).encode());
        assert_eq!(notify_of(&sent[0]), NotifyType::INVALID_SYNTAX);
    }
    // Zero has the right length; it is found out when IKE_AUTH wants the secret.
    let sent = inject(&mut net, 1, ip(7), &init_request(8, vec![0; 32], vec![1; 32]).encode());
    let spi_r = Message::decode(&sent[0]).unwrap().header.spi_r;
    let auth = Message {
        header: header(8, spi_r, ExchangeType::IKE_AUTH, FLAG_INITIATOR, 1),
        payloads: vec![],
        sealed: Some(Sealed { first: PayloadType::NONE, fragment: None, body_offset: 32, body: vec![0; 64] }),
    };
    assert!(inject(&mut net, 1, ip(7), &auth.encode()).is_empty());
    assert_eq!(net.nodes[1].endpoint.peers().count(), 0);
}

#[test]
fn unknown_critical_payload_is_named() {
    let mut net = Net::new(vec![fast(1), fast(2)], 8);
    let mut message = init_request(9, vec![9; 32], vec![1; 32]);
    message.payloads.push(Payload::Unknown { payload_type: PayloadType(200), critical: true, body: vec![1] });
    let sent = inject(&mut net, 1, ip(7), &message.encode());
    let answer = Message::decode(&sent[0]).unwrap();
    let expected = Notify::with_data(NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD, vec![200]);
    assert_eq!(answer.payloads, [Payload::Notify(expected)]);
    message.payloads.pop();
    message.payloads.push(Payload::Unknown {
        payload_type: PayloadType(200),
        critical: false,
        body: vec![1],
    });
    message.payloads.insert(0, Payload::VendorId(b"CISCO-DELETE-REASON".to_vec()));
    let sent = inject(&mut net, 1, ip(7), &message.encode());
    assert!(Message::decode(&sent[0]).unwrap().payloads.len() >= 3, "without the critical bit it is skipped");
}

#[test]
fn other_major_versions() {
    let mut net = Net::new(vec![fast(1), fast(2)], 9);
    let mut bytes = init_request(10, vec![9; 32], vec![1; 32]).encode();
    bytes[17] = 0x30;
    let sent = inject(&mut net, 1, ip(7), &bytes);
    assert_eq!(notify_of(&sent[0]), NotifyType::INVALID_MAJOR_VERSION);
    bytes[17] = 0x10;
    assert!(inject(&mut net, 1, ip(7), &bytes).is_empty(), "IKEv1 is not answered");
    assert_eq!(net.nodes[1].endpoint.stats().drops.version, 2);
}

#[test]
fn spoofed_error_before_the_real_answer_does_not_stop_us() {
    // Section 2.21.1: an attacker is faster than the responder.
    for notify_type in [NotifyType::NO_PROPOSAL_CHOSEN, NotifyType::INVALID_SYNTAX, NotifyType(1234)] {
        let mut net = Net::new(vec![fast(1), fast(2)], 10);
        net.connect(0, 1);
        let spi_i = Message::decode(&net.log[0].bytes).unwrap().header.spi_i;
        let spoofed = Message {
            header: header(spi_i, 0, ExchangeType::IKE_SA_INIT, FLAG_RESPONSE, 0),
            payloads: vec![Payload::Notify(Notify::new(notify_type))],
            sealed: None,
        };
        inject(&mut net, 0, ip(2), &spoofed.encode());
        net.run_secs(5);
        assert!(net.both_ways(0, 1));
        assert!(!net.has(0, |e| matches!(e, Event::ConnectFailed { .. })));
    }
}

#[test]
fn cookie_and_group_ping_pong_is_bounded() {
    let mut config = fast(1);
    config.profiles[0].proposals[0].groups = vec![Group::Curve25519, Group::Ecp256, Group::Ecp384];
    let mut net = Net::new(vec![config, fast(2)], 11);
    net.nodes[1].alive = false;
    net.connect(0, 1);
    let spi_i = Message::decode(&net.log[0].bytes).unwrap().header.spi_i;
    for round in 0..200u16 {
        let notify = if round % 2 == 0 {
            Notify::with_data(NotifyType::COOKIE, vec![u8::try_from(round).unwrap(); 8])
        } else {
            let group = [19u16, 20, 31, 14, 2][usize::from(round) % 5];
            Notify::with_data(NotifyType::INVALID_KE_PAYLOAD, group.to_be_bytes().to_vec())
        };
        let message = Message {
            header: header(spi_i, 0, ExchangeType::IKE_SA_INIT, FLAG_RESPONSE, 0),
            payloads: vec![Payload::Notify(notify)],
            sealed: None,
        };
        inject(&mut net, 0, ip(2), &message.encode());
    }
    assert!(net.nodes[0].endpoint.stats().transmitted <= 8, "{:?}", net.nodes[0].endpoint.stats());
}

#[test]
fn unsolicited_group_is_not_taken() {
    let mut net = Net::new(vec![fast(1), fast(2)], 12);
    net.nodes[1].alive = false;
    net.connect(0, 1);
    let spi_i = Message::decode(&net.log[0].bytes).unwrap().header.spi_i;
    let message = Message {
        header: header(spi_i, 0, ExchangeType::IKE_SA_INIT, FLAG_RESPONSE, 0),
        payloads: vec![Payload::Notify(Notify::with_data(NotifyType::INVALID_KE_PAYLOAD, vec![0, 2]))],
        sealed: None,
    };
    assert!(inject(&mut net, 0, ip(2), &message.encode()).is_empty(), "MODP-1024 was not offered");
}

#[test]
fn half_open_flood_of_100_000_keeps_memory_bounded_and_lets_a_friend_in() {
    let mut net = Net::new(vec![fast(1), fast(2)], 13);
    let mut sent = 0;
    for index in 0..100_000u32 {
        let [_, b, c, d] = index.to_be_bytes();
        let source = IpAddr::V4(Ipv4Addr::new(10, b, c, d));
        let message = init_request(u64::from(index) + 1, vec![9; 32], vec![1; 32]);
        sent += inject(&mut net, 1, source, &message.encode()).len();
        if index == 50_000 {
            net.connect(0, 1);
        }
        if index % 1000 == 0 {
            net.run(Duration::from_millis(10));
        }
    }
    let stats = *net.nodes[1].endpoint.stats();
    let threshold = u64::try_from(net.nodes[1].endpoint.config().limits.cookie_threshold).unwrap();
    assert!(stats.half_open <= threshold, "{stats:?}");
    assert!(stats.cookies_sent >= 99_000, "{stats:?}");
    assert_eq!(stats.drops.cookie, stats.cookies_sent);
    assert!(sent <= 100_000, "never more answers than questions");
    net.run_secs(3);
    assert!(net.both_ways(0, 1), "a friend returns the cookie and gets in during the flood");
    net.run_secs(60);
    assert_eq!(net.nodes[1].endpoint.stats().half_open, 0, "strangers are forgotten");
}

#[test]
fn half_open_limits_per_source_and_in_all() {
    let mut config = fast(2);
    config.limits.cookie_threshold = 10_000;
    config.limits.half_open = 50;
    let mut net = Net::new(vec![fast(1), config], 14);
    for index in 0..100u64 {
        inject(&mut net, 1, ip(7), &init_request(index + 1, vec![9; 32], vec![1; 32]).encode());
    }
    assert_eq!(net.nodes[1].endpoint.stats().half_open, 10);
    assert_eq!(net.nodes[1].endpoint.stats().drops.source_limit, 90);
    for index in 0..100u8 {
        inject(&mut net, 1, ip(100 + index), &init_request(1000, vec![9; 32], vec![1; 32]).encode());
    }
    assert_eq!(net.nodes[1].endpoint.stats().half_open, 50);
    assert_eq!(net.nodes[1].endpoint.stats().drops.half_open_limit, 60);
}

#[test]
fn cookies_are_demanded_bound_to_the_source_and_expire() {
    let mut config = guide(2);
    config.limits.cookie_threshold = 0;
    let mut net = Net::new(vec![guide(1), config], 15);
    net.connect(0, 1);
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
    assert_eq!(net.log.len(), 6);
    let retry = net.log[2].bytes.clone();
    assert!(matches!(Message::decode(&retry).unwrap().payloads.first(),
        Some(Payload::Notify(notify)) if notify.notify_type == NotifyType::COOKIE));
    let sent = inject(&mut net, 1, ip(77), &retry);
    assert_eq!(notify_of(&sent[0]), NotifyType::COOKIE, "the cookie of another source is worth nothing");
    net.run_secs(200);
    let sent = inject(&mut net, 1, ip(1), &init_request(77, vec![9; 32], vec![1; 32]).encode());
    assert_eq!(notify_of(&sent[0]), NotifyType::COOKIE);
}

#[test]
fn answers_to_strangers_are_rate_limited() {
    let mut net = Net::new(vec![fast(1), fast(2)], 16);
    let mut answers = 0;
    for index in 0..10_000u64 {
        let message = Message {
            header: header(index + 1, index + 2, ExchangeType::INFORMATIONAL, FLAG_INITIATOR, 5),
            payloads: vec![],
            sealed: Some(Sealed {
                first: PayloadType::NONE,
                fragment: None,
                body_offset: 32,
                body: vec![0; 64],
            }),
        };
        answers += inject(&mut net, 1, ip(7), &message.encode()).len();
    }
    assert_eq!(answers, 50);
}

#[test]
fn unauthenticated_fragments_are_not_buffered_and_do_not_panic() {
    // swanny panics on number 7 of 1 and buffers before it authenticates.
    let mut net = up(17);
    let sa = net.nodes[1].endpoint.peers().next().unwrap().ike_sas[0].clone();
    for (number, total) in [(7, 1), (1, 1), (0, 0), (0, 9), (1, 65_535), (65_535, 65_535), (2, 3)] {
        for message_id in 2..8 {
            let message = Message {
                header: header(sa.spi_i, sa.spi_r, ExchangeType::INFORMATIONAL, FLAG_INITIATOR, message_id),
                payloads: vec![],
                sealed: Some(Sealed {
                    first: PayloadType::NONE,
                    fragment: Some((number, total)),
                    body_offset: 36,
                    body: vec![0; 64],
                }),
            };
            assert!(inject(&mut net, 1, ip(1), &message.encode()).is_empty());
        }
    }
    let drops = net.nodes[1].endpoint.stats().drops;
    assert_eq!(drops.fragment, 0, "none got past the integrity check: {drops:?}");
    let peer = net.peer(0);
    net.input(0, Input::CheckLiveness { peer });
    net.run_secs(1);
    assert!(net.both_ways(0, 1));
}

#[test]
fn random_bytes_and_mutated_messages_never_panic() {
    use rand_core::Rng as _;
    let mut net = up(18);
    let corpus: Vec<Vec<u8>> = net.log.iter().map(|flight| flight.bytes.clone()).collect();
    for round in 0..20_000usize {
        let mut bytes = corpus[round % corpus.len()].clone();
        for _ in 0..1 + net.rng.next_u32() % 4 {
            let index = net.rng.next_u32() as usize % bytes.len();
            bytes[index] = (net.rng.next_u32() & 0xff) as u8;
        }
        inject(&mut net, round % 2, ip(if round % 2 == 0 { 2 } else { 1 }), &bytes);
    }
    assert!(net.both_ways(0, 1));
}

/// Section 2.4: somebody who sees the first request answers it faster than the responder, with a key exchange of his own,
/// and rejects what he then gets. If that ended the attempt, he could keep any two peers apart.
#[test]
fn spoofed_complete_answer_does_not_keep_the_real_one_out() {
    for rejects in [false, true] {
        let mut attacker = fast(3);
        attacker.profiles[0].keyring = ikev2::Keyring::any("not known");
        let mut net = Net::new(vec![fast(1), fast(2), attacker], 20);
        net.connect(0, 1);
        let mut seen = 0;
        for _ in 0..40 {
            // It sees all that node 0 sends, and its answers, in the name of the real responder, are there at once.
            while let Some(flight) = net.log.get(seen).cloned() {
                seen += 1;
                if flight.source.ip() != ip(1) || (seen > 1 && !rejects) {
                    continue;
                }
                let path = UdpPath { local: SocketAddr::new(ip(3), 500), remote: flight.source };
                let now = net.now;
                let attacker = &mut net.nodes[2].endpoint;
                attacker.handle_input(now, Input::Datagram { path, payload: &flight.bytes });
                let answers: Vec<_> = std::iter::from_fn(|| attacker.poll_output())
                    .filter_map(|output| match output {
                        Output::Transmit(transmit) => Some(transmit.payload),
                        _ => None,
                    })
                    .collect();
                for answer in answers {
                    let path = UdpPath { local: flight.source, remote: flight.destination };
                    net.input(0, Input::Datagram { path, payload: &answer });
                }
            }
            net.run(Duration::from_millis(5));
        }
        assert_eq!(net.nodes[0].endpoint.stats().drops.integrity, 0);
        net.run_secs(5);
        assert!(net.both_ways(0, 1), "rejects {rejects}: {:?}", net.nodes[0].events);
        assert!(!net.has(0, |e| matches!(e, Event::ConnectFailed { .. })));
        assert_eq!(net.nodes[0].plane.inbound.len(), 1);
    }
}

/// Each answer costs a key agreement: a flood of them is taken up a few times and no more.
#[test]
fn flood_of_complete_answers_is_bounded() {
    let mut net = Net::new(vec![fast(1), fast(2)], 22);
    net.nodes[1].alive = false;
    net.connect(0, 1);
    let spi_i = Message::decode(&net.log[0].bytes).unwrap().header.spi_i;
    for spi_r in 1..1000u64 {
        let mut message = init_request(spi_i, vec![9; 32], vec![1; 32]);
        message.header = header(spi_i, spi_r, ExchangeType::IKE_SA_INIT, FLAG_RESPONSE, 0);
        inject(&mut net, 0, ip(2), &message.encode());
    }
    let stats = net.nodes[0].endpoint.stats();
    assert_eq!(stats.transmitted, 1 + 5, "{stats:?}");
    assert_eq!(stats.drops.unexpected_exchange, 999 - 5);
    net.run_secs(100);
    assert!(net.has(0, |e| matches!(e, Event::ConnectFailed { .. })));
    assert_eq!(net.nodes[0].endpoint.poll_timeout(), None);
}
