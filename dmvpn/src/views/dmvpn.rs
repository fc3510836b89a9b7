//! `show dmvpn [detail]`.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;

use super::text::{ADDRESS_WIDTH, Address, Prefix, up_down};
use super::time::AgeOrNever;
use super::{CryptoSession, NhsEntry};

const LEGEND: &str = "\
Legend: Attrb --> S - Static, D - Dynamic, I - Incomplete
        N - NATed, L - Local, X - No Socket
        T1 - Route Installed, T2 - Nexthop-override
        C - CTS Capable, I2 - Temporary
        # Ent --> Number of NHRP entries with same NBMA peer
        NHS Status: E --> Expecting Replies, R --> Responding, W --> Waiting
        UpDn Time --> Up or Down Time for a Tunnel
==========================================================================
";

/// The clouds that this router is part of: `show dmvpn`, with `detail` set `show dmvpn detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Dmvpn {
    /// The multipoint tunnels.
    pub interfaces: Vec<DmvpnInterface>,
    /// `detail`: the crypto sessions of the tunnels.
    pub sessions: Vec<CryptoSession>,
    /// `detail`: peers for which a session is being set up: tunnel and underlay address.
    pub pending: Vec<(String, IpAddr)>,
    /// Whether the text has the form of `detail`.
    pub detail: bool,
}

/// One tunnel and its peers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DmvpnInterface {
    /// The tunnel.
    pub interface: String,
    /// Whether this router serves registrations, registers, or both.
    pub role: DmvpnRole,
    /// The router's overlay address on the tunnel.
    pub tunnel_address: Option<IpAddr>,
    /// `detail`: whether the tunnel is not shut down.
    pub enabled: bool,
    /// `detail`: whether the tunnel can carry packets.
    pub up: bool,
    /// `detail`: the underlay address of this router.
    pub source: Option<IpAddr>,
    /// `detail`: the underlay address of the only peer; `None` on a multipoint tunnel.
    pub destination: Option<IpAddr>,
    /// `detail`: the IPsec profile that protects the tunnel.
    pub protection: Option<String>,
    /// `detail`: the next hop servers.
    pub nhs: Vec<NhsEntry>,
    /// The peers, each with the overlay addresses behind its underlay address.
    pub peers: Vec<DmvpnPeer>,
}

/// One underlay address and what is behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DmvpnPeer {
    /// The underlay address; `None` while it is not known.
    pub nbma: Option<IpAddr>,
    /// The overlay addresses behind it.
    pub entries: Vec<DmvpnEntry>,
}

/// One overlay address of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct DmvpnEntry {
    /// The overlay address.
    pub tunnel_address: IpAddr,
    /// How far the peer is.
    pub state: PeerState,
    /// How long it is in that state; `None` when it never was up.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::time::seconds"))]
    pub since: Option<Duration>,
    /// What is known of it. Printed in the legend's order, each once, whatever their order here.
    pub attributes: Vec<DmvpnAttribute>,
    /// `detail`: the overlay prefix that the peer serves.
    pub target: IpNet,
}

words! {
    /// What a router is on a tunnel.
    DmvpnRole {
        /// It serves registrations.
        Hub = "Hub",
        /// It registers.
        Spoke = "Spoke",
        /// Both, in a hierarchy of hubs.
        HubSpoke = "Hub/Spoke",
        /// Neither.
        Unknown = "Unknown",
    }
}

words! {
    /// How far a peer is, in the order in which it gets there.
    PeerState {
        /// The tunnel is down.
        Intf = "INTF",
        /// IKE is on its way.
        Ike = "IKE",
        /// The child SA is on its way.
        Ipsec = "IPSEC",
        /// The registration or resolution is on its way.
        Nhrp = "NHRP",
        /// All is there.
        Up = "UP",
    }
}

words! {
    /// An attribute of a peer. The order is the legend's.
    DmvpnAttribute {
        /// Configured.
        Static = "S",
        /// Learned.
        Dynamic = "D",
        /// Asked for, not yet answered.
        Incomplete = "I",
        /// Behind a NAT.
        Nated = "N",
        /// This router's own.
        Local = "L",
        /// No IPsec session is set up for it.
        NoSocket = "X",
        /// A route of the routing table is installed from it.
        RouteInstalled = "T1",
        /// It overrides the next hop of a route.
        NexthopOverride = "T2",
        /// Cisco TrustSec capable.
        CtsCapable = "C",
        /// Held only until the real mapping is known.
        Temporary = "I2",
    }
}

impl DmvpnInterface {
    /// A tunnel that is up and has no peers.
    #[must_use]
    pub fn new(interface: impl Into<String>, role: DmvpnRole) -> Self {
        Self {
            interface: interface.into(),
            role,
            tunnel_address: None,
            enabled: true,
            up: true,
            source: None,
            destination: None,
            protection: None,
            nhs: Vec::new(),
            peers: Vec::new(),
        }
    }

    fn is_ipv6(&self) -> bool {
        self.tunnel_address.is_some_and(|address| address.is_ipv6())
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = if self.is_ipv6() { 6 } else { 4 };
        writeln!(f, "\nInterface: {}, IPv{version} NHRP Details", self.interface)?;
        if self.is_ipv6() {
            return self.write_ipv6_peers(f);
        }
        writeln!(f, "Type:{}, NHRP Peers:{},\n", self.role, self.peers.len())?;
        writeln!(f, " # Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb")?;
        writeln!(f, " ----- --------------- --------------- ----- -------- -----")?;
        for peer in &self.peers {
            for (index, entry) in peer.entries.iter().enumerate() {
                // Further entries of a peer leave the first two columns blank.
                let first = (index == 0).then_some(peer);
                write_row(f, " ", first.map(|peer| peer.entries.len()), first.map(DmvpnPeer::name), entry)?;
                writeln!(f)?;
            }
        }
        Ok(())
    }

    fn write_detail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_unassigned = |address: Option<IpAddr>| match address {
            Some(address) => Address(address).to_string(),
            None => "unassigned".to_owned(),
        };
        let (enabled, up) = (up_down(self.enabled), up_down(self.up));
        let address = or_unassigned(self.tunnel_address);
        writeln!(f, "\nInterface {} is {enabled}/{up}, Addr. is {address}, VRF \"\"", self.interface)?;
        let source = or_unassigned(self.source);
        let destination = self.destination.map_or("Multipoint".to_owned(), |peer| Address(peer).to_string());
        writeln!(f, "   Tunnel Src./Dest. addr: {source}/{destination}, Tunnel VRF \"\"")?;
        let multi = if self.destination.is_none() { "multi-" } else { "" };
        let transport = if self.source.is_some_and(|source| source.is_ipv6()) { "IPv6" } else { "IP" };
        let protection = self.protection.as_deref().unwrap_or_default();
        writeln!(f, "   Protocol/Transport: \"{multi}GRE/{transport}\", Protect \"{protection}\"")?;
        writeln!(f, "   Interface State Control: Disabled")?;
        writeln!(f, "   nhrp event-publisher : Disabled")?;
        if !self.nhs.is_empty() {
            writeln!(f, "\nIPv{} NHS:", if self.is_ipv6() { 6 } else { 4 })?;
            for server in &self.nhs {
                server.write_line(f)?;
                writeln!(f)?;
            }
        }
        if self.is_ipv6() {
            return self.write_ipv6_peers(f);
        }
        writeln!(f, "Type:{}, Total NBMA Peers (v4/v6): {}\n", self.role, self.peers.len())?;
        writeln!(f, "# Ent  Peer NBMA Addr Peer Tunnel Add State  UpDn Tm Attrb    Target Network")?;
        writeln!(f, "----- --------------- --------------- ----- -------- ----- -----------------")?;
        for peer in &self.peers {
            for (index, entry) in peer.entries.iter().enumerate() {
                let count = (index == 0).then_some(peer.entries.len());
                write_row(f, "", count, Some(peer.name()), entry)?;
                writeln!(f, " {:>18}", Prefix(entry.target))?;
            }
        }
        Ok(())
    }

    /// Peers of an IPv6 overlay have no columns: their addresses are too wide.
    fn write_ipv6_peers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Type:{}, Total NBMA Peers (v4/v6): {}", self.role, self.peers.len())?;
        for (number, peer) in self.peers.iter().enumerate() {
            writeln!(f, "    {}.Peer NBMA Address: {}", number + 1, peer.name())?;
            for entry in &peer.entries {
                writeln!(f, "        Tunnel IPv6 Address: {}", Address(entry.tunnel_address))?;
                writeln!(f, "        IPv6 Target Network: {}", Prefix(entry.target))?;
                write!(f, "        # Ent: {}, Status: {}, ", peer.entries.len(), entry.state)?;
                writeln!(f, "UpDn Time: {}, Cache Attrib: {}", AgeOrNever(entry.since), entry.letters())?;
            }
        }
        Ok(())
    }
}

impl DmvpnPeer {
    fn name(&self) -> String {
        self.nbma.map_or("UNKNOWN".to_owned(), |address| Address(address).to_string())
    }
}

impl DmvpnEntry {
    /// The attributes' letters in the legend's order.
    fn letters(&self) -> String {
        let mut attributes = self.attributes.clone();
        attributes.sort_unstable();
        attributes.dedup();
        attributes.iter().map(|attribute| attribute.as_str()).collect()
    }
}

/// The columns that both forms share. A name that is too wide for its column has the line for itself.
fn write_row(
    f: &mut fmt::Formatter<'_>,
    indent: &str,
    count: Option<usize>,
    name: Option<String>,
    entry: &DmvpnEntry,
) -> fmt::Result {
    let count = count.map_or(String::new(), |count| count.to_string());
    let name = name.unwrap_or_default();
    if name.len() > ADDRESS_WIDTH {
        let blank = "";
        writeln!(f, "{indent}{count:>5} {name}")?;
        write!(f, "{indent}{blank:>5} {blank:<ADDRESS_WIDTH$} ")?;
    } else {
        write!(f, "{indent}{count:>5} {name:<ADDRESS_WIDTH$} ")?;
    }
    let DmvpnEntry { tunnel_address, state, since, .. } = entry;
    write!(f, "{:>ADDRESS_WIDTH$} {state:>5} ", Address(*tunnel_address))?;
    write!(f, "{:>8} {:>5}", AgeOrNever(*since), entry.letters())
}

impl fmt::Display for Dmvpn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(LEGEND)?;
        if !self.detail {
            return self.interfaces.iter().try_for_each(|interface| interface.write(f));
        }
        self.interfaces.iter().try_for_each(|interface| interface.write_detail(f))?;
        writeln!(f, "\n\nCrypto Session Details:")?;
        writeln!(f, "{:-<80}", "")?;
        self.sessions.iter().try_for_each(|session| session.write_for_dmvpn(f))?;
        writeln!(f, "\nPending DMVPN Sessions:")?;
        for (interface, nbma) in &self.pending {
            writeln!(f, "\nInterface: {interface}")?;
            writeln!(f, "  Peer: {}", Address(*nbma))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
