//! Router-LSA (RFC 2328 appendix A.4.2).

use std::net::Ipv4Addr;

use bytes::Buf;

use crate::wire::{DecodeError, Field};

/// The links of a router in one area.
///
/// ```text
/// | 0 0 0 0 0 V E B | 0 | number of links (2) | link ... |
/// link: | link id | link data | type | number of TOS | metric (2) | TOS metric (4) ... |
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouterLsa {
    /// What kind of router.
    pub flags: RouterFlags,
    /// Links, in wire order.
    pub links: Vec<RouterLink>,
    /// Metrics for other types of service (historic), in wire order; each names its link.
    pub tos: Vec<TosMetric>,
}

/// One link of a Router-LSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouterLink {
    /// What kind of link; decides what `id` and `data` mean.
    pub kind: LinkKind,
    /// Neighbour's router id, designated router's address, or the prefix's address.
    pub id: Ipv4Addr,
    /// Our address on the link (or an interface number), or the prefix's mask.
    pub data: Ipv4Addr,
    /// Cost.
    pub metric: u16,
}

impl RouterLink {
    /// A point-to-point link to a router.
    pub fn point_to_point(router: Ipv4Addr, our_address: Ipv4Addr, metric: u16) -> Self {
        Self { kind: LinkKind::POINT_TO_POINT, id: router, data: our_address, metric }
    }

    /// A stub network.
    pub fn stub(prefix: ipnet::Ipv4Net, metric: u16) -> Self {
        Self { kind: LinkKind::STUB, id: prefix.network(), data: prefix.netmask(), metric }
    }
}

/// The type of a link by number; unknown ones are kept and not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkKind(pub u8);

impl LinkKind {
    /// To another router.
    pub const POINT_TO_POINT: Self = Self(1);
    /// To a network with a designated router.
    pub const TRANSIT: Self = Self(2);
    /// To a network without other routers.
    pub const STUB: Self = Self(3);
    /// Through an area, to area 0.
    pub const VIRTUAL: Self = Self(4);
}

/// A metric for one type of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TosMetric {
    /// Index of the link it belongs to.
    pub link: u16,
    /// Type of service.
    pub tos: u8,
    /// An octet without meaning.
    pub reserved: u8,
    /// Cost.
    pub metric: u16,
}

/// The flags of a Router-LSA: the first 16 bits. Unknown ones survive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct RouterFlags(pub u16);

impl RouterFlags {
    /// Area border router.
    pub const B: Self = Self(0x0100);
    /// AS boundary router.
    pub const E: Self = Self(0x0200);
    /// Endpoint of a virtual link.
    pub const V: Self = Self(0x0400);
    /// NSSA translator (RFC 3101).
    pub const NT: Self = Self(0x1000);

    /// Whether all bits of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Both sets of bits.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl RouterLsa {
    /// Octets without links.
    pub const FIXED_LEN: usize = 4;
    /// Octets of a link without TOS metrics.
    pub const LINK_LEN: usize = 12;

    /// Reads the body of a Router-LSA.
    ///
    /// # Errors
    ///
    /// When the number of links is not that of the octets.
    pub fn decode(mut body: &[u8]) -> Result<Self, DecodeError> {
        let cut = |_| DecodeError::Truncated(Field::RouterLsa);
        let flags = RouterFlags(body.try_get_u16().map_err(cut)?);
        let announced = body.try_get_u16().map_err(cut)?;
        let mut lsa = Self { flags, links: Vec::with_capacity(body.len() / Self::LINK_LEN), tos: Vec::new() };
        for link in 0..announced {
            let short = |_| DecodeError::LinkCount { announced, carried: link };
            let id = body.try_get_u32().map_err(short)?.into();
            let data = body.try_get_u32().map_err(short)?.into();
            let kind = LinkKind(body.try_get_u8().map_err(short)?);
            let tos_count = body.try_get_u8().map_err(short)?;
            let metric = body.try_get_u16().map_err(short)?;
            lsa.links.push(RouterLink { kind, id, data, metric });
            for _ in 0..tos_count {
                lsa.tos.push(TosMetric {
                    link,
                    tos: body.try_get_u8().map_err(short)?,
                    reserved: body.try_get_u8().map_err(short)?,
                    metric: body.try_get_u16().map_err(short)?,
                });
            }
        }
        if body.has_remaining() {
            return Err(DecodeError::TrailingBytes(Field::RouterLsa, body.len()));
        }
        Ok(lsa)
    }

    pub(super) fn encode_into(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.flags.0.to_be_bytes());
        // More than 5,460 links make the LSA too long, which `Lsa::new` refuses.
        out.extend_from_slice(&u16::try_from(self.links.len()).unwrap_or(u16::MAX).to_be_bytes());
        let mut tos = self.tos.iter().peekable();
        for (index, link) in self.links.iter().enumerate() {
            out.extend_from_slice(&link.id.octets());
            out.extend_from_slice(&link.data.octets());
            let count_at = out.len() + 1;
            out.extend_from_slice(&[link.kind.0, 0]);
            out.extend_from_slice(&link.metric.to_be_bytes());
            let mut count = 0u8;
            while let Some(metric) =
                tos.next_if(|metric| usize::from(metric.link) == index && count < u8::MAX)
            {
                out.extend_from_slice(&[metric.tos, metric.reserved]);
                out.extend_from_slice(&metric.metric.to_be_bytes());
                count += 1;
            }
            if let Some(place) = out.get_mut(count_at) {
                *place = count;
            }
        }
    }
}
