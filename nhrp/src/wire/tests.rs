//! Codec tests on hand-made packets. Captured ones are in `tests/captures.rs`.

use bytes::Bytes;

use super::*;
use crate::error::{DecodeError, EncodeError};

/// A registration of old IOS: 81 bytes, prefix 255, address-less entry (RFC 2332 section 5.2.3 with Cisco's authentication).
const IOS: &str = "000108000000000000ff0051e8e400340103040004048000000000050a000c02c0a80002c0a8000100ff000005ea001e\
                   000000008003000080040000800500008007000900000001434953434f80000000";

fn ios() -> Vec<u8> {
    hex::decode(IOS).unwrap()
}

/// A packet with the given bytes changed and its checksum made right again.
fn patched(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = ios();
    for (at, value) in changes {
        bytes[*at] = *value;
    }
    bytes[12..14].fill(0);
    let checksum = internet_checksum::checksum(&bytes);
    bytes[12..14].copy_from_slice(&checksum);
    bytes
}

#[test]
fn old_ios_registration_has_every_field_where_the_rfc_puts_it() {
    let packet = Packet::decode(&ios()).unwrap();
    assert_eq!(packet.address_family, AddressFamily::IPV4);
    assert_eq!(packet.protocol_type, ProtocolType::IPV4);
    assert_eq!((packet.hop_count, packet.packet_type), (255, PacketType::REGISTRATION_REQUEST));
    assert_eq!(packet.source_nbma.ip(), Some("10.0.12.2".parse().unwrap()));
    assert_eq!(packet.source_protocol.ip(), Some("192.168.0.2".parse().unwrap()));
    assert_eq!(packet.destination_protocol.ip(), Some("192.168.0.1".parse().unwrap()));
    assert!(packet.flags.contains(Flags::REGISTRATION_UNIQUE));
    assert_eq!(packet.request_id, 5);
    let entry = &packet.entries()[0];
    assert_eq!((entry.prefix_len, entry.mtu, entry.holding_time), (255, 1514, 30));
    assert_eq!(entry.effective_prefix_len(32), 32);
    assert!(entry.nbma.is_empty() && entry.protocol.is_empty());
    let kinds: Vec<u16> = packet.extensions.iter().flatten().map(|e| e.kind.0).collect();
    assert_eq!(kinds, [3, 4, 5, 7]);
    let authentication = packet.extension(ExtensionType::AUTHENTICATION).unwrap();
    assert_eq!(authentication.authentication_data(), Some(&b"CISCO"[..]));
    assert!(!format!("{packet:?}").contains("CISCO"));
    assert_eq!(packet.encode().unwrap(), ios());
}

#[test]
fn every_truncation_fails_and_bytes_behind_the_packet_size_are_ignored() {
    let bytes = ios();
    for len in 0..bytes.len() {
        assert!(Packet::decode(&bytes[..len]).is_err(), "{len}");
    }
    let mut padded = bytes.clone();
    padded.extend_from_slice(&[0xaa; 7]);
    assert_eq!(Packet::decode(&padded).unwrap().encode().unwrap(), bytes);
}

#[test]
fn each_broken_rule_has_its_name() {
    assert_eq!(Packet::decode(&patched(&[(16, 2)])), Err(DecodeError::Version(2)));
    let mut wrong = ios();
    wrong[13] ^= 1;
    assert_eq!(Packet::decode(&wrong), Err(DecodeError::Checksum));
    assert!(matches!(
        Packet::decode(&patched(&[(11, 82)])),
        Err(DecodeError::PacketSize { field: 82, received: 81 })
    ));
    assert!(matches!(Packet::decode(&patched(&[(11, 27)])), Err(DecodeError::PacketSize { field: 27, .. })));
    // Extension offset inside the addresses, and behind the end.
    for offset in [28, 39, 81, 255] {
        let error = Packet::decode(&patched(&[(15, offset)])).unwrap_err();
        assert!(
            matches!(error, DecodeError::ExtensionOffset { earliest: 40, size: 81, .. }),
            "{offset} {error}"
        );
    }
    // Between the entry's start and its end the entry is cut.
    assert!(matches!(Packet::decode(&patched(&[(15, 45)])), Err(DecodeError::Truncated { offset: 40, .. })));
    // An address length that reaches over the end.
    assert!(matches!(Packet::decode(&patched(&[(20, 255)])), Err(DecodeError::Truncated { .. })));
    // An extension that reaches over the end, and a list without End.
    assert!(matches!(
        Packet::decode(&patched(&[(55, 60)])),
        Err(DecodeError::Truncated { field: "extension value", offset: 52 })
    ));
    assert_eq!(Packet::decode(&patched(&[(77, 0x00), (78, 6)])), Err(DecodeError::MissingEnd));
}

#[test]
fn unknown_values_survive() {
    let mut packet = Packet::decode(&ios()).unwrap();
    packet.snap = [1, 2, 3, 4, 5];
    packet.source_nbma_type = 0x40;
    packet.source_nbma = Address::Other(Box::from(&b"\x00\x11\x22\x33\x44\x55\x66"[..]));
    packet.source_subaddress = Address::Other(Box::from(&b"\x01"[..]));
    packet.flags = Flags(0x7ffd);
    if let Body::Entries(entries) = &mut packet.body {
        entries[0].code = CieCode(99);
        entries[0].unused = 0xbeef;
        entries.push(Cie::new(Some("2001:db8::1".parse().unwrap()), Some("10.0.0.1".parse().unwrap())));
    }
    packet.extensions.as_mut().unwrap().push(Extension {
        compulsory: true,
        reserved: true,
        kind: ExtensionType(0x1234),
        value: Bytes::from_static(b"anything"),
    });
    packet.trailer = Bytes::from_static(&[0; 16]);
    let bytes = packet.encode().unwrap();
    assert_eq!(Packet::decode(&bytes).unwrap(), packet);
    // An End with unusual bits survives too.
    packet.extensions.as_mut().unwrap().push(Extension {
        compulsory: false,
        reserved: false,
        kind: ExtensionType::END,
        value: Bytes::from_static(b"x"),
    });
    let bytes = packet.encode().unwrap();
    assert_eq!(Packet::decode(&bytes).unwrap().encode().unwrap(), bytes);
    // A type that nobody has defined.
    packet.packet_type = PacketType(77);
    packet.body = Body::Payload(Bytes::from_static(b"opaque"));
    let bytes = packet.encode().unwrap();
    assert_eq!(Packet::decode(&bytes).unwrap(), packet);
}

#[test]
fn what_does_not_fit_its_length_field_is_the_callers_mistake() {
    let mut packet = Packet::decode(&ios()).unwrap();
    packet.source_nbma = Address::Other(vec![0; 64].into());
    assert_eq!(packet.encode(), Err(EncodeError::AddressLength { field: "source NBMA address", len: 64 }));
    packet.source_nbma = Address::None;
    packet.destination_protocol = Address::Other(vec![0; 256].into());
    assert!(matches!(packet.encode(), Err(EncodeError::AddressLength { len: 256, .. })));
    packet.destination_protocol = Address::None;
    packet.body = Body::Payload(vec![0; 65536].into());
    assert!(matches!(packet.encode(), Err(EncodeError::PacketSize(_))));
}

#[test]
fn offsets_of_extensions_count_from_the_packets_start() {
    let packet = Packet::decode(&ios()).unwrap();
    assert_eq!(packet.extension_offset(|e| e.kind == ExtensionType::RESPONDER_ADDRESS), Some(52));
    assert_eq!(packet.extension_offset(|e| e.kind == ExtensionType::AUTHENTICATION), Some(64));
    assert_eq!(packet.extension_offset(|e| e.kind == ExtensionType::NAT_ADDRESS), None);
}

#[test]
fn numbers_print_their_names() {
    assert_eq!(CieCode(14).to_string(), "unique address already registered");
    assert_eq!(ErrorCode::HOP_COUNT.to_string(), "hop count exceeded");
    assert_eq!(PacketType(9).to_string(), "unknown 9");
    assert_eq!(format!("{:?}", PacketType::PURGE_REPLY), "PacketType(6 Purge Reply)");
}
