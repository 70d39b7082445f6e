package config

import (
	"reflect"
	"strings"
	"time"

	"github.com/gatehouse-auth/gatehouse"
)

// Setting is one key of the configuration file, for whoever describes it: the
// schema, the example, the documentation.
type Setting struct {
	// Key stands in the file, "max_age"; Path leads to it from the top, with
	// [] for the elements of a list of groups: "session.max_age",
	// "mounts[].dialect".
	Key, Path string
	// Form is how its value is written.
	Form Form
	// Package, Struct and Member say where in the source the comment on it
	// stands; Struct is the one that has the member.
	Package, Struct, Member string
	// Default is the value in force when nothing is said, as the file would
	// write it: string, bool, int or []string. Nil: there is none, or it comes
	// from other settings.
	Default any
	// Settings are the keys of a group, or of each element of a list of groups.
	Settings []Setting
}

// Filed says whether the setting may also be given as the name of a file, by its
// key with _file behind it.
func (s Setting) Filed() bool { return s.Form == Secret || s.Form == Secrets }

// Form is how the value of a setting is written.
type Form string

// The forms. Secrets is a list of texts that may also be given as a file, by
// the same key with _file behind it, and Secret is one such text; Groups is a
// list of groups.
const (
	Text     Form = "text"
	Bool     Form = "bool"
	Int      Form = "int"
	Duration Form = "duration"
	Time     Form = "time"
	Texts    Form = "texts"
	Secret   Form = "secret"
	Secrets  Form = "secrets"
	Group    Form = "group"
	Groups   Form = "groups"
)

// formOf names the form of a type; a list of anything but texts and secrets has
// none yet.
func formOf(t reflect.Type) Form {
	switch kindOf(t) {
	case kindList:
		switch t.Elem().Kind() {
		case reflect.String:
			if t.Elem() == secretType {
				return Secrets
			}
			return Texts
		}
		return ""
	case kindString:
		return Text
	case kindSecret:
		return Secret
	case kindBool:
		return Bool
	case kindInt:
		return Int
	case kindDuration:
		return Duration
	case kindTime:
		return Time
	case kindGroup:
		return Group
	case kindGroups:
		return Groups
	}
	return ""
}

// Tree returns every setting there is, in the order of declaration.
func Tree() []Setting {
	s := Settings{Config: gatehouse.Config{Mounts: make([]gatehouse.Mount, 1)}}
	s.Config, s.Server = s.Config.WithDefaults(), s.Server.WithDefaults()
	return treeOf(reflect.ValueOf(s), "")
}

// treeOf describes a group. v holds the defaults.
func treeOf(v reflect.Value, path string) (all []Setting) {
	for _, f := range fieldsOf(v.Type()) {
		owner, member := ownerOf(v.Type(), f.index)
		at := under(path, f.key)
		value := v.FieldByIndex(f.index)
		one := Setting{Key: f.key, Path: at, Form: formOf(f.typ), Package: owner.PkgPath(), Struct: owner.Name(), Member: member}
		switch one.Form {
		case Group:
			one.Settings = treeOf(value, at)
		case Groups:
			element := reflect.Zero(f.typ.Elem())
			if value.Len() > 0 {
				element = value.Index(0)
			}
			one.Settings = treeOf(element, at+"[]")
		default:
			one.Default = defaultOf(value, one.Form)
		}
		all = append(all, one)
	}
	return all
}

// ownerOf finds the struct that has the member, through embedded ones.
func ownerOf(t reflect.Type, index []int) (owner reflect.Type, member string) {
	for _, i := range index[:len(index)-1] {
		t = t.Field(i).Type
	}
	return t, t.Field(index[len(index)-1]).Name
}

// defaultOf writes the value as the file would.
func defaultOf(v reflect.Value, form Form) any {
	if form != Bool && (v.IsZero() || form == Texts && v.Len() == 0) {
		return nil
	}
	switch form {
	case Text:
		return v.String()
	case Bool:
		return v.Bool()
	case Int:
		return int(v.Int())
	case Duration:
		return FormatDuration(time.Duration(v.Int()))
	case Texts:
		var list []string
		for i := range v.Len() {
			list = append(list, v.Index(i).String())
		}
		return list
	}
	return nil
}

// Walk visits every setting of the tree, groups before what is in them.
func Walk(tree []Setting, visit func(Setting)) {
	for _, s := range tree {
		visit(s)
		Walk(s.Settings, visit)
	}
}

// Env is the setting's name in the environment; the elements of a list of
// groups have their number, here 0.
func (s Setting) Env() string { return EnvName(strings.ReplaceAll(s.Path, "[]", "[0]")) }
