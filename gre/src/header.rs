//! The header itself.

use core::ops::Range;

use crate::{Error, Protocol};

#[cfg(test)]
mod tests;

/// Length of a header without options: flags and protocol type.
pub const MIN_LEN: usize = 4;

/// Length of a header with checksum, key and sequence number: the most room that [`Header::push`] takes.
pub const MAX_LEN: usize = 16;

// The first 16 bits as a mask. RFC 2784 gives names to the first and the last three, RFC 2890 to K and S; the others
// are RFC 1701's.
const CHECKSUM: u16 = 0x8000;
const ROUTING: u16 = 0x4000;
const KEY: u16 = 0x2000;
const SEQUENCE: u16 = 0x1000;
const STRICT_SOURCE_ROUTE: u16 = 0x0800;
const RECURSION: u16 = 0x0400;
const VERSION: u16 = 0x0007;

/// A GRE header, without the bits that are zero on the wire.
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |C| |K|S| reserved0       | Ver |         protocol type         |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |       checksum (if C)         |       reserved1 (if C)        |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                          key (if K)                           |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// |                    sequence number (if S)                     |
/// +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// What follows the header.
    pub protocol: Protocol,
    /// The tunnel's key (RFC 2890 section 2.1); `None` is a header without the field, which differs from key 0.
    pub key: Option<u32>,
    /// The packet's number (RFC 2890 section 2.2).
    pub sequence: Option<u32>,
    /// Whether a checksum over header and payload is there. Its value is computed and verified, never kept.
    pub checksum: bool,
}

impl Header {
    /// A header of 4 bytes: no key, no sequence number, no checksum.
    #[must_use]
    pub const fn new(protocol: Protocol) -> Self {
        Self { protocol, key: None, sequence: None, checksum: false }
    }

    /// The same header with a key: 4 bytes more.
    #[must_use]
    pub const fn with_key(self, key: u32) -> Self {
        Self { key: Some(key), ..self }
    }

    /// The same header with a sequence number: 4 bytes more.
    #[must_use]
    pub const fn with_sequence(self, sequence: u32) -> Self {
        Self { sequence: Some(sequence), ..self }
    }

    /// The same header with a checksum: 4 bytes more, and every payload byte is read once on both sides.
    #[must_use]
    pub const fn with_checksum(self) -> Self {
        Self { checksum: true, ..self }
    }

    /// Bytes that the header takes: 4, 8, 12 or 16.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a header is never empty")]
    pub const fn len(&self) -> usize {
        wire_len(self.flags())
    }

    /// Reads the header at the start of `packet` and returns it with its length: the payload is `packet[length..]`.
    ///
    /// `packet` is what follows the IP header, cut to the IP packet's length: the checksum, where there is one, covers
    /// all of it, and link-layer padding would spoil it.
    ///
    /// # Errors
    ///
    /// The packet must be dropped: it is shorter than its header ([`Error::Truncated`]), of another version
    /// ([`Error::Version`]), has a bit set that RFC 2784 section 2.3 forbids ([`Error::RoutingPresent`],
    /// [`Error::StrictSourceRoute`], [`Error::RecursionControl`]), or is damaged ([`Error::Checksum`]).
    pub fn decode(packet: &[u8]) -> Result<(Self, usize), Error> {
        let have = packet.len();
        let (&[flags_high, flags_low, protocol_high, protocol_low], mut rest) =
            packet.split_first_chunk().ok_or(Error::Truncated { needed: MIN_LEN, have })?;
        let flags = u16::from_be_bytes([flags_high, flags_low]);
        check_flags(flags, flags_low)?;

        let len = wire_len(flags);
        let mut field = |present: u16| {
            if flags & present == 0 {
                return Ok(None);
            }
            let (word, behind) = rest.split_first_chunk().ok_or(Error::Truncated { needed: len, have })?;
            rest = behind;
            Ok(Some(u32::from_be_bytes(*word)))
        };
        // The fields stand in this order, whichever of them are there (RFC 2890 section 2).
        let checksum = field(CHECKSUM)?;
        let key = field(KEY)?;
        let sequence = field(SEQUENCE)?;

        // RFC 2784 section 2.5: the sum over everything with the field in place is zero. What stands in the 16
        // reserved bits behind the checksum is covered by it and otherwise ignored.
        if let Some(word) = checksum
            && internet_checksum::checksum(packet) != [0, 0]
        {
            return Err(Error::Checksum { found: (word >> 16) as u16 });
        }
        let protocol = Protocol(u16::from_be_bytes([protocol_high, protocol_low]));
        Ok((Self { protocol, key, sequence, checksum: checksum.is_some() }, len))
    }

    /// Writes the header so that it ends where `payload` starts, and returns where it starts itself.
    ///
    /// The packet is then `buffer[start..payload.end]`; a checksum covers exactly that.
    ///
    /// # Errors
    ///
    /// [`Error::PayloadRange`] when `payload` is not a range of `buffer`, [`Error::NoRoom`] when there are fewer than
    /// [`Header::len`] bytes in front of it ([`MAX_LEN`] always suffice). The buffer is unchanged then.
    pub fn push(&self, buffer: &mut [u8], payload: Range<usize>) -> Result<usize, Error> {
        let Range { start, end } = payload;
        let len = buffer.len();
        let range = Error::PayloadRange { start, end, len };
        if end < start {
            return Err(range);
        }
        let needed = self.len();
        let header_start = start.checked_sub(needed);
        let until_end = buffer.get_mut(..end).ok_or(range)?;
        let header_start = header_start.ok_or(Error::NoRoom { needed, have: start })?;
        let packet = until_end.get_mut(header_start..).ok_or(range)?;

        let words = [
            Some(u32::from(self.flags()) << 16 | u32::from(self.protocol.0)),
            self.checksum.then_some(0),
            self.key,
            self.sequence,
        ];
        for (field, word) in packet.chunks_exact_mut(4).zip(words.into_iter().flatten()) {
            field.copy_from_slice(&word.to_be_bytes());
        }
        if self.checksum {
            let sum = internet_checksum::checksum(packet);
            if let Some(field) = packet.get_mut(4..6) {
                field.copy_from_slice(&sum);
            }
        }
        Ok(header_start)
    }

    const fn flags(&self) -> u16 {
        (if self.checksum { CHECKSUM } else { 0 })
            | (if self.key.is_some() { KEY } else { 0 })
            | (if self.sequence.is_some() { SEQUENCE } else { 0 })
    }
}

/// Refuses what RFC 2784 section 2.3 has a receiver discard. The seven bits 0x03f8 are ignored, as section 2.3 allows
/// for bits 6 to 12.
fn check_flags(flags: u16, flags_low: u8) -> Result<(), Error> {
    // The version goes first: in version 1 the other bits mean something else.
    if flags & VERSION != 0 {
        return Err(Error::Version(flags_low & VERSION as u8));
    }
    if flags & ROUTING != 0 {
        return Err(Error::RoutingPresent);
    }
    if flags & STRICT_SOURCE_ROUTE != 0 {
        return Err(Error::StrictSourceRoute);
    }
    if flags & RECURSION != 0 {
        return Err(Error::RecursionControl);
    }
    Ok(())
}

/// Each of C, K and S adds four bytes.
const fn wire_len(flags: u16) -> usize {
    MIN_LEN + 4 * (flags & (CHECKSUM | KEY | SEQUENCE)).count_ones() as usize
}
