//! The child SA of IKE_AUTH (RFC 7296 section 1.2), in both roles.

use std::time::Instant;

use super::{ChildOffer, NewChild, answer_payloads};
use crate::crypto::{ChildKeys, ChildSuite};
use crate::endpoint::Endpoint;
use crate::endpoint::arena::SaKey;
use crate::endpoint::child::{Child, Phase};
use crate::endpoint::ike_sa::{Role, Task};
use crate::endpoint::receive::Opened;
use crate::endpoint::requests::ChildExchange;
use crate::ids::ProfileId;
use crate::io::{DownReason, FailureReason};
use crate::wire::{Notify, NotifyType, Payload};

impl Endpoint {
    pub(in crate::endpoint) fn offer_first_child(
        &mut self,
        now: Instant,
        key: SaKey,
        profile: ProfileId,
    ) -> Option<ChildOffer> {
        self.offer_child(now, key, profile, true)
    }

    /// The child SA of IKE_AUTH, initiator's side.
    pub(in crate::endpoint) fn finish_first_child(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: &Opened,
        exchange: ChildExchange,
    ) {
        let Some(sa) = self.sa(key) else { return };
        let (profile, remote) = (sa.profile, sa.path.remote.ip());
        let result = self.verify_answer(key, profile, &opened.payloads, None, true);
        match result {
            Ok(agreement) => {
                let Some(keys) = self.first_child_keys(key, agreement.choice.suite) else { return };
                if let Some(sa) = self.sa_mut(key) {
                    sa.connecting = false;
                }
                let child = NewChild {
                    id: exchange.child,
                    local_spi: exchange.local_spi,
                    profile,
                    agreement,
                    keys,
                    role: Role::Initiator,
                    replaces: None,
                    phase: Phase::Active,
                };
                self.install_child(now, key, child);
                self.finish_reauthentication(now, key);
            }
            Err(reason) => {
                self.children.release(exchange.child, now);
                let replaces = self.sa_mut(key).is_some_and(|sa| {
                    sa.connecting = false;
                    sa.reauthenticates
                });
                if replaces {
                    let at = self.sa(key).map(|sa| sa.path.remote);
                    self.close_sa(now, key, DownReason::DeletedByUs);
                    if let Some(at) = at {
                        self.reauthentication_failed(now, at, reason);
                    }
                    return;
                }
                // An IKE SA without its child SA is of no use here: DELETE also takes whatever the peer installed.
                self.close_sa(now, key, DownReason::DeletedByUs);
                self.report_failure(remote, reason);
            }
        }
    }

    /// The IKE SA was made without a child SA (RFC 6023): now it gets one.
    pub(in crate::endpoint) fn start_first_child(&mut self, key: SaKey) {
        let Some(sa) = self.sa_mut(key) else { return };
        sa.connecting = false;
        let profile = sa.profile;
        sa.enqueue(Task::CreateChild { profile, group: None, rounds: 0 });
    }

    /// The child SA of IKE_AUTH, responder's side. A request without one is fine (RFC 6023).
    pub(in crate::endpoint) fn answer_first_child(
        &mut self,
        now: Instant,
        key: SaKey,
        opened: &Opened,
        payloads: &mut Vec<Payload>,
    ) -> Result<(), FailureReason> {
        if !opened.payloads.iter().any(|p| matches!(p, Payload::SecurityAssociation(_))) {
            return Ok(());
        }
        let Some(profile) = self.sa(key).map(|sa| sa.profile) else { return Ok(()) };
        let agreement = match self.consider_request(key, profile, &opened.payloads, true) {
            Ok(agreement) => agreement,
            Err((notify_type, reason)) => {
                payloads.push(Payload::Notify(Notify::new(notify_type)));
                return Err(reason);
            }
        };
        let keys = self.first_child_keys(key, agreement.choice.suite);
        let (Some((id, local_spi)), Some(keys)) = (self.children.reserve(&mut *self.rng, now), keys) else {
            payloads.push(Payload::Notify(Notify::new(NotifyType::NO_ADDITIONAL_SAS)));
            return Err(FailureReason::LimitReached);
        };
        payloads.extend(answer_payloads(&agreement, local_spi, None));
        let child = NewChild {
            id,
            local_spi,
            profile,
            agreement,
            keys,
            role: Role::Responder,
            replaces: None,
            phase: self.responder_phase(key),
        };
        self.install_child(now, key, child);
        Ok(())
    }

    /// The initiator cannot receive before it has our answer. Where another child SA carries the traffic, that one goes
    /// on until there is a sign that the new one is ready.
    pub(in crate::endpoint) fn responder_phase(&self, key: SaKey) -> Phase {
        let peer = self.sa(key).and_then(|sa| sa.peer).and_then(|peer| self.peers.get(&peer));
        let carried = peer.and_then(|peer| peer.outbound).and_then(|id| self.children.get(id));
        if carried.is_some_and(Child::is_usable) { Phase::InboundOnly } else { Phase::Active }
    }

    /// RFC 7296 section 2.17: the nonces of IKE_SA_INIT.
    fn first_child_keys(&mut self, key: SaKey, suite: ChildSuite) -> Option<ChildKeys> {
        let sa = self.sas.get_mut(&key)?;
        let (nonce_i, nonce_r) = *sa.first_nonces.take()?;
        let (prf, protection) = (sa.suite?.prf, sa.protection.as_ref()?);
        Some(ChildKeys::derive(prf, &protection.sk_d, suite, None, &nonce_i, &nonce_r, &[]))
    }
}
