#!/bin/bash
# Makes the tree the tests' SMSC runs in, once: Debian's Java and jSMPP's server simulator, which is nobody's code here.
# Prints its path, progress on stderr.
#
# A tree lies at ${SILO_CACHE:-/var/cache/silo}/smsc-HASH, HASH covering this folder: one that is there is right. Jars come
# through Maven and must have the digests in jars.sha256.
set -euo pipefail
umask 022
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly SUITE=trixie
readonly PACKAGES=base-files,openjdk-21-jre-headless
readonly COPY=org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies
readonly cache=${SILO_CACHE:-/var/cache/silo}
hash=$(cat "$here"/{tree.sh,pom.xml,jars.sha256} | sha256sum)
readonly tree=$cache/smsc-${hash:0:16} partial=$cache/.partial-smsc log=$cache/smsc.log

say() { printf 'silo: %s\n' "$1" >&2; }

fail() {
  tail -n 8 "$log" >&2
  say "The SMSC of the tests could not be made: the reason is above, the whole log is $log."
  exit 1
}

# mmdebstrap made the build root, so it is there.
unpack() {
  local mirrors
  mapfile -t mirrors < <("$here/../../image/tree.sh" sources)
  mmdebstrap --variant=extract --include="$PACKAGES" "$SUITE" "$partial" "${mirrors[@]}"
}

install_maven() {
  apt-get update
  DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 maven
}

fetch() {
  command -v mvn >/dev/null || install_maven
  mvn --batch-mode --file "$here/pom.xml" "$COPY" -DoutputDirectory="$partial/opt/smsc"
  (cd "$partial/opt/smsc" && sha256sum -- *.jar) | diff "$here/jars.sha256" -
}

build() {
  say 'making the SMSC of the tests: once, a minute'
  rm -rf --one-file-system "$partial"
  { unpack && fetch; } >"$log" 2>&1 || fail
  mv -T "$partial" "$tree"
}

if [[ ! -d $tree ]]; then
  mkdir -p "$cache"
  exec 9>"$cache/.smsc.lock"
  flock 9
  [[ -d $tree ]] || build
fi
printf '%s\n' "$tree"
