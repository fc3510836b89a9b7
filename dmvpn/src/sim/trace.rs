//! A digest of everything that was on the wire: two runs that agree in it did the same.

use core::fmt;
use std::time::Duration;

use super::NodeId;

/// A running digest (FNV-1a, 128 bits) of what was put on the wire: when, from where to where, what, and its fate.
///
/// It tells runs apart; it does not withstand somebody who wants two to look alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceDigest(u128);

const OFFSET_BASIS: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = (1 << 88) + 0x13b;

impl TraceDigest {
    /// The digest of an empty run.
    pub(super) const EMPTY: Self = Self(OFFSET_BASIS);

    /// Adds a packet.
    pub(super) fn packet(&mut self, at: Duration, from: NodeId, to: NodeId, fate: u8, bytes: &[u8]) {
        self.add(&at.as_nanos().to_be_bytes());
        self.add(&from.0.to_be_bytes());
        self.add(&to.0.to_be_bytes());
        self.add(&[fate]);
        self.add(&(bytes.len() as u64).to_be_bytes());
        self.add(bytes);
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u128::from(*byte)).wrapping_mul(PRIME);
        }
    }
}

impl fmt::Display for TraceDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_fnv_1a() {
        // Published test values of the 128-bit variant: the empty string and "a".
        assert_eq!(TraceDigest::EMPTY.to_string(), "6c62272e07bb014262b821756295c58d");
        let mut digest = TraceDigest::EMPTY;
        digest.add(b"a");
        assert_eq!(digest.to_string(), "d228cb696f1a8caf78912b704e4a8964");
    }

    #[test]
    fn every_part_counts() {
        let of = |at, from, to, fate, bytes: &[u8]| {
            let mut digest = TraceDigest::EMPTY;
            digest.packet(Duration::from_nanos(at), NodeId(from), NodeId(to), fate, bytes);
            digest
        };
        let base = of(1, 2, 3, 4, b"5");
        assert_eq!(base, of(1, 2, 3, 4, b"5"));
        for other in [of(0, 2, 3, 4, b"5"), of(1, 0, 3, 4, b"5"), of(1, 2, 0, 4, b"5"), of(1, 2, 3, 0, b"5")]
        {
            assert_ne!(base, other);
        }
        assert_ne!(base, of(1, 2, 3, 4, b"6"));
    }
}
