//! Interfaces, tunnels among them, and static routes.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

use super::{InterfaceOspf, Line, NextHopMode, Nhrp, Origin};

/// An interface's own address with the length of its prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InterfaceAddress {
    /// The address.
    pub address: Ipv4Addr,
    /// 0 to 32.
    pub prefix_len: u8,
}

impl InterfaceAddress {
    /// The network that it is in. A length over 32 counts as 32.
    #[must_use]
    pub fn network(&self) -> Ipv4Net {
        Ipv4Net::new(self.address, self.prefix_len.min(32)).unwrap_or_default().trunc()
    }
}

impl fmt::Display for InterfaceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_len)
    }
}

/// `interface NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The full name, as `GigabitEthernet0/0/0`.
    pub name: String,
    /// A remark.
    pub description: String,
    /// `ip address A MASK`.
    pub address: Option<InterfaceAddress>,
    /// `ip address A MASK secondary`.
    pub secondary_addresses: Vec<InterfaceAddress>,
    /// `ip address dhcp` or `negotiated`: the embedder says which address it is.
    pub dynamic_address: bool,
    /// `ip unnumbered NAME`: the address is that of another interface.
    pub unnumbered: Option<String>,
    /// `mtu`: the largest packet of the link, 64 to 18000 octets.
    pub mtu: Option<u16>,
    /// `ip mtu`: the largest IP packet, 68 to 17940 octets. `None`: the link's; for a tunnel what the encapsulation leaves.
    pub ip_mtu: Option<u16>,
    /// `ip tcp adjust-mss`: 500 to 1460 octets.
    pub adjust_mss: Option<u16>,
    /// `bandwidth`: in kbit/s, 1 to 200000000; only for the OSPF cost.
    pub bandwidth: Option<u32>,
    /// `no ip redirects` makes it false: whether ICMP redirects leave by this interface.
    pub ip_redirects: bool,
    /// `shutdown`.
    pub shutdown: bool,
    /// The `ip ospf ...` lines.
    pub ospf: InterfaceOspf,
    /// What makes it a tunnel; there for every interface whose name begins with `Tunnel`.
    pub tunnel: Option<Tunnel>,
    /// Where it is written.
    pub origin: Origin,
}

impl Interface {
    /// An interface that has nothing but its name. It is a tunnel if the name begins with `Tunnel`.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let tunnel = name.starts_with("Tunnel").then(Tunnel::default);
        Self {
            name,
            description: String::new(),
            address: None,
            secondary_addresses: Vec::new(),
            dynamic_address: false,
            unnumbered: None,
            mtu: None,
            ip_mtu: None,
            adjust_mss: None,
            bandwidth: None,
            ip_redirects: true,
            shutdown: false,
            ospf: InterfaceOspf::default(),
            tunnel,
            origin: Origin::default(),
        }
    }

    /// Its bandwidth in kbit/s: the configured one, or that of its kind as IOS has it (a tunnel 100 kbit/s).
    #[must_use]
    pub fn effective_bandwidth(&self) -> u32 {
        self.bandwidth.unwrap_or_else(|| {
            let kind =
                self.name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '/' | '.' | ':'));
            match kind {
                "Tunnel" => 100,
                "Loopback" => 8_000_000,
                "Ethernet" => 10_000,
                "FastEthernet" => 100_000,
                "TenGigabitEthernet" => 10_000_000,
                "Serial" => 1_544,
                "Dialer" => 56,
                _ => 1_000_000,
            }
        })
    }
}

/// Where a tunnel's packets come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TunnelSource {
    /// The address of this interface.
    Interface(String),
    /// This address.
    Address(IpAddr),
}

impl fmt::Display for TunnelSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface(name) => f.pad(name),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// What kind of tunnel it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum TunnelMode {
    /// `tunnel mode gre ip`: one peer, [`Tunnel::destination`]. The default of IOS; a spoke of phase 1.
    #[default]
    GreIp,
    /// `tunnel mode gre multipoint`: many peers, found by NHRP.
    GreMultipoint,
}

/// What makes an interface a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tunnel {
    /// `tunnel source`.
    pub source: Option<TunnelSource>,
    /// `tunnel mode`.
    pub mode: TunnelMode,
    /// `tunnel destination`, for [`TunnelMode::GreIp`].
    pub destination: Option<IpAddr>,
    /// `tunnel key`: in every GRE header (RFC 2890); tells apart tunnels with one source.
    pub key: Option<u32>,
    /// `tunnel protection ipsec profile NAME`.
    pub protection: Option<String>,
    /// `... shared`: the tunnels with this source and profile share their security associations. They do so here with
    /// and without the word.
    pub shared: bool,
    /// `tunnel tos`: the outer type of service; `None`: copied from the packet.
    pub tos: Option<u8>,
    /// `tunnel ttl`: the outer TTL, 1 to 255; `None`: 255.
    pub ttl: Option<u8>,
    /// `tunnel path-mtu-discovery`: the outer header copies the packet's DF bit, and the tunnel's MTU follows the path.
    pub path_mtu_discovery: bool,
    /// The `ip nhrp ...` lines.
    pub nhrp: Nhrp,
    /// `ip ospf next-hop originator|rfc2328`: our own extension. `None`: `Originator` on a multipoint tunnel with a
    /// next-hop server, `Rfc2328` elsewhere; see [`Tunnel::effective_next_hop`].
    pub next_hop: Option<NextHopMode>,
}

impl Tunnel {
    /// Whether it registers with servers (a spoke), rather than serve registrations (a hub).
    #[must_use]
    pub fn is_spoke(&self) -> bool {
        !self.nhrp.nhs.is_empty()
    }

    /// Whether it is a multipoint tunnel.
    #[must_use]
    pub fn is_multipoint(&self) -> bool {
        self.mode == TunnelMode::GreMultipoint
    }

    /// The rule for next hops that is meant: what is configured; else [`NextHopMode::Originator`] on a multipoint spoke
    /// that does not use phase 3 shortcuts, and [`NextHopMode::Rfc2328`] everywhere else.
    #[must_use]
    pub fn effective_next_hop(&self) -> NextHopMode {
        self.next_hop.unwrap_or(if self.is_multipoint() && self.is_spoke() && !self.nhrp.shortcut {
            NextHopMode::Originator
        } else {
            NextHopMode::Rfc2328
        })
    }
}

/// `ip route ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StaticRoute {
    /// Where to.
    pub prefix: Ipv4Net,
    /// The gateway.
    pub next_hop: Option<Ipv4Addr>,
    /// The interface; `Null0` drops.
    pub interface: Option<String>,
    /// How far it is believed: 1 to 255, 1 by default. 255 is never used.
    pub distance: u8,
    /// `name`: a remark.
    pub name: String,
    /// `tag`.
    pub tag: u32,
    /// Where it is written.
    pub line: Line,
}
