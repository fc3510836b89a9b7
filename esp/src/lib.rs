#![doc = include_str!("../README.md")]
//!
//! # What is covered
//!
//! | document | subject | here |
//! | --- | --- | --- |
//! | RFC 4303 section 2 | packet, padding, next header | [`Outbound::seal`], [`Inbound::open`] |
//! | RFC 4303 section 2.6 | dummy packets | [`next_header::NONE`], [`OpenError::Dummy`] |
//! | RFC 4303 section 2.7 | padding for traffic flow confidentiality | tolerated; cut off in tunnel mode |
//! | RFC 4303 sections 2.2.1, 3.3.3, appendix A2 | extended sequence numbers, end of the numbers | [`Suite::esn`], [`SealError::SequenceExhausted`] |
//! | RFC 4303 section 3.4.3, RFC 6479 | replay window | [`ReplayWindow`] |
//! | RFC 4301 section 4.4.2.1 | lifetimes in bytes and packets | [`Limits`] |
//! | RFC 3602 | AES-CBC | [`Cipher::AesCbc128`] and on |
//! | RFC 4106 | AES-GCM, 16-byte ICV | [`Cipher::AesGcm128`] and on |
//! | RFC 7634 | ChaCha20-Poly1305 | [`Cipher::ChaCha20Poly1305`] |
//! | RFC 2404, RFC 4868 | HMAC-SHA1-96, HMAC-SHA2 | [`Integrity`] |
//! | RFC 3948 | ESP and IKE in UDP | [`udp`] |
//!
//! Not covered: SAs for multicast, and combining ESP with AH. Nor the recovery of an SA with extended sequence numbers
//! from the loss of 2^32 packets in a row (RFC 4303 appendix A3): it would have to try further upper halves on packets
//! that do not authenticate, which doubles what a forger's packets cost, to save an SA on which nothing has arrived for
//! an hour at a million packets per second. IKE's liveness check ends such an SA long before, and makes a new one.
//!
//! # What attackers meet
//!
//! The ICV is verified before anything is decrypted, looked into or remembered, and compared in constant time; padding
//! is only ever looked at in a packet that is the peer's. A forged packet costs one pass over it and changes a counter.
//! A sequence number, and so the nonce of an AEAD, is used once: SAs cannot be cloned, a failed seal uses none up, and
//! at the last one the SA stops. Keys are kept in one place each and cleared when the SA is dropped.
//!
//! # Speed
//!
//! Sealing and opening take about 20 ns per packet more than the bare cipher, and nothing is allocated. At 1400 bytes that
//! is 1 to 5 % with RustCrypto, and 3 % of ChaCha20-Poly1305 but 13 % of AES-GCM with AWS-LC, whose cipher is so much faster:
//! 165 ns instead of 580 for AES-GCM-256, 711 instead of 2248 for ChaCha20-Poly1305, on a processor with AVX-512.
//! [`Outbound::seal_batch`] encrypts eight AES-CBC packets side by side, which makes AES-CBC-256 with HMAC-SHA2-256 1.8 times
//! as fast. Hardware instructions are found at run time. RustCrypto's AES-GCM and ChaCha20-Poly1305 gain a further 1.4 to 2
//! times when the whole program is built with `RUSTFLAGS="-C target-cpu=native"`; without it ChaCha20-Poly1305 has a fixed cost
//! of more than a microsecond per packet on x86-64. `cargo bench -p dmvpn-esp --features aws-lc` compares each suite with its
//! bare cipher.
//!
//! # Features
//!
//! | feature | what it adds |
//! | --- | --- |
//! | `aws-lc` | `Backend::AwsLc`: AES-GCM and ChaCha20-Poly1305 by AWS-LC, and as the default. Needs a C compiler |
#![forbid(unsafe_code)]
#![allow(unexpected_cfgs, reason = "cargo-fuzz sets `fuzzing`, which Cargo has not heard of")]

mod backend;
mod counters;
mod crypto;
mod error;
mod inbound;
mod limits;
pub mod next_header;
mod outbound;
pub mod overhead;
mod replay;
mod suite;
#[cfg(test)]
mod testing;
pub mod udp;
#[cfg(test)]
mod vectors;
mod wire;

pub use backend::Backend;
pub use counters::{Counters, Drops};
pub use error::{KeyError, OpenError, SealError};
pub use inbound::{Inbound, Opened, ReceivedPacket};
pub use limits::{Limit, LimitState, Limits};
pub use outbound::{BatchPacket, Outbound, Sealed};
pub use replay::{DEFAULT_WINDOW, MAX_WINDOW, MIN_WINDOW, ReplayWindow, Stale};
pub use suite::{Cipher, Integrity, Suite, SuiteError};

/// How many packets [`Outbound::seal_batch`] encrypts side by side: batches of this many, and of multiples, are the best.
pub const BATCH: usize = crypto::LANES;

/// Room in front of a payload that every suite can do with: SPI, sequence number and the longest IV.
pub const HEADROOM: usize = 8 + 16;

/// Room behind a payload that every suite can do with: the longest padding, pad length, next header and the longest
/// ICV.
pub const TAILROOM: usize = 15 + 2 + 32;
