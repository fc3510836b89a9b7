//! Servers that are configured by name. The owner looks names up ([`Output::ResolveName`]); this file decides when, and what
//! follows from the answer.
//!
//! A name is looked up when its server is wanted first, two hours after each answer (as FRR does), 5 s after no answer and up
//! to a minute later each further time, and when the server stops answering: it may have moved.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::io::{DownReason, Event, NhsDownReason, Output};
use crate::node::Node;
use crate::node::timers::{Timer, after, backoff};
use crate::view::NhsStatus;

/// A name of a server, and what is known of it.
#[derive(Debug, Clone)]
pub(super) struct Name {
    pub(super) text: String,
    /// Tries without an answer.
    failures: u32,
    /// When it was looked up last.
    asked: Option<Instant>,
}

/// Time between two look-ups of a name that was found.
const REFRESH: Duration = Duration::from_secs(7200);
/// Time until an answer counts as lost, and the least time between two look-ups.
const RETRY: Duration = Duration::from_secs(5);
/// The longest time between two tries.
const RETRY_MAX: Duration = Duration::from_secs(60);

impl Name {
    pub(super) fn new(text: String) -> Name {
        Name { text, failures: 0, asked: None }
    }
}

impl Node {
    /// Has the name of a server looked up.
    pub(super) fn ask_name(&mut self, now: Instant, index: usize) {
        let Some(name) = self.servers.get_mut(index).and_then(|server| server.name.as_mut()) else { return };
        if name.asked.is_some_and(|asked| now.saturating_duration_since(asked) < RETRY) {
            return;
        }
        name.asked = Some(now);
        self.outputs.push_back(Output::ResolveName { name: name.text.clone() });
        self.timers.set(Timer::Name(index), after(now, RETRY));
    }

    /// `Timer::Name`: the answer is due to be asked for again, or has not come.
    pub(super) fn name_due(&mut self, now: Instant, index: usize) {
        if self.servers.get(index).is_some_and(|server| server.status != NhsStatus::Waiting) {
            self.ask_name(now, index);
        }
    }

    /// The owner's answer. No addresses: the name is not known, or nobody could be asked.
    pub(super) fn name_resolved(&mut self, now: Instant, name: &str, addresses: &[IpAddr]) {
        for index in 0..self.servers.len() {
            let Some(server) = self.servers.get_mut(index) else { continue };
            let (current, status) = (server.nbma, server.status);
            let Some(known) = server.name.as_mut().filter(|known| known.text == name) else { continue };
            let is_v4 = self.config.nbma.is_ipv4();
            let usable: Vec<IpAddr> = addresses.iter().copied().filter(|a| a.is_ipv4() == is_v4).collect();
            let Some(first) = usable.first().copied() else {
                let wait = backoff(RETRY, known.failures, RETRY_MAX);
                known.failures = known.failures.saturating_add(1);
                self.timers.set(Timer::Name(index), after(now, wait));
                self.event(Event::NameUnresolved { name: name.to_owned() });
                if current.is_none() && status == NhsStatus::Probing {
                    // The next one of the cluster has its chance.
                    self.server_down(now, index, NhsDownReason::NameUnresolved);
                }
                continue;
            };
            known.failures = 0;
            self.timers.set(Timer::Name(index), after(now, REFRESH));
            // A server that does not answer at one of its addresses may do so at the next.
            let position = usable.iter().position(|address| Some(*address) == current);
            let chosen = match position {
                Some(_) if status != NhsStatus::Down => current.unwrap_or(first),
                Some(at) => usable.get(at + 1).copied().unwrap_or(first),
                None => first,
            };
            if current != Some(chosen) {
                self.server_moved(now, index, chosen);
            }
        }
    }

    /// A server has another underlay address.
    fn server_moved(&mut self, now: Instant, index: usize, nbma: IpAddr) {
        let Some(server) = self.servers.get_mut(index) else { return };
        let before = server.nbma.replace(nbma);
        let (path, tunnel_address) = (server.path.take(), server.tunnel_address);
        self.stop_registering(index);
        if let Some(address) = tunnel_address {
            match self.cache.get(address).map(|entry| entry.nbma == nbma) {
                Some(true) => {}
                Some(false) => {
                    self.deactivate(now, address, DownReason::Replaced);
                    self.cache.set_nbma(address, nbma);
                }
                None => self.add_server_entry(now, address, nbma),
            }
        }
        if let (Some(path), Some(_)) = (path, before) {
            self.leave_path(path);
            self.release(path);
        }
        let wanted = self.servers.get(index).is_some_and(|server| server.status != NhsStatus::Waiting);
        if !wanted {
            return;
        }
        match self.paths.for_static(nbma, tunnel_address) {
            Some(path) => {
                self.join_static(now, path, nbma);
                self.server_path_up(now, index, path);
            }
            None => self.connect(nbma),
        }
    }
}
