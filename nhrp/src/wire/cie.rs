//! Client information entries.

use std::net::IpAddr;

use bytes::Buf;

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
        let truncated = |_| DecodeError::Truncated { field: "client information entry", offset };
        let code = CieCode(buf.try_get_u8().map_err(truncated)?);
        let prefix_len = buf.try_get_u8().map_err(truncated)?;
        let unused = buf.try_get_u16().map_err(truncated)?;
        let mtu = buf.try_get_u16().map_err(truncated)?;
        let holding_time = buf.try_get_u16().map_err(truncated)?;
        let nbma_tl = buf.try_get_u8().map_err(truncated)?;
        let sub_tl = buf.try_get_u8().map_err(truncated)?;
        let protocol_len = buf.try_get_u8().map_err(truncated)?;
        let preference = buf.try_get_u8().map_err(truncated)?;
        let short = DecodeError::Truncated { field: "addresses of a client information entry", offset };
        let nbma = take(buf, usize::from(nbma_tl & 0x3f)).ok_or(short)?;
        let subaddress = take(buf, usize::from(sub_tl & 0x3f)).ok_or(short)?;
        let protocol = take(buf, usize::from(protocol_len)).ok_or(short)?;
        Ok(Cie {
            code,
            prefix_len,
            unused,
            mtu,
            holding_time,
            preference,
            nbma_type: nbma_tl & 0xc0,
            nbma,
            subaddress_type: sub_tl & 0xc0,
            subaddress,
            protocol,
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

/// Takes the next `len` bytes as an address.
pub(crate) fn take(buf: &mut &[u8], len: usize) -> Option<Address> {
    let (head, rest) = buf.split_at_checked(len)?;
    *buf = rest;
    Some(Address::from_bytes(head))
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
