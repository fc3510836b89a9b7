//! Which library's ciphers an SA uses.

use core::fmt;

/// The library whose ciphers an SA uses. Packets are the same with all of them, to the byte.
///
/// What differs is speed, and what becomes of a packet's bytes when it does not authenticate: see
/// [`Inbound::open`](crate::Inbound::open). AES-CBC and HMAC are RustCrypto's in any case: there packets are encrypted side
/// by side, which AWS-LC does not offer, and one at a time it is no faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// RustCrypto: Rust alone. The default.
    RustCrypto,
    /// AWS-LC for AES-GCM and ChaCha20-Poly1305, with feature `aws-lc`; then it is the default. Needs a C compiler.
    #[cfg(feature = "aws-lc")]
    AwsLc,
}

impl Backend {
    /// All that this build has.
    pub const ALL: &'static [Self] = &[
        Self::RustCrypto,
        #[cfg(feature = "aws-lc")]
        Self::AwsLc,
    ];
}

impl Default for Backend {
    #[cfg(not(feature = "aws-lc"))]
    fn default() -> Self {
        Self::RustCrypto
    }

    #[cfg(feature = "aws-lc")]
    fn default() -> Self {
        Self::AwsLc
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RustCrypto => "RustCrypto",
            #[cfg(feature = "aws-lc")]
            Self::AwsLc => "AWS-LC",
        })
    }
}
