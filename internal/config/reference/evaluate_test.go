package reference_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"sync"
	"testing"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// evaluator knows as much of JSON Schema as the schema of the settings uses. An
// unknown keyword is an error: it would be a rule that nobody checks here.
type evaluator struct {
	faults []string
}

func (e *evaluator) fault(at, format string, args ...any) {
	e.faults = append(e.faults, at+": "+fmt.Sprintf(format, args...))
}

// check notes what the schema has against the value.
func (e *evaluator) check(at string, schema map[string]any, v any) {
	for keyword, want := range schema {
		switch keyword {
		case "$schema", "$id", "title", "description", "default", "examples", "items", "properties", "additionalProperties":
		case "type":
			e.checkType(at, want, v)
		case "allOf":
			for _, one := range want.([]any) {
				e.check(at, one.(map[string]any), v)
			}
		case "not":
			inner := &evaluator{}
			if inner.check(at, want.(map[string]any), v); len(inner.faults) == 0 {
				e.fault(at, "is what it must not be")
			}
		case "const":
			if n, ok := v.(int); !ok || float64(n) != want.(float64) {
				e.fault(at, "is not %v", want)
			}
		default:
			e.checkBounds(at, keyword, want, v)
		}
	}
	e.descend(at, schema, v)
}

func (e *evaluator) checkType(at string, want, v any) {
	name := map[reflect.Kind]string{reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean", reflect.Map: "object", reflect.Slice: "array", reflect.Invalid: "null", reflect.Float64: "number"}[reflect.ValueOf(v).Kind()]
	names, ok := want.([]any)
	if !ok {
		names = []any{want}
	}
	if !slices.Contains(names, any(name)) {
		e.fault(at, "is %s, not %v", name, want)
	}
}

// checkBounds checks the keywords that bear on values of one type alone.
func (e *evaluator) checkBounds(at, keyword string, want, v any) {
	text, isText := v.(string)
	number, isNumber := v.(int)
	list, isList := v.([]any)
	bound, _ := want.(float64)
	bad := false
	switch keyword {
	case "enum":
		bad = !slices.Contains(want.([]any), v)
	case "pattern":
		bad = isText && !compiled(want.(string)).MatchString(text)
	case "minLength":
		bad = isText && utf8.RuneCountInString(text) < int(bound)
	case "maxLength":
		bad = isText && utf8.RuneCountInString(text) > int(bound)
	case "minimum":
		bad = isNumber && number < int(bound)
	case "maximum":
		bad = isNumber && number > int(bound)
	case "maxItems":
		bad = isList && len(list) > int(bound)
	case "required":
		group, isGroup := v.(map[string]any)
		for _, key := range want.([]any) {
			_, has := group[key.(string)]
			bad = bad || isGroup && !has
		}
	default:
		panic("the schema has the keyword " + keyword + ", which no test evaluates")
	}
	if bad {
		e.fault(at, "breaks %s: %v", keyword, want)
	}
}

var patterns sync.Map // of string to *regexp.Regexp

func compiled(pattern string) *regexp.Regexp {
	re, ok := patterns.Load(pattern)
	if !ok {
		re, _ = patterns.LoadOrStore(pattern, regexp.MustCompile(pattern))
	}
	return re.(*regexp.Regexp)
}

// descend goes into groups and lists.
func (e *evaluator) descend(at string, schema map[string]any, v any) {
	if group, ok := v.(map[string]any); ok {
		properties, _ := schema["properties"].(map[string]any)
		for key, value := range group {
			if one, ok := properties[key]; ok {
				e.check(at+"."+key, one.(map[string]any), value)
			} else if schema["additionalProperties"] == false {
				e.fault(at, "has the unknown key %s", key)
			}
		}
	}
	if list, ok := v.([]any); ok && schema["items"] != nil {
		for i, value := range list {
			e.check(fmt.Sprintf("%s[%d]", at, i), schema["items"].(map[string]any), value)
		}
	}
}

// readSchema reads docs/gatehouse.schema.json.
func readSchema(t *testing.T) map[string]any {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "docs/gatehouse.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var schema map[string]any
	if err := json.Unmarshal(b, &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

// faults evaluates a YAML text.
func faults(t *testing.T, schema map[string]any, text string) []string {
	t.Helper()
	var v any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	e := &evaluator{}
	e.check("", schema, v)
	return e.faults
}
