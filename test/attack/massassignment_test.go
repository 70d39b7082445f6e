package attack_test

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// rows are all that the database keeps of a user, column by column, with what
// differs between any two users blotted out: IDs, the identifier, times (as set
// or not set) and the hash (as its cost).
func (s *site) rows(t *testing.T, identifier string) string {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.cfg.Database.Path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var id string
	if err := db.QueryRowContext(t.Context(), "SELECT user_id FROM identifiers WHERE value = $1", identifier).Scan(&id); err != nil {
		t.Fatalf("%s: %v", identifier, err)
	}
	var text strings.Builder
	for _, table := range append([]string{"users"}, tablesOfUsers(t, db)...) {
		key := "user_id"
		if table == "users" {
			key = "id"
		}
		found, err := db.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE "+key+" = $1", id)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := found.Columns()
		for found.Next() {
			values, at := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				at[i] = &values[i]
			}
			if err := found.Scan(at...); err != nil {
				t.Fatal(err)
			}
			for i, column := range columns {
				fmt.Fprintf(&text, "%s.%s = %s\n", table, column, blotted(column, values[i], identifier))
			}
		}
		if err := found.Err(); err != nil {
			t.Fatal(err)
		}
		found.Close()
	}
	return text.String()
}

// tablesOfUsers are those that speak of a user, but for the records of what
// happened.
func tablesOfUsers(t *testing.T, db *sql.DB) (tables []string) {
	t.Helper()
	found, err := db.QueryContext(t.Context(), `SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c
		WHERE m.type = 'table' AND c.name = 'user_id' AND m.name NOT IN ('events', 'changes') ORDER BY m.name`)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	for found.Next() {
		var name string
		if err := found.Scan(&name); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, name)
	}
	if len(tables) < 4 {
		t.Fatalf("tables %v: some are missing", tables)
	}
	return tables
}

var costOfHash = regexp.MustCompile(`^\$\w+\$v=\d+\$[^$]*`)

func blotted(column string, value any, identifier string) string {
	text := fmt.Sprint(value)
	switch {
	case (strings.HasSuffix(column, "_at") || column == "absolute_end") && value != nil:
		return "set"
	case column == "hash":
		return costOfHash.FindString(text)
	case (strings.HasPrefix(text, "usr_") || strings.HasPrefix(text, "ses_")) && !strings.Contains(text, "stolen"):
		return text[:4]
	}
	return strings.ReplaceAll(text, identifier, "identifier")
}

// wished are the members that nobody may give themselves, by the names that a
// program could know them by.
var wished = map[string]any{
	"id": "usr_stolen", "ID": "usr_stolen", "userId": "usr_stolen", "user_id": "usr_stolen", "sub": "usr_stolen", "oldId": "1", "old_id": "1", "old_ids": []any{map[string]any{"mount": "/api/auth", "value": "1"}},
	"roles": []string{"admin"}, "role": "admin", "Roles": []string{"admin"}, "roles[]": "admin", "roles[0]": "admin", "permissions": []string{"*"}, "isAdmin": true, "admin": true, "is_admin": 1,
	"epoch": 99, "Epoch": 99, "version": 99, "disabled": true, "disabledAt": 1, "disabled_at": 1, "verified": true, "emailVerified": "2026-01-01T00:00:00Z", "email_verified_at": 1,
	"EmailVerifiedAt": "2026-01-01T00:00:00Z", "createdAt": 1, "created_at": 1, "updated_at": 1, "adoption_refused_at": 1,
	"passwordHash": "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "password_hash": "x", "hash": "x", "mustChange": true, "must_change": true,
	"methods": []string{"otp"}, "amr": []string{"otp"}, "gh": "x", "exp": 9999999999, "expires": "2099-01-01T00:00:00Z", "absolute_end": 9999999999, "maxAge": 9999999999,
	"mount": "/other", "address": "192.0.2.1", "ip": "192.0.2.1", "device": map[string]any{"address": "192.0.2.1"}, "userAgent": "x", "subject": "usr_stolen",
	"__proto__": map[string]any{"roles": []string{"admin"}}, "constructor": map[string]any{"prototype": map[string]any{"roles": []string{"admin"}}},
}

// wishes are the places in a JSON body where the wished members may stand; take
// are the members that the endpoint is meant to read.
func wishes(take map[string]any) map[string]map[string]any {
	add := func(more map[string]any) map[string]any {
		all := maps.Clone(take)
		for name, value := range more {
			if _, taken := all[name]; !taken {
				all[name] = value
			}
		}
		return all
	}
	all := map[string]map[string]any{"at the top": {}}
	for name, value := range wished { // names that differ by case alone are one member
		if _, twice := all["at the top"][strings.ToLower(name)]; !twice && strings.ToLower(name) == name {
			all["at the top"][name] = value
		}
	}
	all["in capitals"] = map[string]any{"Roles": []string{"admin"}, "Epoch": 99, "Disabled": true, "MustChange": true, "EmailVerifiedAt": "2026-01-01T00:00:00Z", "DisabledAt": "x"}
	for _, below := range []string{"user", "data", "profile", "account", "attributes", "options", "session", "device"} {
		all["below "+below] = map[string]any{below: wished}
	}
	all["in a list"] = map[string]any{"users": []any{wished}, "user[]": []any{wished}}
	for where, more := range all {
		all[where] = add(more)
	}
	return all
}

// wishedForm are the same as fields of a form or of an address.
func wishedForm() url.Values {
	form := url.Values{}
	for name, value := range wished {
		text, _ := json.Marshal(value)
		for _, spelled := range []string{name, "user[" + name + "]", "user." + name, "data[" + name + "]"} {
			form.Add(spelled, strings.Trim(string(text), `"`))
			form.Add(spelled, "again")
		}
	}
	form["roles[]"] = []string{"admin", "root"}
	return form
}

// proves: ASVS 15.3.3, NEXT-21
func TestMassAssignment_registrationMakesTheSameRowWhateverElseIsSent(t *testing.T) {
	s := newSite(t, nil)
	register := func(name string, body map[string]any, query string) {
		body["identifier"], body["name"], body["password"] = name, "Ann", password
		text, _ := json.Marshal(body)
		if a := s.send(request{http.MethodPost, v4.base + "/register" + query, jsonType, string(text), nil, nil}); a.status != http.StatusCreated {
			t.Fatalf("%s: %d %s", name, a.status, a.body)
		}
	}
	register("plain", map[string]any{}, "")
	want := s.rows(t, "plain")
	i := 0
	for where, body := range wishes(map[string]any{"identifier": "", "name": "", "password": ""}) {
		i++
		name := fmt.Sprintf("wishing%d", i)
		register(name, body, "")
		if diff := cmp.Diff(want, s.rows(t, name)); diff != "" {
			t.Errorf("%s: the rows differ: %s", where, diff)
		}
	}
	register("asking", map[string]any{}, "?"+wishedForm().Encode())
	if diff := cmp.Diff(want, s.rows(t, "asking")); diff != "" {
		t.Errorf("in the address: the rows differ: %s", diff)
	}

	for name, more := range map[string]url.Values{"plainform": {}, "wishingform": wishedForm()} {
		b := s.browser(v5)
		form := url.Values{"csrfToken": {b.token()}, "identifier": {name}, "name": {"Ann"}, "password": {password}}
		for field, values := range more {
			if !form.Has(field) {
				form[field] = values
			}
		}
		if a := b.do(http.MethodPost, "/signup?"+more.Encode(), formType, form.Encode()); !a.beginsSession() {
			t.Fatalf("%s: %d", name, a.status)
		}
	}
	if diff := cmp.Diff(s.rows(t, "plainform"), s.rows(t, "wishingform")); diff != "" {
		t.Errorf("in the form: the rows differ: %s", diff)
	}
}

// proves: ASVS 15.3.3, NEXT-21, NEXT-31
func TestMassAssignment_signInMakesTheSameSessionWhateverElseIsSent(t *testing.T) {
	s := newSite(t, nil)
	for _, name := range []string{"plain", "wishing"} {
		s.newUser(t, name+"@app.example")
	}
	for _, way := range []struct {
		name   string
		signIn func(b *browser, email string, more bool) answer
	}{
		{"JSON", func(b *browser, email string, more bool) answer {
			body := map[string]any{"identifier": email, "password": password}
			if more {
				body = wishes(body)["at the top"]
			}
			return b.json("/login", body)
		}},
		{"a form", func(b *browser, email string, more bool) answer {
			form := url.Values{"csrfToken": {b.token()}, "identifier": {email}, "password": {password}}
			if more {
				for field, values := range wishedForm() {
					form[field] = values
				}
			}
			return b.do(http.MethodPost, "/callback/credentials", formType, form.Encode())
		}},
	} {
		var who []person
		for _, email := range []string{"plain@app.example", "wishing@app.example"} {
			b := s.browser(v4)
			if a := way.signIn(b, email, email == "wishing@app.example"); !a.beginsSession() {
				t.Fatalf("%s, %s: %d %s", way.name, email, a.status, a.body)
			}
			who = append(who, b.who())
		}
		if !slices.Equal(who[0].Roles, who[1].Roles) || who[1].Email != "wishing@app.example" || who[1].ID == "usr_stolen" {
			t.Errorf("%s: signed in as %v, want the like of %v", way.name, who[1], who[0])
		}
		if diff := cmp.Diff(s.rows(t, "plain@app.example"), s.rows(t, "wishing@app.example")); diff != "" {
			t.Errorf("%s: the rows differ: %s", way.name, diff)
		}
	}
}

// proves: ASVS 15.3.3, NEXT-21, NEXT-31
func TestMassAssignment_updateChangesNameAndPictureAlone(t *testing.T) {
	for _, d := range dialects {
		s := newSite(t, nil)
		s.newUser(t, "plain@app.example")
		s.newUser(t, "wishing@app.example")
		plain, b := s.browser(d).signIn(t, "plain@app.example", password), s.browser(d).signIn(t, "wishing@app.example", password)
		take := map[string]any{"name": "Ann", "image": "https://pictures.example/ann.png"}
		for where, data := range wishes(take) {
			if where == "below user" { // is where applications put what they change
				inner := maps.Clone(wished)
				maps.Copy(inner, take)
				data = map[string]any{"user": inner}
			}
			for who, in := range map[*browser]map[string]any{plain: take, b: data} {
				who.json("/session", map[string]any{"csrfToken": who.token(), "data": in})
			}
			if got := b.who(); got.Name != "Ann" || got.Email != "wishing@app.example" || !slices.Equal(got.Roles, []string{"user"}) {
				t.Errorf("%s, %s: shown as %v, named %q", d, where, got, got.Name)
			}
			if diff := cmp.Diff(s.rows(t, "plain@app.example"), s.rows(t, "wishing@app.example")); diff != "" {
				t.Errorf("%s, %s: the rows differ: %s", d, where, diff)
			}
			for who := range map[*browser]bool{plain: true, b: true} { // so that the next has something to change
				who.json("/session", map[string]any{"csrfToken": who.token(), "data": map[string]any{"name": "Before"}})
			}
		}
		// Beside data, and as data that is no object: nothing changes.
		before := s.rows(t, "wishing@app.example")
		for _, body := range []map[string]any{wished, {"data": []any{wished}}, {"data": "roles=admin"}, {"data": 1}, {"data": nil}, {"user": take}} {
			body = maps.Clone(body)
			body["csrfToken"] = b.token()
			b.json("/session", body)
		}
		if diff := cmp.Diff(before, s.rows(t, "wishing@app.example")); diff != "" {
			t.Errorf("%s: beside data: the rows differ: %s", d, diff)
		}
	}
}

// proves: ASVS 15.3.3, NEXT-21
func TestMassAssignment_changingThePasswordChangesNothingElse(t *testing.T) {
	s := newSite(t, nil)
	const next = "eleven blue boats in fog"
	take := map[string]any{"currentPassword": password, "newPassword": next}
	for _, way := range []struct {
		name   string
		change func(b *browser, more bool) answer
	}{
		{"json", func(b *browser, more bool) answer {
			if more {
				return b.json("/change-password", wishes(take)["at the top"])
			}
			return b.json("/change-password", take)
		}},
		{"form", func(b *browser, more bool) answer {
			form := url.Values{"csrfToken": {b.token()}, "currentPassword": {password}, "newPassword": {next}}
			if more {
				for field, values := range wishedForm() {
					form[field] = values
				}
				form.Set("identifier", "victim@app.example")
				form.Set("email", "victim@app.example")
			}
			return b.do(http.MethodPost, "/account/password", formType, form.Encode())
		}},
	} {
		for _, more := range []bool{false, true} {
			email := fmt.Sprintf("%s%v@app.example", way.name, more)
			s.newUser(t, email)
			b := s.browser(v4).signIn(t, email, password)
			if a := way.change(b, more); !a.beginsSession() {
				t.Fatalf("%s: %d %s", email, a.status, a.body)
			}
		}
		if diff := cmp.Diff(s.rows(t, way.name+"false@app.example"), s.rows(t, way.name+"true@app.example")); diff != "" {
			t.Errorf("%s: the rows differ: %s", way.name, diff)
		}
	}
}
