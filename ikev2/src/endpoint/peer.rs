//! Peers: who is behind the IKE SAs, and which child SA carries the traffic.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Instant;

use super::Endpoint;
use super::arena::SaKey;
use super::child::{Outbound, Phase};
use super::ike_sa::{IkeSa, Role, State, Task, Timer};
use crate::ids::{ChildId, PeerId};
use crate::io::{Action, DownReason, Event, UdpPath};
use crate::wire::Identity;

/// A remote peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) identity: Identity,
    pub(crate) remote: SocketAddr,
    pub(crate) since: Instant,
    /// Its IKE SAs that are authenticated and not being closed, oldest first.
    pub(crate) sas: Vec<SaKey>,
    /// The child SA that carries outbound traffic.
    pub(crate) outbound: Option<ChildId>,
}

impl Endpoint {
    /// AUTH is done: the IKE SA belongs to a peer.
    pub(super) fn establish(&mut self, now: Instant, key: SaKey, identity: Identity) {
        let Some(sa) = self.sa_mut(key) else { return };
        let was_stranger = sa.role == Role::Responder && sa.state.is_half_open();
        sa.state = State::Established;
        sa.first_nonces =
            sa.handshake.take().map(|handshake| Box::new((handshake.nonce_i, handshake.nonce_r)));
        sa.lineage.begun = sa.created;
        sa.lineage.established = now;
        sa.created = now;
        sa.timers.clear(Timer::Linger);
        sa.last_received = now;
        let (remote, role, entry) = (sa.path.remote, sa.role, sa.initiator_entry);
        if let (true, Some((_, source))) = (was_stranger, entry) {
            self.leave_half_open(source.ip());
        }
        self.stats.ike_established += 1;
        self.arm_ike_timers(now, key);
        let peer = self.peer_for(now, identity, remote, role == Role::Initiator);
        self.attach_to_peer(key, peer);
        // A peer that makes one IKE SA after the other, without ever deleting one, pushes its own oldest out.
        let most = self.config.limits.ike_sas_per_peer.max(2);
        let oldest = self
            .peers
            .get(&peer)
            .filter(|peer| peer.sas.len() > most)
            .and_then(|peer| peer.sas.first().copied());
        if let Some(oldest) = oldest {
            self.close_sa(now, oldest, DownReason::Redundant);
        }
    }

    fn peer_for(&mut self, now: Instant, identity: Identity, remote: SocketAddr, initiator: bool) -> PeerId {
        if let Some(id) = self.peers_by_key.get(&(identity.clone(), remote.ip())).copied() {
            self.move_peer(id, remote);
            return id;
        }
        let mut id = PeerId(self.next_peer);
        while self.peers.contains_key(&id) {
            id = PeerId(id.0.wrapping_add(1));
        }
        self.next_peer = id.0.wrapping_add(1);
        self.peers_by_key.insert((identity.clone(), remote.ip()), id);
        let peer = Peer { identity: identity.clone(), remote, since: now, sas: Vec::new(), outbound: None };
        self.peers.insert(id, peer);
        self.event(Event::PeerUp { peer: id, identity, remote, initiator });
        id
    }

    pub(super) fn attach_to_peer(&mut self, key: SaKey, id: PeerId) {
        if let Some(sa) = self.sa_mut(key) {
            sa.peer = Some(id);
        }
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.sas.push(key);
        }
    }

    /// The IKE SA does not stand for the peer any more; the last one takes the peer with it.
    pub(super) fn detach_from_peer(&mut self, now: Instant, key: SaKey, reason: DownReason) {
        let Some(id) = self.sa_mut(key).and_then(|sa| sa.peer.take()) else { return };
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.sas.retain(|other| *other != key);
        if !peer.sas.is_empty() {
            return self.select_outbound(now, id);
        }
        if let Some(peer) = self.peers.remove(&id) {
            self.forget_key(id, (peer.identity, peer.remote.ip()));
            self.event(Event::PeerDown { peer: id, remote: peer.remote, reason });
        }
    }

    /// Removes an index entry, unless another peer has moved there.
    fn forget_key(&mut self, id: PeerId, key: (Identity, IpAddr)) {
        if self.peers_by_key.get(&key) == Some(&id) {
            self.peers_by_key.remove(&key);
        }
    }

    pub(super) fn peers_with_identity(&self, identity: &Identity) -> Vec<PeerId> {
        let first = (identity.clone(), IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        let last = (identity.clone(), IpAddr::V6(Ipv6Addr::from([0xff; 16])));
        self.peers_by_key.range(first..=last).map(|(_, id)| *id).collect()
    }

    /// An authentic message came along this path. While the IKE SA is being made, answers simply go where requests
    /// come from: the initiator moves to the NAT port. Afterwards only a peer behind a NAT can move, and only with a
    /// request that is newer than all before (RFC 7296 section 2.23), or an answer, which is new by nature.
    ///
    /// RFC 7296 advises a host that is behind a NAT itself against this. Here it follows all the same: a hub behind a
    /// static NAT would otherwise lose every spoke whose binding changes.
    pub(super) fn observe_path(&mut self, key: SaKey, path: UdpPath, message_id: Option<u32>) {
        let Some(sa) = self.sas.get_mut(&key) else { return };
        if let Some(id) = message_id {
            if sa.newest_request.is_some_and(|newest| id <= newest) {
                return;
            }
            sa.newest_request = Some(id);
        }
        match sa.state {
            State::InitAnswered => self.set_path(key, path),
            State::Established | State::Superseded if sa.nat.remote && sa.path.remote != path.remote => {
                self.move_sa(key, path.remote);
            }
            _ => {}
        }
    }

    /// The data lane saw authentic ESP in UDP from somewhere else.
    pub(super) fn endpoint_observed(&mut self, child: ChildId, remote: SocketAddr) {
        let Some(child) = self.children.get(child) else { return };
        let key = child.sa;
        let movable = self.sa(key).is_some_and(|sa| sa.nat.remote && sa.path.remote != remote);
        if child.udp && movable {
            self.move_sa(key, remote);
        }
    }

    fn set_path(&mut self, key: SaKey, path: UdpPath) {
        let Some(sa) = self.sa_mut(key) else { return };
        let before = core::mem::replace(&mut sa.path, path);
        if before.remote.ip() != path.remote.ip() {
            self.by_remote.remove(&(before.remote.ip(), key));
            self.by_remote.insert((path.remote.ip(), key));
        }
    }

    fn move_sa(&mut self, key: SaKey, remote: SocketAddr) {
        let Some(sa) = self.sa(key) else { return };
        let (path, peer) = (UdpPath { remote, ..sa.path }, sa.peer);
        self.set_path(key, path);
        let Some(id) = peer else { return };
        let siblings = self.peers.get(&id).map(|peer| peer.sas.clone()).unwrap_or_default();
        for sibling in siblings {
            if let Some(sa) = self.sa(sibling) {
                let path = UdpPath { remote, ..sa.path };
                self.set_path(sibling, path);
            }
        }
        self.move_peer(id, remote);
    }

    fn move_peer(&mut self, id: PeerId, remote: SocketAddr) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let from = core::mem::replace(&mut peer.remote, remote);
        if from == remote {
            return;
        }
        let identity = peer.identity.clone();
        if from.ip() != remote.ip() {
            self.forget_key(id, (identity.clone(), from.ip()));
            self.peers_by_key.entry((identity, remote.ip())).or_insert(id);
        }
        self.action(Action::UpdateEndpoint { peer: id, remote });
        self.event(Event::PeerMoved { peer: id, from, to: remote });
    }

    pub(super) fn check_liveness(&mut self, now: Instant, peer: PeerId) {
        let keys = self.peers.get(&peer).map(|peer| peer.sas.clone()).unwrap_or_default();
        for key in keys {
            let heard = self.last_heard(key);
            let Some(sa) = self.sa(key) else { continue };
            let interval = self.profile(sa.profile).and_then(|profile| profile.dpd).map(|dpd| dpd.interval);
            let fresh = match (interval, heard) {
                (Some(interval), Some(heard)) => now.saturating_duration_since(heard) < interval,
                _ => false,
            };
            if !fresh
                && sa.requests.is_idle()
                && let Some(sa) = self.sa_mut(key)
            {
                sa.enqueue(Task::Liveness);
            }
        }
    }

    /// When the last authentic packet came, on the IKE SA or on one of its child SAs.
    pub(super) fn last_heard(&self, key: SaKey) -> Option<Instant> {
        let sa = self.sa(key)?;
        let data = sa.children.iter().filter_map(|id| self.children.get(*id)?.last_inbound).max();
        data.max(Some(sa.last_received))
    }

    /// Picks the child SA for outbound traffic and tells the forwarding plane when that changes.
    ///
    /// Child SAs of one line (an IKE SA and its successors): the newest. Two lines that the same end began: the newer.
    /// Two lines that different ends began, which is crossed initiation: the one without the lowest nonce.
    pub(super) fn select_outbound(&mut self, now: Instant, id: PeerId) {
        let Some(peer) = self.peers.get(&id) else { return };
        let current = peer.outbound;
        let best = self.best_child(&peer.sas);
        self.mark_redundant(now, id);
        if best == current {
            return;
        }
        let Some(best) = best else {
            // Nothing better: packets have no SA until one comes up.
            if current.is_some_and(|child| self.children.get(child).is_none())
                && let Some(peer) = self.peers.get_mut(&id)
            {
                peer.outbound = None;
            }
            return;
        };
        let Some(child) = self.children.get_mut(best) else { return };
        let action = match core::mem::replace(&mut child.outbound, Outbound::Installed) {
            Outbound::Pending(sa) => Action::InstallOutbound { peer: id, child: best, sa },
            Outbound::Installed => Action::SelectOutbound { peer: id, child: best },
        };
        self.action(action);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.outbound = Some(best);
        }
    }

    fn best_child(&self, sas: &[SaKey]) -> Option<ChildId> {
        let newest = |sa: &IkeSa| {
            sa.children
                .iter()
                .copied()
                .filter_map(|id| {
                    self.children.get(id).filter(|child| child.is_usable()).map(|c| (c.created, id))
                })
                .max_by_key(|(created, _)| *created)
                .map(|(_, id)| id)
        };
        let stays = |sa: &&IkeSa| !sa.retiring && newest(sa).is_some();
        let any_stays = sas.iter().filter_map(|key| self.sa(*key)).any(|sa| stays(&sa));
        let of_origin = |origin: Role| {
            sas.iter()
                .filter_map(|key| self.sa(*key))
                .filter(|sa| sa.lineage.origin == origin && (stays(sa) || !any_stays))
                .filter_map(|sa| newest(sa).map(|child| (sa, child)))
                .max_by_key(|(sa, _)| (sa.lineage.established, sa.created))
        };
        match (of_origin(Role::Initiator), of_origin(Role::Responder)) {
            (Some((ours, child)), Some((theirs, other))) => {
                Some(if ours.lineage.lowest_nonce > theirs.lineage.lowest_nonce { child } else { other })
            }
            (Some((_, child)), None) | (None, Some((_, child))) => Some(child),
            (None, None) => None,
        }
    }

    /// Of two crossed lines the end that began the redundant one retires it after the grace time. If it does not, as one
    /// that does not know the rule, the other end does after as much time again.
    fn mark_redundant(&mut self, now: Instant, id: PeerId) {
        let Some((redundant, _)) = self.crossed_pair(id) else { return };
        let grace = self.config.crossed_grace;
        let Some(sa) = self.sa_mut(redundant) else { return };
        if sa.timers.get(Timer::Retire).is_some() {
            return;
        }
        let is_ours = sa.lineage.origin == Role::Initiator;
        sa.timers.set(Timer::Retire, now + if is_ours { grace } else { grace.saturating_mul(2) });
        self.stats.crossed += u64::from(is_ours);
    }

    /// The grace time of a redundant SA is over; it goes if the other one still stands.
    pub(super) fn retire(&mut self, now: Instant, key: SaKey) {
        let Some(id) = self.sa(key).and_then(|sa| sa.peer) else { return };
        let replaced = self.sa(key).is_some_and(|sa| sa.retiring);
        if replaced || self.crossed_pair(id).is_some_and(|(redundant, _)| redundant == key) {
            self.close_sa(now, key, DownReason::Redundant);
        }
    }

    /// Two crossed lines with usable child SAs: the redundant one and the other.
    fn crossed_pair(&self, id: PeerId) -> Option<(SaKey, SaKey)> {
        let peer = self.peers.get(&id)?;
        let newest = |origin: Role| {
            peer.sas
                .iter()
                .copied()
                .filter_map(|key| self.sa(key).map(|sa| (key, sa)))
                .filter(|(_, sa)| {
                    sa.state.is_live()
                        && !sa.retiring
                        && sa.lineage.origin == origin
                        && sa.children.iter().any(|child| {
                            self.children.get(*child).is_some_and(|child| child.phase == Phase::Active)
                        })
                })
                .max_by_key(|(_, sa)| (sa.lineage.established, sa.created))
        };
        let (ours, theirs) = (newest(Role::Initiator)?, newest(Role::Responder)?);
        Some(if ours.1.lineage.lowest_nonce > theirs.1.lineage.lowest_nonce {
            (theirs.0, ours.0)
        } else {
            (ours.0, theirs.0)
        })
    }
}
