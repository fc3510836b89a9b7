//! The bytes of OSPFv2 (RFC 2328 appendix A), without state and without time.
//!
//! Decoding has two steps. [`Packet::decode`] checks framing: lengths, counts, the LSA headers of an update. What
//! is inside an LSA is read by [`Lsa::decode_body`], so one bad LSA does not spoil its neighbours, and an LSA of a
//! type that nobody here knows is carried as it came.

mod checksum;
mod dd;
mod error;
mod header;
mod hello;
pub mod lls;
mod lsa;
mod lsr;
mod lsu;
mod options;
mod packet;

#[cfg(test)]
mod tests;

pub use dd::{DatabaseDescription, DdFlags};
pub use error::{DecodeError, Field, TooLong};
pub use header::{AuthField, HEADER_LEN};
pub use hello::Hello;
pub use lsa::{
    ExternalLsa, LinkKind, Lsa, LsaBody, LsaHeader, LsaKey, LsaType, MetricType, NetworkLsa, RouterFlags,
    RouterLink, RouterLsa, SummaryLsa, TosMetric,
};
pub use lsr::{LsRequest, RequestEntry};
pub use lsu::{LsAck, LsUpdate};
pub use options::Options;
pub use packet::{Packet, PacketBody, PacketType};

pub(crate) use checksum::{ip_checksum, same_bytes};
pub(crate) use header::auth_offsets;
pub(crate) use lsa::LSA_HEADER_LEN;
pub(crate) use packet::encode_packet;

/// Metrics from here on mean "unreachable" (LSInfinity).
pub const LS_INFINITY: u32 = 0x00ff_ffff;

/// Age in seconds at which an LSA leaves the routing domain (MaxAge).
pub const MAX_AGE: u16 = 3600;

/// Ages that differ by more are different instances (MaxAgeDiff), in seconds.
pub const MAX_AGE_DIFF: u16 = 900;

/// The age field's top bit: the LSA does not age (RFC 1793).
pub const DO_NOT_AGE: u16 = 0x8000;

/// The first sequence number of an LSA.
pub const INITIAL_SEQUENCE: i32 = -0x7fff_ffff;

/// The last sequence number of an LSA.
pub const MAX_SEQUENCE: i32 = 0x7fff_ffff;

/// The link metric that means "not for transit" (RFC 6987, MaxLinkMetric).
pub const MAX_LINK_METRIC: u16 = 0xffff;
