//! The first run, as the README has it: three routers without privileges, on loopback.
#![cfg(target_os = "linux")]

mod common;

use common::{Router, folder, guide, guide_cloud};

#[test]
fn three_routers_a_ping_from_lan_to_lan_and_a_direct_path() {
    let [hub, spoke1, _spoke2] = guide_cloud("local-ping", 10_610);
    let said = spoke1.ask("ping 192.168.12.10 source 192.168.11.10");
    assert!(said.contains("!!!!!"), "{said}");
    assert!(said.contains("Success rate is 100 percent (5/5)"), "{said}");
    // Traffic has asked for the direct path.
    spoke1.wait("show ip nhrp", "10.0.0.12/32");
    spoke1.wait("show crypto session", "198.51.100.2");
    let said = spoke1.ask("traceroute 192.168.12.1 source 192.168.11.1");
    assert!(said.contains("1 10.0.0.12"), "one hop: {said}");
    assert!(!said.contains("10.0.0.1 "), "not by way of the hub: {said}");
    let said = hub.ask("show ip nhrp");
    assert!(said.contains("10.0.0.11/32") && said.contains("NBMA address: 198.51.100.1"), "{said}");
}

#[test]
fn a_router_that_is_told_to_stop_takes_leave() {
    let [hub, mut spoke1, spoke2] = guide_cloud("local-leave", 10_620);
    spoke1.signal("TERM");
    assert_eq!(spoke1.end(), Some(0));
    // Not after a timeout: the hub was told. The dead interval of OSPF is two minutes, the holding time five.
    let began = common::now();
    hub.wait_without("show ip nhrp", "10.0.0.11");
    hub.wait_without("show crypto session", "198.51.100.1");
    hub.wait_without("show ip ospf neighbor", "10.0.0.11");
    spoke2.wait_without("show ip route", "192.168.11.0/24");
    assert!(began.elapsed().as_secs() < 30, "{:?}", began.elapsed());
}

#[test]
fn a_router_that_was_killed_comes_back_under_its_old_socket() {
    let folder = folder("local-killed");
    let start = |name: &str| Router::start(&folder, 10_630, name, &guide(&format!("{name}.cfg")), &[]);
    let (hub, mut spoke) = (start("hub1"), start("spoke1"));
    hub.wait("show ip nhrp", "10.0.0.11");
    spoke.signal("KILL");
    spoke.end();
    let spoke = start("spoke1");
    spoke.wait("show ip nhrp nhs", "10.0.0.1 ");
    spoke.wait("show ip ospf neighbor", "FULL");
}

#[test]
fn show_answers_as_text_and_as_data() {
    let folder = folder("local-show");
    let hub = Router::start(&folder, 10_640, "hub1", &guide("hub1.cfg"), &[]);
    hub.wait("show ip interface brief", "Tunnel0");
    let tech = hub.ask("show tech");
    for section in [
        "show dmvpn detail",
        "show crypto ikev2 sa detail",
        "show ip ospf database",
        "show io",
        "show logging",
    ] {
        assert!(
            tech.contains(&format!("------------------ {section} ------------------")),
            "{section}: {tech}"
        );
    }
    assert!(!tech.lines().any(|line| line.starts_with("% ")), "{tech}");
    let data = hub.show(&["--json", "show", "tech"]);
    let data: serde_json::Value = serde_json::from_slice(&data.stdout).expect("JSON");
    assert_eq!(data["router"], "HUB1");
    assert!(data["show ip route"].is_object() || data["show ip route"].is_array(), "{data}");
    assert_eq!(hub.show(&["show", "nonsense"]).status.code(), Some(1));
    assert_eq!(hub.show(&["ping", "10.0.0.1", "source", "192.0.2.1"]).status.code(), Some(1));
    let said = hub.ask("ping 10.0.0.1");
    assert!(said.contains("Success rate is 100 percent"), "its own address: {said}");
}

#[test]
fn debugging_is_switched_while_the_router_runs() {
    let folder = folder("local-debug");
    let hub = Router::start(&folder, 10_650, "hub1", &guide("hub1.cfg"), &[]);
    hub.wait("show debugging", "No debugging is on");
    assert_eq!(hub.ask("debug nhrp"), "nhrp debugging is on\n");
    assert_eq!(hub.ask("debug nhrp condition peer nbma 198.51.100.1"), "Condition 1 set\n");
    let spokes = ["spoke1", "spoke2"]
        .map(|name| Router::start(&folder, 10_650, name, &guide(&format!("{name}.cfg")), &[]));
    hub.wait("show ip nhrp", "10.0.0.12");
    hub.wait("show logging", "nhrp");
    let debugged = |log: &str| {
        log.lines().filter(|line| line.contains(" nhrp::")).map(str::to_owned).collect::<Vec<_>>()
    };
    let lines = debugged(&hub.log());
    assert!(!lines.is_empty() && !lines.iter().any(|line| line.contains("198.51.100.2")), "{lines:#?}");
    hub.ask("undebug all");
    assert_eq!(hub.ask("show debugging"), "No debugging is on\n");
    drop(spokes);
}

#[test]
fn what_cannot_work_is_said_clearly() {
    let folder = folder("local-wrong");
    let mut wrong = Router::start(&folder, 10_660, "hub1", &guide("spoke1.cfg"), &[]);
    assert_eq!(wrong.end(), Some(1));
    assert!(wrong.log().contains("Tunnel0: has an NHS: it is a spoke's"), "{}", wrong.log());
    let first = Router::start(&folder, 10_660, "hub-first", &guide("hub1.cfg"), &[]);
    first.wait("show ip route", "10.0.0.0");
    let mut second = Router::start(&folder, 10_660, "hub-second", &guide("hub1.cfg"), &[]);
    assert_eq!(second.end(), Some(1));
    assert!(second.log().contains("this router runs already"), "{}", second.log());
}
