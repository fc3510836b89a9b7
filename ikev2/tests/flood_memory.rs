//! How much memory strangers can take. One test in a program of its own, because it looks at the whole process.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a failure in a helper is a failed test")]

mod common;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use common::{Origin as _, guide};
use ikev2::{Endpoint, Input, Output, ProfileId, UdpPath};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

/// Resident memory in bytes; `None` where the system does not say.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(text.split(' ').nth(1)?.parse::<usize>().ok()? * 4096)
}

/// Without any cookie, so that each first request from another address becomes a half-open SA until the limit is met;
/// then 100,000 in all. `Limits::half_open` says what is promised.
#[test]
fn half_open_sas_take_no_more_memory_than_is_promised() {
    let now = std::time::Instant::from_origin();
    // A first request as an initiator writes it; its SPI and its source are changed for each stranger.
    let mut spoke = Endpoint::new(guide(1), ChaCha20Rng::seed_from_u64(1), now).unwrap();
    spoke.handle_input(now, Input::Connect { remote: common::ip(2), profile: ProfileId(0) });
    let Some(Output::Transmit(first)) = spoke.poll_output() else { panic!("no request") };
    let mut config = guide(2);
    config.limits.cookie_threshold = usize::MAX;
    let limit = config.limits.half_open;
    let mut hub = Endpoint::new(config, ChaCha20Rng::seed_from_u64(2), now).unwrap();
    let mut flood = |from: u32, to: u32| {
        for index in from..to {
            let mut payload = first.payload.clone();
            payload[..8].copy_from_slice(&(u64::from(index) + 1).to_be_bytes());
            let remote = SocketAddr::new(IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + index)), 500);
            let path = UdpPath { local: first.path.remote, remote };
            hub.handle_input(now, Input::Datagram { path, payload: &payload });
            while hub.poll_output().is_some() {}
        }
        usize::try_from(hub.stats().half_open).unwrap()
    };
    let Some(before) = resident() else {
        eprintln!("skipped: this system does not say how much memory a process has");
        return;
    };
    assert_eq!(flood(0, 1000), limit);
    let full = resident().unwrap();
    let each = full.saturating_sub(before) / limit;
    assert!(each <= 6 * 1024, "{each} bytes for one half-open SA");
    assert_eq!(flood(1000, 100_000), limit);
    let grown = resident().unwrap().saturating_sub(full);
    assert!(grown <= 256 * 1024, "{grown} bytes after the limit was met");
    eprintln!("{each} bytes for one half-open SA, {grown} bytes after the limit was met");
}
