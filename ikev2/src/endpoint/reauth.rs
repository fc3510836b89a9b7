//! Reauthentication (RFC 7296 section 2.8.3), make before break: a new IKE SA with its child SA first, then the end of
//! the old ones, later, when nothing is under way on them any more.

use std::net::SocketAddr;
use std::time::Instant;

use super::Endpoint;
use super::arena::SaKey;
use super::ike_sa::Timer;
use crate::ids::PeerId;
use crate::io::{DownReason, Event, FailureReason};

impl Endpoint {
    /// Begins, unless it is under way.
    pub(super) fn reauthenticate(&mut self, now: Instant, peer: PeerId) {
        let Some(entry) = self.peers.get(&peer) else { return };
        let newest = entry.sas.iter().rev().filter_map(|key| self.sa(*key)).find(|sa| sa.state.is_live());
        let Some(sa) = newest else { return };
        let (path, profile) = (sa.path, sa.profile);
        let under_way = self
            .sas_with(path.remote.ip())
            .filter_map(|key| self.sa(key))
            .any(|sa| sa.reauthenticates && sa.state.is_half_open() && sa.path.remote == path.remote);
        if !under_way {
            // The same path: behind a NAT the peer can be reached on no other.
            self.initiate_along(now, path, profile, true);
        }
    }

    /// The new IKE SA and its child SA are up: what was there before it began goes after a grace time.
    pub(super) fn finish_reauthentication(&mut self, now: Instant, key: SaKey) {
        let Some(sa) = self.sa_mut(key) else { return };
        if !core::mem::take(&mut sa.reauthenticates) {
            return;
        }
        let (begun, peer) = (sa.lineage.begun, sa.peer);
        let Some(peer) = peer else { return };
        let siblings = self.peers.get(&peer).map(|peer| peer.sas.clone()).unwrap_or_default();
        let at = now + self.config.crossed_grace;
        for old in siblings.into_iter().filter(|old| *old != key) {
            let Some(sa) = self.sa_mut(old).filter(|sa| sa.lineage.established <= begun) else { continue };
            sa.retiring = true;
            for timer in [Timer::Rekey, Timer::Expire, Timer::Liveness] {
                sa.timers.clear(timer);
            }
            sa.timers.set(Timer::Retire, at);
        }
        self.stats.reauthentications += 1;
        self.select_outbound(now, peer);
        self.event(Event::Reauthenticated { peer });
    }

    /// The old IKE SA stays as it is, and tries again later if it was its own wish.
    pub(super) fn reauthentication_failed(
        &mut self,
        now: Instant,
        remote: SocketAddr,
        reason: FailureReason,
    ) {
        let at = now + self.jittered(Self::rekey_retry());
        let keys: Vec<SaKey> = self.sas_with(remote.ip()).collect();
        let mut failed = None;
        for key in keys {
            let Some(sa) = self.sa(key) else { continue };
            let by_itself = self.profile(sa.profile).is_some_and(|profile| profile.reauthenticate);
            let Some(sa) = self.sa_mut(key) else { continue };
            if sa.state.is_live() && sa.path.remote == remote && !sa.retiring {
                failed = sa.peer.or(failed);
                if by_itself {
                    sa.timers.set(Timer::Rekey, at);
                }
            }
        }
        match failed {
            Some(peer) => self.event(Event::ReauthenticationFailed { peer, reason }),
            None => self.report_failure(remote.ip(), reason),
        }
    }

    /// Packets that are still under way on the child SAs of a redundant IKE SA are accepted for a while: another IKE SA
    /// with the peer keeps them, because theirs is about to go.
    pub(super) fn drain_to_sibling(&mut self, now: Instant, key: SaKey) {
        let Some(peer) = self.sa(key).and_then(|sa| sa.peer).and_then(|peer| self.peers.get(&peer)) else {
            return;
        };
        let usable = |other: &SaKey| *other != key && self.sa(*other).is_some_and(|sa| sa.state.is_live());
        let Some(heir) = peer.sas.iter().rev().copied().find(usable) else { return };
        let children = self.sa(key).map(|sa| sa.children.clone()).unwrap_or_default();
        for id in children {
            self.drain_child(now, id, DownReason::Redundant);
            if let Some(child) = self.children.get_mut(id) {
                child.sa = heir;
                if let Some(sa) = self.sa_mut(key) {
                    sa.children.retain(|other| *other != id);
                }
                if let Some(sa) = self.sa_mut(heir) {
                    sa.children.push(id);
                }
            }
        }
    }
}
