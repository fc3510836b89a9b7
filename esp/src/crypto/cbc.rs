//! AES-CBC (RFC 3602): one packet at a time, or several side by side.
//!
//! A block of CBC can be encrypted only after the one before it, so one packet keeps a processor's AES unit waiting most
//! of the time. Blocks of different packets do not depend on each other: with [`LANES`] packets side by side the unit
//! is busy. Decryption has no such chain.

use aes::{Aes128Dec, Aes128Enc, Aes192Dec, Aes192Enc, Aes256Dec, Aes256Enc};
use cbc::{Decryptor, Encryptor};
use cipher::array::Array;
use cipher::consts::U16;
use cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncBackend, BlockCipherEncClosure, BlockCipherEncrypt,
    BlockModeDecrypt, BlockModeEncrypt, BlockSizeUser, InnerIvInit, KeyInit,
};

use super::Iv;
use crate::Cipher;

/// How many packets are encrypted side by side. More do not fit a processor's window of instructions.
pub(crate) const LANES: usize = 8;

type AesBlock = Array<u8, U16>;

/// The encrypting half of an AES key, in a box of its own so that moves leave no copies behind.
pub(crate) enum CbcEncrypt {
    Aes128(Box<Aes128Enc>),
    Aes192(Box<Aes192Enc>),
    Aes256(Box<Aes256Enc>),
}

impl CbcEncrypt {
    /// `None` if the cipher is not AES-CBC or the key's length is not the cipher's.
    pub(crate) fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        Some(match cipher {
            Cipher::AesCbc128 => Self::Aes128(Box::new(Aes128Enc::new_from_slice(key).ok()?)),
            Cipher::AesCbc192 => Self::Aes192(Box::new(Aes192Enc::new_from_slice(key).ok()?)),
            Cipher::AesCbc256 => Self::Aes256(Box::new(Aes256Enc::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }

    /// Encrypts one text, a whole number of blocks.
    pub(crate) fn encrypt(&self, iv: &Iv, text: &mut [u8]) {
        match self {
            Self::Aes128(key) => encrypt(&**key, iv, text),
            Self::Aes192(key) => encrypt(&**key, iv, text),
            Self::Aes256(key) => encrypt(&**key, iv, text),
        }
    }

    /// Encrypts up to [`LANES`] texts side by side; their order changes.
    pub(crate) fn encrypt_lanes(&self, lanes: &mut [Lane<'_>]) {
        match self {
            Self::Aes128(key) => encrypt_lanes(&**key, lanes),
            Self::Aes192(key) => encrypt_lanes(&**key, lanes),
            Self::Aes256(key) => encrypt_lanes(&**key, lanes),
        }
    }
}

/// The decrypting half of an AES key, in a box of its own.
pub(crate) enum CbcDecrypt {
    Aes128(Box<Aes128Dec>),
    Aes192(Box<Aes192Dec>),
    Aes256(Box<Aes256Dec>),
}

impl CbcDecrypt {
    /// `None` if the cipher is not AES-CBC or the key's length is not the cipher's.
    pub(crate) fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        Some(match cipher {
            Cipher::AesCbc128 => Self::Aes128(Box::new(Aes128Dec::new_from_slice(key).ok()?)),
            Cipher::AesCbc192 => Self::Aes192(Box::new(Aes192Dec::new_from_slice(key).ok()?)),
            Cipher::AesCbc256 => Self::Aes256(Box::new(Aes256Dec::new_from_slice(key).ok()?)),
            _ => return None,
        })
    }

    /// Decrypts one text, a whole number of blocks.
    pub(crate) fn decrypt(&self, iv: &Iv, text: &mut [u8]) {
        match self {
            Self::Aes128(key) => decrypt(&**key, iv, text),
            Self::Aes192(key) => decrypt(&**key, iv, text),
            Self::Aes256(key) => decrypt(&**key, iv, text),
        }
    }
}

/// A text to be encrypted beside others.
#[derive(Default)]
pub(crate) struct Lane<'a> {
    /// The block before the next one: first the IV, then ciphertext.
    chain: AesBlock,
    blocks: &'a mut [AesBlock],
}

impl<'a> Lane<'a> {
    /// A lane for a whole number of blocks.
    pub(crate) fn new(iv: &Iv, text: &'a mut [u8]) -> Self {
        Self { chain: (*iv).into(), blocks: blocks(text) }
    }
}

fn encrypt<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C, iv: &Iv, text: &mut [u8]) {
    Encryptor::inner_iv_init(cipher, iv.into()).encrypt_blocks(blocks(text));
}

fn decrypt<C: BlockCipherDecrypt<BlockSize = U16>>(cipher: &C, iv: &Iv, text: &mut [u8]) {
    Decryptor::inner_iv_init(cipher, iv.into()).decrypt_blocks(blocks(text));
}

fn encrypt_lanes<C: BlockCipherEncrypt<BlockSize = U16>>(cipher: &C, lanes: &mut [Lane<'_>]) {
    // Longest first, so that the lanes with work left are always the first ones.
    lanes.sort_unstable_by_key(|lane| core::cmp::Reverse(lane.blocks.len()));
    cipher.encrypt_with_backend(Interleaved { lanes });
}

/// All blocks of all lanes in one closure, so that the processor's features are looked up once per batch.
struct Interleaved<'a, 'b> {
    lanes: &'a mut [Lane<'b>],
}

impl BlockSizeUser for Interleaved<'_, '_> {
    type BlockSize = U16;
}

impl BlockCipherEncClosure for Interleaved<'_, '_> {
    #[inline(always)]
    fn call<B: BlockCipherEncBackend<BlockSize = U16>>(self, backend: &B) {
        let mut lanes = self.lanes;
        let mut done = 0;
        while let Some(last) = lanes.last() {
            let until = last.blocks.len();
            for index in done..until {
                for lane in &mut *lanes {
                    if let Some(block) = lane.blocks.get_mut(index) {
                        xor(&mut lane.chain, block);
                        backend.encrypt_block((&mut lane.chain).into());
                        *block = lane.chain;
                    }
                }
            }
            done = until;
            let still = lanes.iter().take_while(|lane| lane.blocks.len() > done).count();
            lanes = lanes.split_at_mut(still).0;
        }
    }
}

/// As one number of 128 bits: byte by byte it costs as much as the cipher.
#[inline(always)]
fn xor(chain: &mut Block<Aes256Enc>, block: &AesBlock) {
    let mixed = u128::from_ne_bytes((*chain).into()) ^ u128::from_ne_bytes((*block).into());
    *chain = mixed.to_ne_bytes().into();
}

/// The text as blocks. Padding has made it a whole number of them; a rest would stay as it is.
fn blocks(text: &mut [u8]) -> &mut [AesBlock] {
    let (blocks, rest) = AesBlock::slice_as_chunks_mut(text);
    debug_assert!(rest.is_empty(), "padding makes whole blocks");
    blocks
}
