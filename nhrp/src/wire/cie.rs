//! Client information entries.

use std::net::IpAddr;

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::error::DecodeError;
use crate::error::EncodeError;
use crate::wire::address::Address;
use crate::wire::code::CieCode;

/// A client information entry (RFC 2332 section 5.2.0.1):
///
/// ```text
///  0                   1                   2                   3
///  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
/// +---------------+---------------+-------------------------------+
/// |     Code      | Prefix length |            unused             |
/// +---------------+---------------+-------------------------------+
/// |              MTU              |         Holding time          |
/// +---------------+---------------+---------------+---------------+
/// | NBMA type+len | Sub  type+len | Protocol len  |  Preference   |
/// +---------------+---------------+---------------+---------------+
/// |   NBMA address, NBMA subaddress, protocol address (variable)  |
/// +---------------------------------------------------------------+
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cie {
    /// Success, or why not.
    pub code: CieCode,
    /// Prefix length in bits; 255, 0 and the host length all mean one host (RFC 2332 section 6.3, old IOS).
    pub prefix_len: u8,
    /// Reserved bits.
    pub unused: u16,
    /// MTU in bytes, a hint; 0 not said.
    pub mtu: u16,
    /// Lifetime in seconds.
    pub holding_time: u16,
    /// Higher is better.
    pub preference: u8,
    /// Top two bits of the NBMA address type and length field; zero for IP.
    pub nbma_type: u8,
    /// NBMA address; absent when the packet's source is meant.
    pub nbma: Address,
    /// Top two bits of the NBMA subaddress type and length field.
    pub subaddress_type: u8,
    /// NBMA subaddress; absent for IP.
    pub subaddress: Address,
    /// Overlay address; absent when the packet's source is meant.
    pub protocol: Address,
}

impl Cie {
    /// Bytes before the addresses.
    pub const FIXED_LEN: usize = 12;

    /// An entry with addresses, code 0 and a host prefix of the overlay address's family.
    #[must_use]
    pub fn new(nbma: Option<IpAddr>, protocol: Option<IpAddr>) -> Cie {
        Cie {
            code: CieCode::SUCCESS,
            prefix_len: match protocol {
                Some(IpAddr::V6(_)) => 128,
                _ => 32,
            },
            unused: 0,
            mtu: 0,
            holding_time: 0,
            preference: 0,
            nbma_type: 0,
            nbma: nbma.into(),
            subaddress_type: 0,
            subaddress: Address::None,
            protocol: protocol.into(),
        }
    }

    /// Prefix length in bits after the conventions for one host, for an overlay address of `host_len` bits.
    #[must_use]
    pub fn effective_prefix_len(&self, host_len: u8) -> u8 {
        if self.prefix_len == 0 || self.prefix_len > host_len { host_len } else { self.prefix_len }
    }

    /// Reads entries until `buf` is used up. `offset` is where `buf` starts in the packet.
    pub(crate) fn decode_all(mut buf: &[u8], mut offset: usize) -> Result<Vec<Cie>, DecodeError> {
        let mut entries = Vec::new();
        while !buf.is_empty() {
            let before = buf.len();
            entries.push(Cie::decode(&mut buf, offset)?);
            offset += before - buf.len();
        }
        Ok(entries)
    }

    /// Reads entries of an extension, whose structure decoding does not check; `None` if they do not fit.
    pub(crate) fn list(value: &[u8]) -> Option<Vec<Cie>> {
        Cie::decode_all(value, 0).ok()
    }

    fn decode(buf: &mut &[u8], offset: usize) -> Result<Cie, DecodeError> {
        let CieRef { fixed, nbma, subaddress, protocol } = CieRef::take(buf, offset)?;
        Ok(Cie {
            code: CieCode(fixed.code),
            prefix_len: fixed.prefix_len,
            unused: fixed.unused.get(),
            mtu: fixed.mtu.get(),
            holding_time: fixed.holding_time.get(),
            preference: fixed.preference,
            nbma_type: fixed.nbma_type_len & 0xc0,
            nbma: Address::from_bytes(nbma),
            subaddress_type: fixed.subaddress_type_len & 0xc0,
            subaddress: Address::from_bytes(subaddress),
            protocol: Address::from_bytes(protocol),
        })
    }

    /// Appends the entry to a packet or to the value of an extension.
    ///
    /// # Errors
    /// An address is longer than its length field can say.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let nbma_tl = type_and_len("NBMA address", self.nbma_type, &self.nbma)?;
        let sub_tl = type_and_len("NBMA subaddress", self.subaddress_type, &self.subaddress)?;
        let protocol_len = protocol_len("protocol address", &self.protocol)?;
        out.extend_from_slice(&[self.code.0, self.prefix_len]);
        out.extend_from_slice(&self.unused.to_be_bytes());
        out.extend_from_slice(&self.mtu.to_be_bytes());
        out.extend_from_slice(&self.holding_time.to_be_bytes());
        out.extend_from_slice(&[nbma_tl, sub_tl, protocol_len, self.preference]);
        self.nbma.put(out);
        self.subaddress.put(out);
        self.protocol.put(out);
        Ok(())
    }
}

/// The part of an entry before its addresses.
#[derive(Clone, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Fixed {
    pub(crate) code: u8,
    pub(crate) prefix_len: u8,
    unused: U16,
    pub(crate) mtu: U16,
    pub(crate) holding_time: U16,
    nbma_type_len: u8,
    subaddress_type_len: u8,
    protocol_len: u8,
    pub(crate) preference: u8,
}

/// An entry read where it lies.
#[derive(Clone, Copy)]
pub(crate) struct CieRef<'a> {
    pub(crate) fixed: &'a Fixed,
    pub(crate) nbma: &'a [u8],
    subaddress: &'a [u8],
    pub(crate) protocol: &'a [u8],
}

impl<'a> CieRef<'a> {
    /// Takes the next entry; `offset` is where `buf` starts in the packet.
    fn take(buf: &mut &'a [u8], offset: usize) -> Result<CieRef<'a>, DecodeError> {
        let truncated = DecodeError::Truncated { field: "client information entry", offset };
        let short = DecodeError::Truncated { field: "addresses of a client information entry", offset };
        let (fixed, mut rest) = Fixed::ref_from_prefix(buf).map_err(|_| truncated)?;
        let mut address = |len: u8| {
            let (head, tail) = rest.split_at_checked(usize::from(len)).ok_or(short)?;
            rest = tail;
            Ok(head)
        };
        let nbma = address(fixed.nbma_type_len & 0x3f)?;
        let subaddress = address(fixed.subaddress_type_len & 0x3f)?;
        let protocol = address(fixed.protocol_len)?;
        *buf = rest;
        Ok(CieRef { fixed, nbma, subaddress, protocol })
    }

    /// Checks entries until `buf` is used up. `offset` is where `buf` starts in the packet.
    pub(crate) fn check_all(mut buf: &'a [u8], offset: usize) -> Result<(), DecodeError> {
        let end = offset + buf.len();
        while !buf.is_empty() {
            let at = end - buf.len();
            CieRef::take(&mut buf, at)?;
        }
        Ok(())
    }

    /// Entries of a sound list.
    pub(crate) fn iter(mut buf: &'a [u8]) -> impl Iterator<Item = CieRef<'a>> + use<'a> {
        std::iter::from_fn(move || CieRef::take(&mut buf, 0).ok())
    }

    /// Appends the entry with another code, and without holding time if that is a refusal.
    pub(crate) fn put_with_code(&self, code: CieCode, out: &mut Vec<u8>) {
        let mut fixed = self.fixed.clone();
        fixed.code = code.0;
        if code != CieCode::SUCCESS {
            fixed.holding_time = U16::ZERO;
        }
        self.put(&fixed, out);
    }

    /// Appends the entry as it is.
    pub(crate) fn put_unchanged(&self, out: &mut Vec<u8>) {
        self.put(self.fixed, out);
    }

    fn put(&self, fixed: &Fixed, out: &mut Vec<u8>) {
        out.extend_from_slice(fixed.as_bytes());
        out.extend_from_slice(self.nbma);
        out.extend_from_slice(self.subaddress);
        out.extend_from_slice(self.protocol);
    }
}

pub(crate) fn type_and_len(field: &'static str, kind: u8, address: &Address) -> Result<u8, EncodeError> {
    match u8::try_from(address.len()) {
        Ok(len) if len <= 0x3f => Ok((kind & 0xc0) | len),
        _ => Err(EncodeError::AddressLength { field, len: address.len() }),
    }
}

pub(crate) fn protocol_len(field: &'static str, address: &Address) -> Result<u8, EncodeError> {
    u8::try_from(address.len()).map_err(|_| EncodeError::AddressLength { field, len: address.len() })
}
