use core::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use thiserror::Error;

use super::DecodeError;
use super::reader::Reader;

const TS_IPV4_ADDR_RANGE: u8 = 7;
const TS_IPV6_ADDR_RANGE: u8 = 8;

/// One traffic selector (RFC 7296 section 3.13.1): type, protocol, length, port range, address range.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TrafficSelector {
    /// A range of addresses and ports of one protocol.
    Range {
        /// IP protocol; 0 is any.
        protocol: u8,
        /// First port.
        start_port: u16,
        /// Last port.
        end_port: u16,
        /// First address; of the same family as the last.
        start: IpAddr,
        /// Last address.
        end: IpAddr,
    },
    /// A type that is not known here (RFC 4595 Fibre Channel, labels): kept, never chosen.
    Unknown {
        /// The type on the wire.
        ts_type: u8,
        /// The second byte on the wire.
        protocol: u8,
        /// What follows the length.
        data: Vec<u8>,
    },
}

/// A range that is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a traffic selector's start is after its end, or the address families differ")]
pub struct SelectorError;

impl TrafficSelector {
    /// All ports of one protocol at one address.
    #[must_use]
    pub const fn host(protocol: u8, address: IpAddr) -> Self {
        Self::Range { protocol, start_port: 0, end_port: u16::MAX, start: address, end: address }
    }

    /// All ports of one protocol (0: any) in a range of addresses.
    ///
    /// # Errors
    /// When the families differ or the start is after the end.
    pub fn range(protocol: u8, start: IpAddr, end: IpAddr) -> Result<Self, SelectorError> {
        if start.is_ipv4() != end.is_ipv4() || start > end {
            return Err(SelectorError);
        }
        Ok(Self::Range { protocol, start_port: 0, end_port: u16::MAX, start, end })
    }

    /// What both cover, if anything.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let (
            Self::Range { protocol: p1, start_port: sp1, end_port: ep1, start: s1, end: e1 },
            Self::Range { protocol: p2, start_port: sp2, end_port: ep2, start: s2, end: e2 },
        ) = (self, other)
        else {
            return None;
        };
        let protocol = match (*p1, *p2) {
            (0, protocol) | (protocol, 0) => protocol,
            (a, b) if a == b => a,
            _ => return None,
        };
        if s1.is_ipv4() != s2.is_ipv4() {
            return None;
        }
        let (start, end) = (*s1.max(s2), *e1.min(e2));
        // An opaque port (start above end) only fits itself.
        let (start_port, end_port) =
            if (sp1, ep1) == (sp2, ep2) { (*sp1, *ep1) } else { (*sp1.max(sp2), *ep1.min(ep2)) };
        let opaque = (start_port, end_port) == (u16::MAX, 0);
        (start <= end && (start_port <= end_port || opaque)).then_some(Self::Range {
            protocol,
            start_port,
            end_port,
            start,
            end,
        })
    }

    /// Whether everything that `other` covers is covered by this one.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        self.intersection(other).as_ref() == Some(other)
    }

    /// The same selector for one other address: the substitution of RFC 7296 section 2.23.1. A selector that is not
    /// for a single address stays as it is.
    #[must_use]
    pub fn with_address(&self, address: IpAddr) -> Self {
        match self {
            Self::Range { protocol, start_port, end_port, start, end } if start == end => Self::Range {
                protocol: *protocol,
                start_port: *start_port,
                end_port: *end_port,
                start: address,
                end: address,
            },
            other => other.clone(),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let offset = reader.offset();
        let malformed = DecodeError::MalformedSelector { offset };
        let (ts_type, protocol, length) = (reader.u8()?, reader.u8()?, reader.u16()?);
        let body = usize::from(length).checked_sub(4).ok_or(malformed)?;
        let mut body = Reader::new(reader.take(body)?, offset + 4);
        let selector = match ts_type {
            TS_IPV4_ADDR_RANGE => Self::Range {
                protocol,
                start_port: body.u16()?,
                end_port: body.u16()?,
                start: Ipv4Addr::from(body.array::<4>()?).into(),
                end: Ipv4Addr::from(body.array::<4>()?).into(),
            },
            TS_IPV6_ADDR_RANGE => Self::Range {
                protocol,
                start_port: body.u16()?,
                end_port: body.u16()?,
                start: Ipv6Addr::from(body.array::<16>()?).into(),
                end: Ipv6Addr::from(body.array::<16>()?).into(),
            },
            _ => Self::Unknown { ts_type, protocol, data: body.rest().to_vec() },
        };
        if !body.is_empty() {
            return Err(malformed);
        }
        if let Self::Range { start_port, end_port, start, end, .. } = &selector {
            // 65535..0 means OPAQUE (RFC 7296 section 3.13.1); any other inversion is an error.
            let opaque = (*start_port, *end_port) == (u16::MAX, 0);
            if start > end || (start_port > end_port && !opaque) {
                return Err(malformed);
            }
        }
        Ok(selector)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Range { protocol, start_port, end_port, start, end } => {
                let (ts_type, length) =
                    if start.is_ipv4() { (TS_IPV4_ADDR_RANGE, 16u16) } else { (TS_IPV6_ADDR_RANGE, 40) };
                out.extend_from_slice(&[ts_type, *protocol]);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(&start_port.to_be_bytes());
                out.extend_from_slice(&end_port.to_be_bytes());
                for address in [start, end] {
                    match address {
                        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
                        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
                    }
                }
            }
            Self::Unknown { ts_type, protocol, data } => {
                let length = u16::try_from(data.len() + 4).unwrap_or(u16::MAX);
                out.extend_from_slice(&[*ts_type, *protocol]);
                out.extend_from_slice(&length.to_be_bytes());
                out.extend_from_slice(data.get(..usize::from(length) - 4).unwrap_or(data));
            }
        }
    }
}

impl fmt::Display for TrafficSelector {
    /// In the form of `show crypto ikev2 sa detail`: `192.0.2.1/0 - 192.0.2.1/65535`, with the protocol behind it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Range { protocol, start_port, end_port, start, end } => {
                write!(f, "{start}/{start_port} - {end}/{end_port} protocol {protocol}")
            }
            Self::Unknown { ts_type, .. } => write!(f, "selector type {ts_type}"),
        }
    }
}

/// Everything that both lists cover, pair by pair, without repetition (RFC 7296 section 2.9).
#[must_use]
pub fn narrow(policy: &[TrafficSelector], proposed: &[TrafficSelector]) -> Vec<TrafficSelector> {
    let mut result: Vec<TrafficSelector> = Vec::new();
    for ours in policy {
        for theirs in proposed {
            if let Some(both) = ours.intersection(theirs)
                && !result.contains(&both)
                && result.len() < super::MAX_SELECTORS
            {
                result.push(both);
            }
        }
    }
    result
}
