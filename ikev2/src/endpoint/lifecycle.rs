//! How an IKE SA comes and goes.

use std::net::IpAddr;
use std::time::Instant;

use super::Endpoint;
use super::arena::SaKey;
use super::ike_sa::{IkeSa, Role, State, TIMERS, Task, Timer};
use super::init::source_of;
use super::requests::Pending;
use crate::config::IdentityMatch;
use crate::ids::PeerId;
use crate::io::{DownReason, Event, FailureReason};
use crate::wire::{Delete, ExchangeType, Identity, Payload};

impl Endpoint {
    pub(super) fn insert_sa(&mut self, sa: IkeSa) -> SaKey {
        let key = self.sa_keys.next();
        self.by_spi.insert(sa.spi_local, key);
        self.by_remote.insert((sa.path.remote.ip(), key));
        self.sas.insert(key, Box::new(sa));
        self.dirty.push(key);
        key
    }

    /// All IKE SAs with an underlay address, oldest first.
    pub(super) fn sas_with(&self, remote: IpAddr) -> impl Iterator<Item = SaKey> + '_ {
        self.by_remote.range((remote, SaKey::MIN)..=(remote, SaKey::MAX)).map(|(_, key)| *key)
    }

    /// A stranger's SA is not half-open any more.
    pub(super) fn leave_half_open(&mut self, source: IpAddr) {
        self.half_open = self.half_open.saturating_sub(1);
        let source = source_of(source);
        if let Some(count) = self.half_open_by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.half_open_by_source.remove(&source);
            }
        }
    }

    /// Forgets an IKE SA and all that hangs on it, at once.
    pub(super) fn remove_sa(&mut self, now: Instant, key: SaKey, reason: DownReason) {
        self.drop_rivals(now, key);
        self.strip(now, key, reason);
        self.dirty.push(key);
        let Some(sa) = self.sas.remove(&key) else { return };
        if let Some(at) = sa.queued {
            self.timer_queue.remove(&(at, key));
        }
        self.by_spi.remove(&sa.spi_local);
        self.by_remote.remove(&(sa.path.remote.ip(), key));
        if sa.role == Role::Responder {
            // The entry is under the address of the first request, which may since have changed.
            if let Some(entry) = sa.initiator_entry {
                self.by_initiator.remove(&entry);
                if sa.state.is_half_open() {
                    self.leave_half_open(entry.1.ip());
                }
            }
        }
        let remote = sa.path.remote.ip();
        if sa.connecting {
            self.report_failure(remote, FailureReason::Cancelled);
        }
        if let Some(profile) = sa.yielded {
            self.connect_now(now, remote, profile);
        }
    }

    /// Takes child SAs and peer away from an IKE SA, with all events.
    fn strip(&mut self, now: Instant, key: SaKey, reason: DownReason) {
        let Some(sa) = self.sa_mut(key) else { return };
        let outstanding = sa.requests.take_all();
        let collided = outstanding.iter().find_map(|request| match &request.pending {
            Pending::RekeyIke(exchange) => exchange.collision.as_ref().map(|collision| collision.made),
            _ => None,
        });
        // A rekey of the peer's that waited for the outcome of ours takes the child SAs after all.
        if let Some(successor) = collided {
            self.move_children(key, successor);
        }
        for request in outstanding {
            self.drop_pending(now, request.pending);
        }
        let children = self.sa_mut(key).map(|sa| core::mem::take(&mut sa.children)).unwrap_or_default();
        for child in children {
            self.child_gone(now, child, reason);
        }
        self.detach_from_peer(now, key, reason);
    }

    /// Ends an IKE SA in good manners: child SAs go at once, DELETE is sent and repeated, then it is forgotten.
    pub(super) fn close_sa(&mut self, now: Instant, key: SaKey, reason: DownReason) {
        let Some(sa) = self.sa(key) else { return };
        match sa.state {
            State::InitSent | State::InitAnswered | State::AuthSent | State::Refused => {
                return self.remove_sa(now, key, reason);
            }
            State::Closing => return,
            State::Established | State::Superseded => {}
        }
        if reason == DownReason::Redundant {
            self.drain_to_sibling(now, key);
        }
        // What is outstanding goes on: the peer's window may not take a DELETE before it.
        let mut outstanding = self.sa_mut(key).map(|sa| sa.requests.take_all()).unwrap_or_default();
        self.strip(now, key, reason);
        for request in &mut outstanding {
            if !matches!(request.pending, Pending::RekeyIke(_)) {
                let pending = core::mem::replace(&mut request.pending, Pending::Liveness);
                self.drop_pending(now, pending);
            }
        }
        let Some(sa) = self.sa_mut(key) else { return };
        sa.requests.put_back(outstanding);
        sa.state = State::Closing;
        sa.closing = Some(reason);
        sa.tasks.clear();
        sa.tasks.push_back(Task::DeleteIke);
        sa.deferred = None;
        for timer in TIMERS.into_iter().filter(|timer| *timer != Timer::Retransmit) {
            sa.timers.clear(timer);
        }
    }

    /// The answer to our DELETE came.
    pub(super) fn finish_close(&mut self, now: Instant, key: SaKey) {
        self.remove_sa(now, key, DownReason::DeletedByUs);
    }

    /// An attempt of ours has failed.
    pub(super) fn fail_attempt(&mut self, now: Instant, key: SaKey, reason: FailureReason) {
        if let Some(sa) = self.sa_mut(key) {
            let (remote, connecting, replaces) = (sa.path.remote, sa.connecting, sa.reauthenticates);
            sa.connecting = false;
            if replaces {
                self.reauthentication_failed(now, remote, reason);
            } else if connecting {
                self.report_failure(remote.ip(), reason);
            }
        }
        self.remove_sa(now, key, DownReason::DeletedByUs);
    }

    /// Reports a failed attempt, unless the other side connected to us in the meantime: then there is what was wanted.
    pub(super) fn report_failure(&mut self, remote: IpAddr, reason: FailureReason) {
        let connected = self.sas_with(remote).any(|key| {
            self.sa(key).is_some_and(|sa| {
                sa.state.is_live()
                    && sa
                        .children
                        .iter()
                        .any(|id| self.children.get(*id).is_some_and(super::child::Child::is_up))
            })
        });
        if !connected {
            self.event(Event::ConnectFailed { remote, reason });
        }
    }

    pub(super) fn disconnect(&mut self, now: Instant, peer: PeerId, reason: DownReason) {
        let keys = self.peers.get(&peer).map(|peer| peer.sas.clone()).unwrap_or_default();
        for key in keys {
            self.close_sa(now, key, reason);
        }
    }

    /// Locks an identity out, and deletes what it has.
    pub(super) fn revoke(&mut self, now: Instant, identity: &IdentityMatch) {
        if !self.revoked.contains(identity) {
            self.revoked.push(identity.clone());
        }
        let has = self.peers.iter().filter(|(_, peer)| identity.matches(&peer.identity));
        let meant: Vec<PeerId> = has.map(|(id, _)| *id).collect();
        for peer in meant {
            self.disconnect(now, peer, DownReason::Revoked);
        }
    }

    /// Refuses an identity that is locked out.
    pub(super) fn check_revoked(&self, identity: &Identity) -> Result<(), FailureReason> {
        let is_revoked = self.revoked.iter().any(|pattern| pattern.matches(identity));
        if is_revoked { Err(FailureReason::Revoked) } else { Ok(()) }
    }

    /// Gives work to the IKE SA of a peer that is in use.
    pub(super) fn with_primary_sa(&mut self, peer: PeerId, task: Task) {
        let key = self.peers.get(&peer).and_then(|peer| {
            // One that a rekey collision made, and that is not decided yet, may still turn out to be the redundant one.
            let in_use =
                |key: &SaKey| self.sa(*key).is_some_and(|sa| sa.state.is_live() && !self.is_undecided(sa));
            peer.sas.iter().rev().copied().find(in_use)
        });
        if let Some(sa) = key.and_then(|key| self.sa_mut(key)) {
            sa.enqueue(task);
        }
    }

    fn is_undecided(&self, sa: &IkeSa) -> bool {
        let old = sa.predecessor.and_then(|old| self.sa(old));
        old.is_some_and(|old| old.state == State::Established && old.successor.is_none())
    }

    /// Sends the requests that wait, as far as the window allows.
    pub(super) fn start_next_task(&mut self, now: Instant, key: SaKey) {
        loop {
            let limit = self.config.send_window;
            let Some(sa) = self.sas.get_mut(&key) else { return };
            let ready = matches!(sa.state, State::Established | State::Superseded | State::Closing);
            let alone = sa.tasks.front().is_some_and(Task::stands_alone) && !sa.requests.is_idle();
            let held = sa.requests.pending().any(Pending::stands_alone);
            if !ready || alone || held || !sa.requests.has_room(limit) {
                return;
            }
            let Some(task) = sa.tasks.pop_front() else { return };
            match task {
                Task::CreateChild { profile, group, rounds } => {
                    self.start_create_child(now, key, profile, group, rounds);
                }
                Task::RekeyChild { child, group, rounds } => {
                    self.start_child_rekey(now, key, child, group, rounds);
                }
                Task::RekeyIke { group, rounds } => self.start_ike_rekey(now, key, group, rounds),
                Task::DeleteChild(child) => self.start_delete_child(now, key, child),
                Task::DeleteIke => {
                    let payload = [Payload::Delete(Delete::Ike)];
                    self.request(now, key, ExchangeType::INFORMATIONAL, &payload, Pending::DeleteIke);
                }
                Task::ReportSpi(spi) => self.report_spi(now, key, spi),
                Task::Liveness => {
                    self.request(now, key, ExchangeType::INFORMATIONAL, &[], Pending::Liveness);
                }
            }
        }
    }
}
