# SPDX-License-Identifier: MIT

# Text between the quotes and brackets of _arguments.
function plain(text) {
	gsub(/\\|\[|\]|:/, "\\\\&", text)
	gsub(/'/, "'\\''", text)
	return text
}

function source_of(kind) {
	if (kind in words_of)
		return "(" words_of[kind] ")"
	if (kind == "FILE" || kind == "PATH")
		return "_files"
	if (kind == "FOLDER")
		return "_files -/"
	if (kind == "INTERFACE")
		return "_net_interfaces"
	if (kind == "NAME")
		return "_microvm_names"
	return " "
}

function option_print(v, j,    what) {
	what = "[" plain(help[v, j]) "]"
	if (value[v, j] != "")
		what = what ":" value[v, j] ":" source_of(value[v, j])
	if (letter[v, j] == "")
		printf " \\\n\t\t\t\t'--%s%s%s'", long[v, j], value[v, j] == "" ? "" : "=", what
	else
		printf " \\\n\t\t\t\t'(-%s --%s)'{-%s,--%s%s}'%s'", letter[v, j], long[v, j], letter[v, j], long[v, j], value[v, j] == "" ? "" : "=", what
}

END {
	print "#compdef microvm"
	print "# Made from the table of commands."
	print "_microvm_names() {"
	print "\tlocal -a names"
	print "\tnames=(${(f)\"$(microvm --names 2>/dev/null)\"})"
	print "\tcompadd -a names"
	print "}"
	print "_microvm() {"
	print "\tlocal curcontext=$curcontext state line"
	print "\tlocal -a verbs"
	print "\t_arguments -C '(-h --help)'{-h,--help}'[print help]' '--version[print the version]' \\"
	print "\t\t'1:command:->verb' '*::argument:->rest'"
	print "\tcase $state in"
	print "\tverb)"
	print "\t\tverbs=("
	for (i = 1; i <= verb_count; i++)
		printf "\t\t\t'%s:%s'\n", verbs[i], plain(verb_help[verbs[i]])
	print "\t\t)"
	print "\t\t_describe command verbs"
	print "\t\t;;"
	print "\trest)"
	print "\t\tcase $words[1] in"
	for (i = 1; i <= verb_count; i++) {
		v = verbs[i]
		printf "\t\t%s)\n\t\t\t_arguments", v
		for (j = 1; j <= option_count[v]; j++)
			option_print(v, j)
		if (argument[v] == "name")
			printf " \\\n\t\t\t\t'1:MicroVM:_microvm_names'"
		else if (argument[v] == "new")
			printf " \\\n\t\t\t\t'1:name:'"
		else if (argument[v] == "names")
			printf " \\\n\t\t\t\t'*:MicroVM:_microvm_names'"
		else if (argument[v] == "command")
			printf " \\\n\t\t\t\t'1:MicroVM:_microvm_names' '*::command:_normal'"
		else if (argument[v] == "host")
			printf " \\\n\t\t\t\t'1:host:_hosts' '2:MicroVM:_microvm_names'"
		else if (argument[v] == "file")
			printf " \\\n\t\t\t\t'*:file:_files'"
		print "\n\t\t\t;;"
	}
	print "\t\tesac"
	print "\t\t;;"
	print "\tesac"
	print "}"
	print "_microvm \"$@\""
}
