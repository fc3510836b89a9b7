#!/usr/bin/env bash
# Lab 5 with the kernel as forwarding plane of every router of ours: NAT, also two peers with one address.
export PLANE=kernel
. "$(dirname "$(readlink -f "$0")")/lab5.sh"
