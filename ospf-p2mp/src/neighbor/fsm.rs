//! The neighbour state machine (RFC 2328 section 10.3) as a function without side effects.

use std::fmt;

/// How far a conversation with a neighbour has come (RFC 2328 section 10.1), in order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NeighborState {
    /// Nothing heard lately.
    #[default]
    Down,
    /// Announced by NHRP or the configuration, nothing heard yet.
    Attempt,
    /// Heard, but it does not hear us.
    Init,
    /// Each hears the other.
    TwoWay,
    /// Agreeing on who is master.
    ExStart,
    /// Describing the databases.
    Exchange,
    /// Asking for what the description showed to be missing.
    Loading,
    /// Databases agree.
    Full,
}

impl fmt::Display for NeighborState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "DOWN",
            Self::Attempt => "ATTEMPT",
            Self::Init => "INIT",
            Self::TwoWay => "2WAY",
            Self::ExStart => "EXSTART",
            Self::Exchange => "EXCHANGE",
            Self::Loading => "LOADING",
            Self::Full => "FULL",
        })
    }
}
