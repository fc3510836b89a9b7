//! The references: the same ciphers of the same library over the same bytes, and nothing else.

use std::hint::black_box;

use aes::{Aes256Dec, Aes256Enc};
use aes_gcm::AesGcm;
use aes_gcm::aead::AeadInOut;
use cipher::consts::{U12, U16};
use cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit};
use dmvpn::Backend;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::cloud::Suite;
use crate::{Contender, PACKETS};

type Block = Array<u8, U16>;

enum Key {
    Gcm(Box<AesGcm<Aes256Enc, U12>>),
    Cbc(Box<(Aes256Enc, Aes256Dec, Hmac<Sha256>)>),
    #[cfg(feature = "aws-lc")]
    AwsLc(aws_lc_rs::aead::LessSafeKey),
}

/// What a reference does with each packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Seal,
    Open,
    OpenAndSeal,
}

pub(crate) struct Bare {
    key: Key,
    work: Work,
    front: usize,
    packets: Vec<Vec<u8>>,
    tags: Vec<[u8; 16]>,
}

impl Bare {
    /// For inner packets of `len` bytes: GRE with key in front, ESP's padding and trailer behind.
    pub(crate) fn new(suite: Suite, backend: Backend, len: usize, work: Work) -> Self {
        let (front, block) = match suite {
            Suite::Gcm => (16, 4),
            Suite::Guide => (24, 16),
        };
        let key = match (suite, backend) {
            (Suite::Guide, _) => Key::Cbc(Box::new((
                Aes256Enc::new(&[7; 32].into()),
                Aes256Dec::new(&[7; 32].into()),
                Hmac::new_from_slice(&[8; 32]).expect("any length is fine"),
            ))),
            (Suite::Gcm, Backend::RustCrypto) => Key::Gcm(Box::new(AesGcm::new(&[7; 32].into()))),
            #[cfg(feature = "aws-lc")]
            (Suite::Gcm, Backend::AwsLc) => {
                use aws_lc_rs::aead::{AES_256_GCM, LessSafeKey, UnboundKey};
                Key::AwsLc(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).expect("a key")))
            }
            (Suite::Gcm, other) => panic!("no reference for {other}"),
        };
        let text = (8 + len + 2).next_multiple_of(block);
        let packets = vec![vec![0x5a; front + text]; PACKETS];
        Self { key, work, front, packets, tags: vec![[0; 16]; PACKETS] }
    }

    fn seal(&mut self) {
        for (packet, tag) in self.packets.iter_mut().zip(&mut self.tags) {
            match &self.key {
                Key::Gcm(key) => {
                    let (front, text) = packet.split_at_mut(self.front);
                    let sealed = key.encrypt_inout_detached(&[3; 12].into(), &front[..8], text.into());
                    *tag = sealed.expect("a short text").into();
                }
                Key::Cbc(keys) => {
                    let text = Block::slice_as_chunks_mut(&mut packet[self.front..]).0;
                    cbc::Encryptor::inner_iv_init(&keys.0, &Block::default()).encrypt_blocks(text);
                    authenticate(&keys.2, packet);
                }
                #[cfg(feature = "aws-lc")]
                Key::AwsLc(key) => {
                    let (front, text) = packet.split_at_mut(self.front);
                    let aad = aws_lc_rs::aead::Aad::from(&front[..8]);
                    key.seal_in_place_scatter(nonce(), aad, text, &[], tag).expect("a short text");
                }
            }
        }
    }

    fn open(&mut self) {
        for (packet, tag) in self.packets.iter_mut().zip(&self.tags) {
            match &self.key {
                Key::Gcm(key) => {
                    let (front, text) = packet.split_at_mut(self.front);
                    let opened =
                        key.decrypt_inout_detached(&[3; 12].into(), &front[..8], text.into(), tag.into());
                    opened.expect("the right tag");
                }
                Key::Cbc(keys) => {
                    authenticate(&keys.2, packet);
                    let text = Block::slice_as_chunks_mut(&mut packet[self.front..]).0;
                    cbc::Decryptor::inner_iv_init(&keys.1, &Block::default()).decrypt_blocks(text);
                }
                #[cfg(feature = "aws-lc")]
                Key::AwsLc(key) => {
                    let (front, text) = packet.split_at_mut(self.front);
                    let aad = aws_lc_rs::aead::Aad::from(&front[..8]);
                    key.open_in_place_separate_tag(nonce(), aad, tag, text).expect("the right tag");
                }
            }
        }
    }
}

impl Contender for Bare {
    fn prepare(&mut self) {
        if self.work != Work::Seal {
            self.seal();
        }
    }

    fn run(&mut self) {
        if self.work != Work::Seal {
            self.open();
        }
        if self.work != Work::Open {
            self.seal();
        }
    }
}

fn authenticate(key: &Hmac<Sha256>, data: &[u8]) {
    let mut mac = key.clone();
    mac.update(data);
    black_box(mac.finalize().into_bytes());
}

#[cfg(feature = "aws-lc")]
fn nonce() -> aws_lc_rs::aead::Nonce {
    aws_lc_rs::aead::Nonce::assume_unique_for_key([3; 12])
}
