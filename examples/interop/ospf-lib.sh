# Namespaces, daemons and assertions for ospf.sh. Sourced, not run.
#
# A cloud is a bridge in a namespace of its own whose ports are isolated, except the hub's: spokes reach the hub and
# nothing else, as on a tunnel without shortcuts. Node N has 10.0.0.N/24 on tun0 and 192.168.N.1/24 on lan0; its
# router id is 10.0.0.N. Node 1 is the hub.

PREFIX=op2mp
WORK=$(mktemp -d "${TMPDIR:-/tmp}/$PREFIX.XXXXXX")
FRR=${FRR:-/usr/lib/frr}
passed=0 failed=0 skipped=0
declare -A PID KIND
NODES=()
chmod 755 "$WORK"

namespace() { echo "$PREFIX-$1"; }
in_node() { local node=$1; shift; ip netns exec "$(namespace "$node")" "$@"; }
now() { date +%s.%3N; }
since() { awk -v a="$1" -v b="${2:-$(now)}" 'BEGIN { printf "%.2f", b - a }'; }

# --- The cloud -------------------------------------------------------------------------------------------------

# cloud NODE...: a fresh cloud with these nodes. NODE is N or N:MTU or N::LENGTH.
cloud() {
    cloud_end
    ip netns add "$(namespace bridge)"
    in_node bridge ip link add br0 type bridge mcast_snooping 0
    in_node bridge ip link set br0 mtu 9000 up
    local node
    for node in "$@"; do add_node "$node"; done
}

add_node() {
    local number mtu length
    IFS=: read -r number mtu length <<<"$1"
    local name; name=$(namespace "$number")
    ip netns add "$name"
    in_node "$number" ip link set lo up
    ip -n "$(namespace bridge)" link add "p$number" mtu 9000 type veth peer name tun0 mtu "${mtu:-1400}" netns "$name"
    ip -n "$(namespace bridge)" link set "p$number" master br0 up
    [ "$number" = 1 ] || in_node bridge bridge link set dev "p$number" isolated on
    ip -n "$name" address add "10.0.0.$number/${length:-24}" dev tun0
    ip -n "$name" link set tun0 up
    ip -n "$name" link add lan0 type veth peer name host0
    ip -n "$name" link set host0 up
    ip -n "$name" address add "192.168.$number.1/24" dev lan0
    ip -n "$name" link set lan0 up
    mkdir -p "$WORK/$number"
    chown frr:frr "$WORK/$number"
    NODES+=("$number")
}

# Ends only what this script began: by process id, by the names it made.
cloud_end() {
    local key node
    for key in "${!PID[@]}"; do stop "$key" KILL; done
    for node in "${NODES[@]}"; do
        ip netns del "$(namespace "$node")" 2>/dev/null
        rm -rf "${WORK:?}/$node"
    done
    [ ${#NODES[@]} -eq 0 ] || ip netns del "$(namespace bridge)" 2>/dev/null
    NODES=()
    KIND=()
}

# stop KEY SIGNAL: a daemon by its key (NODE/PROGRAM).
stop() {
    local pid=${PID[$1]-}
    [ -n "$pid" ] || return 0
    kill -"$2" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    unset "PID[$1]"
}

spawn() { # KEY COMMAND...
    local key=$1 node=${1%%/*}; shift
    # Not through a function: the process id must be the daemon's own.
    ip netns exec "$(namespace "$node")" "$@" >>"$WORK/$key.log" 2>&1 &
    PID[$key]=$!
}

# --- Routers ---------------------------------------------------------------------------------------------------

# frr N [INTERFACE-LINE [ROUTER-LINE]]: zebra and ospfd; lines are separated by semicolons.
frr() {
    local node=$1 directory=$WORK/$1
    KIND[$node]=frr
    cat >"$directory/ospfd.conf" <<EOF
hostname n$node
interface tun0
 ip ospf network ${NETWORK:-point-to-multipoint}
 ip ospf hello-interval $HELLO
 ip ospf dead-interval $DEAD
$(tr ';' '\n' <<<"${2-}")
interface lan0
 ip ospf passive
router ospf
 ospf router-id 10.0.0.$node
 network 10.0.0.0/24 area ${AREA:-0}
 network 192.168.$node.0/24 area ${LAN_AREA:-${AREA:-0}}
$(tr ';' '\n' <<<"${3-}")
EOF
    echo "hostname n$node" >"$directory/zebra.conf"
    chown frr:frr "$directory"/*.conf
    spawn "$node/zebra" "$FRR/zebra" -f "$directory/zebra.conf" -z "$directory/zserv" --vty_socket "$directory" \
        -i "$directory/zebra.pid" -P 0
    until [ -S "$directory/zserv" ]; do sleep 0.05; done
    frr_ospfd "$node"
}

frr_ospfd() {
    local directory=$WORK/$1
    rm -f "$directory/ospfd.vty"
    spawn "$1/ospfd" "$FRR/ospfd" -f "$directory/ospfd.conf" -z "$directory/zserv" --vty_socket "$directory" \
        -i "$directory/ospfd.pid" -P 0
}

vty() { local node=$1; shift; vtysh --vty_socket "$WORK/$node" "$@" 2>/dev/null; }

# bird N TYPE [INTERFACE-OPTIONS [PROTOCOL-LINES [FURTHER-PROTOCOLS]]]
bird_start() {
    local node=$1 directory=$WORK/$1
    KIND[$node]=bird
    cat >"$directory/bird.conf" <<EOF
router id 10.0.0.$node;
protocol device { }
protocol kernel { ipv4 { export all; }; }
${5-}
protocol ospf v2 o1 {
  ${4:-ipv4 { import all; export none; \};}
  area 0 {
    interface "tun0" { type $2; cost 10; hello $HELLO; dead $DEAD; retransmit 5; ${3-} };
    interface "lan0" { stub yes; cost 10; };
  };
}
EOF
    spawn "$node/bird" bird -f -c "$directory/bird.conf" -s "$directory/bird.ctl" -P "$directory/bird.pid"
}

# ours N ARGUMENT...: the example `live` of ospf-p2mp.
ours() {
    local node=$1; shift
    KIND[$node]=ours
    spawn "$node/live" "$LIVE" --router-id "10.0.0.$node" --interface tun0 --address "10.0.0.$node/24" \
        --lan "192.168.$node.1/24" --hello "$HELLO" --dead "$DEAD" "$@"
}

log_of() { cat "$WORK/$1/live.log"; }

# --- What a router knows, in one form --------------------------------------------------------------------------

# neighbors N: router ids of the Full neighbours, sorted, in one line.
neighbors() {
    case ${KIND[$1]} in
    frr) vty "$1" -c 'show ip ospf neighbor json' |
        jq -r '.neighbors // . | to_entries[] | .key as $k | .value[] | select((.state // .nbrState) | startswith("Full")) | $k' ;;
    bird) birdc -s "$WORK/$1/bird.ctl" show ospf neighbors 2>/dev/null | awk '$3 ~ /^Full/ { print $1 }' ;;
    ours) log_of "$1" | sed 's/[{},]/ /g' | awk '$2 == "start" { delete up }
        $3 == "NeighborUp" { up[$9] = 1 } $3 == "NeighborDown" { delete up[$9] }
        END { for (id in up) print id }' ;;
    esac | sort -V | paste -sd' '
}

# routes N: "PREFIX METRIC GATEWAY[,GATEWAY]" per route through others, sorted. The cloud's own subnet is left out:
# it is connected everywhere. Gateways are those that forward now (`full_routes` shows ours with fallbacks).
routes() {
    case ${KIND[$1]} in
    frr) vty "$1" -c 'show ip ospf route json' | jq -r 'to_entries[] | select(.value.routeType != null) |
            select(.value.routeType | startswith("R") | not) |
            [.value.nexthops[] | select((.ip // " ") != " ") | .ip] as $gateways | select($gateways | length > 0) |
            "\(.key) \(if .value.routeType | test("E2") then .value.type2cost // .value.cost else .value.cost end) \($gateways | sort | join(","))"' ;;
    bird) birdc -s "$WORK/$1/bird.ctl" show route protocol o1 2>/dev/null | awk '
            function flush() { if (prefix != "" && gateways != "") print prefix, metric, gateways }
            $1 ~ /\// { flush(); prefix = $1; gateways = ""; match($0, /\([0-9\/]+\)/)
                n = split(substr($0, RSTART + 1, RLENGTH - 2), part, "/"); metric = part[n] }
            $1 == "via" { gateways = gateways (gateways == "" ? "" : ",") $2 }
            END { flush() }' ;;
    ours) full_routes "$1" | awk '{ n = split($3, hop, ","); out = ""
            for (i = 1; i <= n; i++) { sub(/.*=/, "", hop[i]); out = out (i > 1 ? "," : "") hop[i] }
            print $1, $2, out }' ;;
    esac | grep -v '^10\.0\.0\.0/24 ' | sort -V
}

# full_routes N: the same of one of ours, gateways as GATEWAY>FALLBACK=ACTIVE.
full_routes() {
    log_of "$1" | awk '$2 == "start" { delete route } $2 == "route" && $3 == "remove" { delete route[$4]; next }
        $2 == "route" { hops = $9; for (i = 10; i <= NF; i++) hops = hops "," $i; route[$4] = $6 " " hops }
        END { for (prefix in route) print prefix, route[prefix] }' | sort -V
}

# kernel N: prefixes that a peer has put into the kernel.
kernel() { ip -n "$(namespace "$1")" route show | awk '/proto (ospf|bird)/ { print $1 }' | sort -V | paste -sd' '; }

# --- Assertions ------------------------------------------------------------------------------------------------

row() { printf '%-6s %-74s %s\n' "$1" "$2" "${3-}"; }
pass() { passed=$((passed + 1)); row ok "$1" "${2-}"; }
fail() { failed=$((failed + 1)); row FAILED "$1" "${2-}"; [ -z "${KEEP_LOGS-}" ] || cp -r "$WORK" "$KEEP_LOGS/$failed"; }
skip() { skipped=$((skipped + 1)); row skip "$1" "${2-}"; }

# await SECONDS COMMAND...: until it succeeds; prints nothing.
await() {
    local end; end=$(awk -v n="$(now)" -v s="$1" 'BEGIN { printf "%.3f", n + s }'); shift
    until "$@"; do
        awk -v n="$(now)" -v e="$end" 'BEGIN { exit !(n > e) }' && return 1
        sleep 0.1
    done
}

# expect LABEL SECONDS WANTED COMMAND...: the command's output becomes what is wanted within the time.
expect() {
    local label=$1 seconds=$2 wanted=$3 start; start=$(now); shift 3
    same() { [ "$("$@")" = "$wanted" ]; }
    if await "$seconds" same "$@"; then
        pass "$label" "after $(since "$start") s"
    else
        fail "$label" "after $seconds s"
        diff <(echo "$wanted") <("$@") | sed 's/^/         /'
    fi
}

# timed LABEL SECONDS COMMAND...: the command succeeds within the time; tells when, counted from $start.
timed() {
    local label=$1 seconds=$2; shift 2
    if await "$seconds" "$@"; then pass "$label" "$(since "$start") s"; else fail "$label" "not within $seconds s"; fi
}

# event NODE LABEL SECONDS PATTERN: one of ours says it.
event() {
    said() { grep -qE "event .*$2" "$WORK/$1/live.log"; }
    if await "$3" said "$1" "$4"; then
        pass "$2" "$(grep -m1 -oE "event .*$4" "$WORK/$1/live.log" | sed -E 's/event //; s/interface: InterfaceId\(0\), //' | cut -c1-110)"
    else
        fail "$2" "no event with $4"
        grep event "$WORK/$1/live.log" | tail -5 | sed 's/^/         /'
    fi
}
