package reference

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// node is a schema, as far as the settings need one (JSON Schema 2020-12, Core
// and Validation).
type node struct {
	Schema      string `json:"$schema,omitempty"`
	ID          string `json:"$id,omitempty"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	// Type is a string, or a list of them.
	Type       any        `json:"type,omitempty"`
	Enum       []string   `json:"enum,omitempty"`
	Pattern    string     `json:"pattern,omitempty"`
	MinLength  int        `json:"minLength,omitempty"`
	MaxLength  int        `json:"maxLength,omitempty"`
	Minimum    int        `json:"minimum,omitempty"`
	Maximum    int        `json:"maximum,omitempty"`
	Items      *node      `json:"items,omitempty"`
	MaxItems   int        `json:"maxItems,omitempty"`
	Properties properties `json:"properties,omitempty"`
	// Additional is false for groups, and left out elsewhere.
	Additional *bool `json:"additionalProperties,omitempty"`
	// Const is within not alone.
	Const    *int     `json:"const,omitempty"`
	Required []string `json:"required,omitempty"`
	Not      *node    `json:"not,omitempty"`
	AllOf    []node   `json:"allOf,omitempty"`
	Default  any      `json:"default,omitempty"`
	Examples []any    `json:"examples,omitempty"`
}

// property is a key of a group.
type property struct {
	key    string
	schema *node
}

// properties keep the order of declaration, in which editors offer them.
type properties []property

// MarshalJSON writes an object.
func (p properties) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, one := range p {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := plainJSON(one.schema)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%s", one.key, value)
	}
	return fmt.Appendf(nil, "{%s}", b.Bytes()), nil
}

// plainJSON leaves < and & as they are: nobody puts a schema into HTML.
func plainJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// Schema returns the JSON Schema of the configuration file, indented. root is
// the folder of the module, whose sources have the words.
//
// Nothing is required in it: what a file leaves out, the environment may give.
func Schema(root string) ([]byte, error) {
	tree := config.Tree()
	w, err := newWriter(root, tree)
	if err != nil {
		return nil, err
	}
	n, err := w.group(tree)
	if err != nil {
		return nil, err
	}
	n.Schema = "https://json-schema.org/draft/2020-12/schema"
	n.ID = "https://" + module + "/blob/main/docs/gatehouse.schema.json"
	n.Title = "Settings of Gatehouse"
	n.Description = "The configuration file of gatehouse serve. Each setting can also be given by a variable of the environment, which wins. A null stands for a group or list whose lines are all commented out."
	compact, err := plainJSON(n)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, compact, "", "  "); err != nil {
		return nil, err
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// group describes a mapping that has these keys and no others.
func (w *writer) group(settings []config.Setting) (*node, error) {
	n := &node{Type: []string{"object", "null"}, Additional: new(bool)}
	var either []node
	for _, s := range settings {
		one, err := w.setting(s)
		if err != nil {
			return nil, err
		}
		n.Properties = append(n.Properties, property{s.Key, one})
		if s.Filed() {
			n.Properties = append(n.Properties, property{s.Key + "_file", &node{
				Type: "string", MinLength: 1, Examples: []any{rules[s.Path].sample},
				Description: fmt.Sprintf("File that holds %s, one a line. Not every account of the machine may read it.\n\nIn the environment: %s_FILE.", s.Key, s.Env()),
			}})
			either = append(either, node{Not: &node{Type: "object", Required: []string{s.Key, s.Key + "_file"}}})
		}
	}
	n.AllOf = either
	return n, nil
}

// setting describes one key.
func (w *writer) setting(s config.Setting) (*node, error) {
	text, err := w.describe(s)
	if err != nil {
		return nil, err
	}
	r := rules[s.Path]
	n := &node{Default: defaultOf(s)}
	switch s.Form {
	case config.Group:
		n, err = w.group(s.Settings)
	case config.Groups:
		var element *node
		element, err = w.group(s.Settings)
		n.Type, n.Items = []string{"array", "null"}, element
	case config.Secrets, config.Texts:
		n.Type, n.MaxItems = []string{"array", "null"}, r.maxItems
		n.Items = &node{Type: "string", Enum: r.enum, Pattern: r.pattern, MinLength: r.minLength, MaxLength: r.maxLength}
	case config.Text, config.Secret:
		n.Type, n.Enum, n.Pattern, n.MinLength, n.MaxLength = "string", r.enum, r.pattern, r.minLength, r.maxLength
	case config.Duration:
		n.Type, n.Pattern, n.Not = "string", durationPattern, &node{Type: "string", Pattern: noDuration}
	case config.Time:
		n.Type, n.Pattern = "string", timePattern
	case config.Int:
		n.Type, n.Minimum, n.Maximum = "integer", r.least, r.most
		if r.least == 0 {
			n.Not = &node{Const: new(int)}
		}
	case config.Bool:
		n.Type = "boolean"
	default:
		return nil, fmt.Errorf("%s has a form that no schema is known for", s.Path)
	}
	if err != nil {
		return nil, err
	}
	if b := r.bounds(); b != "" {
		text += " " + b
	}
	n.Description = text
	if s.Settings == nil {
		n.Description += "\n\nIn the environment: " + s.Env() + "."
	}
	if n.Default == nil && r.sample != nil && !s.Filed() {
		n.Examples = []any{r.sample}
	}
	return n, nil
}
