package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// kind is one way to ask whether an identifier is known.
type kind struct {
	name, does string
	state      state
	request    func(c csrf, identifier string) message
	status     int // of the one answer that is right
}

// message is a request but for what all have in common.
type message struct {
	path, body string
	header     []string
}

// csrf is what a browser got from both mounts.
type csrf struct{ v4, v5 csrfOf }

type csrfOf struct{ cookie, token string }

// kinds are all there are; the first is the one of which most is measured.
var kinds = []kind{
	{"v4", "v4 callback, active user", active, v4Callback, 401},
	{"v5", "v5 callback, active user", active, v5Callback, 200},
	{"login", "JSON login, active user", active, login, 401},
	{"form", "hosted form, active user", active, hostedForm, 401},
	{"disabled", "v4 callback, disabled user", disabled, v4Callback, 401},
	{"without-password", "v4 callback, user without a password", withoutPassword, v4Callback, 401},
	{"must-change", "v4 callback, temporary password", mustChange, v4Callback, 401},
	{"register", "registration, bad invitation", active, register, 403},
}

func v4Callback(c csrf, identifier string) message {
	return form("/api/auth/callback/credentials", c.v4, url.Values{
		"identifier": {identifier}, "password": {wrongPassword}, "callbackUrl": {origin + "/"}, "json": {"true"},
	})
}

func v5Callback(c csrf, identifier string) message {
	m := form("/auth/callback/credentials", c.v5, url.Values{
		"identifier": {identifier}, "password": {wrongPassword}, "callbackUrl": {origin + "/"},
	})
	m.header = append(m.header, "X-Auth-Return-Redirect: 1")
	return m
}

// hostedForm is what a browser sends from the hosted page: it gets the page
// back, with what was typed.
func hostedForm(c csrf, identifier string) message {
	m := form("/api/auth/callback/credentials", c.v4, url.Values{
		"identifier": {identifier}, "password": {wrongPassword}, "callbackUrl": {origin + "/"}, "hosted": {"1"},
	})
	m.header = append(m.header, "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: navigate", "Accept: text/html")
	return m
}

func form(path string, c csrfOf, fields url.Values) message {
	fields.Set("csrfToken", c.token)
	return message{path, fields.Encode(), []string{"Content-Type: application/x-www-form-urlencoded", "Cookie: " + c.cookie}}
}

func login(_ csrf, identifier string) message {
	return inJSON("/api/auth/login", map[string]string{"identifier": identifier, "password": wrongPassword})
}

func register(_ csrf, identifier string) message {
	return inJSON("/api/auth/register", map[string]string{
		"identifier": identifier, "password": wrongPassword,
		"invitationCode": "inv_01890000-0000-7000-8000-000000000000.notASecretThatAnybodyWasEverGiven",
	})
}

func inJSON(path string, fields map[string]string) message {
	body, err := json.Marshal(fields)
	if err != nil {
		panic(err) // texts by texts
	}
	return message{path, string(body), []string{"Content-Type: application/json"}}
}

// bytes is the request as it goes over the wire, from the address given.
func (m message) bytes(address string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: app.timing.example\r\nOrigin: %s\r\nX-Forwarded-For: %s\r\nContent-Length: %d\r\n", m.path, origin, address, len(m.body))
	for _, line := range m.header {
		b.WriteString(line + "\r\n")
	}
	b.WriteString("\r\n" + m.body)
	return []byte(b.String())
}
