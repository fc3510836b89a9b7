//! What the benchmark `figures` measures and nobody else should use.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;

use crate::id::InterfaceId;
use crate::spf::{Graph, Root, RootInterface, RootInterfaceKind, run};
use crate::wire::{LinkKind, RouterFlags, RouterLink, RouterLsa};

/// The Router-LSAs of a hub and its spokes, seen by the first spoke.
#[derive(Debug)]
pub struct Star {
    lsas: BTreeMap<Ipv4Addr, RouterLsa>,
    root: Root,
}

impl Star {
    /// A star of so many spokes, each with its address and a link to the hub.
    pub fn new(spokes: u32) -> Self {
        let hub = Ipv4Addr::new(10, 0, 0, 1);
        let mut lsas: BTreeMap<Ipv4Addr, RouterLsa> = BTreeMap::new();
        let mut link = |router: Ipv4Addr, kind, id, data, metric| {
            let lsa = lsas.entry(router).or_insert_with(|| RouterLsa {
                flags: RouterFlags::default(),
                links: Vec::new(),
                tos: Vec::new(),
            });
            lsa.links.push(RouterLink { kind, id, data, metric });
        };
        for number in 0..spokes {
            let spoke = Ipv4Addr::from(u32::from(hub) + 1 + number);
            link(hub, LinkKind::POINT_TO_POINT, spoke, hub, 10);
            link(spoke, LinkKind::POINT_TO_POINT, hub, spoke, 10);
            link(spoke, LinkKind::STUB, spoke, Ipv4Addr::BROADCAST, 0);
        }
        let own = Ipv4Addr::new(10, 0, 0, 2);
        let cloud = RootInterface {
            id: InterfaceId(0),
            address: own,
            prefix: Ipv4Net::new(hub, 16).unwrap_or_default().trunc(),
            kind: RootInterfaceKind::Cloud,
            cost: None,
        };
        let neighbors = BTreeMap::from([((0, hub), hub)]);
        Self { lsas, root: Root { router_id: own, interfaces: vec![cloud], neighbors } }
    }

    /// Runs SPF, with the gateways of all paths, and gives the number of routers reached.
    pub fn run(&self) -> usize {
        let routers = self.lsas.iter().map(|(id, lsa)| (*id, lsa));
        run(&Graph::new(routers, std::iter::empty()), &self.root).routers().count()
    }
}
