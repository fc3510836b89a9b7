//! AS-external-LSA and NSSA-LSA (RFC 2328 appendix A.4.5, RFC 3101 appendix A).

use std::net::Ipv4Addr;

use bytes::{Buf, Bytes};

use super::decode_mask;
use crate::wire::{DecodeError, Field};

/// How an external metric compares with ours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricType {
    /// In the same units: costs add up.
    Type1,
    /// Larger than any cost of ours.
    #[default]
    Type2,
}

/// A prefix outside of the AS.
///
/// ```text
/// | network mask | E 0 0 0 0 0 0 0 | metric (3) | forwarding address | tag | TOS metric (12) ... |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalLsa {
    /// Mask of the prefix.
    pub mask: Ipv4Addr,
    /// Type 1 or 2.
    pub metric_type: MetricType,
    /// The seven bits behind the E bit, without meaning.
    pub reserved: u8,
    /// Metric, 24 bits.
    pub metric: u32,
    /// Where packets go; 0.0.0.0 for the advertising router.
    pub forwarding: Ipv4Addr,
    /// Uninterpreted by OSPF.
    pub tag: u32,
    /// Metrics for other types of service (historic), as they came.
    pub tos: Bytes,
}

impl ExternalLsa {
    /// Reads the body of a type 5 or 7 LSA.
    ///
    /// # Errors
    ///
    /// When it is too short, not followed by whole TOS entries, or the mask has holes.
    pub fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let cut = |_| DecodeError::Truncated(Field::ExternalLsa);
        let mask = decode_mask(body.try_get_u32().map_err(cut)?)?;
        let [first, m0, m1, m2] = body.try_get_u32().map_err(cut)?.to_be_bytes();
        let forwarding = body.try_get_u32().map_err(cut)?.into();
        let tag = body.try_get_u32().map_err(cut)?;
        if !body.len().is_multiple_of(12) {
            return Err(DecodeError::TrailingBytes(Field::ExternalLsa, body.len() % 12));
        }
        Ok(Self {
            mask,
            metric_type: if first & 0x80 == 0 { MetricType::Type1 } else { MetricType::Type2 },
            reserved: first & 0x7f,
            metric: u32::from_be_bytes([0, m0, m1, m2]),
            forwarding,
            tag,
            tos: Bytes::copy_from_slice(body),
        })
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.mask.octets());
        let external = if self.metric_type == MetricType::Type2 { 0x80 } else { 0 };
        let [_, m0, m1, m2] = self.metric.to_be_bytes();
        out.extend_from_slice(&[external | self.reserved & 0x7f, m0, m1, m2]);
        out.extend_from_slice(&self.forwarding.octets());
        out.extend_from_slice(&self.tag.to_be_bytes());
        out.extend_from_slice(&self.tos);
    }
}
