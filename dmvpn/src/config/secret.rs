//! Keys and passwords.

use core::fmt;
use core::hint::black_box;

use zeroize::Zeroizing;

/// A key or password: wiped when dropped, never shown by `Debug`.
///
/// Equality takes the same time wherever two secrets of one length differ. It serves to compare configurations; whoever
/// authenticates a peer uses the protocol crates' own comparison.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Wraps the octets.
    #[must_use]
    pub fn new(octets: impl Into<Vec<u8>>) -> Self {
        Self(Zeroizing::new(octets.into()))
    }

    /// Reads hexadecimal digits, with or without `0x` in front. `None` if there is another character, an odd number of
    /// digits, or none.
    #[must_use]
    pub fn from_hex(digits: &str) -> Option<Self> {
        let digits = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")).unwrap_or(digits);
        if digits.is_empty() {
            return None;
        }
        Some(Self(Zeroizing::new(hex_octets(digits)?)))
    }

    /// Reads a "type 7" string, the reversible disguise in which IOS stores passwords under `service
    /// password-encryption`: two decimal digits choose where in a fixed, published pad to begin, the rest is hexadecimal.
    /// `None` if it has not that form.
    #[must_use]
    pub fn from_type7(text: &str) -> Option<Self> {
        let (start, digits) = text.split_at_checked(2)?;
        let start: usize = start.parse().ok().filter(|start| *start < TYPE7_PAD.len())?;
        let mut octets = hex_octets(digits)?;
        for (octet, pad) in octets.iter_mut().zip(TYPE7_PAD.iter().cycle().skip(start)) {
            *octet ^= pad;
        }
        Some(Self(Zeroizing::new(octets)))
    }

    /// The octets themselves, for the protocol that uses them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// How many octets it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text.as_bytes())
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let difference = self.0.iter().zip(other.0.iter()).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
        self.0.len() == other.0.len() && difference == 0
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The pad of type 7, the same in every IOS.
const TYPE7_PAD: &[u8; 53] = b"dsfd;kfoA,.iyewrkldJKDHSUBsgvca69834ncxv9873254k;fg87";

fn hex_octets(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    // The octets never move while they are collected: no copy of the secret stays behind in freed memory.
    let mut octets = Vec::with_capacity(digits.len() / 2);
    for pair in digits.as_bytes().chunks_exact(2) {
        let [high, low] = pair else { return None };
        let high = char::from(*high).to_digit(16)?;
        let low = char::from(*low).to_digit(16)?;
        octets.push(u8::try_from(high << 4 | low).ok()?);
    }
    Some(octets)
}
