package vectors

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// Placeholder says what may stand where a recorded value was random.
type Placeholder struct {
	About   string `json:"about"`
	Pattern string `json:"pattern"` // RE2, without anchors
}

// Variables are the values captured so far, by name.
type Variables map[string]string

var variable = regexp.MustCompile(`\{\{(\w+)\}\}`)

// Fill puts values for {{name}}. A name that was not captured is an error.
func (v Variables) Fill(text string) (string, error) {
	return v.replace(text, func(value string) string { return value })
}

// FillJSON does the same inside JSON text, where {{name}} stands in strings only.
func (v Variables) FillJSON(text json.RawMessage) (json.RawMessage, error) {
	filled, err := v.replace(string(text), func(value string) string {
		quoted, _ := json.Marshal(value) // a string always has a JSON form
		return string(quoted[1 : len(quoted)-1])
	})
	return json.RawMessage(filled), err
}

func (v Variables) replace(text string, escape func(string) string) (string, error) {
	var missing error
	filled := variable.ReplaceAllStringFunc(text, func(found string) string {
		value, ok := v[found[2:len(found)-2]]
		if !ok {
			missing = fmt.Errorf("%s was not captured", found)
		}
		return escape(value)
	})
	return filled, missing
}

var named = regexp.MustCompile(`\{\{\w+\}\}|<\w+>`)

// Match reports whether got is the pattern want: variables and placeholders
// replaced, everything else character by character. Angle brackets around a word
// that is no placeholder of the file are ordinary text.
func (f *SequenceFile) Match(want, got string, vars Variables) (bool, error) {
	var pattern strings.Builder
	pattern.WriteString(`\A`)
	rest := want
	for {
		at := named.FindStringIndex(rest)
		if at == nil {
			break
		}
		pattern.WriteString(regexp.QuoteMeta(rest[:at[0]]))
		word := rest[at[0]:at[1]]
		placeholder, known := f.Placeholders[word]
		switch {
		case known:
			pattern.WriteString("(?:" + placeholder.Pattern + ")")
		case word[0] == '{':
			value, err := vars.Fill(word)
			if err != nil {
				return false, fmt.Errorf("match %q: %w", want, err)
			}
			pattern.WriteString(regexp.QuoteMeta(value))
		default:
			pattern.WriteString(regexp.QuoteMeta(word))
		}
		rest = rest[at[1]:]
	}
	pattern.WriteString(regexp.QuoteMeta(rest) + `\z`)
	compiled, err := regexp.Compile(pattern.String())
	if err != nil {
		return false, fmt.Errorf("match %q: %w", want, err)
	}
	return compiled.MatchString(got), nil
}

// MatchJSON compares two JSON values of which want has patterns for texts. nil
// means they are alike; else the error names the first place where they differ.
// Absent and null differ, the order of members does not count.
func (f *SequenceFile) MatchJSON(want, got json.RawMessage, vars Variables) error {
	var w, g any
	if err := json.Unmarshal(want, &w); err != nil {
		return fmt.Errorf("wanted JSON: %w", err)
	}
	if err := json.Unmarshal(got, &g); err != nil {
		return fmt.Errorf("JSON %q: %w", got, err)
	}
	return f.matchValue("$", w, g, vars)
}

func (f *SequenceFile) matchValue(at string, want, got any, vars Variables) error {
	switch w := want.(type) {
	case string:
		g, ok := got.(string)
		if !ok {
			return fmt.Errorf("%s is %v, want text %q", at, got, w)
		}
		alike, err := f.Match(w, g, vars)
		if err == nil && !alike {
			err = fmt.Errorf("%s is %q, want %q", at, g, w)
		}
		return err
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return fmt.Errorf("%s is %v, want %v", at, got, w)
		}
		for i := range w {
			if err := f.matchValue(fmt.Sprintf("%s[%d]", at, i), w[i], g[i], vars); err != nil {
				return err
			}
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%s is %v, want %v", at, got, w)
		}
		for name := range g {
			if _, ok := w[name]; !ok {
				return fmt.Errorf("%s.%s should be absent", at, name)
			}
		}
		for name, value := range w {
			member, ok := g[name]
			if !ok {
				return fmt.Errorf("%s.%s is absent", at, name)
			}
			if err := f.matchValue(at+"."+name, value, member, vars); err != nil {
				return err
			}
		}
	default:
		if !reflect.DeepEqual(want, got) {
			return fmt.Errorf("%s is %v, want %v", at, got, want)
		}
	}
	return nil
}
