//! The 24 octets in front of every packet (RFC 2328 appendix A.3.1).

use std::fmt;
use std::net::Ipv4Addr;

use zerocopy::byteorder::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::{DecodeError, Field, PacketType};
use crate::id::AreaId;

/// Octets of the header.
pub const HEADER_LEN: usize = 24;

/// Where the authentication octets stand.
pub(crate) fn auth_offsets() -> std::ops::Range<usize> {
    16..24
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(super) struct RawHeader {
    pub(super) version: u8,
    pub(super) packet_type: u8,
    pub(super) length: U16,
    pub(super) router_id: U32,
    pub(super) area: U32,
    pub(super) checksum: U16,
    pub(super) au_type: U16,
    pub(super) auth: [u8; 8],
}

/// A header whose lengths and numbers hold.
pub(super) struct Header {
    pub(super) packet_type: PacketType,
    pub(super) length: usize,
    pub(super) router_id: Ipv4Addr,
    pub(super) area: AreaId,
    pub(super) auth: AuthField,
}

impl Header {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (raw, _) =
            RawHeader::read_from_prefix(bytes).map_err(|_| DecodeError::Truncated(Field::PacketHeader))?;
        if raw.version != 2 {
            return Err(DecodeError::Version(raw.version));
        }
        let packet_type = PacketType::from_wire(raw.packet_type)?;
        let length = usize::from(raw.length.get());
        if length < HEADER_LEN || length > bytes.len() {
            return Err(DecodeError::PacketLength { length: raw.length.get(), available: bytes.len() });
        }
        Ok(Self {
            packet_type,
            length,
            router_id: Ipv4Addr::from(raw.router_id.get()),
            area: AreaId(Ipv4Addr::from(raw.area.get())),
            auth: AuthField::from_wire(raw.au_type.get(), raw.auth),
        })
    }
}

/// The authentication type and the eight octets that go with it (RFC 2328 appendix D).
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthField {
    /// AuType 0. The octets mean nothing.
    Null([u8; 8]),
    /// AuType 1: a password in the clear.
    Simple([u8; 8]),
    /// AuType 2: a digest follows the packet.
    Cryptographic {
        /// The first two octets, zero in practice.
        reserved: u16,
        /// Which key.
        key_id: u8,
        /// Octets of the digest.
        digest_len: u8,
        /// Never decreases.
        sequence: u32,
    },
    /// Any other type.
    Unknown {
        /// AuType.
        au_type: u16,
        /// The octets.
        data: [u8; 8],
    },
}

impl AuthField {
    /// The number of the authentication type.
    pub fn au_type(&self) -> u16 {
        match self {
            Self::Null(_) => 0,
            Self::Simple(_) => 1,
            Self::Cryptographic { .. } => 2,
            Self::Unknown { au_type, .. } => *au_type,
        }
    }

    fn from_wire(au_type: u16, data: [u8; 8]) -> Self {
        let [r0, r1, key_id, digest_len, s0, s1, s2, s3] = data;
        match au_type {
            0 => Self::Null(data),
            1 => Self::Simple(data),
            2 => Self::Cryptographic {
                reserved: u16::from_be_bytes([r0, r1]),
                key_id,
                digest_len,
                sequence: u32::from_be_bytes([s0, s1, s2, s3]),
            },
            _ => Self::Unknown { au_type, data },
        }
    }

    pub(super) fn to_wire(self) -> [u8; 8] {
        match self {
            Self::Null(data) | Self::Simple(data) | Self::Unknown { data, .. } => data,
            Self::Cryptographic { reserved, key_id, digest_len, sequence } => {
                let [r0, r1] = reserved.to_be_bytes();
                let [s0, s1, s2, s3] = sequence.to_be_bytes();
                [r0, r1, key_id, digest_len, s0, s1, s2, s3]
            }
        }
    }
}

impl fmt::Debug for AuthField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null(data) => f.debug_tuple("Null").field(data).finish(),
            // The password is a secret although it travels in the clear.
            Self::Simple(_) => f.write_str("Simple([redacted])"),
            Self::Cryptographic { key_id, digest_len, sequence, .. } => f
                .debug_struct("Cryptographic")
                .field("key_id", key_id)
                .field("digest_len", digest_len)
                .field("sequence", sequence)
                .finish_non_exhaustive(),
            Self::Unknown { au_type, .. } => {
                f.debug_struct("Unknown").field("au_type", au_type).finish_non_exhaustive()
            }
        }
    }
}
