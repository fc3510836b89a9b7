//! Small typed names for the things that an [`Endpoint`](crate::Endpoint) owns.

use core::fmt;

/// A remote peer: one authenticated identity at one underlay address.
///
/// It stays the same across rekeys, reauthentication and NAT rebinding, for as long as at least one IKE SA with the
/// peer is up. A number is not used again before 2^32 peers have come and gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PeerId(pub u32);

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "peer {}", self.0)
    }
}

/// A child SA: a pair of ESP SAs, one in each direction.
///
/// The low 16 bits are the slot, the same slot that the low 16 bits of the inbound SPI name; the high 16 bits count
/// how often the slot has been used, so that a stale id never reaches a younger SA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChildId(pub u32);

impl ChildId {
    pub(crate) const fn new(slot: u16, generation: u16) -> Self {
        Self(((generation as u32) << 16) | slot as u32)
    }

    /// The slot: equal to the low 16 bits of the inbound SPI.
    #[must_use]
    pub const fn slot(self) -> u16 {
        (self.0 & 0xffff) as u16
    }

    pub(crate) const fn generation(self) -> u16 {
        (self.0 >> 16) as u16
    }
}

impl fmt::Display for ChildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "child {}.{}", self.slot(), self.generation())
    }
}

/// Names an entry of [`Config::profiles`](crate::Config::profiles) by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProfileId(pub u16);

impl fmt::Display for ProfileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "profile {}", self.0)
    }
}
