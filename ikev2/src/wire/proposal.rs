use core::fmt;

use super::reader::Reader;
use super::{DecodeError, MAX_PROPOSALS, MAX_TRANSFORMS, ProtocolId, TransformType};

const ATTRIBUTE_KEY_LENGTH: u16 = 14;
const ATTRIBUTE_FORMAT_SHORT: u16 = 0x8000;

/// An SPI in a proposal, notify or delete: empty, four bytes (ESP, AH) or eight (IKE).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Spi(pub Vec<u8>);

impl Spi {
    /// No SPI.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// Of an ESP SA.
    #[must_use]
    pub fn esp(spi: u32) -> Self {
        Self(spi.to_be_bytes().to_vec())
    }

    /// Of an IKE SA.
    #[must_use]
    pub fn ike(spi: u64) -> Self {
        Self(spi.to_be_bytes().to_vec())
    }

    /// As the SPI of an ESP SA, if it has four bytes.
    #[must_use]
    pub fn as_esp(&self) -> Option<u32> {
        self.0.as_slice().try_into().ok().map(u32::from_be_bytes)
    }

    /// As the SPI of an IKE SA, if it has eight bytes.
    #[must_use]
    pub fn as_ike(&self) -> Option<u64> {
        self.0.as_slice().try_into().ok().map(u64::from_be_bytes)
    }
}

impl fmt::Display for Spi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One proposal of an SA payload (RFC 7296 section 3.3.1): number, protocol, SPI, transforms.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Proposal {
    /// Counts from 1.
    pub number: u8,
    /// What the SA is for.
    pub protocol: ProtocolId,
    /// The sender's SPI.
    pub spi: Spi,
    /// The transforms; several of one type are alternatives.
    pub transforms: Vec<Transform>,
}

/// One transform (RFC 7296 section 3.3.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Transform {
    /// Its type.
    pub transform_type: TransformType,
    /// The algorithm, in the registry of its type.
    pub id: u16,
    /// Attributes in the order of the wire.
    pub attributes: Vec<TransformAttribute>,
}

/// One attribute of a transform (RFC 7296 section 3.3.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TransformAttribute {
    /// Key length in bits.
    KeyLength(u16),
    /// Another one of the short form.
    Short {
        /// Type, 15 bits.
        attribute: u16,
        /// Value.
        value: u16,
    },
    /// One of the long form.
    Long {
        /// Type, 15 bits.
        attribute: u16,
        /// Value.
        value: Vec<u8>,
    },
}

impl Transform {
    /// Without attributes.
    #[must_use]
    pub const fn new(transform_type: TransformType, id: u16) -> Self {
        Self { transform_type, id, attributes: Vec::new() }
    }

    /// With a key length in bits.
    #[must_use]
    pub fn with_key_length(transform_type: TransformType, id: u16, bits: u16) -> Self {
        Self { transform_type, id, attributes: vec![TransformAttribute::KeyLength(bits)] }
    }

    /// The key length, if there is one and nothing else. A transform with an attribute that is not understood must
    /// not be chosen (RFC 7296 section 3.3.6); for it this is an `Err`.
    #[allow(clippy::result_unit_err, reason = "there is one way to fail and the doc line says it")]
    pub fn key_length(&self) -> Result<Option<u16>, ()> {
        match self.attributes.as_slice() {
            [] => Ok(None),
            [TransformAttribute::KeyLength(bits)] => Ok(Some(*bits)),
            _ => Err(()),
        }
    }
}

pub(super) fn decode_proposals(body: &[u8]) -> Result<Vec<Proposal>, DecodeError> {
    let mut reader = Reader::new(body, 0);
    let mut proposals = Vec::new();
    let mut transforms_left = MAX_TRANSFORMS;
    loop {
        let offset = reader.offset();
        let malformed = DecodeError::MalformedProposal { offset };
        if proposals.len() >= MAX_PROPOSALS {
            return Err(DecodeError::TooMany { offset });
        }
        let more = reader.u8()?;
        reader.u8()?;
        let length = usize::from(reader.u16()?).checked_sub(4).ok_or(malformed)?;
        let mut inner = Reader::new(reader.take(length)?, offset + 4);
        let (number, protocol, spi_len, count) = (inner.u8()?, inner.u8()?, inner.u8()?, inner.u8()?);
        let spi = Spi(inner.take(usize::from(spi_len))?.to_vec());
        transforms_left = transforms_left
            .checked_sub(usize::from(count))
            .ok_or(DecodeError::TooMany { offset: inner.offset() })?;
        let transforms = decode_transforms(&mut inner, count)?;
        proposals.push(Proposal { number, protocol: ProtocolId(protocol), spi, transforms });
        match (more, reader.is_empty()) {
            (0, true) => return Ok(proposals),
            (2, false) => {}
            _ => return Err(malformed),
        }
    }
}

fn decode_transforms(reader: &mut Reader<'_>, count: u8) -> Result<Vec<Transform>, DecodeError> {
    let mut transforms = Vec::with_capacity(usize::from(count).min(16));
    for index in 0..count {
        let offset = reader.offset();
        let malformed = DecodeError::MalformedProposal { offset };
        let more = reader.u8()?;
        reader.u8()?;
        let length = usize::from(reader.u16()?).checked_sub(4).ok_or(malformed)?;
        let mut inner = Reader::new(reader.take(length)?, offset + 4);
        let transform_type = TransformType(inner.u8()?);
        inner.u8()?;
        let id = inner.u16()?;
        let mut attributes = Vec::new();
        while !inner.is_empty() {
            attributes.push(decode_attribute(&mut inner)?);
        }
        transforms.push(Transform { transform_type, id, attributes });
        let last = index + 1 == count;
        if more != if last { 0 } else { 3 } {
            return Err(malformed);
        }
    }
    if !reader.is_empty() {
        return Err(DecodeError::MalformedProposal { offset: reader.offset() });
    }
    Ok(transforms)
}

fn decode_attribute(reader: &mut Reader<'_>) -> Result<TransformAttribute, DecodeError> {
    let head = reader.u16()?;
    let value = reader.u16()?;
    let attribute = head & !ATTRIBUTE_FORMAT_SHORT;
    Ok(if head & ATTRIBUTE_FORMAT_SHORT == 0 {
        TransformAttribute::Long { attribute, value: reader.take(usize::from(value))?.to_vec() }
    } else if attribute == ATTRIBUTE_KEY_LENGTH {
        TransformAttribute::KeyLength(value)
    } else {
        TransformAttribute::Short { attribute, value }
    })
}

pub(super) fn encode_proposals(proposals: &[Proposal], out: &mut Vec<u8>) {
    for (index, proposal) in proposals.iter().enumerate() {
        let last = index + 1 == proposals.len();
        let start = out.len();
        out.extend_from_slice(&[if last { 0 } else { 2 }, 0, 0, 0]);
        let spi_len = u8::try_from(proposal.spi.0.len()).unwrap_or(u8::MAX);
        let count = u8::try_from(proposal.transforms.len()).unwrap_or(u8::MAX);
        out.extend_from_slice(&[proposal.number, proposal.protocol.0, spi_len, count]);
        out.extend(proposal.spi.0.iter().take(usize::from(spi_len)));
        for (index, transform) in proposal.transforms.iter().take(usize::from(count)).enumerate() {
            encode_transform(transform, index + 1 == usize::from(count), out);
        }
        patch_length(out, start);
    }
}

fn encode_transform(transform: &Transform, last: bool, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[if last { 0 } else { 3 }, 0, 0, 0, transform.transform_type.0, 0]);
    out.extend_from_slice(&transform.id.to_be_bytes());
    for attribute in &transform.attributes {
        let (head, value) = match attribute {
            TransformAttribute::KeyLength(bits) => (ATTRIBUTE_FORMAT_SHORT | ATTRIBUTE_KEY_LENGTH, *bits),
            TransformAttribute::Short { attribute, value } => (ATTRIBUTE_FORMAT_SHORT | attribute, *value),
            TransformAttribute::Long { attribute, value } => {
                (attribute & !ATTRIBUTE_FORMAT_SHORT, u16::try_from(value.len()).unwrap_or(u16::MAX))
            }
        };
        out.extend_from_slice(&head.to_be_bytes());
        out.extend_from_slice(&value.to_be_bytes());
        if let TransformAttribute::Long { value: data, .. } = attribute {
            out.extend(data.iter().take(usize::from(value)));
        }
    }
    patch_length(out, start);
}

/// Writes the length of the substructure that starts at `start` into its third and fourth byte.
fn patch_length(out: &mut [u8], start: usize) {
    let length = u16::try_from(out.len() - start).unwrap_or(u16::MAX).to_be_bytes();
    if let Some(field) = out.get_mut(start + 2..start + 4) {
        field.copy_from_slice(&length);
    }
}
