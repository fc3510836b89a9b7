# What the laboratories share: namespaces, an underlay, peers, and assertions. Source it.
#
# Everything has a name that begins with "dm-", lives in network namespaces and under $LAB, and goes away at the end.
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
#   expect TEXT SECONDS COMMAND...          waits for COMMAND to succeed; a line of the table
#   clear_text_check                        nothing but ESP and IKE was on the underlay
#   finish                                  the table; status 0 if everything held

set -u
LAB=${LAB:-/var/tmp/dmvpn-interop}
BIN=${BIN:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)/target/debug}
PSK=${PSK:-'Sup3rS3cr3tDMVPN!'}
CHARON=${CHARON:-/usr/lib/ipsec/charon}
FRR=${FRR:-/usr/lib/frr}

lab_name=$(basename "$0" .sh)
namespaces=() pids=() rows=() failed=0
started=$(date +%s%N)

seconds() { awk -v a="$started" -v b="$(date +%s%N)" 'BEGIN { printf "%.1f", (b - a) / 1e9 }'; }
in_ns() { local name=$1; shift; ip netns exec "dm-$name" "$@"; }

begin() {
  [[ $(id -u) == 0 ]] || { echo "$lab_name: needs root (network namespaces, TUN, raw sockets)" >&2; exit 2; }
  rm -rf "$LAB"; mkdir -p "$LAB"
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
  ip netns add "dm-$1" || exit 2
  namespaces+=("dm-$1")
  in_ns "$1" sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
  ip -n "dm-$1" link set lo up
}

wan() {
  new_ns wan
  ip -n dm-wan link add wan type bridge mcast_snooping 0
  ip -n dm-wan link set wan up
  ip netns exec dm-wan tcpdump -Z root -i wan -U -w "$LAB/wan.pcap" >"$LAB/tcpdump.log" 2>&1 &
  pids+=($!)
}

node() {
  local name=$1 nbma=$2 lan=${3:-}
  new_ns "$name"
  ip -n dm-wan link add "w-$name" type veth peer name eth0 netns "dm-$name"
  ip -n dm-wan link set "w-$name" master wan up
  ip -n "dm-$name" link set eth0 up
  ip -n "dm-$name" addr add "$nbma/32" dev eth0
  ip -n "dm-$name" route add default dev eth0
  in_ns "$name" sysctl -qw net.ipv4.ip_forward=1
  [[ -n $lan ]] || return 0
  new_ns "$name-host"
  ip -n "dm-$name" link add lan type veth peer name eth0 netns "dm-$name-host"
  ip -n "dm-$name" addr add "$lan.1/24" dev lan
  ip -n "dm-$name" link set lan up
  ip -n "dm-$name-host" addr add "$lan.100/24" dev eth0
  ip -n "dm-$name-host" link set eth0 up
  ip -n "dm-$name-host" route add default via "$lan.1"
}

ours() {
  local role=$1 name=$2
  cat >"$LAB/$name.cfg"
  "$BIN/$role" --check --config "$LAB/$name.cfg" 2>"$LAB/$name.check" || { cat "$LAB/$name.check" >&2; exit 2; }
  ip netns exec "dm-$name" "$BIN/$role" --config "$LAB/$name.cfg" --control "$LAB/$name.sock" >>"$LAB/$name.log" 2>&1 &
  pids+=($!)
  eval "pid_${name//-/_}=$!"
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
  ip -n "dm-$1" link add gre1 type gre key 100 ttl 64 dev eth0 local "$2" || exit 2
  ip -n "dm-$1" addr add "$3/32" dev gre1
  ip -n "dm-$1" link set gre1 mtu 1400 up multicast on
}

strongswan() {
  local name=$1 nbma=$2 start=$3 folder=$LAB/$1-strongswan
  mkdir -p "$folder"
  cat >"$folder/swanctl.conf" <<C
connections {
  dmvpn {
    version = 2
    local_addrs = $nbma
    remote_addrs = %any
    proposals = aes256-sha256-modp2048
    mobike = no
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
        remote_ts = dynamic[gre]
        esp_proposals = aes256-sha256
        start_action = $start
      }
    }
  }
}
secrets {
  ike-any {
    secret = "$PSK"
  }
}
C
  cat >"$folder/strongswan.conf" <<C
charon {
  load = random nonce openssl x509 pem pkcs1 pubkey hmac kdf aes sha2 sha1 gmp curve25519 kernel-netlink socket-default vici
  install_routes = no
  filelog {
    log {
      path = $folder/log
      default = 1
      ike = 2
    }
  }
}
swanctl {
  load = random nonce openssl pem pkcs1 vici
}
C
  # charon's sockets have fixed places, so each gets a /run of its own.
  ip netns exec "dm-$name" unshare -m bash -c "
    mount -t tmpfs run /run
    export STRONGSWAN_CONF=$folder/strongswan.conf
    $CHARON & charon=\$!
    trap 'kill \$charon' TERM
    for try in \$(seq 100); do [ -S /run/charon.vici ] && break; sleep 0.3; done
    swanctl --load-all --file $folder/swanctl.conf >$folder/load 2>&1
    wait" >"$folder/out" 2>&1 &
  pids+=($!)
  local try
  for try in $(seq 200); do
    grep -qs 'loaded connection' "$folder/load" && return
    sleep 0.3
  done
  echo "strongSwan of $name did not start" >&2
  tail -n 5 "$folder/log" "$folder/out" "$folder/load" >&2
  exit 2
}

# nhrpd takes multicast and redirects from the kernel by NFLOG: these rules feed it.
nhrpd_rules() {
  in_ns "$1" iptables -A OUTPUT -o gre1 -d 224.0.0.0/24 -j NFLOG --nflog-group 2
  in_ns "$1" iptables -A OUTPUT -o gre1 -d 224.0.0.0/24 -j DROP
  in_ns "$1" iptables -A FORWARD -i gre1 -o gre1 -m hashlimit --hashlimit-upto 4/minute --hashlimit-burst 1 \
    --hashlimit-mode srcip,dstip --hashlimit-srcmask 24 --hashlimit-dstmask 24 --hashlimit-name redirect \
    -j NFLOG --nflog-group 1 --nflog-size 128
}

frr() {
  local name=dm-$1 daemon
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

vty() { vtysh -N "dm-$1" -c "$2"; }

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

row() { rows+=("$1|$2|$3"); printf '%-4s %7s s  %s\n' "$2" "$3" "$1"; }

expect() {
  local text=$1 limit=$2 end; shift 2
  end=$((SECONDS + limit))
  while :; do
    if "$@" >"$LAB/last" 2>&1; then row "$text" ok "$(seconds)"; return 0; fi
    ((SECONDS < end)) || break
    sleep 0.2
  done
  failed=$((failed + 1))
  row "$text" FAIL "$(seconds)"
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

packets() { tcpdump -nr "$LAB/wan.pcap" "$@" 2>/dev/null; }
clear_text() { sleep 1; packets 'not arp and not (ip proto 50 or udp port 500 or udp port 4500)'; }
no_clear_text() { local said; said=$(clear_text); printf '%s\n' "$said" | head -n 5; [[ -z $said ]]; }
some_esp() { [[ $(packets 'ip proto 50' | wc -l) -gt 20 ]]; }
clear_text_check() {
  expect 'the underlay carried ESP' 5 some_esp
  expect 'the underlay carried nothing but ESP and IKE (and ARP)' 5 no_clear_text
}

finish() {
  local row
  printf '\n| %s: asserted | seen | at (s) |\n|---|---|---|\n' "$lab_name"
  for row in "${rows[@]}"; do IFS='|' read -r text result at <<<"$row"; printf '| %s | %s | %s |\n' "$text" "$result" "$at"; done
  echo
  if ((failed)); then
    [[ -n ${KEEP_LOGS:-} ]] && { mkdir -p "$KEEP_LOGS"; rm -f "$LAB"/*.sock; cp -r "$LAB" "$KEEP_LOGS/$lab_name"; cp -r /run/frr/dm-* "$KEEP_LOGS/$lab_name/" 2>/dev/null; }
    echo "$lab_name: $failed of ${#rows[@]} did not hold" >&2
    exit 1
  fi
  exit 0
}
