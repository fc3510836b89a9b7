//! Mutations of a corpus file for the replay on a stable compiler: a seed gives the same ones every time.

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// Values that lengths, counts and types break on.
const SPECIAL: [u8; 8] = [0x00, 0x01, 0x7f, 0x80, 0xff, 0xfe, 0x04, 0x20];

/// Variants of an input, without end.
#[derive(Debug)]
pub struct Mutator {
    rng: ChaCha20Rng,
}

impl Mutator {
    /// The variants that this seed gives.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: ChaCha20Rng::seed_from_u64(seed) }
    }

    /// Changes an input in one to four places: bits, values, cuts, insertions, repetitions.
    #[must_use]
    pub fn mutate(&mut self, input: &[u8]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut bytes);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let random = self.below(256).to_le_bytes()[0];
        match self.below(8) {
            0 | 1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (random & 7);
                }
            }
            2 | 3 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = SPECIAL[usize::from(random) % SPECIAL.len()];
                }
            }
            4 => bytes.insert(at, random),
            5 => bytes.truncate(at),
            6 => {
                let end = bytes.len().min(at + 1 + usize::from(random & 0x0f));
                bytes.drain(at..end);
            }
            _ => {
                let end = bytes.len().min(at + 1 + usize::from(random & 0x3f));
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }

    /// A number from 0 to below `end`; 0 if there is none.
    fn below(&mut self, end: usize) -> usize {
        let end = u32::try_from(end).unwrap_or(u32::MAX).max(1);
        (self.rng.next_u32() % end) as usize
    }
}
