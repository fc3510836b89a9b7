//! ESP (RFC 4303) security associations: seal and open in place, replay window, lifetimes, NAT traversal framing.
#![forbid(unsafe_code)]
#![allow(unexpected_cfgs, reason = "cargo-fuzz sets `fuzzing`, which Cargo has not heard of")]

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
pub mod udp;
mod wire;

pub use counters::{Counters, Drops};
pub use error::{KeyError, OpenError, SealError};
pub use inbound::{Inbound, Opened, ReceivedPacket};
pub use limits::{Limit, LimitState, Limits};
pub use outbound::{BatchPacket, Outbound, Sealed};
pub use replay::{DEFAULT_WINDOW, MAX_WINDOW, MIN_WINDOW, ReplayWindow, Stale};
pub use suite::{Cipher, Integrity, Suite, SuiteError};

/// Room in front of a payload that every suite can do with: SPI, sequence number and the longest IV.
pub const HEADROOM: usize = 8 + 16;

/// Room behind a payload that every suite can do with: the longest padding, pad length, next header and the longest
/// ICV.
pub const TAILROOM: usize = 15 + 2 + 32;
