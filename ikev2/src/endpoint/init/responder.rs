//! IKE_SA_INIT as responder: nothing is remembered, and nothing dear is computed, before the limits allow it.

use std::net::IpAddr;
use std::time::Instant;

use super::{InitParts, init_header};
use crate::endpoint::Endpoint;
use crate::endpoint::arena::SaKey;
use crate::endpoint::ike_sa::{Handshake, Role, State, Timer};
use crate::ids::ProfileId;
use crate::io::{Event, FailureReason, Side, UdpPath};
use crate::nat;
use crate::negotiation::{self, choose_ike};
use crate::secret::SecretBytes;
use crate::wire::{FLAG_RESPONSE, Message, Notify, NotifyType, Payload, find_notify};

impl Endpoint {
    /// An IKE_SA_INIT request. Nothing is remembered, and nothing dear is computed, before the limits and the cookie
    /// allow it.
    pub(in crate::endpoint) fn receive_init_request(
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
        let key_pair = self.key_pair(choice.suite.group);
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
        // RFC 8784 section 3: announced only if there is one to use.
        let ppk = find_notify(&message.payloads, NotifyType::USE_PPK).is_some() && self.has_ppk();
        if ppk {
            payloads.push(Payload::Notify(Notify::new(NotifyType::USE_PPK)));
        }
        // RFC 6023 section 3.
        payloads.push(Payload::Notify(Notify::new(NotifyType::CHILDLESS_IKEV2_SUPPORTED)));
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
            ppk,
            childless: false,
            first_path: path,
            answered: Vec::new(),
            rivals: Vec::new(),
        }));
        sa.initiator_entry = Some((spi_i, path.remote));
        let key = self.insert_sa(sa);
        self.by_initiator.insert((spi_i, path.remote), key);
        self.half_open += 1;
        *self.half_open_by_source.entry(source_of(path.remote.ip())).or_default() += 1;
        self.transmit(path, &[response]);
    }

    fn has_ppk(&self) -> bool {
        self.config.profiles.iter().any(|p| p.keyring.peers.iter().any(|peer| peer.ppk.is_some()))
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
        if self.half_open_by_source.get(&source_of(source)).copied().unwrap_or_default()
            >= limits.half_open_per_source
        {
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
    pub(in crate::endpoint) fn complete_responder_keys(&mut self, key: SaKey) -> bool {
        let Some(sa) = self.sa(key) else { return false };
        if sa.protection.is_some() {
            return true;
        }
        let (Some(suite), Some(handshake)) = (sa.suite, &sa.handshake) else { return false };
        let Ok(shared) = handshake.key_pair.agree(&handshake.peer_public) else { return false };
        self.install_keys(key, suite, &shared);
        true
    }
}

/// Who counts as one source: whoever has one IPv6 address has 2^64 of them.
pub(in crate::endpoint) fn source_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & (u128::MAX << 64)).into()),
    }
}
