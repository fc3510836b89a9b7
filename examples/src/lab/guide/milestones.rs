//! How long a cloud takes to come up.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use dmvpn::Event;
use dmvpn::sim::PingReport;
use serde_json::Value;

use super::super::Cloud;

/// Where the far LAN is.
const FAR_LAN: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 12, 1));
const SPOKES: [&str; 2] = ["SPOKE1", "SPOKE2"];

/// Times since power-on; the last two since the first packet from LAN to LAN. None: it did not happen.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Milestones {
    /// Both spokes have an IKE SA with the hub.
    pub ike_up: Option<Duration>,
    /// Both spokes are registered.
    pub registered: Option<Duration>,
    /// The hub is FULL with both spokes.
    pub full: Option<Duration>,
    /// SPOKE1 has its route to SPOKE2's LAN, and SPOKE2 the one back.
    pub routes: Option<Duration>,
    /// The answer to the first packet from LAN to LAN arrived.
    pub first_packet: Option<Duration>,
    /// Packets leave SPOKE1 by the direct path.
    pub direct_path: Option<Duration>,
    /// When the first packet was sent.
    first_sent: Option<Duration>,
}

impl Milestones {
    /// Runs until both spokes have each other's LAN.
    pub(super) fn wait_for_routes(&mut self, cloud: &mut Cloud, patience: Duration) {
        self.routes = cloud.run_until_condition(patience, |network| {
            let now = network.instant();
            let far = |name: &str, lan: [u8; 4]| {
                let lan = Ipv4Addr::from(lan);
                network.running(name).is_some_and(|engine| {
                    engine.route(now, lan).route.is_some_and(|route| route.kind.is_ospf())
                })
            };
            far("SPOKE1", [192, 168, 12, 1]) && far("SPOKE2", [192, 168, 11, 1])
        });
    }

    /// Takes the first answer's time from a ping.
    pub(super) fn note_ping(&mut self, ping: &PingReport) {
        if self.first_sent.is_none() && IpAddr::V4(ping.config.destination) == FAR_LAN {
            self.first_sent = ping.probes.first().map(|probe| probe.sent);
            self.first_packet = ping.rtts().next();
        }
    }

    /// Takes the other times from what the routers reported.
    pub(super) fn read_log(&mut self, cloud: &Cloud) {
        let first = |router: &str, wanted: &dyn Fn(&Event) -> bool| {
            cloud.log.iter().find(|(_, of, event)| of == router && wanted(event)).map(|(at, _, _)| *at)
        };
        let of_both = |wanted: &dyn Fn(&Event) -> bool| {
            let times: Vec<Duration> = SPOKES.iter().filter_map(|spoke| first(spoke, wanted)).collect();
            (times.len() == SPOKES.len()).then(|| times.into_iter().max()).flatten()
        };
        self.ike_up =
            of_both(&|event| matches!(event, Event::Ike { event: ikev2::Event::PeerUp { .. }, .. }));
        self.registered = of_both(&|event| {
            matches!(event, Event::Nhrp { event: nhrp::Event::RegistrationAccepted { .. }, .. })
        });
        let full: Vec<Duration> = cloud
            .log
            .iter()
            .filter(|(_, router, event)| {
                let up = matches!(event, Event::Ospf { event: ospf_p2mp::Event::NeighborUp { .. }, .. });
                router == "HUB1" && up
            })
            .map(|(at, _, _)| *at)
            .take(SPOKES.len())
            .collect();
        self.full = (full.len() == SPOKES.len()).then(|| full.last().copied()).flatten();
        let direct = first("SPOKE1", &|event| matches!(event, Event::DirectPathUp { .. }));
        self.direct_path = direct.zip(self.first_sent).map(|(up, sent)| up.saturating_sub(sent));
    }
}

impl Milestones {
    /// Each one: its name as data, its name in words, its time.
    fn all(&self) -> [(&'static str, &'static str, Option<Duration>); 6] {
        [
            ("ike_up", "IKE SA with the hub, both spokes", self.ike_up),
            ("registered", "registered, both spokes", self.registered),
            ("full", "OSPF FULL, both spokes", self.full),
            ("routes", "routes to each other's LAN", self.routes),
            ("first_packet", "first packet LAN to LAN: answer after", self.first_packet),
            ("direct_path", "first packet LAN to LAN: direct path after", self.direct_path),
        ]
    }

    /// The times in seconds, by name.
    pub(super) fn data(&self) -> Value {
        let seconds = |at: Option<Duration>| Value::from(at.map(|at| at.as_secs_f64()));
        self.all().into_iter().map(|(name, _, at)| (name, seconds(at))).collect()
    }
}

impl fmt::Display for Milestones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (_, what, at) in self.all() {
            let at = at.map_or_else(|| "never".to_owned(), |at| format!("{:.3} s", at.as_secs_f64()));
            writeln!(f, "  {what:<44} {at:>9}")?;
        }
        Ok(())
    }
}
