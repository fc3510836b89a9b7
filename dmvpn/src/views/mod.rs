//! What `show` commands answer: data with a text form.
//!
//! A view is a snapshot: plain data that the engine fills, that a program reads, and that (feature `serde`) serialises
//! without a text in between. Its [`Display`](core::fmt::Display) is the output of the IOS-XE command of the same name,
//! in the words and the columns that a network engineer and the tools around him know.
//!
//! | view | command |
//! |---|---|
//! | [`NhrpCache`] | `show ip nhrp [detail]`; [`NhrpCache::brief`] is `show ip nhrp brief` |
//! | [`NhrpNhs`], [`NhrpMulticast`], [`NhrpTraffic`] | `show ip nhrp nhs [detail]`, `multicast`, `traffic` |
//! | [`Dmvpn`] | `show dmvpn [detail]` |
//! | [`CryptoSessions`] | `show crypto session [detail]` |
//! | [`Ikev2Sas`] | `show crypto ikev2 sa [detail]` |
//! | [`IpsecSas`] | `show crypto ipsec sa` |
//! | [`OspfProcess`] | `show ip ospf` |
//! | [`OspfNeighbors`] | `show ip ospf neighbor [detail]` |
//! | [`OspfInterfaces`] | `show ip ospf interface [brief]` |
//! | [`OspfDatabase`] | `show ip ospf database [router, network, ...]` |
//! | [`RouteTable`], [`RouteLookup`] | `show ip route [ospf]`, `show ip route PREFIX` |
//! | [`Interface`] | `show interface Tunnel0` |
//! | [`Ping`], [`Traceroute`] | `ping`, `traceroute` |
//! | [`Metrics`] | what Prometheus reads |
//!
//! # The text
//! - Every line ends with a newline, so a text is printed with `print!`; a view without anything to say is empty.
//! - No line ends in blanks. IOS leaves blanks behind some words; whoever compares trims them there.
//! - Lines that IOS does not have say what IOS cannot know: the state of a direct path, the fallbacks of a route, drops
//!   by reason. They stand below the lines that they explain, so that a parser for IOS passes over them.
//! - IPv6 addresses are in upper case, as IOS prints them. An address too wide for its column has a line for itself.
//!
//! # The data
//! Serialised, enumerations are lower-case words (`"up"`, `"no-socket"`); ages and times to live are whole seconds, with
//! `null` for "never"; round-trip times and throttles are seconds with a fraction.
//!
//! ```
//! use core::time::Duration;
//! use dmvpn::views::{NhrpCache, NhrpEntry, NhrpFlag, NhrpKind};
//!
//! let mut entry = NhrpEntry::new("10.0.0.11/32".parse()?, "10.0.0.11".parse()?, "Tunnel0", NhrpKind::Dynamic);
//! entry.created = Duration::from_secs(192);
//! entry.expires = Some(Duration::from_secs(287));
//! entry.flags = vec![NhrpFlag::Registered, NhrpFlag::Nhop];
//! entry.nbma = Some("198.51.100.1".parse()?);
//! let view = NhrpCache { entries: vec![entry], detail: false };
//! assert_eq!(
//!     view.to_string(),
//!     "10.0.0.11/32 via 10.0.0.11\n   \
//!         Tunnel0 created 00:03:12, expire 00:04:47\n   \
//!         Type: dynamic, Flags: registered nhop\n   \
//!         NBMA address: 198.51.100.1\n"
//! );
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

#[macro_use]
mod text;

mod crypto;
mod dmvpn;
mod interface;
mod metrics;
mod nhrp;
mod ospf;
mod ping;
mod route;
pub mod time;

#[cfg(test)]
mod golden;

pub use self::crypto::{
    Capability, CryptoSession, CryptoSessions, FlowCounters, IkeAuthentication, IkeStatus, Ikev2Sa, Ikev2Sas,
    IpsecCounters, IpsecFlow, IpsecMode, IpsecSa, IpsecSas, MessageIds, Nat, SessionFlow, SessionIke,
    SessionStatus, TrafficSelector,
};
pub use self::dmvpn::{Dmvpn, DmvpnAttribute, DmvpnEntry, DmvpnInterface, DmvpnPeer, DmvpnRole, PeerState};
pub use self::interface::{Interface, InterfaceCounters, TunnelDetails};
pub use self::metrics::{MetricFamily, MetricKind, MetricSample, Metrics};
pub use self::nhrp::{
    NhrpBrief, NhrpCache, NhrpCounts, NhrpEntry, NhrpFlag, NhrpInterfaceTraffic, NhrpKind, NhrpMulticast,
    NhrpMulticastMember, NhrpNhs, NhrpRequester, NhrpTraffic, NhsEntry, NhsInterface, NhsState,
    PendingRegistration,
};
pub use self::ospf::{
    Lsa, LsaBody, LsaHeader, LsaKind, OspfArea, OspfAreaKind, OspfAuthentication, OspfDatabase,
    OspfDatabaseArea, OspfInterface, OspfInterfaces, OspfLink, OspfLinkKind, OspfNeighbor, OspfNeighborState,
    OspfNeighbors, OspfNetworkType, OspfProcess, OspfThrottle,
};
pub use self::ping::{Ping, PingReply, Traceroute, TracerouteHop, TracerouteProbe, Unreachable};
pub use self::route::{
    DirectPath, Fallback, PathState, Route, RouteKind, RouteLookup, RoutePath, RouteTable, RouteType,
};
