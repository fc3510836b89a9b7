//! AES-GCM (RFC 4106) and ChaCha20-Poly1305 (RFC 7634): the seam for other libraries.

use aes::{Aes128Enc, Aes192Enc, Aes256Enc};
use aes_gcm::AesGcm;
use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::aead::{AeadInOut, KeyInit};
use chacha20poly1305::ChaCha20Poly1305;
use cipher::consts::U12;
use zeroize::Zeroizing;

use crate::Cipher;

/// Bytes of ICV: all three algorithms use the whole tag.
pub(crate) const TAG_LEN: usize = 16;

/// A key and its salt.
pub(crate) struct AeadKey {
    algorithm: Algorithm,
    salt: Zeroizing<[u8; 4]>,
}

/// Keys lie in a box of their own: moving the SA leaves no copies of them behind, and dropping it clears the only one.
enum Algorithm {
    Aes128Gcm(Box<AesGcm<Aes128Enc, U12>>),
    Aes192Gcm(Box<AesGcm<Aes192Enc, U12>>),
    Aes256Gcm(Box<AesGcm<Aes256Enc, U12>>),
    ChaCha20Poly1305(Box<ChaCha20Poly1305>),
}

impl AeadKey {
    /// `None` if the cipher is not an AEAD or the key's length is not the cipher's.
    pub(crate) fn new(cipher: Cipher, key: &[u8], salt: [u8; 4]) -> Option<Self> {
        let algorithm = match cipher {
            Cipher::AesGcm128 => Algorithm::Aes128Gcm(Box::new(AesGcm::new_from_slice(key).ok()?)),
            Cipher::AesGcm192 => Algorithm::Aes192Gcm(Box::new(AesGcm::new_from_slice(key).ok()?)),
            Cipher::AesGcm256 => Algorithm::Aes256Gcm(Box::new(AesGcm::new_from_slice(key).ok()?)),
            Cipher::ChaCha20Poly1305 => {
                Algorithm::ChaCha20Poly1305(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?))
            }
            _ => return None,
        };
        Some(Self { algorithm, salt: Zeroizing::new(salt) })
    }

    /// Encrypts `text` and returns the tag. `None` only for a text longer than the algorithm takes, which no IP packet
    /// is.
    pub(crate) fn seal(&self, iv: [u8; 8], aad: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let nonce = self.nonce(iv);
        let text = InOutBuf::from(text);
        let tag = match &self.algorithm {
            Algorithm::Aes128Gcm(key) => key.encrypt_inout_detached(&nonce.into(), aad, text),
            Algorithm::Aes192Gcm(key) => key.encrypt_inout_detached(&nonce.into(), aad, text),
            Algorithm::Aes256Gcm(key) => key.encrypt_inout_detached(&nonce.into(), aad, text),
            Algorithm::ChaCha20Poly1305(key) => key.encrypt_inout_detached(&nonce.into(), aad, text),
        };
        tag.ok().map(Into::into)
    }

    /// Compares the tag in constant time and only then decrypts `text`; it is unchanged if the tag is wrong.
    #[must_use]
    pub(crate) fn open(&self, iv: [u8; 8], aad: &[u8], text: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        let nonce = self.nonce(iv);
        let text = InOutBuf::from(text);
        let opened = match &self.algorithm {
            Algorithm::Aes128Gcm(key) => key.decrypt_inout_detached(&nonce.into(), aad, text, tag.into()),
            Algorithm::Aes192Gcm(key) => key.decrypt_inout_detached(&nonce.into(), aad, text, tag.into()),
            Algorithm::Aes256Gcm(key) => key.decrypt_inout_detached(&nonce.into(), aad, text, tag.into()),
            Algorithm::ChaCha20Poly1305(key) => {
                key.decrypt_inout_detached(&nonce.into(), aad, text, tag.into())
            }
        };
        opened.is_ok()
    }

    /// RFC 4106 section 4, RFC 7634 section 2: the salt, then the IV of the packet.
    fn nonce(&self, iv: [u8; 8]) -> [u8; 12] {
        let mut nonce = [0; 12];
        let (salt, rest) = nonce.split_at_mut(4);
        salt.copy_from_slice(&*self.salt);
        rest.copy_from_slice(&iv);
        nonce
    }
}
