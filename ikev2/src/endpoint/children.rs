//! Child SAs: what is asked for, what is accepted, and their life in the forwarding plane.

use std::time::{Duration, Instant};

use super::Endpoint;
use super::arena::SaKey;
use super::auth::transport_notify;
use super::child::{Child, ChildTimers, Outbound, Phase};
use super::ike_sa::{ChildExchange, IkeSa, Pending, Role, Task};
use super::init::{failure_from_notify, first_error};
use super::receive::Opened;
use crate::config::{ChildPolicy, Mode, Profile, Selectors};
use crate::crypto::{ChildKeys, ChildSuite, Group};
use crate::ids::{ChildId, ProfileId};
use crate::io::{Action, DownReason, Event, FailureReason, SaParameters, Side, TrafficLimits};
use crate::negotiation::{ChildChoice, child_offer, choose_child, is_single_choice};
use crate::secret::SecretBytes;
use crate::wire::{Notify, NotifyType, Payload, Proposal, Spi, TrafficSelector, find_notify, narrow};

/// IP protocol number of GRE.
const GRE: u8 = 47;
/// How long a second child SA with a peer waits for a sign that the peer is ready, before it is used all the same.
const READY: Duration = Duration::from_secs(2);

/// A slot with an SPI, and the payloads that ask for a child SA.
pub(super) struct ChildOffer {
    pub(super) child: ChildId,
    pub(super) local_spi: u32,
    pub(super) payloads: Vec<Payload>,
}

/// What both sides agree on for a child SA, before there are keys.
#[derive(Debug, Clone)]
pub(super) struct Agreement {
    pub(super) choice: ChildChoice,
    pub(super) mode: Mode,
    pub(super) local: Vec<TrafficSelector>,
    pub(super) remote: Vec<TrafficSelector>,
}

/// Everything that makes a child SA.
pub(super) struct NewChild {
    pub(super) id: ChildId,
    pub(super) local_spi: u32,
    pub(super) profile: ProfileId,
    pub(super) agreement: Agreement,
    pub(super) keys: ChildKeys,
    /// Our role in the exchange that made it.
    pub(super) role: Role,
    pub(super) replaces: Option<ChildId>,
    pub(super) phase: Phase,
}

impl Endpoint {
    pub(super) fn offer_first_child(
        &mut self,
        now: Instant,
        key: SaKey,
        profile: ProfileId,
    ) -> Option<ChildOffer> {
        self.offer_child(now, key, profile, None)
    }

    /// Takes a slot and builds mode, proposals and selectors. KE and nonce are the caller's.
    pub(super) fn offer_child(
        &mut self,
        now: Instant,
        key: SaKey,
        profile_id: ProfileId,
        pfs: Option<Group>,
    ) -> Option<ChildOffer> {
        let (child, local_spi) = self.children.reserve(&mut *self.rng, now)?;
        let sa = self.sa(key)?;
        let policy = &self.profile(profile_id)?.child;
        let (local, remote) = policy_selectors(policy, sa);
        let mut payloads = Vec::new();
        payloads.extend(transport_notify(policy.mode));
        payloads.push(Payload::Notify(Notify::new(NotifyType::ESP_TFC_PADDING_NOT_SUPPORTED)));
        payloads.push(Payload::SecurityAssociation(child_offer(&policy.transforms, local_spi, pfs)));
        payloads.push(Payload::TrafficSelectorsInitiator(local));
        payloads.push(Payload::TrafficSelectorsResponder(remote));
        Some(ChildOffer { child, local_spi, payloads })
    }

    /// The child SA of IKE_AUTH, initiator's side.
    pub(super) fn finish_first_child(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: &Opened,
        exchange: ChildExchange,
    ) {
        let Some(sa) = self.sa(key) else { return };
        let (profile, remote) = (sa.profile, sa.path.remote.ip());
        let result = self.verify_answer(key, profile, &opened.payloads, None, true);
        match result {
            Ok(agreement) => {
                let Some(keys) = self.first_child_keys(key, agreement.choice.suite) else { return };
                if let Some(sa) = self.sa_mut(key) {
                    sa.connecting = false;
                }
                let child = NewChild {
                    id: exchange.child,
                    local_spi: exchange.local_spi,
                    profile,
                    agreement,
                    keys,
                    role: Role::Initiator,
                    replaces: None,
                    phase: Phase::Active,
                };
                self.install_child(now, key, child);
            }
            Err(reason) => {
                self.children.release(exchange.child, now);
                if let Some(sa) = self.sa_mut(key) {
                    sa.connecting = false;
                }
                // An IKE SA without its child SA is of no use here: DELETE also takes whatever the peer installed.
                self.close_sa(now, key, DownReason::DeletedByUs);
                self.report_failure(remote, reason);
            }
        }
    }

    /// The child SA of IKE_AUTH, responder's side. A request without one is fine (RFC 6023).
    pub(super) fn answer_first_child(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: &Opened,
        payloads: &mut Vec<Payload>,
    ) -> Result<(), FailureReason> {
        if !opened.payloads.iter().any(|p| matches!(p, Payload::SecurityAssociation(_))) {
            return Ok(());
        }
        let Some(profile) = self.sa(key).map(|sa| sa.profile) else { return Ok(()) };
        let agreement = match self.consider_request(key, profile, &opened.payloads, true) {
            Ok(agreement) => agreement,
            Err((notify_type, reason)) => {
                payloads.push(Payload::Notify(Notify::new(notify_type)));
                return Err(reason);
            }
        };
        let keys = self.first_child_keys(key, agreement.choice.suite);
        let (Some((id, local_spi)), Some(keys)) = (self.children.reserve(&mut *self.rng, now), keys) else {
            payloads.push(Payload::Notify(Notify::new(NotifyType::NO_ADDITIONAL_SAS)));
            return Err(FailureReason::LimitReached);
        };
        payloads.extend(answer_payloads(&agreement, local_spi, None));
        let child = NewChild {
            id,
            local_spi,
            profile,
            agreement,
            keys,
            role: Role::Responder,
            replaces: None,
            phase: self.responder_phase(key),
        };
        self.install_child(now, key, child);
        Ok(())
    }

    /// The initiator cannot receive before it has our answer. Where another child SA carries the traffic, that one goes
    /// on until there is a sign that the new one is ready.
    pub(super) fn responder_phase(&self, key: SaKey) -> Phase {
        let peer = self.sa(key).and_then(|sa| sa.peer).and_then(|peer| self.peers.get(&peer));
        let carried = peer.and_then(|peer| peer.outbound).and_then(|id| self.children.get(id));
        if carried.is_some_and(Child::is_usable) { Phase::InboundOnly } else { Phase::Active }
    }

    /// RFC 7296 section 2.17: the nonces of IKE_SA_INIT.
    fn first_child_keys(&mut self, key: SaKey, suite: ChildSuite) -> Option<ChildKeys> {
        let sa = self.sas.get_mut(&key)?;
        let (nonce_i, nonce_r) = *sa.first_nonces.take()?;
        let (prf, protection) = (sa.suite?.prf, sa.protection.as_ref()?);
        Some(ChildKeys::derive(prf, &protection.sk_d, suite, None, &nonce_i, &nonce_r, &[]))
    }

    /// A responder's decision about a request for a child SA: the notify for the peer and the reason for us, or what to
    /// agree on.
    pub(super) fn consider_request(
        &self,
        key: SaKey,
        profile: ProfileId,
        payloads: &[Payload],
        in_auth: bool,
    ) -> Result<Agreement, (NotifyType, FailureReason)> {
        let syntax = (NotifyType::INVALID_SYNTAX, FailureReason::InvalidSyntax);
        let sa = self.sa(key).ok_or(syntax)?;
        let policy = &self.profile(profile).ok_or(syntax)?.child;
        let parts = ChildParts::of(payloads);
        let (Some(proposals), Some(ts_i), Some(ts_r)) = (parts.proposals, parts.ts_i, parts.ts_r) else {
            return Err(syntax);
        };
        let of_peer = sa
            .peer
            .and_then(|peer| self.peers.get(&peer))
            .map(|peer| peer.sas.iter().filter_map(|key| Some(self.sa(*key)?.children.len())).sum::<usize>());
        if of_peer.unwrap_or_default() >= self.config.limits.children_per_peer {
            return Err((NotifyType::NO_ADDITIONAL_SAS, FailureReason::LimitReached));
        }
        let choice = choose_child(&policy.transforms, proposals, policy.pfs, in_auth)
            .ok_or((NotifyType::NO_PROPOSAL_CHOSEN, FailureReason::NoProposalChosen { by: Side::Us }))?;
        let offered_transport = find_notify(payloads, NotifyType::USE_TRANSPORT_MODE).is_some();
        if policy.mode == Mode::Transport && !offered_transport {
            return Err((NotifyType::NO_PROPOSAL_CHOSEN, FailureReason::NoTransportMode));
        }
        let (mut ts_i, mut ts_r) = (ts_i.to_vec(), ts_r.to_vec());
        if policy.mode == Mode::Transport {
            // RFC 7296 section 2.23.1: behind a NAT the addresses that count are those that packets really carry here.
            substitute(&mut ts_i, sa.nat.remote, sa.path.remote.ip());
            substitute(&mut ts_r, sa.nat.local, sa.path.local.ip());
        }
        let (local, remote) = policy_selectors(policy, sa);
        let (local, remote) = (narrow(&local, &ts_r), narrow(&remote, &ts_i));
        if local.is_empty() || remote.is_empty() {
            let by = Side::Us;
            return Err((NotifyType::TS_UNACCEPTABLE, FailureReason::TrafficSelectorsUnacceptable { by }));
        }
        Ok(Agreement { choice, mode: policy.mode, local, remote })
    }

    /// An initiator's check of the answer: it must be a choice from what was offered.
    pub(super) fn verify_answer(
        &self,
        key: SaKey,
        profile: ProfileId,
        payloads: &[Payload],
        pfs: Option<Group>,
        in_auth: bool,
    ) -> Result<Agreement, FailureReason> {
        let syntax = FailureReason::InvalidSyntax;
        let sa = self.sa(key).ok_or(syntax)?;
        let policy = &self.profile(profile).ok_or(syntax)?.child;
        let parts = ChildParts::of(payloads);
        let (Some(proposals), Some(ts_i), Some(ts_r)) = (parts.proposals, parts.ts_i, parts.ts_r) else {
            return Err(first_error(payloads).map_or(syntax, |n| failure_from_notify(n.notify_type)));
        };
        let choice = choose_child(&policy.transforms, proposals, pfs, in_auth)
            .filter(|choice| is_single_choice(proposals) && (in_auth || choice.group == pfs))
            .ok_or(FailureReason::NoProposalChosen { by: Side::Us })?;
        let granted = find_notify(payloads, NotifyType::USE_TRANSPORT_MODE).is_some();
        if policy.mode == Mode::Transport && !granted {
            return Err(FailureReason::NoTransportMode);
        }
        let (mut ts_i, mut ts_r) = (ts_i.to_vec(), ts_r.to_vec());
        if policy.mode == Mode::Transport {
            substitute(&mut ts_i, sa.nat.local, sa.path.local.ip());
            substitute(&mut ts_r, sa.nat.remote, sa.path.remote.ip());
        }
        let (local, remote) = policy_selectors(policy, sa);
        let within = |offered: &[TrafficSelector], answered: &[TrafficSelector]| {
            answered.iter().all(|answer| offered.iter().any(|offer| offer.contains(answer)))
        };
        if !within(&local, &ts_i) || !within(&remote, &ts_r) {
            let by = Side::Us;
            return Err(FailureReason::TrafficSelectorsUnacceptable { by });
        }
        Ok(Agreement { choice, mode: policy.mode, local: ts_i, remote: ts_r })
    }

    /// Puts a child SA into the forwarding plane: inbound first, outbound when its turn comes.
    pub(super) fn install_child(&mut self, now: Instant, key: SaKey, new: NewChild) {
        let Some(policy) = self.profile(new.profile).map(|profile| profile.child.clone()) else { return };
        let soft = self.soft(policy.lifetime);
        let limits = TrafficLimits {
            soft_bytes: self.soft_count(policy.lifetime_bytes),
            hard_bytes: policy.lifetime_bytes,
            soft_packets: self.soft_count(policy.lifetime_packets),
            hard_packets: policy.lifetime_packets,
        };
        let Some(sa) = self.sa(key) else { return };
        let Some(peer) = sa.peer else { return };
        let udp = sa.nat.any() || self.profile(sa.profile).is_some_and(|p| p.force_udp_encapsulation);
        let Agreement { choice, mode, local, remote } = new.agreement;
        let parameters = |spi: u32, encryption_key: &SecretBytes, integrity_key: &SecretBytes| SaParameters {
            spi,
            cipher: choice.suite.encryption,
            integrity: choice.suite.integrity,
            esn: choice.suite.esn,
            encryption_key: encryption_key.clone(),
            integrity_key: integrity_key.clone(),
            mode,
            local: sa.path.local,
            remote: sa.path.remote,
            udp_encapsulation: udp,
            local_selectors: local.clone(),
            remote_selectors: remote.clone(),
            limits,
        };
        let keys = &new.keys;
        let from_initiator = (&keys.encryption_i, &keys.integrity_i);
        let from_responder = (&keys.encryption_r, &keys.integrity_r);
        let (inward, outward) = match new.role {
            Role::Initiator => (from_responder, from_initiator),
            Role::Responder => (from_initiator, from_responder),
        };
        let inbound = Box::new(parameters(new.local_spi, inward.0, inward.1));
        let outbound = Box::new(parameters(choice.peer_spi, outward.0, outward.1));
        let child = Child {
            peer,
            sa: key,
            profile: new.profile,
            local_spi: new.local_spi,
            remote_spi: choice.peer_spi,
            suite: choice.suite,
            mode,
            udp,
            local_selectors: local,
            remote_selectors: remote,
            phase: new.phase,
            outbound: Outbound::Pending(outbound),
            installed: true,
            created: now,
            lifetime: policy.lifetime,
            last_inbound: None,
            rekeying: false,
            replaces: new.replaces,
            deletes_replaced: false,
            replaced_by: None,
            timers: ChildTimers {
                rekey: Some(now + soft),
                expire: Some(now + policy.lifetime),
                drain: None,
                ready: (new.phase == Phase::InboundOnly && new.replaces.is_none()).then_some(now + READY),
            },
        };
        self.children.put(new.id, Box::new(child));
        if let Some(sa) = self.sa_mut(key) {
            sa.children.push(new.id);
        }
        self.stats.children_established += 1;
        self.action(Action::InstallInbound { peer, child: new.id, sa: inbound });
        match new.replaces.filter(|old| self.children.get(*old).is_some()) {
            Some(old) => {
                if let Some(old) = self.children.get_mut(old) {
                    old.replaced_by = Some(new.id);
                }
                if new.phase == Phase::Active {
                    self.supersede(now, old, new.id);
                }
            }
            None => self.event(Event::ChildUp { peer, child: new.id }),
        }
        self.select_outbound(now, peer);
    }

    /// A child SA that exists for the peer only, because its answer was wrong or lost against another: to be deleted.
    pub(super) fn install_stillborn(
        &mut self,
        now: Instant,
        key: SaKey,
        id: ChildId,
        local_spi: u32,
        peer_spi: u32,
    ) {
        let Some(sa) = self.sa(key) else { return };
        let (Some(peer), profile, local, remote) = (sa.peer, sa.profile, sa.path.local, sa.path.remote)
        else {
            return;
        };
        let suite = ChildSuite {
            encryption: crate::crypto::Encryption::AesCbc256,
            integrity: crate::crypto::Integrity::None,
            esn: false,
        };
        let nothing = SaParameters {
            spi: peer_spi,
            cipher: suite.encryption,
            integrity: suite.integrity,
            esn: false,
            encryption_key: SecretBytes::default(),
            integrity_key: SecretBytes::default(),
            mode: Mode::Transport,
            local,
            remote,
            udp_encapsulation: false,
            local_selectors: Vec::new(),
            remote_selectors: Vec::new(),
            limits: TrafficLimits::default(),
        };
        let child = Child {
            peer,
            sa: key,
            profile,
            local_spi,
            remote_spi: peer_spi,
            suite,
            mode: Mode::Transport,
            udp: false,
            local_selectors: Vec::new(),
            remote_selectors: Vec::new(),
            phase: Phase::Deleting,
            outbound: Outbound::Pending(Box::new(nothing)),
            installed: false,
            created: now,
            lifetime: Duration::ZERO,
            last_inbound: None,
            rekeying: false,
            replaces: None,
            deletes_replaced: false,
            replaced_by: None,
            timers: ChildTimers::default(),
        };
        self.children.put(id, Box::new(child));
        if let Some(sa) = self.sa_mut(key) {
            sa.children.push(id);
            sa.enqueue(Task::DeleteChild(id));
        }
    }

    /// The successor of a child SA carries the traffic from now on.
    pub(super) fn supersede(&mut self, now: Instant, old: ChildId, new: ChildId) {
        let Some(child) = self.children.get_mut(old) else { return };
        let peer = child.peer;
        if child.is_up() {
            child.phase = Phase::Superseded;
        }
        child.rekeying = false;
        child.replaced_by = Some(new);
        child.timers.rekey = None;
        let key = child.sa;
        self.dirty.push(key);
        self.stats.child_rekeys += 1;
        self.event(Event::ChildRekeyed { peer, old, new });
        self.select_outbound(now, peer);
    }

    /// The peer is ready to receive on a child SA that it asked for: it may be used for sending.
    pub(super) fn promote(&mut self, now: Instant, id: ChildId) {
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
    /// takes over once the peer is certainly ready, and the old one is deleted from here.
    pub(super) fn replace_twin(&mut self, now: Instant, id: ChildId) {
        if let Some(child) = self.children.get_mut(id) {
            child.deletes_replaced = true;
            child.timers.ready = Some(now + READY);
        }
    }

    /// The child SA in use that a new one of this profile would double.
    pub(super) fn twin(&self, key: SaKey, profile: ProfileId) -> Option<ChildId> {
        let sa = self.sa(key)?;
        let waiting = sa.outstanding.as_ref().is_some_and(|o| matches!(o.pending, Pending::CreateChild(_)));
        sa.children.iter().copied().filter(|_| !waiting).find(|id| {
            self.children.get(*id).is_some_and(|child| {
                child.phase == Phase::Active && child.profile == profile && child.replaced_by.is_none()
            })
        })
    }

    /// Asks for a successor; nothing when one is under way.
    pub(super) fn request_child_rekey(&mut self, id: ChildId) {
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

    /// A hard limit: the SA is not used any more, from this moment on.
    pub(super) fn expire_child(&mut self, now: Instant, id: ChildId) {
        let Some(child) = self.children.get(id) else { return };
        let key = child.sa;
        self.unplug(now, id, DownReason::LifetimeExpired);
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
    pub(super) fn child_gone(&mut self, now: Instant, id: ChildId, reason: DownReason) {
        self.unplug(now, id, reason);
        self.forget_child(now, id);
    }

    /// Deleted on both sides: packets that are still under way are accepted for a while.
    pub(super) fn drain_child(&mut self, now: Instant, id: ChildId, reason: DownReason) {
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
    pub(super) fn forget_child(&mut self, now: Instant, id: ChildId) {
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
    pub(super) fn drop_pending(&mut self, now: Instant, pending: Pending) {
        match pending {
            Pending::Auth(exchange) | Pending::CreateChild(exchange) => {
                self.children.release(exchange.child, now);
                if let Some(old) = exchange.replaces.and_then(|old| self.children.get_mut(old)) {
                    old.rekeying = false;
                }
            }
            _ => {}
        }
    }
}

/// The payloads that a request or answer for a child SA must have.
pub(super) struct ChildParts<'a> {
    pub(super) proposals: Option<&'a [Proposal]>,
    pub(super) ts_i: Option<&'a [TrafficSelector]>,
    pub(super) ts_r: Option<&'a [TrafficSelector]>,
}

impl<'a> ChildParts<'a> {
    pub(super) fn of(payloads: &'a [Payload]) -> Self {
        let mut parts = Self { proposals: None, ts_i: None, ts_r: None };
        for payload in payloads {
            match payload {
                Payload::SecurityAssociation(proposals) => parts.proposals = Some(proposals),
                Payload::TrafficSelectorsInitiator(selectors) => parts.ts_i = Some(selectors),
                Payload::TrafficSelectorsResponder(selectors) => parts.ts_r = Some(selectors),
                _ => {}
            }
        }
        parts
    }
}

/// The answer to a request for a child SA: mode, choice, selectors; nonce and KE in between, where there are any.
pub(super) fn answer_payloads(
    agreement: &Agreement,
    local_spi: u32,
    fresh: Option<(Vec<u8>, Option<Payload>)>,
) -> Vec<Payload> {
    let mut payloads = Vec::new();
    payloads.extend(transport_notify(agreement.mode));
    payloads.push(Payload::Notify(Notify::new(NotifyType::ESP_TFC_PADDING_NOT_SUPPORTED)));
    let proposal = Proposal { spi: Spi::esp(local_spi), ..agreement.choice.proposal.clone() };
    payloads.push(Payload::SecurityAssociation(vec![proposal]));
    if let Some((nonce, key_exchange)) = fresh {
        payloads.push(Payload::Nonce(nonce));
        payloads.extend(key_exchange);
    }
    payloads.push(Payload::TrafficSelectorsInitiator(agreement.remote.clone()));
    payloads.push(Payload::TrafficSelectorsResponder(agreement.local.clone()));
    payloads
}

/// Our side and the peer's side of what a policy protects.
fn policy_selectors(policy: &ChildPolicy, sa: &IkeSa) -> (Vec<TrafficSelector>, Vec<TrafficSelector>) {
    match &policy.selectors {
        Selectors::Gre => (
            vec![TrafficSelector::host(GRE, sa.path.local.ip())],
            vec![TrafficSelector::host(GRE, sa.path.remote.ip())],
        ),
        Selectors::Explicit { local, remote } => (local.clone(), remote.clone()),
    }
}

fn substitute(selectors: &mut [TrafficSelector], translated: bool, address: std::net::IpAddr) {
    if translated {
        for selector in selectors {
            *selector = selector.with_address(address);
        }
    }
}

/// The group of a fresh key agreement: what the peer insisted on, else the policy's.
pub(super) fn pfs_group(profile: &Profile, wanted: Option<crate::wire::GroupId>) -> Option<Group> {
    match wanted {
        Some(id) => Group::from_id(id),
        None => profile.child.pfs,
    }
}
