//! What goes into an [`Endpoint`](crate::Endpoint) and what comes out of it.

use core::fmt;
use std::net::{IpAddr, SocketAddr};

use crate::config::{IdentityMatch, Mode};
use crate::crypto::{EspCipher, EspIntegrity};
use crate::ids::{ChildId, PeerId, ProfileId};
use crate::secret::SecretBytes;
use crate::wire::{Identity, TrafficSelector};

/// A pair of UDP endpoints on the underlay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UdpPath {
    /// Our address and port.
    pub local: SocketAddr,
    /// The other side's address and port, as seen from here (after NAT).
    pub remote: SocketAddr,
}

impl fmt::Display for UdpPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.local, self.remote)
    }
}

/// One thing that happened outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Input<'a> {
    /// One IKE message from the network. On the NAT port the four zero bytes of the non-ESP marker are already
    /// removed; a keepalive (one byte `0xFF`) may be given and is ignored.
    Datagram {
        /// Where it arrived and whence it came.
        path: UdpPath,
        /// The IKE message.
        payload: &'a [u8],
    },
    /// Have a child SA with this underlay address. Does nothing when one is up or under way.
    ///
    /// The endpoint tries once, with its retransmissions, and then reports [`Event::ConnectFailed`]; whether and when
    /// to try again is the embedder's decision.
    Connect {
        /// The peer's underlay (NBMA) address.
        remote: IpAddr,
        /// The profile to use.
        profile: ProfileId,
    },
    /// Delete all SAs with a peer, telling it so.
    Disconnect {
        /// The peer.
        peer: PeerId,
        /// Why, for [`Event::PeerDown`] and [`Event::ChildDown`]. IKEv2 has no word for it, so the peer does not learn it.
        reason: DownReason,
    },
    /// Authenticate a peer anew: a new IKE SA with a child SA, and then the end of the old ones. No packet is lost.
    /// [`Event::Reauthenticated`] or [`Event::ReauthenticationFailed`] says how it ended.
    Reauthenticate {
        /// The peer.
        peer: PeerId,
    },
    /// A child SA met a soft limit of bytes or packets in the forwarding plane: replace it.
    RekeyChild {
        /// The child SA.
        child: ChildId,
    },
    /// A child SA met a hard limit: it is unusable and goes away now. A new one is asked for at once.
    ExpireChild {
        /// The child SA.
        child: ChildId,
    },
    /// Replace the IKE SA with a peer, keeping its child SAs.
    RekeyIke {
        /// The peer.
        peer: PeerId,
    },
    /// Ask a peer for a sign of life now.
    CheckLiveness {
        /// The peer.
        peer: PeerId,
    },
    /// Authentic, newer ESP in UDP came from another address or port than expected (NAT rebinding).
    EndpointObserved {
        /// The child SA that the packet belongs to.
        child: ChildId,
        /// The source of the packet.
        remote: SocketAddr,
    },
    /// Lock out whoever proves one of these identities, or claims it: its SAs are deleted, and none is made again until
    /// [`Input::Reinstate`] names the same pattern. For one stolen router; where all have one key, the thief may claim
    /// another identity, so give each its own ([`Keyring`](crate::Keyring)).
    Revoke {
        /// Who.
        identity: &'a IdentityMatch,
    },
    /// Take a revocation back.
    Reinstate {
        /// The pattern that [`Input::Revoke`] had.
        identity: &'a IdentityMatch,
    },
    /// The data lane met ESP with an SPI that is not known here (RFC 7296 section 1.5): one end has lost what the other
    /// one still uses. With an IKE SA the peer is told, which makes it replace the SA, and is asked for a sign of life;
    /// otherwise its address gets a notify in the clear. Both at a bounded rate, because anybody can send such packets.
    UnknownSpi {
        /// Where it arrived and whence it came. For ESP without UDP: the IKE port on both sides.
        path: UdpPath,
        /// The SPI in it.
        spi: u32,
    },
    /// Delete everything, telling all peers so. Nothing is accepted afterwards.
    Shutdown,
}

/// One thing to do outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub enum Output {
    /// Send a datagram.
    Transmit(Transmit),
    /// Program the forwarding plane.
    Action(Action),
    /// Something that an embedder may want to know.
    Event(Event),
}

/// A datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Transmit {
    /// From where to where.
    pub path: UdpPath,
    /// Whether the four zero bytes of the non-ESP marker (RFC 3948 section 2.2) belong in front of the payload.
    pub marker: bool,
    /// The IKE message; for a NAT keepalive the single byte `0xFF`, without marker.
    pub payload: Vec<u8>,
}

impl Transmit {
    /// Whether this is a NAT keepalive (RFC 3948 section 2.3) and not an IKE message.
    #[must_use]
    pub fn is_keepalive(&self) -> bool {
        !self.marker && self.payload == [0xff]
    }

    /// The whole UDP payload, with the marker where one belongs.
    #[must_use]
    pub fn datagram(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.payload.len() + 4);
        if self.marker {
            bytes.extend_from_slice(&[0; 4]);
        }
        bytes.extend_from_slice(&self.payload);
        bytes
    }
}

/// Programs a forwarding plane.
///
/// Order matters: actions are to be carried out in the order in which they come out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Accept packets on this SA.
    InstallInbound {
        /// The peer.
        peer: PeerId,
        /// The child SA.
        child: ChildId,
        /// Keys and parameters; `spi` is ours.
        sa: Box<SaParameters>,
    },
    /// Send packets for this peer through this SA from now on. Comes at most once for a child, so that a forwarding
    /// plane never starts a sequence number space again with the same key.
    InstallOutbound {
        /// The peer.
        peer: PeerId,
        /// The child SA.
        child: ChildId,
        /// Keys and parameters; `spi` is the peer's.
        sa: Box<SaParameters>,
    },
    /// Send packets for this peer through an SA that was installed earlier, was not removed, and goes on with its
    /// counters. Happens when the preferred one of two crossed SAs goes away first.
    SelectOutbound {
        /// The peer.
        peer: PeerId,
        /// The child SA, installed by an earlier [`Action::InstallOutbound`].
        child: ChildId,
    },
    /// Forget both directions of a child SA.
    Remove {
        /// The peer.
        peer: PeerId,
        /// The child SA.
        child: ChildId,
    },
    /// The peer is now reached at another address or port: applies to all its SAs.
    UpdateEndpoint {
        /// The peer.
        peer: PeerId,
        /// Where it is reached now.
        remote: SocketAddr,
    },
}

/// One direction of a child SA, as a forwarding plane needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaParameters {
    /// The SPI in the ESP packets of this direction. Inbound: the low 16 bits are [`ChildId::slot`].
    pub spi: u32,
    /// Encryption algorithm, with its key length.
    pub cipher: EspCipher,
    /// Integrity algorithm; `None` with an AEAD cipher.
    pub integrity: EspIntegrity,
    /// Whether sequence numbers have 64 bits (RFC 4304).
    pub esn: bool,
    /// Encryption key; for AEAD ciphers the four bytes of salt follow the key.
    pub encryption_key: SecretBytes,
    /// Integrity key; empty for AEAD ciphers.
    pub integrity_key: SecretBytes,
    /// Transport or tunnel.
    pub mode: Mode,
    /// Our underlay endpoint. The port counts only with `udp_encapsulation`.
    pub local: SocketAddr,
    /// The peer's underlay endpoint as seen from here. The port counts only with `udp_encapsulation`.
    pub remote: SocketAddr,
    /// Whether ESP travels in UDP (RFC 3948).
    pub udp_encapsulation: bool,
    /// What may be protected, our side.
    pub local_selectors: Vec<TrafficSelector>,
    /// What may be protected, the peer's side.
    pub remote_selectors: Vec<TrafficSelector>,
    /// Limits that only the forwarding plane can see.
    pub limits: TrafficLimits,
}

/// Limits of a child SA by traffic. The soft ones ask for [`Input::RekeyChild`], the hard ones for
/// [`Input::ExpireChild`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TrafficLimits {
    /// Bytes after which the SA wants a successor.
    pub soft_bytes: Option<u64>,
    /// Bytes after which the SA must not be used.
    pub hard_bytes: Option<u64>,
    /// Packets after which the SA wants a successor.
    pub soft_packets: Option<u64>,
    /// Packets after which the SA must not be used.
    pub hard_packets: Option<u64>,
}

/// Facts for the embedder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The first IKE SA with this peer is authenticated.
    PeerUp {
        /// The peer.
        peer: PeerId,
        /// Its authenticated identity.
        identity: Identity,
        /// Where it is reached.
        remote: SocketAddr,
        /// Whether we started the exchange.
        initiator: bool,
    },
    /// A child SA is up in both directions.
    ChildUp {
        /// The peer.
        peer: PeerId,
        /// The child SA.
        child: ChildId,
    },
    /// A child SA has a successor that carries the traffic from now on.
    ChildRekeyed {
        /// The peer.
        peer: PeerId,
        /// The replaced child SA; still accepts packets for a while.
        old: ChildId,
        /// Its successor.
        new: ChildId,
    },
    /// A child SA is gone without a successor.
    ChildDown {
        /// The peer.
        peer: PeerId,
        /// The child SA.
        child: ChildId,
        /// Why.
        reason: DownReason,
    },
    /// The IKE SA with a peer has a successor.
    IkeRekeyed {
        /// The peer.
        peer: PeerId,
    },
    /// A peer has proven its identity anew; a new IKE SA and child SA carry the traffic.
    Reauthenticated {
        /// The peer.
        peer: PeerId,
    },
    /// A peer was to prove its identity anew, and that failed. What was there stays until its lifetime ends.
    ReauthenticationFailed {
        /// The peer.
        peer: PeerId,
        /// Why it did not work.
        reason: FailureReason,
    },
    /// The last IKE SA with this peer is gone.
    PeerDown {
        /// The peer; the id is not valid any more.
        peer: PeerId,
        /// Where it was.
        remote: SocketAddr,
        /// Why.
        reason: DownReason,
    },
    /// The peer is reached at another address or port.
    PeerMoved {
        /// The peer.
        peer: PeerId,
        /// Where it was.
        from: SocketAddr,
        /// Where it is.
        to: SocketAddr,
    },
    /// An attempt that we started ended without a child SA.
    ConnectFailed {
        /// Whom we wanted to reach.
        remote: IpAddr,
        /// Why it did not work.
        reason: FailureReason,
    },
    /// An attempt that the other side started ended without a child SA.
    Refused {
        /// Who tried.
        remote: SocketAddr,
        /// Why we, or they, refused.
        reason: FailureReason,
    },
    /// Keys of a new IKE SA; only with [`Config::key_log`](crate::Config::key_log).
    Keys(Box<KeyLog>),
}

/// Why something that was up is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DownReason {
    /// The peer deleted it.
    DeletedByPeer,
    /// We were asked to delete it.
    DeletedByUs,
    /// Nobody needs it any more.
    Unused,
    /// The peer did not answer.
    DeadPeer,
    /// Its lifetime ended and no successor could be agreed.
    LifetimeExpired,
    /// The peer started anew (INITIAL_CONTACT): what was there before is void.
    PeerRestarted,
    /// The peer sent authenticated nonsense, or a fatal error.
    ProtocolError,
    /// A crossed or redundant SA was retired in favour of its twin.
    Redundant,
    /// The peer has no such child SA any more.
    NotFoundByPeer,
    /// The peer's identity was revoked.
    Revoked,
    /// The endpoint was shut down.
    Shutdown,
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeletedByPeer => "deleted by the peer",
            Self::DeletedByUs => "deleted by us",
            Self::Unused => "unused",
            Self::DeadPeer => "the peer does not answer",
            Self::LifetimeExpired => "lifetime expired",
            Self::PeerRestarted => "the peer restarted",
            Self::ProtocolError => "protocol error",
            Self::Redundant => "redundant",
            Self::Revoked => "identity revoked",
            Self::NotFoundByPeer => "unknown to the peer",
            Self::Shutdown => "shut down",
        })
    }
}

/// Which side decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// This endpoint.
    Us,
    /// The other side.
    Peer,
}

/// Why an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureReason {
    /// No answer after all retransmissions.
    Timeout,
    /// No IKE or ESP proposal in common.
    NoProposalChosen {
        /// Who found none.
        by: Side,
    },
    /// The other side's key-agreement group is none of ours, or the dance about it did not end.
    InvalidKeyExchange,
    /// The pre-shared keys differ, or the peer says so.
    AuthenticationFailed {
        /// Who rejected the authentication.
        by: Side,
    },
    /// The peer's identity matches no profile.
    IdentityRefused,
    /// The peer's identity is revoked.
    Revoked,
    /// There is no pre-shared key for this peer.
    NoKey,
    /// A post-quantum pre-shared key is required and the other side does not use it, or not the same one.
    NoPpk,
    /// The traffic selectors have nothing in common.
    TrafficSelectorsUnacceptable {
        /// Who found so.
        by: Side,
    },
    /// Transport mode was wanted and not granted.
    NoTransportMode,
    /// The peer refused a child SA, or we did, because there are too many.
    NoAdditionalSas,
    /// A malformed message, or a missing payload.
    InvalidSyntax,
    /// The other side demanded a payload type, or a version, that is not supported.
    Unsupported,
    /// A limit of this endpoint is met.
    LimitReached,
    /// The peer sent an error notify with this number.
    PeerError(u16),
    /// The attempt was given up because the endpoint was shut down or the peer disconnected.
    Cancelled,
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |side: &Side| if *side == Side::Us { "found by us" } else { "reported by the peer" };
        match self {
            Self::Timeout => f.write_str("no answer"),
            Self::NoProposalChosen { by: side } => write!(f, "no proposal chosen, {}", by(side)),
            Self::InvalidKeyExchange => f.write_str("no key exchange group in common"),
            Self::AuthenticationFailed { by: side } => write!(f, "authentication failed, {}", by(side)),
            Self::IdentityRefused => f.write_str("identity matches no profile"),
            Self::Revoked => f.write_str("identity is revoked"),
            Self::NoKey => f.write_str("no pre-shared key for this peer"),
            Self::NoPpk => f.write_str("the required post-quantum pre-shared key is not in use"),
            Self::TrafficSelectorsUnacceptable { by: side } => {
                write!(f, "traffic selectors unacceptable, {}", by(side))
            }
            Self::NoTransportMode => f.write_str("transport mode not granted"),
            Self::NoAdditionalSas => f.write_str("no additional SAs"),
            Self::InvalidSyntax => f.write_str("malformed message"),
            Self::Unsupported => f.write_str("unsupported payload or version"),
            Self::LimitReached => f.write_str("limit reached"),
            Self::PeerError(number) => write!(f, "error notify {number} from the peer"),
            Self::Cancelled => f.write_str("cancelled"),
        }
    }
}

/// The keys of an IKE SA, for a packet analyser. Handle with care: this is the one place where keys become text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyLog {
    /// The initiator's SPI.
    pub spi_i: u64,
    /// The responder's SPI.
    pub spi_r: u64,
    /// Encryption key, initiator to responder; with the salt for AEAD.
    pub sk_ei: SecretBytes,
    /// Encryption key, responder to initiator; with the salt for AEAD.
    pub sk_er: SecretBytes,
    /// Integrity key, initiator to responder; empty for AEAD.
    pub sk_ai: SecretBytes,
    /// Integrity key, responder to initiator; empty for AEAD.
    pub sk_ar: SecretBytes,
    /// The encryption algorithm.
    pub encryption: EspCipher,
    /// The integrity algorithm.
    pub integrity: EspIntegrity,
}

impl KeyLog {
    /// One line of Wireshark's `ikev2_decryption_table`.
    #[must_use]
    pub fn wireshark_line(&self) -> String {
        let encryption = match self.encryption {
            EspCipher::AesCbc128 => "AES-CBC-128 [RFC3602]",
            EspCipher::AesCbc192 => "AES-CBC-192 [RFC3602]",
            EspCipher::AesCbc256 => "AES-CBC-256 [RFC3602]",
            EspCipher::AesGcm128 => "AES-GCM-128 with 16 octet ICV [RFC5282]",
            EspCipher::AesGcm256 => "AES-GCM-256 with 16 octet ICV [RFC5282]",
            EspCipher::ChaCha20Poly1305 => "ChaCha20-Poly1305 [RFC7634]",
        };
        let integrity = match self.integrity {
            EspIntegrity::None => "NONE [RFC4306]",
            EspIntegrity::HmacSha1_96 => "HMAC_SHA1_96 [RFC2404]",
            EspIntegrity::HmacSha256_128 => "HMAC_SHA2_256_128 [RFC4868]",
            EspIntegrity::HmacSha384_192 => "HMAC_SHA2_384_192 [RFC4868]",
            EspIntegrity::HmacSha512_256 => "HMAC_SHA2_512_256 [RFC4868]",
        };
        format!(
            "{:016x},{:016x},{},{},\"{encryption}\",{},{},\"{integrity}\"",
            self.spi_i,
            self.spi_r,
            hex(&self.sk_ei),
            hex(&self.sk_er),
            hex(&self.sk_ai),
            hex(&self.sk_ar),
        )
    }
}

fn hex(bytes: &SecretBytes) -> String {
    use fmt::Write as _;
    bytes.expose().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
