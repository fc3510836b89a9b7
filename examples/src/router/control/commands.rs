//! What a command line means.

use std::time::Instant;

use dmvpn::{Command, Engine, ShowCommand, View};
use serde_json::{Map, Value};

use super::Reply;
use crate::router::dataplane::Dataplane;
use crate::router::log::Log;

/// What `show tech` collects.
const TECH: &[&str] = &[
    "show ip interface brief",
    "show interfaces",
    "show dmvpn detail",
    "show ip nhrp detail",
    "show ip nhrp nhs detail",
    "show ip nhrp multicast",
    "show ip nhrp traffic",
    "show crypto session detail",
    "show crypto ikev2 sa detail",
    "show crypto ipsec sa",
    "show ip ospf",
    "show ip ospf interface",
    "show ip ospf neighbor detail",
    "show ip ospf database",
    "show ip route",
    "show drops",
];

/// Answers a command line.
pub(in crate::router) fn answer(
    engine: &mut Engine,
    plane: &mut dyn Dataplane,
    log: &Log,
    now: Instant,
    line: &str,
) -> Reply {
    let (json, line) = match line.strip_prefix("json ") {
        Some(rest) => (true, rest.trim()),
        None => (false, line),
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    if let Some(reply) = plane.command(engine, &words) {
        return reply;
    }
    // Conditions for debug lines hold in the engine and in the log.
    if let (["debug" | "undebug" | "no", ..], Ok(command)) = (words.as_slice(), line.parse::<Command>()) {
        engine.handle_command(now, command);
    }
    Reply::Text(match words.as_slice() {
        ["show", "io"] => plane.report(),
        ["show", "logging"] => log.recent(),
        ["show", "debugging" | "debug"] => log.debugging(),
        ["show", "tech" | "tech-support"] if json => tech_data(engine, plane, log, now),
        ["show", "tech" | "tech-support"] => tech(engine, plane, log, now),
        ["debug", rest @ ..] => log.debug(rest),
        ["undebug" | "no", rest @ ..] => log.undebug(rest.strip_prefix(&["debug"]).unwrap_or(rest)),
        ["clear", rest @ ..] => clear(engine, log, now, rest),
        ["ping" | "traceroute", ..] => {
            "% this router's packets are the system's: use its own ping and traceroute\n".to_owned()
        }
        _ => show(engine, now, line, json),
    })
}

fn clear(engine: &mut Engine, log: &Log, now: Instant, words: &[&str]) -> String {
    let command = match words {
        ["ip", "nhrp", ..] => match format!("clear {}", words.join(" ")).parse() {
            Ok(command) => command,
            Err(error) => return format!("{error}\n"),
        },
        ["crypto", "session" | "sa"] => Command::ClearCrypto(None),
        ["crypto", "session", "remote", address] | ["crypto", "sa", "peer", address] => match address.parse()
        {
            Ok(address) => Command::ClearCrypto(Some(address)),
            Err(_) => return format!("% '{address}': expected an address\n"),
        },
        ["logging"] => {
            log.clear();
            return String::new();
        }
        _ => {
            return "% expected clear ip nhrp [ADDRESS [MASK]], clear crypto session [remote ADDRESS] or clear logging\n"
                .to_owned();
        }
    };
    engine.handle_command(now, command);
    String::new()
}

fn show(engine: &Engine, now: Instant, line: &str, json: bool) -> String {
    match line.parse::<ShowCommand>() {
        Ok(command) if json => one_line(&data(&engine.show(now, &command))),
        Ok(command) => engine.show(now, &command).to_string(),
        Err(error) => format!("{error}\n"),
    }
}

fn tech(engine: &Engine, plane: &dyn Dataplane, log: &Log, now: Instant) -> String {
    let mut text = format!("{} {}\n", engine.hostname(), env!("CARGO_PKG_VERSION"));
    let mut section = |title: &str, body: &str| {
        text.push_str(&format!("\n------------------ {title} ------------------\n\n{body}"));
    };
    for line in TECH {
        section(line, &show(engine, now, line, false));
    }
    section("show io", &plane.report());
    section("show debugging", &log.debugging());
    section("show logging", &log.recent());
    text
}

fn tech_data(engine: &Engine, plane: &dyn Dataplane, log: &Log, now: Instant) -> String {
    let mut all = Map::new();
    all.insert("router".to_owned(), engine.hostname().into());
    all.insert("version".to_owned(), env!("CARGO_PKG_VERSION").into());
    for line in TECH {
        if let Ok(command) = line.parse::<ShowCommand>() {
            all.insert((*line).to_owned(), data(&engine.show(now, &command)));
        }
    }
    all.insert("show io".to_owned(), plane.report().into());
    all.insert("show logging".to_owned(), log.recent().lines().collect::<Vec<_>>().into());
    one_line(&Value::Object(all))
}

fn data(view: &View) -> Value {
    serde_json::to_value(view).unwrap_or_else(|error| format!("% {error}").into())
}

fn one_line(value: &Value) -> String {
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_in_show_tech_is_a_command() {
        for line in TECH {
            assert!(line.parse::<ShowCommand>().is_ok(), "{line}");
        }
    }
}
