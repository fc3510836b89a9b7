//! CREATE_CHILD_SA for child SAs (RFC 7296 sections 1.3.1, 1.3.3), with the collisions of section 2.8.1.

use std::time::Instant;

use super::Endpoint;
use super::arena::SaKey;
use super::child::Phase;
use super::children::{Agreement, ChildParts, NewChild, answer_payloads, pfs_group};
use super::ike_sa::{Collision, Role, State, Task, Timer};
use super::init::{InitParts, failure_from_notify, first_error};
use super::receive::Opened;
use super::requests::{ChildExchange, Pending};
use crate::crypto::{ChildKeys, ChildSuite, KeyPair};
use crate::ids::{ChildId, ProfileId};
use crate::io::{DownReason, Event, FailureReason};
use crate::secret::SecretBytes;
use crate::wire::{ExchangeType, GroupId, Notify, NotifyType, Payload, ProtocolId, find_notify};

/// How often a group may change in one attempt.
const MAX_ROUNDS: u8 = 3;

/// How a request is refused: the notify for the peer, and the reason for our embedder where it should know.
pub(super) struct Refusal {
    pub(super) notify: Notify,
    pub(super) reason: Option<FailureReason>,
}

impl From<NotifyType> for Refusal {
    fn from(notify_type: NotifyType) -> Self {
        Self { notify: Notify::new(notify_type), reason: None }
    }
}

impl Endpoint {
    pub(super) fn start_create_child(
        &mut self,
        now: Instant,
        key: SaKey,
        profile: ProfileId,
        group: Option<GroupId>,
        rounds: u8,
    ) {
        // While this waited, the peer may have made one.
        let up = self.sa(key).is_some_and(|sa| {
            let mut children = sa.children.iter().filter_map(|id| self.children.get(*id));
            let asked = |pending: &Pending| {
                matches!(pending, Pending::CreateChild(exchange)
                    if exchange.replaces.is_none() && exchange.profile == profile)
            };
            children.any(|child| child.is_up() && child.profile == profile)
                || sa.requests.pending().any(asked)
        });
        if !up && self.sa(key).is_some_and(|sa| sa.state == State::Established) {
            self.send_child_request(now, key, profile, None, group, rounds);
        }
    }

    pub(super) fn start_child_rekey(
        &mut self,
        now: Instant,
        key: SaKey,
        id: ChildId,
        group: Option<GroupId>,
        rounds: u8,
    ) {
        let established = self.sa(key).is_some_and(|sa| sa.state == State::Established);
        let Some(child) = self.children.get_mut(id) else { return };
        // In the meantime the peer may have done it.
        if !established || child.phase != Phase::Active || child.replaced_by.is_some() || child.sa != key {
            child.rekeying = false;
            return;
        }
        let profile = child.profile;
        self.send_child_request(now, key, profile, Some(id), group, rounds);
    }

    fn send_child_request(
        &mut self,
        now: Instant,
        key: SaKey,
        profile_id: ProfileId,
        replaces: Option<ChildId>,
        group: Option<GroupId>,
        rounds: u8,
    ) {
        let Some(profile) = self.profile(profile_id) else { return };
        let pfs = pfs_group(profile, group);
        let Some(offer) = self.offer_child(now, key, profile_id, false) else { return };
        let nonce = self.nonce();
        let key_pair = pfs.map(|group| self.key_pair(group));
        let mut payloads = Vec::new();
        if let Some(old) = replaces.and_then(|old| self.children.get(old)) {
            payloads.push(Payload::Notify(Notify::for_esp(NotifyType::REKEY_SA, old.local_spi)));
        }
        for payload in offer.payloads {
            let is_sa = matches!(payload, Payload::SecurityAssociation(_));
            payloads.push(payload);
            if is_sa {
                payloads.push(Payload::Nonce(nonce.clone()));
                payloads.extend(key_pair.as_ref().map(key_exchange_payload));
            }
        }
        let exchange = ChildExchange {
            child: offer.child,
            local_spi: offer.local_spi,
            profile: profile_id,
            nonce,
            key_pair,
            replaces,
            collision: None,
            rounds,
            deleted: Vec::new(),
        };
        let pending = Pending::CreateChild(Box::new(exchange));
        self.request(now, key, ExchangeType::CREATE_CHILD_SA, &payloads, pending);
    }

    pub(super) fn receive_create_child_request(&mut self, now: Instant, key: SaKey, opened: Opened) {
        self.adopt_children(now, key);
        let protocol = opened.payloads.iter().find_map(|payload| match payload {
            Payload::SecurityAssociation(proposals) => proposals.first().map(|proposal| proposal.protocol),
            _ => None,
        });
        let result = if self.sa(key).is_none_or(|sa| sa.state != State::Established) {
            Err(NotifyType::TEMPORARY_FAILURE.into())
        } else if protocol == Some(ProtocolId::IKE) {
            self.answer_ike_rekey(now, key, &opened)
        } else {
            self.answer_child_request(now, key, &opened)
        };
        let (path, exchange, message_id) = (opened.path, opened.exchange, opened.message_id);
        match result {
            Ok(payloads) => self.respond(key, path, exchange, message_id, &payloads),
            Err(refusal) => {
                if refusal.notify.notify_type == NotifyType::TEMPORARY_FAILURE {
                    self.stats.temporary_failures += 1;
                }
                self.respond(key, path, exchange, message_id, &[Payload::Notify(refusal.notify)]);
                if let Some(reason) = refusal.reason {
                    self.event(Event::Refused { remote: path.remote, reason });
                }
            }
        }
    }

    fn answer_child_request(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: &Opened,
    ) -> Result<Vec<Payload>, Refusal> {
        let sa = self.sa(key).ok_or(NotifyType::TEMPORARY_FAILURE)?;
        // RFC 7296 section 2.25.2: no new child SAs while the IKE SA is being rekeyed.
        if sa.requests.pending().any(|pending| matches!(pending, Pending::RekeyIke(_))) {
            return Err(NotifyType::TEMPORARY_FAILURE.into());
        }
        let old = self.rekeyed_child(key, opened)?;
        let profile_id = match old.and_then(|old| self.children.get(old)) {
            Some(child) => child.profile,
            None => self.sa(key).map(|sa| sa.profile).ok_or(NotifyType::TEMPORARY_FAILURE)?,
        };
        let agreement = self.consider_request(key, profile_id, &opened.payloads, false).map_err(
            |(notify_type, reason)| Refusal { notify: Notify::new(notify_type), reason: Some(reason) },
        )?;
        let parts = InitParts::of(&opened.payloads);
        let nonce_i = parts.nonce.ok_or(NotifyType::INVALID_SYNTAX)?.to_vec();
        let (key_pair, shared) = self.answer_key_exchange(agreement.choice.group, parts.key_exchange)?;
        let nonce_r = self.nonce();
        let suite = agreement.choice.suite;
        let keys = self
            .child_keys(key, suite, shared.as_ref(), &nonce_i, &nonce_r)
            .ok_or(NotifyType::TEMPORARY_FAILURE)?;
        let (id, local_spi) =
            self.children.reserve(&mut *self.rng, now).ok_or(NotifyType::NO_ADDITIONAL_SAS)?;
        let fresh = Some((nonce_r.clone(), key_pair.as_ref().map(key_exchange_payload)));
        let payloads = answer_payloads(&agreement, local_spi, fresh);
        // The initiator of a rekey is not ready to receive before it has our answer: until a sign of that the old SA
        // carries the traffic, and nothing is lost.
        let twin = if old.is_none() { self.twin(key, profile_id) } else { None };
        let replaces = old.is_some() || twin.is_some();
        let phase = if replaces { Phase::InboundOnly } else { self.responder_phase(key) };
        let new = NewChild {
            id,
            local_spi,
            profile: profile_id,
            agreement,
            keys,
            role: Role::Responder,
            replaces: old.or(twin),
            phase,
        };
        self.install_child(now, key, new);
        if twin.is_some() {
            self.replace_twin(id);
        }
        self.note_child_collision(key, old, id, nonce_i.min(nonce_r));
        Ok(payloads)
    }

    /// The child SA that REKEY_SA names, if the request has one.
    fn rekeyed_child(&mut self, key: SaKey, opened: &Opened) -> Result<Option<ChildId>, Refusal> {
        let Some(rekey) = find_notify(&opened.payloads, NotifyType::REKEY_SA) else { return Ok(None) };
        let spi = rekey.spi.as_esp().filter(|_| rekey.protocol == ProtocolId::ESP);
        let spi = spi.ok_or(NotifyType::INVALID_SYNTAX)?;
        let not_found =
            || Refusal { notify: Notify::for_esp(NotifyType::CHILD_SA_NOT_FOUND, spi), reason: None };
        let Some(id) = self.child_by_remote_spi(key, spi) else {
            // It may be the one whose making was not answered here yet.
            let asked = |pending: &Pending| matches!(pending, Pending::CreateChild(_));
            let early = self.sa(key).is_some_and(|sa| sa.requests.pending().any(asked));
            return Err(if early { NotifyType::TEMPORARY_FAILURE.into() } else { not_found() });
        };
        let child = self.children.get(id).ok_or_else(not_found)?;
        match child.phase {
            // Already replaced: this is the second rekey before the delete of the first.
            Phase::Active | Phase::InboundOnly if child.replaced_by.is_some() => {
                Err(NotifyType::TEMPORARY_FAILURE.into())
            }
            Phase::Active | Phase::InboundOnly => Ok(Some(id)),
            // RFC 7296 section 2.25.1: being deleted.
            Phase::Deleting | Phase::Superseded => Err(NotifyType::TEMPORARY_FAILURE.into()),
            Phase::Draining => Err(not_found()),
        }
    }

    /// KE of a responder: the right group, a valid value; or none on both sides.
    pub(super) fn answer_key_exchange(
        &mut self,
        group: Option<crate::crypto::Group>,
        offered: Option<(GroupId, &[u8])>,
    ) -> Result<(Option<KeyPair>, Option<SecretBytes>), Refusal> {
        let Some(group) = group else { return Ok((None, None)) };
        let Some((_, public)) = offered.filter(|(id, _)| *id == group.id()) else {
            let wanted = group.id().0.to_be_bytes().to_vec();
            let notify = Notify::with_data(NotifyType::INVALID_KE_PAYLOAD, wanted);
            return Err(Refusal { notify, reason: None });
        };
        let key_pair = self.key_pair(group);
        let shared = key_pair.agree(public).map_err(|_| NotifyType::INVALID_SYNTAX)?;
        Ok((Some(key_pair), Some(shared)))
    }

    fn note_child_collision(
        &mut self,
        key: SaKey,
        old: Option<ChildId>,
        made: ChildId,
        lowest_nonce: Vec<u8>,
    ) {
        let Some(sa) = self.sa_mut(key) else { return };
        // Two new child SAs at the same moment, without a rekey, are one too many in the same way.
        let exchange = sa.requests.pending_mut().find_map(|pending| match pending {
            Pending::CreateChild(exchange) if exchange.replaces == old => Some(exchange),
            _ => None,
        });
        if let Some(exchange) = exchange {
            exchange.collision = Some(Collision { made, lowest_nonce });
        }
    }

    fn child_keys(
        &self,
        key: SaKey,
        suite: ChildSuite,
        shared: Option<&SecretBytes>,
        nonce_i: &[u8],
        nonce_r: &[u8],
    ) -> Option<ChildKeys> {
        let sa = self.sa(key)?;
        let (prf, protection) = (sa.suite?.prf, sa.protection.as_ref()?);
        Some(ChildKeys::derive(prf, &protection.sk_d, suite, shared, nonce_i, nonce_r, &[]))
    }

    pub(super) fn receive_create_child_response(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: Opened,
        exchange: ChildExchange,
    ) {
        let has_sa = opened.payloads.iter().any(|p| matches!(p, Payload::SecurityAssociation(_)));
        if let (false, Some(error)) = (has_sa, first_error(&opened.payloads)) {
            return self.child_request_refused(now, key, exchange, error);
        }
        let profile = exchange.profile;
        let group = exchange.key_pair.as_ref().map(KeyPair::group);
        let result = self
            .verify_answer(key, profile, &opened.payloads, group, false)
            .and_then(|agreement| self.finish_child_keys(key, &exchange, agreement, &opened));
        match result {
            Ok((agreement, ..)) if exchange.deleted.contains(&agreement.choice.peer_spi) => {
                // The peer has deleted it before we knew of it.
                self.children.release(exchange.child, now);
                if !self.refused_for_now(now, key, &exchange) {
                    self.child_attempt_failed(now, key, None, FailureReason::Cancelled);
                }
            }
            Ok((agreement, keys, nonce_r)) => {
                self.finish_child(now, key, exchange, agreement, keys, &nonce_r);
            }
            Err(reason) => self.child_answer_wrong(now, key, exchange, &opened, reason),
        }
    }

    fn finish_child_keys(
        &self,
        key: SaKey,
        exchange: &ChildExchange,
        agreement: Agreement,
        opened: &Opened,
    ) -> Result<(Agreement, ChildKeys, Vec<u8>), FailureReason> {
        let syntax = FailureReason::InvalidSyntax;
        let parts = InitParts::of(&opened.payloads);
        let nonce_r = parts.nonce.ok_or(syntax)?;
        let shared = match (&exchange.key_pair, parts.key_exchange) {
            (None, _) => None,
            (Some(pair), Some((group, public))) if group == pair.group().id() => {
                Some(pair.agree(public).map_err(|_| syntax)?)
            }
            _ => return Err(syntax),
        };
        let keys = self
            .child_keys(key, agreement.choice.suite, shared.as_ref(), &exchange.nonce, nonce_r)
            .ok_or(syntax)?;
        Ok((agreement, keys, nonce_r.to_vec()))
    }

    #[allow(clippy::too_many_arguments, reason = "the outcome of one exchange")]
    fn finish_child(
        &mut self,
        now: Instant,
        key: SaKey,
        exchange: ChildExchange,
        agreement: Agreement,
        keys: ChildKeys,
        nonce_r: &[u8],
    ) {
        let lowest = exchange.nonce.as_slice().min(nonce_r);
        let lost =
            exchange.collision.as_ref().is_some_and(|collision| lowest < collision.lowest_nonce.as_slice());
        if exchange.collision.is_some() {
            self.stats.rekey_collisions += 1;
        }
        if lost {
            // RFC 7296 section 2.8.1: ours has the lowest nonce, so we delete what we made; the peer deletes the old.
            if let Some(old) = exchange.replaces.and_then(|old| self.children.get_mut(old)) {
                old.rekeying = false;
            }
            let (id, spi, peer_spi) = (exchange.child, exchange.local_spi, agreement.choice.peer_spi);
            return self.install_stillborn(now, key, id, spi, peer_spi);
        }
        let old = exchange.replaces.filter(|old| self.children.get(*old).is_some());
        let new = NewChild {
            id: exchange.child,
            local_spi: exchange.local_spi,
            profile: exchange.profile,
            agreement,
            keys,
            role: Role::Initiator,
            replaces: old,
            phase: Phase::Active,
        };
        self.install_child(now, key, new);
        self.finish_reauthentication(now, key);
        let made = exchange.collision.map(|collision| collision.made);
        if let (Some(made), None) = (made, exchange.replaces) {
            // Nothing tells the peer for certain that its own is redundant, unlike in a rekey, so it is deleted from
            // here; a DELETE from both ends does no harm.
            self.supersede(now, made, exchange.child);
            if let Some(sa) = self.sa_mut(key) {
                sa.enqueue(Task::DeleteChild(made));
            }
        }
        if let Some(redundant) = made.and_then(|made| self.children.get_mut(made)) {
            // The peer deletes it; until then it only receives.
            redundant.replaced_by = Some(exchange.child);
            redundant.give_way(now);
        }
        if let Some(old) = old
            && let Some(child) = self.children.get_mut(old)
            && child.phase == Phase::Superseded
        {
            child.phase = Phase::Deleting;
            if let Some(sa) = self.sa_mut(key) {
                sa.enqueue(Task::DeleteChild(old));
            }
        }
    }

    /// The peer has made a child SA that we cannot accept: it has to be deleted again.
    fn child_answer_wrong(
        &mut self,
        now: Instant,
        key: SaKey,
        exchange: ChildExchange,
        opened: &Opened,
        reason: FailureReason,
    ) {
        let peer_spi =
            ChildParts::of(&opened.payloads).proposals.and_then(|proposals| proposals.first()?.spi.as_esp());
        match peer_spi {
            Some(spi) => self.install_stillborn(now, key, exchange.child, exchange.local_spi, spi),
            None => {
                self.children.release(exchange.child, now);
            }
        }
        self.child_attempt_failed(now, key, exchange.replaces, reason);
    }

    fn child_request_refused(&mut self, now: Instant, key: SaKey, exchange: ChildExchange, error: &Notify) {
        self.children.release(exchange.child, now);
        let goes_on = match error.notify_type {
            NotifyType::TEMPORARY_FAILURE => {
                self.stats.temporary_failures += 1;
                self.refused_for_now(now, key, &exchange)
            }
            NotifyType::CHILD_SA_NOT_FOUND => self.refused_as_unknown(now, key, &exchange),
            NotifyType::INVALID_KE_PAYLOAD => {
                let wanted =
                    <[u8; 2]>::try_from(error.data.as_slice()).ok().map(u16::from_be_bytes).map(GroupId);
                let task = self.other_group(&exchange, wanted);
                match (task, self.sa_mut(key)) {
                    (Some(task), Some(sa)) => {
                        sa.tasks.push_front(task);
                        true
                    }
                    _ => false,
                }
            }
            _ => false,
        };
        if !goes_on {
            let reason = failure_from_notify(error.notify_type);
            self.child_attempt_failed(now, key, exchange.replaces, reason);
        }
    }

    /// The same later (RFC 7296 section 2.25), or a new one now where there is nothing left to replace.
    fn refused_for_now(&mut self, now: Instant, key: SaKey, exchange: &ChildExchange) -> bool {
        let at = now + self.backoff();
        let collided = exchange.collision.is_some();
        let old = exchange.replaces.and_then(|old| self.children.get_mut(old));
        match (exchange.replaces, old) {
            (Some(_), Some(old)) if old.phase == Phase::Active => {
                old.rekeying = false;
                // In a collision the child SA that the peer made takes over.
                old.timers.rekey = Some(at).filter(|_| !collided);
                self.dirty.push(key);
            }
            // It expired in the meantime, here or there as well: what is needed now is a new one.
            (Some(_), _) => self.ensure_child(key, exchange.profile),
            (None, _) if exchange.rounds < MAX_ROUNDS => self.ask_again(key, at, exchange),
            (None, _) => return false,
        }
        true
    }

    /// CHILD_SA_NOT_FOUND (RFC 7296 section 2.25.1): ours is silently gone, and a new one is made in its place.
    fn refused_as_unknown(&mut self, now: Instant, key: SaKey, exchange: &ChildExchange) -> bool {
        let Some(old) = exchange.replaces else { return false };
        self.child_gone(now, old, DownReason::NotFoundByPeer);
        self.ensure_child(key, exchange.profile);
        true
    }

    /// The same request with the group that the peer wants, if we know it and have not tried too often.
    fn other_group(&self, exchange: &ChildExchange, wanted: Option<GroupId>) -> Option<Task> {
        let id = wanted.filter(|_| exchange.rounds < MAX_ROUNDS)?;
        let profile = self.profile(exchange.profile)?;
        let allowed = profile.child.pfs.iter().any(|group| group.id() == id);
        let (group, rounds) = (Some(id), exchange.rounds + 1);
        allowed.then_some(match exchange.replaces {
            Some(child) => Task::RekeyChild { child, group, rounds },
            None => Task::CreateChild { profile: exchange.profile, group, rounds },
        })
    }

    /// The same request later, after TEMPORARY_FAILURE (RFC 7296 section 2.25).
    fn ask_again(&mut self, key: SaKey, at: Instant, exchange: &ChildExchange) {
        let group = exchange.key_pair.as_ref().map(|pair| pair.group().id());
        let (profile, rounds) = (exchange.profile, exchange.rounds + 1);
        let Some(sa) = self.sa_mut(key) else { return };
        sa.deferred = Some(Task::CreateChild { profile, group, rounds });
        sa.timers.set(Timer::AskAgain, at);
    }

    fn child_attempt_failed(
        &mut self,
        now: Instant,
        key: SaKey,
        replaces: Option<ChildId>,
        reason: FailureReason,
    ) {
        match replaces {
            Some(old) => {
                let at = now + self.jittered(Self::rekey_retry());
                let Some(old) = self.children.get_mut(old) else { return };
                old.rekeying = false;
                if old.phase == Phase::Active {
                    old.timers.rekey = Some(at);
                } else {
                    let profile = old.profile;
                    self.ensure_child(key, profile);
                }
                self.dirty.push(key);
            }
            None => {
                if let Some(remote) = self.sa(key).map(|sa| sa.path.remote.ip()) {
                    self.report_failure(remote, reason);
                }
            }
        }
    }

    /// The child SA of an IKE SA, or of its successor, whose outbound SPI this is.
    pub(super) fn child_by_remote_spi(&self, key: SaKey, spi: u32) -> Option<ChildId> {
        let sa = self.sa(key)?;
        let here = sa.children.iter().copied();
        let there =
            sa.successor.and_then(|key| self.sa(key)).into_iter().flat_map(|sa| sa.children.iter().copied());
        here.chain(there).find(|id| self.children.get(*id).is_some_and(|child| child.remote_spi == spi))
    }
}

pub(super) fn key_exchange_payload(pair: &KeyPair) -> Payload {
    Payload::KeyExchange { group: pair.group().id(), data: pair.public().to_vec() }
}
