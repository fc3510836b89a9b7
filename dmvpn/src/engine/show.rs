//! What `show` commands answer.
//!
//! Everything here reads and computes; nothing is kept for it. What a protocol does not tell stays empty or zero, and
//! the method that fills the view says so.

mod crypto;
mod dmvpn;
mod drops;
mod interface;
mod metrics;
mod nhrp;
mod ospf;
mod route;
#[cfg(test)]
#[cfg(feature = "sim")]
mod tests;

use core::time::Duration;
use std::time::Instant;

use super::Engine;
use crate::show::{ShowCommand, View};

impl Engine {
    /// Answers a `show` command.
    ///
    /// The answer has what IOS prints for exactly that command; the methods with a view's name give all that is known.
    #[must_use]
    pub fn show(&self, now: Instant, command: &ShowCommand) -> View {
        match command {
            ShowCommand::Nhrp => View::NhrpCache(nhrp::plain(self.nhrp_cache(now))),
            ShowCommand::NhrpDetail => View::NhrpCache(nhrp::detail(self.nhrp_cache(now))),
            ShowCommand::NhrpBrief => View::NhrpBrief(self.nhrp_cache(now)),
            ShowCommand::NhrpNhs { detail } => {
                let mut view = self.nhs(now);
                view.detail = *detail;
                View::NhrpNhs(view)
            }
            ShowCommand::NhrpMulticast => View::NhrpMulticast(self.multicast()),
            ShowCommand::NhrpTraffic => View::NhrpTraffic(self.nhrp_traffic(now)),
            ShowCommand::Dmvpn { detail } => {
                let mut view = self.dmvpn(now);
                view.detail = *detail;
                View::Dmvpn(view)
            }
            ShowCommand::CryptoSession { detail } => {
                let mut view = self.crypto_sessions(now);
                view.detail = *detail;
                View::CryptoSessions(view)
            }
            ShowCommand::Ikev2Sa { detail } => {
                let mut view = self.ikev2_sas(now);
                view.detail = *detail;
                View::Ikev2Sas(view)
            }
            ShowCommand::IpsecSa => View::IpsecSas(self.ipsec_sas(now)),
            ShowCommand::Ospf => View::OspfProcess(self.ospf_process(now).map(Box::new)),
            ShowCommand::OspfNeighbor { detail } => {
                let mut view = self.ospf_neighbors(now);
                view.detail = *detail;
                View::OspfNeighbors(view)
            }
            ShowCommand::OspfInterface { brief } => {
                let mut view = self.ospf_interfaces(now);
                view.brief = *brief;
                View::OspfInterfaces(view)
            }
            ShowCommand::OspfDatabase { kind } => {
                let mut view = self.ospf_database();
                if let Some(view) = &mut view {
                    view.kind = *kind;
                }
                View::OspfDatabase(view)
            }
            ShowCommand::Route => View::RouteTable(self.routes(now)),
            ShowCommand::RouteOspf => View::RouteTable(self.routes(now).ospf()),
            ShowCommand::RouteAddress(address) => View::RouteLookup(self.route(now, *address)),
            ShowCommand::RoutePrefix(prefix) => View::RouteLookup(self.route_to(now, *prefix)),
            ShowCommand::Interfaces => View::Interfaces(self.interfaces(now)),
            ShowCommand::Interface(name) => View::Interface(self.interface(now, name).map(Box::new)),
            ShowCommand::IpInterfaceBrief => View::IpInterfaceBrief(self.interfaces(now)),
            ShowCommand::Drops => View::Drops(self.drops()),
            ShowCommand::Filtered { command, exclude, text } => View::Filtered {
                view: Box::new(self.show(now, command)),
                exclude: *exclude,
                text: text.clone(),
            },
        }
    }
}

/// How long ago something was.
fn ago(now: Instant, at: Instant) -> Duration {
    now.saturating_duration_since(at)
}

/// How long it takes until something is due; no time at all where it is overdue.
fn until(now: Instant, at: Instant) -> Duration {
    at.saturating_duration_since(now)
}

/// A number for a view: more than fits is the most that fits.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
