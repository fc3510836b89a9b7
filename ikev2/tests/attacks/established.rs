//! Against IKE SAs that stand, or are being made, by somebody without their keys.

use super::*;

/// An attacker who sends from any address would end the SAs of others.
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

/// One wrong byte would be read past the end of a message, or believed.
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

/// Whoever recorded a rekey could play it again and again.
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

/// We would become our own peer, and authenticate to ourselves.
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

/// libreswan CVE-2019-12312: one datagram before keys exist ended the daemon.
#[test]
fn informational_before_auth_is_dropped() {
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

/// One datagram would end the process.
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

/// OpenBSD erratum 027 of April 2026: a message in a state that nobody had thought of. Every exchange, direction and id, in
/// the clear and with a forged envelope, in every state of an IKE SA.
#[test]
fn every_state_has_an_answer_to_every_message() {
    // How far the two have come when the messages arrive, in milliseconds after the first request.
    for (stage, moment) in [5, 15, 25, 35, 500].into_iter().enumerate() {
        for target in 0..2 {
            let mut net = Net::new(vec![fast(1), fast(2)], 40);
            net.connect(0, 1);
            net.run(Duration::from_millis(moment));
            if stage == 4 {
                let peer = net.peer(target);
                let reason = ikev2::DownReason::DeletedByUs;
                net.input(target, Input::Disconnect { peer, reason });
            }
            let spis: Vec<(u64, u64)> = net
                .log
                .iter()
                .map(|flight| Message::decode(&flight.bytes).unwrap().header)
                .map(|header| (header.spi_i, header.spi_r))
                .collect();
            let installed = net.nodes[target].plane.inbound.len();
            let (spi_i, spi_r) = *spis.last().unwrap();
            for exchange in [33, 34, 35, 36, 37, 38, 43, 44, 240] {
                for flags in [0, FLAG_INITIATOR, FLAG_RESPONSE, FLAG_INITIATOR | FLAG_RESPONSE] {
                    for message_id in [0, 1, 2, 5, u32::MAX] {
                        for sealed in [false, true] {
                            let body = Sealed {
                                first: PayloadType::NONE,
                                fragment: None,
                                body_offset: 32,
                                body: vec![0; 64],
                            };
                            let message = Message {
                                header: header(spi_i, spi_r, ExchangeType(exchange), flags, message_id),
                                payloads: Vec::new(),
                                sealed: sealed.then_some(body),
                            };
                            inject(&mut net, target, ip(if target == 0 { 2 } else { 1 }), &message.encode());
                        }
                    }
                }
            }
            assert_eq!(net.nodes[target].plane.inbound.len(), installed);
            net.run_secs(5);
            assert!(stage == 4 || net.both_ways(0, 1), "stage {stage} target {target}");
        }
    }
}

/// libreswan CVE-2022-23094, CVE-2020-1763: writing what arrived into the log ended the daemon.
#[test]
fn what_is_logged_is_harmless() {
    let net = up(41);
    for flight in &net.log {
        for length in 0..flight.bytes.len() {
            let mut bytes = flight.bytes.clone();
            bytes[length] ^= 0xff;
            if let Ok(message) = Message::decode(&bytes) {
                assert!(!format!("{message:?}").is_empty());
            }
        }
    }
    let text =
        format!("{:?} {:?} {:?}", net.nodes[0].endpoint, net.nodes[0].events, net.nodes[0].plane.inbound);
    assert!(!text.contains(common::PSK));
    let key = net.nodes[0].plane.outbound.values().next().unwrap().1.encryption_key.expose().to_vec();
    assert!(!text.contains(&hex::encode(&key)) && !text.contains(&format!("{key:?}")));
    let identity = ikev2::Identity::Fqdn("a\u{1b}[2J\nb".into());
    assert!(!format!("{identity:?}").contains('\u{1b}'), "Debug escapes what a terminal would obey");
}
