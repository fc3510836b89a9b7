//! The references: the same ciphers of the same library over the same bytes, without anything that ESP adds.

use std::hint::black_box;

use aes::{Aes128Dec, Aes128Enc, Aes256Dec, Aes256Enc};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use chacha20poly1305::ChaCha20Poly1305;
use cipher::consts::{U12, U16};
use cipher::{Array, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use esp::{Cipher, Integrity};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use crate::PACKETS;
use crate::contender::{Case, Contender};

type Block = Array<u8, U16>;

enum Key {
    #[cfg(feature = "aws-lc")]
    AwsLc(aws_lc_rs::aead::LessSafeKey),
    Gcm128(Box<AesGcm<Aes128Enc, U12>>),
    Gcm256(Box<AesGcm<Aes256Enc, U12>>),
    ChaCha(Box<ChaCha20Poly1305>),
    Cbc128(Box<(Aes128Enc, Aes128Dec)>),
    Cbc256(Box<(Aes256Enc, Aes256Dec)>),
}

enum MacKey {
    None,
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Box<Hmac<Sha384>>),
    Sha512(Box<Hmac<Sha512>>),
}

/// Key material, and memory as in a packet: header and IV of ESP, then the text. The ICV goes elsewhere.
struct Bare {
    key: Key,
    mac: MacKey,
    front: usize,
    packets: Vec<Vec<u8>>,
    tags: Vec<[u8; 16]>,
}

impl Bare {
    fn new(case: &Case) -> Self {
        let material = case.encryption_key();
        let (enc16, enc32) = (material.first_chunk::<16>(), material.first_chunk::<32>());
        let key = match case.suite.cipher() {
            #[cfg(feature = "aws-lc")]
            cipher if case.backend == esp::Backend::AwsLc => Key::AwsLc(aws_lc(cipher, &material)),
            Cipher::AesGcm128 => Key::Gcm128(Box::new(AesGcm::new(enc16.expect("16 bytes").into()))),
            Cipher::AesGcm256 => Key::Gcm256(Box::new(AesGcm::new(enc32.expect("32 bytes").into()))),
            Cipher::ChaCha20Poly1305 => {
                Key::ChaCha(Box::new(ChaCha20Poly1305::new(enc32.expect("32 bytes").into())))
            }
            Cipher::AesCbc128 => {
                let key = enc16.expect("16 bytes").into();
                Key::Cbc128(Box::new((Aes128Enc::new(key), Aes128Dec::new(key))))
            }
            Cipher::AesCbc256 => {
                let key = enc32.expect("32 bytes").into();
                Key::Cbc256(Box::new((Aes256Enc::new(key), Aes256Dec::new(key))))
            }
            other => panic!("no reference for {other}"),
        };
        let material = case.integrity_key();
        let any = "any length is fine";
        let mac = match case.suite.integrity() {
            Integrity::HmacSha1_96 => MacKey::Sha1(Hmac::new_from_slice(&material).expect(any)),
            Integrity::HmacSha256_128 => MacKey::Sha256(Hmac::new_from_slice(&material).expect(any)),
            Integrity::HmacSha384_192 => {
                MacKey::Sha384(Box::new(Hmac::new_from_slice(&material).expect(any)))
            }
            Integrity::HmacSha512_256 => {
                MacKey::Sha512(Box::new(Hmac::new_from_slice(&material).expect(any)))
            }
            _ => MacKey::None,
        };
        let front = 8 + case.suite.iv_len();
        let packets = vec![vec![0x5a; front + case.text_len()]; PACKETS];
        Self { key, mac, front, packets, tags: vec![[0; 16]; PACKETS] }
    }

    fn seal(&mut self) {
        for (packet, tag) in self.packets.iter_mut().zip(&mut self.tags) {
            let (front, text) = packet.split_at_mut(self.front);
            match &self.key {
                #[cfg(feature = "aws-lc")]
                Key::AwsLc(key) => {
                    let (nonce, aad) = (nonce(), aws_lc_rs::aead::Aad::from(&front[..8]));
                    key.seal_in_place_scatter(nonce, aad, text, &[], tag).expect("a short text");
                }
                Key::Gcm128(key) => *tag = seal_aead(&**key, front, text),
                Key::Gcm256(key) => *tag = seal_aead(&**key, front, text),
                Key::ChaCha(key) => *tag = seal_aead(&**key, front, text),
                Key::Cbc128(keys) => {
                    cbc::Encryptor::inner_iv_init(&keys.0, &Block::default()).encrypt_blocks(blocks(text));
                }
                Key::Cbc256(keys) => {
                    cbc::Encryptor::inner_iv_init(&keys.0, &Block::default()).encrypt_blocks(blocks(text));
                }
            }
            self.mac.authenticate(packet);
        }
    }

    fn open(&mut self) {
        for (packet, tag) in self.packets.iter_mut().zip(&self.tags) {
            self.mac.authenticate(packet);
            let (front, text) = packet.split_at_mut(self.front);
            match &self.key {
                #[cfg(feature = "aws-lc")]
                Key::AwsLc(key) => {
                    let (nonce, aad) = (nonce(), aws_lc_rs::aead::Aad::from(&front[..8]));
                    key.open_in_place_separate_tag(nonce, aad, tag, text).expect("the right tag");
                }
                Key::Gcm128(key) => open_aead(&**key, front, text, tag),
                Key::Gcm256(key) => open_aead(&**key, front, text, tag),
                Key::ChaCha(key) => open_aead(&**key, front, text, tag),
                Key::Cbc128(keys) => {
                    cbc::Decryptor::inner_iv_init(&keys.1, &Block::default()).decrypt_blocks(blocks(text));
                }
                Key::Cbc256(keys) => {
                    cbc::Decryptor::inner_iv_init(&keys.1, &Block::default()).decrypt_blocks(blocks(text));
                }
            }
        }
    }

    /// What no interleaving can beat: the library's AES over independent blocks, and the HMAC.
    fn seal_without_chain(&mut self) {
        for packet in &mut self.packets {
            let text = blocks(&mut packet[self.front..]);
            match &self.key {
                Key::Cbc128(keys) => keys.0.encrypt_blocks(text),
                Key::Cbc256(keys) => keys.0.encrypt_blocks(text),
                _ => {}
            }
            self.mac.authenticate(packet);
        }
    }
}

impl MacKey {
    fn authenticate(&self, data: &[u8]) {
        match self {
            Self::None => {}
            Self::Sha1(key) => authenticate(key, data),
            Self::Sha256(key) => authenticate(key, data),
            Self::Sha384(key) => authenticate(&**key, data),
            Self::Sha512(key) => authenticate(&**key, data),
        }
    }
}

fn authenticate<M: Mac + Clone>(key: &M, data: &[u8]) {
    let mut mac = key.clone();
    mac.update(data);
    black_box(mac.finalize().into_bytes());
}

fn seal_aead<A: AeadInOut<NonceSize = U12, TagSize = U16>>(
    key: &A,
    front: &[u8],
    text: &mut [u8],
) -> [u8; 16] {
    let tag = key.encrypt_inout_detached(&[3; 12].into(), &front[..8], text.into());
    tag.expect("a short text").into()
}

fn open_aead<A: AeadInOut<NonceSize = U12, TagSize = U16>>(
    key: &A,
    front: &[u8],
    text: &mut [u8],
    tag: &[u8; 16],
) {
    let opened = key.decrypt_inout_detached(&[3; 12].into(), &front[..8], text.into(), tag.into());
    opened.expect("the right tag");
}

#[cfg(feature = "aws-lc")]
fn aws_lc(cipher: Cipher, material: &[u8]) -> aws_lc_rs::aead::LessSafeKey {
    use aws_lc_rs::aead;
    let (algorithm, len) = match cipher {
        Cipher::AesGcm128 => (&aead::AES_128_GCM, 16),
        Cipher::AesGcm256 => (&aead::AES_256_GCM, 32),
        Cipher::ChaCha20Poly1305 => (&aead::CHACHA20_POLY1305, 32),
        other => panic!("no reference for {other}"),
    };
    aead::LessSafeKey::new(aead::UnboundKey::new(algorithm, &material[..len]).expect("a key"))
}

#[cfg(feature = "aws-lc")]
fn nonce() -> aws_lc_rs::aead::Nonce {
    aws_lc_rs::aead::Nonce::assume_unique_for_key([3; 12])
}

fn blocks(text: &mut [u8]) -> &mut [Block] {
    Block::slice_as_chunks_mut(text).0
}

pub(crate) struct BareSeal(Bare);

impl BareSeal {
    pub(crate) fn new(case: &Case) -> Self {
        Self(Bare::new(case))
    }
}

impl Contender for BareSeal {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        self.0.seal();
    }
}

pub(crate) struct BareOpen(Bare);

impl BareOpen {
    pub(crate) fn new(case: &Case) -> Self {
        Self(Bare::new(case))
    }
}

impl Contender for BareOpen {
    fn prepare(&mut self) {
        self.0.seal();
    }

    fn run(&mut self) {
        self.0.open();
    }
}

pub(crate) struct WithoutChain(Bare);

impl WithoutChain {
    pub(crate) fn new(case: &Case) -> Self {
        Self(Bare::new(case))
    }
}

impl Contender for WithoutChain {
    fn prepare(&mut self) {}

    fn run(&mut self) {
        self.0.seal_without_chain();
    }
}
