#![doc = include_str!("../README.md")]
//!
//! # What is covered
//!
//! | document | subject | here |
//! | --- | --- | --- |
//! | RFC 2784 | header, checksum, reserved bits, version | [`Header`] |
//! | RFC 2890 section 2.1 | key | [`Header::key`] |
//! | RFC 2890 section 2.2 | sequence number | [`SequenceSender`], [`SequenceReceiver`] |
//! | RFC 7676 | IPv6 as payload and as delivery protocol | [`Protocol::IPV6`] |
//! | RFC 2332 | NHRP as payload | [`Protocol::NHRP`] |
//! | RFC 1701 | routing, strict source route, recursion control | refused, as RFC 2784 asks |
//! | RFC 2637 | version 1 (PPTP) | refused |
//! | Cisco keepalive | a packet that comes back by itself | [`keepalive`]: answered, never originated |
//!
//! The crate has no features.
#![forbid(unsafe_code)]

mod error;
mod header;
pub mod keepalive;
mod protocol;
mod sequence;

pub use error::Error;
pub use header::{Header, MAX_LEN, MIN_LEN};
pub use protocol::Protocol;
pub use sequence::{Order, SequenceReceiver, SequenceSender};
