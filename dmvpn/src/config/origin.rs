//! Where a part of a configuration is written.

use core::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A place in a configuration file.
///
/// Two configurations that mean the same are equal wherever they are written, so **every `Line` equals every other
/// `Line`** (and hashes to nothing). That is what lets a reload compare the old configuration with the new one, and what
/// makes a pasted file equal to its indented twin. Compare [`Line::number`] and [`Line::file`] to compare places.
#[derive(Clone, Default)]
pub struct Line {
    /// The file's name as the caller gave it; empty when the configuration was built by a program.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 when the configuration was built by a program.
    pub number: u32,
}

impl Line {
    /// A place in a file. `number` counts from 1.
    #[must_use]
    pub fn new(file: Arc<str>, number: u32) -> Self {
        Self { file, number }
    }

    /// Whether this names a real place, that is, the element was read from a file.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.number != 0
    }
}

impl PartialEq for Line {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Line {}

impl Hash for Line {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Line({self})")
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.is_empty(), self.number) {
            (true, 0) => f.write_str("configuration"),
            (true, number) => write!(f, "line {number}"),
            (false, 0) => f.write_str(&self.file),
            (false, number) => write!(f, "{}:{number}", self.file),
        }
    }
}

/// Where an element is defined, and where each of its settings is.
///
/// Like [`Line`], every `Origin` equals every other one.
#[derive(Clone, Default)]
pub struct Origin {
    /// Where the element is opened, for example the line `interface Tunnel0`.
    pub line: Line,
    /// The settings, by the fixed words of their command; sorted.
    settings: Vec<(&'static str, Line)>,
}

impl Origin {
    /// An element that is opened at `line`.
    #[must_use]
    pub fn new(line: Line) -> Self {
        Self { line, settings: Vec::new() }
    }

    /// Remembers that the setting with these fixed words (for example `"ip nhrp holdtime"`) is made at `line`.
    pub fn record(&mut self, setting: &'static str, line: Line) {
        match self.settings.binary_search_by_key(&setting, |(name, _)| name) {
            Ok(index) => {
                if let Some(entry) = self.settings.get_mut(index) {
                    entry.1 = line;
                }
            }
            Err(index) => self.settings.insert(index, (setting, line)),
        }
    }

    /// Where the setting is made; where it is not made, the line of the element itself.
    #[must_use]
    pub fn of(&self, setting: &str) -> &Line {
        self.setting(setting).unwrap_or(&self.line)
    }

    /// Where the setting is made, if it is.
    #[must_use]
    pub fn setting(&self, setting: &str) -> Option<&Line> {
        let index = self.settings.binary_search_by(|(name, _)| (*name).cmp(setting)).ok()?;
        self.settings.get(index).map(|(_, line)| line)
    }
}

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({})", self.line)
    }
}
