//! The life of a child SA after it was installed: succession, expiry, and the end.

use std::time::Instant;

use crate::endpoint::Endpoint;
use crate::endpoint::arena::SaKey;
use crate::endpoint::child::{ChildTimers, Phase};
use crate::endpoint::ike_sa::Task;
use crate::endpoint::requests::Pending;
use crate::ids::{ChildId, ProfileId};
use crate::io::{Action, DownReason, Event};

impl Endpoint {
    /// The successor of a child SA carries the traffic from now on.
    pub(in crate::endpoint) fn supersede(&mut self, now: Instant, old: ChildId, new: ChildId) {
        let Some(child) = self.children.get_mut(old) else { return };
        let peer = child.peer;
        child.rekeying = false;
        child.replaced_by = Some(new);
        child.give_way(now);
        let key = child.sa;
        self.dirty.push(key);
        self.stats.child_rekeys += 1;
        self.event(Event::ChildRekeyed { peer, old, new });
        self.select_outbound(now, peer);
    }

    /// The peer is ready to receive on a child SA that it asked for: it may be used for sending.
    pub(in crate::endpoint) fn promote(&mut self, now: Instant, id: ChildId) {
        let Some(child) = self.children.get_mut(id) else { return };
        if child.phase != Phase::InboundOnly {
            return;
        }
        child.phase = Phase::Active;
        child.timers.ready = None;
        let (peer, replaces, key) = (child.peer, child.replaces, child.sa);
        let deletes_replaced = child.deletes_replaced;
        self.dirty.push(key);
        match replaces {
            Some(old) if self.children.get(old).is_some() => {
                self.supersede(now, old, id);
                if let Some(sa) = self.sa_mut(key).filter(|_| deletes_replaced) {
                    sa.enqueue(Task::DeleteChild(old));
                }
            }
            // What it was to replace is gone already: it is up in its own right.
            Some(_) => self.event(Event::ChildUp { peer, child: id }),
            // Announced when it was installed.
            None => {}
        }
        self.select_outbound(now, peer);
    }

    /// The peer asked for another child SA like the one that is there. There is one per peer and profile: the new one
    /// takes over with the first packet that the peer sends on it, and the old one is deleted from here.
    ///
    /// Time alone is no sign here. If both ends asked at once, and the peer's request came late, only the peer knows
    /// that they crossed. It may be about to delete its own, and then the old one is all that there is.
    pub(in crate::endpoint) fn replace_twin(&mut self, id: ChildId) {
        if let Some(child) = self.children.get_mut(id) {
            child.deletes_replaced = true;
        }
    }

    /// The child SA in use that a new one of this profile would double.
    pub(in crate::endpoint) fn twin(&self, key: SaKey, profile: ProfileId) -> Option<ChildId> {
        let sa = self.sa(key)?;
        let waiting = sa.requests.pending().any(|pending| matches!(pending, Pending::CreateChild(_)));
        sa.children.iter().copied().filter(|_| !waiting).find(|id| {
            self.children.get(*id).is_some_and(|child| {
                child.phase == Phase::Active && child.profile == profile && child.replaced_by.is_none()
            })
        })
    }

    /// Asks for a successor; nothing when one is under way.
    pub(in crate::endpoint) fn request_child_rekey(&mut self, id: ChildId) {
        let Some(child) = self.children.get_mut(id) else { return };
        if child.phase != Phase::Active || child.rekeying || child.replaced_by.is_some() {
            return;
        }
        child.rekeying = true;
        let key = child.sa;
        if let Some(sa) = self.sa_mut(key) {
            sa.enqueue(Task::RekeyChild { child: id, group: None, rounds: 0 });
        }
    }

    /// The SA is not used any more, from this moment on: a hard limit, or a peer that does not know it. What ends is the
    /// SA and not the connection, so a new one is asked for at once, unless a rekey is under way that brings it.
    pub(in crate::endpoint) fn expire_child(&mut self, now: Instant, id: ChildId, reason: DownReason) {
        let Some(child) = self.children.get(id) else { return };
        let (key, profile) = (child.sa, child.profile);
        self.unplug(now, id, reason);
        self.ensure_child(key, profile);
        if let Some(child) = self.children.get_mut(id)
            && !matches!(child.phase, Phase::Draining)
        {
            child.phase = Phase::Deleting;
            child.timers = ChildTimers::default();
            if let Some(sa) = self.sa_mut(key) {
                sa.enqueue(Task::DeleteChild(id));
            }
        }
    }

    /// Asks for a child SA where there is none with the peer, and none on its way.
    pub(in crate::endpoint) fn ensure_child(&mut self, key: SaKey, profile: ProfileId) {
        let Some(sa) = self.sa(key).filter(|sa| sa.state.is_live()) else { return };
        let siblings = sa.peer.and_then(|peer| self.peers.get(&peer)).map_or(&[][..], |peer| &peer.sas);
        let up =
            siblings.iter().filter_map(|key| self.sa(*key)).flat_map(|sa| &sa.children).any(|id| {
                self.children.get(*id).is_some_and(|child| child.is_up() && child.profile == profile)
            });
        let coming = sa
            .requests
            .pending()
            .any(|pending| matches!(pending, Pending::CreateChild(exchange) if exchange.profile == profile));
        if let (false, false, Some(sa)) = (up, coming, self.sa_mut(key)) {
            sa.enqueue(Task::CreateChild { profile, group: None, rounds: 0 });
        }
    }

    /// Takes a child SA out of the forwarding plane and says so. Its entry stays, for the exchange that deletes it.
    fn unplug(&mut self, now: Instant, id: ChildId, reason: DownReason) {
        let Some(child) = self.children.get_mut(id) else { return };
        let was_up = child.was_announced();
        let (peer, successor, installed) = (child.peer, child.replaced_by, child.installed);
        child.installed = false;
        if child.is_up() {
            child.phase = Phase::Deleting;
        }
        if installed {
            self.action(Action::Remove { peer, child: id });
        }
        self.release_predecessor(id);
        if let Some(successor) = successor {
            self.promote(now, successor);
        }
        let replaced = successor.is_some_and(|new| self.children.get(new).is_some());
        if was_up && !replaced {
            self.event(Event::ChildDown { peer, child: id, reason });
        }
        self.select_outbound(now, peer);
    }

    /// A child SA is gone with its IKE SA, or the peer does not know it: no DELETE, no grace.
    pub(in crate::endpoint) fn child_gone(&mut self, now: Instant, id: ChildId, reason: DownReason) {
        self.unplug(now, id, reason);
        self.forget_child(now, id);
    }

    /// Deleted on both sides: packets that are still under way are accepted for a while.
    pub(in crate::endpoint) fn drain_child(&mut self, now: Instant, id: ChildId, reason: DownReason) {
        let grace = self.config.inbound_grace;
        let Some(child) = self.children.get_mut(id) else { return };
        if child.phase == Phase::Draining {
            return;
        }
        if !child.installed {
            return self.forget_child(now, id);
        }
        let was_up = child.was_announced();
        let (peer, key, successor) = (child.peer, child.sa, child.replaced_by);
        child.phase = Phase::Draining;
        child.timers = ChildTimers { drain: Some(now + grace), ..ChildTimers::default() };
        self.dirty.push(key);
        self.release_predecessor(id);
        if let Some(successor) = successor {
            self.promote(now, successor);
        }
        let replaced = successor.is_some_and(|new| self.children.get(new).is_some());
        if was_up && !replaced {
            self.event(Event::ChildDown { peer, child: id, reason });
        }
        self.select_outbound(now, peer);
    }

    /// A successor that goes before it was used has replaced nothing.
    fn release_predecessor(&mut self, id: ChildId) {
        let old = self.children.get(id).and_then(|child| child.replaces);
        if let Some(old) = old.and_then(|old| self.children.get_mut(old))
            && old.replaced_by == Some(id)
            && old.phase == Phase::Active
        {
            old.replaced_by = None;
        }
    }

    /// The end of an entry.
    pub(in crate::endpoint) fn forget_child(&mut self, now: Instant, id: ChildId) {
        let Some(child) = self.children.release(id, now) else { return };
        if child.installed {
            self.action(Action::Remove { peer: child.peer, child: id });
        }
        if let Some(sa) = self.sa_mut(child.sa) {
            sa.children.retain(|other| *other != id);
        }
        if let Some(peer) = self.peers.get_mut(&child.peer)
            && peer.outbound == Some(id)
        {
            peer.outbound = None;
        }
        self.select_outbound(now, child.peer);
    }

    /// A request will get no answer that counts: gives back what it held.
    pub(in crate::endpoint) fn drop_pending(&mut self, now: Instant, pending: Pending) {
        match pending {
            Pending::Auth(Some(exchange)) | Pending::CreateChild(exchange) => {
                self.children.release(exchange.child, now);
                if let Some(old) = exchange.replaces.and_then(|old| self.children.get_mut(old)) {
                    old.rekeying = false;
                }
            }
            _ => {}
        }
    }
}
