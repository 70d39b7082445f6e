package wire_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-auth/gatehouse/internal/seal"
	"github.com/gatehouse-auth/gatehouse/internal/vectors"
	"github.com/gatehouse-auth/gatehouse/internal/web/authjs/wire"
)

// dialect splits an op like "v4.chunk".
func dialect(t *testing.T, op string) (d seal.Dialect, verb string) {
	t.Helper()
	version, verb, _ := strings.Cut(op, ".")
	switch version {
	case "v4", "v5":
		return seal.Dialect(version), verb
	}
	t.Fatalf("unknown op %q", op)
	return "", ""
}

type chunkVector struct {
	vectors.Vector
	Inputs struct {
		CookieName  string `json:"cookieName"`
		ValueLength int    `json:"valueLength"`
		ValueSHA256 string `json:"valueSha256"`
		ValueRule   struct {
			Seed string `json:"seed"`
		} `json:"valueRule"`
		RequestCookies wire.Cookies `json:"requestCookiesInOrder"`
		NewValueLength int          `json:"newValueLength"`
	} `json:"inputs"`
	Output struct {
		Value      string        `json:"value"`
		Cookies    []chunkDigest `json:"cookies"`
		SetCookies []struct {
			Name   string `json:"name"`
			Length int    `json:"length"`
			MaxAge *int   `json:"maxAge"`
		} `json:"setCookies"`
	} `json:"output"`
}

type chunkDigest struct {
	Name   string `json:"name"`
	Length int    `json:"length"`
	SHA256 string `json:"sha256"`
}

func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestChunks_asTheRecordedVectors(t *testing.T) {
	vectors.Each(t, "cookie-chunks.json", func(t *testing.T, v chunkVector) {
		d, verb := dialect(t, v.Op)
		switch verb {
		case "chunk":
			checkSplit(t, d, v)
		case "joinChunks":
			got, err := wire.Join(d, v.Inputs.CookieName, v.Inputs.RequestCookies)
			if err != nil || got != v.Output.Value {
				t.Errorf("Join = %q, %v, want %q", got, err, v.Output.Value)
			}
			checkExact(t, v, got)
		case "chunkReplacing":
			var got, want []string
			for _, c := range wire.Replace(d, v.Inputs.CookieName, strings.Repeat("x", v.Inputs.NewValueLength), v.Inputs.RequestCookies) {
				got = append(got, fmt.Sprint(c.Name, " ", len(c.Value), " ", c.Delete))
			}
			for _, c := range v.Output.SetCookies {
				want = append(want, fmt.Sprint(c.Name, " ", c.Length, " ", c.MaxAge != nil && *c.MaxAge == 0))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		default:
			t.Fatalf("unknown op %q", v.Op)
		}
	})
}

func checkSplit(t *testing.T, d seal.Dialect, v chunkVector) {
	var b strings.Builder
	for i := 0; b.Len() < v.Inputs.ValueLength; i++ {
		fmt.Fprintf(&b, "%s%d;", v.Inputs.ValueRule.Seed, i)
	}
	value := b.String()[:v.Inputs.ValueLength]
	if got := digest(value); got != v.Inputs.ValueSHA256 {
		t.Fatalf("value rebuilt with digest %s, want %s", got, v.Inputs.ValueSHA256)
	}
	var got []chunkDigest
	chunks := wire.Split(d, v.Inputs.CookieName, value)
	for _, c := range chunks {
		got = append(got, chunkDigest{c.Name, len(c.Value), digest(c.Value)})
	}
	if diff := cmp.Diff(v.Output.Cookies, got); diff != "" {
		t.Errorf("chunks (-want +got):\n%s", diff)
	}
	if back, err := wire.JoinExact(v.Inputs.CookieName, chunks); err != nil || back != value {
		t.Errorf("JoinExact of the chunks: %d bytes, %v, want the value of %d", len(back), err, len(value))
	}
}

// checkExact compares the strict reader with the lax one. They agree unless the
// request has a cookie that only begins with the name, which the strict one
// leaves out, or chunks that make no whole, which it refuses.
func checkExact(t *testing.T, v chunkVector, lax string) {
	name := v.Inputs.CookieName
	var plain, stray, gap bool
	numbers := map[string]bool{}
	for _, c := range v.Inputs.RequestCookies {
		suffix, ok := strings.CutPrefix(c.Name, name)
		switch number, dotted := strings.CutPrefix(suffix, "."); {
		case !ok || c.Value == "":
		case suffix == "":
			plain = true
		case dotted && strings.Trim(number, "0123456789") == "" && (number == "0" || strings.TrimLeft(number, "0") == number):
			numbers[number] = true
		default:
			stray = true
		}
	}
	for i := range len(numbers) {
		gap = gap || !numbers[fmt.Sprint(i)]
	}
	got, err := wire.JoinExact(name, v.Inputs.RequestCookies)
	if gap || plain && len(numbers) > 0 {
		if err == nil {
			t.Errorf("JoinExact = %q, want ErrChunks", got)
		}
		return
	}
	if err != nil || !stray && got != lax {
		t.Errorf("JoinExact = %q, %v, want %q", got, err, lax)
	}
}

type getTokenVector struct {
	vectors.Vector
	Inputs struct {
		Secret       vectors.Texts `json:"secret"`
		SecureCookie bool          `json:"secureCookie"`
		Headers      struct {
			Cookie        string `json:"cookie"`
			Authorization string `json:"authorization"`
		} `json:"headers"`
	} `json:"inputs"`
}

// getToken is the reading helper of the application, put together from the
// pieces. Protocol page §6.3.
func getToken(d seal.Dialect, v getTokenVector) ([]byte, error) {
	name := wire.CookieNames(d, v.Inputs.SecureCookie).Session
	token, err := wire.Join(d, name, wire.ParseCookies([]string{v.Inputs.Headers.Cookie}))
	if err != nil {
		return nil, err
	}
	if token == "" {
		token, _ = wire.BearerToken(v.Inputs.Headers.Authorization)
	}
	salt := ""
	if d == seal.V5 {
		salt = name
	}
	s, err := seal.New(d, salt, v.Inputs.Secret...)
	if err != nil {
		return nil, err
	}
	claims, err := s.Open(token)
	if err != nil {
		return nil, err
	}
	return claims, seal.CheckTimes(claims, time.Now())
}

func TestGetToken_readsAsTheRecordedVectors(t *testing.T) {
	vectors.Each(t, "get-token.json", func(t *testing.T, v getTokenVector) {
		d, _ := dialect(t, v.Op)
		claims, err := getToken(d, v)
		if v.Expect.Result != "accept" {
			if err == nil {
				t.Errorf("read %s, want nothing: %s", claims, v.Expect.Why)
			}
			return
		}
		if err != nil {
			t.Fatalf("%v, want the claims: %s", err, v.Expect.Why)
		}
		var got, want map[string]any
		if err := json.Unmarshal(claims, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(v.Expect.Claims, &want); err != nil {
			t.Fatal(err)
		}
		if pad, ok := got["pad"].(string); ok {
			delete(got, "pad")
			got["padLength"] = float64(len(pad))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("claims (-want +got):\n%s", diff)
		}
	})
}

type csrfVector struct {
	vectors.Vector
	Inputs struct {
		Secret        vectors.Texts `json:"secret"`
		CookieName    string        `json:"cookieName"`
		CookieOnWire  string        `json:"cookieOnWire"`
		Method        string        `json:"method"`
		BodyCSRFToken string        `json:"bodyCsrfToken"`
	} `json:"inputs"`
}

// proves: NEXT-5
func TestCSRF_decidesAsTheRecordedVectors(t *testing.T) {
	vectors.Each(t, "csrf.json", func(t *testing.T, v csrfVector) {
		d, _ := dialect(t, v.Op)
		if name := wire.CookieNames(d, false).CSRF; name != v.Inputs.CookieName {
			t.Fatalf("cookie name = %q, want %q", name, v.Inputs.CookieName)
		}
		if v.Inputs.Method != "POST" {
			t.Fatalf("method %q: only a POST is verified", v.Inputs.Method)
		}
		cookies := wire.ParseCookies([]string{v.Inputs.CookieName + "=" + v.Inputs.CookieOnWire})
		cookie, _ := cookies.Get(v.Inputs.CookieName)
		c, err := wire.NewCSRF(d, v.Inputs.Secret...)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.Verify(cookie, v.Inputs.BodyCSRFToken), v.Expect.Result == "accept"; got != want {
			t.Errorf("Verify = %v, want %v: %s", got, want, v.Expect.Why)
		}
	})
}

type callbackVector struct {
	vectors.Vector
	Inputs struct {
		Origin      string `json:"origin"`
		From        string `json:"from"`
		CallbackURL string `json:"callbackUrl"`
	} `json:"inputs"`
	Output struct {
		CallbackURLCookie string `json:"callbackUrlCookie"`
	} `json:"output"`
}

// stricter names the rule by which Gatehouse is stricter than the library about
// a text, or nothing. The rules look at the text alone, so that they hold for
// vectors made from other inputs. Among the recorded ones they concern
// {origin}\@evil.example/ in both dialects.
func stricter(origin, v string) (refused bool, why string) {
	if strings.ContainsFunc(v, func(r rune) bool { return r < 0x20 || r >= 0x7F && r < 0xA0 }) {
		return true, "a control character would end up in a Location header"
	}
	if len(v) > wire.MaxCallbackURL {
		return true, "too long for any cookie"
	}
	if strings.HasPrefix(v, "/") {
		return false, ""
	}
	scheme, rest, _ := strings.Cut(v, ":")
	if strings.EqualFold(scheme, "blob") {
		return false, "a blob URL borrows the origin of the URL within it"
	}
	rest, ok := strings.CutPrefix(rest, "//")
	if !ok || strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, `\`) {
		return false, "without exactly two slashes a browser may read a path where the library reads a host"
	}
	authority, _, _ := strings.Cut(rest, "/")
	authority, _, _ = strings.Cut(authority, "?")
	authority, _, _ = strings.Cut(authority, "#")
	ours, _ := url.Parse(origin)
	host := authority[strings.LastIndex(authority, "@")+1:]
	if i := strings.LastIndex(host, ":"); i > strings.LastIndex(host, "]") {
		host = host[:i]
	}
	switch {
	case strings.Contains(authority, `\`):
		return false, "by RFC 3986 the backslash belongs to the userinfo and another host follows"
	case strings.Count(authority, "@") > 1:
		return false, "readers differ on which @ ends the userinfo"
	case !strings.EqualFold(strings.Trim(host, "[]"), ours.Hostname()) || strings.ContainsFunc(host, func(r rune) bool { return r > 127 }):
		return false, "a browser rewrites this host to ours, others may not"
	}
	return false, ""
}

// proves: ASVS 1.5.3, ASVS 3.7.2, BCP-2
func TestCallbackURL_decidesAsTheRecordedVectors(t *testing.T) {
	vectors.Each(t, "callback-urls.json", func(t *testing.T, v callbackVector) {
		o, err := wire.ParseOrigin(v.Inputs.Origin)
		if err != nil || o.String() != v.Inputs.Origin {
			t.Fatalf("ParseOrigin = %q, %v, want %q", o, err, v.Inputs.Origin)
		}
		var got string
		switch v.Inputs.From {
		case "query":
			got, _, err = o.CallbackURL("", v.Inputs.CallbackURL, "")
		case "cookie":
			got, _, err = o.CallbackURL("", "", v.Inputs.CallbackURL)
		case "body":
			got, _, err = o.CallbackURL(v.Inputs.CallbackURL, "", "")
		default:
			t.Fatalf("unknown source %q", v.Inputs.From)
		}
		want, wantRefused := v.Output.CallbackURLCookie, v.Expect.Result == "reject"
		refused, why := stricter(v.Inputs.Origin, v.Inputs.CallbackURL)
		if refused && !wantRefused || why != "" && v.Expect.Result == "accept" {
			t.Logf("stricter than the library: %s", why)
			want, wantRefused = v.Inputs.Origin, refused
		}
		if wantRefused {
			if err == nil {
				t.Errorf("CallbackURL = %q, want refused: %s", got, v.Expect.Why)
			}
			return
		}
		if err != nil || got != want {
			t.Errorf("CallbackURL = %q, %v, want %q", got, err, want)
		}
	})
}
