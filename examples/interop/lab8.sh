#!/usr/bin/env bash
# Routers behind spokes. Hub and s1 are ours; s2 is FRR (nhrpd, ospfd) and strongSwan. Behind s2, on its LAN, BIRD speaks
# OSPF: what it announces reaches our spoke, through a broadcast network with a designated router. Behind our s1 is a router
# without OSPF: a static route that our spoke redistributes reaches BIRD.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

begin
node hub 203.0.113.1
node s1 198.51.100.1 192.168.11
node s2 198.51.100.2 192.168.12
# The hosts of the two LANs are routers: 192.168.21.0/24 and 192.168.22.0/24 are behind them.
for name in s1-host s2-host; do in_ns "$name" sysctl -qw net.ipv4.ip_forward=1; done
lan s1-host 192.168.21
lan s2-host 192.168.22
ip_in s1 route add 192.168.21.0/24 via 192.168.11.100
ours hub hub <<<"$(ios hub 203.0.113.1 10.0.0.1 '' ' ip nhrp map multicast dynamic
 ip nhrp redirect')"
kernel_gre s2 198.51.100.2 10.0.0.12
strongswan s2 198.51.100.2 trap
# See lab3: nhrpd must be registered before the kernel has a packet for the server.
in_ns s2 iptables -I INPUT -i gre1 -p 89 -j DROP
frr s2 <<C
$(frr_spoke 10.0.0.12)
interface lan
 ip ospf hello-interval 1
 ip ospf dead-interval 4
C
cat >"$LAB/bird.conf" <<C
router id 192.168.22.1;
log stderr all;
protocol device { }
protocol direct { ipv4; interface "behind"; }
protocol kernel { ipv4 { export all; }; merge paths; }
protocol ospf v2 cloud {
  ipv4 { import all; export where source = RTS_DEVICE; };
  area 0 {
    interface "eth0" { type broadcast; cost 10; hello 1; dead 4; };
    interface "lan" { stub yes; cost 10; };
  };
}
C
# Its default route is the spoke's; what it learns by OSPF is more specific. An external route of its own, besides:
ip_in s2-host link add behind type dummy
ip_in s2-host addr add 192.168.23.1/24 dev behind
ip_in s2-host link set behind up
ip netns exec "$PREFIX-s2-host" bird -f -c "$LAB/bird.conf" -s "$LAB/bird.ctl" -P "$LAB/bird.pid" >"$LAB/bird.log" 2>&1 &
bird=$!; pids+=("$bird")
ours spoke s1 <<<"$(ios s1 198.51.100.1 10.0.0.11 192.168.11 ' ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp nhs 10.0.0.1
 ip nhrp shortcut' | sed -e 's/^router ospf 1/&\n redistribute static subnets/' \
  -e 's/^end/ip route 192.168.21.0 255.255.255.0 192.168.11.100\n&/')"
row 'the peers run' -

expect 'both spokes are registered with our hub' 90 counts 2 'NBMA address: 198\.51\.100\.' ask hub show ip nhrp
expect 'the kernel of s2 has our address' 30 has '10\.0\.0\.1 lladdr 203\.0\.113\.1' ip_in s2 neigh show dev gre1
in_ns s2 iptables -D INPUT -i gre1 -p 89 -j DROP
expect 'OSPF is FULL with both' 90 counts 2 'FULL' ask hub show ip ospf neighbor
in_bird() { birdc -s "$LAB/bird.ctl" "$@"; }
expect 'BIRD is Full with ospfd of s2, over a broadcast network' 60 has '10\.0\.0\.12 .*Full' in_bird show ospf neighbors
learnt() { has "^$1" ip_in s1 route show dev tunnel0; }
expect 'our spoke has the route to the LAN behind BIRD' 60 learnt 192.168.22.0/24
expect 'and the external one that BIRD announces' 30 learnt 192.168.23.0/24
seen_as() { seen=$(ask "$1" show ip route | grep -m1 -- "$2" | sed 's/^ *//'); [[ -n $seen ]]; }
expect 'our spoke says' 5 seen_as s1 192.168.22.0
expect 'our spoke says' 5 seen_as s1 192.168.23.0
expect 'BIRD has the route to the LAN behind our spoke' 60 has '^192\.168\.11\.0/24' ip_in s2-host route
expect 'and the static one that our spoke redistributes' 30 has '^192\.168\.21\.0/24' ip_in s2-host route
expect 'LAN behind BIRD to LAN behind our spoke' 30 pings s2-host-host 192.168.11.100
expect 'router behind our spoke to router behind s2' 30 pings s1-host-host 192.168.22.100
expect 'four routers on the way (TTL 60), after the redirect' 60 has 'ttl=60' pings s1-host-host 192.168.22.100
expect '25 packets, none lost' 30 lossless s1-host-host 192.168.22.100 25

kill -TERM "$bird"; down=$(date +%s%N)
expect 'BIRD stops: its routes leave our spoke' 30 after "$down" eval '! learnt 192.168.22.0/24 && ! learnt 192.168.23.0/24'
clear_text_check
ask s1 show ip route; ask s1 show drops
finish
