//! Errors of the caller (configuration) and of packets (decoding).

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

/// A configuration that [`Node::new`](crate::Node::new) does not take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A new configuration differs in what only a new node can begin with: addresses, servers, mappings, limits.
    #[error("addresses, servers, mappings and limits are those that a node begins with")]
    OtherNode,
    /// The tunnel address is not part of the tunnel's subnet.
    #[error("tunnel address {tunnel_address} is outside the tunnel's subnet {prefix}")]
    AddressOutsidePrefix {
        /// The address.
        tunnel_address: IpAddr,
        /// The subnet.
        prefix: IpNet,
    },
    /// The wire has 16 bits for seconds, and zero means withdrawn.
    #[error("holding time {0:?} is not within 1 to 65535 seconds")]
    HoldingTime(Duration),
    /// Registrations would run out before they are renewed.
    #[error("registration timeout {period:?} is not shorter than the holding time {holding_time:?}")]
    RegistrationTimeout {
        /// Time between registrations.
        period: Duration,
        /// Holding time.
        holding_time: Duration,
    },
    /// Empty or longer than [`Authentication::MAX_LEN`](crate::Authentication::MAX_LEN).
    #[error("the authentication string must have 1 to 255 bytes")]
    AuthenticationLength,
    /// A server with neither an underlay address nor a static map.
    #[error("no NBMA address for next hop server {0:?}: give one, or a static map for its tunnel address")]
    NhsWithoutNbma(Option<IpAddr>),
    /// The node cannot be its own server.
    #[error("next hop server {0} is this node itself")]
    NhsIsSelf(IpAddr),
    /// Overlay addresses must be of the overlay's family, underlay addresses of the underlay's.
    #[error("{0} is of the wrong address family")]
    Family(IpAddr),
    /// A prefix longer than the address.
    #[error("prefix length {prefix_len} is too long for {tunnel_address}")]
    MapPrefix {
        /// The address.
        tunnel_address: IpAddr,
        /// The length.
        prefix_len: u8,
    },
}

/// A rule of the packet format that a packet breaks. Offsets count from the packet's first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Fewer bytes than the field needs.
    #[error("packet ends within the {field} at byte {offset}")]
    Truncated {
        /// The field.
        field: &'static str,
        /// Where the field starts.
        offset: usize,
    },
    /// Only version 1 is defined (RFC 2332 section 5.1).
    #[error("NHRP version {0} is not 1")]
    Version(u8),
    /// The packet size field is larger than what was received, or smaller than the fixed header.
    #[error("packet size field says {field}, {received} bytes were received")]
    PacketSize {
        /// The field.
        field: u16,
        /// Bytes received.
        received: usize,
    },
    /// The checksum is wrong.
    #[error("checksum is wrong")]
    Checksum,
    /// The extension offset points into the mandatory part or past the end.
    #[error("extension offset {offset} is outside {earliest}..{size}")]
    ExtensionOffset {
        /// The field.
        offset: u16,
        /// Where extensions may start.
        earliest: usize,
        /// Packet size.
        size: usize,
    },
    /// The extension list has no End (RFC 2332 section 5.3.0).
    #[error("extension list without End extension")]
    MissingEnd,
}

/// A packet that cannot be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// An address is longer than its length field can say.
    #[error("{field} of {len} bytes does not fit its length field")]
    AddressLength {
        /// The field.
        field: &'static str,
        /// Bytes.
        len: usize,
    },
    /// The packet exceeds 65535 bytes.
    #[error("packet of {0} bytes does not fit the packet size field")]
    PacketSize(usize),
}
