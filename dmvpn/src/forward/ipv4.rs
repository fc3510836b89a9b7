//! The IPv4 header, read and changed in place (RFC 791).

use std::net::Ipv4Addr;

use internet_checksum::{checksum, update};

/// Length of an IPv4 header without options.
pub(crate) const HEADER_LEN: usize = 20;
/// The explicit congestion notification bits of the TOS byte (RFC 3168).
const ECN_MASK: u8 = 0b11;
/// Congestion experienced.
const ECN_CE: u8 = 0b11;

/// IP protocol numbers that the forwarding plane tells apart.
pub(crate) mod protocol {
    /// ICMP.
    pub(crate) const ICMP: u8 = 1;
    /// TCP.
    pub(crate) const TCP: u8 = 6;
    /// GRE.
    pub(crate) const GRE: u8 = 47;
    /// OSPF.
    pub(crate) const OSPF: u8 = 89;
}

/// What forwarding needs to know of an IPv4 header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    /// Header length in bytes, options included.
    pub(crate) header_len: usize,
    /// Length of the whole packet in bytes.
    pub(crate) total_len: usize,
    pub(crate) tos: u8,
    pub(crate) dont_fragment: bool,
    pub(crate) identification: u16,
    /// Whether fragments follow this one.
    pub(crate) more_fragments: bool,
    /// Offset of this fragment in bytes; 0 for a whole packet and for a first fragment.
    pub(crate) fragment_offset: usize,
    pub(crate) ttl: u8,
    pub(crate) protocol: u8,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
}

impl Header {
    /// Reads and checks a header: version, lengths against the bytes at hand, and the checksum. Bytes behind the
    /// packet's own length are allowed, as trailing padding is.
    pub(crate) fn read(packet: &[u8]) -> Option<Self> {
        let fixed: &[u8; HEADER_LEN] = packet.first_chunk()?;
        let header_len = usize::from(fixed[0] & 0x0f) * 4;
        let total_len = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        if fixed[0] >> 4 != 4 || header_len < HEADER_LEN || total_len < header_len {
            return None;
        }
        let header = packet.get(..header_len)?;
        if packet.len() < total_len || checksum(header) != [0, 0] {
            return None;
        }
        let flags_and_offset = u16::from_be_bytes([fixed[6], fixed[7]]);
        Some(Self {
            header_len,
            total_len,
            tos: fixed[1],
            dont_fragment: flags_and_offset & 0x4000 != 0,
            identification: u16::from_be_bytes([fixed[4], fixed[5]]),
            more_fragments: flags_and_offset & 0x2000 != 0,
            fragment_offset: usize::from(flags_and_offset & 0x1fff) * 8,
            ttl: fixed[8],
            protocol: fixed[9],
            source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]),
            destination: Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]),
        })
    }
}

/// What goes into a header that we write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewHeader {
    pub(crate) tos: u8,
    pub(crate) identification: u16,
    pub(crate) dont_fragment: bool,
    pub(crate) ttl: u8,
    pub(crate) protocol: u8,
    pub(crate) source: Ipv4Addr,
    pub(crate) destination: Ipv4Addr,
}

impl NewHeader {
    /// The header in front of `payload_len` bytes; `None` if the packet would be longer than IPv4 allows.
    pub(crate) fn to_bytes(self, payload_len: usize) -> Option<[u8; HEADER_LEN]> {
        self.to_fragment_bytes(payload_len, 0, false)
    }

    /// The header of a fragment whose payload begins at `offset` of the whole, a multiple of eight.
    pub(crate) fn to_fragment_bytes(
        self,
        payload_len: usize,
        offset: usize,
        more: bool,
    ) -> Option<[u8; HEADER_LEN]> {
        let fragment = u16::try_from(offset / 8).ok().filter(|offset| *offset <= 0x1fff)?;
        let flags = if self.dont_fragment { 0x4000 } else { 0 } | if more { 0x2000 } else { 0 };
        let total_len = u16::try_from(HEADER_LEN + payload_len).ok()?;
        let mut header = [0; HEADER_LEN];
        header[0] = 0x45;
        header[1] = self.tos;
        header[2..4].copy_from_slice(&total_len.to_be_bytes());
        header[4..6].copy_from_slice(&self.identification.to_be_bytes());
        header[6..8].copy_from_slice(&(flags | fragment).to_be_bytes());
        header[8] = self.ttl;
        header[9] = self.protocol;
        header[12..16].copy_from_slice(&self.source.octets());
        header[16..20].copy_from_slice(&self.destination.octets());
        let sum = checksum(&header);
        header[10..12].copy_from_slice(&sum);
        Some(header)
    }
}

/// Takes one from the TTL of a packet whose header was read; `false` (and nothing changed) when it runs out.
pub(crate) fn decrement_ttl(packet: &mut [u8]) -> bool {
    let ttl = packet[8];
    if ttl <= 1 {
        return false;
    }
    replace_word(packet, 8, [ttl - 1, packet[9]]);
    true
}

/// Combines the outer header's congestion mark with the inner packet as RFC 6040 section 4.2 asks. `false` if the
/// packet has to be dropped: marked on the way although its sender does not understand marks.
pub(crate) fn propagate_congestion(packet: &mut [u8], outer_tos: u8) -> bool {
    if outer_tos & ECN_MASK != ECN_CE {
        return true;
    }
    let inner_tos = packet[1];
    match inner_tos & ECN_MASK {
        0 => false,
        ECN_CE => true,
        _ => {
            replace_word(packet, 0, [packet[0], inner_tos | ECN_CE]);
            true
        }
    }
}

/// Replaces two bytes of the header and corrects its checksum (RFC 1624).
fn replace_word(packet: &mut [u8], at: usize, word: [u8; 2]) {
    let old = [packet[at], packet[at + 1]];
    let sum = update([packet[10], packet[11]], &old, &word);
    packet[at..at + 2].copy_from_slice(&word);
    packet[10..12].copy_from_slice(&sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(tos: u8, ttl: u8) -> Vec<u8> {
        let header = NewHeader {
            tos,
            identification: 7,
            dont_fragment: true,
            ttl,
            protocol: protocol::TCP,
            source: Ipv4Addr::new(192, 168, 11, 1),
            destination: Ipv4Addr::new(192, 168, 12, 1),
        };
        let mut bytes = header.to_bytes(4).expect("short").to_vec();
        bytes.extend([1, 2, 3, 4]);
        bytes
    }

    #[test]
    fn a_written_header_reads_back() {
        let header = Header::read(&packet(0xb8, 64)).expect("valid");
        assert_eq!((header.header_len, header.total_len), (20, 24));
        assert_eq!((header.tos, header.ttl, header.protocol), (0xb8, 64, protocol::TCP));
        assert!(header.dont_fragment && header.fragment_offset == 0);
        assert_eq!(header.destination, Ipv4Addr::new(192, 168, 12, 1));
    }

    #[test]
    fn every_truncation_and_every_flipped_header_bit_is_refused() {
        let good = packet(0, 64);
        for len in 0..good.len() {
            assert_eq!(Header::read(&good[..len]), None, "{len} bytes");
        }
        for bit in 0..HEADER_LEN * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Header::read(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn the_ttl_goes_down_to_one_and_the_checksum_stays_right() {
        let mut bytes = packet(0, 3);
        assert!(decrement_ttl(&mut bytes) && decrement_ttl(&mut bytes));
        assert_eq!(Header::read(&bytes).expect("checksum").ttl, 1);
        assert!(!decrement_ttl(&mut bytes));
    }

    #[test]
    fn congestion_marks_follow_rfc_6040() {
        // inner, outer -> kept?, inner afterwards
        for (inner, outer, kept, after) in [
            (0, 0, true, 0),
            (0, 3, false, 0),
            (1, 3, true, 3),
            (2, 3, true, 3),
            (3, 3, true, 3),
            (2, 1, true, 2),
        ] {
            let mut bytes = packet(0xb8 | inner, 9);
            assert_eq!(propagate_congestion(&mut bytes, outer), kept, "{inner} in {outer}");
            assert_eq!(Header::read(&bytes).expect("checksum").tos, 0xb8 | after);
        }
    }
}
