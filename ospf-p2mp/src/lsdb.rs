//! The link state database: every LSA that this router has or floods, by scope.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::config::Limits;
use crate::event::LsdbLimit;
use crate::id::{AreaId, InterfaceId};
use crate::wire::{DO_NOT_AGE, Lsa, LsaBody, LsaHeader, LsaKey, LsaType, MAX_AGE};

/// How far an LSA is flooded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    /// One area: types 1 to 4, 7, 10.
    Area(AreaId),
    /// The whole AS except stub areas: types 5 and 11.
    As,
    /// One link: type 9.
    Link(InterfaceId),
}

/// Names an LSA in the whole database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DbKey {
    pub(crate) scope: Scope,
    pub(crate) key: LsaKey,
}

impl DbKey {
    pub(crate) fn new(scope: Scope, key: LsaKey) -> Self {
        Self { scope, key }
    }
}

/// An LSA as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The LSA; the age in its header is the one at `since`.
    pub(crate) lsa: Lsa,
    /// Its contents.
    pub(crate) body: LsaBody,
    /// When it was installed.
    pub(crate) since: Instant,
    /// How many retransmission lists hold it.
    pub(crate) pending: u32,
    /// Instances accepted in a row without the distance of MinLSArrival.
    pub(crate) burst: u8,
    /// Whether it says something else than the instance before, or than an earlier one that is not acknowledged by all:
    /// not a mere refresh.
    pub(crate) changed: bool,
}

impl Entry {
    pub(crate) fn new(lsa: Lsa, body: LsaBody, since: Instant) -> Self {
        Self { lsa, body, since, pending: 0, burst: 0, changed: true }
    }

    /// The age now, with the DoNotAge bit.
    pub(crate) fn age(&self, now: Instant) -> u16 {
        let stored = self.lsa.header.age;
        if stored & DO_NOT_AGE != 0 {
            return DO_NOT_AGE | self.lsa.header.age_seconds();
        }
        let elapsed = now.saturating_duration_since(self.since).as_secs();
        let age = u64::from(stored).saturating_add(elapsed).min(u64::from(MAX_AGE));
        u16::try_from(age).unwrap_or(MAX_AGE)
    }

    pub(crate) fn is_max_age(&self) -> bool {
        self.lsa.header.is_max_age()
    }

    /// The header with the age of now.
    pub(crate) fn header(&self, now: Instant) -> LsaHeader {
        LsaHeader { age: self.age(now), ..self.lsa.header }
    }

    /// When it reaches MaxAge by itself. LSAs that do not age are looked at again after that time.
    pub(crate) fn expires(&self) -> Instant {
        let left = MAX_AGE - self.lsa.header.age_seconds();
        self.since
            + Duration::from_secs(if self.lsa.header.age & DO_NOT_AGE == 0 {
                u64::from(left)
            } else {
                u64::from(MAX_AGE)
            })
    }
}

/// All LSAs.
#[derive(Debug, Default)]
pub(crate) struct Lsdb {
    scopes: BTreeMap<Scope, BTreeMap<LsaKey, Entry>>,
    per_router: BTreeMap<Ipv4Addr, usize>,
    count: usize,
    octets: usize,
}

impl Lsdb {
    pub(crate) fn get(&self, key: &DbKey) -> Option<&Entry> {
        self.scopes.get(&key.scope)?.get(&key.key)
    }

    pub(crate) fn get_mut(&mut self, key: &DbKey) -> Option<&mut Entry> {
        self.scopes.get_mut(&key.scope)?.get_mut(&key.key)
    }

    /// Stores an LSA and returns the one it replaces. References from retransmission lists stay counted.
    pub(crate) fn insert(&mut self, key: DbKey, mut entry: Entry) -> Option<Entry> {
        self.octets += entry.lsa.wire_len();
        let area = self.scopes.entry(key.scope).or_default();
        if let Some(old) = area.get(&key.key) {
            entry.pending = old.pending;
        }
        let old = area.insert(key.key, entry);
        match &old {
            Some(old) => self.octets -= old.lsa.wire_len(),
            None => {
                self.count += 1;
                *self.per_router.entry(key.key.advertising_router).or_default() += 1;
            }
        }
        old
    }

    pub(crate) fn remove(&mut self, key: &DbKey) -> Option<Entry> {
        let old = self.scopes.get_mut(&key.scope)?.remove(&key.key)?;
        self.octets -= old.lsa.wire_len();
        self.count -= 1;
        if let Some(count) = self.per_router.get_mut(&key.key.advertising_router) {
            *count -= 1;
            if *count == 0 {
                self.per_router.remove(&key.key.advertising_router);
            }
        }
        Some(old)
    }

    /// The LSAs of one scope, in key order.
    pub(crate) fn scope(&self, scope: Scope) -> impl Iterator<Item = (&LsaKey, &Entry)> {
        self.scopes.get(&scope).into_iter().flatten()
    }

    /// Everything, in key order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (DbKey, &Entry)> {
        self.scopes
            .iter()
            .flat_map(|(scope, lsas)| lsas.iter().map(|(key, entry)| (DbKey::new(*scope, *key), entry)))
    }

    /// The LSAs of one type and link state id, whoever issued them.
    pub(crate) fn same_id(
        &self,
        scope: Scope,
        ls_type: LsaType,
        id: Ipv4Addr,
    ) -> impl Iterator<Item = (&LsaKey, &Entry)> {
        let from = LsaKey::new(ls_type.0, id, Ipv4Addr::UNSPECIFIED);
        let to = LsaKey::new(ls_type.0, id, Ipv4Addr::BROADCAST);
        self.scopes.get(&scope).into_iter().flat_map(move |lsas| lsas.range(from..=to))
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    pub(crate) fn scope_len(&self, scope: Scope) -> usize {
        self.scopes.get(&scope).map_or(0, BTreeMap::len)
    }

    /// Whether an LSA of somebody else may be stored in place of `old`.
    pub(crate) fn check_room(
        &self,
        lsa: &Lsa,
        old: Option<&Entry>,
        limits: &Limits,
    ) -> Result<(), LsdbLimit> {
        if old.is_none() {
            if self.count >= limits.lsas {
                return Err(LsdbLimit::Lsas);
            }
            let of_router = self.per_router.get(&lsa.header.advertising_router).copied().unwrap_or(0);
            if of_router >= limits.lsas_per_router {
                return Err(LsdbLimit::LsasPerRouter);
            }
        }
        let before = old.map_or(0, |old| old.lsa.wire_len());
        if self.octets + lsa.wire_len() > limits.lsdb_bytes + before {
            return Err(LsdbLimit::Bytes);
        }
        Ok(())
    }
}
