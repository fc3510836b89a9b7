use core::fmt;

/// The library that agrees on keys over elliptic curves. All of them draw the same secrets from the same generator, so
/// which one it is shows in nothing but the time that it takes.
///
/// Groups over the integers (14, 15, 16), hashes and the encrypted payloads are RustCrypto's in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Backend {
    /// RustCrypto and dalek: Rust alone. The default.
    RustCrypto,
    /// AWS-LC, with feature `aws-lc`; then it is the default. Several times as fast, and needs a C compiler.
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
