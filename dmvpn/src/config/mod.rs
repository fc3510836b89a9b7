//! Configuration.

/// A router's configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Config {
    /// The router's name.
    pub hostname: String,
}
