#!/bin/bash
# ospf-p2mp against FRR ospfd and BIRD, live, in network namespaces. Needs root and Debian's frr, bird2, jq, iproute2.
#
#   examples/interop/ospf.sh [SCENARIO...]      scenarios: times reference hub spoke nonbroadcast
#                                                          auth mismatch failure areas
#
# LIVE is the example `live` of ospf-p2mp (built when not given). KEEP_LOGS=DIRECTORY keeps the logs of what failed.
# Traffic stays inside the namespaces, which are named op2mp-* and removed at the end.
set -u
here=$(cd "$(dirname "$0")" && pwd)
if [ -z "${LIVE-}" ]; then
    cargo build --quiet --manifest-path "$here/../../Cargo.toml" -p ospf-p2mp --example live || exit 2
    target=${CARGO_TARGET_DIR:-$here/../../target}
    LIVE=$(realpath "$target/debug/examples/live")
fi
for program in ip bird birdc vtysh jq "${FRR:-/usr/lib/frr}/ospfd" "$LIVE"; do
    command -v "$program" >/dev/null || { echo "$program is missing" >&2; exit 2; }
done
. "$here/ospf-lib.sh"
trap 'cloud_end; rm -rf "$WORK"' EXIT
trap 'exit 130' INT TERM

# Spokes 11 and 14 are FRR, 12 is BIRD: what the two hubs of `reference` and `hub` are compared with.
common_spokes() {
    frr 11
    bird_start 12 ptp
    frr 14
}

# Nothing but FRR spokes: start of all daemons to the last route, with an FRR hub and with ours.
times() {
    HELLO=10 DEAD=40
    local hub node start time
    for hub in frr ours; do
        cloud 1 11 12 13
        start=$(now)
        if [ $hub = frr ]; then frr 1; else ours 1 --next-hop rfc2328; fi
        for node in 11 12 13; do frr $node; done
        time=$(routes_complete "$start")
        row - "$hub hub, 3 FRR spokes, Hellos of 10 s: start to all routes at spoke 11" "$time s"
        expect "$hub hub: its three spokes are Full" 30 "10.0.0.11 10.0.0.12 10.0.0.13" neighbors 1
    done
    if awk -v t="$time" 'BEGIN { exit !(t != "" && t < 5) }'; then pass "our hub: FRR spokes have all routes within 5 s" "$time s"
    else fail "our hub: FRR spokes have all routes within 5 s" "$time s"; fi
}

# complete NODE: an FRR or BIRD has put routes to the LANs of three others into its kernel.
complete() { [ "$(kernel "$1" | tr ' ' '\n' | grep -v "^192\.168\.$1\." | grep -c '^192\.168\.')" = 3 ]; }

# When spoke 11 is complete, in seconds since $1.
routes_complete() { await 60 complete 11 && since "$1"; }

# The same cloud with an FRR hub: what the others do among themselves.
reference() {
    HELLO=10 DEAD=40
    cloud 1 11 12 14
    local start; start=$(now)
    frr 1
    common_spokes
    reference_time=$(routes_complete "$start")
    expect "FRR hub: its three spokes are Full" 30 "10.0.0.11 10.0.0.12 10.0.0.14" neighbors 1
    local node
    for node in 1 11 12 14; do timed "FRR hub: node $node (${KIND[$node]}) has all LANs" 30 complete $node; done
    for node in 1 11 12 14; do reference_routes[$node]=$(routes "$node"); done
    row - "FRR hub, Hellos of 10 s: start to all routes at FRR spoke 11" "$reference_time s"
}

hub() {
    HELLO=10 DEAD=40
    cloud 1 11 12 14
    local start node time; start=$(now)
    ours 1 --next-hop rfc2328
    common_spokes
    time=$(routes_complete "$start")
    row - "our hub, Hellos of 10 s: start to all routes at FRR spoke 11" "$time s (FRR hub: ${reference_time:-not run})"
    expect "our hub: FRR, BIRD (ptp) and FRR are Full here" 30 "10.0.0.11 10.0.0.12 10.0.0.14" neighbors 1
    for node in 11 12 14; do expect "our hub is Full at spoke $node (${KIND[$node]})" 10 10.0.0.1 neighbors "$node"; done
    for node in 1 11 12 14; do
        local wanted=${reference_routes[$node]-}
        if [ -z "$wanted" ]; then skip "routes of node $node: compared with an FRR hub's" "run reference first"; continue; fi
        expect "node $node (${KIND[$node]}): $(wc -l <<<"$wanted") routes, metrics and gateways as with an FRR hub" 20 "$wanted" routes "$node"
    done
    # BIRD's ptmp speaks unicast only; with an FRR 8 hub it stays silent for ever.
    add_node 13
    start=$(now)
    bird_start 13 ptmp "neighbors { 10.0.0.1; };"
    expect "our hub: BIRD (ptmp, unicast) joins the multicast cloud" 30 "10.0.0.11 10.0.0.12 10.0.0.13 10.0.0.14" neighbors 1
    for node in 11 12 14; do
        timed "our hub: the late joiner's LAN at spoke $node, since it started" 30 has_route "$node" 192.168.13.0/24
    done
    expect "our hub: routes to the late joiner" 10 "10.0.0.13/32 10 10.0.0.13
192.168.13.0/24 20 10.0.0.13" eval "routes 1 | grep '\.13[./]'"
    expect "late joiner (BIRD): all LANs by the hub" 20 "192.168.1.0/24 20 10.0.0.1
192.168.11.0/24 30 10.0.0.1
192.168.12.0/24 30 10.0.0.1
192.168.14.0/24 30 10.0.0.1" eval "routes 13 | grep ^192"
}

# Ours as spokes of an FRR hub: 12 with Originator (the path to 11 proven, to 14 not), 13 as the RFC says and with
# unicast Hellos of its own.
spoke() {
    HELLO=2 DEAD=8
    cloud 1 11 12 13 14
    frr 1
    frr 11
    bird_start 14 ptp
    ours 12 --direct 10.0.0.11
    ours 13 --next-hop rfc2328 --non-broadcast --neighbor 10.0.0.1
    expect "FRR hub: FRR, two of ours and BIRD are Full" 30 "10.0.0.11 10.0.0.12 10.0.0.13 10.0.0.14" neighbors 1
    expect "our spoke 12: Full" 5 10.0.0.1 neighbors 12
    expect "our spoke 13 (non-broadcast towards a multicast hub): Full" 5 10.0.0.1 neighbors 13
    local wanted="10.0.0.1/32 10 10.0.0.1=10.0.0.1
10.0.0.11/32 20 10.0.0.11>10.0.0.1=10.0.0.11
10.0.0.13/32 20 10.0.0.13>10.0.0.1=10.0.0.1
192.168.1.0/24 20 10.0.0.1=10.0.0.1
192.168.11.0/24 30 10.0.0.11>10.0.0.1=10.0.0.11
192.168.13.0/24 30 10.0.0.13>10.0.0.1=10.0.0.1
192.168.14.0/24 30 10.0.0.14>10.0.0.1=10.0.0.1"
    expect "our spoke 12 (Originator): direct gateways, the hub as fallback" 20 "$wanted" full_routes 12
    shared() { routes "$1" | grep -vE '^(10\.0\.0|192\.168)\.1[13][./]'; }
    expect "FRR spoke 11: every path by the hub" 10 "10.0.0.1/32 10 10.0.0.1
10.0.0.12/32 20 10.0.0.1
192.168.1.0/24 20 10.0.0.1
192.168.12.0/24 30 10.0.0.1
192.168.14.0/24 30 10.0.0.1" shared 11
    expect "our spoke 13 (RFC 2328): as FRR spoke 11, for every prefix behind others" 10 "$(shared 11)" shared 13
    expect "FRR spoke 11: our LANs are in its kernel" 10 "192.168.1.0/24 192.168.12.0/24 192.168.13.0/24 192.168.14.0/24" \
        eval "kernel 11 | tr ' ' '\n' | grep ^192 | paste -sd' '"
}

# Unicast only, everywhere: BIRD's ptmp as hub.
nonbroadcast() {
    HELLO=2 DEAD=8
    cloud 1 11 12 13
    bird_start 1 ptmp "neighbors { 10.0.0.11; 10.0.0.12; 10.0.0.13; };"
    bird_start 13 ptmp "neighbors { 10.0.0.1; };"
    ours 11 --non-broadcast --neighbor 10.0.0.1 --direct 10.0.0.13
    ours 12 --next-hop rfc2328
    expect "BIRD hub (ptmp): all three are Full, ours non-broadcast and multicast" 30 "10.0.0.11 10.0.0.12 10.0.0.13" neighbors 1
    expect "our spoke 11 (non-broadcast, Originator)" 20 "10.0.0.1/32 10 10.0.0.1=10.0.0.1
10.0.0.12/32 20 10.0.0.12>10.0.0.1=10.0.0.1
10.0.0.13/32 20 10.0.0.13>10.0.0.1=10.0.0.13
192.168.1.0/24 20 10.0.0.1=10.0.0.1
192.168.12.0/24 30 10.0.0.12>10.0.0.1=10.0.0.1
192.168.13.0/24 30 10.0.0.13>10.0.0.1=10.0.0.13" full_routes 11
    shared() { routes "$1" | grep -vE '^(10\.0\.0|192\.168)\.1[23][./]'; }
    local start; start=$(now)
    timed "BIRD spoke 13: all LANs" 20 complete 13
    expect "our spoke 12 (RFC 2328): as BIRD spoke 13, for every prefix behind others" 20 "$(shared 13)" shared 12
}

# Each kind of authentication, and a wrong key.
auth() {
    HELLO=1 DEAD=4
    local kind frr_lines
    for kind in simple md5; do
        if [ $kind = simple ]; then
            frr_lines=" ip ospf authentication; ip ospf authentication-key"
            bird_lines='authentication simple; password "s3cr3t";'
            key=s3cr3t argument=simple:s3cr3t
        else
            frr_lines=" ip ospf authentication message-digest; ip ospf message-digest-key 7 md5"
            bird_lines='authentication cryptographic; password "Tunn3l-s3cr3t" { id 7; algorithm keyed md5; };'
            key=Tunn3l-s3cr3t argument=md5:7:Tunn3l-s3cr3t
        fi
        cloud 1 11 12 13
        ours 1 --next-hop rfc2328 --auth $argument
        frr 11 "$frr_lines $key"
        bird_start 12 ptp "$bird_lines"
        frr 13 "$frr_lines wrong"
        expect "$kind: FRR and BIRD are Full, the one with a wrong key is not" 20 "10.0.0.11 10.0.0.12" neighbors 1
        expect "$kind: Full at FRR" 5 10.0.0.1 neighbors 11
        expect "$kind: Full at BIRD" 5 10.0.0.1 neighbors 12
        event 1 "$kind: event for the wrong key" 5 'ParameterMismatch.*source: 10.0.0.13, what: Authentication'
        expect "$kind: routes at FRR" 15 "192.168.1.0/24 20 10.0.0.1
192.168.12.0/24 30 10.0.0.1" eval "routes 11 | grep ^192"
    done
    # FRR 8 has no HMAC-SHA; BIRD has.
    for kind in 1 256 384 512; do
        cloud 1 11 12
        ours 1 --next-hop rfc2328 --auth "sha$kind:5:Tunn3l-s3cr3t"
        bird_lines="authentication cryptographic; password \"Tunn3l-s3cr3t\" { id 5; algorithm hmac sha$kind; };"
        bird_start 11 ptp "$bird_lines"
        bird_start 12 ptmp "$bird_lines neighbors { 10.0.0.1; };"
        expect "HMAC-SHA-$kind: both kinds of BIRD are Full" 20 "10.0.0.11 10.0.0.12" neighbors 1
        expect "HMAC-SHA-$kind: routes at BIRD" 15 "192.168.1.0/24 20 10.0.0.1
192.168.12.0/24 30 10.0.0.1" eval "routes 11 | grep ^192"
    done
}

# Whatever two sides disagree about has a name.
mismatch() {
    HELLO=2 DEAD=8
    cloud 1 11:1300 12:1500 13 14 15 16::25 17
    ours 1 --next-hop rfc2328
    frr 11
    frr 12
    NETWORK=broadcast frr 13 " ip ospf priority 1"
    HELLO=3 frr 14
    AREA=7 frr 15
    frr 16
    DEAD=9 frr 17
    event 1 "MTU 1300 at the peer: the exchange that it refuses is told, with the cause" 30 'ExchangeStuck.*address: 10.0.0.11.*mtu_suspected: true'
    event 1 "MTU 1500 at the peer" 20 'ParameterMismatch.*source: 10.0.0.12, what: Mtu, ours: Number\(1400\), theirs: Number\(1500\)'
    event 1 "network type broadcast at the peer" 30 'ParameterMismatch.*source: 10.0.0.13, what: NetworkType'
    event 1 "network type broadcast: Full, but a dead end" 40 'FullWithoutLinkBack.*address: 10.0.0.13'
    event 1 "hello interval" 10 'source: 10.0.0.14, what: HelloInterval, ours: Number\(2\), theirs: Number\(3\)'
    event 1 "area" 10 'source: 10.0.0.15, what: Area'
    event 1 "mask" 10 'source: 10.0.0.16, what: Mask'
    event 1 "dead interval" 10 'source: 10.0.0.17, what: DeadInterval'
    cloud 1 12:1500
    ours 1 --mtu-ignore
    frr 12 " ip ospf mtu-ignore"
    expect "MTU 1500 at the peer, mtu-ignore at both: Full" 20 10.0.0.12 neighbors 1
}

# Peers that die and come back, and ours that does.
failure() {
    HELLO=2 DEAD=8
    cloud 1 11 12 13
    ours 1 --next-hop rfc2328
    frr 11
    ours 12
    frr 13
    expect "before: Full" 20 "10.0.0.11 10.0.0.12 10.0.0.13" neighbors 1
    local start; start=$(now)
    timed "before: routes at our spoke 12" 20 has_route 12 192.168.11.0/24
    timed "before: routes at FRR spoke 13" 20 complete 13
    gone() { ! has_route "$1" "$2"; }
    start=$(now)
    stop 11/ospfd KILL
    timed "FRR spoke 11 killed: our spoke 12 withdraws its LAN" 15 gone 12 192.168.11.0/24
    event 1 "FRR spoke 11 killed: the hub says why" 5 'NeighborDown.*10.0.0.11.*DeadTimer'
    local lines; lines=$(wc -l <"$WORK/12/live.log")
    start=$(now)
    frr_ospfd 11
    timed "FRR spoke 11 comes back: its LAN at our spoke 12" 20 has_route 12 192.168.11.0/24
    timed "FRR spoke 11 comes back: its own routes" 20 has_route 11 192.168.13.0/24
    sleep 6
    expect "no flap of that route afterwards" 0 1 eval "tail -n +$((lines + 1)) '$WORK/12/live.log' | grep -c 'route [a-z]* 192.168.11.0/24'"
    lines=$(wc -l <"$WORK/12/live.log")
    start=$(now)
    stop 11/ospfd KILL
    frr_ospfd 11
    timed "FRR spoke 11 killed and started at once: Full again" 7 neighbor_again
    sleep 6
    expect "its route at our spoke 12 did not change meanwhile" 0 0 eval "tail -n +$((lines + 1)) '$WORK/12/live.log' | grep -c 'route [a-z]* 192.168.11.0/24'"
    expect "and its route is there" 10 "192.168.11.0/24 30 10.0.0.1" eval "routes 12 | grep ^192.168.11"
    start=$(now)
    stop 1/live KILL
    timed "our hub killed: FRR spoke 13 loses its routes" 15 gone 13 192.168.11.0/24
    start=$(now)
    ours 1 --next-hop rfc2328 --run-for 12
    timed "our hub comes back: FRR spoke 13 has all routes" 30 complete 13
    start=$(now)
    await 20 gone 13 192.168.11.0/24
    local ended; ended=$(awk '/ stats / { print $1 }' "$WORK/1/live.log" | tail -1)
    expect "our hub shut down in order: FRR spoke 13 loses its routes at once" 2 "" eval "routes 13"
    row - "shutdown of our hub to loss of routes at FRR" "$(since "$ended") s"
}

neighbor_again() { [ "$(log_of 1 | grep -c 'NeighborUp.*address: 10.0.0.11')" -ge 3 ]; }

# Areas and externals: FRR and ours as area border and AS boundary routers behind the cloud.
areas() {
    HELLO=2 DEAD=8
    cloud 1 11 12 13 14
    ours 1 --next-hop rfc2328
    ip -n "$(namespace 11)" address add 172.16.11.1/24 dev lan0
    LAN_AREA=1 frr 11 "" " redistribute connected metric-type 1"
    bird_start 12 ptp "" 'ipv4 { import all; export where source = RTS_STATIC; };' 'protocol static s1 { ipv4 { }; route 172.16.12.0/24 blackhole; }'
    ours 13 --lan-area 0.0.0.3 --redistribute 172.16.13.0/24 --direct 10.0.0.11
    frr 14
    expect "before: Full" 20 "10.0.0.11 10.0.0.12 10.0.0.13 10.0.0.14" neighbors 1
    local externals='172\.16|192\.168'
    expect "FRR spoke 14: inter-area and external routes of all kinds" 30 "172.16.11.0/24 40 10.0.0.1
172.16.12.0/24 10000 10.0.0.1
172.16.13.0/24 20 10.0.0.1
192.168.1.0/24 20 10.0.0.1
192.168.11.0/24 30 10.0.0.1
192.168.12.0/24 30 10.0.0.1
192.168.13.0/24 30 10.0.0.1" eval "routes 14 | grep -E '$externals'"
    expect "our spoke 13: the same, with the originators as gateways" 30 "172.16.11.0/24 40 10.0.0.11>10.0.0.1=10.0.0.11
172.16.12.0/24 10000 10.0.0.12>10.0.0.1=10.0.0.1
192.168.1.0/24 20 10.0.0.1=10.0.0.1
192.168.11.0/24 30 10.0.0.11>10.0.0.1=10.0.0.11
192.168.12.0/24 30 10.0.0.12>10.0.0.1=10.0.0.1
192.168.14.0/24 30 10.0.0.14>10.0.0.1=10.0.0.1" eval "full_routes 13 | grep -E '$externals'"
    expect "our hub: the same, one hop nearer" 30 "172.16.11.0/24 30 10.0.0.11
172.16.12.0/24 10000 10.0.0.12
172.16.13.0/24 20 10.0.0.13
192.168.11.0/24 20 10.0.0.11
192.168.12.0/24 20 10.0.0.12
192.168.13.0/24 20 10.0.0.13
192.168.14.0/24 20 10.0.0.14" eval "routes 1 | grep -E '$externals'"
}

has_route() { routes "$1" | grep -q "^$2 "; }

declare -A reference_routes=()
reference_time=
HELLO=2 DEAD=8
[ $# -gt 0 ] || set -- times reference hub spoke nonbroadcast auth mismatch failure areas
for scenario in "$@"; do
    echo "--- $scenario"
    "$scenario"
done
cloud_end
echo
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
