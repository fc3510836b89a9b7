use core::fmt;

use crate::wire::{EncryptionId, GroupId, IntegrityId, PrfId, Transform, TransformType};

/// Encryption algorithms, with their key length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Encryption {
    /// AES-CBC with a 128-bit key (RFC 3602).
    AesCbc128,
    /// AES-CBC with a 192-bit key.
    AesCbc192,
    /// AES-CBC with a 256-bit key.
    AesCbc256,
    /// AES-GCM with a 128-bit key and a 16-byte ICV (RFC 4106, RFC 5282).
    AesGcm128,
    /// AES-GCM with a 256-bit key and a 16-byte ICV.
    AesGcm256,
    /// ChaCha20-Poly1305 (RFC 7634).
    ChaCha20Poly1305,
}

impl Encryption {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AesCbc128,
        Self::AesCbc192,
        Self::AesCbc256,
        Self::AesGcm128,
        Self::AesGcm256,
        Self::ChaCha20Poly1305,
    ];

    /// The transform that names it.
    #[must_use]
    pub fn transform(self) -> Transform {
        let id = self.id().0;
        match self {
            // RFC 7634 section 4: no key length attribute.
            Self::ChaCha20Poly1305 => Transform::new(TransformType::ENCRYPTION, id),
            _ => Transform::with_key_length(TransformType::ENCRYPTION, id, self.key_bits()),
        }
    }

    /// The transform id.
    #[must_use]
    pub const fn id(self) -> EncryptionId {
        match self {
            Self::AesCbc128 | Self::AesCbc192 | Self::AesCbc256 => EncryptionId::AES_CBC,
            Self::AesGcm128 | Self::AesGcm256 => EncryptionId::AES_GCM_16,
            Self::ChaCha20Poly1305 => EncryptionId::CHACHA20_POLY1305,
        }
    }

    /// Key length in bits, without salt.
    #[must_use]
    pub const fn key_bits(self) -> u16 {
        match self {
            Self::AesCbc128 | Self::AesGcm128 => 128,
            Self::AesCbc192 => 192,
            Self::AesCbc256 | Self::AesGcm256 | Self::ChaCha20Poly1305 => 256,
        }
    }

    /// Bytes of key material: the key and, for AEAD, the four bytes of salt behind it.
    #[must_use]
    pub const fn key_len(self) -> usize {
        (self.key_bits() / 8) as usize + if self.is_aead() { 4 } else { 0 }
    }

    /// Whether it authenticates as well.
    #[must_use]
    pub const fn is_aead(self) -> bool {
        matches!(self, Self::AesGcm128 | Self::AesGcm256 | Self::ChaCha20Poly1305)
    }

    /// Bytes of the initialisation vector on the wire.
    #[must_use]
    pub const fn iv_len(self) -> usize {
        if self.is_aead() { 8 } else { 16 }
    }

    /// Block that the plaintext is padded to, in IKE.
    #[must_use]
    pub const fn block_len(self) -> usize {
        if self.is_aead() { 1 } else { 16 }
    }
}

impl fmt::Display for Encryption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AesCbc128 => "AES-CBC-128",
            Self::AesCbc192 => "AES-CBC-192",
            Self::AesCbc256 => "AES-CBC-256",
            Self::AesGcm128 => "AES-GCM-128",
            Self::AesGcm256 => "AES-GCM-256",
            Self::ChaCha20Poly1305 => "CHACHA20-POLY1305",
        })
    }
}

/// Integrity algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(non_camel_case_types, reason = "the registries write key and ICV length with separators")]
pub enum Integrity {
    /// None: the cipher is an AEAD.
    None,
    /// HMAC-SHA1 cut to 96 bits; for old peers.
    HmacSha1_96,
    /// HMAC-SHA2-256 cut to 128 bits.
    HmacSha256_128,
    /// HMAC-SHA2-384 cut to 192 bits.
    HmacSha384_192,
    /// HMAC-SHA2-512 cut to 256 bits.
    HmacSha512_256,
}

impl Integrity {
    /// All that protect anything.
    pub const ALL: [Self; 4] =
        [Self::HmacSha1_96, Self::HmacSha256_128, Self::HmacSha384_192, Self::HmacSha512_256];

    /// The transform id.
    #[must_use]
    pub const fn id(self) -> IntegrityId {
        match self {
            Self::None => IntegrityId::NONE,
            Self::HmacSha1_96 => IntegrityId::HMAC_SHA1_96,
            Self::HmacSha256_128 => IntegrityId::HMAC_SHA2_256_128,
            Self::HmacSha384_192 => IntegrityId::HMAC_SHA2_384_192,
            Self::HmacSha512_256 => IntegrityId::HMAC_SHA2_512_256,
        }
    }

    /// The transform that names it.
    #[must_use]
    pub const fn transform(self) -> Transform {
        Transform::new(TransformType::INTEGRITY, self.id().0)
    }

    /// Key length in bytes.
    #[must_use]
    pub const fn key_len(self) -> usize {
        match self {
            Self::None => 0,
            Self::HmacSha1_96 => 20,
            Self::HmacSha256_128 => 32,
            Self::HmacSha384_192 => 48,
            Self::HmacSha512_256 => 64,
        }
    }

    /// Length of the check value in bytes.
    #[must_use]
    pub const fn icv_len(self) -> usize {
        match self {
            Self::None => 0,
            Self::HmacSha1_96 => 12,
            Self::HmacSha256_128 => 16,
            Self::HmacSha384_192 => 24,
            Self::HmacSha512_256 => 32,
        }
    }

    /// The pseudo-random function with the same hash.
    #[must_use]
    pub const fn prf(self) -> Option<Prf> {
        match self {
            Self::None => None,
            Self::HmacSha1_96 => Some(Prf::HmacSha1),
            Self::HmacSha256_128 => Some(Prf::HmacSha256),
            Self::HmacSha384_192 => Some(Prf::HmacSha384),
            Self::HmacSha512_256 => Some(Prf::HmacSha512),
        }
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::HmacSha1_96 => "SHA96",
            Self::HmacSha256_128 => "SHA256",
            Self::HmacSha384_192 => "SHA384",
            Self::HmacSha512_256 => "SHA512",
        })
    }
}

/// Pseudo-random functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Prf {
    /// HMAC-SHA1; for old peers.
    HmacSha1,
    /// HMAC-SHA2-256.
    HmacSha256,
    /// HMAC-SHA2-384.
    HmacSha384,
    /// HMAC-SHA2-512.
    HmacSha512,
}

impl Prf {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::HmacSha1, Self::HmacSha256, Self::HmacSha384, Self::HmacSha512];

    /// The transform id.
    #[must_use]
    pub const fn id(self) -> PrfId {
        match self {
            Self::HmacSha1 => PrfId::HMAC_SHA1,
            Self::HmacSha256 => PrfId::HMAC_SHA2_256,
            Self::HmacSha384 => PrfId::HMAC_SHA2_384,
            Self::HmacSha512 => PrfId::HMAC_SHA2_512,
        }
    }

    /// The transform that names it.
    #[must_use]
    pub const fn transform(self) -> Transform {
        Transform::new(TransformType::PRF, self.id().0)
    }

    /// Length of output and preferred key in bytes.
    #[must_use]
    pub const fn output_len(self) -> usize {
        match self {
            Self::HmacSha1 => 20,
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
            Self::HmacSha512 => 64,
        }
    }
}

impl fmt::Display for Prf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HmacSha1 => "SHA1",
            Self::HmacSha256 => "SHA256",
            Self::HmacSha384 => "SHA384",
            Self::HmacSha512 => "SHA512",
        })
    }
}

/// Key-agreement groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Group 14 (RFC 3526).
    Modp2048,
    /// Group 15 (RFC 3526).
    Modp3072,
    /// Group 16 (RFC 3526).
    Modp4096,
    /// Group 19 (RFC 5903).
    Ecp256,
    /// Group 20 (RFC 5903).
    Ecp384,
    /// Group 21 (RFC 5903).
    Ecp521,
    /// Group 31 (RFC 8031).
    Curve25519,
}

impl Group {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Modp2048,
        Self::Modp3072,
        Self::Modp4096,
        Self::Ecp256,
        Self::Ecp384,
        Self::Ecp521,
        Self::Curve25519,
    ];

    /// The transform id: the group number.
    #[must_use]
    pub const fn id(self) -> GroupId {
        match self {
            Self::Modp2048 => GroupId::MODP_2048,
            Self::Modp3072 => GroupId::MODP_3072,
            Self::Modp4096 => GroupId::MODP_4096,
            Self::Ecp256 => GroupId::ECP_256,
            Self::Ecp384 => GroupId::ECP_384,
            Self::Ecp521 => GroupId::ECP_521,
            Self::Curve25519 => GroupId::CURVE25519,
        }
    }

    /// The group with this number.
    #[must_use]
    pub fn from_id(id: GroupId) -> Option<Self> {
        Self::ALL.into_iter().find(|group| group.id() == id)
    }

    /// The transform that names it.
    #[must_use]
    pub const fn transform(self) -> Transform {
        Transform::new(TransformType::KEY_EXCHANGE, self.id().0)
    }

    /// Length of a public value in bytes.
    #[must_use]
    pub const fn public_len(self) -> usize {
        match self {
            Self::Modp2048 => 256,
            Self::Modp3072 => 384,
            Self::Modp4096 => 512,
            Self::Ecp256 => 64,
            Self::Ecp384 => 96,
            Self::Ecp521 => 132,
            Self::Curve25519 => 32,
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id().0)
    }
}
