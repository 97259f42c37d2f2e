#!/bin/bash
# Takes out of the cell's unpacked packages all but Python and libc, and adds the user. tree.sh calls this with the tree.
set -euo pipefail
root=$1
[[ ${root##*/} == .partial-cell ]] || exit 1 # it deletes what lies there

# What may be run is kept by name, so that a new package's programs do not slip in.
chroot "$root" /usr/sbin/ldconfig
find "$root/usr/bin" ! -type d ! -name python3.13 ! -name getent -delete
ln -s python3.13 "$root/usr/bin/python3"
rm -rf "${root:?}"/usr/{sbin,games,include,src,local}/* "$root"/usr/lib/binfmt.d
find "$root/usr/share" -mindepth 1 -maxdepth 1 ! -name zoneinfo -exec rm -rf {} +

# unchecked-hash: nothing writes to this tree, so Python need not compare times whenever it starts.
chroot "$root" /usr/bin/python3 -m compileall -q --invalidation-mode unchecked-hash /usr/lib/python3.13

# Configuration of programs that are gone, and traces of the building host.
find "$root/etc" -mindepth 1 -maxdepth 1 ! -name 'ld.so.*' ! -name os-release ! -name mime.types \
  ! -name protocols ! -name services ! -name python3.13 -exec rm -rf {} +
rm -rf "${root:?}"/{boot,dev,home,root,tmp,var}/*
mkdir -p "$root"/{bundle,work,run/silo,usr/lib/silo/sdk,usr/lib/silo/cell,var/tmp,tmp}
# Nobody writes here, and runsc would mount a /tmp that may be written over one in which there is nothing.
chmod 755 "$root/tmp" "$root/var/tmp"
echo 'Write to /work: TMPDIR.' >"$root/tmp/README"
chown 1000:1000 "$root/work"

printf '%s\n' 'root:x:0:0:root:/:/usr/sbin/nologin' 'agent:x:1000:1000:agent:/work:/usr/sbin/nologin' \
  'nobody:x:65534:65534:nobody:/:/usr/sbin/nologin' >"$root/etc/passwd"
printf '%s\n' 'root:x:0:' 'agent:x:1000:' 'nogroup:x:65534:' >"$root/etc/group"
echo cell >"$root/etc/hostname"
printf '127.0.0.1 localhost cell\n' >"$root/etc/hosts"
: >"$root/etc/resolv.conf"
ln -s ../usr/share/zoneinfo/Etc/UTC "$root/etc/localtime"
