package gatehouse_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/netip"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
)

// shownTypes are all types of package view.
var shownTypes = []reflect.Type{
	reflect.TypeFor[gatehouse.Profile](), reflect.TypeFor[gatehouse.SessionInfo](), reflect.TypeFor[gatehouse.APIKeyInfo](),
}

// No type that is made to be shown has a member by whose name or type a hash or a
// secret could be in it: texts, numbers, times and addresses are all there is.
//
// proves: NEXT-24, ASVS 8.2.3
func TestViews_canHoldNoSecret(t *testing.T) {
	var names []string
	for _, shown := range shownTypes {
		names = append(names, shown.Name())
		for f := range shown.Fields() {
			if why := unfit(f); why != "" {
				t.Errorf("%s.%s: %s", shown.Name(), f.Name, why)
			}
		}
	}
	if all := typesOf(t, "internal/view"); !slices.Equal(slices.Sorted(slices.Values(names)), all) {
		t.Errorf("this test looks at %v, and package view has %v", names, all)
	}
	for _, bad := range []reflect.StructField{ // the test can fail
		{Name: "PasswordHash", Type: reflect.TypeFor[string]()}, {Name: "ResetToken", Type: reflect.TypeFor[string]()},
		{Name: "X", Type: reflect.TypeFor[auth.Secret]()}, {Name: "X", Type: reflect.TypeFor[[]auth.Secret]()},
		{Name: "X", Type: reflect.TypeFor[auth.Password]()}, {Name: "X", Type: reflect.TypeFor[any]()}, {Name: "X", Type: reflect.TypeFor[[]byte]()},
		{Name: "X", Type: reflect.TypeFor[map[string]string]()},
	} {
		if unfit(bad) == "" {
			t.Errorf("%s %v passes", bad.Name, bad.Type)
		}
	}
}

var secretName = regexp.MustCompile(`(?i)hash|secret|password|token|salt|pepper|seal|cookie|private|epoch|data`)

func unfit(f reflect.StructField) string {
	typ := f.Type
	if typ.Kind() == reflect.Slice && typ.Elem().Kind() != reflect.Uint8 {
		typ = typ.Elem()
	}
	switch typ {
	case reflect.TypeFor[string](), reflect.TypeFor[bool](), reflect.TypeFor[time.Time](), reflect.TypeFor[netip.Addr](), reflect.TypeFor[netip.Prefix]():
	default:
		return fmt.Sprintf("%v is no type that is plainly harmless", f.Type)
	}
	if secretName.MatchString(f.Name) && f.Name != "TokensOnly" {
		return "its name is that of something that is not shown"
	}
	return ""
}

// typesOf are the exported types of a package.
func typesOf(t *testing.T, folder string) (names []string) {
	t.Helper()
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), folder+"/"+file.Name(), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if s, ok := n.(*ast.TypeSpec); ok && s.Name.IsExported() {
				names = append(names, s.Name.Name)
			}
			return true
		})
	}
	slices.Sort(names)
	return names
}

// Of each member of a noun somebody has decided whether it is shown. A new one
// fails here until it is.
var (
	userMembers = map[string]bool{
		"ID": true, "Email": true, "Username": true, "EmailVerifiedAt": false, // as a yes or no
		"Name": true, "Image": true, "Roles": true,
		"Epoch": false, "Version": false, "CreatedAt": true, "UpdatedAt": false, "DisabledAt": false,
	}
	sessionMembers = map[string]bool{
		"ID": true, "UserID": true, "Mount": true, "Subject": false, "Epoch": false, "CreatedAt": true, "AbsoluteEnd": true, "LastSeenAt": true,
		"Methods": true, "Address": true, "UserAgent": true, "SecretHash": false, "Data": false, "Version": false, "TokensOnly": true,
		"EndedAt": false, "EndReason": false,
	}
	// The ID stands in what people know the key by, and so does Environment.
	apiKeyMembers = map[string]bool{
		"ID": true, "Environment": true, "Name": true, "UserID": true, "Epoch": false, "CreatedBy": false, "Roles": true, "Scopes": true,
		"Networks": true, "RateLimit": false, "SecretHash": false, "ReplacedBy": false, "Version": false,
		"CreatedAt": true, "ExpiresAt": true, "LastUsedAt": true, "RevokedAt": true,
	}
)

// Each member is filled with something that is nowhere else, and what is shown is
// looked through for it.
//
// proves: NEXT-24, ASVS 8.2.3, ASVS 8.1.2
func TestViews_showWhatWasDecidedAndNothingElse(t *testing.T) {
	var u auth.User
	marks := mark(t, &u, userMembers)
	wantShown(t, "Profile", gatehouse.ProfileOf(u), marks, userMembers)
	var s auth.Session
	marks = mark(t, &s, sessionMembers)
	wantShown(t, "SessionInfo", gatehouse.SessionInfoOf(s, ""), marks, sessionMembers)
	var k auth.APIKey
	marks = mark(t, &k, apiKeyMembers)
	wantShown(t, "APIKeyInfo", gatehouse.APIKeyInfoOf(k), marks, apiKeyMembers)
}

// mark fills every member of the struct and returns how each would be shown.
func mark(t *testing.T, noun any, decided map[string]bool) map[string]string {
	t.Helper()
	v, marks := reflect.ValueOf(noun).Elem(), map[string]string{}
	for i := range v.NumField() {
		name, f := v.Type().Field(i).Name, v.Field(i)
		if _, ok := decided[name]; !ok {
			t.Errorf("%v.%s: is it shown? Say so here, and fill it in views.go if it is", v.Type(), name)
		}
		switch at := f.Addr().Interface().(type) {
		case *time.Time:
			*at = time.Date(2001+i, 2, 3, 4, 5, 6, 0, time.UTC)
			marks[name] = at.Format(time.RFC3339)
		case *netip.Addr:
			*at = netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", 100+i))
			marks[name] = at.String()
		case *[]netip.Prefix:
			*at = []netip.Prefix{netip.MustParsePrefix(fmt.Sprintf("198.51.100.%d/32", 100+i))}
			marks[name] = (*at)[0].String()
		case *[]string:
			*at = []string{"mark-" + name + "-mark"}
			marks[name] = (*at)[0]
		case *auth.RateLimit:
			*at = auth.RateLimit{Requests: 660000 + i, Period: time.Hour}
			marks[name] = fmt.Sprint(at.Requests)
		case *bool:
			*at = true
		default:
			switch f.Kind() {
			case reflect.String:
				f.SetString("mark-" + name + "-mark")
				marks[name] = f.String()
			case reflect.Int64:
				f.SetInt(int64(770000 + i))
				marks[name] = fmt.Sprint(f.Int())
			default:
				t.Errorf("%v.%s: no mark for %v", v.Type(), name, f.Type())
			}
		}
	}
	return marks
}

func wantShown(t *testing.T, what string, shown any, marks map[string]string, decided map[string]bool) {
	t.Helper()
	encoded, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	for member, m := range marks {
		if got := strings.Contains(string(encoded), m); got != decided[member] {
			t.Errorf("%s shows %s: %v, want %v\n%s", what, member, got, decided[member], encoded)
		}
	}
}
