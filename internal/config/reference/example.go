package reference

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

const exampleHead = `# yaml-language-server: $schema=gatehouse.schema.json
#
# Every setting of Gatehouse, in the order of their declaration. A line with a
# hyphen or a key behind a bare # is a setting that is not in force; what it
# shows is the default, or a sample where the default says little. Take the #
# away to change it. The settings in force here are those that an installation
# behind a proxy needs.
#
# Each setting can also be given in the environment, which wins: session.max_age
# is GATEHOUSE_SESSION_MAX_AGE, mounts[0].dialect is GATEHOUSE_MOUNTS_0_DIALECT.
# Durations have units: 90s, 15m, 12h, 30d, 1d12h. Check what you have written
# with "gatehouse config check --config FILE".
`

// width is how long the lines of comments are, in characters.
const width = 80

// Example returns the annotated configuration file. root is the folder of the
// module, whose sources have the words.
func Example(root string) ([]byte, error) {
	tree := config.Tree()
	w, err := newWriter(root, tree)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.WriteString(exampleHead)
	if err := w.exampleGroup(&out, tree, ""); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (w *writer) exampleGroup(out *bytes.Buffer, settings []config.Setting, indent string) error {
	for i, s := range settings {
		if i > 0 || indent == "" {
			out.WriteByte('\n')
		}
		if err := w.exampleSetting(out, s, indent); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) exampleSetting(out *bytes.Buffer, s config.Setting, indent string) error {
	text, err := w.describe(s)
	if err != nil {
		return err
	}
	if b := rules[s.Path].bounds(); b != "" {
		text += " " + b
	}
	switch s.Form {
	case config.Secret:
		text += fmt.Sprintf(" It may also stand here in place of %s_file, if nobody else may read this file: %s: SECRET.", s.Key, s.Key)
	case config.Secrets:
		text += fmt.Sprintf(" They may also stand here in place of %s_file, if nobody else may read this file: %s: [FIRST, SECOND].", s.Key, s.Key)
	}
	for p := range strings.SplitSeq(text, "\n") {
		wrap(out, p, indent+"# ", width)
	}
	switch s.Form {
	case config.Group:
		fmt.Fprintf(out, "%s%s:\n", indent, s.Key)
		return w.exampleGroup(out, s.Settings, indent+"  ")
	case config.Groups:
		fmt.Fprintf(out, "%s%s%s:\n", indent, off(rules[s.Settings[0].Path]), s.Key)
		return w.exampleElement(out, s, indent+"  ")
	}
	return exampleValue(out, s, indent)
}

// off stands before what is not in force in the example.
func off(r rule) string {
	if r.active {
		return ""
	}
	return "#"
}

// exampleElement writes one element of a list of groups: the hyphen stands
// before the first key. Where that is not in force, nothing of the element is.
func (w *writer) exampleElement(out *bytes.Buffer, s config.Setting, indent string) error {
	first := off(rules[s.Settings[0].Path])
	for _, inner := range s.Settings {
		if first != "" && rules[inner.Path].active {
			return fmt.Errorf("%s is in force, and the element it stands in is not", inner.Path)
		}
	}
	var element bytes.Buffer
	if err := w.exampleGroup(&element, s.Settings, indent+"  "); err != nil {
		return err
	}
	comment, rest, _ := strings.Cut(element.String(), indent+"  "+first+s.Settings[0].Key+":")
	out.WriteString(strings.ReplaceAll(comment, indent+"  #", indent+"#"))
	out.WriteString(indent + first + "- " + s.Settings[0].Key + ":" + rest)
	return nil
}

// exampleValue writes the line of one setting, behind a # unless it is in
// force.
func exampleValue(out *bytes.Buffer, s config.Setting, indent string) error {
	r := rules[s.Path]
	key, value := s.Key, r.sample
	if s.Filed() {
		key += "_file"
	}
	if d := defaultOf(s); d != nil && !(r.active && value != nil) {
		value = d
	}
	switch {
	case value != nil:
	case s.Form == config.Text:
		value = ""
	case s.Form == config.Texts:
		value = []string{}
	default:
		return fmt.Errorf("%s has no default: give a sample in rules.go", s.Path)
	}
	text, err := yamlText(value)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s%s%s: %s\n", indent, off(r), key, text)
	return nil
}

// yamlText writes a value in one line.
func yamlText(v any) (string, error) {
	var n yaml.Node
	if err := n.Encode(v); err != nil {
		return "", err
	}
	if reflect.TypeOf(v).Kind() == reflect.Slice {
		n.Style = yaml.FlowStyle
	}
	b, err := yaml.Marshal(&n)
	return strings.TrimSpace(string(b)), err
}

// wrap writes text in lines of at most width characters, each with the prefix.
func wrap(out *bytes.Buffer, text, prefix string, width int) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && utf8.RuneCountInString(prefix+line+" "+word) > width {
			fmt.Fprintf(out, "%s%s\n", prefix, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	if line != "" {
		fmt.Fprintf(out, "%s%s\n", prefix, line)
	}
}
