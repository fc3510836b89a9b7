//! IKEv2 and IPsec.

use core::fmt;
use core::time::Duration;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Origin, Secret};

macro_rules! algorithms {
    ($(#[$doc:meta])* $enum:ident { $($(#[$item:meta])* $name:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $enum { $($(#[$item])* $name,)* }

        impl $enum {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The words that name it in a configuration.
            #[must_use]
            pub const fn words(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.words())
            }
        }
    };
}

algorithms! {
    /// How IKE messages are encrypted: `encryption` in a proposal.
    IkeEncryption {
        /// AES-CBC with a key of 128 bits (RFC 3602).
        AesCbc128 = "aes-cbc-128",
        /// AES-CBC with a key of 192 bits.
        AesCbc192 = "aes-cbc-192",
        /// AES-CBC with a key of 256 bits: the guide's.
        AesCbc256 = "aes-cbc-256",
        /// AES-GCM with a key of 128 bits and a tag of 16 octets (RFC 5282). Takes no integrity algorithm.
        AesGcm128 = "aes-gcm-128",
        /// AES-GCM with a key of 256 bits.
        AesGcm256 = "aes-gcm-256",
        /// ChaCha20-Poly1305 (RFC 7634). IOS has no word for it.
        ChaCha20Poly1305 = "chacha20-poly1305",
    }
}

impl IkeEncryption {
    /// Whether it authenticates as well, so that it goes without an integrity algorithm (RFC 5282 section 8).
    #[must_use]
    pub const fn is_aead(self) -> bool {
        matches!(self, Self::AesGcm128 | Self::AesGcm256 | Self::ChaCha20Poly1305)
    }
}

algorithms! {
    /// How IKE messages are authenticated: `integrity` in a proposal; also the pseudo-random functions of `prf`.
    Hash {
        /// HMAC-SHA-1: for old peers only.
        Sha1 = "sha1",
        /// HMAC-SHA-256: the guide's.
        Sha256 = "sha256",
        /// HMAC-SHA-384.
        Sha384 = "sha384",
        /// HMAC-SHA-512.
        Sha512 = "sha512",
    }
}

algorithms! {
    /// A Diffie-Hellman group: `group` in a proposal, `set pfs` in a profile.
    Group {
        /// MODP with 2048 bits (RFC 3526): the guide's.
        G14 = "14",
        /// MODP with 3072 bits.
        G15 = "15",
        /// MODP with 4096 bits.
        G16 = "16",
        /// The curve P-256 (RFC 5903).
        G19 = "19",
        /// The curve P-384.
        G20 = "20",
        /// The curve P-521.
        G21 = "21",
        /// Curve25519 (RFC 8031). IOS has no word for it.
        G31 = "31",
    }
}

impl Group {
    /// The IANA number.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::G14 => 14,
            Self::G15 => 15,
            Self::G16 => 16,
            Self::G19 => 19,
            Self::G20 => 20,
            Self::G21 => 21,
            Self::G31 => 31,
        }
    }

    /// The group with this IANA number, if this router has it.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|group| group.number() == number)
    }
}

algorithms! {
    /// How packets are encrypted: the `esp-` words of a transform set.
    EspEncryption {
        /// AES-CBC with a key of 128 bits.
        AesCbc128 = "esp-aes 128",
        /// AES-CBC with a key of 192 bits.
        AesCbc192 = "esp-aes 192",
        /// AES-CBC with a key of 256 bits: the guide's.
        AesCbc256 = "esp-aes 256",
        /// AES-GCM with a key of 128 bits and a tag of 16 octets (RFC 4106).
        AesGcm128 = "esp-gcm 128",
        /// AES-GCM with a key of 256 bits.
        AesGcm256 = "esp-gcm 256",
        /// ChaCha20-Poly1305 (RFC 7634). IOS has no word for it.
        ChaCha20Poly1305 = "esp-chacha20-poly1305",
    }
}

impl EspEncryption {
    /// Whether it authenticates as well, so that it goes without an integrity algorithm.
    #[must_use]
    pub const fn is_aead(self) -> bool {
        matches!(self, Self::AesGcm128 | Self::AesGcm256 | Self::ChaCha20Poly1305)
    }
}

algorithms! {
    /// How packets are authenticated.
    EspIntegrity {
        /// HMAC-SHA-1-96: for old peers only.
        Sha1 = "esp-sha-hmac",
        /// HMAC-SHA-256-128: the guide's.
        Sha256 = "esp-sha256-hmac",
        /// HMAC-SHA-384-192.
        Sha384 = "esp-sha384-hmac",
        /// HMAC-SHA-512-256.
        Sha512 = "esp-sha512-hmac",
    }
}

algorithms! {
    /// What a security association wraps.
    Mode {
        /// A whole IP packet: the default of IOS. Costs 20 octets more for GRE, which has an IP header of its own.
        Tunnel = "tunnel",
        /// The payload of the IP packet: what the guide uses.
        Transport = "transport",
    }
}

/// `crypto ikev2 keyring NAME`: pre-shared keys by peer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keyring {
    /// Its name, used by [`IkeProfile::keyring`].
    pub name: String,
    /// The peers. The most specific one that fits a peer's address or identity is used.
    pub peers: Vec<KeyringPeer>,
    /// Where it is written.
    pub origin: Origin,
}

/// `peer NAME` in a keyring.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeyringPeer {
    /// Its name.
    pub name: String,
    /// A remark.
    pub description: String,
    /// The underlay addresses that it stands for; `address 0.0.0.0 0.0.0.0` is everybody.
    pub address: Option<IpNet>,
    /// The peer's host name, as IOS has it: found by name as initiator only. Not resolved here.
    pub hostname: Option<String>,
    /// The identity that it stands for.
    pub identity: Option<Identity>,
    /// The key by which we prove who we are.
    pub local_key: Option<Secret>,
    /// The key by which the peer proves who it is.
    pub remote_key: Option<Secret>,
    /// Where it is written.
    pub origin: Origin,
}

/// `crypto ikev2 proposal NAME`: algorithms in the order of preference.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IkeProposal {
    /// Its name, used by [`IkePolicy::proposals`].
    pub name: String,
    /// Ciphers.
    pub encryption: Vec<IkeEncryption>,
    /// Integrity algorithms; empty when every cipher is an AEAD.
    pub integrity: Vec<Hash>,
    /// Pseudo-random functions; empty: the same as `integrity`.
    pub prf: Vec<Hash>,
    /// Diffie-Hellman groups.
    pub groups: Vec<Group>,
    /// Where it is written.
    pub origin: Origin,
}

impl IkeProposal {
    /// The name of the proposal that exists without being configured.
    pub const DEFAULT_NAME: &'static str = "default";

    /// What is proposed where no policy says otherwise: AES-CBC-256 with SHA-512 or SHA-384 and the groups 19, 14, 21,
    /// as a current IOS-XE has it.
    #[must_use]
    pub fn smart_default() -> Self {
        Self {
            name: Self::DEFAULT_NAME.into(),
            encryption: vec![IkeEncryption::AesCbc256],
            integrity: vec![Hash::Sha512, Hash::Sha384],
            prf: vec![Hash::Sha512, Hash::Sha384],
            groups: vec![Group::G19, Group::G14, Group::G21],
            origin: Origin::default(),
        }
    }

    /// The pseudo-random functions that are meant: those of `prf`, and where it is empty those of `integrity`.
    #[must_use]
    pub fn effective_prf(&self) -> &[Hash] {
        if self.prf.is_empty() { &self.integrity } else { &self.prf }
    }
}

/// `crypto ikev2 policy NAME`: which proposals are used on which of our addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IkePolicy {
    /// Its name.
    pub name: String,
    /// Names of proposals, in the order of preference.
    pub proposals: Vec<String>,
    /// Our underlay addresses to which it applies; empty: all.
    pub match_local_addresses: Vec<IpAddr>,
    /// Where it is written.
    pub origin: Origin,
}

/// Who somebody says that they are (RFC 7296 section 3.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Identity {
    /// ID_IPV4_ADDR or ID_IPV6_ADDR.
    Address(IpAddr),
    /// ID_FQDN.
    Fqdn(String),
    /// ID_RFC822_ADDR.
    Email(String),
    /// ID_KEY_ID.
    KeyId(String),
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "address {address}"),
            Self::Fqdn(name) => write!(f, "fqdn {name}"),
            Self::Email(name) => write!(f, "email {name}"),
            Self::KeyId(name) => write!(f, "key-id {name}"),
        }
    }
}

/// Which identities a profile takes: `match identity remote ...`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum IdentityMatch {
    /// `any`.
    Any,
    /// `address A [MASK]`. `0.0.0.0` without a mask is every IPv4 address, as IOS and the guide mean it.
    Address(IpNet),
    /// `fqdn NAME`: exactly this name.
    Fqdn(String),
    /// `fqdn domain NAME`: every name in this domain.
    FqdnDomain(String),
    /// `email NAME`: exactly this address.
    Email(String),
    /// `email domain NAME`: every address in this domain.
    EmailDomain(String),
    /// `key-id NAME`: exactly this key id.
    KeyId(String),
}

impl IdentityMatch {
    /// Whether it takes this identity. Names compare without regard to case, key ids octet by octet.
    #[must_use]
    pub fn accepts(&self, identity: &Identity) -> bool {
        match (self, identity) {
            (Self::Any, _) => true,
            (Self::Address(prefix), Identity::Address(address)) => prefix.contains(address),
            (Self::Fqdn(name), Identity::Fqdn(other)) | (Self::Email(name), Identity::Email(other)) => {
                name.eq_ignore_ascii_case(other)
            }
            (Self::FqdnDomain(domain), Identity::Fqdn(name)) => ends_after(name, '.', domain),
            (Self::EmailDomain(domain), Identity::Email(name)) => ends_after(name, '@', domain),
            (Self::KeyId(key), Identity::KeyId(other)) => key == other,
            _ => false,
        }
    }
}

fn ends_after(name: &str, separator: char, domain: &str) -> bool {
    let Some(start) = name.len().checked_sub(domain.len()) else { return false };
    let Some((head, tail)) = name.split_at_checked(start) else { return false };
    tail.eq_ignore_ascii_case(domain) && head.ends_with(separator)
}

/// When the peer is asked whether it lives: `dpd INTERVAL RETRY on-demand|periodic`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dpd {
    /// Without a word from the peer for this long, it is asked. 10 to 3600 seconds.
    pub interval: Duration,
    /// How long an answer may take. 2 to 60 seconds.
    pub retry: Duration,
    /// Ask only when we have something to send (`on-demand`), or always (`periodic`).
    pub on_demand: bool,
}

/// `crypto ikev2 profile NAME`: who may connect, and how both ends prove who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IkeProfile {
    /// Its name, used by [`IpsecProfile::ike_profile`].
    pub name: String,
    /// A remark.
    pub description: String,
    /// Which peers it takes: any of these.
    pub match_remote: Vec<IdentityMatch>,
    /// Our underlay addresses to which it applies; empty: all.
    pub match_local_addresses: Vec<IpAddr>,
    /// Who we say that we are; `None`: our underlay address.
    pub identity_local: Option<Identity>,
    /// `authentication local pre-share` is there.
    pub local_pre_share: bool,
    /// The key of `authentication local pre-share key ...`, which takes the place of the keyring's.
    pub local_key: Option<Secret>,
    /// `authentication remote pre-share` is there.
    pub remote_pre_share: bool,
    /// The key of `authentication remote pre-share key ...`.
    pub remote_key: Option<Secret>,
    /// `keyring local NAME`.
    pub keyring: Option<String>,
    /// How long an IKE SA lives. 120 to 86400 seconds; 86400 by default.
    pub lifetime: Duration,
    /// Liveness checks; `None`: those of [`IkeSettings::dpd`].
    pub dpd: Option<Dpd>,
    /// How often a NAT mapping is kept alive. 5 to 3600 seconds; `None`: as [`IkeSettings::nat_keepalive`] says.
    pub nat_keepalive: Option<Duration>,
    /// UDP encapsulation even where no NAT is found: `nat force-encap`.
    pub force_encapsulation: bool,
    /// Always say INITIAL_CONTACT: `initial-contact force`.
    pub force_initial_contact: bool,
    /// Where it is written.
    pub origin: Origin,
}

impl IkeProfile {
    /// A profile that has nothing but its name.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            match_remote: Vec::new(),
            match_local_addresses: Vec::new(),
            identity_local: None,
            local_pre_share: false,
            local_key: None,
            remote_pre_share: false,
            remote_key: None,
            keyring: None,
            lifetime: Duration::from_secs(86_400),
            dpd: None,
            nat_keepalive: None,
            force_encapsulation: false,
            force_initial_contact: false,
            origin: Origin::default(),
        }
    }
}

/// What holds for IKEv2 as a whole: `crypto ikev2 ...`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IkeSettings {
    /// Liveness checks of profiles that say nothing: `crypto ikev2 dpd`.
    pub dpd: Option<Dpd>,
    /// `crypto ikev2 nat keepalive`: 5 to 3600 seconds; `None`: the protocol crate's default of 20 seconds.
    pub nat_keepalive: Option<Duration>,
    /// `crypto ikev2 window`: how many requests may be under way; 1 to 200. `None`: the protocol crate's default.
    pub window: Option<u16>,
    /// `crypto ikev2 cookie-challenge`: from how many half-open SAs on a stranger must prove its address; 1 to 1000.
    pub cookie_challenge: Option<u32>,
    /// `crypto ikev2 limit max-in-negotiation-sa`: the most SAs under negotiation; 1 to 1000.
    pub max_in_negotiation: Option<u32>,
    /// `crypto ikev2 limit max-sa`: the most SAs; 1 to 100000.
    pub max_sas: Option<u32>,
    /// `crypto ikev2 fragmentation [mtu N]` (RFC 7383): the largest datagram, 68 to 1500. `None`: the default of the
    /// protocol crate.
    pub fragmentation_mtu: Option<u16>,
    /// `no crypto ikev2 fragmentation`.
    pub no_fragmentation: bool,
}

/// `crypto ipsec transform-set NAME ...`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransformSet {
    /// Its name, used by [`IpsecProfile::transform_sets`].
    pub name: String,
    /// The cipher.
    pub encryption: EspEncryption,
    /// The integrity algorithm; `None` with an AEAD.
    pub integrity: Option<EspIntegrity>,
    /// Extended sequence numbers: `esn` among the transforms of newer IOS-XE.
    pub esn: bool,
    /// What is wrapped. [`Mode::Tunnel`] by default, as in IOS.
    pub mode: Mode,
    /// Where it is written.
    pub origin: Origin,
}

impl TransformSet {
    /// A transform set in tunnel mode, as IOS makes it.
    #[must_use]
    pub fn new(name: impl Into<String>, encryption: EspEncryption, integrity: Option<EspIntegrity>) -> Self {
        Self {
            name: name.into(),
            encryption,
            integrity,
            esn: false,
            mode: Mode::Tunnel,
            origin: Origin::default(),
        }
    }
}

/// When a volume of data ends the life of a security association.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VolumeLimit {
    /// Never: `disable`.
    Off,
    /// After this many kilobytes (of 1024 octets). 2560 to 4294967295.
    Kilobytes(u32),
}

/// The size of the window that finds replayed packets (RFC 4303 section 3.4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayWindow {
    /// Replayed packets are accepted: `disable`.
    Off,
    /// So many packets: 64, 128, 256, 512 or 1024 as IOS has it, 2048 and 4096 in addition.
    Packets(u16),
}

/// Limits of security associations. Each profile has its own; what it leaves open is taken from [`Config::ipsec`], and
/// what that leaves open from the defaults that the methods of [`Config`] state.
///
/// [`Config::ipsec`]: super::Config::ipsec
/// [`Config`]: super::Config
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SaLimits {
    /// `lifetime seconds`: 120 to 2592000.
    pub lifetime: Option<Duration>,
    /// `lifetime kilobytes`.
    pub volume: Option<VolumeLimit>,
    /// `idle-time`: without traffic for this long, the association goes. 60 to 86400 seconds.
    pub idle_time: Option<Duration>,
    /// `replay window-size`.
    pub replay_window: Option<ReplayWindow>,
}

/// `crypto ipsec profile NAME`: what protects a tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IpsecProfile {
    /// Its name, used by [`Tunnel::protection`](super::Tunnel::protection).
    pub name: String,
    /// A remark.
    pub description: String,
    /// Names of transform sets, in the order of preference.
    pub transform_sets: Vec<String>,
    /// `set ikev2-profile NAME`.
    pub ike_profile: Option<String>,
    /// `set pfs groupN`: a fresh key agreement with every child SA.
    pub pfs: Option<Group>,
    /// Limits.
    pub limits: SaLimits,
    /// `responder-only`: leaves it to the peer to begin. SAs that are up are rekeyed as always.
    pub responder_only: bool,
    /// Where it is written.
    pub origin: Origin,
}
