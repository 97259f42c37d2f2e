#!/bin/bash
# Makes the Debian trees everything runs in, from the package lists beside this file: `buildroot` and `cell` for the trial and
# the tests, `appliance` for what the image's root is made of, `workshop` for the tools that make and boot the image.
#
#   tree.sh build NAME   builds the tree where it is missing; prints its path, progress on stderr
#   tree.sh path NAME    prints the path it has, or would have
#   tree.sh sources      prints the apt sources a build would use; nothing means mmdebstrap's own
#
# (`bootstrap` is the part of `build` that runs in namespaces of its own.)
#
# A tree lies at ${SILO_CACHE:-/var/cache/silo}/NAME-HASH. HASH covers all that decides its content, so a
# tree that is there is right, and one that is not finished is never there: it is built under another name.
# SILO_MIRROR names a Debian mirror to use in place of the host's.
set -euo pipefail
umask 022
export LC_ALL=C
# Of every file's time at most: the same lists make the same bytes.
export SOURCE_DATE_EPOCH=1767225600

readonly SUITE=trixie
readonly DEFAULT_SOURCE="deb http://deb.debian.org/debian $SUITE main"
readonly HEARTBEAT_S=10
readonly APT_LOCK_TIMEOUT_S=300
# Debian 13 has no Packer: the workshop's comes from the release before it.
readonly PACKER_SUITE=bookworm
declare -rA SPACE_NEEDED_MIB=([appliance]=1200 [buildroot]=1200 [cell]=300 [workshop]=1800)

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly sysusers=$here/../systemd/sysusers.d/silo.conf
readonly cache=${SILO_CACHE:-/var/cache/silo}

say() { printf 'silo: %s (%d s)\n' "$1" "$SECONDS" >&2; }
die() { printf 'silo: %s\n' "$1" >&2; exit 1; }
usage() { die 'Usage: tree.sh build|path appliance|buildroot|cell|workshop, or tree.sh sources.'; }

lists_of() {
  case $1 in
    buildroot) printf '%s\n' "$here/packages/system.list" "$here/packages/trial.list" ;;
    appliance) printf '%s\n' "$here/packages/system.list" "$here/packages/appliance.list" ;;
    *) printf '%s\n' "$here/packages/$1.list" ;;
  esac
}

# What decides a tree's content beside this file and its lists.
inputs_of() {
  case $1 in
    appliance) printf '%s\n' "$here"/{begin,finish}-appliance.sh "$here"/{appliance.prune,initrd.conf} ;;
    buildroot) printf '%s\n' "$here"/{begin,finish}-buildroot.sh "$sysusers" ;;
    *) printf '%s\n' "$here/finish-$1.sh" ;;
  esac
}

packages_of() { lists_of "$1" | xargs sed 's/#.*//' | xargs | tr ' ' ','; }

tree_path() {
  local hash
  hash=$({ lists_of "$1"; inputs_of "$1"; printf '%s\n' "$here/tree.sh"; } | xargs cat | sha256sum)
  printf '%s/%s-%.16s\n' "$cache" "$1" "$hash"
}

# apt has already parsed both of its source formats and verified who speaks: entries whose signed Release
# file says Debian are kept, other vendors' are not.
sources() {
  if [[ -n ${SILO_MIRROR:-} ]]; then
    printf 'deb %s %s main\n' "$SILO_MIRROR" "$SUITE"
    return
  fi
  command -v apt-get >/dev/null || return 0
  # shellcheck disable=SC2016  # apt expands these
  apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(RELEASE)' 'Created-By: Packages' |
    awk -F'|' -v suite="$SUITE" '
      $1 == "Debian" && $2 == "main" && $3 ~ /^https?:/ {
        sub(/^[a-z]+/, "", $4)
        if ($4 ~ /^(|-updates|-security)$/ && !seen[$4]++) print "deb " $3 " " suite $4 " main"
      }'
}

# Proxies and clock checks an administrator set for apt hold for our downloads too.
apt_options() {
  command -v apt-config >/dev/null || return 0
  apt-config dump | grep -E '^Acquire::(https?::|Retries|Check-)' || true
}

need_root() {
  ((EUID == 0)) || die "Building the $1 tree needs root: run the same command with sudo."
}

need_space() {
  local free_mib
  free_mib=$(($(df -Pk "$cache" | awk 'NR == 2 { print $4 }') / 1024))
  ((free_mib >= SPACE_NEEDED_MIB[$1])) ||
    die "Building the $1 tree needs ${SPACE_NEEDED_MIB[$1]} MiB in $cache and $free_mib MiB are free: make room, or set SILO_CACHE to a folder on a larger disk."
}

need_mmdebstrap() {
  if command -v apt-get >/dev/null; then
    exec 8>"$cache/.apt.lock"
    flock 8
    command -v mmdebstrap >/dev/null && [[ -n $(sources) ]] || apt-get update >>"$1" 2>&1 || true
    command -v mmdebstrap >/dev/null || install_mmdebstrap "$1"
    exec 8>&-
  fi
  command -v mmdebstrap >/dev/null ||
    die "mmdebstrap is missing and this host has no apt: install mmdebstrap and debian-archive-keyring with its own package manager, then run this again."
}

install_mmdebstrap() {
  say "installing mmdebstrap on this host"
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout="$APT_LOCK_TIMEOUT_S" mmdebstrap debian-archive-keyring >>"$1" 2>&1 || {
    tail -n 5 "$1" >&2
    die "apt could not install mmdebstrap: mend what it says above, or run 'apt-get install mmdebstrap debian-archive-keyring' yourself."
  }
}

workshop_sources() {
  printf '%s\n' "$@"
  sed "s/ $SUITE main\$/ $PACKER_SUITE main/" <<<"$1"
}

# Runs in PID and mount namespaces of its own: however a build ends, no process and no mount of it is left.
bootstrap() {
  local name=$1 partial=$2 line
  local -a mirrors options=(--include="$(packages_of "$name")")
  mapfile -t mirrors < <(sources)
  [[ $name != workshop ]] || mapfile -t mirrors < <(workshop_sources "${mirrors[@]:-$DEFAULT_SOURCE}")
  while IFS= read -r line; do options+=(--aptopt="$line"); done < <(apt_options)
  case $name in
    cell) options+=(--variant=extract) ;;
    # Files nobody reads on an appliance stay out; licences stay in.
    *) options+=(--variant=minbase
      --dpkgopt='path-exclude=/usr/share/man/*'
      --dpkgopt='path-exclude=/usr/share/locale/*'
      --dpkgopt='path-exclude=/usr/share/doc/*'
      --dpkgopt='path-include=/usr/share/doc/*/copyright') ;;
  esac
  [[ ! -e $here/begin-$name.sh ]] || options+=(--essential-hook="'$here/begin-$name.sh' \"\$1\"")
  mmdebstrap "${options[@]}" "$SUITE" "$partial" "${mirrors[@]}"
  "$here/finish-$name.sh" "$partial"
}

follow() {
  local name=$1 child=$2 log=$3 phase='' said='' said_at=0
  while kill -0 "$child" 2>/dev/null; do
    phase=$(sed -nE 's/^I: ((running|downloading|extracting|installing|cleaning) [a-z].*)/\1/p' "$log" | tail -n 1)
    if [[ $phase != "$said" ]] || ((SECONDS - said_at >= HEARTBEAT_S)); then
      say "$name: ${phase:-starting}"
      said=$phase said_at=$SECONDS
    fi
    sleep 0.5
  done
}

explain_failure() {
  grep -E '^(E|W|Err):?' "$2" | tail -n 8 >&2 || tail -n 8 "$2" >&2
  if grep -qE 'Could not (resolve|connect)|Unable to connect|Failed to fetch|Temporary failure|Connection (timed out|failed|refused)' "$2"; then
    die "No Debian mirror that carries $SUITE could be reached: check the network, or set SILO_MIRROR=http://… to one that can. The whole log is $2."
  fi
  die "The $1 tree could not be built: the reason is above, the whole log is $2."
}

partial='' child=''
abandon() {
  [[ -z $child ]] || kill -KILL "$child" 2>/dev/null || true
  wait
  rm -rf --one-file-system "$partial"
}

# Only the holder of the tree's lock comes here, so a partial tree that is found is a dead build's.
build_locked() {
  local name=$1 path=$2 log=$2.log
  partial=$cache/.partial-$1
  rm -rf --one-file-system "$partial"
  need_space "$name"
  say "building the $name tree: once for these package lists, a minute or two"
  : >"$log"
  need_mmdebstrap "$log"
  trap abandon EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  unshare --mount --pid --fork --kill-child=SIGKILL --mount-proc -- \
    "$here/tree.sh" bootstrap "$name" "$partial" >"$log" 2>&1 &
  child=$!
  follow "$name" "$child" "$log"
  wait "$child" || explain_failure "$name" "$log"
  mv -T "$partial" "$path"
  trap - EXIT
  rm -f "$log"
  say "the $name tree is ready"
}

build() {
  local path
  path=$(tree_path "$1")
  if [[ ! -d $path ]]; then
    need_root "$1"
    mkdir -p "$cache"
    exec 9>"$cache/.$1.lock"
    flock --nonblock 9 || { say "another build of the $1 tree is under way: waiting for it" && flock 9; }
    [[ -d $path ]] || build_locked "$1" "$path"
  fi
  printf '%s\n' "$path"
}

case "${*:1:1} $#" in
  'build 2' | 'path 2') [[ -n ${SPACE_NEEDED_MIB[${2:-}]:-} ]] || usage ;;
esac
case "${*:1:1} $#" in
  'build 2') build "$2" ;;
  'path 2') tree_path "$2" ;;
  'sources 1') sources ;;
  'bootstrap 3') bootstrap "$2" "$3" ;;
  *) usage ;;
esac
