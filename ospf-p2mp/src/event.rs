//! Facts that a person or an embedder may act on.

use std::fmt;
use std::net::Ipv4Addr;

use crate::id::{AreaId, InterfaceId};

/// Something worth telling.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An adjacency became Full.
    NeighborUp {
        /// Where.
        interface: InterfaceId,
        /// The neighbour's tunnel address.
        address: Ipv4Addr,
        /// The neighbour's router id.
        router_id: Ipv4Addr,
    },
    /// A neighbour that was in 2-Way or beyond is gone or starts again.
    NeighborDown {
        /// Where.
        interface: InterfaceId,
        /// The neighbour's tunnel address.
        address: Ipv4Addr,
        /// The neighbour's router id.
        router_id: Ipv4Addr,
        /// Why.
        reason: DownReason,
    },
    /// A peer speaks, but with parameters that do not allow an adjacency. Told again at most once a minute.
    ParameterMismatch {
        /// Where.
        interface: InterfaceId,
        /// Source address of the packet.
        source: Ipv4Addr,
        /// Which parameter.
        what: Parameter,
        /// Our value.
        ours: ParameterValue,
        /// The peer's value.
        theirs: ParameterValue,
    },
    /// A neighbour is Full, but its Router-LSA has no link back to us, so nothing behind it is reachable. Almost
    /// always the other side runs another OSPF network type.
    FullWithoutLinkBack {
        /// Where.
        interface: InterfaceId,
        /// The neighbour's tunnel address.
        address: Ipv4Addr,
        /// The neighbour's router id.
        router_id: Ipv4Addr,
    },
    /// A database exchange makes no progress. With `mtu_suspected`, large packets seem not to arrive or the peer
    /// refuses our MTU.
    ExchangeStuck {
        /// Where.
        interface: InterfaceId,
        /// The neighbour's tunnel address.
        address: Ipv4Addr,
        /// The neighbour's router id.
        router_id: Ipv4Addr,
        /// Retransmissions so far.
        retransmissions: u32,
        /// Whether the MTU is the likely cause.
        mtu_suspected: bool,
    },
    /// Another router uses our router id, or two neighbours share one.
    DuplicateRouterId {
        /// Where it was seen, if on a link of ours.
        interface: Option<InterfaceId>,
        /// The address of the other router, if known.
        source: Option<Ipv4Addr>,
        /// The id.
        router_id: Ipv4Addr,
    },
    /// An LSA was not stored because a limit of the database was reached. Told again at most once a minute.
    LsdbLimit {
        /// Who issued the LSA.
        advertising_router: Ipv4Addr,
        /// Which limit.
        limit: LsdbLimit,
    },
    /// No further adjacency fits into our Router-LSA: the neighbour stays in 2-Way. Another hub, router id or area
    /// is needed.
    RouterLsaTooLarge {
        /// The area whose Router-LSA is full.
        area: AreaId,
        /// The neighbour that was refused.
        address: Ipv4Addr,
        /// Links there are already.
        links: usize,
    },
    /// Somebody else issued an LSA in our name with other contents; it was outbid.
    ForeignSelfOriginated {
        /// LS type.
        ls_type: u8,
        /// Link state id.
        link_state_id: Ipv4Addr,
        /// The neighbour it came from.
        from: Ipv4Addr,
    },
    /// Two routers of the area claim one tunnel address, so it is not used as a gateway.
    AmbiguousGateway {
        /// The tunnel.
        interface: InterfaceId,
        /// The address.
        address: Ipv4Addr,
        /// Two of the claimants.
        routers: (Ipv4Addr, Ipv4Addr),
    },
    /// An interface came up.
    InterfaceUp {
        /// Which.
        interface: InterfaceId,
    },
    /// An interface went down.
    InterfaceDown {
        /// Which.
        interface: InterfaceId,
    },
    /// The help for a neighbour's graceful restart is over.
    RestartHelpEnded {
        /// The neighbour's tunnel address.
        address: Ipv4Addr,
        /// How it ended.
        end: HelpEnd,
    },
    /// A neighbour restarts gracefully and is helped (RFC 3623).
    RestartHelped {
        /// The neighbour's tunnel address.
        address: Ipv4Addr,
        /// How long it asked for, in seconds.
        grace_period: u32,
    },
}

/// Why a neighbour went down or began again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DownReason {
    /// Nothing heard for the dead interval.
    DeadTimer,
    /// NHRP lost it.
    PeerDown,
    /// The interface went down.
    InterfaceDown,
    /// Its Hello does not list us: it restarted or lost us.
    OneWay,
    /// It came back with another router id.
    RouterIdChanged,
    /// The exchange went out of step (RFC 2328 section 10.6).
    SequenceMismatch,
    /// It asked for an LSA that we do not have.
    BadRequest,
    /// It does not acknowledge.
    TooManyRetransmissions,
    /// The Router-LSA is full.
    Refused,
    /// We shut down.
    Shutdown,
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeadTimer => "dead timer expired",
            Self::PeerDown => "NHRP peer down",
            Self::InterfaceDown => "interface down",
            Self::OneWay => "1-way Hello received",
            Self::RouterIdChanged => "router id changed",
            Self::SequenceMismatch => "sequence number mismatch",
            Self::BadRequest => "bad link state request",
            Self::TooManyRetransmissions => "too many retransmissions",
            Self::Refused => "Router-LSA full",
            Self::Shutdown => "shut down",
        })
    }
}

/// How the help for a restarting neighbour ended (RFC 3623 section 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HelpEnd {
    /// It is back: it flushed its Grace-LSA or is Full again.
    Completed,
    /// The grace period is over.
    Expired,
    /// An LSA changed that it would have to learn.
    TopologyChanged,
    /// It went down for another reason.
    NeighborLost,
}

/// A parameter that two neighbours must agree on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Parameter {
    /// HelloInterval, seconds.
    HelloInterval,
    /// RouterDeadInterval, seconds.
    DeadInterval,
    /// Network mask.
    Mask,
    /// Area id.
    Area,
    /// Stub area flag (the E bit).
    StubArea,
    /// Authentication type, key or digest.
    Authentication,
    /// Interface MTU.
    Mtu,
    /// Designated router fields that a point-to-multipoint peer leaves at zero: the peer runs another network type.
    NetworkType,
}

/// A value of a [`Parameter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParameterValue {
    /// Seconds, octets, a flag.
    Number(u32),
    /// A mask, an area or a designated router.
    Address(Ipv4Addr),
    /// An authentication type and key id.
    Authentication {
        /// 0 null, 1 simple, 2 cryptographic.
        au_type: u16,
        /// Key id of cryptographic authentication.
        key_id: u8,
    },
}

/// A limit of the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LsdbLimit {
    /// [`Limits::lsas`](crate::Limits::lsas)
    Lsas,
    /// [`Limits::lsas_per_router`](crate::Limits::lsas_per_router)
    LsasPerRouter,
    /// [`Limits::lsdb_bytes`](crate::Limits::lsdb_bytes)
    Bytes,
}
