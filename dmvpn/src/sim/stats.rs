//! What the network counts.

use core::fmt;
use std::collections::BTreeMap;

use crate::DropReason;

/// Why a NAT box dropped a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum NatDrop {
    /// Not a whole IPv4 packet with a whole UDP header.
    Malformed,
    /// The time to live ran out.
    Ttl,
    /// Neither UDP, ESP, GRE nor an ICMP error.
    Protocol,
    /// No port or no room for another mapping.
    Full,
    /// From outside, and nobody inside asked for it.
    NoMapping,
    /// From outside, and the mapping was silent for too long.
    Expired,
    /// From outside, from somebody whom the mapping does not admit.
    Filtered,
    /// ESP or GRE where the box does not carry it, or another inside host has that outside address for itself.
    Portless,
    /// From inside to the public address, which the box does not turn around.
    Hairpin,
}

/// Why a packet did not arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum WireDrop {
    /// Lost by chance.
    Loss,
    /// The buffer in front of a link was full.
    BufferFull,
    /// A partition lies between sender and receiver.
    Partition,
    /// Nobody has the destination address.
    NoSuchAddress,
    /// Too large for the link, and not to be cut; the sender was told.
    TooBig,
    /// The time to live ran out.
    Ttl,
    /// The receiver has crashed.
    NodeDown,
    /// The receiver does not have the address (any more).
    NotLocal,
    /// The packet or its UDP header was broken when it arrived.
    Malformed,
    /// A protocol that the receiving router does not have.
    Protocol,
    /// The engine wanted to send what fits no IPv4 packet.
    Encapsulation,
    /// A NAT box dropped it.
    Nat(NatDrop),
}

/// What happened on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WireStats {
    /// Packets that somebody sent, before they were cut.
    pub sent: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Pieces that were made of packets too large for a link.
    pub fragments: u64,
    /// Packets and pieces that arrived where they were sent to.
    pub delivered: u64,
    /// Second copies that the wire made.
    pub duplicated: u64,
    /// Packets that the wire held back.
    pub reordered: u64,
    /// Packets in which the wire flipped a bit.
    pub corrupted: u64,
    /// Reports of a link's MTU that were sent.
    pub fragmentation_needed: u64,
    /// Packets dropped, by reason.
    pub dropped: BTreeMap<WireDrop, u64>,
}

impl WireStats {
    /// How many packets were dropped for this reason.
    #[must_use]
    pub fn dropped(&self, reason: WireDrop) -> u64 {
        self.dropped.get(&reason).copied().unwrap_or(0)
    }

    pub(super) fn drop(&mut self, reason: WireDrop) {
        *self.dropped.entry(reason).or_default() += 1;
    }
}

/// What one router's engine was given and gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NodeStats {
    /// Underlay packets handed to the engine.
    pub wan_in: u64,
    /// Underlay packets that it sent.
    pub wan_out: u64,
    /// Packets from LANs handed to it.
    pub lan_in: u64,
    /// Packets of the router itself handed to it.
    pub local_in: u64,
    /// Packets that it delivered to the router itself.
    pub delivered_local: u64,
    /// Packets that it delivered to a LAN.
    pub delivered_lan: u64,
    /// Of those, the ones for a host that is not there.
    pub no_such_host: u64,
    /// Packets that it dropped, by reason.
    pub dropped: BTreeMap<DropReason, u64>,
    /// How often a timeout was handled.
    pub timeouts: u64,
    /// How often the engine wanted another timeout at the same instant, a thousand times in a row. It was put off by a
    /// millisecond then. Not zero is a fault of the engine.
    pub stalls: u64,
    /// Reports of the underlay's MTU that were handed to it.
    pub mtu_reports: u64,
}

impl fmt::Display for WireDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loss => "lost",
            Self::BufferFull => "buffer full",
            Self::Partition => "partition",
            Self::NoSuchAddress => "no such address",
            Self::TooBig => "too big",
            Self::Ttl => "time to live exceeded",
            Self::NodeDown => "receiver down",
            Self::NotLocal => "not the receiver's address",
            Self::Malformed => "malformed",
            Self::Protocol => "unknown protocol",
            Self::Encapsulation => "fits no IPv4 packet",
            Self::Nat(reason) => return write!(f, "NAT: {reason}"),
        })
    }
}

impl fmt::Display for NatDrop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::Ttl => "time to live exceeded",
            Self::Protocol => "unknown protocol",
            Self::Full => "no free mapping",
            Self::NoMapping => "no mapping",
            Self::Expired => "mapping expired",
            Self::Filtered => "filtered",
            Self::Portless => "no ports to translate",
            Self::Hairpin => "no hairpinning",
        })
    }
}
