//! Putting fragments together (RFC 7383 section 2.6). Only fragments whose integrity check passed come here.

use zeroize::Zeroizing;

use crate::wire::PayloadType;

/// The largest number of fragments of one message.
const MAX_FRAGMENTS: u16 = 64;
/// The largest message, in bytes of plaintext.
const MAX_BYTES: usize = 65_536;

/// One message in the making.
#[derive(Debug)]
pub(crate) struct Reassembly {
    pub(crate) message_id: u32,
    total: u16,
    first: PayloadType,
    parts: Vec<Option<Zeroizing<Vec<u8>>>>,
    missing: u16,
    bytes: usize,
}

/// A whole message: the type of its first payload and the chain of payloads.
pub(crate) type Whole = (PayloadType, Zeroizing<Vec<u8>>);

/// A fragment that breaks the rules or the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rejected;

impl Reassembly {
    /// Starts with the number of fragments that the first one to arrive names.
    pub(crate) fn new(message_id: u32, total: u16) -> Result<Self, Rejected> {
        if total == 0 || total > MAX_FRAGMENTS {
            return Err(Rejected);
        }
        Ok(Self {
            message_id,
            total,
            first: PayloadType::NONE,
            parts: vec![None; usize::from(total)],
            missing: total,
            bytes: 0,
        })
    }

    /// Adds a fragment; returns the whole message when it was the last one that was missing.
    ///
    /// A larger total means that the sender made smaller pieces and starts again; a smaller one is an old packet.
    pub(crate) fn add(
        &mut self,
        number: u16,
        total: u16,
        first: PayloadType,
        plain: Zeroizing<Vec<u8>>,
    ) -> Result<Option<Whole>, Rejected> {
        if total > self.total {
            *self = Self::new(self.message_id, total)?;
        }
        if total < self.total {
            return Err(Rejected);
        }
        let slot = usize::from(number).checked_sub(1).and_then(|index| self.parts.get_mut(index));
        let slot = slot.ok_or(Rejected)?;
        if slot.is_some() {
            return Ok(None);
        }
        self.bytes += plain.len();
        if self.bytes > MAX_BYTES {
            self.bytes -= plain.len();
            return Err(Rejected);
        }
        if number == 1 {
            self.first = first;
        }
        *slot = Some(plain);
        self.missing -= 1;
        if self.missing > 0 {
            return Ok(None);
        }
        let mut whole = Zeroizing::new(Vec::with_capacity(self.bytes));
        for part in self.parts.iter().flatten() {
            whole.extend_from_slice(part);
        }
        Ok(Some((self.first, whole)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(byte: u8) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(vec![byte; 3])
    }

    #[test]
    fn parts_in_any_order_make_the_whole() {
        let mut reassembly = Reassembly::new(1, 3).unwrap();
        assert_eq!(reassembly.add(3, 3, PayloadType::NONE, part(3)), Ok(None));
        assert_eq!(reassembly.add(1, 3, PayloadType::NONCE, part(1)), Ok(None));
        assert_eq!(reassembly.add(1, 3, PayloadType::NONCE, part(9)), Ok(None), "repeated");
        let (first, whole) = reassembly.add(2, 3, PayloadType::NONE, part(2)).unwrap().unwrap();
        assert_eq!(first, PayloadType::NONCE);
        assert_eq!(whole.as_slice(), [1, 1, 1, 2, 2, 2, 3, 3, 3]);
    }

    #[test]
    fn number_beyond_the_total_is_rejected() {
        let mut reassembly = Reassembly::new(1, 1).unwrap();
        assert_eq!(reassembly.add(7, 1, PayloadType::NONE, part(0)), Err(Rejected));
        assert_eq!(reassembly.add(0, 1, PayloadType::NONE, part(0)), Err(Rejected));
        assert!(Reassembly::new(1, 0).is_err());
        assert!(Reassembly::new(1, MAX_FRAGMENTS + 1).is_err());
    }

    #[test]
    fn larger_total_starts_again_and_smaller_is_dropped() {
        let mut reassembly = Reassembly::new(1, 2).unwrap();
        assert_eq!(reassembly.add(1, 2, PayloadType::NONCE, part(1)), Ok(None));
        assert_eq!(reassembly.add(1, 3, PayloadType::NONCE, part(4)), Ok(None));
        assert_eq!(reassembly.add(2, 2, PayloadType::NONE, part(2)), Err(Rejected));
        assert_eq!(reassembly.add(2, 3, PayloadType::NONE, part(5)), Ok(None));
        let (_, whole) = reassembly.add(3, 3, PayloadType::NONE, part(6)).unwrap().unwrap();
        assert_eq!(whole.as_slice(), [4, 4, 4, 5, 5, 5, 6, 6, 6]);
    }
}
