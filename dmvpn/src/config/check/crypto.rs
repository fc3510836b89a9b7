//! IKEv2 and IPsec between two ends of a tunnel.

use super::{End, Links, Report};
use crate::config::{
    Config, Diagnostic, Identity, IkeProfile, IkeProposal, IpsecProfile, Line, Rule, Severity, TransformSet,
};

pub(super) fn check(links: &Links<'_>, report: &mut Report) {
    for link in &links.links {
        if pair(&link.spoke, &link.hub, Severity::Error, "the spoke cannot register", report) {
            pair(&link.hub, &link.spoke, Severity::Error, "the spoke cannot register", report);
        }
    }
    for (one, other) in links.neighbours() {
        // Two spokes that differ still have the hub: that is worth less than an error.
        let what = "they never reach each other directly";
        if pair(&one, &other, Severity::Warning, what, report) {
            pair(&other, &one, Severity::Warning, what, report);
        }
    }
}

/// Whether `own` fits `other`; the first thing that does not is said at `own`'s line, and ends the comparison.
fn pair(own: &End<'_>, other: &End<'_>, severity: Severity, end: &str, report: &mut Report) -> bool {
    let said = report.found.len();
    let found = protection(own, other, end).or_else(|| {
        let (ours, theirs) = (Sides::of(own)?, Sides::of(other)?);
        keys(own, &ours, other, &theirs, end)
            .or_else(|| identity(&ours, other, &theirs, end))
            .or_else(|| proposals(own, other, end))
            .or_else(|| transforms(own, &ours, other, &theirs, end))
            .or_else(|| secrecy(own, &ours, other, &theirs))
    });
    let Some(found) = found else { return true };
    let severity = severity.min(found.severity);
    let known = report.found.iter().any(|one| one.rule == found.rule && one.line.file == found.line.file);
    // A router that differs from all others is said to once.
    if !known || severity == Severity::Error {
        report.say(severity, found.rule, &found.line, found.message, found.expected);
    }
    report.found.len() == said
}

/// The profiles of a protected tunnel.
struct Sides<'a> {
    ipsec: &'a IpsecProfile,
    ike: &'a IkeProfile,
}

impl<'a> Sides<'a> {
    fn of(end: &End<'a>) -> Option<Self> {
        let ipsec = end.config.ipsec_profile(end.tunnel.protection.as_deref()?)?;
        let ike = end.config.ike_profile(ipsec.ike_profile.as_deref()?)?;
        Some(Self { ipsec, ike })
    }
}

fn difference(rule: Rule, line: &Line, message: String, expected: String) -> Option<Diagnostic> {
    Some(Diagnostic::new(Severity::Error, rule, line.clone(), message).expecting(expected))
}

fn protection(own: &End<'_>, other: &End<'_>, end: &str) -> Option<Diagnostic> {
    const SETTING: &str = "tunnel protection ipsec profile";
    if own.tunnel.protection.is_some() || other.tunnel.protection.is_none() {
        return None;
    }
    let message = format!(
        "{} has no protection, and {} has: what this router sends in the clear is dropped there, {end}",
        own.interface.name,
        other.named(SETTING)
    );
    let expected = format!("a line '{SETTING} NAME'");
    difference(Rule::Protection, own.line(SETTING), message, expected)
}

/// What a peer says it is: its configured identity, else its underlay address.
fn identity_of(end: &End<'_>, sides: &Sides<'_>) -> Option<Identity> {
    sides.ike.identity_local.clone().or_else(|| end.nbma().map(Identity::Address))
}

fn keys(
    own: &End<'_>,
    ours: &Sides<'_>,
    other: &End<'_>,
    theirs: &Sides<'_>,
    end: &str,
) -> Option<Diagnostic> {
    let (own_nbma, other_nbma) = (own.nbma()?, other.nbma()?);
    let (own_identity, other_identity) = (identity_of(own, ours), identity_of(other, theirs));
    let (local, remote) = own.config.pre_shared_keys(ours.ike, other_nbma, other_identity.as_ref());
    let (their_local, their_remote) =
        other.config.pre_shared_keys(theirs.ike, own_nbma, own_identity.as_ref());
    let line = key_line(own.config, ours.ike, other_nbma, other_identity.as_ref(), "local");
    let remote_line = key_line(own.config, ours.ike, other_nbma, other_identity.as_ref(), "remote");
    let there = key_line(other.config, theirs.ike, own_nbma, own_identity.as_ref(), "remote");
    let name = &other.config.hostname;
    if local.is_none() || remote.is_none() {
        let message = format!("there is no pre-shared key for {name} at {other_nbma}: {end}");
        let expected = format!("a 'peer' with 'address {other_nbma}' in the keyring");
        return difference(Rule::PreSharedKey, line, message, expected);
    }
    if their_remote.is_some() && local != their_remote {
        let message = format!(
            "the pre-shared key that this router uses is not the one that {name} ({there}) expects: authentication fails, {end}"
        );
        let expected = format!("the key that {name} has as 'pre-shared-key remote'");
        return difference(Rule::PreSharedKey, line, message, expected);
    }
    if their_local.is_some() && remote != their_local {
        let there = key_line(other.config, theirs.ike, own_nbma, own_identity.as_ref(), "local");
        let message = format!(
            "the pre-shared key that this router expects is not the one that {name} ({there}) uses: authentication fails, {end}"
        );
        let expected = format!("the key that {name} has as 'pre-shared-key local'");
        return difference(Rule::PreSharedKey, remote_line, message, expected);
    }
    None
}

/// Where the key for a peer is, or should be.
fn key_line<'a>(
    config: &'a Config,
    profile: &'a IkeProfile,
    nbma: std::net::IpAddr,
    identity: Option<&Identity>,
    which: &str,
) -> &'a Line {
    let own_key = if which == "local" { &profile.local_key } else { &profile.remote_key };
    if own_key.is_some() {
        return profile.origin.of(&format!("authentication {which} pre-share"));
    }
    let Some(keyring) = profile.keyring.as_deref().and_then(|name| config.keyring(name)) else {
        return profile.origin.of("keyring local");
    };
    let Some(peer) = keyring.peer(nbma, identity) else { return &keyring.origin.line };
    let own = peer.origin.setting(&format!("pre-shared-key {which}"));
    own.unwrap_or(peer.origin.of("pre-shared-key"))
}

fn identity(ours: &Sides<'_>, other: &End<'_>, theirs: &Sides<'_>, end: &str) -> Option<Diagnostic> {
    let identity = identity_of(other, theirs)?;
    if ours.ike.match_remote.is_empty() || ours.ike.match_remote.iter().any(|one| one.accepts(&identity)) {
        return None;
    }
    let message = format!(
        "IKEv2 profile {} does not take {}, which says it is '{identity}': {end}",
        ours.ike.name, other.config.hostname
    );
    let expected = format!("a line 'match identity remote {identity}'");
    let line = ours.ike.origin.setting("match identity remote address").unwrap_or(&ours.ike.origin.line);
    difference(Rule::PeerIdentity, line, message, expected)
}

fn proposals(own: &End<'_>, other: &End<'_>, end: &str) -> Option<Diagnostic> {
    let ours = own.config.proposals_for(own.nbma()?);
    let theirs = other.config.proposals_for(other.nbma()?);
    if ours.is_empty() || theirs.is_empty() || ours.iter().any(|one| theirs.iter().any(|two| fit(one, two))) {
        return None;
    }
    let first = theirs.first()?;
    let line = own.config.ike_policy(own.nbma()?).map(|policy| policy.origin.of("proposal"));
    let line = ours.first().filter(|one| one.origin.line.is_known()).map(|one| &one.origin.line).or(line);
    let there =
        if first.origin.line.is_known() { first.origin.line.to_string() } else { "built in".to_owned() };
    let message = format!(
        "no IKEv2 proposal is in common with {} ({there}): negotiation fails (NO_PROPOSAL_CHOSEN), {end}",
        other.config.hostname
    );
    difference(Rule::Proposal, line.unwrap_or(&own.config.origin.line), message, words(first))
}

/// Whether two proposals have a choice in common in each kind of transform (RFC 7296 section 3.3).
fn fit(one: &IkeProposal, two: &IkeProposal) -> bool {
    fn common<T: PartialEq>(one: &[T], two: &[T]) -> bool {
        one.iter().any(|item| two.contains(item))
    }
    let aead = one.encryption.iter().any(|cipher| cipher.is_aead() && two.encryption.contains(cipher));
    common(&one.encryption, &two.encryption)
        && (aead || common(&one.integrity, &two.integrity))
        && common(one.effective_prf(), two.effective_prf())
        && common(&one.groups, &two.groups)
}

/// A proposal in the lines of IOS.
fn words(proposal: &IkeProposal) -> String {
    fn list<T: ToString>(items: &[T]) -> String {
        items.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }
    let hashes = match (proposal.integrity.is_empty(), proposal.prf.is_empty()) {
        (true, _) => format!("prf {}", list(&proposal.prf)),
        (false, true) => format!("integrity {}", list(&proposal.integrity)),
        (false, false) => format!("integrity {}, prf {}", list(&proposal.integrity), list(&proposal.prf)),
    };
    format!("'encryption {}', '{hashes}', 'group {}'", list(&proposal.encryption), list(&proposal.groups))
}

fn transforms(
    own: &End<'_>,
    ours: &Sides<'_>,
    other: &End<'_>,
    theirs: &Sides<'_>,
    end: &str,
) -> Option<Diagnostic> {
    fn sets<'a>(config: &'a Config, profile: &'a IpsecProfile) -> Vec<&'a TransformSet> {
        profile.transform_sets.iter().filter_map(|name| config.transform_set(name)).collect()
    }
    let (ours, theirs) = (sets(own.config, ours.ipsec), sets(other.config, theirs.ipsec));
    let same = |one: &TransformSet, two: &TransformSet| {
        one.encryption == two.encryption && one.integrity == two.integrity && one.esn == two.esn
    };
    let fitting = |mode: bool| {
        ours.iter().any(|one| theirs.iter().any(|two| same(one, two) && (!mode || one.mode == two.mode)))
    };
    let (one, two) = (ours.first()?, theirs.first()?);
    if fitting(true) {
        return None;
    }
    let name = &other.config.hostname;
    let there = &two.origin.line;
    if fitting(false) {
        let message = format!(
            "transform set {} is in {} mode, that of {name} ({there}) in {} mode: {end}",
            one.name, one.mode, two.mode
        );
        return difference(
            Rule::TransformSet,
            one.origin.of("mode"),
            message,
            "'mode transport' on both".into(),
        );
    }
    let message = format!(
        "no transform set is in common with {name} ({there}): IKE comes up, and no IPsec SA (NO_PROPOSAL_CHOSEN), {end}"
    );
    let integrity = two.integrity.map(|integrity| format!(" {integrity}")).unwrap_or_default();
    let expected = format!("'crypto ipsec transform-set {} {}{integrity}'", one.name, two.encryption);
    difference(Rule::TransformSet, &one.origin.line, message, expected)
}

/// Perfect forward secrecy shows its differences only at the first rekeying.
fn secrecy(own: &End<'_>, ours: &Sides<'_>, other: &End<'_>, theirs: &Sides<'_>) -> Option<Diagnostic> {
    let (group, their_group) = (ours.ipsec.pfs, theirs.ipsec.pfs);
    if group == their_group {
        return None;
    }
    let seconds = own.config.sa_lifetime(ours.ipsec).as_secs();
    let say = |group: Option<crate::config::Group>| {
        group.map_or_else(|| "no PFS".to_owned(), |group| format!("PFS with group {group}"))
    };
    let message = format!(
        "IPsec profile {} has {}, that of {} ({}) has {}: the tunnel comes up, and its first rekeying after at most {seconds} s \
         may fail",
        ours.ipsec.name,
        say(group),
        other.config.hostname,
        theirs.ipsec.origin.of("set pfs"),
        say(their_group)
    );
    let expected =
        their_group.map_or_else(|| "'no set pfs'".into(), |group| format!("'set pfs group{group}'"));
    let mut found = difference(Rule::Secrecy, ours.ipsec.origin.of("set pfs"), message, expected)?;
    found.severity = Severity::Warning;
    Some(found)
}
