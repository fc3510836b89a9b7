//! The guide's failure modes, each with a named event and a visible line instead of silence.
#![cfg(feature = "sim")]

mod common;

use std::time::Duration;

use common::{LAN1, LAN2, cloud, config, finish, hops, log, ping, run_to_routes, saw};
use dmvpn::Event;
use dmvpn::sim::{MssConfig, Network};

const A_MINUTE: Duration = Duration::from_secs(60);

/// The guide's hub and a spoke with these edits.
fn hub_and_spoke(edits: &[(&str, &str)]) -> Network {
    cloud(7, [config("hub1.cfg", &[]), config("spoke1.cfg", edits)])
}

fn text_of(network: &Network, router: &str, wanted: impl Fn(&Event) -> bool) -> String {
    let found = network.events_of(router).find(|(_, event)| wanted(event));
    found
        .map(|(_, event)| event.to_string())
        .unwrap_or_else(|| panic!("{router} is silent: {}", log(network)))
}

#[test]
fn an_authentication_mismatch_shows_as_in_the_guides_debug_output() {
    let mut network = hub_and_spoke(&[("authentication DMVPN2026", "authentication DMVPN2025")]);
    network.run_for(A_MINUTE);
    let text = text_of(&network, "HUB1", |event| {
        matches!(event, Event::Nhrp { event: nhrp::Event::AuthenticationMismatch { .. }, .. })
    });
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("NHRP: Receive Registration Request via Tunnel0 vrf 0, packet size: "),
        "{text}"
    );
    assert_eq!(
        lines[1..],
        ["NHRP: src: 198.51.100.1, dst: 203.0.113.1", "NHRP: Authentication string mismatch"]
    );
    assert!(!text.contains("DMVPN202"), "the event must not tell the secret");
    assert!(!saw(&network, "SPOKE1", |event| {
        matches!(event, Event::Nhrp { event: nhrp::Event::RegistrationAccepted { .. }, .. })
    }));
    finish(&network);
}

#[test]
fn a_pre_shared_key_mismatch_is_named_on_both_sides() {
    let mut network = hub_and_spoke(&[("Sup3rS3cr3tDMVPN!", "Sup3rS3cr3tDMVPN?")]);
    network.run_for(A_MINUTE);
    let text = text_of(&network, "HUB1", |event| {
        matches!(
            event,
            Event::Ike {
                event: ikev2::Event::Refused {
                    reason: ikev2::FailureReason::AuthenticationFailed { .. },
                    ..
                },
                ..
            }
        )
    });
    assert!(text.contains("authentication failed"), "{text}");
    assert!(saw(&network, "SPOKE1", |event| matches!(
        event,
        Event::Ike {
            event: ikev2::Event::ConnectFailed {
                reason: ikev2::FailureReason::AuthenticationFailed { .. },
                ..
            },
            ..
        }
    )));
    finish(&network);
}

#[test]
fn no_common_proposal_is_named_on_both_sides() {
    for edit in [("group 14", "group 19"), ("esp-aes 256", "esp-aes 128")] {
        let mut network = hub_and_spoke(&[edit]);
        network.run_for(A_MINUTE);
        let no_proposal =
            |reason: &ikev2::FailureReason| matches!(reason, ikev2::FailureReason::NoProposalChosen { .. });
        assert!(
            saw(&network, "HUB1", |event| matches!(
                event,
                Event::Ike { event: ikev2::Event::Refused { reason, .. }, .. } if no_proposal(reason)
            )),
            "{edit:?}: {}",
            log(&network)
        );
        assert!(
            saw(&network, "SPOKE1", |event| matches!(
                event,
                Event::Ike { event: ikev2::Event::ConnectFailed { reason, .. }, .. } if no_proposal(reason)
            )),
            "{edit:?}: {}",
            log(&network)
        );
        finish(&network);
    }
}

#[test]
fn a_gre_key_mismatch_names_both_keys() {
    let mut network = hub_and_spoke(&[("tunnel key 100", "tunnel key 101")]);
    network.run_for(A_MINUTE);
    let text = text_of(&network, "HUB1", |event| matches!(event, Event::UnknownGreKey { .. }));
    assert_eq!(text, "GRE: tunnel key mismatch: 198.51.100.1 sends key 101, here is key 100");
    finish(&network);
}

#[test]
fn a_spoke_at_another_ospf_network_type_is_reported() {
    let mut network = cloud(
        7,
        [
            config("hub1.cfg", &[]),
            config("spoke1.cfg", &[]),
            config("spoke2.cfg", &[(" ip ospf network point-to-multipoint\n", "")]),
        ],
    );
    network.run_for(A_MINUTE);
    let text = text_of(&network, "HUB1", |event| {
        matches!(event, Event::Ospf { event: ospf_p2mp::Event::ParameterMismatch { .. }, .. })
    });
    assert!(text.contains("from 10.0.0.12 on Tunnel0"), "{text}");
    finish(&network);
}

#[test]
fn a_silent_nhs_is_reported_within_the_detection_time() {
    let mut network = common::guide(7);
    run_to_routes(&mut network, A_MINUTE);
    network.fail("HUB1");
    let failed_at = network.now();
    let down = |network: &Network| {
        saw(network, "SPOKE1", |event| {
            matches!(event, Event::Nhrp { event: nhrp::Event::NhsDown { .. }, .. })
        })
    };
    let limit = Duration::from_secs(180);
    let at = network.run_until_condition(limit, down).unwrap_or_else(|| panic!("silence: {}", log(&network)));
    assert!(at - failed_at <= Duration::from_secs(60), "after {:?}", at - failed_at);
    // Without traffic, the next Hello (30 s) finds that nothing came back; IKE then asks for 10 s.
    network.run_for(Duration::from_secs(45));
    assert!(!common::has_route(&network, "SPOKE1", LAN2), "routes by way of a dead hub: {}", log(&network));
    finish(&network);
}

#[test]
fn a_next_hop_rewritten_to_the_hub_is_reported_and_traffic_hairpins() {
    let edit = [(" tunnel key 100\n", " tunnel key 100\n ip ospf next-hop rfc2328\n")];
    let mut network =
        cloud(7, [config("hub1.cfg", &[]), config("spoke1.cfg", &edit), config("spoke2.cfg", &[])]);
    run_to_routes(&mut network, A_MINUTE);
    let text = text_of(&network, "SPOKE1", |event| matches!(event, Event::NextHopIsHub { .. }));
    assert!(text.contains("192.168.12.0/24 from 10.0.0.12 has the hub 10.0.0.1 as next hop"), "{text}");
    assert_eq!(ping(&mut network, "SPOKE1", LAN1, LAN2, 20).lost(), 0);
    let seen = hops(&mut network, "SPOKE1", LAN1, LAN2);
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert_eq!(seen[0], Some([10, 0, 0, 1].into()));
    finish(&network);
}

#[test]
fn a_missing_mss_clamp_is_reported_and_a_clamp_works() {
    let clamp = (" ip tcp adjust-mss 1360\n", "");
    for (edits, arrives, reported) in [(&[][..], 1360, false), (&[clamp][..], 1460, true)] {
        let mut network =
            cloud(7, [config("hub1.cfg", &[]), config("spoke1.cfg", edits), config("spoke2.cfg", edits)]);
        run_to_routes(&mut network, A_MINUTE);
        let id = network.open_tcp("SPOKE1", MssConfig::new(LAN2).from(LAN1));
        network.run_for(Duration::from_secs(2));
        assert_eq!(network.mss_report(id).request, Some(Some(arrives)));
        let said = saw(&network, "SPOKE1", |event| matches!(event, Event::MssClampMissing { .. }));
        assert_eq!(said, reported, "{}", log(&network));
        finish(&network);
    }
}
