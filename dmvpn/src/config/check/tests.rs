//! One test for each kind of finding: the guide's cloud with one thing wrong.

use super::*;
use crate::config::ios;

const HUB: &str = include_str!("../../../tests/data/guide/hub1.cfg");
const HUB2: &str = include_str!("../../../tests/data/guide/hub2.cfg");
const SPOKE1: &str = include_str!("../../../tests/data/guide/spoke1.cfg");
const SPOKE2: &str = include_str!("../../../tests/data/guide/spoke2.cfg");
const DUAL1: &str = include_str!("../../../tests/data/guide/spoke1-dual-hub.cfg");
const DUAL2: &str = include_str!("../../../tests/data/guide/spoke2-dual-hub.cfg");

type Edits<'a> = &'a [(&'a str, &'a str)];

fn edited(text: &str, edits: Edits<'_>) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "nothing to edit: '{from}'");
        text.replace(from, to)
    })
}

/// What is said of a hub and two spokes.
fn check(hub: Edits<'_>, spoke1: Edits<'_>, spoke2: Edits<'_>) -> Vec<Diagnostic> {
    let routers = [("hub1.cfg", HUB, hub), ("spoke1.cfg", SPOKE1, spoke1), ("spoke2.cfg", SPOKE2, spoke2)];
    let parsed = routers.map(|(name, text, edits)| ios::parse(name, &edited(text, edits)));
    files(&parsed)
}

/// The only finding of this rule: where it is, how bad, what it says, what it wants.
fn one(found: &[Diagnostic], rule: Rule) -> (String, Severity, String, String) {
    let all: Vec<&Diagnostic> = found.iter().filter(|one| one.rule == rule).collect();
    let [only] = all.as_slice() else { panic!("{rule}: {all:?} of {found:?}") };
    (only.line.to_string(), only.severity, only.message.clone(), only.expected.clone())
}

/// A finding of this rule at this place, with these words.
#[track_caller]
fn says(found: &[Diagnostic], rule: Rule, severity: Severity, line: &str, message: &str, expected: &str) {
    let (at, how, said, wanted) = one(found, rule);
    assert_eq!((at.as_str(), how), (line, severity), "{said}");
    assert!(said.contains(message), "{said}");
    assert!(wanted.contains(expected), "{wanted}");
}

const ERROR: Severity = Severity::Error;
const WARNING: Severity = Severity::Warning;

#[test]
fn the_guides_clouds_fit_together() {
    let dual = [("h1", HUB), ("h2", HUB2), ("s1", DUAL1), ("s2", DUAL2)];
    let dual = dual.map(|(name, text)| ios::parse(name, text));
    let configs: Vec<&Config> = dual.iter().map(|one| &one.config).collect();
    assert_eq!(cloud(&configs), []);
    assert!(!files(&dual).iter().any(Diagnostic::is_error));
    let single = check(&[], &[], &[]);
    assert!(!single.iter().any(Diagnostic::is_error), "{single:?}");
    // The guide's hub has no clamp and its authentication is longer than IOS takes: both are said, neither ends anything.
    assert_eq!(single.iter().filter(|one| one.rule == Rule::Mss).count(), 1);
    assert_eq!(single.iter().filter(|one| one.rule == Rule::NotForIos).count(), 3);
}

#[test]
fn authentication_that_differs_or_lacks() {
    let other = check(&[], &[("authentication DMVPN2026", "authentication dmvpn2026")], &[]);
    says(&other, Rule::Authentication, ERROR, "spoke1.cfg:34", "HUB1 (hub1.cfg:34)", "the same string");
    assert!(!format!("{other:?}").contains("2026"), "a finding never tells the secret");
    let none = check(&[], &[(" ip nhrp authentication DMVPN2026\n", "")], &[]);
    says(
        &none,
        Rule::Authentication,
        ERROR,
        "spoke1.cfg:30",
        "has no NHRP authentication",
        "as on hub1.cfg:34",
    );
    let _ = one(&check(&[], &[], &[(" ip nhrp authentication DMVPN2026\n", "")]), Rule::Authentication);
}

#[test]
fn network_ids_that_differ() {
    let found = check(&[], &[], &[("network-id 100", "network-id 200")]);
    says(&found, Rule::NetworkId, WARNING, "spoke2.cfg:37", "network-id 200", "'ip nhrp network-id 100'");
}

#[test]
fn tunnel_keys_that_differ_or_lack() {
    let found = check(&[], &[], &[("tunnel key 100", "tunnel key 7")]);
    says(&found, Rule::TunnelKey, ERROR, "spoke2.cfg:44", "nothing registers", "'tunnel key 100'");
    let found = check(&[], &[(" tunnel key 100\n", "")], &[]);
    says(&found, Rule::TunnelKey, ERROR, "spoke1.cfg:30", "has no tunnel key", "'tunnel key 100'");
}

#[test]
fn pre_shared_keys_that_differ() {
    let found = check(&[], &[("Sup3rS3cr3tDMVPN!", "another")], &[]);
    let of_spoke: Vec<_> = found.iter().filter(|one| one.rule == Rule::PreSharedKey).collect();
    let [said, ..] = of_spoke.as_slice() else { panic!("{found:?}") };
    assert_eq!((said.line.to_string().as_str(), said.severity), ("spoke1.cfg:6", ERROR));
    assert!(said.message.contains("HUB1 (hub1.cfg:7) expects: authentication fails"), "{said}");
    assert!(!format!("{found:?}").contains("Sup3r"), "a finding never tells the secret");
}

#[test]
fn spokes_that_fit_their_hub_and_not_each_other() {
    let per_peer = "\
 peer HUB
  address 203.0.113.1 255.255.255.255
  pre-shared-key local Sup3rS3cr3tDMVPN!
  pre-shared-key remote Sup3rS3cr3tDMVPN!
 peer ANY
  address 0.0.0.0 0.0.0.0
  pre-shared-key local other
  pre-shared-key remote other
!
crypto ikev2 proposal";
    let old = "\
 peer ANY
  address 0.0.0.0 0.0.0.0
  pre-shared-key local Sup3rS3cr3tDMVPN!
  pre-shared-key remote Sup3rS3cr3tDMVPN!
!
crypto ikev2 proposal";
    let found = check(&[], &[(old, per_peer)], &[]);
    assert!(!found.iter().any(Diagnostic::is_error), "{found:?}");
    says(&found, Rule::PreSharedKey, WARNING, "spoke1.cfg:10", "never reach each other directly", "SPOKE2");
}

#[test]
fn no_key_for_a_peer() {
    let found = check(&[], &[], &[("address 0.0.0.0 0.0.0.0", "address 203.0.113.0 255.255.255.0")]);
    let expected = "a 'peer' with 'address 198.51.100.1' in the keyring";
    says(&found, Rule::PreSharedKey, WARNING, "spoke2.cfg:3", "no pre-shared key for SPOKE1", expected);
}

#[test]
fn an_identity_that_is_not_accepted() {
    let edit = [("match identity remote address 0.0.0.0", "match identity remote fqdn hub.example.net")];
    let found = check(&[], &[], &edit);
    let all: Vec<_> = found.iter().filter(|one| one.rule == Rule::PeerIdentity).collect();
    assert_eq!(all[0].line.file.as_ref(), "spoke2.cfg");
    assert!(
        all[0].message.contains("does not take HUB1, which says it is 'address 203.0.113.1'"),
        "{}",
        all[0]
    );
}

#[test]
fn no_common_proposal() {
    let found = check(&[], &[("group 14", "group 19")], &[]);
    let all: Vec<_> = found.iter().filter(|one| one.rule == Rule::Proposal && one.is_error()).collect();
    assert_eq!(all[0].line.to_string(), "spoke1.cfg:9");
    assert!(all[0].message.contains("HUB1 (hub1.cfg:9)"), "{}", all[0]);
    assert_eq!(all[0].expected, "'encryption aes-cbc-256', 'integrity sha256', 'group 14'");
    // One in common is enough.
    assert!(!check(&[], &[("group 14", "group 19 14")], &[]).iter().any(Diagnostic::is_error));
}

#[test]
fn no_common_transform_set() {
    let found = check(&[], &[], &[("esp-aes 256 esp-sha256-hmac", "esp-gcm 256")]);
    let all: Vec<_> = found.iter().filter(|one| one.rule == Rule::TransformSet && one.is_error()).collect();
    assert_eq!(all[0].line.to_string(), "spoke2.cfg:23");
    assert_eq!(all[0].expected, "'crypto ipsec transform-set DMVPN-TS esp-aes 256 esp-sha256-hmac'");
    let found = check(&[], &[("mode transport", "mode tunnel")], &[]);
    assert!(found.iter().any(|one| one.rule == Rule::TransformSet && one.message.contains("in tunnel mode")));
}

#[test]
fn perfect_forward_secrecy_on_one_side() {
    let found = check(&[("set ikev2-profile", "set pfs group19\n set ikev2-profile")], &[], &[]);
    let all: Vec<_> = found.iter().filter(|one| one.rule == Rule::Secrecy).collect();
    assert!(!all.is_empty() && all.iter().all(|one| one.severity == WARNING));
    assert!(all.iter().any(|one| one.expected == "'set pfs group19'"), "{all:?}");
}

#[test]
fn protection_on_one_side() {
    let line = " tunnel protection ipsec profile DMVPN-IPSEC-PROFILE\n";
    let found = check(&[], &[], &[(line, "")]);
    let all: Vec<_> = found.iter().filter(|one| one.rule == Rule::Protection && one.is_error()).collect();
    assert_eq!(all[0].line.to_string(), "spoke2.cfg:30");
    assert!(all[0].message.contains("sends in the clear is dropped there"), "{}", all[0]);
}

#[test]
fn ospf_network_types_that_differ() {
    let found = check(&[], &[], &[(" ip ospf network point-to-multipoint\n", "")]);
    let all: Vec<_> =
        found.iter().filter(|one| one.rule == Rule::OspfNetworkType && one.is_error()).collect();
    let [only] = all.as_slice() else { panic!("{found:?}") };
    assert_eq!((only.line.file.as_ref(), only.line.number), ("spoke2.cfg", 30));
    assert_eq!(only.expected, "'ip ospf network point-to-multipoint'");
}

#[test]
fn ospf_timers_that_differ() {
    let network = " ip ospf network point-to-multipoint\n";
    let both = format!("{network} ip ospf hello-interval 10\n");
    let found = check(&[], &[(network, &both)], &[]);
    let all: Vec<_> = found.iter().filter(|one| one.rule == Rule::OspfTimers).collect();
    let [dead, hello] = all.as_slice() else { panic!("{found:?}") };
    assert_eq!((hello.severity, dead.severity), (ERROR, ERROR));
    assert!(hello.message.contains("of 10 s, and the hub HUB1 (hub1.cfg:30) of 30 s"), "{hello}");
    assert_eq!(dead.expected, "'ip ospf dead-interval 120'");
}

#[test]
fn ospf_areas_that_differ_and_routers_without() {
    let found =
        check(&[], &[("network 10.0.0.0 0.0.0.255 area 0", "network 10.0.0.0 0.0.0.255 area 1")], &[]);
    says(&found, Rule::OspfArea, ERROR, "spoke1.cfg:57", "area 1", "area 0");
    let found = check(&[], &[(" network 10.0.0.0 0.0.0.255 area 0\n", "")], &[]);
    says(&found, Rule::OspfArea, WARNING, "spoke1.cfg:56", "takes no part in OSPF", "a 'network' line");
}

#[test]
fn ospf_authentication_that_differs() {
    let network = " ip ospf network point-to-multipoint\n";
    let with = |key: &str| {
        format!("{network} ip ospf authentication message-digest\n ip ospf message-digest-key 1 md5 {key}\n")
    };
    let (one_key, other_key) = (with("one"), with("other"));
    let found = check(&[(network, &one_key)], &[(network, &one_key)], &[(network, &other_key)]);
    let (at, how, said, _) = one(&found, Rule::OspfAuthentication);
    assert_eq!((at.as_str(), how), ("spoke2.cfg:42", ERROR));
    assert!(said.contains("a digest with another key"), "{said}");
    let found = check(&[(network, &one_key)], &[(network, &one_key)], &[]);
    assert!(one(&found, Rule::OspfAuthentication).2.contains("by nothing"));
}

#[test]
fn mtus_that_differ() {
    let clamp = " ip tcp adjust-mss 1360\n ip ospf";
    let found = check(&[], &[(clamp, " ip mtu 1400\n ip tcp adjust-mss 1360\n ip ospf")], &[]);
    says(&found, Rule::OspfMtu, ERROR, "spoke1.cfg:40", "OSPF stays in EXSTART", "'ip mtu 1472'");
}

#[test]
fn an_nhs_without_a_mapping_and_one_with_a_wrong_one() {
    let found = check(&[], &[(" ip nhrp map 10.0.0.1 203.0.113.1\n", "")], &[]);
    let (at, how, _, expected) = one(&found, Rule::UnmappedNhs);
    assert_eq!((at.as_str(), how), ("spoke1.cfg:38", ERROR));
    assert!(expected.contains("ip nhrp map 10.0.0.1"), "{expected}");
    let found = check(&[], &[("map 10.0.0.1 203.0.113.1", "map 10.0.0.1 203.0.113.9")], &[]);
    let expected = "'ip nhrp map 10.0.0.1 203.0.113.1'";
    says(&found, Rule::HubMapping, ERROR, "spoke1.cfg:35", "registrations go to another machine", expected);
    let edits = [("map 10.0.0.1 ", "map 10.0.0.2 "), ("nhs 10.0.0.1", "nhs 10.0.0.2")];
    let found = check(&[], &[], &edits);
    says(&found, Rule::HubMapping, ERROR, "spoke2.cfg:39", "is 10.0.0.2 here", "'ip nhrp nhs 10.0.0.1'");
}

#[test]
fn a_server_that_no_file_has() {
    let found = files(&[ios::parse("spoke1.cfg", SPOKE1)]);
    says(&found, Rule::UnknownHub, Severity::Note, "spoke1.cfg:39", "no file has the next-hop server", "");
}

#[test]
fn clamps_that_lack_or_are_too_large() {
    let clamp = " ip tcp adjust-mss 1360\n";
    let found = check(&[], &[(clamp, "")], &[]);
    let at = |file: &str| {
        let mine = found.iter().filter(move |one| one.rule == Rule::Mss && one.line.file.as_ref() == file);
        mine.map(|one| one.expected.clone()).collect::<Vec<_>>()
    };
    assert_eq!(at("spoke1.cfg"), ["a line 'ip tcp adjust-mss 1360'"]);
    let found = check(&[], &[(clamp, " ip tcp adjust-mss 1460\n")], &[]);
    assert!(
        found
            .iter()
            .any(|one| one.rule == Rule::Mss && one.message.contains("segments of 1460 octets do not fit"))
    );
}

#[test]
fn registration_that_is_slower_than_a_nat_forgets() {
    let private = ("ip address 198.51.100.1 255.255.255.0", "ip address 10.99.0.2 255.255.255.0");
    let slow = ("ip nhrp holdtime 300", "ip nhrp holdtime 600");
    let found = check(&[], &[private, slow], &[]);
    let expected = "lines 'ip nhrp holdtime 120' and 'ip nhrp registration timeout 60'";
    says(&found, Rule::NatTimers, WARNING, "spoke1.cfg:38", "registers every 200 s", expected);
    assert!(!check(&[], &[private], &[]).iter().any(|one| one.rule == Rule::NatTimers));
}

#[test]
fn redirects_and_shortcuts_belong_together() {
    let hold = ("ip nhrp holdtime 300", "ip nhrp holdtime 300\n ip nhrp redirect");
    let short = ("ip nhrp holdtime 300", "ip nhrp holdtime 300\n ip nhrp shortcut");
    let found = check(&[hold], &[], &[]);
    let message = "SPOKE1 and SPOKE2 are without 'ip nhrp shortcut' (phase 2)";
    says(&found, Rule::Redirect, WARNING, "hub1.cfg:38", message, "'no ip nhrp redirect' here");
    let found = check(&[], &[short], &[]);
    says(
        &found,
        Rule::Redirect,
        WARNING,
        "spoke1.cfg:39",
        "the hub HUB1 (hub1.cfg:30) sends none",
        "redirect",
    );
    // A cloud that is all of phase 3 has nothing to say, not even what the hub alone would be told.
    let found = check(&[hold], &[short], &[short]);
    assert!(!found.iter().any(|one| matches!(one.rule, Rule::Redirect | Rule::Phase)), "{found:?}");
}

#[test]
fn two_tunnels_on_one_source_without_keys() {
    let dual = edited(DUAL1, &[(" tunnel key 100\n", ""), (" tunnel key 200\n", "")]);
    let found = files(&[ios::parse("h1", HUB), ios::parse("h2", HUB2), ios::parse("s1", &dual)]);
    let (_, how, said, _) = one(&found, Rule::SharedSource);
    assert_eq!(how, ERROR);
    assert!(said.contains("what arrives cannot be told apart"), "{said}");
}

#[test]
fn redirects_of_icmp_that_are_not_switched_off() {
    let found = check(&[], &[(" no ip redirects\n", "")], &[]);
    let said = found.iter().find(|one| one.message.contains("ICMP redirects")).expect("a finding");
    assert_eq!((said.severity, said.expected.as_str()), (WARNING, "a line 'no ip redirects'"));
}

#[test]
fn addresses_and_router_ids_that_two_routers_have() {
    let found = check(&[], &[], &[("ip address 10.0.0.12 ", "ip address 10.0.0.11 ")]);
    says(
        &found,
        Rule::DuplicateRouterId,
        ERROR,
        "spoke2.cfg:56",
        "also that of SPOKE1",
        "'router-id ADDRESS'",
    );
    says(&found, Rule::DuplicateAddress, ERROR, "spoke2.cfg:32", "refuses the later", "another address");
    let found = check(&[], &[], &[("ip address 198.51.100.2 ", "ip address 198.51.100.1 ")]);
    says(&found, Rule::DuplicateAddress, WARNING, "spoke2.cfg:49", "SPOKE1 (spoke1.cfg:42)", "of its own");
    let found = check(&[], &[], &[("192.168.12.", "192.168.11.")]);
    says(
        &found,
        Rule::DuplicateAddress,
        WARNING,
        "spoke2.cfg:53",
        "announces 192.168.11.0/24",
        "of their own",
    );
}

#[test]
fn a_cloud_of_nothing_has_nothing_to_say() {
    assert_eq!(files(&[]), []);
    assert!(cloud(&[&Config::default(), &Config::default()]).is_empty());
}
