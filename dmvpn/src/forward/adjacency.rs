//! Next hops on tunnels and whether packets can go to them now.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::ids::{PathId, TunnelId};

/// How often an unresolved or a used next hop is reported to the control plane.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// Index of an adjacency; routes carry it so that a packet needs no look-up by address.
pub(super) type AdjacencyIndex = u32;

/// One next hop.
#[derive(Debug, Clone)]
pub(super) struct Adjacency {
    pub(super) tunnel: TunnelId,
    pub(super) address: Ipv4Addr,
    /// The proven path, if there is one.
    pub(super) path: Option<PathId>,
    /// How many routes name this next hop.
    routes: u32,
    reported: Option<Instant>,
}

impl Adjacency {
    /// Whether it is time to report this next hop again.
    pub(super) fn report_is_due(&mut self, now: Instant) -> bool {
        let due = self.reported.is_none_or(|at| now.saturating_duration_since(at) >= REPORT_INTERVAL);
        if due {
            self.reported = Some(now);
        }
        due
    }
}

/// All adjacencies.
#[derive(Debug, Default)]
pub(super) struct Adjacencies {
    slots: Vec<Option<Adjacency>>,
    free: Vec<AdjacencyIndex>,
    by_address: HashMap<(TunnelId, Ipv4Addr), AdjacencyIndex>,
}

impl Adjacencies {
    pub(super) fn find(&self, tunnel: TunnelId, address: Ipv4Addr) -> Option<AdjacencyIndex> {
        self.by_address.get(&(tunnel, address)).copied()
    }

    pub(super) fn entry_mut(&mut self, index: AdjacencyIndex) -> Option<&mut Adjacency> {
        self.slots.get_mut(index as usize)?.as_mut()
    }

    pub(super) fn path(&self, index: AdjacencyIndex) -> Option<PathId> {
        self.slots.get(index as usize)?.as_ref()?.path
    }

    pub(super) fn path_to(&self, tunnel: TunnelId, address: Ipv4Addr) -> Option<PathId> {
        self.path(self.find(tunnel, address)?)
    }

    /// Says that packets for `address` may take `path`, or that they may not.
    pub(super) fn set_path(&mut self, tunnel: TunnelId, address: Ipv4Addr, path: Option<PathId>) {
        let index = match (self.find(tunnel, address), path) {
            (Some(index), _) => index,
            (None, Some(_)) => self.add(tunnel, address),
            (None, None) => return,
        };
        if let Some(adjacency) = self.entry_mut(index) {
            adjacency.path = path;
            adjacency.reported = None;
        }
        self.drop_unused(index);
    }

    /// The adjacency for a route's next hop.
    pub(super) fn acquire(&mut self, tunnel: TunnelId, address: Ipv4Addr) -> AdjacencyIndex {
        let index = self.find(tunnel, address).unwrap_or_else(|| self.add(tunnel, address));
        if let Some(adjacency) = self.entry_mut(index) {
            adjacency.routes += 1;
        }
        index
    }

    /// A route that named this adjacency is gone.
    pub(super) fn release(&mut self, index: AdjacencyIndex) {
        if let Some(adjacency) = self.entry_mut(index) {
            adjacency.routes = adjacency.routes.saturating_sub(1);
        }
        self.drop_unused(index);
    }

    fn add(&mut self, tunnel: TunnelId, address: Ipv4Addr) -> AdjacencyIndex {
        let adjacency = Some(Adjacency { tunnel, address, path: None, routes: 0, reported: None });
        let index = match self.free.pop() {
            Some(index) => {
                self.slots[index as usize] = adjacency;
                index
            }
            None => {
                self.slots.push(adjacency);
                AdjacencyIndex::try_from(self.slots.len() - 1)
                    .expect("fewer than 2^32 adjacencies fit in memory")
            }
        };
        self.by_address.insert((tunnel, address), index);
        index
    }

    fn drop_unused(&mut self, index: AdjacencyIndex) {
        let slot = &mut self.slots[index as usize];
        if let Some(unused) = slot.take_if(|adjacency| adjacency.path.is_none() && adjacency.routes == 0) {
            self.by_address.remove(&(unused.tunnel, unused.address));
            self.free.push(index);
        }
    }
}
