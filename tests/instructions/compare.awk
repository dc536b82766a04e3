# compare.awk BUDGET MEASURED: TAP, a test for each line; exit status 1 if one of them failed.

function key() { return $1 ":" $2 }

# At QD 1 a process that is held up by others finds at once what it else would have waited for: then
# it takes less, and not because of what it is. So it is on a machine that has much to do.
function is_held_up() {
	return $1 ~ /-qd1$/ && ($4 < budget[key(), 4] - 0.1 || $5 < budget[key(), 5] - 0.1)
}

# Which of the three is too much, or so much less that the budget is to be lowered; "" if none.
# A system call that is made for each command is one more.
function verdict(what, is, may) {
	if (is > may * 1.04 + (what == "instructions" ? 0 : 0.25))
		return is " " what ", the budget is " may
	if (!is_held_up() && is < may * 0.90 - (what == "instructions" ? 0 : 0.25))
		return is " " what ", the budget is still " may ": tests/instructions/run --update"
	return ""
}

function say(name, reason) {
	bad += reason != ""
	printf "%sok %d - %s%s\n", reason == "" ? "" : "not ", ++n, name, reason == "" ? "" : ": " reason
}

BEGIN { FS = "[ \t]+" }
/^#/ || /^ *$/ { next }
FNR == NR { for (i = 3; i <= 5; i++) budget[key(), i] = $i; lines[key()] = 1; next }
{
	name = $1 ":nvmetd-" $2 "_stays_within_its_budget"
	printf "# %-18s nvmetd-%-4s %8.1f instructions %6.2f system calls %6.2f clock a command\n", $1, $2, $3, $4, $5
	if (!(key() in lines)) {
		say(name, "it has none: tests/instructions/run --update")
		next
	}
	delete lines[key()]
	reason = verdict("instructions", $3, budget[key(), 3])
	if (reason == "") reason = verdict("system calls", $4, budget[key(), 4])
	if (reason == "") reason = verdict("readings of the clock", $5, budget[key(), 5])
	say(name, reason)
}
END {
	for (left in lines)
		say(left "_is_measured", "the budget has a line for it, and nothing measures it")
	printf "1..%d\n", n
	exit bad > 0
}
