# What the laboratories share: namespaces, an underlay, peers, and assertions. Source it.
#
# Everything has a name that begins with $PREFIX ("dm"), lives in network namespaces and under $LAB, and goes away at the end.
# The underlay is a bridge in a namespace of its own, on which tcpdump sees every packet of the cloud.
#
#   wan                                     the underlay
#   node NAME NBMA [LAN]                    a router's namespace; with LAN (192.168.11) also a host .100 behind it, and
#                                           the router's own address .1 there
#   ours ROLE NAME                          our `hub` or `spoke` in it, with the configuration from standard input
#   kernel_gre NAME NBMA TUNNEL             the kernel's multipoint GRE interface gre1
#   strongswan NAME NBMA START              charon: pre-shared key, transport mode, GRE. START: none on a hub, trap on a
#                                           spoke (the first GRE packet to an address starts IKE with it)
#   frr NAME                                zebra, staticd, nhrpd, ospfd, with the configuration from standard input
#   vty NAME COMMAND                        what FRR says there
#   ask NAME COMMAND                        what our router says there
#   strongswan_start NAME, swan NAME ...    starts charon (again); swanctl there
#                                           its process is ${charon_pid[NAME]}
#   router_start ROLE NAME, killed NAME...  starts our router again, kills it; its process is ${router_pid[NAME]}. Its
#                                           forwarding plane is $PLANE: user (default), kernel, or mixed (some of each)
#   nat NAME NBMA INSIDE                    a router with NAT (nftables); behind NAME INSIDE ADDRESS puts a node behind it
#   flow_start, flow_stop, flow_lossless    a ping that runs meanwhile
#   expect TEXT SECONDS COMMAND...          waits for COMMAND to succeed; a line of the table
#   clear_text_check                        nothing but ESP and IKE was on the underlay
#   finish                                  the table; status 0 if everything held

set -u
PREFIX=${PREFIX:-dm}
LAB=${LAB:-/var/tmp/dmvpn-interop/$PREFIX}
TARGET=${CARGO_TARGET_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/target}
[[ -n ${BIN:-} ]] || for BIN in "$TARGET/release" "$TARGET/debug"; do [[ -x $BIN/hub ]] && break; done
PSK=${PSK:-'Sup3rS3cr3tDMVPN!'}
CHARON=${CHARON:-/usr/lib/ipsec/charon}
FRR=${FRR:-/usr/lib/frr}

lab_name=$(basename "$0" .sh)
namespaces=() pids=() rows=() failed=0 seen=
declare -A router_pid charon_pid flow_pid flow_interval
started=$(date +%s%N)

seconds() { awk -v a="$started" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }
in_ns() { local name=$1; shift; ip netns exec "$PREFIX-$name" "$@"; }
ip_in() { local name=$1; shift; ip -n "$PREFIX-$name" "$@"; }

begin() {
  [[ $(id -u) == 0 ]] || { echo "$lab_name: needs root (network namespaces, TUN, raw sockets)" >&2; exit 2; }
  rm -rf "$LAB"; mkdir -p "$LAB"
  # A bare /dev has none, and bash needs it for <(...).
  [[ -e /dev/fd ]] || ln -s /proc/self/fd /dev/fd
  trap cleanup EXIT
  trap 'exit 130' INT TERM
  wan
}

# Ends what was started here, by its number, then the namespaces, whose devices go with them.
cleanup() {
  local name pid
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null; done
  for name in "${namespaces[@]}"; do
    for pid in $(ip netns pids "$name" 2>/dev/null); do kill "$pid" 2>/dev/null; done
  done
  sleep 0.5
  for name in "${namespaces[@]}"; do
    for pid in $(ip netns pids "$name" 2>/dev/null); do kill -9 "$pid" 2>/dev/null; done
    ip netns del "$name" 2>/dev/null
    rm -rf "/etc/frr/$name" "/run/frr/$name"
  done
}

new_ns() {
  ip netns add "$PREFIX-$1" || exit 2
  namespaces+=("$PREFIX-$1")
  in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 \
    net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 2>/dev/null
  ip_in "$1" link set lo up
}

# capture NAME INTERFACE: all that passes there, for the checks at the end.
capture() {
  ip netns exec "$PREFIX-$1" tcpdump -Z root -i "$2" -U -w "$LAB/$1-$2.pcap" >>"$LAB/tcpdump.log" 2>&1 &
  pids+=($!)
  local try
  for try in $(seq 100); do [[ -s $LAB/$1-$2.pcap ]] && return; sleep 0.1; done
  echo "tcpdump does not run: $(tail -n 1 "$LAB/tcpdump.log")" >&2
  exit 2
}

wan() {
  new_ns wan
  ip_in wan link add wan type bridge mcast_snooping 0
  ip_in wan link set wan up
  capture wan wan
}

node() {
  local name=$1 nbma=$2 lan=${3:-}
  new_ns "$name"
  ip_in wan link add "w-$name" type veth peer name eth0 netns "$PREFIX-$name"
  ip_in wan link set "w-$name" master wan up
  ip_in "$name" link set eth0 up
  ip_in "$name" addr add "$nbma/32" dev eth0
  ip_in "$name" route add default dev eth0
  guard "$name"
  in_ns "$name" sysctl -qw net.ipv4.ip_forward=1
  [[ -z $lan ]] || lan "$name" "$lan"
}

# guard NAME: what is for the cloud must not follow the default route while no router runs. A router that dies takes
# its device and its routes with it, so this is the machine's to say.
guard() {
  ip_in "$1" route add unreachable 10.0.0.0/8 metric 4000000000
  ip_in "$1" route add unreachable 192.168.0.0/16 metric 4000000000
}

# lan NAME LAN: a LAN behind a router, and a host in it.
lan() {
  local name=$1 lan=$2
  new_ns "$name-host"
  ip_in "$name" link add lan type veth peer name eth0 netns "$PREFIX-$name-host"
  ip_in "$name" addr add "$lan.1/24" dev lan
  ip_in "$name" link set lan up
  ip_in "$name-host" addr add "$lan.100/24" dev eth0
  ip_in "$name-host" link set eth0 up
  ip_in "$name-host" route add default via "$lan.1"
}

# nat NAME NBMA INSIDE: a router that hides what is behind it (INSIDE.0/24, itself .1) behind its own address.
nat() {
  local name=$1 nbma=$2 inside=$3
  node "$name" "$nbma"
  ip_in "$name" link add inside type bridge mcast_snooping 0
  ip_in "$name" addr add "$inside.1/24" dev inside
  ip_in "$name" link set inside up
  in_ns "$name" nft -f - <<N || exit 2
table ip nat {
  chain post {
    type nat hook postrouting priority srcnat
    oifname "eth0" masquerade
  }
}
N
  capture "$name" inside
}

# behind NAT NAME ADDRESS [LAN]: a node behind it.
behind() {
  local nat=$1 name=$2 address=$3 lan=${4:-}
  new_ns "$name"
  ip_in "$nat" link add "n-$name" type veth peer name eth0 netns "$PREFIX-$name"
  ip_in "$nat" link set "n-$name" master inside up
  ip_in "$name" link set eth0 up
  ip_in "$name" addr add "$address/24" dev eth0
  ip_in "$name" route add default via "${address%.*}.1"
  guard "$name"
  in_ns "$name" sysctl -qw net.ipv4.ip_forward=1
  [[ -z $lan ]] || lan "$name" "$lan"
}

ours() {
  local role=$1 name=$2
  cat >"$LAB/$name.cfg"
  "$BIN/$role" --check --config "$LAB/$name.cfg" 2>"$LAB/$name.check" || { cat "$LAB/$name.check" >&2; exit 2; }
  router_start "$role" "$name"
}

router_start() {
  local role=$1 name=$2 plane=${PLANE:-user}
  [[ $plane != mixed ]] || case $name in s1 | h2) plane=user ;; *) plane=kernel ;; esac
  ip netns exec "$PREFIX-$name" "$BIN/$role" --config "$LAB/$name.cfg" --dataplane "$plane" --control "$LAB/$name.sock" >>"$LAB/$name.log" 2>&1 &
  pids+=($!)
  router_pid[$name]=$!
}

# killed NAME...: ends our routers there without a chance to say goodbye.
killed() {
  local name
  for name in "$@"; do kill -9 "${router_pid[$name]}"; wait "${router_pid[$name]}" 2>/dev/null; done
}

ask() { local name=$1; shift; "$BIN/show" --control "$LAB/$name.sock" "$@"; }

# The guide's cryptography, for our routers.
ios_crypto() {
  cat <<C
crypto ikev2 keyring DMVPN-KEYRING
 peer ANY
  address 0.0.0.0 0.0.0.0
  pre-shared-key local $PSK
  pre-shared-key remote $PSK
!
crypto ikev2 proposal DMVPN-PROP
 encryption aes-cbc-256
 integrity sha256
 group 14
!
crypto ikev2 policy DMVPN-POL
 proposal DMVPN-PROP
!
crypto ikev2 profile DMVPN-IKEv2-PROFILE
 match identity remote address 0.0.0.0
 authentication remote pre-share
 authentication local pre-share
 keyring local DMVPN-KEYRING
!
crypto ipsec transform-set DMVPN-TS esp-aes 256 esp-sha256-hmac
 mode transport
!
crypto ipsec profile DMVPN-IPSEC-PROFILE
 set transform-set DMVPN-TS
 set ikev2-profile DMVPN-IKEv2-PROFILE
!
C
}

# ios NAME NBMA TUNNEL LAN LINES: a router of ours; LINES are what its tunnel has besides what all have.
ios() {
  local name=$1 nbma=$2 tunnel=$3 lan=$4 lines=$5
  echo "hostname ${name^^}"
  ios_crypto
  cat <<C
interface Tunnel0
 ip address $tunnel 255.255.255.0
 no ip redirects
 ip mtu 1400
 ip tcp adjust-mss 1360
 ip nhrp network-id 100
 ip nhrp holdtime 300
$lines
 ip ospf network point-to-multipoint
 ip ospf hello-interval 3
 ip ospf dead-interval 12
 tunnel source GigabitEthernet0/0/0
 tunnel mode gre multipoint
 tunnel key 100
 tunnel protection ipsec profile DMVPN-IPSEC-PROFILE
!
interface GigabitEthernet0/0/0
 ip address $nbma 255.255.255.0
!
C
  if [[ -n $lan ]]; then
    printf 'interface GigabitEthernet0/0/1\n ip address %s.1 255.255.255.0\n!\n' "$lan"
  fi
  cat <<C
router ospf 1
 router-id $tunnel
 network 10.0.0.0 0.0.0.255 area 0
 network 192.168.0.0 0.0.255.255 area 0
!
end
C
}

kernel_gre() {
  ip_in "$1" link add gre1 type gre key 100 ttl 64 dev eth0 local "$2" || exit 2
  ip_in "$1" addr add "$3/32" dev gre1
  ip_in "$1" link set gre1 mtu 1400 up multicast on
}

# strongswan NAME NBMA START; what differs from the guide comes by these variables:
#   IKE_SUITE, ESP_SUITE  proposals             REMOTE, REMOTE_TS  the other side's address, its selectors
#   SECRET                the pre-shared key    CHARON_LINES, CONNECTION_LINES  more lines of strongswan.conf, swanctl.conf
strongswan() {
  strongswan_config "$@"
  strongswan_start "$1"
  strongswan_wait "$1"
}

strongswan_config() {
  local name=$1 nbma=$2 start=$3 folder=$LAB/$1-strongswan
  mkdir -p "$folder"
  cat >"$folder/swanctl.conf" <<C
connections {
  dmvpn {
    version = 2
    local_addrs = $nbma
    remote_addrs = ${REMOTE:-%any}
    proposals = ${IKE_SUITE:-aes256-sha256-modp2048}
    mobike = no
    ${CONNECTION_LINES:-}
    local {
      auth = psk
      id = $nbma
    }
    remote {
      auth = psk
    }
    children {
      gre {
        mode = transport
        local_ts = dynamic[gre]
        remote_ts = ${REMOTE_TS:-dynamic[gre]}
        esp_proposals = ${ESP_SUITE:-aes256-sha256}
        start_action = $start
      }
    }
  }
}
secrets {
  ike-any {
    secret = "${SECRET:-$PSK}"
  }
}
C
  cat >"$folder/strongswan.conf" <<C
charon {
  load = random nonce openssl x509 pem pkcs1 pubkey hmac kdf aes sha2 sha1 gmp curve25519 kernel-netlink socket-default vici
  install_routes = no
  ${CHARON_LINES:-}
  start-scripts {
    load = swanctl --load-all --uri unix://$folder/vici --file $folder/swanctl.conf >$folder/load 2>&1
  }
  plugins {
    vici {
      socket = unix://$folder/vici
    }
  }
  filelog {
    log {
      path = $folder/log
      time_format = %T
      default = 1
      ike = 2
      flush_line = yes
    }
  }
}
swanctl {
  load = random nonce
}
C
}

# charon's lock has a fixed place, so each gets a /run of its own.
strongswan_start() {
  local folder=$LAB/$1-strongswan
  rm -f "$folder/load" "$folder/vici"
  STRONGSWAN_CONF=$folder/strongswan.conf ip netns exec "$PREFIX-$1" \
    unshare -m sh -c "mount -t tmpfs run /run; exec $CHARON" >>"$folder/out" 2>&1 &
  charon_pid[$1]=$!
  pids+=($!)
}

strongswan_wait() {
  local folder=$LAB/$1-strongswan try
  for try in $(seq 300); do
    grep -qs 'loaded connection' "$folder/load" && return
    sleep 0.2
  done
  echo "strongSwan of $1 did not start" >&2
  tail -n 5 "$folder/log" "$folder/out" "$folder/load" >&2
  exit 2
}

# swan NAME COMMAND...: swanctl there.
swan() { local name=$1; shift; STRONGSWAN_CONF=$LAB/$name-strongswan/strongswan.conf swanctl "$@" --uri "unix://$LAB/$name-strongswan/vici"; }

# nhrpd takes multicast and redirects from the kernel by NFLOG: these rules feed it.
nhrpd_rules() {
  in_ns "$1" iptables -A OUTPUT -o gre1 -d 224.0.0.0/24 -j NFLOG --nflog-group 2
  in_ns "$1" iptables -A OUTPUT -o gre1 -d 224.0.0.0/24 -j DROP
  in_ns "$1" iptables -A FORWARD -i gre1 -o gre1 -m hashlimit --hashlimit-upto 4/minute --hashlimit-burst 1 \
    --hashlimit-mode srcip,dstip --hashlimit-srcmask 24 --hashlimit-dstmask 24 --hashlimit-name redirect \
    -j NFLOG --nflog-group 1 --nflog-size 128
}

frr() {
  local name=$PREFIX-$1 daemon
  mkdir -p "/etc/frr/$name" "/run/frr/$name"
  { printf 'hostname %s\nlog file %s\n' "$1" "/run/frr/$name/log"; cat; } >"/etc/frr/$name/frr.conf"
  : >"/etc/frr/$name/vtysh.conf"
  chown frr:frr /run/frr 2>/dev/null
  chown -R frr:frr "/etc/frr/$name" "/run/frr/$name"
  nhrpd_rules "$1"
  for daemon in zebra staticd nhrpd ospfd; do
    in_ns "$1" "$FRR/$daemon" -d -N "$name" -f "/etc/frr/$name/frr.conf" -A 127.0.0.1 >>"$LAB/$1-frr.log" 2>&1
  done
}

vty() { vtysh -N "$PREFIX-$1" -c "$2"; }

# frr_ospf ROUTER-ID
frr_ospf() {
  cat <<C
interface gre1
 ip ospf network point-to-multipoint
 ip ospf area 0
 ip ospf hello-interval 3
 ip ospf dead-interval 12
!
interface lan
 ip ospf area 0
!
router ospf
 ospf router-id $1
!
C
}

# frr_spoke TUNNEL: a spoke's configuration.
frr_spoke() {
  cat <<C
nhrp nflog-group 1
nhrp multicast-nflog-group 2
interface gre1
 ip nhrp network-id 100
 ip nhrp holdtime 300
 ip nhrp nhs dynamic nbma 203.0.113.1
 ip nhrp map multicast 203.0.113.1
 ip nhrp shortcut
!
$(frr_ospf "$1")
ip route 10.0.0.0/24 gre1
C
}

# row TEXT RESULT [SEEN]: a line of the table.
row() {
  local at; at=$(seconds)
  rows+=("$1"$'\x1f'"$2"$'\x1f'"$at"$'\x1f'"${3:-}")
  printf '%-4s %7s s  %s%s\n' "$2" "$at" "$1" "${3:+: $3}"
}

# What a command leaves in $seen comes into the table.
expect() {
  local text=$1 limit=$2 end pause=0.2; shift 2
  end=$((SECONDS + limit))
  ((limit <= 60)) || pause=1
  while :; do
    seen=
    if "$@" >"$LAB/last" 2>&1; then row "$text" ok "$seen"; return 0; fi
    ((SECONDS < end)) || break
    sleep "$pause"
  done
  failed=$((failed + 1))
  row "$text" FAIL "$seen"
  sed 's/^/     | /' "$LAB/last" | tail -n 15
  [[ -z ${STOP_EARLY:-} ]] || finish
  return 1
}

# has PATTERN COMMAND...: what the command says has a line like that.
has() { local pattern=$1; shift; local said; said=$("$@" 2>&1); printf '%s\n' "$said"; grep -qE -- "$pattern" <<<"$said"; }
# counts NUMBER PATTERN COMMAND...: it has so many lines like that.
counts() {
  local number=$1 pattern=$2; shift 2
  local said; said=$("$@" 2>&1); printf '%s\n' "$said"
  [[ $(grep -cE -- "$pattern" <<<"$said") == "$number" ]]
}
# hasnt PATTERN COMMAND...: no line is like that.
hasnt() { ! has "$@"; }

# pings FROM TO: one packet there and back, between hosts.
pings() { in_ns "$1" ping -c 1 -W 2 "$2"; }

# lossless FROM TO COUNT: none of them is lost.
lossless() { has ' 0% packet loss' in_ns "$1" ping -q -c "$3" -i 0.2 -W 3 "$2"; }

# lossless_large FROM TO COUNT: the same with packets of 1000 bytes, larger than any of the routers' own.
lossless_large() { has ' 0% packet loss' in_ns "$1" ping -q -s 972 -c "$3" -i 0.1 -W 3 "$2"; }

# large_esp NAME: encrypted packets of 1000 bytes or more that were on the underlay to or from the router with this NBMA.
large_esp() { tcpdump -nr "$LAB/wan-wan.pcap" "host $1 and greater 1000 and ($encrypted)" 2>/dev/null | wc -l; }
# unseen_by NBMA BEFORE: there were no more than before.
unseen_by() { local now; sleep 1; now=$(large_esp "$1"); seen="$((now - $2)) large packets"; ((now == $2)); }

# trace FROM TO HOP...: traceroute goes over these hops (patterns) and no others.
trace() {
  local from=$1 to=$2 said hop n=0; shift 2
  said=$(in_ns "$from" traceroute -n -q 1 -w 2 -m 8 "$to" 2>&1); printf '%s\n' "$said"
  seen=$(awk 'NR > 1 { printf "%s%s", (NR > 2 ? ", " : ""), $2 }' <<<"$said")
  for hop in "$@"; do n=$((n + 1)); grep -qE "^ *$n +($hop) " <<<"$said" || return 1; done
  [[ $(wc -l <<<"$said") == $((n + 1)) ]]
}

# after TIME COMMAND...: tells how long after TIME (nanoseconds) it held.
after() {
  local since=$1; shift
  "$@" || return 1
  seen="${seen:+$seen, }after $(awk -v a="$since" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }') s"
}

# says NAME PATTERN [FROM-LINE]: our router's log has a line like that, from that line on.
says() {
  seen=$(tail -n "+${3:-1}" "$LAB/$1.log" | grep -m1 -E -- "$2") || { tail -n 8 "$LAB/$1.log"; return 1; }
  seen=$(sed -E 's/^ *[0-9.]+ //' <<<"$seen" | cut -c1-150)
}
# log_line NAME: where its log goes on from now.
log_line() { echo $(($(wc -l <"$LAB/$1.log") + 1)); }

# flow_start FROM TO [INTERVAL]: a ping that runs until flow_stop FROM.
flow_start() {
  rm -f "$LAB/flow-$1"
  ip netns exec "$PREFIX-$1" ping -D -i "${3:-0.1}" "$2" >"$LAB/flow-$1" 2>&1 &
  flow_pid[$1]=$! flow_interval[$1]=${3:-0.1}
  pids+=($!)
}

# answers FROM: the flow gets answers, five within a second at least.
answers() {
  local before; before=$(grep -c 'bytes from' "$LAB/flow-$1")
  sleep 1
  (($(grep -c 'bytes from' "$LAB/flow-$1") >= before + 5))
}

# flow_stop FROM: ends it; $flow_lost and $flow_sent count up to the last packet that came back, what was lost
# before the first that did aside (nothing is lost before a path is up: nothing is there). $flow_gap: the longest
# silence between two answers, in seconds.
flow_stop() {
  kill -INT "${flow_pid[$1]}" 2>/dev/null
  wait "${flow_pid[$1]}" 2>/dev/null
  read -r flow_sent flow_lost flow_gap flow_twice <<<"$(flow_count "$1")"
}
flow_count() {
  sed -nE 's/^\[([0-9.]+)\] [0-9]+ bytes .*icmp_seq=([0-9]+) .*/\1 \2/p' "$LAB/flow-$1" | awk '
    NR == 1 { first = $2 } $2 in had { twice++; next } { had[$2]; n++; if ($2 > last) last = $2
      if (NR > 1 && $1 - at > gap) gap = $1 - at; at = $1 }
    END { sent = n ? last - first + 1 : 0; printf "%d %d %.1f %d\n", sent, sent - n, gap, twice }'
}
# flow_lossless FROM LEAST: the flow lost nothing, and was not trivial.
flow_lossless() {
  flow_stop "$1"
  seen="$flow_lost of $flow_sent lost, longest silence $flow_gap s"
  ((flow_lost == 0 && flow_sent >= $2))
}

# flow_lost_at_most FROM COUNT: so many and no more.
flow_lost_at_most() {
  flow_stop "$1"
  seen="$flow_lost of $flow_sent lost, longest silence $flow_gap s"
  ((flow_lost <= $2 && flow_sent > 10))
}
# flow_runs FROM COUNT: waits for that many answers, and none is lost.
flow_runs() {
  local try
  for try in $(seq 300); do
    read -r flow_sent flow_lost flow_gap flow_twice <<<"$(flow_count "$1")"
    ((flow_sent < $2)) || break
    sleep 0.1
  done
  flow_lossless "$1" "$2"
}
# path_of FROM: what way the flow's last packet came, by its TTL.
path_of() {
  local ttl; ttl=$(sed -nE 's/.* ttl=([0-9]+) .*/\1/p' "$LAB/flow-$1" | tail -n 1)
  case $ttl in 62) seen='direct (TTL 62)' ;; 61) seen='by the hub (TTL 61)' ;; *) seen="TTL ${ttl:-none}"; return 1 ;; esac
}

# packets FILTER...: what was on any captured underlay interface.
packets() { local file; for file in "$LAB"/*.pcap; do tcpdump -nr "$file" "$@" 2>/dev/null; done; }
encrypted='ip proto 50 or udp port 500 or udp port 4500'
# A machine whose IKE was killed tells so by ICMP, with the beginning of the encrypted packet.
encrypted+=' or (icmp[icmptype] == icmp-unreach and (icmp[17] == 50 or icmp[17] == 17))'
clear_text() { sleep 1; packets "not arp and not ($encrypted)"; }
no_clear_text() {
  local said; said=$(clear_text); printf '%s\n' "$said" | head -n 5
  seen="$(packets "$encrypted" | wc -l) packets on $(ls "$LAB"/*.pcap | wc -l) interfaces"
  [[ -z $said ]]
}
some_esp() { [[ $(packets 'ip proto 50 or (udp port 4500 and udp[8:4] != 0 and greater 60)' | wc -l) -gt 20 ]]; }
clear_text_check() {
  expect 'the underlay carried ESP' 5 some_esp
  expect 'the underlay carried nothing but ESP and IKE (and ARP)' 5 no_clear_text
}

finish() {
  local row text result at said
  printf '\n| %s: asserted | seen | at (s) |\n|---|---|---|\n' "$lab_name"
  for row in "${rows[@]}"; do
    IFS=$'\x1f' read -r text result at said <<<"$row"
    printf '| %s | %s | %s |\n' "$text" "$result${said:+: $said}" "$at"
  done
  echo
  if ((failed)); then
    [[ -n ${KEEP_LOGS:-} ]] && { mkdir -p "$KEEP_LOGS"; rm -f "$LAB"/*.sock "$LAB"/*/vici; cp -r "$LAB" "$KEEP_LOGS/$lab_name"; cp -r /run/frr/"$PREFIX"-* "$KEEP_LOGS/$lab_name/" 2>/dev/null; }
    echo "$lab_name: $failed of ${#rows[@]} did not hold" >&2
    exit 1
  fi
  exit 0
}
