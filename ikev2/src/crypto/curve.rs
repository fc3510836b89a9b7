//! Key agreement over elliptic curves (RFC 5903, RFC 8031), by one library or the other.

#[cfg(feature = "aws-lc")]
mod aws_lc;
mod rust_crypto;
#[cfg(test)]
mod tests;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::{Backend, Group, KeyExchangeError};
use crate::secret::SecretBytes;

/// The longest secret number: that of group 21.
const MAX_SCALAR: usize = 66;

/// A secret number of a curve's group.
pub(super) enum CurveSecret {
    RustCrypto(rust_crypto::Secret),
    #[cfg(feature = "aws-lc")]
    AwsLc(aws_lc::Secret),
}

impl CurveSecret {
    /// Draws a secret, the same one with every backend. `None` for a group that is no curve's.
    pub(super) fn generate(backend: Backend, group: Group, rng: &mut dyn CryptoRng) -> Option<Self> {
        let len = scalar_len(group)?;
        let mut scalar = Zeroizing::new([0; MAX_SCALAR]);
        let scalar = scalar.get_mut(..len)?;
        loop {
            rng.fill_bytes(scalar);
            if let (Group::Ecp521, Some(first)) = (group, scalar.first_mut()) {
                // 521 bits in 66 bytes.
                *first &= 1;
            }
            // Zero and what is not below the group's order is refused, and drawn again: that keeps the choice even.
            if let Some(secret) = Self::new(backend, group, scalar) {
                return Some(secret);
            }
        }
    }

    fn new(backend: Backend, group: Group, scalar: &[u8]) -> Option<Self> {
        match backend {
            Backend::RustCrypto => rust_crypto::Secret::new(group, scalar).map(Self::RustCrypto),
            #[cfg(feature = "aws-lc")]
            Backend::AwsLc => aws_lc::Secret::new(group, scalar).map(Self::AwsLc),
        }
    }

    /// The public value as it goes into a KE payload.
    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::RustCrypto(secret) => secret.public(),
            #[cfg(feature = "aws-lc")]
            Self::AwsLc(secret) => secret.public(),
        }
    }

    /// The shared secret: the x coordinate. The peer's value has the group's length.
    pub(super) fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyExchangeError> {
        match self {
            Self::RustCrypto(secret) => secret.agree(peer),
            #[cfg(feature = "aws-lc")]
            Self::AwsLc(secret) => secret.agree(peer),
        }
    }
}

const fn scalar_len(group: Group) -> Option<usize> {
    match group {
        Group::Ecp256 | Group::Curve25519 => Some(32),
        Group::Ecp384 => Some(48),
        Group::Ecp521 => Some(MAX_SCALAR),
        Group::Modp2048 | Group::Modp3072 | Group::Modp4096 => None,
    }
}

/// RFC 5903 section 7: x and y without the leading byte of the usual encoding.
fn coordinates(sec1: &[u8]) -> Vec<u8> {
    sec1.get(1..).unwrap_or_default().to_vec()
}

fn uncompressed(coordinates: &[u8]) -> Vec<u8> {
    let mut point = Vec::with_capacity(coordinates.len() + 1);
    point.push(4);
    point.extend_from_slice(coordinates);
    point
}
