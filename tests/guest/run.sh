# shellcheck shell=bash disable=SC2154 # the options are set by those who source this
# What uml-run and qemu-run share; sourced by them after lib.sh.
#
# A run has a folder of its own, $run: what the guest says goes to $run/out, how it went to
# $run/rc ("up SECONDS", "rc STATUS"), its kernel's messages to $run/console, what its
# machine says to $run/machine.log.

open_run() {
	own_folder run
	run=$folder machine=
	trap close_run EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	touch "$run"/{out,rc,console}
}

close_run() {
	trap '' EXIT HUP INT TERM
	if [ -n "$machine" ] && kill -KILL "$machine" 2>/dev/null; then
		wait "$machine" 2>/dev/null || :
	fi
	rm -rf --one-file-system "$run"
}

# bring_along INITRD SCRIPT ARG…: $run/initrd, which is INITRD with what this run adds to it.
bring_along() {
	local initrd=$1 script=$2
	shift 2
	mkdir -p "$run/tree/guest"
	cat "${script/#-/\/dev/stdin}" >"$run/tree/guest/script"
	chmod +x "$run/tree/guest/script"
	[ $# -eq 0 ] || printf '%s\n' "$@" >"$run/tree/guest/args"
	cp "$HERE/guest/main" "$HERE/guest/script.service" "$run/tree/guest/"
	install -m 755 "$HERE/guest/init" "$run/tree/init"
	(cd "$run/tree" && find guest init | cpio -o -H newc --quiet) | cat "$initrd" - >"$run/initrd"
}

# boot NAME COMMAND…: run the machine, pass on what the guest says, and exit with its
# verdict: the script's own status, 124 when the time ran out, 125 when the guest died.
boot() {
	local name=$1 began=${EPOCHREALTIME/./} ended=0 speaker up status
	shift
	# killed with this shell, should that be killed itself
	setpriv --pdeathsig KILL "$@" </dev/null >"$run/machine.log" 2>&1 &
	machine=$!
	tail -n +1 -s 0.1 -F --pid="$machine" "$run/out" 2>/dev/null &
	speaker=$!
	[ -z "$console" ] || { tail -n +1 -s 0.1 -F --pid="$machine" "$run/console" >&2 2>/dev/null & }
	wait "$machine" || ended=$?
	machine=
	wait "$speaker" || :
	up=$(awk '$1 == "up" { print $2 }' "$run/rc")
	status=$(awk '$1 == "rc" { print $2 }' "$run/rc")
	[ -z "$timing" ] ||
		echo "$name: guest up ${up:-never} s, whole run $(((${EPOCHREALTIME/./} - began) / 1000)) ms" >&2
	if [ -z "$status" ]; then
		status=125
		if [ "$ended" -eq 124 ] || [ "$ended" -eq 137 ]; then status=124; fi
		echo "$name: no exit status after at most $timeout s ($ended); the last words of the guest:" >&2
		[ -L "$run/console" ] || tail -n 5 "$run/machine.log" >&2
		tail -n 30 "$run/console" >&2
	fi
	if [ "$status" -ne 0 ] && [ -s "$run/with.log" ]; then
		echo "$name: the last words of $with:" >&2
		tail -n 20 "$run/with.log" >&2
	fi
	exit "$status"
}
