//! AES-GCM (RFC 4106) and ChaCha20-Poly1305 (RFC 7634), by one library or the other.

#[cfg(feature = "aws-lc")]
mod aws_lc;
mod rust_crypto;
#[cfg(test)]
mod tests;

use zeroize::Zeroizing;

use crate::{Backend, Cipher};

/// Bytes of ICV: all algorithms use the whole tag.
pub(crate) const TAG_LEN: usize = 16;

/// A key and its salt.
pub(crate) struct AeadKey {
    key: Key,
    salt: Zeroizing<[u8; 4]>,
}

enum Key {
    RustCrypto(rust_crypto::Key),
    #[cfg(feature = "aws-lc")]
    AwsLc(aws_lc::Key),
}

impl AeadKey {
    /// `None` if the cipher is not an AEAD or the key's length is not the cipher's.
    pub(crate) fn new(backend: Backend, cipher: Cipher, key: &[u8], salt: [u8; 4]) -> Option<Self> {
        let key = match backend {
            Backend::RustCrypto => Key::RustCrypto(rust_crypto::Key::new(cipher, key)?),
            #[cfg(feature = "aws-lc")]
            Backend::AwsLc => Key::AwsLc(aws_lc::Key::new(cipher, key)?),
        };
        Some(Self { key, salt: Zeroizing::new(salt) })
    }

    /// Encrypts `text` and returns the tag. `None` only for a text longer than the algorithm takes, which no IP packet
    /// is.
    #[inline]
    pub(crate) fn seal(&self, iv: [u8; 8], aad: &[u8], text: &mut [u8]) -> Option<[u8; TAG_LEN]> {
        let nonce = self.nonce(iv);
        match &self.key {
            Key::RustCrypto(key) => key.seal(nonce, aad, text),
            #[cfg(feature = "aws-lc")]
            Key::AwsLc(key) => key.seal(nonce, aad, text),
        }
    }

    /// Decrypts `text` if the tag is right, which is compared in constant time. If it is wrong, nothing of the plaintext
    /// is left: RustCrypto leaves `text` as it was, AWS-LC overwrites it with zeros.
    #[must_use]
    #[inline]
    pub(crate) fn open(&self, iv: [u8; 8], aad: &[u8], text: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        let nonce = self.nonce(iv);
        match &self.key {
            Key::RustCrypto(key) => key.open(nonce, aad, text, tag),
            #[cfg(feature = "aws-lc")]
            Key::AwsLc(key) => key.open(nonce, aad, text, tag),
        }
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
