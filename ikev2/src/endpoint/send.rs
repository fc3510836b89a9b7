//! What leaves: sealing, fragmenting, requests with their repetitions, answers.

use std::time::{Duration, Instant};

use rand_core::CryptoRng;

use super::Endpoint;
use super::arena::SaKey;
use super::ike_sa::{IkeSa, Role, State, Timer};
use super::requests::{Outstanding, Pending};
use crate::config::Fragmentation;
use crate::io::{DownReason, Output, Transmit, UdpPath};
use crate::wire::{
    ExchangeType, FLAG_INITIATOR, FLAG_RESPONSE, Header, Message, Notify, Payload, PayloadType,
    encode_payloads,
};

/// The first interval and the growth of repetitions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) initial: Duration,
    pub(super) factor_percent: u32,
}

impl Endpoint {
    /// Sends datagrams of an IKE SA along a path.
    pub(super) fn transmit(&mut self, path: UdpPath, datagrams: &[Vec<u8>]) {
        let marker = path.local.port() == self.config.nat_port;
        for payload in datagrams {
            self.stats.transmitted += 1;
            self.outputs.push_back(Output::Transmit(Transmit { path, marker, payload: payload.clone() }));
        }
    }

    /// Sends an encrypted request and starts its repetitions.
    pub(super) fn request(
        &mut self,
        now: Instant,
        key: SaKey,
        exchange: ExchangeType,
        payloads: &[Payload],
        pending: Pending,
    ) {
        let pace = self.pace(key, &pending);
        let fragmentation = self.config.fragmentation;
        self.dirty.push(key);
        let Some(sa) = self.sas.get_mut(&key) else { return };
        if sa.requests.is_exhausted() {
            // Ids never wrap (RFC 7296 section 2.2): the SA ends. A rekey comes four thousand million requests earlier.
            self.drop_pending(now, pending);
            return self.remove_sa(now, key, DownReason::LifetimeExpired);
        }
        let message_id = sa.requests.next_id();
        let datagrams = seal(sa, &mut *self.rng, fragmentation, exchange, false, message_id, payloads);
        self.start_request(now, key, datagrams, pending, pace);
    }

    /// Sends a request that is encoded already and starts its repetitions.
    pub(super) fn start_request(
        &mut self,
        now: Instant,
        key: SaKey,
        datagrams: Vec<Vec<u8>>,
        pending: Pending,
        pace: Pace,
    ) {
        let wait = self.jittered(pace.initial);
        let Some(sa) = self.sa_mut(key) else { return };
        let path = sa.path;
        let copy = datagrams.clone();
        sa.requests.push(Outstanding {
            message_id: sa.requests.next_id(),
            datagrams,
            pending,
            sent: 1,
            interval: pace.initial,
            factor_percent: pace.factor_percent,
            repeat: now + wait,
        });
        sa.rearm_repetition();
        self.transmit(path, &copy);
    }

    /// Sends an encrypted request once, without awaiting an answer: a last word.
    pub(super) fn last_word(&mut self, key: SaKey, payloads: &[Payload]) {
        let fragmentation = self.config.fragmentation;
        let Some(sa) = self.sas.get_mut(&key) else { return };
        let message_id = sa.requests.next_id();
        let datagrams =
            seal(sa, &mut *self.rng, fragmentation, ExchangeType::INFORMATIONAL, false, message_id, payloads);
        let path = sa.path;
        self.transmit(path, &datagrams);
    }

    /// Sends an encrypted answer and keeps it for repetitions of the request.
    pub(super) fn respond(
        &mut self,
        key: SaKey,
        path: UdpPath,
        exchange: ExchangeType,
        message_id: u32,
        payloads: &[Payload],
    ) {
        let fragmentation = self.config.fragmentation;
        let Some(sa) = self.sas.get_mut(&key) else { return };
        let datagrams = seal(sa, &mut *self.rng, fragmentation, exchange, true, message_id, payloads);
        sa.window.record(message_id, datagrams.clone());
        self.transmit(path, &datagrams);
    }

    /// Repeats the requests that are due. False: one of them has been repeated often enough.
    pub(super) fn retransmit(&mut self, now: Instant, key: SaKey) -> bool {
        let tries = self.config.retransmission.tries;
        let Some(sa) = self.sas.get_mut(&key) else { return true };
        let mut again = Vec::new();
        for request in sa.requests.iter_mut().filter(|request| request.repeat <= now) {
            if request.sent > tries {
                return false;
            }
            request.interval = request.interval.saturating_mul(request.factor_percent) / 100;
            request.repeat = now + jittered(&mut *self.rng, request.interval);
            request.sent += 1;
            again.push(request.datagrams.clone());
        }
        sa.rearm_repetition();
        let path = sa.path;
        let mut again: Vec<_> = again.into_iter().map(|datagrams| (path, datagrams)).collect();
        if let (State::AuthSent, Some(handshake)) = (sa.state, &sa.handshake) {
            again.extend(handshake.rivals.iter().flat_map(super::init::Rival::datagrams));
        }
        for (path, datagrams) in again {
            self.stats.retransmitted += 1;
            self.transmit(path, &datagrams);
        }
        true
    }

    /// A clear error to somebody without an SA, if the rate limit allows.
    pub(super) fn answer_stranger(&mut self, now: Instant, path: UdpPath, header: Header, notify: Notify) {
        if !self.answers.allow(now) {
            return;
        }
        self.stats.stranger_answers += 1;
        let message = Message {
            header: Header {
                flags: (header.flags & FLAG_INITIATOR ^ FLAG_INITIATOR) | FLAG_RESPONSE,
                minor_version: 0,
                ..header
            },
            payloads: vec![Payload::Notify(notify)],
            sealed: None,
        };
        self.transmit(path, &[message.encode()]);
    }

    /// A duration with up to a tenth more.
    pub(super) fn jittered(&mut self, duration: Duration) -> Duration {
        jittered(&mut *self.rng, duration)
    }

    fn pace(&self, key: SaKey, pending: &Pending) -> Pace {
        let retransmission = self.config.retransmission;
        let dpd = self.sa(key).and_then(|sa| self.profile(sa.profile)).and_then(|profile| profile.dpd);
        match (pending, dpd) {
            (Pending::Liveness, Some(dpd)) => Pace { initial: dpd.retry, factor_percent: 100 },
            _ => self.default_pace(retransmission.initial),
        }
    }

    pub(super) const fn default_pace(&self, initial: Duration) -> Pace {
        Pace { initial, factor_percent: self.config.retransmission.factor_percent }
    }
}

impl IkeSa {
    /// One timer stands for all repetitions.
    pub(super) fn rearm_repetition(&mut self) {
        match self.requests.next_repeat() {
            Some(at) => self.timers.set(Timer::Retransmit, at),
            None => self.timers.clear(Timer::Retransmit),
        }
    }
}

fn jittered(rng: &mut dyn CryptoRng, duration: Duration) -> Duration {
    let extra = rng.next_u32() % 1000;
    duration + duration.saturating_mul(extra) / 10_000
}

/// Seals one message, in fragments where it is too large and both sides know how. Empty before there are keys.
fn seal(
    sa: &mut IkeSa,
    rng: &mut dyn CryptoRng,
    fragmentation: Fragmentation,
    exchange: ExchangeType,
    response: bool,
    message_id: u32,
    payloads: &[Payload],
) -> Vec<Vec<u8>> {
    let (first, plain) = encode_payloads(payloads);
    let initiator = if sa.role == Role::Initiator { FLAG_INITIATOR } else { 0 };
    let header = Header {
        spi_i: sa.spi_i(),
        spi_r: sa.spi_r(),
        next: PayloadType::NONE,
        minor_version: 0,
        exchange,
        flags: initiator | if response { FLAG_RESPONSE } else { 0 },
        message_id,
    };
    let Some(protection) = &mut sa.protection else { return Vec::new() };
    let overhead = protection.seal.overhead();
    if !sa.fragmentation || plain.len() + overhead <= fragmentation.size {
        return vec![protection.seal.seal(header, first, &plain, None, rng)];
    }
    // The fragment header has four more bytes than SK.
    let piece = fragmentation.size.saturating_sub(overhead + 4).max(64);
    let total = u16::try_from(plain.len().div_ceil(piece)).unwrap_or(u16::MAX);
    plain
        .chunks(piece)
        .zip(1..=total)
        .map(|(chunk, number)| {
            let first = if number == 1 { first } else { PayloadType::NONE };
            protection.seal.seal(header, first, chunk, Some((number, total)), rng)
        })
        .collect()
}

/// A token bucket of one second.
#[derive(Debug)]
pub(super) struct RateLimit {
    per_second: u32,
    left: u32,
    since: Instant,
}

impl RateLimit {
    pub(super) const fn new(per_second: u32, now: Instant) -> Self {
        Self { per_second, left: per_second, since: now }
    }

    pub(super) fn allow(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) >= Duration::from_secs(1) {
            self.since = now;
            self.left = self.per_second;
        }
        let allowed = self.left > 0;
        self.left = self.left.saturating_sub(1);
        allowed
    }
}
