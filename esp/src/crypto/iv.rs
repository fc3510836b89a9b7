//! Initialisation vectors for CBC.

use aes::Aes256Enc;
use cipher::array::Array;
use cipher::{BlockCipherEncrypt, KeyInit};

use super::LANES;

/// An initialisation vector of AES-CBC.
pub(crate) type Iv = [u8; 16];

/// Makes IVs that nobody can predict, as RFC 3602 section 3 asks: the packet's sequence number, encrypted under a key
/// of its own (NIST SP 800-38A appendix C, the first method). They never repeat, since the numbers do not.
pub(crate) struct IvGenerator(Box<Aes256Enc>);

impl IvGenerator {
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self(Box::new(Aes256Enc::new(seed.into())))
    }

    /// The IV of one packet.
    pub(crate) fn iv(&self, sequence: u64) -> Iv {
        let mut block = u128::from(sequence).to_be_bytes().into();
        self.0.encrypt_block(&mut block);
        block.into()
    }

    /// The IVs of a batch, at little more than the price of one.
    pub(crate) fn ivs(&self, sequences: [u64; LANES]) -> [Iv; LANES] {
        let mut blocks = sequences.map(|sequence| Array::from(u128::from(sequence).to_be_bytes()));
        self.0.encrypt_blocks(&mut blocks);
        blocks.map(Into::into)
    }
}
