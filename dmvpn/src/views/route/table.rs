//! `show ip route [ospf]`.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::{Route, RouteKind, RoutePath};
use crate::views::text::{Address, Prefix};
use crate::views::time::Age;

const CODES: &str = "\
Codes: L - local, C - connected, S - static, R - RIP, M - mobile, B - BGP
       D - EIGRP, EX - EIGRP external, O - OSPF, IA - OSPF inter area
       N1 - OSPF NSSA external type 1, N2 - OSPF NSSA external type 2
       E1 - OSPF external type 1, E2 - OSPF external type 2, m - OMP
       n - NAT, Ni - NAT inside, No - NAT outside, Nd - NAT DIA
       i - IS-IS, su - IS-IS summary, L1 - IS-IS level-1, L2 - IS-IS level-2
       ia - IS-IS inter area, * - candidate default, U - per-user static route
       H - NHRP, G - NHRP registered, g - NHRP registration summary
       o - ODR, P - periodic downloaded static route, l - LISP
       a - application route
       + - replicated route, % - next hop override, p - overrides from PfR
       & - replicated local route overrides by connected
";

/// The routing table: `show ip route`, and with the routes of OSPF only `show ip route ospf`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct RouteTable {
    /// The routes. Printed in the order of their prefixes, whatever their order here.
    pub routes: Vec<Route>,
}

impl RouteTable {
    /// The table with the routes of OSPF only.
    #[must_use]
    pub fn ospf(&self) -> Self {
        Self { routes: self.routes.iter().filter(|route| route.kind.is_ospf()).cloned().collect() }
    }

    /// Looks an address up: the longest prefix that covers it.
    #[must_use]
    pub fn lookup(&self, address: IpAddr) -> super::RouteLookup {
        let route = self
            .routes
            .iter()
            .filter(|route| route.prefix.contains(&address))
            .max_by_key(|route| route.prefix.prefix_len());
        super::RouteLookup { route: route.cloned() }
    }
}

impl fmt::Display for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(CODES)?;
        let mut routes: Vec<&Route> = self.routes.iter().collect();
        routes.sort_by_key(|route| (route.prefix.addr(), route.prefix.prefix_len(), route.kind));
        let default = routes.iter().find(|route| route.prefix.prefix_len() == 0);
        match default.and_then(|route| route.paths.first()) {
            Some(path) => {
                let gateway = path.gateway.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
                writeln!(f, "\nGateway of last resort is {} to network 0.0.0.0\n", Address(gateway))?;
            }
            None => writeln!(f, "\nGateway of last resort is not set\n")?,
        }
        for group in routes.chunk_by(|one, next| {
            classful(one.prefix).is_some() && classful(one.prefix) == classful(next.prefix)
        }) {
            write_group(f, group)?;
        }
        Ok(())
    }
}

/// The routes of one classful network. IOS puts a heading over them unless the only one is the network itself.
fn write_group(f: &mut fmt::Formatter<'_>, group: &[&Route]) -> fmt::Result {
    let heading = group.first().and_then(|route| classful(route.prefix)).filter(|network| {
        group.len() > 1 || group.iter().any(|route| route.prefix.prefix_len() != network.prefix_len())
    });
    if let Some(network) = heading {
        let mut subnets: Vec<IpNet> = group.iter().map(|route| route.prefix).collect();
        subnets.dedup();
        let count = subnets.len();
        let mut lengths: Vec<u8> = subnets.iter().map(IpNet::prefix_len).collect();
        lengths.sort_unstable();
        lengths.dedup();
        match lengths.as_slice() {
            [length] => writeln!(f, "      {}/{length} is subnetted, {count} subnets", network.addr())?,
            masks => {
                let masks = masks.len();
                writeln!(f, "      {network} is variably subnetted, {count} subnets, {masks} masks")?;
            }
        }
    }
    group.iter().try_for_each(|route| route.write(f, heading.is_some()))
}

/// The network that an IPv4 prefix belongs to by its class; `None` for a supernet, and for what has no class.
fn classful(prefix: IpNet) -> Option<Ipv4Net> {
    let IpNet::V4(prefix) = prefix else { return None };
    let [first, ..] = prefix.addr().octets();
    let length = match first {
        1..=127 => 8,
        128..=191 => 16,
        192..=223 => 24,
        _ => return None,
    };
    let network = Ipv4Net::new(prefix.addr(), length).ok()?.trunc();
    (prefix.prefix_len() >= length).then_some(network)
}

impl Route {
    fn write(&self, f: &mut fmt::Formatter<'_>, subnetted: bool) -> fmt::Result {
        let mut code = self.kind.as_str().to_owned();
        if self.prefix.prefix_len() == 0 {
            // The asterisk of a candidate default stands in the second column.
            code = match code.split_once(' ') {
                Some((protocol, sub)) => format!("{protocol}*{sub}"),
                None => format!("{code}*"),
            };
        }
        if self.paths.iter().any(|path| path.next_hop_override) {
            code = format!("{code:<4}%");
        }
        let width = if subnetted { 9 } else { 6 };
        let start = format!("{code:<width$}{} ", Prefix(self.prefix));
        // Further paths stand below the first.
        let indent = " ".repeat(start.len());
        for (index, path) in self.paths.iter().enumerate() {
            f.write_str(if index == 0 { &start } else { &indent })?;
            path.write(f, self)?;
        }
        Ok(())
    }
}

impl RoutePath {
    fn write(&self, f: &mut fmt::Formatter<'_>, route: &Route) -> fmt::Result {
        match self.gateway {
            None => f.write_str("is directly connected")?,
            Some(gateway) => {
                let nho = if self.next_hop_override { "[NHO]" } else { "" };
                write!(f, "{nho}[{}/{}] via {}", route.distance, route.metric, Address(gateway))?;
                if route.kind != RouteKind::Static {
                    write!(f, ", {}", Age(self.age))?;
                }
            }
        }
        match &self.interface {
            Some(interface) => writeln!(f, ", {interface}"),
            None => writeln!(f),
        }
    }
}
