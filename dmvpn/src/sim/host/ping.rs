//! Ping (RFC 792 echo), with the habits of IOS.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use super::{IcmpError, Outgoing, PLAINTEXT_MARKER};
use crate::sim::ipv4::{HEADER_LEN, Header, PROTOCOL_ICMP};
use crate::sim::transport::{
    self, CODE_FRAGMENTATION_NEEDED, ICMP_ECHO, ICMP_HEADER_LEN, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE, Icmp,
};
use crate::views::{self, PingReply};

/// What to ping, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PingConfig {
    /// Whom.
    pub destination: Ipv4Addr,
    /// From which of the pinging router's addresses; none takes the address of the outgoing interface.
    pub source: Option<Ipv4Addr>,
    /// How often.
    pub count: u32,
    /// Bytes of the whole IPv4 packet, as IOS counts them; at least 28.
    pub size: u16,
    /// How long to wait for an answer.
    pub timeout: Duration,
    /// How long after one packet the next goes. None is the habit of IOS: as soon as there is an answer, or the
    /// timeout is over.
    pub interval: Option<Duration>,
    /// DSCP and ECN.
    pub tos: u8,
    /// Time to live; none is the sender's default (255 for a router, 64 for a host).
    pub ttl: Option<u8>,
    /// Whether nobody may fragment the packets.
    pub dont_fragment: bool,
}

impl PingConfig {
    /// What `ping ADDRESS` does on IOS: five packets of 100 bytes, two seconds for each answer.
    #[must_use]
    pub const fn new(destination: Ipv4Addr) -> Self {
        Self {
            destination,
            source: None,
            count: 5,
            size: 100,
            timeout: Duration::from_secs(2),
            interval: None,
            tos: 0,
            ttl: None,
            dont_fragment: false,
        }
    }

    /// The same with this source.
    #[must_use]
    pub const fn from(self, source: Ipv4Addr) -> Self {
        Self { source: Some(source), ..self }
    }
}

/// What became of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PingOutcome {
    /// Nothing yet.
    Waiting,
    /// An answer came in time.
    Reply {
        /// After how long.
        rtt: Duration,
        /// Time to live that was left.
        ttl: u8,
        /// The answer's TOS byte.
        tos: u8,
        /// From whom.
        from: Ipv4Addr,
    },
    /// No answer came in time.
    TimedOut,
    /// Somebody on the way reported an error.
    Error(IcmpError),
    /// There was no way to send it.
    NoRoute,
}

/// One packet of a ping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PingProbe {
    /// When it was sent.
    pub sent: Duration,
    /// Time to live that was left when it arrived: one less for each router on the way. None if it did not arrive.
    pub arrived_ttl: Option<u8>,
    /// What became of it.
    pub outcome: PingOutcome,
}

/// How a ping goes. `Display` writes it as IOS does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingReport {
    /// What was asked for.
    pub config: PingConfig,
    /// Each packet that was sent, in order.
    pub probes: Vec<PingProbe>,
    /// Answers beyond the first to one packet.
    pub duplicates: u32,
    /// Answers after their timeout.
    pub late: u32,
    /// When the last answer or timeout was; none while it runs.
    pub finished: Option<Duration>,
}

impl PingReport {
    /// How many packets were sent, or would have been if there had been a route.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.probes.len()
    }

    /// How many were answered.
    #[must_use]
    pub fn received(&self) -> usize {
        self.rtts().count()
    }

    /// How many were not answered, up to now.
    #[must_use]
    pub fn lost(&self) -> usize {
        self.sent() - self.received()
    }

    /// The round-trip times of those that were answered, in order.
    pub fn rtts(&self) -> impl Iterator<Item = Duration> + '_ {
        self.probes.iter().filter_map(|probe| match probe.outcome {
            PingOutcome::Reply { rtt, .. } => Some(rtt),
            _ => None,
        })
    }
}

impl PingReport {
    /// The ping as its prompt shows it.
    #[must_use]
    pub fn view(&self) -> views::Ping {
        let mut view = views::Ping::new(self.config.destination.into());
        view.source = self.config.source.map(IpAddr::V4);
        view.count = self.config.count;
        view.size = self.config.size.into();
        view.timeout = self.config.timeout;
        view.dont_fragment = self.config.dont_fragment;
        view.replies = self.probes.iter().filter_map(|probe| reply(&probe.outcome)).collect();
        view
    }
}

impl fmt::Display for PingReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

fn reply(outcome: &PingOutcome) -> Option<PingReply> {
    Some(match outcome {
        PingOutcome::Waiting => return None,
        PingOutcome::Reply { rtt, .. } => PingReply::Reply(*rtt),
        PingOutcome::TimedOut | PingOutcome::NoRoute => PingReply::Timeout,
        PingOutcome::Error(error) => match (error.kind, error.code) {
            (ICMP_UNREACHABLE, CODE_FRAGMENTATION_NEEDED) => PingReply::FragmentationNeeded,
            (ICMP_UNREACHABLE, _) => PingReply::Unreachable,
            (ICMP_TIME_EXCEEDED, _) => PingReply::TtlExceeded,
            _ => PingReply::Unknown,
        },
    })
}

#[derive(Debug)]
pub(super) struct Ping {
    identifier: u16,
    report: PingReport,
    /// Every probe before this one has its outcome.
    first_waiting: usize,
    next_send: Duration,
}

impl Ping {
    pub(super) fn new(now: Duration, identifier: u16, config: PingConfig) -> Self {
        let report = PingReport { config, probes: Vec::new(), duplicates: 0, late: 0, finished: None };
        Self { identifier, report, first_waiting: 0, next_send: now }
    }

    pub(super) fn report(&self) -> &PingReport {
        &self.report
    }

    pub(super) fn config(&self) -> &PingConfig {
        &self.report.config
    }

    /// Gives up what waited too long and sends what is due; what to send, and when to be woken.
    pub(super) fn wake(
        &mut self,
        now: Duration,
        source: Option<Ipv4Addr>,
    ) -> (Option<Outgoing>, Option<Duration>) {
        self.expire(now);
        let sent = self.is_due(now).then(|| self.send(now, source)).flatten();
        (sent, self.next_wake(now))
    }

    /// A request of ours arrived where it was meant to.
    pub(super) fn arrived(&mut self, header: &Header, sequence: u16) {
        let destination = self.config().destination;
        if header.destination == destination
            && let Some(probe) = self.probe(sequence)
        {
            probe.arrived_ttl = Some(header.ttl);
        }
    }

    /// An answer came; when to be woken.
    pub(super) fn answered(&mut self, now: Duration, header: &Header, icmp: &Icmp<'_>) -> Option<Duration> {
        let probe = self.probe(icmp.sequence_or_mtu())?;
        match probe.outcome {
            PingOutcome::Waiting => {
                let rtt = now.saturating_sub(probe.sent);
                probe.outcome =
                    PingOutcome::Reply { rtt, ttl: header.ttl, tos: header.tos, from: header.source };
                self.settled(now)
            }
            PingOutcome::Reply { .. } => {
                self.report.duplicates += 1;
                None
            }
            _ => {
                self.report.late += 1;
                None
            }
        }
    }

    /// An error came back; when to be woken.
    pub(super) fn failed(&mut self, now: Duration, sequence: u16, error: IcmpError) -> Option<Duration> {
        let probe = self.probe(sequence)?;
        if probe.outcome != PingOutcome::Waiting {
            return None;
        }
        probe.outcome = PingOutcome::Error(error);
        self.settled(now)
    }

    fn expire(&mut self, now: Duration) {
        let timeout = self.config().timeout;
        while let Some(probe) = self.report.probes.get_mut(self.first_waiting) {
            if probe.outcome == PingOutcome::Waiting {
                if now < probe.sent + timeout {
                    return;
                }
                probe.outcome = PingOutcome::TimedOut;
                if self.report.config.interval.is_none() {
                    self.next_send = now;
                }
            }
            self.first_waiting += 1;
        }
    }

    fn is_due(&self, now: Duration) -> bool {
        let waits = self.config().interval.is_none() && self.first_waiting < self.report.probes.len();
        self.remain() && now >= self.next_send && !waits
    }

    fn remain(&self) -> bool {
        self.report.probes.len() < self.config().count as usize
    }

    fn send(&mut self, now: Duration, source: Option<Ipv4Addr>) -> Option<Outgoing> {
        let config = &self.report.config;
        // The number on the wire has 16 bits and goes round.
        let sequence = self.report.probes.len() as u16;
        self.next_send = now + config.interval.unwrap_or(Duration::ZERO);
        let Some(source) = source else {
            // Nothing to wait for, but not all at once either: a route may come.
            self.next_send = now + config.interval.unwrap_or(config.timeout);
            let outcome = PingOutcome::NoRoute;
            self.report.probes.push(PingProbe { sent: now, arrived_ttl: None, outcome });
            return None;
        };
        let [i0, i1] = self.identifier.to_be_bytes();
        let [s0, s1] = sequence.to_be_bytes();
        let body = pattern(usize::from(config.size).saturating_sub(HEADER_LEN + ICMP_HEADER_LEN));
        let header = Header {
            tos: config.tos,
            ttl: config.ttl.unwrap_or(0),
            dont_fragment: config.dont_fragment,
            ..Header::new(source, config.destination, PROTOCOL_ICMP)
        };
        let outcome = PingOutcome::Waiting;
        self.report.probes.push(PingProbe { sent: now, arrived_ttl: None, outcome });
        Some((header, transport::build_icmp(ICMP_ECHO, 0, [i0, i1, s0, s1], &body)))
    }

    /// A probe got its outcome. IOS sends the next one at once.
    fn settled(&mut self, now: Duration) -> Option<Duration> {
        self.expire(now);
        self.next_wake(now)
    }

    fn next_wake(&mut self, now: Duration) -> Option<Duration> {
        // A probe that has its outcome already does not keep anybody waiting.
        self.expire(now);
        let waiting = self.report.probes.get(self.first_waiting);
        let expiry = waiting.map(|probe| probe.sent + self.config().timeout);
        if !self.remain() && expiry.is_none() {
            self.report.finished.get_or_insert(now);
            return None;
        }
        let next = self.remain().then_some(self.next_send.max(now));
        match (self.config().interval, expiry) {
            (None, Some(expiry)) => Some(expiry),
            (_, expiry) => next.into_iter().chain(expiry).min(),
        }
    }

    fn probe(&mut self, sequence: u16) -> Option<&mut PingProbe> {
        // The newest one with this number.
        let last = self.report.probes.len().checked_sub(1)?;
        let back = usize::from((last as u16).wrapping_sub(sequence));
        self.report.probes.get_mut(last.checked_sub(back)?)
    }
}

/// The marker, where it fits, and the pattern that IOS pings with.
fn pattern(len: usize) -> Vec<u8> {
    let mut body: Vec<u8> = [0xab, 0xcd].into_iter().cycle().take(len).collect();
    if let Some(front) = body.get_mut(..PLAINTEXT_MARKER.len()) {
        front.copy_from_slice(&PLAINTEXT_MARKER);
    }
    body
}
