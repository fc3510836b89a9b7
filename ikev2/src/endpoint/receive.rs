//! What arrives: from a datagram to a payload chain in the hands of the right exchange.

use std::time::Instant;

use zeroize::Zeroizing;

use super::Endpoint;
use super::arena::SaKey;
use super::ike_sa::{Role, State};
use super::requests::Pending;
use super::window::Admission;
use crate::io::{DownReason, FailureReason, UdpPath};
use crate::reassembly::Reassembly;
use crate::wire::{
    DecodeError, ExchangeType, HEADER_LEN, Header, Message, Notify, NotifyType, Payload, PayloadType, Sealed,
    decode_payloads,
};

/// An authentic message, opened and whole.
pub(super) struct Opened {
    pub(super) exchange: ExchangeType,
    pub(super) message_id: u32,
    pub(super) path: UdpPath,
    pub(super) payloads: Vec<Payload>,
}

impl Endpoint {
    pub(super) fn receive(&mut self, now: Instant, path: UdpPath, raw: &[u8]) {
        // RFC 3948 section 2.3: a keepalive has no meaning.
        if raw == [0xff] {
            return;
        }
        self.stats.received += 1;
        let message = match Message::decode(raw) {
            Ok(message) => message,
            Err(error) => return self.receive_malformed(now, path, raw, error),
        };
        let header = message.header;
        if header.exchange == ExchangeType::IKE_SA_INIT {
            return self.receive_init(now, path, &message, raw);
        }
        let spi_local = if header.from_initiator() { header.spi_r } else { header.spi_i };
        let Some(key) = self.by_spi.get(&spi_local).copied() else {
            self.stats.drops.unknown_spi += 1;
            if message.sealed.is_none() {
                self.receive_hint(now, path, None, &message);
            } else if !header.is_response() {
                self.answer_stranger(now, path, header, Notify::new(NotifyType::INVALID_IKE_SPI));
            }
            return;
        };
        let spi_remote = if header.from_initiator() { header.spi_i } else { header.spi_r };
        if self.sa(key).is_some_and(|sa| sa.state == State::AuthSent && sa.spi_remote != spi_remote) {
            self.bring_forward(key, spi_remote);
        }
        let Some(sa) = self.sa(key) else { return };
        let from_peer = header.from_initiator() == (sa.role == Role::Responder);
        if !from_peer || (sa.spi_remote != spi_remote && sa.state != State::InitSent) {
            self.stats.drops.wrong_direction += 1;
            return;
        }
        let Some(sealed) = &message.sealed else {
            // INVALID_IKE_SPI and its like, in the clear: anybody could have written that.
            self.stats.drops.not_encrypted += 1;
            return self.receive_hint(now, path, Some(key), &message);
        };
        if !self.is_expected(key, &header) {
            return;
        }
        if header.is_response() {
            self.receive_sealed_response(now, key, path, &message, sealed, raw);
        } else {
            self.receive_sealed_request(now, key, path, &message, sealed, raw);
        }
    }

    fn receive_malformed(&mut self, now: Instant, path: UdpPath, raw: &[u8], error: DecodeError) {
        let DecodeError::MajorVersion { major } = error else {
            self.stats.drops.malformed += 1;
            return;
        };
        self.stats.drops.version += 1;
        // RFC 7296 section 2.5: a higher version gets an answer that names ours; a lower one (IKEv1) does not.
        let (Some(head), true) = (raw.get(..HEADER_LEN), major > 2) else { return };
        let mut copy = head.to_vec();
        let length = u32::try_from(HEADER_LEN).unwrap_or_default().to_be_bytes();
        for (index, byte) in [(17, 0x20)].into_iter().chain((24..28).zip(length)) {
            if let Some(field) = copy.get_mut(index) {
                *field = byte;
            }
        }
        if let Ok(header) = Header::decode(&copy)
            && !header.is_response()
        {
            self.answer_stranger(now, path, header, Notify::new(NotifyType::INVALID_MAJOR_VERSION));
        }
    }

    fn receive_init(&mut self, now: Instant, path: UdpPath, message: &Message, raw: &[u8]) {
        let header = message.header;
        if self.shut_down {
            self.stats.drops.shut_down += 1;
            return;
        }
        // Our own first request, sent back to us: answering it would make us our own peer.
        let reflected = self.by_spi.get(&header.spi_i).and_then(|key| self.sa(*key));
        if !header.is_response() && reflected.is_some_and(|sa| sa.role == Role::Initiator) {
            self.stats.drops.wrong_direction += 1;
            return;
        }
        match (header.is_response(), header.from_initiator()) {
            (false, true) if header.spi_r == 0 && header.spi_i != 0 && header.message_id == 0 => {
                self.receive_init_request(now, path, message, raw);
            }
            (true, false) => match self.by_spi.get(&header.spi_i).copied() {
                Some(key) if self.sa(key).is_some_and(|sa| sa.role == Role::Initiator) => {
                    self.receive_init_response(now, key, path, message, raw);
                }
                _ => self.stats.drops.unknown_spi += 1,
            },
            _ => self.stats.drops.wrong_direction += 1,
        }
    }

    /// The table of [`State`]: which exchange is possible in which state. Decided before any cryptography.
    fn is_expected(&mut self, key: SaKey, header: &Header) -> bool {
        let Some(sa) = self.sa(key) else { return false };
        let response = header.is_response();
        let possible = match (sa.state, header.exchange) {
            // Nothing but the second request, whatever window will be granted later.
            (State::InitAnswered | State::Refused, ExchangeType::IKE_AUTH) => {
                !response && header.message_id == 1
            }
            // A repetition of the request that was answered: the initiator may have missed the answer.
            (State::Established, ExchangeType::IKE_AUTH) => !response && sa.role == Role::Responder,
            (State::AuthSent, ExchangeType::IKE_AUTH) => response,
            (
                State::Established | State::Superseded | State::Closing,
                ExchangeType::CREATE_CHILD_SA | ExchangeType::INFORMATIONAL,
            ) => true,
            _ => false,
        };
        if !possible {
            self.stats.drops.unexpected_exchange += 1;
            return false;
        }
        let Some(sa) = self.sa(key) else { return false };
        let in_window = if response {
            sa.requests.awaits(header.message_id)
        } else {
            sa.window.admit(header.message_id) != Admission::Outside
        };
        if !in_window {
            self.stats.drops.message_id += 1;
        }
        in_window
    }

    fn receive_sealed_request(
        &mut self,
        now: Instant,
        key: SaKey,
        path: UdpPath,
        message: &Message,
        sealed: &Sealed,
        raw: &[u8],
    ) {
        let message_id = message.header.message_id;
        if self.sa(key).is_some_and(|sa| sa.state == State::InitAnswered)
            && !self.complete_responder_keys(key)
        {
            // The stranger's public value is worthless, and would be as worthless and dear the next time.
            self.stats.drops.malformed += 1;
            return self.remove_sa(now, key, DownReason::ProtocolError);
        }
        let Some(plain) = self.open(now, key, sealed, raw) else { return };
        let Some(sa) = self.sa(key) else { return };
        if sa.window.admit(message_id) == Admission::Repeated {
            // RFC 7383 section 2.6.1: one answer per repetition, so only its first fragment counts.
            if sealed.fragment.is_none_or(|(number, _)| number == 1) {
                let answer = sa.window.answer(message_id).cloned().unwrap_or_default();
                self.stats.responses_repeated += 1;
                self.transmit(path, &answer);
            }
            return;
        }
        let Some((first, plain)) = self.whole(key, message_id, false, sealed, plain) else { return };
        self.observe_path(key, path, Some(message_id));
        let payloads = match decode_payloads(first, &plain) {
            Ok(payloads) => payloads,
            Err(_) => return self.fatal_syntax_error(now, key, path, message.header.exchange, message_id),
        };
        let opened = Opened { exchange: message.header.exchange, message_id, path, payloads };
        if let Some(payload_type) = opened.payloads.iter().find_map(|payload| match payload {
            Payload::Unknown { critical: true, payload_type, .. } => Some(payload_type.0),
            _ => None,
        }) {
            let notify = Notify::with_data(NotifyType::UNSUPPORTED_CRITICAL_PAYLOAD, vec![payload_type]);
            self.respond(key, path, opened.exchange, message_id, &[Payload::Notify(notify)]);
            if opened.exchange == ExchangeType::IKE_AUTH {
                self.refuse(now, key, path, FailureReason::Unsupported);
            }
            return;
        }
        match opened.exchange {
            ExchangeType::IKE_AUTH => self.receive_auth_request(now, key, opened),
            ExchangeType::CREATE_CHILD_SA => self.receive_create_child_request(now, key, opened),
            _ => self.receive_informational_request(now, key, opened),
        }
    }

    fn receive_sealed_response(
        &mut self,
        now: Instant,
        key: SaKey,
        path: UdpPath,
        message: &Message,
        sealed: &Sealed,
        raw: &[u8],
    ) {
        let message_id = message.header.message_id;
        let Some(plain) = self.open(now, key, sealed, raw) else { return };
        let Some((first, plain)) = self.whole(key, message_id, true, sealed, plain) else { return };
        self.observe_path(key, path, None);
        let Some(sa) = self.sa_mut(key) else { return };
        let Some(outstanding) = sa.requests.take(message_id) else { return };
        sa.rearm_repetition();
        let broken = |payload: &Payload| matches!(payload, Payload::Unknown { critical: true, .. });
        let payloads = decode_payloads(first, &plain).ok().filter(|payloads| !payloads.iter().any(broken));
        let Some(payloads) = payloads else {
            self.stats.drops.malformed_inside += 1;
            return self.abandon(now, key, outstanding.pending);
        };
        let opened = Opened { exchange: message.header.exchange, message_id, path, payloads };
        match outstanding.pending {
            Pending::Init => {}
            Pending::Auth(exchange) => self.receive_auth_response(now, key, opened, exchange),
            Pending::CreateChild(exchange) => self.receive_create_child_response(now, key, opened, *exchange),
            Pending::RekeyIke(exchange) => self.receive_rekey_ike_response(now, key, opened, *exchange),
            Pending::DeleteChildren(children) => self.receive_delete_response(now, key, &opened, &children),
            Pending::DeleteIke => self.finish_close(now, key),
            Pending::Liveness => {}
        }
    }

    /// An authentic response that makes no sense: the peer and we do not agree any more on what there is.
    fn abandon(&mut self, now: Instant, key: SaKey, pending: Pending) {
        self.drop_pending(now, pending);
        match self.sa(key).map(|sa| sa.state) {
            Some(State::AuthSent) => self.answer_refused(now, key, FailureReason::InvalidSyntax),
            Some(State::Closing) => self.remove_sa(now, key, DownReason::ProtocolError),
            _ => self.close_sa(now, key, DownReason::ProtocolError),
        }
    }

    /// Opens the envelope; what cannot be opened changes nothing.
    fn open(&mut self, now: Instant, key: SaKey, sealed: &Sealed, raw: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let sa = self.sas.get_mut(&key)?;
        let Some(protection) = &sa.protection else {
            self.stats.drops.unexpected_exchange += 1;
            return None;
        };
        match protection.open.open(raw, sealed) {
            Ok(plain) => {
                sa.last_received = now;
                Some(plain)
            }
            Err(_) => {
                self.stats.drops.integrity += 1;
                None
            }
        }
    }

    /// The whole message: at once, or when the last fragment is there.
    fn whole(
        &mut self,
        key: SaKey,
        message_id: u32,
        response: bool,
        sealed: &Sealed,
        plain: Zeroizing<Vec<u8>>,
    ) -> Option<(PayloadType, Zeroizing<Vec<u8>>)> {
        let sa = self.sas.get_mut(&key)?;
        let parts = if response { &mut sa.response_fragments } else { &mut sa.request_fragments };
        let at = parts.iter().position(|reassembly| reassembly.message_id == message_id);
        let Some((number, total)) = sealed.fragment else {
            parts.retain(|reassembly| reassembly.message_id != message_id);
            return Some((sealed.first, plain));
        };
        if !sa.fragmentation {
            self.stats.drops.fragment += 1;
            return None;
        }
        let at = at.unwrap_or_else(|| {
            parts.extend(Reassembly::new(message_id, total));
            parts.len().saturating_sub(1)
        });
        let reassembly = parts.get_mut(at).filter(|reassembly| reassembly.message_id == message_id);
        match reassembly.map(|reassembly| reassembly.add(number, total, sealed.first, plain)) {
            Some(Ok(Some(whole))) => {
                parts.remove(at);
                Some(whole)
            }
            Some(Ok(None)) => None,
            _ => {
                self.stats.drops.fragment += 1;
                None
            }
        }
    }

    /// RFC 7296 section 2.21.3: an authentic request that is malformed ends the IKE SA.
    pub(super) fn fatal_syntax_error(
        &mut self,
        now: Instant,
        key: SaKey,
        path: UdpPath,
        exchange: ExchangeType,
        message_id: u32,
    ) {
        self.stats.drops.malformed_inside += 1;
        self.stats.invalid_syntax += 1;
        let notify = Payload::Notify(Notify::new(NotifyType::INVALID_SYNTAX));
        self.respond(key, path, exchange, message_id, &[notify]);
        match self.sa(key).map(|sa| sa.state) {
            Some(State::InitAnswered) => self.refuse(now, key, path, FailureReason::InvalidSyntax),
            _ => self.remove_sa(now, key, DownReason::ProtocolError),
        }
    }
}
