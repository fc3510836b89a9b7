//! The helper's side of a graceful restart (RFC 3623 section 3).

use std::time::{Duration, Instant};

use bytes::Buf;

use super::Router;
use super::state::NeighborKey;
use crate::event::{Event, HelpEnd};
use crate::lsdb::DbKey;
use crate::wire::LsaType;

/// Opaque type of a Grace-LSA: the first octet of the link state id.
const GRACE: u8 = 3;

/// RFC 3623 appendix A: a grace period is at most LSRefreshTime.
const LONGEST: u32 = 1800;

impl Router {
    /// A type 9 LSA was installed: does its issuer ask for patience?
    pub(super) fn grace_received(&mut self, now: Instant, from: NeighborKey, key: &DbKey) {
        let id = key.key.link_state_id.octets();
        if LsaType(key.key.ls_type) != LsaType::OPAQUE_LINK || id.first() != Some(&GRACE) {
            return;
        }
        let Some(entry) = self.lsdb.get(key) else { return };
        let (flushed, age) = (entry.is_max_age(), u32::from(entry.lsa.header.age_seconds()));
        let period = grace_period(&entry.lsa.body);
        let willing = self.config.graceful_restart_helper && !self.has_news_for(from);
        let Some(neighbor) = self.neighbor_mut(from) else { return };
        if neighbor.router_id != key.key.advertising_router {
            return;
        }
        if flushed {
            self.end_help(now, from, HelpEnd::Completed);
            return;
        }
        // Section 3.1: only for a Full neighbour, and only while the period lasts.
        let left = period.and_then(|period| period.min(LONGEST).checked_sub(age)).filter(|left| *left > 0);
        if let (true, true, Some(left)) = (willing, neighbor.is_full(), left) {
            neighbor.grace_until = Some(now + Duration::from_secs(left.into()));
            self.helped.insert(from);
            self.event(Event::RestartHelped { address: from.1, grace_period: left });
        }
    }

    /// What we say about the neighbour is the truth again (section 3.2). Does nothing for one that is not helped.
    pub(super) fn end_help(&mut self, now: Instant, key: NeighborKey, end: HelpEnd) {
        if !self.helped.remove(&key) {
            return;
        }
        let Some(area) = self.area_of(key.0) else { return };
        let Some(neighbor) = self.neighbor_mut(key) else { return };
        let until = neighbor.grace_until.take();
        // The dead timer has expired meanwhile and was put off.
        if neighbor.deadlines.dead == until {
            neighbor.deadlines.dead = Some(now);
        }
        if !neighbor.is_full() {
            self.schedule_router_lsa(now, area);
            self.pending.areas.insert(area);
        }
        self.event(Event::RestartHelpEnded { address: key.1, end });
    }

    /// Section 3.2 (3): an LSA of types 1 to 5 says something new, which whoever would get it from us and restarts cannot
    /// know: it may forward by what it knew before.
    pub(super) fn change_ends_help(&mut self, now: Instant, key: &DbKey) {
        if self.helped.is_empty() || !self.config.graceful_restart_strict || !describes_topology(key) {
            return;
        }
        let concerned = self.helped.iter().filter(|(index, _)| self.scope_covers(key.scope, *index));
        for neighbor in concerned.copied().collect::<Vec<_>>() {
            self.end_help(now, neighbor, HelpEnd::TopologyChanged);
        }
    }

    /// Section 3.1 (2): the neighbour has not acknowledged something that is more than a refresh.
    fn has_news_for(&self, key: NeighborKey) -> bool {
        let waiting = self.neighbor(key).into_iter().flat_map(|neighbor| neighbor.queues.retransmit.keys());
        self.config.graceful_restart_strict
            && waiting
                .filter(|key| describes_topology(key))
                .any(|key| self.lsdb.get(key).is_some_and(|entry| entry.changed))
    }
}

fn describes_topology(key: &DbKey) -> bool {
    (LsaType::ROUTER.0..=LsaType::AS_EXTERNAL.0).contains(&key.key.ls_type)
}
/// The first TLV of type 1, whose value is the period in seconds.
fn grace_period(mut body: &[u8]) -> Option<u32> {
    while body.has_remaining() {
        let kind = body.try_get_u16().ok()?;
        let length = usize::from(body.try_get_u16().ok()?);
        let mut value = body.get(..length)?;
        if kind == 1 {
            return value.try_get_u32().ok();
        }
        body = body.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_period_is_found_and_nothing_else_is_trusted() {
        assert_eq!(grace_period(&[0, 1, 0, 4, 0, 0, 0, 120, 0, 2, 0, 1, 0, 0, 0, 0]), Some(120));
        assert_eq!(
            grace_period(&[0, 2, 0, 1, 1, 0, 0, 0, 0, 1, 0, 4, 0, 0, 1, 0]),
            Some(256),
            "padded TLV first"
        );
        assert_eq!(grace_period(&[0, 1, 0, 2, 0, 0]), None, "too short a value");
        assert_eq!(grace_period(&[0, 2, 0xff, 0xff]), None, "beyond the body");
        assert_eq!(grace_period(&[0, 1]), None);
        assert_eq!(grace_period(&[]), None);
    }
}
