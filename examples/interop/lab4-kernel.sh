#!/usr/bin/env bash
# The kernel as forwarding plane of all our routers: what is put into it, what it asks, rekeying by volume, and that nothing
# stale stays, after kill -9, after a flush of its SAs, at the end.
PLANE=${PLANE:-kernel}
. "$(dirname "$(readlink -f "$0")")/lib.sh"

begin
node hub 203.0.113.1
node s1 198.51.100.1 192.168.11
node s2 198.51.100.2 192.168.12
spoke_lines=' ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp nhs 10.0.0.1'
# The least volume that IOS allows, so that SAs are replaced while we look.
short() { sed 's/^ set transform-set DMVPN-TS$/&\n set security-association lifetime kilobytes 2560/'; }
ours hub hub <<<"$(ios hub 203.0.113.1 10.0.0.1 '' ' ip nhrp map multicast dynamic' | short)"
ours spoke s1 <<<"$(ios s1 198.51.100.1 10.0.0.11 192.168.11 "$spoke_lines" | short)"
ours spoke s2 <<<"$(ios s2 198.51.100.2 10.0.0.12 192.168.12 "$spoke_lines" | short)"

states() { seen=$(ip_in "$1" xfrm state | grep -c '^src'); [[ $seen == "$2" ]]; }
policies() { seen=$(ip_in "$1" xfrm policy | grep -c '^src'); [[ $seen == "$2" ]]; }
expect 'GRE needs ESP on each router, in and out' 20 policies s1 2
expect 'the hub has both registrations' 60 counts 2 'NBMA address: 198\.51\.100\.' ask hub show ip nhrp
expect 'OSPF is FULL with both spokes' 60 counts 2 'FULL' ask hub show ip ospf neighbor
expect 'a route by way of the far spoke is in the kernel' 30 \
  has '^192\.168\.12\.0/24 via 10\.0\.0\.12 .*onlink' ip_in s1 route show dev tunnel0
expect 'and back' 30 has '^192\.168\.11\.0/24 via 10\.0\.0\.11 ' ip_in s2 route show dev tunnel0
expect 'the first packet goes through the hub (TTL 61)' 10 has 'ttl=61' pings s1-host 192.168.12.100
expect 'later ones directly (TTL 62)' 30 has 'ttl=62' pings s1-host 192.168.12.100
expect 'the far spoke is a neighbour with its own address' 5 \
  has '^10\.0\.0\.12 lladdr 198\.51\.100\.2 ' ip_in s1 neigh show dev tunnel0
expect '100 packets, none lost' 5 lossless s1-host 192.168.12.100 100
expect 'counters come from the kernel' 5 has '#pkts encaps: [1-9][0-9]{2,}' ask s1 show crypto ipsec sa

spi() { ip_in "$1" xfrm state | awk -v to="$2" '/^src/ { is = $4 == to } is && /spi/ { print $4; exit }'; }
renewed() { seen=$(spi s1 198.51.100.2); [[ -n $seen && $seen != "$before" ]]; }
before=$(spi s1 198.51.100.2)
flow_start s1-host 192.168.12.100 0.05
ip netns exec "$PREFIX-s1-host" ping -q -i 0.01 -s 1300 -c 2500 192.168.12.100 >"$LAB/volume" 2>&1 &
pids+=($!)
expect 'an SA is replaced before its volume is used up' 180 renewed
sleep 3
expect 'nothing is lost by it' 0 flow_lossless s1-host 100
expect 'the old SA is gone: two for each peer' 20 states s1 4

flow_start s1-host 192.168.12.100 0.2
ip_in s1 xfrm state flush
# In the clear there is nothing; IKE notices and makes new ones.
back() { seen=$(spi s1 203.0.113.1); [[ -n $seen ]] && pings s1-host 192.168.12.100; }
expect 'after all SAs of a router were flushed it makes new ones' 120 back
flow_stop s1-host

kill -9 "${router_pid[s1]}"
sleep 1
expect 'after kill -9 the kernel still has its SAs' 1 has '^src' ip_in s1 xfrm state
router_start spoke s1
restarted=$(date +%s%N)
expect 'started again, it is back by itself' 60 after "$restarted" back
expect 'and directly' 60 after "$restarted" has 'ttl=62' pings s1-host 192.168.12.100
expect 'nothing stale: two SAs for each of two peers' 20 states s1 4
expect 'nothing stale: two policies' 1 policies s1 2

gone() { ! kill -0 "$1" 2>/dev/null; }
for name in s1 s2 hub; do kill -TERM "${router_pid[$name]}"; done
for name in s1 s2 hub; do
  expect "$name stops when it is told to" 10 gone "${router_pid[$name]}"
  expect "$name leaves no SA" 1 states "$name" 0
  expect "$name leaves no policy" 1 policies "$name" 0
  expect "$name leaves no device" 1 hasnt tunnel0 ip_in "$name" link
  expect "$name leaves no table" 1 hasnt dmvpn in_ns "$name" nft list tables
done
clear_text_check
finish
