//! Summary-LSA, types 3 and 4 (RFC 2328 appendix A.4.4).

use std::net::Ipv4Addr;

use bytes::{Buf, Bytes};

use super::decode_mask;
use crate::wire::{DecodeError, Field};

/// A prefix (type 3) or an AS boundary router (type 4) of another area.
///
/// ```text
/// | network mask | 0 | metric (3) | TOS, metric (4) ... |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SummaryLsa {
    /// Mask of the prefix; zero in type 4.
    pub mask: Ipv4Addr,
    /// An octet without meaning.
    pub reserved: u8,
    /// Cost from the advertising router, 24 bits.
    pub metric: u32,
    /// Metrics for other types of service (historic), as they came.
    pub tos: Bytes,
}

impl SummaryLsa {
    /// One without TOS metrics.
    pub fn new(mask: Ipv4Addr, metric: u32) -> Self {
        Self { mask, reserved: 0, metric, tos: Bytes::new() }
    }

    /// Reads the body of a type 3 (`mask_matters`) or type 4 Summary-LSA.
    ///
    /// # Errors
    ///
    /// When it is too short or not a multiple of four octets, or the mask has holes.
    pub fn decode(mut body: &[u8], mask_matters: bool) -> Result<Self, DecodeError> {
        let cut = |_| DecodeError::Truncated(Field::SummaryLsa);
        let mask = body.try_get_u32().map_err(cut)?;
        let mask = if mask_matters { decode_mask(mask)? } else { mask.into() };
        let [reserved, m0, m1, m2] = body.try_get_u32().map_err(cut)?.to_be_bytes();
        if !body.len().is_multiple_of(4) {
            return Err(DecodeError::TrailingBytes(Field::SummaryLsa, body.len() % 4));
        }
        let metric = u32::from_be_bytes([0, m0, m1, m2]);
        Ok(Self { mask, reserved, metric, tos: Bytes::copy_from_slice(body) })
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.mask.octets());
        let [_, m0, m1, m2] = self.metric.to_be_bytes();
        out.extend_from_slice(&[self.reserved, m0, m1, m2]);
        out.extend_from_slice(&self.tos);
    }
}
