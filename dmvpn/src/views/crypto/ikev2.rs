//! `show crypto ikev2 sa [detail]`.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use crate::views::text::Address;

/// All IKEv2 SAs: `show crypto ikev2 sa`, with `detail` set `show crypto ikev2 sa detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Ikev2Sas {
    /// The SAs, in the order in which they are printed (IPv4 before IPv6 whatever the order here).
    pub sas: Vec<Ikev2Sa>,
    /// Whether the text has the lines of `detail`.
    pub detail: bool,
}

/// An IKEv2 SA.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Ikev2Sa {
    /// The number of the SA on this router.
    pub id: u32,
    /// This router's underlay address and port.
    pub local: (IpAddr, u16),
    /// The peer's underlay address and port.
    pub remote: (IpAddr, u16),
    /// What state the SA is in.
    pub status: IkeStatus,
    /// The encryption algorithm, for example `AES-CBC`.
    pub encryption: String,
    /// The length of its key in bits; `None` where the algorithm has only one.
    pub key_bits: Option<u16>,
    /// The pseudo-random function, for example `SHA256`.
    pub prf: String,
    /// The integrity algorithm, for example `SHA256`; `None` with a combined mode cipher.
    pub integrity: Option<String>,
    /// The Diffie-Hellman group, by its IANA number.
    pub group: u16,
    /// How this router proved who it is.
    pub local_authentication: IkeAuthentication,
    /// How the peer proved who it is.
    pub remote_authentication: IkeAuthentication,
    /// How long the SA may live.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub lifetime: Duration,
    /// How long it lives.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub age: Duration,
    /// The number of the session.
    pub session_id: u32,
    /// This router's SPI.
    pub local_spi: u64,
    /// The peer's SPI.
    pub remote_spi: u64,
    /// `detail`: who this router says it is.
    pub local_id: String,
    /// `detail`: who the peer proved to be.
    pub remote_id: String,
    /// `detail`: the state of the negotiation in words.
    pub description: String,
    /// `detail`: the requests of this router.
    pub local_messages: MessageIds,
    /// `detail`: the requests of the peer.
    pub remote_messages: MessageIds,
    /// `detail`: the interval of dead peer detection; `None` when it is off.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub dpd_interval: Option<Duration>,
    /// `detail`: how often dead peer detection tries again before it gives the peer up.
    pub dpd_retries: u32,
    /// `detail`: the largest IKE message that is sent in one piece, where both sides support IKE fragmentation.
    pub fragmentation_mtu: Option<u16>,
    /// `detail`: whether a NAT is on the way.
    pub nat: Nat,
    /// `detail`: whether this router began.
    pub initiator: bool,
}

/// The message ids of one side's requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MessageIds {
    /// The lowest id that is not answered yet.
    pub request: u32,
    /// The id of the next request.
    pub next: u32,
    /// The highest id that waits for its turn.
    pub queued: u32,
    /// How many requests may be open at a time.
    pub window: u32,
}

words! {
    /// The state of an IKEv2 SA.
    IkeStatus {
        /// The exchanges that set it up are under way.
        Negotiating = "IN-NEG",
        /// It is established.
        Ready = "READY",
        /// It is being deleted.
        Deleting = "DELETE",
    }
}

words! {
    /// How a side of an IKE SA proves who it is.
    IkeAuthentication {
        /// A pre-shared key.
        Psk = "PSK",
        /// An RSA signature.
        Rsa = "RSA",
        /// An ECDSA signature.
        Ecdsa = "ECDSA",
        /// Not known yet.
        Unknown = "Unknown - 0",
    }
}

words! {
    /// Where a NAT is, as NAT detection (RFC 7296 section 2.23) sees it.
    Nat {
        /// There is none.
        None = "not detected",
        /// This router is behind one.
        Inside = "detected inside",
        /// The peer is behind one.
        Outside = "detected  outside",
        /// Both are.
        Both = "detected inside outside",
    }
}

impl Ikev2Sa {
    /// An SA between these addresses that is being negotiated.
    #[must_use]
    pub fn new(id: u32, local: (IpAddr, u16), remote: (IpAddr, u16)) -> Self {
        Self {
            id,
            local,
            remote,
            status: IkeStatus::Negotiating,
            encryption: String::new(),
            key_bits: None,
            prf: String::new(),
            integrity: None,
            group: 0,
            local_authentication: IkeAuthentication::Unknown,
            remote_authentication: IkeAuthentication::Unknown,
            lifetime: Duration::ZERO,
            age: Duration::ZERO,
            session_id: 0,
            local_spi: 0,
            remote_spi: 0,
            local_id: String::new(),
            remote_id: String::new(),
            description: String::new(),
            local_messages: MessageIds::default(),
            remote_messages: MessageIds::default(),
            dpd_interval: None,
            dpd_retries: 0,
            fragmentation_mtu: None,
            nat: Nat::None,
            initiator: false,
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, detail: bool) -> fmt::Result {
        let local = format!("{}/{}", Address(self.local.0), self.local.1);
        let remote = format!("{}/{}", Address(self.remote.0), self.remote.1);
        let (id, status) = (self.id, self.status);
        if self.local.0.is_ipv6() {
            writeln!(f, "Tunnel-id    fvrf/ivrf              Status")?;
            writeln!(f, "{id:<10} {:<21} {status}", "none/none")?;
            writeln!(f, "Local  {local}")?;
            writeln!(f, "Remote  {remote}")?;
        } else {
            writeln!(f, "Tunnel-id Local                 Remote                fvrf/ivrf            Status")?;
            writeln!(f, "{id:<9} {local:<21} {remote:<21} {:<20} {status}", "none/none")?;
        }
        write!(f, "      Encr: {}, ", self.encryption)?;
        if let Some(bits) = self.key_bits {
            write!(f, "keysize: {bits}, ")?;
        }
        writeln!(
            f,
            "PRF: {}, Hash: {}, DH Grp:{}, Auth sign: {}, Auth verify: {}",
            self.prf,
            self.integrity.as_deref().unwrap_or("None"),
            self.group,
            self.local_authentication,
            self.remote_authentication
        )?;
        writeln!(f, "      Life/Active Time: {}/{} sec", self.lifetime.as_secs(), self.age.as_secs())?;
        writeln!(f, "      CE id: 0, Session-id: {}", self.session_id)?;
        if detail {
            writeln!(f, "      Status Description: {}", self.description)?;
        }
        writeln!(f, "      Local spi: {:016X}       Remote spi: {:016X}", self.local_spi, self.remote_spi)?;
        if detail { self.write_detail(f) } else { Ok(()) }
    }

    fn write_detail(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "      Local id: {}", self.local_id)?;
        writeln!(f, "      Remote id: {}", self.remote_id)?;
        let (local, remote) = (self.local_messages, self.remote_messages);
        let messages = [
            ("req msg id: ", local.request, remote.request),
            ("next msg id:", local.next, remote.next),
            ("req queued: ", local.queued, remote.queued),
            ("window:     ", local.window, remote.window),
        ];
        for (what, local, remote) in messages {
            writeln!(f, "      Local {what} {local:<14} Remote {what} {remote}")?;
        }
        let interval = self.dpd_interval.unwrap_or_default().as_secs();
        writeln!(f, "      DPD configured for {interval} seconds, retry {}", self.dpd_retries)?;
        match self.fragmentation_mtu {
            Some(mtu) => {
                writeln!(f, "      IETF Std Fragmentation  enabled.")?;
                writeln!(f, "      IETF Std Fragmentation MTU in use: {mtu} bytes.")?;
            }
            None => writeln!(f, "      Fragmentation not  configured.")?,
        }
        writeln!(f, "      Dynamic Route Update: disabled")?;
        writeln!(f, "      Extended Authentication not configured.")?;
        if self.nat != Nat::None {
            // Who looks for `NAT-T is enabled` wants to know whether it is in use.
            writeln!(f, "      NAT-T is enabled")?;
        }
        writeln!(f, "      NAT-T is {}", self.nat)?;
        writeln!(f, "      Cisco Trust Security SGT is disabled")?;
        writeln!(f, "      Initiator of SA : {}", if self.initiator { "Yes" } else { "No" })
    }
}

impl fmt::Display for Ikev2Sas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, ipv6) in [(" IPv4 Crypto IKEv2  SA", false), (" IPv6 Crypto IKEv2  SA", true)] {
            writeln!(f, "{title}\n")?;
            for sa in self.sas.iter().filter(|sa| sa.local.0.is_ipv6() == ipv6) {
                sa.write(f, self.detail)?;
                writeln!(f)?;
            }
        }
        Ok(())
    }
}
