//! What an observer on the underlay sees: captures, and the watch for clear text.

use core::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::NodeId;
use super::host::PLAINTEXT_MARKER;
use super::ipv4::{self, PROTOCOL_GRE};

/// What the wire did with a packet when it was put there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fate {
    /// It is on its way.
    Sent,
    /// It got lost: by chance, by a partition, by a full buffer, or for want of a receiver.
    Lost,
    /// It is on its way twice.
    Duplicated,
    /// It is larger than the link and forbids fragmentation.
    TooBig,
}

/// A packet as it was put on the underlay: behind the sender's NAT box, cut into the fragments that the link
/// takes, before the wire's faults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// When.
    pub at: Duration,
    /// Which router, NAT box or raw host sent it.
    pub from: NodeId,
    /// Which one gets it. A packet that nobody gets has its sender here.
    pub to: NodeId,
    /// The IPv4 packet.
    pub bytes: Vec<u8>,
    /// What the wire did with it.
    pub fate: Fate,
}

/// Writes captured packets as a pcapng file (one interface, raw IPv4, nanoseconds). Their time is that of the virtual
/// clock, counted from zero.
#[must_use]
pub fn to_pcapng<'a>(packets: impl IntoIterator<Item = &'a Captured>) -> Vec<u8> {
    const SECTION_HEADER: u32 = 0x0a0d_0d0a;
    const INTERFACE: u32 = 1;
    const ENHANCED_PACKET: u32 = 6;
    const LINKTYPE_IPV4: u16 = 228;
    const OPTION_TIME_RESOLUTION: u16 = 9;

    let mut file = Vec::new();
    let mut body = Vec::new();
    body.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
    // Version 1.0; a section of unknown length.
    body.extend_from_slice(&[1, 0, 0, 0]);
    body.extend_from_slice(&u64::MAX.to_le_bytes());
    block(&mut file, SECTION_HEADER, &body);

    body.clear();
    body.extend_from_slice(&LINKTYPE_IPV4.to_le_bytes());
    body.extend_from_slice(&[0; 2]);
    // No limit of length.
    body.extend_from_slice(&[0; 4]);
    body.extend_from_slice(&OPTION_TIME_RESOLUTION.to_le_bytes());
    // One byte: ten to the power of minus nine; three bytes of padding; the end of the options.
    body.extend_from_slice(&[1, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
    block(&mut file, INTERFACE, &body);

    for packet in packets {
        body.clear();
        let nanos = packet.at.as_nanos() as u64;
        body.extend_from_slice(&[0; 4]);
        body.extend_from_slice(&((nanos >> 32) as u32).to_le_bytes());
        body.extend_from_slice(&(nanos as u32).to_le_bytes());
        let len = (packet.bytes.len() as u32).to_le_bytes();
        body.extend_from_slice(&len);
        body.extend_from_slice(&len);
        body.extend_from_slice(&packet.bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        block(&mut file, ENHANCED_PACKET, &body);
    }
    file
}

fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let len = (body.len() as u32 + 12).to_le_bytes();
    file.extend_from_slice(&kind.to_le_bytes());
    file.extend_from_slice(&len);
    file.extend_from_slice(body);
    file.extend_from_slice(&len);
}

/// What was seen that should not have been.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leak {
    /// GRE without ESP.
    Gre,
    /// Two addresses of the inside, one behind the other as in an IPv4 header.
    InnerAddresses(Ipv4Addr, Ipv4Addr),
    /// Bytes that only the inside knows.
    Plaintext(Vec<u8>),
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gre => f.write_str("GRE in the clear"),
            Self::InnerAddresses(source, destination) => {
                write!(f, "inner addresses {source} -> {destination}")
            }
            Self::Plaintext(bytes) => write!(f, "plain text of {} bytes", bytes.len()),
        }
    }
}

/// A packet of a protected router that showed what is inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClearText {
    /// When.
    pub at: Duration,
    /// Which router sent it.
    pub from: NodeId,
    /// What it showed.
    pub leak: Leak,
    /// The whole packet, as the router sent it.
    pub bytes: Vec<u8>,
}

/// Looks at each packet that a protected router sends.
#[derive(Debug)]
pub(super) struct Watch {
    /// Sorted.
    inner: Vec<u32>,
    /// A bit for each upper half of an inner address: all but a few positions of a packet are done with it.
    halves: Vec<u64>,
    plaintexts: Vec<Vec<u8>>,
    seen: Vec<ClearText>,
    count: u64,
}

/// How many findings are kept; one is enough to fail a test.
const KEPT: usize = 256;

impl Watch {
    pub(super) fn new() -> Self {
        let plaintexts = vec![PLAINTEXT_MARKER.to_vec()];
        let mut watch =
            Self { inner: Vec::new(), halves: vec![0; 1024], plaintexts, seen: Vec::new(), count: 0 };
        // AllSPFRouters and AllDRouters (RFC 2328 appendix A.1) only occur inside.
        watch.add_address(Ipv4Addr::new(224, 0, 0, 5));
        watch.add_address(Ipv4Addr::new(224, 0, 0, 6));
        watch
    }

    /// This address belongs to the inside of some tunnel.
    pub(super) fn add_address(&mut self, address: Ipv4Addr) {
        let bits = address.to_bits();
        if let Err(at) = self.inner.binary_search(&bits) {
            self.inner.insert(at, bits);
            let half = bits >> 16;
            if let Some(word) = self.halves.get_mut((half / 64) as usize) {
                *word |= 1 << (half % 64);
            }
        }
    }

    /// These bytes are only known inside.
    pub(super) fn add_plaintext(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.plaintexts.push(bytes.to_vec());
        }
    }

    pub(super) fn seen(&self) -> &[ClearText] {
        &self.seen
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn look(&mut self, at: Duration, from: NodeId, bytes: &[u8]) {
        let Some(leak) = self.leak(bytes) else { return };
        self.count += 1;
        if self.seen.len() < KEPT {
            self.seen.push(ClearText { at, from, leak, bytes: bytes.to_vec() });
        }
    }

    fn leak(&self, bytes: &[u8]) -> Option<Leak> {
        let datagram = ipv4::parse(bytes).ok()?;
        if datagram.header.protocol == PROTOCOL_GRE {
            return Some(Leak::Gre);
        }
        let payload = datagram.payload;
        let addresses = payload.windows(8).find_map(|window| {
            let (source, destination) = window.split_at(4);
            let source = self.inner_address(source)?;
            Some(Leak::InnerAddresses(source, self.inner_address(destination)?))
        });
        addresses.or_else(|| {
            let found = self.plaintexts.iter().find(|text| {
                // The first byte sorts out nearly all positions.
                payload
                    .windows(text.len())
                    .any(|window| window.first() == text.first() && window == &text[..])
            });
            found.map(|text| Leak::Plaintext(text.clone()))
        })
    }

    fn inner_address(&self, bytes: &[u8]) -> Option<Ipv4Addr> {
        let bits = u32::from_be_bytes(*bytes.first_chunk::<4>()?);
        let half = bits >> 16;
        let known = *self.halves.get((half / 64) as usize)? & (1 << (half % 64)) != 0;
        (known && self.inner.binary_search(&bits).is_ok()).then(|| Ipv4Addr::from_bits(bits))
    }
}

#[cfg(test)]
#[path = "capture_tests.rs"]
mod tests;
