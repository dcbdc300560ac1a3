# SPDX-License-Identifier: MIT

function quoted(text) {
	gsub(/\\/, "\\\\", text)
	gsub(/'/, "\\'", text)
	return "'" text "'"
}

function source_of(kind) {
	if (kind == "")
		return ""
	if (kind in words_of)
		return " -x -a " quoted(words_of[kind])
	if (kind == "FILE" || kind == "PATH")
		return " -r -F"
	if (kind == "FOLDER")
		return " -x -a '(__fish_complete_directories)'"
	if (kind == "INTERFACE")
		return " -x -a '(command ls /sys/class/net 2>/dev/null)'"
	if (kind == "NAME")
		return " -x -a '(microvm --names 2>/dev/null)'"
	return " -x"
}

END {
	print "# Made from the table of commands."
	print "function __microvm_behind"
	print "\ttest (count (string match -v -- '-*' (commandline -opc))) -eq $argv[1]"
	print "end"
	print "complete -c microvm -f"
	print "complete -c microvm -n __fish_use_subcommand -s h -l help -d 'print help'"
	print "complete -c microvm -n __fish_use_subcommand -l version -d 'print the version'"
	for (i = 1; i <= verb_count; i++) {
		v = verbs[i]
		seen = " -n '__fish_seen_subcommand_from " v "'"
		printf "complete -c microvm -n __fish_use_subcommand -a %s -d %s\n", v, quoted(verb_help[v])
		for (j = 1; j <= option_count[v]; j++)
			printf "complete -c microvm%s%s -l %s -d %s%s\n", seen, letter[v, j] == "" ? "" : " -s " letter[v, j], long[v, j], quoted(help[v, j]), source_of(value[v, j])
		if (argument[v] == "names")
			printf "complete -c microvm%s -a '(microvm --names 2>/dev/null)'\n", seen
		else if (argument[v] == "name" || argument[v] == "command")
			printf "complete -c microvm -n '__fish_seen_subcommand_from %s; and __microvm_behind 2' -a '(microvm --names 2>/dev/null)'\n", v
		else if (argument[v] == "host") {
			printf "complete -c microvm -n '__fish_seen_subcommand_from %s; and __microvm_behind 2' -a '(__fish_print_hostnames)'\n", v
			printf "complete -c microvm -n '__fish_seen_subcommand_from %s; and __microvm_behind 3' -a '(microvm --names 2>/dev/null)'\n", v
		} else if (argument[v] == "file")
			printf "complete -c microvm%s -F\n", seen
	}
}
