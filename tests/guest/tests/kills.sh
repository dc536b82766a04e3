# shellcheck shell=bash
# Shared by the tests of kills; sourced by them after lib.sh. They set
#
#   paths          the addresses that the host connects to
#   transports     the process of each of them
#   reconnects     not empty: hosts do so in a planned restart of a transport, too
#   connects       a test
#
# All the time fio verifies what it writes to namespace 1 and to files of an XFS on namespace 2,
# where trees are copied and compared besides. In each of $KILLS rounds every process of
# the target is killed once, one after the other, and then all at once; and the transport is restarted
# as an upgrade would do it, which over TCP the host must not notice. The next is done as soon as the host
# is served again: both namespaces get on, every path is live, and, if those who had to do with it
# were gone, an admin command is answered.
trap '' PIPE # which Linux sends to whose I/O meets a connection that has just ended
PATIENCE_MS=20000 # for the host to be served again; it gives an I/O 30 s
MOUNTED=/tmp/mounted

# ------------------------------------------------------------------ load

# load NAME COMMAND…: with what it says in load.NAME, and how it ended in ended.NAME.
load() {
	local name=$1
	shift
	set +ex # and not `… || status=$?`, which would take the -e from COMMAND, too
	(set -e; "$@") >"/tmp/load.$name" 2>&1
	echo $? >"/tmp/ended.$name"
}

# Writes all of a part of something, then verifies all of it, again and again. Each time with another
# seed, or what was there before would be as good. The pauses to think are for the others here.
in_passes() { # OPTION…
	local pass=0
	until [ -e /tmp/enough ]; do
		pass=$((pass + 1))
		fio --thread --direct=1 --ioengine=libaio --rw=randwrite --randseed=$pass --verify=crc32c --verify_fatal=1 \
			--thinktime=10ms --thinktime_blocks=16 --name=pass "$@"
	done
	echo "# fio has written and verified $pass times: $*"
}

# Reads a little all the time, so that it is seen when nothing can be.
steadily() { # DEVICE
	local status=0
	fio --thread --filename="$1" --direct=1 --ioengine=libaio --rw=randread --bs=4k --iodepth=2 \
		--time_based --runtime=1d --thinktime=4ms --name=steady &
	echo $! >/tmp/steady
	wait $! || status=$?
	[ $status -eq 128 ] # by a signal, without an error
}

copy_trees() {
	local pass=0
	until [ -e /tmp/enough ]; do
		pass=$((pass + 1))
		cp -a /usr/sbin "$MOUNTED/new"
		sync -f "$MOUNTED"
		# not each time: the programs of this guest are in there, too
		[ $((pass % 4)) -ne 0 ] || echo 1 >/proc/sys/vm/drop_caches
		diff -r --no-dereference /usr/sbin "$MOUNTED/new"
		rm -rf "$MOUNTED/tree"
		mv "$MOUNTED/new" "$MOUNTED/tree"
	done
	echo "# a tree was copied and compared $pass times"
}

LOADS='raw-small raw-large raw-steady files-direct files-synced trees'

both_namespaces_are_under_load() {
	local raw xfs
	raw=$(namespace open 1)
	xfs=$(namespace open 2)
	mkfs.xfs -q -f "$xfs"
	mkdir -p "$MOUNTED"
	mount "$xfs" "$MOUNTED"
	load raw-small in_passes --filename="$raw" --size=8M --bssplit=512/30:4k/50:8k/20 --iodepth=32 &
	load raw-large in_passes --filename="$raw" --offset=64M --size=32M --bssplit=16k/40:64k/40:256k/20 --iodepth=8 &
	load raw-steady steadily "$raw" &
	load files-direct in_passes --filename="$MOUNTED/direct" --size=4M --bs=4k --iodepth=8 &
	load files-synced in_passes --filename="$MOUNTED/synced" --size=16M --bs=16k --direct=0 --fsync=16 &
	load trees copy_trees &
}

no_load_has_ended() { fails compgen -G '/tmp/ended.*'; }
all_loads_have_ended() {
	local name
	for name in $LOADS; do [ -e "/tmp/ended.$name" ] || return 1; done
}

# ------------------------------------------------------------------ kills

now_ms() { local now=${EPOCHREALTIME/./}; REPLY=$((now / 1000)); }

# completed DISK: how many reads and writes of it have been
completed() {
	local fields
	read -ra fields <"/sys/block/$1/stat"
	REPLY=$((fields[0] + fields[4]))
}

all_are_live() {
	local state n=0
	for state in /sys/class/nvme/nvme*/state; do
		[ "$(<"$state")" = live ] || return 1
		n=$((n + 1))
	done
	[ $n -eq ${#paths[@]} ]
}

identify() { nvme id-ctrl /dev/nvme0 >/dev/null && : >"$answered"; }

# What is asked for, in the order of when it can be there; the bounds are more than what can have
# been in flight. A step that holds is not looked at again: $step is the first that did not yet.
is_served() {
	case $step in
	0)
		[ -e "$ask.answer" ] || return 1
		completed "$disk1"; before1=$REPLY
		completed "$disk2"; before2=$REPLY
		step=1 ;&
	1)
		completed "$disk1"
		[ $REPLY -ge $((before1 + 64)) ] || return 1
		completed "$disk2"
		[ $REPLY -ge $((before2 + 32)) ] || return 1
		step=2 ;&
	2)
		all_are_live || return 1
		case $kind in io | transport) return ;; esac
		identify &
		step=3 ;&
	3) [ -e "$answered" ] ;;
	esac
}

# hit KIND REQUEST: have something done to the target, and wait until the host is served again.
# The longest time in which namespace 1 completed nothing is the pause.
hit() {
	local kind=$1 step=0 began last seen pause=0 before1 before2 ask answered status
	hits=$((hits + 1)) ask=/host/ask/$hits answered=/tmp/answered.$hits # no process is needed for that
	completed "$disk1"; seen=$REPLY
	now_ms; began=$REPLY last=$REPLY
	echo "$2" >"$ask.request"
	until is_served; do
		completed "$disk1"
		if [ "$REPLY" != "$seen" ]; then
			seen=$REPLY
			now_ms
			[ $((REPLY - last)) -le $pause ] || pause=$((REPLY - last))
			last=$REPLY
		fi
		now_ms
		if [ $((REPLY - began)) -gt $PATIENCE_MS ]; then
			echo "not served even $PATIENCE_MS ms after \"$2\", step $step"
			head /sys/class/nvme/nvme*/state "/sys/block/$disk1/stat" "/sys/block/$disk2/stat"
			return 1
		fi
		read -rt 0.004 -u "$nothing" || :
	done
	wait
	now_ms
	echo "$kind $pause $((REPLY - began))" >>/tmp/hits
	read -r status <"$ask.answer"
	[ "$status" -eq 0 ] || { cat "$ask.answer"; return 1; }
}

lost_connections() { dmesg | grep -c 'nvme.*\(error recovery\|reconnect\)' || :; }

planned_restart() { # NAME
	local before
	before=$(lost_connections)
	hit restart "restart $1"
	[ -n "$reconnects" ] || [ "$(lost_connections)" = "$before" ]
}

the_host_is_served_again_after_each_death() {
	local - round disk1 disk2 nothing hits=0
	set +x
	disk1=$(basename "$(namespace open 1)")
	disk2=$(basename "$(namespace open 2)")
	exec {nothing}<> <(:) # nothing is ever read from it: a sleep that is no process
	for ((round = 0; round < KILLS; round++)); do
		echo "round $round"
		hit io 'kill io-0'
		hit state 'kill state'
		planned_restart "${transports[0]}"
		hit transport "kill ${transports[round % ${#transports[@]}]}"
		hit all 'kill all'
		no_load_has_ended
	done
}

# ------------------------------------------------------------------ afterwards

no_load_has_seen_an_error() {
	touch /tmp/enough
	xargs kill </tmp/steady
	soon all_loads_have_ended || soon all_loads_have_ended
	grep -h 'verify failed\|err=\|^#' /tmp/load.*
	fails grep -v -x 0 /tmp/ended.*
}

the_files_are_right_after_a_new_mount() {
	umount "$MOUNTED"
	mount "$(namespace open 2)" "$MOUNTED"
	diff -r --no-dereference /usr/sbin "$MOUNTED/tree"
	umount "$MOUNTED"
}

the_file_system_is_consistent() { xfs_repair -n "$(namespace open 2)"; }

# "I/O error, dev …", "recoverable transport error, dev …". Linux does not retry what it reads
# ahead (its flags have ...7..), and reads it once more when it is needed.
errors() { dmesg | grep ' error, dev '; }
READ_AHEAD='op 0x0:(READ) flags 0x[0-9a-f]*7[0-9a-f][0-9a-f] '

the_kernel_has_seen_no_error() {
	fails grep -v "$READ_AHEAD" <(errors)
	kernel_never_said 'buffer i/o error\|failing i/o'
	kernel_never_said 'corrupt\|XFS .*\(error\|shut\)\|blocked for\|BUG:\|WARNING:'
	kernel_never_said 'nvme.*\(removing controller\|removing ctrl: NQN "nqn.2001\|duplicate\|identifiers changed\)'
}

# tell: the figures
tell() {
	local kind
	for kind in io state restart transport all; do
		awk -v kind="$kind" '$1 == kind' /tmp/hits | sort -n -k 2 | awk -v kind="$kind" '
			{ ms[NR] = $2; served += $3 }
			END {
				if (NR == 0) exit
				printf "# %s: %d times; longest pause of namespace 1 %d ms at the median, %d ms at most;", kind,
					NR, ms[int((NR + 1) / 2)], ms[NR]
				printf " served again in all ways after %d ms on average\n", served / NR
			}'
	done
	echo "# the host reconnected $(dmesg | grep -c 'Successfully reconnected') times," \
		"and failed $(errors | grep -c "$READ_AHEAD") times to read ahead"
	grep -h '^#' /tmp/load.*
	awk '/clat \(.*max=/ {
			unit = /usec/ ? 1000 : /nsec/ ? 1000000 : 1
			sub(/.*max= */, "")
			ms = $0 * (/^[0-9.]*k/ ? 1000 : 1) / unit
			if (ms > most) most = ms
		}
		END { printf "# of fio'"'"'s I/Os none took longer than %d ms\n", most }' /tmp/load.raw-* /tmp/load.files-*
}
