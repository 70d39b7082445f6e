package oauth_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/oauth"
)

// Every Code has a word of the standards, and the status that RFC 6749 §5.2 and
// RFC 9110 want beside it.
func TestErrors_everyCodeHasAWordOfTheStandards(t *testing.T) {
	words := map[string][]int{
		"invalid_request": {400, 401, 404, 409, 410}, "invalid_client": {401}, "invalid_grant": {400}, "invalid_scope": {400}, "invalid_target": {400},
		"invalid_token": {401}, "unsupported_token_type": {400}, "access_denied": {403}, "temporarily_unavailable": {429, 503}, "server_error": {500},
	}
	seen := map[string]bool{}
	for _, c := range auth.Codes() {
		name := oauth.ErrorName(c)
		statuses, known := words[name]
		if status := web.Status(auth.NewError(c, nil)); !known || !slices.Contains(statuses, status) {
			t.Errorf("%s: %q with status %d", c, name, status)
		}
		seen[name] = true
		if text := oauth.Description(c.Message()); text == "" || strings.ContainsAny(text, "\"\\") {
			t.Errorf("%s: described as %q", c, text)
		}
	}
	for name := range words {
		if !seen[name] {
			t.Errorf("no Code is %s", name)
		}
	}
	if got := oauth.Description("a “b”\n\"c\\d\x7f"); got != "a bcd" {
		t.Errorf("description %q", got)
	}
}

func TestBasic_readsOneForm(t *testing.T) {
	encode := func(text string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(text)) }
	for value, want := range map[string][2]string{
		encode("id:secret"): {"id", "secret"}, encode("a%3Ab:c%20d"): {"a:b", "c d"}, encode("id:"): {"id", ""}, encode("id:a:b"): {"id", "a:b"},
		"bASIC  " + encode("id:x")[6:]: {"id", "x"}, encode("a+b:c"): {"a b", "c"},
	} {
		id, secret, ok := oauth.Basic(value)
		if !ok || id != want[0] || secret != want[1] {
			t.Errorf("%q: %q %q %v", value, id, secret, ok)
		}
	}
	for _, value := range []string{
		"", "Basic", "Basic ", "Bearer " + encode("id:x")[6:], encode("id"), encode("id:%zz"), encode("%2:x"), encode("id:\xff"), "Basic ***",
		encode("id:x") + " x", "Basic " + strings.Repeat("A", 5000), strings.TrimRight(encode("id:secret1"), "="),
	} {
		if id, secret, ok := oauth.Basic(value); ok && value != encode("id:secret1") {
			t.Errorf("%q is read as %q %q", value, id, secret)
		}
	}
}

func FuzzBasic(f *testing.F) {
	for _, seed := range []string{"", "Basic aWQ6c2VjcmV0", "basic  aWQ6", "Basic OmE=", "Basic aWQ6JTAw"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		id, secret, ok := oauth.Basic(value)
		if !ok {
			return
		}
		again := "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
		if other, same, ok := oauth.Basic(again); len(again) < 4096 && (!ok || other != id || same != secret) {
			t.Errorf("%q is %q %q, and written again %q %q", value, id, secret, other, same)
		}
	})
}

func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"", "token=x", "token=x&token=y", "refresh_token=fam_&grant_type=refresh_token", "%zz", "token=%ff", "a;b=c", "client_id=%00"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := oauth.ParseForm(body)
		if err != nil {
			if web.Status(err) != http.StatusBadRequest {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		form, err := url.ParseQuery(string(body))
		if err != nil || len(form["token"]) > 1 || len(form["refresh_token"]) > 1 || len(form["client_secret"]) > 1 {
			t.Errorf("%q is taken: %v", body, err)
		}
		if p.Token != form.Get("token") || !utf8.Valid(body) {
			t.Errorf("%q: %q", body, p.Token)
		}
	})
}
