package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// client is one kept connection. It belongs to one goroutine.
type client struct {
	conn net.Conn
	read *bufio.Reader
	raw  bytes.Buffer // what was read since the last request
	csrf csrf
	// delay is added to what a request takes: a leak of our own, to see that it
	// is found.
	delay time.Duration
}

// patience is the longest that an answer may take.
const patience = 2 * time.Minute

func dial(address string) (*client, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	c := &client{conn: conn}
	c.read = bufio.NewReader(io.TeeReader(conn, &c.raw))
	for _, mount := range []struct {
		path string
		into *csrfOf
	}{{"/api/auth", &c.csrf.v4}, {"/auth", &c.csrf.v5}} {
		if *mount.into, err = c.fetchCSRF(mount.path); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return c, nil
}

func (c *client) fetchCSRF(base string) (csrfOf, error) {
	a, err := c.ask([]byte("GET " + base + "/csrf HTTP/1.1\r\nHost: app.timing.example\r\n\r\n"))
	if err != nil {
		return csrfOf{}, err
	}
	var body struct{ CSRFToken string }
	if err := json.Unmarshal(a.body, &body); err != nil || body.CSRFToken == "" {
		return csrfOf{}, fmt.Errorf("no CSRF token in %.200q", a.raw)
	}
	for _, cookie := range a.cookies {
		if strings.Contains(cookie.Name, "csrf") {
			return csrfOf{cookie.Name + "=" + cookie.Value, body.CSRFToken}, nil
		}
	}
	return csrfOf{}, fmt.Errorf("no CSRF cookie in %.200q", a.raw)
}

// answer is what came back, and how long it took from the first byte sent to the
// last byte read.
type answer struct {
	status    int
	took      time.Duration
	raw, body []byte // good until the next request
	cookies   []*http.Cookie
	id        string
}

// ask sends a request that is ready to be sent.
func (c *client) ask(request []byte) (answer, error) {
	c.raw.Reset()
	begun := time.Now()
	if err := c.conn.SetDeadline(begun.Add(patience)); err != nil {
		return answer{}, err
	}
	if c.delay > 0 {
		time.Sleep(c.delay)
	}
	if _, err := c.conn.Write(request); err != nil {
		return answer{}, err
	}
	r, err := http.ReadResponse(c.read, nil)
	if err != nil {
		return answer{}, err
	}
	body, err := io.ReadAll(r.Body)
	took := time.Since(begun)
	if err != nil {
		return answer{}, err
	}
	return answer{r.StatusCode, took, c.raw.Bytes(), body, r.Cookies(), r.Header.Get("X-Request-Id")}, nil
}

// ownLines are the header lines whose value is of one answer alone.
var ownLines = regexp.MustCompile(`(?mi)^(Date: |X-Request-Id: |Set-Cookie: [^=\r\n]*=)[^;\r\n]*`)

// nonces allow the one script of a page, and are of one answer alone.
var nonces = regexp.MustCompile(`(nonce-|nonce=")[A-Z2-7]{26}`)

// comparable is the answer without what may differ: dates, request IDs, nonces,
// values of cookies, and what was typed.
func (a answer) comparable(identifier string) string {
	head, body, _ := strings.Cut(string(a.raw), "\r\n\r\n")
	text := ownLines.ReplaceAllString(head, "$1…") + "\r\n\r\n" + body
	if a.id != "" {
		text = strings.ReplaceAll(text, a.id, "‹request›")
	}
	text = nonces.ReplaceAllString(text, "$1…")
	text = strings.ReplaceAll(text, identifier, "‹typed›")
	return strings.ReplaceAll(text, url.QueryEscape(identifier), "‹typed›")
}

// firstDifference is the first line in which two answers differ.
func firstDifference(known, unknown string) string {
	a, b := strings.Split(known, "\n"), strings.Split(unknown, "\n")
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	line := func(lines []string) string {
		if i < len(lines) {
			return strings.TrimRight(lines[i], "\r")
		}
		return "(nothing)"
	}
	return fmt.Sprintf("    line %d, known:   %s\n    line %d, unknown: %s", i+1, line(a), i+1, line(b))
}
