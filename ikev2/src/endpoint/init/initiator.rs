//! IKE_SA_INIT as initiator: the first request, and what may come back in the clear.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::{InitParts, failure_from_notify, first_error, init_header, known_identity, known_ppk};
use crate::crypto::Group;
use crate::endpoint::Endpoint;
use crate::endpoint::arena::SaKey;
use crate::endpoint::ike_sa::{Handshake, Role, State, Timer};
use crate::endpoint::requests::Pending;
use crate::ids::ProfileId;
use crate::io::{Event, FailureReason, Side, UdpPath};
use crate::nat::{self, Nat};
use crate::negotiation::{choose_ike, ike_offer, is_single_choice};
use crate::secret::SecretBytes;
use crate::wire::{FLAG_INITIATOR, GroupId, Message, Notify, NotifyType, Payload, Spi, find_notify};

/// How long a better answer is awaited after an unauthenticated refusal (RFC 7296 section 2.21.1).
pub(super) const HINT_GRACE: Duration = Duration::from_secs(2);
/// How often an initiator starts over because of cookies and groups, in all.
const MAX_ROUNDS: u8 = 5;

impl Endpoint {
    /// Starts an IKE SA with an address.
    pub(in crate::endpoint) fn initiate(&mut self, now: Instant, remote: IpAddr, profile_id: ProfileId) {
        let path = UdpPath {
            local: SocketAddr::new(self.config.local, self.config.port),
            remote: SocketAddr::new(remote, self.config.port),
        };
        self.initiate_along(now, path, profile_id, false);
    }

    /// Starts an IKE SA along a path; `replaces`: it is to take the place of those that there are.
    pub(in crate::endpoint) fn initiate_along(
        &mut self,
        now: Instant,
        path: UdpPath,
        profile_id: ProfileId,
        replaces: bool,
    ) {
        let remote = path.remote.ip();
        let Some(profile) = self.profile(profile_id) else { return };
        let Some(group) = first_group(profile.proposals.first().map(|p| p.groups.as_slice())) else { return };
        if profile.keyring.find(remote, known_identity(profile).as_ref()).is_none() {
            self.event(Event::ConnectFailed { remote, reason: FailureReason::NoKey });
            return;
        }
        let local_identity = self.local_identity(profile_id);
        let spi = self.new_spi();
        let nonce_i = self.nonce();
        let key_pair = self.key_pair(group);
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
            ppk: false,
            childless: false,
            first_path: path,
            answered: Vec::new(),
            rivals: Vec::new(),
        };
        let mut sa =
            self.new_sa(now, Role::Initiator, State::InitSent, profile_id, spi, path, local_identity);
        sa.handshake = Some(Box::new(handshake));
        sa.connecting = true;
        sa.reauthenticates = replaces;
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
        if known_ppk(profile, sa.path.remote.ip()).is_some() {
            payloads.push(Payload::Notify(Notify::new(NotifyType::USE_PPK)));
        }
        let header = init_header(sa.spi_local, 0, FLAG_INITIATOR);
        let datagram = Message { header, payloads, sealed: None }.encode();
        let Some(sa) = self.sa_mut(key) else { return };
        if let Some(handshake) = &mut sa.handshake {
            handshake.request = datagram.clone();
        }
        // A request that starts over takes the place of the one before.
        sa.requests.restart(0);
        let pace = self.default_pace(self.config.retransmission.initial);
        self.start_request(now, key, vec![datagram], Pending::Init, pace);
    }

    /// An IKE_SA_INIT response for an SA of ours. It is not authenticated: errors are hints.
    pub(in crate::endpoint) fn receive_init_response(
        &mut self,
        now: Instant,
        key: SaKey,
        path: UdpPath,
        message: &Message,
        raw: &[u8],
    ) {
        let Some(sa) = self.sa(key) else { return };
        let first = sa.handshake.as_ref().map(|handshake| handshake.first_path.remote);
        let open = matches!(sa.state, State::InitSent | State::AuthSent);
        if !open || message.header.message_id != 0 || first != Some(path.remote) {
            self.stats.drops.unexpected_exchange += 1;
            return;
        }
        if message.payloads.iter().any(|p| matches!(p, Payload::Unknown { critical: true, .. })) {
            self.stats.drops.malformed += 1;
            return;
        }
        let is_whole = InitParts::of(&message.payloads).key_exchange.is_some();
        if is_whole && self.takes_answer(key, message.header.spi_r) {
            return self.accept_init_response(now, key, path, message, raw);
        }
        // What starts over, or gives up, is of interest only as long as nothing better came.
        if is_whole || self.sa(key).is_some_and(|sa| sa.state != State::InitSent) {
            self.stats.drops.unexpected_exchange += 1;
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
        self.stats.drops.malformed += 1;
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
        let announced = |notify_type| find_notify(&message.payloads, notify_type).is_some();
        let own_ppk = known_ppk(profile, sa.path.remote.ip());
        let ppk = own_ppk.is_some() && announced(NotifyType::USE_PPK);
        if own_ppk.is_some_and(|own| own.required) && !ppk {
            return self.note_hint(now, key, FailureReason::NoPpk);
        }
        let childless = profile.childless && announced(NotifyType::CHILDLESS_IKEV2_SUPPORTED);
        let (nonce, raw) = (nonce.to_vec(), raw.to_vec());
        let nat_port = self.config.nat_port;
        self.set_aside(key);
        let config_port = self.config.port;
        let Some(sa) = self.sa_mut(key) else { return };
        sa.spi_remote = message.header.spi_r;
        sa.nat = nat;
        sa.fragmentation = fragmentation;
        sa.last_received = now;
        sa.timers.clear(Timer::Retransmit);
        sa.timers.clear(Timer::Linger);
        if (nat.any() || force) && path.local.port() == config_port {
            // RFC 7296 section 2.23: everything from IKE_AUTH on goes to the NAT port.
            sa.path.local.set_port(nat_port);
            sa.path.remote.set_port(nat_port);
        }
        if let Some(handshake) = &mut sa.handshake {
            handshake.nonce_r = nonce;
            handshake.response = raw;
            handshake.ppk = ppk;
            handshake.childless = childless;
            handshake.answered.push(message.header.spi_r);
        }
        sa.requests.restart(1);
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
        let key_pair = self.key_pair(group);
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
        if sa.state == State::InitSent && sa.timers.get(Timer::Linger).is_none() {
            sa.timers.set(Timer::Linger, now + HINT_GRACE);
        }
    }
}

fn first_group(groups: Option<&[Group]>) -> Option<Group> {
    groups?.first().copied()
}
