//! What the tests of both halves share.

use crate::{Cipher, Inbound, Integrity, Limits, Outbound, Suite};

/// All ciphers, all integrity algorithms, both widths of sequence numbers.
pub(crate) const SUITES: [(Cipher, Integrity, bool); 12] = [
    (Cipher::AesCbc128, Integrity::HmacSha1_96, false),
    (Cipher::AesCbc128, Integrity::HmacSha256_128, true),
    (Cipher::AesCbc192, Integrity::HmacSha256_128, false),
    (Cipher::AesCbc256, Integrity::HmacSha256_128, false),
    (Cipher::AesCbc256, Integrity::HmacSha384_192, true),
    (Cipher::AesCbc256, Integrity::HmacSha512_256, false),
    (Cipher::AesGcm128, Integrity::None, false),
    (Cipher::AesGcm192, Integrity::None, true),
    (Cipher::AesGcm256, Integrity::None, false),
    (Cipher::AesGcm256, Integrity::None, true),
    (Cipher::ChaCha20Poly1305, Integrity::None, false),
    (Cipher::ChaCha20Poly1305, Integrity::None, true),
];

pub(crate) fn suite((cipher, integrity, esn): (Cipher, Integrity, bool)) -> Suite {
    Suite::new(cipher, integrity, esn).expect("a sound suite")
}

/// Keys that differ in every byte.
pub(crate) fn keys(suite: Suite) -> (Vec<u8>, Vec<u8>) {
    let encryption = (0..suite.encryption_key_len()).map(|at| 0x11 + 3 * at as u8).collect();
    let integrity = (0..suite.integrity_key_len()).map(|at| 0x80 ^ (5 * at) as u8).collect();
    (encryption, integrity)
}

pub(crate) fn outbound(suite: Suite, limits: Limits) -> Outbound {
    let (encryption, integrity) = keys(suite);
    Outbound::new(suite, 0x1000, &encryption, &integrity, limits, [0x77; 32]).expect("keys that fit")
}

pub(crate) fn inbound(suite: Suite, limits: Limits) -> Inbound {
    let (encryption, integrity) = keys(suite);
    Inbound::new(suite, 0x1000, &encryption, &integrity, limits, 64).expect("keys that fit")
}
