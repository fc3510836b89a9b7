use core::fmt;

use p256::elliptic_curve::Generate as _;
use p256::elliptic_curve::sec1::ToSec1Point as _;
use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroize as _;

use super::Group;
use super::modp::Exponent;
use crate::secret::SecretBytes;

/// Why a public value is refused (RFC 6989).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum KeyExchangeError {
    /// Not the exact length of the group.
    #[error("public value has the wrong length")]
    Length,
    /// Out of range, not on the curve, or of small order.
    #[error("public value is not valid in its group")]
    PublicValue,
}

/// One side's secret of a key agreement, with its public value.
pub struct KeyPair {
    group: Group,
    secret: KeySecret,
    public: Vec<u8>,
}

enum KeySecret {
    Modp(Exponent),
    Ecp256(p256::SecretKey),
    Ecp384(p384::SecretKey),
    Ecp521(p521::SecretKey),
    Curve25519(x25519_dalek::StaticSecret),
}

impl KeyPair {
    /// Makes a new pair. The generator is asked in the same way whenever the group is the same.
    pub fn generate(group: Group, rng: &mut dyn CryptoRng) -> Self {
        let secret = match group {
            Group::Modp2048 | Group::Modp3072 | Group::Modp4096 => {
                let mut bytes = [0; 32];
                rng.fill_bytes(&mut bytes);
                let exponent = Exponent::new(&bytes);
                bytes.zeroize();
                KeySecret::Modp(exponent)
            }
            Group::Ecp256 => KeySecret::Ecp256(p256::SecretKey::generate_from_rng(rng)),
            Group::Ecp384 => KeySecret::Ecp384(p384::SecretKey::generate_from_rng(rng)),
            Group::Ecp521 => KeySecret::Ecp521(p521::SecretKey::generate_from_rng(rng)),
            Group::Curve25519 => KeySecret::Curve25519(x25519_dalek::StaticSecret::random_from_rng(rng)),
        };
        let public = secret.public(group);
        Self { group, secret, public }
    }

    /// The group.
    #[must_use]
    pub const fn group(&self) -> Group {
        self.group
    }

    /// The public value as it goes into a KE payload.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The shared secret, in the form that the key schedule wants it: as long as the modulus, or the x coordinate.
    ///
    /// # Errors
    /// When the peer's value has the wrong length or must not be used (RFC 6989, RFC 8031 section 5).
    pub fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyExchangeError> {
        if peer.len() != self.group.public_len() {
            return Err(KeyExchangeError::Length);
        }
        match &self.secret {
            KeySecret::Modp(exponent) => exponent.agree(self.group, peer),
            // from_sec1_bytes checks range and curve equation; this form cannot name the point at infinity.
            KeySecret::Ecp256(secret) => {
                let point = p256::PublicKey::from_sec1_bytes(&uncompressed(peer))
                    .map_err(|_| KeyExchangeError::PublicValue)?;
                Ok(secret.diffie_hellman(&point).raw_secret_bytes().as_slice().into())
            }
            KeySecret::Ecp384(secret) => {
                let point = p384::PublicKey::from_sec1_bytes(&uncompressed(peer))
                    .map_err(|_| KeyExchangeError::PublicValue)?;
                Ok(secret.diffie_hellman(&point).raw_secret_bytes().as_slice().into())
            }
            KeySecret::Ecp521(secret) => {
                let point = p521::PublicKey::from_sec1_bytes(&uncompressed(peer))
                    .map_err(|_| KeyExchangeError::PublicValue)?;
                Ok(secret.diffie_hellman(&point).raw_secret_bytes().as_slice().into())
            }
            KeySecret::Curve25519(secret) => {
                let peer: [u8; 32] = peer.try_into().map_err(|_| KeyExchangeError::Length)?;
                let shared = secret.diffie_hellman(&peer.into());
                if !shared.was_contributory() {
                    return Err(KeyExchangeError::PublicValue);
                }
                Ok(shared.as_bytes().as_slice().into())
            }
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("group", &self.group).finish_non_exhaustive()
    }
}

impl KeySecret {
    fn public(&self, group: Group) -> Vec<u8> {
        match self {
            Self::Modp(exponent) => exponent.public(group).unwrap_or_default(),
            Self::Ecp256(secret) => coordinates(secret.public_key().to_sec1_point(false).as_bytes()),
            Self::Ecp384(secret) => coordinates(secret.public_key().to_sec1_point(false).as_bytes()),
            Self::Ecp521(secret) => coordinates(secret.public_key().to_sec1_point(false).as_bytes()),
            Self::Curve25519(secret) => x25519_dalek::PublicKey::from(secret).as_bytes().to_vec(),
        }
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
