//! The router: one value that owns all state of an OSPF process.

use std::collections::VecDeque;
use std::time::Instant;

use rand_core::CryptoRng;

use crate::config::{Config, ConfigError};
use crate::io::{Input, Output};
use crate::route::Route;
use crate::stats::Stats;
use crate::view::{InterfaceView, LsaView, NeighborView};

/// An OSPF router.
#[derive(Debug)]
pub struct Router {
    config: Config,
    outbox: VecDeque<Output>,
    stats: Stats,
    routes: Vec<Route>,
}

impl Router {
    /// Starts a router.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the configuration cannot run.
    pub fn new(
        config: Config,
        _rng: impl CryptoRng + Send + 'static,
        _now: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        Ok(Self { config, outbox: VecDeque::new(), stats: Stats::default(), routes: Vec::new() })
    }

    /// Takes something that happened.
    pub fn handle_input(&mut self, _now: Instant, _input: Input<'_>) {}

    /// Does what is due.
    pub fn handle_timeout(&mut self, _now: Instant) {}

    /// Hands out what is ready.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// When `handle_timeout` wants to be called.
    pub fn poll_timeout(&self) -> Option<Instant> {
        None
    }

    /// `show ip ospf neighbor`.
    pub fn neighbors(&self) -> impl Iterator<Item = NeighborView> + '_ {
        std::iter::empty()
    }

    /// `show ip ospf interface`.
    pub fn interfaces(&self) -> impl Iterator<Item = InterfaceView> + '_ {
        std::iter::empty()
    }

    /// `show ip ospf database`.
    pub fn database(&self) -> impl Iterator<Item = LsaView> + '_ {
        std::iter::empty()
    }

    /// `show ip route ospf`.
    pub fn routes(&self) -> impl Iterator<Item = &Route> + '_ {
        self.routes.iter()
    }

    /// Counters.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The configuration in use.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
