//! Which algorithms an SA uses, and the sizes that follow from them.

use core::fmt;

use thiserror::Error;

#[cfg(test)]
mod tests;

/// The cipher of an SA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Cipher {
    /// AES-CBC with a 128-bit key (RFC 3602). Needs an [`Integrity`] of its own.
    AesCbc128,
    /// AES-CBC with a 192-bit key (RFC 3602).
    AesCbc192,
    /// AES-CBC with a 256-bit key (RFC 3602).
    AesCbc256,
    /// AES-GCM with a 128-bit key and a 16-byte ICV (RFC 4106).
    AesGcm128,
    /// AES-GCM with a 192-bit key and a 16-byte ICV (RFC 4106).
    AesGcm192,
    /// AES-GCM with a 256-bit key and a 16-byte ICV (RFC 4106).
    AesGcm256,
    /// ChaCha20-Poly1305 (RFC 7634).
    ChaCha20Poly1305,
    /// No encryption, so that a fuzzer reaches what lies behind it. Does not exist in any other build.
    #[cfg(fuzzing)]
    Null,
}

impl Cipher {
    /// Whether the cipher authenticates by itself and takes [`Integrity::None`].
    #[must_use]
    pub const fn is_aead(self) -> bool {
        matches!(self, Self::AesGcm128 | Self::AesGcm192 | Self::AesGcm256 | Self::ChaCha20Poly1305)
    }

    /// Bytes of the cipher's own key, without the salt of an AEAD.
    pub(crate) const fn key_len(self) -> usize {
        match self {
            Self::AesCbc128 | Self::AesGcm128 => 16,
            Self::AesCbc192 | Self::AesGcm192 => 24,
            Self::AesCbc256 | Self::AesGcm256 | Self::ChaCha20Poly1305 => 32,
            #[cfg(fuzzing)]
            Self::Null => 0,
        }
    }
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AesCbc128 => "AES-CBC-128",
            Self::AesCbc192 => "AES-CBC-192",
            Self::AesCbc256 => "AES-CBC-256",
            Self::AesGcm128 => "AES-GCM-128",
            Self::AesGcm192 => "AES-GCM-192",
            Self::AesGcm256 => "AES-GCM-256",
            Self::ChaCha20Poly1305 => "ChaCha20-Poly1305",
            #[cfg(fuzzing)]
            Self::Null => "NULL",
        })
    }
}

/// The integrity algorithm of an SA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Integrity {
    /// None besides the cipher's own; for AEAD ciphers.
    None,
    /// HMAC-SHA1, cut to 96 bits (RFC 2404). For peers that know nothing better.
    HmacSha1_96,
    /// HMAC-SHA-256, cut to 128 bits (RFC 4868).
    HmacSha256_128,
    /// HMAC-SHA-384, cut to 192 bits (RFC 4868).
    HmacSha384_192,
    /// HMAC-SHA-512, cut to 256 bits (RFC 4868).
    HmacSha512_256,
}

impl Integrity {
    const fn key_len(self) -> usize {
        match self {
            Self::None => 0,
            Self::HmacSha1_96 => 20,
            Self::HmacSha256_128 => 32,
            Self::HmacSha384_192 => 48,
            Self::HmacSha512_256 => 64,
        }
    }

    const fn icv_len(self) -> usize {
        match self {
            Self::None => 0,
            Self::HmacSha1_96 => 12,
            Self::HmacSha256_128 => 16,
            Self::HmacSha384_192 => 24,
            Self::HmacSha512_256 => 32,
        }
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::HmacSha1_96 => "HMAC-SHA1-96",
            Self::HmacSha256_128 => "HMAC-SHA2-256-128",
            Self::HmacSha384_192 => "HMAC-SHA2-384-192",
            Self::HmacSha512_256 => "HMAC-SHA2-512-256",
        })
    }
}

/// A combination of algorithms that cannot be an SA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SuiteError {
    /// An AEAD cipher has its own integrity; another one cannot be added (RFC 4106 section 8, RFC 7634 section 2).
    #[error("{0} authenticates by itself and takes no integrity algorithm")]
    IntegrityWithAead(Cipher),
    /// A cipher that does not authenticate may not go without an integrity algorithm: whoever is on the path could
    /// change packets and read them bit by bit from the reactions.
    #[error("{0} needs an integrity algorithm")]
    IntegrityMissing(Cipher),
}

/// What an SA was negotiated to use: a cipher, an integrity algorithm, and the width of its sequence numbers.
///
/// ```
/// use esp::{Cipher, Integrity, Suite};
///
/// let suite = Suite::new(Cipher::AesCbc256, Integrity::HmacSha256_128, false)?;
/// assert_eq!((suite.encryption_key_len(), suite.integrity_key_len()), (32, 32));
/// let suite = Suite::new(Cipher::AesGcm256, Integrity::None, true)?;
/// assert_eq!((suite.encryption_key_len(), suite.integrity_key_len()), (36, 0));
/// assert!(Suite::new(Cipher::AesCbc256, Integrity::None, false).is_err());
/// # Ok::<(), esp::SuiteError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Suite {
    cipher: Cipher,
    integrity: Integrity,
    esn: bool,
}

impl Suite {
    /// A suite; `esn` says whether sequence numbers have 64 bits (extended, RFC 4303 section 2.2.1) or 32.
    ///
    /// # Errors
    ///
    /// A cipher that authenticates goes with [`Integrity::None`], and only such a one does.
    pub const fn new(cipher: Cipher, integrity: Integrity, esn: bool) -> Result<Self, SuiteError> {
        let none = matches!(integrity, Integrity::None);
        if cipher.is_aead() && !none {
            return Err(SuiteError::IntegrityWithAead(cipher));
        }
        #[cfg(fuzzing)]
        if matches!(cipher, Cipher::Null) {
            return Ok(Self { cipher, integrity, esn });
        }
        if !cipher.is_aead() && none {
            return Err(SuiteError::IntegrityMissing(cipher));
        }
        Ok(Self { cipher, integrity, esn })
    }

    /// The cipher.
    #[must_use]
    pub const fn cipher(self) -> Cipher {
        self.cipher
    }

    /// The integrity algorithm.
    #[must_use]
    pub const fn integrity(self) -> Integrity {
        self.integrity
    }

    /// Whether sequence numbers have 64 bits.
    #[must_use]
    pub const fn esn(self) -> bool {
        self.esn
    }

    /// Bytes of keying material for the cipher: the key and, for an AEAD, the 4-byte salt behind it (RFC 4106
    /// section 8.1, RFC 7634 section 2).
    #[must_use]
    pub const fn encryption_key_len(self) -> usize {
        self.cipher.key_len() + if self.cipher.is_aead() { SALT_LEN } else { 0 }
    }

    /// Bytes of keying material for the integrity algorithm; 0 for an AEAD.
    #[must_use]
    pub const fn integrity_key_len(self) -> usize {
        self.integrity.key_len()
    }

    /// Bytes of the integrity check value at the end of a packet.
    #[must_use]
    pub const fn icv_len(self) -> usize {
        if self.cipher.is_aead() { 16 } else { self.integrity.icv_len() }
    }

    /// Bytes of the initialisation vector in front of the ciphertext.
    #[must_use]
    pub const fn iv_len(self) -> usize {
        match self.cipher {
            Cipher::AesCbc128 | Cipher::AesCbc192 | Cipher::AesCbc256 => 16,
            Cipher::AesGcm128 | Cipher::AesGcm192 | Cipher::AesGcm256 | Cipher::ChaCha20Poly1305 => 8,
            #[cfg(fuzzing)]
            Cipher::Null => 0,
        }
    }

    /// The ciphertext's length is a multiple of this many bytes: the cipher's block, or the 4 bytes to which RFC 4303
    /// section 2.4 aligns every packet.
    #[must_use]
    pub const fn block_len(self) -> usize {
        match self.cipher {
            Cipher::AesCbc128 | Cipher::AesCbc192 | Cipher::AesCbc256 => 16,
            _ => 4,
        }
    }
}

impl fmt::Display for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.cipher)?;
        if self.integrity != Integrity::None {
            write!(f, "/{}", self.integrity)?;
        }
        f.write_str(if self.esn { "/ESN" } else { "" })
    }
}

/// Bytes of salt behind the key of an AEAD.
pub(crate) const SALT_LEN: usize = 4;
