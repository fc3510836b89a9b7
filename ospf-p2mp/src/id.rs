//! Small typed names: areas and interfaces.

use std::fmt;
use std::net::Ipv4Addr;

/// An OSPF area, written like an IPv4 address or as a number (RFC 2328 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AreaId(pub Ipv4Addr);

impl AreaId {
    /// Area 0, which joins all other areas.
    pub const BACKBONE: Self = Self(Ipv4Addr::UNSPECIFIED);

    /// Whether this is area 0.
    pub fn is_backbone(self) -> bool {
        self == Self::BACKBONE
    }
}

impl Default for AreaId {
    fn default() -> Self {
        Self::BACKBONE
    }
}

impl From<u32> for AreaId {
    fn from(number: u32) -> Self {
        Self(Ipv4Addr::from(number))
    }
}

impl From<Ipv4Addr> for AreaId {
    fn from(address: Ipv4Addr) -> Self {
        Self(address)
    }
}

impl fmt::Display for AreaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Names an interface; the number is chosen by the embedder and means nothing to this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceId(pub u32);

impl fmt::Display for InterfaceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "interface {}", self.0)
    }
}
