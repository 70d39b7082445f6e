package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/gatehouse-auth/gatehouse/auth"
	"github.com/gatehouse-auth/gatehouse/internal/web"
	"github.com/gatehouse-auth/gatehouse/internal/web/management"
)

// Client calls one server. It is safe for concurrent use.
type Client struct {
	base *url.URL
	key  auth.Secret
	http *http.Client
}

const (
	// patience is how long one request may take in all.
	patience = 30 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 16 << 20
)

// New returns a client of the server at an address such as
// https://gatehouse.internal:8788, which shows the key. It asks nobody anything.
func New(server string, key auth.Secret) (*Client, error) {
	base, err := parse(server)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = 64 << 10
	return &Client{base: base, key: key, http: &http.Client{
		Transport: transport, Timeout: patience,
		// A redirect would take the key to whoever it names.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// parse reads the address of a server.
func parse(server string) (*url.URL, error) {
	u, err := url.Parse(server)
	switch {
	case err != nil, u.Host == "", u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%q is not the address of a server, as https://gatehouse.internal:8788", withoutUser(server))
	case u.User != nil:
		return nil, errors.New("the address of a server has no user and no password in it")
	case u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "":
		return nil, fmt.Errorf("%q has more than scheme, host and port; %s is added by itself", server, management.Base)
	case u.Scheme == "http" && !loopback(u.Hostname()):
		return nil, fmt.Errorf("%q would send the API key in the clear; plain http is for this machine alone, give https", server)
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, nil
}

// withoutUser leaves out what may be a password.
func withoutUser(server string) string {
	if i := strings.LastIndexByte(server, '@'); i >= 0 {
		return "…" + server[i:]
	}
	return server
}

func loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// Server is the address that was given, for messages.
func (c *Client) Server() string { return c.base.String() }

// call is one request.
type call struct {
	method string
	// path is below [management.Base], its parts escaped.
	path  string
	query url.Values
	// version goes into If-Match; zero is whichever it is. Only changes of a row
	// send it.
	version *int64
	// once: the same request twice makes one thing.
	once bool
	body any
}

// do makes the request and reads the answer into out, unless that is nil. A
// refusal of the server is an *[auth.Error], as its room returned it.
func (c *Client) do(ctx context.Context, q call, out any) error {
	r, err := c.request(ctx, q)
	if err != nil {
		return err
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return c.unreached(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	switch {
	case err != nil:
		return c.unreached(err)
	case len(body) > maxAnswer:
		return fmt.Errorf("%s answers with more than %d bytes", c.Server(), maxAnswer)
	case answer.StatusCode/100 == 3:
		return fmt.Errorf("%s answers with a redirect, which is not followed: an API key goes to the server that was named and to no other", c.Server())
	case answer.StatusCode/100 != 2:
		return c.refused(answer, body)
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s answers with something else than the management API would: is it a Gatehouse of this release?", c.Server())
	}
	return nil
}

func (c *Client) request(ctx context.Context, q call) (*http.Request, error) {
	var body io.Reader
	if q.body != nil {
		text, err := json.Marshal(q.body)
		if err != nil {
			return nil, fmt.Errorf("write the request: %w", err)
		}
		body = bytes.NewReader(text)
	}
	address := c.base.String() + management.Base + q.path
	if len(q.query) > 0 {
		address += "?" + q.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, q.method, address, body)
	if err != nil {
		return nil, fmt.Errorf("make the request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	r.Header.Set("Accept", "application/json, application/problem+json")
	r.Header.Set("User-Agent", "gatehouse")
	if q.method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	if q.version != nil {
		r.Header.Set("If-Match", tag(*q.version))
	}
	if q.once {
		r.Header.Set("Idempotency-Key", rand.Text())
	}
	return r, nil
}

func tag(version int64) string {
	if version == 0 {
		return "*"
	}
	return `"` + strconv.FormatInt(version, 10) + `"`
}

// unreached says that there was no answer. The address has no secret in it.
func (c *Client) unreached(err error) error {
	var of *url.Error
	if errors.As(err, &of) {
		if of.Timeout() {
			return fmt.Errorf("%s did not answer within %v", c.Server(), patience)
		}
		err = of.Err
	}
	return fmt.Errorf("%s cannot be reached: %w", c.Server(), err)
}

// plain takes out what would move the cursor of a terminal: the answer may be
// somebody else's.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// refused turns a problem document back into the refusal that it was made from.
func (c *Client) refused(answer *http.Response, body []byte) error {
	var p web.Problem
	if err := json.Unmarshal(body, &p); err != nil || p.Code == "" {
		return fmt.Errorf("%s answers %s, and not as the management API would; is the address that of its ops_listen, or is management.listen \"off\"?", c.Server(), http.StatusText(answer.StatusCode))
	}
	p.Detail, p.Field, p.Reference = plain(p.Detail), plain(p.Field), plain(p.Reference)
	e := &auth.Error{Code: auth.Code(plain(p.Code)), Message: p.Detail, Field: p.Field}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	switch {
	case answer.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%s does not take the API key: %s", c.Server(), p.Detail)
	case e.Code.Kind() == auth.KindInternal || e.Code.Kind() == auth.KindUnavailable:
		e.Cause = fmt.Errorf("%s, reference %s", c.Server(), p.Reference)
	}
	return e
}
