//! The underlay paths that exist, and who uses them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::io::PathId;
use crate::node::few::Few;

/// Overlay addresses remembered per path: a peer has one, or two with IPv6.
const MAX_PEERS: usize = 8;

/// One path.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// Outer address of its peer.
    pub(super) nbma: IpAddr,
    /// The embedder announced it. What came by another one is answered to where it came from.
    announced: bool,
    /// The embedder says that packets get through.
    pub(super) proven: bool,
    /// This node asked for it.
    pub(super) requested: bool,
    /// It gets copies of multicast by configuration.
    pub(super) is_static_member: bool,
    /// It gets copies of multicast, since this time.
    pub(super) member_since: Option<Instant>,
    /// Authenticated identity of its peer.
    pub(super) identity: Option<Arc<[u8]>>,
    /// Overlay addresses of its peer, as far as packets told them.
    pub(super) peers: Few,
    /// Cache entries that use it.
    users: Few,
}

impl Path {
    fn unannounced(nbma: IpAddr) -> Path {
        Path {
            nbma,
            announced: false,
            proven: false,
            requested: false,
            is_static_member: false,
            member_since: None,
            identity: None,
            peers: Few::None,
            users: Few::None,
        }
    }

    /// Cache entries that use it.
    pub(super) fn users(&self) -> &[IpAddr] {
        self.users.as_slice()
    }
}

/// All paths, and those that are being made.
#[derive(Debug, Default)]
pub(super) struct Paths {
    paths: BTreeMap<PathId, Box<Path>>,
    by_nbma: BTreeSet<(IpAddr, PathId)>,
    /// Addresses that a `Connect` is under way for.
    pub(super) connecting: BTreeSet<IpAddr>,
    /// Failed tries in a row for addresses that are always wanted.
    pub(super) failures: BTreeMap<IpAddr, u32>,
}

impl Paths {
    /// A path that the embedder announced.
    pub(super) fn get(&self, id: PathId) -> Option<&Path> {
        self.any(id).filter(|path| path.announced)
    }

    /// A path, announced or not.
    pub(super) fn any(&self, id: PathId) -> Option<&Path> {
        self.paths.get(&id).map(Box::as_ref)
    }

    pub(super) fn any_mut(&mut self, id: PathId) -> Option<&mut Path> {
        self.paths.get_mut(&id).map(Box::as_mut)
    }

    /// Every path, announced or not.
    pub(super) fn iter(&self) -> impl Iterator<Item = (PathId, &Path)> + '_ {
        self.paths.iter().map(|(id, path)| (*id, path.as_ref()))
    }

    /// The embedder announces a path, or what is new of it.
    pub(super) fn announce(
        &mut self,
        id: PathId,
        nbma: IpAddr,
        proven: bool,
        identity: Option<&[u8]>,
        requested: bool,
    ) {
        self.set_nbma(id, nbma);
        let path = self.paths.entry(id).or_insert_with(|| Box::new(Path::unannounced(nbma)));
        path.announced = true;
        path.proven = proven;
        path.requested |= requested;
        if path.identity.as_deref() != identity {
            path.identity = identity.map(Arc::from);
        }
        self.by_nbma.insert((nbma, id));
    }

    /// The peer has another underlay address.
    pub(super) fn set_nbma(&mut self, id: PathId, nbma: IpAddr) {
        if let Some(path) = self.paths.get_mut(&id) {
            if self.by_nbma.remove(&(path.nbma, id)) {
                self.by_nbma.insert((nbma, id));
            }
            path.nbma = nbma;
        }
    }

    /// An announced path is gone. Its record stays until the entries that use it have left it.
    pub(super) fn retire(&mut self, id: PathId) {
        let Some(path) = self.paths.get_mut(&id) else { return };
        self.by_nbma.remove(&(path.nbma, id));
        path.announced = false;
        path.requested = false;
        path.identity = None;
        path.peers = Few::None;
        self.drop_unused(id);
    }

    /// A cache entry uses the path.
    pub(super) fn add_user(&mut self, id: PathId, nbma: IpAddr, address: IpAddr) {
        self.paths.entry(id).or_insert_with(|| Box::new(Path::unannounced(nbma))).users.insert(address);
    }

    /// A cache entry does not use the path any more.
    pub(super) fn remove_user(&mut self, id: PathId, address: IpAddr) {
        if let Some(path) = self.paths.get_mut(&id) {
            path.users.remove(address);
            self.drop_unused(id);
        }
    }

    /// An unannounced path lives as long as it has a use.
    pub(super) fn drop_unused(&mut self, id: PathId) {
        let unused = |path: &Path| !path.announced && path.users.is_empty() && path.member_since.is_none();
        if self.any(id).is_some_and(unused) {
            self.paths.remove(&id);
        }
    }

    /// Paths to an underlay address, oldest handle first.
    pub(super) fn at(&self, nbma: IpAddr) -> impl Iterator<Item = (PathId, &Path)> + '_ {
        self.by_nbma
            .range((nbma, PathId(0))..=(nbma, PathId(u64::MAX)))
            .filter_map(|(_, id)| Some((*id, self.get(*id)?)))
    }

    pub(super) fn identity(&self, id: PathId) -> Option<&Arc<[u8]>> {
        self.get(id)?.identity.as_ref()
    }

    /// A packet over this path came from the owner of this overlay address.
    pub(super) fn bind(&mut self, id: PathId, address: IpAddr) {
        if let Some(path) = self.paths.get_mut(&id)
            && path.announced
            && path.peers.as_slice().len() < MAX_PEERS
        {
            path.peers.insert(address);
        }
    }

    /// A path for a next hop that has no alternative (server, static map): its own if one is known, else the oldest.
    pub(super) fn for_static(&self, nbma: IpAddr, address: Option<IpAddr>) -> Option<PathId> {
        self.at(nbma)
            .find(|(_, path)| address.is_some_and(|address| path.peers.contains(address)))
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
        if let Some((id, path)) = self.at(nbma).find(|(_, path)| path.peers.contains(address)) {
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
