//! IOS-XE configuration text.
//!
//! [`parse`] reads what `show running-config` prints, what an engineer writes, and what comes out of a web page or a chat
//! window: the section a line belongs to is found by its command, so indentation may be there or not. Keywords may be
//! abbreviated as on a router's prompt, as long as only one fits and at least two letters are left. `no` in front of a
//! command undoes it. `exit` closes a section, `end` all of them.
//!
//! Every line that does not do what it says is reported, none is skipped in silence:
//!
//! | a line | is |
//! |---|---|
//! | with a word or value that cannot be there | an error |
//! | that sets something a second time in one section | an error; the later one counts, as in IOS |
//! | that sets something again in a section which is opened again | a warning; the later one counts |
//! | that IOS knows and this router does not have | a warning, or an error if the cloud cannot work without |
//! | that is not known | a warning |
//! | that IOS knows and that changes nothing here | a note |
//!
//! What stands where a key belongs never shows up in a diagnostic.
//!
//! # Beyond IOS
//! - `ip ospf next-hop originator|rfc2328` on a tunnel: see [`NextHopMode`](super::NextHopMode).
//! - `encryption chacha20-poly1305`, `group 31`, `esp-chacha20-poly1305`.
//! - NHRP authentication of more than 8 characters ([`Config::validate`](super::Config::validate) warns that IOS would not
//!   take it), replay windows of 2048 and 4096.
//! - `nbma NAME` of a next-hop server may be any name.
//! - Interface names of other systems (`eth0`, `wan.100`).
//!
//! # Where it differs
//! - `ip nhrp shortcut` is off unless it is configured; newer IOS-XE switches it on by itself.
//! - A replay window that is not configured has 1024 packets, not 64.
//! - `set pfs` without a group means group 14, not group 1.
//! - `crypto ikev2 profile` takes `match identity remote address 0.0.0.0` without a mask as everybody, as the guide means it.
//! - Lifetimes of keys in a key chain are in UTC; the word `local` is reported.
//! - There is one OSPF process.

mod complain;
mod lexer;
mod lifetime;
mod reader;
mod syntax;
mod tables;
mod value;

#[cfg(test)]
mod tests;

use super::{Config, Diagnostic};

/// What [`parse`] makes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Parsed {
    /// The configuration: everything that could be read. Use it only if no diagnostic is an error.
    pub config: Config,
    /// What is to be said about the text, in the order of its lines.
    pub diagnostics: Vec<Diagnostic>,
}

impl Parsed {
    /// Whether a diagnostic is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

/// Reads a configuration. `file_name` goes into the diagnostics and is not opened.
///
/// Any text is taken; it never panics. The time it takes grows with the length of the text, not faster.
pub fn parse(file_name: &str, text: &str) -> Parsed {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.lines().collect();
    let (config, diagnostics) = reader::Reader::new(file_name, &lines).run();
    Parsed { config, diagnostics }
}

/// The commands that are understood, as patterns: each with the line that opens its section. For documentation and tests.
///
/// A pattern is a row of keywords, `(one|of|these)`, `<low-high>` for a number, upper-case words for values, and
/// `[optional parts]`.
pub fn commands() -> impl Iterator<Item = (&'static str, &'static str)> {
    reader::Mode::KINDS.into_iter().flat_map(|mode| {
        let all = mode.commands().iter().flat_map(|table| table.iter());
        all.map(move |command| (mode.opener(), command.syntax))
    })
}
