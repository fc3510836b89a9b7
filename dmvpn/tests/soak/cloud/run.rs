//! One random cloud: built, made to suffer, healed, and compared with what it should have become.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use dmvpn::sim::{FlowConfig, FlowId, LinkConfig, Network, NodeId, RouterSpec, TraceDigest};
use dmvpn::{Command, DropReason};

use super::configuration::{self, AUTHENTICATION, INTRUDER, KEY};
use super::dice::Dice;
use super::fault::Fault;
use super::invariants;
use super::model::{self, Way};
use super::topology::{Member, Topology};

/// From the end of all faults to a cloud that is as the model says, and carries everything. It covers the longest thing
/// that has to run out: the registration of an address that is gone (`ip nhrp holdtime`, 120 s), the back-off of
/// registrations (64 s), and the dead interval of OSPF (20 s).
pub const CONVERGENCE: Duration = Duration::from_secs(120 + 64 + 20);
/// From the loss of a direct path or a hub to traffic that takes another way: 10 s until IKE asks a silent peer, 5 questions
/// of 2 s, and the dead interval of OSPF. Without IPsec a probe finds out, within 13 s.
pub const DETECTION: Duration = Duration::from_secs(10 + 10 + 20);
/// Traffic this long makes a direct path: resolution, IKE, and a hold-down after failures before.
const WARMING: Duration = Duration::from_secs(100);
/// After this, IKE has asked whoever was silent, and found out: 30 intervals of 10 s, and 5 questions of 2 s.
const IDLE: Duration = Duration::from_secs(300 + 10 + 10);
/// Time for the last packets of a flow.
const LANDING: Duration = Duration::from_secs(2);
/// How many pairs are measured in large clouds.
const PAIRS: usize = 16;

/// What a run did and saw. `Display` is a line.
#[derive(Debug, Clone)]
pub struct Report {
    pub topology: Topology,
    pub faults: usize,
    /// From the end of the faults until all was as the model says.
    pub converged: Duration,
    /// All of virtual time.
    pub time: Duration,
    pub packets: u64,
    pub flows: usize,
    /// The most timeouts that a router had handled in a second, on average over a step.
    pub most_timeouts: f64,
    pub digest: TraceDigest,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} hubs, {} spokes, {} NATs, {} faults, converged {} s after the last; {} flows, {} packets in {} s",
            self.topology.hubs,
            self.topology.spokes.len(),
            self.topology.nats.len(),
            self.faults,
            self.converged.as_secs(),
            self.flows,
            self.packets,
            self.time.as_secs(),
        )
    }
}

/// Something that must not be.
#[derive(Debug, Clone)]
pub struct Failure {
    pub seed: u64,
    pub what: String,
    /// What had been done and what had happened before.
    pub story: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}: {}\n{}", self.seed, self.what, self.story)
    }
}

/// Runs the cloud of this seed.
///
/// # Errors
/// An invariant does not hold, or the model says otherwise.
pub fn run(seed: u64) -> Result<Report, Box<Failure>> {
    let mut dice = Dice::new(seed);
    let topology = Topology::random(&mut dice);
    let mut cloud = Cloud::build(seed, topology, &mut dice);
    match cloud.live(&mut dice) {
        Ok(report) => Ok(report),
        Err(what) => Err(Box::new(Failure { seed, what, story: cloud.story() })),
    }
}

/// A cloud under test.
pub struct Cloud {
    pub topology: Topology,
    pub network: Network,
    /// The underlay address that each spoke has now.
    nbma: Vec<Ipv4Addr>,
    /// And each NAT box, outside.
    public: Vec<Ipv4Addr>,
    next_public: u8,
    /// Links that have something of their own.
    links: Vec<(String, String)>,
    crashed: Vec<Member>,
    /// How far clocks have jumped.
    ahead: BTreeMap<Member, Duration>,
    /// Flows not yet judged.
    pub flows: Vec<FlowId>,
    flow_count: usize,
    /// What was done, and when.
    diary: Vec<(Duration, String)>,
    pub most_timeouts: f64,
    /// Timeouts of each router at the last look.
    pub timeouts_before: BTreeMap<String, (Duration, u64)>,
}

impl Cloud {
    #[allow(clippy::disallowed_methods)]
    fn build(seed: u64, topology: Topology, dice: &mut Dice) -> Self {
        let mut network = Network::new(Instant::now(), seed);
        network.set_default_link(LinkConfig::new(topology.latency));
        network.set_extra_timeouts(dice.chance(25));
        if topology.protected {
            network.watch_for_plaintext(KEY.as_bytes());
            network.watch_for_plaintext(AUTHENTICATION.as_bytes());
        }
        let public: Vec<Ipv4Addr> =
            (0..topology.nats.len()).map(|nat| Ipv4Addr::new(198, 51, 100, 101 + nat as u8)).collect();
        let boxes: Vec<NodeId> = (topology.nats.iter().zip(&public).enumerate())
            .map(|(index, (nat, public))| {
                network.add_nat(&nat_name(index), nat.config(*public)).expect("a free address")
            })
            .collect();
        let nbma: Vec<Ipv4Addr> =
            (0..topology.spokes.len()).map(|spoke| inside_address(&topology, spoke, spoke as u8)).collect();
        let add = |network: &mut Network, member: Member, config, nat: Option<NodeId>| {
            let mut spec = RouterSpec::with_config(config).host(&member.host_name(), member.host());
            spec.behind = nat;
            spec.is_protected = topology.protected;
            network.add_router(&member.to_string(), spec).expect("the configuration is sound");
        };
        for hub in 0..topology.hubs {
            add(&mut network, Member::Hub(hub), configuration::hub(&topology, hub), None);
        }
        for (index, spoke) in topology.spokes.iter().enumerate() {
            let config = configuration::spoke(&topology, index, nbma[index]);
            add(&mut network, Member::Spoke(index), config, spoke.nat.map(|nat| boxes[nat]));
        }
        if let Some(kind) = topology.intruder {
            let config = configuration::intruder(&topology, kind, Ipv4Addr::new(198, 51, 100, 250));
            let mut spec = RouterSpec::with_config(config);
            spec.is_protected = topology.protected;
            network.add_router(INTRUDER, spec).expect("the configuration is sound");
        }
        Self {
            topology,
            network,
            nbma,
            public,
            next_public: 201,
            links: Vec::new(),
            crashed: Vec::new(),
            ahead: BTreeMap::new(),
            flows: Vec::new(),
            flow_count: 0,
            diary: Vec::new(),
            most_timeouts: 0.0,
            timeouts_before: BTreeMap::new(),
        }
    }

    fn live(&mut self, dice: &mut Dice) -> Result<Report, String> {
        let mut faults = 0;
        if dice.chance(70) {
            self.step(Duration::from_secs(dice.number(1..=60)))?;
        }
        for _ in 0..dice.number(1..=6) {
            if dice.chance(70) {
                self.heal();
            }
            for _ in 0..dice.number(1..=3) {
                let fault = Fault::random(dice, &self.topology);
                self.inflict(fault);
                faults += 1;
            }
            self.random_traffic(dice);
            self.step(Duration::from_secs(dice.number(5..=60)))?;
        }
        self.heal();
        self.step(Duration::ZERO)?;
        let converged = self.converge()?;
        self.all_is_carried(dice)?;
        self.direct_paths_die(dice)?;
        self.a_hub_dies(dice)?;
        self.everybody_leaves()?;
        Ok(Report {
            topology: self.topology.clone(),
            faults,
            converged,
            time: self.network.now(),
            packets: self.network.wire_stats().sent,
            flows: self.flow_count,
            most_timeouts: self.most_timeouts,
            digest: self.network.trace_digest(),
        })
    }

    /// Time passes, in seconds; after each, everything that must always hold is looked at.
    fn step(&mut self, duration: Duration) -> Result<(), String> {
        let end = self.network.now() + duration;
        loop {
            let left = end.saturating_sub(self.network.now());
            self.network.run_for(left.min(Duration::from_secs(1)));
            invariants::check(self)?;
            if self.network.now() >= end {
                return Ok(());
            }
        }
    }

    // --- Faults ------------------------------------------------------------------------------------------------

    fn inflict(&mut self, fault: Fault) {
        self.note(&fault.to_string());
        match &fault {
            Fault::Links { .. } => self.network.change_links(|link| fault.change_link(link)),
            Fault::Mtu { a, b, mtu } => {
                let mut link = LinkConfig::new(self.topology.latency);
                link.mtu = *mtu;
                self.network.set_link(&a.to_string(), &b.to_string(), link);
                self.links.push((a.to_string(), b.to_string()));
            }
            Fault::Partition { a, b, one_way: true } => {
                self.network.set_reachable_one_way(&a.to_string(), &b.to_string(), false);
            }
            Fault::Partition { a, b, one_way: false } => {
                self.network.set_reachable(&a.to_string(), &b.to_string(), false);
            }
            Fault::Isolation { of } => {
                for other in self.topology.members().filter(|other| other != of) {
                    self.network.set_reachable(&of.to_string(), &other.to_string(), false);
                }
            }
            Fault::Rebinding { nat, moves } => self.rebind(*nat, *moves),
            Fault::Crash { of } => {
                self.network.fail(&of.to_string());
                self.crashed.push(*of);
            }
            Fault::Restart { of } => self.restore(*of),
            Fault::Move { spoke } => self.relocate(*spoke),
            Fault::ClockJump { of, by } => {
                if !self.crashed.contains(of) {
                    self.network.jump_clock(&of.to_string(), *by);
                    *self.ahead.entry(*of).or_default() += *by;
                }
            }
        }
    }

    /// The faults end: what lasted is over, and who crashed is back.
    fn heal(&mut self) {
        self.note("everything is mended");
        self.network.heal();
        let faultless = LinkConfig::new(self.topology.latency);
        self.network.change_links(|link| *link = faultless.clone());
        for (a, b) in std::mem::take(&mut self.links) {
            self.network.set_link(&a, &b, LinkConfig::new(self.topology.latency));
        }
        for member in std::mem::take(&mut self.crashed) {
            self.restore(member);
        }
    }

    fn restore(&mut self, member: Member) {
        self.crashed.retain(|crashed| *crashed != member);
        self.network.restore(&member.to_string()).expect("it ran with this configuration");
        self.timeouts_before.remove(&member.to_string());
    }

    fn rebind(&mut self, nat: usize, moves: bool) {
        let public = moves.then(|| self.new_public());
        if let Some(public) = public {
            self.public[nat] = public;
        }
        self.network.rebind_nat(&nat_name(nat), public).expect("a free address");
    }

    fn relocate(&mut self, spoke: usize) {
        let address = match self.topology.spokes[spoke].nat {
            None => self.new_public(),
            Some(_) => {
                let host = self.new_public().octets()[3];
                inside_address(&self.topology, spoke, host)
            }
        };
        self.nbma[spoke] = address;
        let config = configuration::spoke(&self.topology, spoke, address);
        let member = Member::Spoke(spoke);
        self.crashed.retain(|crashed| *crashed != member);
        self.network.restore_with(&member.to_string(), config).expect("a free address");
        self.timeouts_before.remove(&member.to_string());
    }

    fn new_public(&mut self) -> Ipv4Addr {
        self.next_public += 1;
        Ipv4Addr::new(192, 0, 2, self.next_public)
    }

    // --- Traffic -----------------------------------------------------------------------------------------------

    fn random_traffic(&mut self, dice: &mut Dice) {
        let members: Vec<Member> = self.topology.members().collect();
        for _ in 0..dice.number(2..=8) {
            let (from, to) = (dice.pick(&members), dice.pick(&members));
            if from == to {
                continue;
            }
            let mut config = FlowConfig::new(to.host(), dice.number(5..=100) as u32);
            config.interval = Duration::from_millis(dice.number(20..=1000));
            config.size = dice.number(60..=1400) as u16;
            config.dont_fragment = dice.chance(30);
            self.start_flow(from, config);
        }
    }

    fn start_flow(&mut self, from: Member, config: FlowConfig) -> FlowId {
        let id = self.network.flow(&from.host_name(), config);
        self.flows.push(id);
        self.flow_count += 1;
        id
    }

    /// One packet each second between these pairs, for so long.
    fn warm(&mut self, pairs: &[(Member, Member)], duration: Duration) -> Result<(), String> {
        for (from, to) in pairs {
            let mut config = FlowConfig::new(to.host(), duration.as_secs() as u32);
            config.interval = Duration::from_secs(1);
            self.start_flow(*from, config);
        }
        self.step(duration)
    }

    /// Twenty packets between each of these pairs: all arrive, and went the way of the model.
    fn measure(
        &mut self,
        pairs: &[(Member, Member)],
        way_of: impl Fn(Member, Member) -> Way,
    ) -> Result<(), String> {
        let mut flows = Vec::new();
        for (from, to) in pairs {
            let mut config = FlowConfig::new(to.host(), 20);
            config.interval = Duration::from_millis(200);
            flows.push((*from, *to, self.start_flow(*from, config)));
        }
        self.step(Duration::from_secs(4) + LANDING)?;
        for (from, to, flow) in flows {
            let report = self.network.flow_report(flow);
            if report.received != report.sent || report.no_route > 0 {
                return Err(format!("{from} to {to}: {} of {} arrived", report.received, report.sent));
            }
            // A host sends with 64; the routers of both ends take one off each, and a hub another one.
            let right: &[u8] = match way_of(from, to) {
                Way::Direct => &[62],
                Way::Hub => &[61],
                Way::Either => &[61, 62],
            };
            let Some((low, high)) = report.ttl else { return Err(format!("{from} to {to}: no TTL")) };
            if !right.contains(&low) || !right.contains(&high) {
                return Err(format!(
                    "{from} to {to} went the wrong way: TTL {low} to {high}, {:?} expected",
                    way_of(from, to)
                ));
            }
        }
        Ok(())
    }

    fn pairs(&self, dice: &mut Dice) -> Vec<(Member, Member)> {
        let members: Vec<Member> = self.topology.members().collect();
        let all = members.iter().flat_map(|from| members.iter().map(move |to| (*from, *to)));
        let mut all: Vec<(Member, Member)> =
            all.filter(|(from, to)| from != to && model::way(&self.topology, *from, *to).is_some()).collect();
        let mut chosen = Vec::new();
        while chosen.len() < PAIRS && !all.is_empty() {
            chosen.push(all.swap_remove(dice.index(all.len())));
        }
        chosen
    }

    // --- After the faults --------------------------------------------------------------------------------------

    /// Within the bound, everything is as the model says.
    fn converge(&mut self) -> Result<Duration, String> {
        let start = self.network.now();
        let mut lasting = 0;
        let mut first = Duration::ZERO;
        loop {
            let missing = invariants::missing(self);
            match &missing {
                None if lasting == 0 => {
                    first = self.network.now() - start;
                    lasting = 1;
                }
                None => lasting += 1,
                Some(_) => lasting = 0,
            }
            if lasting > 10 {
                self.note(&format!("converged after {} s", first.as_secs()));
                return Ok(first);
            }
            if let Some(missing) = missing
                && self.network.now() - start >= CONVERGENCE
            {
                return Err(format!("not converged after {} s: {missing}", CONVERGENCE.as_secs()));
            }
            self.step(Duration::from_secs(1))?;
        }
    }

    fn all_is_carried(&mut self, dice: &mut Dice) -> Result<(), String> {
        let pairs = self.pairs(dice);
        self.note("traffic");
        self.warm(&pairs, WARMING)?;
        let topology = self.topology.clone();
        self.note("measured traffic");
        let before = self.gone_round();
        self.measure(&pairs, |from, to| model::way(&topology, from, to).unwrap_or(Way::Either))?;
        match self.gone_round() - before {
            0 => Ok(()),
            packets => Err(format!("{packets} packets went round in a settled cloud")),
        }
    }

    /// No spoke reaches another one any more: all that they say goes by way of the hubs, which live.
    fn direct_paths_die(&mut self, dice: &mut Dice) -> Result<(), String> {
        let mut pairs = self.pairs(dice);
        pairs.retain(|(from, to)| matches!((from, to), (Member::Spoke(_), Member::Spoke(_))));
        if pairs.is_empty() {
            return Ok(());
        }
        self.warm(&pairs, Duration::from_secs(20))?;
        self.note("spokes do not reach each other");
        for a in 0..self.topology.spokes.len() {
            for b in 0..a {
                let (a, b) = (Member::Spoke(a).to_string(), Member::Spoke(b).to_string());
                self.network.set_reachable(&a, &b, false);
            }
        }
        self.warm(&pairs, DETECTION)?;
        // Behind one NAT box they never had a way of their own.
        self.measure(&pairs, |_, _| Way::Hub)?;
        self.heal();
        Ok(())
    }

    /// Where a cloud has two hubs, or there are two clouds, one hub is not missed.
    fn a_hub_dies(&mut self, dice: &mut Dice) -> Result<(), String> {
        if self.topology.hubs < 2 {
            return Ok(());
        }
        let mut pairs = self.pairs(dice);
        pairs.retain(|(from, to)| matches!((from, to), (Member::Spoke(_), Member::Spoke(_))));
        self.warm(&pairs, Duration::from_secs(20))?;
        let hub = dice.index(self.topology.hubs);
        self.inflict(Fault::Crash { of: Member::Hub(hub) });
        self.warm(&pairs, DETECTION)?;
        self.measure(&pairs, |_, _| Way::Either)?;
        self.heal();
        self.converge().map(|_| ())
    }

    /// When all spokes have left, the hubs are as they began.
    fn everybody_leaves(&mut self) -> Result<(), String> {
        self.note("the spokes leave");
        for spoke in 0..self.topology.spokes.len() {
            self.network.command(&Member::Spoke(spoke).to_string(), Command::Shutdown);
        }
        self.step(Duration::from_secs(5))?;
        let spokes = (0..self.topology.spokes.len()).map(|spoke| Member::Spoke(spoke).to_string());
        let all = spokes.chain(self.topology.intruder.map(|_| INTRUDER.to_owned()));
        all.for_each(|name| self.network.fail(&name));
        self.step(Duration::from_secs(configuration::HOLD) + IDLE)?;
        invariants::nothing_is_left(self)
    }

    // --- The story ---------------------------------------------------------------------------------------------

    fn note(&mut self, what: &str) {
        self.diary.push((self.network.now(), what.to_owned()));
    }

    fn story(&self) -> String {
        let mut text = format!("{:?}\n", self.topology);
        let diary = self.diary.iter().map(|(at, what)| (*at, format!("-- {what}")));
        let events = self.network.events().iter();
        let events = events.map(|(at, node, event)| (*at, format!("{}: {event}", self.network.name(*node))));
        let mut lines: Vec<(Duration, String)> = events.chain(diary).collect();
        lines.sort_by_key(|(at, _)| *at);
        for (at, line) in lines {
            let _ = writeln!(text, "{:9.3} {line}", at.as_secs_f64());
        }
        text
    }

    /// What the outside sees of a spoke.
    pub fn public_nbma(&self, spoke: usize) -> Ipv4Addr {
        self.topology.spokes[spoke].nat.map_or(self.nbma[spoke], |nat| self.public[nat])
    }

    /// What the clock of a router shows.
    pub fn clock(&self, member: Member) -> Instant {
        self.network.instant() + self.ahead.get(&member).copied().unwrap_or_default()
    }

    /// How many packets went round until their time to live ran out.
    fn gone_round(&self) -> u64 {
        let routers = self.network.routers();
        let dropped = routers.filter_map(|(_, name)| {
            self.network.node_stats(name).dropped.get(&DropReason::TtlExceeded).copied()
        });
        dropped.sum()
    }
}

fn nat_name(nat: usize) -> String {
    format!("NAT{}", nat + 1)
}

/// A spoke's own underlay address: in the open, or behind its box.
fn inside_address(topology: &Topology, spoke: usize, host: u8) -> Ipv4Addr {
    match topology.spokes[spoke].nat {
        None => Ipv4Addr::new(198, 51, 100, 1 + host),
        Some(nat) => Ipv4Addr::new(172, 16, nat as u8, 2 + host),
    }
}
