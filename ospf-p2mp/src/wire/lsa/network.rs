//! Network-LSA (RFC 2328 appendix A.4.3).

use std::net::Ipv4Addr;

use bytes::Buf;

use super::decode_mask;
use crate::wire::{DecodeError, Field};

/// The routers of a network with a designated router. Point-to-multipoint has none; networks behind spokes may.
///
/// ```text
/// | network mask | attached router ... |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkLsa {
    /// Mask of the network; the link state id is the designated router's address.
    pub mask: Ipv4Addr,
    /// Router ids.
    pub routers: Vec<Ipv4Addr>,
}

impl NetworkLsa {
    /// Reads the body of a Network-LSA.
    ///
    /// # Errors
    ///
    /// When the octets are not a mask and whole router ids, or the mask has holes.
    pub fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let mask = body.try_get_u32().map_err(|_| DecodeError::Truncated(Field::NetworkLsa))?;
        let mut lsa = Self { mask: decode_mask(mask)?, routers: Vec::with_capacity(body.len() / 4) };
        if !body.len().is_multiple_of(4) {
            return Err(DecodeError::TrailingBytes(Field::NetworkLsa, body.len() % 4));
        }
        while let Ok(router) = body.try_get_u32() {
            lsa.routers.push(router.into());
        }
        Ok(lsa)
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.mask.octets());
        for router in &self.routers {
            out.extend_from_slice(&router.octets());
        }
    }
}
