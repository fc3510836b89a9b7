//! IPv4 headers (RFC 791): what the simulated wire carries.
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! |Version|  IHL  |      TOS      |         Total length          |
//! |        Identification         |Flags|     Fragment offset     |
//! | Time to live  |   Protocol    |        Header checksum        |
//! |                        Source address                         |
//! |                      Destination address                      |
//! ```

use std::net::Ipv4Addr;

/// Length of a header without options.
pub const HEADER_LEN: usize = 20;

/// ICMP (RFC 792).
pub const PROTOCOL_ICMP: u8 = 1;
/// TCP (RFC 9293).
pub const PROTOCOL_TCP: u8 = 6;
/// UDP (RFC 768).
pub const PROTOCOL_UDP: u8 = 17;
/// GRE (RFC 2784).
pub const PROTOCOL_GRE: u8 = 47;
/// ESP (RFC 4303).
pub const PROTOCOL_ESP: u8 = 50;

const DONT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;
const OFFSET_MASK: u16 = 0x1fff;

/// The fields of a header that a sender chooses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// DSCP and ECN.
    pub tos: u8,
    /// Identification, which ties fragments together.
    pub id: u16,
    /// Whether routers may not fragment it.
    pub dont_fragment: bool,
    /// Whether fragments follow this one.
    pub more_fragments: bool,
    /// Where in the datagram this fragment's payload starts, in bytes; a multiple of 8.
    pub offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// What the payload is.
    pub protocol: u8,
    /// The sender.
    pub source: Ipv4Addr,
    /// The receiver.
    pub destination: Ipv4Addr,
}

impl Header {
    /// A whole datagram with TOS 0, identification 0 and TTL 64 that may be fragmented.
    #[must_use]
    pub const fn new(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> Self {
        Self {
            tos: 0,
            id: 0,
            dont_fragment: false,
            more_fragments: false,
            offset: 0,
            ttl: 64,
            protocol,
            source,
            destination,
        }
    }

    /// Whether this is a piece of a datagram instead of a whole one.
    #[must_use]
    pub const fn is_fragment(&self) -> bool {
        self.more_fragments || self.offset != 0
    }
}

/// A packet taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The header.
    pub header: Header,
    /// Options, a multiple of four bytes; mostly none.
    pub options: &'a [u8],
    /// What follows the header. Bytes beyond the total length (link padding) are not part of it.
    pub payload: &'a [u8],
}

/// Why bytes are not an IPv4 packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Ipv4Error {
    /// Fewer bytes than a header has.
    #[error("IPv4: {len} bytes are less than a header")]
    Truncated {
        /// How many there are.
        len: usize,
    },
    /// The version is not 4.
    #[error("IPv4: version {0}")]
    Version(u8),
    /// The header length is less than 20 bytes or more than the packet has.
    #[error("IPv4: header length {0}")]
    HeaderLength(usize),
    /// The total length is less than the header or more than there are bytes.
    #[error("IPv4: total length {0}")]
    TotalLength(usize),
    /// The header checksum is wrong.
    #[error("IPv4: header checksum")]
    Checksum,
    /// A payload too large for a total length of 16 bits.
    #[error("IPv4: a payload of {0} bytes")]
    PayloadLength(usize),
}

/// Takes a packet apart and checks its header checksum.
///
/// # Errors
/// The rule of RFC 791 that the bytes break.
pub fn parse(bytes: &[u8]) -> Result<Datagram<'_>, Ipv4Error> {
    let Some((fixed, _)) = bytes.split_first_chunk::<HEADER_LEN>() else {
        return Err(Ipv4Error::Truncated { len: bytes.len() });
    };
    let [vihl, tos, t0, t1, i0, i1, f0, f1, ttl, protocol, _, _, a, b, c, d, e, f, g, h] = *fixed;
    if vihl >> 4 != 4 {
        return Err(Ipv4Error::Version(vihl >> 4));
    }
    let header_len = usize::from(vihl & 0x0f) * 4;
    if header_len < HEADER_LEN || header_len > bytes.len() {
        return Err(Ipv4Error::HeaderLength(header_len));
    }
    let total = usize::from(u16::from_be_bytes([t0, t1]));
    if total < header_len || total > bytes.len() {
        return Err(Ipv4Error::TotalLength(total));
    }
    let (head, payload) = bytes[..total].split_at(header_len);
    if internet_checksum::checksum(head) != [0, 0] {
        return Err(Ipv4Error::Checksum);
    }
    let flags = u16::from_be_bytes([f0, f1]);
    let header = Header {
        tos,
        id: u16::from_be_bytes([i0, i1]),
        dont_fragment: flags & DONT_FRAGMENT != 0,
        more_fragments: flags & MORE_FRAGMENTS != 0,
        offset: (flags & OFFSET_MASK) * 8,
        ttl,
        protocol,
        source: Ipv4Addr::new(a, b, c, d),
        destination: Ipv4Addr::new(e, f, g, h),
    };
    Ok(Datagram { header, options: &head[HEADER_LEN..], payload })
}

/// Builds a packet without options, checksum included.
///
/// # Errors
/// [`Ipv4Error::PayloadLength`] when header and payload are more than 65,535 bytes.
pub fn build(header: &Header, payload: &[u8]) -> Result<Vec<u8>, Ipv4Error> {
    build_with_options(header, &[], payload)
}

/// Builds a packet with these options, which the caller has padded to a multiple of four bytes, at most 40.
pub(super) fn build_with_options(
    header: &Header,
    options: &[u8],
    payload: &[u8],
) -> Result<Vec<u8>, Ipv4Error> {
    debug_assert!(options.len().is_multiple_of(4) && options.len() <= 40);
    let header_len = HEADER_LEN + options.len();
    let total =
        u16::try_from(header_len + payload.len()).map_err(|_| Ipv4Error::PayloadLength(payload.len()))?;
    // At most 60 / 4, so the cast keeps every bit.
    let ihl = (header_len / 4) as u8;
    let mut flags = (header.offset / 8) & OFFSET_MASK;
    if header.dont_fragment {
        flags |= DONT_FRAGMENT;
    }
    if header.more_fragments {
        flags |= MORE_FRAGMENTS;
    }
    let mut bytes = Vec::with_capacity(usize::from(total));
    bytes.extend_from_slice(&[0x40 | ihl, header.tos]);
    bytes.extend_from_slice(&total.to_be_bytes());
    bytes.extend_from_slice(&header.id.to_be_bytes());
    bytes.extend_from_slice(&flags.to_be_bytes());
    bytes.extend_from_slice(&[header.ttl, header.protocol, 0, 0]);
    bytes.extend_from_slice(&header.source.octets());
    bytes.extend_from_slice(&header.destination.octets());
    bytes.extend_from_slice(options);
    let checksum = internet_checksum::checksum(&bytes);
    bytes[10..12].copy_from_slice(&checksum);
    bytes.extend_from_slice(payload);
    Ok(bytes)
}

/// What a router does when it forwards: one off the time to live, checksum corrected. `false` when the packet has
/// no life left and is to be dropped. Bytes that are no packet stay as they are; the receiver's parser finds them.
#[must_use]
pub(super) fn decrement_ttl(bytes: &mut [u8]) -> bool {
    let Some(head) = bytes.first_chunk_mut::<HEADER_LEN>() else { return true };
    if head[8] <= 1 {
        return false;
    }
    let old = [head[8], head[9]];
    head[8] -= 1;
    let checksum = internet_checksum::update([head[10], head[11]], &old, &[head[8], head[9]]);
    head[10..12].copy_from_slice(&checksum);
    true
}

#[cfg(test)]
#[path = "ipv4_tests.rs"]
mod tests;
