//! Rekeying the IKE SA (RFC 7296 sections 1.3.2, 2.18), with the collisions of section 2.8.2.

use std::time::{Duration, Instant};

use super::Endpoint;
use super::arena::SaKey;
use super::create_child::{Refusal, key_exchange_payload};
use super::ike_sa::{Collision, Role, State, Task, Timer};
use super::init::{InitParts, first_error};
use super::receive::Opened;
use super::requests::{IkeExchange, Pending};
use super::window::ReceiveWindow;
use crate::crypto::{Group, IkeKeys, IkeSuite, skeyseed_rekey};
use crate::io::{DownReason, Event};
use crate::negotiation::{choose_ike, ike_offer, is_single_choice};
use crate::secret::SecretBytes;
use crate::wire::{ExchangeType, GroupId, NotifyType, Payload, Proposal, Spi};

/// How long a replaced IKE SA waits for the peer's DELETE.
const SUPERSEDED: Duration = Duration::from_secs(30);
/// How often a group may change in one attempt.
const MAX_ROUNDS: u8 = 3;

impl Endpoint {
    pub(super) fn start_ike_rekey(&mut self, now: Instant, key: SaKey, group: Option<GroupId>, rounds: u8) {
        let Some(sa) = self.sa(key) else { return };
        let (Some(suite), Some(profile)) = (sa.suite, self.profile(sa.profile)) else { return };
        if sa.state != State::Established {
            return;
        }
        // The group in use is the one that the peer certainly takes.
        let group = group.and_then(Group::from_id).unwrap_or(suite.group);
        let mut policy = profile.proposals.clone();
        for proposal in &mut policy {
            if let Some(at) = proposal.groups.iter().position(|g| *g == group) {
                proposal.groups.swap(0, at);
            }
        }
        let spi = self.new_spi();
        let nonce = self.nonce();
        let key_pair = self.key_pair(group);
        let payloads = [
            Payload::SecurityAssociation(ike_offer(&policy, &Spi::ike(spi))),
            Payload::Nonce(nonce.clone()),
            key_exchange_payload(&key_pair),
        ];
        let exchange = IkeExchange { spi, nonce, key_pair, collision: None, rounds };
        let pending = Pending::RekeyIke(Box::new(exchange));
        self.request(now, key, ExchangeType::CREATE_CHILD_SA, &payloads, pending);
    }

    /// The peer wants a new IKE SA.
    pub(super) fn answer_ike_rekey(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: &Opened,
    ) -> Result<Vec<Payload>, Refusal> {
        let sa = self.sa(key).ok_or(NotifyType::TEMPORARY_FAILURE)?;
        // RFC 7296 section 2.25.2: not while child SAs are being made or deleted.
        if sa.requests.pending().any(Pending::changes_children) {
            return Err(NotifyType::TEMPORARY_FAILURE.into());
        }
        let collided = |pending: &Pending| matches!(pending, Pending::RekeyIke(exchange) if exchange.collision.is_some());
        if sa.requests.pending().any(collided) {
            return Err(NotifyType::TEMPORARY_FAILURE.into());
        }
        let profile = self.profile(sa.profile).ok_or(NotifyType::TEMPORARY_FAILURE)?;
        let parts = InitParts::of(&opened.payloads);
        let (Some(proposals), Some(nonce_i)) = (parts.proposals, parts.nonce) else {
            return Err(NotifyType::INVALID_SYNTAX.into());
        };
        let choice = choose_ike(&profile.proposals, proposals).ok_or(NotifyType::NO_PROPOSAL_CHOSEN)?;
        let spi_i = choice.peer_spi.as_ike().filter(|spi| *spi != 0).ok_or(NotifyType::INVALID_SYNTAX)?;
        let (key_pair, shared) = self.answer_key_exchange(Some(choice.suite.group), parts.key_exchange)?;
        let (Some(key_pair), Some(shared)) = (key_pair, shared) else {
            return Err(NotifyType::INVALID_SYNTAX.into());
        };
        let nonce_i = nonce_i.to_vec();
        let nonce_r = self.nonce();
        let spi_r = self.new_spi();
        let made = self
            .successor(now, key, Role::Responder, choice.suite, &shared, &nonce_i, &nonce_r, spi_i, spi_r)
            .ok_or(NotifyType::TEMPORARY_FAILURE)?;
        let lowest_nonce = nonce_i.min(nonce_r.clone());
        let collision = self.sa_mut(key).and_then(|sa| {
            sa.requests.pending_mut().find_map(|pending| match pending {
                Pending::RekeyIke(exchange) => Some(&mut exchange.collision),
                _ => None,
            })
        });
        match collision {
            Some(slot) => {
                *slot = Some(Collision { made, lowest_nonce });
                if let Some(sa) = self.sa_mut(made) {
                    sa.predecessor = Some(key);
                }
            }
            None => self.hand_over(now, key, made),
        }
        let proposal = Proposal { spi: Spi::ike(spi_r), ..choice.proposal };
        Ok(vec![
            Payload::SecurityAssociation(vec![proposal]),
            Payload::Nonce(nonce_r),
            key_exchange_payload(&key_pair),
        ])
    }

    pub(super) fn receive_rekey_ike_response(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: Opened,
        exchange: IkeExchange,
    ) {
        let parts = InitParts::of(&opened.payloads);
        let (Some(proposals), Some((group, public)), Some(nonce_r)) =
            (parts.proposals, parts.key_exchange, parts.nonce)
        else {
            return self.ike_rekey_refused(now, key, &opened, exchange);
        };
        let Some(profile) = self.sa(key).and_then(|sa| self.profile(sa.profile)) else { return };
        let choice = choose_ike(&profile.proposals, proposals).filter(|choice| {
            is_single_choice(proposals)
                && choice.suite.group == exchange.key_pair.group()
                && choice.suite.group.id() == group
        });
        let spi_r = choice.as_ref().and_then(|choice| choice.peer_spi.as_ike()).filter(|spi| *spi != 0);
        let shared = exchange.key_pair.agree(public);
        let (Some(choice), Some(spi_r), Ok(shared)) = (choice, spi_r, shared) else {
            // The peer holds an IKE SA that we cannot use, and nothing can delete it but a new beginning.
            return self.close_sa(now, key, DownReason::ProtocolError);
        };
        let nonce_r = nonce_r.to_vec();
        let nonce_i = exchange.nonce;
        let made = self.successor(
            now,
            key,
            Role::Initiator,
            choice.suite,
            &shared,
            &nonce_i,
            &nonce_r,
            exchange.spi,
            spi_r,
        );
        let Some(made) = made else { return };
        if let Some(reason) = self.sa(key).filter(|sa| sa.state == State::Closing).and_then(|sa| sa.closing) {
            // In the meantime everything was to end: for the peer the new one is what stands.
            return self.close_sa(now, made, reason);
        }
        if self.sa(key).is_some_and(|sa| sa.successor.is_some()) {
            // The peer has shown by its use of its own that it won.
            self.stats.rekey_collisions += 1;
            return self.close_sa(now, made, DownReason::Redundant);
        }
        let Some(collision) = exchange.collision else {
            self.hand_over(now, key, made);
            return self.delete_replaced(key);
        };
        self.stats.rekey_collisions += 1;
        if nonce_i.min(nonce_r) < collision.lowest_nonce {
            // Ours has the lowest nonce: we delete what we made, the peer deletes the old one.
            self.hand_over(now, key, collision.made);
            self.close_sa(now, made, DownReason::Redundant);
        } else {
            self.hand_over(now, key, made);
            self.delete_replaced(key);
            // The peer deletes its own; should it forget, the timer does.
            if let Some(sa) = self.sa_mut(collision.made) {
                sa.predecessor = None;
                sa.state = State::Superseded;
                sa.timers.clear(Timer::Rekey);
                sa.timers.set(Timer::Linger, now + SUPERSEDED);
            }
            self.detach_from_peer(now, collision.made, DownReason::Redundant);
        }
    }

    fn ike_rekey_refused(&mut self, now: Instant, key: SaKey, opened: &Opened, exchange: IkeExchange) {
        if self.sa(key).is_some_and(|sa| sa.state == State::Closing) {
            return;
        }
        if let Some(collision) = exchange.collision {
            if self.sa(key).is_some_and(|sa| sa.successor.is_none()) {
                self.hand_over(now, key, collision.made);
            }
            return;
        }
        let error = first_error(&opened.payloads);
        let wait = match error.map(|notify| notify.notify_type) {
            Some(NotifyType::TEMPORARY_FAILURE) => {
                self.stats.temporary_failures += 1;
                self.backoff()
            }
            Some(NotifyType::INVALID_KE_PAYLOAD) => {
                let wanted = error
                    .and_then(|notify| <[u8; 2]>::try_from(notify.data.as_slice()).ok())
                    .map(|bytes| GroupId(u16::from_be_bytes(bytes)))
                    .filter(|id| exchange.rounds < MAX_ROUNDS && self.offers_group(key, *id));
                if let (Some(id), Some(sa)) = (wanted, self.sa_mut(key)) {
                    sa.tasks.push_front(Task::RekeyIke { group: Some(id), rounds: exchange.rounds + 1 });
                    return;
                }
                Self::rekey_retry()
            }
            _ => {
                // A peer that cannot rekey an IKE SA at all (RFC 7296 section 1.3: NO_ADDITIONAL_SAS) can make a new one.
                if let Some(peer) = self.sa(key).and_then(|sa| sa.peer) {
                    self.reauthenticate(now, peer);
                }
                Self::rekey_retry()
            }
        };
        let at = now + self.jittered(wait);
        if let Some(sa) = self.sa_mut(key) {
            sa.timers.set(Timer::Rekey, at);
        }
    }

    fn offers_group(&self, key: SaKey, id: GroupId) -> bool {
        self.sa(key).and_then(|sa| self.profile(sa.profile)).is_some_and(|profile| {
            profile.proposals.iter().any(|proposal| proposal.groups.iter().any(|group| group.id() == id))
        })
    }

    /// Makes the IKE SA that replaces another one.
    #[allow(clippy::too_many_arguments, reason = "the outcome of one exchange")]
    fn successor(
        &mut self,
        now: Instant,
        key: SaKey,
        role: Role,
        suite: IkeSuite,
        shared: &SecretBytes,
        nonce_i: &[u8],
        nonce_r: &[u8],
        spi_i: u64,
        spi_r: u64,
    ) -> Option<SaKey> {
        let old = self.sa(key)?;
        let prf = old.suite?.prf;
        let skeyseed = skeyseed_rekey(prf, &old.protection.as_ref()?.sk_d, shared.expose(), nonce_i, nonce_r);
        let keys = IkeKeys::derive(suite, &skeyseed, nonce_i, nonce_r, spi_i, spi_r);
        let (spi_local, spi_remote) = match role {
            Role::Initiator => (spi_i, spi_r),
            Role::Responder => (spi_r, spi_i),
        };
        let peer = old.peer;
        let identity = old.local_identity.clone();
        let mut sa = self.new_sa(now, role, State::Established, old.profile, spi_local, old.path, identity);
        sa.spi_remote = spi_remote;
        sa.nat = old.nat;
        sa.fragmentation = old.fragmentation;
        sa.ppk = old.ppk;
        sa.retiring = old.retiring;
        sa.lineage = old.lineage.clone();
        // RFC 7296 section 2.18: message ids start at zero, in both directions; the window is one again until told.
        sa.window = ReceiveWindow::new(0, self.config.window);
        sa.protect(suite, &keys);
        let made = self.insert_sa(sa);
        self.log_keys(made, suite, &keys);
        if let Some(peer) = peer {
            self.attach_to_peer(made, peer);
        }
        self.arm_ike_timers(now, made);
        Some(made)
    }

    /// The successor takes child SAs and waiting work over.
    fn hand_over(&mut self, now: Instant, old: SaKey, new: SaKey) {
        self.move_children(old, new);
        let Some(sa) = self.sa_mut(old) else { return };
        sa.state = State::Superseded;
        sa.successor = Some(new);
        for timer in [Timer::Liveness, Timer::Keepalive, Timer::Rekey, Timer::Expire] {
            sa.timers.clear(timer);
        }
        sa.timers.set(Timer::Linger, now + SUPERSEDED);
        let (peer, retire) = (sa.peer, sa.timers.get(Timer::Retire));
        sa.timers.clear(Timer::Retire);
        if let (Some(at), Some(sa)) = (retire, self.sa_mut(new)) {
            sa.timers.set(Timer::Retire, at);
        }
        self.stats.ike_rekeys += 1;
        self.detach_from_peer(now, old, DownReason::Redundant);
        if let Some(peer) = peer {
            self.event(Event::IkeRekeyed { peer });
        }
    }

    /// The peer speaks about child SAs on the IKE SA that it made in a collision which is undecided here: it has decided.
    pub(super) fn adopt_children(&mut self, now: Instant, key: SaKey) {
        let old = self.sa_mut(key).and_then(|sa| sa.predecessor.take());
        if let Some(old) = old
            && self.sa(old).is_some_and(|sa| sa.successor.is_none() && sa.state == State::Established)
        {
            self.hand_over(now, old, key);
        }
    }

    /// What belongs to an IKE SA goes to another one; stays where it is if that one is gone.
    pub(super) fn move_children(&mut self, old: SaKey, new: SaKey) {
        if !self.sas.contains_key(&new) {
            return;
        }
        let Some(sa) = self.sa_mut(old) else { return };
        let children = core::mem::take(&mut sa.children);
        let mut tasks = core::mem::take(&mut sa.tasks);
        tasks.extend(sa.deferred.take());
        sa.timers.clear(Timer::AskAgain);
        let connecting = core::mem::take(&mut sa.connecting);
        for id in &children {
            if let Some(child) = self.children.get_mut(*id) {
                child.sa = new;
            }
        }
        let Some(sa) = self.sa_mut(new) else { return };
        sa.children.extend(children);
        sa.connecting |= connecting;
        for task in tasks {
            if !matches!(task, Task::RekeyIke { .. } | Task::Liveness | Task::ReportSpi(_)) {
                sa.enqueue(task);
            }
        }
    }

    fn delete_replaced(&mut self, key: SaKey) {
        if let Some(sa) = self.sa_mut(key) {
            sa.tasks.push_front(Task::DeleteIke);
            // A DELETE that is not answered ends the SA by its repetitions, not by this timer.
            sa.timers.clear(Timer::Linger);
        }
    }
}
