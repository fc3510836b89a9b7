//! The loop: packets, timers, signals and questions in; packets, routes and events out.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::os::unix::net::UnixStream as StdStream;
use std::time::{Duration, Instant};

use dmvpn::{Command, Config, Engine, Output, Path, ReconfigureError, Wire};
use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::args::Plane;
use super::control::{self, Control, Reply, default_socket};
use super::dataplane::{Dataplane, source};
use super::kernel::Kernel;
use super::local::Local;
use super::log::Log;
use super::metrics::Server;
use super::names::Names;
use super::user::User;
use super::{Args, Error, clock};

const STOP: Token = Token(0);
/// Behind all sources of packets.
const RELOAD: Token = Token((1 << 20) - 1);
/// The control socket; its clients follow.
const CONTROL: Token = Token(1 << 20);
/// A name was looked up.
const NAMES: Token = Token((1 << 20) - 3);
/// The socket for Prometheus.
const METRICS: Token = Token((1 << 20) - 2);
/// Its clients, behind those of the control socket, of which there are not so many in the life of a router.
const METRICS_CLIENTS: usize = 1 << 48;
/// How many packets one source may bring before the others have their turn.
const TURN: usize = 64;
/// How long leaving may take: peers that do not acknowledge are left without.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long the deletion of SAs waits for what was sent under them. A peer reads them from different sockets, perhaps in
/// another order.
const HOLD: Duration = Duration::from_millis(50);

/// Why the router stopped.
pub(super) enum Next {
    /// It was told to.
    End,
    /// A configuration came for which another engine is needed.
    Again(Box<Config>),
}

/// Runs the router until SIGTERM or SIGINT. SIGHUP reads the configuration again.
pub(super) fn run(engine: Engine, args: &Args, log: &Log) -> Result<Next, Error> {
    let mut poll = Poll::new()?;
    let mut stop = signals(&poll, STOP, &[SIGTERM, SIGINT])?;
    let mut reload = signals(&poll, RELOAD, &[SIGHUP])?;
    let plane = open(&engine, args, poll.registry())?;
    let path = args.control.clone().unwrap_or_else(|| default_socket(engine.hostname()));
    let mut control = Control::open(path, poll.registry(), CONTROL)?;
    let names = Names::new(poll.registry(), NAMES)?;
    let mut router = Router { engine, plane, names, log: log.clone(), held: Vec::new(), held_until: None };
    let mut metrics = match args.metrics {
        Some(address) => Some(Server::open(address, poll.registry(), METRICS, METRICS_CLIENTS)?),
        None => None,
    };
    router.drain();

    let mut events = Events::with_capacity(256);
    let mut ready = BTreeSet::new();
    let mut leaving: Option<Instant> = None;
    let mut next = Next::End;
    loop {
        let now = clock::now();
        let wake = router.poll_timeout().into_iter().chain(leaving).min();
        let wait = match ready.is_empty() {
            true => wake.map(|at| at.saturating_duration_since(now)),
            false => Some(Duration::ZERO),
        };
        match poll.poll(&mut events, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            match event.token() {
                STOP => {
                    let again = leaving.is_some();
                    if stop.read(&mut [0; 16]).is_ok() {
                        if again {
                            router.plane.close();
                            return Ok(Next::End);
                        }
                        router.leave();
                        leaving = Some(clock::now() + FAREWELL);
                    }
                }
                NAMES => router.take_names(),
                RELOAD => {
                    if reload.read(&mut [0; 16]).is_ok()
                        && leaving.is_none()
                        && let Some(config) = router.reload(args)
                    {
                        router.leave();
                        leaving = Some(clock::now() + FAREWELL);
                        next = Next::Again(Box::new(config));
                    }
                }
                CONTROL => control.accept(poll.registry()),
                METRICS => {
                    if let Some(server) = &mut metrics {
                        server.accept(clock::now(), poll.registry());
                    }
                }
                token if metrics.as_ref().is_some_and(|server| server.owns(token)) => {
                    if let Some(server) = &mut metrics {
                        server.serve(token, || {
                            router.plane.refresh(&mut router.engine);
                            router.engine.metrics(clock::now()).to_string()
                        });
                    }
                }
                Token(client) if client > CONTROL.0 => {
                    control.serve(Token(client), |line| router.answer(line));
                    router.drain();
                }
                token => ready.extend(source(token)),
            }
        }
        ready.retain(|source| router.take_turn(*source));
        router.handle_timeout();
        router.send_held();
        while let Some((ticket, text)) = router.plane.poll_answer() {
            control.finish(ticket, text);
        }
        if let Some(at) = leaving
            && router.held_until.is_none()
            && (router.engine.poll_timeout().is_none() || at <= clock::now())
        {
            router.plane.close();
            return Ok(next);
        }
    }
}

fn open(engine: &Engine, args: &Args, registry: &Registry) -> Result<Box<dyn Dataplane>, Error> {
    match args.dataplane {
        _ if args.local.is_some() => Ok(Box::new(Local::open(engine, args, registry)?)),
        Plane::User => Ok(Box::new(User::open(engine, args, registry)?)),
        Plane::Kernel => Ok(Box::new(Kernel::open(engine, args, registry)?)),
    }
}

/// The end of a pipe on which a byte comes for each of these signals.
fn signals(poll: &Poll, token: Token, which: &[i32]) -> Result<UnixStream, Error> {
    let (reader, writer) = StdStream::pair()?;
    reader.set_nonblocking(true)?;
    for signal in which {
        signal_hook::low_level::pipe::register(*signal, writer.try_clone()?)?;
    }
    let mut reader = UnixStream::from_std(reader);
    poll.registry().register(&mut reader, token, Interest::READABLE)?;
    Ok(reader)
}

/// The engine and what connects it with the world.
struct Router {
    engine: Engine,
    plane: Box<dyn Dataplane>,
    names: Names,
    log: Log,
    /// IKE messages that wait until this time.
    held: Vec<(Path, Vec<u8>)>,
    held_until: Option<Instant>,
}

impl Router {
    /// Handles some packets of a source; whether there may be more.
    fn take_turn(&mut self, source: usize) -> bool {
        for _ in 0..TURN {
            let more = self.plane.take(&mut self.engine, source);
            self.drain();
            if !more {
                return false;
            }
        }
        true
    }

    /// Carries out what the engine hands out.
    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { path, payload }
                    if self.held_until.is_some() && matches!(path.wire, Wire::Udp { .. }) =>
                {
                    self.held.push((path, payload));
                }
                Output::Transmit { path, payload } => self.plane.transmit(&path, &payload),
                Output::Control(control) => self.plane.send_control(&control),
                Output::Action(action) => self.plane.follow(&mut self.engine, &action),
                Output::ResolveName { name } => self.names.ask(name),
                // The engine logs its events itself.
                _ => {}
            }
        }
    }

    /// Hands the engine the addresses of names that it asked for.
    fn take_names(&mut self) {
        while let Some((name, addresses)) = self.names.poll() {
            self.engine.handle_command(clock::now(), Command::NameResolved { name, addresses });
        }
        self.drain();
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let engine = self.engine.poll_timeout();
        engine.into_iter().chain(self.plane.poll_timeout()).chain(self.held_until).min()
    }

    fn handle_timeout(&mut self) {
        let now = clock::now();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if is_due(self.engine.poll_timeout()) {
            self.engine.handle_timeout(now);
        }
        if is_due(self.plane.poll_timeout()) {
            self.plane.handle_timeout(&mut self.engine, now);
        }
        self.drain();
    }

    /// Reads the configuration again and applies what differs. What is wrong changes nothing; what needs another engine is
    /// returned.
    fn reload(&mut self, args: &Args) -> Option<Config> {
        let config = match super::read(args) {
            Ok(config) => config,
            Err(error) => {
                tracing::error!("{}: {error}; the old configuration stays", args.config.display());
                return None;
            }
        };
        let now = clock::now();
        match self.engine.reconfigure(now, config.clone()) {
            Ok(done) => {
                for what in &done.applied {
                    tracing::info!("configuration: {what}: changed");
                }
                for tunnel in &done.restarted {
                    tracing::warn!("configuration: {tunnel}: begins anew");
                }
                if done.applied.is_empty() && done.restarted.is_empty() {
                    tracing::info!("configuration: nothing differs");
                }
                self.plane.reconfigured(&self.engine, now);
                self.drain();
                None
            }
            Err(ReconfigureError::Rebuild(why)) => {
                tracing::warn!("configuration: {why}: the whole router begins anew");
                Some(config)
            }
            Err(error) => {
                tracing::error!("configuration: {error}; the old configuration stays");
                None
            }
        }
    }

    fn leave(&mut self) {
        let now = clock::now();
        self.held_until = Some(now + HOLD);
        self.engine.handle_command(now, Command::Shutdown);
        self.drain();
    }

    /// Sends what waited, when its time has come.
    fn send_held(&mut self) {
        if self.held_until.is_some_and(|at| at <= clock::now()) {
            self.held_until = None;
            for (path, payload) in std::mem::take(&mut self.held) {
                self.plane.transmit(&path, &payload);
            }
        }
    }

    fn answer(&mut self, line: &str) -> Reply {
        self.plane.refresh(&mut self.engine);
        control::answer(&mut self.engine, &mut *self.plane, &self.log, clock::now(), line)
    }
}
