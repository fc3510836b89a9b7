//! What can go wrong when an SA is made, seals or opens.

use thiserror::Error;

/// Why an SA cannot be made from these parameters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The encryption key has another length than [`Suite::encryption_key_len`](crate::Suite::encryption_key_len).
    #[error("the suite takes {needed} bytes of encryption key, not {have}")]
    EncryptionKeyLength {
        /// What the suite takes, with the salt.
        needed: usize,
        /// What was given.
        have: usize,
    },
    /// The integrity key has another length than [`Suite::integrity_key_len`](crate::Suite::integrity_key_len).
    #[error("the suite takes {needed} bytes of integrity key, not {have}")]
    IntegrityKeyLength {
        /// What the suite takes.
        needed: usize,
        /// What was given.
        have: usize,
    },
    /// SPI 0 never goes over the wire (RFC 4303 section 2.1): behind UDP port 4500 it would mean IKE.
    #[error("SPI 0 is reserved")]
    ReservedSpi,
    /// The replay window's size is not in [`MIN_WINDOW`](crate::MIN_WINDOW)`..=`[`MAX_WINDOW`](crate::MAX_WINDOW).
    #[error("a replay window of {0} packets is not in 64..=4096")]
    WindowSize(u32),
}

/// Why a packet was not sealed. The buffer and the SA are unchanged, and no sequence number is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum SealError {
    /// There is not enough memory around the payload. [`HEADROOM`](crate::HEADROOM) in front and
    /// [`TAILROOM`](crate::TAILROOM) behind always suffice.
    #[error("the payload needs {headroom} bytes of room in front and {tailroom} behind")]
    NoRoom {
        /// Bytes needed in front of the payload.
        headroom: usize,
        /// Bytes needed behind the payload.
        tailroom: usize,
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
    /// The payload is longer than any IP packet.
    #[error("a payload of {0} bytes does not fit an IP packet")]
    TooLong(usize),
    /// Every sequence number is used (RFC 4303 section 3.3.3). The SA never seals again.
    #[error("the SA has used all its sequence numbers")]
    SequenceExhausted,
    /// The packet would go over the SA's hard limit.
    #[error("the SA has reached its hard limit")]
    HardLimit,
}

/// Why a received packet was dropped. Each reason is counted in [`Drops`](crate::Drops).
///
/// A person need not act on a single one. Up to and including [`OpenError::AuthenticationFailed`] anybody on the path
/// can cause them, and nothing in the SA has changed besides the count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The packet is too short for SPI, sequence number, IV, trailer and ICV of the suite.
    #[error("{have} bytes are too few for an ESP packet of this suite, which has {needed} or more")]
    Truncated {
        /// The shortest packet of the suite.
        needed: usize,
        /// What was received.
        have: usize,
    },
    /// The packet is longer than any IP packet.
    #[error("{0} bytes are more than an IP packet holds")]
    TooLong(usize),
    /// The packet belongs to another SA: the caller looked up the wrong one.
    #[error("the packet's SPI 0x{0:08x} is not this SA's")]
    SpiMismatch(u32),
    /// The ciphertext is not a whole number of blocks.
    #[error("a ciphertext of {0} bytes is not a whole number of blocks")]
    Misaligned(usize),
    /// Sequence number 0 is never sent (RFC 4303 section 3.3.3).
    #[error("sequence number 0 is never sent")]
    ZeroSequence,
    /// A packet with this sequence number has been accepted already.
    #[error("sequence number {0} was received before")]
    Replayed(u64),
    /// The sequence number lies before the replay window. An extended one rarely shows so: only its lower half is sent,
    /// and the receiver takes it for one of the next 2^32, which does not authenticate (RFC 4303 appendix A2).
    #[error("sequence number {0} lies before the replay window")]
    TooOld(u64),
    /// The SA has reached its hard limit.
    #[error("the SA has reached its hard limit")]
    HardLimit,
    /// The ICV is wrong: damaged, forged, or sealed with another key.
    #[error("the packet does not authenticate")]
    AuthenticationFailed,
    /// The packet is the peer's, but its padding is longer than the packet or not 1, 2, 3 and so on (RFC 4303
    /// section 2.4).
    #[error("the packet authenticates, but its padding is wrong")]
    BadPadding,
    /// A dummy packet (RFC 4303 section 2.6): the peer sends it to hide when it is silent. Nothing is wrong.
    #[error("a dummy packet")]
    Dummy,
}
