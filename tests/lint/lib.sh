# Shared by the lint scripts (sourced, not run). Each script checks one thing over all files
# that git tracks or would track, says each finding as file:line: what, and exits with 0 (good),
# 1 (findings) or 77 (its tool is not installed; says which).
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
failed=0

need() {
	command -v "$1" >/dev/null || { echo "$1 is not installed"; exit 77; }
}

# files PATTERN...: as git ls-files, with what is not committed yet, without what is deleted.
files() {
	git ls-files --cached --others --exclude-standard -- "$@" 2>/dev/null | sort -u |
		while read -r file; do [ ! -f "$file" ] || echo "$file"; done
}

finding() {
	echo "$*"
	# shellcheck disable=SC2034 # the scripts' exit status
	failed=1
}
