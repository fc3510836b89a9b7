//! Database Description (RFC 2328 appendix A.3.3).

use bytes::Buf;

use super::{DecodeError, Field, LsaHeader, Options};

/// Lists what the sender's database holds.
///
/// ```text
/// | interface MTU (2) | options | 0 0 0 0 R I M MS | sequence number (4) | LSA header ... |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseDescription {
    /// Largest IP packet of the sender's interface; 0 on virtual links.
    pub mtu: u16,
    /// Capabilities.
    pub options: Options,
    /// Init, more, master.
    pub flags: DdFlags,
    /// Numbers the exchange.
    pub sequence: u32,
    /// Part of the database.
    pub headers: Vec<LsaHeader>,
}

impl DatabaseDescription {
    /// Octets without LSA headers.
    pub const FIXED_LEN: usize = 8;

    pub(super) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let cut = |_| DecodeError::Truncated(Field::DatabaseDescription);
        Ok(Self {
            mtu: body.try_get_u16().map_err(cut)?,
            options: Options(body.try_get_u8().map_err(cut)?),
            flags: DdFlags(body.try_get_u8().map_err(cut)?),
            sequence: body.try_get_u32().map_err(cut)?,
            headers: LsaHeader::decode_list(body, Field::DatabaseDescription)?,
        })
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.mtu.to_be_bytes());
        out.extend_from_slice(&[self.options.0, self.flags.0]);
        out.extend_from_slice(&self.sequence.to_be_bytes());
        for header in &self.headers {
            header.encode_into(out);
        }
    }
}

/// The flags of a Database Description. Unknown bits survive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct DdFlags(pub u8);

impl DdFlags {
    /// The sender is master.
    pub const MASTER: Self = Self(0x01);
    /// More descriptions follow.
    pub const MORE: Self = Self(0x02);
    /// The first of an exchange.
    pub const INIT: Self = Self(0x04);
    /// Out-of-band resynchronisation (RFC 4811).
    pub const RESYNC: Self = Self(0x08);

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
