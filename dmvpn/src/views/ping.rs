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
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn reply(millis: u64) -> PingReply {
        PingReply::Reply(Duration::from_millis(millis))
    }

    #[test]
    fn ping_that_loses_nothing() {
        let mut ping = Ping::new(address("192.168.12.1"));
        ping.source = Some(address("192.168.11.1"));
        ping.replies = [81, 81, 41, 40, 40].map(reply).to_vec();
        assert_eq!(
            ping.to_string(),
            "Type escape sequence to abort.\n\
             Sending 5, 100-byte ICMP Echos to 192.168.12.1, timeout is 2 seconds:\n\
             Packet sent with a source address of 192.168.11.1\n\
             !!!!!\n\
             Success rate is 100 percent (5/5), round-trip min/avg/max = 40/56/81 ms\n"
        );
    }

    #[test]
    fn ping_that_loses_some_or_all() {
        let mut ping = Ping::new(address("2001:db8::1"));
        ping.dont_fragment = true;
        ping.replies = vec![
            PingReply::Timeout,
            PingReply::Unreachable,
            PingReply::FragmentationNeeded,
            PingReply::TtlExceeded,
            PingReply::Unknown,
        ];
        assert_eq!(
            ping.to_string(),
            "Type escape sequence to abort.\n\
             Sending 5, 100-byte ICMP Echos to 2001:DB8::1, timeout is 2 seconds:\n\
             Packet sent with the DF bit set\n\
             .UM&?\n\
             Success rate is 0 percent (0/5)\n"
        );
        ping.replies = vec![PingReply::Timeout, reply(7), reply(8)];
        assert!(
            ping.to_string()
                .ends_with(".!!\nSuccess rate is 66 percent (2/3), round-trip min/avg/max = 7/7/8 ms\n")
        );
        ping.replies.clear();
        assert!(
            ping.to_string()
                .ends_with("seconds:\nPacket sent with the DF bit set\nSuccess rate is 0 percent (0/0)\n")
        );
    }

    #[test]
    fn a_lost_packet_among_many_never_counts_as_all() {
        let mut ping = Ping::new(address("192.168.12.1"));
        ping.replies = vec![reply(1); 999];
        ping.replies.push(PingReply::Timeout);
        assert_eq!(ping.success_rate(), 99);
        let text = ping.to_string();
        assert_eq!(text.lines().filter(|line| line.starts_with('!')).map(str::len).max(), Some(70));
        assert_eq!(text.lines().count(), 2 + 1000_usize.div_ceil(70) + 1);
    }

    #[test]
    fn trace_with_silence_two_routers_and_an_error() {
        let at = |text, millis| TracerouteProbe::Reply {
            address: address(text),
            time: Duration::from_millis(millis),
        };
        let mut trace = Traceroute::new(address("192.168.12.1"));
        trace.hops = vec![
            TracerouteHop {
                ttl: 1,
                probes: vec![at("10.0.0.1", 20), TracerouteProbe::Timeout, at("10.0.0.1", 21)],
            },
            TracerouteHop { ttl: 2, probes: vec![TracerouteProbe::Timeout; 3] },
            TracerouteHop {
                ttl: 3,
                probes: vec![at("10.1.2.6", 148), at("10.1.1.6", 120), at("10.1.1.6", 132)],
            },
            TracerouteHop {
                ttl: 10,
                probes: vec![TracerouteProbe::Unreachable {
                    address: address("10.1.1.6"),
                    what: Unreachable::Prohibited,
                }],
            },
        ];
        assert_eq!(
            trace.to_string(),
            "Type escape sequence to abort.\n\
             Tracing the route to 192.168.12.1\n\
             VRF info: (vrf in name/id, vrf out name/id)\n  \
             1 10.0.0.1 20 msec  * 21 msec\n  \
             2  *  *  *\n  \
             3 10.1.2.6 148 msec\n    \
             10.1.1.6 120 msec 132 msec\n \
             10 10.1.1.6 !A\n"
        );
    }
}
