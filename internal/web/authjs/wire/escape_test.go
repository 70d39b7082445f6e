package wire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

func TestEscapes_differAsTheProtocolSays(t *testing.T) {
	const in = "aZ09-_.!~*'() +%&=?#/:@|\"<>\x00ä🎉"
	if got, want := wire.EncodeURIComponent(in), "aZ09-_.!~*'()%20%2B%25%26%3D%3F%23%2F%3A%40%7C%22%3C%3E%00%C3%A4%F0%9F%8E%89"; got != want {
		t.Errorf("EncodeURIComponent = %s\nwant %s", got, want)
	}
	if got, want := wire.EncodeForm(in), "aZ09-_.%21%7E*%27%28%29+%2B%25%26%3D%3F%23%2F%3A%40%7C%22%3C%3E%00%C3%A4%F0%9F%8E%89"; got != want {
		t.Errorf("EncodeForm = %s\nwant %s", got, want)
	}
	if got := wire.EncodeURIComponent("a\xffb"); got != "a%EF%BF%BDb" {
		t.Errorf("EncodeURIComponent of a byte that is no UTF-8 = %s", got)
	}
	if got := wire.EncodeQuery(wire.Param{"b", "x y"}, wire.Param{"a&", "1"}); got != "b=x+y&a%26=1" {
		t.Errorf("EncodeQuery = %s", got)
	}
}

func TestDecodeURIComponent_isStrict(t *testing.T) {
	for in, want := range map[string]string{"": "", "a+b": "a+b", "%7C%7c": "||", "%F0%9F%8E%89": "🎉", "ä%20": "ä "} {
		if got, ok := wire.DecodeURIComponent(in); !ok || got != want {
			t.Errorf("DecodeURIComponent(%q) = %q, %v, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"%", "%4", "a%", "%zz", "%4g", "%E0%A4%A", "%ff", "%C0%80", "%ED%A0%80", "%80"} {
		if got, ok := wire.DecodeURIComponent(in); ok {
			t.Errorf("DecodeURIComponent(%q) = %q, want refused", in, got)
		}
		if got := wire.DecodeCookieValue(in); got != in {
			t.Errorf("DecodeCookieValue(%q) = %q, want it unchanged", in, got)
		}
	}
}

func FuzzEncodeURIComponent(f *testing.F) {
	f.Add("a b|c%7C\xff🎉")
	f.Fuzz(func(t *testing.T, s string) {
		e := wire.EncodeURIComponent(s)
		back, ok := wire.DecodeURIComponent(e)
		if want := string([]rune(s)); !ok || back != want {
			t.Fatalf("%q comes back as %q", s, back)
		}
		if strings.ContainsFunc(e+wire.EncodeForm(s), func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`";,\`, r) }) {
			t.Fatalf("%q is encoded as %q and %q", s, e, wire.EncodeForm(s))
		}
	})
}

func TestAppendISOTime_keepsThreeDigits(t *testing.T) {
	for in, want := range map[time.Time]string{
		time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC):                           "2026-01-31T00:00:00.000Z",
		time.Date(2026, 1, 31, 1, 2, 3, 120_999_999, time.FixedZone("", 3600)): "2026-01-31T00:02:03.120Z",
	} {
		if got := string(wire.AppendISOTime(nil, in)); got != want {
			t.Errorf("AppendISOTime(%v) = %s, want %s", in, got, want)
		}
	}
}

func newCSRF(t *testing.T, d seal.Dialect, secrets ...string) *wire.CSRF {
	t.Helper()
	c, err := wire.NewCSRF(d, secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCSRF_readsWhatItIssued(t *testing.T) {
	for _, d := range []seal.Dialect{seal.V4, seal.V5} {
		c := newCSRF(t, d, "one", "two")
		token, cookie := c.Issue()
		again, _ := c.Issue()
		if len(token) != 64 || len(cookie) != 129 || token == again {
			t.Errorf("%s: Issue = %q, %q, then %q", d, token, cookie, again)
		}
		if got, ok := c.Token(cookie); !ok || got != token {
			t.Errorf("%s: Token = %q, %v, want %q", d, got, ok, token)
		}
		if !c.Verify(cookie, token) {
			t.Errorf("%s: Verify refuses a fresh pair", d)
		}
		for _, bad := range []string{"", "|", token, token + "|", "|" + token, cookie[1:], cookie + "0", strings.Repeat("x", 2000)} {
			if got, ok := c.Token(bad); ok {
				t.Errorf("%s: Token(%q) = %q, want refused", d, bad, got)
			}
		}
		for _, body := range []string{"", token + "x", token[1:], strings.ToUpper(token) + " "} {
			if c.Verify(cookie, body) {
				t.Errorf("%s: Verify accepts %q", d, body)
			}
		}
		if s := fmt.Sprintf("%v %+v %#v %s", c, c, c, c); strings.Contains(s, "one") || strings.Contains(s, "two") {
			t.Errorf("prints %s", s)
		}
	}
	// A secret that is being rotated out still reads in v4; in v5 the list is the secret.
	_, cookie := newCSRF(t, seal.V4, "two").Issue()
	if _, ok := newCSRF(t, seal.V4, "one", "two").Token(cookie); !ok {
		t.Error("v4: the second secret does not read")
	}
	_, cookie = newCSRF(t, seal.V5, "two").Issue()
	if _, ok := newCSRF(t, seal.V5, "one", "two").Token(cookie); ok {
		t.Error("v5: an element of the list reads by itself")
	}
}

func TestNewCSRF_wantsSecrets(t *testing.T) {
	for _, secrets := range [][]string{nil, {""}, {"a", ""}} {
		for _, d := range []seal.Dialect{seal.V4, seal.V5} {
			if _, err := wire.NewCSRF(d, secrets...); err == nil {
				t.Errorf("%s: NewCSRF(%q) has no error", d, secrets)
			}
		}
	}
}
