//! Whether a configuration makes sense.
//!
//! One file per subject. Every check looks at what is meant, not at what is written: a default counts like a setting.

mod crypto;
mod mss;
mod names;
mod ospf;
mod tunnel;

#[cfg(test)]
mod tests;

use super::{Config, Diagnostic, Line, Rule, Severity};

impl Config {
    /// Everything that is wrong or doubtful, at once, in the order of the files' lines; what has no line comes first.
    ///
    /// An error means that the router cannot do what its configuration says: the engine refuses it. A warning means that
    /// it runs, and says what will happen. What only a whole cloud shows (keys that differ between routers, for example)
    /// is not looked at here.
    #[must_use]
    pub fn validate(&self) -> Vec<Diagnostic> {
        let mut report = Report { found: Vec::new() };
        names::check(self, &mut report);
        crypto::check(self, &mut report);
        tunnel::check(self, &mut report);
        mss::check(self, &mut report);
        ospf::check(self, &mut report);
        // The sort is stable: what is said of one line stays in the order of the checks.
        report.found.sort_by(|one, two| {
            (one.line.file.as_ref(), one.line.number).cmp(&(two.line.file.as_ref(), two.line.number))
        });
        report.found
    }
}

/// What has been found.
struct Report {
    found: Vec<Diagnostic>,
}

impl Report {
    fn error(&mut self, rule: Rule, line: &Line, message: impl Into<String>, expected: impl Into<String>) {
        self.say(Severity::Error, rule, line, message, expected);
    }

    fn warning(&mut self, rule: Rule, line: &Line, message: impl Into<String>, expected: impl Into<String>) {
        self.say(Severity::Warning, rule, line, message, expected);
    }

    fn note(&mut self, rule: Rule, line: &Line, message: impl Into<String>) {
        self.say(Severity::Note, rule, line, message, "");
    }

    fn say(
        &mut self,
        severity: Severity,
        rule: Rule,
        line: &Line,
        message: impl Into<String>,
        expected: impl Into<String>,
    ) {
        self.found.push(Diagnostic::new(severity, rule, line.clone(), message).expecting(expected));
    }
}
