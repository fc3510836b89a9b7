//! `show crypto session [detail]`.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use super::TrafficSelector;
use crate::views::text::Address;
use crate::views::time::Age;

const CODES: &str = "
Code: C - IKE Configuration mode, D - Dead Peer Detection
K - Keepalives, N - NAT-traversal, T - cTCP encapsulation
X - IKE Extended Authentication, F - IKE Fragmentation
R - IKE Auto Reconnect, U - IKE Dynamic Route Update
S - SIP VPN
";

/// All crypto sessions: `show crypto session`, with `detail` set `show crypto session detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CryptoSessions {
    /// The sessions, in the order in which they are printed.
    pub sessions: Vec<CryptoSession>,
    /// Whether the text has the lines of `detail`.
    pub detail: bool,
}

/// What is between this router and one peer: IKE SAs and the flows that they protect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CryptoSession {
    /// The tunnel.
    pub interface: String,
    /// The IKEv2 profile.
    pub profile: Option<String>,
    /// How long the session is up.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub uptime: Option<Duration>,
    /// What state it is in.
    pub status: SessionStatus,
    /// The peer's underlay address.
    pub peer: IpAddr,
    /// The peer's IKE port.
    pub port: u16,
    /// The number of the session.
    pub session_id: u32,
    /// `detail`: who the peer proved to be.
    pub phase1_id: Option<String>,
    /// Why the session is not up, or what its last attempt failed with, in words; IOS does not print it.
    pub problem: Option<String>,
    /// The IKE SAs with the peer.
    pub ike: Vec<SessionIke>,
    /// The flows that are protected.
    pub flows: Vec<SessionFlow>,
}

/// An IKE SA of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SessionIke {
    /// This router's underlay address and port.
    pub local: (IpAddr, u16),
    /// The peer's underlay address and port.
    pub remote: (IpAddr, u16),
    /// Whether the SA is established.
    pub active: bool,
    /// `detail`: what both sides can do.
    pub capabilities: Vec<Capability>,
    /// `detail`: the number of the SA.
    pub connection_id: u32,
    /// `detail`: what is left of its lifetime.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub lifetime: Duration,
}

/// A protected flow of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct SessionFlow {
    /// What this router sends.
    pub local: TrafficSelector,
    /// What the peer sends.
    pub remote: TrafficSelector,
    /// How many SAs are active, both directions counted.
    pub active_sas: u32,
    /// `detail`: what was decrypted.
    pub inbound: FlowCounters,
    /// `detail`: what was encrypted.
    pub outbound: FlowCounters,
    /// The SPI of the newest outbound SA. Printed by `show dmvpn detail`.
    pub outbound_spi: Option<u32>,
    /// The transforms of the newest outbound SA, in the words of the configuration. Printed by `show dmvpn detail`.
    pub transform: String,
}

/// One direction of a protected flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct FlowCounters {
    /// Packets that went through.
    pub packets: u64,
    /// Packets that were dropped.
    pub drops: u64,
    /// What is left of the SA's volume, in kilobytes; `None` where there is no such limit.
    pub kilobytes: Option<u64>,
    /// What is left of the SA's lifetime.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub lifetime: Duration,
}

words! {
    /// The state of a crypto session.
    SessionStatus {
        /// IKE and IPsec SAs are established.
        UpActive = "UP-ACTIVE",
        /// IKE is established, there are no IPsec SAs.
        UpIdle = "UP-IDLE",
        /// There are IPsec SAs, but the IKE SA is gone.
        UpNoIke = "UP-NO-IKE",
        /// IKE is on its way.
        DownNegotiating = "DOWN-NEGOTIATING",
        /// Nothing is there and nothing is on its way.
        Down = "DOWN",
    }
}

words! {
    /// What both sides of an IKE SA can do, in IOS's letters.
    Capability {
        /// Dead peer detection.
        DeadPeerDetection = "D",
        /// NAT traversal is in use.
        NatTraversal = "N",
        /// IKE fragmentation (RFC 7383).
        Fragmentation = "F",
        /// Routes are installed for the peer.
        RouteUpdate = "U",
    }
}

impl CryptoSession {
    /// A session that is down.
    #[must_use]
    pub fn new(interface: impl Into<String>, peer: IpAddr) -> Self {
        Self {
            interface: interface.into(),
            profile: None,
            uptime: None,
            status: SessionStatus::Down,
            peer,
            port: 500,
            session_id: 0,
            phase1_id: None,
            problem: None,
            ike: Vec::new(),
            flows: Vec::new(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, detail: bool) -> fmt::Result {
        writeln!(f, "\nInterface: {}", self.interface)?;
        if let Some(profile) = &self.profile {
            writeln!(f, "Profile: {profile}")?;
        }
        if let Some(uptime) = self.uptime {
            writeln!(f, "Uptime: {}", Age(uptime))?;
        }
        writeln!(f, "Session status: {}", self.status)?;
        write!(f, "Peer: {} port {}", Address(self.peer), self.port)?;
        if detail {
            writeln!(f, " fvrf: (none) ivrf: (none)")?;
            writeln!(f, "      Phase1_id: {}", self.phase1_id.as_deref().unwrap_or("(none)"))?;
            writeln!(f, "      Desc: (none)")?;
        } else {
            writeln!(f)?;
        }
        self.write_problem(f)?;
        self.write_ike(f, detail)?;
        self.flows.iter().try_for_each(|flow| flow.write(f, detail))
    }

    fn write_problem(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.problem.iter().try_for_each(|problem| writeln!(f, "  Problem: {problem}"))
    }

    fn write_ike(&self, f: &mut fmt::Formatter<'_>, detail: bool) -> fmt::Result {
        if !self.ike.is_empty() {
            writeln!(f, "  Session ID: {}", self.session_id)?;
        }
        self.ike.iter().try_for_each(|ike| ike.write(f, detail))
    }

    /// The session as `show dmvpn detail` prints it.
    pub(in crate::views) fn write_for_dmvpn(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\nInterface: {}", self.interface)?;
        // IOS prints a memory address here, which only tells sessions apart. So does the session's number.
        writeln!(f, "Session: [0x{:08X}]", self.session_id)?;
        self.write_ike(f, true)?;
        writeln!(f, "  Crypto Session Status: {}", self.status)?;
        self.write_problem(f)?;
        writeln!(f, "  fvrf: (none),\tPhase1_id: {}", self.phase1_id.as_deref().unwrap_or("(none)"))?;
        for flow in &self.flows {
            flow.write(f, true)?;
            let transform = &flow.transform;
            match flow.outbound_spi {
                Some(spi) => writeln!(f, "   Outbound SPI : 0x{spi:>8X}, transform : {transform}")?,
                None => writeln!(f, "   Outbound SPI : 0x       0, transform :")?,
            }
        }
        let open = matches!(self.status, SessionStatus::UpActive | SessionStatus::UpNoIke);
        writeln!(f, "    Socket State: {}", if open { "Open" } else { "Closed" })
    }
}

impl SessionIke {
    fn write(&self, f: &mut fmt::Formatter<'_>, detail: bool) -> fmt::Result {
        let (local, remote) = (Address(self.local.0), Address(self.remote.0));
        let (local_port, remote_port) = (self.local.1, self.remote.1);
        // Two IPv6 addresses do not fit on one line.
        let gap = if self.local.0.is_ipv6() { "\n          " } else { " " };
        let active = if self.active { "Active" } else { "Inactive" };
        writeln!(f, "  IKEv2 SA: local {local}/{local_port}{gap}remote {remote}/{remote_port} {active}")?;
        if !detail {
            return Ok(());
        }
        write!(f, "          Capabilities:")?;
        if self.capabilities.is_empty() {
            f.write_str("(none)")?;
        }
        self.capabilities.iter().try_for_each(|capability| write!(f, "{capability}"))?;
        writeln!(f, " connid:{} lifetime:{}", self.connection_id, Age(self.lifetime))
    }
}

impl SessionFlow {
    fn write(&self, f: &mut fmt::Formatter<'_>, detail: bool) -> fmt::Result {
        let (local, remote) = (&self.local, &self.remote);
        writeln!(f, "  IPSEC FLOW: permit {} {} {}", local.protocol_word(), local.words(), remote.words())?;
        writeln!(f, "        Active SAs: {}, origin: crypto map", self.active_sas)?;
        if detail {
            self.inbound.write(f, "Inbound:  #pkts dec'ed")?;
            self.outbound.write(f, "Outbound: #pkts enc'ed")?;
        }
        Ok(())
    }
}

impl FlowCounters {
    fn write(&self, f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
        let Self { packets, drops, kilobytes, lifetime } = self;
        let seconds = lifetime.as_secs();
        write!(f, "        {what} {packets} drop {drops} life (KB/Sec) ")?;
        match kilobytes {
            Some(kilobytes) => writeln!(f, "{kilobytes}/{seconds}"),
            None => writeln!(f, "KB Vol Rekey Disabled/{seconds}"),
        }
    }
}

impl fmt::Display for CryptoSessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Crypto session current status")?;
        if self.detail {
            f.write_str(CODES)?;
        }
        self.sessions.iter().try_for_each(|session| session.write(f, self.detail))
    }
}
