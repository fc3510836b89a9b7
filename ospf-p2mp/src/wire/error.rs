//! What can be wrong with bytes.

use std::fmt;

use thiserror::Error;

/// A rule that the bytes break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end inside a field.
    #[error("{0} is cut off")]
    Truncated(Field),
    /// The version is not 2.
    #[error("version {0} instead of 2")]
    Version(u8),
    /// The packet type is not 1 to 5.
    #[error("unknown packet type {0}")]
    PacketType(u8),
    /// The length field is smaller than the header or larger than the datagram.
    #[error("packet length {length} with {available} octets present")]
    PacketLength {
        /// The field.
        length: u16,
        /// Octets that came.
        available: usize,
    },
    /// Octets are left over, or a list is not a multiple of its entry.
    #[error("{0} has {1} octets too many")]
    TrailingBytes(Field, usize),
    /// The length of an LSA is below 20, not a multiple of four, or beyond the packet.
    #[error("LSA length {length} at offset {offset}")]
    LsaLength {
        /// The field.
        length: u16,
        /// Where the LSA begins in the update.
        offset: usize,
    },
    /// An update announces another number of LSAs than it has.
    #[error("update announces {announced} LSAs and carries {carried}")]
    LsaCount {
        /// The field.
        announced: u32,
        /// What fits.
        carried: u32,
    },
    /// A Router-LSA announces another number of links than it has.
    #[error("Router-LSA announces {announced} links and carries {carried}")]
    LinkCount {
        /// The field.
        announced: u16,
        /// What fits.
        carried: u16,
    },
    /// A network mask has holes.
    #[error("mask {0:#010x} is not contiguous")]
    Mask(u32),
}

/// Something too large for its length field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{octets} octets do not fit into {what}")]
pub struct TooLong {
    /// What was being encoded.
    pub what: Field,
    /// Its size.
    pub octets: usize,
}

/// The part of a packet that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Field {
    /// The 24 octets in front of every packet.
    PacketHeader,
    /// Hello.
    Hello,
    /// The list of neighbours in a Hello.
    HelloNeighbors,
    /// Database Description.
    DatabaseDescription,
    /// Link State Request.
    LinkStateRequest,
    /// Link State Update.
    LinkStateUpdate,
    /// Link State Acknowledgment.
    LinkStateAck,
    /// The 20 octets in front of every LSA.
    LsaHeader,
    /// Router-LSA.
    RouterLsa,
    /// Network-LSA.
    NetworkLsa,
    /// Summary-LSA, types 3 and 4.
    SummaryLsa,
    /// AS-external-LSA and NSSA-LSA.
    ExternalLsa,
    /// An LSA as a whole.
    Lsa,
    /// A packet as a whole.
    Packet,
    /// The digest behind a packet.
    Digest,
    /// The link-local signalling block behind a packet.
    LinkLocalSignalling,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PacketHeader => "packet header",
            Self::Hello => "Hello",
            Self::HelloNeighbors => "neighbour list",
            Self::DatabaseDescription => "Database Description",
            Self::LinkStateRequest => "Link State Request",
            Self::LinkStateUpdate => "Link State Update",
            Self::LinkStateAck => "Link State Acknowledgment",
            Self::LsaHeader => "LSA header",
            Self::RouterLsa => "Router-LSA",
            Self::NetworkLsa => "Network-LSA",
            Self::SummaryLsa => "Summary-LSA",
            Self::ExternalLsa => "external LSA",
            Self::Lsa => "LSA",
            Self::Packet => "packet",
            Self::Digest => "digest",
            Self::LinkLocalSignalling => "LLS block",
        })
    }
}
