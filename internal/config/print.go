package config

import (
	"io"
	"reflect"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Print writes all settings as YAML, in the order of their declaration, each
// with a comment on where its value came from. A secret is written as
// [redacted]; what is printed can be read again once the secrets are put back.
func (s Settings) Print(w io.Writer) error {
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(s.nodeOf(reflect.ValueOf(s), "")); err != nil {
		return err
	}
	return enc.Close()
}

func (s Settings) nodeOf(v reflect.Value, path string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", LineComment: s.origin(path)}
	switch kindOf(v.Type()) {
	case kindGroup:
		n = &yaml.Node{Kind: yaml.MappingNode}
		absent := "" // the last key that is named by a comment alone
		for _, f := range fieldsOf(v.Type()) {
			key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: f.key, HeadComment: absent}
			value := s.nodeOf(v.FieldByIndex(f.index), under(path, f.key))
			if value == nil {
				if absent != "" {
					absent += "\n"
				}
				absent += f.key + ": none, the default"
				continue
			}
			n.Content, absent = append(n.Content, key, value), ""
		}
	case kindGroups, kindList:
		n = &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v.Len() {
			n.Content = append(n.Content, s.nodeOf(v.Index(i), item(path, i)))
		}
		if v.Len() == 0 {
			n.Style, n.LineComment = yaml.FlowStyle, s.origin(path)
		}
	case kindSecret:
		if v.String() == "" {
			return nil
		}
		n.Value = v.Interface().(interface{ String() string }).String()
	case kindString:
		n.Value = v.String()
		if n.Value == "" {
			n.Style = yaml.DoubleQuotedStyle
		}
	case kindBool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v.Bool())
	case kindInt:
		n.Tag, n.Value = "!!int", strconv.FormatInt(v.Int(), 10)
	case kindDuration:
		if v.IsZero() {
			return nil // a default of "none", which a file says by not naming it
		}
		n.Value = FormatDuration(time.Duration(v.Int()))
	case kindTime:
		at := v.Interface().(time.Time)
		if at.IsZero() {
			return nil
		}
		n.Value = FormatTime(at)
	}
	return n
}

func (s Settings) origin(path string) string {
	if from, ok := s.origins[path]; ok {
		return from
	}
	return "default"
}
