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

impl NeighborState {
    /// Whether the two are exchanging databases now.
    pub fn is_exchanging(self) -> bool {
        matches!(self, Self::ExStart | Self::Exchange | Self::Loading)
    }

    /// Whether LSAs may be under way that one side has described and the other has not asked for yet.
    pub(crate) fn is_describing(self) -> bool {
        matches!(self, Self::Exchange | Self::Loading)
    }

    /// Whether an adjacency exists or is being built.
    pub fn is_adjacent(self) -> bool {
        self >= Self::ExStart
    }
}

/// What can happen to a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NeighborEvent {
    /// Announced; Hellos go out.
    Start,
    /// A Hello came.
    HelloReceived,
    /// The Hello lists us.
    TwoWayReceived {
        /// Whether an adjacency may be built now. On point-to-multipoint one always should be; limits may defer it.
        adjacency: bool,
    },
    /// An adjacency that was deferred may be built.
    AdjacencyOk,
    /// Master and slave are settled.
    NegotiationDone,
    /// Both have described everything.
    ExchangeDone {
        /// Whether something must be asked for.
        requests: bool,
    },
    /// Everything asked for has come.
    LoadingDone,
    /// A Database Description out of step.
    SequenceMismatch,
    /// A request for something that we do not have.
    BadRequest,
    /// The Hello does not list us.
    OneWayReceived,
    /// Dead timer, interface or peer down.
    Kill,
}

/// What must be done when a transition is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing but the change of state.
    None,
    /// Begin an exchange: a new sequence number, an empty description with I, M and MS.
    StartExchange,
    /// List the database for the descriptions.
    DescribeDatabase,
    /// Forget the exchange and everything queued.
    ClearLists,
}

/// RFC 2328 section 10.3, without the parts of designated routers. `None`: the event changes nothing here.
///
/// | event \ state | Down | Attempt | Init | TwoWay | ExStart | Exchange | Loading | Full |
/// |---|---|---|---|---|---|---|---|---|
/// | Start | Attempt | | | | | | | |
/// | HelloReceived | Init | Init | | | | | | |
/// | TwoWayReceived | | | TwoWay or ExStart | | | | | |
/// | AdjacencyOk | | | | ExStart | | | | |
/// | NegotiationDone | | | | | Exchange | | | |
/// | ExchangeDone | | | | | | Loading or Full | | |
/// | LoadingDone | | | | | | | Full | |
/// | SequenceMismatch, BadRequest | | | | | | ExStart | ExStart | ExStart |
/// | OneWayReceived | | | | Init | Init | Init | Init | Init |
/// | Kill | Down | Down | Down | Down | Down | Down | Down | Down |
pub(crate) fn step(state: NeighborState, event: NeighborEvent) -> Option<(NeighborState, Action)> {
    use NeighborEvent as E;
    use NeighborState as S;
    match (state, event) {
        (S::Down, E::Start) => Some((S::Attempt, Action::None)),
        (S::Down | S::Attempt, E::HelloReceived) => Some((S::Init, Action::None)),
        (S::Init, E::TwoWayReceived { adjacency: false }) => Some((S::TwoWay, Action::None)),
        (S::Init, E::TwoWayReceived { adjacency: true }) | (S::TwoWay, E::AdjacencyOk) => {
            Some((S::ExStart, Action::StartExchange))
        }
        (S::ExStart, E::NegotiationDone) => Some((S::Exchange, Action::DescribeDatabase)),
        (S::Exchange, E::ExchangeDone { requests: true }) => Some((S::Loading, Action::None)),
        (S::Exchange, E::ExchangeDone { requests: false }) | (S::Loading, E::LoadingDone) => {
            Some((S::Full, Action::None))
        }
        (S::Exchange | S::Loading | S::Full, E::SequenceMismatch | E::BadRequest) => {
            Some((S::ExStart, Action::StartExchange))
        }
        (S::TwoWay | S::ExStart | S::Exchange | S::Loading | S::Full, E::OneWayReceived) => {
            Some((S::Init, Action::ClearLists))
        }
        (_, E::Kill) => Some((S::Down, Action::ClearLists)),
        _ => None,
    }
}
