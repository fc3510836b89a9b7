//! What a child SA is to be: our offer, our decision about the peer's, our check of its answer.

use std::time::Instant;

use super::{Agreement, ChildOffer, ChildParts, policy_selectors, substitute};
use crate::config::Mode;
use crate::crypto::Group;
use crate::endpoint::Endpoint;
use crate::endpoint::arena::SaKey;
use crate::endpoint::auth::transport_notify;
use crate::endpoint::init::{failure_from_notify, first_error};
use crate::ids::ProfileId;
use crate::io::{FailureReason, Side};
use crate::negotiation::{child_offer, choose_child, is_single_choice};
use crate::wire::{Notify, NotifyType, Payload, TrafficSelector, find_notify, narrow};

impl Endpoint {
    /// Takes a slot and builds mode, proposals and selectors. KE and nonce are the caller's.
    pub(in crate::endpoint) fn offer_child(
        &mut self,
        now: Instant,
        key: SaKey,
        profile_id: ProfileId,
        in_auth: bool,
    ) -> Option<ChildOffer> {
        let (child, local_spi) = self.children.reserve(&mut *self.rng, now)?;
        let sa = self.sa(key)?;
        let policy = &self.profile(profile_id)?.child;
        let (local, remote) = policy_selectors(policy, sa);
        // There is no key agreement of its own in IKE_AUTH (RFC 7296 section 1.2).
        let pfs = if in_auth { &[][..] } else { &policy.pfs };
        let mut payloads = Vec::new();
        payloads.extend(transport_notify(policy.mode));
        payloads.push(Payload::Notify(Notify::new(NotifyType::ESP_TFC_PADDING_NOT_SUPPORTED)));
        payloads.push(Payload::SecurityAssociation(child_offer(&policy.transforms, local_spi, pfs)));
        payloads.push(Payload::TrafficSelectorsInitiator(local));
        payloads.push(Payload::TrafficSelectorsResponder(remote));
        Some(ChildOffer { child, local_spi, payloads })
    }

    /// A responder's decision about a request for a child SA: the notify for the peer and the reason for us, or what to
    /// agree on.
    pub(in crate::endpoint) fn consider_request(
        &self,
        key: SaKey,
        profile: ProfileId,
        payloads: &[Payload],
        in_auth: bool,
    ) -> Result<Agreement, (NotifyType, FailureReason)> {
        let syntax = (NotifyType::INVALID_SYNTAX, FailureReason::InvalidSyntax);
        let sa = self.sa(key).ok_or(syntax)?;
        let policy = &self.profile(profile).ok_or(syntax)?.child;
        let parts = ChildParts::of(payloads);
        let (Some(proposals), Some(ts_i), Some(ts_r)) = (parts.proposals, parts.ts_i, parts.ts_r) else {
            return Err(syntax);
        };
        let of_peer = sa
            .peer
            .and_then(|peer| self.peers.get(&peer))
            .map(|peer| peer.sas.iter().filter_map(|key| Some(self.sa(*key)?.children.len())).sum::<usize>());
        if of_peer.unwrap_or_default() >= self.config.limits.children_per_peer {
            return Err((NotifyType::NO_ADDITIONAL_SAS, FailureReason::LimitReached));
        }
        let choice = choose_child(&policy.transforms, proposals, &policy.pfs, in_auth)
            .ok_or((NotifyType::NO_PROPOSAL_CHOSEN, FailureReason::NoProposalChosen { by: Side::Us }))?;
        let offered_transport = find_notify(payloads, NotifyType::USE_TRANSPORT_MODE).is_some();
        if policy.mode == Mode::Transport && !offered_transport {
            return Err((NotifyType::NO_PROPOSAL_CHOSEN, FailureReason::NoTransportMode));
        }
        let (mut ts_i, mut ts_r) = (ts_i.to_vec(), ts_r.to_vec());
        if policy.mode == Mode::Transport {
            // RFC 7296 section 2.23.1: behind a NAT the addresses that count are those that packets really carry here.
            substitute(&mut ts_i, sa.nat.remote, sa.path.remote.ip());
            substitute(&mut ts_r, sa.nat.local, sa.path.local.ip());
        }
        let (local, remote) = policy_selectors(policy, sa);
        let (local, remote) = (narrow(&local, &ts_r), narrow(&remote, &ts_i));
        if local.is_empty() || remote.is_empty() {
            let by = Side::Us;
            return Err((NotifyType::TS_UNACCEPTABLE, FailureReason::TrafficSelectorsUnacceptable { by }));
        }
        Ok(Agreement { choice, mode: policy.mode, local, remote })
    }

    /// An initiator's check of the answer: it must be a choice from what was offered.
    pub(in crate::endpoint) fn verify_answer(
        &self,
        key: SaKey,
        profile: ProfileId,
        payloads: &[Payload],
        pfs: Option<Group>,
        in_auth: bool,
    ) -> Result<Agreement, FailureReason> {
        let syntax = FailureReason::InvalidSyntax;
        let sa = self.sa(key).ok_or(syntax)?;
        let policy = &self.profile(profile).ok_or(syntax)?.child;
        let parts = ChildParts::of(payloads);
        let (Some(proposals), Some(ts_i), Some(ts_r)) = (parts.proposals, parts.ts_i, parts.ts_r) else {
            return Err(first_error(payloads).map_or(syntax, |n| failure_from_notify(n.notify_type)));
        };
        let choice = choose_child(&policy.transforms, proposals, pfs.as_slice(), in_auth)
            .filter(|choice| is_single_choice(proposals) && (in_auth || choice.group == pfs))
            .ok_or(FailureReason::NoProposalChosen { by: Side::Us })?;
        let granted = find_notify(payloads, NotifyType::USE_TRANSPORT_MODE).is_some();
        if policy.mode == Mode::Transport && !granted {
            return Err(FailureReason::NoTransportMode);
        }
        let (mut ts_i, mut ts_r) = (ts_i.to_vec(), ts_r.to_vec());
        if policy.mode == Mode::Transport {
            substitute(&mut ts_i, sa.nat.local, sa.path.local.ip());
            substitute(&mut ts_r, sa.nat.remote, sa.path.remote.ip());
        }
        let (local, remote) = policy_selectors(policy, sa);
        let within = |offered: &[TrafficSelector], answered: &[TrafficSelector]| {
            answered.iter().all(|answer| offered.iter().any(|offer| offer.contains(answer)))
        };
        if !within(&local, &ts_i) || !within(&remote, &ts_r) {
            let by = Side::Us;
            return Err(FailureReason::TrafficSelectorsUnacceptable { by });
        }
        Ok(Agreement { choice, mode: policy.mode, local: ts_i, remote: ts_r })
    }
}
