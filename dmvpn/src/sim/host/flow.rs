//! UDP flows: numbered packets at a constant rate, and what becomes of them.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::{Endpoint, IcmpError, Outgoing, PLAINTEXT_MARKER};
use crate::sim::ipv4::{HEADER_LEN, Header, PROTOCOL_UDP};
use crate::sim::transport::{self, UDP_HEADER_LEN};

/// What to send, how often, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FlowConfig {
    /// To whom.
    pub destination: Ipv4Addr,
    /// From which of the sender's addresses; none takes the address of the outgoing interface.
    pub source: Option<Ipv4Addr>,
    /// The destination port.
    pub port: u16,
    /// Bytes of the whole IPv4 packet; at least 60.
    pub size: u16,
    /// From one packet to the next.
    pub interval: Duration,
    /// How many packets.
    pub count: u32,
    /// DSCP and ECN.
    pub tos: u8,
    /// Whether nobody may fragment the packets.
    pub dont_fragment: bool,
}

impl FlowConfig {
    /// Fifty packets of 200 bytes a second, as a telephone call sends, to this port 16384.
    #[must_use]
    pub const fn new(destination: Ipv4Addr, count: u32) -> Self {
        Self {
            destination,
            source: None,
            port: 16_384,
            size: 200,
            interval: Duration::from_millis(20),
            count,
            tos: 0,
            dont_fragment: false,
        }
    }

    /// The same with this source.
    #[must_use]
    pub const fn from(self, source: Ipv4Addr) -> Self {
        Self { source: Some(source), ..self }
    }
}

/// What became of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowReport {
    /// What was asked for.
    pub config: FlowConfig,
    /// Packets sent, those without a route included.
    pub sent: u32,
    /// Packets that could not be sent because there was no route.
    pub no_route: u32,
    /// Packets that arrived, each counted once.
    pub received: u32,
    /// Further arrivals of packets that had arrived already.
    pub duplicated: u32,
    /// Packets that arrived after one with a higher number.
    pub reordered: u32,
    /// Packets that arrived changed.
    pub corrupted: u32,
    /// Packets that arrived at another place than the owner of the destination address.
    pub misdelivered: u32,
    /// The lowest and the highest time to live that arrived.
    pub ttl: Option<(u8, u8)>,
    /// The TOS byte that arrived last.
    pub tos: Option<u8>,
    /// The shortest and the longest time on the way.
    pub latency: Option<(Duration, Duration)>,
    /// The longest time without an arrival, between two of them.
    pub longest_gap: Duration,
    /// When the last packet arrived.
    pub last_arrival: Option<Duration>,
    /// The last ICMP error that came back.
    pub error: Option<IcmpError>,
    /// When the last packet was sent; none while it runs. Packets may be on their way then.
    pub finished: Option<Duration>,
}

impl FlowReport {
    /// How many packets have not arrived, those on the way included.
    #[must_use]
    pub const fn missing(&self) -> u32 {
        self.sent - self.received
    }
}

/// Marker, flow, number, time of sending in nanoseconds.
const FLOW_HEADER_LEN: usize = PLAINTEXT_MARKER.len() + 4 + 4 + 8;

#[derive(Debug)]
pub(super) struct Flow {
    source_port: u16,
    receiver: Option<Endpoint>,
    report: FlowReport,
    next_send: Duration,
    /// A bit for each packet that arrived.
    arrived: Vec<u64>,
    highest: Option<u32>,
}

impl Flow {
    pub(super) fn new(
        now: Duration,
        source_port: u16,
        config: FlowConfig,
        receiver: Option<Endpoint>,
    ) -> Self {
        let report = FlowReport {
            config,
            sent: 0,
            no_route: 0,
            received: 0,
            duplicated: 0,
            reordered: 0,
            corrupted: 0,
            misdelivered: 0,
            ttl: None,
            tos: None,
            latency: None,
            longest_gap: Duration::ZERO,
            last_arrival: None,
            error: None,
            finished: None,
        };
        Self { source_port, receiver, report, next_send: now, arrived: Vec::new(), highest: None }
    }

    pub(super) fn report(&self) -> &FlowReport {
        &self.report
    }

    pub(super) fn config(&self) -> &FlowConfig {
        &self.report.config
    }

    pub(super) fn stop(&mut self, now: Duration) {
        self.report.config.count = self.report.sent;
        self.report.finished.get_or_insert(now);
    }

    pub(super) fn failed(&mut self, error: IcmpError) {
        self.report.error = Some(error);
    }

    /// Sends the packet that is due; what to send, and when to be woken.
    pub(super) fn wake(
        &mut self,
        now: Duration,
        id: u32,
        source: Option<Ipv4Addr>,
    ) -> (Option<Outgoing>, Option<Duration>) {
        if self.report.sent >= self.config().count {
            self.report.finished.get_or_insert(now);
            return (None, None);
        }
        if now < self.next_send {
            return (None, Some(self.next_send));
        }
        let sequence = self.report.sent;
        self.report.sent += 1;
        self.next_send = now + self.config().interval;
        let wake = if self.report.sent < self.config().count {
            Some(self.next_send)
        } else {
            self.report.finished = Some(now);
            None
        };
        let Some(source) = source else {
            self.report.no_route += 1;
            return (None, wake);
        };
        let config = self.config();
        let header = Header {
            tos: config.tos,
            dont_fragment: config.dont_fragment,
            ttl: 0,
            ..Header::new(source, config.destination, PROTOCOL_UDP)
        };
        let len = usize::from(config.size).saturating_sub(HEADER_LEN + UDP_HEADER_LEN);
        let payload = payload(id, sequence, now, len);
        let to = (config.destination, config.port);
        (Some((header, transport::build_udp((source, self.source_port), to, &payload, true))), wake)
    }

    /// A packet of this flow arrived somewhere.
    pub(super) fn received(&mut self, now: Duration, at: Endpoint, header: &Header, bytes: &[u8]) {
        if self.receiver.is_some_and(|receiver| receiver != at) {
            self.report.misdelivered += 1;
            return;
        }
        let Some((id, sequence, sent)) = fields(bytes) else { return };
        if sequence >= self.report.sent || bytes != payload(id, sequence, sent, bytes.len()) {
            self.report.corrupted += 1;
            return;
        }
        let (word, bit) = ((sequence / 64) as usize, 1 << (sequence % 64));
        if self.arrived.len() <= word {
            self.arrived.resize(word + 1, 0);
        }
        // The vector was just made long enough.
        let Some(seen) = self.arrived.get_mut(word) else { return };
        if *seen & bit != 0 {
            self.report.duplicated += 1;
            return;
        }
        *seen |= bit;
        let report = &mut self.report;
        report.received += 1;
        if self.highest.is_some_and(|highest| sequence < highest) {
            report.reordered += 1;
        }
        self.highest = self.highest.max(Some(sequence));
        let took = now.saturating_sub(sent);
        report.ttl = Some(spread(report.ttl, header.ttl));
        report.latency = Some(spread(report.latency, took));
        report.tos = Some(header.tos);
        if let Some(last) = report.last_arrival.replace(now) {
            report.longest_gap = report.longest_gap.max(now - last);
        }
    }
}

/// The flow that a UDP payload says it is of.
pub(super) fn flow_of(payload: &[u8]) -> Option<u32> {
    fields(payload).map(|(id, ..)| id)
}

fn fields(payload: &[u8]) -> Option<(u32, u32, Duration)> {
    let (marker, rest) = payload.split_first_chunk::<16>()?;
    let (id, rest) = rest.split_first_chunk::<4>()?;
    let (sequence, rest) = rest.split_first_chunk::<4>()?;
    let (nanos, _) = rest.split_first_chunk::<8>()?;
    let sent = Duration::from_nanos(u64::from_be_bytes(*nanos));
    (*marker == PLAINTEXT_MARKER).then_some((u32::from_be_bytes(*id), u32::from_be_bytes(*sequence), sent))
}

/// Every byte follows from the fields, so that a receiver sees any change.
fn payload(id: u32, sequence: u32, sent: Duration, len: usize) -> Vec<u8> {
    let len = len.max(FLOW_HEADER_LEN);
    let mut bytes = Vec::with_capacity(len);
    bytes.extend_from_slice(&PLAINTEXT_MARKER);
    bytes.extend_from_slice(&id.to_be_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    // 584 years fit.
    bytes.extend_from_slice(&(sent.as_nanos() as u64).to_be_bytes());
    let seed = id.wrapping_mul(31).wrapping_add(sequence);
    bytes.extend((bytes.len()..len).map(|at| seed.wrapping_add(at as u32) as u8));
    bytes
}

fn spread<T: Ord + Copy>(seen: Option<(T, T)>, value: T) -> (T, T) {
    seen.map_or((value, value), |(low, high)| (low.min(value), high.max(value)))
}
