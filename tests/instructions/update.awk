# update.awk -v raise=1|"" -v environment=TEXT -v wanted=TEXT BUDGET MEASURED: the new budget. A
# figure that is more than the old one is kept out, unless raise is set or the old ones were taken
# in another environment; then the exit status is 1 if it is 4 % more.

function key() { return $1 ":" $2 }

# What is hardly less is not: else the budget would creep down to the least that there ever was.
function chosen(i, what,    slack, may) {
	slack = i == 3 ? 0 : 0.25
	may = budget[key(), i]
	if (!(key() in lines) || raise || environment != wanted || $i < may * 0.99 - slack)
		return $i
	if ($i > may * 1.04 + slack) {
		printf "%s nvmetd-%s: %s %s, the budget is %s: it grows with --raise only\n", $1, $2, $i, what,
			may >"/dev/stderr"
		grows = 1
	}
	return may
}

BEGIN { FS = "[ \t]+" }
FNR == NR && /^# for: / { print "# for: " environment; next }
FNR == NR && /^#/ { print; next }
/^ *$/ { next }
FNR == NR { for (i = 3; i <= 5; i++) budget[key(), i] = $i; lines[key()] = 1; next }
{
	printf "%-18s %-4s %8.1f %6.2f %6.2f\n", $1, $2, chosen(3, "instructions"), chosen(4, "system calls"),
		chosen(5, "readings of the clock")
}
END { exit grows }
