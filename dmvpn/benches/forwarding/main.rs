//! What the engine costs per packet: the whole path (route, next hop, TTL, MSS, GRE with key, ESP), beside the bare cipher
//! of the same library over the same bytes, and beside boringtun's WireGuard.
//!
//! `cargo bench -p dmvpn-benches --features aws-lc` prints ratios. Contenders take turns within one run, so that a
//! machine's moods hit all of them, and the best turn of each counts. One core, no sockets.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and reports"
)]

mod bare;
mod cloud;
mod path;
mod routes;
mod wireguard;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bare::{Bare, Work};
use cloud::{Cloud, Suite};
use dmvpn::Backend;
use path::{Forward, Way};
use wireguard::WireGuard;

/// Packets per timed call: enough to time well.
const PACKETS: usize = 64;

/// Something that works on [`PACKETS`] packets per call.
trait Contender {
    /// What has to be done before a call, off the clock.
    fn prepare(&mut self);
    /// What is timed.
    fn run(&mut self);
}

fn clock() -> Instant {
    Instant::now()
}

/// Nanoseconds per packet of each contender, the best of many turns.
fn measure<const N: usize>(turns: u32, contenders: &mut [Box<dyn Contender>; N]) -> [f64; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..turns {
        for (contender, best) in contenders.iter_mut().zip(&mut best) {
            contender.prepare();
            let start = clock();
            contender.run();
            *best = start.elapsed().min(*best);
        }
    }
    best.map(|time| time.as_nanos() as f64 / PACKETS as f64)
}

fn suites() -> Vec<(Suite, Backend)> {
    let gcm = Backend::ALL.iter().map(|backend| (Suite::Gcm, *backend));
    gcm.chain([(Suite::Guide, Backend::RustCrypto)]).collect()
}

fn gigabits(len: usize, nanoseconds: f64) -> f64 {
    len as f64 * 8.0 / nanoseconds
}

fn forwarding(peers: u32, lens: &[usize], turns: u32) {
    println!("\n## {peers} peers\n");
    println!(
        "| suite | library | way | inner | bare, ns | ours, ns | ratio | batched, ns | ratio | speed-up | Gbit/s | batched |"
    );
    println!("| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for (suite, backend) in suites() {
        let start = clock();
        let cloud = Rc::new(RefCell::new(Cloud::new(suite, backend, peers)));
        let made = start.elapsed();
        for (way, work) in
            [(Way::LanToWan, Work::Seal), (Way::WanToLan, Work::Open), (Way::Hairpin, Work::OpenAndSeal)]
        {
            if way == Way::Hairpin && peers == 1 {
                // That takes two.
                continue;
            }
            for &len in lens {
                let [bare, alone, batched] = measure(
                    turns,
                    &mut [
                        Box::new(Bare::new(suite, backend, len, work)),
                        Box::new(Forward::new(&cloud, way, len, false)),
                        Box::new(Forward::new(&cloud, way, len, true)),
                    ],
                );
                println!(
                    "| {suite:?} | {backend} | {way:?} | {len} | {bare:.0} | {alone:.0} | {:.2} | {batched:.0} | {:.2} | {:.2} | {:.1} | {:.1} |",
                    alone / bare,
                    batched / bare,
                    alone / batched,
                    gigabits(len, alone),
                    gigabits(len, batched),
                );
            }
        }
        println!("<!-- the cloud was made in {made:.1?} -->");
    }
}

fn beside_wireguard(turns: u32) {
    println!("\n## Beside boringtun, 1 peer, nanoseconds per packet; ratio: boringtun's time by ours\n");
    println!(
        "| library | inner | its encapsulate | ours, GCM-256 | ratio | its decapsulate | ours, GCM-256 | ratio |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    for &backend in Backend::ALL {
        let cloud = Rc::new(RefCell::new(Cloud::new(Suite::Gcm, backend, 1)));
        for len in [64, 512, 1360] {
            let [theirs_out, out, theirs_in, into] = measure(
                turns,
                &mut [
                    Box::new(WireGuard::new(len, false)),
                    Box::new(Forward::new(&cloud, Way::LanToWan, len, false)),
                    Box::new(WireGuard::new(len, true)),
                    Box::new(Forward::new(&cloud, Way::WanToLan, len, false)),
                ],
            );
            println!(
                "| {backend} | {len} | {theirs_out:.0} | {out:.0} | {:.2} | {theirs_in:.0} | {into:.0} | {:.2} |",
                theirs_out / out,
                theirs_in / into,
            );
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    // Under `cargo test`, and `cargo bench -- --test`, there is only a quick look at whether everything runs.
    if !arguments.iter().any(|argument| argument == "--bench") || arguments.contains(&"--test".to_owned()) {
        forwarding(3, &[64], 1);
        beside_wireguard(1);
        routes::print(&[10]);
        return;
    }
    println!(
        "Goals at 1360 bytes: 1 peer at most 1.15, hairpin 1.2, 10,000 peers 1.6; the guide's suite batched at least 1.7 times as fast."
    );
    forwarding(1, &[64, 512, 1360], 400);
    forwarding(2, &[64, 512, 1360], 400);
    beside_wireguard(400);
    routes::print(&[10, 1000, 100_000]);
    forwarding(10_000, &[1360], 100);
}
