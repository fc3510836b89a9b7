//! What LSAs say about prefixes.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::lsdb::{DbKey, Entry};
use crate::wire::{LS_INFINITY, LinkKind, LsaBody, MetricType};

/// One LSA's word about one prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) key: DbKey,
    pub(super) what: What,
}

/// The word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    /// A stub link of a router.
    Stub { metric: u16 },
    /// A network with a designated router.
    Network,
    /// A prefix of another area.
    Summary { metric: u32 },
    /// A prefix outside.
    External { metric_type: MetricType, metric: u32, forwarding: Ipv4Addr, tag: u32 },
}

impl What {
    pub(super) fn is_external(self) -> bool {
        matches!(self, Self::External { .. })
    }

    pub(super) fn has_forwarding_address(self) -> bool {
        matches!(self, Self::External { forwarding, .. } if !forwarding.is_unspecified())
    }
}

/// All prefixes that an LSA speaks of. Nothing once it is at MaxAge, or for unreachable metrics.
pub(super) fn contributions(key: &DbKey, entry: &Entry) -> Vec<(Ipv4Net, What)> {
    if entry.is_max_age() {
        return Vec::new();
    }
    let id = key.key.link_state_id;
    match &entry.body {
        LsaBody::Router(lsa) => lsa
            .links
            .iter()
            .filter(|link| link.kind == LinkKind::STUB)
            .filter_map(|link| Some((network(link.id, link.data)?, What::Stub { metric: link.metric })))
            .collect(),
        LsaBody::Network(lsa) => {
            network(id, lsa.mask).map(|prefix| (prefix, What::Network)).into_iter().collect()
        }
        LsaBody::Summary(lsa) if lsa.metric < LS_INFINITY => network(id, lsa.mask)
            .map(|prefix| (prefix, What::Summary { metric: lsa.metric }))
            .into_iter()
            .collect(),
        LsaBody::AsExternal(lsa) if lsa.metric < LS_INFINITY => {
            let what = What::External {
                metric_type: lsa.metric_type,
                metric: lsa.metric,
                forwarding: lsa.forwarding,
                tag: lsa.tag,
            };
            network(id, lsa.mask).map(|prefix| (prefix, what)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// Host bits in a link state id are masked out: some routers set them (RFC 2328 appendix E).
fn network(address: Ipv4Addr, mask: Ipv4Addr) -> Option<Ipv4Net> {
    Ipv4Net::with_netmask(address, mask).ok().map(|prefix| prefix.trunc())
}
