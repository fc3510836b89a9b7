//! IKE_SA_INIT (RFC 7296 section 1.2), in both roles.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rand_core::Rng as _;

use super::Endpoint;
use super::arena::SaKey;
use super::ike_sa::{Handshake, IkeSa, Lineage, Pending, Protection, Role, State, Timer, Timers};
use super::window::ReceiveWindow;
use crate::crypto::{Direction, Envelope, Group, IkeKeys, IkeSuite, KeyPair, skeyseed_initial};
use crate::ids::ProfileId;
use crate::io::{Event, FailureReason, KeyLog, Side, UdpPath};
use crate::nat::{self, Nat};
use crate::negotiation::{self, choose_ike, ike_offer, is_single_choice};
use crate::secret::SecretBytes;
use crate::wire::{
    ExchangeType, FLAG_INITIATOR, FLAG_RESPONSE, GroupId, Header, Identity, Message, Notify, NotifyType,
    Payload, PayloadType, Spi, find_notify,
};

/// How long a better answer is awaited after an unauthenticated refusal (RFC 7296 section 2.21.1).
const HINT_GRACE: Duration = Duration::from_secs(2);
/// How often an initiator starts over because of cookies and groups, in all.
const MAX_ROUNDS: u8 = 5;
/// Bytes of our nonces.
const NONCE_LEN: usize = 32;

impl Endpoint {
    /// Starts an IKE SA.
    pub(super) fn initiate(&mut self, now: Instant, remote: IpAddr, profile_id: ProfileId) {
        let Some(profile) = self.profile(profile_id) else { return };
        let Some(group) = first_group(profile.proposals.first().map(|p| p.groups.as_slice())) else { return };
        if profile.keyring.find(remote, known_identity(profile).as_ref()).is_none() {
            self.event(Event::ConnectFailed { remote, reason: FailureReason::NoKey });
            return;
        }
        let local_identity = self.local_identity(profile_id);
        let path = UdpPath {
            local: SocketAddr::new(self.config.local, self.config.port),
            remote: SocketAddr::new(remote, self.config.port),
        };
        let spi = self.new_spi();
        let nonce_i = self.nonce();
        let key_pair = KeyPair::generate(group, &mut *self.rng);
        let handshake = Handshake {
            key_pair,
            peer_public: Vec::new(),
            nonce_i,
            nonce_r: Vec::new(),
            request: Vec::new(),
            response: Vec::new(),
            sk_pi: SecretBytes::default(),
            sk_pr: SecretBytes::default(),
            cookie: None,
            rounds: 0,
            hint: None,
            tried_groups: vec![group.id()],
        };
        let mut sa =
            self.new_sa(now, Role::Initiator, State::InitSent, profile_id, spi, path, local_identity);
        sa.handshake = Some(Box::new(handshake));
        sa.connecting = true;
        let key = self.insert_sa(sa);
        self.send_init_request(now, key);
    }

    /// Encodes and sends the first request, as it has to be by now.
    fn send_init_request(&mut self, now: Instant, key: SaKey) {
        let Some(sa) = self.sa(key) else { return };
        let Some(profile) = self.profile(sa.profile) else { return };
        let Some(handshake) = &sa.handshake else { return };
        let mut payloads = Vec::new();
        if let Some(cookie) = &handshake.cookie {
            // RFC 7296 section 2.6: the cookie comes first, all else stays.
            payloads.push(Payload::Notify(Notify::with_data(NotifyType::COOKIE, cookie.clone())));
        }
        payloads.push(Payload::SecurityAssociation(ike_offer(&profile.proposals, &Spi::none())));
        payloads.push(Payload::KeyExchange {
            group: handshake.key_pair.group().id(),
            data: handshake.key_pair.public().to_vec(),
        });
        payloads.push(Payload::Nonce(handshake.nonce_i.clone()));
        payloads.extend(nat::notifies(sa.spi_local, 0, sa.path, profile.force_udp_encapsulation));
        if self.config.fragmentation.enabled {
            payloads.push(Payload::Notify(Notify::new(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)));
        }
        let header = init_header(sa.spi_local, 0, FLAG_INITIATOR);
        let datagram = Message { header, payloads, sealed: None }.encode();
        let Some(sa) = self.sa_mut(key) else { return };
        if let Some(handshake) = &mut sa.handshake {
            handshake.request = datagram.clone();
        }
        let pace = self.default_pace(self.config.retransmission.initial);
        self.start_request(now, key, 0, vec![datagram], Pending::Init, pace);
    }

    /// An IKE_SA_INIT response for an SA of ours. It is not authenticated: errors are hints.
    pub(super) fn receive_init_response(
        &mut self,
        now: Instant,
        key: SaKey,
        path: UdpPath,
        message: &Message,
        raw: &[u8],
    ) {
        let Some(sa) = self.sa(key) else { return };
        if sa.state != State::InitSent || message.header.message_id != 0 || path.remote != sa.path.remote {
            self.stats.drops.unexpected_exchange += 1;
            return;
        }
        if message.payloads.iter().any(|p| matches!(p, Payload::Unknown { critical: true, .. })) {
            self.stats.drops.malformed += 1;
            return;
        }
        if let Some(cookie) = find_notify(&message.payloads, NotifyType::COOKIE) {
            return self.retry_with_cookie(now, key, cookie.data.clone());
        }
        if let Some(wanted) = find_notify(&message.payloads, NotifyType::INVALID_KE_PAYLOAD) {
            let group =
                <[u8; 2]>::try_from(wanted.data.as_slice()).ok().map(|b| GroupId(u16::from_be_bytes(b)));
            return self.retry_with_group(now, key, group);
        }
        if let Some(notify) = first_error(&message.payloads) {
            self.stats.unauthenticated_notifies += 1;
            let reason = failure_from_notify(notify.notify_type);
            return self.note_hint(now, key, reason);
        }
        self.accept_init_response(now, key, path, message, raw);
    }

    fn accept_init_response(
        &mut self,
        now: Instant,
        key: SaKey,
        path: UdpPath,
        message: &Message,
        raw: &[u8],
    ) {
        let Some(sa) = self.sa(key) else { return };
        let Some(profile) = self.profile(sa.profile) else { return };
        let Some(handshake) = &sa.handshake else { return };
        let force = profile.force_udp_encapsulation;
        let parts = InitParts::of(&message.payloads);
        let (Some(proposals), Some((group, public)), Some(nonce)) =
            (parts.proposals, parts.key_exchange, parts.nonce)
        else {
            self.stats.drops.malformed += 1;
            return;
        };
        let choice = choose_ike(&profile.proposals, proposals).filter(|_| is_single_choice(proposals));
        let Some(choice) = choice else {
            return self.note_hint(now, key, FailureReason::NoProposalChosen { by: Side::Us });
        };
        if choice.suite.group.id() != group
            || handshake.key_pair.group() != choice.suite.group
            || message.header.spi_r == 0
            || nonce.len() < choice.suite.prf.output_len() / 2
        {
            self.stats.drops.malformed += 1;
            return;
        }
        let Ok(shared) = handshake.key_pair.agree(public) else {
            // RFC 6989: such a value is not used; the real answer may still come.
            self.stats.drops.malformed += 1;
            return;
        };
        let detected = nat::detect(message.header.spi_i, message.header.spi_r, path, &message.payloads);
        let nat = Nat { local: detected.local, remote: detected.remote };
        let fragmentation = self.config.fragmentation.enabled
            && find_notify(&message.payloads, NotifyType::IKEV2_FRAGMENTATION_SUPPORTED).is_some();
        let (nonce, raw) = (nonce.to_vec(), raw.to_vec());
        let nat_port = self.config.nat_port;
        let Some(sa) = self.sa_mut(key) else { return };
        sa.spi_remote = message.header.spi_r;
        sa.nat = nat;
        sa.fragmentation = fragmentation;
        sa.last_received = now;
        sa.outstanding = None;
        sa.timers.clear(Timer::Retransmit);
        sa.timers.clear(Timer::Linger);
        if nat.any() || force {
            // RFC 7296 section 2.23: everything from IKE_AUTH on goes to the NAT port.
            sa.path.local.set_port(nat_port);
            sa.path.remote.set_port(nat_port);
        }
        if let Some(handshake) = &mut sa.handshake {
            handshake.nonce_r = nonce;
            handshake.response = raw;
        }
        sa.next_request = 1;
        self.install_keys(key, choice.suite, &shared);
        self.send_auth_request(now, key);
    }

    fn retry_with_cookie(&mut self, now: Instant, key: SaKey, cookie: Vec<u8>) {
        self.stats.unauthenticated_notifies += 1;
        if !(1..=64).contains(&cookie.len()) {
            self.stats.drops.malformed += 1;
            return;
        }
        let Some(handshake) = self.sa_mut(key).and_then(|sa| sa.handshake.as_mut()) else { return };
        // The same cookie again: a repetition of an answer that was acted on already.
        if handshake.rounds >= MAX_ROUNDS || handshake.cookie.as_ref() == Some(&cookie) {
            return;
        }
        handshake.rounds += 1;
        handshake.cookie = Some(cookie);
        self.send_init_request(now, key);
    }

    fn retry_with_group(&mut self, now: Instant, key: SaKey, wanted: Option<GroupId>) {
        self.stats.unauthenticated_notifies += 1;
        let Some(sa) = self.sa(key) else { return };
        let Some(profile) = self.profile(sa.profile) else { return };
        let Some(handshake) = &sa.handshake else { return };
        let wanted = wanted.filter(|id| handshake.key_pair.group().id() != *id);
        let Some(id) = wanted else { return };
        // RFC 7296 section 1.2: only a group that we offered, and each one once, so that nobody keeps us busy.
        let group = profile
            .proposals
            .iter()
            .flat_map(|proposal| &proposal.groups)
            .copied()
            .find(|group| group.id() == id)
            .filter(|_| !handshake.tried_groups.contains(&id) && handshake.rounds < MAX_ROUNDS);
        let Some(group) = group else {
            return self.note_hint(now, key, FailureReason::InvalidKeyExchange);
        };
        let key_pair = KeyPair::generate(group, &mut *self.rng);
        let Some(handshake) = self.sa_mut(key).and_then(|sa| sa.handshake.as_mut()) else { return };
        handshake.key_pair = key_pair;
        handshake.rounds += 1;
        handshake.tried_groups.push(id);
        self.send_init_request(now, key);
    }

    fn note_hint(&mut self, now: Instant, key: SaKey, reason: FailureReason) {
        let Some(sa) = self.sa_mut(key) else { return };
        if let Some(handshake) = &mut sa.handshake {
            handshake.hint = Some(reason);
        }
        if sa.timers.get(Timer::Linger).is_none() {
            sa.timers.set(Timer::Linger, now + HINT_GRACE);
        }
    }

    /// An IKE_SA_INIT request. Nothing is remembered, and nothing dear is computed, before the limits and the cookie
    /// allow it.
    pub(super) fn receive_init_request(
        &mut self,
        now: Instant,
        path: UdpPath,
        message: &Message,
        raw: &[u8],
    ) {
        let header = message.header;
        if let Some(key) = self.by_initiator.get(&(header.spi_i, path.remote)).copied() {
            return self.repeat_init_response(key, path, raw);
        }
        if let Some(payload_type) = message.payloads.iter().find_map(|payload| match payload {
            Payload::Unknown { critical: true, payload_type, .. } => Some(*payload_type),
            _ => None,
        }) {
            self.stats.drops.malformed += 1;
            let notify = Notify::with_data(NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD, vec![payload_type.0]);
            return self.answer_stranger(now, path, header, notify);
        }
        let parts = InitParts::of(&message.payloads);
        let (Some(proposals), Some((group, public)), Some(nonce)) =
            (parts.proposals, parts.key_exchange, parts.nonce)
        else {
            self.stats.drops.malformed += 1;
            return self.answer_stranger(now, path, header, Notify::new(NotifyType::INVALID_SYNTAX));
        };
        if !self.cookie_passes(now, path, message, nonce) || !self.within_limits(path.remote.ip()) {
            return;
        }
        let chosen = self.config.profiles.iter().enumerate().find_map(|(index, profile)| {
            let choice = choose_ike(&profile.proposals, proposals)?;
            Some((ProfileId(u16::try_from(index).ok()?), choice))
        });
        let Some((profile_id, choice)) = chosen else {
            self.event(Event::Refused {
                remote: path.remote,
                reason: FailureReason::NoProposalChosen { by: Side::Us },
            });
            return self.answer_stranger(now, path, header, Notify::new(NotifyType::NO_PROPOSAL_CHOSEN));
        };
        if choice.suite.group.id() != group {
            let wanted = choice.suite.group.id().0.to_be_bytes().to_vec();
            let notify = Notify::with_data(NotifyType::INVALID_KE_PAYLOAD, wanted);
            return self.answer_stranger(now, path, header, notify);
        }
        if public.len() != choice.suite.group.public_len() || nonce.len() < choice.suite.prf.output_len() / 2
        {
            self.stats.drops.malformed += 1;
            return self.answer_stranger(now, path, header, Notify::new(NotifyType::INVALID_SYNTAX));
        }
        let (public, nonce) = (public.to_vec(), nonce.to_vec());
        self.answer_init(now, path, message, raw, profile_id, &choice, public, nonce);
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one message, checked one by one before")]
    fn answer_init(
        &mut self,
        now: Instant,
        path: UdpPath,
        message: &Message,
        raw: &[u8],
        profile_id: ProfileId,
        choice: &negotiation::IkeChoice,
        peer_public: Vec<u8>,
        nonce_i: Vec<u8>,
    ) {
        let local_identity = self.local_identity(profile_id);
        let spi_i = message.header.spi_i;
        let spi_r = self.new_spi();
        let nonce_r = self.nonce();
        let key_pair = KeyPair::generate(choice.suite.group, &mut *self.rng);
        let force = self.profile(profile_id).is_some_and(|profile| profile.force_udp_encapsulation);
        let mut payloads = vec![
            Payload::SecurityAssociation(vec![choice.proposal.clone()]),
            Payload::KeyExchange { group: choice.suite.group.id(), data: key_pair.public().to_vec() },
            Payload::Nonce(nonce_r.clone()),
        ];
        payloads.extend(nat::notifies(spi_i, spi_r, path, force));
        let fragmentation = self.config.fragmentation.enabled
            && find_notify(&message.payloads, NotifyType::IKEV2_FRAGMENTATION_SUPPORTED).is_some();
        if fragmentation {
            payloads.push(Payload::Notify(Notify::new(NotifyType::IKEV2_FRAGMENTATION_SUPPORTED)));
        }
        let response =
            Message { header: init_header(spi_i, spi_r, FLAG_RESPONSE), payloads, sealed: None }.encode();
        let mut sa =
            self.new_sa(now, Role::Responder, State::InitAnswered, profile_id, spi_r, path, local_identity);
        sa.spi_remote = spi_i;
        sa.suite = Some(choice.suite);
        sa.nat = nat::detect(spi_i, 0, path, &message.payloads);
        sa.fragmentation = fragmentation;
        sa.timers.set(Timer::Linger, now + self.config.limits.half_open_lifetime);
        sa.handshake = Some(Box::new(Handshake {
            key_pair,
            peer_public,
            nonce_i,
            nonce_r,
            request: raw.to_vec(),
            response: response.clone(),
            sk_pi: SecretBytes::default(),
            sk_pr: SecretBytes::default(),
            cookie: None,
            rounds: 0,
            hint: None,
            tried_groups: Vec::new(),
        }));
        sa.initiator_entry = Some((spi_i, path.remote));
        let key = self.insert_sa(sa);
        self.by_initiator.insert((spi_i, path.remote), key);
        self.half_open += 1;
        *self.half_open_by_source.entry(path.remote.ip()).or_default() += 1;
        self.transmit(path, &[response]);
    }

    fn repeat_init_response(&mut self, key: SaKey, path: UdpPath, raw: &[u8]) {
        let response = self
            .sa(key)
            .filter(|sa| sa.state == State::InitAnswered)
            .and_then(|sa| sa.handshake.as_ref())
            .filter(|handshake| handshake.request == raw)
            .map(|handshake| handshake.response.clone());
        match response {
            Some(response) => {
                self.stats.responses_repeated += 1;
                self.transmit(path, &[response]);
            }
            None => self.stats.drops.unexpected_exchange += 1,
        }
    }

    fn cookie_passes(&mut self, now: Instant, path: UdpPath, message: &Message, nonce: &[u8]) -> bool {
        let pressure = self.half_open >= self.config.limits.cookie_threshold;
        if !self.cookies.is_demanded(pressure, now) {
            return true;
        }
        let (source, spi) = (path.remote.ip(), message.header.spi_i);
        if let Some(Payload::Notify(cookie)) = message.payloads.first()
            && cookie.notify_type == NotifyType::COOKIE
            && self.cookies.is_valid(&mut *self.rng, now, &cookie.data, nonce, source, spi)
        {
            return true;
        }
        self.stats.drops.cookie += 1;
        self.stats.cookies_sent += 1;
        let cookie = self.cookies.bake(&mut *self.rng, now, nonce, source, spi);
        let notify = Payload::Notify(Notify::with_data(NotifyType::COOKIE, cookie));
        let header = init_header(spi, 0, FLAG_RESPONSE);
        let response = Message { header, payloads: vec![notify], sealed: None }.encode();
        self.transmit(path, &[response]);
        false
    }

    fn within_limits(&mut self, source: IpAddr) -> bool {
        let limits = &self.config.limits;
        if self.half_open >= limits.half_open {
            self.stats.drops.half_open_limit += 1;
            return false;
        }
        if self.half_open_by_source.get(&source).copied().unwrap_or_default() >= limits.half_open_per_source {
            self.stats.drops.source_limit += 1;
            return false;
        }
        if self.peers.len() >= limits.peers {
            self.stats.drops.peer_limit += 1;
            return false;
        }
        true
    }

    /// Computes the keys of a responder whose IKE_AUTH request came. Before that, a stranger has not cost an
    /// exponentiation of this kind.
    pub(super) fn complete_responder_keys(&mut self, key: SaKey) -> bool {
        let Some(sa) = self.sa(key) else { return false };
        if sa.protection.is_some() {
            return true;
        }
        let (Some(suite), Some(handshake)) = (sa.suite, &sa.handshake) else { return false };
        let Ok(shared) = handshake.key_pair.agree(&handshake.peer_public) else { return false };
        self.install_keys(key, suite, &shared);
        true
    }

    fn install_keys(&mut self, key: SaKey, suite: IkeSuite, shared: &SecretBytes) {
        let Some(sa) = self.sa_mut(key) else { return };
        let (spi_i, spi_r) = (sa.spi_i(), sa.spi_r());
        let Some(handshake) = &mut sa.handshake else { return };
        let skeyseed = skeyseed_initial(suite.prf, &handshake.nonce_i, &handshake.nonce_r, shared.expose());
        let keys = IkeKeys::derive(suite, &skeyseed, &handshake.nonce_i, &handshake.nonce_r, spi_i, spi_r);
        handshake.sk_pi = keys.sk_pi.clone();
        handshake.sk_pr = keys.sk_pr.clone();
        sa.lineage.lowest_nonce = handshake.nonce_i.clone().min(handshake.nonce_r.clone());
        sa.protect(suite, &keys);
        self.log_keys(key, suite, &keys);
    }

    pub(super) fn log_keys(&mut self, key: SaKey, suite: IkeSuite, keys: &IkeKeys) {
        if !self.config.key_log {
            return;
        }
        let Some(sa) = self.sa(key) else { return };
        let log = KeyLog {
            spi_i: sa.spi_i(),
            spi_r: sa.spi_r(),
            sk_ei: keys.sk_ei.clone(),
            sk_er: keys.sk_er.clone(),
            sk_ai: keys.sk_ai.clone(),
            sk_ar: keys.sk_ar.clone(),
            encryption: suite.encryption,
            integrity: suite.integrity,
        };
        self.event(Event::Keys(Box::new(log)));
    }

    /// An SPI that is not zero and not in use.
    pub(super) fn new_spi(&mut self) -> u64 {
        let mut spi = self.rng.next_u64();
        while spi == 0 || self.by_spi.contains_key(&spi) {
            spi = spi.wrapping_add(1);
        }
        spi
    }

    pub(super) fn nonce(&mut self) -> Vec<u8> {
        // 32 bytes are at least half of every PRF's key.
        let mut nonce = vec![0; NONCE_LEN];
        self.rng.fill_bytes(&mut nonce);
        nonce
    }

    fn local_identity(&self, profile: ProfileId) -> Identity {
        self.profile(profile)
            .and_then(|profile| profile.local_identity.clone())
            .unwrap_or(Identity::Address(self.config.local))
    }

    #[allow(clippy::too_many_arguments, reason = "one value per field that differs")]
    pub(super) fn new_sa(
        &self,
        now: Instant,
        role: Role,
        state: State,
        profile: ProfileId,
        spi_local: u64,
        path: UdpPath,
        local_identity: Identity,
    ) -> IkeSa {
        IkeSa {
            role,
            state,
            profile,
            spi_local,
            spi_remote: 0,
            path,
            suite: None,
            protection: None,
            handshake: None,
            first_nonces: None,
            nat: Nat::default(),
            fragmentation: false,
            local_identity,
            peer: None,
            lineage: Lineage { origin: role, lowest_nonce: Vec::new(), begun: now, established: now },
            created: now,
            last_received: now,
            next_request: 0,
            outstanding: None,
            tasks: std::collections::VecDeque::new(),
            // The first encrypted request of an initiator has id 1; a responder's has id 0.
            window: ReceiveWindow::new(if role == Role::Responder { 1 } else { 0 }, self.config.window),
            peer_window: 1,
            newest_request: None,
            reassembly_request: None,
            reassembly_response: None,
            children: Vec::new(),
            successor: None,
            predecessor: None,
            timers: Timers::default(),
            queued: None,
            closing: None,
            connecting: false,
            initiator_entry: None,
        }
    }
}

impl IkeSa {
    /// Installs the keys of both directions.
    pub(super) fn protect(&mut self, suite: IkeSuite, keys: &IkeKeys) {
        let (out, inward) = match self.role {
            Role::Initiator => (Direction::FromInitiator, Direction::FromResponder),
            Role::Responder => (Direction::FromResponder, Direction::FromInitiator),
        };
        self.suite = Some(suite);
        self.protection = Some(Protection {
            seal: Envelope::new(suite, keys, out),
            open: Envelope::new(suite, keys, inward),
            sk_d: keys.sk_d.clone(),
        });
    }
}

/// The payloads that an IKE_SA_INIT message, or a rekey of an IKE SA, must have.
pub(super) struct InitParts<'a> {
    pub(super) proposals: Option<&'a [crate::wire::Proposal]>,
    pub(super) key_exchange: Option<(GroupId, &'a [u8])>,
    pub(super) nonce: Option<&'a [u8]>,
}

impl<'a> InitParts<'a> {
    pub(super) fn of(payloads: &'a [Payload]) -> Self {
        let mut parts = Self { proposals: None, key_exchange: None, nonce: None };
        for payload in payloads {
            match payload {
                Payload::SecurityAssociation(proposals) => parts.proposals = Some(proposals),
                Payload::KeyExchange { group, data } => parts.key_exchange = Some((*group, data)),
                Payload::Nonce(nonce) => parts.nonce = Some(nonce),
                _ => {}
            }
        }
        parts
    }
}

/// What an error notify means for somebody who waits for a connection.
pub(super) const fn failure_from_notify(notify_type: NotifyType) -> FailureReason {
    match notify_type {
        NotifyType::NO_PROPOSAL_CHOSEN => FailureReason::NoProposalChosen { by: Side::Peer },
        NotifyType::INVALID_KE_PAYLOAD => FailureReason::InvalidKeyExchange,
        NotifyType::AUTHENTICATION_FAILED => FailureReason::AuthenticationFailed { by: Side::Peer },
        NotifyType::TS_UNACCEPTABLE => FailureReason::TrafficSelectorsUnacceptable { by: Side::Peer },
        NotifyType::NO_ADDITIONAL_SAS => FailureReason::NoAdditionalSas,
        NotifyType::INVALID_SYNTAX => FailureReason::InvalidSyntax,
        NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD | NotifyType::INVALID_MAJOR_VERSION => {
            FailureReason::Unsupported
        }
        NotifyType(number) => FailureReason::PeerError(number),
    }
}

/// The first error notify.
pub(super) fn first_error(payloads: &[Payload]) -> Option<&Notify> {
    payloads.iter().find_map(|payload| match payload {
        Payload::Notify(notify) if notify.notify_type.is_error() => Some(notify),
        _ => None,
    })
}

/// The identity that a profile accepts, if it is exactly one: lets an initiator find the key by name before the peer
/// has said its name.
pub(super) fn known_identity(profile: &crate::config::Profile) -> Option<Identity> {
    use crate::config::IdentityMatch;
    let [only] = profile.match_remote.as_slice() else { return None };
    match only {
        IdentityMatch::Fqdn(name) => Some(Identity::Fqdn(name.clone())),
        IdentityMatch::Email(name) => Some(Identity::Email(name.clone())),
        IdentityMatch::KeyId(data) => Some(Identity::KeyId(data.clone())),
        IdentityMatch::Address(net) if net.prefix_len() == net.max_prefix_len() => {
            Some(Identity::Address(net.addr()))
        }
        _ => None,
    }
}

fn first_group(groups: Option<&[Group]>) -> Option<Group> {
    groups?.first().copied()
}

const fn init_header(spi_i: u64, spi_r: u64, flags: u8) -> Header {
    Header {
        spi_i,
        spi_r,
        next: PayloadType::NONE,
        minor_version: 0,
        exchange: ExchangeType::IKE_SA_INIT,
        flags,
        message_id: 0,
    }
}
