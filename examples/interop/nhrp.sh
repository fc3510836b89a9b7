#!/usr/bin/env bash
# nhrp.sh [PAIRING...]: NHRP live between our routers and FRR's nhrpd, in plain GRE and with strongSwan under it. Every
# router is power-cycled in turn while pings go on, and nothing may be lost beyond the bound of recovery that is stated.
#
# Pairings (default: all): frr-hub our-hub phase2 nat nat-frr nat-phase2, each with -plain or -ipsec (or both without).
# A table of times and of outages follows the table of what was asserted.
. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$(dirname "$(readlink -f "$0")")/nhrp-lib.sh"

spoke_lines=' ip nhrp registration timeout 15
 ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp nhs 10.0.0.1'
hub_lines=' ip nhrp map multicast dynamic'
phase3_spoke="$spoke_lines
 ip nhrp shortcut"
phase3_hub="$hub_lines
 ip nhrp redirect"
under() { ((PROTECT)) && echo 'IPsec' || echo 'plain GRE'; }

# What all pairings assert once their routers run: LAN to LAN, then the direct path, in both directions.
direct_path() {
  expect 'LAN to LAN' 60 pings s1-host 192.168.12.100
  expect 'LAN to LAN, the other way' 30 pings s2-host 192.168.11.100
  expect 'the direct path: two routers on the way (TTL 62)' 90 has 'ttl=62' pings s1-host 192.168.12.100
  mark 'direct path'
  note_times
  expect 'and from the other side' 60 has 'ttl=62' pings s2-host 192.168.11.100
  expect '50 packets, none lost or doubled' 40 quiet_trip s1-host 192.168.12.100 50
  expect '50 packets from the other side' 40 quiet_trip s2-host 192.168.11.100 50
}

# cycled NAME WHO: dies without a word and comes back.
cycled() {
  outage "power cycle of $2" "$(bound)" s1-host 192.168.12.100 power_cycle "$1"
  expect 'the direct path again' 90 has 'ttl=62' pings s1-host 192.168.12.100
}

restarted() {
  outage "restart of $2" "$(bound)" s1-host 192.168.12.100 restart "$1"
  expect 'the direct path again' 90 has 'ttl=62' pings s1-host 192.168.12.100
}

sealed() { if ((PROTECT)); then clear_text_check; fi; }

pairing_frr_hub() {
  pairing "hub FRR, spokes ours and FRR, $(under)"
  node hub 203.0.113.1
  node s1 198.51.100.1 192.168.11
  node s2 198.51.100.2 192.168.12
  peer hub hub 203.0.113.1 10.0.0.1
  peer spoke s2 198.51.100.2 10.0.0.12
  let_ospf s2
  clock
  router spoke s1 198.51.100.1 10.0.0.11 192.168.11 "$phase3_spoke"
  expect 'nhrpd of the hub has our registration' 60 has '10\.0\.0\.11 +198\.51\.100\.1' vty hub 'show ip nhrp'
  expect 'we know that we are registered' 30 has '10\.0\.0\.1  ?RE' ask s1 show ip nhrp nhs
  mark registered
  expect 'our route to the far LAN is in the kernel' 90 has '^192\.168\.12\.0/24' ip_in s1 route show dev tunnel0
  expect 'the far spoke has the route to our LAN' 60 has '192\.168\.11\.0/24' vty s2 'show ip route ospf'
  mark routes
  direct_path
  expect 'our shortcut is in show ip nhrp' 10 has '192\.168\.12\.0/24' ask s1 show ip nhrp
  cycled s1 'our spoke'
  restarted s1 'our spoke'
  cycled s2 'the spoke of FRR'
  cycled hub 'the hub of FRR'
  sealed
}

pairing_our_hub() {
  pairing "hub ours, spokes FRR, $(under)"
  node hub 203.0.113.1
  node s1 198.51.100.1 192.168.11
  node s2 198.51.100.2 192.168.12
  clock
  router hub hub 203.0.113.1 10.0.0.1 '' "$phase3_hub"
  peer spoke s1 198.51.100.1 10.0.0.11
  peer spoke s2 198.51.100.2 10.0.0.12
  expect 'both nhrpds are registered with us' 60 counts 2 'NBMA address: 198\.51\.100\.' ask hub show ip nhrp
  expect 'nhrpd knows us as its server' 30 has '203\.0\.113\.1' vty s1 'show ip nhrp nhs'
  mark registered
  let_ospf s1
  let_ospf s2
  expect 'a spoke has the route to the far LAN' 90 has '192\.168\.12\.0/24' vty s1 'show ip route ospf'
  expect 'and the other one back' 60 has '192\.168\.11\.0/24' vty s2 'show ip route ospf'
  mark routes
  direct_path
  cycled hub 'our hub'
  restarted hub 'our hub'
  cycled s2 'a spoke of FRR'
  sealed
}

pairing_phase2() {
  pairing "hub FRR, spokes ours in phase 2, $(under)"
  node hub 203.0.113.1
  node s1 198.51.100.1 192.168.11
  node s2 198.51.100.2 192.168.12
  peer hub hub 203.0.113.1 10.0.0.1
  clock
  router spoke s1 198.51.100.1 10.0.0.11 192.168.11 "$spoke_lines"
  router spoke s2 198.51.100.2 10.0.0.12 192.168.12 "$spoke_lines"
  expect 'nhrpd of the hub has our registrations' 60 counts 2 '10\.0\.0\.1[12] +198\.51\.100\.' vty hub 'show ip nhrp'
  mark registered
  expect 'the next hop of the far LAN is the far spoke' 90 has '192\.168\.12\.0/24.* via 10\.0\.0\.12' ask s1 show ip route
  expect 'and back' 60 has '192\.168\.11\.0/24.* via 10\.0\.0\.11' ask s2 show ip route
  mark routes
  direct_path
  cycled s2 'a spoke'
  restarted s2 'a spoke'
  cycled hub 'the hub of FRR'
  sealed
}

pairing_nat() {
  pairing "hub FRR, our spoke behind NAT and FRR's, $(under)"
  node hub 203.0.113.1
  nat box 198.51.100.1 192.168.100
  behind box s1 192.168.100.2 192.168.11
  node s2 198.51.100.2 192.168.12
  peer hub hub 203.0.113.1 10.0.0.1
  peer spoke s2 198.51.100.2 10.0.0.12
  let_ospf s2
  clock
  router spoke s1 192.168.100.2 10.0.0.11 192.168.11 "$phase3_spoke"
  expect 'nhrpd of the hub has our public and our claimed address' 60 \
    has '10\.0\.0\.11 +198\.51\.100\.1 +192\.168\.100\.2' vty hub 'show ip nhrp'
  expect 'we know that we are registered' 30 has '10\.0\.0\.1  ?RE' ask s1 show ip nhrp nhs
  mark registered
  expect 'our route to the far LAN is in the kernel' 90 has '^192\.168\.12\.0/24' ip_in s1 route show dev tunnel0
  expect 'the far spoke has the route to our LAN' 60 has '192\.168\.11\.0/24' vty s2 'show ip route ospf'
  mark routes
  direct_path
  cycled s1 'our spoke behind NAT'
  cycled s2 'the spoke of FRR'
  sealed
}

pairing_nat_frr() {
  pairing "hub ours, FRR's spoke behind NAT and ours, $(under)"
  node hub 203.0.113.1
  nat box 198.51.100.1 192.168.100
  behind box s1 192.168.100.2 192.168.11
  node s2 198.51.100.2 192.168.12
  router hub hub 203.0.113.1 10.0.0.1 '' "$phase3_hub"
  router spoke s2 198.51.100.2 10.0.0.12 192.168.12 "$phase3_spoke"
  clock
  peer spoke s1 192.168.100.2 10.0.0.11
  expect 'we have its public address' 60 has 'NBMA address: 198\.51\.100\.1' ask hub show ip nhrp
  expect 'and the claimed one' 5 has 'Claimed NBMA address: 192\.168\.100\.2' ask hub show ip nhrp
  mark registered
  let_ospf s1
  expect 'our spoke has the route to the far LAN' 90 has '^192\.168\.11\.0/24' ip_in s2 route show dev tunnel0
  expect 'and the other one back' 60 has '192\.168\.12\.0/24' vty s1 'show ip route ospf'
  mark routes
  direct_path
  cycled s1 "FRR's spoke behind NAT"
  cycled s2 'our spoke'
  sealed
}

pairing_nat_phase2() {
  pairing "hub FRR, spokes ours in phase 2, one behind NAT, $(under)"
  node hub 203.0.113.1
  nat box 198.51.100.1 192.168.100
  behind box s1 192.168.100.2 192.168.11
  node s2 198.51.100.2 192.168.12
  peer hub hub 203.0.113.1 10.0.0.1
  clock
  router spoke s1 192.168.100.2 10.0.0.11 192.168.11 "$spoke_lines"
  router spoke s2 198.51.100.2 10.0.0.12 192.168.12 "$spoke_lines"
  expect 'nhrpd of the hub has our registrations' 60 counts 2 '10\.0\.0\.1[12] +198\.51\.100\.' vty hub 'show ip nhrp'
  mark registered
  expect 'the next hop of the far LAN is the far spoke' 90 has '192\.168\.12\.0/24.* via 10\.0\.0\.12' ask s1 show ip route
  expect 'and back' 60 has '192\.168\.11\.0/24.* via 10\.0\.0\.11' ask s2 show ip route
  mark routes
  direct_path
  cycled s1 'our spoke behind NAT'
  sealed
}

wanted=("$@")
((${#wanted[@]})) || wanted=(frr-hub our-hub phase2 nat nat-frr nat-phase2)
begin
for name in "${wanted[@]}"; do
  case $name in *-plain) protections=0 ;; *-ipsec) protections=1 ;; *) protections='0 1' ;; esac
  name=${name%-plain} name=${name%-ipsec}
  for PROTECT in $protections; do "pairing_${name//-/_}"; done
done
finish
