#!/usr/bin/env bash
# Lab 3 with the kernel as forwarding plane of our hub: what wants a redirect is reported by netfilter.
export PLANE=kernel
. "$(dirname "$(readlink -f "$0")")/lab3.sh"
