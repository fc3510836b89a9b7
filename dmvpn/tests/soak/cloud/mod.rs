//! Random clouds over the simulator: a topology, a sequence of faults, the invariants, and a reference model.
//!
//! One seed decides everything. It is shared by the test `soak` and the binary `soak`.
#![allow(dead_code, unused_imports, unreachable_pub, reason = "the test and the binary each use their part")]

mod configuration;
mod dice;
mod fault;
mod invariants;
mod model;
mod run;
mod topology;

pub use run::{Report, run};
