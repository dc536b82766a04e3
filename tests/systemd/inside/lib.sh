# shellcheck shell=bash disable=SC2034 # what is not used here is used by those who source this
# What the tests here share, which run where a systemd is process 1; sourced, not run.
#
# A test is a function named for what then holds, run by `holds`; its arguments, NAME=VALUE, are
# its variables. Any command in it that fails ends it.
set -u
shopt -s inherit_errexit
export LC_ALL=C.UTF-8
NQN=nqn.2001-01.com.example:systemd
HOST=nqn.2014-08.org.nvmexpress:uuid:11111111-1111-4111-8111-111111111111
PORT=22000
FILES=/var/lib/nvmetd-io
UNITS=(nvmetd-state nvmetd-io@io-0 nvmetd-tcp)
tests_failed=0
trace=$(mktemp /tmp/trace.XXXXXX)
began=$(date '+%F %T')

# holds TEST [NAME=VALUE…]: run it, and say as a line of TAP how it ended; if it failed, its trace.
holds() {
	local status test=$1 name="$*"
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
	echo "# exit $status; its last words:"
	tail -n 60 "$trace" | sed 's/^/#   /'
	tests_failed=$((tests_failed + 1))
	return 1
}

# skips WHAT WHY: a line of TAP for what cannot be tested here.
skips() { echo "ok - $1 # SKIP $2"; }

# finish: the end of every script of tests.
finish() {
	if [ $tests_failed -gt 0 ]; then
		echo '# the last words of the units:'
		journalctl --no-pager -o short-precise --since "$began" -u 'nvmetd*' | tail -n 80 | sed 's/^/#   /'
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

# soon COMMAND…: it succeeds within 20 seconds.
soon() {
	local left=400
	{ set +x; } 2>/dev/null
	until "$@" >/dev/null 2>&1; do
		left=$((left - 1))
		[ $left -gt 0 ] || { echo "not in time: $*" >&2; return 1; }
		sleep 0.05
	done
	set -x
}

# ------------------------------------------------------------------ units

property() { systemctl show --property "$2" --value "$1"; }
pid_of() { property "$1" MainPID; }
restarts_of() { property "$1" NRestarts; }
is_active() { systemctl --quiet is-active "$@"; }
all_active() { is_active nvmetd.target "${UNITS[@]}"; }
has_ended() { [ ! -e "/proc/$1" ]; }
# came_again UNIT PID: it is up, as another process than PID.
came_again() { is_active "$1" && [ "$(pid_of "$1")" != "$2" ]; }
all_ready() { ! nvmetctl status | grep -q 'not ready' && nvmetctl status --json | grep -q '"state"'; }

# ------------------------------------------------------------------ what is exported

exports() {
	cat <<-END
		{
		  "hosts": [],
		  "ports": [
		    {"portid": 1,
		     "addr": {"trtype": "tcp", "adrfam": "ipv4", "traddr": "127.0.0.1", "trsvcid": "$PORT"},
		     "subsystems": ["$NQN"]}
		  ],
		  "subsystems": [
		    {"nqn": "$NQN", "attr": {"allow_any_host": "1"},
		     "namespaces": [
		       {"nsid": 1, "enable": 1, "device": {"path": "ram:64M"}},
		       {"nsid": 2, "enable": 1, "device": {"path": "$FILES/disk"}}]}
		  ]
		}
	END
}

# make_disk NAME: where there is none; one that is replaced under a worker is another file.
make_disk() {
	[ ! -e "$FILES/$1" ] || return 0
	install -o nvmetd-io -g nvmetd-io -m 600 /dev/null "$FILES/$1"
	truncate -s 128M "$FILES/$1"
}

# load NSID SECONDS [OPTION…]: verified I/O, and its result as one JSON object.
load() {
	local nsid=$1 seconds=$2
	shift 2
	nvmetd-bench --traddr 127.0.0.1 --trsvcid $PORT --nqn "$NQN" --nsid "$nsid" --hostnqn "$HOST" \
		--verify --rw randrw --qd 8 --region 32M --seconds "$seconds" --json --cpu -1 "$@"
}

# figure NAME: of what load has said, which comes in.
figure() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p"; }
