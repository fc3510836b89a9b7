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

#[test]
fn a_changed_configuration_is_applied_without_losing_peers() {
    let folder = folder("local-reload");
    let config = folder.join("spoke1.cfg");
    let text = std::fs::read_to_string(guide("spoke1.cfg")).expect("the guide's spoke");
    std::fs::write(&config, &text).expect("a file");
    let hub = Router::start(&folder, 10_670, "hub1", &guide("hub1.cfg"), &[]);
    let spoke = Router::start(&folder, 10_670, "spoke1", &config, &[]);
    spoke.wait("show ip ospf neighbor", "FULL");
    let reload = |text: &str, said: &str| {
        std::fs::write(&config, text).expect("a file");
        spoke.signal("HUP");
        spoke.wait("show logging", said);
    };
    // A cost and a clamp: in place.
    let other = text.replace(" ip ospf network", " ip ospf cost 55\n ip ospf network");
    reload(&other, "configuration: OSPF: changed");
    spoke.wait("show ip ospf interface", "Cost: 55");
    // What is wrong changes nothing.
    reload(&other.replace("ip nhrp holdtime 300", "ip nhrp holdtime 0"), "the old configuration stays");
    // And back.
    reload(&text, "configuration: OSPF: changed");
    for log in [hub.log(), spoke.log()] {
        assert!(!log.contains("SA down") && !log.contains("neighbor down"), "{log}");
    }
    // Another underlay address is another router.
    reload(&text.replace("198.51.100.1 ", "198.51.100.9 "), "the whole router begins anew");
    hub.wait("show ip nhrp", "198.51.100.9");
    spoke.wait("show ip ospf neighbor", "FULL");
}

#[test]
fn prometheus_gets_its_numbers() {
    use std::io::{Read, Write};
    let folder = folder("local-metrics");
    let hub = Router::start(&folder, 10_680, "hub1", &guide("hub1.cfg"), &["--metrics", "10681"]);
    let spoke = Router::start(&folder, 10_680, "spoke1", &guide("spoke1.cfg"), &[]);
    spoke.wait("show ip ospf neighbor", "FULL");
    hub.wait("show ip ospf neighbor", "FULL");
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", 10_681)).expect("a connection");
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("a request");
    let mut said = String::new();
    stream.read_to_string(&mut said).expect("an answer");
    assert!(said.starts_with("HTTP/1.1 200 OK"), "{said}");
    assert!(said.contains("dmvpn_peers{interface=\"Tunnel0\",state=\"up\"} 1\n"), "{said}");
    assert!(said.contains("dmvpn_ospf_neighbors{interface=\"Tunnel0\",state=\"full\"} 1\n"), "{said}");
}
