//! Next-hop cases and random graphs.
