//! Our requests that have no answer yet (RFC 7296 sections 2.1 to 2.4).

use std::time::{Duration, Instant};

use super::arena::SaKey;
use super::ike_sa::Collision;
use crate::crypto::KeyPair;
use crate::ids::{ChildId, ProfileId};

/// A request without answer yet.
#[derive(Debug)]
pub(crate) struct Outstanding {
    pub(crate) message_id: u32,
    pub(crate) datagrams: Vec<Vec<u8>>,
    pub(crate) pending: Pending,
    pub(crate) sent: u32,
    pub(crate) interval: Duration,
    pub(crate) factor_percent: u32,
    /// When it is sent again.
    pub(crate) repeat: Instant,
}

/// What an outstanding request wants.
#[derive(Debug)]
pub(crate) enum Pending {
    Init,
    /// With a child SA, or without (RFC 6023).
    Auth(Option<Box<ChildExchange>>),
    CreateChild(Box<ChildExchange>),
    RekeyIke(Box<IkeExchange>),
    DeleteChildren(Vec<ChildId>),
    DeleteIke,
    Liveness,
}

impl Pending {
    /// Changes of child SAs: an IKE SA is not rekeyed meanwhile (RFC 7296 section 2.25.2).
    pub(crate) const fn changes_children(&self) -> bool {
        matches!(self, Self::CreateChild(_) | Self::DeleteChildren(_) | Self::Auth(_))
    }

    /// Nothing else is asked beside it, whatever the window allows: its outcome decides on which IKE SA, or whether at
    /// all, the rest takes place.
    pub(crate) const fn stands_alone(&self) -> bool {
        matches!(self, Self::Init | Self::Auth(_) | Self::RekeyIke(_) | Self::DeleteIke)
    }
}

/// A child SA that we asked for.
#[derive(Debug)]
pub(crate) struct ChildExchange {
    pub(crate) child: ChildId,
    pub(crate) local_spi: u32,
    pub(crate) profile: ProfileId,
    /// Empty in IKE_AUTH, where the nonces of IKE_SA_INIT count.
    pub(crate) nonce: Vec<u8>,
    pub(crate) key_pair: Option<KeyPair>,
    pub(crate) replaces: Option<ChildId>,
    /// The peer asked for the same at the same time, and got it.
    pub(crate) collision: Option<Collision<ChildId>>,
    /// How often the group was changed, or the peer had no time.
    pub(crate) rounds: u8,
    /// SPIs that the peer deleted in the meantime and that are not known here: its DELETE may overtake its answer.
    pub(crate) deleted: Vec<u32>,
}

/// A rekey of the IKE SA that we asked for.
#[derive(Debug)]
pub(crate) struct IkeExchange {
    pub(crate) spi: u64,
    pub(crate) nonce: Vec<u8>,
    pub(crate) key_pair: KeyPair,
    pub(crate) collision: Option<Collision<SaKey>>,
    pub(crate) rounds: u8,
}

/// The requests of an IKE SA that await an answer. Ids rise by one and never wrap; at most as many are outstanding as
/// both the peer's window and our own limit allow, counted from the oldest without answer.
#[derive(Debug)]
pub(crate) struct SendWindow {
    next: u32,
    /// By rising message id.
    requests: Vec<Outstanding>,
    /// How many the peer takes at once.
    peer_size: u32,
}

impl Default for SendWindow {
    /// RFC 7296 section 2.3: the window is one until the peer says more.
    fn default() -> Self {
        Self { next: 0, requests: Vec::new(), peer_size: 1 }
    }
}

impl SendWindow {
    /// The id of the next request.
    pub(crate) const fn next_id(&self) -> u32 {
        self.next
    }

    /// The window that the peer grants.
    pub(crate) const fn peer_size(&self) -> u32 {
        self.peer_size
    }

    pub(crate) fn set_peer_size(&mut self, size: u32) {
        self.peer_size = size.max(1);
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.requests.is_empty()
    }

    /// Forgets what is outstanding; the next request has this id.
    pub(crate) fn restart(&mut self, next: u32) {
        self.requests.clear();
        self.next = next;
    }

    /// Whether another request may be sent, with a limit of ours. The last id is never used: an id does not wrap
    /// (RFC 7296 section 2.2).
    pub(crate) fn has_room(&self, limit: u8) -> bool {
        let size = self.peer_size.min(u32::from(limit));
        self.requests.first().is_none_or(|oldest| self.next - oldest.message_id < size)
    }

    /// Whether there are no ids left.
    pub(crate) const fn is_exhausted(&self) -> bool {
        self.next == u32::MAX
    }

    /// Notes a request that is being sent with [`SendWindow::next_id`].
    pub(crate) fn push(&mut self, request: Outstanding) {
        self.next = self.next.saturating_add(1);
        self.requests.push(request);
    }

    pub(crate) fn awaits(&self, message_id: u32) -> bool {
        self.requests.iter().any(|request| request.message_id == message_id)
    }

    /// The answer to this request came.
    pub(crate) fn take(&mut self, message_id: u32) -> Option<Outstanding> {
        let at = self.requests.iter().position(|request| request.message_id == message_id)?;
        Some(self.requests.remove(at))
    }

    pub(crate) fn take_all(&mut self) -> Vec<Outstanding> {
        core::mem::take(&mut self.requests)
    }

    /// Gives back what [`SendWindow::take_all`] took.
    pub(crate) fn put_back(&mut self, requests: Vec<Outstanding>) {
        self.requests = requests;
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Outstanding> {
        self.requests.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Outstanding> {
        self.requests.iter_mut()
    }

    pub(crate) fn pending(&self) -> impl Iterator<Item = &Pending> {
        self.requests.iter().map(|request| &request.pending)
    }

    pub(crate) fn pending_mut(&mut self) -> impl Iterator<Item = &mut Pending> {
        self.requests.iter_mut().map(|request| &mut request.pending)
    }

    /// When the first one is sent again.
    pub(crate) fn next_repeat(&self) -> Option<Instant> {
        self.requests.iter().map(|request| request.repeat).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(window: &SendWindow, now: Instant) -> Outstanding {
        Outstanding {
            message_id: window.next_id(),
            datagrams: Vec::new(),
            pending: Pending::Liveness,
            sent: 1,
            interval: Duration::ZERO,
            factor_percent: 100,
            repeat: now,
        }
    }

    #[test]
    fn the_oldest_without_answer_holds_the_window() {
        #[allow(clippy::disallowed_methods, reason = "only differences count")]
        let now = Instant::now();
        let mut window = SendWindow::default();
        window.restart(1);
        assert!(window.has_room(5));
        window.push(request(&window, now));
        assert!(!window.has_room(5), "the peer has not granted more than one");
        window.set_peer_size(3);
        assert!(!window.has_room(1), "our own limit");
        for _ in 0..2 {
            assert!(window.has_room(5));
            window.push(request(&window, now));
        }
        assert!(!window.has_room(5));
        assert!(window.take(2).is_some() && window.take(2).is_none());
        assert!(!window.has_room(5), "id 1 is still the lowest without answer");
        assert!(window.take(1).is_some());
        assert!(window.has_room(5));
        assert!(window.awaits(3) && !window.awaits(4));
        window.set_peer_size(0);
        assert_eq!(window.peer_size(), 1);
    }

    #[test]
    fn ids_end() {
        #[allow(clippy::disallowed_methods, reason = "only differences count")]
        let now = Instant::now();
        let mut window = SendWindow::default();
        window.restart(u32::MAX - 1);
        assert!(!window.is_exhausted());
        window.push(request(&window, now));
        assert!(window.is_exhausted());
    }
}
