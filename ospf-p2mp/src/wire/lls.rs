//! Link-local signalling (RFC 5613): TLVs behind a packet, outside of its length.
//!
//! This crate tolerates the block and does not send it.

use bytes::Buf;

use super::{DecodeError, Field};

/// One TLV of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Type: 1 extended options, 2 cryptographic authentication.
    pub kind: u16,
    /// Value, without padding.
    pub value: &'a [u8],
}

/// Reads the TLVs of a block: checksum (2), length in words (2), then TLVs padded to four octets.
///
/// # Errors
///
/// When the length leads out of the bytes or a TLV out of the block.
pub fn decode(mut block: &[u8]) -> Result<Vec<Tlv<'_>>, DecodeError> {
    let cut = DecodeError::Truncated(Field::LinkLocalSignalling);
    let available = block.len();
    block.try_get_u16().map_err(|_| cut)?;
    let octets = usize::from(block.try_get_u16().map_err(|_| cut)?) * 4;
    if octets < 4 || octets > available {
        return Err(cut);
    }
    let mut rest = block.get(..octets - 4).ok_or(cut)?;
    let mut tlvs = Vec::new();
    while rest.has_remaining() {
        let kind = rest.try_get_u16().map_err(|_| cut)?;
        let length = usize::from(rest.try_get_u16().map_err(|_| cut)?);
        let value = rest.get(..length).ok_or(cut)?;
        rest = rest.get(length.next_multiple_of(4)..).ok_or(cut)?;
        tlvs.push(Tlv { kind, value });
    }
    Ok(tlvs)
}
