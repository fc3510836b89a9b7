//! Whether a configuration makes sense.

use super::{Config, Diagnostic};

impl Config {
    /// Every error and warning at once.
    #[must_use]
    pub fn validate(&self) -> Vec<Diagnostic> {
        Vec::new()
    }
}
