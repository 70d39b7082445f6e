package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/gatehouse-auth/gatehouse/bench/load"
	"github.com/gatehouse-auth/gatehouse/internal/seal"
)

// http writes a request as a proxy in front would pass it on, from a client with
// that number.
func (s *site) http(method, path string, client int, cookies, more, body string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: app.bench.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n", method, path)
	fmt.Fprintf(&b, "Accept: */*\r\nX-Forwarded-For: 10.%d.%d.%d\r\nX-Forwarded-Proto: https\r\n", client>>16&255, client>>8&255, client&255)
	if cookies != "" {
		fmt.Fprintf(&b, "Cookie: %s\r\n", cookies)
	}
	b.WriteString(more)
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(body))
	}
	return []byte(b.String() + "\r\n" + body)
}

// session asks with the i-th user's cookie. The control's cookie has another
// last byte.
func (s *site) session(i int, path string) request {
	token := s.cookies[i]
	last := "A"
	if strings.HasSuffix(token, last) {
		last = "Q"
	}
	at := func(token string) []byte {
		return s.http("GET", path, i, s.names.callback+"="+url.QueryEscape(origin)+"; "+s.names.session+"="+token, "", "")
	}
	q := request{bytes: at(token), has: []byte(email(i)), control: at(token[:len(token)-1] + last), status: 200}
	if path == sessionPath {
		q.cookie = []byte(s.names.session + "=ey")
	}
	return q
}

// sessions are requests of so many users.
func (s *site) sessions(users int, path string) []request {
	all := make([]request, users)
	for i := range all {
		all[i] = s.session(i, path)
	}
	return all
}

// withCSRF gives the requests of GET /session the CSRF cookie that every browser
// has; without it each answer would make one.
func (r *run) withCSRF(s *site, c *child, all []request) error {
	_, cookie, err := r.csrf(s, c)
	if err != nil {
		return err
	}
	for i := range all {
		for _, b := range []*[]byte{&all[i].bytes, &all[i].control} {
			*b = []byte(strings.Replace(string(*b), "Cookie: ", "Cookie: "+cookie+"; ", 1))
		}
	}
	return nil
}

// csrf asks for a token and its cookie.
func (r *run) csrf(s *site, c *child) (token, cookie string, err error) {
	a, err := load.Once(r.ctx, c.address, s.http("GET", "/api/auth/csrf", 0, "", "", ""))
	if err != nil {
		return "", "", err
	}
	var body struct{ CSRFToken string }
	line, _ := a.Field("set-cookie")
	cookie, _, _ = strings.Cut(string(line), ";")
	if err := json.Unmarshal(a.Body, &body); err != nil || body.CSRFToken == "" || !strings.HasPrefix(cookie, s.names.csrf) {
		return "", "", errors.Join(err, fmt.Errorf("GET /csrf was answered with %d %s", a.Status, a.Body))
	}
	return body.CSRFToken, cookie, nil
}

// signIns are sign-ins of that many users, each from an address of its own and a
// browser that nobody knows yet.
func (r *run) signIns(s *site, users int) ([]request, error) {
	token, cookie, err := r.csrf(s, s.server)
	if err != nil {
		return nil, err
	}
	if s.dialect != seal.V4 {
		return nil, errors.New("sign-ins are those of v4")
	}
	one := func(i int, password string) []byte {
		form := url.Values{"csrfToken": {token}, "email": {email(i)}, "password": {password}, "callbackUrl": {origin}, "json": {"true"}}
		return s.http("POST", "/api/auth/callback/credentials", i, cookie, "Origin: "+origin+"\r\n", form.Encode())
	}
	all := make([]request, users)
	for i := range all {
		all[i] = request{
			bytes: one(i, userPass), has: []byte(`"url":"` + origin + `"`), cookie: []byte(s.names.session + "=ey"),
			control: one(i, "six blue lanterns in rain"), status: 401,
		}
	}
	return all, nil
}

// bareRequest is what the reference is asked.
func bareRequest() request {
	return request{
		bytes:  []byte("GET " + sessionPath + " HTTP/1.1\r\nHost: app.bench.example\r\nUser-Agent: bench\r\n\r\n"),
		has:    []byte("ada@bench.example"),
		cookie: []byte("bare="),
	}
}
