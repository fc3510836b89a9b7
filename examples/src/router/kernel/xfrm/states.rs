//! SAs in the kernel: which there are, whose they are, and how they follow their path.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use dmvpn::PathId;
use dmvpn::forward::{Counted, SaCounters};
use ikev2::{ChildId, Mode, SaParameters};
use netlink_packet_xfrm::constants::IPPROTO_ESP;
use netlink_packet_xfrm::state::{DelGetMessage, GetDumpMessage};
use netlink_packet_xfrm::{Lifetime, UserSaInfo, XfrmAttrs, XfrmMessage};
use netlink_sys::protocols::NETLINK_XFRM;

use super::super::super::netlink::Requests;
use super::super::stand_ins::StandIn;
use super::REQID;
use super::policies::{Exception, Policies};
use super::sa::{Sa, wipe};

/// What names an SA for the kernel: where its packets go, and its SPI.
pub(super) type SaName = (Ipv4Addr, u32);

/// Whose SA it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Owner {
    pub(in super::super) path: PathId,
    pub(in super::super) child: ChildId,
    pub(in super::super) inbound: bool,
}

/// A path's SAs.
#[derive(Debug)]
struct PathSas {
    remote: SocketAddr,
    stand_in: Option<StandIn>,
    sas: Vec<(ChildId, Sa)>,
    exception: Option<Exception>,
}

/// The SAs of ours.
pub(in super::super) struct States {
    requests: Requests<XfrmMessage>,
    paths: BTreeMap<PathId, PathSas>,
    owners: BTreeMap<SaName, Owner>,
}

impl States {
    /// Takes out what a router with these sources left behind.
    pub(in super::super) fn open(sources: &[Ipv4Addr]) -> io::Result<Self> {
        let requests = Requests::open(NETLINK_XFRM)?.wiping(|message| {
            if let XfrmMessage::AddSa(state) | XfrmMessage::UpdateSa(state) = message {
                wipe(&mut state.nlas);
            }
        });
        let mut states = Self { requests, paths: BTreeMap::new(), owners: BTreeMap::new() };
        for info in states.dump()? {
            let ends = [info.saddr.to_ipv4(), info.id.daddr.to_ipv4()];
            // What waits for an SA to come (SPI 0) goes by itself.
            if info.id.spi != 0 && ends.iter().any(|end| sources.contains(end)) {
                let mut message = DelGetMessage::default();
                message.user_sa_id.daddr = info.id.daddr;
                message.user_sa_id.family = info.family;
                message.user_sa_id.spi = info.id.spi;
                message.user_sa_id.proto = info.id.proto;
                gone_is_fine(states.requests.ask(XfrmMessage::DeleteSa(message), 0))?;
            }
        }
        Ok(states)
    }

    /// There is a peer.
    pub(in super::super) fn add_path(&mut self, path: PathId, remote: SocketAddr, stand_in: Option<StandIn>) {
        let sas = PathSas { remote, stand_in, sas: Vec::new(), exception: None };
        self.paths.insert(path, sas);
    }

    /// The peer is gone, and its SAs with it.
    pub(in super::super) fn remove_path(&mut self, path: PathId, policies: &mut Policies) -> io::Result<()> {
        let Some(gone) = self.paths.remove(&path) else { return Ok(()) };
        let retracted = gone.exception.map_or(Ok(()), |exception| policies.retract(exception));
        let deleted = gone.sas.iter().map(|(_, sa)| self.delete(sa)).fold(Ok(()), Result::and);
        retracted.and(deleted)
    }

    /// Installs one direction of a child SA. The kernel sends with the youngest.
    pub(in super::super) fn install(
        &mut self,
        path: PathId,
        child: ChildId,
        inbound: bool,
        parameters: &SaParameters,
        policies: &mut Policies,
    ) -> io::Result<()> {
        let Some(known) = self.paths.get_mut(&path) else { return Ok(()) };
        let (remote, stand_in) = (known.remote, known.stand_in);
        let sa = Sa { parameters: Box::new(parameters.clone()), inbound, remote, stand_in };
        let name = (sa.destination()?, sa.parameters.spi);
        add(&mut self.requests, &sa, Vec::new())?;
        self.owners.insert(name, Owner { path, child, inbound });
        let needs_exception = parameters.mode == Mode::Tunnel;
        let exception =
            Exception { local: sa.local()?, remote: sa.remote()?, spi: None, tunnel_mode: needs_exception };
        known.sas.push((child, sa));
        if inbound {
            return Ok(());
        }
        // What was chosen before gives way to the new one.
        match (known.exception.take(), needs_exception) {
            (_, true) => {
                policies.except(exception)?;
                known.exception = Some(exception);
            }
            (Some(before), false) => policies.retract(before)?,
            (None, false) => {}
        }
        Ok(())
    }

    /// Sends with this SA although there is a younger one.
    pub(in super::super) fn select(
        &mut self,
        path: PathId,
        child: ChildId,
        policies: &mut Policies,
    ) -> io::Result<()> {
        let Some(known) = self.paths.get_mut(&path) else { return Ok(()) };
        let mut outbound = known.sas.iter().filter(|(_, sa)| !sa.inbound);
        let Some((_, sa)) = outbound.find(|(of, _)| *of == child) else { return Ok(()) };
        let exception = Exception {
            local: sa.local()?,
            remote: sa.remote()?,
            spi: Some(sa.parameters.spi),
            tunnel_mode: sa.parameters.mode == Mode::Tunnel,
        };
        policies.except(exception)?;
        known.exception = Some(exception);
        Ok(())
    }

    /// Forgets a child SA in both directions.
    pub(in super::super) fn remove(
        &mut self,
        path: PathId,
        child: ChildId,
        policies: &mut Policies,
    ) -> io::Result<()> {
        let Some(known) = self.paths.get_mut(&path) else { return Ok(()) };
        let gone: Vec<Sa> = known.sas.extract_if(.., |(of, _)| *of == child).map(|(_, sa)| sa).collect();
        let chosen = known.exception.and_then(|exception| exception.spi);
        let was_chosen = gone.iter().any(|sa| !sa.inbound && Some(sa.parameters.spi) == chosen);
        let was_last = known.sas.iter().all(|(_, sa)| sa.inbound);
        if (was_chosen || was_last)
            && let Some(exception) = known.exception.take()
        {
            policies.retract(exception)?;
        }
        gone.iter().map(|sa| self.delete(sa)).fold(Ok(()), Result::and)
    }

    /// The peer's address or port changed: its SAs go on from where they are.
    pub(in super::super) fn move_path(
        &mut self,
        path: PathId,
        remote: SocketAddr,
        stand_in: Option<StandIn>,
        policies: &mut Policies,
    ) -> io::Result<()> {
        let Some(known) = self.paths.get_mut(&path) else { return Ok(()) };
        let before = std::mem::replace(&mut known.remote, remote);
        let stood_in = std::mem::replace(&mut known.stand_in, stand_in);
        let only_the_port = before.ip() == remote.ip() && stood_in == stand_in;
        if let (Some(exception), false) = (known.exception, only_the_port) {
            policies.retract(exception)?;
            let remote = stand_in.map_or_else(|| super::sa::v4(remote.ip()), |known| Ok(known.address()))?;
            let exception = Exception { remote, ..exception };
            policies.except(exception)?;
            known.exception = Some(exception);
        }
        for (child, sa) in &mut known.sas {
            let moved = Sa { remote, stand_in, ..sa.clone() };
            if only_the_port {
                let mut message = moved.message(Vec::new())?;
                message.nlas.retain(|nla| !matches!(nla, XfrmAttrs::ReplayStateEsn(_)));
                self.requests.ask(XfrmMessage::UpdateSa(message), 0)?;
            } else {
                // The kernel does not change an SA's addresses: it is taken out and put in again as it was.
                let state = self.requests.get(XfrmMessage::GetSa(get(sa)?))?;
                let replay = continued(state);
                gone_is_fine(self.requests.ask(XfrmMessage::DeleteSa(get(sa)?), 0))?;
                add(&mut self.requests, &moved, replay)?;
                let owner = Owner { path, child: *child, inbound: sa.inbound };
                self.owners.remove(&(sa.destination()?, sa.parameters.spi));
                self.owners.insert((moved.destination()?, moved.parameters.spi), owner);
            }
            *sa = moved;
        }
        Ok(())
    }

    /// Takes all of them out.
    pub(in super::super) fn clear(&mut self) -> io::Result<()> {
        let all: Vec<Sa> = std::mem::take(&mut self.paths)
            .into_values()
            .flat_map(|path| path.sas.into_iter().map(|(_, sa)| sa))
            .collect();
        all.iter().map(|sa| self.delete(sa)).fold(Ok(()), Result::and)
    }

    /// Whose SA it is that the kernel speaks of.
    pub(in super::super) fn owner(&self, name: SaName) -> Option<Owner> {
        self.owners.get(&name).copied()
    }

    /// The outbound SAs to this address that the kernel has no more although nobody here took them out.
    pub(in super::super) fn lost(&mut self, remote: Ipv4Addr) -> Vec<Owner> {
        let to_remote =
            self.owners.range((remote, 0)..=(remote, u32::MAX)).filter(|(_, owner)| !owner.inbound);
        let to_remote: Vec<(SaName, Owner)> = to_remote.map(|(name, owner)| (*name, *owner)).collect();
        to_remote.into_iter().filter(|(name, _)| self.is_lost(*name)).map(|(_, owner)| owner).collect()
    }

    fn is_lost(&mut self, (destination, spi): SaName) -> bool {
        let mut message = DelGetMessage::default();
        message.user_sa_id.destination(&IpAddr::V4(destination));
        message.user_sa_id.spi = spi;
        message.user_sa_id.proto = IPPROTO_ESP;
        let found = self.requests.get(XfrmMessage::GetSa(message));
        if let Ok(XfrmMessage::AddSa(mut state)) = found {
            wipe(&mut state.nlas);
            return false;
        }
        found.is_err_and(|error| error.raw_os_error() == Some(libc::ESRCH))
    }

    /// How many there are.
    pub(in super::super) fn len(&self) -> usize {
        self.owners.len()
    }

    /// What the kernel counted under each SA.
    pub(in super::super) fn counted(&mut self) -> io::Result<Vec<Counted>> {
        let infos = self.dump()?;
        Ok(infos.iter().filter_map(|info| self.counted_of(info)).collect())
    }

    fn counted_of(&self, info: &UserSaInfo) -> Option<Counted> {
        let owner = self.owner((info.id.daddr.to_ipv4(), info.id.spi))?;
        let Lifetime { packets, bytes, .. } = info.lifetime_cur;
        let counters = Some(SaCounters { packets, bytes });
        let (inbound, outbound) = if owner.inbound { (counters, None) } else { (None, counters) };
        Some(Counted::Sa { path: owner.path, child: owner.child, inbound, outbound })
    }

    fn delete(&mut self, sa: &Sa) -> io::Result<()> {
        self.owners.remove(&(sa.destination()?, sa.parameters.spi));
        gone_is_fine(self.requests.ask(XfrmMessage::DeleteSa(get(sa)?), 0))
    }

    /// Our SAs as the kernel has them.
    fn dump(&mut self) -> io::Result<Vec<UserSaInfo>> {
        let all = self.requests.dump(XfrmMessage::GetDumpSa(GetDumpMessage::default()))?;
        let ours = all.into_iter().filter_map(|message| match message {
            XfrmMessage::AddSa(mut state) => {
                wipe(&mut state.nlas);
                Some(state.user_sa_info)
            }
            _ => None,
        });
        Ok(ours.filter(|info| info.reqid == REQID).collect())
    }
}

fn get(sa: &Sa) -> io::Result<DelGetMessage> {
    Ok(DelGetMessage { user_sa_id: sa.id()?, nlas: Vec::new() })
}

fn add(requests: &mut Requests<XfrmMessage>, sa: &Sa, replay: Vec<XfrmAttrs>) -> io::Result<()> {
    let message = sa.message(replay)?;
    requests.ask(XfrmMessage::AddSa(message), 0).map_err(|error| explain(sa, &error))
}

/// What goes on when an SA is put in again: sequence numbers, the replay window, what it has carried.
fn continued(state: XfrmMessage) -> Vec<XfrmAttrs> {
    let XfrmMessage::AddSa(mut state) = state else { return Vec::new() };
    wipe(&mut state.nlas);
    let mut kept: Vec<XfrmAttrs> = state
        .nlas
        .into_iter()
        .filter(|nla| matches!(nla, XfrmAttrs::ReplayState(_) | XfrmAttrs::ReplayStateEsn(_)))
        .collect();
    kept.push(XfrmAttrs::LifetimeBytes(state.user_sa_info.lifetime_cur));
    kept
}

/// An SA that the kernel has no more (its limit was met) is gone as it should.
fn gone_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(()),
        other => other,
    }
}

/// Says what a person can do about an SA that the kernel does not take.
fn explain(sa: &Sa, error: &io::Error) -> io::Error {
    let parameters = &sa.parameters;
    let advice = match error.raw_os_error() {
        Some(libc::ENOSYS) => format!(
            ": the kernel lacks the cipher or the integrity algorithm ({:?}, {:?})",
            parameters.cipher, parameters.integrity
        ),
        Some(libc::EPROTONOSUPPORT) => ": the kernel has no ESP (modprobe esp4)".to_owned(),
        Some(libc::EPERM) => ": this needs CAP_NET_ADMIN".to_owned(),
        _ => String::new(),
    };
    io::Error::new(error.kind(), format!("{error}{advice}"))
}
