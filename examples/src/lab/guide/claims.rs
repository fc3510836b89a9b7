//! The guide's claims, each with what was seen.

use std::time::Duration;

use dmvpn::Event;
use dmvpn::sim::{PingOutcome, PingReport};

use super::super::cloud::nat_address;
use super::super::report::Claim;
use super::super::{Args, Cloud};
use super::{FAR_LAN, Milestones, NEAR_LAN, Seen};

/// A router sends echo requests with this TTL; the hub takes one off.
const FRESH_TTL: u8 = 255;

/// The bars are for 20 ms and no loss; what a slower or a lossy wire does to them is shown, and that it happens is enough.
const NOT_JUDGED: &str = " (not judged on this wire)";

/// How the packets of a ping travelled, told by the TTL with which they arrived.
pub(super) fn ways(ping: &PingReport) -> String {
    let ways = ping.probes.iter().map(|probe| match probe.arrived_ttl {
        None => "lost",
        Some(FRESH_TTL) => "direct",
        Some(_) => "by way of the hub",
    });
    let mut runs: Vec<(&str, usize)> = Vec::new();
    for way in ways {
        match runs.last_mut() {
            Some((last, count)) if *last == way => *count += 1,
            _ => runs.push((way, 1)),
        }
    }
    let runs: Vec<String> = runs.iter().map(|(way, count)| format!("{count} {way}")).collect();
    runs.join(", then ")
}

pub(super) fn check(cloud: &Cloud, seen: &Seen, milestones: &Milestones, args: &Args) -> Vec<Claim> {
    let mut claims = Claims(Vec::new());
    neighbors(&mut claims, seen);
    registrations(&mut claims, seen, args);
    next_hop(&mut claims, seen);
    first_packets(&mut claims, seen, args);
    direct_path(&mut claims, seen, args);
    sessions(&mut claims, seen, args);
    the_hub_sees(&mut claims, cloud, seen, args);
    nothing_in_the_clear(&mut claims, cloud);
    in_time(&mut claims, milestones, args);
    claims.0
}

struct Claims(Vec<Claim>);

impl Claims {
    fn add(&mut self, claim: &str, seen: impl Into<String>, holds: bool) {
        self.0.push(Claim { claim: claim.to_owned(), seen: seen.into(), holds });
    }
}

/// A spoke as the others see it: its underlay address, and the flag that it has behind NAT.
fn as_seen(args: &Args, spoke: &str) -> (String, &'static str) {
    let own = if spoke == "SPOKE1" { "198.51.100.1" } else { "198.51.100.2" };
    match nat_address(args, spoke) {
        Some(public) => (public.to_string(), "nat "),
        None => (own.to_owned(), ""),
    }
}

/// Lines of a text that contain every one of these words.
fn lines_with<'a>(text: &'a str, words: &[&str]) -> Vec<&'a str> {
    text.lines().filter(|line| words.iter().all(|word| line.contains(word))).collect()
}

/// A line with its blanks folded.
fn folded(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn neighbors(claims: &mut Claims, seen: &Seen) {
    let text = seen.text("HUB1", "show ip ospf neighbor");
    for spoke in ["10.0.0.11", "10.0.0.12"] {
        let lines = lines_with(text, &[spoke, "FULL/", "Tunnel0"]);
        let state = lines.first().map_or("absent".to_owned(), |line| folded(line));
        claims.add(&format!("the hub's OSPF neighbor {spoke} is FULL/-"), state, lines.len() == 1);
    }
}

/// The lines of one entry of `show ip nhrp`.
fn entry<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    let mut lines = text.lines().skip_while(|line| !line.starts_with(prefix));
    let head = lines.next();
    head.into_iter().chain(lines.take_while(|line| line.starts_with(' '))).collect()
}

fn registrations(claims: &mut Claims, seen: &Seen, args: &Args) {
    let text = seen.text("HUB1", "show ip nhrp");
    for (spoke, name) in [("10.0.0.11/32", "SPOKE1"), ("10.0.0.12/32", "SPOKE2")] {
        let (nbma, nat) = as_seen(args, name);
        let lines = entry(text, spoke).join("\n");
        let holds = lines.contains(&format!("Type: dynamic, Flags: {nat}registered nhop"))
            && lines.contains(&format!("NBMA address: {nbma}"))
            && lines.contains("expire");
        let what = lines.lines().skip(2).map(folded).collect::<Vec<_>>().join("; ");
        claims.add(&format!("the hub learnt {spoke} by registration"), what, holds);
    }
}

fn next_hop(claims: &mut Claims, seen: &Seen) {
    let text = seen.text("SPOKE1", "show ip route 192.168.12.0");
    let hop = lines_with(text, &["* 10.0.0.12, from 10.0.0.12", "via Tunnel0"]);
    let line = text.lines().find(|line| line.trim_start().starts_with('*')).map_or("no route".into(), folded);
    claims.add("OSPF preserves the originating spoke as next hop", line, hop.len() == 1);
    let fallback = lines_with(text, &["fallback", "10.0.0.1"]);
    let line = fallback.first().map_or("none".to_owned(), |line| folded(line));
    claims.add("until the direct path is proven, the hub is the fallback", line, fallback.len() == 1);
}

fn first_packets(claims: &mut Claims, seen: &Seen, args: &Args) {
    let command = format!("ping {FAR_LAN} source {NEAR_LAN}");
    let Some(ping) = seen.find("SPOKE1", &command).and_then(|answer| answer.ping.as_ref()) else {
        claims.add("traffic triggers the direct path", "no ping", false);
        return;
    };
    let lost = ping.lost();
    let note = if args.loss > 0.0 { NOT_JUDGED } else { "" };
    let what = format!("{} of {} answered{note}", ping.received(), ping.sent());
    claims.add("no packet is lost while the direct path is built", what, lost == 0 || args.loss > 0.0);
    let first = ping.probes.first().and_then(|probe| probe.arrived_ttl);
    let last = ping.probes.last();
    let by_hub = first.is_some_and(|ttl| ttl < FRESH_TTL);
    let direct = last.is_some_and(|probe| {
        probe.arrived_ttl == Some(FRESH_TTL) && matches!(probe.outcome, PingOutcome::Reply { .. })
    });
    let claim = "the first packets go by way of the hub, then direct";
    claims.add(claim, format!("{}{note}", ways(ping)), (by_hub && direct) || args.loss > 0.0);
}

fn direct_path(claims: &mut Claims, seen: &Seen, args: &Args) {
    let (nbma, nat) = as_seen(args, "SPOKE2");
    let text = seen.text("SPOKE1", "show ip nhrp detail");
    let lines = entry(text, "10.0.0.1/32").join("\n");
    let holds = lines.contains("never expire")
        && lines.contains("Type: static, Flags: used nhop")
        && lines.contains("NBMA address: 203.0.113.1");
    let what = |lines: &str| lines.lines().skip(2).take(2).map(folded).collect::<Vec<_>>().join("; ");
    claims.add("the spoke's entry of the hub is static", what(&lines), holds);
    let lines = entry(text, "10.0.0.12/32").join("\n");
    let holds = lines.contains(&format!("Type: dynamic, Flags: router {nat}nhop rib"))
        && lines.contains(&format!("NBMA address: {nbma}"))
        && lines.contains("expire");
    claims.add("the entry of the other spoke appeared by itself", what(&lines), holds);
    let command = format!("traceroute {FAR_LAN} source {NEAR_LAN}");
    let hops = seen.find("SPOKE1", &command).and_then(|answer| answer.traceroute.as_ref());
    let hops: Vec<String> = hops.map_or(Vec::new(), |report| {
        let address =
            |hop: &dmvpn::sim::host::Hop| hop.address().map_or("*".to_owned(), |address| address.to_string());
        report.hops.iter().map(address).collect()
    });
    claims.add("one hop, directly to SPOKE2's tunnel address", hops.join(" "), hops == ["10.0.0.12"]);
}

fn sessions(claims: &mut Claims, seen: &Seen, args: &Args) {
    let (nbma, _) = as_seen(args, "SPOKE2");
    let text = seen.text("SPOKE1", "show crypto session");
    let up = lines_with(text, &["Session status: UP-ACTIVE"]).len();
    let peers: Vec<String> = lines_with(text, &["Peer:"]).iter().map(|line| folded(line)).collect();
    let holds = up == 2
        && peers.first().is_some_and(|line| line.contains("203.0.113.1"))
        && peers.get(1).is_some_and(|line| line.contains(&nbma));
    claims.add(
        "two crypto sessions, the second with SPOKE2",
        format!("{up} UP-ACTIVE; {}", peers.join("; ")),
        holds,
    );
    let sa = seen.text("HUB1", "show crypto ikev2 sa detail");
    let suite = lines_with(sa, &["Encr: AES-CBC", "keysize: 256", "SHA256", "DH Grp:14", "PSK"]);
    let line = suite.first().map_or("none".to_owned(), |line| folded(line));
    claims.add("IKEv2 with AES-CBC-256, SHA-256, group 14, PSK", line, suite.len() == 2);
}

fn the_hub_sees(claims: &mut Claims, cloud: &Cloud, seen: &Seen, args: &Args) {
    let text = seen.text("HUB1", "show dmvpn");
    for (spoke, nat) in ["SPOKE1", "SPOKE2"].map(|spoke| as_seen(args, spoke)) {
        let lines = lines_with(text, &[&format!(" {spoke} "), "UP"]);
        let attributes = if nat.is_empty() { " D" } else { " DN" };
        let dynamic = lines.first().is_some_and(|line| line.trim_end().ends_with(attributes));
        let line = lines.first().map_or("absent".to_owned(), |line| folded(line));
        claims.add(&format!("show dmvpn lists {spoke} as UP, dynamic"), line, lines.len() == 1 && dynamic);
    }
    let mismatches = cloud.log.iter().filter(|(_, _, event)| {
        matches!(event, Event::Nhrp { event: nhrp::Event::AuthenticationMismatch { .. }, .. })
    });
    let mismatches = mismatches.count();
    let what = format!("{mismatches} mismatches");
    claims.add("all NHRP carries the authentication DMVPN2026", what, mismatches == 0);
    let (before, after) = seen.hub_packets;
    let through = after.saturating_sub(before);
    let what = format!("{through} packets left the hub during 100 pings");
    // 100 requests and 100 answers would be 200 more; hellos and refreshes are a few.
    claims.add("traffic bypasses the hub once the tunnel is up", what, through < 20);
}

fn nothing_in_the_clear(claims: &mut Claims, cloud: &Cloud) {
    let leaks = cloud.network.clear_text_seen().len();
    let what = format!(
        "{leaks} of {} underlay packets show GRE or an inner address",
        cloud.network.wire_stats().sent
    );
    claims.add("everything between the routers is encrypted", what, leaks == 0);
}

fn in_time(claims: &mut Claims, milestones: &Milestones, args: &Args) {
    let judged = args.delay <= 20 && args.loss == 0.0;
    let note = if judged { "" } else { NOT_JUDGED };
    for (claim, at, bar) in [
        ("registered within 1 s", milestones.registered, 1),
        ("FULL within 3 s", milestones.full, 3),
        ("routes within 3 s", milestones.routes, 3),
        ("direct path within 1 s of the first packet", milestones.direct_path, 1),
    ] {
        let what = at.map_or_else(|| "never".to_owned(), |at| format!("{:.3} s{note}", at.as_secs_f64()));
        let in_time = at.is_some_and(|at| at <= Duration::from_secs(bar));
        claims.add(claim, what, if judged { in_time } else { at.is_some() });
    }
}
