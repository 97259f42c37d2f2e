#!/bin/bash
# What must be settled before the build root's packages are installed. tree.sh has mmdebstrap call this with the tree.
set -euo pipefail
root=$1

# Packages would number these users in the order they come, and a longer list would take their files away
# from them: what the trial keeps on disk outlives its build root.
while read -r name id home; do
  echo "$name:x:$id:$id::$home:/usr/sbin/nologin" >>"$root/etc/passwd"
  echo "$name:x:$id:" >>"$root/etc/group"
done <<'USERS'
postgres 720 /var/lib/postgresql
opensmtpd 721 /var/lib/opensmtpd/empty
opensmtpq 722 /var/lib/opensmtpd/empty
USERS

# Debian's package would make a database cluster nobody uses.
mkdir -p "$root/etc/postgresql-common"
echo 'create_main_cluster = false' >"$root/etc/postgresql-common/createcluster.conf"

# rsyslog and syslog-ng are both receivers of the tests, and Debian lets a machine have one: this one is unpacked and never configured.
debs=$(mktemp -d)
trap 'rm -rf "$debs"' EXIT
(cd "$debs" && APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download rsyslog rsyslog-openssl)
for deb in "$debs"/*.deb; do dpkg-deb --extract "$deb" "$root"; done
