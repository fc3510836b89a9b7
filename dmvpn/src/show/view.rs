//! Answers to `show` commands.

use core::fmt;

use crate::views::{
    CryptoSessions, Dmvpn, Ikev2Sas, Interface, IpsecSas, NhrpCache, NhrpMulticast, NhrpNhs, NhrpTraffic,
    OspfDatabase, OspfInterfaces, OspfNeighbors, OspfProcess, RouteLookup, RouteTable,
};

/// An answer. `Display` is the text of IOS; serialised, it is the view inside and nothing around it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(untagged))]
#[non_exhaustive]
pub enum View {
    /// `show ip nhrp [detail]`
    NhrpCache(NhrpCache),
    /// `show ip nhrp brief`
    NhrpBrief(NhrpCache),
    /// `show ip nhrp nhs [detail]`
    NhrpNhs(NhrpNhs),
    /// `show ip nhrp multicast`
    NhrpMulticast(NhrpMulticast),
    /// `show ip nhrp traffic`
    NhrpTraffic(NhrpTraffic),
    /// `show dmvpn [detail]`
    Dmvpn(Dmvpn),
    /// `show crypto session [detail]`
    CryptoSessions(CryptoSessions),
    /// `show crypto ikev2 sa [detail]`
    Ikev2Sas(Ikev2Sas),
    /// `show crypto ipsec sa`
    IpsecSas(IpsecSas),
    /// `show ip ospf`; `None` (and no text) where OSPF does not run.
    OspfProcess(Option<Box<OspfProcess>>),
    /// `show ip ospf neighbor [detail]`
    OspfNeighbors(OspfNeighbors),
    /// `show ip ospf interface [brief]`
    OspfInterfaces(OspfInterfaces),
    /// `show ip ospf database [...]`; `None` (and no text) where OSPF does not run.
    OspfDatabase(Option<OspfDatabase>),
    /// `show ip route [ospf]`
    RouteTable(RouteTable),
    /// `show ip route ADDRESS [MASK]`
    RouteLookup(RouteLookup),
    /// `show interfaces NAME`; `None` where there is no such interface.
    Interface(Option<Box<Interface>>),
    /// `show interfaces`
    Interfaces(Vec<Interface>),
    /// `show ip interface brief`
    IpInterfaceBrief(Vec<Interface>),
    /// `show drops`: where packets were dropped, and there for each reason that occurred how many.
    Drops(Vec<(String, Vec<(String, u64)>)>),
    /// With `| include TEXT` or `| exclude TEXT`: only the text is filtered, the data is whole.
    #[cfg_attr(feature = "serde", serde(serialize_with = "without_filter"))]
    Filtered {
        /// The whole answer.
        view: Box<View>,
        /// See [`ShowCommand::Filtered`](crate::ShowCommand::Filtered).
        exclude: bool,
        /// See [`ShowCommand::Filtered`](crate::ShowCommand::Filtered).
        text: String,
    },
}

#[cfg(feature = "serde")]
fn without_filter<S: serde::Serializer>(
    view: &View,
    _exclude: &bool,
    _text: &String,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(view, serializer)
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NhrpCache(view) => view.fmt(f),
            Self::NhrpBrief(view) => view.brief().fmt(f),
            Self::NhrpNhs(view) => view.fmt(f),
            Self::NhrpMulticast(view) => view.fmt(f),
            Self::NhrpTraffic(view) => view.fmt(f),
            Self::Dmvpn(view) => view.fmt(f),
            Self::CryptoSessions(view) => view.fmt(f),
            Self::Ikev2Sas(view) => view.fmt(f),
            Self::IpsecSas(view) => view.fmt(f),
            Self::OspfProcess(view) => view.iter().try_for_each(|view| view.fmt(f)),
            Self::OspfNeighbors(view) => view.fmt(f),
            Self::OspfInterfaces(view) => view.fmt(f),
            Self::OspfDatabase(view) => view.iter().try_for_each(|view| view.fmt(f)),
            Self::RouteTable(view) => view.fmt(f),
            Self::RouteLookup(view) => view.fmt(f),
            Self::Interface(Some(view)) => view.fmt(f),
            Self::Interface(None) => writeln!(f, "% Interface does not exist"),
            Self::Interfaces(views) => views.iter().try_for_each(|view| view.fmt(f)),
            Self::IpInterfaceBrief(views) => write_ip_interface_brief(f, views),
            Self::Drops(places) => write_drops(f, places),
            Self::Filtered { view, exclude, text } => {
                let whole = view.to_string();
                let lines = whole.lines().filter(|line| matches(line, text) != *exclude);
                lines.into_iter().try_for_each(|line| writeln!(f, "{line}"))
            }
        }
    }
}

/// Whether a line has one of the alternatives in it.
fn matches(line: &str, pattern: &str) -> bool {
    pattern.split('|').any(|text| {
        let (text, at_start) = text.strip_prefix('^').map_or((text, false), |text| (text, true));
        let (text, at_end) = text.strip_suffix('$').map_or((text, false), |text| (text, true));
        match (at_start, at_end) {
            (true, true) => line == text,
            (true, false) => line.starts_with(text),
            (false, true) => line.ends_with(text),
            (false, false) => line.contains(text),
        }
    })
}

fn write_ip_interface_brief(f: &mut fmt::Formatter<'_>, interfaces: &[Interface]) -> fmt::Result {
    writeln!(f, "Interface              IP-Address      OK? Method Status                Protocol")?;
    for interface in interfaces {
        let name = &interface.name;
        let (address, method) = match interface.address {
            Some(address) => (address.addr().to_string(), "NVRAM"),
            None => ("unassigned".to_owned(), "unset"),
        };
        let status = match (interface.enabled, interface.up) {
            (false, _) => "administratively down",
            (true, true) => "up",
            (true, false) => "down",
        };
        let protocol = if interface.enabled && interface.up { "up" } else { "down" };
        writeln!(f, "{name:<22} {address:<15} YES {method:<6} {status:<21} {protocol}")?;
    }
    Ok(())
}

fn write_drops(f: &mut fmt::Formatter<'_>, places: &[(String, Vec<(String, u64)>)]) -> fmt::Result {
    if places.is_empty() {
        return writeln!(f, "No packet was dropped");
    }
    for (place, reasons) in places {
        let total = reasons.iter().fold(0_u64, |sum, (_, count)| sum.saturating_add(*count));
        writeln!(f, "{place}: {total}")?;
        reasons.iter().try_for_each(|(reason, count)| writeln!(f, "  {count:>10} {reason}"))?;
    }
    Ok(())
}
