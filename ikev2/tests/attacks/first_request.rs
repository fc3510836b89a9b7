//! Against a responder, with the one message that everybody may send.

use super::*;

/// libreswan CVE-2013-6467, CVE-2016-5391: one datagram ended the daemon.
#[test]
fn missing_payloads_in_the_first_request() {
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

/// libreswan CVE-2015-3240, charon-tkm CVE-2023-41913: a secret that the attacker knows, or memory overwritten.
#[test]
fn bad_public_values_cost_nothing_and_connect_nobody() {
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

/// What a payload demands would be silently left out (section 2.5).
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

/// strongSwan CVE-2015-3991: payloads of the other IKE version in the wrong parser.
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

/// strongSwan CVE-2014-9221: an internal number, 1025, was also one that the wire could carry. Numbers of private use, or of
/// no use, are numbers like any other here: not ours, so not chosen, and never echoed.
#[test]
fn private_numbers_are_only_numbers() {
    let mut net = Net::new(vec![fast(1), fast(2)], 30);
    for id in [0, 1, 1023, 1024, 1025, 0xff00, 0xffff] {
        let mut message = init_request(30, vec![9; 32], vec![1; 32]);
        message.payloads[1] = Payload::KeyExchange { group: GroupId(id), data: vec![9; 32] };
        let sent = inject(&mut net, 1, ip(7), &message.encode());
        let answer = Message::decode(&sent[0]).unwrap();
        let wanted = Notify::with_data(NotifyType::INVALID_KE_PAYLOAD, vec![0, 31]);
        assert_eq!(answer.payloads, [Payload::Notify(wanted)]);
        if let Some(Payload::SecurityAssociation(proposals)) = message.payloads.first_mut() {
            proposals[0].transforms[3] = Transform::new(TransformType::KEY_EXCHANGE, id);
        }
        let sent = inject(&mut net, 1, ip(7), &message.encode());
        assert_eq!(notify_of(&sent[0]), NotifyType::NO_PROPOSAL_CHOSEN);
    }
}

/// A list of proposals costs the one who reads it as much as the one who writes it, and not the product of its parts.
#[test]
fn proposal_explosion_is_cut_off() {
    let mut net = Net::new(vec![fast(1), fast(2)], 31);
    let mut message = init_request(31, vec![9; 32], vec![1; 32]);
    let transforms: Vec<_> = (0..255).map(|id| Transform::new(TransformType::ENCRYPTION, id)).collect();
    let many = |count: u8| {
        let proposal = |number| Proposal {
            number,
            protocol: ProtocolId::IKE,
            spi: Spi::none(),
            transforms: transforms.iter().take(500 / usize::from(count).max(1)).cloned().collect(),
        };
        Payload::SecurityAssociation((1..=count).map(proposal).collect())
    };
    message.payloads[0] = many(60);
    let sent = inject(&mut net, 1, ip(7), &message.encode());
    assert_eq!(notify_of(&sent[0]), NotifyType::NO_PROPOSAL_CHOSEN);
    message.payloads[0] = many(200);
    assert!(inject(&mut net, 1, ip(7), &message.encode()).is_empty(), "more proposals than are read at all");
    assert_eq!(net.nodes[1].endpoint.stats().drops.malformed, 1);
}

/// Two strangers who choose the same SPI: the answer to one, or its SA, would go to the other.
#[test]
fn the_same_initiator_spi_from_two_addresses_is_two_sas() {
    let mut net = Net::new(vec![fast(1), fast(2)], 32);
    let answers = [ip(7), ip(8)].map(|from| {
        let sent = inject(&mut net, 1, from, &init_request(32, vec![9; 32], vec![1; 32]).encode());
        Message::decode(&sent[0]).unwrap()
    });
    assert_ne!(answers[0].header.spi_r, answers[1].header.spi_r);
    assert_ne!(answers[0].payloads[2], answers[1].payloads[2], "each with a nonce of its own");
    assert_eq!(net.nodes[1].endpoint.stats().half_open, 2);
}
