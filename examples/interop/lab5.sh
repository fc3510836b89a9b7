#!/usr/bin/env bash
# NAT: s1 alone behind one, s2 and s3 together behind another, s4 without; hub and spokes ours. All LANs reach each
# other, by the direct path or by the hub, and go on when a NAT forgets its mappings and when its address changes.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

begin
node hub 203.0.113.1
nat n1 198.51.100.1 172.16.1
nat n2 198.51.100.2 172.16.2
behind n1 s1 172.16.1.2 192.168.11
behind n2 s2 172.16.2.2 192.168.12
behind n2 s3 172.16.2.3 192.168.13
node s4 198.51.100.4 192.168.14
spoke_lines=' ip nhrp authentication DMVPN2026
 ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp nhs 10.0.0.1
 ip nhrp registration timeout 15'
ours hub hub <<<"$(ios hub 203.0.113.1 10.0.0.1 '' ' ip nhrp authentication DMVPN2026
 ip nhrp map multicast dynamic')"
ours spoke s1 <<<"$(ios s1 172.16.1.2 10.0.0.11 192.168.11 "$spoke_lines")"
ours spoke s2 <<<"$(ios s2 172.16.2.2 10.0.0.12 192.168.12 "$spoke_lines")"
ours spoke s3 <<<"$(ios s3 172.16.2.3 10.0.0.13 192.168.13 "$spoke_lines")"
ours spoke s4 <<<"$(ios s4 198.51.100.4 10.0.0.14 192.168.14 "$spoke_lines")"
start=$(date +%s%N)

expect 'the hub has all four registrations' 30 after "$start" counts 4 'NBMA address: 198\.51\.100\.' ask hub show ip nhrp
expect 'three of them from behind NAT' 5 counts 3 'Claimed NBMA address: 172\.16\.' ask hub show ip nhrp
expect 'two with the same NBMA address' 5 counts 2 'NBMA address: 198\.51\.100\.2' ask hub show ip nhrp
expect 'OSPF is FULL with all four' 40 after "$start" counts 4 'FULL' ask hub show ip ospf neighbor
all_routes() { local n m; for n in 1 2 3 4; do for m in 1 2 3 4; do ((n == m)) || has "^192\.168\.1$m\.0/24" ip_in "s$n" route || return 1; done; done; }
expect 'every spoke has the routes to the three other LANs' 40 after "$start" all_routes
names=([1]='alone behind NAT' [2]='two behind one NAT' [3]='two behind one NAT' [4]='no NAT')
for pair in '1 4' '4 1' '2 4' '3 4' '1 2' '2 3'; do
  read -r a b <<<"$pair"
  expect "LAN of s$a (${names[a]}) to LAN of s$b (${names[b]})" 20 pings "s$a-host" "192.168.1$b.100"
done
# Some pairs get a direct path, by TTL 62; others stay with the hub, TTL 61. Both are right; what must not be is loss.
settle() { local a b; for pair in '1 4' '2 4' '3 4' '1 2' '2 3'; do read -r a b <<<"$pair"; pings "s$a-host" "192.168.1$b.100" || return 1; done; }
expect 'the direct path from behind NAT to s4 (TTL 62)' 30 has 'ttl=62' pings s1-host 192.168.14.100
expect 'from both behind the other NAT, too' 30 eval "has ttl=62 pings s2-host 192.168.14.100; has ttl=62 pings s3-host 192.168.14.100"
expect 'every pair still passes' 20 settle
for pair in '1 4' '2 4' '3 1' '2 3'; do
  read -r a b <<<"$pair"
  flow_start "s$a-host" "192.168.1$b.100"
  expect "s$a to s$b: 30 packets, none lost" 0 flow_runs "s$a-host" 30
  expect "s$a to s$b" 0 path_of "s$a-host"
done

# Mappings are forgotten, and new ones have other ports: what a NAT does that was switched off and on.
rebind() { # NAT RANGE
  in_ns "$1" nft -f - <<<"flush chain ip nat post
    add rule ip nat post oifname eth0 ip protocol udp masquerade to :$2"
  in_ns "$1" conntrack -F 2>/dev/null
}
flow_start s1-host 192.168.14.100
flow_start s2-host 192.168.14.100
flow_start s3-host 192.168.11.100
sleep 1
from=$(log_line hub); moved=$(date +%s%N)
rebind n1 20000-20999 && rebind n2 30000-30999
expect 'the NATs map to other ports: the hub follows' 20 after "$moved" says hub 'peer 198.51.100.1:.* is at 198.51.100.1:2' "$from"
expect 'the far spoke, too' 20 after "$moved" says s4 'peer 198.51.100.1:.* is at 198.51.100.1:2'
expect 'for both behind the second NAT' 20 counts 2 'peer 198.51.100.2:.* is at 198.51.100.2:3' tail -n "+$from" "$LAB/hub.log"
sleep 2
expect 's1 to s4, direct, while the mapping changed' 0 flow_lost_at_most s1-host 3
expect 's2 to s4' 0 flow_lost_at_most s2-host 3
# The hub hears of a new mapping of s1's with the next packet from there: a Hello, at the latest.
expect 's3 to s1, by the hub, both behind NAT (Hellos every 3 s)' 0 flow_lost_at_most s3-host 35

# The public address changes: what a provider does at night.
flow_start s1-host 192.168.14.100
sleep 1
from=$(log_line hub); moved=$(date +%s%N)
ip_in n1 addr add 198.51.100.9/32 dev eth0
ip_in n1 addr del 198.51.100.1/32 dev eth0
expect 'the NAT has another address: the hub follows' 30 after "$moved" says hub 'peer 198.51.100.1:.* is at 198.51.100.9:' "$from"
expect 'and NHRP has it' 30 after "$moved" has 'NBMA address: 198\.51\.100\.9' ask hub show ip nhrp
expect 'the far spoke follows' 30 after "$moved" says s4 'peer 198.51.100.1:.* is at 198.51.100.9:'
sleep 2
expect 's1 to s4 while the address changed' 0 flow_lost_at_most s1-host 5
expect 'all pairs pass' 30 settle
expect 'from outside in, too' 30 pings s4-host 192.168.11.100
# s1 learns from its next registration what its public address is; until then others are told the old one.
expect 'the direct path is back (TTL 62; registrations every 15 s)' 60 after "$moved" has 'ttl=62' pings s4-host 192.168.11.100
expect 'between the LANs behind NAT, from the one that did not move' 60 pings s2-host 192.168.11.100
clear_text_check
ask hub show dmvpn
finish
