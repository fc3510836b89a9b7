//! GRE headers (RFC 2784, RFC 2890): decode, push and pull in place.
//!
//! GRE puts a header of 4 to 16 bytes between an IP header and the packet that it carries. This crate reads that
//! header from a received packet and writes it in front of one to be sent, without copying either.
//!
//! What it is not: it builds no IP header, opens no socket and keeps no tunnel table. A tunnel's policy (which key
//! belongs to which tunnel, whether a bare packet may pass) is its owner's; [`Header::key`] is what to ask.
//!
//! # Sending and receiving
//!
//! A packet lies in a buffer with room in front. [`Header::push`] writes the header so that it ends where the payload
//! starts; [`Header::decode`] says where the payload starts. Pulling the header off is keeping the rest of the slice.
//!
//! ```
//! use gre::{Header, Protocol, MAX_LEN};
//!
//! let packet = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
//! let mut buffer = [0; 64];
//! let payload = MAX_LEN..MAX_LEN + packet.len();
//! buffer[payload.clone()].copy_from_slice(&packet);
//!
//! let header = Header::new(Protocol::IPV4).with_key(100);
//! let start = header.push(&mut buffer, payload.clone())?;
//! assert_eq!(start, MAX_LEN - header.len());
//!
//! // At the far end: decode, pick the tunnel by the key, keep the rest.
//! let received = &buffer[start..payload.end];
//! let (header, len) = Header::decode(received)?;
//! assert_eq!((header.protocol, header.key), (Protocol::IPV4, Some(100)));
//! assert_eq!(received[len..], packet);
//! # Ok::<(), gre::Error>(())
//! ```
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
