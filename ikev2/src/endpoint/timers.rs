//! Deadlines: one queue with one entry per IKE SA.

use std::time::{Duration, Instant};

use rand_core::Rng as _;

use super::Endpoint;
use super::arena::SaKey;
use super::ike_sa::{State, Task, Timer};
use super::requests::Pending;
use crate::ids::ChildId;
use crate::io::{DownReason, FailureReason, Output, Transmit};

/// How long after a failed rekey another one is tried.
const REKEY_RETRY: Duration = Duration::from_secs(30);
/// How long an IKE SA without child SA is kept.
const CHILDLESS: Duration = Duration::from_secs(60);

impl Endpoint {
    /// The earliest deadline of an IKE SA and its child SAs, with its name.
    pub(super) fn next_deadline(&self, key: SaKey) -> Option<(Instant, &'static str)> {
        let sa = self.sa(key)?;
        let children = sa.children.iter().filter_map(|id| self.children.get(*id)?.timers.next());
        sa.timers.next().into_iter().chain(children).min()
    }

    /// Corrects the queue entry of an IKE SA.
    pub(super) fn requeue(&mut self, now: Instant, key: SaKey) {
        self.watch_childless(now, key);
        let next = self.next_deadline(key).map(|(at, _)| at);
        let Some(sa) = self.sas.get_mut(&key) else { return };
        if sa.queued == next {
            return;
        }
        if let Some(at) = sa.queued {
            self.timer_queue.remove(&(at, key));
        }
        if let Some(at) = next {
            self.timer_queue.insert((at, key));
        }
        sa.queued = next;
    }

    pub(super) fn run_timers(&mut self, now: Instant) {
        while let Some((at, key)) = self.timer_queue.first().copied() {
            if at > now {
                return;
            }
            self.timer_queue.remove(&(at, key));
            let Some(sa) = self.sa_mut(key) else { continue };
            sa.queued = None;
            let due = sa.timers.take_due(now);
            let children = sa.children.clone();
            for timer in due {
                self.fire(now, key, timer);
            }
            for child in children {
                self.fire_child_timers(now, child);
            }
            self.settle(now);
        }
    }

    fn fire(&mut self, now: Instant, key: SaKey, timer: Timer) {
        let Some(sa) = self.sa(key) else { return };
        match timer {
            Timer::Retransmit => {
                if !self.retransmit(now, key) {
                    self.request_failed(now, key);
                }
            }
            Timer::Linger => match sa.state {
                State::InitSent => {
                    let hint = sa.handshake.as_ref().and_then(|handshake| handshake.hint);
                    self.fail_attempt(now, key, hint.unwrap_or(FailureReason::Timeout));
                }
                State::InitAnswered | State::AuthSent | State::Refused => {
                    self.remove_sa(now, key, DownReason::DeadPeer);
                }
                State::Established | State::Superseded => self.close_sa(now, key, DownReason::DeletedByUs),
                State::Closing => {}
            },
            Timer::Liveness => self.liveness_due(now, key),
            Timer::Keepalive => self.keepalive(now, key),
            Timer::Rekey => {
                let reauthenticate = self.profile(sa.profile).is_some_and(|profile| profile.reauthenticate);
                match sa.peer.filter(|_| reauthenticate) {
                    Some(peer) => self.reauthenticate(now, peer),
                    None => {
                        if let Some(sa) = self.sa_mut(key) {
                            sa.enqueue(Task::RekeyIke { group: None, rounds: 0 });
                        }
                    }
                }
            }
            Timer::Expire => self.expire_ike(now, key),
            Timer::Yield => self.stop_yielding(now, key),
            Timer::Retire => self.retire(now, key),
            Timer::AskAgain => {
                if let Some(sa) = self.sa_mut(key)
                    && let Some(task) = sa.deferred.take()
                {
                    sa.enqueue(task);
                }
            }
        }
    }

    /// The lifetime of an IKE SA is over, and neither a rekey nor reauthentication has brought another one in time. The
    /// connection is made anew, if it carried anything.
    fn expire_ike(&mut self, now: Instant, key: SaKey) {
        let Some(sa) = self.sa(key) else { return };
        let carried =
            sa.children.iter().any(|id| self.children.get(*id).is_some_and(super::child::Child::is_up));
        let (path, profile) = (sa.path, sa.profile);
        let begins = self.profile(profile).is_some_and(|profile| !profile.responder_only);
        self.close_sa(now, key, DownReason::LifetimeExpired);
        if carried && begins {
            self.initiate_along(now, path, profile, false);
        }
    }

    /// No answer after all repetitions: the peer is dead (RFC 7296 section 2.4).
    fn request_failed(&mut self, now: Instant, key: SaKey) {
        let Some(sa) = self.sa(key) else { return };
        match sa.state {
            State::InitSent | State::AuthSent => {
                let hint = sa.handshake.as_ref().and_then(|handshake| handshake.hint);
                self.fail_attempt(now, key, hint.unwrap_or(FailureReason::Timeout));
            }
            State::Closing => self.remove_sa(now, key, DownReason::DeadPeer),
            _ => self.remove_sa(now, key, DownReason::DeadPeer),
        }
    }

    fn liveness_due(&mut self, now: Instant, key: SaKey) {
        let Some(heard) = self.last_heard(key) else { return };
        let Some(sa) = self.sa(key) else { return };
        let Some(dpd) = self.profile(sa.profile).and_then(|profile| profile.dpd) else { return };
        if sa.state != State::Established {
            return;
        }
        let due = heard + dpd.longest_silence();
        let idle = sa.requests.is_idle();
        let Some(sa) = self.sa_mut(key) else { return };
        if due > now {
            // Something was heard in the meantime: storing that was enough, the deadline moves only now.
            return sa.timers.set(Timer::Liveness, due);
        }
        if idle {
            sa.enqueue(Task::Liveness);
        }
        sa.timers.set(Timer::Liveness, now + dpd.longest_silence());
    }

    fn keepalive(&mut self, now: Instant, key: SaKey) {
        let Some(sa) = self.sa(key) else { return };
        let interval = self.profile(sa.profile).map(|profile| profile.nat_keepalive).unwrap_or_default();
        if sa.state != State::Established || !sa.nat.local || interval.is_zero() {
            return;
        }
        let path = sa.path;
        if let Some(sa) = self.sa_mut(key) {
            sa.timers.set(Timer::Keepalive, now + interval);
        }
        self.stats.keepalives += 1;
        self.outputs.push_back(Output::Transmit(Transmit { path, marker: false, payload: vec![0xff] }));
    }

    /// Arms what an established IKE SA needs.
    pub(super) fn arm_ike_timers(&mut self, now: Instant, key: SaKey) {
        let Some(profile) = self.sa(key).and_then(|sa| self.profile(sa.profile)) else { return };
        let (lifetime, dpd, keepalive) = (profile.lifetime, profile.dpd, profile.nat_keepalive);
        let reauthenticate = profile.reauthenticate;
        let soft = self.soft(lifetime);
        let Some(sa) = self.sa_mut(key) else { return };
        // A rekey by the peer proves nothing about who it is: the time to authenticate again counts from the last time.
        let since = if reauthenticate { sa.lineage.established } else { now };
        sa.timers.set(Timer::Rekey, since + soft);
        sa.timers.set(Timer::Expire, since + lifetime);
        if let Some(dpd) = dpd {
            sa.timers.set(Timer::Liveness, now + dpd.longest_silence());
        }
        if sa.nat.local && !keepalive.is_zero() {
            sa.timers.set(Timer::Keepalive, now + keepalive);
        }
    }

    /// A random moment between 90 and 98 percent of a lifetime, but early enough for all repetitions of a rekey, as far
    /// as half of the lifetime allows that.
    pub(super) fn soft(&mut self, lifetime: Duration) -> Duration {
        let permille = 900 + self.rng.next_u32() % 80;
        let soft = lifetime.saturating_mul(permille) / 1000;
        let enough = lifetime.saturating_sub(self.config.retransmission.total() * 11 / 10);
        soft.min(enough.max(lifetime / 2))
    }

    pub(super) fn soft_count(&mut self, limit: Option<u64>) -> Option<u64> {
        let permille = u64::from(900 + self.rng.next_u32() % 80);
        limit.map(|limit| u64::try_from(u128::from(limit) * u128::from(permille) / 1000).unwrap_or(limit))
    }

    /// Two to six seconds: after TEMPORARY_FAILURE both ends try again, not at the same moment.
    pub(super) fn backoff(&mut self) -> Duration {
        Duration::from_millis(2000 + u64::from(self.rng.next_u32() % 4000))
    }

    pub(super) const fn rekey_retry() -> Duration {
        REKEY_RETRY
    }

    fn fire_child_timers(&mut self, now: Instant, id: ChildId) {
        let Some(child) = self.children.get_mut(id) else { return };
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let (rekey, expire, drain) =
            (is_due(child.timers.rekey), is_due(child.timers.expire), is_due(child.timers.drain));
        if is_due(child.timers.ready) {
            child.timers.ready = None;
            self.promote(now, id);
        }
        let Some(child) = self.children.get_mut(id) else { return };
        if drain {
            return self.forget_child(now, id);
        }
        if expire {
            child.timers.expire = None;
            return self.expire_child(now, id, DownReason::LifetimeExpired);
        }
        if rekey {
            child.timers.rekey = None;
            self.request_child_rekey(id);
        }
    }

    /// An IKE SA that has no child SA, and no prospect of one, does not stay for long.
    fn watch_childless(&mut self, now: Instant, key: SaKey) {
        let Some(sa) = self.sas.get_mut(&key) else { return };
        if sa.state != State::Established {
            return;
        }
        let busy = sa.requests.pending().any(|pending| !matches!(pending, Pending::Liveness));
        let empty = sa.children.is_empty() && !busy && sa.tasks.is_empty() && sa.deferred.is_none();
        match (empty, sa.timers.get(Timer::Linger)) {
            (true, None) => sa.timers.set(Timer::Linger, now + CHILDLESS),
            (false, Some(_)) => sa.timers.clear(Timer::Linger),
            _ => {}
        }
    }
}
