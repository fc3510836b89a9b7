//! Ratios: contenders take turns within one run, so that a machine's moods hit all of them, and the best turn counts.
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::time::{Duration, Instant};

use crate::PACKETS;
use crate::bare::{BareOpen, BareSeal, WithoutChain};
use crate::contender::{Case, Contender, Open, Seal};

const TURNS: u32 = 400;

pub(crate) fn print() {
    println!(
        "Nanoseconds per packet; \"bare\" is the same cipher (and HMAC) of the same library over the same bytes."
    );
    println!(
        "Goals: ratio at most 1.10 at 1400 bytes; AES-CBC batched at least 1.8 times as fast as alone.\n"
    );
    println!(
        "| suite | library | payload | bare seal | seal | ratio | batch of 8 | ratio | speed-up | bound | bare open | open | ratio | batch of 8 | ratio |"
    );
    println!(
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    );
    for case in Case::all() {
        let [bare_seal, seal, seal_8, bound, bare_open, open, open_8] = measure(&mut [
            Box::new(BareSeal::new(&case)),
            Box::new(Seal::new(&case, 1)),
            Box::new(Seal::new(&case, 8)),
            Box::new(WithoutChain::new(&case)),
            Box::new(BareOpen::new(&case)),
            Box::new(Open::new(&case, 1)),
            Box::new(Open::new(&case, 8)),
        ]);
        let chained = !case.suite.cipher().is_aead();
        let bound = if chained { format!("{bound:.0}") } else { String::from("-") };
        println!(
            "| {} | {} | {} | {bare_seal:.0} | {seal:.0} | {:.2} | {seal_8:.0} | {:.2} | {:.2} | {bound} | {bare_open:.0} | {open:.0} | {:.2} | {open_8:.0} | {:.2} |",
            case.suite,
            case.backend,
            case.len,
            seal / bare_seal,
            seal_8 / bare_seal,
            seal / seal_8,
            open / bare_open,
            open_8 / bare_open,
        );
    }
    println!("\n\"bound\" is AES over independent blocks plus the HMAC: what no order of CBC can beat.\n");
}

/// Nanoseconds per packet of each contender, the best of many turns.
fn measure<const N: usize>(contenders: &mut [Box<dyn Contender>; N]) -> [f64; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..TURNS {
        for (contender, best) in contenders.iter_mut().zip(&mut best) {
            contender.prepare();
            let start = Instant::now();
            contender.run();
            *best = start.elapsed().min(*best);
        }
    }
    best.map(|time| time.as_nanos() as f64 / PACKETS as f64)
}
