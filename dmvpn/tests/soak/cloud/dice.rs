//! Random choices from one seed.

use std::ops::RangeInclusive;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// A generator that makes the same choices for the same seed.
pub struct Dice(ChaCha20Rng);

impl Dice {
    /// The choices of this seed. The stream keeps them apart from those of the network, which has the same seed.
    pub fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        rng.set_stream(u64::MAX);
        Self(rng)
    }

    /// A number of the range.
    pub fn number(&mut self, range: RangeInclusive<u64>) -> u64 {
        let span = range.end() - range.start() + 1;
        range.start() + ((u128::from(self.0.next_u64()) * u128::from(span)) >> 64) as u64
    }

    /// An index of a list of this length, which has something in it.
    pub fn index(&mut self, len: usize) -> usize {
        assert!(len > 0, "a choice needs something to choose from");
        self.number(0..=len as u64 - 1) as usize
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// True so many times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.number(0..=99) < percent
    }
}
