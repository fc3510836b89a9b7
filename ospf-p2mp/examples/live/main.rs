//! A router on a real Linux interface: how to embed `ospf-p2mp`. Needs root for its raw socket.
//!
//! ```text
//! live --router-id 1.1.1.1 --interface tun0 --address 10.0.0.1/24 --lan 192.168.1.1/24 --next-hop rfc2328
//! ```
//!
//! Each output line begins with the UNIX time: routes and events as they happen; neighbours and drops at the end.
//! Nothing is installed into the kernel. A program that drives a DMVPN tunnel would, besides, feed
//! [`Input::PeerUp`], [`Input::PeerDown`] and [`Input::SetDirect`] from what its NHRP finds out.
#![cfg(target_os = "linux")]
#![allow(clippy::disallowed_methods, clippy::print_stdout)] // The program that owns a router has the clock.

mod args;

use std::error::Error;
use std::fmt::Display;
use std::io::{ErrorKind, Read};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Parser;
use ospf_p2mp::{
    ALL_SPF_ROUTERS, Direct, ExternalRoute, IP_PROTOCOL, Input, InterfaceId, Output, Redistribute, Route,
    RouteChange, Router,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};

use args::Args;

const TUNNEL: InterfaceId = InterfaceId(0);

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let start = Instant::now();
    let socket = open_socket(&args)?;
    let mut router =
        Router::new(args.configuration(TUNNEL, unix_time().as_secs())?, system_random()?, start)?;
    say("start", args.router_id);
    for gateway in &args.direct {
        let state = Direct::Up;
        router.handle_input(start, Input::SetDirect { interface: TUNNEL, gateway: *gateway, state });
    }
    for prefix in &args.redistribute {
        let route = ExternalRoute::new(*prefix);
        router.handle_input(start, Input::Redistribute(Redistribute::Add(route)));
    }
    let end = args.run_for.map(|seconds| start + Duration::from_secs(seconds));
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        drain(&mut router, &socket);
        let now = Instant::now();
        if end.is_some_and(|end| end <= now) {
            break;
        }
        let wake = [router.poll_timeout(), end].into_iter().flatten().min();
        let wait = wake.map(|wake| wake.saturating_duration_since(now));
        if wait.is_some_and(|wait| wait.is_zero()) {
            router.handle_timeout(now);
            continue;
        }
        socket.set_read_timeout(wait.map(|wait| wait.max(Duration::from_millis(1))))?;
        match (&socket).read(&mut buffer) {
            Ok(length) => {
                if let Some(packet) = buffer.get(..length).and_then(packet) {
                    router.handle_input(Instant::now(), packet);
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error.into()),
        }
    }
    report(&router);
    router.handle_input(Instant::now(), Input::Shutdown);
    drain(&mut router, &socket);
    Ok(())
}

/// Carries out what the router wants, until it wants nothing more.
fn drain(router: &mut Router, socket: &Socket) {
    while let Some(output) = router.poll_output() {
        match output {
            Output::Transmit { destination, peer, payload, .. } => {
                // On a LAN a multicast reaches everybody: a copy for one neighbour goes to its own address.
                let destination = peer.unwrap_or(destination);
                if let Err(error) = socket.send_to(&payload, &SocketAddrV4::new(destination, 0).into()) {
                    say("error", format_args!("{destination}: {error}"));
                }
            }
            Output::Route(RouteChange::Add(route)) => say("route add", describe(&route)),
            Output::Route(RouteChange::Replace(route)) => say("route replace", describe(&route)),
            Output::Route(RouteChange::Remove(prefix)) => say("route remove", prefix),
            Output::Event(event) => say("event", format_args!("{event:?}")),
            _ => {}
        }
    }
}

/// Takes a received IPv4 packet apart. The kernel has checked and reassembled it.
fn packet(bytes: &[u8]) -> Option<Input<'_>> {
    let (header, _) = bytes.split_first_chunk::<20>()?;
    let payload = bytes.get(usize::from(header[0] & 0xf) * 4..)?;
    let address = |at: usize| Some(Ipv4Addr::from(*header.get(at..)?.first_chunk::<4>()?));
    let (source, destination) = (address(12)?, address(16)?);
    Some(Input::Packet { interface: TUNNEL, source, destination, ttl: header[8], payload })
}

/// A raw socket on one interface: TTL 1, precedence internetwork control, member of 224.0.0.5, deaf to itself.
fn open_socket(args: &Args) -> Result<Socket, Box<dyn Error>> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(i32::from(IP_PROTOCOL))))?;
    socket.bind_device(Some(args.interface.as_bytes()))?;
    let index = std::fs::read_to_string(format!("/sys/class/net/{}/ifindex", args.interface))?;
    let interface = InterfaceIndexOrAddress::Index(index.trim().parse()?);
    socket.join_multicast_v4_n(&ALL_SPF_ROUTERS, &interface)?;
    socket.set_multicast_if_v4(&args.address.addr())?;
    socket.set_multicast_loop_v4(false)?;
    socket.set_multicast_ttl_v4(1)?;
    socket.set_ttl_v4(1)?;
    socket.set_tos_v4(0xc0)?;
    Ok(socket)
}

fn system_random() -> std::io::Result<ChaCha20Rng> {
    let mut seed = [0; 32];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut seed)?;
    Ok(ChaCha20Rng::from_seed(seed))
}

/// `PREFIX metric N KIND via GATEWAY[>FALLBACK...][=ACTIVE] ...`
fn describe(route: &Route) -> String {
    let mut text = format!("{} metric {} {:?} via", route.prefix, route.metric, route.kind);
    for hop in &route.next_hops {
        let chain: Vec<_> = hop.gateway.iter().chain(&hop.fallbacks).map(ToString::to_string).collect();
        let active = hop.active.map_or_else(|| "connected".to_owned(), |active| active.to_string());
        text += &format!(" {}={active}", chain.join(">"));
    }
    text
}

fn report(router: &Router) {
    for neighbor in router.neighbors() {
        say("neighbor", format_args!("{} {} {:?}", neighbor.address, neighbor.router_id, neighbor.state));
    }
    say("stats", format_args!("{} dropped, {:?}", router.stats().total_dropped(), router.stats()));
}

fn say(what: &str, details: impl Display) {
    println!("{:.3} {what} {details}", unix_time().as_secs_f64());
}

fn unix_time() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
