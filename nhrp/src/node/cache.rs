//! The cache of bindings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Instant;

use ipnet::IpNet;

use crate::io::PathId;
use crate::node::few::Few;

/// One binding of an overlay address. What only some have is in [`Extra`], so that a hub's thousands of registrations stay
/// small.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) address: IpAddr,
    /// Bits of the prefix around `address` that the binding covers.
    pub(super) prefix_len: u8,
    /// The next use starts a refresh: the entry is close to its end.
    pub(super) refresh_on_use: bool,
    /// The forwarding plane was told to use `path`.
    pub(super) active: bool,
    pub(super) preference: u8,
    pub(super) mtu: u16,
    /// Underlay address in use.
    pub(super) nbma: IpAddr,
    /// Underlay address that the peer believes in, if another.
    pub(super) claimed: Option<IpAddr>,
    pub(super) origin: Origin,
    pub(super) created: Instant,
    pub(super) changed: Instant,
    pub(super) expires: Option<Instant>,
    /// Which of the queue's records for this address is in force.
    ticket: u32,
    pub(super) path: Option<PathId>,
    extra: Option<Box<Extra>>,
}

/// What few entries have.
#[derive(Debug, Clone)]
pub(super) struct Extra {
    pub(super) last_used: Option<Instant>,
    pub(super) probe: Option<Probe>,
    /// Paths to `nbma` that are somebody else's.
    pub(super) rejected: Vec<PathId>,
    /// Those who were given this binding.
    pub(super) requesters: Vec<Requester>,
    /// Shortcuts that lead to this next hop.
    pub(super) shortcuts: BTreeSet<IpNet>,
    /// Servers that the answer came from or through, as it says.
    pub(super) served_by: Few,
    /// Group that the client named in its registration.
    pub(super) group: Option<Box<[u8]>>,
}

impl Extra {
    const NONE: Extra = Extra {
        last_used: None,
        probe: None,
        rejected: Vec::new(),
        requesters: Vec::new(),
        shortcuts: BTreeSet::new(),
        served_by: Few::None,
        group: None,
    };
}

static NO_EXTRA: Extra = Extra::NONE;

/// Who was given a binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Requester {
    pub(super) address: IpAddr,
    /// Request id of its latest request.
    pub(super) request_id: u32,
    /// It has forgotten the binding by then.
    pub(super) until: Instant,
}

impl Entry {
    pub(super) fn new(address: IpAddr, nbma: IpAddr, origin: Origin, now: Instant) -> Entry {
        Entry {
            address,
            prefix_len: IpNet::from(address).max_prefix_len(),
            refresh_on_use: false,
            active: false,
            preference: 0,
            mtu: 0,
            nbma,
            claimed: None,
            origin,
            created: now,
            changed: now,
            expires: None,
            ticket: 0,
            path: None,
            extra: None,
        }
    }

    /// What it covers.
    pub(super) fn prefix(&self) -> IpNet {
        IpNet::new(self.address, self.prefix_len)
            .map_or_else(|_| self.address.into(), |prefix| prefix.trunc())
    }

    pub(super) fn is_registered(&self) -> bool {
        matches!(self.origin, Origin::Registered { .. })
    }

    pub(super) fn is_dynamic(&self) -> bool {
        matches!(self.origin, Origin::Dynamic { .. })
    }

    pub(super) fn extra(&self) -> &Extra {
        self.extra.as_deref().unwrap_or(&NO_EXTRA)
    }

    pub(super) fn extra_mut(&mut self) -> &mut Extra {
        self.extra.get_or_insert_with(|| Box::new(Extra::NONE))
    }

    pub(super) fn take_probe(&mut self) -> Option<Probe> {
        self.extra.as_mut()?.probe.take()
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
        identity: Option<Arc<[u8]>>,
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

/// Entries with their indices and the ends of their lives.
///
/// A refresh moves an end later, which is a store in the entry: the queue's record of it is corrected when it comes to the
/// head. An end that moves earlier gets a new record; the old one is known by its ticket.
#[derive(Debug, Default)]
pub(super) struct Cache {
    entries: BTreeMap<IpAddr, Box<Entry>>,
    /// Entries that have no path, by underlay address: a new path to it may be theirs.
    pathless: BTreeSet<(IpAddr, IpAddr)>,
    queue: BinaryHeap<Reverse<(Instant, IpAddr, u32)>>,
    tickets: u32,
    registered: usize,
    dynamic: usize,
}

/// The lowest address in the order of `IpAddr`.
const LOWEST: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Cache {
    pub(super) fn get(&self, address: IpAddr) -> Option<&Entry> {
        self.entries.get(&address).map(Box::as_ref)
    }

    /// For fields other than `nbma`, `path`, `origin` and `expires`, which have their own setters.
    pub(super) fn get_mut(&mut self, address: IpAddr) -> Option<&mut Entry> {
        self.entries.get_mut(&address).map(Box::as_mut)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> + '_ {
        self.entries.values().map(Box::as_ref)
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

    /// Entries without path whose peer has this underlay address.
    pub(super) fn pathless_at(&self, nbma: IpAddr) -> Vec<IpAddr> {
        let from = self.pathless.range((nbma, LOWEST)..);
        from.take_while(|(at, _)| *at == nbma).map(|(_, address)| *address).collect()
    }

    /// Adds an entry that has neither path nor end yet.
    pub(super) fn insert(&mut self, entry: Entry) {
        let address = entry.address;
        self.remove(address);
        self.pathless.insert((entry.nbma, address));
        self.count(&entry.origin, 1);
        self.entries.insert(address, Box::new(entry));
    }

    pub(super) fn remove(&mut self, address: IpAddr) {
        let Some(entry) = self.entries.remove(&address) else { return };
        self.pathless.remove(&(entry.nbma, address));
        self.count(&entry.origin, -1);
        self.correct_queue(address);
    }

    pub(super) fn set_nbma(&mut self, address: IpAddr, nbma: IpAddr) {
        if let Some(entry) = self.entries.get_mut(&address) {
            if self.pathless.remove(&(entry.nbma, address)) {
                self.pathless.insert((nbma, address));
            }
            entry.nbma = nbma;
        }
    }

    /// Gives an entry a path, or none. Returns the one that it had.
    pub(super) fn set_path(&mut self, address: IpAddr, path: Option<PathId>) -> Option<PathId> {
        let entry = self.entries.get_mut(&address)?;
        let before = std::mem::replace(&mut entry.path, path);
        match path {
            Some(_) => self.pathless.remove(&(entry.nbma, address)),
            None => self.pathless.insert((entry.nbma, address)),
        };
        before
    }

    pub(super) fn set_origin(&mut self, address: IpAddr, origin: Origin) {
        if let Some(entry) = self.entries.get_mut(&address) {
            let before = std::mem::replace(&mut entry.origin, origin);
            let after = entry.origin.clone();
            self.count(&before, -1);
            self.count(&after, 1);
        }
    }

    /// The binding ends at this time.
    pub(super) fn set_expiry(&mut self, address: IpAddr, at: Instant) {
        let Some(entry) = self.entries.get_mut(&address) else { return };
        let before = entry.expires.replace(at);
        if before.is_none_or(|before| at < before) {
            self.tickets = self.tickets.wrapping_add(1);
            entry.ticket = self.tickets;
            self.queue.push(Reverse((at, address, self.tickets)));
            self.drop_stale_records();
        }
        self.correct_queue(address);
    }

    /// When the next binding ends.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        self.queue.peek().map(|Reverse((at, _, _))| *at)
    }

    /// A binding whose end has come; it stays until it is removed.
    pub(super) fn pop_expired(&mut self, now: Instant) -> Option<IpAddr> {
        let Reverse((at, address, _)) = *self.queue.peek()?;
        if at > now {
            return None;
        }
        self.queue.pop();
        self.correct_head();
        Some(address)
    }

    /// Keeps the head of the queue true after a change of this entry.
    fn correct_queue(&mut self, address: IpAddr) {
        if self.queue.peek().is_some_and(|Reverse((_, head, _))| *head == address) {
            self.correct_head();
        }
    }

    /// Moves the head to where it belongs until it is one that is in force.
    fn correct_head(&mut self) {
        while let Some(Reverse((at, address, ticket))) = self.queue.peek().copied() {
            let entry = self.entries.get(&address).filter(|entry| entry.ticket == ticket);
            match entry.and_then(|entry| entry.expires) {
                Some(expires) if expires == at => return,
                Some(expires) => {
                    if let Some(mut head) = self.queue.peek_mut() {
                        head.0.0 = expires;
                    }
                }
                None => {
                    self.queue.pop();
                }
            }
        }
    }

    /// Records that nothing stands behind any more never outnumber the others by much.
    fn drop_stale_records(&mut self) {
        const SLACK: usize = 64;
        if self.queue.len() > 2 * self.entries.len() + SLACK {
            let entries = &self.entries;
            self.queue.retain(|Reverse((_, address, ticket))| {
                entries.get(address).is_some_and(|entry| entry.ticket == *ticket)
            });
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
