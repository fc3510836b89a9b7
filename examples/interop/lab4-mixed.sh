#!/usr/bin/env bash
# Lab 4 with the kernel as forwarding plane of the hub and one spoke, and the other spoke in user space.
export PLANE=mixed
. "$(dirname "$(readlink -f "$0")")/lab4.sh"
