//! Initialisation vectors for CBC.

use aes::Aes256Enc;
use cipher::array::Array;
use cipher::consts::U16;
use cipher::{BlockCipherEncrypt, KeyInit};

/// An initialisation vector of AES-CBC.
pub(crate) type Iv = [u8; 16];

/// IVs made at a time: the processor makes eight at little more than the price of one.
const GROUP: u64 = 8;

/// Makes IVs that nobody can predict, as RFC 3602 section 3 asks: the packet's sequence number, encrypted under a key
/// of its own (NIST SP 800-38A appendix C, the first method). They never repeat, since the numbers do not.
pub(crate) struct IvGenerator(Box<State>);

struct State {
    key: Aes256Enc,
    /// Which group of numbers the IVs are for; beyond all groups before the first.
    group: u64,
    ivs: [Array<u8, U16>; GROUP as usize],
}

impl IvGenerator {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        let ivs = [Array::default(); GROUP as usize];
        Self(Box::new(State { key: Aes256Enc::new(seed.into()), group: u64::MAX, ivs }))
    }

    /// The IV of the packet with this number.
    pub(crate) fn iv(&mut self, sequence: u64) -> Iv {
        let State { key, group, ivs } = &mut *self.0;
        if *group != sequence / GROUP {
            *group = sequence / GROUP;
            let first = *group * GROUP;
            for (iv, number) in ivs.iter_mut().zip(first..=first + (GROUP - 1)) {
                *iv = u128::from(number).to_be_bytes().into();
            }
            key.encrypt_blocks(ivs);
        }
        let iv = ivs.get((sequence % GROUP) as usize);
        (*iv.expect("a remainder is smaller than its divisor")).into()
    }
}
