//! Passwords, keys and when they are valid.

use std::fmt;
use std::time::Instant;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AuthConfigError {
    /// A simple password has at most eight octets.
    #[error("a password has 1 to 8 octets, not {0}")]
    PasswordLength(usize),
    /// An MD5 key has at most 16 octets, any key at least one.
    #[error("key {id} has {octets} octets")]
    KeyLength {
        /// Which key.
        id: u8,
        /// Its length.
        octets: usize,
    },
    /// A key chain without keys.
    #[error("the key chain is empty")]
    NoKeys,
    /// Two keys have one id.
    #[error("key {0} is in the chain twice")]
    DuplicateKey(u8),
}

/// A simple password.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Password([u8; 8]);

impl Password {
    /// Takes a password of one to eight octets.
    ///
    /// # Errors
    ///
    /// When it is empty or longer.
    pub fn new(password: &[u8]) -> Result<Self, AuthConfigError> {
        let mut octets = [0; 8];
        match octets.get_mut(..password.len()) {
            Some(place) if !password.is_empty() => place.copy_from_slice(password),
            _ => return Err(AuthConfigError::PasswordLength(password.len())),
        }
        Ok(Self(octets))
    }

    pub(super) fn octets(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Password {}

/// How digests are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// Keyed MD5 (RFC 2328).
    Md5,
    /// HMAC-SHA-1 (RFC 5709).
    HmacSha1,
    /// HMAC-SHA-256 (RFC 5709).
    HmacSha256,
    /// HMAC-SHA-384 (RFC 5709).
    HmacSha384,
    /// HMAC-SHA-512 (RFC 5709).
    HmacSha512,
}

impl Algorithm {
    /// Octets of a digest.
    pub fn digest_len(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::HmacSha1 => 20,
            Self::HmacSha256 => 32,
            Self::HmacSha384 => 48,
            Self::HmacSha512 => 64,
        }
    }
}

/// When a key is used. Open ends are for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lifetime {
    /// First moment.
    pub from: Option<Instant>,
    /// First moment after.
    pub until: Option<Instant>,
}

impl Lifetime {
    fn contains(&self, now: Instant) -> bool {
        self.from.is_none_or(|from| now >= from) && self.until.is_none_or(|until| now < until)
    }
}

/// A key for digests.
#[derive(Clone)]
pub struct Key {
    id: u8,
    algorithm: Algorithm,
    secret: Secret,
    send: Lifetime,
    accept: Lifetime,
}

#[derive(Clone, Zeroize, ZeroizeOnDrop)]
struct Secret(Vec<u8>);

impl Key {
    /// A key that is valid for ever.
    pub fn new(id: u8, algorithm: Algorithm, secret: &[u8]) -> Self {
        Self {
            id,
            algorithm,
            secret: Secret(secret.to_vec()),
            send: Lifetime::default(),
            accept: Lifetime::default(),
        }
    }

    /// Limits when the key signs and when it is accepted. The latter should begin earlier and end later.
    #[must_use]
    pub fn with_lifetime(mut self, send: Lifetime, accept: Lifetime) -> Self {
        self.send = send;
        self.accept = accept;
        self
    }

    /// The number that packets carry.
    pub fn id(&self) -> u8 {
        self.id
    }

    /// The algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn secret(&self) -> &[u8] {
        &self.secret.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .field("secret", &"[redacted]")
            .field("send", &self.send)
            .field("accept", &self.accept)
            .finish()
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.algorithm, self.send, self.accept)
            == (other.id, other.algorithm, other.send, other.accept)
            && bool::from(self.secret.0.ct_eq(&other.secret.0))
    }
}

impl Eq for Key {}

/// Keys that follow each other in time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChain {
    keys: Vec<Key>,
    /// Accept another packet with the sequence number of the last one, as RFC 2328 appendix D.4.3 does. On by default:
    /// BIRD and others number by the second. The same packet again is refused in any case, because the digests of the
    /// latest packets of a number are remembered.
    pub accept_repeated_sequence: bool,
}

impl KeyChain {
    /// A chain of keys, checked when the router is constructed.
    pub fn new(keys: Vec<Key>) -> Self {
        Self { keys, accept_repeated_sequence: true }
    }

    /// The keys.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    pub(crate) fn validate(&self) -> Result<(), AuthConfigError> {
        if self.keys.is_empty() {
            return Err(AuthConfigError::NoKeys);
        }
        for (index, key) in self.keys.iter().enumerate() {
            let octets = key.secret().len();
            if octets == 0 || (key.algorithm == Algorithm::Md5 && octets > 16) {
                return Err(AuthConfigError::KeyLength { id: key.id, octets });
            }
            if self.keys.iter().take(index).any(|earlier| earlier.id == key.id) {
                return Err(AuthConfigError::DuplicateKey(key.id));
            }
        }
        Ok(())
    }

    /// The key to sign with: of the valid ones the one that became valid last, and of several such the last in the
    /// chain; when none is valid any more, the one
    /// that ended last, because silence would be worse (RFC 2328 appendix D.3).
    pub(super) fn send_key(&self, now: Instant) -> Option<&Key> {
        // Of equals the last one: `max_by_key` takes it.
        let valid = self.keys.iter().filter(|key| key.send.contains(now)).max_by_key(|key| key.send.from);
        valid.or_else(|| {
            let ended = self.keys.iter().filter(|key| key.send.until.is_some_and(|until| until <= now));
            ended.max_by_key(|key| key.send.until).or_else(|| self.keys.first())
        })
    }

    /// The key to verify with. The key in use for sending is accepted in any case.
    pub(super) fn accept_key(&self, now: Instant, id: u8) -> Option<&Key> {
        let key = self.keys.iter().find(|key| key.id == id)?;
        let sending = self.send_key(now).is_some_and(|sending| sending.id == id);
        (key.accept.contains(now) || sending).then_some(key)
    }
}
