//! What a person may have to know or act on.

/// A fact about the cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {}
