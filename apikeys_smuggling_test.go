package gatehouse_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse"
	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/apikey"
)

// raw sends the bytes of a request and returns the answer. Nothing between has a
// mind of its own about what a header is.
func raw(t *testing.T, address, head string) (status int, header http.Header, body string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, head); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.60q: %v", head, err)
	}
	defer res.Body.Close()
	all, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, res.Header, string(all)
}

// A key counts in one header, alone, to the letter; everywhere else it is
// refused or is nothing. Credentials never add up: the key counts and the cookie
// does not.
//
// proves: ASVS 14.2.1, NEXT-18, NEXT-36, NEXT-37
func TestAPIKey_cannotBeSmuggled(t *testing.T) {
	var log bytes.Buffer
	cfg := config(t)
	cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
	cfg.ClientAddress = gatehouse.ClientAddress{PeerIsClient: true}
	g := open(t, cfg)
	createAnn(t, g)
	run(t, g)
	session := ""
	for _, c := range login(t, g) {
		session += c.Name + "=" + c.Value + "; "
	}
	made, err := g.APIKeys().Create(t.Context(), apikey.By{Operator: "cli"}, apikey.Draft{Name: "nightly report", Roles: []string{"clerk"}})
	if err != nil {
		t.Fatal(err)
	}
	key := made.Text.Reveal()
	wrong := "gh_test_" + strings.Repeat("0", 32) + "_" + strings.Repeat("0", 49)
	mux := http.NewServeMux()
	mux.Handle("/open", g.Authenticate(http.HandlerFunc(whoAsks)))
	mux.Handle("/closed", g.Require()(http.HandlerFunc(whoAsks)))
	mux.Handle("/clerks", g.Require(gatehouse.Role("clerk"))(http.HandlerFunc(whoAsks)))
	mux.Handle("/admins", g.Require(gatehouse.Role("admin"))(http.HandlerFunc(whoAsks)))
	srv := httptest.NewServer(mux)
	defer srv.Close()
	const closed = "GET /closed"
	for name, c := range map[string]struct {
		line    string
		headers string
		status  int
	}{
		"x-api-key":                          {closed, "x-api-key: {K}\r\n", 200},
		"X-API-KEY":                          {closed, "X-API-KEY: {K}\r\n", 200},
		"Authorization":                      {closed, "Authorization: Bearer {K}\r\n", 200},
		"authorization: bearer":              {closed, "authorization: bearer {K}\r\n", 200},
		"with its role":                      {"GET /clerks", "X-Api-Key: {K}\r\n", 200},
		"without the role":                   {"GET /admins", "X-Api-Key: {K}\r\n", 403},
		"on a method that changes":           {"POST /closed", "X-Api-Key: {K}\r\nContent-Length: 0\r\n", 200},
		"on a method that changes, foreign":  {"POST /closed", "X-Api-Key: {K}\r\nOrigin: https://evil.example\r\nContent-Length: 0\r\n", 200},
		"blanks around":                      {closed, "X-Api-Key: \t {K} \t\r\n", 200},
		"beside a cookie":                    {closed, "X-Api-Key: {K}\r\nCookie: SESSION\r\n", 200},
		"nothing":                            {closed, "", 401},
		"a wrong key":                        {closed, "X-Api-Key: WRONG\r\n", 401},
		"a wrong key as bearer":              {closed, "Authorization: Bearer WRONG\r\n", 401},
		"a wrong key beside a cookie":        {closed, "X-Api-Key: WRONG\r\nCookie: SESSION\r\n", 401},
		"a key cut short":                    {closed, "X-Api-Key: gh_test_\r\n", 401},
		"a key and more":                     {closed, "X-Api-Key: {K}x\r\n", 401},
		"twice":                              {closed, "X-Api-Key: {K}\r\nX-Api-Key: {K}\r\n", 400},
		"twice, in other letters":            {closed, "x-api-key: {K}\r\nX-API-KEY: WRONG\r\n", 400},
		"twice, one empty":                   {closed, "X-Api-Key: {K}\r\nX-Api-Key:\r\n", 400},
		"beside another key":                 {closed, "X-Api-Key: other\r\nX-Api-Key: {K}\r\n", 400},
		"in both headers":                    {closed, "X-Api-Key: {K}\r\nAuthorization: Bearer {K}\r\n", 400},
		"beside a token":                     {closed, "X-Api-Key: {K}\r\nAuthorization: Bearer ey.ey.ey\r\n", 400},
		"beside an empty token":              {closed, "X-Api-Key: {K}\r\nAuthorization: Bearer \r\n", 400},
		"two bearers":                        {closed, "Authorization: Bearer {K}\r\nAuthorization: Bearer {K}\r\n", 400},
		"beside another scheme, in a second": {closed, "Authorization: Bearer {K}\r\nAuthorization: Basic eA==\r\n", 400},
		"a list":                             {closed, "X-Api-Key: {K}, {K}\r\n", 401},
		"a list that begins otherwise":       {closed, "X-Api-Key: other, {K}\r\n", 400},
		"a list of schemes":                  {closed, "Authorization: Basic eA==, Bearer {K}\r\n", 400},
		"another scheme":                     {closed, "Authorization: Basic {K}\r\n", 400},
		"no scheme":                          {closed, "Authorization: {K}\r\n", 400},
		"a tab behind the scheme":            {closed, "Authorization: Bearer\t{K}\r\n", 400},
		"quoted":                             {closed, "X-Api-Key: \"{K}\"\r\n", 400},
		"folded, which is a blank":           {closed, "X-Api-Key:\r\n {K}\r\n", 200},
		"folded in the middle":               {closed, "X-Api-Key: gh_test_\r\n {K}\r\n", 401},
		"with a NUL":                         {closed, "X-Api-Key: {K}\x00\r\n", 400},
		"with a carriage return":             {closed, "X-Api-Key: {K}\rX: y\r\n", 400},
		"a blank before the colon":           {closed, "X-Api-Key : {K}\r\n", 400},
		"underscores":                        {closed, "X_Api_Key: {K}\r\n", 401},
		"underscores and strokes":            {closed, "X-Api_Key: {K}\r\n", 401},
		"another header":                     {closed, "Api-Key: {K}\r\nX-Auth-Token: {K}\r\nProxy-Authorization: Bearer {K}\r\n", 401},
		"a trailer":                          {"POST /closed", "Transfer-Encoding: chunked\r\nTrailer: X-Api-Key\r\n\r\n0\r\nX-Api-Key: {K}\r\n", 401},
		"in the address, api_key":            {closed + "?api_key={K}", "", 400},
		"in the address, access_token":       {closed + "?access_token={K}", "", 400},
		"in the address, encoded":            {closed + "?k=%67h%5FREST", "", 400},
		"in the address, beside a cookie":    {closed + "?api_key={K}", "Cookie: SESSION\r\n", 400},
		"in the address, beside the header":  {closed + "?api_key={K}", "X-Api-Key: {K}\r\n", 400},
		"a token in the address":             {closed + "?access_token=ey.ey.ey", "", 401},
		"a word in the address":              {closed + "?q=gh_live_and_more", "X-Api-Key: {K}\r\n", 200},
		"in a cookie":                        {closed, "Cookie: api_key={K}\r\n", 400},
		"in a cookie, beside a session":      {closed, "Cookie: SESSION x={K}\r\n", 400},
		"a cookie of such a name":            {closed, "Cookie: _gh_sess=1; SESSION\r\n", 200},
		"a body":                             {"POST /closed", "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 98\r\n\r\napi_key={K}", 401},
		"a key of another application":       {closed, "X-Api-Key: sk_live_123\r\nCookie: SESSION\r\n", 200},
	} {
		head := c.line + " HTTP/1.1\r\nHost: localhost:3000\r\nConnection: close\r\n" + c.headers + "\r\n"
		head = strings.NewReplacer("{K}", key, "WRONG", wrong, "SESSION", session, "REST", key[3:]).Replace(head)
		status, header, body := raw(t, srv.Listener.Addr().String(), head)
		if status != c.status {
			t.Errorf("%s: %d %q, want %d", name, status, body, c.status)
		}
		if challenge := strings.Join(header["Www-Authenticate"], " "); status == 401 && !strings.Contains(challenge, "Bearer ") {
			t.Errorf("%s: WWW-Authenticate %q", name, challenge)
		}
		if strings.Contains(body, key[41:60]) || strings.Contains(fmt.Sprint(header), key[41:60]) {
			t.Errorf("%s: the answer repeats the key", name)
		}
		if (status == 200) != strings.HasPrefix(body, "true") && c.line == closed {
			t.Errorf("%s: %q", name, body)
		}
		if status == 200 && strings.Contains(c.headers, "{K}") && body != "true [clerk]" {
			t.Errorf("%s: asks as %q, want the key's role alone", name, body)
		}
	}
	if strings.Contains(log.String(), key[41:60]) {
		t.Error("the log has the secret of the key")
	}
	// Behind Authenticate a key that is not good is nobody's, and nobody falls back
	// to the cookie.
	for headers, want := range map[string]string{
		"X-Api-Key: " + key + "\r\nCookie: " + session: "true [clerk]", "X-Api-Key: " + wrong + "\r\nCookie: " + session: "false []", "Cookie: " + session: "true []",
	} {
		if _, _, body := raw(t, srv.Listener.Addr().String(), "GET /open HTTP/1.1\r\nHost: localhost:3000\r\nConnection: close\r\n"+headers+"\r\n\r\n"); body != want {
			t.Errorf("%.12s: %q, want %q", headers, body, want)
		}
	}
}

// Whoever is too fast hears when to come back, at every kind of door, and is not
// nobody meanwhile.
//
// proves: NEXT-38
func TestAPIKey_isLimited(t *testing.T) {
	g := open(t, config(t))
	run(t, g)
	made, err := g.APIKeys().Create(t.Context(), apikey.By{Operator: "cli"}, apikey.Draft{
		Name: "slow", Roles: []string{"clerk"}, RateLimit: auth.RateLimit{Requests: 2, Period: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	headers := http.Header{"X-Api-Key": {made.Text.Reveal()}}
	for i, want := range []int{200, 200, 429, 429} {
		for name, h := range map[string]http.Handler{"Require": g.Require()(http.HandlerFunc(whoAsks)), "Authenticate": g.Authenticate(http.HandlerFunc(whoAsks))} {
			if i < 2 && name == "Authenticate" {
				continue // each use counts
			}
			w := through(h, "GET", "/", headers)
			if w.Code != want || want == 429 && w.Header().Get("Retry-After") == "" {
				t.Errorf("%s, request %d: %d, Retry-After %q", name, i, w.Code, w.Header().Get("Retry-After"))
			}
		}
	}
}
