//! Traceroute with UDP probes, as IOS and most systems do it.

use core::fmt;
use std::net::Ipv4Addr;
use std::time::Duration;

use super::{IcmpError, Outgoing, PLAINTEXT_MARKER};
use crate::sim::ipv4::{Header, PROTOCOL_UDP};
use crate::sim::transport::{
    self, CODE_FRAGMENTATION_NEEDED, CODE_PORT, ICMP_TIME_EXCEEDED, ICMP_UNREACHABLE,
};
use crate::views::{self, TracerouteHop, TracerouteProbe, Unreachable};

/// What to trace, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TracerouteConfig {
    /// The way to whom.
    pub destination: Ipv4Addr,
    /// From which of the router's addresses; none takes the address of the outgoing interface.
    pub source: Option<Ipv4Addr>,
    /// Probes for each hop.
    pub probes: u8,
    /// How long to wait for each answer.
    pub timeout: Duration,
    /// The first time to live.
    pub first_ttl: u8,
    /// The last one.
    pub max_ttl: u8,
    /// The destination port of the first probe; each one takes the next.
    pub port: u16,
}

impl TracerouteConfig {
    /// What `traceroute ADDRESS` does on IOS: three probes for each of up to 30 hops, three seconds for each answer.
    #[must_use]
    pub const fn new(destination: Ipv4Addr) -> Self {
        Self {
            destination,
            source: None,
            probes: 3,
            timeout: Duration::from_secs(3),
            first_ttl: 1,
            max_ttl: 30,
            port: 33_434,
        }
    }

    /// The same with this source.
    #[must_use]
    pub const fn from(self, source: Ipv4Addr) -> Self {
        Self { source: Some(source), ..self }
    }
}

/// One answer to a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HopAnswer {
    /// After how long.
    pub rtt: Duration,
    /// The ICMP error that the probe met: time exceeded on the way, port unreachable at the end.
    pub error: IcmpError,
}

/// The probes with one time to live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The time to live.
    pub ttl: u8,
    /// For each probe its answer, or none within the timeout.
    pub answers: Vec<Option<HopAnswer>>,
}

impl Hop {
    /// Who answered first.
    #[must_use]
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.answers.iter().flatten().map(|answer| answer.error.from).next()
    }
}

/// How a traceroute goes. `Display` writes it as IOS does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TracerouteReport {
    /// What was asked for.
    pub config: TracerouteConfig,
    /// Each hop, in order.
    pub hops: Vec<Hop>,
    /// Whether the destination answered, or somebody said that it cannot be reached.
    pub ended: bool,
    /// Whether the destination answered.
    pub reached: bool,
    /// When the last answer or timeout was; none while it runs.
    pub finished: Option<Duration>,
}

impl TracerouteReport {
    /// The traceroute as its prompt shows it.
    #[must_use]
    pub fn view(&self) -> views::Traceroute {
        let mut view = views::Traceroute::new(self.config.destination.into());
        let hop = |hop: &Hop| TracerouteHop { ttl: hop.ttl, probes: hop.answers.iter().map(probe).collect() };
        view.hops = self.hops.iter().map(hop).collect();
        view
    }
}

impl fmt::Display for TracerouteReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

fn probe(answer: &Option<HopAnswer>) -> TracerouteProbe {
    let Some(HopAnswer { rtt, error }) = answer else { return TracerouteProbe::Timeout };
    let address = error.from.into();
    let what = match (error.kind, error.code) {
        (ICMP_UNREACHABLE, 0) => Unreachable::Network,
        (ICMP_UNREACHABLE, 1) => Unreachable::Host,
        (ICMP_UNREACHABLE, 2) => Unreachable::Protocol,
        (ICMP_UNREACHABLE, CODE_FRAGMENTATION_NEEDED) => Unreachable::FragmentationNeeded,
        (ICMP_UNREACHABLE, 9 | 10 | 13) => Unreachable::Prohibited,
        _ => return TracerouteProbe::Reply { address, time: *rtt },
    };
    TracerouteProbe::Unreachable { address, what }
}

#[derive(Debug)]
pub(super) struct Traceroute {
    source_port: u16,
    report: TracerouteReport,
    sent: u32,
    /// The probe that is on its way, by its destination port, and since when.
    waiting: Option<(u16, Duration)>,
}

impl Traceroute {
    pub(super) fn new(source_port: u16, config: TracerouteConfig) -> Self {
        let report =
            TracerouteReport { config, hops: Vec::new(), ended: false, reached: false, finished: None };
        Self { source_port, report, sent: 0, waiting: None }
    }

    pub(super) fn report(&self) -> &TracerouteReport {
        &self.report
    }

    pub(super) fn config(&self) -> &TracerouteConfig {
        &self.report.config
    }

    /// Gives up a probe that waited too long and sends the next; what to send, and when to be woken.
    pub(super) fn wake(
        &mut self,
        now: Duration,
        source: Option<Ipv4Addr>,
    ) -> (Option<Outgoing>, Option<Duration>) {
        let timeout = self.config().timeout;
        if let Some((_, since)) = self.waiting {
            if now < since + timeout {
                return (None, Some(since + timeout));
            }
            self.settle(None);
        }
        if self.is_over() {
            self.report.finished.get_or_insert(now);
            return (None, None);
        }
        let port = self.config().port.wrapping_add(self.sent as u16);
        self.sent += 1;
        self.waiting = Some((port, now));
        let sent = source.map(|source| self.probe(source, port));
        (sent, Some(now + timeout))
    }

    /// An ICMP error about a probe came back; when to be woken.
    pub(super) fn answered(&mut self, now: Duration, port: u16, error: IcmpError) -> Option<Duration> {
        let (_, since) = self.waiting.filter(|(waiting, _)| *waiting == port)?;
        self.settle(Some(HopAnswer { rtt: now.saturating_sub(since), error }));
        if error.kind != ICMP_TIME_EXCEEDED {
            self.report.ended = true;
            self.report.reached |= (error.kind, error.code) == (ICMP_UNREACHABLE, CODE_PORT);
        }
        Some(now)
    }

    /// The hop that the next probe belongs to is the last one, unless that has all its probes.
    fn settle(&mut self, answer: Option<HopAnswer>) {
        self.waiting = None;
        let probes = usize::from(self.config().probes);
        let first = self.config().first_ttl;
        match self.report.hops.last_mut() {
            Some(hop) if hop.answers.len() < probes => hop.answers.push(answer),
            last => {
                let ttl = last.map_or(first, |hop| hop.ttl.saturating_add(1));
                self.report.hops.push(Hop { ttl, answers: vec![answer] });
            }
        }
    }

    fn hop_is_full(&self) -> bool {
        self.report.hops.last().is_none_or(|hop| hop.answers.len() >= usize::from(self.config().probes))
    }

    fn is_over(&self) -> bool {
        let last = self.report.hops.last().is_some_and(|hop| hop.ttl >= self.config().max_ttl);
        self.hop_is_full() && (self.report.ended || last || self.config().probes == 0)
    }

    fn probe(&self, source: Ipv4Addr, port: u16) -> Outgoing {
        let config = self.config();
        let ttl = match self.report.hops.last() {
            Some(hop) if !self.hop_is_full() => hop.ttl,
            Some(hop) => hop.ttl.saturating_add(1),
            None => config.first_ttl,
        };
        let header = Header { ttl, ..Header::new(source, config.destination, PROTOCOL_UDP) };
        let from = (source, self.source_port);
        (header, transport::build_udp(from, (config.destination, port), &PLAINTEXT_MARKER, true))
    }
}
