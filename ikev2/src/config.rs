//! Configuration: plain structs close to the words of IOS-XE.

use core::fmt;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use crate::crypto::{Backend, Encryption, Group, Integrity, Prf};
use crate::error::ConfigError;
use crate::secret::Secret;
use crate::wire::{Identity, TrafficSelector};

/// Everything that an [`Endpoint`](crate::Endpoint) needs to know beforehand.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// Our underlay address.
    pub local: IpAddr,
    /// The IKE port, on both sides. Default 500.
    pub port: u16,
    /// The port for IKE and ESP in UDP, on both sides. Default 4500.
    pub nat_port: u16,
    /// Policies, tried in this order when we answer.
    pub profiles: Vec<Profile>,
    /// Bounds on what strangers and peers can make grow.
    pub limits: Limits,
    /// Whether keys come out as [`Event::Keys`](crate::Event::Keys). Default off.
    pub key_log: bool,
    /// When and how often a request is sent again.
    pub retransmission: Retransmission,
    /// IKE fragmentation (RFC 7383).
    pub fragmentation: Fragmentation,
    /// How many requests we are ready to take out of order (SET_WINDOW_SIZE, RFC 7296 section 2.3), 1 to 32. Default
    /// 5 as in IOS.
    pub window: u8,
    /// How many requests we keep outstanding at most on one IKE SA, 1 to 32; never more than the window that the peer
    /// grants. The others wait their turn. Default 1: a gateway with one child SA per peer seldom has two things to ask
    /// at once, and peers meet the fewest surprises. A rekey and the deletion of an IKE SA always stand alone.
    pub send_window: u8,
    /// How long a replaced or deleted child SA still accepts packets. Default 5 s.
    pub inbound_grace: Duration,
    /// How long the redundant one of two crossed IKE SAs is kept, and one that was replaced by reauthentication. Default
    /// 5 s.
    pub crossed_grace: Duration,
    /// How long [`Input::Connect`](crate::Input::Connect) waits for an exchange that the peer has already begun towards
    /// us, counted from its first message, before our own begins. Zero: never. Default 500 ms.
    ///
    /// Two spokes that want each other nearly always do so within a few round trips; without this, most of their first
    /// contacts would cross, and cost both two handshakes. Somebody who forges first requests from the peer's address
    /// can delay a connection by no more than this time.
    pub yield_to_peer: Duration,
    /// The library that agrees on keys. Default AWS-LC if it is built in (feature `aws-lc`), else RustCrypto.
    pub backend: Backend,
}

impl Config {
    /// A configuration with default limits and timers and no profiles.
    #[must_use]
    pub fn new(local: IpAddr) -> Self {
        Self {
            local,
            port: 500,
            nat_port: 4500,
            profiles: Vec::new(),
            limits: Limits::default(),
            key_log: false,
            retransmission: Retransmission::default(),
            fragmentation: Fragmentation::default(),
            window: 5,
            send_window: 1,
            inbound_grace: Duration::from_secs(5),
            crossed_grace: Duration::from_secs(5),
            yield_to_peer: Duration::from_millis(500),
            backend: Backend::default(),
        }
    }

    /// Checks what can be checked before anything runs.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), ConfigError> {
        if self.profiles.is_empty() {
            return Err(ConfigError::NoProfiles);
        }
        if self.profiles.len() > usize::from(u16::MAX) {
            return Err(ConfigError::TooManyProfiles);
        }
        if self.port == self.nat_port {
            return Err(ConfigError::SamePorts);
        }
        for window in [self.window, self.send_window] {
            if !(1..=32).contains(&window) {
                return Err(ConfigError::Window(window));
            }
        }
        if self.retransmission.factor_percent < 100 || self.retransmission.initial.is_zero() {
            return Err(ConfigError::Retransmission);
        }
        if !(256..=65_000).contains(&self.fragmentation.size) {
            return Err(ConfigError::FragmentSize(self.fragmentation.size));
        }
        for (index, profile) in self.profiles.iter().enumerate() {
            profile.validate(index)?;
        }
        Ok(())
    }
}

/// Bounds. Every one of them protects memory or time against strangers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Unauthenticated IKE SAs that strangers started, in all. Default 1000. One takes up to 6 KiB with group 14, so all
    /// of them together 6 MiB; nothing else grows with the number of strangers.
    pub half_open: usize,
    /// The same from one source: an IPv4 address, or the first 64 bits of an IPv6 address. Default 10.
    pub half_open_per_source: usize,
    /// From this many half-open SAs on, a cookie is demanded (RFC 7296 section 2.6). 0 demands it always. Default 100.
    pub cookie_threshold: usize,
    /// How long a half-open SA that a stranger started lives. Default 30 s.
    pub half_open_lifetime: Duration,
    /// Peers in all. Default 20 000.
    pub peers: usize,
    /// IKE SAs of one peer, at least 2; one more closes the oldest. Default 4.
    pub ike_sas_per_peer: usize,
    /// Child SAs of one peer, replaced ones that still accept packets included. Default 16.
    pub children_per_peer: usize,
    /// Answers to strangers per second: error notifies to messages outside of any SA. Default 50.
    pub stranger_answers_per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            half_open: 1000,
            half_open_per_source: 10,
            cookie_threshold: 100,
            half_open_lifetime: Duration::from_secs(30),
            peers: 20_000,
            ike_sas_per_peer: 4,
            children_per_peer: 16,
            stranger_answers_per_second: 50,
        }
    }
}

/// Retransmission of requests: the n-th repetition comes `initial * factor^n` after the one before, with up to
/// 10 % of random extra, so that many spokes do not retry in step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retransmission {
    /// Time until the first repetition. Default 1 s.
    pub initial: Duration,
    /// Growth per repetition in percent; at least 100. Default 180.
    pub factor_percent: u32,
    /// Number of repetitions; after the last one another interval passes before the request counts as failed.
    /// Default 5, which makes 42 s in all.
    pub tries: u32,
}

impl Retransmission {
    /// How long a request is tried, without the random extra.
    #[must_use]
    pub fn total(&self) -> Duration {
        let mut interval = self.initial;
        (0..self.tries).fold(interval, |total, _| {
            interval = interval.saturating_mul(self.factor_percent) / 100;
            total.saturating_add(interval)
        })
    }
}

impl Default for Retransmission {
    fn default() -> Self {
        Self { initial: Duration::from_secs(1), factor_percent: 180, tries: 5 }
    }
}

/// IKE fragmentation (RFC 7383).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragmentation {
    /// Whether we announce and use it. Default on.
    pub enabled: bool,
    /// The largest IKE message, in bytes without IP, UDP and marker, that is sent in one piece. 256 to 65 000.
    /// Default 1232, which fits an IPv6 or IPv4 packet of 1280 bytes.
    pub size: usize,
}

impl Default for Fragmentation {
    fn default() -> Self {
        Self { enabled: true, size: 1232 }
    }
}

/// One policy: whom we talk to, how we authenticate, what we negotiate.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// Its name, for people.
    pub name: String,
    /// What we call ourselves. Default: the local address.
    pub local_identity: Option<Identity>,
    /// Identities that this profile accepts; any one suffices.
    pub match_remote: Vec<IdentityMatch>,
    /// Pre-shared keys.
    pub keyring: Keyring,
    /// IKE proposals, most wanted first.
    pub proposals: Vec<IkeProposal>,
    /// What child SAs look like.
    pub child: ChildPolicy,
    /// Lifetime of an IKE SA; it is rekeyed at a random moment in the last tenth. Default 86 400 s.
    pub lifetime: Duration,
    /// Whether the end of that lifetime is met by reauthentication instead of a rekey: a new IKE SA and child SA first,
    /// then the end of the old ones. Default off, as in IOS.
    pub reauthenticate: bool,
    /// Dead peer detection. Default none, as in IOS.
    pub dpd: Option<Dpd>,
    /// Interval of NAT keepalives while we are behind a NAT. Zero turns them off. Default 20 s.
    pub nat_keepalive: Duration,
    /// Pretend to be behind a NAT, so that ESP travels in UDP. Default off.
    pub force_udp_encapsulation: bool,
    /// Leave it to the peer to begin: [`Input::Connect`](crate::Input::Connect) does nothing. SAs that are up are
    /// rekeyed and checked as always. Default off.
    pub responder_only: bool,
    /// Make the IKE SA without a child SA where the peer announces that it knows how (RFC 6023); the child SA follows at
    /// once in an exchange of its own, with a key agreement of its own if [`ChildPolicy::pfs`] names a group. Default off.
    pub childless: bool,
    /// Whether INITIAL_CONTACT is sent with the first IKE SA to a peer. Default on.
    pub initial_contact: bool,
}

impl Profile {
    /// A profile that accepts any identity, with default proposals (AES-CBC-256, SHA-256, group 14) and lifetimes.
    #[must_use]
    pub fn new(name: impl Into<String>, keyring: Keyring) -> Self {
        Self {
            name: name.into(),
            local_identity: None,
            match_remote: vec![IdentityMatch::Any],
            keyring,
            proposals: vec![IkeProposal::default()],
            child: ChildPolicy::default(),
            lifetime: Duration::from_secs(86_400),
            reauthenticate: false,
            dpd: None,
            nat_keepalive: Duration::from_secs(20),
            force_udp_encapsulation: false,
            responder_only: false,
            childless: false,
            initial_contact: true,
        }
    }

    fn validate(&self, index: usize) -> Result<(), ConfigError> {
        if self.proposals.is_empty() {
            return Err(ConfigError::NoIkeProposal { profile: index });
        }
        for proposal in &self.proposals {
            if proposal.encryption.is_empty() || proposal.groups.is_empty() {
                return Err(ConfigError::EmptyProposal { profile: index });
            }
            let plain = proposal.encryption.iter().any(|e| !e.is_aead());
            if plain && !proposal.integrity.iter().any(|i| *i != Integrity::None) {
                return Err(ConfigError::NoIntegrity { profile: index });
            }
            if proposal.effective_prfs().is_empty() {
                return Err(ConfigError::NoPrf { profile: index });
            }
        }
        if self.child.transforms.is_empty() {
            return Err(ConfigError::NoEspProposal { profile: index });
        }
        for proposal in &self.child.transforms {
            if proposal.encryption.is_empty() {
                return Err(ConfigError::EmptyProposal { profile: index });
            }
            let plain = proposal.encryption.iter().any(|e| !e.is_aead());
            if plain && !proposal.integrity.iter().any(|i| *i != Integrity::None) {
                return Err(ConfigError::NoIntegrity { profile: index });
            }
        }
        if self.match_remote.is_empty() {
            return Err(ConfigError::NoIdentityMatch { profile: index });
        }
        if self.lifetime < Duration::from_secs(10) || self.child.lifetime < Duration::from_secs(10) {
            return Err(ConfigError::LifetimeTooShort { profile: index });
        }
        Ok(())
    }
}

/// A pattern for identities.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IdentityMatch {
    /// Every identity.
    Any,
    /// An address identity within this prefix.
    Address(IpNet),
    /// This host name, ASCII case ignored.
    Fqdn(String),
    /// Every host name under this domain.
    Domain(String),
    /// This mail address, ASCII case ignored.
    Email(String),
    /// Every mail address at this domain.
    EmailDomain(String),
    /// These opaque bytes.
    KeyId(Vec<u8>),
}

impl IdentityMatch {
    /// Whether an identity fits.
    #[must_use]
    pub fn matches(&self, identity: &Identity) -> bool {
        self.specificity(identity).is_some()
    }

    /// How closely an identity fits: larger is closer, `None` is not at all.
    pub(crate) fn specificity(&self, identity: &Identity) -> Option<u16> {
        match (self, identity) {
            (Self::Any, _) => Some(0),
            (Self::Address(net), Identity::Address(address)) => {
                net.contains(address).then(|| 1 + u16::from(net.prefix_len()))
            }
            (Self::Fqdn(name), Identity::Fqdn(other)) | (Self::Email(name), Identity::Email(other)) => {
                name.eq_ignore_ascii_case(other).then_some(u16::MAX)
            }
            (Self::Domain(domain), Identity::Fqdn(name)) => under(name, domain, '.'),
            (Self::EmailDomain(domain), Identity::Email(mail)) => under(mail, domain, '@'),
            (Self::KeyId(bytes), Identity::KeyId(other)) => (bytes == other).then_some(u16::MAX),
            _ => None,
        }
    }
}

fn under(name: &str, domain: &str, separator: char) -> Option<u16> {
    let cut = name.len().checked_sub(domain.len() + 1)?;
    let (head, tail) = (name.get(..cut)?, name.get(cut..)?);
    let domain_part = tail.strip_prefix(separator)?;
    (!head.is_empty() && domain_part.eq_ignore_ascii_case(domain))
        .then(|| 256 + u16::try_from(domain.len()).unwrap_or(u16::MAX - 256).min(1024))
}

/// Pre-shared keys and whom they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keyring {
    /// The entries. The most specific one wins; among equals the first.
    pub peers: Vec<KeyringPeer>,
}

impl Keyring {
    /// One key for every peer at every address, the same in both directions: what the words
    /// `address 0.0.0.0 0.0.0.0` and `pre-shared-key KEY` mean.
    #[must_use]
    pub fn any(key: impl Into<Secret>) -> Self {
        let key = key.into();
        Self {
            peers: vec![KeyringPeer {
                name: "any".into(),
                address: None,
                identity: Some(IdentityMatch::Any),
                local_key: key.clone(),
                remote_key: key,
                ppk: None,
            }],
        }
    }

    /// The entry for a peer. `identity` is what it calls itself, where that is known already.
    ///
    /// An entry fits by its address or, once the identity is known, by its identity. An exact name is closer than any
    /// address; a longer prefix is closer than a shorter one.
    #[must_use]
    pub fn find(&self, address: IpAddr, identity: Option<&Identity>) -> Option<&KeyringPeer> {
        let mut best: Option<(u16, &KeyringPeer)> = None;
        for entry in &self.peers {
            let by_address =
                entry.address.filter(|net| net.contains(&address)).map(|net| 1 + u16::from(net.prefix_len()));
            let by_identity = match (&entry.identity, identity) {
                (Some(IdentityMatch::Any), None) => Some(0),
                (Some(pattern), Some(identity)) => pattern.specificity(identity),
                _ => None,
            };
            let Some(rank) = by_address.max(by_identity) else { continue };
            if best.is_none_or(|(best_rank, _)| rank > best_rank) {
                best = Some((rank, entry));
            }
        }
        best.map(|(_, entry)| entry)
    }
}

/// One entry of a keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyringPeer {
    /// Its name, for people.
    pub name: String,
    /// Fits peers whose underlay address is in this prefix.
    pub address: Option<IpNet>,
    /// Fits peers with such an identity.
    pub identity: Option<IdentityMatch>,
    /// The key that we authenticate with.
    pub local_key: Secret,
    /// The key that the peer must authenticate with.
    pub remote_key: Secret,
    /// A post-quantum pre-shared key (RFC 8784) that is mixed into the keys with this peer.
    pub ppk: Option<Ppk>,
}

/// A post-quantum pre-shared key (RFC 8784): what is recorded today stays secret even from somebody who can break the key
/// agreement later. It protects child SAs and the IKE SAs that rekeys make, not the first IKE SA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ppk {
    /// Its name, which both ends know and which travels encrypted (type PPK_ID_FIXED).
    pub id: Vec<u8>,
    /// The key: at least 32 bytes of real randomness.
    pub key: Secret,
    /// Whether a peer that does not use it is refused. Otherwise the IKE SA goes without.
    pub required: bool,
}

/// Acceptable algorithms for an IKE SA; each list with the most wanted first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IkeProposal {
    /// Encryption.
    pub encryption: Vec<Encryption>,
    /// Integrity; not used with AEAD ciphers.
    pub integrity: Vec<Integrity>,
    /// Pseudo-random functions. Empty: the hashes of `integrity`, as IOS does it; HMAC-SHA2-256 where that is empty
    /// as well.
    pub prf: Vec<Prf>,
    /// Key-agreement groups. The first one of the first proposal is what we send a public value for.
    pub groups: Vec<Group>,
}

impl Default for IkeProposal {
    fn default() -> Self {
        Self {
            encryption: vec![Encryption::AesCbc256],
            integrity: vec![Integrity::HmacSha256_128],
            prf: Vec::new(),
            groups: vec![Group::Modp2048],
        }
    }
}

impl IkeProposal {
    pub(crate) fn effective_prfs(&self) -> Vec<Prf> {
        if !self.prf.is_empty() {
            return self.prf.clone();
        }
        let mut prfs = Vec::new();
        for prf in self.integrity.iter().filter_map(|integrity| integrity.prf()) {
            if !prfs.contains(&prf) {
                prfs.push(prf);
            }
        }
        if prfs.is_empty() && self.encryption.iter().all(|e| e.is_aead()) {
            prfs.push(Prf::HmacSha256);
        }
        prfs
    }
}

/// Acceptable algorithms for a child SA (an IOS transform set).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EspProposal {
    /// Encryption.
    pub encryption: Vec<Encryption>,
    /// Integrity; not used with AEAD ciphers.
    pub integrity: Vec<Integrity>,
    /// Whether extended sequence numbers are offered and preferred. Default off, as in IOS.
    pub esn: bool,
}

impl Default for EspProposal {
    fn default() -> Self {
        Self {
            encryption: vec![Encryption::AesCbc256],
            integrity: vec![Integrity::HmacSha256_128],
            esn: false,
        }
    }
}

/// ESP mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// ESP between the IP header and its payload.
    #[default]
    Transport,
    /// ESP around a whole IP packet.
    Tunnel,
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Transport => "transport",
            Self::Tunnel => "tunnel",
        })
    }
}

/// What a child SA protects.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Selectors {
    /// GRE (protocol 47) between the two underlay addresses.
    #[default]
    Gre,
    /// These, our side and the peer's side.
    Explicit {
        /// Our side.
        local: Vec<TrafficSelector>,
        /// The peer's side.
        remote: Vec<TrafficSelector>,
    },
}

/// What child SAs look like (an IOS IPsec profile).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChildPolicy {
    /// ESP proposals, most wanted first.
    pub transforms: Vec<EspProposal>,
    /// Transport or tunnel. A peer that does not grant transport mode gets no child SA.
    pub mode: Mode,
    /// What is protected.
    pub selectors: Selectors,
    /// Groups for a fresh key agreement with each rekey of a child SA (perfect forward secrecy), most wanted first.
    /// Empty, the default: none.
    pub pfs: Vec<Group>,
    /// Lifetime; the SA is rekeyed at a random moment in the last tenth, earlier if that leaves no time for all
    /// repetitions of the request. At the end of its lifetime, or at a hard limit of bytes or packets, an SA is not used
    /// any more, even if its rekey is under way: no limit is ever stretched. What the rekey brings then takes its place,
    /// and if it brings nothing, a new SA is asked for at once. Default 3600 s.
    pub lifetime: Duration,
    /// Lifetime in bytes. Default 4 608 000 KiB, as in IOS.
    pub lifetime_bytes: Option<u64>,
    /// Lifetime in packets. Default none.
    pub lifetime_packets: Option<u64>,
}

impl Default for ChildPolicy {
    fn default() -> Self {
        Self {
            transforms: vec![EspProposal::default()],
            mode: Mode::default(),
            selectors: Selectors::default(),
            pfs: Vec::new(),
            lifetime: Duration::from_secs(3600),
            lifetime_bytes: Some(4_608_000 * 1024),
            lifetime_packets: None,
        }
    }
}

impl ChildPolicy {
    /// The defaults with these proposals.
    #[must_use]
    pub fn new(transforms: Vec<EspProposal>) -> Self {
        Self { transforms, ..Self::default() }
    }
}

/// Dead peer detection (liveness check, RFC 7296 section 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dpd {
    /// After this long without any authentic packet from the peer a sign of life is asked for.
    pub interval: Duration,
    /// Time between repetitions of that question. There are [`Retransmission::tries`] of them.
    pub retry: Duration,
    /// Who starts it.
    pub mode: DpdMode,
}

impl Dpd {
    /// For [`DpdMode::OnDemand`], how many intervals an SA may be silent when nobody demands anything.
    const IDLE_INTERVALS: u32 = 30;

    /// After how much silence the endpoint asks by itself.
    #[must_use]
    pub fn longest_silence(&self) -> Duration {
        match self.mode {
            DpdMode::Periodic => self.interval,
            DpdMode::OnDemand => self.interval.saturating_mul(Self::IDLE_INTERVALS),
        }
    }
}

/// Who starts a liveness check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DpdMode {
    /// [`Input::CheckLiveness`](crate::Input::CheckLiveness), if nothing was heard for the interval. The embedder asks
    /// when it has something to send, which this crate cannot see. For a peer that vanished and that nobody has
    /// anything to say to, the endpoint asks after thirty intervals: its SA would stay until the end of its lifetime.
    #[default]
    OnDemand,
    /// The endpoint, every interval in which nothing was heard.
    Periodic,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, address: Option<&str>, identity: Option<IdentityMatch>) -> KeyringPeer {
        KeyringPeer {
            name: name.into(),
            address: address.map(|net| net.parse().unwrap()),
            identity,
            local_key: name.into(),
            remote_key: name.into(),
            ppk: None,
        }
    }

    #[test]
    fn keyring_takes_the_most_specific_entry() {
        let keyring = Keyring {
            peers: vec![
                entry("any", Some("0.0.0.0/0"), None),
                entry("net", Some("198.51.100.0/24"), None),
                entry("host", Some("198.51.100.7/32"), None),
                entry("name", None, Some(IdentityMatch::Fqdn("hub.example".into()))),
                entry("domain", None, Some(IdentityMatch::Domain("example".into()))),
            ],
        };
        let find = |address: &str, identity: Option<Identity>| {
            keyring.find(address.parse().unwrap(), identity.as_ref()).map(|peer| peer.name.clone())
        };
        let name = |name: &str| Some(Identity::Fqdn(name.into()));
        assert_eq!(find("192.0.2.1", None).as_deref(), Some("any"));
        assert_eq!(find("198.51.100.8", None).as_deref(), Some("net"));
        assert_eq!(find("198.51.100.7", None).as_deref(), Some("host"));
        assert_eq!(find("198.51.100.7", name("hub.example")).as_deref(), Some("name"));
        assert_eq!(find("198.51.100.8", name("spoke.example")).as_deref(), Some("domain"));
        assert_eq!(find("2001:db8::1", None), None);
    }

    #[test]
    fn domains_match_below_a_dot_only() {
        let domain = IdentityMatch::Domain("example.org".into());
        let name = |name: &str| Identity::Fqdn(name.into());
        assert!(domain.matches(&name("a.example.org")) && domain.matches(&name("a.b.EXAMPLE.org")));
        assert!(!domain.matches(&name("example.org")) && !domain.matches(&name("badexample.org")));
        assert!(!domain.matches(&name(".example.org")) && !domain.matches(&name("")));
        let mail = IdentityMatch::EmailDomain("example.org".into());
        assert!(mail.matches(&Identity::Email("x@example.org".into())));
        assert!(!mail.matches(&Identity::Email("x@a.example.org".into())));
    }

    #[test]
    fn what_cannot_work_is_refused() {
        let fine = || {
            let mut config = Config::new([192, 0, 2, 1].into());
            config.profiles.push(Profile::new("p", Keyring::any("key")));
            config
        };
        let broken = |change: fn(&mut Config)| {
            let mut config = fine();
            change(&mut config);
            config.validate()
        };
        assert_eq!(fine().validate(), Ok(()));
        assert_eq!(broken(|c| c.profiles.clear()), Err(ConfigError::NoProfiles));
        assert_eq!(broken(|c| c.nat_port = 500), Err(ConfigError::SamePorts));
        assert_eq!(broken(|c| c.window = 0), Err(ConfigError::Window(0)));
        assert_eq!(broken(|c| c.retransmission.factor_percent = 99), Err(ConfigError::Retransmission));
        assert_eq!(broken(|c| c.fragmentation.size = 100), Err(ConfigError::FragmentSize(100)));
        let profile = 0;
        assert_eq!(broken(|c| c.profiles[0].proposals.clear()), Err(ConfigError::NoIkeProposal { profile }));
        let no_integrity = broken(|c| c.profiles[0].child.transforms[0].integrity.clear());
        assert_eq!(no_integrity, Err(ConfigError::NoIntegrity { profile }));
        let no_group = broken(|c| c.profiles[0].proposals[0].groups.clear());
        assert_eq!(no_group, Err(ConfigError::EmptyProposal { profile }));
        assert_eq!(
            broken(|c| c.profiles[0].match_remote.clear()),
            Err(ConfigError::NoIdentityMatch { profile })
        );
        let short = broken(|c| c.profiles[0].lifetime = Duration::from_secs(1));
        assert_eq!(short, Err(ConfigError::LifetimeTooShort { profile }));
    }
}
