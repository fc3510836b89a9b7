//! The little that this side of the engine has to know of IPv4 headers.

use std::net::Ipv4Addr;

const VERSION_4: u8 = 4;
const TTL: usize = 8;
const CHECKSUM: usize = 10;
const DESTINATION: usize = 16;
const LEAST: usize = 20;

/// Where an IPv4 packet goes; none if it is not one.
pub(super) fn destination(packet: &[u8]) -> Option<Ipv4Addr> {
    if packet.len() < LEAST || packet[0] >> 4 != VERSION_4 {
        return None;
    }
    packet.get(DESTINATION..)?.first_chunk::<4>().map(|octets| Ipv4Addr::from(*octets))
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

/// Adds one to the TTL of an IPv4 packet and mends the header's checksum (RFC 1624). A TTL of 255 stays.
pub(super) fn raise_ttl(packet: &mut [u8]) {
    let Some(header) = packet.first_chunk_mut::<LEAST>() else { return };
    if header[TTL] == u8::MAX {
        return;
    }
    let old = u16::from_be_bytes([header[TTL], header[TTL + 1]]);
    header[TTL] += 1;
    let new = u16::from_be_bytes([header[TTL], header[TTL + 1]]);
    let sum = u16::from_be_bytes([header[CHECKSUM], header[CHECKSUM + 1]]);
    // RFC 1624 equation 3: HC' = ~(~HC + ~m + m').
    let mut mended = u32::from(!sum) + u32::from(!old) + u32::from(new);
    while mended > 0xffff {
        mended = (mended & 0xffff) + (mended >> 16);
    }
    let mended = u16::try_from(mended).map_or(sum, |folded| !folded);
    header[CHECKSUM..CHECKSUM + 2].copy_from_slice(&mended.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An IPv4 header with a correct checksum.
    fn header(ttl: u8) -> [u8; LEAST] {
        let mut header = [0; LEAST];
        header[0] = 0x45;
        header[3] = 20;
        header[TTL] = ttl;
        header[9] = 1;
        header[12..16].copy_from_slice(&[192, 168, 11, 1]);
        header[16..20].copy_from_slice(&[192, 168, 12, 1]);
        let sum = !sum(&header);
        header[CHECKSUM..CHECKSUM + 2].copy_from_slice(&sum.to_be_bytes());
        header
    }

    /// The one's complement sum of RFC 1071.
    fn sum(bytes: &[u8]) -> u16 {
        let words = bytes.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])));
        let mut sum: u32 = words.sum();
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        u16::try_from(sum).unwrap()
    }

    #[test]
    fn a_raised_ttl_keeps_the_checksum_right() {
        for ttl in 0..u8::MAX {
            let mut packet = header(ttl);
            raise_ttl(&mut packet);
            assert_eq!(packet[TTL], ttl + 1);
            assert_eq!(packet, header(ttl + 1), "TTL {ttl}");
        }
    }

    #[test]
    fn the_largest_ttl_and_short_packets_stay() {
        let mut packet = header(255);
        raise_ttl(&mut packet);
        assert_eq!(packet, header(255));
        let mut short = [0x45; 19];
        raise_ttl(&mut short);
        assert_eq!(short, [0x45; 19]);
    }

    #[test]
    fn what_a_raw_socket_gives_is_taken_apart() {
        let mut packet = header(64).to_vec();
        packet[1] = 0xb8;
        packet.extend_from_slice(b"esp");
        assert_eq!(payload(&packet), Some((Ipv4Addr::new(192, 168, 11, 1), 0xb8, &b"esp"[..])));
        assert_eq!(destination(&packet), Some(Ipv4Addr::new(192, 168, 12, 1)));
        packet[0] = 0x44;
        assert_eq!(payload(&packet), None, "the header is too short");
        packet[0] = 0x4f;
        assert_eq!(payload(&packet), None, "the header is longer than the packet");
        packet[0] = 0x65;
        assert_eq!(payload(&packet), None, "that is IPv6");
        assert_eq!(destination(&packet), None);
        assert_eq!(payload(&[]), None);
    }
}
