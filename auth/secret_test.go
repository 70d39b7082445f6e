package auth_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/gatehouse-auth/gatehouse/auth"
)

const planted = auth.Secret("hunter2-hunter2")

// shown looks for the secret in plain and in the forms that verbs give it.
func shown(text string) bool {
	for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2")} {
		if strings.Contains(text, form) {
			return true
		}
	}
	return false
}

type holder struct {
	Name string
	Key  auth.Secret
	Keys []auth.Secret
	Ptr  *auth.Secret
}

func newHolder() holder {
	s := planted
	return holder{Name: "n", Key: s, Keys: []auth.Secret{s}, Ptr: &s}
}

// proves: ASVS 16.2.5, ASVS 13.3.2
func TestSecret_isSilentThroughFmt(t *testing.T) {
	// %d and %t do not fit; a plain string type would be shown all the same,
	// as part of the complaint.
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t", "%c", "%10v", "% x", "%#q"} {
		for name, value := range map[string]any{"secret": planted, "holder": newHolder(), "slice": []auth.Secret{planted}, "map": map[auth.Secret]int{planted: 1}} {
			if got := fmt.Sprintf(verb, value); shown(got) {
				t.Errorf("%s of a %s prints %q", verb, name, got)
			}
		}
	}
	if got := fmt.Sprint(planted); got != "[redacted]" {
		t.Errorf("Sprint gives %q", got)
	}
	if got := fmt.Errorf("wrong: %v", planted).Error(); got != "wrong: [redacted]" {
		t.Errorf("Errorf gives %q", got)
	}
}

// proves: ASVS 16.2.5
func TestSecret_isSilentThroughSlog(t *testing.T) {
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("planted", "secret", planted, "holder", newHolder(), slog.Group("g", "secret", planted))
	}
	if shown(out.String()) {
		t.Errorf("the log shows it:\n%s", out.String())
	}
	if strings.Count(out.String(), "[redacted]") < 4 {
		t.Errorf("the log does not say that something was there:\n%s", out.String())
	}
}

func TestSecret_isSilentThroughJSON(t *testing.T) {
	b, err := json.Marshal(newHolder())
	if err != nil {
		t.Fatal(err)
	}
	if shown(string(b)) {
		t.Errorf("JSON shows it: %s", b)
	}
}

func TestSecret_revealHandsItOut(t *testing.T) {
	if got := planted.Reveal(); got != "hunter2-hunter2" {
		t.Errorf("got %q", got)
	}
}
