//! Signs that the two ends do not know the same SAs (RFC 7296 sections 1.5 and 2.21.4).
//!
//! Anybody can write a notify in the clear, or an ESP packet with any SPI. So neither ends anything: at most, and at a
//! bounded rate, they make an end ask whether the other one is alive, or say what it does not know. Only what comes
//! inside an IKE SA is believed.

use std::time::{Duration, Instant};

use super::Endpoint;
use super::arena::SaKey;
use super::child::Phase;
use super::ike_sa::{State, Task};
use crate::ids::ChildId;
use crate::io::{DownReason, UdpPath};
use crate::wire::{
    ExchangeType, FLAG_INITIATOR, Header, Message, Notify, NotifyType, Payload, PayloadType, find_notify,
};

/// How often hints make an IKE SA ask, at most.
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// How many IKE SAs at one address are looked at: many peers may be behind one NAT.
const LOOK_AT: usize = 64;

impl Endpoint {
    /// The data lane met ESP with an SPI that it does not know.
    pub(super) fn unknown_esp_spi(&mut self, now: Instant, path: UdpPath, spi: u32) {
        if self.shut_down {
            return;
        }
        self.stats.unknown_esp_spis += 1;
        let mut live = None;
        for key in self.sas_at(path) {
            let Some(sa) = self.sa(key) else { continue };
            // While something is being made, packets may be ahead of the answer that makes them known.
            if sa.state.is_half_open() || !sa.requests.is_idle() {
                return;
            }
            if sa.state == State::Established {
                live = Some(key);
            }
        }
        match live {
            Some(key) => self.probe(now, key, Task::ReportSpi(spi)),
            None => self.say_invalid_spi(now, path, spi),
        }
    }

    /// RFC 7296 section 1.5: without an IKE SA, one message in the clear with SPIs of zero. It is never answered.
    fn say_invalid_spi(&mut self, now: Instant, path: UdpPath, spi: u32) {
        if !self.answers.allow(now) {
            return;
        }
        self.stats.stranger_answers += 1;
        let header = Header {
            spi_i: 0,
            spi_r: 0,
            next: PayloadType::NONE,
            minor_version: 0,
            exchange: ExchangeType::INFORMATIONAL,
            flags: FLAG_INITIATOR,
            message_id: 0,
        };
        let payloads = vec![Payload::Notify(invalid_spi(spi))];
        self.transmit(path, &[Message { header, payloads, sealed: None }.encode()]);
    }

    /// A notify in the clear about an IKE SA of ours, or about the SPI that we send with.
    pub(super) fn receive_hint(
        &mut self,
        now: Instant,
        path: UdpPath,
        key: Option<SaKey>,
        message: &Message,
    ) {
        let about = match key {
            Some(key) => {
                let from_there = self.sa(key).is_some_and(|sa| sa.path.remote == path.remote);
                let is_error = |p: &Payload| matches!(p, Payload::Notify(n) if n.notify_type.is_error());
                Some(key).filter(|_| from_there && message.payloads.iter().any(is_error))
            }
            None => reported_spi(&message.payloads).and_then(|spi| {
                self.sas_at(path).into_iter().find(|key| self.child_in_use(*key, spi).is_some())
            }),
        };
        let Some(key) = about else { return };
        self.stats.unauthenticated_notifies += 1;
        self.probe(now, key, Task::Liveness);
    }

    /// INVALID_SPI inside an IKE SA: the peer has lost a child SA that we send with. A new one takes its place.
    pub(super) fn receive_invalid_spi(&mut self, now: Instant, key: SaKey, payloads: &[Payload]) {
        let lost = reported_spi(payloads).and_then(|spi| self.child_in_use(key, spi));
        if let Some(child) = lost {
            self.expire_child(now, child, DownReason::NotFoundByPeer);
        }
    }

    /// Asks, unless that was done a short while ago or something is being asked anyway.
    fn probe(&mut self, now: Instant, key: SaKey, task: Task) {
        let Some(sa) = self.sa_mut(key) else { return };
        let recently = sa.probed.is_some_and(|probed| now.saturating_duration_since(probed) < PROBE_INTERVAL);
        if sa.state == State::Established && sa.requests.is_idle() && !recently {
            sa.probed = Some(now);
            sa.enqueue(task);
        }
    }

    /// IKE SAs with the sender of a packet.
    fn sas_at(&self, path: UdpPath) -> Vec<SaKey> {
        let on_nat_port = path.local.port() == self.config.nat_port;
        self.sas_with(path.remote.ip())
            .take(LOOK_AT)
            .filter(|key| self.sa(*key).is_some_and(|sa| !on_nat_port || sa.path.remote == path.remote))
            .collect()
    }

    /// The child SA that we send with under this SPI of the peer's.
    fn child_in_use(&self, key: SaKey, spi: u32) -> Option<ChildId> {
        self.child_by_remote_spi(key, spi)
            .filter(|id| self.children.get(*id).is_some_and(|child| child.phase == Phase::Active))
    }

    pub(super) fn report_spi(&mut self, now: Instant, key: SaKey, spi: u32) {
        let payload = [Payload::Notify(invalid_spi(spi))];
        let pending = super::requests::Pending::Liveness;
        self.request(now, key, ExchangeType::INFORMATIONAL, &payload, pending);
    }
}

fn invalid_spi(spi: u32) -> Notify {
    Notify::with_data(NotifyType::INVALID_SPI, spi.to_be_bytes().to_vec())
}

fn reported_spi(payloads: &[Payload]) -> Option<u32> {
    let notify = find_notify(payloads, NotifyType::INVALID_SPI)?;
    <[u8; 4]>::try_from(notify.data.as_slice()).ok().map(u32::from_be_bytes)
}
