# shellcheck shell=bash
# Shared by the tests; sourced in the guest as /host/tests/lib.sh.
#
# A test is a function named for what then holds, run by `holds`; its arguments, NAME=VALUE,
# are its variables. Any command in it that fails ends it. $ADDRESS is where the guest reaches the
# target; $BASELINE is set when that is the guest's own kernel, $UNITS when the guest's systemd runs it,
# $INSIDE when it is in the guest, too, $FABRIC when that is for RDMA.
set -u
shopt -s inherit_errexit
# shellcheck disable=SC1091 # written by run
. /host/environment
TRTYPE=tcp
PORT=4420
declare -A HOST_IDS=(
	[first]=11111111-1111-4111-8111-111111111111
	[second]=22222222-2222-4222-8222-222222222222
	[stranger]=33333333-3333-4333-8333-333333333333)
tests_failed=0
trace=$(mktemp /tmp/trace.XXXXXX)

nqn() { echo "nqn.2001-01.com.example:$1"; }

host_nqn() { echo "nqn.2014-08.org.nvmexpress:uuid:${HOST_IDS[$1]}"; }

# holds TEST [NAME=VALUE…]: run it, and say as a line of TAP how it ended; if it failed, its trace.
holds() {
	local status test=$1 name="$*"
	echo "test: $name" >/dev/kmsg
	(
		exec >"$trace" 2>&1 7>&1
		BASH_XTRACEFD=7
		set -exo pipefail
		shift
		[ $# -eq 0 ] || declare "$@"
		"$test"
	)
	status=$?
	if [ $status -eq 0 ]; then
		echo "ok - ${name//_/ }"
		return
	fi
	echo "not ok - ${name//_/ }"
	echo "# exit $status: $(grep -v '^+' "$trace" | tail -n 1)"
	echo "# its last words:"
	tail -n 60 "$trace" | sed 's/^/#   /'
	tests_failed=$((tests_failed + 1))
	return 1
}

# needs TEST…: the same, and without it there is no point in those that follow. (And not
# `holds … || finish`: in what stands before || no command that fails ends a test.)
needs() {
	holds "$@"
	[ $tests_failed -eq 0 ] || finish
}

# shows CLAUSE WHAT: what of a specification this test shows, for docs/CONFORMANCE.md
# (tests/conformance/rows reads it from the source).
shows() { :; }

# skips WHY: a line of TAP for what cannot be tested here.
skips() { echo "ok - $1 # SKIP $2"; }

# shows CLAUSE WHAT: what of the specifications the script shows, for docs/CONFORMANCE.md, which is made of
# these lines (tests/conformance/rows).
shows() { :; }

# finish: the end of every script of tests.
finish() {
	[ -n "$BASELINE" ] || [ -z "$processes" ] || holds no_process_of_the_target_has_ended
	nvme disconnect-all
	if [ $tests_failed -gt 0 ]; then
		echo '# the last messages of the guest'"'"'s kernel:'
		dmesg | sed -n '/\] test: /,$s/^/#   /p' | tail -n 60
	fi
	exit $((tests_failed > 0))
}

# fails COMMAND…: it must (and ! would not end a test).
fails() {
	if "$@"; then
		echo "did not fail: $*" >&2
		return 1
	fi
}

# kernel_said PATTERN: has the guest's kernel said that since this test began?
kernel_said() { dmesg | awk '/\] test: / { said = "" } { said = said $0 "\n" } END { print said }' | grep -- "$1"; }

# kernel_never_said PATTERN: has it not, as a host, since the boot?
kernel_never_said() { fails grep -i -- "$1" <(dmesg | grep -v '\] \(test\|nvmet[a-z_]*\): '); }

# soon CONDITION…: wait until it holds, 15 s at most.
soon() {
	local - tries
	set +x
	for ((tries = 0; tries < 300; tries++)); do
		if "$@"; then return 0; fi
		sleep 0.05
	done
	echo "not even after 15 s: $*" >&2
	return 1
}

listening() { (exec 3<>"/dev/tcp/$ADDRESS/$PORT") 2>/dev/null; }

# expected FIELD SUBSYSTEM NSID: what the table of namespaces says (size, block, uuid).
expected() {
	local column
	case $1 in size) column=3 ;; block) column=4 ;; uuid) column=5 ;; esac
	awk -v s="$2" -v n="$3" -v c="$column" '$1 == s && $2 == n { print $c }' /host/target/namespaces |
		if [ "$1" = size ]; then numfmt --from=iec; else cat; fi
}

discover() { nvme discover -t "$TRTYPE" -a "$ADDRESS" -s $PORT "$@"; }

connect() { # SUBSYSTEM [OPTION…]
	local subsystem=$1
	shift
	nvme connect -t "$TRTYPE" -a "$ADDRESS" -s $PORT -n "$(nqn "$subsystem")" "$@"
}

connect_as() { # HOST SUBSYSTEM [OPTION…]
	local host=$1
	shift
	connect "$@" --hostnqn="$(host_nqn "$host")" --hostid="${HOST_IDS[$host]}"
}

disconnect() { # SUBSYSTEM
	nvme disconnect -n "$(nqn "$1")"
	soon is_gone "$1"
}

# controller SUBSYSTEM: the name of its controller (nvme0), if it is connected.
controller() {
	local dir
	for dir in /sys/class/nvme/nvme*; do
		if [ "$(cat "$dir/subsysnqn" 2>/dev/null)" = "$(nqn "$1")" ]; then
			echo "${dir##*/}"
			return
		fi
	done
	return 1
}

is_live() { [ "$(cat "/sys/class/nvme/$1/state")" = live ]; }
is_gone() { ! controller "$1" >/dev/null; }

find_namespace() { # SUBSYSTEM NSID; sets $device
	local dir head
	for dir in /sys/class/nvme-subsystem/nvme-subsys*; do
		[ "$(cat "$dir/subsysnqn" 2>/dev/null)" = "$(nqn "$1")" ] || continue
		# those of the subsystem, or, without multipath, of its controller
		for head in "$dir"/nvme*n* "$dir"/nvme*/nvme*n*; do
			if [ "$(cat "$head/nsid" 2>/dev/null)" = "$2" ] && [ -b "/dev/${head##*/}" ]; then
				device=/dev/${head##*/}
				return 0
			fi
		done
	done
	return 1
}

# namespace SUBSYSTEM NSID: its block device, waited for.
namespace() {
	local device
	soon find_namespace "$1" "$2" && echo "$device"
}

# verify DEVICE OPTION…: fio writes and reads at random, and checks each byte it wrote.
verify() {
	local device=$1
	shift
	[[ " $* " == *' --name='* ]] || set -- --name=verify "$@"
	fio --filename="$device" --direct=1 --ioengine=libaio --rw=randrw \
		--verify=crc32c --verify_fatal=1 --group_reporting "$@"
}

# outside REQUEST: have target/serve do it on its side; its answer, and its exit status.
outside() {
	local ask status
	ask=$(mktemp -u /host/ask/XXXXXX)
	echo "$1" >"$ask.request"
	soon test -e "$ask.answer"
	{
		read -r status
		cat
	} <"$ask.answer"
	return "$status"
}

the_target_listens() { soon listening; }
no_process_of_the_target_has_ended() { [ "$(outside pids)" = "$processes" ]; }

if [ -n "$FABRIC" ]; then
	/host/tests/fabric make ${BASELINE:+--here} || exit
fi
if [ -n "$BASELINE" ]; then
	/host/tests/nvmet up /host/config.json /host/target/namespaces || exit
elif [ -n "$UNITS" ]; then
	/host/tests/units up /host/root /host/config.json /host/target/namespaces || exit
elif [ -n "$INSIDE" ]; then
	FABRIC=$FABRIC LISTENS=$LISTENS THREADS=$THREADS PROTECTED=$PROTECTED /host/tests/inside up || exit
fi
modprobe -qa nvme-tcp nvme-rdma || :
processes= # of the target, that must not end
needs the_target_listens
[ -n "$BASELINE$UNITS" ] || processes=$(outside pids)
