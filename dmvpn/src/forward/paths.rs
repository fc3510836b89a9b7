//! Ways to peers on the underlay, with the SA that packets leave by.

use std::net::{IpAddr, SocketAddr};

use ikev2::ChildId;

use super::sa::OutboundSa;
use crate::ids::{PathId, UnderlayId};
use crate::{Path, Wire};

/// One way to one peer.
#[derive(Debug)]
pub(super) struct PathEntry {
    pub(super) underlay: UnderlayId,
    pub(super) local: IpAddr,
    pub(super) remote: SocketAddr,
    pub(super) protected: bool,
    /// The SA that packets leave by.
    pub(super) outbound: Option<OutboundSa>,
    /// SAs that may be chosen again: the others of a pair of crossed ones.
    pub(super) parked: Vec<OutboundSa>,
    /// What the underlay carries to this peer, outer IP header included.
    pub(super) link_mtu: u16,
}

impl PathEntry {
    /// How a sealed (or plain) packet travels to the peer.
    pub(super) fn wire_path(&self, tos: u8, dont_fragment: bool) -> Path {
        let wire = match &self.outbound {
            Some(sa) => sa.wire(self.remote.port()),
            None => Wire::Gre,
        };
        Path { tos, dont_fragment, ..Path::new(self.local, self.remote.ip(), wire) }
    }

    /// Sends with this SA from now on; the former one is kept until it is removed.
    pub(super) fn install(&mut self, sa: OutboundSa) {
        self.parked.extend(self.outbound.replace(sa));
    }

    /// Sends with an SA again that was installed before.
    pub(super) fn select(&mut self, child: ChildId) {
        if let Some(at) = self.parked.iter().position(|sa| sa.child() == child) {
            let sa = self.parked.swap_remove(at);
            self.install(sa);
        }
    }

    /// Forgets an SA.
    pub(super) fn remove(&mut self, child: ChildId) {
        self.outbound.take_if(|sa| sa.child() == child);
        self.parked.retain(|sa| sa.child() != child);
    }

    /// An SA of this path, in use or not.
    pub(super) fn outbound(&self, child: ChildId) -> Option<&OutboundSa> {
        self.outbound.iter().chain(&self.parked).find(|sa| sa.child() == child)
    }

    /// The largest GRE packet, header included, that leaves the underlay in one piece.
    pub(super) fn largest_gre(&self) -> u16 {
        match &self.outbound {
            Some(sa) => sa.largest_payload(self.link_mtu),
            None => self.link_mtu.saturating_sub(super::ipv4::HEADER_LEN as u16),
        }
    }
}

/// All paths, by their id.
#[derive(Debug, Default)]
pub(super) struct Paths {
    slots: Vec<Option<PathEntry>>,
}

impl Paths {
    pub(super) fn entry(&self, path: PathId) -> Option<&PathEntry> {
        self.slots.get(path.index())?.as_ref()
    }

    pub(super) fn entry_mut(&mut self, path: PathId) -> Option<&mut PathEntry> {
        self.slots.get_mut(path.index())?.as_mut()
    }

    pub(super) fn insert(&mut self, path: PathId, entry: PathEntry) {
        if self.slots.len() <= path.index() {
            self.slots.resize_with(path.index() + 1, || None);
        }
        self.slots[path.index()] = Some(entry);
    }

    pub(super) fn remove(&mut self, path: PathId) -> Option<PathEntry> {
        self.slots.get_mut(path.index())?.take()
    }

    /// The link of one of our own addresses has this MTU now.
    pub(super) fn set_link_mtu_from(&mut self, local: IpAddr, mtu: u16) {
        for entry in self.slots.iter_mut().flatten().filter(|entry| entry.local == local) {
            entry.link_mtu = mtu;
        }
    }

    /// Every path to this underlay address, for news about the underlay itself.
    pub(super) fn all_with(&mut self, remote: IpAddr) -> impl Iterator<Item = &mut PathEntry> {
        self.slots.iter_mut().flatten().filter(move |entry| entry.remote.ip() == remote)
    }
}
