//! `show ip ospf neighbor [detail]`.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;

use crate::views::time::Age;

/// The OSPF neighbours: `show ip ospf neighbor`, with `detail` set `show ip ospf neighbor detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfNeighbors {
    /// The neighbours, in the order in which they are printed.
    pub neighbors: Vec<OspfNeighbor>,
    /// Whether the text has the form of `detail`.
    pub detail: bool,
}

/// A neighbour on a network without a designated router.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct OspfNeighbor {
    /// Its router id.
    pub router_id: Ipv4Addr,
    /// Its router priority.
    pub priority: u8,
    /// What state the adjacency is in.
    pub state: OspfNeighborState,
    /// When it counts as dead unless it is heard of.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub dead: Duration,
    /// Its address on the network.
    pub address: Ipv4Addr,
    /// The interface that it is reached by.
    pub interface: String,
    /// `detail`: the area.
    pub area: u32,
    /// `detail`: how often the state changed.
    pub state_changes: u32,
    /// `detail`: the options of its Hello packets.
    pub hello_options: u8,
    /// `detail`: the options of its Database Description packets.
    pub database_options: u8,
    /// `detail`: how long the adjacency is full.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub up: Option<Duration>,
    /// `detail`: how many LSAs wait for its acknowledgement.
    pub retransmission_queue: u32,
    /// `detail`: how many LSAs were sent again.
    pub retransmissions: u64,
    /// `detail`: why the adjacency does not get any further, in words; IOS does not print it.
    pub problem: Option<String>,
}

words! {
    /// The state of an adjacency (RFC 2328 section 10.1).
    OspfNeighborState {
        /// Not heard of.
        Down = "DOWN",
        /// Configured, asked, not heard of.
        Attempt = "ATTEMPT",
        /// Heard of, but it has not heard of us.
        Init = "INIT",
        /// Both have heard of each other.
        TwoWay = "2WAY",
        /// Who leads the exchange is being settled.
        ExStart = "EXSTART",
        /// The databases are being described.
        Exchange = "EXCHANGE",
        /// What is missing is being asked for.
        Loading = "LOADING",
        /// Both have the same database.
        Full = "FULL",
    }
}

impl OspfNeighbor {
    /// A neighbour that was not heard of yet.
    #[must_use]
    pub fn new(router_id: Ipv4Addr, address: Ipv4Addr, interface: impl Into<String>) -> Self {
        Self {
            router_id,
            priority: 1,
            state: OspfNeighborState::Down,
            dead: Duration::ZERO,
            address,
            interface: interface.into(),
            area: 0,
            state_changes: 0,
            hello_options: 0,
            database_options: 0,
            up: None,
            retransmission_queue: 0,
            retransmissions: 0,
            problem: None,
        }
    }

    fn write_row(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // There is no designated router on a point-to-multipoint network, hence the dash.
        let state = format!("{}/  -", self.state);
        let Self { router_id, priority, dead, address, interface, .. } = self;
        write!(f, "{router_id:<15} {priority:>3}   {state:<15} ")?;
        writeln!(f, "{:<11} {address:<15} {interface}", Age(*dead).to_string())
    }

    fn write_detail(&self, f: &mut fmt::Formatter<'_>, index: usize) -> fmt::Result {
        writeln!(f, " Neighbor {}, interface address {}", self.router_id, self.address)?;
        writeln!(f, "    In the area {} via interface {}", self.area, self.interface)?;
        let (priority, state, changes) = (self.priority, self.state, self.state_changes);
        writeln!(f, "    Neighbor priority is {priority}, State is {state}, {changes} state changes")?;
        writeln!(f, "    DR is 0.0.0.0 BDR is 0.0.0.0")?;
        let (hello, database) = (self.hello_options, self.database_options);
        writeln!(f, "    Options is 0x{hello:X} in Hello{}", option_bits(hello))?;
        writeln!(f, "    Options is 0x{database:X} in DBD{}", option_bits(database))?;
        writeln!(f, "    Dead timer due in {}", Age(self.dead))?;
        if let Some(up) = self.up {
            writeln!(f, "    Neighbor is up for {}", Age(up))?;
        }
        let (queue, sent) = (self.retransmission_queue, self.retransmissions);
        write!(f, "    Index {index}/{index}/{index}, ")?;
        writeln!(f, "retransmission queue length {queue}, number of retransmission {sent}")?;
        if let Some(problem) = &self.problem {
            writeln!(f, "    Problem: {problem}")?;
        }
        Ok(())
    }
}

/// The names of the bits of the options field (RFC 2328 section A.2, RFC 5250, RFC 5613).
fn option_bits(options: u8) -> String {
    const BITS: [(u8, &str); 6] = [
        (0x02, "E-bit"),
        (0x04, "MC-bit"),
        (0x08, "NP-bit"),
        (0x10, "L-bit"),
        (0x20, "DC-bit"),
        (0x40, "O-bit"),
    ];
    let names: Vec<&str> = BITS.iter().filter(|(bit, _)| options & bit != 0).map(|(_, name)| *name).collect();
    if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) }
}

impl fmt::Display for OspfNeighbors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.neighbors.is_empty() {
            return Ok(());
        }
        if self.detail {
            return (1..)
                .zip(&self.neighbors)
                .try_for_each(|(index, neighbor)| neighbor.write_detail(f, index));
        }
        writeln!(f, "\nNeighbor ID     Pri   State           Dead Time   Address         Interface")?;
        self.neighbors.iter().try_for_each(|neighbor| neighbor.write_row(f))
    }
}
