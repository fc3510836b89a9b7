//! The opening of a TCP connection, to see what became of its maximum segment size on the way.

use std::net::Ipv4Addr;

use super::{IcmpError, Outgoing};
use crate::sim::ipv4::{Header, PROTOCOL_TCP};
use crate::sim::transport::TcpSyn;

/// Who opens a connection to whom, and what both sides accept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct MssConfig {
    /// To whom.
    pub destination: Ipv4Addr,
    /// From which of the sender's addresses; none takes the address of the outgoing interface.
    pub source: Option<Ipv4Addr>,
    /// The destination port.
    pub port: u16,
    /// The maximum segment size that both sides announce; none leaves the option out.
    pub mss: Option<u16>,
}

impl MssConfig {
    /// A connection to port 80 from hosts on Ethernet: 1,460 bytes.
    #[must_use]
    pub const fn new(destination: Ipv4Addr) -> Self {
        Self { destination, source: None, port: 80, mss: Some(1460) }
    }

    /// The same with this source.
    #[must_use]
    pub const fn from(self, source: Ipv4Addr) -> Self {
        Self { source: Some(source), ..self }
    }
}

/// What became of it. A segment whose checksum does not fit what was changed is not counted as arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MssReport {
    /// What was asked for.
    pub config: MssConfig,
    /// Whether the SYN was sent.
    pub sent: bool,
    /// The option as the SYN arrived with it. The outer `None`: it did not arrive; the inner: it had no option.
    pub request: Option<Option<u16>>,
    /// The option as the answer arrived with it.
    pub answer: Option<Option<u16>>,
    /// The last ICMP error that came back.
    pub error: Option<IcmpError>,
}

#[derive(Debug)]
pub(super) struct Mss {
    source_port: u16,
    report: MssReport,
}

impl Mss {
    pub(super) fn new(source_port: u16, config: MssConfig) -> Self {
        let report = MssReport { config, sent: false, request: None, answer: None, error: None };
        Self { source_port, report }
    }

    pub(super) fn report(&self) -> &MssReport {
        &self.report
    }

    pub(super) fn config(&self) -> &MssConfig {
        &self.report.config
    }

    pub(super) fn failed(&mut self, error: IcmpError) {
        self.report.error = Some(error);
    }

    /// Sends the SYN, once.
    pub(super) fn wake(&mut self, source: Option<Ipv4Addr>) -> Option<Outgoing> {
        if self.report.sent {
            return None;
        }
        self.report.sent = true;
        let MssConfig { destination, port, mss, .. } = self.report.config;
        let source = source?;
        let syn = TcpSyn { source_port: self.source_port, destination_port: port, is_answer: false, mss };
        // TCP sends with DF: it discovers the path's MTU (RFC 1191).
        let header = Header { dont_fragment: true, ttl: 0, ..Header::new(source, destination, PROTOCOL_TCP) };
        Some((header, syn.build(source, destination)))
    }

    /// A segment arrived: the answer to it, if it wants one.
    pub(super) fn received(&mut self, syn: &TcpSyn) -> Option<TcpSyn> {
        if syn.is_answer {
            self.report.answer = Some(syn.mss);
            return None;
        }
        self.report.request = Some(syn.mss);
        Some(TcpSyn {
            source_port: syn.destination_port,
            destination_port: syn.source_port,
            is_answer: true,
            mss: self.report.config.mss,
        })
    }
}
