//! The state machine's table, cell by cell.

use super::*;
use NeighborEvent as E;
use NeighborState as S;

const STATES: [S; 8] =
    [S::Down, S::Attempt, S::Init, S::TwoWay, S::ExStart, S::Exchange, S::Loading, S::Full];

/// The states reached from each state, in the order of `STATES`; `None` where the event changes nothing.
fn row(event: E) -> [Option<S>; 8] {
    STATES.map(|state| step(state, event).map(|(next, _)| next))
}

#[test]
fn every_cell_is_as_the_rfc_says() {
    let n = None;
    assert_eq!(row(E::Start), [Some(S::Attempt), n, n, n, n, n, n, n]);
    assert_eq!(row(E::HelloReceived), [Some(S::Init), Some(S::Init), n, n, n, n, n, n]);
    assert_eq!(row(E::TwoWayReceived { adjacency: true }), [n, n, Some(S::ExStart), n, n, n, n, n]);
    assert_eq!(row(E::TwoWayReceived { adjacency: false }), [n, n, Some(S::TwoWay), n, n, n, n, n]);
    assert_eq!(row(E::AdjacencyOk), [n, n, n, Some(S::ExStart), n, n, n, n]);
    assert_eq!(row(E::NegotiationDone), [n, n, n, n, Some(S::Exchange), n, n, n]);
    assert_eq!(row(E::ExchangeDone { requests: true }), [n, n, n, n, n, Some(S::Loading), n, n]);
    assert_eq!(row(E::ExchangeDone { requests: false }), [n, n, n, n, n, Some(S::Full), n, n]);
    assert_eq!(row(E::LoadingDone), [n, n, n, n, n, n, Some(S::Full), n]);
    let again = Some(S::ExStart);
    assert_eq!(row(E::SequenceMismatch), [n, n, n, n, n, again, again, again]);
    assert_eq!(row(E::BadRequest), [n, n, n, n, n, again, again, again]);
    let init = Some(S::Init);
    assert_eq!(row(E::OneWayReceived), [n, n, n, init, init, init, init, init]);
    assert_eq!(row(E::Kill), [Some(S::Down); 8]);
}

#[test]
fn leaving_an_adjacency_clears_or_restarts_it() {
    for state in STATES.into_iter().filter(|state| state.is_adjacent()) {
        assert_eq!(step(state, E::Kill).map(|(_, action)| action), Some(Action::ClearLists));
        assert_eq!(step(state, E::OneWayReceived).map(|(_, action)| action), Some(Action::ClearLists));
    }
    assert_eq!(step(S::Full, E::SequenceMismatch), Some((S::ExStart, Action::StartExchange)));
    assert_eq!(step(S::ExStart, E::NegotiationDone), Some((S::Exchange, Action::DescribeDatabase)));
}

#[test]
fn hellos_mirror_the_peer() {
    let mut neighbor = Neighbor::new(Ipv4Addr::new(10, 0, 0, 1));
    assert_eq!(neighbor.hello_modes(false), (true, true), "silent: both");
    assert_eq!(neighbor.hello_modes(true), (false, true), "silent, non-broadcast: unicast");
    neighbor.heard_unicast = true;
    assert_eq!(neighbor.hello_modes(false), (false, true), "BIRD");
    neighbor.heard_multicast = true;
    assert_eq!(neighbor.hello_modes(false), (true, false), "IOS answers the first Hello by unicast");
    neighbor.heard_unicast = false;
    assert_eq!(neighbor.hello_modes(true), (true, false), "FRR, multicast mode");
}

#[test]
fn back_off_doubles() {
    let (first, longest) = (Duration::from_secs(1), Duration::from_secs(5));
    let waits: Vec<_> = (0..5).map(|attempt| back_off(first, longest, attempt).as_secs()).collect();
    assert_eq!(waits, [1, 2, 4, 5, 5]);
    assert_eq!(back_off(first, longest, u32::MAX), longest);
}
