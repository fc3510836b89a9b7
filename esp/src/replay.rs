//! The replay window: which sequence numbers were received.

use crate::KeyError;

#[cfg(test)]
mod tests;

/// The smallest replay window, in packets (RFC 4303 section 3.4.3 prefers 64 to its minimum of 32).
pub const MIN_WINDOW: u32 = 64;
/// The largest replay window, in packets.
pub const MAX_WINDOW: u32 = 4096;
/// A good size: large enough for packets that quality of service reorders.
pub const DEFAULT_WINDOW: u32 = 1024;

const WORD: u64 = u64::BITS as u64;

/// Why a sequence number is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stale {
    /// It was received before.
    Replayed,
    /// It lies before the window.
    TooOld,
}

/// Which of the last sequence numbers were received (RFC 4303 section 3.4.3), kept as RFC 6479 has it: a ring of words
/// in which moving on clears a few words and shifts nothing.
///
/// [`Inbound`](crate::Inbound) has one and does what is needed in the right order; the type is public for those who
/// protect another protocol, or test this one. The order: [`ReplayWindow::check`], then authenticate, then
/// [`ReplayWindow::mark`]. A number is always the full one, of 64 bits; 32-bit numbers are those below 2^32.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplayWindow {
    /// The highest number that was marked; 0 before any.
    top: u64,
    size: u64,
    /// One bit per number, in `number / 64` modulo the length, which is a power of two. There is at least one word
    /// more than the window needs, so that moving on never clears a number that the window still covers.
    ring: Box<[u64]>,
}

impl ReplayWindow {
    /// A window over `size` packets in which nothing was received.
    ///
    /// # Errors
    ///
    /// [`KeyError::WindowSize`] if `size` is not in [`MIN_WINDOW`]`..=`[`MAX_WINDOW`].
    pub fn new(size: u32) -> Result<Self, KeyError> {
        if !(MIN_WINDOW..=MAX_WINDOW).contains(&size) {
            return Err(KeyError::WindowSize(size));
        }
        let words = (size.div_ceil(u64::BITS) + 1).next_power_of_two();
        Ok(Self { top: 0, size: u64::from(size), ring: vec![0; words as usize].into_boxed_slice() })
    }

    /// The highest number that was marked; 0 before any.
    #[must_use]
    pub const fn top(&self) -> u64 {
        self.top
    }

    /// How many packets the window covers: [`ReplayWindow::top`] and those right before it.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Whether a packet with this number may still come.
    ///
    /// # Errors
    ///
    /// It was received before, or lies before the window.
    pub fn check(&self, sequence: u64) -> Result<(), Stale> {
        if sequence > self.top {
            return Ok(());
        }
        if self.top - sequence >= self.size {
            return Err(Stale::TooOld);
        }
        let (word, bit) = self.position(sequence);
        match self.ring.get(word) {
            Some(seen) if seen & bit == 0 => Ok(()),
            _ => Err(Stale::Replayed),
        }
    }

    /// Notes that the packet with this number was received. Only for one that has authenticated.
    ///
    /// # Errors
    ///
    /// As [`ReplayWindow::check`], in which case nothing changes.
    pub fn mark(&mut self, sequence: u64) -> Result<(), Stale> {
        self.check(sequence)?;
        if sequence > self.top {
            // Words between the old top's and the new top's hold numbers of a round ago.
            let fresh = (sequence / WORD - self.top / WORD).min(self.ring.len() as u64);
            for word in 1..=fresh {
                let (word, _) = self.position((self.top / WORD + word).wrapping_mul(WORD));
                if let Some(word) = self.ring.get_mut(word) {
                    *word = 0;
                }
            }
            self.top = sequence;
        }
        let (word, bit) = self.position(sequence);
        if let Some(word) = self.ring.get_mut(word) {
            *word |= bit;
        }
        Ok(())
    }

    /// Moves the window on as if `sequence` and every number before it had been received. Never moves back.
    pub fn skip_to(&mut self, sequence: u64) {
        if sequence < self.top {
            return;
        }
        self.top = sequence;
        self.ring.fill(u64::MAX);
        let (word, bit) = self.position(sequence);
        if let Some(word) = self.ring.get_mut(word) {
            *word = bit | (bit - 1);
        }
    }

    /// The full number of a packet that carries the low half of an extended one (RFC 4303 appendix A2): the one next
    /// to the window. `None` if that is below 0 or above 2^64 - 1, where nothing is ever sent.
    ///
    /// It is a guess until the packet authenticates, which covers the high half.
    #[must_use]
    pub fn extend(&self, low: u32) -> Option<u64> {
        let (top_high, top_low) = ((self.top >> 32) as u32, self.top as u32);
        let span = (self.size - 1) as u32;
        let bottom_low = top_low.wrapping_sub(span);
        let high = if top_low >= span {
            // Case A: the window lies in one subspace.
            if low >= bottom_low { top_high } else { top_high.checked_add(1)? }
        } else {
            // Case B: its older part lies in the subspace before.
            if low >= bottom_low { top_high.checked_sub(1)? } else { top_high }
        };
        Some(u64::from(high) << 32 | u64::from(low))
    }

    /// Where a number's bit is.
    fn position(&self, sequence: u64) -> (usize, u64) {
        let mask = self.ring.len() - 1;
        ((sequence / WORD) as usize & mask, 1 << (sequence % WORD))
    }
}
