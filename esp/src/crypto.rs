//! The ciphers behind an SA.
//!
//! Everything that another library replaces is behind [`AeadKey`] (AES-GCM, ChaCha20-Poly1305). AES-CBC has one
//! implementation, since it is the interleaving of packets that makes it fast, and no other library offers that.

mod aead;
mod cbc;
mod iv;
mod mac;
#[cfg(test)]
mod tests;

pub(crate) use aead::AeadKey;
pub(crate) use cbc::{CbcDecrypt, CbcEncrypt, LANES, Lane};
pub(crate) use iv::{Iv, IvGenerator};
pub(crate) use mac::MacKey;

use crate::{Backend, Cipher, KeyError, Suite, suite};

/// What seals.
pub(crate) enum SealCipher {
    Aead(AeadKey),
    Cbc {
        cipher: CbcEncrypt,
        mac: MacKey,
        ivs: IvGenerator,
    },
    #[cfg(fuzzing)]
    Null(MacKey),
}

impl SealCipher {
    pub(crate) fn new(
        backend: Backend,
        suite: Suite,
        encryption_key: &[u8],
        integrity_key: &[u8],
        iv_seed: &[u8; 32],
    ) -> Result<Self, KeyError> {
        check_lengths(suite, encryption_key, integrity_key)?;
        let wrong = wrong_key(suite, encryption_key);
        if let Some(cipher) = CbcEncrypt::new(suite.cipher(), encryption_key) {
            let mac = MacKey::new(suite.integrity(), integrity_key);
            return Ok(Self::Cbc { cipher, mac, ivs: IvGenerator::new(iv_seed) });
        }
        #[cfg(fuzzing)]
        if suite.cipher() == Cipher::Null {
            return Ok(Self::Null(MacKey::new(suite.integrity(), integrity_key)));
        }
        aead(backend, suite.cipher(), encryption_key).map(Self::Aead).ok_or(wrong)
    }
}

/// What opens.
pub(crate) enum OpenCipher {
    Aead(AeadKey),
    Cbc {
        cipher: CbcDecrypt,
        mac: MacKey,
    },
    #[cfg(fuzzing)]
    Null(MacKey),
}

impl OpenCipher {
    pub(crate) fn new(
        backend: Backend,
        suite: Suite,
        encryption_key: &[u8],
        integrity_key: &[u8],
    ) -> Result<Self, KeyError> {
        check_lengths(suite, encryption_key, integrity_key)?;
        let wrong = wrong_key(suite, encryption_key);
        if let Some(cipher) = CbcDecrypt::new(suite.cipher(), encryption_key) {
            return Ok(Self::Cbc { cipher, mac: MacKey::new(suite.integrity(), integrity_key) });
        }
        #[cfg(fuzzing)]
        if suite.cipher() == Cipher::Null {
            return Ok(Self::Null(MacKey::new(suite.integrity(), integrity_key)));
        }
        aead(backend, suite.cipher(), encryption_key).map(Self::Aead).ok_or(wrong)
    }
}

/// An AEAD's keying material is the key with the salt behind it.
fn aead(backend: Backend, cipher: Cipher, material: &[u8]) -> Option<AeadKey> {
    let (key, salt) = material.split_last_chunk::<{ suite::SALT_LEN }>()?;
    AeadKey::new(backend, cipher, key, *salt)
}

fn check_lengths(suite: Suite, encryption_key: &[u8], integrity_key: &[u8]) -> Result<(), KeyError> {
    if encryption_key.len() != suite.encryption_key_len() {
        return Err(wrong_key(suite, encryption_key));
    }
    let (needed, have) = (suite.integrity_key_len(), integrity_key.len());
    if needed != have {
        return Err(KeyError::IntegrityKeyLength { needed, have });
    }
    Ok(())
}

fn wrong_key(suite: Suite, encryption_key: &[u8]) -> KeyError {
    KeyError::EncryptionKeyLength { needed: suite.encryption_key_len(), have: encryption_key.len() }
}
