#!/usr/bin/env bash
# What time does to a cloud: lifetimes end under traffic (120 s, the least that IOS takes), each node is killed and comes
# back. All ours. Nothing may be lost by a rekey, nothing stale may stay in the kernel.
. "$(dirname "$(readlink -f "$0")")/lib.sh"

begin
node hub 203.0.113.1 192.168.1
node s1 198.51.100.1 192.168.11
node s2 198.51.100.2 192.168.12
authentication=' ip nhrp authentication DMVPN26'
spoke_lines="$authentication
 ip nhrp map 10.0.0.1 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp nhs 10.0.0.1"
# short NAME NBMA TUNNEL LAN LINES: a router whose SAs live for 120 s, with OSPF's own Hellos of 30 s, as the guide has it.
short() {
  ios "$@" | sed -e '/ip ospf .*-interval/d' -e 's/^crypto ikev2 profile .*/&\n lifetime 120/' \
    -e 's/^crypto ipsec profile .*/&\n set security-association lifetime seconds 120\n set pfs group14/'
}
ours hub hub <<<"$(short hub 203.0.113.1 10.0.0.1 192.168.1 "$authentication
 ip nhrp map multicast dynamic")"
ours spoke s1 <<<"$(short s1 198.51.100.1 10.0.0.11 192.168.11 "$spoke_lines")"
ours spoke s2 <<<"$(short s2 198.51.100.2 10.0.0.12 192.168.12 "$spoke_lines")"
start=$(date +%s%N)
registered() { counts "$1" 'NBMA address: 198\.51\.100\.' ask hub show ip nhrp; }
expect 'both spokes are registered' 30 after "$start" registered 2
routes() { has "^192\.168\.$2\.0/24" ip_in "$1" route; }
expect 'all routes are in the kernels' 40 after "$start" eval \
  'routes s1 12 && routes s1 1 && routes s2 11 && routes s2 1 && routes hub 11 && routes hub 12'
expect 'the direct path (TTL 62)' 20 after "$start" has 'ttl=62' pings s1-host 192.168.12.100

# Rekeys.
flow_start s1-host 192.168.12.100
flow_start s2-host 192.168.1.100
flow_start hub-host 192.168.11.100
says_times() { local count; count=$(grep -cE -- "$3" "$LAB/$1.log"); seen="$count times"; ((count >= $2)); }
for pair in 's1 203.0.113.1' 's1 198.51.100.2' 's2 203.0.113.1'; do
  read -r name with <<<"$pair"
  expect "$name rekeys the child SA with $with" 150 says_times "$name" 1 "IPSEC: SA with $with rekeyed"
  expect "$name rekeys the IKE SA with $with" 150 says_times "$name" 1 "IKEV2: SA with $with rekeyed"
done
expect 's1 to s2, direct: nothing lost' 0 flow_lossless s1-host 500
expect 's2 to the hub: nothing lost' 0 flow_lossless s2-host 500
expect 'the hub to s1: nothing lost' 0 flow_lossless hub-host 500
sessions() { counts "$2" 'UP-ACTIVE' ask "$1" show crypto session; }
expect 'each router has its two sessions, and no leftovers' 15 eval 'sessions hub 2 && sessions s1 2 && sessions s2 2'

# Each is killed, and starts again at once.
clean_kernel() { # NAME: nothing of a router that was killed is left.
  hasnt 'tunnel0|proto 112' ip_in "$1" route && hasnt 'tunnel0' ip_in "$1" link
}
for name in s1 s2 hub; do
  case $name in
  s1) role=spoke from=s1-host to=192.168.12.100 ;;
  s2) role=spoke from=s2-host to=192.168.11.100 ;;
  hub) role=hub from=hub-host to=192.168.11.100 ;;
  esac
  # Traffic of the node itself, and traffic that has nothing to do with it or has another way.
  flow_start "$from" "$to"
  [[ $name == hub ]] && flow_start s1-host 192.168.12.100
  expect "pings from or to $name run" 20 answers "$from"
  line=$(log_line "$name")
  killed "$name"
  expect "$name is killed: nothing stale in its kernel" 5 clean_kernel "$name"
  router_start "$role" "$name"; back=$(date +%s%N)
  expect "$name is back: SA" 60 after "$back" says "$name" 'IKEV2: SA up' "$line"
  if [[ $name == hub ]]; then expect 'both spokes are registered again' 60 after "$back" registered 2
  else expect "$name is registered again" 60 after "$back" says "$name" 'registered with NHS' "$line"; fi
  expect "traffic of $name passes" 60 after "$back" pings "$from" "$to"
  expect "all routes are in the kernels" 60 after "$back" eval \
    'routes s1 12 && routes s1 1 && routes s2 11 && routes s2 1 && routes hub 11 && routes hub 12'
  flow_stop "$from"
  row "$name was away: packets of its own" - "$flow_lost of $flow_sent lost, longest silence $flow_gap s"
  # The routes between the spokes are the hub's to give: they are gone while it has but one of them.
  [[ $name == hub ]] && { flow_stop s1-host; row 'direct traffic between the spokes meanwhile' - "$flow_lost of $flow_sent lost, longest silence $flow_gap s"; }
done
expect 'the direct path, at last (TTL 62)' 30 has 'ttl=62' pings s1-host 192.168.12.100
expect 'each router has its two sessions, and no leftovers' 60 eval 'sessions hub 2 && sessions s1 2 && sessions s2 2'
ask s1 show dmvpn; ask s1 show drops

gone() { ! kill -0 "$1" 2>/dev/null; }
for name in s1 s2 hub; do
  kill -TERM "${router_pid[$name]}"
  expect "$name is told to stop, and stops" 5 gone "${router_pid[$name]}"
  expect 'nothing is left in its kernel' 5 clean_kernel "$name"
done
clear_text_check
finish
