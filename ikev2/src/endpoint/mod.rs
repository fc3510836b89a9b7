//! The state machine of one underlay address.

use core::fmt;
use std::time::Instant;

use rand_core::CryptoRng;

use crate::config::Config;
use crate::error::ConfigError;
use crate::ids::ChildId;
use crate::io::{Input, Output};
use crate::stats::Stats;
use crate::view::PeerView;

/// All IKE SAs of one underlay address.
pub struct Endpoint {
    stats: Stats,
}

impl Endpoint {
    /// Makes an endpoint.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn new(
        config: Config,
        _rng: impl CryptoRng + Send + 'static,
        _now: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self { stats: Stats::default() })
    }

    /// Takes one input.
    pub fn handle_input(&mut self, _now: Instant, _input: Input<'_>) {}

    /// Does what is due.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// Hands out the next output.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// When [`Endpoint::handle_timeout`] wants to be called.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// What the next timeout is for.
    #[must_use]
    pub fn timeout_reason(&self) -> Option<&'static str> {
        None
    }

    /// The data lane saw an authentic packet on this child SA.
    pub fn note_inbound(&mut self, _now: Instant, _child: ChildId) {}

    /// All peers, ordered by their id.
    pub fn peers(&self) -> impl Iterator<Item = PeerView> + '_ {
        core::iter::empty()
    }

    /// Counters.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint").field("stats", &self.stats).finish_non_exhaustive()
    }
}
