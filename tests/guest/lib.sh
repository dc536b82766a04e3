# shellcheck shell=bash disable=SC2034 # what is not used here is used by those who source this
# Shared by the scripts of this folder; sourced, not run.
#
#   NVMETD_GUEST_CACHE  where all that they make is kept (/var/cache/nvmetd-guest)
#   NVMETD_GUEST_SUITE  the Debian release of the guests (trixie)
#
# Exit 77 means: it cannot be had on this machine; the last line of standard error says why.
umask 022
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CACHE=${NVMETD_GUEST_CACHE:-${XDG_CACHE_HOME:-/var/cache}/nvmetd-guest}
SUITE=${NVMETD_GUEST_SUITE:-trixie}

note() { echo "[$(date +%T)] $*" >&2; }
die() { echo "${0##*/}: $*" >&2; exit 1; }
skip() { echo "${0##*/}: $*" >&2; exit 77; }

# usage: the comment at the top of the calling script, as its help.
usage() { sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2; exit 2; }

# open_cache MIB: the cache folder, with at least MIB free if something is to be made in it.
open_cache() {
	[ "$(uname -m)" = x86_64 ] || skip "guests are made on x86_64 only, this is $(uname -m)"
	[ "$(id -u)" -eq 0 ] || skip 'making and running guests takes root'
	mkdir -p "$CACHE" || skip "cannot make $CACHE"
	local free
	free=$(($(stat -f -c '%a * %S' "$CACHE") / 1048576))
	[ "$free" -ge "$1" ] || skip "$CACHE has $free MiB free, $1 are needed"
}

# lock NAME: be the only one who makes NAME; the lock ends with the process.
lock() {
	local fd
	exec {fd}>"$CACHE/$1.lock"
	flock -n "$fd" && return
	note "waiting for another run that makes the $1"
	flock "$fd"
}

# own_folder KIND: sets $folder to a new folder of this process, and clears away those of
# processes that were killed.
own_folder() {
	local old fd
	for old in "$CACHE/$1".*/; do
		[ ! -e "$old/lock" ] || flock -n "$old/lock" rm -rf --one-file-system "$old" || :
	done
	folder=$(mktemp -d "$CACHE/$1.XXXXXX")
	exec {fd}>"$folder/.lock"
	flock "$fd"
	mv "$folder/.lock" "$folder/lock"
}

apt() { apt-get -q -y -o DPkg::Lock::Timeout=600 "$@"; }

# have PACKAGE…: install those that this machine lacks.
have() {
	local lacking=() name log=$CACHE/apt.log
	for name in "$@"; do
		dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q ' installed$' || lacking+=("$name")
	done
	[ ${#lacking[@]} -gt 0 ] || return 0
	note "installing ${lacking[*]}"
	apt install --no-install-recommends "${lacking[@]}" >"$log" 2>&1 && return
	apt update >>"$log" 2>&1 && apt install --no-install-recommends "${lacking[@]}" >>"$log" 2>&1 && return
	skip "apt cannot install ${lacking[*]}: $(tail -n 1 "$log")"
}

# archive: the address of the Debian archive that this machine's own apt uses.
archive() {
	local url
	# shellcheck disable=SC2016 # the dollar is apt's
	url=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Label: Debian' | head -n 1)
	case $url in
	mirror+file:*) awk '!/^#/ { print $1; exit }' "/${url#mirror+file:*/}" ;;
	*) echo "$url" ;;
	esac
}

# find_archive: sets $url to it.
find_archive() {
	url=$(archive)
	[ -n "$url" ] || { apt update >&2 && url=$(archive); }
	[ -n "$url" ] || skip 'no Debian archive in the sources of apt'
	if [ -z "${http_proxy-}" ]; then
		# debootstrap knows the environment's proxy only
		eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
		[ -z "${http_proxy-}" ] || export http_proxy
	fi
}

# grow_tree DIR PACKAGE…: a minimal tree of $SUITE with the named packages; those given as
# NAME/RELEASE come from that release. Documents and translations are left out.
grow_tree() {
	local dir=$1 log=$1.log url topic
	shift
	find_archive
	have debootstrap debian-archive-keyring
	rm -rf --one-file-system "$dir"
	mkdir -p "$dir/etc/dpkg/dpkg.cfg.d"
	for topic in doc man locale info lintian i18n; do
		echo "path-exclude=/usr/share/$topic/*"
	done >"$dir/etc/dpkg/dpkg.cfg.d/guest"
	debootstrap --variant=minbase "$SUITE" "$dir" "$url" >"$log" 2>&1 ||
		skip "debootstrap cannot make a tree of $SUITE ($log): $(tail -n 1 "$log")"
	printf "deb $url %s main\n" "$SUITE" "$SUITE-updates" "$SUITE-backports" >"$dir/etc/apt/sources.list"
	printf '#!/bin/sh\nexit 101\n' >"$dir/usr/sbin/policy-rc.d"
	chmod +x "$dir/usr/sbin/policy-rc.d"
	cp -L /etc/resolv.conf "$dir/etc/resolv.conf"
	{
		chroot "$dir" apt-get -q update &&
			INITRD=No LC_ALL=C chroot "$dir" apt-get -q -y --no-install-recommends \
				-o Dpkg::Options::=--force-unsafe-io install "$@"
	} >>"$log" 2>&1 || skip "apt cannot fill the tree of $SUITE ($log): $(tail -n 1 "$log")"
	rm -rf "$dir"/var/cache/apt/*.bin "$dir"/var/cache/apt/archives/*.deb \
		"$dir"/var/lib/apt/lists/* "$dir/etc/resolv.conf"
}

# key FILE…: a short name for what is in them, and in standard input where FILE is -.
key() { cat "$@" | cksum | cut -d ' ' -f 1; }

# use FOLDER: say on standard output that this is it, and clear away those of its kind that no
# run has used for two weeks: other checkouts may still want what this one does not.
use() {
	touch "$1"
	find "$CACHE" -maxdepth 1 -name "$(basename "${1%-*}")-*" -type d -mtime +14 \
		-exec rm -rf --one-file-system {} +
	echo "$1"
}

# pack DIR FILE BUSYBOX: FILE, an initramfs of DIR and BUSYBOX, for a run to add guest/init to.
pack() {
	mkdir -p "$1"/{bin,dev,modules,proc,root}
	cp "$3" "$1/bin/busybox"
	(cd "$1" && find . | cpio -o -H newc --quiet) >"$2.new"
	mv "$2.new" "$2"
}
