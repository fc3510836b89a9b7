//! A neighbour: its state, its part of a database exchange, its queues.

mod fsm;

pub use fsm::NeighborState;
