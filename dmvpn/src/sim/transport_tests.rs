use std::net::Ipv4Addr;

use super::*;

const A: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 1);
const B: Ipv4Addr = Ipv4Addr::new(192, 168, 12, 1);

#[test]
fn udp_round_trip_with_and_without_checksum() {
    for checksum in [true, false] {
        let bytes = build_udp((A, 500), (B, 4500), b"hello", checksum);
        assert_eq!(bytes[6..8] == [0, 0], !checksum);
        let udp = parse_udp(A, B, &bytes).unwrap();
        assert_eq!(udp, Udp { source_port: 500, destination_port: 4500, payload: b"hello" });
        for len in 0..bytes.len() {
            assert!(parse_udp(A, B, &bytes[..len]).is_err());
        }
    }
}

#[test]
fn the_udp_checksum_covers_addresses_and_payload() {
    let mut bytes = build_udp((A, 1), (B, 2), b"abcd", true);
    let elsewhere = Ipv4Addr::new(192, 168, 13, 1);
    assert_eq!(parse_udp(A, elsewhere, &bytes), Err(TransportError::Checksum));
    bytes[9] ^= 1;
    assert_eq!(parse_udp(A, B, &bytes), Err(TransportError::Checksum));
}

#[test]
fn a_udp_checksum_of_zero_is_sent_as_ones() {
    // Try every two-byte payload until one sums to zero; there is always one.
    let found = (0..=u16::MAX).any(|word| {
        let bytes = build_udp((A, 1), (B, 2), &word.to_be_bytes(), true);
        bytes[6..8] == [0xff, 0xff] && parse_udp(A, B, &bytes).is_ok()
    });
    assert!(found);
    assert!((0..=u16::MAX).all(|word| build_udp((A, 1), (B, 2), &word.to_be_bytes(), true)[6..8] != [0, 0]));
}

#[test]
fn icmp_round_trip() {
    let bytes = build_icmp(ICMP_ECHO, 0, [0x12, 0x34, 0, 7], b"abcdefg");
    let icmp = parse_icmp(&bytes).unwrap();
    assert_eq!((icmp.identifier(), icmp.sequence_or_mtu(), icmp.body), (0x1234, 7, &b"abcdefg"[..]));
    assert!(!icmp.is_error());
    let mut bad = bytes.clone();
    bad[8] ^= 0x40;
    assert_eq!(parse_icmp(&bad), Err(TransportError::Checksum));
    assert_eq!(parse_icmp(&bytes[..7]), Err(TransportError::Truncated { len: 7 }));
}

#[test]
fn a_syn_carries_its_mss() {
    for (mss, is_answer) in [(Some(1460), false), (None, false), (Some(536), true)] {
        let syn = TcpSyn { source_port: 40_000, destination_port: 80, is_answer, mss };
        let bytes = syn.build(A, B);
        assert_eq!(TcpSyn::parse(A, B, &bytes), Ok(Some(syn)));
        assert_eq!(TcpSyn::parse(A, A, &bytes), Err(TransportError::Checksum));
    }
    assert_eq!(mss_option(&[1, 1, 3, 3, 7, 2, 4, 5, 0xb4]), Some(1460));
    assert_eq!(mss_option(&[3, 0, 2, 4, 5, 0xb4]), None, "an option of length zero ends the list");
    assert_eq!(mss_option(&[0, 2, 4, 5, 0xb4]), None);
}
