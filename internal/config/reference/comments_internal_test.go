package reference

import (
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/internal/config"
)

// find returns the setting at path.
func find(t *testing.T, path string) (found config.Setting) {
	t.Helper()
	config.Walk(config.Tree(), func(s config.Setting) {
		if s.Path == path {
			found = s
		}
	})
	if found.Path == "" {
		t.Fatalf("there is no %s", path)
	}
	return found
}

func TestDescribe_refusesASettingWithoutAComment(t *testing.T) {
	w, err := newWriter("../../..", config.Tree())
	if err != nil {
		t.Fatal(err)
	}
	s := find(t, "session.max_age")
	delete(w.comments, [3]string{s.Package, s.Struct, s.Member})
	if text, err := w.describe(s); err == nil || !strings.Contains(err.Error(), "session.max_age has no doc comment: write one above Session.MaxAge") {
		t.Errorf("got %q, %v", text, err)
	}
}

func TestDescribe_speaksOfKeysAndNotOfMembers(t *testing.T) {
	w, err := newWriter("../../..", config.Tree())
	if err != nil {
		t.Fatal(err)
	}
	s := find(t, "session.max_age")
	w.comments[[3]string{s.Package, s.Struct, s.Member}] = "MaxAge is less than AbsoluteLifetime,\nsee [Config.PublicOrigin], Config.Secrets and\nAccountFailures; NextAuth and JavaScript stay.\n\nDefault: none.\n"
	got, err := w.describe(s)
	want := "max_age is less than absolute_lifetime, see public_origin at the top of the file, secrets at the top of the file and limits.account_failures; NextAuth and JavaScript stay.\nDefault: none."
	if err != nil || got != want {
		t.Errorf("got\n%q\nwant\n%q (%v)", got, want, err)
	}
}

// A member of the structs must not be spoken of by a name that the file does
// not have.
func TestDescribe_leavesNoMemberBehind(t *testing.T) {
	tree := config.Tree()
	w, err := newWriter("../../..", tree)
	if err != nil {
		t.Fatal(err)
	}
	config.Walk(tree, func(s config.Setting) {
		text, err := w.describe(s)
		if err != nil {
			t.Error(err)
		}
		for _, name := range goName.FindAllString(text, -1) {
			if w.paths[name] != nil {
				t.Errorf("%s: %s is a member, and the text does not say of what: %s", s.Path, name, text)
			}
		}
		for _, name := range byDefault.FindAllString(text, -1) {
			if name = strings.TrimPrefix(name, "Default: "); w.paths[s.Struct+"."+name] != nil {
				t.Errorf("%s: %s is a member, and the file calls it otherwise: %s", s.Path, name, text)
			}
		}
	})
}
