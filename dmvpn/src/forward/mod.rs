//! The built-in forwarding plane: routes, adjacencies, tunnels, GRE and ESP.
//!
//! It decides nothing. The control plane programs it with [`Action`]s; what it cannot decide comes back as a
//! [`Punt`]. Every packet is transformed where it lies, and its fate is told at once:
//!
//! ```text
//! LAN packet -> route -> next hop -> [TTL, MSS] -> GRE -> ESP -> underlay
//!                        not proven: the best fallback carries it, and a punt asks for the next hop
//! underlay   -> SPI -> ESP -> GRE key -> tunnel -> NHRP | OSPF | route: deliver, or out again by a tunnel
//! ```
//!
//! A tunnel with protection neither sends nor accepts a packet that is not under an SA, in no state.

mod action;
mod adjacency;
mod batch;
mod egress;
mod external;
mod fib;
mod icmp;
mod ingress;
pub(crate) mod ipv4;
mod mss;
mod paths;
mod redirect;
mod sa;
mod tunnel;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use ipnet::Ipv4Net;

pub use action::{Action, Hop, Punt, Route};
use adjacency::{Adjacencies, AdjacencyIndex};
pub(crate) use batch::{CHUNK, Waiting};
pub use esp::Counters as SaCounters;
use external::External;
pub use external::{ControlArrival, ControlPacket, ControlProtocol, Counted};
use fib::Fib;
pub(crate) use ingress::{Ingress, OspfFragment, OspfPacket};
use paths::{PathEntry, Paths};
use redirect::Redirects;
use sa::{InboundSa, InboundTable, OutboundSa};
pub use tunnel::{InterfaceCounters, TunnelSettings};
use tunnel::{Tunnel, Underlay};

use crate::DropReason;
use crate::ids::{PathId, TunnelId};

/// A route with its adjacencies looked up.
#[derive(Debug)]
enum Programmed {
    Local,
    Lan,
    OnLink(TunnelId),
    Via(Box<[ProgrammedHop]>),
}

#[derive(Debug)]
struct ProgrammedHop {
    tunnel: TunnelId,
    gateway: AdjacencyIndex,
    fallbacks: Box<[AdjacencyIndex]>,
}

/// The forwarding plane of one router.
#[derive(Debug)]
pub(crate) struct Plane {
    underlays: Vec<Underlay>,
    tunnels: Vec<Tunnel>,
    /// LAN prefixes with `ip tcp adjust-mss`.
    lan_mss: Vec<(Ipv4Net, u16)>,
    /// Our address on each connected network, for the errors that we send.
    addresses: Vec<(Ipv4Net, Ipv4Addr)>,
    fib: Fib<Programmed>,
    adjacencies: Adjacencies,
    paths: Paths,
    inbound: InboundTable,
    punts: VecDeque<Punt>,
    redirects: Redirects,
    icmp_limit: icmp::RateLimit,
    /// How often strangers' packets are reported: each is counted, but none may fill the log.
    stranger_limit: icmp::RateLimit,
    /// Whose ciphers SAs use.
    backend: esp::Backend,
    /// Packets that an inbound SA's replay window covers.
    replay_window: u32,
    /// The host routes between LANs and tunnels, and takes off the TTL for it.
    host_routes_lans: bool,
    /// Another forwarding plane moves the packets: what it counted.
    external: Option<External>,
    drops: BTreeMap<DropReason, u64>,
}

/// How many punts wait at most; more than that within one call is a flood that the control plane need not see whole.
const PUNT_LIMIT: usize = 1024;

impl Plane {
    pub(crate) fn new(
        now: Instant,
        underlays: impl IntoIterator<Item = (IpAddr, u16)>,
        tunnels: Vec<TunnelSettings>,
        lan_mss: Vec<(Ipv4Net, u16)>,
        addresses: Vec<(Ipv4Net, Ipv4Addr)>,
    ) -> Self {
        let underlays = underlays
            .into_iter()
            .enumerate()
            .map(|(index, (address, link_mtu))| Underlay {
                address,
                link_mtu,
                tunnels: tunnels.iter().filter(|t| t.underlay.index() == index).map(|t| t.id).collect(),
            })
            .collect();
        Self {
            underlays,
            tunnels: tunnels.into_iter().map(Tunnel::new).collect(),
            lan_mss,
            addresses,
            fib: Fib::default(),
            adjacencies: Adjacencies::default(),
            paths: Paths::default(),
            inbound: InboundTable::default(),
            punts: VecDeque::new(),
            redirects: Redirects::default(),
            icmp_limit: icmp::RateLimit::new(now),
            stranger_limit: icmp::RateLimit::new(now),
            backend: esp::Backend::default(),
            replay_window: esp::DEFAULT_WINDOW,
            host_routes_lans: false,
            external: None,
            drops: BTreeMap::new(),
        }
    }

    /// Takes the settings of a plane that has the same tunnels and underlay addresses; what it has learnt stays.
    pub(crate) fn take_settings(&mut self, new: &Self) {
        for (own, new) in self.tunnels.iter_mut().zip(&new.tunnels) {
            own.settings = new.settings.clone();
        }
        for (own, new) in self.underlays.iter_mut().zip(&new.underlays) {
            if own.link_mtu != new.link_mtu {
                own.link_mtu = new.link_mtu;
                self.paths.set_link_mtu_from(own.address, new.link_mtu);
            }
        }
        self.lan_mss.clone_from(&new.lan_mss);
        self.addresses.clone_from(&new.addresses);
    }

    /// See [`Options::backend`](crate::Options::backend).
    pub(crate) fn set_backend(&mut self, backend: esp::Backend) {
        self.backend = backend;
    }

    /// See [`Options::host_routes_lans`](crate::Options::host_routes_lans).
    pub(crate) fn set_host_routes_lans(&mut self, on: bool) {
        self.host_routes_lans = on;
    }

    /// See [`Options::external_forwarding`](crate::Options::external_forwarding).
    pub(crate) fn set_external(&mut self, on: bool) {
        self.external = on.then(External::default);
    }

    /// Whether another forwarding plane moves the packets.
    pub(crate) fn is_external(&self) -> bool {
        self.external.is_some()
    }

    /// What that one counted.
    pub(crate) fn count_external(&mut self, counted: Counted) {
        if let Some(external) = &mut self.external {
            external.count(counted);
        }
    }

    /// What a forwarding plane has to know of each tunnel.
    pub(crate) fn tunnel_settings(&self) -> impl Iterator<Item = &TunnelSettings> {
        self.tunnels.iter().map(|tunnel| &tunnel.settings)
    }

    /// LAN prefixes with `ip tcp adjust-mss`.
    pub(crate) fn lan_mss(&self) -> &[(Ipv4Net, u16)] {
        &self.lan_mss
    }

    /// Carries out what the control plane decided. An action about something that is not there changes nothing.
    pub(crate) fn apply(&mut self, action: Action, iv_seed: impl FnOnce() -> [u8; 32]) {
        match action {
            Action::AddPath { path, underlay, remote, protected } => {
                let Some(own) = self.underlays.get(underlay.index()) else { return };
                let (local, link_mtu) = (own.address, own.link_mtu);
                let entry = PathEntry {
                    underlay,
                    local,
                    remote,
                    protected,
                    outbound: None,
                    parked: Vec::new(),
                    link_mtu,
                };
                self.paths.insert(path, entry);
            }
            Action::MovePath { path, remote } => {
                if let Some(entry) = self.paths.entry_mut(path) {
                    entry.remote = remote;
                }
            }
            Action::RemovePath { path } => {
                self.paths.remove(path);
                self.inbound.remove_path(path);
                if let Some(external) = &mut self.external {
                    external.remove_path(path);
                }
            }
            Action::InstallInbound { path, child, sa } => {
                let Some(entry) = self.paths.entry(path) else { return };
                if let Some(inbound) = InboundSa::new(self.backend, path, child, &sa, self.replay_window) {
                    self.inbound.insert(entry.underlay, inbound);
                }
            }
            Action::InstallOutbound { path, child, sa } => {
                if let Some(entry) = self.paths.entry_mut(path)
                    && let Some(outbound) = OutboundSa::new(self.backend, child, &sa, iv_seed())
                {
                    entry.install(outbound);
                }
            }
            Action::SelectOutbound { path, child } => {
                if let Some(entry) = self.paths.entry_mut(path) {
                    entry.select(child);
                }
            }
            Action::RemoveSa { path, child } => {
                self.inbound.remove(child, path);
                if let Some(external) = &mut self.external {
                    external.remove_sa(path, child);
                }
                if let Some(entry) = self.paths.entry_mut(path) {
                    entry.remove(child);
                }
            }
            Action::AddAdjacency { tunnel, tunnel_address, path } => {
                self.adjacencies.set_path(tunnel, tunnel_address, Some(path));
            }
            Action::RemoveAdjacency { tunnel, tunnel_address } => {
                self.adjacencies.set_path(tunnel, tunnel_address, None);
            }
            Action::SetFallback { tunnel, tunnel_address } => {
                if let Some(tunnel) = self.tunnels.get_mut(tunnel.index()) {
                    tunnel.fallback = tunnel_address;
                }
            }
            Action::AddRoute { prefix, route } => self.add_route(prefix, route),
            Action::RemoveRoute { prefix } => {
                if let Some(old) = self.fib.remove(prefix) {
                    self.release(old);
                }
            }
            Action::JoinMulticast { tunnel, path } => {
                if let Some(tunnel) = self.tunnels.get_mut(tunnel.index())
                    && let Err(at) = tunnel.members.binary_search(&path)
                {
                    tunnel.members.insert(at, path);
                }
            }
            Action::LeaveMulticast { tunnel, path } => {
                if let Some(tunnel) = self.tunnels.get_mut(tunnel.index())
                    && let Ok(at) = tunnel.members.binary_search(&path)
                {
                    tunnel.members.remove(at);
                }
            }
        }
    }

    /// The next thing that the control plane has to know or decide.
    pub(crate) fn poll_punt(&mut self) -> Option<Punt> {
        self.punts.pop_front()
    }

    /// Whether packets go straight to this next hop now.
    pub(crate) fn path_to(&self, tunnel: TunnelId, address: Ipv4Addr) -> Option<PathId> {
        self.adjacencies.path_to(tunnel, address)
    }

    /// The members of a tunnel's multicast.
    pub(crate) fn multicast_members(&self, tunnel: TunnelId) -> &[PathId] {
        self.tunnels.get(tunnel.index()).map_or(&[], |tunnel| &tunnel.members)
    }

    /// A tunnel's counters.
    pub(crate) fn counters(&self, tunnel: TunnelId) -> InterfaceCounters {
        if let Some(external) = &self.external {
            return external.interface(tunnel);
        }
        self.tunnels.get(tunnel.index()).map(|tunnel| tunnel.counters).unwrap_or_default()
    }

    /// How many packets were dropped for each reason that occurred.
    pub(crate) fn drops(&self) -> &BTreeMap<DropReason, u64> {
        &self.drops
    }

    /// Packets and bytes under an SA: received, sent.
    pub(crate) fn sa_counters(&self, path: PathId, child: ikev2::ChildId) -> (esp::Counters, esp::Counters) {
        if let Some(external) = &self.external {
            return external.sa(path, child);
        }
        let inbound = self.inbound.counters(child, path);
        let outbound = self.paths.entry(path).and_then(|entry| entry.outbound(child));
        (inbound, outbound.map(OutboundSa::counters).unwrap_or_default())
    }

    /// Whether the control plane has something to hear.
    pub(crate) fn has_punts(&self) -> bool {
        !self.punts.is_empty()
    }

    /// Whether packets can be sent on a protected path.
    pub(crate) fn has_outbound(&self, path: PathId) -> bool {
        self.paths.entry(path).is_some_and(|entry| entry.outbound.is_some())
    }

    /// The largest IP packet that a tunnel carries to a peer in one piece.
    pub(crate) fn tunnel_mtu(&self, tunnel: TunnelId, path: PathId) -> Option<u16> {
        let entry = self.paths.entry(path)?;
        let gre = self.tunnels.get(tunnel.index())?.gre(gre::Protocol::IPV4).len();
        Some(entry.largest_gre().saturating_sub(u16::try_from(gre).unwrap_or(u16::MAX)))
    }

    /// The underlay carries only `mtu` bytes to this address.
    pub(crate) fn set_link_mtu(&mut self, remote: IpAddr, mtu: u16) {
        for entry in self.paths.all_with(remote) {
            entry.link_mtu = entry.link_mtu.min(mtu.max(LEAST_LINK_MTU));
        }
    }

    fn add_route(&mut self, prefix: Ipv4Net, route: Route) {
        let programmed = match route {
            Route::Local => Programmed::Local,
            Route::Lan => Programmed::Lan,
            Route::OnLink(tunnel) => Programmed::OnLink(tunnel),
            Route::Via(hops) => Programmed::Via(hops.into_iter().map(|hop| self.program(&hop)).collect()),
        };
        if let Some(old) = self.fib.insert(prefix, programmed) {
            self.release(old);
        }
    }

    fn program(&mut self, hop: &Hop) -> ProgrammedHop {
        ProgrammedHop {
            tunnel: hop.tunnel,
            gateway: self.adjacencies.acquire(hop.tunnel, hop.gateway),
            fallbacks: hop
                .fallbacks
                .iter()
                .map(|gateway| self.adjacencies.acquire(hop.tunnel, *gateway))
                .collect(),
        }
    }

    fn release(&mut self, route: Programmed) {
        let Programmed::Via(hops) = route else { return };
        for hop in hops {
            self.adjacencies.release(hop.gateway);
            for fallback in hop.fallbacks {
                self.adjacencies.release(fallback);
            }
        }
    }

    fn punt(&mut self, punt: Punt) {
        if self.punts.len() < PUNT_LIMIT {
            self.punts.push_back(punt);
        }
    }

    /// Reports a packet that anybody could have sent.
    fn punt_stranger(&mut self, now: Instant, punt: Punt) {
        if self.stranger_limit.take(now) {
            self.punt(punt);
        }
    }

    pub(crate) fn count_drop(&mut self, reason: DropReason) -> DropReason {
        *self.drops.entry(reason).or_default() += 1;
        reason
    }
}

/// IPv4 links carry at least this much (RFC 791); a report of less is a mistake or an attack.
const LEAST_LINK_MTU: u16 = 576;
