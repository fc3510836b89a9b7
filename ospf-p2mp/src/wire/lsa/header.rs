//! The 20 octets in front of every LSA (RFC 2328 appendix A.4.1).

use std::cmp::Ordering;
use std::fmt;
use std::net::Ipv4Addr;

use zerocopy::byteorder::network_endian::{I32, U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::wire::{DO_NOT_AGE, DecodeError, Field, MAX_AGE, MAX_AGE_DIFF, Options};

/// Octets of an LSA header.
pub(crate) const LSA_HEADER_LEN: usize = 20;

/// An LS type by number; unknown ones are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LsaType(pub u8);

impl LsaType {
    /// Router-LSA.
    pub const ROUTER: Self = Self(1);
    /// Network-LSA.
    pub const NETWORK: Self = Self(2);
    /// Summary-LSA of a prefix.
    pub const SUMMARY: Self = Self(3);
    /// Summary-LSA of an AS boundary router.
    pub const ASBR_SUMMARY: Self = Self(4);
    /// AS-external-LSA.
    pub const AS_EXTERNAL: Self = Self(5);
    /// NSSA-LSA (RFC 3101).
    pub const NSSA: Self = Self(7);
    /// Opaque, link-local (RFC 5250).
    pub const OPAQUE_LINK: Self = Self(9);
    /// Opaque, area.
    pub const OPAQUE_AREA: Self = Self(10);
    /// Opaque, AS-wide.
    pub const OPAQUE_AS: Self = Self(11);

    /// Whether it is one of the three opaque types.
    pub fn is_opaque(self) -> bool {
        matches!(self, Self::OPAQUE_LINK | Self::OPAQUE_AREA | Self::OPAQUE_AS)
    }

    /// Whether it is flooded through the whole AS.
    pub fn is_as_wide(self) -> bool {
        matches!(self, Self::AS_EXTERNAL | Self::OPAQUE_AS)
    }
}

impl fmt::Display for LsaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ROUTER => f.write_str("Router"),
            Self::NETWORK => f.write_str("Network"),
            Self::SUMMARY => f.write_str("Summary"),
            Self::ASBR_SUMMARY => f.write_str("ASBR-summary"),
            Self::AS_EXTERNAL => f.write_str("AS-external"),
            Self::NSSA => f.write_str("NSSA-external"),
            Self(other) => write!(f, "type {other}"),
        }
    }
}

/// Names an LSA within its scope, whatever its instance. Ordered by type, link state id, advertising router.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LsaKey {
    /// LS type.
    pub ls_type: u8,
    /// Link state id.
    pub link_state_id: Ipv4Addr,
    /// Advertising router.
    pub advertising_router: Ipv4Addr,
}

impl LsaKey {
    /// Puts a key together.
    pub fn new(ls_type: u8, link_state_id: Ipv4Addr, advertising_router: Ipv4Addr) -> Self {
        Self { ls_type, link_state_id, advertising_router }
    }
}

/// The header of an LSA, enough to tell which instance is newer.
///
/// ```text
/// | age (2) | options | type | link state id | advertising router | sequence (4) | checksum (2) | length (2) |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LsaHeader {
    /// Seconds since origination, with [`DO_NOT_AGE`] as the top bit.
    pub age: u16,
    /// Capabilities.
    pub options: Options,
    /// LS type.
    pub ls_type: u8,
    /// What the LSA describes; depends on the type.
    pub link_state_id: Ipv4Addr,
    /// Who issued it.
    pub advertising_router: Ipv4Addr,
    /// Signed sequence number, from -0x7fffffff.
    pub sequence: i32,
    /// Fletcher checksum of everything but the age.
    pub checksum: u16,
    /// Octets, with the header.
    pub length: u16,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct RawLsaHeader {
    age: U16,
    options: u8,
    ls_type: u8,
    link_state_id: U32,
    advertising_router: U32,
    sequence: I32,
    checksum: U16,
    length: U16,
}

impl LsaHeader {
    /// Reads the header at the start of the bytes.
    ///
    /// # Errors
    ///
    /// When fewer than 20 octets are there.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (raw, _) =
            RawLsaHeader::read_from_prefix(bytes).map_err(|_| DecodeError::Truncated(Field::LsaHeader))?;
        Ok(Self {
            age: raw.age.get(),
            options: Options(raw.options),
            ls_type: raw.ls_type,
            link_state_id: raw.link_state_id.get().into(),
            advertising_router: raw.advertising_router.get().into(),
            sequence: raw.sequence.get(),
            checksum: raw.checksum.get(),
            length: raw.length.get(),
        })
    }

    /// Writes the header.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let raw = RawLsaHeader {
            age: U16::new(self.age),
            options: self.options.0,
            ls_type: self.ls_type,
            link_state_id: U32::new(self.link_state_id.into()),
            advertising_router: U32::new(self.advertising_router.into()),
            sequence: I32::new(self.sequence),
            checksum: U16::new(self.checksum),
            length: U16::new(self.length),
        };
        out.extend_from_slice(raw.as_bytes());
    }

    /// The name of the LSA in the database.
    pub fn key(&self) -> LsaKey {
        LsaKey::new(self.ls_type, self.link_state_id, self.advertising_router)
    }

    /// The age in seconds, without the DoNotAge bit, at most MaxAge.
    pub fn age_seconds(&self) -> u16 {
        (self.age & !DO_NOT_AGE).min(MAX_AGE)
    }

    /// Whether the LSA is on its way out.
    pub fn is_max_age(&self) -> bool {
        self.age_seconds() >= MAX_AGE
    }

    /// RFC 2328 section 13.1: `Greater` when `self` is the newer instance, `Equal` when both are the same.
    pub fn compare_instance(&self, other: &Self) -> Ordering {
        let by_number = self.sequence.cmp(&other.sequence).then(self.checksum.cmp(&other.checksum));
        if by_number.is_ne() {
            return by_number;
        }
        let by_max_age = self.is_max_age().cmp(&other.is_max_age());
        if by_max_age.is_ne() {
            return by_max_age;
        }
        if self.age_seconds().abs_diff(other.age_seconds()) > MAX_AGE_DIFF {
            return other.age_seconds().cmp(&self.age_seconds());
        }
        Ordering::Equal
    }

    pub(in crate::wire) fn decode_list(mut bytes: &[u8], field: Field) -> Result<Vec<Self>, DecodeError> {
        let rest = bytes.len() % LSA_HEADER_LEN;
        if rest != 0 {
            return Err(DecodeError::TrailingBytes(field, rest));
        }
        let mut headers = Vec::with_capacity(bytes.len() / LSA_HEADER_LEN);
        while !bytes.is_empty() {
            headers.push(Self::decode(bytes)?);
            bytes = bytes.get(LSA_HEADER_LEN..).unwrap_or_default();
        }
        Ok(headers)
    }
}
