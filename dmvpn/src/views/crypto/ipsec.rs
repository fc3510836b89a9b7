//! `show crypto ipsec sa`.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;

use crate::views::text::Address;

/// All IPsec SAs: `show crypto ipsec sa`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct IpsecSas {
    /// The protected flows. Neighbours in this list with the same tunnel are printed below one heading.
    pub flows: Vec<IpsecFlow>,
}

/// A protected flow with its SAs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct IpsecFlow {
    /// The tunnel.
    pub interface: String,
    /// This router's underlay address.
    pub local_address: IpAddr,
    /// The peer's underlay address.
    pub peer: IpAddr,
    /// The peer's IKE port.
    pub port: u16,
    /// What this router sends.
    pub local: TrafficSelector,
    /// What the peer sends.
    pub remote: TrafficSelector,
    /// Packets that went through, and those that did not.
    pub counters: IpsecCounters,
    /// The largest packet that fits, before protection, in bytes.
    pub plaintext_mtu: u16,
    /// The largest packet that the underlay carries to the peer, in bytes.
    pub path_mtu: u16,
    /// The interface that the underlay address belongs to.
    pub underlay_interface: Option<String>,
    /// The group of perfect forward secrecy, where it is used.
    pub pfs_group: Option<u16>,
    /// Inbound SAs.
    pub inbound: Vec<IpsecSa>,
    /// Outbound SAs, the one in use last.
    pub outbound: Vec<IpsecSa>,
}

/// A traffic selector: prefix, protocol and port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TrafficSelector {
    /// The addresses.
    pub prefix: IpNet,
    /// The IP protocol; 0 is any, 47 is GRE.
    pub protocol: u8,
    /// The port; 0 is any.
    pub port: u16,
}

/// The packets of a protected flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct IpsecCounters {
    /// Packets encapsulated and encrypted.
    pub encapsulated: u64,
    /// Packets decapsulated, decrypted and verified.
    pub decapsulated: u64,
    /// Packets that could not be sent: no SA, exhausted, too large.
    pub send_errors: u64,
    /// Packets that were refused: replayed, forged, malformed, outside the selectors.
    pub receive_errors: u64,
    /// Of these: replayed, or older than the window.
    pub replayed: u64,
    /// Of these: the integrity check failed.
    pub forged: u64,
}

/// One SA: one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct IpsecSa {
    /// Its SPI.
    pub spi: u32,
    /// The transforms in the words of the configuration, for example `esp-256-aes esp-sha256-hmac`.
    pub transform: String,
    /// Transport or tunnel mode.
    pub mode: IpsecMode,
    /// Whether ESP is carried in UDP (RFC 3948).
    pub udp: bool,
    /// Whether sequence numbers have 64 bits.
    pub extended_sequence: bool,
    /// The number of the SA.
    pub connection_id: u32,
    /// Whether this router began.
    pub initiator: bool,
    /// What is left of the SA's volume, in kilobytes; `None` where there is no such limit.
    pub kilobytes: Option<u64>,
    /// What is left of its lifetime.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub lifetime: Duration,
    /// The size of the initialisation vector in bytes.
    pub iv_size: u8,
    /// Whether replayed packets are refused.
    pub replay_detection: bool,
}

words! {
    /// What an SA protects.
    IpsecMode {
        /// The payload of the IP packet.
        Transport = "Transport",
        /// A whole IP packet.
        Tunnel = "Tunnel",
    }
}

impl TrafficSelector {
    /// A single address and a protocol, as for GRE between two routers.
    #[must_use]
    pub fn host(address: IpAddr, protocol: u8) -> Self {
        Self { prefix: IpNet::from(address), protocol, port: 0 }
    }

    /// The protocol as an access list says it.
    pub(super) fn protocol_word(&self) -> String {
        match (self.protocol, self.prefix) {
            (0, IpNet::V4(_)) => "ip".to_owned(),
            (0, IpNet::V6(_)) => "ipv6".to_owned(),
            (protocol, _) => protocol.to_string(),
        }
    }

    /// The addresses (and the port) as an access list says them.
    pub(super) fn words(&self) -> String {
        let address = Address(self.prefix.addr());
        let host = self.prefix.prefix_len() == self.prefix.max_prefix_len();
        let addresses = match self.prefix {
            _ if host => format!("host {address}"),
            IpNet::V4(prefix) => format!("{address} {}", prefix.netmask()),
            IpNet::V6(prefix) => format!("{address}/{}", prefix.prefix_len()),
        };
        if self.port == 0 { addresses } else { format!("{addresses} port {}", self.port) }
    }
}

/// `(addr/mask/prot/port)`: IPv4 with a mask, IPv6 with a length.
impl fmt::Display for TrafficSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = Address(self.prefix.addr());
        match self.prefix {
            IpNet::V4(prefix) => {
                write!(f, "({address}/{}/{}/{})", prefix.netmask(), self.protocol, self.port)
            }
            IpNet::V6(prefix) => {
                write!(f, "({address}/{}/{}/{})", prefix.prefix_len(), self.protocol, self.port)
            }
        }
    }
}

impl fmt::Display for IpsecSas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut heading: Option<(&str, IpAddr)> = None;
        for flow in &self.flows {
            let this = (flow.interface.as_str(), flow.local_address);
            if heading != Some(this) {
                let (name, local) = this;
                writeln!(f, "\ninterface: {name}")?;
                writeln!(f, "    Crypto map tag: {name}-head-0, local addr {}", Address(local))?;
                heading = Some(this);
            }
            flow.write(f)?;
        }
        Ok(())
    }
}

impl IpsecFlow {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n   protected vrf: (none)")?;
        writeln!(f, "   local  ident (addr/mask/prot/port): {}", self.local)?;
        writeln!(f, "   remote ident (addr/mask/prot/port): {}", self.remote)?;
        writeln!(f, "   current_peer {} port {}", Address(self.peer), self.port)?;
        writeln!(f, "     PERMIT, flags={{origin_is_acl,}}")?;
        self.counters.write(f)?;
        let (local, remote) = (Address(self.local_address), Address(self.peer));
        let gap = if self.peer.is_ipv6() { ",\n     " } else { ", " };
        writeln!(f, "\n     local crypto endpt.: {local}{gap}remote crypto endpt.: {remote}")?;
        let (plaintext, path) = (self.plaintext_mtu, self.path_mtu);
        write!(f, "     plaintext mtu {plaintext}, path mtu {path}, ip mtu {path}")?;
        match &self.underlay_interface {
            Some(name) => writeln!(f, ", ip mtu idb {name}")?,
            None => writeln!(f)?,
        }
        let spi = self.outbound.last().map_or(0, |sa| sa.spi);
        writeln!(f, "     current outbound spi: 0x{spi:X}({spi})")?;
        match self.pfs_group {
            Some(group) => writeln!(f, "     PFS (Y/N): Y, DH group: group{group}")?,
            None => writeln!(f, "     PFS (Y/N): N, DH group: none")?,
        }
        for (direction, sas) in [("inbound", &self.inbound), ("outbound", &self.outbound)] {
            writeln!(f, "\n     {direction} esp sas:")?;
            sas.iter().try_for_each(|sa| sa.write(f, &self.interface))?;
            writeln!(f, "\n     {direction} ah sas:")?;
            writeln!(f, "\n     {direction} pcp sas:")?;
        }
        Ok(())
    }
}

impl IpsecCounters {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { encapsulated: out, decapsulated: r#in, send_errors, receive_errors, replayed, forged } =
            self;
        writeln!(f, "    #pkts encaps: {out}, #pkts encrypt: {out}, #pkts digest: {out}")?;
        writeln!(f, "    #pkts decaps: {in}, #pkts decrypt: {in}, #pkts verify: {in}")?;
        writeln!(f, "    #pkts compressed: 0, #pkts decompressed: 0")?;
        writeln!(f, "    #pkts not compressed: 0, #pkts compr. failed: 0")?;
        writeln!(f, "    #pkts not decompressed: 0, #pkts decompress failed: 0")?;
        writeln!(f, "    #send errors {send_errors}, #recv errors {receive_errors}")?;
        if *receive_errors > 0 {
            // The two that IOS keeps for `detail`: they tell a reordering path from an attack.
            writeln!(f, "    #pkts replay failed (rcv): {replayed}")?;
            writeln!(f, "    #pkts verify failed: {forged}")?;
        }
        Ok(())
    }
}

impl IpsecSa {
    fn write(&self, f: &mut fmt::Formatter<'_>, interface: &str) -> fmt::Result {
        let spi = self.spi;
        writeln!(f, "      spi: 0x{spi:X}({spi})")?;
        writeln!(f, "        transform: {} ,", self.transform)?;
        let udp = if self.udp { " UDP-Encaps" } else { "" };
        let esn = if self.extended_sequence { "esn" } else { "" };
        writeln!(f, "        in use settings ={{{}{udp}, {esn}}}", self.mode)?;
        let id = self.connection_id;
        let initiator = if self.initiator { "True" } else { "False" };
        write!(f, "        conn id: {id}, flow_id: SW:{id}, sibling_flags 0, ")?;
        writeln!(f, "crypto map: {interface}-head-0, initiator : {initiator}")?;
        let seconds = self.lifetime.as_secs();
        match self.kilobytes {
            Some(kilobytes) => {
                writeln!(f, "        sa timing: remaining key lifetime (k/sec): ({kilobytes}/{seconds})")?;
            }
            None => {
                writeln!(f, "        sa timing: remaining key lifetime (sec): {seconds}")?;
                writeln!(f, "        Kilobyte Volume Rekey has been disabled")?;
            }
        }
        writeln!(f, "        IV size: {} bytes", self.iv_size)?;
        writeln!(f, "        replay detection support: {}", if self.replay_detection { "Y" } else { "N" })?;
        writeln!(f, "        Status: ACTIVE(ACTIVE)")
    }
}
