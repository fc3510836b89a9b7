//! The loop.

use core::future::pending;
use std::io;
use std::time::{Duration, Instant};

use ::tokio::sync::mpsc;
use ::tokio::time::{Instant as Clock, sleep_until};

use super::handle::{Handle, Request};
use super::{Lan, Underlay};
use crate::{Command, Engine, Event, Output, Packet, Verdict};

/// Events that wait for a reader; more are dropped, and counted.
const EVENTS: usize = 1024;
/// Requests of handles that wait.
const REQUESTS: usize = 64;
/// The largest IP packet.
const LARGEST_PACKET: usize = 65_535;
/// How long leaving may take.
const FAREWELL: Duration = Duration::from_secs(2);
/// How many packets are handled before the task lets others run.
const TURN: u32 = 128;

/// An engine with what it needs to run. See the [module](super).
#[derive(Debug)]
pub struct Driver<U, L> {
    engine: Engine,
    underlay: U,
    lan: L,
    requests: mpsc::Receiver<Request>,
    events: mpsc::Sender<Event>,
    /// Packets that the underlay or the LAN did not take, and events that nobody read.
    lost: u64,
}

impl<U: Underlay, L: Lan> Driver<U, L> {
    /// Puts an engine together with its underlay and LAN. The events come out of the receiver; who does not want them
    /// drops it.
    #[must_use]
    pub fn new(engine: Engine, underlay: U, lan: L) -> (Self, Handle, mpsc::Receiver<Event>) {
        let (asker, requests) = mpsc::channel(REQUESTS);
        let (events, reader) = mpsc::channel(EVENTS);
        let driver = Self { engine, underlay, lan, requests, events, lost: 0 };
        (driver, Handle::new(asker), reader)
    }

    /// Runs until [`Handle::shutdown`], and gives the engine back. Without a handle it runs as long as it is polled.
    ///
    /// # Errors
    /// That of an underlay or a LAN that failed altogether.
    pub async fn run(mut self) -> io::Result<Engine> {
        let mut from_underlay = Packet::with_capacity(LARGEST_PACKET);
        let mut from_lan = Packet::with_capacity(LARGEST_PACKET);
        let mut leaving: Option<Instant> = None;
        let mut asked = true;
        let mut handled = 0;
        loop {
            self.drain();
            let wake = self.engine.poll_timeout();
            if let Some(until) = leaving
                && (wake.is_none() || until <= now())
            {
                return Ok(self.engine);
            }
            let wake = wake.into_iter().chain(leaving).min();
            let timer = async {
                match wake {
                    Some(at) => sleep_until(Clock::from_std(at)).await,
                    None => pending().await,
                }
            };
            ::tokio::select! {
                path = self.underlay.receive(&mut from_underlay) => {
                    let verdict = self.engine.handle_wan(now(), path?, &mut from_underlay);
                    self.carry_out(verdict, &from_underlay);
                }
                received = self.lan.receive(&mut from_lan) => {
                    received?;
                    let verdict = self.engine.handle_lan(now(), &mut from_lan);
                    self.carry_out(verdict, &from_lan);
                }
                request = self.requests.recv(), if asked => match request {
                    Some(Request::Shutdown) => {
                        self.engine.handle_command(now(), Command::Shutdown);
                        leaving.get_or_insert(now() + FAREWELL);
                    }
                    Some(Request::With(work)) => work(&mut self.engine, now()),
                    None => asked = false,
                },
                () = timer => self.engine.handle_timeout(now()),
            }
            handled += 1;
            if handled % TURN == 0 {
                // Ready sockets never make the task wait; a timer that is due must not wait for them.
                self.engine.handle_timeout(now());
                ::tokio::task::yield_now().await;
            }
        }
    }

    fn carry_out(&mut self, verdict: Verdict, packet: &Packet) {
        let outcome = match verdict {
            Verdict::Transmit(path) => self.underlay.send(&path, packet.bytes()),
            Verdict::Deliver(delivery) => self.lan.send(delivery, packet.bytes()),
            Verdict::Consumed | Verdict::Dropped(_) => Ok(()),
        };
        self.count(outcome.is_ok());
    }

    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            let taken = match output {
                Output::Transmit { path, payload } => self.underlay.send(&path, &payload).is_ok(),
                Output::Event(event) => self.events.try_send(event).is_ok() || self.events.is_closed(),
                _ => true,
            };
            self.count(taken);
        }
    }

    fn count(&mut self, taken: bool) {
        if !taken {
            self.lost += 1;
            tracing::trace!(lost = self.lost, "a packet or an event was not taken");
        }
    }
}

/// Tokio's clock, which a test may have stopped.
fn now() -> Instant {
    Clock::now().into_std()
}
