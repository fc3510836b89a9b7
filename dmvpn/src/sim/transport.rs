//! UDP, ICMP and the little of TCP that hosts and NAT boxes need.

use std::net::Ipv4Addr;

use internet_checksum::Checksum;

use super::ipv4::{PROTOCOL_TCP, PROTOCOL_UDP};

/// Length of a UDP header.
pub const UDP_HEADER_LEN: usize = 8;
/// Length of the ICMP header that all types have: type, code, checksum and four bytes by type.
pub const ICMP_HEADER_LEN: usize = 8;

/// ICMP echo reply.
pub const ICMP_ECHO_REPLY: u8 = 0;
/// ICMP destination unreachable.
pub const ICMP_UNREACHABLE: u8 = 3;
/// ICMP echo.
pub const ICMP_ECHO: u8 = 8;
/// ICMP time exceeded.
pub const ICMP_TIME_EXCEEDED: u8 = 11;
/// Code of [`ICMP_UNREACHABLE`]: port.
pub const CODE_PORT: u8 = 3;
/// Code of [`ICMP_UNREACHABLE`]: fragmentation needed and DF set.
pub const CODE_FRAGMENTATION_NEEDED: u8 = 4;

/// A UDP datagram taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Udp<'a> {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// The payload.
    pub payload: &'a [u8],
}

/// An ICMP message taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// The type.
    pub kind: u8,
    /// The code.
    pub code: u8,
    /// The four bytes after the checksum: identifier and sequence number, or unused and next-hop MTU.
    pub rest: [u8; 4],
    /// What follows: echo data, or the packet that an error is about.
    pub body: &'a [u8],
}

impl Icmp<'_> {
    /// The first half of [`Icmp::rest`]: an echo's identifier.
    #[must_use]
    pub const fn identifier(&self) -> u16 {
        u16::from_be_bytes([self.rest[0], self.rest[1]])
    }

    /// The second half of [`Icmp::rest`]: an echo's sequence number, or the next hop's MTU (RFC 1191 section 4).
    #[must_use]
    pub const fn sequence_or_mtu(&self) -> u16 {
        u16::from_be_bytes([self.rest[2], self.rest[3]])
    }

    /// Whether this reports an error about another packet.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self.kind, 3 | 4 | 5 | 11 | 12)
    }
}

/// Why bytes are not the transport header that they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// Fewer bytes than the header has, or than its length field says.
    #[error("transport header: {len} bytes")]
    Truncated {
        /// How many there are.
        len: usize,
    },
    /// The checksum is wrong.
    #[error("transport checksum")]
    Checksum,
}

/// Builds a UDP datagram. Without a checksum its field is zero, which IPv4 allows and RFC 3948 section 2.1 asks for
/// where UDP carries ESP.
#[must_use]
pub fn build_udp(
    source: (Ipv4Addr, u16),
    destination: (Ipv4Addr, u16),
    payload: &[u8],
    checksum: bool,
) -> Vec<u8> {
    let len = UDP_HEADER_LEN + payload.len();
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(&source.1.to_be_bytes());
    bytes.extend_from_slice(&destination.1.to_be_bytes());
    // A length that does not fit cannot fit an IPv4 packet either; building that one fails.
    bytes.extend_from_slice(&(len as u16).to_be_bytes());
    bytes.extend_from_slice(&[0, 0]);
    bytes.extend_from_slice(payload);
    if checksum {
        let sum = match pseudo_checksum(source.0, destination.0, PROTOCOL_UDP, &bytes) {
            // RFC 768: zero means that there is none, so a sum of zero is sent as its other form.
            [0, 0] => [0xff, 0xff],
            sum => sum,
        };
        bytes[6..8].copy_from_slice(&sum);
    }
    bytes
}

/// Takes a UDP datagram apart and checks its checksum, where it has one.
///
/// # Errors
/// It is too short, or its checksum is wrong.
pub fn parse_udp(source: Ipv4Addr, destination: Ipv4Addr, bytes: &[u8]) -> Result<Udp<'_>, TransportError> {
    let Some((head, _)) = bytes.split_first_chunk::<UDP_HEADER_LEN>() else {
        return Err(TransportError::Truncated { len: bytes.len() });
    };
    let [s0, s1, d0, d1, l0, l1, c0, c1] = *head;
    let len = usize::from(u16::from_be_bytes([l0, l1]));
    if len < UDP_HEADER_LEN || len > bytes.len() {
        return Err(TransportError::Truncated { len: bytes.len() });
    }
    let bytes = &bytes[..len];
    if [c0, c1] != [0, 0] && pseudo_checksum(source, destination, PROTOCOL_UDP, bytes) != [0, 0] {
        return Err(TransportError::Checksum);
    }
    Ok(Udp {
        source_port: u16::from_be_bytes([s0, s1]),
        destination_port: u16::from_be_bytes([d0, d1]),
        payload: &bytes[UDP_HEADER_LEN..],
    })
}

/// Builds an ICMP message.
#[must_use]
pub fn build_icmp(kind: u8, code: u8, rest: [u8; 4], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ICMP_HEADER_LEN + body.len());
    bytes.extend_from_slice(&[kind, code, 0, 0]);
    bytes.extend_from_slice(&rest);
    bytes.extend_from_slice(body);
    let sum = internet_checksum::checksum(&bytes);
    bytes[2..4].copy_from_slice(&sum);
    bytes
}

/// Takes an ICMP message apart and checks its checksum.
///
/// # Errors
/// It is too short, or its checksum is wrong.
pub fn parse_icmp(bytes: &[u8]) -> Result<Icmp<'_>, TransportError> {
    let Some((head, body)) = bytes.split_first_chunk::<ICMP_HEADER_LEN>() else {
        return Err(TransportError::Truncated { len: bytes.len() });
    };
    if internet_checksum::checksum(bytes) != [0, 0] {
        return Err(TransportError::Checksum);
    }
    let [kind, code, _, _, rest @ ..] = *head;
    Ok(Icmp { kind, code, rest, body })
}

/// A TCP segment that opens a connection, with the option that says how large segments may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TcpSyn {
    /// The sender's port.
    pub source_port: u16,
    /// The receiver's port.
    pub destination_port: u16,
    /// Whether it answers another one (SYN and ACK) instead of opening (SYN).
    pub is_answer: bool,
    /// The maximum segment size that the sender accepts (RFC 9293 section 3.7.1), if it says so.
    pub mss: Option<u16>,
}

const TCP_HEADER_LEN: usize = 20;
const TCP_SYN: u8 = 0x02;
const TCP_ACK: u8 = 0x10;
const OPTION_END: u8 = 0;
const OPTION_NOP: u8 = 1;
const OPTION_MSS: u8 = 2;

impl TcpSyn {
    /// Builds the segment. The options are those of a common system: MSS, SACK permitted, window scale.
    #[must_use]
    pub fn build(&self, source: Ipv4Addr, destination: Ipv4Addr) -> Vec<u8> {
        let mut options = Vec::with_capacity(12);
        if let Some(mss) = self.mss {
            options.extend_from_slice(&[OPTION_MSS, 4]);
            options.extend_from_slice(&mss.to_be_bytes());
        }
        options.extend_from_slice(&[OPTION_NOP, OPTION_NOP, 4, 2, OPTION_NOP, 3, 3, 7]);
        // At most 32 bytes, so the data offset fits its four bits.
        let offset = ((TCP_HEADER_LEN + options.len()) / 4) as u8;
        let flags = if self.is_answer { TCP_SYN | TCP_ACK } else { TCP_SYN };
        let mut bytes = Vec::with_capacity(TCP_HEADER_LEN + options.len());
        bytes.extend_from_slice(&self.source_port.to_be_bytes());
        bytes.extend_from_slice(&self.destination_port.to_be_bytes());
        bytes.extend_from_slice(&0x1000_u32.to_be_bytes());
        bytes.extend_from_slice(&u32::from(self.is_answer).to_be_bytes());
        bytes.extend_from_slice(&[offset << 4, flags]);
        bytes.extend_from_slice(&0xffff_u16.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&options);
        let sum = pseudo_checksum(source, destination, PROTOCOL_TCP, &bytes);
        bytes[16..18].copy_from_slice(&sum);
        bytes
    }

    /// Takes a segment apart; `None` if it is a good segment that opens no connection.
    ///
    /// # Errors
    /// It is too short, or its checksum is wrong.
    pub fn parse(
        source: Ipv4Addr,
        destination: Ipv4Addr,
        bytes: &[u8],
    ) -> Result<Option<Self>, TransportError> {
        let Some((head, _)) = bytes.split_first_chunk::<TCP_HEADER_LEN>() else {
            return Err(TransportError::Truncated { len: bytes.len() });
        };
        let offset = usize::from(head[12] >> 4) * 4;
        if offset < TCP_HEADER_LEN || offset > bytes.len() {
            return Err(TransportError::Truncated { len: bytes.len() });
        }
        if pseudo_checksum(source, destination, PROTOCOL_TCP, bytes) != [0, 0] {
            return Err(TransportError::Checksum);
        }
        if head[13] & TCP_SYN == 0 {
            return Ok(None);
        }
        Ok(Some(Self {
            source_port: u16::from_be_bytes([head[0], head[1]]),
            destination_port: u16::from_be_bytes([head[2], head[3]]),
            is_answer: head[13] & TCP_ACK != 0,
            mss: mss_option(&bytes[TCP_HEADER_LEN..offset]),
        }))
    }
}

fn mss_option(mut options: &[u8]) -> Option<u16> {
    loop {
        match options {
            [] | [OPTION_END, ..] => return None,
            [OPTION_NOP, rest @ ..] => options = rest,
            [OPTION_MSS, 4, a, b, ..] => return Some(u16::from_be_bytes([*a, *b])),
            [_, len, ..] if *len >= 2 => options = options.get(usize::from(*len)..)?,
            _ => return None,
        }
    }
}

/// The checksum over the pseudo-header and a segment (RFC 9293 section 3.1). Zero for a segment that carries its own
/// right checksum.
pub(super) fn pseudo_checksum(
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    segment: &[u8],
) -> [u8; 2] {
    let mut sum = Checksum::new();
    sum.add_bytes(&source.octets());
    sum.add_bytes(&destination.octets());
    // A segment of more than 65,535 bytes fits no packet.
    let [l0, l1] = (segment.len() as u16).to_be_bytes();
    sum.add_bytes(&[0, protocol, l0, l1]);
    sum.add_bytes(segment);
    sum.checksum()
}

#[cfg(test)]
#[path = "transport_tests.rs"]
mod tests;
