//! Authentication of packets: null, simple password, keyed MD5 (RFC 2328 appendix D) and HMAC-SHA (RFC 5709).

mod digest;
mod key;

#[cfg(test)]
mod tests;

use std::time::Instant;

use bytes::Bytes;

use crate::stats::DropReason;
use crate::wire::{AuthField, PacketBody, TooLong, encode_packet, same_bytes};

pub use key::{Algorithm, AuthConfigError, Key, KeyChain, Lifetime, Password};

/// How packets of an interface are authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// Not at all (AuType 0).
    #[default]
    Null,
    /// By a password in the clear (AuType 1).
    Simple(Password),
    /// By digests (AuType 2), with keys that may follow each other in time.
    Cryptographic(KeyChain),
}

impl Authentication {
    /// Octets behind each packet.
    pub(crate) fn trailer_len(&self, now: Instant) -> usize {
        match self {
            Self::Cryptographic(chain) => chain.send_key(now).map_or(0, |key| key.algorithm().digest_len()),
            Self::Null | Self::Simple(_) => 0,
        }
    }

    /// The id of the key in use, for digests.
    pub(crate) fn send_key_id(&self, now: Instant) -> Option<u8> {
        match self {
            Self::Cryptographic(chain) => chain.send_key(now).map(Key::id),
            Self::Null | Self::Simple(_) => None,
        }
    }

    /// AuType and, for digests, the id of the key in use: what a mismatch event shows.
    pub(crate) fn summary(&self, now: Instant) -> (u16, u8) {
        match self {
            Self::Null => (0, 0),
            Self::Simple(_) => (1, 0),
            Self::Cryptographic(chain) => (2, chain.send_key(now).map_or(0, Key::id)),
        }
    }

    /// Encodes a packet and authenticates it. `sequence` is used by digests only.
    pub(crate) fn seal(
        &self,
        now: Instant,
        router_id: std::net::Ipv4Addr,
        area: crate::id::AreaId,
        body: &PacketBody,
        sequence: u32,
    ) -> Result<Vec<u8>, TooLong> {
        match self {
            Self::Null => encode_packet(router_id, area, AuthField::Null([0; 8]), body),
            Self::Simple(password) => {
                encode_packet(router_id, area, AuthField::Simple(*password.octets()), body)
            }
            Self::Cryptographic(chain) => {
                let Some(key) = chain.send_key(now) else {
                    // `KeyChain::validate` refuses an empty chain, and `send_key` falls back to the last key.
                    return encode_packet(router_id, area, AuthField::Null([0; 8]), body);
                };
                let auth = AuthField::Cryptographic {
                    reserved: 0,
                    key_id: key.id(),
                    digest_len: u8::try_from(key.algorithm().digest_len()).unwrap_or(u8::MAX),
                    sequence,
                };
                let mut packet = encode_packet(router_id, area, auth, body)?;
                let digest = digest::compute(key, &packet);
                packet.extend_from_slice(&digest);
                Ok(packet)
            }
        }
    }

    /// Checks a packet that decoded. `bytes` is the whole datagram, `trailer` what follows its OSPF length.
    ///
    /// Returns the sequence number of a packet with a digest. The caller compares it with the neighbour's last.
    pub(crate) fn verify(
        &self,
        now: Instant,
        bytes: &[u8],
        field: AuthField,
        trailer: &Bytes,
    ) -> Result<Option<u32>, DropReason> {
        match (self, field) {
            (Self::Null, AuthField::Null(_)) => Ok(None),
            (Self::Simple(ours), AuthField::Simple(theirs)) => {
                if same_bytes(ours.octets(), &theirs) {
                    Ok(None)
                } else {
                    Err(DropReason::AuthFailed)
                }
            }
            (Self::Cryptographic(chain), AuthField::Cryptographic { key_id, digest_len, sequence, .. }) => {
                let key = chain.accept_key(now, key_id).ok_or(DropReason::AuthKeyId)?;
                if usize::from(digest_len) != key.algorithm().digest_len() {
                    return Err(DropReason::AuthFailed);
                }
                let digest = trailer.get(..usize::from(digest_len)).ok_or(DropReason::AuthFailed)?;
                let covered = bytes.get(..bytes.len() - trailer.len()).ok_or(DropReason::AuthFailed)?;
                if same_bytes(&digest::compute(key, covered), digest) {
                    Ok(Some(sequence))
                } else {
                    Err(DropReason::AuthFailed)
                }
            }
            _ => Err(DropReason::AuthType),
        }
    }
}
