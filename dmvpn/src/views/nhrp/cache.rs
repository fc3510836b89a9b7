//! `show ip nhrp [detail]`.

use core::fmt;
use core::net::IpAddr;
use core::time::Duration;

use ipnet::IpNet;

use super::NhrpBrief;
use crate::views::PathState;
use crate::views::text::{Address, Prefix};
use crate::views::time::{Age, Expiry};

/// The NHRP cache: `show ip nhrp`, with `detail` set `show ip nhrp detail`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpCache {
    /// The entries, in the order in which they are printed.
    pub entries: Vec<NhrpEntry>,
    /// Whether the text has the lines of `detail`.
    pub detail: bool,
}

/// One mapping from an overlay prefix to an underlay address.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpEntry {
    /// The overlay prefix that is mapped.
    pub prefix: IpNet,
    /// The overlay address of the router that serves the prefix. Not printed while the entry is incomplete.
    pub next_hop: IpAddr,
    /// The tunnel.
    pub interface: String,
    /// How long ago the entry was created.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub created: Duration,
    /// When the entry expires; `None` is never.
    #[cfg_attr(feature = "serde", serde(serialize_with = "crate::views::time::seconds"))]
    pub expires: Option<Duration>,
    /// Where the entry comes from.
    pub kind: NhrpKind,
    /// What is known of the entry. Printed in IOS's order, each once, whatever their order here.
    pub flags: Vec<NhrpFlag>,
    /// The underlay address in use; none while the entry is incomplete.
    pub nbma: Option<IpAddr>,
    /// The underlay address that the peer has behind its NAT, where it differs.
    pub claimed_nbma: Option<IpAddr>,
    /// How many packets wanted this entry while it was incomplete.
    pub cache_hits: u64,
    /// `detail`: the preference of the client information entry (RFC 2332 section 5.2.0.1).
    pub preference: u8,
    /// `detail`: who asked for a local entry and may have to be told when it goes.
    pub requesters: Vec<NhrpRequester>,
    /// `detail`: the group that the client named (`nhrp group`); IOS has it in `show dmvpn detail`.
    pub group: Option<String>,
    /// `detail`: the state of the direct path to the next hop, which IOS does not know.
    pub path: Option<PathState>,
}

/// Who was answered with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct NhrpRequester {
    /// The requester's overlay address.
    pub address: IpAddr,
    /// The request id of its resolution request.
    pub request_id: u32,
}

words! {
    /// Where a cache entry comes from. IOS prints an entry of the router itself as static, with the flag `local`.
    NhrpKind {
        /// Configured (`ip nhrp map`).
        Static = "static",
        /// Learned from a registration or a resolution.
        Dynamic = "dynamic",
        /// Asked for, not yet answered.
        Incomplete = "incomplete",
        /// The router's own.
        Local = "static",
    }
}

words! {
    /// What is known of a cache entry. The order is the one in which IOS prints flags.
    NhrpFlag {
        /// Learned from the server or the router that owns the mapping.
        Authoritative = "authoritative",
        /// The peer is a router, which may serve more than its own address.
        Router = "router",
        /// Learned from the source of a request, not from an answer.
        Implicit = "implicit",
        /// Registered with the uniqueness bit: another underlay address is refused.
        Unique = "unique",
        /// The peer understands the NAT extension.
        Nat = "nat",
        /// Created by a registration.
        Registered = "registered",
        /// Held only until the real mapping is known.
        Temporary = "temporary",
        /// Packets used it not long ago.
        Used = "used",
        /// A next hop of routes.
        Nhop = "nhop",
        /// A route of the routing table is installed from it.
        Rib = "rib",
        /// It overrides the next hop of a route.
        Nho = "nho",
        /// The router's own network.
        Local = "local",
        /// The answer was that there is none.
        Negative = "negative",
        /// No IPsec session is set up for it. IOS prints it on a line of its own.
        NoSocket = "no-socket",
    }
}

impl NhrpEntry {
    /// An entry without flags, just created, which never expires.
    #[must_use]
    pub fn new(prefix: IpNet, next_hop: IpAddr, interface: impl Into<String>, kind: NhrpKind) -> Self {
        Self {
            prefix,
            next_hop,
            interface: interface.into(),
            created: Duration::ZERO,
            expires: None,
            kind,
            flags: Vec::new(),
            nbma: None,
            claimed_nbma: None,
            cache_hits: 0,
            preference: 255,
            requesters: Vec::new(),
            group: None,
            path: None,
        }
    }

    /// Whether the entry has this flag.
    #[must_use]
    pub fn has(&self, flag: NhrpFlag) -> bool {
        self.flags.contains(&flag)
    }

    /// The flags in IOS's order, each once, without the one that has its own line.
    pub(super) fn printed_flags(&self) -> Vec<NhrpFlag> {
        let mut flags = self.flags.clone();
        if self.kind == NhrpKind::Local {
            flags.push(NhrpFlag::Local);
        }
        flags.retain(|flag| *flag != NhrpFlag::NoSocket);
        flags.sort_unstable();
        flags.dedup();
        flags
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, detail: bool) -> fmt::Result {
        let incomplete = self.kind == NhrpKind::Incomplete;
        if incomplete {
            writeln!(f, "{}", Prefix(self.prefix))?;
        } else {
            writeln!(f, "{} via {}", Prefix(self.prefix), Address(self.next_hop))?;
        }
        writeln!(f, "   {} created {}, {}", self.interface, Age(self.created), Expiry(self.expires))?;
        write!(f, "   Type: {}, Flags:", self.kind)?;
        for flag in self.printed_flags() {
            write!(f, " {flag}")?;
        }
        writeln!(f)?;
        if incomplete {
            writeln!(f, "   Cache hits: {}", self.cache_hits)?;
        }
        if let Some(nbma) = self.nbma {
            writeln!(f, "   NBMA address: {}", Address(nbma))?;
        }
        if let Some(claimed) = self.claimed_nbma {
            writeln!(f, "    (Claimed NBMA address: {})", Address(claimed))?;
        }
        if detail && !incomplete {
            writeln!(f, "   Preference: {}", self.preference)?;
        }
        if self.has(NhrpFlag::NoSocket) {
            writeln!(f, "    (no-socket)")?;
        }
        if detail {
            for requester in &self.requesters {
                let NhrpRequester { address, request_id } = *requester;
                writeln!(f, "  Requester: {} Request ID: {request_id}", Address(address))?;
            }
            if let Some(group) = &self.group {
                writeln!(f, "   NHRP group: {group}")?;
            }
            if let Some(path) = self.path {
                writeln!(f, "   Direct path: {path}")?;
            }
        }
        Ok(())
    }
}

impl NhrpCache {
    /// The same entries as `show ip nhrp brief`.
    #[must_use]
    pub fn brief(&self) -> NhrpBrief<'_> {
        NhrpBrief::new(&self.entries)
    }
}

impl fmt::Display for NhrpCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entries.iter().try_for_each(|entry| entry.write(f, self.detail))
    }
}
