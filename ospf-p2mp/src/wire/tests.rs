//! Codec tests that need no files of others.

use bytes::Bytes;

use super::*;
use crate::id::AreaId;

fn hello_packet() -> Packet {
    Packet {
        router_id: [2, 2, 2, 2].into(),
        area: AreaId::from(1),
        auth: AuthField::Null([0; 8]),
        body: PacketBody::Hello(Hello {
            mask: [255, 255, 255, 0].into(),
            hello_interval: 30,
            options: Options::E.union(Options(0x80)),
            priority: 1,
            dead_interval: 120,
            designated_router: [0, 0, 0, 0].into(),
            backup_designated_router: [0, 0, 0, 0].into(),
            neighbors: vec![[1, 1, 1, 1].into()],
        }),
        trailer: Bytes::new(),
    }
}

fn router_lsa() -> Lsa {
    let body = LsaBody::Router(RouterLsa {
        flags: RouterFlags(0x8305),
        links: vec![
            RouterLink::point_to_point([1, 1, 1, 1].into(), [10, 0, 0, 2].into(), 10),
            RouterLink { kind: LinkKind(9), id: [9, 9, 9, 9].into(), data: [8, 8, 8, 8].into(), metric: 7 },
        ],
        tos: vec![TosMetric { link: 0, tos: 4, reserved: 1, metric: 99 }],
    });
    let key = LsaKey::new(1, [2, 2, 2, 2].into(), [2, 2, 2, 2].into());
    Lsa::new(key, Options::E, INITIAL_SEQUENCE, body.encode()).expect("a small LSA")
}

fn encoded(lsa: &Lsa) -> Vec<u8> {
    let mut out = Vec::new();
    lsa.encode_into(&mut out);
    out
}

#[test]
fn every_truncation_fails() {
    let mut packet = hello_packet();
    let bodies = [
        packet.body.clone(),
        PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![router_lsa(), router_lsa()] }),
        PacketBody::LinkStateAck(LsAck { headers: vec![router_lsa().header] }),
        PacketBody::LinkStateRequest(LsRequest { entries: vec![router_lsa().key().into()] }),
        PacketBody::DatabaseDescription(DatabaseDescription {
            mtu: 1400,
            options: Options::E,
            flags: DdFlags(0xf7),
            sequence: 7,
            headers: vec![router_lsa().header],
        }),
    ];
    for body in bodies {
        packet.body = body;
        let bytes = packet.encode().expect("a small packet");
        assert!(Packet::checksum_is_valid(&bytes));
        assert_eq!(Packet::decode(&bytes).as_ref(), Ok(&packet));
        for length in 0..bytes.len() {
            assert!(Packet::decode(&bytes[..length]).is_err(), "{length} of {}", bytes.len());
        }
    }
}

#[test]
fn every_truncation_of_a_body_fails_or_is_another_length() {
    let lsa = router_lsa();
    for length in 0..lsa.body.len() {
        let cut = Lsa { header: lsa.header, body: lsa.body.slice(..length) };
        assert!(cut.decode_body().is_err(), "{length}");
    }
}

#[test]
fn unknown_bits_and_kinds_survive() {
    let lsa = router_lsa();
    let again = Lsa::decode(&encoded(&lsa)).expect("our own LSA");
    assert_eq!(again, lsa);
    assert_eq!(again.decode_body().expect("our own body").encode(), lsa.body);
    let unknown = Lsa::new(
        LsaKey::new(200, [1, 2, 3, 4].into(), [5, 6, 7, 8].into()),
        Options(0xff),
        5,
        Bytes::from_static(b"whatever"),
    );
    let unknown = unknown.expect("a small LSA");
    assert_eq!(unknown.decode_body(), Ok(LsaBody::Other(Bytes::from_static(b"whatever"))));
    assert_eq!(Lsa::decode(&encoded(&unknown)), Ok(unknown));
}

#[test]
fn fletcher_finds_every_changed_octet_but_the_age() {
    let lsa = router_lsa();
    assert!(lsa.checksum_is_valid());
    let bytes = encoded(&lsa);
    for position in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[position] ^= 0x55;
        // The length field decides how much there is; the rest is the checksum's business.
        if let Ok(lsa) = Lsa::decode(&changed) {
            assert_eq!(lsa.checksum_is_valid(), position < 2, "octet {position}");
        }
    }
    let zero = Lsa { header: LsaHeader { checksum: 0, ..lsa.header }, body: lsa.body };
    assert!(!zero.checksum_is_valid(), "zero is not a checksum");
}

#[test]
fn lengths_that_lie_are_refused() {
    let lsa = router_lsa();
    let with_length = |length: u16| {
        let mut bytes = encoded(&lsa);
        bytes[18..20].copy_from_slice(&length.to_be_bytes());
        Lsa::decode(&bytes)
    };
    let real = u16::try_from(lsa.wire_len()).expect("a small LSA");
    for length in [0, 19, real - 1, real + 1, real + 4, u16::MAX] {
        assert_eq!(with_length(length), Err(DecodeError::LsaLength { length, offset: 0 }));
    }
    let bytes = hello_packet().encode().expect("a small packet");
    for length in [0u16, 23, 49, u16::MAX] {
        let mut bytes = bytes.clone();
        bytes[2..4].copy_from_slice(&length.to_be_bytes());
        let available = bytes.len();
        assert_eq!(Packet::decode(&bytes), Err(DecodeError::PacketLength { length, available }));
    }
}

#[test]
fn counts_that_lie_are_refused() {
    let lsa = router_lsa();
    let mut body = lsa.body.to_vec();
    body[2..4].copy_from_slice(&3u16.to_be_bytes());
    assert_eq!(RouterLsa::decode(&body), Err(DecodeError::LinkCount { announced: 3, carried: 2 }));
    body[2..4].copy_from_slice(&1u16.to_be_bytes());
    assert_eq!(RouterLsa::decode(&body), Err(DecodeError::TrailingBytes(Field::RouterLsa, 12)));
    // A link that announces more TOS metrics than there are octets.
    body[2..4].copy_from_slice(&2u16.to_be_bytes());
    body[13] = 255;
    assert!(matches!(RouterLsa::decode(&body), Err(DecodeError::LinkCount { .. })));
    let mut packet = hello_packet();
    packet.body = PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![lsa] });
    let mut bytes = packet.encode().expect("a small packet");
    bytes[27] = 2;
    assert_eq!(Packet::decode(&bytes), Err(DecodeError::LsaCount { announced: 2, carried: 1 }));
}

#[test]
fn masks_with_holes_are_refused() {
    let body = [255, 0, 255, 0, 0, 0, 0, 1];
    assert_eq!(SummaryLsa::decode(&body, true), Err(DecodeError::Mask(0xff00_ff00)));
    assert!(SummaryLsa::decode(&body, false).is_ok(), "type 4 has no mask");
    for good in [0u32, 0xff00_0000, 0xffff_ffff, 0x8000_0000] {
        let mut body = good.to_be_bytes().to_vec();
        body.extend([0, 0, 0, 1]);
        assert!(SummaryLsa::decode(&body, true).is_ok(), "{good:#x}");
    }
}

#[test]
fn an_lsa_of_65535_octets_is_the_largest() {
    let key = LsaKey::new(10, [1, 2, 3, 4].into(), [5, 6, 7, 8].into());
    assert!(Lsa::new(key, Options::E, 1, Bytes::from(vec![0; 65_515])).is_ok());
    let error = Lsa::new(key, Options::E, 1, Bytes::from(vec![0; 65_516]));
    assert_eq!(error, Err(TooLong { what: Field::Lsa, octets: 65_536 }));
    let mut packet = hello_packet();
    let lsa = Lsa::new(key, Options::E, 1, Bytes::from(vec![0; 40_000])).expect("it fits");
    packet.body = PacketBody::LinkStateUpdate(LsUpdate { lsas: vec![lsa.clone(), lsa] });
    assert!(packet.encode().is_err(), "no length wraps");
}

/// RFC 2328 section 13.1, rule by rule.
#[test]
fn which_instance_is_newer() {
    let base = router_lsa().header;
    let newer = |a: LsaHeader, b: LsaHeader| {
        assert!(a.compare_instance(&b).is_gt() && b.compare_instance(&a).is_lt(), "{a:?} {b:?}");
    };
    newer(LsaHeader { sequence: 1, ..base }, LsaHeader { sequence: -1, ..base });
    newer(LsaHeader { sequence: MAX_SEQUENCE, ..base }, LsaHeader { sequence: INITIAL_SEQUENCE, ..base });
    newer(LsaHeader { checksum: 2, ..base }, LsaHeader { checksum: 1, ..base });
    newer(LsaHeader { age: MAX_AGE, ..base }, LsaHeader { age: 1, ..base });
    newer(LsaHeader { age: 1, ..base }, LsaHeader { age: 902, ..base });
    let same = LsaHeader { age: 901, ..base };
    assert!(same.compare_instance(&LsaHeader { age: 1, ..base }).is_eq());
    let still = LsaHeader { age: DO_NOT_AGE | 5, ..base };
    assert!(still.compare_instance(&LsaHeader { age: 5, ..base }).is_eq(), "DoNotAge is no age");
}

#[test]
fn options_show_their_names() {
    assert_eq!(Options(0x52).to_string(), "E|L|O");
    assert_eq!(Options(0).to_string(), "-");
}

#[test]
fn lls_blocks_are_read_within_bounds() {
    let block = [0xff, 0xf6, 0, 3, 0, 1, 0, 4, 0, 0, 0, 1, 0xde, 0xad];
    let tlvs = lls::decode(&block).expect("a good block");
    assert_eq!(tlvs, [lls::Tlv { kind: 1, value: &[0, 0, 0, 1] }]);
    for bad in
        [&block[..3], &block[..11], &[0, 0, 0, 0][..], &[0, 0, 0, 2, 0, 1, 0, 9][..], &[0, 0, 255, 255][..]]
    {
        assert!(lls::decode(bad).is_err(), "{bad:?}");
    }
}
