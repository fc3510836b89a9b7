//! What a person may have to know or act on. None of these is silent.

mod text;

use core::fmt;
use std::net::{IpAddr, Ipv4Addr};

use ipnet::Ipv4Net;

/// A fact about the cloud, with a line of text in its `Display`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// IKEv2: sessions up and down, and why one did not come up.
    Ike {
        /// Our underlay address.
        local: IpAddr,
        /// The peer's, where the event names a peer by its number.
        remote: Option<IpAddr>,
        /// What happened.
        event: ikev2::Event,
    },
    /// NHRP: registrations, resolutions, refusals.
    Nhrp {
        /// The tunnel interface.
        interface: String,
        /// What happened.
        event: nhrp::Event,
    },
    /// OSPF: neighbours, mismatches, limits.
    Ospf {
        /// The interface that the event is about, if it is about one.
        interface: Option<String>,
        /// What happened.
        event: ospf_p2mp::Event,
    },
    /// The keys of an inbound SA, so that a capture can be read; only with [`Options::key_log`](crate::Options).
    EspKeys(Box<EspKeys>),
    /// Packets for this next hop leave by a direct, proven path from now on.
    DirectPathUp {
        /// The tunnel interface.
        interface: String,
        /// The next hop.
        tunnel_address: Ipv4Addr,
        /// Its underlay address.
        nbma: IpAddr,
    },
    /// Packets for this next hop leave by way of the hub again.
    DirectPathDown {
        /// The tunnel interface.
        interface: String,
        /// The next hop.
        tunnel_address: Ipv4Addr,
        /// Why.
        reason: nhrp::DownReason,
    },
    /// A peer asked for a tunnel address that no `ip nhrp permit` line grants to its identity; it was refused.
    RegistrationProhibited {
        /// The tunnel interface.
        interface: String,
        /// The address that it claimed.
        tunnel_address: IpAddr,
        /// Its underlay address.
        nbma: IpAddr,
        /// Who it proved to be.
        identity: Option<ikev2::Identity>,
    },
    /// GRE came in with a key that no tunnel on this source has: both ends' `tunnel key` differ.
    UnknownGreKey {
        /// Who sent it.
        remote: IpAddr,
        /// The key in the packet.
        key: Option<u32>,
        /// The keys of our tunnels on that source.
        ours: Vec<Option<u32>>,
    },
    /// GRE came in the clear for a tunnel that has protection; it was dropped.
    ClearText {
        /// Who sent it.
        remote: IpAddr,
    },
    /// A route behind another spoke has the hub as next hop, so phase 2 will not use a direct path for it.
    NextHopIsHub {
        /// The tunnel interface.
        interface: String,
        /// The route.
        prefix: Ipv4Net,
        /// The router that advertises it.
        originator: Ipv4Addr,
        /// The next hop in use.
        hub: Ipv4Addr,
    },
    /// TCP connections are opened with segments that the tunnel cannot carry, and no clamp lowers them.
    MssClampMissing {
        /// The tunnel interface.
        interface: String,
        /// The segment size on offer, in bytes.
        offered: u16,
        /// The largest that fits, in bytes.
        fits: u16,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ike { local, remote, event } => text::ike(f, *local, *remote, event),
            Self::Nhrp { interface, event } => text::nhrp(f, interface, event),
            Self::Ospf { interface, event } => text::ospf(f, interface.as_deref(), event),
            Self::EspKeys(_) => f.write_str("IPSEC: keys logged"),
            Self::DirectPathUp { interface, tunnel_address, nbma } => {
                write!(f, "DMVPN: {interface}: direct path to {tunnel_address} is up (NBMA {nbma})")
            }
            Self::DirectPathDown { interface, tunnel_address, reason } => {
                let reason = text::down(*reason);
                write!(
                    f,
                    "DMVPN: {interface}: direct path to {tunnel_address} is down ({reason}); using the hub"
                )
            }
            Self::RegistrationProhibited { interface, tunnel_address, nbma, identity } => {
                let identity = identity.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string);
                write!(
                    f,
                    "NHRP: {interface}: registration refused: identity {identity} (NBMA {nbma}) \
                     may not claim {tunnel_address} (ip nhrp permit)"
                )
            }
            Self::UnknownGreKey { remote, key, ours } => {
                let ours: Vec<String> = ours.iter().map(|key| key_text(*key)).collect();
                let (theirs, ours) = (key_text(*key), ours.join(", "));
                write!(f, "GRE: tunnel key mismatch: {remote} sends {theirs}, here is {ours}")
            }
            Self::ClearText { remote } => {
                write!(f, "GRE: packet in the clear from {remote} for a protected tunnel, dropped")
            }
            Self::NextHopIsHub { interface, prefix, originator, hub } => write!(
                f,
                "ROUTE: {prefix} from {originator} has the hub {hub} as next hop on {interface}: \
                 traffic will not leave the hub (ip ospf next-hop originator)"
            ),
            Self::MssClampMissing { interface, offered, fits } => write!(
                f,
                "TCP: connection through {interface} opened with MSS {offered}, {fits} fits: \
                 large packets will stall (ip tcp adjust-mss {})",
                (*fits).min(1360)
            ),
        }
    }
}

/// The keys of one ESP SA. Whoever has them reads its packets: for laboratories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EspKeys {
    /// The address that the packets go to; none if a NAT box changes it on the way.
    pub destination: Option<IpAddr>,
    /// SPI, suite and keys.
    pub sa: ikev2::SaParameters,
}

impl EspKeys {
    /// The line for Wireshark's preference file `esp_sa`.
    #[must_use]
    pub fn wireshark_line(&self) -> String {
        use ikev2::{EspCipher, EspIntegrity};
        let encryption = match self.sa.cipher {
            EspCipher::AesCbc128 | EspCipher::AesCbc192 | EspCipher::AesCbc256 => "AES-CBC [RFC3602]",
            EspCipher::AesGcm128 | EspCipher::AesGcm256 => "AES-GCM with 16 octet ICV [RFC4106]",
            EspCipher::ChaCha20Poly1305 => "ChaCha20 with Poly1305 [RFC7634]",
        };
        let integrity = match self.sa.integrity {
            EspIntegrity::None => "NULL",
            EspIntegrity::HmacSha1_96 => "HMAC-SHA-1-96 [RFC2404]",
            EspIntegrity::HmacSha256_128 => "HMAC-SHA-256-128 [RFC4868]",
            EspIntegrity::HmacSha384_192 => "HMAC-SHA-384-192 [RFC4868]",
            EspIntegrity::HmacSha512_256 => "HMAC-SHA-512-256 [RFC4868]",
        };
        let destination = self.destination.map_or_else(|| "*".to_owned(), |address| address.to_string());
        let (key, integrity_key) = (hex(&self.sa.encryption_key), hex(&self.sa.integrity_key));
        let spi = self.sa.spi;
        format!(
            "\"IPv4\",\"*\",\"{destination}\",\"0x{spi:08x}\",\"{encryption}\",\"{key}\",\"{integrity}\",\"{integrity_key}\""
        )
    }
}

/// A key as Wireshark wants it; an empty one is an empty word.
fn hex(key: &ikev2::SecretBytes) -> String {
    let digits: String = key.expose().iter().map(|byte| format!("{byte:02x}")).collect();
    if digits.is_empty() { digits } else { format!("0x{digits}") }
}

fn key_text(key: Option<u32>) -> String {
    key.map_or_else(|| "no key".to_owned(), |key| format!("key {key}"))
}
