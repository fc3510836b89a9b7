//! The state machine of one tunnel.

use std::net::IpAddr;
use std::time::Instant;

use crate::config::Config;
use crate::error::ConfigError;
use crate::io::{Input, Output};
use crate::stats::Stats;
use crate::view::{CacheView, MulticastView, NhsView};

/// NHRP of one tunnel: hub or spoke by configuration.
#[derive(Debug)]
pub struct Node {
    config: Config,
    stats: Stats,
}

impl Node {
    /// Makes a node and starts it: what it wants first is ready in [`Node::poll_output`].
    ///
    /// # Errors
    /// The configuration contradicts itself.
    pub fn new(
        config: Config,
        _rng: impl rand_core::CryptoRng + Send + 'static,
        _now: Instant,
    ) -> Result<Node, ConfigError> {
        config.validate()?;
        Ok(Node { config, stats: Stats::default() })
    }

    /// Takes one fact or request.
    pub fn handle_input(&mut self, _now: Instant, _input: Input<'_>) {}

    /// Does what is due. Early or repeated calls do nothing.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// Hands out what is ready, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        None
    }

    /// When [`Node::handle_timeout`] has something to do.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// Data was sent to this next hop.
    pub fn note_used(&mut self, _now: Instant, _tunnel_address: IpAddr) {}

    /// The cache, ordered by prefix: `show ip nhrp [detail]`.
    pub fn cache(&self) -> impl Iterator<Item = CacheView> + '_ {
        std::iter::empty()
    }

    /// The servers in configuration order: `show ip nhrp nhs [detail]`.
    pub fn nhs(&self) -> impl Iterator<Item = NhsView> + '_ {
        std::iter::empty()
    }

    /// Overlay address of the best live server.
    #[must_use]
    pub fn live_nhs(&self) -> Option<IpAddr> {
        None
    }

    /// Where multicast is copied to: `show ip nhrp multicast`.
    pub fn multicast(&self) -> impl Iterator<Item = MulticastView> + '_ {
        std::iter::empty()
    }

    /// Counters: `show ip nhrp traffic`.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }
}
