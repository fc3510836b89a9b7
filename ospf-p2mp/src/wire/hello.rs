//! Hello (RFC 2328 appendix A.3.2).

use std::net::Ipv4Addr;

use bytes::Buf;

use super::{DecodeError, Field, Options};

/// Keeps a neighbour alive and says whom its sender hears.
///
/// ```text
/// | network mask | hello interval (2) | options | priority | dead interval | DR | BDR | neighbour ... |
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Mask of the sender's interface.
    pub mask: Ipv4Addr,
    /// Seconds between Hellos.
    pub hello_interval: u16,
    /// Capabilities.
    pub options: Options,
    /// For designated router elections.
    pub priority: u8,
    /// Seconds of silence until a neighbour is dead.
    pub dead_interval: u32,
    /// Designated router; 0.0.0.0 on point-to-multipoint.
    pub designated_router: Ipv4Addr,
    /// Backup designated router; 0.0.0.0 on point-to-multipoint.
    pub backup_designated_router: Ipv4Addr,
    /// Router ids that the sender hears.
    pub neighbors: Vec<Ipv4Addr>,
}

impl Hello {
    /// Octets without neighbours.
    pub const FIXED_LEN: usize = 20;

    pub(super) fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let cut = |_| DecodeError::Truncated(Field::Hello);
        let mut hello = Self {
            mask: body.try_get_u32().map_err(cut)?.into(),
            hello_interval: body.try_get_u16().map_err(cut)?,
            options: Options(body.try_get_u8().map_err(cut)?),
            priority: body.try_get_u8().map_err(cut)?,
            dead_interval: body.try_get_u32().map_err(cut)?,
            designated_router: body.try_get_u32().map_err(cut)?.into(),
            backup_designated_router: body.try_get_u32().map_err(cut)?.into(),
            neighbors: Vec::with_capacity(body.len() / 4),
        };
        if !body.len().is_multiple_of(4) {
            return Err(DecodeError::TrailingBytes(Field::HelloNeighbors, body.len() % 4));
        }
        while let Ok(id) = body.try_get_u32() {
            hello.neighbors.push(id.into());
        }
        Ok(hello)
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.mask.octets());
        out.extend_from_slice(&self.hello_interval.to_be_bytes());
        out.extend_from_slice(&[self.options.0, self.priority]);
        out.extend_from_slice(&self.dead_interval.to_be_bytes());
        out.extend_from_slice(&self.designated_router.octets());
        out.extend_from_slice(&self.backup_designated_router.octets());
        for id in &self.neighbors {
            out.extend_from_slice(&id.octets());
        }
    }
}
