use super::*;

fn header(next: PayloadType) -> Header {
    Header {
        spi_i: 0x0102_0304_0506_0708,
        spi_r: 0,
        next,
        minor_version: 0,
        exchange: ExchangeType::IKE_SA_INIT,
        flags: FLAG_INITIATOR,
        message_id: 0,
    }
}

/// The guide's IKE proposal as strongSwan and IOS send it.
const GUIDE_IKE: &str =
    "0000002c010100040300000c0100000c800e0100030000080300000c0300000802000005000000080400000e";

#[test]
fn guide_proposal_has_the_known_bytes() {
    let policy = [crate::config::IkeProposal::default()];
    let offer = crate::negotiation::ike_offer(&policy, &Spi::none());
    let (_, bytes) = encode_payloads(&[Payload::SecurityAssociation(offer)]);
    // Another order of types than strongSwan's would be as good; ours happens to be ENCR, INTEG, PRF, KE as well.
    assert_eq!(hex::encode(&bytes[4..]), GUIDE_IKE);
}

#[test]
fn guide_esp_proposal_and_selector_have_the_known_bytes() {
    let policy = [crate::config::EspProposal::default()];
    let offer = crate::negotiation::child_offer(&policy, 0x0100_0000, &[]);
    let (_, bytes) = encode_payloads(&[Payload::SecurityAssociation(offer)]);
    assert_eq!(
        hex::encode(&bytes[4..]),
        "0000002801030403010000000300000c0100000c800e0100030000080300000c0000000805000000"
    );
    let selector = TrafficSelector::host(47, [198, 51, 100, 1].into());
    let (_, bytes) = encode_payloads(&[Payload::TrafficSelectorsInitiator(vec![selector])]);
    assert_eq!(hex::encode(&bytes[4..]), "01000000072f00100000ffffc6336401c6336401");
}

fn every_payload() -> Vec<Payload> {
    let identity = |identity| Identification { identity, reserved: [0, 1, 2] };
    vec![
        Payload::SecurityAssociation(vec![
            Proposal {
                number: 1,
                protocol: ProtocolId::IKE,
                spi: Spi::ike(7),
                transforms: vec![
                    Transform::with_key_length(TransformType::ENCRYPTION, 12, 256),
                    Transform {
                        transform_type: TransformType(77),
                        id: 9,
                        attributes: vec![
                            TransformAttribute::Short { attribute: 3, value: 4 },
                            TransformAttribute::Long { attribute: 5, value: vec![1, 2, 3] },
                        ],
                    },
                ],
            },
            Proposal { number: 2, protocol: ProtocolId(99), spi: Spi(vec![1]), transforms: vec![] },
        ]),
        Payload::KeyExchange { group: GroupId(1234), data: vec![9; 5] },
        Payload::IdentificationInitiator(identity(Identity::Fqdn("hub.example".into()))),
        Payload::IdentificationResponder(identity(Identity::Other {
            id_type: IdType(200),
            data: vec![0xff],
        })),
        Payload::IdentificationResponder(identity(Identity::Address("2001:db8::1".parse().unwrap()))),
        Payload::Certificate { encoding: 4, data: vec![1] },
        Payload::CertificateRequest { encoding: 4, data: vec![] },
        Payload::Authentication { method: AuthMethod(201), data: vec![3; 7] },
        Payload::Nonce(vec![7; 16]),
        Payload::Notify(Notify {
            protocol: ProtocolId::ESP,
            spi: Spi::esp(256),
            notify_type: NotifyType(40_000),
            data: vec![1],
        }),
        Payload::Delete(Delete::Ike),
        Payload::Delete(Delete::Esp(vec![256, 257])),
        Payload::Delete(Delete::Other {
            protocol: ProtocolId::AH,
            spi_len: 4,
            count: 1,
            data: vec![0, 0, 1, 1],
        }),
        Payload::VendorId(b"CISCO-DELETE-REASON".to_vec()),
        Payload::TrafficSelectorsInitiator(vec![
            TrafficSelector::host(47, [192, 0, 2, 1].into()),
            TrafficSelector::host(0, "2001:db8::2".parse().unwrap()),
            TrafficSelector::Unknown { ts_type: 9, protocol: 1, data: vec![1, 2, 3, 4] },
        ]),
        Payload::TrafficSelectorsResponder(vec![TrafficSelector::host(47, [192, 0, 2, 2].into())]),
        Payload::Configuration(Configuration {
            cfg_type: 1,
            attributes: vec![Attribute { attribute: 0x7000, value: vec![1, 2] }],
        }),
        Payload::Eap(vec![1, 2, 3, 4]),
        Payload::Unknown { payload_type: PayloadType(199), critical: true, body: vec![5, 6] },
        Payload::Unknown { payload_type: PayloadType(198), critical: false, body: vec![] },
    ]
}

#[test]
fn every_payload_survives_decode_and_encode() {
    let message = Message {
        header: header(PayloadType::SECURITY_ASSOCIATION),
        payloads: every_payload(),
        sealed: None,
    };
    let bytes = message.encode();
    let decoded = Message::decode(&bytes).unwrap();
    assert_eq!(decoded, message);
    assert_eq!(decoded.encode(), bytes);
}

#[test]
fn every_truncation_fails_cleanly() {
    let message = Message {
        header: header(PayloadType::SECURITY_ASSOCIATION),
        payloads: every_payload(),
        sealed: None,
    };
    let bytes = message.encode();
    for length in 0..bytes.len() {
        // With the header's length mended the payloads themselves are cut.
        let mut cut = bytes[..length].to_vec();
        assert!(Message::decode(&cut).is_err());
        if length >= HEADER_LEN {
            cut[24..28].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
            assert!(Message::decode(&cut).is_err(), "cut at {length}");
        }
    }
}

#[test]
fn every_single_byte_change_is_decoded_or_refused_and_survives_encoding() {
    let message = Message {
        header: header(PayloadType::SECURITY_ASSOCIATION),
        payloads: every_payload(),
        sealed: None,
    };
    let bytes = message.encode();
    for index in 0..bytes.len() {
        for value in [0, 1, 0x7f, 0x80, 0xff, bytes[index].wrapping_add(1)] {
            let mut changed = bytes.clone();
            changed[index] = value;
            if let Ok(decoded) = Message::decode(&changed) {
                let again = Message::decode(&decoded.encode()).unwrap();
                assert_eq!(again, decoded, "byte {index} = {value}");
            }
        }
    }
}

#[test]
fn other_major_versions_are_named() {
    let mut bytes = Message { header: header(PayloadType::NONE), payloads: vec![], sealed: None }.encode();
    bytes[17] = 0x10;
    assert_eq!(Message::decode(&bytes), Err(DecodeError::MajorVersion { major: 1 }));
    bytes[17] = 0x30;
    assert_eq!(Message::decode(&bytes), Err(DecodeError::MajorVersion { major: 3 }));
    bytes[17] = 0x21;
    assert_eq!(Message::decode(&bytes).unwrap().header.minor_version, 1);
}

#[test]
fn length_of_the_header_must_be_that_of_the_datagram() {
    let mut bytes = Message { header: header(PayloadType::NONE), payloads: vec![], sealed: None }.encode();
    bytes.push(0);
    assert_eq!(Message::decode(&bytes), Err(DecodeError::LengthMismatch { said: 28, actual: 29 }));
}

#[test]
fn payload_that_does_not_advance_is_refused() {
    let mut bytes = Message {
        header: header(PayloadType::VENDOR_ID),
        payloads: vec![Payload::VendorId(vec![1, 2, 3, 4])],
        sealed: None,
    }
    .encode();
    for length in 0..4u16 {
        bytes[30..32].copy_from_slice(&length.to_be_bytes());
        let expected =
            DecodeError::PayloadLength { payload: PayloadType::VENDOR_ID, offset: HEADER_LEN, length };
        assert_eq!(Message::decode(&bytes), Err(expected));
    }
}

#[test]
fn traffic_selectors_are_checked() {
    let decode =
        |hex: &str| decode_payloads(PayloadType::TRAFFIC_SELECTOR_INITIATOR, &hex::decode(hex).unwrap());
    assert!(decode("0000001801000000072f00100000ffffc6336401c6336401").is_ok());
    assert!(decode("0000001801000000072f00100000ffffc6336402c6336401").is_err(), "start after end");
    assert!(decode("0000001801000000072f0010ffff0001c6336401c6336401").is_err(), "ports inverted");
    assert!(decode("0000001801000000072f0010ffff0000c6336401c6336401").is_ok(), "OPAQUE");
    assert!(decode("0000001802000000072f00100000ffffc6336401c6336401").is_err(), "count above content");
    assert!(decode("0000001800000000072f00100000ffffc6336401c6336401").is_err(), "count below content");
    assert!(decode("0000000800000000").is_err(), "empty list");
    assert!(decode("0000001801000000082f00100000ffffc6336401c6336401").is_err(), "IPv4 size for IPv6");
}

#[test]
fn nonce_length_is_bounded() {
    for (length, fine) in [(15usize, false), (16, true), (256, true), (257, false)] {
        let (first, bytes) = encode_payloads(&[Payload::Nonce(vec![0; length])]);
        assert_eq!(decode_payloads(first, &bytes).is_ok(), fine, "{length}");
    }
}

#[test]
fn element_counts_are_bounded() {
    let many = vec![Payload::Notify(Notify::new(NotifyType::COOKIE)); MAX_PAYLOADS + 1];
    let (first, bytes) = encode_payloads(&many);
    assert!(matches!(decode_payloads(first, &bytes), Err(DecodeError::TooMany { .. })));
    let proposal = Proposal { number: 1, protocol: ProtocolId::IKE, spi: Spi::none(), transforms: vec![] };
    let (first, bytes) = encode_payloads(&[Payload::SecurityAssociation(vec![proposal; MAX_PROPOSALS + 1])]);
    assert!(matches!(decode_payloads(first, &bytes), Err(DecodeError::TooMany { .. })));
    let transforms = vec![Transform::new(TransformType::PRF, 5); 200];
    let proposal = Proposal { number: 1, protocol: ProtocolId::IKE, spi: Spi::none(), transforms };
    let (first, bytes) = encode_payloads(&[Payload::SecurityAssociation(vec![proposal; 3])]);
    assert!(matches!(decode_payloads(first, &bytes), Err(DecodeError::TooMany { .. })));
}

#[test]
fn fragment_numbers_are_checked() {
    let sealed = |number, total| {
        Message {
            header: header(PayloadType::NONE),
            payloads: vec![],
            sealed: Some(Sealed {
                first: PayloadType::NONE,
                fragment: Some((number, total)),
                body_offset: HEADER_LEN + 8,
                body: vec![0; 40],
            }),
        }
        .encode()
    };
    assert!(Message::decode(&sealed(1, 1)).is_ok());
    for (number, total) in [(0, 1), (7, 1), (0, 0)] {
        assert_eq!(
            Message::decode(&sealed(number, total)),
            Err(DecodeError::FragmentNumber { number, total })
        );
    }
}

#[test]
fn selectors_intersect_and_narrow() {
    let net = TrafficSelector::range(0, [10, 0, 0, 0].into(), [10, 0, 0, 255].into()).unwrap();
    let host = TrafficSelector::host(47, [10, 0, 0, 7].into());
    assert_eq!(net.intersection(&host), Some(host.clone()));
    assert!(net.contains(&host) && !host.contains(&net));
    assert_eq!(narrow(std::slice::from_ref(&host), &[net.clone(), net]), vec![host.clone()]);
    let other = TrafficSelector::host(6, [10, 0, 0, 7].into());
    assert_eq!(host.intersection(&other), None);
    assert!(TrafficSelector::range(0, [10, 0, 0, 2].into(), [10, 0, 0, 1].into()).is_err());
}
