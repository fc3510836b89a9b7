use zerocopy::byteorder::network_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{DecodeError, ExchangeType, PayloadType};

/// Length of the IKE header.
pub const HEADER_LEN: usize = 28;
/// The sender is the original initiator of the IKE SA.
pub const FLAG_INITIATOR: u8 = 0x08;
/// The message is a response.
pub const FLAG_RESPONSE: u8 = 0x20;

/// Version 2.0.
const VERSION: u8 = 0x20;

/// The bytes of RFC 7296 section 3.1:
/// initiator SPI (8), responder SPI (8), next payload, version, exchange type, flags, message id (4), length (4).
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawHeader {
    spi_i: U64,
    spi_r: U64,
    next: u8,
    version: u8,
    exchange: u8,
    flags: u8,
    message_id: U32,
    length: U32,
}

/// The IKE header (RFC 7296 section 3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// The initiator's SPI; not zero in a valid message.
    pub spi_i: u64,
    /// The responder's SPI; zero in the first request.
    pub spi_r: u64,
    /// The type of the first payload.
    pub next: PayloadType,
    /// The minor version; 0 is sent, anything is accepted.
    pub minor_version: u8,
    /// The exchange type.
    pub exchange: ExchangeType,
    /// [`FLAG_INITIATOR`], [`FLAG_RESPONSE`] and bits without a meaning here.
    pub flags: u8,
    /// The message id.
    pub message_id: u32,
}

impl Header {
    /// Decodes the header of a whole datagram.
    ///
    /// # Errors
    /// When the header is cut off, the major version is not 2, or the length is not that of the datagram.
    pub fn decode(datagram: &[u8]) -> Result<Self, DecodeError> {
        let (raw, _) = RawHeader::read_from_prefix(datagram)
            .map_err(|_| DecodeError::Truncated { offset: datagram.len() })?;
        if raw.version >> 4 != VERSION >> 4 {
            return Err(DecodeError::MajorVersion { major: raw.version >> 4 });
        }
        let said = raw.length.get();
        if usize::try_from(said) != Ok(datagram.len()) {
            return Err(DecodeError::LengthMismatch { said, actual: datagram.len() });
        }
        Ok(Self {
            spi_i: raw.spi_i.get(),
            spi_r: raw.spi_r.get(),
            next: PayloadType(raw.next),
            minor_version: raw.version & 0x0f,
            exchange: ExchangeType(raw.exchange),
            flags: raw.flags,
            message_id: raw.message_id.get(),
        })
    }

    /// The bytes, for a message of `length` bytes in all.
    #[must_use]
    pub fn encode(&self, length: u32) -> [u8; HEADER_LEN] {
        let raw = RawHeader {
            spi_i: self.spi_i.into(),
            spi_r: self.spi_r.into(),
            next: self.next.0,
            version: VERSION | (self.minor_version & 0x0f),
            exchange: self.exchange.0,
            flags: self.flags,
            message_id: self.message_id.into(),
            length: length.into(),
        };
        zerocopy::transmute!(raw)
    }

    /// Whether this is a response.
    #[must_use]
    pub const fn is_response(&self) -> bool {
        self.flags & FLAG_RESPONSE != 0
    }

    /// Whether the sender is the original initiator of the IKE SA.
    #[must_use]
    pub const fn from_initiator(&self) -> bool {
        self.flags & FLAG_INITIATOR != 0
    }
}
