//! Link State Update and Link State Acknowledgment (RFC 2328 appendices A.3.5 and A.3.6).

use bytes::{Buf, Bytes};

use super::{DecodeError, Field, LSA_HEADER_LEN, Lsa, LsaHeader};

/// Carries LSAs.
///
/// ```text
/// | number of LSAs (4) | LSA ... |
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LsUpdate {
    /// The LSAs. Their bodies are not looked into.
    pub lsas: Vec<Lsa>,
}

impl LsUpdate {
    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut buffer = body;
        let announced = buffer.try_get_u32().map_err(|_| DecodeError::Truncated(Field::LinkStateUpdate))?;
        let mut bytes = Bytes::copy_from_slice(buffer);
        let total = bytes.len();
        let mut lsas = Vec::new();
        while bytes.has_remaining() {
            let offset = total - bytes.len();
            lsas.push(Lsa::split_from(&mut bytes, offset)?);
        }
        let carried = u32::try_from(lsas.len()).unwrap_or(u32::MAX);
        if carried != announced {
            return Err(DecodeError::LsaCount { announced, carried });
        }
        Ok(Self { lsas })
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&u32::try_from(self.lsas.len()).unwrap_or(u32::MAX).to_be_bytes());
        for lsa in &self.lsas {
            lsa.encode_into(out);
        }
    }
}

/// Confirms LSAs by their headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LsAck {
    /// What arrived.
    pub headers: Vec<LsaHeader>,
}

impl LsAck {
    pub(super) fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let headers = LsaHeader::decode_list(body, Field::LinkStateAck)?;
        debug_assert!(headers.len() * LSA_HEADER_LEN == body.len(), "the list covers the body");
        Ok(Self { headers })
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        for header in &self.headers {
            header.encode_into(out);
        }
    }
}
