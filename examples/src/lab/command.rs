//! Commands at a router's prompt.

use std::net::Ipv4Addr;
use std::time::Duration;

use dmvpn::sim::{PingConfig, PingReport, TracerouteConfig, TracerouteReport};
use dmvpn::{Command as EngineCommand, ShowCommand};
use serde_json::Value;

use super::{Cloud, Error};

/// What can be asked of a router.
#[derive(Debug, Clone)]
pub(super) enum Command {
    /// A view.
    Show(ShowCommand),
    /// Echo requests.
    Ping(PingConfig),
    /// Which routers a packet passes.
    Traceroute(TracerouteConfig),
    /// The router loses power.
    Fail,
    /// It gets power again, with the same configuration.
    Restore,
    /// An order to the engine.
    Engine(EngineCommand),
}

/// A command's answer.
#[derive(Debug)]
pub(super) struct Answer {
    /// As the prompt shows it.
    pub text: String,
    /// As data.
    pub data: Value,
    /// The pings, if it was one.
    pub ping: Option<PingReport>,
    /// The hops, if it was a traceroute.
    pub traceroute: Option<TracerouteReport>,
}

impl Answer {
    fn said(text: &str) -> Self {
        Self { text: text.to_owned(), data: Value::String(text.to_owned()), ping: None, traceroute: None }
    }
}

/// Reads a command.
///
/// # Errors
/// The words that are not understood, and what was expected.
pub(super) fn parse(text: &str) -> Result<Command, Error> {
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        ["fail"] => Ok(Command::Fail),
        ["restore"] => Ok(Command::Restore),
        ["shutdown"] => Ok(Command::Engine(EngineCommand::Shutdown)),
        ["clear", "ip", "nhrp"] => Ok(Command::Engine(EngineCommand::ClearNhrp)),
        ["clear", "crypto", "session"] => Ok(Command::Engine(EngineCommand::ClearCrypto(None))),
        ["ping", destination, options @ ..] => {
            let mut config = PingConfig::new(address(destination)?);
            for option in pairs(options)? {
                match option {
                    ("source", value) => config.source = Some(address(value)?),
                    ("repeat", value) => config.count = number(value)?,
                    ("size", value) => config.size = number(value)?,
                    ("timeout", value) => config.timeout = Duration::from_secs(number(value)?),
                    ("interval", value) => config.interval = Some(Duration::from_millis(number(value)?)),
                    (word, _) => {
                        return Err(expected(word, "source, repeat, size, timeout or interval (ms)"));
                    }
                }
            }
            Ok(Command::Ping(config))
        }
        ["traceroute", destination, options @ ..] => {
            let mut config = TracerouteConfig::new(address(destination)?);
            for option in pairs(options)? {
                match option {
                    ("source", value) => config.source = Some(address(value)?),
                    ("probe", value) => config.probes = number(value)?,
                    (word, _) => return Err(expected(word, "source or probe")),
                }
            }
            Ok(Command::Traceroute(config))
        }
        ["show" | "sh" | "sho", ..] => Ok(Command::Show(text.parse()?)),
        _ => Err(expected(text, "show, ping, traceroute, clear, shutdown, fail or restore")),
    }
}

/// Carries out a command. Pings and traceroutes take virtual time.
///
/// # Errors
/// A router that is down, or one that cannot be restored.
pub(super) fn carry_out(cloud: &mut Cloud, router: &str, command: &Command) -> Result<Answer, Error> {
    if cloud.network.find(router).is_none() {
        return Err(format!("there is no router {router}").into());
    }
    match command {
        Command::Fail => {
            cloud.network.fail(router);
            Ok(Answer::said("% power lost"))
        }
        Command::Restore => {
            cloud.network.restore(router)?;
            Ok(Answer::said("% power restored"))
        }
        Command::Engine(command) => {
            cloud.network.command(router, command.clone());
            Ok(Answer::said(""))
        }
        Command::Show(command) => {
            let now = cloud.network.instant();
            let Some(engine) = cloud.engine(router) else { return Ok(Answer::said("% the router is down")) };
            let view = engine.show(now, command);
            Ok(Answer {
                text: view.to_string(),
                data: serde_json::to_value(&view)?,
                ping: None,
                traceroute: None,
            })
        }
        Command::Ping(config) => {
            let id = cloud.network.ping(router, config.clone());
            let limit = (config.timeout + config.interval.unwrap_or_default()) * (config.count + 1);
            cloud.run_until_condition(limit, |network| network.ping_report(id).finished.is_some());
            let report = cloud.network.ping_report(id).clone();
            let view = report.view();
            Ok(Answer {
                text: view.to_string(),
                data: serde_json::to_value(&view)?,
                ping: Some(report),
                traceroute: None,
            })
        }
        Command::Traceroute(config) => {
            let id = cloud.network.traceroute(router, config.clone());
            let limit = config.timeout * u32::from(config.max_ttl) * u32::from(config.probes);
            cloud.run_until_condition(limit, |network| network.traceroute_report(id).finished.is_some());
            let report = cloud.network.traceroute_report(id).clone();
            let view = report.view();
            Ok(Answer {
                text: view.to_string(),
                data: serde_json::to_value(&view)?,
                ping: None,
                traceroute: Some(report),
            })
        }
    }
}

fn pairs<'a>(words: &[&'a str]) -> Result<Vec<(&'a str, &'a str)>, Error> {
    let pair = |pair: &[&'a str]| match pair {
        [word, value] => Ok((*word, *value)),
        rest => Err(expected(&rest.join(" "), "a value behind the word")),
    };
    words.chunks(2).map(pair).collect()
}

fn address(word: &str) -> Result<Ipv4Addr, Error> {
    word.parse().map_err(|_| expected(word, "an IPv4 address"))
}

fn number<T: std::str::FromStr>(word: &str) -> Result<T, Error> {
    word.parse().map_err(|_| expected(word, "a number"))
}

fn expected(words: &str, what: &str) -> Error {
    format!("'{words}': expected {what}").into()
}
