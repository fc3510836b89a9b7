//! The underlay paths that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::io::PathId;

/// Overlay addresses remembered per path: a peer has one, or two with IPv6.
const MAX_PEERS: usize = 8;

/// One path.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// Outer address of its peer.
    pub(super) nbma: IpAddr,
    /// The embedder says that packets get through.
    pub(super) proven: bool,
    /// Authenticated identity of its peer.
    pub(super) identity: Option<Box<[u8]>>,
    /// Overlay addresses of its peer, as far as packets told them.
    pub(super) peers: Vec<IpAddr>,
    /// This node asked for it.
    pub(super) requested: bool,
}

/// All paths, and those that are being made.
#[derive(Debug, Default)]
pub(super) struct Paths {
    paths: BTreeMap<PathId, Path>,
    by_nbma: BTreeSet<(IpAddr, PathId)>,
    /// Addresses that a `Connect` is under way for.
    pub(super) connecting: BTreeSet<IpAddr>,
    /// Failed tries in a row for addresses that are always wanted.
    pub(super) failures: BTreeMap<IpAddr, u32>,
}

impl Paths {
    pub(super) fn get(&self, id: PathId) -> Option<&Path> {
        self.paths.get(&id)
    }

    pub(super) fn insert(&mut self, id: PathId, path: Path) {
        let nbma = path.nbma;
        if let Some(before) = self.paths.insert(id, path) {
            self.by_nbma.remove(&(before.nbma, id));
        }
        self.by_nbma.insert((nbma, id));
    }

    pub(super) fn remove(&mut self, id: PathId) -> Option<Path> {
        let path = self.paths.remove(&id)?;
        self.by_nbma.remove(&(path.nbma, id));
        Some(path)
    }

    /// Paths to an underlay address, oldest handle first.
    pub(super) fn at(&self, nbma: IpAddr) -> impl Iterator<Item = (PathId, &Path)> + '_ {
        self.by_nbma
            .range((nbma, PathId(0))..=(nbma, PathId(u64::MAX)))
            .filter_map(|(_, id)| Some((*id, self.paths.get(id)?)))
    }

    pub(super) fn identity(&self, id: PathId) -> Option<&[u8]> {
        self.paths.get(&id)?.identity.as_deref()
    }

    /// A packet over this path came from the owner of this overlay address.
    pub(super) fn bind(&mut self, id: PathId, address: IpAddr) {
        if let Some(path) = self.paths.get_mut(&id)
            && !path.peers.contains(&address)
            && path.peers.len() < MAX_PEERS
        {
            path.peers.push(address);
        }
    }

    /// A path for a next hop that has no alternative (server, static map): its own if one is known, else the oldest.
    pub(super) fn for_static(&self, nbma: IpAddr, address: Option<IpAddr>) -> Option<PathId> {
        self.at(nbma)
            .find(|(_, path)| address.is_some_and(|address| path.peers.contains(&address)))
            .or_else(|| self.at(nbma).next())
            .map(|(id, _)| id)
    }

    /// A direct path for a resolved next hop, and whether it must be probed before use.
    ///
    /// The only path to an address is its owner's. Where spokes may share the address (NAT), only a packet or a probe tells
    /// whose path it is; `rejected` are those that were found to be somebody else's.
    pub(super) fn for_dynamic(
        &self,
        nbma: IpAddr,
        address: IpAddr,
        behind_nat: bool,
        rejected: &[PathId],
    ) -> Option<(PathId, bool)> {
        if let Some((id, path)) = self.at(nbma).find(|(_, path)| path.peers.contains(&address)) {
            return Some((id, !path.proven));
        }
        // Two paths of one authenticated peer (crossed key exchanges) are as good as one.
        let first = self.at(nbma).next().map(|(_, path)| path.identity.as_deref());
        let several = self
            .at(nbma)
            .skip(1)
            .any(|(_, path)| path.identity.is_none() || Some(path.identity.as_deref()) != first);
        let candidates = || self.at(nbma).filter(|(id, _)| !rejected.contains(id));
        let (id, path) =
            candidates().find(|(_, path)| path.peers.is_empty()).or_else(|| candidates().next())?;
        Some((id, several || behind_nat || !path.proven))
    }
}
