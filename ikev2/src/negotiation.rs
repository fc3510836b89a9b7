//! Choosing algorithms (RFC 7296 section 2.7). Time grows with what the other side lists times the length of our own
//! lists, which the configuration fixes; combinations are never enumerated.

use crate::config::{EspProposal, IkeProposal};
use crate::crypto::{ChildSuite, Encryption, Group, IkeSuite, Integrity};
use crate::wire::{EsnId, GroupId, Proposal, ProtocolId, Spi, Transform, TransformType};

/// What was chosen for an IKE SA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IkeChoice {
    pub(crate) suite: IkeSuite,
    /// The answer: the chosen proposal with one transform per type, without SPI.
    pub(crate) proposal: Proposal,
    /// The other side's SPI; only in a rekey.
    pub(crate) peer_spi: Spi,
}

/// What was chosen for a child SA.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChildChoice {
    pub(crate) suite: ChildSuite,
    /// Key-agreement group of this exchange.
    pub(crate) group: Option<Group>,
    /// The answer, without SPI.
    pub(crate) proposal: Proposal,
    pub(crate) peer_spi: u32,
}

/// Our offer for an IKE SA. AEAD ciphers get a proposal of their own, because they exclude an integrity transform.
pub(crate) fn ike_offer(policy: &[IkeProposal], spi: &Spi) -> Vec<Proposal> {
    let mut offer = Vec::new();
    for proposal in policy {
        let first_aead = proposal.encryption.first().is_some_and(|e| e.is_aead());
        for aead in [first_aead, !first_aead] {
            let ciphers: Vec<_> = proposal.encryption.iter().filter(|e| e.is_aead() == aead).collect();
            if ciphers.is_empty() {
                continue;
            }
            let mut transforms: Vec<Transform> = ciphers.iter().map(|e| e.transform()).collect();
            if !aead {
                transforms.extend(integrity_transforms(&proposal.integrity));
            }
            transforms.extend(proposal.effective_prfs().iter().map(|prf| prf.transform()));
            transforms.extend(proposal.groups.iter().map(|group| group.transform()));
            push(&mut offer, ProtocolId::IKE, spi.clone(), transforms);
        }
    }
    offer
}

/// Our offer for a child SA; `pfs` belongs into CREATE_CHILD_SA only.
pub(crate) fn child_offer(policy: &[EspProposal], spi: u32, pfs: &[Group]) -> Vec<Proposal> {
    let mut offer = Vec::new();
    for proposal in policy {
        let first_aead = proposal.encryption.first().is_some_and(|e| e.is_aead());
        for aead in [first_aead, !first_aead] {
            let ciphers: Vec<_> = proposal.encryption.iter().filter(|e| e.is_aead() == aead).collect();
            if ciphers.is_empty() {
                continue;
            }
            let mut transforms: Vec<Transform> = ciphers.iter().map(|e| e.transform()).collect();
            if !aead {
                transforms.extend(integrity_transforms(&proposal.integrity));
            }
            transforms.extend(pfs.iter().map(|group| group.transform()));
            if proposal.esn {
                transforms.push(esn_transform(true));
            }
            transforms.push(esn_transform(false));
            push(&mut offer, ProtocolId::ESP, Spi::esp(spi), transforms);
        }
    }
    offer
}

/// Chooses by our order: the first of our proposals that fits any of the offered ones, and in it the first algorithm
/// of each type.
pub(crate) fn choose_ike(policy: &[IkeProposal], offered: &[Proposal]) -> Option<IkeChoice> {
    policy.iter().find_map(|ours| {
        let mut ciphers = ours.encryption.iter();
        ciphers.find_map(|cipher| offered.iter().find_map(|theirs| match_ike(ours, *cipher, theirs)))
    })
}

/// The same for a child SA. In IKE_AUTH (`in_auth`) there is no key agreement and a group transform is ignored.
pub(crate) fn choose_child(
    policy: &[EspProposal],
    offered: &[Proposal],
    pfs: &[Group],
    in_auth: bool,
) -> Option<ChildChoice> {
    policy.iter().find_map(|ours| {
        let mut ciphers = ours.encryption.iter();
        ciphers.find_map(|cipher| {
            offered.iter().find_map(|theirs| match_child(ours, *cipher, theirs, pfs, in_auth))
        })
    })
}

/// Whether a policy would also have allowed this suite. Used once the identity has named the profile.
pub(crate) fn allows(policy: &[IkeProposal], suite: IkeSuite) -> bool {
    policy.iter().any(|ours| {
        ours.encryption.contains(&suite.encryption)
            && (suite.encryption.is_aead() || ours.integrity.contains(&suite.integrity))
            && ours.effective_prfs().contains(&suite.prf)
            && ours.groups.contains(&suite.group)
    })
}

/// An answer must contain one proposal with at most one transform of each type (RFC 7296 section 3.3.6).
pub(crate) fn is_single_choice(answer: &[Proposal]) -> bool {
    let [proposal] = answer else { return false };
    proposal.transforms.iter().enumerate().all(|(index, transform)| {
        proposal
            .transforms
            .iter()
            .skip(index + 1)
            .all(|other| other.transform_type != transform.transform_type)
    })
}

fn match_ike(ours: &IkeProposal, encryption: Encryption, theirs: &Proposal) -> Option<IkeChoice> {
    if theirs.protocol != ProtocolId::IKE || has_unknown_type(theirs, &IKE_TYPES) {
        return None;
    }
    let encryption_transform = Some(encryption.transform()).filter(|transform| offers(theirs, transform))?;
    let (integrity, integrity_transform) = pick_integrity(&ours.integrity, theirs, encryption)?;
    let prfs = ours.effective_prfs();
    let prf = *prfs.iter().find(|prf| offers(theirs, &prf.transform()))?;
    let group = *ours.groups.iter().find(|group| offers(theirs, &group.transform()))?;
    let mut transforms = vec![encryption_transform];
    transforms.extend(integrity_transform);
    transforms.extend([prf.transform(), group.transform()]);
    Some(IkeChoice {
        suite: IkeSuite { encryption, integrity, prf, group },
        proposal: answer(theirs, transforms),
        peer_spi: theirs.spi.clone(),
    })
}

fn match_child(
    ours: &EspProposal,
    encryption: Encryption,
    theirs: &Proposal,
    pfs: &[Group],
    in_auth: bool,
) -> Option<ChildChoice> {
    let peer_spi = theirs.spi.as_esp()?;
    // SPIs up to 255 are reserved (RFC 4303 section 2.1).
    if theirs.protocol != ProtocolId::ESP || peer_spi < 256 || has_unknown_type(theirs, &CHILD_TYPES) {
        return None;
    }
    let encryption_transform = Some(encryption.transform()).filter(|transform| offers(theirs, transform))?;
    let (integrity, integrity_transform) = pick_integrity(&ours.integrity, theirs, encryption)?;
    let group = if in_auth { None } else { pick_group(theirs, pfs)? };
    let esn = if ours.esn && offers(theirs, &esn_transform(true)) {
        true
    } else if offers(theirs, &esn_transform(false))
        || !of_type(theirs, TransformType::EXTENDED_SEQUENCE_NUMBERS).any(|_| true)
    {
        false
    } else {
        return None;
    };
    let mut transforms = vec![encryption_transform];
    transforms.extend(integrity_transform);
    transforms.extend(group.map(Group::transform));
    transforms.push(esn_transform(esn));
    Some(ChildChoice {
        suite: ChildSuite { encryption, integrity, esn },
        group,
        proposal: answer(theirs, transforms),
        peer_spi,
    })
}

/// With PFS in our policy the first of its groups that is offered; without it none where the other side allows that, else the first of
/// the other side's that we know (IOS answers so as well).
fn pick_group(theirs: &Proposal, pfs: &[Group]) -> Option<Option<Group>> {
    if !pfs.is_empty() {
        return pfs.iter().find(|group| offers(theirs, &group.transform())).map(|group| Some(*group));
    }
    let mut offered = of_type(theirs, TransformType::KEY_EXCHANGE).peekable();
    if offered.peek().is_none() || offers(theirs, &Transform::new(TransformType::KEY_EXCHANGE, 0)) {
        return Some(None);
    }
    offered.find_map(|transform| Group::from_id(GroupId(transform.id))).map(Some)
}

const IKE_TYPES: [TransformType; 4] =
    [TransformType::ENCRYPTION, TransformType::PRF, TransformType::INTEGRITY, TransformType::KEY_EXCHANGE];
const CHILD_TYPES: [TransformType; 4] = [
    TransformType::ENCRYPTION,
    TransformType::INTEGRITY,
    TransformType::KEY_EXCHANGE,
    TransformType::EXTENDED_SEQUENCE_NUMBERS,
];

/// A proposal with a transform type that is not understood cannot be chosen (RFC 7296 section 3.3.6), unless that type
/// offers "none" (RFC 9370 section 2.2.1).
fn has_unknown_type(proposal: &Proposal, known: &[TransformType]) -> bool {
    proposal.transforms.iter().any(|transform| {
        !known.contains(&transform.transform_type)
            && !of_type(proposal, transform.transform_type).any(|other| other.id == 0)
    })
}

fn pick_integrity(
    ours: &[Integrity],
    theirs: &Proposal,
    encryption: Encryption,
) -> Option<(Integrity, Option<Transform>)> {
    if encryption.is_aead() {
        // RFC 7296 section 3.3: an AEAD goes with no integrity transform, or with "none".
        let none = Integrity::None.transform();
        let offered_none = offers(theirs, &none);
        let offered_any = of_type(theirs, TransformType::INTEGRITY).any(|_| true);
        return (offered_none || !offered_any).then_some((Integrity::None, offered_none.then_some(none)));
    }
    let integrity = *ours
        .iter()
        .find(|integrity| **integrity != Integrity::None && offers(theirs, &integrity.transform()))?;
    Some((integrity, Some(integrity.transform())))
}

fn offers(proposal: &Proposal, wanted: &Transform) -> bool {
    of_type(proposal, wanted.transform_type)
        .any(|transform| transform.id == wanted.id && transform.key_length() == wanted.key_length())
}

fn of_type(proposal: &Proposal, transform_type: TransformType) -> impl Iterator<Item = &Transform> {
    proposal.transforms.iter().filter(move |transform| transform.transform_type == transform_type)
}

fn integrity_transforms(integrity: &[Integrity]) -> impl Iterator<Item = Transform> {
    integrity.iter().filter(|integrity| **integrity != Integrity::None).map(|integrity| integrity.transform())
}

fn esn_transform(esn: bool) -> Transform {
    let id = if esn { EsnId::ESN } else { EsnId::NO_ESN };
    Transform::new(TransformType::EXTENDED_SEQUENCE_NUMBERS, id.0)
}

fn answer(theirs: &Proposal, transforms: Vec<Transform>) -> Proposal {
    Proposal { number: theirs.number, protocol: theirs.protocol, spi: Spi::none(), transforms }
}

fn push(offer: &mut Vec<Proposal>, protocol: ProtocolId, spi: Spi, transforms: Vec<Transform>) {
    let number = u8::try_from(offer.len() + 1).unwrap_or(u8::MAX);
    offer.push(Proposal { number, protocol, spi, transforms });
}
