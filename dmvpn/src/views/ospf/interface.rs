//! `show ip ospf interface [brief]`.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use ipnet::Ipv4Net;

use super::OspfAuthentication;
use crate::views::text::{short_name, up_down};
use crate::views::time::Age;

/// The interfaces that run OSPF: `show ip ospf interface`, with `brief` set `show ip ospf interface brief`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfInterfaces {
    /// The interfaces, in the order in which they are printed.
    pub interfaces: Vec<OspfInterface>,
    /// Whether the text has the form of `brief`.
    pub brief: bool,
}

/// An interface that runs OSPF.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfInterface {
    /// The interface.
    pub interface: String,
    /// Whether it can carry packets.
    pub up: bool,
    /// Its address and prefix length.
    pub address: Ipv4Net,
    /// The area.
    pub area: u32,
    /// The number of the process.
    pub process: u32,
    /// The router id.
    pub router_id: Ipv4Addr,
    /// What kind of network it is.
    pub network: OspfNetworkType,
    /// Whether no Hellos are sent (`passive-interface`).
    pub passive: bool,
    /// The cost.
    pub cost: u16,
    /// What is added to the age of an LSA that is sent, in seconds.
    pub transmit_delay: u16,
    /// The interval between Hellos.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub hello: Duration,
    /// After what silence a neighbour counts as dead.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub dead: Duration,
    /// The interval after which an LSA is sent again.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub retransmit: Duration,
    /// When the next Hello is due.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub hello_due: Option<Duration>,
    /// Whether prefixes of transit links are left out (RFC 6860).
    pub prefix_suppression: bool,
    /// How packets are authenticated.
    pub authentication: OspfAuthentication,
    /// The key that signs, with a keyed digest.
    pub key_id: Option<u8>,
    /// How many neighbours there are.
    pub neighbors: u32,
    /// The neighbours whose adjacency is full.
    pub adjacent: Vec<Ipv4Addr>,
}

words! {
    /// What kind of network an interface is on.
    OspfNetworkType {
        /// Tunnels.
        PointToMultipoint = "POINT_TO_MULTIPOINT",
        /// Two routers.
        PointToPoint = "POINT_TO_POINT",
        /// A LAN.
        Broadcast = "BROADCAST",
        /// A network without broadcasts, with a designated router.
        NonBroadcast = "NON_BROADCAST",
        /// The router itself.
        Loopback = "LOOPBACK",
    }
}

impl OspfNetworkType {
    /// The state of an interface of this type, in full and in the letters of `brief`. A LAN that no other OSPF router is
    /// on has this one as its designated router.
    const fn state(self) -> (&'static str, &'static str) {
        match self {
            Self::PointToMultipoint => ("POINT_TO_MULTIPOINT", "P2MP"),
            Self::PointToPoint => ("POINT_TO_POINT", "P2P"),
            Self::Broadcast | Self::NonBroadcast => ("DR", "DR"),
            Self::Loopback => ("LOOPBACK", "LOOP"),
        }
    }
}

impl OspfInterface {
    /// An interface that is up, with the timers of a point-to-multipoint network and no neighbours.
    #[must_use]
    pub fn new(
        interface: impl Into<String>,
        address: Ipv4Net,
        router_id: Ipv4Addr,
        network: OspfNetworkType,
    ) -> Self {
        Self {
            interface: interface.into(),
            up: true,
            address,
            area: 0,
            process: 1,
            router_id,
            network,
            passive: false,
            cost: 1,
            transmit_delay: 1,
            hello: Duration::from_secs(30),
            dead: Duration::from_secs(120),
            retransmit: Duration::from_secs(5),
            hello_due: None,
            prefix_suppression: false,
            authentication: OspfAuthentication::None,
            key_id: None,
            neighbors: 0,
            adjacent: Vec::new(),
        }
    }

    fn write_row(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, address) = (short_name(&self.interface), self.address.to_string());
        let state = if self.up { self.network.state().1 } else { "DOWN" };
        let Self { process, area, cost, neighbors, .. } = self;
        write!(f, "{name:<12} {process:<5} {area:<15} {address:<18} {cost:<5} {state:<5} ")?;
        writeln!(f, "{}/{neighbors}", self.adjacent.len())
    }

    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let up = up_down(self.up);
        writeln!(f, "{} is {up}, line protocol is {up}", self.interface)?;
        writeln!(f, "  Internet Address {}, Area {}", self.address, self.area)?;
        writeln!(
            f,
            "  Process ID {}, Router ID {}, Network Type {}, Cost: {}",
            self.process, self.router_id, self.network, self.cost
        )?;
        if self.network == OspfNetworkType::Loopback {
            return writeln!(f, "  Loopback interface is treated as a stub Host");
        }
        let state = if self.up { self.network.state().0 } else { "DOWN" };
        writeln!(f, "  Transmit Delay is {} sec, State {state}", self.transmit_delay)?;
        let [hello, dead, retransmit] = [self.hello, self.dead, self.retransmit].map(|timer| timer.as_secs());
        writeln!(
            f,
            "  Timer intervals configured, Hello {hello}, Dead {dead}, Wait {dead}, Retransmit {retransmit}"
        )?;
        match (self.passive, self.hello_due) {
            (true, _) => writeln!(f, "    No Hellos (Passive interface)")?,
            (false, Some(due)) => writeln!(f, "    Hello due in {}", Age(due))?,
            (false, None) => {}
        }
        writeln!(f, "  Supports Link-local Signaling (LLS)")?;
        if self.prefix_suppression {
            writeln!(f, "  Prefix-suppression is enabled")?;
        }
        match self.authentication {
            OspfAuthentication::None => {}
            OspfAuthentication::Simple => writeln!(f, "  Simple password authentication enabled")?,
            OspfAuthentication::Cryptographic => {
                writeln!(f, "  Cryptographic authentication enabled")?;
                if let Some(key) = self.key_id {
                    writeln!(f, "    Youngest key id is {key}")?;
                }
            }
        }
        let adjacent = self.adjacent.len();
        writeln!(f, "  Neighbor Count is {}, Adjacent neighbor count is {adjacent}", self.neighbors)?;
        self.adjacent.iter().try_for_each(|neighbor| writeln!(f, "    Adjacent with neighbor {neighbor}"))?;
        writeln!(f, "  Suppress hello for 0 neighbor(s)")
    }
}

impl fmt::Display for OspfInterfaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.brief {
            return self.interfaces.iter().try_for_each(|interface| interface.write(f));
        }
        writeln!(f, "Interface    PID   Area            IP Address/Mask    Cost  State Nbrs F/C")?;
        self.interfaces.iter().try_for_each(|interface| interface.write_row(f))
    }
}
