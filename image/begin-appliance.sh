#!/bin/bash
# What must be settled before the appliance's packages are installed. tree.sh has mmdebstrap call this with the tree.
set -euo pipefail
root=$1

# The kernel's package makes an initrd that finish-appliance.sh replaces: it need have nothing in it.
mkdir -p "$root/etc/dracut.conf.d"
printf '%s\n' 'dracutmodules=" systemd "' 'no_kernel=yes' 'compress=cat' >"$root/etc/dracut.conf.d/none.conf"
