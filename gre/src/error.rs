//! What can be wrong with a GRE packet, or with a request to write one.

use thiserror::Error;

/// Why a packet was refused by [`Header::decode`](crate::Header::decode), or why
/// [`Header::push`](crate::Header::push) could not write.
///
/// The variants up to [`Error::Checksum`] are a peer's doing: drop and count. The last two are the caller's mistakes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum Error {
    /// The packet ends before the header that its flags announce.
    #[error("GRE header needs {needed} bytes, the packet has {have}")]
    Truncated {
        /// Bytes that the header takes, as far as its flags are known.
        needed: usize,
        /// Bytes that are there.
        have: usize,
    },
    /// The version field is not 0 (RFC 2784 section 2.3.1). Version 1 is PPTP (RFC 2637).
    #[error("GRE version {0} at offset 1 is not 0")]
    Version(u8),
    /// Routing Present of RFC 1701 is set; RFC 2784 section 2.3 has the packet discarded.
    #[error("GRE flag 0x4000 (routing present) at offset 0 is set")]
    RoutingPresent,
    /// Strict Source Route of RFC 1701 is set; RFC 2784 section 2.3 has the packet discarded.
    #[error("GRE flag 0x0800 (strict source route) at offset 0 is set")]
    StrictSourceRoute,
    /// The top bit of the Recursion Control of RFC 1701 is set, which is bit 5 of RFC 2784's first reserved field.
    #[error("GRE flag 0x0400 (recursion control) at offset 0 is set")]
    RecursionControl,
    /// The checksum over header and payload does not come out (RFC 2784 section 2.5).
    #[error("GRE checksum 0x{found:04x} at offset 4 does not match the packet")]
    Checksum {
        /// The checksum as it stands in the packet.
        found: u16,
    },
    /// There is not enough memory in front of the payload for the header.
    #[error("GRE header needs {needed} bytes in front of the payload, there are {have}")]
    NoRoom {
        /// Bytes that the header takes.
        needed: usize,
        /// Bytes between the start of the buffer and the payload.
        have: usize,
    },
    /// The payload's range is reversed or reaches beyond the buffer.
    #[error("payload {start}..{end} does not lie in a buffer of {len} bytes")]
    PayloadRange {
        /// Start of the range.
        start: usize,
        /// End of the range.
        end: usize,
        /// Length of the buffer.
        len: usize,
    },
}
