use std::net::Ipv4Addr;

use super::*;

const A: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const B: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 1);

#[test]
fn a_known_header_has_its_known_checksum() {
    // The example of many textbooks: 192.168.0.1 to 192.168.0.199, UDP, 115 bytes, DF: checksum b861.
    let header = Header {
        dont_fragment: true,
        ..Header::new(Ipv4Addr::new(192, 168, 0, 1), Ipv4Addr::new(192, 168, 0, 199), PROTOCOL_UDP)
    };
    let bytes = build(&header, &[0; 95]).unwrap();
    assert_eq!(
        &bytes[..20],
        &hex::decode("450000730000400040 11b861c0a80001c0a800c7".replace(' ', "")).unwrap()[..]
    );
}

#[test]
fn every_field_survives_the_round_trip() {
    let header = Header {
        tos: 0xb8,
        id: 0xbeef,
        dont_fragment: false,
        more_fragments: true,
        offset: 1480,
        ttl: 7,
        protocol: PROTOCOL_ESP,
        source: A,
        destination: B,
    };
    let bytes = build(&header, b"payload!").unwrap();
    let datagram = parse(&bytes).unwrap();
    assert_eq!(datagram, Datagram { header, options: &[], payload: b"payload!" });
    assert!(datagram.header.is_fragment());
}

#[test]
fn every_truncation_is_an_error_and_padding_is_cut_off() {
    let bytes = build(&Header::new(A, B, PROTOCOL_GRE), b"12345678").unwrap();
    for len in 0..bytes.len() {
        assert!(parse(&bytes[..len]).is_err(), "{len} bytes");
    }
    let padded = [&bytes[..], &[0; 18]].concat();
    assert_eq!(parse(&padded).unwrap().payload, b"12345678");
}

#[test]
fn each_broken_rule_has_its_error() {
    let good = build(&Header::new(A, B, PROTOCOL_GRE), b"1234").unwrap();
    let broken = |at: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[at] = value;
        parse(&bytes).unwrap_err()
    };
    assert_eq!(broken(0, 0x65), Ipv4Error::Version(6));
    assert_eq!(broken(0, 0x44), Ipv4Error::HeaderLength(16));
    assert_eq!(broken(0, 0x4f), Ipv4Error::HeaderLength(60));
    assert_eq!(broken(3, 19), Ipv4Error::TotalLength(19));
    assert_eq!(broken(3, 25), Ipv4Error::TotalLength(25));
    assert_eq!(broken(8, 9), Ipv4Error::Checksum);
    assert_eq!(build(&Header::new(A, B, 47), &vec![0; 65_516]), Err(Ipv4Error::PayloadLength(65_516)));
}

#[test]
fn forwarding_keeps_the_checksum_right_until_the_life_is_spent() {
    let mut bytes = build(&Header { ttl: 3, ..Header::new(A, B, PROTOCOL_GRE) }, b"x").unwrap();
    assert!(decrement_ttl(&mut bytes));
    assert!(decrement_ttl(&mut bytes));
    assert_eq!(parse(&bytes).unwrap().header.ttl, 1);
    assert!(!decrement_ttl(&mut bytes));
}
