//! The Options octet.

use std::fmt;

/// RFC 2328 appendix A.2 and its successors. Unknown bits survive.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Options(pub u8);

impl Options {
    /// Externals are accepted: not a stub area.
    pub const E: Self = Self(0x02);
    /// Multicast forwarding (RFC 1584, historic).
    pub const MC: Self = Self(0x04);
    /// Hellos: type 7 accepted; type 7 LSAs: translate (RFC 3101).
    pub const NP: Self = Self(0x08);
    /// A link-local signalling block follows the packet (RFC 5613).
    pub const L: Self = Self(0x10);
    /// Demand circuits: LSAs that do not age are understood (RFC 1793).
    pub const DC: Self = Self(0x20);
    /// Opaque LSAs are accepted (RFC 5250).
    pub const O: Self = Self(0x40);
    /// Down bit against loops between VPNs (RFC 4576).
    pub const DN: Self = Self(0x80);

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Options({self})")
    }
}

impl fmt::Display for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["MT", "E", "MC", "N/P", "L", "DC", "O", "DN"];
        let mut first = true;
        for (bit, name) in names.iter().enumerate() {
            if self.0 >> bit & 1 == 1 {
                if !first {
                    f.write_str("|")?;
                }
                f.write_str(name)?;
                first = false;
            }
        }
        if first { f.write_str("-") } else { Ok(()) }
    }
}
