use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use aes_gcm::AesGcm;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use cipher::consts::U12;

use super::TAG_LEN;
use crate::Cipher;

/// Keys lie in a box of their own: moving the SA leaves no copies of them behind, and dropping it clears the only one.
pub(super) enum Key {
    Aes128Gcm(Box<AesGcm<Aes128Enc, U12>>),
    Aes192Gcm(Box<AesGcm<Aes192Enc, U12>>),
    Aes256Gcm(Box<AesGcm<Aes256Enc, U12>>),
    ChaCha20Poly1305(Box<ChaCha20Poly1305>),
}

impl Key {
    pub(super) fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        Some(match cipher {
            Cipher::AesGcm128 => Self::Aes128Gcm(Box::new(AesGcm::new_from_slice(key).ok()?)),
            Cipher::AesGcm192 => Self::Aes192Gcm(Box::new(AesGcm::new_from_slice(key).ok()?)),
            Cipher::AesGcm256 => Self::Aes256Gcm(Box::new(AesGcm::new_from_slice(key).ok()?)),
            Cipher::ChaCha20Poly1305 => {
                Self::ChaCha20Poly1305(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?))
            }
            _ => return None,
        })
    }

    pub(super) fn seal(&self, nonce: [u8; 12], aad: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let text = InOutBuf::from(text);
        let tag = match self {
            Self::Aes128Gcm(key) => key.encrypt_inout_detached(&nonce.into(), aad, text),
            Self::Aes192Gcm(key) => key.encrypt_inout_detached(&nonce.into(), aad, text),
            Self::Aes256Gcm(key) => key.encrypt_inout_detached(&nonce.into(), aad, text),
            Self::ChaCha20Poly1305(key) => key.encrypt_inout_detached(&nonce.into(), aad, text),
        };
        tag.ok().map(Into::into)
    }

    pub(super) fn open(&self, nonce: [u8; 12], aad: &[u8], text: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        let text = InOutBuf::from(text);
        let opened = match self {
            Self::Aes128Gcm(key) => key.decrypt_inout_detached(&nonce.into(), aad, text, tag.into()),
            Self::Aes192Gcm(key) => key.decrypt_inout_detached(&nonce.into(), aad, text, tag.into()),
            Self::Aes256Gcm(key) => key.decrypt_inout_detached(&nonce.into(), aad, text, tag.into()),
            Self::ChaCha20Poly1305(key) => key.decrypt_inout_detached(&nonce.into(), aad, text, tag.into()),
        };
        opened.is_ok()
    }
}
