//! ICMP errors made out of the packet that caused them, in place (RFC 792, RFC 1191, RFC 1812 section 4.3).

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use internet_checksum::checksum;

use super::ipv4::{HEADER_LEN, Header, NewHeader, protocol};
use crate::Packet;

/// The largest ICMP error that is sent (RFC 1812 section 4.3.2.3).
const LARGEST: usize = 576;
const ICMP_HEADER_LEN: usize = 8;

/// The errors that a tunnel router reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Error {
    /// Type 11 code 0: the TTL ran out here.
    TimeExceeded,
    /// Type 3 code 1: there is a route, but nothing to send it through.
    HostUnreachable,
    /// Type 3 code 0: no route.
    NetUnreachable,
    /// Type 3 code 4: the packet must not be fragmented and is larger than this many bytes.
    FragmentationNeeded(u16),
}

impl Error {
    fn header(self) -> [u8; ICMP_HEADER_LEN] {
        let (kind, code, mtu) = match self {
            Self::TimeExceeded => (11, 0, 0),
            Self::NetUnreachable => (3, 0, 0),
            Self::HostUnreachable => (3, 1, 0),
            Self::FragmentationNeeded(mtu) => (3, 4, mtu),
        };
        let [high, low] = mtu.to_be_bytes();
        [kind, code, 0, 0, 0, 0, high, low]
    }
}

/// Turns `packet` into the ICMP error about itself, sent by `source`. `false` (and nothing changed) where RFC 1812
/// section 4.3.2.7 forbids one: about an ICMP error, a later fragment, or an address that is not one host's.
pub(crate) fn turn_into_error(packet: &mut Packet, header: &Header, error: Error, source: Ipv4Addr) -> bool {
    let sender = header.source;
    let is_host =
        !(sender.is_unspecified() || sender.is_multicast() || sender.is_broadcast() || sender.is_loopback());
    if !is_host
        || header.destination.is_multicast()
        || header.fragment_offset != 0
        || is_icmp_error(packet, header)
    {
        return false;
    }
    let quoted = header.total_len.min(LARGEST - HEADER_LEN - ICMP_HEADER_LEN);
    let mut bytes = Vec::with_capacity(HEADER_LEN + ICMP_HEADER_LEN + quoted);
    let ip = NewHeader {
        // RFC 1812 section 4.3.2.5: precedence 6 or 7 for errors.
        tos: 0xc0,
        identification: 0,
        dont_fragment: false,
        ttl: 255,
        protocol: protocol::ICMP,
        source,
        destination: sender,
    };
    let Some(ip) = ip.to_bytes(ICMP_HEADER_LEN + quoted) else { return false };
    bytes.extend_from_slice(&ip);
    bytes.extend_from_slice(&error.header());
    bytes.extend_from_slice(&packet.bytes()[..quoted]);
    let sum = checksum(&bytes[HEADER_LEN..]);
    bytes[HEADER_LEN + 2..HEADER_LEN + 4].copy_from_slice(&sum);
    packet.fill(&bytes);
    true
}

fn is_icmp_error(packet: &Packet, header: &Header) -> bool {
    header.protocol == protocol::ICMP
        && !matches!(packet.bytes().get(header.header_len), Some(0 | 8 | 9 | 10 | 13..=18))
}

/// How many ICMP errors may be sent (RFC 1812 section 4.3.2.8), or packets of strangers reported: a token bucket.
#[derive(Debug, Clone)]
pub(crate) struct RateLimit {
    tokens: u32,
    filled_at: Instant,
}

impl RateLimit {
    const BURST: u32 = 100;
    const INTERVAL: Duration = Duration::from_millis(10);

    pub(crate) fn new(now: Instant) -> Self {
        Self { tokens: Self::BURST, filled_at: now }
    }

    pub(crate) fn take(&mut self, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.filled_at).as_nanos() / Self::INTERVAL.as_nanos();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(Self::BURST);
            self.tokens = self.tokens.saturating_add(earned).min(Self::BURST);
            self.filled_at = now;
        }
        let granted = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        granted
    }
}
