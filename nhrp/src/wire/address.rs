//! Addresses of any length.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address field. Its length is on the wire, its family is not always what the packet's header says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Address {
    /// No bytes.
    #[default]
    None,
    /// Four bytes.
    V4(Ipv4Addr),
    /// Sixteen bytes.
    V6(Ipv6Addr),
    /// Any other length (E.164, NSAP).
    Other(Box<[u8]>),
}

impl Address {
    /// The address as IP address, if it is one.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        match self {
            Address::V4(address) => Some(IpAddr::V4(*address)),
            Address::V6(address) => Some(IpAddr::V6(*address)),
            Address::None | Address::Other(_) => None,
        }
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Address::None => 0,
            Address::V4(_) => 4,
            Address::V6(_) => 16,
            Address::Other(bytes) => bytes.len(),
        }
    }

    /// Whether the field is absent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Address {
        if bytes.is_empty() {
            Address::None
        } else if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
            Address::V4(octets.into())
        } else if let Ok(octets) = <[u8; 16]>::try_from(bytes) {
            Address::V6(octets.into())
        } else {
            Address::Other(bytes.into())
        }
    }

    pub(crate) fn put(&self, out: &mut Vec<u8>) {
        match self {
            Address::None => {}
            Address::V4(address) => out.extend_from_slice(&address.octets()),
            Address::V6(address) => out.extend_from_slice(&address.octets()),
            Address::Other(bytes) => out.extend_from_slice(bytes),
        }
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Address {
        match address {
            IpAddr::V4(address) => Address::V4(address),
            IpAddr::V6(address) => Address::V6(address),
        }
    }
}

impl From<Option<IpAddr>> for Address {
    fn from(address: Option<IpAddr>) -> Address {
        address.map_or(Address::None, Address::from)
    }
}
