package attack_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-auth/gatehouse/internal/web"
)

// endless is a body without an end: head, and then the same for ever. It counts
// what is read of it.
type endless struct {
	head, again string
	read        int
}

func (e *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		var from string
		if at := e.read + n; at < len(e.head) {
			from = e.head[at:]
		} else {
			from = e.again[(at-len(e.head))%len(e.again):]
		}
		n += copy(p[n:], from)
	}
	e.read += n
	return n, nil
}

func (e *endless) Close() error { return nil }

// withBody sends a POST whose body is read from r, with no length told.
func (s *site) withBody(path, contentType, encoding string, r io.Reader) answer {
	q := httptest.NewRequest(http.MethodPost, "http://gatehouse.internal"+path, r)
	q.ContentLength = -1
	q.Header.Set("Content-Type", contentType)
	if encoding != "" {
		q.Header.Set("Content-Encoding", encoding)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, q)
	return answer{w.Code, w.Header(), w.Body.String()}
}

// A body without an end is read as far as the limit and refused, whatever it is
// made of; what it costs is bounded. The control is a body of the same beginning
// that does end: it is refused too, with a status that says that it was read.
//
// proves: ASVS 5.2.1, ASVS 15.2.5
func TestOversized_aBodyWithoutEndIsReadToTheLimit(t *testing.T) {
	s := newSite(t, nil)
	const slack = 8 << 10 // what a reader takes at once
	for _, path := range addresses(t, s) {
		for name, b := range map[string]struct{ contentType, head, again string }{
			"a text":          {jsonType, `{"identifier":"`, "a"},
			"nesting":         {jsonType, `{"identifier":`, "["},
			"nested members":  {jsonType, `{`, `"a":{`},
			"members":         {jsonType, `{"a":1`, `,"a":1`},
			"a number":        {jsonType, `{"identifier":1`, "0"},
			"white space":     {jsonType, ` `, " \n\t"},
			"escapes":         {jsonType, `{"identifier":"`, `\u0041`},
			"fields":          {formType, "a=1", "&a=1"},
			"a field":         {formType, "identifier=", "%41"},
			"separators":      {formType, "", "&"},
			"half an escape":  {formType, "identifier=", "%"},
			"parts":           {"multipart/form-data; boundary=x", "", "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n"},
			"a part's header": {"multipart/form-data; boundary=x", "--x\r\n", "A: b\r\n"},
			"bytes":           {"application/octet-stream", "", "\x00\xff"},
		} {
			body := &endless{head: b.head, again: b.again}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := s.withBody(path, b.contentType, "", body)
			runtime.ReadMemStats(&after)
			what := fmt.Sprintf("POST %s, %s", path, name)
			sound(t, what, a)
			if body.read > web.MaxBody+slack {
				t.Errorf("%s: %d bytes were read", what, body.read)
			}
			if body.read > 0 && a.status != http.StatusRequestEntityTooLarge {
				t.Errorf("%s: %d bytes were read, and the answer is %d", what, body.read, a.status)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 4<<20 {
				t.Errorf("%s: %d bytes were allocated", what, took)
			}
		}
	}
	short := s.withBody(v4.base+"/login", jsonType, "", strings.NewReader(`{"identifier":"aaa"}`))
	if short.status != http.StatusBadRequest || !strings.Contains(short.body, "Give a password") {
		t.Errorf("the control: %d %s", short.status, short.body)
	}
	s.log.clean(t)
}

// withinLimit are bodies of the allowed size that cost as much as possible.
func withinLimit() map[string]string {
	const room = web.MaxBody - 200
	fill := func(head, again, tail string) string {
		return head + strings.Repeat(again, (room-len(head))/len(again)) + tail
	}
	var members strings.Builder
	for i := 0; members.Len() < room; i++ {
		fmt.Fprintf(&members, `"m%d":%d,`, i, i)
	}
	return map[string]string{
		"nesting":                fill(`{"identifier":`, "[", ""),
		"closed nesting":         `{"identifier":` + strings.Repeat("[", 30000) + strings.Repeat("]", 30000) + "}",
		"nested objects":         fill("", `{"a":`, ""),
		"ten thousand members":   "{" + members.String() + `"identifier":["a"]}`,
		"a member many times":    fill("{", `"identifier":"a",`, `"x":1}`),
		"by another letter":      fill("{", `"identi\u0066ier":"a","IDENTIFIER":"b",`, `"x":1}`),
		"a huge number":          fill(`{"identifier":1`, "9", "}"),
		"a huge exponent":        fill(`{"identifier":1e`, "9", "}"),
		"a huge fraction":        fill(`{"identifier":0.`, "1", "}"),
		"a list":                 fill(`{"identifier":[`, "1,", "1]}"),
		"half escapes":           fill(`{"identifier":"`, `\ud800`, `"}`),
		"escapes of nothing":     fill(`{"identifier":"`, `\`, `"}`),
		"not UTF-8":              fill(`{"identifier":"`, "\xff\xfe", `"}`),
		"a byte order mark":      "\ufeff{\"identifier\":\"a\"}",
		"UTF-16":                 "\xff\xfe{\x00\"\x00",
		"null bytes":             fill("{", "\x00", "}"),
		"white space":            fill("", " ", ""),
		"two objects":            `{"identifier":"a"}{"identifier":"b"}`,
		"something behind":       `{"identifier":"a"}` + "\x00",
		"comments":               fill(`{/*`, "*", `*/"identifier":"a"}`),
		"a key without an end":   fill(`{"`, "k", ""),
		"a huge key":             fill(`{"`, "k", `":{"identifier":{}},"identifier":{}}`),
		"infinity":               `{"identifier":Infinity}`,
		"not a number":           `{"identifier":NaN}`,
		"a hexadecimal number":   `{"identifier":0x41}`,
		"a number for an object": "1" + strings.Repeat("0", 60000),
	}
}

// proves: ASVS 15.3.5, ASVS 1.5.3, ASVS 15.2.5
func TestOversized_whatFitsTheLimitIsRefusedCheaply(t *testing.T) {
	s := newSite(t, nil)
	b := s.browser(v4)
	for _, path := range []string{"/register", "/login", "/change-password", "/delete-account", "/session", "/callback/credentials", "/signup", "/setup", "/create-admin"} {
		for name, body := range withinLimit() {
			if len(body) > web.MaxBody {
				t.Fatalf("%s has %d bytes", name, len(body))
			}
			what := fmt.Sprintf("POST %s, %s", path, name)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := s.send(request{http.MethodPost, v4.base + path, jsonType, body, nil, b.jar})
			runtime.ReadMemStats(&after)
			sound(t, what, a)
			if a.status != http.StatusBadRequest && (a.status != http.StatusFound || a.beginsSession()) && a.status != http.StatusForbidden && a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d %.200s", what, a.status, a.body)
			}
			if strict := path == "/register" || path == "/login" || path == "/create-admin"; strict && !strings.Contains(a.body, "The body ") && !strings.Contains(a.body, "A member of the body ") {
				t.Errorf("%s: the body was read: %.200s", what, a.body)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 {
				t.Errorf("%s: %d bytes were allocated", what, took)
			}
		}
	}
	if a := s.login("nobody@app.example", "x"); a.status != http.StatusUnauthorized {
		t.Errorf("the control: %d", a.status)
	}
	s.log.clean(t)
}

// Nothing is unpacked: a bomb is what it is, bytes that are no JSON.
//
// proves: ASVS 5.2.1
func TestOversized_nothingIsUnpacked(t *testing.T) {
	s := newSite(t, nil)
	var bomb bytes.Buffer
	z, _ := gzip.NewWriterLevel(&bomb, gzip.BestCompression)
	_, _ = z.Write([]byte(`{"identifier":"victim@app.example","password":"` + password + `","x":"`))
	for range 40 {
		_, _ = z.Write(bytes.Repeat([]byte("a"), 1<<20))
	}
	_, _ = z.Write([]byte(`"}`))
	_ = z.Close()
	if bomb.Len() > web.MaxBody {
		t.Fatalf("the bomb has %d bytes", bomb.Len())
	}
	var good bytes.Buffer
	z = gzip.NewWriter(&good)
	_, _ = z.Write([]byte(`{"identifier":"victim@app.example","password":"` + password + `"}`))
	_ = z.Close()
	s.newUser(t, "victim@app.example")
	for name, body := range map[string]string{"a bomb": bomb.String(), "a good body": good.String()} {
		for _, encoding := range []string{"gzip", "x-gzip", "deflate", "br", "gzip, gzip", "identity"} {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			a := s.withBody(v4.base+"/login", jsonType, encoding, strings.NewReader(body))
			runtime.ReadMemStats(&after)
			if a.status != http.StatusBadRequest && a.status != http.StatusUnsupportedMediaType {
				t.Errorf("%s as %s: %d", name, encoding, a.status)
			}
			if took := after.TotalAlloc - before.TotalAlloc; took > 2<<20 {
				t.Errorf("%s as %s: %d bytes were allocated", name, encoding, took)
			}
		}
	}
	if a := s.login("victim@app.example", password); a.status != http.StatusOK {
		t.Errorf("the control does not sign in: %d", a.status)
	}
}

// served is the site on a listener of its own, with the program's kind of limits.
func (s *site) served(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 20 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second, MaxHeaderBytes: 64 << 10}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return l.Addr().String()
}

// spoken writes the text to a connection of its own and reads all answers: their
// statuses, 0 for one that is none. over says that nothing more will come, which
// a server may take for a caller who has gone.
func spoken(t *testing.T, address, text string, over bool) (statuses []int, sessions int) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	go func() {
		_, _ = io.WriteString(conn, text)
		if over {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
	}()
	in := bufio.NewReader(conn)
	for {
		if _, err := in.Peek(1); err != nil {
			return statuses, sessions
		}
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			return append(statuses, 0), sessions
		}
		statuses = append(statuses, r.StatusCode)
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if (answer{header: r.Header}).beginsSession() {
			sessions++
		}
	}
}

// A length that lies, chunks that are none, headers written in two ways: on the
// wire itself. None signs in, none is answered with a fault of ours, none leaves
// an answer for the next in the line, and the server goes on.
//
// proves: ASVS 4.2.1, ASVS 4.2.2
func TestOversized_lengthsThatLieOnTheWire(t *testing.T) {
	s := newSite(t, nil)
	s.newUser(t, "victim@app.example")
	address := s.served(t)
	body := `{"identifier":"victim@app.example","password":"` + password + `"}`
	post := func(headers, body string) string {
		return "POST " + v4.base + "/login HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n" + headers + "\r\n" + body
	}
	length := fmt.Sprintf("Content-Length: %d\r\n", len(body))
	chunk := fmt.Sprintf("%x\r\n%s\r\n", len(body), body)
	const chunked = "Transfer-Encoding: chunked\r\n"
	if statuses, sessions := spoken(t, address, post(length, body), false); len(statuses) != 1 || statuses[0] != 200 || sessions != 1 {
		t.Fatalf("the control, with a length: %v, %d sessions", statuses, sessions)
	}
	if statuses, sessions := spoken(t, address, post(chunked, chunk+"0\r\n\r\n"), false); len(statuses) != 1 || statuses[0] != 200 || sessions != 1 {
		t.Fatalf("the control, in chunks: %v, %d sessions", statuses, sessions)
	}
	cut := map[string]bool{"a length too long": true, "an enormous length": true, "chunks without an end": true, "a chunk cut": true}
	for name, text := range map[string]string{
		"a length too long":             post(fmt.Sprintf("Content-Length: %d\r\n", len(body)+10), body),
		"a length too short":            post("Content-Length: 20\r\n", body),
		"two lengths":                   post(length+"Content-Length: 5\r\n", body),
		"two lengths in one":            post(fmt.Sprintf("Content-Length: %d, 5\r\n", len(body)), body),
		"a negative length":             post("Content-Length: -1\r\n", body),
		"a length with a sign":          post(fmt.Sprintf("Content-Length: +%d\r\n", len(body)), body),
		"a hexadecimal length":          post(fmt.Sprintf("Content-Length: 0x%x\r\n", len(body)), body),
		"a length beyond all numbers":   post("Content-Length: 99999999999999999999\r\n", body),
		"an enormous length":            post("Content-Length: 9223372036854775807\r\n", body),
		"an empty length":               post("Content-Length:\r\n", body),
		"no length":                     post("", body),
		"chunks without an end":         post(chunked, chunk),
		"a chunk cut":                   post(chunked, fmt.Sprintf("%x\r\n%s", len(body)+9, body)),
		"a chunk of no number":          post(chunked, "zz\r\n"+body+"\r\n0\r\n\r\n"),
		"a chunk of a negative number":  post(chunked, "-1\r\n"+body+"\r\n0\r\n\r\n"),
		"a chunk beyond all numbers":    post(chunked, "fffffffffffffffff\r\n"+body+"\r\n0\r\n\r\n"),
		"an extension without an end":   post(chunked, fmt.Sprintf("%x;%s\r\n%s\r\n0\r\n\r\n", len(body), strings.Repeat("x", 1<<20), body)),
		"an extension on each byte":     post(chunked, strings.Repeat("1;"+strings.Repeat("x", 200)+"\r\n \r\n", 3000)+chunk+"0\r\n\r\n"),
		"trailers without an end":       post(chunked, chunk+"0\r\n"+strings.Repeat("A: b\r\n", 200000)+"\r\n"),
		"chunks called otherwise":       post("Transfer-Encoding: xchunked\r\n", chunk+"0\r\n\r\n"),
		"chunks and more":               post("Transfer-Encoding: chunked, identity\r\n", chunk+"0\r\n\r\n"),
		"chunks packed":                 post("Transfer-Encoding: gzip, chunked\r\n", chunk+"0\r\n\r\n"),
		"chunks twice":                  post(chunked+chunked, chunk+"0\r\n\r\n"),
		"chunks with a blank before":    post("Transfer-Encoding : chunked\r\n", chunk+"0\r\n\r\n"),
		"chunks on a line of their own": post("Transfer-Encoding:\r\n chunked\r\n"+"X: y\r\n", "zz\r\n\r\n"),
		"an old protocol in chunks":     strings.Replace(post(chunked, chunk+"0\r\n\r\n"), "HTTP/1.1", "HTTP/1.0", 1),
		"another expectation":           post(length+"Expect: 200-ok\r\n", body),
		"a protocol of the future":      strings.Replace(post(length, body), "HTTP/1.1", "HTTP/3.0", 1),
		"no protocol":                   strings.Replace(post(length, body), " HTTP/1.1", "", 1),
		"no host":                       strings.Replace(post(length, body), "Host: x\r\n", "", 1),
		"two hosts":                     strings.Replace(post(length, body), "Host: x\r\n", "Host: x\r\nHost: y\r\n", 1),
		"a null in a header":            post(length+"X: a\x00b\r\n", body),
		"a name with a blank":           post(length+"X Y: a\r\n", body),
		"a carriage return alone":       post(length+"X: a\rSet-Cookie: b\r\n", body),
	} {
		statuses, sessions := spoken(t, address, text, cut[name])
		if sessions > 0 {
			t.Errorf("%s: signs in", name)
		}
		for _, status := range statuses {
			if status != 0 && (status < 400 || status >= 500) && status != http.StatusNotImplemented && status != http.StatusHTTPVersionNotSupported {
				t.Errorf("%s: answered %v", name, statuses)
			}
		}
	}
	// Whoever asks before sending too much is refused, and not told to go on.
	if statuses, _ := spoken(t, address, post("Content-Length: 10000000\r\nExpect: 100-continue\r\n", ""), false); len(statuses) != 1 || statuses[0] != http.StatusRequestEntityTooLarge {
		t.Errorf("a body that never comes: answered %v", statuses)
	}
	if statuses, sessions := spoken(t, address, post(length+"Expect: 100-continue\r\n", body), false); len(statuses) != 2 || statuses[0] != 100 || sessions != 1 {
		t.Errorf("the control, which may go on: answered %v", statuses)
	}
	// A request inside a body that is too long for it is not answered.
	inner := "GET " + v4.base + "/session HTTP/1.1\r\nHost: x\r\n\r\n"
	keep := func(text string) string { return strings.Replace(text, "Connection: close\r\n", "", 1) }
	for name, text := range map[string]string{
		"behind a body beyond the limit": post("Content-Length: 10000000\r\n", strings.Repeat(" ", 300000)+inner),
		"in a body beyond the limit":     post(chunked, fmt.Sprintf("%x\r\n", 10000000)+strings.Repeat(" ", 300000)+inner),
	} {
		if statuses, _ := spoken(t, address, keep(text), true); len(statuses) > 1 {
			t.Errorf("a request %s is answered: %v", name, statuses)
		}
	}
	if statuses, _ := spoken(t, address, keep(post(length, body))+inner, true); len(statuses) != 2 {
		t.Errorf("the control, two requests: %v", statuses)
	}
	if statuses, sessions := spoken(t, address, post(length, body), false); len(statuses) != 1 || statuses[0] != 200 || sessions != 1 {
		t.Errorf("afterwards: %v, %d sessions", statuses, sessions)
	}
	s.log.clean(t)
}
