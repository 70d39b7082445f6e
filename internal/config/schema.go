package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse/auth"
)

// fileSuffix makes the key that names a file of secrets from the key that
// holds them.
const fileSuffix = "_file"

// envPrefix begins the name of every variable of ours.
const envPrefix = "GATEHOUSE_"

// kind is how the value of a setting is written.
type kind int

const (
	kindString kind = iota
	kindSecret
	kindBool
	kindInt
	kindDuration
	kindTime
	kindList   // of one of the above
	kindGroup  // a struct
	kindGroups // a list of structs
)

var (
	secretType   = reflect.TypeFor[auth.Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	timeType     = reflect.TypeFor[time.Time]()
)

func kindOf(t reflect.Type) kind {
	switch {
	case t == secretType:
		return kindSecret
	case t == durationType:
		return kindDuration
	case t == timeType:
		return kindTime
	}
	switch t.Kind() {
	case reflect.String:
		return kindString
	case reflect.Bool:
		return kindBool
	case reflect.Int:
		return kindInt
	case reflect.Struct:
		return kindGroup
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return kindGroups
		}
		return kindList
	}
	panic("config: a setting of type " + t.String()) // a programming mistake; a test walks every type
}

// field is one key of a group.
type field struct {
	key   string
	index []int
	typ   reflect.Type
}

// fieldsOf lists the keys of a struct in the order of their declaration.
// Embedded structs are part of the group they stand in.
func fieldsOf(t reflect.Type) []field {
	var out []field
	for f := range t.Fields() {
		switch key := f.Tag.Get("conf"); {
		case key == "-" || !f.IsExported():
		case f.Anonymous:
			for _, inner := range fieldsOf(f.Type) {
				inner.index = append([]int{f.Index[0]}, inner.index...)
				out = append(out, inner)
			}
		default:
			out = append(out, field{key: key, index: f.Index, typ: f.Type})
		}
	}
	return out
}

// holdsSecrets says whether the setting may also be given as a file.
func (f field) holdsSecrets() bool {
	return f.typ == secretType || f.typ.Kind() == reflect.Slice && f.typ.Elem() == secretType
}

// under joins the path of a group and a key in it.
func under(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// item is the path of an element of a list.
func item(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

var envReplacer = strings.NewReplacer(".", "_", "[", "_", "]", "")

// EnvName returns the name in the environment of the setting at path:
// "mounts[0].base_path" is GATEHOUSE_MOUNTS_0_BASE_PATH.
func EnvName(path string) string {
	return envPrefix + strings.ToUpper(envReplacer.Replace(path))
}

// envFor is EnvName for the eyes of a reader: groups have no variable of their
// own, and what is no setting has none at all.
func envFor(path string) string {
	if path == "" || strings.HasPrefix(path, envPrefix) {
		return path
	}
	t, ok := typeAt(reflect.TypeFor[Settings](), path)
	if !ok {
		return ""
	}
	switch kindOf(t) {
	case kindGroup:
		return EnvName(path) + "_…"
	case kindGroups:
		return EnvName(path) + "_0_…"
	}
	return EnvName(path)
}

// typeAt finds the type of the setting at path; a file of secrets is a string.
func typeAt(t reflect.Type, path string) (reflect.Type, bool) {
	key, rest := cutPath(path)
	for _, f := range fieldsOf(t) {
		if f.key+fileSuffix == path && f.holdsSecrets() {
			return reflect.TypeFor[string](), true
		}
		if f.key != key {
			continue
		}
		t = f.typ
		if strings.HasPrefix(rest, "[") {
			if t.Kind() != reflect.Slice {
				return nil, false
			}
			t = t.Elem()
			_, rest, _ = strings.Cut(rest, "]")
		}
		rest = strings.TrimPrefix(rest, ".")
		if rest == "" {
			return t, true
		}
		if kindOf(t) != kindGroup {
			return nil, false
		}
		return typeAt(t, rest)
	}
	return nil, false
}

// cutPath splits the first key off.
func cutPath(path string) (key, rest string) {
	if i := strings.IndexAny(path, ".["); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

// valueAt finds the setting at path, which must exist in the schema. A list
// grows by one element when the element behind its last is asked for; ok is
// false when the path leaves a gap.
func valueAt(v reflect.Value, path string) (_ reflect.Value, ok bool) {
	for path != "" {
		key, rest := cutPath(path)
		for _, f := range fieldsOf(v.Type()) {
			if f.key == key {
				v = v.FieldByIndex(f.index)
				break
			}
		}
		if strings.HasPrefix(rest, "[") {
			number, after, _ := strings.Cut(rest[1:], "]")
			i, err := strconv.Atoi(number)
			if err != nil || i > v.Len() {
				return v, false
			}
			if i == v.Len() {
				v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
			}
			v, rest = v.Index(i), after
		}
		path = strings.TrimPrefix(rest, ".")
	}
	return v, true
}
