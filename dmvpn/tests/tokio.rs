//! The tokio driver: the guide's cloud in three tasks, on a clock that the test owns.
#![cfg(all(feature = "tokio", feature = "sim"))]

mod common;

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dmvpn::sim::ipv4;
use dmvpn::tokio::{ChannelLan, Driver, Handle, LanHost, Stopped, UdpUnderlay, Underlay};
use dmvpn::{Command, Delivery, Engine, Event, Packet, Path};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

type Inbox = mpsc::UnboundedSender<(Path, Vec<u8>)>;

/// An underlay that is a table of channels.
struct Wire {
    routers: Arc<Mutex<BTreeMap<IpAddr, Inbox>>>,
    inbox: mpsc::UnboundedReceiver<(Path, Vec<u8>)>,
}

impl Underlay for Wire {
    async fn receive(&mut self, packet: &mut Packet) -> io::Result<Path> {
        let (path, payload) = self.inbox.recv().await.ok_or(io::ErrorKind::BrokenPipe)?;
        packet.fill(&payload);
        Ok(path)
    }

    fn send(&mut self, path: &Path, payload: &[u8]) -> io::Result<()> {
        let routers = self.routers.lock().expect("no test panics with it");
        let to = routers.get(&path.remote).ok_or(io::ErrorKind::HostUnreachable)?;
        to.send((path.reversed(), payload.to_vec())).map_err(|_| io::ErrorKind::HostUnreachable.into())
    }
}

struct Running {
    handle: Handle,
    host: LanHost,
    events: mpsc::Receiver<Event>,
    task: JoinHandle<io::Result<Engine>>,
}

fn start(file: &str, seed: u64, routers: &Arc<Mutex<BTreeMap<IpAddr, Inbox>>>) -> Running {
    let now = tokio::time::Instant::now().into_std();
    let engine =
        Engine::new(common::config(file, &[]), ChaCha20Rng::seed_from_u64(seed), now).expect("sound");
    let (sender, inbox) = mpsc::unbounded_channel();
    for address in engine.underlay_addresses() {
        routers.lock().expect("no test panics with it").insert(address, sender.clone());
    }
    let (lan, host) = ChannelLan::new(16);
    let (driver, handle, events) = Driver::new(engine, Wire { routers: Arc::clone(routers), inbox }, lan);
    Running { handle, host, events, task: tokio::spawn(driver.run()) }
}

async fn shows(router: &Running, command: &str, words: &str) {
    let asked = async {
        loop {
            let view =
                router.handle.show(command.parse().expect("a command")).await.expect("it runs").to_string();
            if view.contains(words) {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(Duration::from_secs(60), asked).await.unwrap_or_else(|_| panic!("{command} never has '{words}'"));
}

#[tokio::test(start_paused = true)]
async fn the_guides_cloud_runs_in_three_tasks() {
    let routers = Arc::default();
    let hub = start("hub1.cfg", 1, &routers);
    let mut spoke1 = start("spoke1.cfg", 2, &routers);
    let mut spoke2 = start("spoke2.cfg", 3, &routers);
    shows(&spoke1, "show ip route", "192.168.12.0/24").await;
    shows(&spoke2, "show ip route", "192.168.11.0/24").await;

    // A packet from one LAN comes out at the other, two routers on.
    let [from, to] = [Ipv4Addr::new(192, 168, 11, 5), Ipv4Addr::new(192, 168, 12, 5)];
    let sent = ipv4::build(&ipv4::Header::new(from, to, 17), b"through the cloud").expect("short");
    spoke1.host.send.send(sent).await.expect("it runs");
    let (delivery, bytes) = spoke2.host.receive.recv().await.expect("it runs");
    assert_eq!(delivery, Delivery::Lan);
    let datagram = ipv4::parse(&bytes).expect("a packet");
    assert_eq!((datagram.header.source, datagram.payload), (from, &b"through the cloud"[..]));
    shows(&spoke1, "show ip nhrp", "10.0.0.12/32").await;
    let first = spoke1.events.recv().await.expect("an event");
    assert!(first.to_string().starts_with("IKEV2: SA up with 203.0.113.1"), "{first}");

    // Commands and configurations go in while it runs.
    spoke1.handle.command(Command::ClearNhrp).await.expect("it runs");
    let config = common::config("spoke1.cfg", &[("ip nhrp holdtime 300", "ip nhrp holdtime 600")]);
    let done = spoke1.handle.reconfigure(config).await.expect("it runs").expect("it applies");
    assert_eq!(done.applied, ["NHRP on Tunnel0"]);

    // Who leaves says so: the hub forgets at once.
    spoke1.handle.shutdown().await.expect("it runs");
    let engine = spoke1.task.await.expect("no panic").expect("no error");
    assert_eq!(engine.hostname(), "SPOKE1");
    assert_eq!(spoke1.handle.command(Command::ClearNhrp).await, Err(Stopped));
    let nhrp =
        hub.handle.show("show ip nhrp".parse().expect("a command")).await.expect("it runs").to_string();
    assert!(!nhrp.contains("10.0.0.11"), "{nhrp}");
}

#[tokio::test]
async fn udp_sockets_carry_ike() {
    let mut ours = UdpUnderlay::default();
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let local = socket.local_addr().expect("an address");
    ours.add(socket).expect("it is bound");
    let peer = tokio::net::UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let remote = peer.local_addr().expect("an address");
    let wire = dmvpn::Wire::Udp { local_port: local.port(), remote_port: remote.port() };
    let path = Path::new(local.ip(), remote.ip(), wire);
    peer.writable().await.expect("writable");

    // Nothing is lost by a call that is given up.
    let mut packet = Packet::with_capacity(2000);
    assert!(timeout(Duration::from_millis(1), ours.receive(&mut packet)).await.is_err());
    peer.send_to(b"IKE", local).await.expect("sent");
    let from = timeout(Duration::from_secs(10), ours.receive(&mut packet))
        .await
        .expect("in time")
        .expect("no error");
    assert_eq!((from, packet.bytes()), (path, &b"IKE"[..]));

    // The socket is known to be writable once it was waited for.
    let mut buffer = [0; 16];
    ours.send(&path, b"answer").expect("sent");
    assert_eq!(peer.recv(&mut buffer).await.expect("received"), 6);
    assert_eq!(
        ours.send(&Path::new(local.ip(), remote.ip(), dmvpn::Wire::Esp), b"")
            .expect_err("no raw socket")
            .kind(),
        io::ErrorKind::Unsupported
    );
}
