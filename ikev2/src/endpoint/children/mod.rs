//! Child SAs: what is asked for, what is accepted, and their life in the forwarding plane.

mod agreement;
mod first;
mod install;
mod life;

use std::time::Duration;

use super::auth::transport_notify;
use super::child::Phase;
use super::ike_sa::{IkeSa, Role};
use crate::config::{ChildPolicy, Mode, Profile, Selectors};
use crate::crypto::{ChildKeys, Group};
use crate::ids::{ChildId, ProfileId};
use crate::negotiation::ChildChoice;
use crate::wire::{Notify, NotifyType, Payload, Proposal, Spi, TrafficSelector};

/// IP protocol number of GRE.
const GRE: u8 = 47;
/// How long a child SA on a second IKE SA with a peer waits for a sign that the peer is ready, before it is used all the same.
const READY: Duration = Duration::from_secs(2);

/// A slot with an SPI, and the payloads that ask for a child SA.
pub(in crate::endpoint) struct ChildOffer {
    pub(in crate::endpoint) child: ChildId,
    pub(in crate::endpoint) local_spi: u32,
    pub(in crate::endpoint) payloads: Vec<Payload>,
}

/// What both sides agree on for a child SA, before there are keys.
#[derive(Debug, Clone)]
pub(in crate::endpoint) struct Agreement {
    pub(in crate::endpoint) choice: ChildChoice,
    pub(in crate::endpoint) mode: Mode,
    pub(in crate::endpoint) local: Vec<TrafficSelector>,
    pub(in crate::endpoint) remote: Vec<TrafficSelector>,
}

/// Everything that makes a child SA.
pub(in crate::endpoint) struct NewChild {
    pub(in crate::endpoint) id: ChildId,
    pub(in crate::endpoint) local_spi: u32,
    pub(in crate::endpoint) profile: ProfileId,
    pub(in crate::endpoint) agreement: Agreement,
    pub(in crate::endpoint) keys: ChildKeys,
    /// Our role in the exchange that made it.
    pub(in crate::endpoint) role: Role,
    pub(in crate::endpoint) replaces: Option<ChildId>,
    pub(in crate::endpoint) phase: Phase,
}

/// The payloads that a request or answer for a child SA must have.
pub(in crate::endpoint) struct ChildParts<'a> {
    pub(in crate::endpoint) proposals: Option<&'a [Proposal]>,
    pub(in crate::endpoint) ts_i: Option<&'a [TrafficSelector]>,
    pub(in crate::endpoint) ts_r: Option<&'a [TrafficSelector]>,
}

impl<'a> ChildParts<'a> {
    pub(in crate::endpoint) fn of(payloads: &'a [Payload]) -> Self {
        let mut parts = Self { proposals: None, ts_i: None, ts_r: None };
        for payload in payloads {
            match payload {
                Payload::SecurityAssociation(proposals) => parts.proposals = Some(proposals),
                Payload::TrafficSelectorsInitiator(selectors) => parts.ts_i = Some(selectors),
                Payload::TrafficSelectorsResponder(selectors) => parts.ts_r = Some(selectors),
                _ => {}
            }
        }
        parts
    }
}

/// The answer to a request for a child SA: mode, choice, selectors; nonce and KE in between, where there are any.
pub(in crate::endpoint) fn answer_payloads(
    agreement: &Agreement,
    local_spi: u32,
    fresh: Option<(Vec<u8>, Option<Payload>)>,
) -> Vec<Payload> {
    let mut payloads = Vec::new();
    payloads.extend(transport_notify(agreement.mode));
    payloads.push(Payload::Notify(Notify::new(NotifyType::ESP_TFC_PADDING_NOT_SUPPORTED)));
    let proposal = Proposal { spi: Spi::esp(local_spi), ..agreement.choice.proposal.clone() };
    payloads.push(Payload::SecurityAssociation(vec![proposal]));
    if let Some((nonce, key_exchange)) = fresh {
        payloads.push(Payload::Nonce(nonce));
        payloads.extend(key_exchange);
    }
    payloads.push(Payload::TrafficSelectorsInitiator(agreement.remote.clone()));
    payloads.push(Payload::TrafficSelectorsResponder(agreement.local.clone()));
    payloads
}

/// Our side and the peer's side of what a policy protects.
fn policy_selectors(policy: &ChildPolicy, sa: &IkeSa) -> (Vec<TrafficSelector>, Vec<TrafficSelector>) {
    match &policy.selectors {
        Selectors::Gre => (
            vec![TrafficSelector::host(GRE, sa.path.local.ip())],
            vec![TrafficSelector::host(GRE, sa.path.remote.ip())],
        ),
        Selectors::Explicit { local, remote } => (local.clone(), remote.clone()),
    }
}

fn substitute(selectors: &mut [TrafficSelector], translated: bool, address: std::net::IpAddr) {
    if translated {
        for selector in selectors {
            *selector = selector.with_address(address);
        }
    }
}

/// The group of a fresh key agreement: what the peer insisted on, else the policy's.
pub(in crate::endpoint) fn pfs_group(
    profile: &Profile,
    wanted: Option<crate::wire::GroupId>,
) -> Option<Group> {
    match wanted {
        Some(id) => Group::from_id(id),
        None => profile.child.pfs.first().copied(),
    }
}
