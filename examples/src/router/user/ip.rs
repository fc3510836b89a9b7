//! The little that this side of the engine has to know of IPv4 headers.

use std::net::Ipv4Addr;

const VERSION_4: u8 = 4;
const LEAST: usize = 20;

/// Whether a packet begins like one of IPv4.
pub(super) fn is_ipv4(packet: &[u8]) -> bool {
    packet.len() >= LEAST && packet.first().is_some_and(|first| first >> 4 == VERSION_4)
}

/// The payload of an IPv4 packet as a raw socket hands it over, its sender and its TOS byte.
pub(super) fn payload(packet: &[u8]) -> Option<(Ipv4Addr, u8, &[u8])> {
    let first = *packet.first()?;
    let header_len = usize::from(first & 0x0f) * 4;
    if first >> 4 != VERSION_4 || header_len < LEAST {
        return None;
    }
    let payload = packet.get(header_len..)?;
    let source = packet.get(12..)?.first_chunk::<4>()?;
    Some((Ipv4Addr::from(*source), *packet.get(1)?, payload))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Vec<u8> {
        let mut header = vec![0x45, 0xb8, 0, 20, 0, 0, 0, 0, 64, 50, 0, 0];
        header.extend([192, 168, 11, 1, 192, 168, 12, 1]);
        header
    }

    #[test]
    fn what_a_raw_socket_gives_is_taken_apart() {
        let mut packet = header();
        packet.extend_from_slice(b"esp");
        assert_eq!(payload(&packet), Some((Ipv4Addr::new(192, 168, 11, 1), 0xb8, &b"esp"[..])));
        assert!(is_ipv4(&packet));
        packet[0] = 0x44;
        assert_eq!(payload(&packet), None, "the header is too short");
        packet[0] = 0x4f;
        assert_eq!(payload(&packet), None, "the header is longer than the packet");
        packet[0] = 0x65;
        assert_eq!(payload(&packet), None, "that is IPv6");
        assert!(!is_ipv4(&packet));
        assert!(!is_ipv4(&header()[..19]));
        assert_eq!(payload(&[]), None);
    }
}
