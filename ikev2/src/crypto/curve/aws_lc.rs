use aws_lc_rs::agreement::{self, Algorithm, PrivateKey, UnparsedPublicKey};

use super::{coordinates, uncompressed};
use crate::crypto::{Group, KeyExchangeError};
use crate::secret::SecretBytes;

/// A key in the library's own memory, which it clears when the key is dropped.
pub(in crate::crypto) struct Secret(PrivateKey);

impl Secret {
    /// `None` if the number is zero or not below the group's order.
    pub(super) fn new(group: Group, scalar: &[u8]) -> Option<Self> {
        let algorithm: &'static Algorithm = match group {
            Group::Ecp256 => &agreement::ECDH_P256,
            Group::Ecp384 => &agreement::ECDH_P384,
            Group::Ecp521 => &agreement::ECDH_P521,
            Group::Curve25519 => &agreement::X25519,
            Group::Modp2048 | Group::Modp3072 | Group::Modp4096 => return None,
        };
        PrivateKey::from_private_key(algorithm, scalar).ok().map(Self)
    }

    pub(super) fn public(&self) -> Vec<u8> {
        // A key that was accepted has a public value; without one, the peer would refuse the empty payload.
        let public = self.0.compute_public_key().ok();
        let bytes = public.as_ref().map(AsRef::as_ref).unwrap_or_default();
        if self.is_montgomery() { bytes.to_vec() } else { coordinates(bytes) }
    }

    pub(super) fn agree(&self, peer: &[u8]) -> Result<SecretBytes, KeyExchangeError> {
        let peer = if self.is_montgomery() { peer.to_vec() } else { uncompressed(peer) };
        // The library refuses coordinates out of range, points off the curve, and a shared secret of zero.
        let peer = UnparsedPublicKey::new(self.0.algorithm(), peer);
        let refused = KeyExchangeError::PublicValue;
        agreement::agree(&self.0, peer, refused, |shared| Ok(SecretBytes::from(shared)))
    }

    fn is_montgomery(&self) -> bool {
        *self.0.algorithm() == agreement::X25519
    }
}
