//! The Protocol Type field.

use core::fmt;

/// What follows the GRE header: an EtherType (RFC 2784 section 2.4).
///
/// Open: every value is legal here and survives decoding and encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u16);

impl Protocol {
    /// 0: the marker of a Cisco keepalive on its way back; see [`keepalive`](crate::keepalive).
    pub const KEEPALIVE: Self = Self(0x0000);
    /// An IPv4 packet.
    pub const IPV4: Self = Self(0x0800);
    /// An NHRP packet (RFC 2332), as DMVPN carries it.
    pub const NHRP: Self = Self(0x2001);
    /// A whole Ethernet frame (transparent Ethernet bridging, RFC 1701).
    pub const ETHERNET: Self = Self(0x6558);
    /// An IPv6 packet (RFC 7676).
    pub const IPV6: Self = Self(0x86dd);
    /// A packet with an MPLS label stack (RFC 4023).
    pub const MPLS: Self = Self(0x8847);
    /// A packet with an upstream-assigned MPLS label stack (RFC 4023, RFC 5332).
    pub const MPLS_UPSTREAM: Self = Self(0x8848);
    /// Cisco metadata (TrustSec) in front of the packet.
    pub const CISCO_METADATA: Self = Self(0x8909);

    /// The name that people know the value by, or `None` for a value without a constant here.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::KEEPALIVE => "keepalive",
            Self::IPV4 => "IPv4",
            Self::NHRP => "NHRP",
            Self::ETHERNET => "Ethernet",
            Self::IPV6 => "IPv6",
            Self::MPLS => "MPLS",
            Self::MPLS_UPSTREAM => "MPLS upstream",
            Self::CISCO_METADATA => "Cisco metadata",
            _ => return None,
        })
    }
}

impl From<u16> for Protocol {
    fn from(value: u16) -> Self {
        Self(value)
    }
}

impl From<Protocol> for u16 {
    fn from(protocol: Protocol) -> Self {
        protocol.0
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Protocol({self})")
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "0x{:04x}", self.0),
        }
    }
}
