//! Which NBMA address the kernel's neighbour entry of a next hop has.
//!
//! A proven next hop has its own. One that is not proven has that of the best fallback (what its route says, then the
//! tunnel's live NHS), so that its packets go through the hub meanwhile; the route stays as it is. The kernel asks
//! for next hops that it does not know, and again for those that it used for a while: that is how use is seen, and
//! how a resolution starts.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use dmvpn::forward::{Action, Punt, Route};
use dmvpn::{PathId, TunnelId};

/// How many next hops that have only a fallback are kept track of for one tunnel.
const MOST_BORROWED: usize = 4096;

/// What the kernel is to be told about a next hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Update {
    pub(super) tunnel: TunnelId,
    pub(super) next_hop: Ipv4Addr,
    pub(super) entry: Option<Entry>,
}

/// A neighbour entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathId,
    pub(super) nbma: Ipv4Addr,
    /// Whether it is the next hop's own address, or a fallback's.
    pub(super) is_direct: bool,
}

/// What is known of one tunnel.
#[derive(Debug, Default)]
struct Tunnel {
    adjacencies: BTreeMap<Ipv4Addr, PathId>,
    /// The live NHS.
    fallback: Option<Ipv4Addr>,
    /// Fallbacks of routes, by gateway.
    of_routes: BTreeMap<Ipv4Addr, Vec<Ipv4Addr>>,
    /// Next hops whose entry has a fallback's address.
    borrowed: BTreeSet<Ipv4Addr>,
}

/// All next hops, as the control plane told of them.
#[derive(Debug, Default)]
pub(super) struct NextHops {
    tunnels: BTreeMap<TunnelId, Tunnel>,
    remotes: BTreeMap<PathId, Ipv4Addr>,
    /// Which next hops a path serves.
    users: BTreeSet<(PathId, TunnelId, Ipv4Addr)>,
}

impl NextHops {
    /// Follows an action, and says which neighbour entries change by it.
    pub(super) fn follow(&mut self, action: &Action) -> Vec<Update> {
        match action {
            Action::AddPath { path, remote, .. } => {
                if let IpAddr::V4(remote) = remote.ip() {
                    self.remotes.insert(*path, remote);
                }
                Vec::new()
            }
            Action::MovePath { path, remote } => {
                let IpAddr::V4(remote) = remote.ip() else { return Vec::new() };
                match self.remotes.insert(*path, remote) {
                    Some(before) if before != remote => self.path_changed(*path),
                    _ => Vec::new(),
                }
            }
            Action::RemovePath { path } => {
                self.remotes.remove(path);
                self.path_changed(*path)
            }
            Action::AddAdjacency { tunnel, tunnel_address, path } => {
                let own = self.tunnels.entry(*tunnel).or_default();
                if let Some(before) = own.adjacencies.insert(*tunnel_address, *path) {
                    self.users.remove(&(before, *tunnel, *tunnel_address));
                }
                self.users.insert((*path, *tunnel, *tunnel_address));
                self.changed(*tunnel, *tunnel_address)
            }
            Action::RemoveAdjacency { tunnel, tunnel_address } => {
                let own = self.tunnels.entry(*tunnel).or_default();
                let Some(path) = own.adjacencies.remove(tunnel_address) else { return Vec::new() };
                own.borrowed.insert(*tunnel_address);
                self.users.remove(&(path, *tunnel, *tunnel_address));
                self.changed(*tunnel, *tunnel_address)
            }
            Action::SetFallback { tunnel, tunnel_address } => {
                self.tunnels.entry(*tunnel).or_default().fallback = *tunnel_address;
                self.borrowed_changed(*tunnel)
            }
            Action::AddRoute { route: Route::Via(hops), .. } => {
                let mut updates = Vec::new();
                for hop in hops {
                    let own = self.tunnels.entry(hop.tunnel).or_default();
                    let before = own.of_routes.insert(hop.gateway, hop.fallbacks.clone());
                    let is_borrowed = own.borrowed.contains(&hop.gateway);
                    if is_borrowed && before.as_ref() != Some(&hop.fallbacks) {
                        updates.push(self.update(hop.tunnel, hop.gateway));
                    }
                }
                updates
            }
            _ => Vec::new(),
        }
    }

    /// The kernel asks for a next hop: because it does not know it, or because it uses it.
    pub(super) fn ask(&mut self, tunnel: TunnelId, next_hop: Ipv4Addr) -> (Update, Vec<Punt>) {
        let own = self.tunnels.entry(tunnel).or_default();
        if !own.adjacencies.contains_key(&next_hop) && own.borrowed.len() < MOST_BORROWED {
            own.borrowed.insert(next_hop);
        }
        let via = self.via(tunnel, next_hop);
        let mut punts = Vec::new();
        if via != Some(next_hop) {
            punts.push(Punt::Unresolved { tunnel, next_hop });
        }
        punts.extend(via.map(|next_hop| Punt::Used { tunnel, next_hop }));
        (self.update(tunnel, next_hop), punts)
    }

    /// The kernel forgot a next hop.
    pub(super) fn forgotten(&mut self, tunnel: TunnelId, next_hop: Ipv4Addr) {
        if let Some(own) = self.tunnels.get_mut(&tunnel) {
            own.borrowed.remove(&next_hop);
        }
    }

    /// The path to the peer with this underlay address that serves next hops of a tunnel. Several peers behind one NAT
    /// address are not told apart.
    pub(super) fn path_to(&self, tunnel: TunnelId, nbma: Ipv4Addr) -> Option<PathId> {
        let adjacencies = self.tunnels.get(&tunnel)?.adjacencies.values();
        adjacencies.copied().find(|path| self.remotes.get(path) == Some(&nbma))
    }

    /// How many next hops are proven.
    pub(super) fn len(&self) -> usize {
        self.tunnels.values().map(|tunnel| tunnel.adjacencies.len()).sum()
    }

    fn path_changed(&mut self, path: PathId) -> Vec<Update> {
        let of_path = self.users.range((path, TunnelId(0), Ipv4Addr::UNSPECIFIED)..);
        let of_path: Vec<(TunnelId, Ipv4Addr)> = of_path
            .take_while(|(of, ..)| *of == path)
            .map(|(_, tunnel, next_hop)| (*tunnel, *next_hop))
            .collect();
        of_path.into_iter().flat_map(|(tunnel, next_hop)| self.changed(tunnel, next_hop)).collect()
    }

    /// What follows when a next hop's own path came, went or moved: its entry, and the entries that borrow it.
    fn changed(&mut self, tunnel: TunnelId, next_hop: Ipv4Addr) -> Vec<Update> {
        let mut updates = vec![self.update(tunnel, next_hop)];
        if let Some(own) = self.tunnels.get_mut(&tunnel)
            && updates[0].entry.is_some_and(|entry| entry.is_direct)
        {
            own.borrowed.remove(&next_hop);
        }
        updates
            .extend(self.borrowed_changed(tunnel).into_iter().filter(|update| update.next_hop != next_hop));
        updates
    }

    fn borrowed_changed(&self, tunnel: TunnelId) -> Vec<Update> {
        let Some(own) = self.tunnels.get(&tunnel) else { return Vec::new() };
        own.borrowed.iter().map(|next_hop| self.update(tunnel, *next_hop)).collect()
    }

    fn update(&self, tunnel: TunnelId, next_hop: Ipv4Addr) -> Update {
        let entry = self.via(tunnel, next_hop).and_then(|via| {
            let (path, nbma) = self.direct(tunnel, via)?;
            Some(Entry { path, nbma, is_direct: via == next_hop })
        });
        Update { tunnel, next_hop, entry }
    }

    /// Which next hop carries packets for this one: itself, or its best fallback.
    fn via(&self, tunnel: TunnelId, next_hop: Ipv4Addr) -> Option<Ipv4Addr> {
        let own = self.tunnels.get(&tunnel)?;
        let of_route = own.of_routes.get(&next_hop).map_or(&[][..], Vec::as_slice);
        core::iter::once(next_hop)
            .chain(of_route.iter().copied())
            .chain(own.fallback)
            .find(|candidate| self.direct(tunnel, *candidate).is_some())
    }

    fn direct(&self, tunnel: TunnelId, next_hop: Ipv4Addr) -> Option<(PathId, Ipv4Addr)> {
        let path = *self.tunnels.get(&tunnel)?.adjacencies.get(&next_hop)?;
        Some((path, *self.remotes.get(&path)?))
    }
}

#[cfg(test)]
mod tests;
