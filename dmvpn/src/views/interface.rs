//! `show interface TunnelN`.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;

use super::text::{Address, Prefix, up_down};
use super::time::AgeOrNever;

/// An interface: `show interface Tunnel0`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// Whether it is not shut down.
    pub enabled: bool,
    /// Whether it can carry packets.
    pub up: bool,
    /// Its address and prefix length.
    pub address: Option<IpNet>,
    /// The largest packet that it takes, in bytes.
    pub mtu: u16,
    /// Its bandwidth in kilobits per second: what OSPF's automatic cost is computed from.
    pub bandwidth: u32,
    /// Its delay in microseconds.
    pub delay: u32,
    /// What a tunnel has beyond that.
    pub tunnel: Option<TunnelDetails>,
    /// What went through.
    pub counters: InterfaceCounters,
    /// Packets that were dropped, by reason, which IOS does not print. Reasons without a drop are not printed.
    pub drops: Vec<(String, u64)>,
}

/// What only a tunnel has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TunnelDetails {
    /// Why the tunnel is down, in words.
    pub down_because: Option<String>,
    /// The underlay address of this router.
    pub source: Option<IpAddr>,
    /// The interface that the underlay address belongs to.
    pub source_interface: Option<String>,
    /// The underlay address of the only peer; `None` on a multipoint tunnel.
    pub destination: Option<IpAddr>,
    /// The GRE key.
    pub key: Option<u32>,
    /// Whether GRE packets have sequence numbers.
    pub sequencing: bool,
    /// Whether GRE packets have checksums.
    pub checksum: bool,
    /// The time to live of underlay packets.
    pub ttl: u8,
    /// The largest packet that the underlay carries, less the headers of the tunnel, in bytes.
    pub transport_mtu: u16,
    /// The maximum segment size that TCP connections are clamped to (`ip tcp adjust-mss`).
    pub adjust_mss: Option<u16>,
    /// The IPsec profile that protects the tunnel.
    pub protection: Option<String>,
    /// Whether other tunnels on the same source share its IPsec sessions.
    pub protection_shared: bool,
}

/// What went through an interface.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct InterfaceCounters {
    /// How long ago the last packet came in.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::time::seconds"))]
    pub last_input: Option<Duration>,
    /// How long ago the last packet went out.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::time::seconds"))]
    pub last_output: Option<Duration>,
    /// How long ago the counters were cleared.
    #[cfg_attr(feature = "serde", serde(serialize_with = "super::time::seconds"))]
    pub last_clearing: Option<Duration>,
    /// Packets dropped on the way in.
    pub input_drops: u64,
    /// Packets dropped on the way out.
    pub output_drops: u64,
    /// Bits per second coming in, over five minutes.
    pub input_bits: u64,
    /// Packets per second coming in, over five minutes.
    pub input_rate: u64,
    /// Bits per second going out, over five minutes.
    pub output_bits: u64,
    /// Packets per second going out, over five minutes.
    pub output_rate: u64,
    /// Packets that came in.
    pub input_packets: u64,
    /// Bytes that came in.
    pub input_bytes: u64,
    /// Of the packets that came in: multicasts.
    pub input_multicasts: u64,
    /// Packets that came in malformed.
    pub input_errors: u64,
    /// Packets that went out.
    pub output_packets: u64,
    /// Bytes that went out.
    pub output_bytes: u64,
    /// Of the packets that went out: multicasts, each copy counted.
    pub output_multicasts: u64,
    /// Packets that could not be sent.
    pub output_errors: u64,
    /// Packets of an unknown protocol.
    pub unknown_protocol: u64,
}

impl Interface {
    /// An interface that is up, without an address.
    #[must_use]
    pub fn new(name: impl Into<String>, mtu: u16) -> Self {
        Self {
            name: name.into(),
            description: None,
            enabled: true,
            up: true,
            address: None,
            mtu,
            bandwidth: 100,
            delay: 50_000,
            tunnel: None,
            counters: InterfaceCounters::default(),
            drops: Vec::new(),
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.enabled { up_down(self.up) } else { "administratively down" };
        let protocol = up_down(self.enabled && self.up);
        writeln!(f, "{} is {state}, line protocol is {protocol}", self.name)?;
        let hardware = if self.tunnel.is_some() { "Tunnel" } else { "Ethernet" };
        writeln!(f, "  Hardware is {hardware}")?;
        if let Some(description) = &self.description {
            writeln!(f, "  Description: {description}")?;
        }
        if let Some(address) = self.address {
            writeln!(f, "  Internet address is {}", Prefix(address))?;
        }
        let Self { mtu, bandwidth, delay, .. } = self;
        writeln!(f, "  MTU {mtu} bytes, BW {bandwidth} Kbit/sec, DLY {delay} usec,")?;
        writeln!(f, "     reliability 255/255, txload 1/255, rxload 1/255")?;
        match &self.tunnel {
            Some(tunnel) => {
                writeln!(f, "  Encapsulation TUNNEL, loopback not set")?;
                writeln!(f, "  Keepalive not set")?;
                tunnel.write(f)?;
            }
            None => writeln!(f, "  Encapsulation ARPA, loopback not set")?,
        }
        self.counters.write(f)?;
        let total = self.drops.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        if total > 0 {
            writeln!(f, "  Drops by reason: {total}")?;
            for (reason, count) in self.drops.iter().filter(|(_, count)| *count > 0) {
                writeln!(f, "     {count} {reason}")?;
            }
        }
        Ok(())
    }
}

impl TunnelDetails {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.down_because {
            Some(reason) => writeln!(f, "  Tunnel linestate evaluation down - {reason}")?,
            None => writeln!(f, "  Tunnel linestate evaluation up")?,
        }
        match self.source {
            Some(source) => write!(f, "  Tunnel source {}", Address(source))?,
            None => f.write_str("  Tunnel source unknown")?,
        }
        if let Some(name) = &self.source_interface {
            write!(f, " ({name})")?;
        }
        match self.destination {
            Some(destination) => writeln!(f, ", destination {}", Address(destination))?,
            None => writeln!(f)?,
        }
        let multi = if self.destination.is_none() { "multi-" } else { "" };
        let transport = if self.source.is_some_and(|source| source.is_ipv6()) { "IPv6" } else { "IP" };
        writeln!(f, "  Tunnel protocol/transport {multi}GRE/{transport}")?;
        let on = |on: bool| if on { "enabled" } else { "disabled" };
        match self.key {
            Some(key) => writeln!(f, "    Key 0x{key:X}, sequencing {}", on(self.sequencing))?,
            None => writeln!(f, "    Key disabled, sequencing {}", on(self.sequencing))?,
        }
        writeln!(f, "    Checksumming of packets {}", on(self.checksum))?;
        writeln!(f, "  Tunnel TTL {}, Fast tunneling enabled", self.ttl)?;
        writeln!(f, "  Tunnel transport MTU {} bytes", self.transport_mtu)?;
        if let Some(mss) = self.adjust_mss {
            writeln!(f, "  Tunnel TCP adjust-mss {mss} bytes")?;
        }
        if let Some(profile) = &self.protection {
            let shared = if self.protection_shared { " shared" } else { "" };
            writeln!(f, "  Tunnel protection via IPSec (profile \"{profile}\"{shared})")?;
        }
        Ok(())
    }
}

impl InterfaceCounters {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (input, output) = (AgeOrNever(self.last_input), AgeOrNever(self.last_output));
        writeln!(f, "  Last input {input}, output {output}, output hang never")?;
        let clearing = AgeOrNever(self.last_clearing);
        writeln!(f, "  Last clearing of \"show interface\" counters {clearing}")?;
        let (input, output) = (self.input_drops, self.output_drops);
        writeln!(f, "  Input queue: 0/375/{input}/0 (size/max/drops/flushes); Total output drops: {output}")?;
        writeln!(f, "  Queueing strategy: fifo")?;
        writeln!(f, "  Output queue: 0/0 (size/max)")?;
        let (bits, packets) = (self.input_bits, self.input_rate);
        writeln!(f, "  5 minute input rate {bits} bits/sec, {packets} packets/sec")?;
        let (bits, packets) = (self.output_bits, self.output_rate);
        writeln!(f, "  5 minute output rate {bits} bits/sec, {packets} packets/sec")?;
        writeln!(f, "     {} packets input, {} bytes, 0 no buffer", self.input_packets, self.input_bytes)?;
        writeln!(f, "     Received 0 broadcasts ({} IP multicasts)", self.input_multicasts)?;
        writeln!(f, "     0 runts, 0 giants, 0 throttles")?;
        writeln!(
            f,
            "     {} input errors, 0 CRC, 0 frame, 0 overrun, 0 ignored, 0 abort",
            self.input_errors
        )?;
        writeln!(f, "     {} packets output, {} bytes, 0 underruns", self.output_packets, self.output_bytes)?;
        writeln!(f, "     Output 0 broadcasts ({} IP multicasts)", self.output_multicasts)?;
        writeln!(f, "     {} output errors, 0 collisions, 0 interface resets", self.output_errors)?;
        writeln!(f, "     {} unknown protocol drops", self.unknown_protocol)?;
        writeln!(f, "     0 output buffer failures, 0 output buffers swapped out")
    }
}

#[cfg(test)]
mod tests;
