//! The shared string of an NHRP domain.

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// The string of `ip nhrp authentication`: redacted in `Debug`, compared in constant time, erased when dropped.
///
/// IOS takes at most [`IOS_MAX_LEN`](Authentication::IOS_MAX_LEN) characters; this crate takes any length and leaves the
/// warning to its owner ([`fits_ios`](Authentication::fits_ios)).
#[derive(Clone)]
pub struct Authentication(Zeroizing<Vec<u8>>);

impl Authentication {
    /// Longest string that IOS and FRR accept, in bytes.
    pub const IOS_MAX_LEN: usize = 8;
    /// Longest string that [`Config`](crate::Config) accepts, in bytes: every packet carries it in clear text.
    pub const MAX_LEN: usize = 255;

    /// Wraps the string's bytes.
    #[must_use]
    pub fn new(secret: impl AsRef<[u8]>) -> Authentication {
        Authentication(Zeroizing::new(secret.as_ref().to_vec()))
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the string is empty, which no configuration may use.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether IOS would take a string of this length.
    #[must_use]
    pub fn fits_ios(&self) -> bool {
        self.len() <= Self::IOS_MAX_LEN
    }

    /// Constant-time comparison with what a packet carries (lengths are not secret).
    #[must_use]
    pub fn matches(&self, data: &[u8]) -> bool {
        self.0.as_slice().ct_eq(data).into()
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Authentication {
    fn eq(&self, other: &Authentication) -> bool {
        self.matches(&other.0)
    }
}

impl Eq for Authentication {}

impl fmt::Debug for Authentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authentication(redacted)")
    }
}
