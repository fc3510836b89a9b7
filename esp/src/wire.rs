//! The ESP packet (RFC 4303 section 2): where its parts lie, and its header and trailer.
//!
//! ```text
//! | SPI (4) | sequence number (4) | IV | payload | padding 1, 2, 3.. | pad length (1) | next header (1) | ICV |
//!                                      |<------------------- ciphertext ------------------------------>|
//! |<-------------------------------- authenticated --------------------------------------------------->|
//! ```

use core::ops::Range;

use crate::{SealError, Suite};

/// SPI and the low half of the sequence number.
pub(crate) const HEADER_LEN: usize = 8;
/// Pad length and next header.
pub(crate) const TRAILER_LEN: usize = 2;
/// No IP packet is longer, and so no ESP packet.
pub(crate) const MAX_PACKET: usize = 65_535;

/// Where the parts of a packet to be sealed lie in its buffer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Layout {
    /// Start of the packet.
    pub(crate) start: usize,
    /// End of the packet.
    pub(crate) end: usize,
    /// Bytes of padding, without pad length and next header.
    pub(crate) padding: usize,
}

impl Layout {
    /// The layout of a payload's packet, or why there is none.
    pub(crate) fn new(suite: Suite, buffer: usize, payload: &Range<usize>) -> Result<Self, SealError> {
        let &Range { start, end } = payload;
        if start > end || end > buffer {
            return Err(SealError::PayloadRange { start, end, len: buffer });
        }
        let len = end - start;
        if len > MAX_PACKET {
            return Err(SealError::TooLong(len));
        }
        let padding = padding_len(suite, len);
        let headroom = HEADER_LEN + suite.iv_len();
        let tailroom = padding + TRAILER_LEN + suite.icv_len();
        if headroom + len + tailroom > MAX_PACKET {
            return Err(SealError::TooLong(len));
        }
        match start.checked_sub(headroom) {
            Some(start) if buffer - end >= tailroom => Ok(Self { start, end: end + tailroom, padding }),
            _ => Err(SealError::NoRoom { headroom, tailroom }),
        }
    }

    /// The packet's range in the buffer.
    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// The parts of a packet to be sealed.
pub(crate) struct Parts<'a> {
    pub(crate) header: &'a mut [u8; HEADER_LEN],
    pub(crate) iv: &'a mut [u8],
    /// What gets encrypted: payload, padding, pad length and next header.
    pub(crate) text: &'a mut [u8],
    pub(crate) icv: &'a mut [u8],
}

impl<'a> Parts<'a> {
    /// Takes a packet apart. `None` if it is shorter than the parts of fixed length together.
    pub(crate) fn split(suite: Suite, packet: &'a mut [u8]) -> Option<Self> {
        let (header, rest) = packet.split_first_chunk_mut()?;
        let (iv, rest) = rest.split_at_mut_checked(suite.iv_len())?;
        let (text, icv) = rest.split_at_mut_checked(rest.len().checked_sub(suite.icv_len())?)?;
        Some(Self { header, iv, text, icv })
    }
}

/// Bytes of padding after a payload: as few as alignment allows.
pub(crate) const fn padding_len(suite: Suite, payload: usize) -> usize {
    // Blocks are powers of two, which spares a division.
    (payload + TRAILER_LEN).wrapping_neg() & (suite.block_len() - 1)
}

/// The header of a packet; of an extended sequence number only the low half goes over the wire.
pub(crate) fn header(spi: u32, sequence: u64) -> [u8; HEADER_LEN] {
    (u64::from(spi) << 32 | sequence & u64::from(u32::MAX)).to_be_bytes()
}

/// SPI and the low half of the sequence number.
pub(crate) fn parse_header(header: [u8; HEADER_LEN]) -> (u32, u32) {
    let both = u64::from_be_bytes(header);
    ((both >> 32) as u32, both as u32)
}

/// Writes padding, pad length and next header behind the payload, at the end of `text`.
pub(crate) fn write_trailer(text: &mut [u8], padding: usize, next_header: u8) {
    let Some((rest, trailer)) = text.split_last_chunk_mut() else { return };
    *trailer = [padding as u8, next_header];
    // RFC 4303 section 2.4: 1, 2, 3 and so on. Padding stays far below 256, so the pattern does not wrap.
    let start = rest.len().saturating_sub(padding);
    for (byte, value) in rest.get_mut(start..).unwrap_or_default().iter_mut().zip(1..=u8::MAX) {
        *byte = value;
    }
}

/// Reads the trailer of a decrypted text: the payload's length and the next header, or `None` if the padding is wrong.
///
/// Only for text that has authenticated, so that nobody learns anything from the answer (RFC 4303 section 3.4.4.1).
pub(crate) fn read_trailer(text: &[u8]) -> Option<(usize, u8)> {
    let (rest, &[padding, next_header]) = text.split_last_chunk()?;
    let payload = rest.len().checked_sub(usize::from(padding))?;
    rest.get(payload..)?.iter().copied().eq(1..=padding).then_some((payload, next_header))
}

/// The length of the packet within a tunnel-mode payload, if what follows it is traffic flow confidentiality padding
/// (RFC 4303 section 2.7), which is legal where the packet carries its own length.
pub(crate) fn without_tfc(payload: &[u8], next_header: u8) -> usize {
    let field = |offset: usize| {
        let bytes = payload.get(offset..)?.first_chunk()?;
        Some(usize::from(u16::from_be_bytes(*bytes)))
    };
    let inner = match next_header {
        crate::next_header::IPV4 => field(2),
        crate::next_header::IPV6 => field(4).map(|len| len + 40),
        _ => None,
    };
    match inner {
        // An inner packet that claims more than there is, or nothing at all, is for whoever reads it to refuse.
        Some(len) if len >= 20 && len < payload.len() => len,
        _ => payload.len(),
    }
}

/// What an AEAD authenticates besides the text: SPI and the whole sequence number, extended or not (RFC 4106 section 5,
/// RFC 7634 section 2.1). The result is the first `usize` bytes.
pub(crate) fn aad(spi: u32, sequence: u64, esn: bool) -> ([u8; 12], usize) {
    let mut aad = [0; 12];
    let (spi_bytes, number) = aad.split_at_mut(4);
    spi_bytes.copy_from_slice(&spi.to_be_bytes());
    // Extended numbers begin with their upper half; the others are the lower one alone.
    let shift = if esn { 0 } else { 32 };
    number.copy_from_slice(&(sequence << shift).to_be_bytes());
    (aad, if esn { 12 } else { 8 })
}
