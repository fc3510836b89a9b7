//! The log: lines on standard error, the last of them for `show logging`, and what is added by `debug`.

use core::fmt::{self, Write as _};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::clock;

/// How many lines `show logging` has.
const KEPT: usize = 500;
/// The variable that says what is logged.
const VARIABLE: &str = "RUST_LOG";

/// What can be debugged: the words of the command, and the targets that speak.
const SUBJECTS: &[(&[&str], &[&str])] = &[
    (&["nhrp"], &["nhrp"]),
    (&["dmvpn"], &["nhrp", "dmvpn", "ikev2"]),
    (&["crypto", "ikev2"], &["ikev2"]),
    (&["crypto", "ipsec"], &["ikev2", "dmvpn"]),
    (&["ip", "ospf"], &["ospf_p2mp"]),
    (&["all"], &["nhrp", "ikev2", "ospf_p2mp", "dmvpn", "dmvpn_examples"]),
];

/// A handle on the log; clones are the same log.
#[derive(Debug, Clone)]
pub(super) struct Log(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    started: Instant,
    /// What `RUST_LOG` asks for, else information and worse.
    always: Targets,
    /// The subjects that are debugged, by their place in the table.
    subjects: Vec<usize>,
    /// Only lines about these peers are debugged; all, if there are none.
    peers: Vec<String>,
    recent: VecDeque<String>,
}

impl Log {
    fn new(always: Targets) -> Self {
        let (subjects, peers, recent) = (Vec::new(), Vec::new(), VecDeque::new());
        Self(Arc::new(Mutex::new(State { started: clock::now(), always, subjects, peers, recent })))
    }

    /// Begins to log, by `RUST_LOG` (as `info,nhrp=debug`).
    pub(super) fn start() -> Self {
        let default = || Targets::new().with_default(LevelFilter::INFO);
        let asked = std::env::var(VARIABLE).ok();
        let parsed = asked.as_deref().map(str::parse::<Targets>);
        let log = Self::new(match &parsed {
            Some(Ok(targets)) => targets.clone(),
            _ => default(),
        });
        // A second router in one process, as tests have it, keeps the first one's log.
        let _ = tracing_subscriber::registry().with(log.clone()).try_init();
        if let Some(Err(error)) = parsed {
            tracing::warn!("{VARIABLE}: {error}");
        }
        log
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panicking thread left behind are lines of text.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `debug SUBJECT`, `debug nhrp condition peer nbma ADDRESS`.
    pub(super) fn debug(&self, words: &[&str]) -> String {
        let mut state = self.state();
        if let ["nhrp" | "dmvpn", "condition", "peer", "nbma" | "tunnel", address] = words {
            if address.parse::<std::net::IpAddr>().is_err() {
                return format!("% '{address}': expected an address\n");
            }
            if !state.peers.iter().any(|peer| peer == address) {
                state.peers.push((*address).to_owned());
            }
            return format!("Condition {} set\n", state.peers.len());
        }
        let words =
            words.strip_suffix(&["detail"]).or_else(|| words.strip_suffix(&["packet"])).unwrap_or(words);
        let Some(subject) = SUBJECTS.iter().position(|(subject, _)| *subject == words) else {
            return format!(
                "% expected debug {}, or debug nhrp condition peer nbma ADDRESS\n",
                subjects(", ")
            );
        };
        if !state.subjects.contains(&subject) {
            state.subjects.push(subject);
        }
        format!("{} debugging is on\n", words.join(" "))
    }

    /// `undebug SUBJECT`, `undebug all`, `undebug nhrp condition ...`.
    pub(super) fn undebug(&self, words: &[&str]) -> String {
        let mut state = self.state();
        match words {
            ["all"] => {
                state.subjects.clear();
                state.peers.clear();
                "All possible debugging has been turned off\n".to_owned()
            }
            ["nhrp" | "dmvpn", "condition", rest @ ..] => {
                match rest {
                    ["peer", _, address] => state.peers.retain(|peer| peer != address),
                    _ => state.peers.clear(),
                }
                format!("{} conditions remain\n", state.peers.len())
            }
            words => match SUBJECTS.iter().position(|(subject, _)| *subject == words) {
                Some(subject) => {
                    state.subjects.retain(|own| *own != subject);
                    format!("{} debugging is off\n", words.join(" "))
                }
                None => format!("% expected undebug {}\n", subjects(", ")),
            },
        }
    }

    /// `show debugging`.
    pub(super) fn debugging(&self) -> String {
        let state = self.state();
        let mut text = String::new();
        for subject in &state.subjects {
            let words = SUBJECTS.get(*subject).map(|(words, _)| words.join(" "));
            let _ = writeln!(text, "{} debugging is on", words.unwrap_or_default());
        }
        for (index, peer) in state.peers.iter().enumerate() {
            let _ = writeln!(text, "Condition {}: peer {peer}", index + 1);
        }
        if text.is_empty() {
            text.push_str("No debugging is on\n");
        }
        text
    }

    /// `show logging`: the last lines.
    pub(super) fn recent(&self) -> String {
        self.state().recent.iter().fold(String::new(), |text, line| text + line + "\n")
    }

    /// `clear logging`.
    pub(super) fn clear(&self) {
        self.state().recent.clear();
    }
}

impl State {
    fn wants(&self, target: &str, level: Level) -> bool {
        self.always.would_enable(target, &level) || self.debugs(target)
    }

    fn debugs(&self, target: &str) -> bool {
        let krate = target.split("::").next().unwrap_or_default();
        let mut subjects = self.subjects.iter().filter_map(|subject| SUBJECTS.get(*subject));
        subjects.any(|(_, targets)| targets.contains(&krate))
    }
}

fn subjects(separator: &str) -> String {
    let all: Vec<String> = SUBJECTS.iter().map(|(words, _)| words.join(" ")).collect();
    all.join(separator)
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> tracing::subscriber::Interest {
        // What is wanted changes while the router runs.
        tracing::subscriber::Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.state().wants(metadata.target(), *metadata.level())
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut line = Line::default();
        event.record(&mut line);
        let mut state = self.state();
        let anyway = state.always.would_enable(metadata.target(), metadata.level());
        if !anyway && !state.peers.is_empty() && !line.is_about(&state.peers) {
            return;
        }
        let at = clock::now().saturating_duration_since(state.started).as_secs_f64();
        let mut text = format!("{at:>10.3} ");
        match *metadata.level() {
            Level::ERROR => text.push_str("error: "),
            Level::WARN => text.push_str("warning: "),
            Level::INFO => {}
            Level::DEBUG | Level::TRACE => {
                let _ = write!(text, "{}: ", metadata.target());
            }
        }
        text.push_str(&line.message);
        text.push_str(&line.fields);
        eprintln!("{text}");
        while state.recent.len() >= KEPT {
            state.recent.pop_front();
        }
        state.recent.push_back(text);
    }
}

/// An event as text.
#[derive(Debug, Default)]
struct Line {
    message: String,
    fields: String,
    values: Vec<String>,
}

impl Line {
    /// Whether one of the fields names one of the peers.
    fn is_about(&self, peers: &[String]) -> bool {
        let of_peer = |value: &String| peers.iter().any(|peer| names(value, peer));
        self.values.iter().any(of_peer) || of_peer(&self.message)
    }
}

/// Whether a text has this address in it, and not as the beginning or end of another one.
fn names(text: &str, address: &str) -> bool {
    let part_of_address = |c: char| c.is_ascii_hexdigit() || c == '.';
    text.match_indices(address).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let mut after = text.get(at + address.len()..).unwrap_or_default().chars();
        let next = (after.next(), after.next());
        let goes_on = match next {
            // A full stop at the end of a sentence.
            (Some('.'), next) => next.is_some_and(|c| c.is_ascii_digit()),
            (Some(c), _) => part_of_address(c),
            (None, _) => false,
        };
        !before.is_some_and(part_of_address) && !goes_on
    })
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let value = format!("{value:?}");
        match field.name() {
            "message" => self.message = value,
            // Whose log it is, is known.
            "router" => {}
            name => {
                let separator = if self.fields.is_empty() && self.message.is_empty() { "" } else { " " };
                let _ = write!(self.fields, "{separator}{name}={value}");
                self.values.push(value);
            }
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(log: &Log, act: impl FnOnce()) -> Vec<String> {
        log.clear();
        let subscriber = tracing_subscriber::registry().with(log.clone());
        tracing::subscriber::with_default(subscriber, act);
        log.recent()
            .lines()
            .map(|line| {
                line.trim_start_matches([' ', '.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])
                    .to_owned()
            })
            .collect()
    }

    fn speak() {
        tracing::info!(router = "SPOKE1", "up");
        tracing::debug!(target: "nhrp::node", nbma = %"198.51.100.1", "one");
        tracing::debug!(target: "nhrp::node", nbma = %"198.51.100.11", "two");
        tracing::debug!(target: "ikev2::endpoint", "three");
    }

    fn log() -> Log {
        Log::new(Targets::new().with_default(LevelFilter::INFO))
    }

    #[test]
    fn debugging_comes_and_goes_while_the_router_runs() {
        let log = log();
        assert_eq!(lines(&log, speak), ["up"]);
        assert_eq!(log.debug(&["nhrp"]), "nhrp debugging is on\n");
        assert_eq!(
            lines(&log, speak),
            ["up", "nhrp::node: one nbma=198.51.100.1", "nhrp::node: two nbma=198.51.100.11"]
        );
        log.debug(&["all"]);
        assert_eq!(lines(&log, speak).len(), 4);
        log.undebug(&["all"]);
        assert_eq!(lines(&log, speak), ["up"]);
        assert_eq!(log.debugging(), "No debugging is on\n");
    }

    #[test]
    fn a_condition_leaves_the_lines_of_one_peer() {
        let log = log();
        log.debug(&["nhrp"]);
        assert_eq!(log.debug(&["nhrp", "condition", "peer", "nbma", "198.51.100.1"]), "Condition 1 set\n");
        assert_eq!(lines(&log, speak), ["up", "nhrp::node: one nbma=198.51.100.1"]);
        assert_eq!(log.undebug(&["nhrp", "condition"]), "0 conditions remain\n");
        assert_eq!(lines(&log, speak).len(), 3);
    }

    #[test]
    fn what_is_no_subject_is_said() {
        let log = log();
        assert!(log.debug(&["eigrp"]).starts_with("% expected debug nhrp,"));
        assert!(log.debug(&["nhrp", "condition", "peer", "nbma", "x"]).starts_with("% 'x'"));
        assert!(log.undebug(&["eigrp"]).starts_with('%'));
    }

    #[test]
    fn addresses_are_found_whole() {
        assert!(names("from 10.0.0.1.", "10.0.0.1"));
        assert!(names("10.0.0.1:500", "10.0.0.1"));
        assert!(names("[10.0.0.1]", "10.0.0.1"));
        assert!(!names("10.0.0.11", "10.0.0.1"));
        assert!(!names("110.0.0.1", "10.0.0.1"));
        assert!(!names("10.0.0.1.2", "10.0.0.1"));
    }
}
