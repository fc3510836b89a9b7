//! The bytes of IKEv2: no state, no time.
//!
//! Decoding is total: every input gives a value or a [`DecodeError`] that names the broken rule and where. Values that
//! are not known here are kept and encoded again as they were. Two things are not kept, because RFC 7296 sends them as
//! zero and ignores them on receipt: reserved bits, and the critical bit on payload types that every implementation
//! understands (section 3.2).

mod error;
mod header;
mod identity;
mod message;
mod numbers;
mod payload;
mod proposal;
mod reader;
mod selector;

#[cfg(test)]
mod tests;

pub use error::DecodeError;
pub use header::{FLAG_INITIATOR, FLAG_RESPONSE, HEADER_LEN, Header};
pub use identity::{Identification, Identity};
pub use message::{Message, Sealed};
pub use numbers::{
    AuthMethod, EncryptionId, EsnId, ExchangeType, GroupId, IdType, IntegrityId, NotifyType, PayloadType,
    PrfId, ProtocolId, TransformType,
};
pub use payload::{
    Attribute, Configuration, Delete, Notify, Payload, decode_payloads, encode_payloads, find_notify,
};
pub use proposal::{Proposal, Spi, Transform, TransformAttribute};
pub use selector::{SelectorError, TrafficSelector, narrow};

/// The largest number of payloads in one message that are looked at.
pub const MAX_PAYLOADS: usize = 128;
/// The largest number of proposals in one SA payload that are looked at.
pub const MAX_PROPOSALS: usize = 64;
/// The largest number of transforms in one SA payload, over all proposals, that are looked at.
pub const MAX_TRANSFORMS: usize = 512;
/// The largest number of selectors in one traffic selector payload that are looked at.
pub const MAX_SELECTORS: usize = 64;
