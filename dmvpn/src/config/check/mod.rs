//! Whether the configurations of a whole cloud fit together, before anything runs.
//!
//! [`Config::validate`] judges one router. What only several show is here: which spoke belongs to which hub, and where two
//! ends of a tunnel differ in something that has to be the same. [`files`] says it all at once, for what
//! [`ios::parse`](super::ios::parse) read.
//!
//! ```
//! use dmvpn::config::{Severity, check, ios};
//!
//! let hub = include_str!("../../../tests/data/guide/hub1.cfg");
//! let spoke = include_str!("../../../tests/data/guide/spoke1.cfg").replace("tunnel key 100", "tunnel key 101");
//! let found = check::files(&[ios::parse("hub1.cfg", hub), ios::parse("spoke1.cfg", &spoke)]);
//!
//! let errors: Vec<_> = found.iter().filter(|one| one.severity == Severity::Error).collect();
//! assert_eq!(
//!     errors[0].to_string(),
//!     "spoke1.cfg:44: error: Tunnel0 has the tunnel key 101, and the hub HUB1 (hub1.cfg:41) has 100: each drops the \
//!      other's packets, nothing registers; expected 'tunnel key 100'"
//! );
//! ```
//!
//! One file per subject: who belongs to whom (`Cloud`), NHRP and GRE, cryptography, OSPF, addresses.

mod addresses;
mod crypto;
mod nhrp;
mod ospf;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

use super::ios::Parsed;
use super::{Config, Diagnostic, Interface, Line, Nbma, Nhs, Rule, Severity, Tunnel};

/// Everything that is wrong or doubtful about these files: what the reader said, what [`Config::validate`] says of each,
/// and what [`cloud`] says of all; in the order of the files and their lines.
#[must_use]
pub fn files(parsed: &[Parsed]) -> Vec<Diagnostic> {
    let configs: Vec<&Config> = parsed.iter().map(|one| &one.config).collect();
    let of_cloud = cloud(&configs);
    let mut found = Vec::new();
    for one in parsed {
        let file = &one.config.origin.line.file;
        let mut own = one.diagnostics.clone();
        let known = Links::new(&configs);
        own.extend(one.config.validate().into_iter().filter(|found| !known.answer(found)));
        own.extend(of_cloud.iter().filter(|found| found.line.file == *file).cloned());
        own.sort_by_key(|one| one.line.number);
        found.append(&mut own);
    }
    found
}

/// What does not fit together in a cloud of these routers.
///
/// A router that none of them mentions changes nothing. What a configuration lacks by itself is not repeated here: see
/// [`Config::validate`].
#[must_use]
pub fn cloud(configs: &[&Config]) -> Vec<Diagnostic> {
    let links = Links::new(configs);
    let mut report = Report { found: Vec::new() };
    addresses::check(configs, &links, &mut report);
    nhrp::check(&links, &mut report);
    crypto::check(&links, &mut report);
    ospf::check(&links, &mut report);
    report.found
}

/// A tunnel of one of the routers.
#[derive(Debug, Clone, Copy)]
struct End<'a> {
    config: &'a Config,
    interface: &'a Interface,
    tunnel: &'a Tunnel,
}

impl<'a> End<'a> {
    /// The tunnels of a router that are up.
    fn all(config: &'a Config) -> impl Iterator<Item = Self> {
        let up = config.tunnels().filter(|(interface, _)| !interface.shutdown);
        up.map(move |(interface, tunnel)| Self { config, interface, tunnel })
    }

    fn nbma(&self) -> Option<IpAddr> {
        self.config.tunnel_nbma(self.tunnel)
    }

    fn address(&self) -> Option<IpAddr> {
        self.interface.address.map(|address| IpAddr::V4(address.address))
    }

    /// Where a setting is made, or where it is missing.
    fn line(&self, setting: &str) -> &'a Line {
        self.interface.origin.of(setting)
    }

    fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self.interface, other.interface)
    }

    /// The router's name and where the other side of a difference is: `HUB1 (hub1.cfg:12)`.
    fn named(&self, setting: &str) -> String {
        format!("{} ({})", self.config.hostname, self.line(setting))
    }
}

/// A spoke's tunnel and the hub's that one of its next-hop servers means.
#[derive(Debug, Clone, Copy)]
struct Link<'a> {
    spoke: End<'a>,
    nhs: &'a Nhs,
    hub: End<'a>,
}

/// Who belongs to whom.
struct Links<'a> {
    /// Spokes with their hubs.
    links: Vec<Link<'a>>,
    /// Next-hop servers that no file is the configuration of.
    unknown: Vec<(End<'a>, &'a Nhs)>,
}

impl<'a> Links<'a> {
    fn new(configs: &[&'a Config]) -> Self {
        let ends: Vec<End<'a>> = configs.iter().flat_map(|config| End::all(config)).collect();
        let mut found = Self { links: Vec::new(), unknown: Vec::new() };
        for spoke in &ends {
            for nhs in &spoke.tunnel.nhrp.nhs {
                match hub_of(*spoke, nhs, &ends) {
                    Some(hub) => found.links.push(Link { spoke: *spoke, nhs, hub }),
                    None => found.unknown.push((*spoke, nhs)),
                }
            }
        }
        found
    }

    /// Spokes of one hub, two and two, each pair once.
    fn neighbours(&self) -> Vec<(End<'a>, End<'a>)> {
        let mut pairs: Vec<(End<'a>, End<'a>)> = Vec::new();
        for (at, one) in self.links.iter().enumerate() {
            for other in self.links.iter().skip(at + 1) {
                let same_hub = one.hub.is(&other.hub) && !one.spoke.is(&other.spoke);
                let known = |(a, b): &(End<'_>, End<'_>)| a.is(&one.spoke) && b.is(&other.spoke);
                if same_hub && !pairs.iter().any(known) {
                    pairs.push((one.spoke, other.spoke));
                }
            }
        }
        pairs
    }

    /// Whether the cloud as a whole answers a doubt about one of its routers: a redirect is right where every spoke takes
    /// shortcuts.
    fn answer(&self, found: &Diagnostic) -> bool {
        let is_about = |hub: &End<'_>| {
            let line = hub.line("ip nhrp redirect");
            found.line.file == line.file && found.line.number == line.number
        };
        let mut own = self.links.iter().filter(|link| is_about(&link.hub)).peekable();
        found.rule == Rule::Phase && own.peek().is_some() && own.all(|link| link.spoke.tunnel.nhrp.shortcut)
    }
}

/// The tunnel that a next-hop server is: that with its tunnel address, else one at its underlay address; of several the
/// one with the same key, else the one that has the spoke in its network.
fn hub_of<'a>(spoke: End<'a>, nhs: &Nhs, ends: &[End<'a>]) -> Option<End<'a>> {
    let others = || ends.iter().filter(|end| !std::ptr::eq(end.config, spoke.config));
    let by_address = others().find(|end| nhs.address.is_some() && end.address() == nhs.address);
    let nbma = match spoke.tunnel.nhrp.nbma_of(nhs) {
        Some(Nbma::Address(nbma)) => Some(nbma),
        _ => spoke.tunnel.destination,
    };
    let at_nbma = || others().filter(|end| nbma.is_some() && end.nbma() == nbma);
    let own = spoke.interface.address;
    let around = |end: &&End<'a>| {
        end.interface.address.zip(own).is_some_and(|(hub, own)| hub.network().contains(&own.address))
    };
    by_address
        .or_else(|| at_nbma().find(|end| end.tunnel.key == spoke.tunnel.key))
        .or_else(|| at_nbma().find(around))
        .or_else(|| at_nbma().next())
        .copied()
}

/// What has been found.
struct Report {
    found: Vec<Diagnostic>,
}

impl Report {
    fn error(&mut self, rule: Rule, line: &Line, message: String, expected: impl Into<String>) {
        self.say(Severity::Error, rule, line, message, expected);
    }

    fn warning(&mut self, rule: Rule, line: &Line, message: String, expected: impl Into<String>) {
        self.say(Severity::Warning, rule, line, message, expected);
    }

    fn note(&mut self, rule: Rule, line: &Line, message: String) {
        self.say(Severity::Note, rule, line, message, "");
    }

    /// Says a thing once, however many links show it.
    fn say(
        &mut self,
        severity: Severity,
        rule: Rule,
        line: &Line,
        message: String,
        expected: impl Into<String>,
    ) {
        let said = Diagnostic::new(severity, rule, line.clone(), message).expecting(expected);
        if !self.found.contains(&said) {
            self.found.push(said);
        }
    }
}
