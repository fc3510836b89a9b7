//! The kernel as forwarding plane: packets never come up to this program.
//!
//! Each tunnel is a multipoint GRE interface of the kernel. What the engine decides is carried out there, and what the
//! kernel cannot decide comes back:
//!
//! | the engine says | the kernel has | it says back |
//! | --- | --- | --- |
//! | adjacency, fallback | a neighbour entry: next hop to NBMA address (`next_hops`, `neighbours`) | "who has": a miss, or use |
//! | route | a route with the gateway on the tunnel (`routes`) | |
//! | SA | an XFRM state (`xfrm`) | used, soft or hard limit, moved, missing |
//! | NHRP, OSPF to a peer | packet sockets (`control`) | what comes in |
//! | `ip nhrp redirect`, `adjust-mss` | an nftables table (`filter`) | packets that want a redirect (`redirect`) |
//!
//! Before a GRE interface comes up there are policies that require ESP for it, and they stay until it is gone: in no
//! state is there clear text. All that is ours is marked (device alias, request id, route protocol, table name) and is taken out
//! at the end, or at the next start after a crash.

mod control;
mod device;
mod filter;
mod neighbours;
mod next_hops;
mod redirect;
mod stand_ins;
mod xfrm;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Instant;

use dmvpn::forward::{Action, ControlArrival, ControlPacket, ControlProtocol, Counted, Punt, TunnelSettings};
use dmvpn::{Engine, Packet, Path, TunnelId, UnderlayId};
use mio::Registry;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::protocols::NETLINK_ROUTE;

use super::dataplane::{Dataplane, is_empty, token};
use super::netlink::Requests;
use super::routes::{NextHop, Routes};
use super::user::underlay::Port;
use super::{Args, Error, clock};
use control::{Control, Received};
use device::{Device, Plan};
use filter::{Filter, Needs};
use neighbours::Neighbours;
use next_hops::NextHops;
use redirect::Redirects;
use stand_ins::StandIns;
use xfrm::{Events, Owner, Policies, Protection, States};

/// The largest IP packet.
const LARGEST_PACKET: usize = 65_535;
/// The TTL of a tunnel's outer header, as IOS has it.
const DEFAULT_TTL: u8 = 255;

/// ESP that comes in by UDP (RFC 3948) is the kernel's to open.
#[derive(Debug, Clone, Copy)]
struct UdpEncapsulation;

nix::setsockopt_impl!(
    UdpEncapsulation,
    libc::IPPROTO_UDP,
    libc::UDP_ENCAP,
    usize,
    nix::sys::socket::sockopt::SetUsize
);
/// `UDP_ENCAP_ESPINUDP`.
const ESP_IN_UDP: usize = 2;

/// What this side counts.
#[derive(Debug, Default)]
struct Counters {
    /// IKE messages.
    sent: u64,
    received: u64,
    send_failed: u64,
    /// NHRP and OSPF packets.
    control_sent: u64,
    control_received: u64,
    control_failed: u64,
    /// Next hops that the kernel asked for.
    asked: u64,
    /// Packets that netfilter reported for a redirect.
    redirects: u64,
    /// What the kernel refused.
    refused: u64,
}

/// The kernel's parts that are ours. Its sources are the neighbour and the XFRM notifications, the log, two sockets for each
/// device, and the ports.
pub(super) struct Kernel {
    ports: Vec<Port>,
    links: Requests<RouteNetlinkMessage>,
    stand_ins: StandIns,
    next_hops: NextHops,
    neighbours: Neighbours,
    policies: Policies,
    states: States,
    events: Events,
    redirects: Option<Redirects>,
    filter: Option<Filter>,
    routes: Option<Routes>,
    devices: Vec<Device>,
    controls: Vec<Control>,
    underlays: Vec<Ipv4Addr>,
    counters: Counters,
    packet: Packet,
    buffer: Vec<u8>,
}

impl Kernel {
    /// Takes out what a router left behind, and sets everything up. What was set up is taken out again if that fails.
    pub(super) fn open(engine: &Engine, args: &Args, registry: &Registry) -> Result<Self, Error> {
        let mut underlays = Vec::new();
        for address in engine.underlay_addresses() {
            let IpAddr::V4(address) = address else {
                return Err(format!("{address}: the underlay has to be IPv4").into());
            };
            underlays.push(address);
        }
        let mut links = Requests::open(NETLINK_ROUTE)?;
        // The devices go first: without them nothing of ours can leave in the clear.
        for settings in engine.forwarding_tunnels() {
            device::remove_stale(&mut links, &device_name(engine, args, settings.id))?;
        }
        let mut kernel = Self {
            ports: Vec::new(),
            links,
            stand_ins: StandIns::default(),
            next_hops: NextHops::default(),
            neighbours: Neighbours::open()?,
            policies: Policies::open(&underlays).map_err(|error| explain_xfrm(&error))?,
            states: States::open(&underlays).map_err(|error| explain_xfrm(&error))?,
            events: Events::open().map_err(|error| explain_xfrm(&error))?,
            redirects: None,
            filter: None,
            routes: if args.no_routes { None } else { Some(Routes::open()?) },
            devices: Vec::new(),
            controls: Vec::new(),
            underlays,
            counters: Counters::default(),
            packet: Packet::with_capacity(LARGEST_PACKET),
            buffer: vec![0; LARGEST_PACKET],
        };
        match kernel.set_up(engine, args).and_then(|()| Ok(kernel.register(registry)?)) {
            Ok(()) => Ok(kernel),
            Err(error) => {
                kernel.close();
                Err(error)
            }
        }
    }

    fn set_up(&mut self, engine: &Engine, args: &Args) -> Result<(), Error> {
        self.policies
            .require(&protections(engine, &self.underlays))
            .map_err(|(protection, error)| explain_policy(protection, &error))?;
        for address in &self.underlays {
            self.ports.extend(Port::open_udp(IpAddr::V4(*address))?);
        }
        for socket in self.ports.iter().filter_map(Port::nat_socket) {
            nix::sys::socket::setsockopt(&socket, UdpEncapsulation, &ESP_IN_UDP)
                .map_err(|error| format!("UDP 4500: the kernel does not take ESP from it: {error}"))?;
        }
        for settings in engine.forwarding_tunnels() {
            let local = self.local(settings)?;
            let ttl = ttl(engine, settings.id);
            let name = device_name(engine, args, settings.id);
            let plan = Plan { settings, name, local, ttl, hostname: engine.hostname() };
            self.devices.push(Device::make(&mut self.links, plan)?);
        }
        for device in &self.devices {
            self.controls.push(Control::open(device, self.local(&device.settings)?)?);
        }
        if self.devices.iter().any(|device| device.settings.redirect) {
            self.redirects = Some(Redirects::open()?);
        }
        self.set_filter(engine)?;
        for device in &self.devices {
            device.bring_up(&mut self.links).map_err(|error| format!("{}: {error}", device.name))?;
        }
        if std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").is_ok_and(|text| text.trim() == "0") {
            tracing::warn!("net.ipv4.ip_forward is 0: LANs behind this router are not reached");
        }
        Ok(())
    }

    fn set_filter(&mut self, engine: &Engine) -> Result<(), Error> {
        let needs = Needs {
            tunnels: self.devices.iter().map(|device| (&device.settings, device.name.as_str())).collect(),
            lan_mss: engine.lan_mss(),
            log_group: self.redirects.as_ref().map(|redirects| redirects.group),
        };
        match &mut self.filter {
            Some(filter) => filter.set(&needs),
            filter @ None => {
                *filter = Some(Filter::open(engine.hostname(), &needs)?);
                Ok(())
            }
        }
    }

    /// Takes over what a new configuration says of the tunnels.
    fn change(&mut self, engine: &Engine) -> Result<(), Error> {
        self.policies
            .require(&protections(engine, &self.underlays))
            .map_err(|(protection, error)| explain_policy(protection, &error))?;
        for (device, control) in self.devices.iter_mut().zip(&mut self.controls) {
            let Some(settings) = engine.forwarding_tunnels().find(|tunnel| tunnel.id == device.settings.id)
            else {
                continue;
            };
            let changed = device.change(&mut self.links, settings, ttl(engine, settings.id));
            changed.map_err(|error| format!("{}: {error}", device.name))?;
            control.set_key(settings.key);
            if settings.redirect && self.redirects.is_none() {
                tracing::warn!("{}: `ip nhrp redirect` begins with the next start", device.name);
            }
        }
        self.set_filter(engine)
    }

    fn register(&mut self, registry: &Registry) -> io::Result<()> {
        let sources = self.sources();
        for (source, port) in (sources.ports..).zip(&mut self.ports) {
            port.register(registry, token(source))?;
        }
        self.neighbours.register(registry, token(sources.neighbours))?;
        self.events.register(registry, token(sources.events))?;
        if let Some(redirects) = &self.redirects {
            redirects.register(registry, token(sources.redirects))?;
        }
        for (source, control) in (sources.controls..).step_by(2).zip(&self.controls) {
            control.register(registry, [token(source), token(source + 1)])?;
        }
        Ok(())
    }

    fn sources(&self) -> Sources {
        Sources { neighbours: 0, events: 1, redirects: 2, controls: 3, ports: 3 + 2 * self.controls.len() }
    }

    fn local(&self, settings: &TunnelSettings) -> Result<Ipv4Addr, Error> {
        let local = usize::try_from(settings.underlay.0).ok().and_then(|index| self.underlays.get(index));
        local.copied().ok_or_else(|| "a tunnel without a source".into())
    }

    fn take_ike(&mut self, engine: &mut Engine, port: usize) -> io::Result<()> {
        let Some(port) = self.ports.get(port) else { return Err(io::ErrorKind::WouldBlock.into()) };
        let Some(arrival) = port.receive(&mut self.buffer)? else { return Ok(()) };
        self.counters.received += 1;
        self.packet.fill(self.buffer.get(arrival.start..arrival.end).unwrap_or_default());
        let _ = engine.handle_wan(clock::now(), arrival.path, &mut self.packet);
        Ok(())
    }

    /// The kernel asks for next hops.
    fn take_neighbours(&mut self, engine: &mut Engine) -> io::Result<()> {
        for question in self.neighbours.receive()? {
            let Some(device) = self.devices.iter().find(|device| device.index == question.device) else {
                continue;
            };
            let tunnel = device.settings.id;
            if question.is_forgotten {
                self.next_hops.forgotten(tunnel, question.next_hop);
                continue;
            }
            self.counters.asked += 1;
            let (update, punts) = self.next_hops.ask(tunnel, question.next_hop);
            // Without an answer the kernel asks again, and gives up: that is right where there is no way.
            if update.entry.is_some() {
                let set = self.neighbours.set(device.index, update);
                self.note("a next hop", set);
            }
            for punt in punts {
                engine.handle_punt(clock::now(), punt);
            }
        }
        Ok(())
    }

    fn take_events(&mut self, engine: &mut Engine) -> io::Result<()> {
        for event in self.events.receive()? {
            for punt in self.punts_of(event) {
                engine.handle_punt(clock::now(), punt);
            }
        }
        Ok(())
    }

    fn punts_of(&mut self, event: xfrm::Event) -> Vec<Punt> {
        let punt = match event {
            xfrm::Event::Used(sa) => {
                let owner = self.states.owner(sa).filter(|owner| owner.inbound);
                owner.map(|owner| Punt::Alive { path: owner.path, child: owner.child })
            }
            xfrm::Event::Expired { sa, hard } => {
                let owner = self.states.owner(sa);
                owner.map(|owner| Punt::SaLimit { path: owner.path, child: owner.child, hard })
            }
            xfrm::Event::Moved { sa, remote } => {
                let owner = self.states.owner(sa);
                owner.map(|owner| Punt::Moved { path: owner.path, child: owner.child, remote })
            }
            xfrm::Event::Missing { local, remote } => return self.missing(local, remote),
        };
        punt.into_iter().collect()
    }

    /// The kernel has no SA for a packet. If it lost one (somebody flushed them), that one is of no use any more.
    fn missing(&mut self, local: Ipv4Addr, remote: Ipv4Addr) -> Vec<Punt> {
        let lost = self.states.lost(remote);
        if !lost.is_empty() {
            let punt = |owner: Owner| Punt::SaLimit { path: owner.path, child: owner.child, hard: true };
            return lost.into_iter().map(punt).collect();
        }
        let underlay = self.underlays.iter().position(|address| *address == local);
        let underlay = underlay.and_then(|index| u32::try_from(index).ok()).map(UnderlayId);
        let remote = IpAddr::V4(self.stand_ins.identify(remote).0);
        underlay.map(|underlay| Punt::NoSa { underlay, remote }).into_iter().collect()
    }

    fn take_redirects(&mut self, engine: &mut Engine) -> io::Result<()> {
        let Some(redirects) = &mut self.redirects else { return Err(io::ErrorKind::WouldBlock.into()) };
        for candidate in redirects.receive()? {
            let device = self.devices.iter().find(|device| device.index == candidate.device);
            let Some(tunnel) = device.map(|device| device.settings.id) else { continue };
            let Some(path) = self.next_hops.path_to(tunnel, candidate.remote) else { continue };
            self.counters.redirects += 1;
            engine.handle_punt(clock::now(), Punt::Redirect { tunnel, path, packet: candidate.packet });
        }
        Ok(())
    }

    fn take_control(&mut self, engine: &mut Engine, source: usize) -> io::Result<()> {
        let (Some(control), Some(device)) = (self.controls.get(source / 2), self.devices.get(source / 2))
        else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let protocol = if source.is_multiple_of(2) { ControlProtocol::Nhrp } else { ControlProtocol::Ipv4 };
        let received = control.receive(protocol, &mut self.buffer)?;
        let Some(Received { remote, start, end }) = received else { return Ok(()) };
        self.counters.control_received += 1;
        let (remote, path) = self.stand_ins.identify(remote);
        let arrival =
            ControlArrival { tunnel: device.settings.id, remote: IpAddr::V4(remote), path, protocol };
        self.packet.fill(self.buffer.get(start..end).unwrap_or_default());
        let _ = engine.handle_control(clock::now(), &arrival, &mut self.packet);
        Ok(())
    }

    /// Says what the kernel refused. The router goes on: what is missing shows, and is tried again with the next change.
    fn note(&mut self, what: &str, result: io::Result<()>) {
        if let Err(error) = result {
            self.counters.refused += 1;
            tracing::warn!("the kernel does not take {what}: {error}");
        }
    }

    fn follow_xfrm(&mut self, action: &Action) -> io::Result<()> {
        let Self { states, policies, stand_ins, .. } = self;
        match action {
            Action::AddPath { path, remote, protected: true, .. } => {
                states.add_path(*path, *remote, stand_ins.of(*path));
                Ok(())
            }
            Action::MovePath { path, remote } => {
                states.move_path(*path, *remote, stand_ins.of(*path), policies)
            }
            Action::RemovePath { path } => states.remove_path(*path, policies),
            Action::InstallInbound { path, child, sa } => states.install(*path, *child, true, sa, policies),
            Action::InstallOutbound { path, child, sa } => states.install(*path, *child, false, sa, policies),
            Action::SelectOutbound { path, child } => states.select(*path, *child, policies),
            Action::RemoveSa { path, child } => states.remove(*path, *child, policies),
            _ => Ok(()),
        }
    }
}

/// Where the sources begin. Their order is that in which they have their turn: what came in under an SA (a purge) is
/// handled before the IKE message that deletes it.
#[derive(Debug, Clone, Copy)]
struct Sources {
    neighbours: usize,
    events: usize,
    redirects: usize,
    controls: usize,
    ports: usize,
}

impl Dataplane for Kernel {
    fn take(&mut self, engine: &mut Engine, source: usize) -> bool {
        let sources = self.sources();
        let taken = match source {
            source if source >= sources.ports => self.take_ike(engine, source - sources.ports),
            source if source == sources.neighbours => self.take_neighbours(engine),
            source if source == sources.events => self.take_events(engine),
            source if source == sources.redirects => self.take_redirects(engine),
            source => self.take_control(engine, source - sources.controls),
        };
        // A socket hands over the ICMP errors that it met, one by one; the engine finds dead peers by itself.
        taken.map_or_else(|error| !is_empty(&error) && source >= sources.ports, |()| true)
    }

    fn transmit(&mut self, path: &Path, payload: &[u8]) {
        let port = self.ports.iter_mut().find(|port| port.serves(path));
        match port.map(|port| port.send(path, payload)) {
            Some(Ok(())) => self.counters.sent += 1,
            Some(Err(_)) | None => self.counters.send_failed += 1,
        }
    }

    fn send_control(&mut self, control: &ControlPacket) {
        let at = self.devices.iter().position(|device| device.settings.id == control.tunnel);
        let socket = at.and_then(|at| self.controls.get(at));
        let remote = match (self.stand_ins.of(control.path), control.remote) {
            (Some(stand_in), _) => Some(stand_in.address()),
            (None, IpAddr::V4(remote)) => Some(remote),
            (None, IpAddr::V6(_)) => None,
        };
        let sent = match (socket, remote) {
            (Some(socket), Some(remote)) => socket.send(control, remote).is_ok(),
            _ => false,
        };
        match sent {
            true => self.counters.control_sent += 1,
            false => self.counters.control_failed += 1,
        }
    }

    fn refresh(&mut self, engine: &mut Engine) {
        match self.states.counted() {
            Ok(counted) => counted.into_iter().for_each(|counted| engine.handle_counted(counted)),
            Err(error) => tracing::warn!("the kernel does not say what its SAs counted: {error}"),
        }
        for device in &self.devices {
            match device.counters(&mut self.links) {
                Ok(counters) => {
                    engine.handle_counted(Counted::Interface { tunnel: device.settings.id, counters });
                }
                Err(error) => {
                    tracing::warn!("{}: the kernel does not say what it counted: {error}", device.name);
                }
            }
        }
    }

    fn follow(&mut self, _engine: &mut Engine, action: &Action) {
        if self.stand_ins.follow(action) {
            let rules = self.stand_ins.rules();
            let set = self.filter.as_mut().map_or(Ok(()), |filter| filter.stand_in(&rules));
            self.note("a peer's stand-in", set);
        }
        let followed = self.follow_xfrm(action);
        self.note("an SA", followed);
        let translated = self.stand_ins.translated(action);
        for update in self.next_hops.follow(translated.as_ref().unwrap_or(action)) {
            let device = self.devices.iter().find(|device| device.settings.id == update.tunnel);
            let Some(index) = device.map(|device| device.index) else { continue };
            let set = self.neighbours.set(index, update);
            self.note("a next hop", set);
        }
        let Self { routes, devices, .. } = self;
        if let Some(routes) = routes {
            routes.follow(action, |hops| {
                let hops = hops.iter().filter_map(|hop| {
                    Some(NextHop { index: index_of(devices, hop.tunnel)?, gateway: Some(hop.gateway) })
                });
                hops.collect()
            });
        }
    }

    fn reconfigured(&mut self, engine: &Engine, _now: Instant) {
        if let Err(error) = self.change(engine) {
            tracing::warn!("the kernel does not take all of the new configuration: {error}");
        }
    }

    fn report(&self) -> String {
        let mut text = String::new();
        for device in &self.devices {
            let _ = writeln!(text, "{} is the kernel's device {}", device.name, device.index);
        }
        let Counters {
            sent,
            received,
            send_failed,
            control_sent,
            control_received,
            control_failed,
            asked,
            redirects,
            refused,
        } = &self.counters;
        let routes = self.routes.as_ref().map_or(0, Routes::len);
        let (hops, states) = (self.next_hops.len(), self.states.len());
        let _ = writeln!(text, "{routes} routes, {hops} proven next hops, {states} SAs in the kernel");
        let _ =
            writeln!(text, "IKE: {received} received, {sent} sent, {send_failed} not taken by the kernel");
        let _ = writeln!(
            text,
            "control: {control_received} received, {control_sent} sent, {control_failed} not taken by the kernel"
        );
        let _ = writeln!(
            text,
            "the kernel asked for next hops {asked} times, reported {redirects} packets for a redirect and refused \
             {refused} changes; {} of its reports were lost",
            self.events.overruns() + self.neighbours.overruns()
        );
        text.push_str(&xfrm_errors());
        text
    }

    fn close(&mut self) {
        let mut results = Vec::new();
        if let Some(routes) = &mut self.routes {
            routes.clear();
        }
        // The devices go before what protects them.
        for device in std::mem::take(&mut self.devices) {
            results.push((device.name.clone(), device.remove(&mut self.links)));
        }
        results.push(("SAs".to_owned(), self.states.clear()));
        results.push(("policies".to_owned(), self.policies.clear()));
        if let Some(filter) = &mut self.filter {
            results.push(("the nftables table".to_owned(), filter.clear()));
        }
        for (what, result) in results {
            if let Err(error) = result {
                tracing::warn!("{what} cannot be taken out of the kernel: {error}");
            }
        }
    }
}

fn index_of(devices: &[Device], tunnel: TunnelId) -> Option<u32> {
    devices.iter().find(|device| device.settings.id == tunnel).map(|device| device.index)
}

fn device_name(engine: &Engine, args: &Args, tunnel: TunnelId) -> String {
    args.device_name(engine.tunnel_interface(tunnel).unwrap_or_default())
}

fn ttl(engine: &Engine, tunnel: TunnelId) -> u8 {
    let name = engine.tunnel_interface(tunnel);
    let configured = engine.config().tunnels().find(|(interface, _)| Some(interface.name.as_str()) == name);
    configured.and_then(|(_, tunnel)| tunnel.ttl).unwrap_or(DEFAULT_TTL)
}

/// What the kernel must not send or accept without ESP.
fn protections(engine: &Engine, underlays: &[Ipv4Addr]) -> BTreeSet<Protection> {
    let mut protections = BTreeSet::new();
    for (underlay, local) in (0..).map(UnderlayId).zip(underlays) {
        let of_underlay = || engine.forwarding_tunnels().filter(move |tunnel| tunnel.underlay == underlay);
        let all = of_underlay().all(|tunnel| tunnel.protected);
        for tunnel in of_underlay().filter(|tunnel| tunnel.protected) {
            // A flow without key has key 0 for the kernel.
            let key = if all { None } else { Some(tunnel.key.unwrap_or_default()) };
            protections.insert(Protection { local: *local, key });
        }
    }
    protections
}

/// The kernel's counters of what IPsec refused, those that are not 0.
fn xfrm_errors() -> String {
    let Ok(text) = std::fs::read_to_string("/proc/net/xfrm_stat") else { return String::new() };
    let counted = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let (name, count) = (words.next()?, words.next()?);
        (count != "0").then(|| format!("{name}: {count}\n"))
    });
    counted.collect()
}

fn explain_xfrm(error: &io::Error) -> String {
    let advice = match error.raw_os_error() {
        Some(libc::EPERM) => ": this needs CAP_NET_ADMIN",
        Some(libc::EPROTONOSUPPORT) => ": the kernel has no IPsec for programs (modprobe xfrm_user)",
        _ => "",
    };
    format!("XFRM: {error}{advice}")
}

fn explain_policy(protection: Protection, error: &io::Error) -> String {
    let advice = match error.raw_os_error() {
        Some(libc::EEXIST) => {
            ": another IPsec program has a policy for GRE of this address: see ip xfrm policy, and stop it or \
             change the tunnel source"
        }
        _ => "",
    };
    format!("no policy for GRE of {}: {error}{advice}", protection.local)
}
