//! `ping` and `traceroute`, as they are typed at a router.

use std::net::Ipv4Addr;

use dmvpn::Engine;
use dmvpn::sim::{PingConfig, TracerouteConfig};

use super::super::clock;
use super::super::control::{Reply, Ticket};
use super::{Local, Running};

/// More packets than that are no ping.
const MOST_PINGS: u32 = 1000;

impl Local {
    /// Starts what a command line asks for; none if it is not one of these.
    pub(super) fn start(&mut self, engine: &Engine, words: &[&str]) -> Option<Reply> {
        let (command, rest) = words.split_first()?;
        let asked = match *command {
            "ping" => ping(rest).map(|config| {
                self.own(engine, config.source).map(|()| Running::Ping(self.hosts.ping(clock::now(), config)))
            }),
            "traceroute" => traceroute(rest).map(|config| {
                self.own(engine, config.source)
                    .map(|()| Running::Traceroute(self.hosts.traceroute(clock::now(), config)))
            }),
            _ => return None,
        };
        let running = match asked.and_then(|started| started) {
            Ok(running) => running,
            Err(complaint) => return Some(Reply::Text(format!("% {complaint}\n"))),
        };
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.running.push((ticket, running));
        Some(Reply::Later(ticket))
    }

    /// Whether a source is an address of this router or of a host behind it.
    fn own(&self, engine: &Engine, source: Option<Ipv4Addr>) -> Result<(), String> {
        let Some(source) = source else { return Ok(()) };
        let known = self.hosts.lan().contains(&source)
            || engine.local_addresses().any(|(_, address, _)| address == source);
        known.then_some(()).ok_or_else(|| {
            let hosts: Vec<String> = self.hosts.lan().iter().map(ToString::to_string).collect();
            format!("{source} is no address of this router, and none of its LAN hosts ({})", hosts.join(", "))
        })
    }
}

/// `ping ADDRESS [source ADDRESS] [repeat N] [size N] [df-bit]`.
fn ping(words: &[&str]) -> Result<PingConfig, String> {
    let (destination, mut rest) = destination(words)?;
    let mut config = PingConfig::new(destination);
    while let Some((word, after)) = rest.split_first() {
        rest = match (*word, after) {
            ("source", [source, after @ ..]) => {
                config.source = Some(address(source)?);
                after
            }
            ("repeat", [count, after @ ..]) => {
                config.count = number(count, 1, MOST_PINGS)?;
                after
            }
            ("size", [size, after @ ..]) => {
                config.size = u16::try_from(number(size, 36, 18_024)?).unwrap_or(u16::MAX);
                after
            }
            ("df-bit", after) => {
                config.dont_fragment = true;
                after
            }
            _ => {
                return Err(format!(
                    "'{word}': expected source ADDRESS, repeat NUMBER, size NUMBER or df-bit"
                ));
            }
        };
    }
    Ok(config)
}

/// `traceroute ADDRESS [source ADDRESS]`.
fn traceroute(words: &[&str]) -> Result<TracerouteConfig, String> {
    let (destination, rest) = destination(words)?;
    let config = TracerouteConfig::new(destination);
    match rest {
        [] => Ok(config),
        ["source", source] => Ok(config.from(address(source)?)),
        [word, ..] => Err(format!("'{word}': expected source ADDRESS")),
    }
}

fn destination<'a, 'b>(words: &'a [&'b str]) -> Result<(Ipv4Addr, &'a [&'b str]), String> {
    let (first, rest) = words.split_first().ok_or("expected an address")?;
    Ok((address(first)?, rest))
}

fn address(word: &str) -> Result<Ipv4Addr, String> {
    word.parse().map_err(|_| format!("'{word}': expected an IPv4 address"))
}

fn number(word: &str, least: u32, most: u32) -> Result<u32, String> {
    let number = word.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("'{word}': expected a number from {least} to {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&str> {
        line.split_whitespace().collect()
    }

    #[test]
    fn pings_are_read_as_ios_writes_them() {
        let config = ping(&words("192.168.12.10 source 192.168.11.10 repeat 20 size 1400 df-bit")).unwrap();
        assert_eq!(config.destination, Ipv4Addr::new(192, 168, 12, 10));
        assert_eq!(config.source, Some(Ipv4Addr::new(192, 168, 11, 10)));
        assert_eq!((config.count, config.size, config.dont_fragment), (20, 1400, true));
        for wrong in
            ["", "somewhere", "10.0.0.1 repeat", "10.0.0.1 repeat 0", "10.0.0.1 size 20", "10.0.0.1 now"]
        {
            assert!(ping(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn traceroutes_are_too() {
        let config = traceroute(&words("192.168.12.1 source 192.168.11.1")).unwrap();
        assert_eq!(config.source, Some(Ipv4Addr::new(192, 168, 11, 1)));
        assert!(traceroute(&words("192.168.12.1 via 10.0.0.1")).is_err());
    }
}
