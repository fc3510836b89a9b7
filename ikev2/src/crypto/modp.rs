//! Groups 14, 15 and 16 (RFC 3526): exponentiation in constant time.

use core::fmt;

use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U256, Uint};
use zeroize::Zeroize as _;

use super::{Group, KeyExchangeError};
use crate::secret::SecretBytes;

/// Number of 64-bit limbs.
const fn limbs(bits: usize) -> usize {
    bits / crypto_bigint::Limb::BITS as usize
}

macro_rules! modp {
    ($module:ident, $bits:literal, $hex:expr) => {
        mod $module {
            use super::*;

            const LIMBS: usize = limbs($bits);
            const BYTES: usize = $bits / 8;
            const MODULUS: Uint<LIMBS> = Uint::from_be_hex($hex);

            /// Computed at compile time: no table to build, nothing to lock.
            static PARAMETERS: FixedMontyParams<LIMBS> =
                FixedMontyParams::new_vartime(Odd::<Uint<LIMBS>>::from_be_hex($hex));

            pub(super) fn public(exponent: &U256) -> Vec<u8> {
                let base = FixedMontyForm::new(&Uint::from_u8(2), &PARAMETERS);
                bytes(&base.pow(exponent).retrieve())
            }

            pub(super) fn agree(exponent: &U256, peer: &[u8]) -> Result<SecretBytes, KeyExchangeError> {
                if peer.len() != BYTES {
                    return Err(KeyExchangeError::Length);
                }
                let value = Uint::<LIMBS>::from_be_slice(peer);
                // RFC 6989 section 2.1: 1 < y < p - 1. The value is public, so this may branch.
                let largest = MODULUS.wrapping_sub(&Uint::ONE);
                if value <= Uint::ONE || value >= largest {
                    return Err(KeyExchangeError::PublicValue);
                }
                let mut shared = FixedMontyForm::new(&value, &PARAMETERS).pow(exponent).retrieve();
                let secret = SecretBytes::new(bytes(&shared));
                shared.zeroize();
                Ok(secret)
            }

            fn bytes(value: &Uint<LIMBS>) -> Vec<u8> {
                value.to_be_bytes().as_ref().to_vec()
            }
        }
    };
}

modp!(
    modp2048,
    2048,
    concat!(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD",
        "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F",
        "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510",
        "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    )
);
modp!(
    modp3072,
    3072,
    concat!(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD",
        "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F",
        "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510",
        "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7",
        "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C",
        "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    )
);
modp!(
    modp4096,
    4096,
    concat!(
        "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD",
        "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED",
        "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F",
        "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B",
        "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510",
        "15728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7",
        "ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C",
        "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A92108011A723C12A787E6D7",
        "88719A10BDBA5B2699C327186AF4E23C1A946834B6150BDA2583E9CA2AD44CE8DBBBC2DB04DE8EF92E8EFC141FBECAA6",
        "287C59474E6BC05D99B2964FA090C3A2233BA186515BE7ED1F612970CEE2D7AFB81BDD762170481CD0069127D5B05AA9",
        "93B4EA988D8FDDC186FFB7DC90A6C08F4DF435C934063199FFFFFFFFFFFFFFFF",
    )
);

/// A secret exponent of 256 bits. SP 800-56A asks for at least 224 bits in group 14; a full-size exponent costs eight
/// times as much and is no harder to guess.
pub(super) struct Exponent(U256);

impl Exponent {
    /// The top bit is set, so that the exponent has its full length; zero is impossible.
    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        let mut bytes = *bytes;
        bytes[0] |= 0x80;
        let exponent = Self(U256::from_be_slice(&bytes));
        bytes.zeroize();
        exponent
    }

    pub(super) fn public(&self, group: Group) -> Option<Vec<u8>> {
        match group {
            Group::Modp2048 => Some(modp2048::public(&self.0)),
            Group::Modp3072 => Some(modp3072::public(&self.0)),
            Group::Modp4096 => Some(modp4096::public(&self.0)),
            _ => None,
        }
    }

    pub(super) fn agree(&self, group: Group, peer: &[u8]) -> Result<SecretBytes, KeyExchangeError> {
        match group {
            Group::Modp2048 => modp2048::agree(&self.0, peer),
            Group::Modp3072 => modp3072::agree(&self.0, peer),
            Group::Modp4096 => modp4096::agree(&self.0, peer),
            _ => Err(KeyExchangeError::Length),
        }
    }
}

impl Drop for Exponent {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Exponent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exponent(..)")
    }
}
