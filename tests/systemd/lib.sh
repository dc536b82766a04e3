# shellcheck shell=bash disable=SC2034 # what is not used here is used by those who source this
# Shared by the scripts of this folder; sourced, not run. What makes a tree of Debian is the
# guests' (../guest/lib.sh), with a cache and a release of its own:
#
#   NVMETD_SYSTEMD_CACHE  where trees are kept (/var/cache/nvmetd-systemd)
#   NVMETD_SYSTEMD_SUITE  the Debian release, and so the systemd (bookworm, which has 252)
#
# Exit 77 means: it cannot be had on this machine; the last line of standard error says why.
guest_cache=${NVMETD_GUEST_CACHE-} guest_suite=${NVMETD_GUEST_SUITE-}
NVMETD_GUEST_CACHE=${NVMETD_SYSTEMD_CACHE:-${XDG_CACHE_HOME:-/var/cache}/nvmetd-systemd}
NVMETD_GUEST_SUITE=${NVMETD_SYSTEMD_SUITE:-bookworm}
# shellcheck source=../guest/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../guest/lib.sh"
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
