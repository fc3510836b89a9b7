//! The guide's cloud: its steps in its own form, and its claims held against what is seen.

mod claims;
mod milestones;

use std::time::Duration;

use super::command::{self, Answer};
use super::{Args, Cloud, Error, Report, capture, cloud};
use milestones::Milestones;

/// The project's own copy of the guide's configurations.
const FILES: [(&str, &str); 3] = [
    ("hub1.cfg", include_str!("../../../dmvpn/tests/data/guide/hub1.cfg")),
    ("spoke1.cfg", include_str!("../../../dmvpn/tests/data/guide/spoke1.cfg")),
    ("spoke2.cfg", include_str!("../../../dmvpn/tests/data/guide/spoke2.cfg")),
];

/// How long the cloud may take to come up before the laboratory gives up.
const PATIENCE: Duration = Duration::from_secs(120);
/// The guide looks at a cloud that has been up for some minutes.
const LOOK_AT: Duration = Duration::from_secs(192);

const FAR_LAN: &str = "192.168.12.1";
const NEAR_LAN: &str = "192.168.11.1";

/// The guide's configurations: file name and text.
pub(super) fn files() -> Vec<(String, String)> {
    FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// What was asked, and the answers that claims look into.
#[derive(Debug)]
struct Seen {
    answers: Vec<(String, String, Answer)>,
    /// Packets that the hub's tunnel had sent when the direct path was up, and after it had been used.
    hub_packets: (u64, u64),
}

impl Seen {
    /// The text of an answer.
    fn text(&self, router: &str, command: &str) -> &str {
        self.find(router, command).map_or("", |answer| answer.text.as_str())
    }

    fn find(&self, router: &str, command: &str) -> Option<&Answer> {
        let asked = |(of, what, _): &&(String, String, Answer)| of == router && what == command;
        self.answers.iter().find(asked).map(|(_, _, answer)| answer)
    }
}

/// Runs the guide's cloud; whether every claim holds.
///
/// # Errors
/// A cloud that cannot be built or does not come up.
pub(super) fn run(args: &Args, report: &mut Report) -> Result<bool, Error> {
    let mut cloud = Cloud::new(cloud::read(&files())?, args)?;
    report.say("The guide's cloud: HUB1, SPOKE1 and SPOKE2, each a whole router built from its IOS-XE configuration.");
    report.say(&format!(
        "Virtual time; {} ms each way on the underlay, {} % loss, seed {}.\n",
        args.delay, args.loss, args.seed
    ));
    let mut milestones = Milestones::default();
    milestones.wait_for_routes(&mut cloud, PATIENCE);
    let mut reported = 0;
    if args.events {
        reported = cloud.report_events(reported, report);
        report.say("");
    }
    cloud.run_until(LOOK_AT);
    let mut seen = Seen { answers: Vec::new(), hub_packets: (0, 0) };
    let mut number = 0;
    for step in steps() {
        if let Some(about) = step.about {
            number += 1;
            report.say(&format!("--- {number}. {about}"));
        }
        let command = command::parse(&step.command)?;
        cloud.run_until(cloud.network.now() + step.after);
        let at = cloud.network.now();
        let answer = command::carry_out(&mut cloud, step.router, &command)?;
        report.step(at, step.router, &step.command, &answer.text, answer.data.clone());
        if let Some(ping) = &answer.ping {
            milestones.note_ping(ping);
            report.say(&format!("  ({})", claims::ways(ping)));
        }
        seen.answers.push((step.router.to_owned(), step.command.clone(), answer));
        report.say(&format!("=> {}\n", step.proves));
    }
    seen.hub_packets = count_at_hub(&mut cloud)?;
    milestones.read_log(&cloud);
    if args.events {
        cloud.report_events(reported, report);
        report.say("");
    }
    if let Some(path) = &args.pcap {
        capture::write(&cloud, path)?;
        report.say(&format!("The underlay's packets are in {}, the keys beside it.\n", path.display()));
    }
    report.data("milestones", milestones.data());
    report.say("From power-on, in virtual time:");
    report.say(&milestones.to_string());
    let claims = claims::check(&cloud, &seen, &milestones, args);
    Ok(report.claims("The guide's claims:", &claims))
}

/// One thing to show.
struct Step {
    /// A heading, where a new subject begins.
    about: Option<&'static str>,
    router: &'static str,
    command: String,
    /// How long after the step before.
    after: Duration,
    /// What the output proves.
    proves: &'static str,
}

fn steps() -> Vec<Step> {
    let step = |about, router, command: &str, proves| {
        let command = command.to_owned();
        Step { about, router, command, after: Duration::ZERO, proves }
    };
    let ping = format!("ping {FAR_LAN} source {NEAR_LAN}");
    let traceroute = format!("traceroute {FAR_LAN} source {NEAR_LAN}");
    vec![
        step(
            Some("OSPF neighbors on the hub"),
            "HUB1",
            "show ip ospf neighbor",
            "OSPF point-to-multipoint formed an adjacency with each spoke through the encrypted tunnel.",
        ),
        step(
            Some("NHRP registrations on the hub"),
            "HUB1",
            "show ip nhrp",
            "Each spoke told the hub its public address; nothing about spokes is configured on the hub.",
        ),
        step(
            Some("The next hop of a route behind the other spoke"),
            "SPOKE1",
            "show ip route 192.168.12.0",
            "The next hop is SPOKE2 itself, not the hub: phase 2. The hub stays as the fallback.",
        ),
        step(
            Some("The first packets from LAN to LAN"),
            "SPOKE1",
            &ping,
            "No packet waits or is lost while the direct path is being built: the hub carries the first ones.",
        ),
        Step {
            // The guide looks eight seconds later.
            after: Duration::from_secs(8),
            ..step(
                Some("What SPOKE1 has learnt"),
                "SPOKE1",
                "show ip nhrp detail",
                "The hub's entry is configured; SPOKE2's was resolved because there was traffic for it.",
            )
        },
        step(
            Some("The path that packets take now"),
            "SPOKE1",
            &traceroute,
            "One hop, straight to SPOKE2: no hairpin at the hub.",
        ),
        step(
            Some("The encrypted sessions of a spoke"),
            "SPOKE1",
            "show crypto session",
            "Two sessions: one with the hub, and one that SPOKE1 and SPOKE2 negotiated on demand.",
        ),
        step(
            Some("The whole cloud, seen from the hub"),
            "HUB1",
            "show dmvpn",
            "Both spokes are UP; D says that the hub learnt them by registration.",
        ),
        step(
            None,
            "HUB1",
            "show dmvpn detail",
            "Under each spoke lies a pair of ESP SAs that carries its packets in both directions.",
        ),
        step(
            None,
            "HUB1",
            "show crypto ikev2 sa detail",
            "Each spoke negotiated the guide's suite: AES-CBC-256, SHA-256, group 14, pre-shared key.",
        ),
        step(
            None,
            "HUB1",
            "show interface Tunnel0",
            "What went through the tunnel is counted; a packet that was dropped would stand here with its reason.",
        ),
    ]
}

/// How many packets leave the hub's tunnel while SPOKE1 pings SPOKE2's LAN once more: before and after. Only hellos and
/// their like may, for the path is direct.
fn count_at_hub(cloud: &mut Cloud) -> Result<(u64, u64), Error> {
    let sent = |cloud: &Cloud| {
        let interface = cloud.engine("HUB1")?.interface(cloud.network.instant(), "Tunnel0")?;
        Some(interface.counters.output_packets)
    };
    let before = sent(cloud).unwrap_or(0);
    let ping = command::parse(&format!("ping {FAR_LAN} source {NEAR_LAN} repeat 100"))?;
    command::carry_out(cloud, "SPOKE1", &ping)?;
    Ok((before, sent(cloud).unwrap_or(u64::MAX)))
}
