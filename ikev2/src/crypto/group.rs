use core::fmt;

use rand_core::CryptoRng;
use thiserror::Error;
use zeroize::Zeroizing;

use super::curve::CurveSecret;
use super::modp::Exponent;
use super::{Backend, Group};
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
    Curve(CurveSecret),
}

impl KeyPair {
    /// Makes a new pair with the default [`Backend`].
    pub fn generate(group: Group, rng: &mut dyn CryptoRng) -> Self {
        Self::generate_with(Backend::default(), group, rng)
    }

    /// Makes a new pair. The generator is asked in the same way whenever the group is the same, and gives the same pair
    /// whichever backend it is.
    pub fn generate_with(backend: Backend, group: Group, rng: &mut dyn CryptoRng) -> Self {
        let (secret, public) = match CurveSecret::generate(backend, group, rng) {
            Some(secret) => {
                let public = secret.public();
                (KeySecret::Curve(secret), public)
            }
            None => {
                let mut bytes = Zeroizing::new([0; 32]);
                rng.fill_bytes(&mut *bytes);
                let exponent = Exponent::new(&bytes);
                let public = exponent.public(group).unwrap_or_default();
                (KeySecret::Modp(exponent), public)
            }
        };
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
            KeySecret::Curve(secret) => secret.agree(peer),
        }
    }
}

impl fmt::Debug for KeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyPair").field("group", &self.group).finish_non_exhaustive()
    }
}
