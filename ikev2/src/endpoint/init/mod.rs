//! IKE_SA_INIT (RFC 7296 section 1.2): what both roles need. The roles have a file each.

mod initiator;
mod responder;
mod rivals;

use std::net::IpAddr;
use std::time::Instant;

use rand_core::Rng as _;

pub(super) use responder::source_of;
pub(crate) use rivals::Rival;

use super::Endpoint;
use super::arena::SaKey;
use super::ike_sa::{IkeSa, Lineage, Protection, Role, State, Timers};
use super::requests::SendWindow;
use super::window::ReceiveWindow;
use crate::config::{Ppk, Profile};
use crate::crypto::{Direction, Envelope, Group, IkeKeys, IkeSuite, KeyPair, skeyseed_initial};
use crate::ids::ProfileId;
use crate::io::{Event, FailureReason, KeyLog, Side, UdpPath};
use crate::nat::Nat;
use crate::secret::SecretBytes;
use crate::wire::{ExchangeType, GroupId, Header, Identity, Notify, NotifyType, Payload, PayloadType};

/// Bytes of our nonces.
const NONCE_LEN: usize = 32;

impl Endpoint {
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

    pub(in crate::endpoint) fn log_keys(&mut self, key: SaKey, suite: IkeSuite, keys: &IkeKeys) {
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
    pub(in crate::endpoint) fn new_spi(&mut self) -> u64 {
        let mut spi = self.rng.next_u64();
        while spi == 0 || self.by_spi.contains_key(&spi) {
            spi = spi.wrapping_add(1);
        }
        spi
    }

    pub(in crate::endpoint) fn nonce(&mut self) -> Vec<u8> {
        // 32 bytes are at least half of every PRF's key.
        let mut nonce = vec![0; NONCE_LEN];
        self.rng.fill_bytes(&mut nonce);
        nonce
    }

    pub(in crate::endpoint) fn key_pair(&mut self, group: Group) -> KeyPair {
        KeyPair::generate_with(self.config.backend, group, &mut *self.rng)
    }

    fn local_identity(&self, profile: ProfileId) -> Identity {
        self.profile(profile)
            .and_then(|profile| profile.local_identity.clone())
            .unwrap_or(Identity::Address(self.config.local))
    }

    #[allow(clippy::too_many_arguments, reason = "one value per field that differs")]
    pub(in crate::endpoint) fn new_sa(
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
            ppk: false,
            local_identity,
            peer: None,
            lineage: Lineage { origin: role, lowest_nonce: Vec::new(), begun: now, established: now },
            created: now,
            last_received: now,
            probed: None,
            requests: SendWindow::default(),
            tasks: std::collections::VecDeque::new(),
            deferred: None,
            // The first encrypted request of an initiator has id 1; a responder's has id 0.
            window: ReceiveWindow::new(if role == Role::Responder { 1 } else { 0 }, self.config.window),
            newest_request: None,
            request_fragments: Vec::new(),
            response_fragments: Vec::new(),
            children: Vec::new(),
            successor: None,
            predecessor: None,
            timers: Timers::default(),
            queued: None,
            closing: None,
            connecting: false,
            reauthenticates: false,
            retiring: false,
            yielded: None,
            initiator_entry: None,
        }
    }
}

impl IkeSa {
    /// Installs the keys of both directions.
    pub(in crate::endpoint) fn protect(&mut self, suite: IkeSuite, keys: &IkeKeys) {
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
pub(in crate::endpoint) struct InitParts<'a> {
    pub(in crate::endpoint) proposals: Option<&'a [crate::wire::Proposal]>,
    pub(in crate::endpoint) key_exchange: Option<(GroupId, &'a [u8])>,
    pub(in crate::endpoint) nonce: Option<&'a [u8]>,
}

impl<'a> InitParts<'a> {
    pub(in crate::endpoint) fn of(payloads: &'a [Payload]) -> Self {
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
pub(in crate::endpoint) const fn failure_from_notify(notify_type: NotifyType) -> FailureReason {
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
pub(in crate::endpoint) fn first_error(payloads: &[Payload]) -> Option<&Notify> {
    payloads.iter().find_map(|payload| match payload {
        Payload::Notify(notify) if notify.notify_type.is_error() => Some(notify),
        _ => None,
    })
}

/// The post-quantum pre-shared key for a peer, as far as an initiator knows by the peer's address.
pub(in crate::endpoint) fn known_ppk(profile: &Profile, remote: IpAddr) -> Option<&Ppk> {
    profile.keyring.find(remote, known_identity(profile).as_ref())?.ppk.as_ref()
}

/// The identity that a profile accepts, if it is exactly one: lets an initiator find the key by name before the peer
/// has said its name.
pub(in crate::endpoint) fn known_identity(profile: &Profile) -> Option<Identity> {
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
