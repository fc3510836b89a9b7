//! The state machine of one underlay address.

mod arena;
mod auth;
mod child;
mod children;
mod create_child;
mod hints;
mod ike_sa;
mod informational;
mod init;
mod lifecycle;
mod peer;
mod reauth;
mod receive;
mod rekey_ike;
mod requests;
mod send;
mod timers;
mod views;
mod window;

#[cfg(test)]
mod tests;

use core::fmt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use rand_core::CryptoRng;

use arena::{ChildSlots, SaKey, SaKeys};
use ike_sa::{IkeSa, State, Task, Timer};
use peer::Peer;
use requests::Pending;

use crate::config::{Config, IdentityMatch, Profile};
use crate::cookie::CookieJar;
use crate::error::ConfigError;
use crate::ids::{ChildId, PeerId, ProfileId};
use crate::io::{Action, DownReason, Event, FailureReason, Input, Output};
use crate::stats::Stats;
use crate::view::PeerView;
use crate::wire::Identity;

/// All IKE SAs of one underlay address: the crate's one state machine.
///
/// Drive it so: give inputs, drain [`Endpoint::poll_output`] to `None`, sleep until [`Endpoint::poll_timeout`]. The
/// crate's front page has a running example.
///
/// # Crossed initiation
/// Two spokes that start at the same moment end with two IKE SAs, and a pair of child SAs under each. Both ends accept
/// both. Every inbound SA is installed before anybody can send on it. For sending, both ends apply one rule to what
/// both know: of the two IKE SAs, the one whose first exchange holds the lowest of the four nonces is redundant, as in
/// the rekey collisions of RFC 7296 section 2.8.1. The end that initiated the redundant one deletes it after
/// [`Config::crossed_grace`], provided the other one still stands; after twice that time the other end does. A peer that
/// does not know this rule would keep both, and need not take what comes on either: strongSwan with a trap policy gives
/// them different reqids, and its kernel refuses packets of the one that was there first. The rule does not depend on
/// time or order, so the two ends cannot disagree; INITIAL_CONTACT only voids SAs that were up before the exchange began
/// that carries it.
///
/// Most crossings do not come that far: an end whose peer has already begun gives that exchange a short time
/// ([`Config::yield_to_peer`]) before it begins its own.
///
/// Two child SAs that both ends ask for at the same moment on one IKE SA are resolved as a rekey collision: the end whose
/// exchange holds the lowest of the four nonces deletes what it made. Where only one end has seen that they crossed, it
/// alone decides, and the other one keeps both until it is told.
pub struct Endpoint {
    config: Config,
    rng: Box<dyn CryptoRng + Send>,
    sas: BTreeMap<SaKey, Box<IkeSa>>,
    sa_keys: SaKeys,
    /// By our SPI.
    by_spi: BTreeMap<u64, SaKey>,
    /// By the initiator's SPI and address: finds repetitions of a first request.
    by_initiator: BTreeMap<(u64, SocketAddr), SaKey>,
    /// By underlay address.
    by_remote: BTreeSet<(IpAddr, SaKey)>,
    /// Half-open SAs that strangers started, in all and by source.
    half_open: usize,
    half_open_by_source: BTreeMap<IpAddr, usize>,
    children: ChildSlots,
    peers: BTreeMap<PeerId, Peer>,
    peers_by_key: BTreeMap<(Identity, IpAddr), PeerId>,
    next_peer: u32,
    timer_queue: BTreeSet<(Instant, SaKey)>,
    /// IKE SAs that may have changed during this call.
    dirty: Vec<SaKey>,
    outputs: VecDeque<Output>,
    /// Who is locked out.
    revoked: Vec<IdentityMatch>,
    cookies: CookieJar,
    answers: send::RateLimit,
    shut_down: bool,
    stats: Stats,
}

impl Endpoint {
    /// Makes an endpoint. All randomness comes from `rng`: the system's generator in production, a seeded one in tests;
    /// the same inputs and the same generator give the same outputs.
    ///
    /// # Errors
    /// When the configuration cannot work.
    pub fn new(
        config: Config,
        rng: impl CryptoRng + Send + 'static,
        now: Instant,
    ) -> Result<Self, ConfigError> {
        config.validate()?;
        let mut rng: Box<dyn CryptoRng + Send> = Box::new(rng);
        let cookies = CookieJar::new(&mut *rng, now);
        let answers = send::RateLimit::new(config.limits.stranger_answers_per_second, now);
        Ok(Self {
            config,
            rng,
            sas: BTreeMap::new(),
            sa_keys: SaKeys::default(),
            by_spi: BTreeMap::new(),
            by_initiator: BTreeMap::new(),
            by_remote: BTreeSet::new(),
            half_open: 0,
            half_open_by_source: BTreeMap::new(),
            children: ChildSlots::default(),
            peers: BTreeMap::new(),
            peers_by_key: BTreeMap::new(),
            next_peer: 0,
            timer_queue: BTreeSet::new(),
            dirty: Vec::new(),
            outputs: VecDeque::new(),
            revoked: Vec::new(),
            cookies,
            answers,
            shut_down: false,
            stats: Stats::default(),
        })
    }

    /// Takes one input. What comes of it waits in [`Endpoint::poll_output`].
    pub fn handle_input(&mut self, now: Instant, input: Input<'_>) {
        match input {
            Input::Datagram { path, payload } => self.receive(now, path, payload),
            Input::Connect { remote, profile } => self.connect(now, remote, profile),
            Input::Disconnect { peer, reason } => self.disconnect(now, peer, reason),
            Input::RekeyChild { child } => self.request_child_rekey(child),
            Input::ExpireChild { child } => self.expire_child(now, child, DownReason::LifetimeExpired),
            Input::RekeyIke { peer } => self.with_primary_sa(peer, Task::RekeyIke { group: None, rounds: 0 }),
            Input::Reauthenticate { peer } => self.reauthenticate(now, peer),
            Input::CheckLiveness { peer } => self.check_liveness(now, peer),
            Input::EndpointObserved { child, remote } => self.endpoint_observed(child, remote),
            Input::Revoke { identity } => self.revoke(now, identity),
            Input::Reinstate { identity } => self.revoked.retain(|one| one != identity),
            Input::UnknownSpi { path, spi } => self.unknown_esp_spi(now, path, spi),
            Input::Shutdown => self.shut_down(now),
        }
        self.settle(now);
    }

    /// Does what is due. Calling it early or twice does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.run_timers(now);
        self.settle(now);
    }

    /// Hands out the next output; `None` when there is nothing left to do for now.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Endpoint::handle_timeout`] wants to be called; `None` when nothing is awaited.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timer_queue.first().map(|(at, _)| *at)
    }

    /// What the next timeout is for, for people who debug.
    #[must_use]
    pub fn timeout_reason(&self) -> Option<&'static str> {
        let (_, key) = self.timer_queue.first()?;
        self.next_deadline(*key).map(|(_, name)| name)
    }

    /// The data lane saw an authentic packet on this child SA. Cheap: one store, unless the packet is the sign that a
    /// rekeyed SA may be used for sending.
    pub fn note_inbound(&mut self, now: Instant, child: ChildId) {
        let Some(entry) = self.children.get_mut(child) else { return };
        entry.last_inbound = Some(now);
        if entry.phase == child::Phase::InboundOnly {
            self.promote(now, child);
            self.settle(now);
        }
    }

    /// All peers, ordered by their id.
    pub fn peers(&self) -> impl Iterator<Item = PeerView> + '_ {
        self.peer_views()
    }

    /// Counters.
    #[must_use]
    pub const fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The configuration.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Takes another configuration. SAs that are up go on; what is negotiated from now on, rekeying included, follows the new
    /// one. Peers keep the number of their profile, so profiles keep their places; new ones come last.
    ///
    /// # Errors
    /// [`ConfigError`] if it cannot run, or is for another address or other ports. Nothing has changed then.
    pub fn reconfigure(&mut self, config: Config) -> Result<(), ConfigError> {
        config.validate()?;
        let place = |config: &Config| (config.local, config.port, config.nat_port);
        if place(&config) != place(&self.config) {
            return Err(ConfigError::OtherEndpoint);
        }
        self.config = config;
        Ok(())
    }

    fn profile(&self, id: ProfileId) -> Option<&Profile> {
        self.config.profiles.get(usize::from(id.0))
    }

    fn sa(&self, key: SaKey) -> Option<&IkeSa> {
        self.sas.get(&key).map(|sa| &**sa)
    }

    /// Whoever may change an SA goes through here, so that its timers and its queue are looked at afterwards.
    fn sa_mut(&mut self, key: SaKey) -> Option<&mut IkeSa> {
        self.dirty.push(key);
        self.sas.get_mut(&key).map(|sa| &mut **sa)
    }

    fn event(&mut self, event: Event) {
        // Secrets in events print as their length.
        tracing::debug!(local = %self.config.local, ?event);
        self.outputs.push_back(Output::Event(event));
    }

    fn action(&mut self, action: Action) {
        self.outputs.push_back(Output::Action(action));
    }

    /// Starts waiting requests and corrects the timer queue, for everything that was touched.
    fn settle(&mut self, now: Instant) {
        while !self.dirty.is_empty() {
            let mut dirty = core::mem::take(&mut self.dirty);
            dirty.sort_unstable();
            dirty.dedup();
            for key in &dirty {
                self.start_next_task(now, *key);
            }
            for key in dirty {
                self.requeue(now, key);
            }
        }
        self.stats.half_open = u64::try_from(self.half_open).unwrap_or(u64::MAX);
    }

    /// `Connect`. What the peer has begun towards us in this moment may well be what is wanted: it gets a short time, so
    /// that two peers that want each other seldom end up with two IKE SAs.
    fn connect(&mut self, now: Instant, remote: IpAddr, profile: ProfileId) {
        let patience = self.config.yield_to_peer;
        let begun = self.sas_with(remote).find(|key| {
            self.sa(*key).is_some_and(|sa| {
                sa.state == State::InitAnswered && now.saturating_duration_since(sa.created) < patience
            })
        });
        match begun.filter(|_| !self.shut_down).and_then(|key| self.sa_mut(key)) {
            Some(sa) => {
                sa.yielded = Some(profile);
                let until = sa.created + patience;
                sa.timers.set(Timer::Yield, until);
            }
            None => self.connect_now(now, remote, profile),
        }
    }

    /// What we yielded to has come up, or not.
    fn stop_yielding(&mut self, now: Instant, key: SaKey) {
        let Some(sa) = self.sa_mut(key) else { return };
        sa.timers.clear(Timer::Yield);
        let (yielded, remote) = (sa.yielded.take(), sa.path.remote.ip());
        if let Some(profile) = yielded {
            self.connect_now(now, remote, profile);
        }
    }

    fn connect_now(&mut self, now: Instant, remote: IpAddr, profile: ProfileId) {
        if self.shut_down || self.profile(profile).is_none() {
            self.event(Event::ConnectFailed { remote, reason: FailureReason::Cancelled });
            return;
        }
        if self.profile(profile).is_some_and(|profile| profile.responder_only) {
            return;
        }
        let keys: Vec<SaKey> = self.sas_with(remote).collect();
        let mut childless = None;
        for key in keys {
            let Some(sa) = self.sa(key) else { continue };
            let creates = |task: &Task| matches!(task, Task::CreateChild { .. });
            let asked = |pending: &Pending| matches!(pending, Pending::CreateChild(_));
            let under_way = sa.connecting
                || sa.tasks.iter().chain(&sa.deferred).any(creates)
                || sa.requests.pending().any(asked);
            let up = sa.state.is_live()
                && sa.children.iter().any(|id| self.children.get(*id).is_some_and(child::Child::is_up));
            if under_way || up {
                return;
            }
            if sa.state.is_live() && sa.profile == profile {
                childless = Some(key);
            }
        }
        match childless.and_then(|key| self.sa_mut(key)) {
            Some(sa) => sa.enqueue(Task::CreateChild { profile, group: None, rounds: 0 }),
            None => self.initiate(now, remote, profile),
        }
    }

    fn shut_down(&mut self, now: Instant) {
        self.shut_down = true;
        let keys: Vec<SaKey> = self.sas.keys().copied().collect();
        for key in keys {
            self.close_sa(now, key, DownReason::Shutdown);
        }
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Endpoint")
            .field("local", &self.config.local)
            .field("ike_sas", &self.sas.len())
            .field("peers", &self.peers.len())
            .field("stats", &self.stats)
            .finish_non_exhaustive()
    }
}
