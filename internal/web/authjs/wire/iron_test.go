package wire_test

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/vectors"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

type ironCookieVector struct {
	vectors.Vector
	Inputs struct {
		Package    string                     `json:"package"`
		CookieName string                     `json:"cookieName"`
		Options    map[string]json.RawMessage `json:"options"`
		Destroy    bool                       `json:"destroy"`
	} `json:"inputs"`
	Output struct {
		SetCookie []string `json:"setCookie"`
	} `json:"output"`
}

// The recorded lines name the length of the seal in place of it: what the writer
// spreads over cookies is a text of their sum. Options that Gatehouse has no use
// for are passed over, and so is the older package where the two differ.
func TestReplaceIron_writesAsTheRecordedPackage(t *testing.T) {
	compared := 0
	vectors.Each(t, "iron.json", func(t *testing.T, v ironCookieVector) {
		if v.Op != "iron-session.setCookie" || v.Inputs.Package != "v9" || v.Inputs.Options["cookieOptions"] != nil ||
			v.Inputs.Options["password"] != nil || string(v.Inputs.Options["ttl"]) == "0" {
			t.Skip("nothing that Gatehouse writes")
		}
		if v.Expect.Result == "reject" {
			t.Skip("too long for the package's own limits, which it says before it writes")
		}
		total, maxAge := 0, 0
		var want []string
		for _, line := range v.Output.SetCookie {
			before, rest, found := strings.Cut(line, "<")
			if found {
				count, after, _ := strings.Cut(rest, " characters of seal>")
				n, err := strconv.Atoi(count)
				if err != nil {
					t.Fatal(err)
				}
				total += n
				line = before + strings.Repeat("x", n) + after
			}
			_, age, _ := strings.Cut(line, "Max-Age=")
			age, _, _ = strings.Cut(age, ";")
			maxAge, _ = strconv.Atoi(age)
			want = append(want, line)
		}
		request := wire.Cookies{}
		if v.Inputs.Destroy {
			request = append(request, wire.Cookie{Name: v.Inputs.CookieName, Value: "x"})
		}
		got := wire.ReplaceIron(v.Inputs.CookieName, strings.Repeat("x", total), maxAge, true, request)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
		compared++
	})
	if compared == 0 {
		t.Error("no vector was compared")
	}
}

func TestReplaceIron_leavesNothingThatAReaderWouldPrefer(t *testing.T) {
	request := wire.Cookies{{"sid", "old"}, {"sid.0", "a"}, {"sid.1", "b"}, {"sid.7", "c"}, {"sid-x", "mine"}, {"sid.x", "mine"}, {"other", "o"}, {"sid", "twice"}}
	names := func(lines []string) (list []string) {
		for _, line := range lines {
			name, rest, _ := strings.Cut(line, "=")
			if strings.Contains(rest, "Max-Age=0;") {
				name = "-" + name
			}
			list = append(list, name)
		}
		return list
	}
	for name, c := range map[string]struct {
		value string
		want  []string
	}{
		"one cookie":   {"v", []string{"-sid.0", "-sid.1", "-sid.7", "sid"}},
		"two chunks":   {strings.Repeat("v", 5000), []string{"-sid", "-sid.7", "sid.0", "sid.1"}},
		"none":         {"", []string{"-sid", "-sid.0", "-sid.1", "-sid.7"}},
		"far too much": {strings.Repeat("v", 5*4096), nil},
	} {
		lines := wire.ReplaceIron("sid", c.value, 60, true, request)
		if diff := cmp.Diff(c.want, names(lines)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for _, line := range lines {
			if len(line) > wire.MaxSetCookie {
				t.Errorf("%s: a line of %d bytes", name, len(line))
			}
		}
	}
	if lines := wire.ReplaceIron("a b", "v", 60, true, request); lines != nil {
		t.Errorf("a name that is none: %q", lines)
	}
}
