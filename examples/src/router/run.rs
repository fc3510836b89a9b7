//! The loop: packets, timers, signals and questions in; packets, routes and events out.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::os::unix::net::UnixStream as StdStream;
use std::time::{Duration, Instant};

use dmvpn::{Command, Delivery, Engine, Output, Packet, Path, TunnelId, Verdict, Wire};
use mio::net::UnixStream;
use mio::{Events, Interest, Poll, Token};
use signal_hook::consts::{SIGINT, SIGTERM};

use super::control::{self, Control, default_socket};
use super::device::Device;
use super::routes::Routes;
use super::underlay::Port;
use super::{Args, Error, clock, ip};

const SIGNALS: Token = Token(0);
/// Sockets and devices have the tokens from here on.
const FIRST_SOURCE: usize = 1;
/// The control socket; its clients follow.
const CONTROL: Token = Token(1 << 16);
/// The largest IP packet.
const LARGEST_PACKET: usize = 65_535;
/// How many packets one source may bring before the others have their turn.
const TURN: usize = 64;
/// How long leaving may take: peers that do not acknowledge are left without.
const FAREWELL: Duration = Duration::from_secs(2);
/// How long the deletion of SAs waits for what was sent under them. A peer reads them from different sockets, perhaps in
/// another order.
const HOLD: Duration = Duration::from_millis(50);

/// Runs the router until SIGTERM or SIGINT.
pub(super) fn run(engine: Engine, args: &Args) -> Result<(), Error> {
    let mut poll = Poll::new()?;
    let mut signals = signals(&poll)?;
    let mut router = Router::open(engine, args, &poll)?;
    let path = args.control.clone().unwrap_or_else(|| default_socket(router.engine.hostname()));
    let mut control = Control::open(path, poll.registry(), CONTROL)?;
    router.drain();

    let mut events = Events::with_capacity(256);
    let mut ready = BTreeSet::new();
    let mut leaving: Option<Instant> = None;
    loop {
        let now = clock::now();
        let wake = router.engine.poll_timeout().into_iter().chain(leaving).chain(router.held_until).min();
        let wait = match ready.is_empty() {
            true => wake.map(|at| at.saturating_duration_since(now)),
            false => Some(Duration::ZERO),
        };
        match poll.poll(&mut events, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            match event.token() {
                SIGNALS => {
                    let again = leaving.is_some();
                    if signals.read(&mut [0; 16]).is_ok() {
                        if again {
                            return Ok(());
                        }
                        router.leave();
                        leaving = Some(clock::now() + FAREWELL);
                    }
                }
                CONTROL => control.accept(poll.registry()),
                Token(client) if client > CONTROL.0 => {
                    control.serve(Token(client), |line| router.answer(line));
                    router.drain();
                }
                Token(source) => {
                    ready.insert(source - FIRST_SOURCE);
                }
            }
        }
        ready.retain(|source| router.take_turn(*source));
        router.handle_timeout();
        router.send_held();
        if let Some(at) = leaving
            && router.held_until.is_none()
            && (router.engine.poll_timeout().is_none() || at <= clock::now())
        {
            router.routes_clear();
            return Ok(());
        }
    }
}

/// The end of a pipe on which a byte comes for each signal.
fn signals(poll: &Poll) -> Result<UnixStream, Error> {
    let (reader, writer) = StdStream::pair()?;
    reader.set_nonblocking(true)?;
    for signal in [SIGTERM, SIGINT] {
        signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
    }
    let mut reader = UnixStream::from_std(reader);
    poll.registry().register(&mut reader, SIGNALS, Interest::READABLE)?;
    Ok(reader)
}

/// What did not work on our side of the engine.
#[derive(Debug, Default)]
struct Counters {
    sent: u64,
    received: u64,
    /// From the kernel into tunnels.
    from_tunnels: u64,
    /// Out of tunnels to the kernel.
    to_tunnels: u64,
    /// The kernel did not take a packet for the underlay.
    send_failed: u64,
    /// The kernel did not take a packet out of a tunnel.
    write_failed: u64,
    /// The kernel routed a packet into a tunnel that the engine would give back to it.
    looped: u64,
    /// Not IPv4.
    foreign: u64,
}

/// The engine and what connects it with the world.
struct Router {
    engine: Engine,
    started: Instant,
    ports: Vec<Port>,
    devices: Vec<Device>,
    routes: Option<Routes>,
    counters: Counters,
    packet: Packet,
    buffer: Vec<u8>,
    /// IKE messages that wait until this time.
    held: Vec<(Path, Vec<u8>)>,
    held_until: Option<Instant>,
}

impl Router {
    fn open(engine: Engine, args: &Args, poll: &Poll) -> Result<Self, Error> {
        let with_gre = engine
            .config()
            .tunnels()
            .any(|(interface, tunnel)| !interface.shutdown && tunnel.protection.is_none());
        let mut ports = Vec::new();
        for address in engine.underlay_addresses() {
            ports.extend(Port::open_all(address, with_gre)?);
        }
        let now = clock::now();
        let mut devices = Vec::new();
        for (interface, _) in engine.config().tunnels().filter(|(interface, _)| !interface.shutdown) {
            let name = &interface.name;
            let device = Device::open(&engine, now, name).map_err(|error| {
                let advice = match error.kind() {
                    io::ErrorKind::PermissionDenied => ": this needs CAP_NET_ADMIN and /dev/net/tun",
                    io::ErrorKind::NotFound => ": this needs /dev/net/tun",
                    _ => "",
                };
                format!("{name}: no TUN device: {error}{advice}")
            })?;
            devices.extend(device);
        }
        let mut tokens = (FIRST_SOURCE..).map(Token);
        for (port, token) in ports.iter_mut().zip(&mut tokens) {
            port.register(poll.registry(), token)?;
        }
        for (device, token) in devices.iter().zip((FIRST_SOURCE + ports.len()..).map(Token)) {
            device.register(poll.registry(), token)?;
        }
        if std::fs::read_to_string("/proc/sys/net/ipv4/ip_forward").is_ok_and(|text| text.trim() == "0") {
            eprintln!("net.ipv4.ip_forward is 0: LANs behind this router are not reached");
        }
        let routes = if args.no_routes { None } else { Some(Routes::open()?) };
        Ok(Self {
            engine,
            started: now,
            ports,
            devices,
            routes,
            counters: Counters::default(),
            packet: Packet::with_capacity(LARGEST_PACKET),
            buffer: vec![0; LARGEST_PACKET],
            held: Vec::new(),
            held_until: None,
        })
    }

    /// Handles some packets of a socket or device; whether there may be more.
    fn take_turn(&mut self, source: usize) -> bool {
        let device = source.checked_sub(self.ports.len());
        for _ in 0..TURN {
            let handled = match device {
                None => self.take_from_underlay(source),
                Some(device) => self.take_from_kernel(device),
            };
            match handled {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // A socket hands over the ICMP errors that it met, one by one; the engine finds dead peers by itself.
                Err(_) if device.is_none() => {}
                // A device fails when somebody takes it away or down. It reports when it is back.
                Err(_) => return false,
            }
        }
        true
    }

    fn take_from_underlay(&mut self, port: usize) -> io::Result<()> {
        let Some(port) = self.ports.get(port) else { return Err(io::ErrorKind::WouldBlock.into()) };
        let Some(arrival) = port.receive(&mut self.buffer)? else {
            self.counters.foreign += 1;
            return Ok(());
        };
        self.counters.received += 1;
        self.packet.fill(self.buffer.get(arrival.start..arrival.end).unwrap_or_default());
        let verdict = self.engine.handle_wan(clock::now(), arrival.path, &mut self.packet);
        match verdict {
            Verdict::Transmit(path) => self.transmit_packet(&path),
            Verdict::Deliver(delivery) => {
                if delivery == Delivery::Lan {
                    ip::raise_ttl(self.packet.bytes_mut());
                }
                self.deliver(delivery);
            }
            Verdict::Consumed | Verdict::Dropped(_) => {}
        }
        self.drain();
        Ok(())
    }

    fn take_from_kernel(&mut self, device: usize) -> io::Result<()> {
        let Some(device) = self.devices.get(device) else { return Err(io::ErrorKind::WouldBlock.into()) };
        let tunnel = device.tunnel;
        let len = device.receive(&mut self.buffer)?;
        let bytes = self.buffer.get(..len).unwrap_or_default();
        let Some(destination) = ip::destination(bytes) else {
            self.counters.foreign += 1;
            return Ok(());
        };
        self.counters.from_tunnels += 1;
        self.packet.fill(bytes);
        let verdict = self.engine.handle_local(clock::now(), &mut self.packet);
        match verdict {
            Verdict::Transmit(path) => self.transmit_packet(&path),
            // What comes back is an ICMP error about the packet, or the packet itself, which would go round for ever.
            Verdict::Deliver(_) if ip::destination(self.packet.bytes()) == Some(destination) => {
                self.counters.looped += 1;
            }
            Verdict::Deliver(_) => self.deliver(Delivery::Local(Some(tunnel))),
            Verdict::Consumed | Verdict::Dropped(_) => {}
        }
        self.drain();
        Ok(())
    }

    /// Hands the packet to the kernel, by the device of the tunnel that it came by where that is known.
    fn deliver(&mut self, delivery: Delivery) {
        let came_by = match delivery {
            Delivery::Local(tunnel) => tunnel,
            Delivery::Lan => None,
        };
        let device = self.devices.iter().find(|device| Some(device.tunnel) == came_by);
        let Some(device) = device.or(self.devices.first()) else { return };
        match device.send(self.packet.bytes()) {
            Ok(()) => self.counters.to_tunnels += 1,
            Err(_) => self.counters.write_failed += 1,
        }
    }

    fn transmit_packet(&mut self, path: &Path) {
        let Self { ports, packet, counters, .. } = self;
        transmit(ports, counters, path, packet.bytes());
    }

    /// Carries out what the engine hands out.
    fn drain(&mut self) {
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Transmit { path, payload }
                    if self.held_until.is_some() && matches!(path.wire, Wire::Udp { .. }) =>
                {
                    self.held.push((path, payload));
                }
                Output::Transmit { path, payload } => {
                    transmit(&mut self.ports, &mut self.counters, &path, &payload);
                }
                Output::Action(action) => {
                    let Self { routes, devices, .. } = self;
                    if let Some(routes) = routes {
                        routes.follow(&action, |tunnel| index_of(devices, tunnel));
                    }
                }
                Output::Event(event) => {
                    let at = clock::now().saturating_duration_since(self.started);
                    eprintln!("{:>10.3} {event}", at.as_secs_f64());
                }
                _ => {}
            }
        }
    }

    fn handle_timeout(&mut self) {
        let now = clock::now();
        if self.engine.poll_timeout().is_some_and(|at| at <= now) {
            self.engine.handle_timeout(now);
            self.drain();
        }
    }

    fn leave(&mut self) {
        let now = clock::now();
        self.held_until = Some(now + HOLD);
        self.engine.handle_command(now, Command::Shutdown);
        self.drain();
    }

    /// Sends what waited, when its time has come.
    fn send_held(&mut self) {
        if self.held_until.is_some_and(|at| at <= clock::now()) {
            self.held_until = None;
            for (path, payload) in std::mem::take(&mut self.held) {
                transmit(&mut self.ports, &mut self.counters, &path, &payload);
            }
        }
    }

    fn routes_clear(&mut self) {
        if let Some(routes) = &mut self.routes {
            routes.clear();
        }
    }

    fn answer(&mut self, line: &str) -> String {
        match line {
            "show io" => self.io(),
            _ => control::answer(&mut self.engine, clock::now(), line),
        }
    }

    /// What this side of the engine counts.
    fn io(&self) -> String {
        let Counters { sent, received, from_tunnels, to_tunnels, send_failed, write_failed, looped, foreign } =
            &self.counters;
        let mut text = String::new();
        for device in &self.devices {
            let _ = writeln!(text, "{} is device {}", device.name, device.index);
        }
        let routes = self.routes.as_ref().map_or(0, Routes::len);
        let _ = writeln!(text, "{routes} routes in the kernel");
        let _ = writeln!(
            text,
            "underlay: {received} received, {sent} sent, {send_failed} not taken by the kernel"
        );
        let _ = writeln!(
            text,
            "tunnels: {from_tunnels} from the kernel, {to_tunnels} to the kernel, {write_failed} not taken by it, \
             {looped} would have looped, {foreign} not IPv4"
        );
        text
    }
}

fn index_of(devices: &[Device], tunnel: TunnelId) -> Option<u32> {
    devices.iter().find(|device| device.tunnel == tunnel).map(|device| device.index)
}

fn transmit(ports: &mut [Port], counters: &mut Counters, path: &Path, payload: &[u8]) {
    let sent = ports.iter_mut().find(|port| port.serves(path)).map(|port| port.send(path, payload));
    match sent {
        Some(Ok(())) => counters.sent += 1,
        Some(Err(_)) | None => counters.send_failed += 1,
    }
}
