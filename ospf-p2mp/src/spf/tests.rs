//! Next-hop cases, and walks through random graphs.

mod cases;
mod walk;

use super::*;
use crate::route::NextHop;
use crate::wire::{LinkKind, NetworkLsa, RouterFlags, RouterLink, RouterLsa};

/// Routers and networks by id.
#[derive(Default)]
pub(super) struct Topology {
    pub(super) routers: BTreeMap<Ipv4Addr, RouterLsa>,
    pub(super) networks: BTreeMap<Ipv4Addr, NetworkLsa>,
}

impl Topology {
    pub(super) fn link(
        &mut self,
        router: Ipv4Addr,
        kind: LinkKind,
        id: Ipv4Addr,
        data: Ipv4Addr,
        metric: u16,
    ) {
        let lsa = self.routers.entry(router).or_insert_with(|| RouterLsa {
            flags: RouterFlags::default(),
            links: Vec::new(),
            tos: Vec::new(),
        });
        lsa.links.push(RouterLink { kind, id, data, metric });
    }

    pub(super) fn run(&self, root: &Root) -> AreaResult {
        let routers = self.routers.iter().map(|(id, lsa)| (*id, lsa));
        let networks = self.networks.iter().map(|(id, lsa)| (*id, lsa));
        run(&Graph::new(routers, networks), root)
    }

    /// The routes to all stub networks and networks: cost and next hops.
    pub(super) fn routes(&self, result: &AreaResult) -> BTreeMap<Ipv4Net, (u32, Vec<NextHop>)> {
        let mut best: BTreeMap<Ipv4Net, (u32, Vec<Hop>)> = BTreeMap::new();
        let mut note = |prefix: Ipv4Net, cost: u32, hops: Vec<Hop>| {
            let known = best.entry(prefix).or_insert((u32::MAX, Vec::new()));
            if cost < known.0 {
                *known = (cost, hops);
            } else if cost == known.0 {
                known.1.extend(hops);
            }
        };
        for (id, lsa) in &self.routers {
            let Some(reached) = result.router(*id) else { continue };
            for link in lsa.links.iter().filter(|link| link.kind == LinkKind::STUB) {
                let prefix = Ipv4Net::with_netmask(link.id, link.data).expect("a mask");
                note(prefix, reached.cost + u32::from(link.metric), result.hops(reached).collect());
            }
        }
        for (id, lsa) in &self.networks {
            let Some(reached) = result.network(*id) else { continue };
            let prefix = Ipv4Net::with_netmask(*id, lsa.mask).expect("a mask").trunc();
            note(prefix, reached.cost, result.hops(reached).collect());
        }
        best.into_iter().map(|(prefix, (cost, hops))| (prefix, (cost, collect_next_hops(hops)))).collect()
    }
}
