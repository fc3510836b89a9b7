//! The cache of bindings.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use ipnet::IpNet;

use crate::io::PathId;

/// One binding of an overlay address.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) address: IpAddr,
    pub(super) prefix: IpNet,
    /// Underlay address in use.
    pub(super) nbma: IpAddr,
    /// Underlay address that the peer believes in, if another.
    pub(super) claimed: Option<IpAddr>,
    pub(super) origin: Origin,
    pub(super) created: Instant,
    pub(super) changed: Instant,
    pub(super) expires: Option<Instant>,
    pub(super) last_used: Option<Instant>,
    /// The next use starts a refresh: the entry is close to its end.
    pub(super) refresh_on_use: bool,
    pub(super) path: Option<PathId>,
    /// The forwarding plane was told to use `path`.
    pub(super) active: bool,
    pub(super) probe: Option<Probe>,
    /// Paths to `nbma` that are somebody else's.
    pub(super) rejected: Vec<PathId>,
    pub(super) mtu: u16,
    pub(super) preference: u8,
    /// Those who were given this binding.
    pub(super) requesters: Vec<IpAddr>,
    /// Shortcuts that lead to this next hop.
    pub(super) shortcuts: BTreeSet<IpNet>,
}

impl Entry {
    pub(super) fn new(address: IpAddr, nbma: IpAddr, origin: Origin, now: Instant) -> Entry {
        Entry {
            address,
            prefix: IpNet::from(address),
            nbma,
            claimed: None,
            origin,
            created: now,
            changed: now,
            expires: None,
            last_used: None,
            refresh_on_use: false,
            path: None,
            active: false,
            probe: None,
            rejected: Vec::new(),
            mtu: 0,
            preference: 0,
            requesters: Vec::new(),
            shortcuts: BTreeSet::new(),
        }
    }

    pub(super) fn is_registered(&self) -> bool {
        matches!(self.origin, Origin::Registered { .. })
    }

    pub(super) fn is_dynamic(&self) -> bool {
        matches!(self.origin, Origin::Dynamic { .. })
    }
}

/// How a binding came to be known.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    /// Configured, or learnt of a configured server.
    Static,
    /// A client registered it.
    Registered {
        unique: bool,
        /// Authenticated identity of the client.
        identity: Option<Box<[u8]>>,
    },
    /// Resolved or learnt from a request.
    Dynamic { implicit: bool, authoritative: bool, router: bool },
}

/// A probe under way, or waiting for its turn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    pub(super) id: u32,
    /// Probes without answer so far.
    pub(super) unanswered: u32,
    /// An answer is awaited.
    pub(super) waiting: bool,
}

/// Entries with their indices.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<IpAddr, Entry>,
    by_nbma: BTreeSet<(IpAddr, IpAddr)>,
    by_path: BTreeSet<(PathId, IpAddr)>,
    registered: usize,
    dynamic: usize,
}

/// The lowest address in the order of `IpAddr`.
const LOWEST: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Cache {
    pub(super) fn get(&self, address: IpAddr) -> Option<&Entry> {
        self.entries.get(&address)
    }

    /// For fields other than `nbma`, `path` and `origin`, which have their own setters.
    pub(super) fn get_mut(&mut self, address: IpAddr) -> Option<&mut Entry> {
        self.entries.get_mut(&address)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> + '_ {
        self.entries.values()
    }

    /// Addresses of entries within a prefix.
    pub(super) fn within(&self, prefix: IpNet) -> Vec<IpAddr> {
        self.entries.range(prefix.network()..=prefix.broadcast()).map(|(address, _)| *address).collect()
    }

    pub(super) fn registered(&self) -> usize {
        self.registered
    }

    pub(super) fn dynamic(&self) -> usize {
        self.dynamic
    }

    /// Entries whose peer has this underlay address.
    pub(super) fn at_nbma(&self, nbma: IpAddr) -> Vec<IpAddr> {
        let from = self.by_nbma.range((nbma, LOWEST)..);
        from.take_while(|(at, _)| *at == nbma).map(|(_, address)| *address).collect()
    }

    /// Entries that use this path.
    pub(super) fn on_path(&self, path: PathId) -> Vec<IpAddr> {
        let from = self.by_path.range((path, LOWEST)..);
        from.take_while(|(at, _)| *at == path).map(|(_, address)| *address).collect()
    }

    pub(super) fn path_in_use(&self, path: PathId) -> bool {
        self.by_path.range((path, LOWEST)..).next().is_some_and(|(at, _)| *at == path)
    }

    pub(super) fn insert(&mut self, entry: Entry) {
        let address = entry.address;
        self.remove(address);
        self.by_nbma.insert((entry.nbma, address));
        if let Some(path) = entry.path {
            self.by_path.insert((path, address));
        }
        self.count(&entry.origin, 1);
        self.entries.insert(address, entry);
    }

    pub(super) fn remove(&mut self, address: IpAddr) -> Option<Entry> {
        let entry = self.entries.remove(&address)?;
        self.by_nbma.remove(&(entry.nbma, address));
        if let Some(path) = entry.path {
            self.by_path.remove(&(path, address));
        }
        self.count(&entry.origin, -1);
        Some(entry)
    }

    pub(super) fn set_nbma(&mut self, address: IpAddr, nbma: IpAddr) {
        if let Some(entry) = self.entries.get_mut(&address) {
            self.by_nbma.remove(&(entry.nbma, address));
            self.by_nbma.insert((nbma, address));
            entry.nbma = nbma;
        }
    }

    pub(super) fn set_path(&mut self, address: IpAddr, path: Option<PathId>) {
        if let Some(entry) = self.entries.get_mut(&address) {
            if let Some(before) = entry.path {
                self.by_path.remove(&(before, address));
            }
            if let Some(path) = path {
                self.by_path.insert((path, address));
            }
            entry.path = path;
        }
    }

    pub(super) fn set_origin(&mut self, address: IpAddr, origin: Origin) {
        if let Some(entry) = self.entries.get_mut(&address) {
            let before = std::mem::replace(&mut entry.origin, origin);
            let after = entry.origin.clone();
            self.count(&before, -1);
            self.count(&after, 1);
        }
    }

    fn count(&mut self, origin: &Origin, change: isize) {
        let counter = match origin {
            Origin::Static => return,
            Origin::Registered { .. } => &mut self.registered,
            Origin::Dynamic { .. } => &mut self.dynamic,
        };
        *counter = counter.saturating_add_signed(change);
    }
}
