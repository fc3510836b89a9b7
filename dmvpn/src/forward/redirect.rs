//! How often a flow that takes a detour is reported.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::ids::PathId;

/// A flow is reported this often at most. NHRP has a slower rate of its own for what it sends.
const INTERVAL: Duration = Duration::from_secs(1);
/// Flows that are remembered. Two that share a place are reported more often than they need.
const FLOWS: usize = 1024;

/// The flows that were reported last, so that a packet of one costs a comparison.
#[derive(Debug, Default)]
pub(super) struct Redirects {
    /// Empty until the first flow.
    flows: Vec<Option<(Flow, Instant)>>,
}

type Flow = (PathId, Ipv4Addr, Ipv4Addr);

impl Redirects {
    /// Whether it is time to report a flow again.
    pub(super) fn is_due(
        &mut self,
        now: Instant,
        from: PathId,
        source: Ipv4Addr,
        destination: Ipv4Addr,
    ) -> bool {
        if self.flows.is_empty() {
            self.flows.resize(FLOWS, None);
        }
        let flow = (from, source, destination);
        let mixed = (source.to_bits().rotate_left(16) ^ destination.to_bits()).wrapping_mul(0x9e37_79b1);
        let Some(place) = self.flows.get_mut(mixed as usize >> 22) else { return true };
        let recent = place
            .is_some_and(|(reported, at)| reported == flow && now.saturating_duration_since(at) < INTERVAL);
        if !recent {
            *place = Some((flow, now));
        }
        !recent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_is_reported_once_a_second() {
        #[expect(clippy::disallowed_methods, reason = "virtual time begins somewhere")]
        let start = Instant::now();
        let (a, b) = (Ipv4Addr::new(192, 168, 11, 5), Ipv4Addr::new(192, 168, 12, 5));
        let mut redirects = Redirects::default();
        assert!(redirects.is_due(start, PathId(1), a, b));
        assert!(!redirects.is_due(start + INTERVAL / 2, PathId(1), a, b));
        assert!(redirects.is_due(start + INTERVAL, PathId(1), a, b));
        assert!(redirects.is_due(start + INTERVAL, PathId(1), b, a), "another flow");
        assert!(redirects.is_due(start + INTERVAL, PathId(2), b, a), "the same by another path");
    }

    #[test]
    fn every_flow_has_a_place() {
        #[expect(clippy::disallowed_methods, reason = "virtual time begins somewhere")]
        let now = Instant::now();
        let mut redirects = Redirects::default();
        for bits in 0..100_000_u32 {
            let (a, b) = (Ipv4Addr::from_bits(bits.wrapping_mul(0x6c8e_9cf5)), Ipv4Addr::from_bits(bits));
            assert!(redirects.is_due(now, PathId(0), a, b));
            assert!(!redirects.is_due(now, PathId(0), a, b));
        }
        assert_eq!(redirects.flows.len(), FLOWS);
    }
}
