//! Route calculation without a router around it.
