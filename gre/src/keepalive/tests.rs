//! Keepalive tests.
