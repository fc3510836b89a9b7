//! HMAC over a packet (RFC 2404, RFC 4868).

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use subtle::{Choice, ConstantTimeEq};

use crate::Integrity;

/// The longest ICV.
const MAX_ICV: usize = 32;

/// A key, with the two blocks that every HMAC starts from already hashed; boxed so that moves leave no copies behind.
pub(crate) enum MacKey {
    None,
    Sha1(Box<Hmac<Sha1>>),
    Sha256(Box<Hmac<Sha256>>),
    Sha384(Box<Hmac<Sha384>>),
    Sha512(Box<Hmac<Sha512>>),
}

impl MacKey {
    pub(crate) fn new(integrity: Integrity, key: &[u8]) -> Self {
        match integrity {
            Integrity::None => Self::None,
            Integrity::HmacSha1_96 => Self::Sha1(hashed(key)),
            Integrity::HmacSha256_128 => Self::Sha256(hashed(key)),
            Integrity::HmacSha384_192 => Self::Sha384(hashed(key)),
            Integrity::HmacSha512_256 => Self::Sha512(hashed(key)),
        }
    }

    /// Writes the ICV of `data`, cut to the length of `icv`.
    ///
    /// `high` is the upper half of an extended sequence number: covered behind the data, never sent (RFC 4303 section
    /// 2.2.1).
    pub(crate) fn sign(&self, data: &[u8], high: Option<u32>, icv: &mut [u8]) {
        match self {
            Self::None => {}
            Self::Sha1(key) => sign(&**key, data, high, icv),
            Self::Sha256(key) => sign(&**key, data, high, icv),
            Self::Sha384(key) => sign(&**key, data, high, icv),
            Self::Sha512(key) => sign(&**key, data, high, icv),
        }
    }

    /// Whether `icv` is the ICV of `data`; in constant time.
    #[must_use]
    pub(crate) fn verify(&self, data: &[u8], high: Option<u32>, icv: &[u8]) -> bool {
        let mut expected = [0; MAX_ICV];
        match expected.get_mut(..icv.len()) {
            None => false,
            Some(expected) => {
                self.sign(data, high, expected);
                bool::from(equal(expected, icv))
            }
        }
    }
}

fn hashed<M: KeyInit>(key: &[u8]) -> Box<M> {
    Box::new(M::new_from_slice(key).expect("HMAC takes keys of any length"))
}

fn sign<M: Mac + Clone>(key: &M, data: &[u8], high: Option<u32>, icv: &mut [u8]) {
    let mut mac = key.clone();
    mac.update(data);
    if let Some(high) = high {
        mac.update(&high.to_be_bytes());
    }
    for (byte, value) in icv.iter_mut().zip(mac.finalize().into_bytes()) {
        *byte = value;
    }
}

/// Compares two ICVs of the same length in constant time. Every ICV is a whole number of 4-byte words, and comparing
/// those takes a quarter of the time that bytes would.
fn equal(one: &[u8], other: &[u8]) -> Choice {
    let (one, one_rest) = one.as_chunks();
    let (other, other_rest) = other.as_chunks();
    let words =
        one.iter().zip(other).map(|(&one, &other)| (u32::from_ne_bytes(one), u32::from_ne_bytes(other)));
    words.fold(one_rest.ct_eq(other_rest), |equal, (one, other)| equal & one.ct_eq(&other))
}
