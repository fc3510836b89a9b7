use p256::elliptic_curve::sec1::ToSec1Point as _;
use zeroize::Zeroizing;

use super::{coordinates, uncompressed};
use crate::crypto::{Group, KeyExchangeError};
use crate::secret::SecretBytes;

pub(in crate::crypto) enum Secret {
    Ecp256(p256::SecretKey),
    Ecp384(p384::SecretKey),
    Ecp521(p521::SecretKey),
    Curve25519(x25519_dalek::StaticSecret),
}

impl Secret {
    /// `None` if the number is zero or not below the group's order.
    pub(super) fn new(group: Group, scalar: &[u8]) -> Option<Self> {
        Some(match group {
            Group::Ecp256 => Self::Ecp256(p256::SecretKey::from_slice(scalar).ok()?),
            Group::Ecp384 => Self::Ecp384(p384::SecretKey::from_slice(scalar).ok()?),
            Group::Ecp521 => Self::Ecp521(p521::SecretKey::from_slice(scalar).ok()?),
            Group::Curve25519 => {
                let scalar = Zeroizing::new(<[u8; 32]>::try_from(scalar).ok()?);
                Self::Curve25519((*scalar).into())
            }
            Group::Modp2048 | Group::Modp3072 | Group::Modp4096 => return None,
        })
    }

    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::Ecp256(secret) => coordinates(secret.public_key().to_sec1_point(false).as_bytes()),
            Self::Ecp384(secret) => coordinates(secret.public_key().to_sec1_point(false).as_bytes()),
            Self::Ecp521(secret) => coordinates(secret.public_key().to_sec1_point(false).as_bytes()),
            Self::Curve25519(secret) => x25519_dalek::PublicKey::from(secret).as_bytes().to_vec(),
        }
    }

    pub(super) fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyExchangeError> {
        match self {
            // from_sec1_bytes checks range and curve equation; this form cannot name the point at infinity.
            Self::Ecp256(secret) => {
                let point = p256::PublicKey::from_sec1_bytes(&uncompressed(peer))
                    .map_err(|_| KeyExchangeError::PublicValue)?;
                Ok(secret.diffie_hellman(&point).raw_secret_bytes().as_slice().into())
            }
            Self::Ecp384(secret) => {
                let point = p384::PublicKey::from_sec1_bytes(&uncompressed(peer))
                    .map_err(|_| KeyExchangeError::PublicValue)?;
                Ok(secret.diffie_hellman(&point).raw_secret_bytes().as_slice().into())
            }
            Self::Ecp521(secret) => {
                let point = p521::PublicKey::from_sec1_bytes(&uncompressed(peer))
                    .map_err(|_| KeyExchangeError::PublicValue)?;
                Ok(secret.diffie_hellman(&point).raw_secret_bytes().as_slice().into())
            }
            Self::Curve25519(secret) => {
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
