//! A cloud: routers from configuration files on a simulated underlay.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use dmvpn::config::{Diagnostic, Severity, ios};
use dmvpn::sim::{LinkConfig, NatConfig, Network, Probability, RouterSpec};
use dmvpn::{Config, Engine, Event, Options};

use super::{Args, Error, Report};

/// Where NAT boxes get their public addresses: TEST-NET-2, above what the guide uses.
const NAT_PUBLIC: [u8; 3] = [198, 51, 100];
const FIRST_NAT_PUBLIC: u8 = 201;

/// Routers, the wire between them, and what they said.
#[derive(Debug)]
pub struct Cloud {
    /// The simulated network.
    pub network: Network,
    /// The routers' names, in the order of their configurations.
    pub routers: Vec<String>,
    /// Keys that the routers told, for captures: IKE, ESP.
    pub keys: (BTreeSet<String>, BTreeSet<String>),
    /// Everything that happened, as it happened.
    pub log: Vec<(Duration, String, Event)>,
}

impl Cloud {
    /// Builds a cloud from configurations.
    ///
    /// # Errors
    /// A configuration that no engine takes, or a router that is to be behind a NAT and does not exist.
    pub fn new(configs: Vec<Config>, args: &Args) -> Result<Self, Error> {
        let mut network = Network::new(epoch(), args.seed);
        let mut link = LinkConfig::new(Duration::from_millis(args.delay));
        link.loss = Probability::percent(args.loss);
        network.set_default_link(link);
        network.set_capture(args.pcap.is_some());
        let names: Vec<String> = configs.iter().map(|config| config.hostname.clone()).collect();
        if let Some(stranger) = args.nat.iter().find(|name| !names.contains(name)) {
            return Err(format!("--nat {stranger}: there is no router of that name").into());
        }
        for config in configs {
            let name = config.hostname.clone();
            let is_protected =
                config.tunnels().all(|(interface, tunnel)| interface.shutdown || tunnel.protection.is_some());
            let key_log = args.pcap.is_some();
            let mut spec = RouterSpec::new(move |boot| {
                let mut options = Options::default();
                options.key_log = key_log;
                Engine::with_options(config.clone(), options, boot.rng, boot.now)
            });
            if !is_protected {
                spec = spec.unprotected();
            }
            if let Some(public) = nat_address(args, &name) {
                let nat = network.add_nat(&format!("NAT-{name}"), NatConfig::port_restricted(public))?;
                spec = spec.behind(nat);
            }
            network.add_router(&name, spec).map_err(|error| format!("{name}: {error}"))?;
        }
        Ok(Self { network, routers: names, keys: Default::default(), log: Vec::new() })
    }

    /// Runs to a time since the start.
    pub fn run_until(&mut self, time: Duration) {
        self.network.run_until(time);
        self.collect();
    }

    /// Runs until a condition holds; the time at which it did.
    pub fn run_until_condition(
        &mut self,
        limit: Duration,
        condition: impl FnMut(&Network) -> bool,
    ) -> Option<Duration> {
        let at = self.network.run_until_condition(limit, condition);
        self.collect();
        at
    }

    /// The engine of a router that runs.
    #[must_use]
    pub fn engine(&self, name: &str) -> Option<&Engine> {
        self.network.running(name)
    }

    /// Events from this place of the log on, printed.
    pub fn report_events(&self, from: usize, report: &mut Report) -> usize {
        for (at, router, event) in &self.log[from.min(self.log.len())..] {
            report.event(*at, router, &event.to_string());
        }
        self.log.len()
    }

    fn collect(&mut self) {
        for (at, node, event) in self.network.take_events() {
            match &event {
                Event::Ike { event: ikev2::Event::Keys(keys), .. } => {
                    self.keys.0.insert(keys.wireshark_line());
                }
                Event::EspKeys(keys) => {
                    self.keys.1.insert(keys.wireshark_line());
                }
                _ => {
                    let name = self.network.name(node).to_owned();
                    self.log.push((at, name, event));
                }
            }
        }
    }
}

/// The public address of the NAT box that a router is to sit behind, if it is.
pub(super) fn nat_address(args: &Args, router: &str) -> Option<Ipv4Addr> {
    let index = args.nat.iter().position(|nat| nat == router)?;
    let [a, b, c] = NAT_PUBLIC;
    Some(Ipv4Addr::new(a, b, c, FIRST_NAT_PUBLIC.saturating_add(u8::try_from(index).unwrap_or(u8::MAX))))
}

/// The instant at which virtual time begins. Nothing depends on its value.
#[allow(clippy::disallowed_methods)]
fn epoch() -> Instant {
    Instant::now()
}

/// Reads configuration files; complaints go to the terminal, all at once.
///
/// # Errors
/// A file that cannot be read, or a configuration with errors.
pub(super) fn read(files: &[(String, String)]) -> Result<Vec<Config>, Error> {
    let mut configs = Vec::new();
    let mut complaints: Vec<Diagnostic> = Vec::new();
    for (name, text) in files {
        let parsed = ios::parse(name, text);
        complaints.extend(parsed.diagnostics);
        complaints.extend(parsed.config.validate());
        configs.push(parsed.config);
    }
    let errors = complaints.iter().filter(|complaint| complaint.is_error()).count();
    for complaint in complaints.iter().filter(|complaint| complaint.severity >= Severity::Warning) {
        eprintln!("{complaint}");
    }
    for complaint in complaints.iter().filter(|complaint| complaint.severity < Severity::Warning) {
        eprintln!("{complaint}");
    }
    match errors {
        0 => Ok(configs),
        1 => Err("there is an error in the configuration".into()),
        errors => Err(format!("there are {errors} errors in the configurations").into()),
    }
}

/// Reads a file that the command line names.
///
/// # Errors
/// The file's name and why it cannot be read.
pub(super) fn read_file(path: &Path) -> Result<(String, String), Error> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    Ok((name, text))
}
