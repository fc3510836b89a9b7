//! What the tests of both halves share.

use core::fmt;
use core::ops::Deref;

use crate::{Backend, Cipher, Inbound, Integrity, Limits, Outbound, Suite};

/// All ciphers, all integrity algorithms, both widths of sequence numbers.
const SUITES: [(Cipher, Integrity, bool); 12] = [
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

/// A suite, with a library that has its cipher.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) backend: Backend,
    pub(crate) suite: Suite,
}

impl Case {
    /// Whether a packet that does not authenticate loses its ciphertext: see [`Inbound::open`].
    pub(crate) fn overwrites(&self) -> bool {
        self.backend != Backend::RustCrypto && self.suite.cipher().is_aead()
    }
}

impl Deref for Case {
    type Target = Suite;

    fn deref(&self) -> &Suite {
        &self.suite
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.suite, self.backend)
    }
}

/// Every suite with every library that makes a difference to it.
pub(crate) fn cases() -> Vec<Case> {
    let with_backends = |suite: Suite| {
        let libraries = if suite.cipher().is_aead() { Backend::ALL } else { &[Backend::RustCrypto] };
        libraries.iter().map(move |&backend| Case { backend, suite })
    };
    SUITES.map(suite).into_iter().flat_map(with_backends).collect()
}

/// Keys that differ in every byte.
pub(crate) fn keys(suite: Suite) -> (Vec<u8>, Vec<u8>) {
    let encryption = (0..suite.encryption_key_len()).map(|at| 0x11 + 3 * at as u8).collect();
    let integrity = (0..suite.integrity_key_len()).map(|at| 0x80 ^ (5 * at) as u8).collect();
    (encryption, integrity)
}

pub(crate) fn outbound(case: Case, limits: Limits) -> Outbound {
    let (encryption, integrity) = keys(case.suite);
    Outbound::with_backend(case.backend, case.suite, 0x1000, &encryption, &integrity, limits, [0x77; 32])
        .expect("keys that fit")
}

pub(crate) fn inbound(case: Case, limits: Limits) -> Inbound {
    let (encryption, integrity) = keys(case.suite);
    Inbound::with_backend(case.backend, case.suite, 0x1000, &encryption, &integrity, limits, 64)
        .expect("keys that fit")
}
