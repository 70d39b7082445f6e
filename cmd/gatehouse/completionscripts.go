package main

import (
	"fmt"
	"strings"
)

// bashScript is for bash 3.2 and later. Bash hands --flag=value over as three
// words.
func bashScript(all []commandWords) string {
	var values, words strings.Builder
	for _, c := range all {
		var names, flags []string
		for _, w := range c.commands {
			names = append(names, w.text)
		}
		for _, f := range c.flags {
			flags = append(flags, f.alternatives()...)
			if f.takes {
				for _, way := range f.alternatives() {
					fmt.Fprintf(&values, "    '%s:%s') %s; return ;;\n", c.path, way, bashOperand(f.value))
				}
			}
		}
		rest := bashOperand(c.args)
		if names != nil {
			rest = bashWords(names)
		}
		fmt.Fprintf(&words, "    '%s') if [[ $cur == -* ]]; then %s; else %s; fi ;;\n", c.path, bashWords(flags), rest)
	}
	return `# Completion of gatehouse for bash: source <(gatehouse completion bash)
_gatehouse() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at='' i
  if [[ $cur == '=' ]]; then cur=''; elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
` + walk(all, "${COMP_WORDS[i]}") + `  done
  local IFS=$'\n'
  COMPREPLY=()
  case "$at:$prev" in
` + values.String() + `  esac
  case $at in
` + words.String() + `  esac
}
complete -F _gatehouse gatehouse
`
}

func bashOperand(o operand) string {
	switch {
	case o.texts != nil:
		return bashWords(o.texts)
	case o.file:
		return `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur"))`
	case o.folder:
		return `compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur"))`
	}
	return ":"
}

func bashWords(words []string) string {
	return `COMPREPLY=($(compgen -W $'` + strings.Join(words, `\n`) + `' -- "$cur"))`
}

// zshScript can be sourced, or put into a folder of fpath as _gatehouse.
func zshScript(all []commandWords) string {
	var values, words strings.Builder
	for _, c := range all {
		var names, flags []string
		for _, w := range c.commands {
			names = append(names, quoted(w.text+":"+w.help))
		}
		for _, f := range c.flags {
			for _, way := range f.alternatives() {
				flags = append(flags, quoted(way+":"+f.help))
				if f.takes {
					fmt.Fprintf(&values, "    '%s:%s') %s; return ;;\n", c.path, way, zshOperand(f.value))
				}
			}
		}
		rest := zshOperand(c.args)
		if names != nil {
			rest = "list=(" + strings.Join(names, " ") + "); _describe command list"
		}
		fmt.Fprintf(&words, "    '%s') if [[ $PREFIX == -* ]]; then list=(%s); _describe -o flag list; else %s; fi ;;\n", c.path, strings.Join(flags, " "), rest)
	}
	return `#compdef gatehouse
# Completion of gatehouse for zsh: source <(gatehouse completion zsh)
_gatehouse() {
  local at='' prev=$words[CURRENT-1] i
  local -a list
  for ((i = 2; i < CURRENT; i++)); do
` + walk(all, "$words[i]") + `  done
  if [[ $PREFIX == --*=* ]]; then
    prev=${PREFIX%%=*}
    compset -P '*='
  fi
  case "$at:$prev" in
` + values.String() + `  esac
  case $at in
` + words.String() + `  esac
}
if [[ ${funcstack[1]:-} == _gatehouse ]]; then _gatehouse "$@"; else compdef _gatehouse gatehouse; fi
`
}

func zshOperand(o operand) string {
	switch {
	case o.texts != nil:
		return "compadd -- " + strings.Join(o.texts, " ")
	case o.file:
		return "_files"
	case o.folder:
		return "_files -/"
	}
	return "_message 'a value'"
}

// fishScript is for fish 3 and later.
func fishScript(all []commandWords) string {
	var cases, lines strings.Builder
	for _, c := range all {
		if c.path != "" {
			above, name := "", c.path
			if i := strings.LastIndex(c.path, " "); i >= 0 {
				above, name = c.path[:i], c.path[i+1:]
			}
			fmt.Fprintf(&cases, "      case '%s %s'\n        set at '%s'\n", above, name, c.path)
		}
		when := fmt.Sprintf("complete -c gatehouse -n '__gatehouse_at \"%s\"'", c.path)
		for _, w := range c.commands {
			fmt.Fprintf(&lines, "%s -a %s -d %s\n", when, w.text, fishQuoted(w.help))
		}
		if o := fishOperand(c.args); c.commands == nil && o != "" {
			fmt.Fprintf(&lines, "%s %s\n", when, strings.TrimPrefix(o, "-x "))
		}
		for _, f := range c.flags {
			short, value := "", ""
			if f.short != "" {
				short = " -s " + f.short
			}
			if f.takes {
				value = " -x"
				if o := fishOperand(f.value); o != "" {
					value = " " + o
				}
			}
			fmt.Fprintf(&lines, "%s -l %s%s%s -d %s\n", when, f.text, short, value, fishQuoted(f.help))
		}
	}
	return `# Completion of gatehouse for fish: gatehouse completion fish | source
function __gatehouse_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    switch "$at $word"
` + cases.String() + `    end
  end
  test "$at" = "$argv[1]"
end
complete -c gatehouse -f
` + lines.String()
}

func fishOperand(o operand) string {
	switch {
	case o.texts != nil:
		return "-x -a " + fishQuoted(strings.Join(o.texts, " "))
	case o.file:
		return "-r -F"
	case o.folder:
		return "-x -a '(__fish_complete_directories)'"
	}
	return ""
}

func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
