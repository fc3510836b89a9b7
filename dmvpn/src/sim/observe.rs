//! What the owner of a network sees: applications' results, events, captures, counters.

use std::net::Ipv4Addr;
use std::time::Duration;

use super::capture::{Captured, ClearText};
use super::fragment::ReassemblyStats;
use super::host::{
    Endpoint, FlowConfig, FlowId, FlowReport, HostStats, MssConfig, MssId, MssReport, PingConfig, PingId,
    PingReport, TracerouteConfig, TracerouteId, TracerouteReport,
};
use super::stats::{NodeStats, WireStats};
use super::trace::TraceDigest;
use super::{Network, NodeId};
use crate::Event;
use crate::forward::Action;

impl Network {
    /// Starts a ping from a router's prompt, or from a host on a LAN. It sends as the network runs.
    ///
    /// # Panics
    /// Nobody has this name.
    #[track_caller]
    pub fn ping(&mut self, from: &str, config: PingConfig) -> PingId {
        let at = self.place(from);
        let id = self.hosts.ping(self.now, at, config);
        self.wake(id.0);
        id
    }

    /// How a ping goes.
    ///
    /// # Panics
    /// The id is of another network.
    #[must_use]
    #[track_caller]
    pub fn ping_report(&self, id: PingId) -> &PingReport {
        self.hosts.ping_report(id).unwrap_or_else(|| panic!("a ping of another network"))
    }

    /// Starts a traceroute from a router's prompt, or from a host on a LAN.
    ///
    /// # Panics
    /// Nobody has this name.
    #[track_caller]
    pub fn traceroute(&mut self, from: &str, config: TracerouteConfig) -> TracerouteId {
        let at = self.place(from);
        let id = self.hosts.traceroute(self.now, at, config);
        self.wake(id.0);
        id
    }

    /// How a traceroute goes.
    ///
    /// # Panics
    /// The id is of another network.
    #[must_use]
    #[track_caller]
    pub fn traceroute_report(&self, id: TracerouteId) -> &TracerouteReport {
        self.hosts.traceroute_report(id).unwrap_or_else(|| panic!("a traceroute of another network"))
    }

    /// Starts a UDP flow from a router, or from a host on a LAN. If somebody owns the destination address now, an arrival
    /// anywhere else counts as misdelivered.
    ///
    /// # Panics
    /// Nobody has this name.
    #[track_caller]
    pub fn flow(&mut self, from: &str, config: FlowConfig) -> FlowId {
        let at = self.place(from);
        let receiver = self.inside_owner(config.destination);
        let id = self.hosts.flow(self.now, at, config, receiver);
        self.wake(id.0);
        id
    }

    /// How a flow goes.
    ///
    /// # Panics
    /// The id is of another network.
    #[must_use]
    #[track_caller]
    pub fn flow_report(&self, id: FlowId) -> &FlowReport {
        self.hosts.flow_report(id).unwrap_or_else(|| panic!("a flow of another network"))
    }

    /// Stops a flow before its time.
    pub fn stop_flow(&mut self, id: FlowId) {
        self.hosts.stop_flow(self.now, id);
    }

    /// Opens a TCP connection, to see what becomes of its maximum segment size.
    ///
    /// # Panics
    /// Nobody has this name.
    #[track_caller]
    pub fn open_tcp(&mut self, from: &str, config: MssConfig) -> MssId {
        let at = self.place(from);
        let id = self.hosts.mss(self.now, at, config);
        self.wake(id.0);
        id
    }

    /// What became of it.
    ///
    /// # Panics
    /// The id is of another network.
    #[must_use]
    #[track_caller]
    pub fn mss_report(&self, id: MssId) -> &MssReport {
        self.hosts.mss_report(id).unwrap_or_else(|| panic!("a connection of another network"))
    }

    /// The first place that has an address on the inside: a host on a LAN, or a router that runs.
    #[must_use]
    pub fn inside_owner(&self, address: Ipv4Addr) -> Option<Endpoint> {
        (0..).map(NodeId).zip(&self.nodes).find_map(|(node, entry)| {
            let router = entry.router()?;
            let host = router.hosts.iter().position(|host| host.address == address);
            if let Some(host) = host.and_then(|host| u16::try_from(host).ok()) {
                return Some(Endpoint { node, host: Some(host) });
            }
            let is_own = router.engine.as_ref()?.local_addresses().any(|(_, own, _)| own == address);
            is_own.then_some(Endpoint { node, host: None })
        })
    }

    /// The engines' events up to now, with their time and router.
    #[must_use]
    pub fn events(&self) -> &[(Duration, NodeId, Event)] {
        &self.events
    }

    /// Takes the events out, so that a long run does not keep them all.
    pub fn take_events(&mut self) -> Vec<(Duration, NodeId, Event)> {
        std::mem::take(&mut self.events)
    }

    /// The events of one router.
    pub fn events_of(&self, name: &str) -> impl Iterator<Item = (Duration, &Event)> + '_ {
        let node = self.find(name);
        let of_node = self.events.iter().filter(move |(_, at, _)| Some(*at) == node);
        of_node.map(|(at, _, event)| (*at, event))
    }

    /// Takes out what engines with [exported actions](crate::Options::export_actions) told a forwarding plane up to now.
    pub fn take_actions(&mut self) -> Vec<(Duration, NodeId, Action)> {
        std::mem::take(&mut self.actions)
    }

    /// Keeps every underlay packet from now on, or no longer.
    pub fn set_capture(&mut self, on: bool) {
        self.is_capturing = on;
    }

    /// The underlay packets that were kept.
    #[must_use]
    pub fn captured(&self) -> &[Captured] {
        &self.captured
    }

    /// Takes the packets out that were kept.
    pub fn take_captured(&mut self) -> Vec<Captured> {
        std::mem::take(&mut self.captured)
    }

    /// Shows every underlay packet to this function. What it returns is kept as a [violation](Network::violations).
    pub fn observe_with(&mut self, observer: impl FnMut(&Captured) -> Option<String> + Send + 'static) {
        self.observers.push(Box::new(observer));
    }

    /// What observers objected to, and [extra timeouts](Network::set_extra_timeouts) that were not idle.
    #[must_use]
    pub fn violations(&self) -> &[(Duration, String)] {
        &self.violations
    }

    /// Packets of protected routers that showed GRE, inner addresses, the hosts'
    /// [marker](super::host::PLAINTEXT_MARKER) or [known plaintext](Network::watch_for_plaintext) on the underlay. The
    /// first 256 are kept; [`Network::clear_text_count`] counts on.
    #[must_use]
    pub fn clear_text_seen(&self) -> &[ClearText] {
        self.watch.seen()
    }

    /// How many packets showed something.
    #[must_use]
    pub fn clear_text_count(&self) -> u64 {
        self.watch.count()
    }

    /// These bytes must never show on the underlay: a pre-shared key, an NHRP authentication string.
    pub fn watch_for_plaintext(&mut self, bytes: &[u8]) {
        self.watch.add_plaintext(bytes);
    }

    /// This address must never show on the underlay within a pair. Routers' and hosts' own are known anyway.
    pub fn watch_for_address(&mut self, address: Ipv4Addr) {
        self.watch.add_address(address);
    }

    /// The digest of everything that was on the wire up to now. The same seed and the same calls give the same.
    #[must_use]
    pub fn trace_digest(&self) -> TraceDigest {
        self.digest
    }

    /// What happened on the wire.
    #[must_use]
    pub fn wire_stats(&self) -> &WireStats {
        &self.stats
    }

    /// What hosts saw.
    #[must_use]
    pub fn host_stats(&self) -> &HostStats {
        &self.hosts.stats
    }

    /// What a router's engine was given and gave.
    ///
    /// # Panics
    /// There is no such router.
    #[must_use]
    #[track_caller]
    pub fn node_stats(&self, name: &str) -> &NodeStats {
        match self.node(self.place(name).node).router() {
            Some(router) => &router.stats,
            None => panic!("{name} is no router"),
        }
    }

    /// How a router's kernel put fragments of underlay packets together since it started.
    ///
    /// # Panics
    /// There is no such router.
    #[must_use]
    #[track_caller]
    pub fn reassembly_stats(&self, name: &str) -> ReassemblyStats {
        match self.node(self.place(name).node).router() {
            Some(router) => router.reassembler.stats(),
            None => panic!("{name} is no router"),
        }
    }

    /// How many packets are on their way.
    #[must_use]
    pub fn in_flight(&self) -> u64 {
        self.in_flight
    }
}
