//! OSPFv2 (RFC 2328) over point-to-multipoint tunnels without I/O, with next hops that make DMVPN phase 2 work
#![forbid(unsafe_code)]

pub mod auth;
mod config;
mod event;
mod id;
mod io;
mod lsdb;
mod neighbor;
mod rib;
mod route;
mod router;
mod spf;
mod stats;
mod throttle;
mod timer;
mod view;
pub mod wire;

pub use auth::Authentication;
pub use config::{
    AreaConfig, AreaKind, Config, ConfigError, InterfaceConfig, Limits, NetworkType, NextHopMode, StubRouter,
    ThrottleConfig, Timers,
};
pub use event::{DownReason, Event, LsdbLimit, Parameter, ParameterValue};
pub use id::{AreaId, InterfaceId};
pub use io::{ALL_SPF_ROUTERS, ExternalRoute, IP_PROTOCOL, Input, Output, Redistribute};
pub use neighbor::NeighborState;
pub use route::{Direct, NextHop, Route, RouteChange, RouteKind};
pub use router::Router;
pub use stats::{DropReason, Stats};
pub use view::{AreaView, InterfaceView, LsaView, NeighborView, RouterView};
