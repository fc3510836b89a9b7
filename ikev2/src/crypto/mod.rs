//! Algorithms and the key schedule, without state machines: what a fuzzer or an analyser that holds keys needs too.

mod algorithm;
mod auth;
mod backend;
mod curve;
mod envelope;
mod group;
mod keys;
mod modp;
mod prf;

#[cfg(test)]
mod tests;

pub use algorithm::{Encryption, Group, Integrity, Prf};
pub use auth::{psk_auth, psk_auth_verify};
pub use backend::Backend;
pub use envelope::{Direction, Envelope, EnvelopeError};
pub use group::{KeyExchangeError, KeyPair};
pub use keys::{
    ChildKeys, ChildSuite, IkeKeys, IkeSuite, mix_ppk, skeyseed_additional, skeyseed_initial, skeyseed_rekey,
};

/// The cipher of an ESP SA: the same set as for IKE.
pub type EspCipher = Encryption;
/// The integrity algorithm of an ESP SA: the same set as for IKE.
pub type EspIntegrity = Integrity;
