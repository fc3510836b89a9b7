//! `ping` and `traceroute`.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use super::text::Address;

/// IOS starts a new line after this many signs.
const SIGNS_PER_LINE: usize = 70;

/// What a `ping` saw.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Ping {
    /// Who was asked.
    pub destination: IpAddr,
    /// The source that the user asked for, if any.
    pub source: Option<IpAddr>,
    /// How many echo requests are to be sent.
    pub count: u32,
    /// How large each IP packet is, in bytes.
    pub size: u32,
    /// How long each answer is waited for.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::time::fraction"))]
    pub timeout: Duration,
    /// Whether the packets must not be fragmented.
    pub dont_fragment: bool,
    /// What became of each echo request so far, in the order of sending.
    pub replies: Vec<PingReply>,
}

/// What became of one echo request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum PingReply {
    /// The echo reply came after this time.
    Reply(#[cfg_attr(feature = "serde", serde(serialize_with = "super::time::fraction"))] Duration),
    /// Nothing came in time.
    Timeout,
    /// The destination is unreachable.
    Unreachable,
    /// The packet is too large and must not be fragmented.
    FragmentationNeeded,
    /// The time to live ran out on the way.
    TtlExceeded,
    /// Something else came.
    Unknown,
}

impl PingReply {
    /// IOS's sign for it.
    #[must_use]
    pub const fn sign(self) -> char {
        match self {
            Self::Reply(_) => '!',
            Self::Timeout => '.',
            Self::Unreachable => 'U',
            Self::FragmentationNeeded => 'M',
            Self::TtlExceeded => '&',
            Self::Unknown => '?',
        }
    }
}

impl Ping {
    /// What IOS does when it is told nothing else: five packets of 100 bytes, two seconds each.
    #[must_use]
    pub fn new(destination: IpAddr) -> Self {
        Self {
            destination,
            source: None,
            count: 5,
            size: 100,
            timeout: Duration::from_secs(2),
            dont_fragment: false,
            replies: Vec::new(),
        }
    }

    /// How many answers came.
    #[must_use]
    pub fn received(&self) -> usize {
        self.round_trips().count()
    }

    /// The answers' share of the echo requests, in whole percent, rounded down: 100 means that none was lost.
    #[must_use]
    pub fn success_rate(&self) -> usize {
        (self.received() * 100).checked_div(self.replies.len()).unwrap_or(0)
    }

    fn round_trips(&self) -> impl Iterator<Item = Duration> + '_ {
        self.replies.iter().filter_map(|reply| match reply {
            PingReply::Reply(time) => Some(*time),
            _ => None,
        })
    }
}

impl fmt::Display for Ping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, size, timeout) = (self.count, self.size, self.timeout.as_secs());
        writeln!(f, "Type escape sequence to abort.")?;
        writeln!(
            f,
            "Sending {count}, {size}-byte ICMP Echos to {}, timeout is {timeout} seconds:",
            Address(self.destination)
        )?;
        if let Some(source) = self.source {
            writeln!(f, "Packet sent with a source address of {}", Address(source))?;
        }
        if self.dont_fragment {
            writeln!(f, "Packet sent with the DF bit set")?;
        }
        for line in self.replies.chunks(SIGNS_PER_LINE) {
            writeln!(f, "{}", line.iter().map(|reply| reply.sign()).collect::<String>())?;
        }
        let (received, sent) = (self.received(), self.replies.len());
        write!(f, "Success rate is {} percent ({received}/{sent})", self.success_rate())?;
        if let (Some(min), Some(max)) = (self.round_trips().min(), self.round_trips().max()) {
            let sum: u128 = self.round_trips().map(|time| time.as_millis()).sum();
            let average = sum.checked_div(received as u128).unwrap_or(0);
            let (min, max) = (min.as_millis(), max.as_millis());
            write!(f, ", round-trip min/avg/max = {min}/{average}/{max} ms")?;
        }
        writeln!(f)
    }
}

/// What a `traceroute` saw.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Traceroute {
    /// Who was asked for.
    pub destination: IpAddr,
    /// The hops that answered or should have, from the nearest on.
    pub hops: Vec<TracerouteHop>,
}

/// One hop.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TracerouteHop {
    /// The time to live of the probes.
    pub ttl: u8,
    /// What became of each probe.
    pub probes: Vec<TracerouteProbe>,
}

/// What became of one probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum TracerouteProbe {
    /// A router or the destination answered.
    Reply {
        /// Who answered.
        address: IpAddr,
        /// After what time.
        #[cfg_attr(feature = "serde", serde(serialize_with = "super::time::fraction"))]
        time: Duration,
    },
    /// A router said that the probe cannot get any further.
    Unreachable {
        /// Who answered.
        address: IpAddr,
        /// What cannot be reached.
        what: Unreachable,
    },
    /// Nothing came in time.
    Timeout,
}

words! {
    /// What cannot be reached, in IOS's letters.
    Unreachable {
        /// The network.
        Network = "!N",
        /// The host.
        Host = "!H",
        /// The protocol.
        Protocol = "!P",
        /// An access list forbids it.
        Prohibited = "!A",
        /// The packet is too large and must not be fragmented.
        FragmentationNeeded = "!M",
    }
}

impl Traceroute {
    /// A trace without hops.
    #[must_use]
    pub const fn new(destination: IpAddr) -> Self {
        Self { destination, hops: Vec::new() }
    }
}

impl fmt::Display for Traceroute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Type escape sequence to abort.")?;
        writeln!(f, "Tracing the route to {}", Address(self.destination))?;
        writeln!(f, "VRF info: (vrf in name/id, vrf out name/id)")?;
        self.hops.iter().try_for_each(|hop| hop.write(f))
    }
}

impl TracerouteHop {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>3}", self.ttl)?;
        let mut last = None;
        for probe in &self.probes {
            let address = match probe {
                TracerouteProbe::Reply { address, .. } | TracerouteProbe::Unreachable { address, .. } => {
                    *address
                }
                TracerouteProbe::Timeout => {
                    f.write_str("  *")?;
                    continue;
                }
            };
            if last != Some(address) {
                // A second router at the same distance starts a line of its own.
                f.write_str(if last.is_some() { "\n    " } else { " " })?;
                write!(f, "{}", Address(address))?;
                last = Some(address);
            }
            match probe {
                TracerouteProbe::Reply { time, .. } => write!(f, " {} msec", time.as_millis())?,
                TracerouteProbe::Unreachable { what, .. } => write!(f, " {what}")?,
                TracerouteProbe::Timeout => {}
            }
        }
        writeln!(f)
    }
}

#[cfg(test)]
mod tests;
