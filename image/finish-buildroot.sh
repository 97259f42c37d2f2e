#!/bin/bash
# What the build root needs beyond its packages. tree.sh calls this with the tree.
set -euo pipefail
root=$1
sysusers=$(dirname "${BASH_SOURCE[0]}")/../systemd/sysusers.d/silo.conf

install -D -m 644 "$sysusers" "$root/usr/lib/sysusers.d/silo.conf"
chroot "$root" systemd-sysusers silo.conf

# Mount points: the tree itself is read-only.
mkdir -p "$root"/{opt/silo,etc/silo,var/silo,usr/lib/silo/cell,var/spool/smtpd}
chmod 711 "$root/var/spool/smtpd"

# systemd-nspawn refuses to start without a machine id; this one is the same for the same users.
sha256sum <"$sysusers" | cut -c 1-32 >"$root/etc/machine-id"

echo silo >"$root/etc/hostname"
printf '127.0.0.1 localhost silo\n::1 localhost silo\n' >"$root/etc/hosts"
: >"$root/etc/resolv.conf"
rm -f "$root"/etc/apt/apt.conf.d/99mmdebstrap "$root"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$root"/var/log/*.log
