//! Link State Request (RFC 2328 appendix A.3.4).

use std::net::Ipv4Addr;

use bytes::Buf;

use super::{DecodeError, Field, LsaKey};

/// Asks for LSAs by name.
///
/// ```text
/// | LS type (4) | link state id | advertising router | ...
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LsRequest {
    /// What is asked for.
    pub entries: Vec<RequestEntry>,
}

/// One LSA asked for. The type has 32 bits here and eight in the LSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestEntry {
    /// LS type.
    pub ls_type: u32,
    /// Link state id.
    pub link_state_id: Ipv4Addr,
    /// Advertising router.
    pub advertising_router: Ipv4Addr,
}

impl RequestEntry {
    /// Octets of an entry.
    pub const LEN: usize = 12;

    /// The database key, if the type is one that an LSA can have.
    pub fn key(&self) -> Option<LsaKey> {
        let ls_type = u8::try_from(self.ls_type).ok()?;
        Some(LsaKey::new(ls_type, self.link_state_id, self.advertising_router))
    }
}

impl From<LsaKey> for RequestEntry {
    fn from(key: LsaKey) -> Self {
        Self {
            ls_type: u32::from(key.ls_type),
            link_state_id: key.link_state_id,
            advertising_router: key.advertising_router,
        }
    }
}

impl LsRequest {
    pub(super) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let rest = body.len() % RequestEntry::LEN;
        if rest != 0 {
            return Err(DecodeError::TrailingBytes(Field::LinkStateRequest, rest));
        }
        let cut = |_| DecodeError::Truncated(Field::LinkStateRequest);
        let mut entries = Vec::with_capacity(body.len() / RequestEntry::LEN);
        while body.has_remaining() {
            entries.push(RequestEntry {
                ls_type: body.try_get_u32().map_err(cut)?,
                link_state_id: body.try_get_u32().map_err(cut)?.into(),
                advertising_router: body.try_get_u32().map_err(cut)?.into(),
            });
        }
        Ok(Self { entries })
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        for entry in &self.entries {
            out.extend_from_slice(&entry.ls_type.to_be_bytes());
            out.extend_from_slice(&entry.link_state_id.octets());
            out.extend_from_slice(&entry.advertising_router.octets());
        }
    }
}
