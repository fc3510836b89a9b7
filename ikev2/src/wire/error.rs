use thiserror::Error;

use super::PayloadType;

/// A rule that a message broke. Offsets count from the start of the slice that was decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes end before the field does.
    #[error("truncated at offset {offset}")]
    Truncated {
        /// Where the missing field starts.
        offset: usize,
    },
    /// The header's length is not the length of the datagram.
    #[error("header says {said} bytes, the datagram has {actual}")]
    LengthMismatch {
        /// The length in the header.
        said: u32,
        /// The length of the datagram.
        actual: usize,
    },
    /// The major version is not 2.
    #[error("major version {major} is not 2")]
    MajorVersion {
        /// What the header says.
        major: u8,
    },
    /// A payload's length is below four, or beyond the end.
    #[error("payload {payload} at offset {offset} has the impossible length {length}")]
    PayloadLength {
        /// Which payload.
        payload: PayloadType,
        /// Where its header starts.
        offset: usize,
        /// The length it says.
        length: u16,
    },
    /// Bytes follow the last payload.
    #[error("bytes after the last payload at offset {offset}")]
    TrailingBytes {
        /// Where they start.
        offset: usize,
    },
    /// The body of a payload does not have the form that its type demands.
    #[error("payload {payload} at offset {offset} is malformed")]
    MalformedPayload {
        /// Which payload.
        payload: PayloadType,
        /// Where its body starts.
        offset: usize,
    },
    /// A proposal or transform substructure is malformed.
    #[error("proposal at offset {offset} is malformed")]
    MalformedProposal {
        /// Where, within the payload's body.
        offset: usize,
    },
    /// A traffic selector is malformed: wrong length for its type, or start after end.
    #[error("traffic selector at offset {offset} is malformed")]
    MalformedSelector {
        /// Where, within the payload's body.
        offset: usize,
    },
    /// A nonce is shorter than 16 or longer than 256 bytes.
    #[error("nonce of {length} bytes")]
    NonceLength {
        /// Its length.
        length: usize,
    },
    /// More payloads, proposals, transforms or selectors than anyone needs.
    #[error("too many elements at offset {offset}")]
    TooMany {
        /// Where the limit was met.
        offset: usize,
    },
    /// A fragment number is zero or above the total, or the total is zero.
    #[error("fragment {number} of {total}")]
    FragmentNumber {
        /// The number of the fragment.
        number: u16,
        /// The number of fragments.
        total: u16,
    },
}
