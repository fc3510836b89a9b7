//! The texts against the guide.
