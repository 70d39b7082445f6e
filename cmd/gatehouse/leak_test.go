package main

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
)

// forms are the ways in which a value may be written down.
func forms(v string) []string {
	quoted, _ := json.Marshal(v)
	twice, _ := json.Marshal(string(quoted))
	out := []string{
		v, url.QueryEscape(v), url.PathEscape(v), html.EscapeString(v), hex.EncodeToString([]byte(v)),
		strings.Trim(string(quoted), `"`), strings.Trim(string(twice), `"\`), strings.Trim(strconv.Quote(v), `"`), strings.Trim(strconv.QuoteToASCII(v), `"`),
	}
	if plain, err := url.QueryUnescape(v); err == nil {
		out = append(out, plain)
	}
	// Base64, also of a longer text with the value somewhere in it: of each of
	// the three positions the part that the neighbours do not touch.
	for shift := range 3 {
		for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := enc.EncodeToString([]byte(strings.Repeat("\x00", shift) + v))
			from := []int{0, 2, 3}[shift]
			if to := len(text) - 2; to-from >= 12 {
				out = append(out, text[from:to])
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// leaks names the values that occur in the text in any form. Capitals make no
// difference.
func leaks(text string, values map[string]string) (found []string) {
	text = strings.ToLower(text)
	for what, v := range values {
		if len(v) < 8 {
			panic(what + " is too short to be told from chance: " + v)
		}
		for _, form := range forms(v) {
			if strings.Contains(text, strings.ToLower(form)) {
				found = append(found, what+" as "+form)
				break
			}
		}
	}
	return found
}

// The search finds what it is to find, or its silence would mean nothing.
func TestLeaks_areFoundInEveryForm(t *testing.T) {
	for _, v := range []string{`plum "orchard" & Söhne/41`, "ada.planted@app.example", "eyJhbGciOiJkaXIifQ..x_y-z", "a%7Cb%7Cc%7Cd"} {
		values := map[string]string{"it": v}
		quoted, _ := json.Marshal(map[string]string{"err": "bad value " + v})
		for what, text := range map[string]string{
			"plain": "x " + v + " y", "capitals": strings.ToUpper(v), "a query": "?q=" + url.QueryEscape(v) + "&r=1", "a path": "/x/" + url.PathEscape(v),
			"JSON": string(quoted), "text log": `err="` + strings.Trim(strconv.Quote(v), `"`) + `"`, "HTML": "<p>" + html.EscapeString(v), "hex": hex.EncodeToString([]byte(v)),
			"base64": base64.StdEncoding.EncodeToString([]byte(v)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(v)),
			"basic": base64.StdEncoding.EncodeToString([]byte("user:" + v)), "inside base64": base64.RawURLEncoding.EncodeToString([]byte(`{"password":"` + v + `"}`)),
			"inside base64, shifted": base64.RawURLEncoding.EncodeToString([]byte(`{"passwort":` + v + `,"x":1}`)),
		} {
			if len(leaks(text, values)) == 0 {
				t.Errorf("%q is not found as %s: %s", v, what, text)
			}
		}
		if found := leaks("request_id=x4k2m7qh3t5nd6ab method=POST endpoint=/api/auth/login status=401 code=invalid_credentials", values); found != nil {
			t.Errorf("found %v where there is nothing", found)
		}
	}
}

// Whatever people and programs do, right or wrong, nothing that they typed or
// were given is in what the program writes, in its metrics or in its spans.
//
// proves: ASVS 16.2.5, ASVS 16.2.4, ASVS 16.4.1
func TestServe_noJourneyWritesASecretAnywhere(t *testing.T) {
	spans := newCollector(t)
	s := startServe(t, `
registration: {mode: invitation}
limits: {account_failures: 2}
tracing: {endpoint: '`+spans.URL+`'}
`)
	values := map[string]string{} // what must not appear
	plant := func(what, v string) string { values[what] = v; return v }
	journeys(s, plant)
	metrics := s.metrics()
	breakDatabase(s, plant)
	for _, name := range []string{"own", "v4", "v5"} {
		content, err := os.ReadFile(filepath.Join(s.dir, name))
		must(t, err)
		plant("the secret "+name, strings.TrimSpace(string(content)))
	}
	plantCookies(s, plant)
	_ = s.process.Process.Signal(os.Interrupt)
	<-s.ended // with an error: its database is broken
	s.ended <- nil

	log := s.out.String()
	wrote := map[string]string{"the output": log, "the metrics": metrics, "the spans": spansText(spans)}
	for where, text := range wrote {
		for _, found := range leaks(text, values) {
			t.Errorf("%s: %s", where, found)
		}
		for what, v := range values { // the same search in the same text is not blind
			if len(leaks(text+v, map[string]string{what: v})) == 0 {
				t.Errorf("%s: %s would not have been found", where, what)
			}
		}
	}
	// The journeys took place, and were written about.
	for _, code := range []string{
		"invalid_credentials", "too_many_attempts", "csrf_failed", "invalid_request", "not_found", "invitation_invalid", "password_too_short", "identifier_taken",
		"password_change_needed", "signed_out", "unavailable", "invalid_identifier",
	} {
		if !strings.Contains(log, `"code":"`+code+`"`) {
			t.Errorf("no request was answered with %s: the journeys are not what they were", code)
		}
	}
	if n := strings.Count(log, `"msg":"request"`); n < 80 {
		t.Errorf("%d requests were logged, want at least 80", n)
	}
	if !strings.Contains(log, `"trace_id"`) || len(spans.spans()) < 200 {
		t.Errorf("%d spans arrived", len(spans.spans()))
	}
	if len(values) < 40 {
		t.Errorf("only %d values were looked for", len(values))
	}
	for line := range strings.Lines(log) {
		if strings.HasPrefix(line, "{") && !json.Valid([]byte(line)) {
			t.Errorf("this is no line of JSON: %q", line)
		}
	}
}

// journeys walks through everything, by both dialects and the command line.
func journeys(s *running, plant func(what, v string) string) {
	email, name, username := plant("the e-mail address", "ada.planted@app.example"), plant("the name", "Planted Löwe-Lace <q>"), plant("the user name", "planted_grace")
	first, second, third := plant("the first password", `Plum "orchard" & ladder 41`), plant("the second password", "Quince%orchard+ladder/42"), plant("the third password", "Medlar orchard—ladder 43")
	wrong := plant("the wrong password", "Sloe orchard ladder 44 wrong")
	agent := plant("the user agent", "PlantedAgent/1.0 (planted)")

	code := plant("the invitation code", codeIn(s.run("", "invitation", "create", "--json", "--uses", "5", "--note", plant("the note", "for planted people"))))
	_, secret, _ := strings.Cut(code, ".")
	plant("the invitation's secret", secret)
	s.run(first+"\n", "user", "create", username, "--name", name, "--password-stdin")
	s.run(first+"\n", "user", "create", username, "--password-stdin") // taken
	temporary := s.run("", "user", "create", plant("the third address", "third.planted@app.example"), "--temporary", "--json")
	pw := plant("the temporary password", passwordIn(temporary))

	for base, other := range map[string]string{"/api/auth": "4", "/api/auth5": "5"} {
		v := s.visitor()
		v.header.Set("User-Agent", agent)
		v.header.Set("Authorization", "Bearer "+plant("the bearer token", "planted-bearer-token-0123"))
		v.header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		v.header.Set("Tracestate", "planted="+plant("the trace state", "planted-tracestate"))
		v.header.Set("Baggage", "k="+plant("the baggage", "planted-baggage"))
		v.header.Set("X-Forwarded-For", plant("the forwarded address", "203.0.113.77"))
		mail := plant("the address "+other, other+email)
		query := "?callbackUrl=" + url.QueryEscape(testOrigin+"/after?"+plant("the query", "planted-query=1")) + "&token=" + plant("the token in the query", "planted-token-0123456789")

		for _, page := range []string{"/signin", "/signup", "/error", "/error?error=" + plant("the error", "PlantedError"), "/session", "/providers", "/signout", "/verify-request", "/account", "/new-password"} {
			if !strings.Contains(page, "?") {
				page += query
			}
			v.get(base + page)
		}
		// Signing up: too short, without a code, with a wrong one, right, twice.
		up := map[string]string{"identifier": mail, "name": name, "password": "short", "invitationCode": code}
		v.form(base, "/signup", up)
		up["password"], up["invitationCode"] = first, plant("a wrong code", "inv_planted.planted-wrong-code")
		v.form(base, "/signup", up)
		up["invitationCode"] = code
		v.form(base, "/signup", up)
		v.json(base+"/register", map[string]string{"email": mail, "name": name, "password": first, "invitationCode": code})
		v.json(base+"/register", map[string]string{"email": plant("no address", "planted no address"), "password": first})
		// Signing in: wrong, without the token, by a foreign page, right.
		in := map[string]string{"identifier": mail, "password": first, "json": "true"}
		fresh := s.visitor()
		fresh.header = v.header.Clone()
		fresh.form(base, "/callback/credentials"+query, map[string]string{"identifier": mail, "password": wrong})
		fresh.do("POST", base+"/callback/credentials", "application/x-www-form-urlencoded", "csrfToken="+plant("a wrong CSRF token", "planted-csrf-token-0123")+"&password="+url.QueryEscape(first))
		fresh.json(base+"/login", map[string]string{"identifier": plant("nobody's address", "nobody.planted@app.example"), "password": wrong})
		fresh.form(base, "/callback/credentials", in)
		plant("the CSRF token "+other, fresh.csrf(base))
		fresh.get(base + "/session" + query)
		thief := fresh.copy()
		// update() with new claims; a session of its own name.
		fresh.do("POST", base+"/session", "application/json", `{"csrfToken":"`+fresh.csrf(base)+`","data":{"name":"`+plant("the new name", "Planted New Name")+`","image":"https://img.example/`+plant("the picture", "planted-picture.png")+`"}}`)
		fresh.get(base + "/account")
		fresh.json(base+"/change-password", map[string]string{"currentPassword": wrong, "newPassword": second})
		fresh.json(base+"/change-password", map[string]string{"currentPassword": first, "newPassword": second})
		fresh.form(base, "/account/password", map[string]string{"currentPassword": second, "newPassword": third})
		thief.get(base + "/session")
		fresh.form(base, "/signout", map[string]string{"json": "true"})
		thief.json(base+"/logout", nil)
		// A temporary password, replaced on the hosted page.
		forced := s.visitor()
		forced.json(base+"/login", map[string]string{"identifier": "third.planted@app.example", "password": pw})
		forced.form(base, "/callback/credentials", map[string]string{"identifier": "third.planted@app.example", "password": pw})
		forced.get(base + "/new-password")
		forced.form(base, "/new-password", map[string]string{"newPassword": third})
		s.run(pw+"\n", "user", "set-password", "third.planted@app.example", "--password-stdin", "--must-change")
		// Deleting an account, with the wrong password first.
		own := s.visitor()
		own.form(base, "/callback/credentials", map[string]string{"identifier": mail, "password": third})
		own.json(base+"/delete-account", map[string]string{"password": wrong})
		own.form(base, "/account/delete", map[string]string{"password": third})
		// Until the account waits.
		for range 4 {
			s.visitor().json(base+"/login", map[string]string{"identifier": username, "password": wrong})
		}
		malformed(v, base, plant)
	}
	for _, args := range [][]string{
		{"user", "list"}, {"user", "show", username}, {"user", "disable", username}, {"user", "enable", username}, {"user", "show", plant("no user", "planted-no-user")},
		{"user", "set-roles", username, "admin"}, {"user", "delete", username, "--yes"}, {"invitation", "list"},
	} {
		out := &safeBuffer{}
		c := s.command(args...)
		c.Stdout, c.Stderr = out, out // the terminal of who typed it, not a log
		_ = c.Run()
		if slices.Contains(args, "show") || slices.Contains(args, "disable") {
			continue // they answer about whom they were asked
		}
		for _, found := range leaks(out.String(), map[string]string{"first": first, "wrong": wrong, "temporary": pw, "code": secret}) {
			s.t.Errorf("gatehouse %v shows %s", args, found)
		}
	}
}

// malformed sends what no browser sends.
func malformed(v *visitor, base string, plant func(what, v string) string) {
	junk := plant("junk", "planted-junk-\x7f\u202e-text")
	for _, body := range []string{`{"password":"` + junk, junk, `[]`, `{"password":["planted"]}`, `{"identifier":"` + strings.Repeat("planted", 20_000) + `"}`} {
		v.do("POST", base+"/login", "application/json", body)
		v.do("POST", base+"/register", "text/plain", body)
		v.do("POST", base+"/callback/credentials", "multipart/form-data; boundary="+plant("the boundary", "planted-boundary"), body)
		v.do("POST", base+"/_log", "application/json", body)
	}
	v.do("POST", base+"/callback/credentials", "application/x-www-form-urlencoded", "%zz="+url.QueryEscape(junk))
	for _, path := range []string{"/" + plant("the path", "planted-path"), base + "/planted-path", "//planted-path/..", base + "/callback/planted-path?code=" + plant("a code", "planted-oauth-code"), base + "/signin/planted-path", base + "/error/planted-path"} {
		v.get(path)
		v.do("DELETE", path, "", "")
		v.do("PLANTEDMETHOD", path, "", "")
	}
	foreign := v.copy()
	foreign.header.Set("Origin", "https://"+plant("a foreign origin", "planted-origin.example"))
	foreign.json(base+"/login", map[string]string{"identifier": "planted", "password": "planted"})
	broken := v.copy()
	for _, name := range []string{"next-auth.session-token", "authjs.session-token", "next-auth.csrf-token", "authjs.csrf-token", "next-auth.callback-url", "planted"} {
		broken.jar[name] = plant("a cookie "+name, "planted-cookie-"+name)
	}
	broken.get(base + "/session")
	broken.get(base + "/csrf")
	broken.json(base+"/delete-account", map[string]string{"password": "planted"})
}

// breakDatabase makes the store fail under sign-ins and checks.
func breakDatabase(s *running, plant func(what, v string) string) {
	email, pw := plant("the last address", "last.planted@app.example"), plant("the last password", "Damson orchard ladder 45")
	junk := strings.Repeat("this is no database ", 4096)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		must(s.t, os.WriteFile(filepath.Join(s.dir, "gatehouse.db"+suffix), []byte(junk), 0o600))
	}
	v := s.visitor()
	for range 3 {
		v.json("/api/auth/login", map[string]string{"identifier": email, "password": pw})
		v.form("/api/auth5", "/callback/credentials", map[string]string{"identifier": email, "password": pw})
		v.json("/api/auth/register", map[string]string{"email": email, "password": pw, "invitationCode": "inv_x.planted"})
	}
	s.run(pw+"\n", "user", "create", email, "--password-stdin")
}

// plantCookies plants what the server set. The addresses of the site itself
// are no secrets.
func plantCookies(s *running, plant func(what, v string) string) {
	for i, c := range s.cookies {
		n := strconv.Itoa(i)
		if plain, err := url.QueryUnescape(c); err == nil && strings.HasPrefix(plain, testOrigin) {
			continue
		}
		for j, part := range strings.FieldsFunc(c, func(r rune) bool { return r == '.' || r == '|' || r == '%' }) {
			if len(part) >= 24 {
				plant("part "+strconv.Itoa(j)+" of cookie "+n, part)
			}
		}
	}
}

// codeIn and passwordIn find what a command showed on purpose.
func codeIn(shown string) string     { return memberOf(shown, "code") }
func passwordIn(shown string) string { return memberOf(shown, "temporary_password") }

func memberOf(shown, name string) string {
	var m map[string]any
	_ = json.Unmarshal([]byte(shown), &m)
	v, _ := m[name].(string)
	return v
}

// spansText is everything that the collector was told, headers included.
func spansText(c *collector) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for i, q := range c.batch {
		text, err := protojson.Marshal(q)
		must(c.t, err)
		b.Write(text)
		_ = http.Header.Write(c.seen[i], &b)
	}
	return b.String()
}
