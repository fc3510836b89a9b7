//! ESP (RFC 4303) security associations: seal and open in place, replay window, lifetimes, NAT traversal framing
#![forbid(unsafe_code)]
