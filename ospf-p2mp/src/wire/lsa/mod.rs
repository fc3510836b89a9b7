//! Link state advertisements (RFC 2328 appendix A.4).

mod external;
mod header;
mod network;
mod router;
mod summary;

use std::net::Ipv4Addr;

use bytes::{Buf, Bytes};

use super::checksum::fletcher;
use super::{DecodeError, Field, Options, TooLong};

pub use external::{ExternalLsa, MetricType};
pub(crate) use header::LSA_HEADER_LEN;
pub use header::{LsaHeader, LsaKey, LsaType};
pub use network::NetworkLsa;
pub use router::{LinkKind, RouterFlags, RouterLink, RouterLsa, TosMetric};
pub use summary::SummaryLsa;

/// An LSA: a header and a body that is kept as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lsa {
    /// The header.
    pub header: LsaHeader,
    /// The octets behind the header.
    pub body: Bytes,
}

/// The contents of an LSA.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LsaBody {
    /// Type 1.
    Router(RouterLsa),
    /// Type 2.
    Network(NetworkLsa),
    /// Type 3: a prefix in another area.
    Summary(SummaryLsa),
    /// Type 4: an AS boundary router in another area.
    AsbrSummary(SummaryLsa),
    /// Type 5.
    AsExternal(ExternalLsa),
    /// Type 7.
    Nssa(ExternalLsa),
    /// Any other type. Opaque LSAs are not looked into.
    Other(Bytes),
}

impl LsaBody {
    /// Writes the body.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        match self {
            Self::Router(body) => body.encode_into(&mut out),
            Self::Network(body) => body.encode_into(&mut out),
            Self::Summary(body) | Self::AsbrSummary(body) => body.encode_into(&mut out),
            Self::AsExternal(body) | Self::Nssa(body) => body.encode_into(&mut out),
            Self::Other(body) => return body.clone(),
        }
        out.into()
    }
}

impl Lsa {
    /// Makes an LSA of age 0 with length and checksum.
    ///
    /// # Errors
    ///
    /// [`TooLong`] when header and body exceed 65,535 octets.
    pub fn new(key: LsaKey, options: Options, sequence: i32, body: Bytes) -> Result<Self, TooLong> {
        let octets = body.len() + LSA_HEADER_LEN;
        let length = u16::try_from(octets).map_err(|_| TooLong { what: Field::Lsa, octets })?;
        let mut lsa = Self {
            header: LsaHeader {
                age: 0,
                options,
                ls_type: key.ls_type,
                link_state_id: key.link_state_id,
                advertising_router: key.advertising_router,
                sequence,
                checksum: 0,
                length,
            },
            body,
        };
        lsa.header.checksum = lsa.compute_checksum();
        Ok(lsa)
    }

    /// Reads one LSA that fills the bytes.
    ///
    /// # Errors
    ///
    /// When the length field is not that of the bytes or no valid length.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut buffer = Bytes::copy_from_slice(bytes);
        let lsa = Self::split_from(&mut buffer, 0)?;
        if buffer.has_remaining() {
            return Err(DecodeError::TrailingBytes(Field::Lsa, buffer.len()));
        }
        Ok(lsa)
    }

    /// Writes header and body.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        self.header.encode_into(out);
        out.extend_from_slice(&self.body);
    }

    /// The name of the LSA in the database.
    pub fn key(&self) -> LsaKey {
        self.header.key()
    }

    /// Octets on the wire.
    pub fn wire_len(&self) -> usize {
        LSA_HEADER_LEN + self.body.len()
    }

    /// Whether the Fletcher checksum holds. Zero never does (RFC 2328 section 12.1.7).
    pub fn checksum_is_valid(&self) -> bool {
        self.header.checksum != 0 && self.header.checksum == self.compute_checksum()
    }

    /// Reads the contents.
    ///
    /// # Errors
    ///
    /// The first rule of RFC 2328 appendix A.4 that the body breaks.
    pub fn decode_body(&self) -> Result<LsaBody, DecodeError> {
        let body = self.body.as_ref();
        Ok(match LsaType(self.header.ls_type) {
            LsaType::ROUTER => LsaBody::Router(RouterLsa::decode(body)?),
            LsaType::NETWORK => LsaBody::Network(NetworkLsa::decode(body)?),
            LsaType::SUMMARY => LsaBody::Summary(SummaryLsa::decode(body, true)?),
            LsaType::ASBR_SUMMARY => LsaBody::AsbrSummary(SummaryLsa::decode(body, false)?),
            LsaType::AS_EXTERNAL => LsaBody::AsExternal(ExternalLsa::decode(body)?),
            LsaType::NSSA => LsaBody::Nssa(ExternalLsa::decode(body)?),
            _ => LsaBody::Other(self.body.clone()),
        })
    }

    pub(super) fn split_from(bytes: &mut Bytes, offset: usize) -> Result<Self, DecodeError> {
        let header = LsaHeader::decode(bytes)?;
        let length = usize::from(header.length);
        if length < LSA_HEADER_LEN || length % 4 != 0 || length > bytes.len() {
            return Err(DecodeError::LsaLength { length: header.length, offset });
        }
        let body = bytes.split_to(length).split_off(LSA_HEADER_LEN);
        Ok(Self { header, body })
    }

    fn compute_checksum(&self) -> u16 {
        let mut head = Vec::with_capacity(LSA_HEADER_LEN);
        self.header.encode_into(&mut head);
        // The age (2 octets) is not covered; the checksum field is octets 16 and 17.
        let covered = head.get(2..16).unwrap_or_default();
        let mut tail = Vec::with_capacity(2 + self.body.len());
        tail.extend_from_slice(head.get(18..).unwrap_or_default());
        tail.extend_from_slice(&self.body);
        fletcher(covered, &tail)
    }
}

/// Reads a network mask, which must be contiguous.
fn decode_mask(value: u32) -> Result<Ipv4Addr, DecodeError> {
    if value.leading_ones() + value.trailing_zeros() >= 32 {
        Ok(Ipv4Addr::from(value))
    } else {
        Err(DecodeError::Mask(value))
    }
}
