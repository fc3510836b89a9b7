//! `cargo bench -p ospf-p2mp --bench figures`: the figures of route calculation and of many spokes on one hub, beside those
//! of others and beside what this crate promises. `cargo bench ... -- quick` leaves out 5,000 spokes.
//!
//! Times are medians of wall-clock time on whatever machine runs this, or virtual time where it says so. The figures of FRR
//! were measured on two cores of another machine: SPF as `show ip ospf` tells it, which includes its routes.
#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "measures, and prints what it measured")]

#[path = "../../tests/common/mod.rs"]
mod common;

mod join;
mod light;
mod spf;

use std::alloc::System;
use std::time::{Duration, Instant};

use common::{Cloud, LAN, ip, ms, net};
use ospf_p2mp::{Input, InterfaceConfig, InterfaceId};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn clock() -> Instant {
    Instant::now()
}

/// Octets of memory in use by the process.
fn live_bytes() -> i64 {
    let stats = MEMORY.stats();
    stats.bytes_allocated as i64 - stats.bytes_deallocated as i64
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let quick = std::env::args().any(|argument| argument == "quick");
    calculation();
    convergence();
    joins(if quick { &[330, 1_000] } else { &[330, 1_000, 5_000] });
}

fn row(what: &str, figure: &str, bar: &str, others: &str) {
    println!("| {what:<58} | {figure:>34} | {bar:>12} | {others:>22} |");
}

fn calculation() {
    println!();
    row("route calculation of a spoke, medians", "here", "bar", "others");
    for (spokes, bar, others) in
        [(1_000, "100 us", "FRR 10.3: 6 ms"), (5_000, "700 us", "FRR 10.3: 77 ms"), (10_000, "2 ms", "")]
    {
        let star = ospf_p2mp::bench::Star::new(spokes);
        let times = (0..41).map(|_| {
            let start = clock();
            assert_eq!(star.run(), spokes as usize + 1);
            start.elapsed()
        });
        let time = median(times.collect());
        row(&format!("SPF, a star of {spokes} routers"), &format!("{time:.1?}"), bar, others);
    }
    for spokes in [1_000, 5_000, 10_000] {
        let mut spoke = spf::Spoke::new(spokes);
        let times = (1..=15).map(|round| spoke.time_topology(round)).collect();
        let figure = format!("{:.1?}", median(times));
        row(&format!("the same with all {} routes, and handing them out", 2 * spokes), &figure, "", "");
        let (arrivals, times) = (1..=41).map(|round| spoke.time_prefix(round)).unzip();
        let figure = format!("{:.1?} (and {:.1?} to take the LSA)", median(times), median(arrivals));
        let bar = if spokes == 10_000 { "100 us" } else { "" };
        row(&format!("one prefix changes, {spokes} routers"), &figure, bar, "");
    }
}

/// Virtual time, 20 ms from each router to the next.
fn convergence() {
    println!();
    row("convergence, virtual time at 20 ms", "here", "bar", "others");
    let mut cloud = Cloud::star(3);
    cloud.register_all();
    let time = cloud.run_while_not(Duration::from_secs(60), Cloud::all_lans_reachable).expect("routes");
    row("start to all routes, hub and 3 spokes", &format!("{time:.0?}"), "1 s", "FRR 15 to 26 s");
    cloud.run_for(Duration::from_secs(60));
    let mut config = cloud.nodes[2].config.clone();
    config.interfaces.push(InterfaceConfig::lan(InterfaceId(9), "Gi3", ip("192.168.112.1"), 24));
    cloud.reconfigure(2, config).expect("valid");
    let seen = |cloud: &Cloud| {
        [0, 1, 3].iter().all(|index| cloud.nodes[*index].table.contains_key(&net("192.168.112.0/24")))
    };
    let time = cloud.run_while_not(Duration::from_secs(60), seen).expect("the LAN");
    row(
        "a new LAN at a spoke, to all others' routes",
        &format!("{time:.0?}"),
        "300 ms",
        "FRR 5.0 s, BIRD 2.0 s",
    );
    cloud.run_for(Duration::from_secs(60));
    cloud.input(2, Input::InterfaceDown { interface: LAN });
    let gone = |cloud: &Cloud| {
        [0, 1, 3].iter().all(|index| !cloud.nodes[*index].table.contains_key(&net("192.168.12.0/24")))
    };
    let time = cloud.run_while_not(Duration::from_secs(60), gone).expect("withdrawn");
    row("a LAN that goes down, to all others' routes", &format!("{time:.0?}"), "", "");
    cloud.run_for(ms(60_000));
    cloud.crash(3);
    cloud.input(0, Input::PeerDown { interface: common::TUNNEL, address: ip("10.0.0.13") });
    let gone = |cloud: &Cloud| {
        [0, 1, 2].iter().all(|index| !cloud.nodes[*index].table.contains_key(&net("192.168.13.0/24")))
    };
    let time = cloud.run_while_not(Duration::from_secs(60), gone).expect("withdrawn");
    row(
        "a spoke dies, its registration ends, to all others' routes",
        &format!("{time:.0?}"),
        "",
        "FRR 34 s (dead timer)",
    );
}

fn joins(sizes: &[u32]) {
    println!();
    row("all spokes of one hub join at once", "here", "bar", "FRR 10.3");
    for &spokes in sizes {
        let figures = join::run(spokes);
        let frr = |text: &str| if spokes == 330 { text.to_owned() } else { String::new() };
        let row = |what: &str, figure: String, bar: &str, others: String| {
            row(&format!("{spokes} spokes: {what}"), &figure, bar, &others);
        };
        row("hub Full with all, virtual time", format!("{:.2?}", figures.full), "", frr("11.3 s"));
        row(
            "every spoke has every LSA, virtual time",
            format!("{:.2?}", figures.complete),
            "",
            String::new(),
        );
        row("processor time of the hub", format!("{:.2?}", figures.busy), "", frr("2.0 s"));
        let bar = if spokes == 330 { "25 MB" } else { "" };
        let sent = figures.sent as f64 / 1e6;
        row("sent by the hub", format!("{sent:.1} MB"), bar, frr("254 MB"));
        let memory = figures.memory as f64 / 1e6;
        row("memory of the hub", format!("{memory:.1} MB"), "", frr("50 MB (RSS)"));
        row("largest Hello", format!("{} octets", figures.hello), "48", frr("1,364 (N > 334: none)"));
        if spokes == 330 {
            assert!(sent < 25.0, "{sent} MB");
        }
        assert_eq!(figures.hello, 48);
    }
}
