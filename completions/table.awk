# SPDX-License-Identifier: MIT
# Reads "microvm --verbs" for the scripts beside: lines of fields between tabs.
#   verb NAME ARGUMENT HELP; option VERB LONG LETTER VALUE HELP; values VALUE WORDS

BEGIN { FS = "\t" }

$1 == "verb" {
	verbs[++verb_count] = $2
	argument[$2] = $3
	verb_help[$2] = $4
}

$1 == "option" {
	n = ++option_count[$2]
	long[$2, n] = $3
	letter[$2, n] = $4
	value[$2, n] = $5
	help[$2, n] = $6
}

$1 == "values" { words_of[$2] = $3 }
