//! The digests themselves.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};

use super::{Algorithm, Key};

/// RFC 5709 section 3.3: the filler that is hashed behind the packet.
const APAD: [u8; 4] = [0x87, 0x8f, 0xe1, 0xf3];

/// The digest of a packet: what stands behind its OSPF length.
pub(super) fn compute(key: &Key, packet: &[u8]) -> Vec<u8> {
    match key.algorithm() {
        Algorithm::Md5 => keyed_md5(key.secret(), packet),
        Algorithm::HmacSha1 => hmac::<Hmac<Sha1>>(key, packet),
        Algorithm::HmacSha256 => hmac::<Hmac<Sha256>>(key, packet),
        Algorithm::HmacSha384 => hmac::<Hmac<Sha384>>(key, packet),
        Algorithm::HmacSha512 => hmac::<Hmac<Sha512>>(key, packet),
    }
}

/// RFC 2328 appendix D.4.3: MD5 over the packet and the key, which is padded with zeros to 16 octets.
fn keyed_md5(secret: &[u8], packet: &[u8]) -> Vec<u8> {
    const PAD: [u8; 16] = [0; 16];
    let mut md5 = Md5::new();
    md5.update(packet);
    let used = secret.get(..16).unwrap_or(secret);
    md5.update(used);
    md5.update(PAD.get(used.len()..).unwrap_or_default());
    md5.finalize().to_vec()
}

/// RFC 5709 section 3.3: HMAC over the packet and as much filler as a digest is long.
///
/// The RFC hashes keys that are longer than the digest; all deployed code follows RFC 2104 instead and hashes those
/// longer than the block. So does this.
fn hmac<M: Mac + KeyInit>(key: &Key, packet: &[u8]) -> Vec<u8> {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key.secret()) else {
        // HMAC takes keys of any length; an empty digest never compares equal.
        return Vec::new();
    };
    mac.update(packet);
    for _ in 0..key.algorithm().digest_len() / APAD.len() {
        mac.update(&APAD);
    }
    mac.finalize().into_bytes().to_vec()
}
