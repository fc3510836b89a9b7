use super::payload::{Walk, encode_chain};
use super::reader::Reader;
use super::{DecodeError, HEADER_LEN, Header, Payload, PayloadType};

/// One IKE message: a header, payloads in the clear, and at most one encrypted payload behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The header.
    pub header: Header,
    /// The payloads in the clear.
    pub payloads: Vec<Payload>,
    /// The encrypted payload.
    pub sealed: Option<Sealed>,
}

/// An encrypted payload `SK` (RFC 7296 section 3.14) or one fragment of it, `SKF` (RFC 7383 section 2.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Type of the first payload inside; of fragments only the first one says it.
    pub first: PayloadType,
    /// Fragment number and number of fragments, both from 1; `None` for `SK`.
    pub fragment: Option<(u16, u16)>,
    /// Where the body (initialisation vector, ciphertext, integrity check value) starts in the datagram. What is in
    /// front of it is authenticated, not encrypted.
    pub body_offset: usize,
    /// The body.
    pub body: Vec<u8>,
}

impl Message {
    /// Decodes a datagram.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn decode(datagram: &[u8]) -> Result<Self, DecodeError> {
        let header = Header::decode(datagram)?;
        let bytes = datagram.get(HEADER_LEN..).unwrap_or_default();
        let mut walk = Walk::new(header.next, bytes, HEADER_LEN);
        let mut payloads = Vec::new();
        let mut sealed = None;
        while let Some(raw) = walk.next()? {
            sealed = match raw.payload_type {
                PayloadType::ENCRYPTED => Some(Sealed {
                    first: raw.next,
                    fragment: None,
                    body_offset: raw.offset + 4,
                    body: raw.body.to_vec(),
                }),
                PayloadType::ENCRYPTED_FRAGMENT => {
                    let mut reader = Reader::new(raw.body, raw.offset + 4);
                    let (number, total) = (reader.u16()?, reader.u16()?);
                    if number == 0 || number > total {
                        return Err(DecodeError::FragmentNumber { number, total });
                    }
                    Some(Sealed {
                        first: raw.next,
                        fragment: Some((number, total)),
                        body_offset: reader.offset(),
                        body: reader.rest().to_vec(),
                    })
                }
                _ => {
                    payloads.push(raw.decode()?);
                    None
                }
            };
        }
        // RFC 7296 section 3.14: the encrypted payload is the last one.
        if !walk.is_at_end() {
            return Err(DecodeError::TrailingBytes { offset: walk.offset() });
        }
        Ok(Self { header, payloads, sealed })
    }

    /// Encodes the message. The header's next payload follows from the content.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let sealed_type = match &self.sealed {
            None => PayloadType::NONE,
            Some(Sealed { fragment: None, .. }) => PayloadType::ENCRYPTED,
            Some(_) => PayloadType::ENCRYPTED_FRAGMENT,
        };
        let mut out = vec![0; HEADER_LEN];
        encode_chain(&self.payloads, sealed_type, &mut out);
        if let Some(sealed) = &self.sealed {
            let extra = if sealed.fragment.is_some() { 8 } else { 4 };
            let length = u16::try_from(sealed.body.len() + extra).unwrap_or(u16::MAX);
            out.extend_from_slice(&[sealed.first.0, 0]);
            out.extend_from_slice(&length.to_be_bytes());
            if let Some((number, total)) = sealed.fragment {
                out.extend_from_slice(&number.to_be_bytes());
                out.extend_from_slice(&total.to_be_bytes());
            }
            out.extend_from_slice(&sealed.body);
        }
        let next = self.payloads.first().map_or(sealed_type, Payload::payload_type);
        let length = u32::try_from(out.len()).unwrap_or(u32::MAX);
        let header = Header { next, ..self.header }.encode(length);
        if let Some(front) = out.get_mut(..HEADER_LEN) {
            front.copy_from_slice(&header);
        }
        out
    }
}
