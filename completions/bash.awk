# SPDX-License-Identifier: MIT

# What completes the value of an option, as a command for compgen.
function source_of(kind) {
	if (kind in words_of)
		return "-W '" words_of[kind] "'"
	if (kind == "FILE" || kind == "PATH")
		return "-f"
	if (kind == "FOLDER")
		return "-d"
	if (kind == "INTERFACE")
		return "-W \"$(ls /sys/class/net 2>/dev/null)\""
	if (kind == "NAME")
		return "-W \"$(microvm --names 2>/dev/null)\""
	return "-W ''"
}

END {
	print "# Made from the table of commands."
	print "_microvm() {"
	print "\tlocal cur=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} verb= at options argument= word taken=0"
	print ""
	print "\t# readline takes \"--option=value\" for three words"
	print "\tif [[ $cur == = ]]; then"
	print "\t\tcur="
	print "\telif [[ $option == = ]]; then"
	print "\t\toption=${COMP_WORDS[COMP_CWORD - 2]}"
	print "\tfi"
	print "\tfor ((at = 1; at < COMP_CWORD; at++)); do"
	print "\t\tword=${COMP_WORDS[at]}"
	print "\t\tif [[ $word == -* || $word == = || ${COMP_WORDS[at - 1]} == = ]]; then"
	print "\t\t\tcontinue"
	print "\t\telif [[ -z $verb ]]; then"
	print "\t\t\tverb=$word"
	print "\t\telse"
	print "\t\t\t((++taken))"
	print "\t\tfi"
	print "\tdone"
	printf "\tif [[ -z $verb ]]; then\n\t\tmapfile -t COMPREPLY < <(compgen -W '"
	for (i = 1; i <= verb_count; i++)
		printf "%s ", verbs[i]
	print "--help --version' -- \"$cur\")\n\t\treturn\n\tfi"
	print "\tcase $verb:$option in"
	for (i = 1; i <= verb_count; i++)
		for (j = 1; j <= option_count[verbs[i]]; j++) {
			v = verbs[i]
			if (value[v, j] == "")
				continue
			printf "\t%s:--%s%s)\n", v, long[v, j], letter[v, j] == "" ? "" : " | " v ":-" letter[v, j]
			printf "\t\tmapfile -t COMPREPLY < <(compgen %s -- \"$cur\")\n\t\treturn\n\t\t;;\n", source_of(value[v, j])
		}
	print "\tesac"
	print "\tcase $verb in"
	for (i = 1; i <= verb_count; i++) {
		printf "\t%s) argument=%s options='", verbs[i], argument[verbs[i]]
		for (j = 1; j <= option_count[verbs[i]]; j++)
			printf("%s--%s", (j > 1) ? " " : "", long[verbs[i], j])
		print "' ;;"
	}
	print "\t*) return ;;"
	print "\tesac"
	print "\tif [[ $cur == -* ]]; then"
	print "\t\tmapfile -t COMPREPLY < <(compgen -W \"$options\" -- \"$cur\")"
	print "\telif [[ $argument == file ]]; then"
	print "\t\tcompopt -o filenames 2>/dev/null"
	print "\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")"
	print "\telif [[ $argument == host && $taken == 0 ]]; then"
	print "\t\tmapfile -t COMPREPLY < <(compgen -A hostname -- \"$cur\")"
	print "\telif [[ $argument == names || $argument == host && $taken == 1 || ( $argument == name || $argument == command ) && $taken == 0 ]]; then"
	print "\t\tmapfile -t COMPREPLY < <(compgen -W \"$(microvm --names 2>/dev/null)\" -- \"$cur\")"
	print "\tfi"
	print "}"
	print "complete -F _microvm microvm"
}
