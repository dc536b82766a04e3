# shellcheck shell=bash disable=SC2034 # what is not used here is used by those who source this
# Shared by the tests over RDMA; sourced by them after lib.sh. The target listens as the table of
# listeners says; `on` is the name of one of these, and so the device: rxe or siw, by IPv4 or not, …

# over LISTENER COMMAND…: with that as the address of the target.
over() {
	local TRTYPE ADDRESS PORT
	read -r TRTYPE ADDRESS PORT < <(awk -v name="$1" '$1 == name { print $3, $4, $5 }' /host/target/listeners)
	shift
	"$@"
}

is_found() { discover >/dev/null 2>&1; }

the_target_is_found() { over "$on" soon is_found; }

# Comes back soon after the target has: a second, and not the ten of the default.
connect_over() { # LISTENER SUBSYSTEM [OPTION…]
	over "$1" connect "${@:2}" --reconnect-delay=1 --ctrl-loss-tmo=-1
}

address_of_path() { echo "$TRTYPE traddr=$ADDRESS,trsvcid=$PORT"; }
address() { echo "$ADDRESS"; }

# path LISTENER: the controller (nvme0) that reaches the target there.
path() {
	local dir at
	at=$(over "$1" address_of_path)
	for dir in /sys/class/nvme/nvme*; do
		case "$(cat "$dir/transport" 2>/dev/null) $(cat "$dir/address" 2>/dev/null)," in
		"$at",*)
			echo "${dir##*/}"
			return
			;;
		esac
	done
	return 1
}

is_not_live() { fails is_live "$1" 2>/dev/null; }
path_is_gone() { fails path "$1" >/dev/null 2>&1; }

# block size, and how much of it to write; all at once, each in a part of its own
SIZES='512:256K 4k:1M 16k:1M 64k:2M 256k:4M 1M:8M'
SMALL='512:256K 4k:1M 8k:1M 16k:1M'

# verify_sizes SIZES DEVICE DEPTH [OPTION…]: random writes and reads of those that the blocks allow.
verify_sizes() {
	local device=$2 size jobs=() offset=0
	for size in $1; do
		[ "${size%:*}" != 512 ] || [ "$(blockdev --getss "$device")" -eq 512 ] || continue
		jobs+=(--name="${size%:*}" --bs="${size%:*}" --size="${size#*:}" --offset="${offset}M")
		offset=$((offset + 16))
	done
	verify "$device" --iodepth="$3" --thread "${@:4}" "${jobs[@]}"
}

# "failed nvme_keep_alive_end_io" is said of one that a disconnect has met.
nothing_failed_and_nothing_was_lost() {
	kernel_never_said 'nvme .*\(i/o error\|error recovery\|timeout\|reset\|reconnect\|failed to\|failed with\)'
	kernel_never_said 'BUG:\|WARNING:\|blocked for'
}

# rdma_runs_with [OPTION…]: nvmetd-rdma is another one, with these options besides.
rdma_runs_with() {
	local pid
	pid=$(pid_of rdma)
	echo "options=($*)" >/run/target/rdma
	kill -KILL "$pid"
	soon has_another_pid rdma "$pid"
	over rxe soon is_found
	over siw soon is_found
}

pid_of() { outside pids | awk -v name="$1" '$1 == name { print $2 }'; }
has_another_pid() { local pid; pid=$(pid_of "$1") && [ -n "$pid" ] && [ "$pid" != "$2" ]; }

# gets_on DEVICE: its I/O does.
ios_of() { awk '{ print $1 + $5 }' "/sys/block/$1/stat"; }
has_completed() { [ "$(ios_of "$1")" -ge "$2" ]; }
gets_on() { soon has_completed "${1#/dev/}" $(($(ios_of "${1#/dev/}") + 500)); }

# keep_writing DEVICE: written and verified until that is ended by a signal; to be run in a process of its own.
keep_writing() {
	exec fio --name=load --filename="$1" --thread --direct=1 --ioengine=libaio --rw=randwrite --bs=4k \
		--iodepth=16 --size=32M --verify=crc32c --verify_fatal=1 --verify_backlog=256 \
		--time_based --runtime=1d --randrepeat=0
}

ends_without_an_error() { # PID
	local status=0
	kill "$1"
	wait "$1" || status=$?
	[ "$status" -eq 128 ] # by the signal
}
