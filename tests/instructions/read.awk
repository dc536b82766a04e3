# read.awk: what a dump of callgrind with --collect-systime=yes says of each function, as lines of
#   NAME  SELF  INCLUSIVE  CALLS  SYSTEM-CALLS
# with tabs, for each command: -v commands=N. Of a function that calls itself the inclusive
# figure counts what is inside more than once.

# A name is written once, and then goes by its number: "(12) loop_round", "(12)".
function name_of(text,    id) {
	if (!match(text, /^\([0-9]+\)/))
		return text
	id = substr(text, 1, RLENGTH)
	if (length(text) > RLENGTH)
		names[id] = substr(text, RLENGTH + 2)
	return names[id]
}

/^fn=/ { fn = name_of(substr($0, 4)); next }
/^cfn=/ { callee = name_of(substr($0, 5)); next }
/^calls=/ {
	calls[callee] += substr($1, 7)
	getline # what the calls cost
	inclusive[fn] += $2
	next
}
/^[0-9+*-]/ {
	self[fn] += $2
	inclusive[fn] += $2
	system_calls[fn] += $3
}
END {
	for (fn in self)
		printf "%s\t%.2f\t%.2f\t%.3f\t%.3f\n", fn, self[fn] / commands, inclusive[fn] / commands,
			calls[fn] / commands, system_calls[fn] / commands
}
