//! GRE headers, keepalives and sequence numbers.

use std::net::Ipv4Addr;

use ::gre::{Header, MAX_LEN, Order, SequenceReceiver, keepalive};

use crate::mend;

/// A GRE packet: as it is, with its checksum made right, and what is inside it as a keepalive.
pub fn gre(data: &[u8]) {
    let mut receiver = SequenceReceiver::new();
    for packet in [data.to_vec(), mend::gre(data)] {
        let Ok((header, len)) = Header::decode(&packet).inspect_err(|error| drop(error.to_string())) else {
            continue;
        };
        round_trip(header, len, &packet);
        if let Some(number) = header.sequence {
            let order = receiver.accept(number);
            assert_eq!(
                receiver.accept(number),
                Order::OutOfSequence,
                "delivered {number} twice after {order:?}"
            );
        }
        answer(&packet[len..]);
    }
    answer(data);
}

fn round_trip(header: Header, len: usize, packet: &[u8]) {
    assert_eq!(len, header.len());
    let payload = &packet[len..];
    let mut buffer = vec![0xa5; MAX_LEN + payload.len()];
    let range = MAX_LEN..buffer.len();
    buffer[range.clone()].copy_from_slice(payload);
    let start = header.push(&mut buffer, range).expect("there is room for the longest header");
    let again = &buffer[start..];
    assert_eq!(Header::decode(again), Ok((header, len)), "what was encoded decodes to the same");
    // The reserved bits are ignored and sent as zero (RFC 2784 section 2.3), and so are those behind the checksum;
    // what is covered by the checksum then differs.
    let reserved = u16::from_be_bytes([packet[0], packet[1]]) & 0x03f8 != 0;
    if header.checksum {
        assert_eq!(packet[2..4], again[2..4]);
        assert_eq!(packet[8..], again[8..]);
    } else if !reserved {
        assert_eq!(packet, again, "the same bytes");
    }
}

fn answer(inner: &[u8]) {
    let address = |at: usize| {
        let octets: Option<[u8; 4]> = inner.get(at..at + 4).and_then(|octets| octets.try_into().ok());
        octets.map_or(Ipv4Addr::UNSPECIFIED, Ipv4Addr::from)
    };
    for (local, remote) in
        [(address(12), address(16)), (Ipv4Addr::new(192, 0, 2, 1), Ipv4Addr::new(192, 0, 2, 2))]
    {
        let mut packet = inner.to_vec();
        match keepalive::answer(&mut packet, local, remote) {
            Ok(range) => {
                let answered = packet.get(range).expect("the answer is a part of the packet");
                assert_eq!(answered[8] + 1, inner[8], "one TTL less");
                let header = usize::from(answered[0] & 0x0f) * 4;
                assert_eq!(internet_checksum::checksum(&answered[..header]), [0, 0]);
            }
            Err(why) => {
                drop(why.to_string());
                assert_eq!(packet, inner, "a refused packet is unchanged");
            }
        }
    }
}
