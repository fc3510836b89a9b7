//! A tunnel as the forwarding plane sees it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use ipnet::Ipv4Net;

use crate::ids::{PathId, TunnelId, UnderlayId};

/// How often a missing MSS clamp is reported for one tunnel.
const MSS_REPORT_INTERVAL: Duration = Duration::from_secs(60);

/// What the forwarding plane has to know of a tunnel; fixed while it exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TunnelSettings {
    /// Its name.
    pub id: TunnelId,
    /// The underlay address that is its source.
    pub underlay: UnderlayId,
    /// Its own address on the overlay.
    pub address: Ipv4Addr,
    /// The overlay network.
    pub prefix: Ipv4Net,
    /// `tunnel key`.
    pub key: Option<u32>,
    /// `tunnel protection`: packets only ever travel under an SA.
    pub protected: bool,
    /// `ip mtu`: larger packets that must not be fragmented are refused even if the underlay would carry them.
    pub ip_mtu: u16,
    /// `ip tcp adjust-mss`.
    pub adjust_mss: Option<u16>,
    /// `tunnel path-mtu-discovery`: the outer header forbids fragmentation when the inner one does.
    pub path_mtu_discovery: bool,
    /// `ip nhrp network-id`: tunnels that share it are one NHRP domain.
    pub network_id: u32,
    /// `ip nhrp redirect`.
    pub redirect: bool,
}

/// Packets and bytes, as an interface counts them: IP packets of the overlay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Packets received.
    pub packets_in: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Packets sent.
    pub packets_out: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Multicast packets received.
    pub multicast_in: u64,
    /// Multicast packets sent, each copy counted.
    pub multicast_out: u64,
    /// Packets that came in by this tunnel and were dropped.
    pub drops_in: u64,
    /// Packets that were to leave by this tunnel and were dropped.
    pub drops_out: u64,
    /// Packets whose next hop was not proven and that took a fallback.
    pub by_fallback: u64,
}

/// A tunnel's settings and state.
#[derive(Debug)]
pub(super) struct Tunnel {
    pub(super) settings: TunnelSettings,
    /// The best live NHS.
    pub(super) fallback: Option<Ipv4Addr>,
    pub(super) members: Vec<PathId>,
    pub(super) counters: InterfaceCounters,
    mss_reported: Option<Instant>,
}

impl Tunnel {
    pub(super) fn new(settings: TunnelSettings) -> Self {
        Self {
            settings,
            fallback: None,
            members: Vec::new(),
            counters: InterfaceCounters::default(),
            mss_reported: None,
        }
    }

    /// The GRE header that its packets carry.
    pub(super) fn gre(&self, protocol: gre::Protocol) -> gre::Header {
        let header = gre::Header::new(protocol);
        match self.settings.key {
            Some(key) => header.with_key(key),
            None => header,
        }
    }

    /// Whether it is time to report a missing MSS clamp.
    pub(super) fn mss_report_is_due(&mut self, now: Instant) -> bool {
        let due = self.mss_reported.is_none_or(|at| now.saturating_duration_since(at) >= MSS_REPORT_INTERVAL);
        if due {
            self.mss_reported = Some(now);
        }
        due
    }
}

/// An underlay address of ours.
#[derive(Debug)]
pub(super) struct Underlay {
    pub(super) address: IpAddr,
    pub(super) link_mtu: u16,
    /// Tunnels with this source.
    pub(super) tunnels: Vec<TunnelId>,
}
