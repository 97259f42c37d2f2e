#!/bin/bash
# What the workshop needs beyond its packages. tree.sh calls this with the tree.
set -euo pipefail
root=$1

# Mount points: the tree itself is read-only.
mkdir -p "$root"/{opt/silo,etc/silo,var/silo,usr/lib/silo/cell,var/spool/smtpd}

echo silo >"$root/etc/hostname"
printf '127.0.0.1 localhost silo\n::1 localhost silo\n' >"$root/etc/hosts"
: >"$root/etc/resolv.conf"
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap
