//! A router's configuration: what it is, whether it makes sense, and how IOS-XE writes it.
//!
//! [`Config`] is plain data: build it in a program, or read it with [`ios::parse`] from the text that a router of Cisco's
//! has. [`Config::validate`] then says everything that is wrong or doubtful about it, at once and by file and line; nothing
//! else in this module judges. The engine translates a configuration into those of the protocols.
//!
//! ```
//! use dmvpn::config::{Severity, ios};
//!
//! let text = "\
//! hostname SPOKE1
//! interface Tunnel0
//!  ip address 10.0.0.11 255.255.255.0
//!  no ip redirects
//!  ip nhrp network-id 100
//!  ip nhrp nhs 10.0.0.1
//!  ip tcp adjust-mss 1360
//!  ip ospf network point-to-multipoint
//!  tunnel source GigabitEthernet0/0/0
//!  tunnel mode gre multipoint
//! interface GigabitEthernet0/0/0
//!  ip address 198.51.100.1 255.255.255.0
//! ";
//! let parsed = ios::parse("spoke1.cfg", text);
//! assert!(parsed.diagnostics.is_empty(), "every line was understood");
//!
//! let tunnel = parsed.config.interface("Tunnel0").and_then(|interface| interface.tunnel.as_ref());
//! assert_eq!(tunnel.map(|tunnel| tunnel.is_spoke()), Some(true));
//!
//! // The server has no mapping: the spoke would never find it.
//! let found = parsed.config.validate();
//! let error = found.iter().find(|one| one.severity == Severity::Error).map(ToString::to_string);
//! assert_eq!(
//!     error.as_deref(),
//!     Some(
//!         "spoke1.cfg:6: error: Tunnel0: next-hop server 10.0.0.1 has no underlay address: the spoke cannot register; \
//!          expected 'ip nhrp map 10.0.0.1 NBMA-ADDRESS', or 'nbma' on the line itself"
//!     )
//! );
//! ```
//!
//! # What is where
//! | Part | Types |
//! |---|---|
//! | IKEv2 | [`Keyring`], [`IkeProposal`], [`IkePolicy`], [`IkeProfile`], [`IkeSettings`] |
//! | IPsec | [`TransformSet`], [`IpsecProfile`], [`SaLimits`] |
//! | Interfaces | [`Interface`], [`Tunnel`], [`Nhrp`], [`InterfaceOspf`] |
//! | Routing | [`Ospf`], [`KeyChain`], [`StaticRoute`] |
//! | Whether a cloud fits together | [`check`] |
//! | What is said about it | [`Diagnostic`], [`Rule`], [`Severity`], [`Line`], [`Origin`] |

pub mod check;
mod crypto;
mod diagnostic;
mod interface;
pub mod ios;
mod nhrp;
mod origin;
mod ospf;
mod resolve;
mod secret;
mod validate;

#[cfg(test)]
mod tests;

pub use crypto::{
    Dpd, EspEncryption, EspIntegrity, Group, Hash, Identity, IdentityMatch, IkeEncryption, IkePolicy,
    IkeProfile, IkeProposal, IkeSettings, IpsecProfile, Keyring, KeyringPeer, Mode, ReplayWindow, SaLimits,
    TransformSet, VolumeLimit,
};
pub use diagnostic::{Diagnostic, Rule, Severity};
pub use interface::{Interface, InterfaceAddress, StaticRoute, Tunnel, TunnelMode, TunnelSource};
pub use nhrp::{Cluster, MaxSend, MulticastMap, Nbma, Nhrp, NhrpMap, NhrpPermit, Nhs};
pub use origin::{Line, Origin};
pub use ospf::{
    Area, AreaId, ChainAlgorithm, ChainKey, DefaultInformation, InterfaceOspf, KeyChain, KeyLifetime,
    MaxMetric, MessageDigestKey, MetricType, NextHopMode, Ospf, OspfAuthentication, OspfNeighbor,
    OspfNetwork, OspfNetworkType, Redistribute, RouteSource, Throttle,
};
pub use secret::Secret;

/// A router's configuration.
///
/// `Default` is an empty one. Names that one part uses for another (profiles, keyrings, interfaces) are plain strings;
/// the methods find what they mean. Equality does not look at where things are written; see [`Line`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The router's name.
    pub hostname: String,
    /// `crypto ikev2 keyring`.
    pub keyrings: Vec<Keyring>,
    /// `crypto ikev2 proposal`.
    pub ike_proposals: Vec<IkeProposal>,
    /// `crypto ikev2 policy`.
    pub ike_policies: Vec<IkePolicy>,
    /// `crypto ikev2 profile`.
    pub ike_profiles: Vec<IkeProfile>,
    /// `crypto ikev2 ...`, what holds for all.
    pub ike: IkeSettings,
    /// `crypto ipsec transform-set`.
    pub transform_sets: Vec<TransformSet>,
    /// `crypto ipsec profile`.
    pub ipsec_profiles: Vec<IpsecProfile>,
    /// `crypto ipsec security-association ...`, for profiles that leave it open.
    pub ipsec: SaLimits,
    /// `interface`, in the order of the file.
    pub interfaces: Vec<Interface>,
    /// `router ospf`.
    pub ospf: Option<Ospf>,
    /// `key chain`.
    pub key_chains: Vec<KeyChain>,
    /// `ip route`.
    pub static_routes: Vec<StaticRoute>,
    /// Where it is written.
    pub origin: Origin,
}
