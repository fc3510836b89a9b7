//! What the laboratory prints: text as it goes, or one JSON document at the end.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};

/// A claim that was checked.
#[derive(Debug, Clone, Serialize)]
pub struct Claim {
    /// What was claimed.
    pub claim: String,
    /// What was seen.
    pub seen: String,
    /// Whether they agree.
    pub holds: bool,
}

/// Where output goes.
#[derive(Debug)]
pub struct Report {
    json: bool,
    steps: Vec<Value>,
    events: Vec<Value>,
    other: serde_json::Map<String, Value>,
}

impl Report {
    /// A report as text, or as JSON.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, steps: Vec::new(), events: Vec::new(), other: serde_json::Map::new() }
    }

    /// Prose; nobody's data.
    pub fn say(&self, text: &str) {
        if !self.json {
            println!("{text}");
        }
    }

    /// A command and its answer.
    pub fn step(&mut self, at: Duration, router: &str, command: &str, text: &str, data: Value) {
        if self.json {
            let at = at.as_secs_f64();
            self.steps.push(json!({ "at": at, "router": router, "command": command, "output": data }));
        } else {
            println!("{router}# {command}");
            println!("{}", text.trim_end());
        }
    }

    /// Something that happened.
    pub fn event(&mut self, at: Duration, router: &str, text: &str) {
        if self.json {
            self.events.push(json!({ "at": at.as_secs_f64(), "router": router, "event": text }));
        } else {
            for line in text.lines() {
                println!("*{}: {router}: {line}", clock(at));
            }
        }
    }

    /// A named part of the JSON document.
    pub fn data(&mut self, name: &str, data: Value) {
        self.other.insert(name.to_owned(), data);
    }

    /// The table of claims; whether all hold.
    pub fn claims(&mut self, title: &str, claims: &[Claim]) -> bool {
        let all = claims.iter().all(|claim| claim.holds);
        if self.json {
            self.data("claims", json!(claims));
            return all;
        }
        let width = claims.iter().map(|claim| claim.claim.chars().count()).max().unwrap_or(0);
        println!("{title}");
        println!("      {:<width$}  seen", "claim");
        for claim in claims {
            let mark = if claim.holds { "holds" } else { "FAILS" };
            println!("{mark} {:<width$}  {}", claim.claim, claim.seen);
        }
        println!();
        let held = claims.iter().filter(|claim| claim.holds).count();
        println!("{held} of {} claims hold.", claims.len());
        all
    }

    /// Prints what was kept.
    pub fn finish(mut self) {
        if self.json {
            self.data("steps", Value::Array(self.steps.clone()));
            self.data("events", Value::Array(self.events.clone()));
            println!("{}", Value::Object(self.other));
        }
    }
}

/// A virtual time as IOS stamps its log lines.
#[must_use]
pub(super) fn clock(at: Duration) -> String {
    let (seconds, millis) = (at.as_secs(), at.subsec_millis());
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}
