#!/bin/bash
# Makes the initrd from the appliance's tree, notes what it is made of, and takes out what no appliance needs. tree.sh calls this with the
# tree, in a mount namespace that ends with it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$1
[[ -n $root && $root != / ]] || exit 1 # it deletes what lies there

readonly CONTROL=/var/lib/dpkg/info
version=$(basename "$root"/usr/lib/modules/*)
modules=$root/usr/lib/modules/$version

make_initrd() {
  mount -t proc proc "$root/proc"
  mount -t sysfs sysfs "$root/sys"
  mount --bind /dev "$root/dev"
  mount -t tmpfs tmpfs "$root/tmp"
  mkdir "$root/tmp/none"
  cp "$here/initrd.conf" "$root/tmp/"
  chroot "$root" dracut --conf /tmp/initrd.conf --confdir /tmp/none --kver "$version" --force "/usr/lib/modules/$version/initrd"
  umount "$root"/{tmp,dev,sys,proc}
  mv "$root/boot/vmlinuz-$version" "$modules/vmlinuz"
}

lines_of() { sed -E '/^(#|$)/d; s/ +#.*//' "$here/appliance.prune"; }

# A package's files go and nothing of it runs: its directories stay where another package has files in them.
remove_package() {
  local list path files=() folders=()
  for list in "$root$CONTROL/$1.list" "$root$CONTROL/$1:amd64.list"; do [[ ! -e $list ]] || break; done
  while IFS= read -r path; do
    if [[ ! -d $root$path ]]; then
      files+=("$root$path")
    elif [[ ! -L $root$path ]]; then
      folders=("$root$path" "${folders[@]}")
    fi
  done <"$list"
  rm -f "${files[@]}"
  rmdir --ignore-fail-on-non-empty "${folders[@]}" 2>/dev/null || true
}

# Name, version and source of every package that is left, for the list of parts that is published.
note_packages() {
  mkdir -p "$root/usr/lib/silo"
  # shellcheck disable=SC2016  # dpkg-query fills these in
  chroot "$root" dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' |
    awk -F'\t' 'NR == FNR { gone[$1]; next } !($1 in gone)' <(lines_of) - | sort >"$root/usr/lib/silo/packages"
}

prune() {
  local line
  while IFS= read -r line; do
    if [[ $line == /* ]]; then
      # shellcheck disable=SC2086  # patterns
      rm -rf --one-file-system "$root"$line
    else
      remove_package "$line"
    fi
  done < <(lines_of)
  rm -f "$root"/{initrd.img,vmlinuz}*
}

make_initrd
note_packages
prune
# Nothing changes its user: units start with the one they have.
find "$root" -xdev -type f -perm /6000 -exec chmod a-s {} +
