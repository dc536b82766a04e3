# shellcheck shell=bash
# Shared by the baselines; sourced in the guest as /host/lib.sh.
NQN=nqn.2001-01.com.example:baseline
CFG=/sys/kernel/config/nvmet

# nvmet_up TRTYPE TRADDR TRSVCID ADRFAM: the kernel's own target, one RAM disk behind it.
nvmet_up() {
	local subsystem=$CFG/subsystems/$NQN port=$CFG/ports/1
	modprobe -a brd nvmet "nvmet-$1" || return
	[ -b /dev/ram0 ] || return
	mkdir -p "$subsystem/namespaces/1" "$port"
	echo 1 >"$subsystem/attr_allow_any_host"
	echo /dev/ram0 >"$subsystem/namespaces/1/device_path"
	echo 1 >"$subsystem/namespaces/1/enable"
	echo "$1" >"$port/addr_trtype"
	echo "$2" >"$port/addr_traddr"
	[ -z "$3" ] || echo "$3" >"$port/addr_trsvcid"
	echo "$4" >"$port/addr_adrfam"
	ln -s "$subsystem" "$port/subsystems/$NQN"
}

# namespace_of NQN: the block device of its first namespace, waited for.
namespace_of() {
	local subsystem device
	for _ in {1..100}; do
		for subsystem in /sys/class/nvme-subsystem/nvme-subsys*; do
			[ "$(cat "$subsystem/subsysnqn" 2>/dev/null)" = "$1" ] || continue
			for device in "$subsystem"/nvme*n*; do
				[ -b "/dev/${device##*/}" ] && { echo "/dev/${device##*/}"; return; }
			done
		done
		sleep 0.1
	done
	echo "no namespace of $1" >&2
	return 1
}

# load DEVICE: data written and read back, then random 4 KiB I/O at two depths.
load() {
	local depth fio=(fio --filename="$1" --direct=1 --ioengine=libaio --rw=randrw --bs=4k)
	"${fio[@]}" --name=verify --iodepth=16 --size=8M --verify=crc32c --verify_fatal=1 --minimal >/dev/null ||
		return
	echo "verify=crc32c over 8 MiB of $1: good"
	for depth in 1 32; do
		"${fio[@]}" --name="qd$depth" --iodepth=$depth --size=64M --time_based --runtime=2 \
			--output-format=json 2>/dev/null | jq -r '.jobs[0] | "\(.jobname): \(.read.iops + .write.iops
				| floor) IOPS, mean latency read \(.read.clat_ns.mean / 1000 | floor) us"'
	done
}

# probe TRTYPE ARG…: discover, connect, load, disconnect.
probe() {
	local type=$1
	shift
	modprobe "nvme-$type"
	nvme discover -t "$type" "$@" | grep -E 'trtype|subnqn|traddr' || return
	nvme connect -t "$type" "$@" -n "$NQN" || return
	load "$(namespace_of "$NQN")" || return
	nvme disconnect -n "$NQN"
}
