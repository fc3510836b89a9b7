//! Against an initiator, by somebody who sees its first request, or guesses it.

use super::*;

/// Whoever is faster than the responder could keep any two peers apart (section 2.21.1).
#[test]
fn spoofed_error_before_the_real_answer_does_not_stop_us() {
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

/// One initiator could be kept busy with key pairs for ever.
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

/// The attacker would choose the weakest group.
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
