use core::fmt;
use std::net::IpAddr;

use super::IdType;

/// Who somebody claims to be (RFC 7296 section 3.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Identity {
    /// `ID_IPV4_ADDR` or `ID_IPV6_ADDR`.
    Address(IpAddr),
    /// `ID_FQDN`.
    Fqdn(String),
    /// `ID_RFC822_ADDR`.
    Email(String),
    /// `ID_KEY_ID`.
    KeyId(Vec<u8>),
    /// Any other type, or a known type with unusual content.
    Other {
        /// The type on the wire.
        id_type: IdType,
        /// The data.
        data: Vec<u8>,
    },
}

impl Identity {
    /// Gives meaning to type and data.
    #[must_use]
    pub fn from_wire(id_type: IdType, data: &[u8]) -> Self {
        let other = || Self::Other { id_type, data: data.to_vec() };
        let text = || core::str::from_utf8(data).ok().filter(|text| !text.is_empty()).map(str::to_owned);
        match id_type {
            IdType::IPV4_ADDR => {
                <[u8; 4]>::try_from(data).map_or_else(|_| other(), |octets| Self::Address(octets.into()))
            }
            IdType::IPV6_ADDR => {
                <[u8; 16]>::try_from(data).map_or_else(|_| other(), |octets| Self::Address(octets.into()))
            }
            IdType::FQDN => text().map_or_else(other, Self::Fqdn),
            IdType::RFC822_ADDR => text().map_or_else(other, Self::Email),
            IdType::KEY_ID => Self::KeyId(data.to_vec()),
            _ => other(),
        }
    }

    /// The type and data on the wire.
    #[must_use]
    pub fn to_wire(&self) -> (IdType, Vec<u8>) {
        match self {
            Self::Address(IpAddr::V4(address)) => (IdType::IPV4_ADDR, address.octets().to_vec()),
            Self::Address(IpAddr::V6(address)) => (IdType::IPV6_ADDR, address.octets().to_vec()),
            Self::Fqdn(name) => (IdType::FQDN, name.as_bytes().to_vec()),
            Self::Email(name) => (IdType::RFC822_ADDR, name.as_bytes().to_vec()),
            Self::KeyId(data) => (IdType::KEY_ID, data.clone()),
            Self::Other { id_type, data } => (*id_type, data.clone()),
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            // A peer chose these characters: nothing that moves a cursor gets out.
            Self::Fqdn(name) | Self::Email(name) => write!(f, "{}", name.escape_debug()),
            Self::KeyId(data) => write!(f, "key-id {}", data.escape_ascii()),
            Self::Other { id_type, data } => write!(f, "{id_type} {}", data.escape_ascii()),
        }
    }
}

/// The body of an identification payload. Its bytes are covered by AUTH, the reserved ones included, so they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identification {
    /// The identity.
    pub identity: Identity,
    /// Three reserved bytes; zero when sent.
    pub reserved: [u8; 3],
}

impl Identification {
    /// With reserved bytes zero.
    #[must_use]
    pub const fn new(identity: Identity) -> Self {
        Self { identity, reserved: [0; 3] }
    }

    /// The payload's body, without the generic header: what `prf(SK_p, ID)` covers.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let (id_type, data) = self.identity.to_wire();
        let mut body = Vec::with_capacity(4 + data.len());
        body.push(id_type.0);
        body.extend_from_slice(&self.reserved);
        body.extend_from_slice(&data);
        body
    }
}
