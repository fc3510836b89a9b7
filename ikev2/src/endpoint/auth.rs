//! IKE_AUTH (RFC 7296 sections 1.2, 2.15) with pre-shared keys, in both roles.
//!
//! A post-quantum pre-shared key (RFC 8784) is mixed into what AUTH is made with, and into the keys of child SAs.
//!
//! Room for more: another authentication method (RFC 7427) replaces `own_auth` and `check_auth`; IKE_INTERMEDIATE (RFC
//! 9242, 9370) comes between `accept_init_response` and `send_auth_request` and appends to what AUTH covers.

use std::time::Instant;

use super::Endpoint;
use super::arena::SaKey;
use super::ike_sa::{Handshake, IkeSa, Role, State};
use super::init::{failure_from_notify, first_error, known_identity, known_ppk};
use super::receive::Opened;
use super::requests::{ChildExchange, Pending};
use crate::config::{IdentityMatch, Mode, Ppk};
use crate::crypto::{mix_ppk, psk_auth, psk_auth_verify};
use crate::ids::ProfileId;
use crate::io::{DownReason, Event, FailureReason, Side, UdpPath};
use crate::negotiation::allows;
use crate::secret::SecretBytes;
use crate::wire::{
    AuthMethod, ExchangeType, Identification, Identity, Notify, NotifyType, Payload, find_notify,
};

impl Endpoint {
    /// Sends IKE_AUTH with the first child SA.
    pub(super) fn send_auth_request(&mut self, now: Instant, key: SaKey) {
        let Some(sa) = self.sa(key) else { return };
        let (profile_id, remote) = (sa.profile, sa.path.remote.ip());
        let Some(profile) = self.profile(profile_id) else { return };
        let initial_contact = profile.initial_contact && self.is_first_contact(key);
        let Some(entry) = profile.keyring.find(remote, known_identity(profile).as_ref()) else {
            return self.fail_attempt(now, key, FailureReason::NoKey);
        };
        let Some(handshake) = &sa.handshake else { return };
        let (with_child, ppk) = (!handshake.childless, entry.ppk.as_ref().filter(|_| handshake.ppk));
        let ppk_key = ppk.map(|ppk| &ppk.key);
        let Some(auth) = own_auth(sa, &sa.local_identity, &entry.local_key, ppk_key) else { return };
        let mut about_ppk = Vec::new();
        if let Some(ppk) = ppk {
            about_ppk.push(Payload::Notify(ppk_identity(&ppk.id)));
            // RFC 8784 section 3: the same without the PPK, for a responder that does not have it.
            let without = own_auth(sa, &sa.local_identity, &entry.local_key, None);
            if let (false, Some(Payload::Authentication { data, .. })) = (ppk.required, without) {
                about_ppk.push(Payload::Notify(Notify::with_data(NotifyType::NO_PPK_AUTH, data)));
            }
        }
        let offer = if with_child { self.offer_first_child(now, key, profile_id) } else { None };
        if with_child && offer.is_none() {
            return self.fail_attempt(now, key, FailureReason::LimitReached);
        }
        let Some(sa) = self.sa_mut(key) else { return };
        let identity = sa.local_identity.clone();
        let mut payloads = vec![Payload::IdentificationInitiator(Identification::new(identity)), auth];
        if initial_contact {
            payloads.push(Payload::Notify(Notify::new(NotifyType::INITIAL_CONTACT)));
        }
        payloads.extend(self.window_notify());
        payloads.extend(about_ppk);
        let exchange = offer.map(|offer| {
            payloads.extend(offer.payloads);
            Box::new(ChildExchange {
                child: offer.child,
                local_spi: offer.local_spi,
                profile: profile_id,
                nonce: Vec::new(),
                key_pair: None,
                replaces: None,
                collision: None,
                rounds: 0,
                deleted: Vec::new(),
            })
        });
        if let Some(sa) = self.sa_mut(key) {
            sa.state = State::AuthSent;
        }
        self.request(now, key, ExchangeType::IKE_AUTH, &payloads, Pending::Auth(exchange));
    }

    pub(super) fn receive_auth_response(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: Opened,
        exchange: Option<Box<ChildExchange>>,
    ) {
        let checked = self.check_responder(key, &opened);
        if let Err(reason) = checked {
            self.drop_pending(now, Pending::Auth(exchange));
            if let FailureReason::AuthenticationFailed { by: Side::Peer } | FailureReason::PeerError(_) =
                reason
            {
                return self.answer_refused(now, key, reason);
            }
            // RFC 7296 section 2.21.2: the responder believes that all is well; it is told otherwise.
            let notify = Payload::Notify(Notify::new(NotifyType::AUTHENTICATION_FAILED));
            self.last_word(key, &[notify]);
            return self.answer_refused(now, key, reason);
        }
        self.drop_rivals(now, key);
        if let Ok(Some(ppk)) = checked {
            self.use_ppk(key, &ppk);
        }
        self.note_peer_window(key, &opened.payloads);
        let identity = identification(&opened.payloads, Role::Responder).map(|id| id.identity.clone());
        let Some(identity) = identity else { return };
        self.establish(now, key, identity);
        match exchange {
            Some(exchange) => self.finish_first_child(now, key, &opened, *exchange),
            None => self.start_first_child(key),
        }
    }

    /// Everything that has to be right before anything is believed: identity, key, AUTH, in this order. With it, the PPK
    /// that the responder uses as well.
    fn check_responder(&self, key: SaKey, opened: &Opened) -> Result<Option<SecretBytes>, FailureReason> {
        let syntax = FailureReason::InvalidSyntax;
        let sa = self.sa(key).ok_or(syntax)?;
        let profile = self.profile(sa.profile).ok_or(syntax)?;
        let Some(id) = identification(&opened.payloads, Role::Responder) else {
            return Err(first_error(&opened.payloads).map_or(syntax, |n| failure_from_notify(n.notify_type)));
        };
        if !profile.match_remote.iter().any(|pattern| pattern.matches(&id.identity)) {
            return Err(FailureReason::IdentityRefused);
        }
        self.check_revoked(&id.identity)?;
        let entry =
            profile.keyring.find(sa.path.remote.ip(), Some(&id.identity)).ok_or(FailureReason::NoKey)?;
        // RFC 8784 section 3: the responder's PPK_IDENTITY says that it has taken the PPK.
        let ours = known_ppk(profile, sa.path.remote.ip());
        let taken = find_notify(&opened.payloads, NotifyType::PPK_IDENTITY).is_some();
        let ppk = ours.filter(|_| taken && sa.handshake.as_ref().is_some_and(|handshake| handshake.ppk));
        if ours.is_some_and(|ours| ours.required) && ppk.is_none() {
            return Err(FailureReason::NoPpk);
        }
        let ppk = ppk.map(|ppk| &ppk.key);
        let data = auth_of(&opened.payloads).ok_or(syntax)?;
        check_auth(sa, id, data, &entry.remote_key, ppk)
            .ok_or(FailureReason::AuthenticationFailed { by: Side::Us })?;
        Ok(ppk.cloned())
    }

    /// From here on a PPK is in all keys that come from this IKE SA (RFC 8784 section 3).
    fn use_ppk(&mut self, key: SaKey, ppk: &SecretBytes) {
        let Some(sa) = self.sa_mut(key) else { return };
        let (Some(suite), Some(protection)) = (sa.suite, &mut sa.protection) else { return };
        protection.sk_d = mix_ppk(suite.prf, ppk, &protection.sk_d);
        sa.ppk = true;
    }

    pub(super) fn receive_auth_request(&mut self, now: Instant, key: SaKey, opened: Opened) {
        if self.sa(key).is_none_or(|sa| sa.state != State::InitAnswered) {
            self.stats.drops.unexpected_exchange += 1;
            return;
        }
        let id = identification(&opened.payloads, Role::Initiator).cloned();
        let has_auth = opened.payloads.iter().any(|p| matches!(p, Payload::Authentication { .. }));
        let (Some(id), true) = (id, has_auth) else {
            let (path, exchange, message_id) = (opened.path, opened.exchange, opened.message_id);
            return self.fatal_syntax_error(now, key, path, exchange, message_id);
        };
        match self.check_initiator(key, &opened, &id) {
            Ok(accepted) => self.answer_auth(now, key, opened, id.identity, accepted),
            Err(reason) => {
                // One answer for all reasons: a stranger does not learn which one it was.
                let notify = Payload::Notify(Notify::new(NotifyType::AUTHENTICATION_FAILED));
                self.respond(key, opened.path, opened.exchange, opened.message_id, &[notify]);
                self.refuse(now, key, opened.path, reason);
            }
        }
    }

    /// Finds the profile for an identity, checks AUTH, and makes ours.
    fn check_initiator(
        &self,
        key: SaKey,
        opened: &Opened,
        id: &Identification,
    ) -> Result<Accepted, FailureReason> {
        let sa = self.sa(key).ok_or(FailureReason::InvalidSyntax)?;
        let suite = sa.suite.ok_or(FailureReason::InvalidSyntax)?;
        let mut best: Option<(u16, usize)> = None;
        for (index, profile) in self.config.profiles.iter().enumerate() {
            let rank =
                profile.match_remote.iter().filter_map(|p: &IdentityMatch| p.specificity(&id.identity)).max();
            if let Some(rank) = rank
                && allows(&profile.proposals, suite)
                && best.is_none_or(|(best_rank, _)| rank > best_rank)
            {
                best = Some((rank, index));
            }
        }
        let (_, index) = best.ok_or(FailureReason::IdentityRefused)?;
        self.check_revoked(&id.identity)?;
        let profile_id = ProfileId(u16::try_from(index).map_err(|_| FailureReason::IdentityRefused)?);
        let profile = self.profile(profile_id).ok_or(FailureReason::IdentityRefused)?;
        let entry =
            profile.keyring.find(sa.path.remote.ip(), Some(&id.identity)).ok_or(FailureReason::NoKey)?;
        let failed = FailureReason::AuthenticationFailed { by: Side::Us };
        let announced = sa.handshake.as_ref().is_some_and(|handshake| handshake.ppk);
        let (ppk, data) = choose_ppk(entry.ppk.as_ref(), announced, &opened.payloads)?;
        let ppk = ppk.map(|ppk| &ppk.key);
        check_auth(sa, id, data, &entry.remote_key, ppk).ok_or(failed)?;
        let identity = profile.local_identity.clone().unwrap_or(Identity::Address(self.config.local));
        let auth = own_auth(sa, &identity, &entry.local_key, ppk).ok_or(failed)?;
        Ok(Accepted { profile: profile_id, auth, ppk: ppk.cloned() })
    }

    fn answer_auth(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: Opened,
        identity: Identity,
        Accepted { profile, auth, ppk }: Accepted,
    ) {
        let local_identity = self
            .profile(profile)
            .and_then(|profile| profile.local_identity.clone())
            .unwrap_or(Identity::Address(self.config.local));
        let Some(sa) = self.sa_mut(key) else { return };
        sa.profile = profile;
        sa.local_identity = local_identity.clone();
        let begun = sa.created;
        self.note_peer_window(key, &opened.payloads);
        self.establish(now, key, identity);
        if find_notify(&opened.payloads, NotifyType::INITIAL_CONTACT).is_some() {
            self.initial_contact(now, key, begun);
        }
        let mut payloads = vec![Payload::IdentificationResponder(Identification::new(local_identity)), auth];
        payloads.extend(self.window_notify());
        if let Some(ppk) = ppk {
            payloads.push(Payload::Notify(Notify::new(NotifyType::PPK_IDENTITY)));
            self.use_ppk(key, &ppk);
        }
        let child = self.answer_first_child(now, key, &opened, &mut payloads);
        // The answer leaves before the actions that follow from it are visible: both happen in this call.
        self.respond(key, opened.path, opened.exchange, opened.message_id, &payloads);
        if let Err(reason) = child {
            self.event(Event::Refused { remote: opened.path.remote, reason });
        }
        self.stop_yielding(now, key);
    }

    /// A stranger that was refused: the answer is kept for its repetitions, then everything is forgotten.
    pub(super) fn refuse(&mut self, now: Instant, key: SaKey, path: UdpPath, reason: FailureReason) {
        self.event(Event::Refused { remote: path.remote, reason });
        let Some(sa) = self.sa_mut(key) else { return };
        // The timer of the half-open SA goes on running.
        sa.state = State::Refused;
        sa.handshake = None;
        self.stop_yielding(now, key);
    }

    /// RFC 7296 section 2.4: all that was up with this identity before the exchange of this SA began is void. What came
    /// up later was unknown to the peer when it wrote that, so it is spared: that is crossed initiation.
    ///
    /// An address as identity is unique only together with the address that packets come from: many spokes behind NATs
    /// are called 192.168.1.2. So with such an identity only what came from the same address is void.
    fn initial_contact(&mut self, now: Instant, key: SaKey, begun: Instant) {
        let Some(peer) = self.sa(key).and_then(|sa| sa.peer) else { return };
        let Some(identity) = self.peers.get(&peer).map(|peer| peer.identity.clone()) else { return };
        let peers = match identity {
            Identity::Address(_) => vec![peer],
            _ => self.peers_with_identity(&identity),
        };
        let stale: Vec<SaKey> = peers
            .into_iter()
            .filter_map(|peer| self.peers.get(&peer))
            .flat_map(|peer| peer.sas.iter().copied())
            .filter(|other| *other != key)
            .filter(|other| self.sa(*other).is_some_and(|sa| sa.lineage.established < begun))
            .collect();
        for other in stale {
            self.remove_sa(now, other, DownReason::PeerRestarted);
        }
    }

    /// Whether nothing else is up or under way with this address.
    fn is_first_contact(&self, key: SaKey) -> bool {
        let Some(sa) = self.sa(key) else { return false };
        self.sas_with(sa.path.remote.ip()).all(|other| other == key)
    }

    fn window_notify(&self) -> Option<Payload> {
        (self.config.window > 1).then(|| {
            let size = u32::from(self.config.window).to_be_bytes().to_vec();
            Payload::Notify(Notify::with_data(NotifyType::SET_WINDOW_SIZE, size))
        })
    }

    pub(super) fn note_peer_window(&mut self, key: SaKey, payloads: &[Payload]) {
        let size = find_notify(payloads, NotifyType::SET_WINDOW_SIZE)
            .and_then(|notify| <[u8; 4]>::try_from(notify.data.as_slice()).ok())
            .map(u32::from_be_bytes);
        if let (Some(size), Some(sa)) = (size, self.sa_mut(key)) {
            sa.requests.set_peer_size(size);
        }
    }
}

/// Whether a mode wants USE_TRANSPORT_MODE.
pub(super) fn transport_notify(mode: Mode) -> Option<Payload> {
    (mode == Mode::Transport).then(|| Payload::Notify(Notify::new(NotifyType::USE_TRANSPORT_MODE)))
}

fn identification(payloads: &[Payload], role: Role) -> Option<&Identification> {
    payloads.iter().find_map(|payload| match (payload, role) {
        (Payload::IdentificationInitiator(id), Role::Initiator)
        | (Payload::IdentificationResponder(id), Role::Responder) => Some(id),
        _ => None,
    })
}

/// What an initiator's IKE_AUTH request leads to.
struct Accepted {
    profile: ProfileId,
    auth: Payload,
    ppk: Option<SecretBytes>,
}

/// PPK_ID_FIXED (RFC 8784 section 5.1).
const PPK_ID_FIXED: u8 = 2;

fn ppk_identity(id: &[u8]) -> Notify {
    let data = core::iter::once(PPK_ID_FIXED).chain(id.iter().copied()).collect();
    Notify::with_data(NotifyType::PPK_IDENTITY, data)
}

/// A responder's table of RFC 8784 section 3: the PPK to use, if any, and the authentication data that goes with it.
fn choose_ppk<'a>(
    ours: Option<&'a Ppk>,
    announced: bool,
    payloads: &'a [Payload],
) -> Result<(Option<&'a Ppk>, &'a [u8]), FailureReason> {
    let auth = auth_of(payloads).ok_or(FailureReason::InvalidSyntax)?;
    let named = find_notify(payloads, NotifyType::PPK_IDENTITY).filter(|_| announced);
    let same = ours.filter(|ours| named.is_some_and(|named| named.data == ppk_identity(&ours.id).data));
    if same.is_some() {
        return Ok((same, auth));
    }
    if ours.is_some_and(|ours| ours.required) {
        return Err(FailureReason::NoPpk);
    }
    if named.is_none() {
        return Ok((None, auth));
    }
    // It is not ours: AUTH is made with it, and the other data without.
    let without = find_notify(payloads, NotifyType::NO_PPK_AUTH).ok_or(FailureReason::NoPpk)?;
    Ok((None, &without.data))
}

/// The data of AUTH, if it is made with a pre-shared key.
fn auth_of(payloads: &[Payload]) -> Option<&[u8]> {
    payloads.iter().find_map(|payload| match payload {
        Payload::Authentication { method, data } => {
            (*method == AuthMethod::SHARED_KEY_MIC).then_some(data.as_slice())
        }
        _ => None,
    })
}

fn own_auth(
    sa: &IkeSa,
    identity: &Identity,
    key: &SecretBytes,
    ppk: Option<&SecretBytes>,
) -> Option<Payload> {
    let handshake = sa.handshake.as_deref()?;
    let body = Identification::new(identity.clone()).body();
    let data = auth_data(sa, handshake, sa.role, &body, key, ppk)?;
    Some(Payload::Authentication { method: AuthMethod::SHARED_KEY_MIC, data })
}

fn check_auth(
    sa: &IkeSa,
    id: &Identification,
    data: &[u8],
    key: &SecretBytes,
    ppk: Option<&SecretBytes>,
) -> Option<()> {
    let handshake = sa.handshake.as_deref()?;
    let other = if sa.role == Role::Initiator { Role::Responder } else { Role::Initiator };
    let expected = auth_data(sa, handshake, other, &id.body(), key, ppk)?;
    psk_auth_verify(&expected, data).then_some(())
}

/// AUTH of the end with this role.
fn auth_data(
    sa: &IkeSa,
    handshake: &Handshake,
    signer: Role,
    id: &[u8],
    key: &SecretBytes,
    ppk: Option<&SecretBytes>,
) -> Option<Vec<u8>> {
    let prf = sa.suite?.prf;
    let (message, nonce, sk_p) = match signer {
        Role::Initiator => (&handshake.request, &handshake.nonce_r, &handshake.sk_pi),
        Role::Responder => (&handshake.response, &handshake.nonce_i, &handshake.sk_pr),
    };
    let mixed = ppk.map(|ppk| mix_ppk(prf, ppk, sk_p));
    Some(psk_auth(prf, key, message, nonce, mixed.as_ref().unwrap_or(sk_p), id, &[]))
}
