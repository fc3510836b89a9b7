//! Clouds for scenario tests, from the guide's configurations.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use dmvpn::config::ios;
use dmvpn::sim::{Network, NodeId, PingConfig, PingReport, TracerouteConfig};
use dmvpn::{Config, Event};

/// The guide's LANs.
pub const LAN1: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 1);
pub const LAN2: Ipv4Addr = Ipv4Addr::new(192, 168, 12, 1);

/// One of the guide's configurations with words replaced; a replacement that finds nothing is a mistake in the test.
pub fn config(file: &str, edits: &[(&str, &str)]) -> Config {
    let path = format!("{}/tests/data/guide/{file}", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    for (from, to) in edits {
        assert!(text.contains(from), "{file} has no '{from}'");
        text = text.replace(from, to);
    }
    let parsed = ios::parse(file, &text);
    let errors: Vec<String> =
        parsed.diagnostics.iter().filter(|found| found.is_error()).map(ToString::to_string).collect();
    assert!(errors.is_empty(), "{errors:?}");
    parsed.config
}

/// A network with these routers and 20 ms between them.
pub fn cloud(seed: u64, configs: impl IntoIterator<Item = Config>) -> Network {
    let mut network = Network::new(start(), seed);
    for config in configs {
        network.add_config(config).expect("the configuration is sound");
    }
    network
}

/// The guide's hub and two spokes.
pub fn guide(seed: u64) -> Network {
    cloud(seed, ["hub1.cfg", "spoke1.cfg", "spoke2.cfg"].map(|file| config(file, &[])))
}

/// The guide's two hubs and two spokes.
pub fn dual_hub(seed: u64) -> Network {
    let files = ["hub1.cfg", "hub2.cfg", "spoke1-dual-hub.cfg", "spoke2-dual-hub.cfg"];
    cloud(seed, files.map(|file| config(file, &[])))
}

/// When virtual time begins; nothing depends on the value.
#[allow(clippy::disallowed_methods)]
pub fn start() -> Instant {
    Instant::now()
}

/// Pings and waits for the end.
pub fn ping(network: &mut Network, from: &str, source: Ipv4Addr, to: Ipv4Addr, count: u32) -> PingReport {
    let mut config = PingConfig::new(to).from(source);
    config.count = count;
    let limit = (config.timeout + config.interval.unwrap_or_default()) * (count + 1);
    let id = network.ping(from, config);
    let _ = network.run_until_condition(limit, |network| network.ping_report(id).finished.is_some());
    network.ping_report(id).clone()
}

/// The addresses of a traceroute's hops.
pub fn hops(network: &mut Network, from: &str, source: Ipv4Addr, to: Ipv4Addr) -> Vec<Option<Ipv4Addr>> {
    let id = network.traceroute(from, TracerouteConfig::new(to).from(source));
    let limit = Duration::from_secs(120);
    let _ = network.run_until_condition(limit, |network| network.traceroute_report(id).finished.is_some());
    network.traceroute_report(id).hops.iter().map(|hop| hop.address()).collect()
}

/// Whether a router has an OSPF route for an address.
pub fn has_route(network: &Network, router: &str, to: Ipv4Addr) -> bool {
    let now = network.instant();
    network
        .running(router)
        .is_some_and(|engine| engine.route(now, to).route.is_some_and(|route| route.kind.is_ospf()))
}

/// Runs until the spokes of the guide have each other's LAN; panics if that takes longer than `limit`.
pub fn run_to_routes(network: &mut Network, limit: Duration) -> Duration {
    let both = |network: &Network| has_route(network, "SPOKE1", LAN2) && has_route(network, "SPOKE2", LAN1);
    network.run_until_condition(limit, both).unwrap_or_else(|| panic!("no routes; {}", log(network)))
}

/// Whether a router reported such an event.
pub fn saw(network: &Network, router: &str, wanted: impl Fn(&Event) -> bool) -> bool {
    network.events_of(router).any(|(_, event)| wanted(event))
}

/// Everything that happened, for a failing test's message.
pub fn log(network: &Network) -> String {
    let line = |(at, node, event): &(Duration, NodeId, Event)| {
        format!("\n{:9.3} {}: {event}", at.as_secs_f64(), network.name(*node))
    };
    network.events().iter().map(line).collect()
}

/// What holds at the end of every scenario: nothing was sent in the clear.
pub fn finish(network: &Network) {
    assert!(network.clear_text_seen().is_empty(), "clear text: {:?}", network.clear_text_seen());
    assert!(network.violations().is_empty(), "{:?}", network.violations());
}
