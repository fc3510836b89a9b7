use hmac::{Hmac, KeyInit as _, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::{Integrity, Prf};
use crate::secret::SecretBytes;

impl Prf {
    /// `prf(key, parts)`.
    #[must_use]
    pub fn mac(self, key: &[u8], parts: &[&[u8]]) -> SecretBytes {
        SecretBytes::new(match self {
            Self::HmacSha1 => {
                run(<Hmac<Sha1>>::new_from_slice(key).expect("HMAC takes keys of any length"), parts)
            }
            Self::HmacSha256 => {
                run(<Hmac<Sha256>>::new_from_slice(key).expect("HMAC takes keys of any length"), parts)
            }
            Self::HmacSha384 => {
                run(<Hmac<Sha384>>::new_from_slice(key).expect("HMAC takes keys of any length"), parts)
            }
            Self::HmacSha512 => {
                run(<Hmac<Sha512>>::new_from_slice(key).expect("HMAC takes keys of any length"), parts)
            }
        })
    }

    /// `prf+(key, seed)`, the first `length` bytes (RFC 7296 section 2.13). At most 255 blocks are defined; no suite
    /// comes near.
    #[must_use]
    pub fn expand(self, key: &[u8], seed: &[&[u8]], length: usize) -> SecretBytes {
        let mut out = Vec::with_capacity(length);
        let mut last = SecretBytes::default();
        for counter in 1..=u8::MAX {
            let counter = [counter];
            let mut parts = Vec::with_capacity(seed.len() + 2);
            parts.push(last.expose());
            parts.extend_from_slice(seed);
            parts.push(&counter);
            last = self.mac(key, &parts);
            let take = (length - out.len()).min(last.len());
            out.extend(last.expose().iter().take(take));
            if out.len() == length {
                break;
            }
        }
        SecretBytes::new(out)
    }
}

impl Integrity {
    /// The check value over `parts`, cut to its length; empty for [`Integrity::None`].
    #[must_use]
    pub fn icv(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let Some(prf) = self.prf() else { return Vec::new() };
        prf.mac(key, parts).expose().iter().copied().take(self.icv_len()).collect()
    }
}

fn run<M: Mac>(mut mac: M, parts: &[&[u8]]) -> Vec<u8> {
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
