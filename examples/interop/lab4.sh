#!/usr/bin/env bash
# All routers ours, phase 2: registered, OSPF, LAN to LAN, the direct path, and an orderly end.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

begin
node hub 203.0.113.1
node s1 198.51.100.1 192.168.11
node s2 198.51.100.2 192.168.12
authentication=' ip nhrp authentication DMVPN2026'
spoke_lines="$authentication
 ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp nhs 10.0.0.1"
ours hub hub <<<"$(ios hub 203.0.113.1 10.0.0.1 '' "$authentication
 ip nhrp map multicast dynamic")"
ours spoke s1 <<<"$(ios s1 198.51.100.1 10.0.0.11 192.168.11 "$spoke_lines")"
ours spoke s2 <<<"$(ios s2 198.51.100.2 10.0.0.12 192.168.12 "$spoke_lines")"

expect 'the hub has both registrations' 30 counts 2 'NBMA address: 198\.51\.100\.' ask hub show ip nhrp
expect 'OSPF is FULL with both spokes' 40 counts 2 'FULL' ask hub show ip ospf neighbor
expect 'the route to the far LAN is in the kernel' 30 has '^192\.168\.12\.0/24' ip_in s1 route show dev tunnel0
expect 'and back' 30 has '^192\.168\.11\.0/24' ip_in s2 route show dev tunnel0
expect 'router to router' 10 pings s1 10.0.0.1
expect 'LAN to LAN' 10 pings s1-host 192.168.12.100
expect 'LAN to LAN, the other way' 10 pings s2-host 192.168.11.100
expect 'the direct path: two routers on the way (TTL 62)' 20 has 'ttl=62' pings s1-host 192.168.12.100
expect 'an IKE session with the other spoke' 5 has '198\.51\.100\.2' ask s1 show crypto session
expect 'the far spoke is dynamic in show dmvpn' 5 has '198\.51\.100\.2 +10\.0\.0\.12 +UP' ask s1 show dmvpn
expect '100 packets, none lost' 5 lossless s1-host 192.168.12.100 100
expect 'a packet with TTL 1 is answered by the first router' 5 \
  has 'From 192\.168\.11\.1 .*Time to live exceeded' in_ns s1-host ping -c 1 -W 1 -t 1 192.168.12.100
expect 'a packet with TTL 2 is answered by the far router' 5 \
  has 'From (10\.0\.0\.12|192\.168\.12\.1) .*Time to live exceeded' in_ns s1-host ping -c 1 -W 1 -t 2 192.168.12.100
expect 'a packet too large for the tunnel is refused with the MTU' 5 \
  has 'mtu ?= ?1400' in_ns s1-host ping -c 1 -W 1 -M do -s 1450 192.168.12.100
expect 'a packet as large as the tunnel passes' 5 has ' 0% packet loss' in_ns s1-host ping -c 1 -W 1 -M do -s 1372 192.168.12.100
gone() { ! kill -0 "$1" 2>/dev/null; }
kill -TERM "${router_pid[s2]}"
expect 'a spoke that is told to stop stops' 5 gone "${router_pid[s2]}"
expect 'and is no longer registered' 5 hasnt '198\.51\.100\.2' ask hub show ip nhrp
expect 'nor has a session' 5 hasnt '198\.51\.100\.2' ask hub show crypto session
expect 'its LAN is no longer routed' 5 hasnt '^192\.168\.12\.0/24' ip_in s1 route show dev tunnel0
expect 'its device and routes are gone' 2 hasnt 'tunnel0' ip_in s2 route
clear_text_check
finish
